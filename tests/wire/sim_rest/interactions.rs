//! Commands, buttons and modals.

use super::{Bot, SOON, id};
use cogsmith::clock::Clock;
use cogsmith::sim::{InteractionRequest, SimOptions};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn commands_are_checked_registered_and_replaced() {
    let bot = Bot::start().await;
    let path = format!("/applications/{}/commands", bot.sim.bot_user());
    let (status, error) = bot
        .post(&path, json!({"name": "Bad Name", "description": "x"}))
        .await;
    assert_eq!((status, &error["code"]), (400, &json!(50035)));
    let (status, rank) = bot
        .post(&path, json!({"name": "rank", "description": "Shows"}))
        .await;
    assert_eq!(status, 201);
    let body = json!([
        {"name": "rank", "description": "Shows more"},
        {"name": "ping", "description": "Answers"},
        {"name": "Look", "type": 2},
    ]);
    let (_, all) = bot.put(&path, body).await;
    assert_eq!(all[0]["id"], rank["id"]);
    assert_eq!(bot.get(&path).await.1.as_array().unwrap().len(), 3);
    let twice = json!([{"name": "a", "description": "x"}, {"name": "a", "description": "y"}]);
    assert_eq!(bot.put(&path, twice).await.1["code"], 50035);
    let one = format!("{path}/{}", id(&all[1]));
    assert_eq!(
        bot.patch(&one, json!({"description": "Pong"})).await.1["description"],
        "Pong"
    );
    assert_eq!(bot.delete(&one).await.0, 204);
    assert_eq!(bot.get(&one).await.1["code"], 10063);
}

async fn registered(bot: &Bot) {
    let path = format!("/applications/{}/commands", bot.sim.bot_user());
    let body = json!([{"name": "tag", "description": "Tags", "options": [
        {"type": 1, "name": "add", "description": "Adds", "options": [
            {"type": 6, "name": "who", "description": "Whom", "required": true},
            {"type": 4, "name": "n", "description": "How many", "min_value": 1},
        ]},
    ]}]);
    assert_eq!(bot.put(&path, body).await.0, 200);
}

/// The event of the last interaction.
fn interaction(
    events: &mut tokio::sync::broadcast::Receiver<std::sync::Arc<cogsmith::sim::Dispatch>>,
) -> Value {
    loop {
        let event = events.try_recv().unwrap();
        if event.name == "INTERACTION_CREATE" {
            return event.data.clone();
        }
    }
}

fn callback_path(event: &Value) -> String {
    let (id, token) = (
        event["id"].as_str().unwrap(),
        event["token"].as_str().unwrap(),
    );
    format!("/interactions/{id}/{token}/callback")
}

#[tokio::test]
async fn a_slash_command_is_deferred_filled_and_followed() {
    let bot = Bot::start().await;
    registered(&bot).await;
    let (anna, ben) = (bot.user("anna"), bot.user("ben"));
    let mut events = bot.sim.subscribe();
    let slash = |options: Value| {
        let name = "tag add".to_owned();
        bot.sim.interact(
            anna,
            bot.general(),
            InteractionRequest::Slash { name, options },
        )
    };
    assert!(slash(json!({})).is_err());
    assert!(slash(json!({"who": ben.to_string(), "n": 0})).is_err());
    let used = slash(json!({"who": ben.to_string(), "n": 2})).unwrap();
    let event = interaction(&mut events);
    assert_eq!(event["data"]["options"][0]["options"][1]["value"], 2);
    let resolved = &event["data"]["resolved"]["users"][ben.to_string().as_str()];
    assert_eq!(resolved["username"], "ben");
    assert!(event["member"]["permissions"].is_string());

    let path = callback_path(&event);
    let (status, answer) = bot
        .post(&format!("{path}?with_response=true"), json!({"type": 5}))
        .await;
    assert_eq!(status, 200);
    assert_eq!(answer["interaction"]["response_message_loading"], true);
    assert_eq!(
        bot.post(&path, json!({"type": 4, "data": {"content": "x"}}))
            .await
            .1["code"],
        40060
    );
    assert!(!used.state().is_complete);

    let hook = format!(
        "/webhooks/{}/{}",
        bot.sim.bot_user(),
        event["token"].as_str().unwrap()
    );
    let original = format!("{hook}/messages/@original");
    assert_eq!(
        bot.patch(&original, json!({"content": "done"})).await.0,
        200
    );
    let view = used.response(SOON).await.unwrap();
    let message = view.message.unwrap();
    assert_eq!(
        (&message["content"], &message["flags"]),
        (&json!("done"), &json!(0))
    );
    let (_, more) = bot
        .post(&hook, json!({"content": "more", "flags": 64}))
        .await;
    assert_eq!(more["flags"], 64);
    let follow_ups = used.follow_ups(1, SOON).await.unwrap();
    assert_eq!(follow_ups[0]["content"], "more");
    let path = format!("/channels/{}/messages/{}", bot.general(), id(&more));
    assert_eq!(bot.get(&path).await.1["code"], 10008);
    assert_eq!(
        bot.delete(&format!("{hook}/messages/{}", id(&more)))
            .await
            .0,
        204
    );
}

#[tokio::test]
async fn interactions_expire_by_the_clock() {
    let clock = Clock::paused(1_800_000_000);
    let options = SimOptions {
        clock: clock.clone(),
        ..SimOptions::default()
    };
    let bot = Bot::with(options).await;
    registered(&bot).await;
    let mut events = bot.sim.subscribe();
    let request = InteractionRequest::Slash {
        name: "tag add".into(),
        options: json!({"who": bot.user("ben").to_string()}),
    };
    bot.sim
        .interact(bot.user("anna"), bot.general(), request)
        .unwrap();
    let path = callback_path(&interaction(&mut events));
    clock.advance_to_next(Duration::from_secs(1_800_000_004));
    let (status, error) = bot
        .post(&path, json!({"type": 4, "data": {"content": "x"}}))
        .await;
    assert_eq!((status, &error["code"]), (404, &json!(10062)));
}

#[tokio::test]
async fn buttons_update_and_modals_open() {
    let bot = Bot::start().await;
    let anna = bot.user("anna");
    let row = json!([{"type": 1, "components": [
        {"type": 2, "style": 1, "label": "Go", "custom_id": "go"},
        {"type": 2, "style": 1, "label": "No", "custom_id": "no", "disabled": true},
    ]}]);
    let path = format!("/channels/{}/messages", bot.general());
    let (_, message) = bot
        .post(&path, json!({"content": "press", "components": row}))
        .await;
    let mut events = bot.sim.subscribe();
    let click = |custom_id: &str| {
        let request = InteractionRequest::Component {
            message: id(&message),
            custom_id: custom_id.into(),
            values: Vec::new(),
        };
        bot.sim.interact(anna, bot.general(), request)
    };
    assert!(click("no").is_err() && click("nothing").is_err());
    click("go").unwrap();
    let event = interaction(&mut events);
    assert_eq!(event["message"]["id"], message["id"]);
    let update = json!({"type": 7, "data": {"content": "pressed", "components": []}});
    assert_eq!(bot.post(&callback_path(&event), update).await.0, 204);
    let shown = bot.sim.message(bot.general(), id(&message)).unwrap();
    assert_eq!(
        (&shown["content"], &shown["components"]),
        (&json!("pressed"), &json!([]))
    );

    let (_, message) = bot
        .post(
            &path,
            json!({"content": "form", "components": [{"type": 1, "components": [
            {"type": 2, "style": 1, "label": "Form", "custom_id": "form"}]}]}),
        )
        .await;
    let request = InteractionRequest::Component {
        message: id(&message),
        custom_id: "form".into(),
        values: Vec::new(),
    };
    bot.sim.interact(anna, bot.general(), request).unwrap();
    let modal = json!({"type": 9, "data": {"custom_id": "feedback", "title": "Feedback",
        "components": [{"type": 1, "components": [
            {"type": 4, "custom_id": "text", "style": 2, "label": "Text", "min_length": 3}]}]}});
    let path = callback_path(&interaction(&mut events));
    assert_eq!(bot.post(&path, modal).await.0, 204);
    let submit = |text: &str| InteractionRequest::Modal {
        custom_id: "feedback".into(),
        fields: vec![("text".into(), text.into())],
    };
    assert!(bot.sim.interact(anna, bot.general(), submit("x")).is_err());
    bot.sim
        .interact(anna, bot.general(), submit("great"))
        .unwrap();
    let event = interaction(&mut events);
    assert_eq!(event["type"], 5);
    assert_eq!(
        event["data"]["components"][0]["components"][0]["value"],
        "great"
    );
}

#[tokio::test]
async fn commands_complete_obey_permissions_and_work_in_direct_channels() {
    let bot = Bot::start().await;
    let anna = bot.user("anna");
    let path = format!("/applications/{}/commands", bot.sim.bot_user());
    let body = json!([
        {"name": "find", "description": "Finds", "options": [
            {"type": 3, "name": "what", "description": "What", "autocomplete": true, "required": true}]},
        {"name": "clean", "description": "Cleans", "default_member_permissions": "8192", "contexts": [0]},
        {"name": "Look", "type": 2},
    ]);
    assert_eq!(bot.put(&path, body).await.0, 200);
    let mut events = bot.sim.subscribe();
    let typing = InteractionRequest::Autocomplete {
        name: "find".into(),
        options: json!({"what": "ap"}),
        focused: "what".into(),
    };
    let used = bot.sim.interact(anna, bot.general(), typing).unwrap();
    let event = interaction(&mut events);
    assert_eq!(
        (&event["type"], &event["data"]["options"][0]["focused"]),
        (&json!(4), &json!(true))
    );
    let choices = json!({"type": 8, "data": {"choices": [{"name": "Apple", "value": "apple"}]}});
    assert_eq!(bot.post(&callback_path(&event), choices).await.0, 204);
    assert_eq!(
        used.response(SOON).await.unwrap().choices[0]["value"],
        "apple"
    );

    let slash = |name: &str| InteractionRequest::Slash {
        name: name.into(),
        options: json!({}),
    };
    let refused = bot
        .sim
        .interact(anna, bot.general(), slash("clean"))
        .unwrap_err();
    assert_eq!(refused.code(), Some(50013));
    assert!(
        bot.sim
            .interact(bot.sim.owner(), bot.general(), slash("clean"))
            .is_ok()
    );
    let direct = bot.sim.direct_channel(anna);
    let refused = bot.sim.interact(anna, direct, slash("clean")).unwrap_err();
    assert_eq!(refused.code(), Some(10063));
    interaction(&mut events);
    let request = InteractionRequest::Slash {
        name: "find".into(),
        options: json!({"what": "pear"}),
    };
    bot.sim.interact(anna, direct, request).unwrap();
    let event = interaction(&mut events);
    assert_eq!(event["user"]["username"], "anna");
    assert!(event.get("guild_id").is_none());
    let look = InteractionRequest::User {
        name: "Look".into(),
        target: bot.user("ben"),
    };
    bot.sim.interact(anna, bot.general(), look).unwrap();
    let event = interaction(&mut events);
    assert_eq!(event["data"]["target_id"], bot.user("ben").to_string());
}

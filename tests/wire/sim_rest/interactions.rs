//! Commands, buttons and modals.

use super::{Bot, SOON, id};
use cogsmith::clock::Clock;
use cogsmith::sim::{Interaction, InteractionRequest, SimError, SimOptions};
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
    let hook = format!(
        "/webhooks/{}/{}",
        bot.sim.bot_user(),
        event["token"].as_str().unwrap()
    );
    let early = bot.post(&hook, json!({"content": "too early"})).await;
    assert_eq!(early.1["code"], 10015);
    for kind in [1, 6, 7, 8] {
        let data = json!({"content": "x", "choices": []});
        let refused = bot.post(&path, json!({"type": kind, "data": data})).await;
        assert_eq!(refused.1["code"], 50035, "{kind}");
    }
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
    assert_eq!(message["edited_timestamp"], Value::Null);
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
    let again = request.clone();
    bot.sim
        .interact(bot.user("anna"), bot.general(), request)
        .unwrap();
    let path = callback_path(&interaction(&mut events));
    clock.advance_to_next(Duration::from_secs(1_800_000_004));
    let (status, error) = bot
        .post(&path, json!({"type": 4, "data": {"content": "x"}}))
        .await;
    assert_eq!((status, &error["code"]), (404, &json!(10062)));

    bot.sim
        .interact(bot.user("anna"), bot.general(), again)
        .unwrap();
    let event = interaction(&mut events);
    let said = json!({"type": 4, "data": {"content": "x"}});
    assert_eq!(bot.post(&callback_path(&event), said).await.0, 204);
    let token = event["token"].as_str().unwrap();
    let hook = format!("/webhooks/{}/{token}", bot.sim.bot_user());
    clock.advance_to_next(Duration::from_secs(1_800_000_004 + 899));
    assert_eq!(bot.post(&hook, json!({"content": "y"})).await.0, 200);
    clock.advance_to_next(Duration::from_secs(1_800_000_004 + 902));
    let (status, error) = bot.post(&hook, json!({"content": "z"})).await;
    assert_eq!((status, &error["code"]), (401, &json!(50027)));
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
    let member = format!("/guilds/{}/members/{anna}", bot.sim.guild());
    let timeout = |until: Value| {
        let body = json!({"communication_disabled_until": until});
        bot.sim
            .call_as(bot.sim.owner(), "PATCH", &member, body)
            .unwrap();
    };
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_mins(5);
    timeout(json!(soon.to_string()));
    assert_eq!(click("go").unwrap_err().code(), Some(50013));
    timeout(Value::Null);
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
    let number = json!({"type": 8, "data": {"choices": [{"name": "Apple", "value": 1}]}});
    assert_eq!(
        bot.post(&callback_path(&event), number).await.1["code"],
        50035
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

/// Sends a message with a button, clicks it as anna, and opens this modal.
async fn open_modal(bot: &Bot, components: Value) -> (u16, Value) {
    let row = json!([{"type": 1, "components": [
        {"type": 2, "style": 1, "label": "Form", "custom_id": "form"}]}]);
    let path = format!("/channels/{}/messages", bot.general());
    let (_, message) = bot
        .post(&path, json!({"content": "form", "components": row}))
        .await;
    let mut events = bot.sim.subscribe();
    let request = InteractionRequest::Component {
        message: id(&message),
        custom_id: "form".into(),
        values: Vec::new(),
    };
    bot.sim
        .interact(bot.user("anna"), bot.general(), request)
        .unwrap();
    let modal = json!({"custom_id": "survey", "title": "Survey", "components": components});
    let path = callback_path(&interaction(&mut events));
    bot.post(&path, json!({"type": 9, "data": modal})).await
}

/// Sends the modal that stands open as anna.
fn submit(bot: &Bot, fields: Vec<(&str, Value)>) -> Result<Interaction, SimError> {
    let fields = fields.into_iter();
    let request = InteractionRequest::Modal {
        custom_id: "survey".into(),
        fields: fields.map(|(name, value)| (name.into(), value)).collect(),
    };
    bot.sim.interact(bot.user("anna"), bot.general(), request)
}

fn label(inner: &Value) -> Value {
    json!({"type": 18, "label": "A label", "component": inner})
}

fn options() -> Value {
    json!([{"label": "One", "value": "1"}, {"label": "Two", "value": "2", "default": true}])
}

#[tokio::test]
async fn a_modal_is_sent_with_ids_values_and_what_they_name() {
    let bot = Bot::start().await;
    let (anna, ben) = (bot.user("anna"), bot.user("ben"));
    let components = json!([
        {"type": 10, "content": "Please"},
        label(&json!({"type": 4, "custom_id": "text", "style": 1, "value": "as it was"})),
        label(&json!({"type": 3, "custom_id": "menu", "options": options()})),
        label(&json!({"type": 5, "custom_id": "who", "id": 3, "max_values": 2})),
        label(&json!({"type": 19, "custom_id": "file", "required": false})),
    ]);
    let answer = open_modal(&bot, components).await;
    assert_eq!(answer.0, 204, "{}", answer.1);
    let upload = bot
        .sim
        .upload(anna, "a b.txt", Some("text/plain"), "hello".into())
        .unwrap();
    let who = json!([ben.to_string(), anna.to_string()]);
    for (field, value) in [
        ("menu", json!(["3"])),
        ("menu", json!([])),
        ("menu", json!(["1", "2"])),
        ("text", json!("")),
        ("text", json!(7)),
        ("who", json!([ben.to_string(), ben.to_string()])),
        ("who", json!(["7"])),
        ("file", json!(["7"])),
        ("other", json!("x")),
    ] {
        // The first entry of a name counts.
        let refused = submit(&bot, vec![(field, value.clone()), ("who", who.clone())]);
        assert!(refused.is_err(), "{field}: {value}");
    }
    let mut events = bot.sim.subscribe();
    let files = json!([upload.to_string()]);
    submit(&bot, vec![("who", who.clone()), ("file", files.clone())]).unwrap();
    let event = interaction(&mut events);
    let sent = event["data"]["components"].as_array().unwrap();
    assert_eq!(sent[0], json!({"type": 10, "id": 1}));
    let inner: Vec<&Value> = sent.iter().skip(1).map(|one| &one["component"]).collect();
    let text = json!({"type": 4, "id": 4, "custom_id": "text", "value": "as it was"});
    assert_eq!(*inner[0], text);
    assert_eq!(inner[1]["values"], json!(["2"]));
    assert_eq!((&inner[2]["id"], &inner[2]["values"]), (&json!(3), &who));
    assert_eq!(inner[3]["values"], files);
    let resolved = &event["data"]["resolved"];
    assert_eq!(resolved["users"][ben.to_string()]["username"], "ben");
    let file = &resolved["attachments"][upload.to_string()];
    assert_eq!(file["filename"], "a_b.txt");
    // It is gone now.
    assert!(submit(&bot, vec![("who", who)]).is_err());

    let path = callback_path(&event);
    let modal = json!({"custom_id": "next", "title": "Next", "components": [
        {"type": 10, "content": "No modal follows a modal"}]});
    let (status, error) = bot.post(&path, json!({"type": 9, "data": modal})).await;
    assert_eq!((status, &error["code"]), (400, &json!(50035)));
    let said = json!({"type": 4, "data": {"content": "thanks"}});
    let (_, answer) = bot.post(&format!("{path}?with_response=true"), said).await;
    let metadata = &answer["resource"]["message"]["interaction_metadata"];
    let trigger = &metadata["triggering_interaction_metadata"];
    assert_eq!(
        (&metadata["type"], &trigger["type"]),
        (&json!(5), &json!(3))
    );
    assert!(trigger["interacted_message_id"].is_string());
}

#[tokio::test]
async fn boxes_of_a_modal_are_checked_and_sent() {
    let bot = Bot::start().await;
    let components = json!([
        label(&json!({"type": 21, "custom_id": "radio", "options": options()})),
        label(&json!({"type": 21, "custom_id": "any", "options": options(), "required": false})),
        label(&json!({"type": 22, "custom_id": "boxes", "options": options(), "min_values": 2})),
        label(&json!({"type": 23, "custom_id": "box", "default": true})),
    ]);
    let answer = open_modal(&bot, components).await;
    assert_eq!(answer.0, 204, "{}", answer.1);
    let both = json!(["1", "2"]);
    for (field, value) in [
        ("radio", Value::Null),
        ("radio", both.clone()),
        ("radio", json!("3")),
        ("boxes", json!(["1"])),
        ("box", json!("maybe")),
    ] {
        let refused = submit(&bot, vec![(field, value.clone()), ("boxes", both.clone())]);
        assert!(refused.is_err(), "{field}: {value}");
    }
    let mut events = bot.sim.subscribe();
    submit(&bot, vec![("boxes", both.clone()), ("any", Value::Null)]).unwrap();
    let event = interaction(&mut events);
    let inner = |index: usize| &event["data"]["components"][index]["component"];
    assert_eq!(inner(0)["value"], "2");
    assert_eq!(inner(1)["value"], Value::Null);
    assert_eq!(inner(2)["values"], both);
    assert_eq!(inner(3)["value"], true);
}

#[tokio::test]
async fn answers_tell_which_interaction_they_answer() {
    let bot = Bot::start().await;
    let (anna, ben) = (bot.user("anna"), bot.user("ben"));
    let path = format!("/applications/{}/commands", bot.sim.bot_user());
    let body = json!([
        {"name": "tag", "description": "Tags", "options": [
            {"type": 1, "name": "list", "description": "Lists"}]},
        {"name": "Look", "type": 2}, {"name": "Quote", "type": 3},
    ]);
    assert_eq!(bot.put(&path, body).await.0, 200);
    let (_, message) = bot
        .post(
            &format!("/channels/{}/messages", bot.general()),
            json!({"content": "x"}),
        )
        .await;
    let slash = InteractionRequest::Slash {
        name: "tag list".into(),
        options: json!({}),
    };
    let user = InteractionRequest::User {
        name: "Look".into(),
        target: ben,
    };
    let quote = InteractionRequest::Message {
        name: "Quote".into(),
        target: id(&message),
    };
    let mut events = bot.sim.subscribe();
    for (request, kind, name, about) in [
        (slash, 20, "tag list", Value::Null),
        (user, 23, "Look", json!({"target_user": ben.to_string()})),
        (
            quote,
            23,
            "Quote",
            json!({"target_message_id": message["id"]}),
        ),
    ] {
        bot.sim.interact(anna, bot.general(), request).unwrap();
        let event = interaction(&mut events);
        let path = format!("{}?with_response=true", callback_path(&event));
        let (_, answer) = bot
            .post(&path, json!({"type": 4, "data": {"content": "x"}}))
            .await;
        let answer = &answer["resource"]["message"];
        assert_eq!(answer["type"], kind);
        assert_eq!(answer["interaction"]["name"], name);
        let metadata = &answer["interaction_metadata"];
        assert_eq!(metadata["user"]["username"], "anna");
        for (field, value) in about.as_object().into_iter().flatten() {
            let told = &metadata[field];
            assert_eq!(told.get("id").unwrap_or(told), value);
        }
        let hook = format!(
            "/webhooks/{}/{}",
            bot.sim.bot_user(),
            event["token"].as_str().unwrap()
        );
        let (_, more) = bot.post(&hook, json!({"content": "more"})).await;
        let original = &more["interaction_metadata"]["original_response_message_id"];
        assert_eq!(*original, answer["id"]);
    }
}

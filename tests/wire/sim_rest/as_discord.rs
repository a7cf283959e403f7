//! What clients of other languages have been seen to depend on.

use super::{Bot, id};
use cogsmith::clock::Clock;
use cogsmith::sim::{Dispatch, Limit, RateLimits, SimOptions};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;

/// The names of the dispatches so far, and their data.
fn dispatched(events: &mut Receiver<Arc<Dispatch>>) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    while let Ok(event) = events.try_recv() {
        all.push((event.name.clone(), event.data.clone()));
    }
    all
}

fn named<'a>(events: &'a [(String, Value)], name: &str) -> Vec<&'a Value> {
    let found = events.iter().filter(|(one, _)| one == name);
    found.map(|(_, data)| data).collect()
}

#[tokio::test]
async fn whom_a_message_mentions_comes_with_the_member() {
    let bot = Bot::start().await;
    let (anna, ben, general) = (bot.user("anna"), bot.user("ben"), bot.general());
    let mut events = bot.sim.subscribe();
    let said = bot
        .sim
        .say(anna, general, &format!("!kick <@{ben}>"))
        .unwrap();
    let told = dispatched(&mut events);
    let mentioned = &named(&told, "MESSAGE_CREATE")[0]["mentions"][0];
    assert_eq!(mentioned["id"], ben.to_string());
    assert!(mentioned["member"]["joined_at"].is_string(), "{mentioned}");
    assert!(mentioned["member"].get("user").is_none());
    // Only events have it.
    assert!(said["mentions"][0].get("member").is_none());
}

#[tokio::test]
async fn an_answer_follows_what_becomes_of_the_message_that_it_answers() {
    let bot = Bot::start().await;
    let (anna, general) = (bot.user("anna"), bot.general());
    let first = bot.sim.say(anna, general, "tea?").unwrap();
    let path = format!("/channels/{general}/messages");
    let body = json!({"content": "yes", "message_reference": {"message_id": first["id"]}});
    let (_, answer) = bot.post(&path, body).await;
    assert_eq!(answer["referenced_message"]["content"], "tea?");
    let edited = json!({"content": "cocoa?"});
    bot.sim.edit_as(anna, general, id(&first), edited).unwrap();
    let answer_path = format!("{path}/{}", id(&answer));
    let (_, shown) = bot.get(&answer_path).await;
    assert_eq!(shown["referenced_message"]["content"], "cocoa?");
    bot.sim.delete_as(anna, general, id(&first)).unwrap();
    let (_, shown) = bot.get(&answer_path).await;
    assert_eq!(shown["referenced_message"], Value::Null);
    assert!(
        shown
            .as_object()
            .unwrap()
            .contains_key("referenced_message")
    );
    assert_eq!(shown["message_reference"]["message_id"], first["id"]);
}

#[tokio::test]
async fn a_message_is_forwarded_as_it_is() {
    let bot = Bot::start().await;
    let (anna, general) = (bot.user("anna"), bot.general());
    let first = bot.sim.say(anna, general, "tea").unwrap();
    let playground = bot.sim.channel("playground").unwrap();
    let reference = json!({
        "type": 1, "message_id": first["id"], "channel_id": general.to_string(),
    });
    let path = format!("/channels/{playground}/messages");
    let (status, forwarded) = bot
        .post(&path, json!({"message_reference": reference}))
        .await;
    assert_eq!(status, 200, "{forwarded}");
    assert_eq!(
        forwarded["message_snapshots"][0]["message"]["content"],
        "tea"
    );
    assert_eq!(forwarded["message_reference"]["type"], 1);
    assert_eq!(forwarded["flags"], 1 << 14);
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes
}

#[tokio::test]
async fn files_are_known_and_embeds_show_them() {
    let bot = Bot::start().await;
    let body = json!({"embeds": [{
        "image": {"url": "attachment://cat.png"}, "footer": {"text": "a cat", "icon_url": "attachment://cat.png"},
        "fields": [{"name": "a", "value": "b"}],
    }]});
    let form = Form::new()
        .text("payload_json", body.to_string())
        .part("files[0]", Part::bytes(png(640, 480)).file_name("cat.png"))
        .part(
            "files[1]",
            Part::bytes(b"hello".to_vec()).file_name("notes.txt"),
        );
    let url = format!(
        "{}/api/v10/channels/{}/messages",
        bot.sim.url(),
        bot.general()
    );
    let request = bot
        .http
        .post(url)
        .header("authorization", bot.authorization());
    let answer = request.multipart(form).send().await.unwrap();
    let message: Value = answer.json().await.unwrap();
    let cat = &message["attachments"][0];
    assert_eq!(cat["content_type"], "image/png", "{message}");
    assert_eq!((&cat["width"], &cat["height"]), (&json!(640), &json!(480)));
    let notes = &message["attachments"][1];
    assert_eq!(notes["content_type"], "text/plain; charset=utf-8");
    assert!(notes.get("width").is_none());
    let embed = &message["embeds"][0];
    assert_eq!(embed["image"]["url"], cat["url"]);
    assert_eq!(embed["image"]["width"], 640);
    assert_eq!(embed["footer"]["icon_url"], cat["url"]);
    assert_eq!(embed["fields"][0]["inline"], false);
}

#[tokio::test]
async fn an_emoji_that_nobody_has_is_unknown() {
    let bot = Bot::start().await;
    let (guild, general) = (bot.sim.guild(), bot.general());
    let said = bot.sim.say(bot.user("anna"), general, "tea").unwrap();
    let path = format!("/channels/{general}/messages");
    let reaction = |emoji: &str| format!("{path}/{}/reactions/{emoji}/@me", id(&said));
    let (status, refused) = bot
        .put(&reaction("pot:123456789012345678"), Value::Null)
        .await;
    assert_eq!((status, &refused["code"]), (400, &json!(10014)));
    let button = |emoji: &Value| {
        json!({"content": "x", "components": [{"type": 1, "components": [
            {"type": 2, "style": 1, "custom_id": "a", "emoji": emoji},
        ]}]})
    };
    let unknown = json!({"id": "123456789012345678", "name": "pot"});
    let (status, refused) = bot.post(&path, button(&unknown)).await;
    assert_eq!(status, 400, "{refused}");
    let place = "/errors/components/0/components/0/emoji/id/_errors/0/code";
    assert_eq!(
        refused.pointer(place),
        Some(&json!("COMPONENT_INVALID_EMOJI"))
    );

    let picture = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUg==";
    let body = json!({"name": "pot", "image": picture});
    let owner = bot.sim.owner();
    let emojis = format!("/guilds/{guild}/emojis");
    let emoji = bot.sim.call_as(owner, "POST", &emojis, body).unwrap();
    // Whatever a path calls it, it has its own name.
    let named = format!("kettle:{}", id(&emoji));
    assert_eq!(bot.put(&reaction(&named), Value::Null).await.0, 204);
    let shown = bot.sim.message(general, id(&said)).unwrap();
    assert_eq!(shown["reactions"][0]["emoji"]["name"], "pot");
    let known = json!({"id": emoji["id"], "name": "pot"});
    assert_eq!(bot.post(&path, button(&known)).await.0, 200);
}

#[tokio::test]
async fn the_roles_of_a_guild_move_and_tell_it() {
    let bot = Bot::start().await;
    let guild = bot.sim.guild();
    let path = format!("/guilds/{guild}/roles");
    let moderators = bot.sim.role(guild, "moderators").unwrap();
    let mut events = bot.sim.subscribe();
    let (_, tea) = bot.post(&path, json!({"name": "tea"})).await;
    let told = dispatched(&mut events);
    let moved = named(&told, "GUILD_ROLE_UPDATE");
    let of_moderators = moved
        .iter()
        .find(|it| it["role"]["id"].as_str() == Some(&moderators.to_string()));
    assert_eq!(of_moderators.unwrap()["role"]["position"], 2);
    // discord.js sends all roles: those above the bot stay where they are, and are no fault.
    let (_, roles) = bot.get(&path).await;
    let all: Vec<Value> = roles
        .as_array()
        .unwrap()
        .iter()
        .map(|role| {
            let position = match role["id"] == tea["id"] {
                true => json!(2),
                false if role["id"].as_str() == Some(&moderators.to_string()) => json!(1),
                false => role["position"].clone(),
            };
            json!({"id": role["id"], "position": position})
        })
        .collect();
    let (status, ordered) = bot.patch(&path, json!(all)).await;
    assert_eq!(status, 200, "{ordered}");
    let told = dispatched(&mut events);
    assert_eq!(named(&told, "GUILD_ROLE_UPDATE").len(), 2);
    let own = roles
        .as_array()
        .unwrap()
        .iter()
        .find(|role| role["name"] == "cogsmith")
        .unwrap();
    let above = json!([{"id": own["id"], "position": 9}]);
    assert_eq!(bot.patch(&path, above).await.1["code"], 50013);
}

#[tokio::test]
async fn channels_tell_of_what_becomes_of_them() {
    let bot = Bot::start().await;
    let (guild, general) = (bot.sim.guild(), bot.general());
    let (_, shown) = bot.get(&format!("/channels/{general}")).await;
    let mut events = bot.sim.subscribe();
    let category = shown["parent_id"].as_str().unwrap();
    assert_eq!(bot.delete(&format!("/channels/{category}")).await.0, 200);
    let told = dispatched(&mut events);
    let updates = named(&told, "CHANNEL_UPDATE");
    assert_eq!(updates.len(), 3);
    assert!(updates.iter().all(|channel| channel["parent_id"].is_null()));

    // Nothing is converted in a guild that has no announcement channels, and nothing else ever.
    let voice = bot.sim.channel("Voice").unwrap();
    for channel in [general, voice] {
        let path = format!("/channels/{channel}");
        let (status, refused) = bot.patch(&path, json!({"type": 5})).await;
        assert_eq!((status, &refused["code"]), (400, &json!(50035)));
    }
    let thread = json!({"name": "aside", "type": 11});
    let (status, refused) = bot
        .post(&format!("/channels/{voice}/threads"), thread)
        .await;
    assert_eq!((status, &refused["code"]), (400, &json!(50024)));
    let media = json!({"name": "pictures", "type": 16});
    let (status, made) = bot.post(&format!("/guilds/{guild}/channels"), media).await;
    assert_eq!((status, &made["type"]), (201, &json!(16)));
}

#[tokio::test]
async fn text_becomes_news_where_there_are_news() {
    let mut options = SimOptions::default();
    options.world.guilds[0].features.push("NEWS".to_owned());
    let bot = Bot::with(options).await;
    let path = format!("/channels/{}", bot.general());
    let (status, changed) = bot.patch(&path, json!({"type": 5})).await;
    assert_eq!((status, &changed["type"]), (200, &json!(5)));
}

#[tokio::test]
async fn a_thread_begins_with_what_it_is_about() {
    let bot = Bot::start().await;
    let (anna, general) = (bot.user("anna"), bot.general());
    let said = bot.sim.say(anna, general, "tea").unwrap();
    let path = format!("/channels/{general}");
    let begin = format!("{path}/messages/{}/threads", id(&said));
    let (status, thread) = bot.post(&begin, json!({"name": "about tea"})).await;
    assert_eq!(status, 201, "{thread}");
    let messages = bot.sim.messages(id(&thread));
    assert_eq!(messages[0]["type"], 21);
    assert_eq!(messages[0]["referenced_message"]["content"], "tea");
    assert_eq!(messages[0]["message_reference"]["message_id"], said["id"]);
    let (_, shown) = bot.get(&format!("/channels/{}", id(&thread))).await;
    assert_eq!(shown["message_count"], 0);

    let (_, aside) = bot
        .post(
            &format!("{path}/threads"),
            json!({"name": "aside", "type": 11}),
        )
        .await;
    let told = bot.sim.messages(general).pop().unwrap();
    assert_eq!(
        (&told["type"], &told["content"]),
        (&json!(18), &json!("aside"))
    );
    assert_eq!(told["message_reference"]["channel_id"], aside["id"]);
    let before = bot.sim.message_count(general);
    bot.post(
        &format!("{path}/threads"),
        json!({"name": "secret", "type": 12}),
    )
    .await;
    assert_eq!(bot.sim.message_count(general), before);
}

#[tokio::test]
async fn a_webhook_reopens_a_thread_and_has_a_picture_for_each_message() {
    let bot = Bot::start().await;
    let path = format!("/channels/{}", bot.general());
    let (_, hook) = bot
        .post(&format!("{path}/webhooks"), json!({"name": "Kettle"}))
        .await;
    let (_, thread) = bot
        .post(
            &format!("{path}/threads"),
            json!({"name": "aside", "type": 11}),
        )
        .await;
    let thread_path = format!("/channels/{}", id(&thread));
    bot.patch(&thread_path, json!({"archived": true})).await;
    let token = hook["token"].as_str().unwrap();
    let execute = format!(
        "/webhooks/{}/{token}?wait=true&thread_id={}",
        id(&hook),
        id(&thread)
    );
    let body =
        json!({"content": "x", "username": "Pot", "avatar_url": "https://example.com/a.png"});
    let (status, sent) = bot.post(&execute, body).await;
    assert_eq!(status, 200, "{sent}");
    assert_eq!(sent["author"]["username"], "Pot");
    assert_eq!(sent["author"]["avatar"].as_str().map(str::len), Some(32));
    let (_, plain) = bot.post(&execute, json!({"content": "y"})).await;
    assert_eq!(
        (&plain["author"]["username"], &plain["author"]["avatar"]),
        (&json!("Kettle"), &Value::Null)
    );
    let (_, shown) = bot.get(&thread_path).await;
    assert_eq!(shown["thread_metadata"]["archived"], false);
}

#[tokio::test]
async fn an_invite_ends() {
    let clock = Clock::paused(1_800_000_000);
    let options = SimOptions {
        clock: clock.clone(),
        ..SimOptions::default()
    };
    let bot = Bot::with(options).await;
    let path = format!("/channels/{}/invites", bot.general());
    let (_, invite) = bot.post(&path, json!({"max_age": 60})).await;
    let expires = invite["expires_at"].as_str().unwrap();
    assert!(expires.starts_with("2027-01-15T08:01:00"), "{expires}");
    let (_, for_ever) = bot.post(&path, json!({"max_age": 0})).await;
    assert_eq!(for_ever["expires_at"], Value::Null);
    assert_ne!(invite["code"], for_ever["code"]);
    let shown = format!("/invites/{}", invite["code"].as_str().unwrap());
    assert_eq!(bot.get(&shown).await.0, 200);
    clock.advance_to_next(Duration::from_secs(1_800_000_061));
    let (status, gone) = bot.get(&shown).await;
    assert_eq!((status, &gone["code"]), (404, &json!(10006)));
    assert_eq!(bot.get(&path).await.1.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn limits_are_discords_when_asked_for() {
    let options = SimOptions {
        rate_limits: RateLimits::discord(),
        ..SimOptions::default()
    };
    let bot = Bot::with(options).await;
    let path = format!("/channels/{}/messages", bot.general());
    let mut last = None;
    for _ in 0..6 {
        let answer = bot
            .send(Method::POST, &path, Some(json!({"content": "x"})))
            .await;
        last = Some(answer);
    }
    let last = last.unwrap();
    assert_eq!(last.status(), 429);
    let header = |name: &str| last.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("via"), "1.1 google");
    assert_eq!(header("x-ratelimit-scope"), "user");
    assert_eq!(
        (header("x-ratelimit-limit"), header("x-ratelimit-remaining")),
        ("5".to_owned(), "0".to_owned())
    );
    assert!(
        last.headers().contains_key("retry-after")
            && last.headers().contains_key("x-ratelimit-bucket")
    );
    let body: Value = last.json().await.unwrap();
    assert_eq!(body["global"], false);
    // What answers interactions is not counted, and has no bucket.
    let answer = bot
        .send(
            Method::POST,
            "/interactions/1/x/callback",
            Some(json!({"type": 4})),
        )
        .await;
    assert_eq!(answer.status(), 404);
    assert!(!answer.headers().contains_key("x-ratelimit-limit"));

    let per = Duration::from_secs(60);
    bot.sim.set_rate_limits(RateLimits {
        global: Some(Limit { requests: 1, per }),
        ..RateLimits::default()
    });
    assert_eq!(bot.get("/users/@me").await.0, 200);
    let (status, refused) = bot.get("/users/@me").await;
    assert_eq!((status, &refused["global"]), (429, &json!(true)));
}

#[tokio::test]
async fn slow_mode_is_for_people() {
    let bot = Bot::start().await;
    let (anna, general) = (bot.user("anna"), bot.general());
    let path = format!("/channels/{general}");
    bot.patch(&path, json!({"rate_limit_per_user": 60})).await;
    let everyone = bot.sim.guild();
    let own = bot.sim.role(everyone, "cogsmith").unwrap();
    // Send messages, see channels, read the history: nothing that exempts a person.
    bot.sim
        .set_permissions(everyone, own, 1 << 10 | 1 << 11 | 1 << 16)
        .unwrap();
    let messages = format!("{path}/messages");
    for _ in 0..2 {
        assert_eq!(bot.post(&messages, json!({"content": "x"})).await.0, 200);
    }
    bot.sim.say(anna, general, "one").unwrap();
    assert_eq!(
        bot.sim.say(anna, general, "two").unwrap_err().code(),
        Some(20016)
    );
}

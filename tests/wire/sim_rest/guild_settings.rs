//! What guilds set for themselves: welcome screens, onboarding, widgets, templates; integrations, and who is pruned.

use super::{Bot, id};
use cogsmith::clock::Clock;
use cogsmith::sim::SimOptions;
use serde_json::{Value, json};
use std::time::Duration;

/// Takes all permissions but the sight of channels from the bot.
fn forbid(bot: &Bot) {
    let role = bot.sim.role(bot.sim.guild(), "cogsmith").unwrap();
    bot.sim
        .set_permissions(bot.sim.guild(), role, 1 << 10)
        .unwrap();
}

#[tokio::test]
async fn who_was_not_there_for_long_is_pruned() {
    let clock = Clock::paused(1_861_920_000);
    let options = SimOptions {
        clock: clock.clone(),
        ..SimOptions::default()
    };
    let bot = Bot::with(options).await;
    let guild = bot.sim.guild();
    clock.advance_to_next(Duration::from_secs(1_861_920_000 + 10 * 24 * 60 * 60));
    bot.sim.say(bot.user("anna"), bot.general(), "hi").unwrap();
    let new = bot.sim.add_member(guild, "new", 0).unwrap();
    let path = format!("/guilds/{guild}/prune");
    assert_eq!(bot.get(&path).await.1, json!({"pruned": 1}));
    assert_eq!(bot.get(&format!("{path}?days=31")).await.1["code"], 50035);
    let mut events = bot.listen().await;
    let (status, pruned) = bot.post(&path, json!({"days": 7})).await;
    assert_eq!((status, pruned), (200, json!({"pruned": 1})));
    let gone = events.next("GUILD_MEMBER_REMOVE").await;
    assert_eq!(gone["user"]["username"], "ben");
    let entry = events.next("GUILD_AUDIT_LOG_ENTRY_CREATE").await;
    assert_eq!(entry["action_type"], 21);
    let there = format!("/guilds/{guild}/members/{new}");
    assert_eq!(bot.get(&there).await.0, 200);
    let quiet = json!({"days": 1, "compute_prune_count": false});
    assert_eq!(bot.post(&path, quiet).await.1, json!({"pruned": null}));
    forbid(&bot);
    assert_eq!(bot.get(&path).await.1["code"], 50013);
    assert_eq!(bot.post(&path, json!({})).await.1["code"], 50013);
}

#[tokio::test]
async fn integrations_are_the_bots() {
    let bot = Bot::start().await;
    let guild = bot.sim.guild();
    let path = format!("/guilds/{guild}/integrations");
    let (_, all) = bot.get(&path).await;
    let own = bot.sim.bot_user().to_string();
    assert_eq!(
        (&all[0]["type"], &all[0]["application"]["id"]),
        (&json!("discord"), &json!(own))
    );
    assert_eq!(bot.delete(&format!("{path}/5")).await.1["code"], 10005);
    let mut events = bot.listen().await;
    assert_eq!(bot.delete(&format!("{path}/{own}")).await.0, 204);
    assert_eq!(events.next("GUILD_DELETE").await["id"], guild.to_string());
    assert_eq!(bot.get(&path).await.1["code"], 50001);
}

#[tokio::test]
async fn a_welcome_screen_and_onboarding() {
    let bot = Bot::start().await;
    let guild = bot.sim.guild();
    let path = format!("/guilds/{guild}/welcome-screen");
    assert_eq!(bot.get(&path).await.1["code"], 10069);
    let mut events = bot.listen().await;
    let channel = json!({"channel_id": bot.general().to_string(), "description": "talk"});
    let body = json!({"enabled": true, "description": "hi", "welcome_channels": [channel]});
    let (status, screen) = bot.patch(&path, body).await;
    assert_eq!(
        (status, &screen["description"]),
        (200, &json!("hi")),
        "{screen}"
    );
    assert_eq!(screen["welcome_channels"][0]["emoji_name"], Value::Null);
    let told = events.next("GUILD_UPDATE").await;
    assert_eq!(told["features"], json!(["WELCOME_SCREEN_ENABLED"]));
    assert_eq!(bot.get(&path).await.1, screen);
    let elsewhere = json!({"welcome_channels": [{"channel_id": "5", "description": "x"}]});
    assert_eq!(bot.patch(&path, elsewhere).await.1["code"], 50035);

    let path = format!("/guilds/{guild}/onboarding");
    assert_eq!(bot.get(&path).await.1["enabled"], false);
    assert_eq!(
        bot.put(&path, json!({"enabled": true})).await.1["code"],
        350_000
    );
    let mut channels = Vec::new();
    for number in 0..7 {
        let channel = bot
            .sim
            .add_channel(guild, &format!("room{number}"), 0)
            .unwrap();
        channels.push(channel.to_string());
    }
    let option = json!({"title": "Cats", "emoji_name": "🐈", "channel_ids": [channels[0]]});
    let body = json!({
        "enabled": true, "default_channel_ids": channels,
        "prompts": [{"id": "0", "title": "What do you like?", "options": [option]}],
    });
    let (status, changed) = bot.put(&path, body).await;
    assert_eq!(status, 200, "{changed}");
    let prompt = &changed["prompts"][0];
    assert_ne!(prompt["id"], "0");
    assert_eq!(prompt["options"][0]["emoji"]["name"], "🐈");
    assert_eq!(bot.get(&path).await.1, changed);
    let welcome = format!("/guilds/{guild}/new-member-welcome");
    assert_eq!(bot.get(&welcome).await.0, 204);
    forbid(&bot);
    assert_eq!(bot.put(&path, json!({})).await.1["code"], 50013);
}

#[tokio::test]
async fn a_widget_is_for_everybody_once_it_is_on() {
    let bot = Bot::start().await;
    let guild = bot.sim.guild();
    let settings = format!("/guilds/{guild}/widget");
    let widget = format!("/guilds/{guild}/widget.json");
    let (status, error) = bot.get(&widget).await;
    assert_eq!((status, &error["code"]), (403, &json!(50004)));
    let body = json!({"enabled": true, "channel_id": bot.general().to_string()});
    let (_, shown) = bot.patch(&settings, body.clone()).await;
    assert_eq!(shown, body);
    assert_eq!(bot.get(&settings).await.1, body);
    let url = format!("{}/api/v10{widget}", bot.sim.url());
    let shown: Value = bot
        .http
        .get(&url)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        (&shown["name"], &shown["presence_count"]),
        (&json!("Cogsmith"), &json!(3))
    );
    assert_eq!(shown["members"][0]["id"], "0");
    let url = url.replace(".json", ".png");
    let picture = bot.http.get(url).send().await.unwrap();
    assert_eq!(picture.headers()["content-type"], "image/png");
    assert!(picture.bytes().await.unwrap().starts_with(b"\x89PNG"));
    forbid(&bot);
    assert_eq!(bot.patch(&settings, body).await.1["code"], 50013);
}

#[tokio::test]
async fn a_guild_has_one_template() {
    let bot = Bot::start().await;
    let guild = bot.sim.guild();
    let path = format!("/guilds/{guild}/templates");
    let (status, made) = bot.post(&path, json!({"name": "cogs"})).await;
    assert_eq!(status, 200, "{made}");
    let snapshot = &made["serialized_source_guild"];
    assert_eq!(
        (&snapshot["name"], &snapshot["roles"][0]["id"]),
        (&json!("Cogsmith"), &json!(0))
    );
    assert_eq!(bot.post(&path, json!({"name": "x"})).await.1["code"], 30031);
    let code = made["code"].as_str().unwrap();
    assert_eq!(bot.get(&format!("/guilds/templates/{code}")).await.1, made);
    let one = format!("{path}/{code}");
    bot.sim.add_channel(guild, "another", 0).unwrap();
    let (_, synced) = bot.put(&one, Value::Null).await;
    let count = |template: &Value| {
        let channels = &template["serialized_source_guild"]["channels"];
        channels.as_array().unwrap().len()
    };
    assert_eq!(count(&synced), count(&made) + 1);
    let (_, changed) = bot.patch(&one, json!({"description": "all"})).await;
    assert_eq!(
        (&changed["description"], &changed["name"]),
        (&json!("all"), &json!("cogs"))
    );
    assert_eq!(bot.get(&path).await.1, json!([changed]));
    assert_eq!(bot.delete(&one).await.0, 200);
    assert_eq!(
        bot.get(&format!("/guilds/templates/{code}")).await.1["code"],
        10057
    );
    forbid(&bot);
    assert_eq!(bot.post(&path, json!({"name": "x"})).await.1["code"], 50013);
}

#[tokio::test]
async fn invites_are_shut_and_people_added() {
    let bot = Bot::start().await;
    let guild = bot.sim.guild();
    let path = format!("/guilds/{guild}/incident-actions");
    let far = json!({"invites_disabled_until": "2100-01-01T00:00:00Z"});
    assert_eq!(bot.put(&path, far).await.1["code"], 50035);
    let past = json!({"invites_disabled_until": "2026-01-01T00:00:00Z"});
    let (status, data) = bot.put(&path, past).await;
    assert_eq!(
        (status, &data["dms_disabled_until"]),
        (200, &Value::Null),
        "{data}"
    );
    let (_, vanity) = bot.get(&format!("/guilds/{guild}/vanity-url")).await;
    assert_eq!(vanity["code"], Value::Null);
    let (_, requests) = bot.get(&format!("/guilds/{guild}/requests")).await;
    assert_eq!(requests["guild_join_requests"], json!([]));

    let user = bot.sim.add_user("carla");
    let there = format!("/guilds/{guild}/members/{user}");
    let body = json!({"access_token": "x", "nick": "Carla"});
    let (status, member) = bot.put(&there, body.clone()).await;
    assert_eq!(
        (status, &member["nick"]),
        (201, &json!("Carla")),
        "{member}"
    );
    assert_eq!(bot.put(&there, body.clone()).await.0, 204);
    let ban = format!("/guilds/{guild}/bans/{user}");
    assert_eq!(bot.put(&ban, json!({})).await.0, 204);
    assert_eq!(bot.put(&there, body).await.1["code"], 40007);
}

#[tokio::test]
async fn messages_and_threads_are_searched() {
    let bot = Bot::start().await;
    let guild = bot.sim.guild();
    let (anna, ben) = (bot.user("anna"), bot.user("ben"));
    let hers = bot.sim.say(anna, bot.general(), "A Cat").unwrap();
    bot.sim.say(ben, bot.general(), "a dog").unwrap();
    let hidden = bot.sim.channel("moderators").unwrap();
    bot.sim.say(bot.sim.owner(), hidden, "a cat").unwrap();
    let path = format!("/guilds/{guild}/messages/search");
    let (_, found) = bot.get(&format!("{path}?content=cat")).await;
    assert_eq!(found["total_results"], 1);
    assert_eq!(found["messages"][0][0]["id"], hers["id"]);
    let (_, found) = bot
        .get(&format!("{path}?author_id={anna}&author_id={ben}&limit=1"))
        .await;
    assert_eq!(
        (&found["total_results"], &found["messages"][0][0]["content"]),
        (&json!(2), &json!("a dog"))
    );
    assert_eq!(bot.get(&format!("{path}?limit=26")).await.1["code"], 50035);

    let threads = format!("/channels/{}/threads", bot.general());
    let body = json!({"name": "Plans", "type": 11});
    let (_, made) = bot.post(&threads, body).await;
    let (_, found) = bot.get(&format!("{threads}/search?name=plan")).await;
    assert_eq!(
        (&found["threads"][0]["id"], &found["has_more"]),
        (&made["id"], &json!(false))
    );
    let (_, found) = bot.get(&format!("{threads}/search?archived=true")).await;
    assert_eq!(found["total_results"], 0);
    assert!(id(&made) > 0);
}

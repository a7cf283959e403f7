//! Scheduled events: made, changed, begun, followed, and refused.

use super::{Bot, id};
use cogsmith::clock::Clock;
use cogsmith::sim::SimOptions;
use serde_json::{Value, json};
use std::time::Duration;

fn party() -> Value {
    json!({
        "name": "party", "privacy_level": 2, "entity_type": 3,
        "entity_metadata": {"location": "the park"},
        "scheduled_start_time": "2030-01-01T10:00:00Z",
        "scheduled_end_time": "2030-01-01T12:00:00Z",
    })
}

async fn at_2029() -> (Bot, Clock) {
    let clock = Clock::paused(1_861_920_000);
    let options = SimOptions {
        clock: clock.clone(),
        ..SimOptions::default()
    };
    (Bot::with(options).await, clock)
}

#[tokio::test]
async fn events_come_change_and_go() {
    let (bot, _clock) = at_2029().await;
    let mut events = bot.listen().await;
    let guild = bot.sim.guild();
    let path = format!("/guilds/{guild}/scheduled-events");
    let (status, made) = bot.post(&path, party()).await;
    assert_eq!(status, 200, "{made}");
    assert_eq!(
        (&made["status"], &made["channel_id"]),
        (&json!(1), &Value::Null)
    );
    assert_eq!(made["creator"]["id"], bot.sim.bot_user().to_string());
    let told = events.next("GUILD_SCHEDULED_EVENT_CREATE").await;
    assert_eq!(told["id"], made["id"]);
    let entry = events.next("GUILD_AUDIT_LOG_ENTRY_CREATE").await;
    assert_eq!(entry["action_type"], 100);

    let one = format!("{path}/{}", id(&made));
    let anna = bot.user("anna");
    bot.sim
        .set_interest(anna, (guild, id(&made)), true)
        .unwrap();
    let told = events.next("GUILD_SCHEDULED_EVENT_USER_ADD").await;
    assert_eq!(told["user_id"], anna.to_string());
    let (_, shown) = bot.get(&format!("{one}?with_user_count=true")).await;
    assert_eq!(shown["user_count"], 1);
    let (_, users) = bot.get(&format!("{one}/users?with_member=true")).await;
    assert_eq!(users[0]["user"]["username"], "anna");
    assert!(users[0]["member"]["joined_at"].is_string());
    let (_, counts) = bot.get(&format!("{one}/users/counts")).await;
    assert_eq!(counts["guild_scheduled_event_count"], 1);
    bot.sim
        .set_interest(anna, (guild, id(&made)), false)
        .unwrap();
    events.next("GUILD_SCHEDULED_EVENT_USER_REMOVE").await;

    let (_, error) = bot.patch(&one, json!({"status": 3})).await;
    assert!(error["errors"]["status"].is_object(), "{error}");
    let (_, begun) = bot.patch(&one, json!({"status": 2, "name": "feast"})).await;
    assert_eq!(
        (&begun["status"], &begun["name"]),
        (&json!(2), &json!("feast"))
    );
    events.next("GUILD_SCHEDULED_EVENT_UPDATE").await;
    assert_eq!(bot.patch(&one, json!({"status": 3})).await.0, 200);
    assert_eq!(
        bot.patch(&one, json!({"name": "x"})).await.1["code"],
        180_000
    );
    assert_eq!(bot.delete(&one).await.0, 204);
    events.next("GUILD_SCHEDULED_EVENT_DELETE").await;
    let (status, error) = bot.get(&one).await;
    assert_eq!((status, &error["code"]), (404, &json!(10070)));
}

#[tokio::test]
async fn events_outside_begin_and_end_by_themselves() {
    let (bot, clock) = at_2029().await;
    let path = format!("/guilds/{}/scheduled-events", bot.sim.guild());
    let (_, made) = bot.post(&path, party()).await;
    let mut events = bot.listen().await;
    // 1 January 2030, 11:00.
    clock.advance_to_next(Duration::from_secs(1_893_495_600));
    let one = format!("{path}/{}", id(&made));
    assert_eq!(bot.get(&one).await.1["status"], 2);
    assert_eq!(
        events.next("GUILD_SCHEDULED_EVENT_UPDATE").await["status"],
        2
    );
    clock.advance_to_next(Duration::from_secs(1_893_502_800));
    assert_eq!(bot.get(&one).await.1["status"], 3);
}

#[tokio::test]
async fn events_are_refused_as_discord_refuses_them() {
    let (bot, _clock) = at_2029().await;
    let guild = bot.sim.guild();
    let path = format!("/guilds/{guild}/scheduled-events");
    let without = |name: &str| {
        let mut body = party();
        body.as_object_mut().unwrap().remove(name);
        body
    };
    let with = |name: &str, value: Value| {
        let mut body = party();
        body[name] = value;
        body
    };
    let wrong = [
        (without("entity_metadata"), "entity_metadata"),
        (without("scheduled_end_time"), "scheduled_end_time"),
        (without("scheduled_start_time"), "scheduled_start_time"),
        (
            with("scheduled_start_time", json!("2020-01-01T00:00:00Z")),
            "scheduled_start_time",
        ),
        (
            with("scheduled_end_time", json!("2030-01-01T09:00:00Z")),
            "scheduled_end_time",
        ),
        (with("name", json!("x".repeat(101))), "name"),
    ];
    for (body, field) in wrong {
        let (status, error) = bot.post(&path, body).await;
        assert_eq!(
            (status, &error["code"]),
            (400, &json!(50035)),
            "{field}: {error}"
        );
        assert!(error["errors"][field].is_object(), "{field}: {error}");
    }
    let voice = bot.sim.channel("Voice").unwrap();
    let mut body = with("entity_type", json!(2));
    body["channel_id"] = json!(bot.general().to_string());
    body.as_object_mut().unwrap().remove("entity_metadata");
    assert_eq!(bot.post(&path, body.clone()).await.1["code"], 10003);
    body["channel_id"] = json!(voice.to_string());
    let (status, made) = bot.post(&path, body.clone()).await;
    assert_eq!(
        (status, &made["entity_metadata"]),
        (200, &Value::Null),
        "{made}"
    );
    let hers = bot
        .sim
        .call_as(bot.sim.owner(), "POST", &path, party())
        .unwrap();
    // Where it may not connect, it may not have events; others' events take another permission.
    bot.sim
        .overwrite(voice, bot.sim.bot_user(), (0, 1 << 20))
        .unwrap();
    assert_eq!(bot.post(&path, body).await.1["code"], 50013);
    let role = bot.sim.role(guild, "cogsmith").unwrap();
    bot.sim.set_permissions(guild, role, 1 << 44).unwrap();
    let one = format!("{path}/{}", id(&hers));
    assert_eq!(bot.delete(&one).await.1["code"], 50013);
    assert_eq!(bot.post(&path, party()).await.0, 200);
    bot.sim.set_permissions(guild, role, 0).unwrap();
    assert_eq!(bot.post(&path, party()).await.1["code"], 50013);
}

#[tokio::test]
async fn one_of_the_times_of_an_event_is_different() {
    let (bot, _clock) = at_2029().await;
    let path = format!("/guilds/{}/scheduled-events", bot.sim.guild());
    let mut body = party();
    body["recurrence_rule"] = json!({
        "start": "2030-01-01T10:00:00Z", "frequency": 2, "by_weekday": [1],
    });
    let (_, made) = bot.post(&path, body).await;
    assert_eq!(made["recurrence_rule"]["interval"], 1);
    let exceptions = format!("{path}/{}/exceptions", id(&made));
    let body = json!({
        "original_scheduled_start_time": "2030-01-08T10:00:00Z", "is_canceled": true,
    });
    let (status, one) = bot.post(&exceptions, body).await;
    assert_eq!((status, &one["is_canceled"]), (200, &json!(true)), "{one}");
    let path_of_one = format!(
        "{exceptions}/{}",
        one["event_exception_id"].as_str().unwrap()
    );
    let (_, changed) = bot.patch(&path_of_one, json!({"is_canceled": false})).await;
    assert_eq!(changed["is_canceled"], false);
    let (_, shown) = bot.get(&format!("{path}/{}", id(&made))).await;
    assert_eq!(shown["guild_scheduled_event_exceptions"], json!([changed]));
    assert_eq!(bot.delete(&path_of_one).await.0, 204);
    assert_eq!(bot.delete(&path_of_one).await.0, 404);
}

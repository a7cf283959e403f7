//! Voice states and presences: who is where, what they show, and who may change it.

use super::Bot;
use cogsmith::sim::Id;
use serde_json::{Value, json};
use twilight_gateway::Intents;

/// Denies the bot a permission in a channel.
fn deny(bot: &Bot, channel: Id, bit: u32) {
    let member = bot.sim.bot_user();
    bot.sim.overwrite(channel, member, (0, 1 << bit)).unwrap();
}

#[tokio::test]
async fn people_join_move_and_leave() {
    let bot = Bot::start().await;
    let guild = bot.sim.guild();
    let (anna, voice) = (bot.user("anna"), bot.sim.channel("Voice").unwrap());
    let other = bot.sim.add_channel(guild, "Other", 2).unwrap();
    let mut events = bot.listen().await;
    bot.sim.join_voice(anna, voice).unwrap();
    let state = events.next("VOICE_STATE_UPDATE").await;
    assert_eq!(state["channel_id"], voice.to_string());
    assert_eq!(state["member"]["user"]["username"], "anna");

    let path = format!("/guilds/{guild}/voice-states/{anna}");
    let (status, shown) = bot.get(&path).await;
    assert_eq!((status, &shown["session_id"]), (200, &state["session_id"]));
    let mut late = bot.listen_with(Intents::all().bits()).await;
    let there = late.next("GUILD_CREATE").await;
    assert_eq!(there["voice_states"][0]["user_id"], anna.to_string());
    assert_eq!(there["voice_states"][0]["guild_id"], Value::Null);

    let member = format!("/guilds/{guild}/members/{anna}");
    let moved = json!({"channel_id": other.to_string()});
    assert_eq!(bot.patch(&member, moved).await.0, 200);
    let state = events.next("VOICE_STATE_UPDATE").await;
    assert_eq!(state["channel_id"], other.to_string());
    let entry = events.next("GUILD_AUDIT_LOG_ENTRY_CREATE").await;
    assert_eq!(entry["action_type"], 26);
    assert_eq!(bot.patch(&member, json!({"mute": true})).await.0, 200);
    assert_eq!(events.next("VOICE_STATE_UPDATE").await["mute"], true);
    let text = json!({"channel_id": bot.general().to_string()});
    assert_eq!(bot.patch(&member, text).await.1["code"], 50024);

    let gone = bot.patch(&member, json!({"channel_id": null})).await;
    assert_eq!(gone.0, 200);
    let state = events.next("VOICE_STATE_UPDATE").await;
    assert_eq!(state["channel_id"], Value::Null);
    let (status, error) = bot.get(&path).await;
    assert_eq!((status, &error["code"]), (404, &json!(10065)));
    let again = json!({"channel_id": other.to_string()});
    assert_eq!(bot.patch(&member, again.clone()).await.1["code"], 40032);

    // Whoever goes takes the voice state along; so does the channel.
    bot.sim.join_voice(anna, voice).unwrap();
    deny(&bot, voice, 24);
    let (status, error) = bot.patch(&member, again).await;
    assert_eq!((status, &error["code"]), (403, &json!(50013)));
    events.next("VOICE_STATE_UPDATE").await;
    bot.sim.leave(guild, anna).unwrap();
    let state = events.next("VOICE_STATE_UPDATE").await;
    assert_eq!(state["channel_id"], Value::Null);
    let ben = bot.user("ben");
    bot.sim.join_voice(ben, other).unwrap();
    events.next("VOICE_STATE_UPDATE").await;
    assert_eq!(bot.delete(&format!("/channels/{other}")).await.0, 200);
    assert_eq!(
        events.next("VOICE_STATE_UPDATE").await["user_id"],
        ben.to_string()
    );
}

#[tokio::test]
async fn a_full_or_forbidden_channel_lets_nobody_in() {
    let bot = Bot::start().await;
    let voice = bot.sim.channel("Voice").unwrap();
    let path = format!("/channels/{voice}");
    assert_eq!(bot.patch(&path, json!({"user_limit": 1})).await.0, 200);
    bot.sim.join_voice(bot.user("anna"), voice).unwrap();
    assert!(bot.sim.join_voice(bot.user("ben"), voice).is_err());
    bot.sim
        .overwrite(voice, bot.user("ben"), (0, 1 << 20))
        .unwrap();
    let error = bot.sim.join_voice(bot.user("ben"), voice).unwrap_err();
    assert_eq!(error.code(), Some(50013));
    let error = bot.sim.join_voice(bot.user("ben"), bot.general());
    assert_eq!(error.unwrap_err().code(), Some(50024));
}

#[tokio::test]
async fn the_bot_connects_by_the_gateway() {
    let bot = Bot::start().await;
    let (guild, voice) = (bot.sim.guild(), bot.sim.channel("Voice").unwrap());
    let mut events = bot.listen().await;
    let (there, here) = (voice.to_string(), guild.to_string());
    let join = json!({
        "guild_id": here, "channel_id": there, "self_mute": true, "self_deaf": false,
    });
    events.send(4, join).await;
    let state = events.next("VOICE_STATE_UPDATE").await;
    assert_eq!(
        (&state["channel_id"], &state["self_mute"]),
        (&json!(there), &json!(true))
    );
    let server = events.next("VOICE_SERVER_UPDATE").await;
    assert_eq!(server["guild_id"], here);
    assert!(server["token"].is_string() && server["endpoint"].is_string());
    let own = format!("/guilds/{guild}/voice-states/@me");
    assert_eq!(bot.get(&own).await.1["self_mute"], true);
    events
        .send(
            4,
            json!({"guild_id": here, "channel_id": null, "self_mute": false, "self_deaf": false}),
        )
        .await;
    assert_eq!(
        events.next("VOICE_STATE_UPDATE").await["channel_id"],
        Value::Null
    );
}

#[tokio::test]
async fn a_stage_has_an_audience() {
    let bot = Bot::start().await;
    let guild = bot.sim.guild();
    let stage = bot.sim.add_channel(guild, "Stage", 13).unwrap();
    let anna = bot.user("anna");
    bot.sim.join_voice(anna, stage).unwrap();
    let path = format!("/guilds/{guild}/voice-states/{anna}");
    assert_eq!(bot.get(&path).await.1["suppress"], true);
    let own = format!("/guilds/{guild}/voice-states/@me");
    let ask = json!({"request_to_speak_timestamp": "2026-01-02T03:04:05Z"});
    bot.sim.call_as(anna, "PATCH", &own, ask).unwrap();
    let (_, shown) = bot.get(&path).await;
    assert_eq!(
        shown["request_to_speak_timestamp"],
        "2026-01-02T03:04:05.000000+00:00"
    );
    let error = bot
        .sim
        .call_as(anna, "PATCH", &own, json!({"suppress": false}));
    assert_eq!(error.unwrap_err().code(), Some(50013));
    let speak = json!({"channel_id": stage.to_string(), "suppress": false});
    assert_eq!(bot.patch(&path, speak).await.0, 204);
    assert_eq!(bot.get(&path).await.1["suppress"], false);
    deny(&bot, stage, 22);
    let (status, error) = bot.patch(&path, json!({"suppress": true})).await;
    assert_eq!((status, &error["code"]), (403, &json!(50013)));
    let voice = bot.sim.channel("Voice").unwrap();
    bot.sim.join_voice(anna, voice).unwrap();
    assert_eq!(
        bot.patch(&path, json!({"suppress": true})).await.1["code"],
        50024
    );
}

#[tokio::test]
async fn regions_and_the_status_of_a_voice_channel() {
    let bot = Bot::start().await;
    let voice = bot.sim.channel("Voice").unwrap();
    let mut events = bot.listen().await;
    let (_, regions) = bot.get("/voice/regions").await;
    let of_guild = format!("/guilds/{}/regions", bot.sim.guild());
    assert_eq!(bot.get(&of_guild).await.1, regions);
    assert!(regions[0]["id"].is_string());
    let path = format!("/channels/{voice}/voice-status");
    assert_eq!(bot.put(&path, json!({"status": "chess"})).await.0, 204);
    assert_eq!(
        events.next("VOICE_CHANNEL_STATUS_UPDATE").await["status"],
        "chess"
    );
    let long = json!({"status": "x".repeat(501)});
    assert_eq!(bot.put(&path, long).await.1["code"], 50035);
    let text = format!("/channels/{}/voice-status", bot.general());
    assert_eq!(
        bot.put(&text, json!({"status": "x"})).await.1["code"],
        50024
    );
    deny(&bot, voice, 48);
    assert_eq!(
        bot.put(&path, json!({"status": "x"})).await.1["code"],
        50013
    );
}

#[tokio::test]
async fn what_people_show_is_told() {
    let bot = Bot::start().await;
    let anna = bot.user("anna");
    let mut events = bot.listen_with(Intents::all().bits()).await;
    let there = events.next("GUILD_CREATE").await;
    // The owner, anna, ben, and the bot itself.
    assert_eq!(there["presences"].as_array().unwrap().len(), 4);
    let playing = json!({"name": "chess", "type": 0});
    bot.sim
        .set_presence(anna, "dnd", std::slice::from_ref(&playing))
        .unwrap();
    let told = events.next("PRESENCE_UPDATE").await;
    assert_eq!(told["user"], json!({"id": anna.to_string()}));
    assert_eq!(
        (&told["status"], &told["activities"][0], &told["guild_id"]),
        (&json!("dnd"), &playing, &json!(bot.sim.guild().to_string()))
    );
    assert_eq!(told["client_status"], json!({"desktop": "dnd"}));
    bot.sim.set_presence(anna, "invisible", &[]).unwrap();
    let told = events.next("PRESENCE_UPDATE").await;
    assert_eq!(
        (&told["status"], &told["client_status"]),
        (&json!("offline"), &json!({}))
    );
    let guild = format!("/guilds/{}?with_counts=true", bot.sim.guild());
    assert_eq!(bot.get(&guild).await.1["approximate_presence_count"], 3);
    let request = json!({
        "guild_id": bot.sim.guild().to_string(), "query": "", "limit": 0, "presences": true,
    });
    events.send(8, request).await;
    let chunk = events.next("GUILD_MEMBERS_CHUNK").await;
    let presences = chunk["presences"].as_array().unwrap();
    let hers = presences
        .iter()
        .find(|one| one["user"]["id"].as_str() == Some(&anna.to_string()));
    assert_eq!(hers.unwrap()["status"], "offline");
}

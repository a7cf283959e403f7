//! Stages and soundboards.

use super::Bot;
use serde_json::{Value, json};

#[tokio::test]
async fn a_stage_opens_and_closes() {
    let bot = Bot::start().await;
    let stage = bot.sim.add_channel(bot.sim.guild(), "Stage", 13).unwrap();
    let mut events = bot.listen().await;
    let body = json!({"channel_id": stage.to_string(), "topic": "news"});
    let (status, made) = bot.post("/stage-instances", body.clone()).await;
    assert_eq!(status, 200, "{made}");
    assert_eq!(events.next("STAGE_INSTANCE_CREATE").await, made);
    let told = events.next("MESSAGE_CREATE").await;
    assert_eq!(
        (&told["type"], &told["content"]),
        (&json!(27), &json!("news"))
    );
    assert_eq!(bot.post("/stage-instances", body).await.1["code"], 150_006);
    let path = format!("/stage-instances/{stage}");
    let (_, changed) = bot.patch(&path, json!({"topic": "more"})).await;
    assert_eq!(changed["topic"], "more");
    assert_eq!(bot.get(&path).await.1, changed);
    let mut late = bot
        .listen_with(twilight_gateway::Intents::all().bits())
        .await;
    let there = late.next("GUILD_CREATE").await;
    assert_eq!(there["stage_instances"], json!([changed]));
    assert_eq!(bot.delete(&path).await.0, 204);
    events.next("STAGE_INSTANCE_DELETE").await;
    assert_eq!(bot.get(&path).await.1["code"], 10067);

    let text = json!({"channel_id": bot.general().to_string(), "topic": "news"});
    assert_eq!(bot.post("/stage-instances", text).await.1["code"], 50024);
    let empty = json!({"channel_id": stage.to_string(), "topic": ""});
    assert_eq!(bot.post("/stage-instances", empty).await.1["code"], 50035);
    let member = bot.sim.bot_user();
    bot.sim.overwrite(stage, member, (0, 1 << 22)).unwrap();
    let body = json!({"channel_id": stage.to_string(), "topic": "news"});
    assert_eq!(bot.post("/stage-instances", body).await.1["code"], 50013);
}

#[tokio::test]
async fn sounds_come_go_and_are_played() {
    let bot = Bot::start().await;
    let guild = bot.sim.guild();
    let mut events = bot.listen().await;
    let path = format!("/guilds/{guild}/soundboard-sounds");
    let sound = "data:audio/mpeg;base64,SUQzBAAA";
    let body = json!({"name": "quack", "sound": sound, "volume": 0.5});
    let (status, made) = bot.post(&path, body.clone()).await;
    assert_eq!((status, &made["volume"]), (201, &json!(0.5)), "{made}");
    let told = events.next("GUILD_SOUNDBOARD_SOUND_CREATE").await;
    assert_eq!(told["sound_id"], made["sound_id"]);
    assert_eq!(bot.get(&path).await.1["items"][0]["name"], "quack");
    events
        .send(31, json!({"guild_ids": [guild.to_string(), "5"]}))
        .await;
    let asked = events.next("SOUNDBOARD_SOUNDS").await;
    assert_eq!(asked["soundboard_sounds"][0]["sound_id"], made["sound_id"]);
    let one = format!("{path}/{}", made["sound_id"].as_str().unwrap());
    let (_, changed) = bot.patch(&one, json!({"emoji_name": "🦆"})).await;
    assert_eq!(
        (&changed["emoji_name"], &changed["name"]),
        (&json!("🦆"), &json!("quack"))
    );

    let voice = bot.sim.channel("Voice").unwrap();
    let play = format!("/channels/{voice}/send-soundboard-sound");
    let body_of_play = json!({"sound_id": made["sound_id"]});
    assert_eq!(bot.post(&play, body_of_play.clone()).await.1["code"], 40032);
    bot.sim.join_voice(bot.sim.bot_user(), voice).unwrap();
    assert_eq!(bot.post(&play, body_of_play).await.0, 204);
    let heard = events.next("VOICE_CHANNEL_EFFECT_SEND").await;
    assert_eq!(heard["sound_id"], made["sound_id"]);
    assert_eq!(bot.post(&play, json!({"sound_id": "1"})).await.0, 204);
    assert_eq!(
        bot.post(&play, json!({"sound_id": "99"})).await.1["code"],
        10097
    );
    assert_eq!(bot.delete(&one).await.0, 204);
    events.next("GUILD_SOUNDBOARD_SOUND_DELETE").await;
    assert_eq!(bot.get(&one).await.1["code"], 10097);

    let (_, defaults) = bot.get("/soundboard-default-sounds").await;
    assert_eq!(defaults[0]["name"], "quack");
    let wrong = json!({"name": "quack", "sound": "data:audio/mpeg;base64,AAAA"});
    assert_eq!(bot.post(&path, wrong).await.1["code"], 50046);
    let wrong = json!({"name": "quack", "sound": "quack.mp3"});
    assert_eq!(bot.post(&path, wrong).await.1["code"], 50035);
    for _ in 0..8 {
        assert_eq!(bot.post(&path, body.clone()).await.0, 201);
    }
    assert_eq!(bot.post(&path, body.clone()).await.1["code"], 30045);
    let role = bot.sim.role(guild, "cogsmith").unwrap();
    bot.sim.set_permissions(guild, role, 1 << 10).unwrap();
    assert_eq!(bot.post(&path, body).await.1["code"], 50013);
    assert_eq!(bot.get(&path).await.1["items"][0]["user"], Value::Null);
}

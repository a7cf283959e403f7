//! Emoji and stickers: made, changed, deleted, sent, and refused.

use super::{Bot, id};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cogsmith::sim::Id;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n----";
const GIF: &[u8] = b"GIF89a\x21\xf9\x04--\x21\xf9\x04--";

fn picture(bytes: &[u8]) -> Value {
    json!(format!("data:image/png;base64,{}", STANDARD.encode(bytes)))
}

/// Takes what is about expressions from the bot's role.
fn forbid(bot: &Bot) {
    let role = bot.sim.role(bot.sim.guild(), "cogsmith").unwrap();
    bot.sim
        .set_permissions(bot.sim.guild(), role, 1 << 10)
        .unwrap();
}

async fn add_sticker(bot: &Bot, name: &str, file: Vec<u8>) -> (u16, Value) {
    let url = format!(
        "{}/api/v10/guilds/{}/stickers",
        bot.sim.url(),
        bot.sim.guild()
    );
    let form = Form::new()
        .text("name", name.to_owned())
        .text("tags", "wave")
        .text("description", "waves")
        .part("file", Part::bytes(file).file_name("wave.png"));
    let request = bot.http.post(url).multipart(form);
    let request = request.header("authorization", bot.authorization());
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap())
}

#[tokio::test]
async fn emoji_of_a_guild_come_and_go() {
    let bot = Bot::start().await;
    let mut events = bot.listen().await;
    let guild = bot.sim.guild();
    let path = format!("/guilds/{guild}/emojis");
    let body = json!({"name": "blob", "image": picture(PNG)});
    let (status, emoji) = bot.post(&path, body).await;
    assert_eq!(status, 201, "{emoji}");
    assert_eq!(
        (&emoji["name"], &emoji["animated"]),
        (&json!("blob"), &json!(false))
    );
    assert_eq!(emoji["user"]["id"], bot.sim.bot_user().to_string());
    let told = events.next("GUILD_EMOJIS_UPDATE").await;
    assert_eq!(told["emojis"][0]["id"], emoji["id"]);
    assert_eq!(told["emojis"][0]["user"], Value::Null);
    let entry = events.next("GUILD_AUDIT_LOG_ENTRY_CREATE").await;
    assert_eq!(
        (&entry["action_type"], &entry["target_id"]),
        (&json!(60), &emoji["id"])
    );

    let (_, moving) = bot
        .post(&path, json!({"name": "party", "image": picture(GIF)}))
        .await;
    assert_eq!(moving["animated"], true);
    let one = format!("{path}/{}", id(&emoji));
    let (status, changed) = bot.patch(&one, json!({"name": "blob2"})).await;
    assert_eq!((status, &changed["name"]), (200, &json!("blob2")));
    assert_eq!(bot.get(&one).await.1["name"], "blob2");
    assert_eq!(bot.get(&path).await.1.as_array().unwrap().len(), 2);
    let (_, guild_shown) = bot.get(&format!("/guilds/{guild}")).await;
    assert_eq!(guild_shown["emojis"].as_array().unwrap().len(), 2);
    assert_eq!(bot.delete(&one).await.0, 204);
    let (status, error) = bot.get(&one).await;
    assert_eq!((status, &error["code"]), (404, &json!(10014)));
}

#[tokio::test]
async fn emoji_are_refused_as_discord_refuses_them() {
    let bot = Bot::start().await;
    let guild = bot.sim.guild();
    let path = format!("/guilds/{guild}/emojis");
    let wrong = [
        (json!({"name": "x", "image": picture(PNG)}), "name"),
        (json!({"name": "with space", "image": picture(PNG)}), "name"),
        (json!({"name": "blob"}), "image"),
        (
            json!({"name": "blob", "image": "https://example.com/a.png"}),
            "image",
        ),
        (
            json!({"name": "blob", "image": picture(&[PNG, &vec![0; 256 << 10]].concat())}),
            "image",
        ),
    ];
    for (body, field) in wrong {
        let (status, error) = bot.post(&path, body).await;
        assert_eq!((status, &error["code"]), (400, &json!(50035)), "{error}");
        assert!(error["errors"][field]["_errors"].is_array(), "{error}");
    }
    let (status, error) = bot
        .post(&path, json!({"name": "blob", "image": picture(b"text")}))
        .await;
    assert_eq!((status, &error["code"]), (400, &json!(50046)));
    let (_, error) = bot
        .post(
            &path,
            json!({"name": "blob", "image": picture(PNG), "roles": ["5"]}),
        )
        .await;
    assert_eq!(error["code"], 10011);
    for number in 0..50 {
        let body = json!({"name": format!("blob{number}"), "image": picture(PNG)});
        assert_eq!(bot.post(&path, body).await.0, 201);
    }
    let (status, error) = bot
        .post(&path, json!({"name": "blob", "image": picture(PNG)}))
        .await;
    assert_eq!((status, &error["code"]), (400, &json!(30008)));
    // Animated ones have a room of their own.
    let (status, first) = bot
        .post(&path, json!({"name": "blob", "image": picture(GIF)}))
        .await;
    assert_eq!(status, 201);
    forbid(&bot);
    let one = format!("{path}/{}", id(&first));
    for (status, error) in [
        bot.post(&path, json!({"name": "blob", "image": picture(PNG)}))
            .await,
        bot.patch(&one, json!({"name": "other"})).await,
        bot.delete(&one).await,
    ] {
        assert_eq!((status, &error["code"]), (403, &json!(50013)));
    }
    assert_eq!(bot.get(&one).await.1["user"], Value::Null);
}

#[tokio::test]
async fn emoji_of_the_application_are_its_own() {
    let bot = Bot::start().await;
    let path = format!("/applications/{}/emojis", bot.sim.bot_user());
    let (status, emoji) = bot
        .post(&path, json!({"name": "blob", "image": picture(PNG)}))
        .await;
    assert_eq!(status, 201, "{emoji}");
    let one = format!("{path}/{}", id(&emoji));
    assert_eq!(
        bot.patch(&one, json!({"name": "blob2"})).await.1["name"],
        "blob2"
    );
    let (_, all) = bot.get(&path).await;
    assert_eq!(all["items"][0]["name"], "blob2");
    assert_eq!(bot.delete(&one).await.0, 204);
    assert_eq!(bot.delete(&one).await.1["code"], 10014);
    let (status, error) = bot.get("/applications/5/emojis").await;
    assert_eq!((status, &error["code"]), (404, &json!(10002)));
}

#[tokio::test]
async fn stickers_come_go_and_are_sent() {
    let bot = Bot::start().await;
    let mut events = bot.listen().await;
    let guild = bot.sim.guild();
    let (status, sticker) = add_sticker(&bot, "wave", PNG.to_vec()).await;
    assert_eq!(status, 201, "{sticker}");
    assert_eq!(
        (&sticker["format_type"], &sticker["guild_id"]),
        (&json!(1), &json!(guild.to_string()))
    );
    let told = events.next("GUILD_STICKERS_UPDATE").await;
    assert_eq!(told["stickers"][0]["id"], sticker["id"]);
    let one = format!("/guilds/{guild}/stickers/{}", id(&sticker));
    let (_, changed) = bot.patch(&one, json!({"tags": "hello"})).await;
    assert_eq!(
        (&changed["tags"], &changed["name"]),
        (&json!("hello"), &json!("wave"))
    );
    let anywhere = format!("/stickers/{}", id(&sticker));
    assert_eq!(bot.get(&anywhere).await.1["user"], Value::Null);

    let messages = format!("/channels/{}/messages", bot.general());
    let body = json!({"sticker_ids": [sticker["id"]]});
    let (status, message) = bot.post(&messages, body).await;
    assert_eq!(status, 200, "{message}");
    let item = json!({"id": sticker["id"], "name": "wave", "format_type": 1});
    assert_eq!(message["sticker_items"], json!([item]));
    let (_, error) = bot.post(&messages, json!({"sticker_ids": ["5"]})).await;
    assert_eq!(error["code"], 50081);

    let elsewhere: Id = bot.sim.add_guild("elsewhere", bot.sim.owner()).unwrap();
    let (_, channels) = bot.get(&format!("/guilds/{elsewhere}/channels")).await;
    let there = format!("/channels/{}/messages", id(&channels[0]));
    let body = json!({"sticker_ids": [sticker["id"]]});
    let (status, error) = bot.post(&there, body).await;
    assert_eq!((status, &error["code"]), (403, &json!(50600)));

    assert_eq!(bot.delete(&one).await.0, 204);
    assert_eq!(bot.get(&one).await.1["code"], 10060);
    let (_, packs) = bot.get("/sticker-packs").await;
    assert_eq!(packs, json!({"sticker_packs": []}));
    assert_eq!(bot.get("/sticker-packs/5").await.1["code"], 10061);
}

#[tokio::test]
async fn stickers_are_refused_as_discord_refuses_them() {
    let bot = Bot::start().await;
    let (_, error) = add_sticker(&bot, "x", PNG.to_vec()).await;
    assert!(error["errors"]["name"]["_errors"].is_array(), "{error}");
    let path = format!("/guilds/{}/stickers", bot.sim.guild());
    let (_, error) = bot.post(&path, json!({"name": "wave", "tags": "x"})).await;
    assert!(error["errors"]["file"]["_errors"].is_array(), "{error}");
    let large = [PNG, &vec![0; 512 << 10]].concat();
    assert_eq!(add_sticker(&bot, "wave", large).await.1["code"], 50045);
    let (_, error) = add_sticker(&bot, "wave", b"text".to_vec()).await;
    assert_eq!(error["code"], 50046);
    let lottie = br#"{"v": "5.5.2", "layers": []}"#.to_vec();
    assert_eq!(add_sticker(&bot, "wave", lottie).await.1["code"], 50101);
    for _ in 0..5 {
        assert_eq!(add_sticker(&bot, "wave", PNG.to_vec()).await.0, 201);
    }
    let (_, error) = add_sticker(&bot, "wave", PNG.to_vec()).await;
    assert_eq!(error["code"], 30039);
    forbid(&bot);
    let (status, error) = add_sticker(&bot, "wave", PNG.to_vec()).await;
    assert_eq!((status, &error["code"]), (403, &json!(50013)));
}

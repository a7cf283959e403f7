//! Pictures: kept where they are uploaded, and served where Discord's CDN has them.

use super::{Bot, id};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cogsmith::sim::{SimOptions, preset};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n----";
const GIF: &[u8] = b"GIF89a\x21\xf9\x04--\x21\xf9\x04--";

fn picture(bytes: &[u8]) -> Value {
    json!(format!("data:image/png;base64,{}", STANDARD.encode(bytes)))
}

impl Bot {
    /// What is at a path of the CDN, without a token: its type and its bytes.
    async fn cdn(&self, path: &str) -> (String, Vec<u8>) {
        let answer = self.http.get(format!("{}{path}", self.sim.url()));
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let kind = answer.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned();
        (kind, answer.bytes().await.unwrap().to_vec())
    }

    /// Fails unless a path has this picture.
    async fn shows(&self, path: &str, kind: &str, bytes: &[u8]) {
        assert_eq!(
            self.cdn(path).await,
            (kind.to_owned(), bytes.to_vec()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn what_was_uploaded_is_served_where_clients_look_for_it() {
    let bot = Bot::start().await;
    let (guild, own) = (bot.sim.guild(), bot.sim.bot_user());
    let hash = |answer: &Value, name: &str| answer[name].as_str().unwrap().to_owned();
    let body = json!({"name": "blob", "image": picture(GIF)});
    let emoji = id(&bot.post(&format!("/guilds/{guild}/emojis"), body).await.1);
    bot.shows(&format!("/emojis/{emoji}.webp?size=64"), "image/gif", GIF)
        .await;

    let form = Form::new()
        .text("name", "wave")
        .text("tags", "wave")
        .text("description", "");
    let form = form.part("file", Part::bytes(PNG).file_name("wave.png"));
    let url = format!("{}/api/v10/guilds/{guild}/stickers", bot.sim.url());
    let sent = bot
        .http
        .post(url)
        .header("authorization", bot.authorization());
    let sticker: Value = sent
        .multipart(form)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    bot.shows(&format!("/stickers/{}.png", id(&sticker)), "image/png", PNG)
        .await;

    let mut events = bot.listen().await;
    let (status, me) = bot
        .patch("/users/@me", json!({"avatar": picture(GIF)}))
        .await;
    assert_eq!(status, 200, "{me}");
    assert!(hash(&me, "avatar").starts_with("a_"));
    assert_eq!(events.next("USER_UPDATE").await["avatar"], me["avatar"]);
    bot.shows(
        &format!("/avatars/{own}/{}.gif", hash(&me, "avatar")),
        "image/gif",
        GIF,
    )
    .await;

    let (_, changed) = bot
        .patch(&format!("/guilds/{guild}"), json!({"icon": picture(PNG)}))
        .await;
    assert_eq!(events.next("GUILD_UPDATE").await["icon"], changed["icon"]);
    bot.shows(
        &format!("/icons/{guild}/{}.png", hash(&changed, "icon")),
        "image/png",
        PNG,
    )
    .await;

    let body = json!({"avatar": picture(PNG)});
    let (_, member) = bot
        .patch(&format!("/guilds/{guild}/members/@me"), body)
        .await;
    let path = format!(
        "/guilds/{guild}/users/{own}/avatars/{}.png",
        hash(&member, "avatar")
    );
    bot.shows(&path, "image/png", PNG).await;

    let body = json!({"name": "hook", "avatar": picture(PNG)});
    let (_, hook) = bot
        .post(&format!("/channels/{}/webhooks", bot.general()), body)
        .await;
    let path = format!("/avatars/{}/{}.png", id(&hook), hash(&hook, "avatar"));
    bot.shows(&path, "image/png", PNG).await;
    // What is taken away is none any more.
    let (_, me) = bot.patch("/users/@me", json!({"avatar": null})).await;
    assert_eq!(me["avatar"], Value::Null);
    let wrong = bot
        .patch("/users/@me", json!({"avatar": "https://example.com/a.png"}))
        .await;
    assert_eq!(wrong.1["code"], 50035);
}

#[tokio::test]
async fn what_was_never_uploaded_has_a_picture_of_its_own() {
    let bot = Bot::start().await;
    let mut seen = Vec::new();
    for path in [
        "/embed/avatars/0.png",
        "/embed/avatars/1.png",
        "/avatars/1/0123.webp",
    ] {
        let (kind, bytes) = bot.cdn(path).await;
        assert_eq!(kind, "image/png");
        assert!(bytes.starts_with(b"\x89PNG") && !seen.contains(&bytes));
        seen.push(bytes);
    }
    // A page from elsewhere gets none of it by script, as of the rest.
    let url = format!("{}/embed/avatars/0.png", bot.sim.url());
    let foreign = bot.http.get(url).header("origin", "http://evil.example");
    assert_eq!(foreign.send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn icons_of_roles_need_boosts() {
    let bot = Bot::start().await;
    let path = format!("/guilds/{}/roles", bot.sim.guild());
    let body = json!({"name": "tea", "icon": picture(PNG)});
    let refused = bot.post(&path, body.clone()).await;
    assert_eq!((refused.0, &refused.1["code"]), (403, &json!(50101)));
    let mut world = preset("default").unwrap();
    world.guilds[0].features.push("ROLE_ICONS".into());
    let options = SimOptions {
        world,
        ..SimOptions::default()
    };
    let bot = Bot::with(options).await;
    let (status, role) = bot.post(&path, body).await;
    assert_eq!(status, 200, "{role}");
    let icon = format!(
        "/role-icons/{}/{}.png",
        id(&role),
        role["icon"].as_str().unwrap()
    );
    bot.shows(&icon, "image/png", PNG).await;
}

#[tokio::test]
async fn a_guild_becomes_a_community_with_the_channels_of_one() {
    let mut world = preset("default").unwrap();
    world.bots[0].permissions = Some(vec!["administrator".into()]);
    let bot = Bot::with(SimOptions {
        world,
        ..SimOptions::default()
    })
    .await;
    let path = format!("/guilds/{}", bot.sim.guild());
    let (status, refused) = bot.patch(&path, json!({"features": ["COMMUNITY"]})).await;
    assert_eq!(status, 400);
    assert!(
        refused["errors"]["rules_channel_id"].is_object(),
        "{refused}"
    );
    let general = bot.general().to_string();
    let body = json!({
        "features": ["COMMUNITY"], "rules_channel_id": general, "public_updates_channel_id": general,
    });
    let (_, guild) = bot.patch(&path, body).await;
    assert_eq!(guild["features"], json!(["NEWS", "COMMUNITY"]));
    let (_, guild) = bot
        .patch(&path, json!({"features": ["INVITES_DISABLED"]}))
        .await;
    assert_eq!(guild["features"], json!(["INVITES_DISABLED"]));

    let world = preset("community").unwrap();
    let bot = Bot::with(SimOptions {
        world,
        ..SimOptions::default()
    })
    .await;
    let guild = bot.get(&format!("/guilds/{}", bot.sim.guild())).await.1;
    assert_eq!(guild["features"], json!(["COMMUNITY", "NEWS"]));
    let rules = bot.sim.channel("rules").unwrap();
    assert_eq!(guild["rules_channel_id"], rules.to_string());
    assert!(guild["public_updates_channel_id"].is_string());
}

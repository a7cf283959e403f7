//! Webhooks: their own routes, and who may use them.

use super::{Bot, id};
use serde_json::{Value, json};

async fn made(bot: &Bot) -> (Value, String) {
    let path = format!("/channels/{}/webhooks", bot.general());
    let (status, hook) = bot.post(&path, json!({"name": "news"})).await;
    assert_eq!(status, 200, "{hook}");
    let path = format!(
        "/webhooks/{}/{}",
        id(&hook),
        hook["token"].as_str().unwrap()
    );
    (hook, path)
}

#[tokio::test]
async fn whoever_has_the_token_renames_a_webhook() {
    let bot = Bot::start().await;
    let mut events = bot.listen().await;
    let (hook, path) = made(&bot).await;
    let picture = "data:image/gif;base64,R0lGODlhAQABAAAAACw=";
    let body = json!({"name": "weather", "avatar": picture, "channel_id": "5"});
    let (status, changed) = bot.patch(&path, body).await;
    assert_eq!(status, 200, "{changed}");
    assert_eq!(changed["name"], "weather");
    // Only with the permission does it move.
    assert_eq!(changed["channel_id"], bot.general().to_string());
    assert_eq!(changed["avatar"].as_str().unwrap().len(), 32);
    assert_eq!(changed["user"], Value::Null);
    let told = events.next("WEBHOOKS_UPDATE").await;
    assert_eq!(told["channel_id"], hook["channel_id"]);
    let (_, changed) = bot.patch(&path, json!({"avatar": null})).await;
    assert_eq!(
        (&changed["avatar"], &changed["name"]),
        (&Value::Null, &json!("weather"))
    );
    let (_, error) = bot.patch(&path, json!({"name": ""})).await;
    assert!(error["errors"]["name"]["_errors"].is_array(), "{error}");
    let (_, error) = bot.patch(&path, json!({"avatar": "cat.png"})).await;
    assert!(error["errors"]["avatar"]["_errors"].is_array(), "{error}");
    let wrong = format!("/webhooks/{}/wrong", id(&hook));
    let (status, error) = bot.patch(&wrong, json!({"name": "x"})).await;
    assert_eq!((status, &error["code"]), (401, &json!(50027)));
}

#[tokio::test]
async fn webhooks_of_other_services_become_messages() {
    let bot = Bot::start().await;
    let (hook, path) = made(&bot).await;
    let body = json!({
        "text": "Built", "username": "builds",
        "attachments": [{
            "title": "main", "color": "#f80", "text": "all green", "author_name": "ci",
            "fields": [{"title": "took", "value": "3 s", "short": true}],
        }],
    });
    let (status, answer) = bot.post(&format!("{path}/slack"), body).await;
    assert_eq!((status, answer), (200, json!("ok")));
    let author = json!({
        "login": "anna", "html_url": "https://example.com/anna", "id": 1,
        "avatar_url": "https://example.com/anna.png",
    });
    let body = json!({
        "action": "opened", "sender": author,
        "repository": {
            "id": 1, "name": "cogs", "full_name": "anna/cogs", "html_url": "https://example.com",
        },
        "issue": {
            "id": 1, "number": 5, "title": "It breaks", "body": "Badly", "user": author,
            "html_url": "https://example.com/5",
        },
    });
    let github = format!("{path}/github");
    assert_eq!(bot.post(&github, body).await.0, 204);
    // What Discord shows nothing of is taken, too.
    assert_eq!(bot.post(&github, json!({"sender": author})).await.0, 204);
    let (status, error) = bot.post(&github, json!({"action": "opened"})).await;
    assert_eq!((status, &error["code"]), (400, &json!(50035)));
    let sent = bot.sim.messages(bot.general());
    assert_eq!(sent.len(), 2);
    let embed = &sent[0]["embeds"][0];
    assert_eq!(
        (&sent[0]["content"], &sent[0]["author"]["username"]),
        (&json!("Built"), &json!("builds"))
    );
    assert_eq!(
        (&embed["color"], &embed["fields"][0]["name"]),
        (&json!(0xff_88_00), &json!("took"))
    );
    assert_eq!(
        sent[1]["embeds"][0]["title"],
        "[anna/cogs] Issue opened: #5 It breaks"
    );
    assert_eq!(sent[1]["webhook_id"], hook["id"]);
}

#[tokio::test]
async fn a_channel_has_room_for_fifteen_webhooks() {
    let bot = Bot::start().await;
    for _ in 0..15 {
        made(&bot).await;
    }
    let path = format!("/channels/{}/webhooks", bot.general());
    let (status, error) = bot.post(&path, json!({"name": "news"})).await;
    assert_eq!((status, &error["code"]), (400, &json!(30007)));
}

#[tokio::test]
async fn what_is_published_comes_to_those_who_follow() {
    let bot = Bot::start().await;
    let guild = bot.sim.guild();
    let news = bot.sim.add_channel(guild, "news", 5).unwrap();
    let mut events = bot.listen().await;
    let follow = format!("/channels/{news}/followers");
    let body = json!({"webhook_channel_id": bot.general().to_string()});
    let (status, followed) = bot.post(&follow, body.clone()).await;
    assert_eq!(
        (status, &followed["channel_id"]),
        (200, &json!(news.to_string()))
    );
    let told = events.next("MESSAGE_CREATE").await;
    assert_eq!(
        (&told["type"], &told["content"]),
        (&json!(12), &json!("Cogsmith #news"))
    );
    let hook = format!("/webhooks/{}", followed["webhook_id"].as_str().unwrap());
    let (_, shown) = bot.get(&hook).await;
    assert_eq!(
        (
            &shown["type"],
            &shown["source_channel"]["name"],
            &shown["token"]
        ),
        (&json!(2), &json!("news"), &Value::Null)
    );

    let messages = format!("/channels/{news}/messages");
    let (_, sent) = bot.post(&messages, json!({"content": "released"})).await;
    let publish = format!("{messages}/{}/crosspost", id(&sent));
    let (status, published) = bot.post(&publish, Value::Null).await;
    assert_eq!((status, &published["flags"]), (200, &json!(1)));
    assert_eq!(events.next("MESSAGE_UPDATE").await["id"], sent["id"]);
    let copy = events.next("MESSAGE_CREATE").await;
    assert_eq!(copy["channel_id"], bot.general().to_string());
    assert_eq!(
        (&copy["content"], &copy["flags"]),
        (&json!("released"), &json!(2))
    );
    assert_eq!(copy["message_reference"]["message_id"], sent["id"]);
    assert_eq!(copy["webhook_id"], followed["webhook_id"]);
    let (status, error) = bot.post(&publish, Value::Null).await;
    assert_eq!((status, &error["code"]), (400, &json!(40033)));

    // Elsewhere nothing can be published, and nothing followed.
    let (_, plain) = bot
        .post(
            &format!("/channels/{}/messages", bot.general()),
            json!({"content": "hi"}),
        )
        .await;
    let path = format!(
        "/channels/{}/messages/{}/crosspost",
        bot.general(),
        id(&plain)
    );
    assert_eq!(bot.post(&path, Value::Null).await.1["code"], 50024);
    let path = format!("/channels/{}/followers", bot.general());
    assert_eq!(bot.post(&path, body.clone()).await.1["code"], 50024);
    // Others' messages take the permission to manage them; following that of webhooks.
    let hers = bot.sim.say(bot.sim.owner(), news, "mine").unwrap();
    let member = bot.sim.bot_user();
    bot.sim.overwrite(news, member, (0, 1 << 13)).unwrap();
    let path = format!("{messages}/{}/crosspost", id(&hers));
    assert_eq!(bot.post(&path, Value::Null).await.1["code"], 50013);
    bot.sim
        .overwrite(bot.general(), member, (0, 1 << 29))
        .unwrap();
    assert_eq!(bot.post(&follow, body).await.1["code"], 50013);
}

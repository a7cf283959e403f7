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

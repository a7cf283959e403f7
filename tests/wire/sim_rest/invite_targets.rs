//! Invites for some users alone.

use super::Bot;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

#[tokio::test]
async fn an_invite_is_for_some_users() {
    let bot = Bot::start().await;
    let path = format!("/channels/{}/invites", bot.general());
    let (_, invite) = bot.post(&path, json!({})).await;
    let path = format!("/invites/{}/target-users", invite["code"].as_str().unwrap());
    let url = format!("{}/api/v10{path}", bot.sim.url());
    let put = |text: &'static str| {
        let file = Part::bytes(text.as_bytes()).file_name("users.csv");
        let request = bot
            .http
            .put(&url)
            .multipart(Form::new().part("target_users_file", file));
        request.header("authorization", bot.authorization()).send()
    };
    assert_eq!(put("user_id\n5\n6\n").await.unwrap().status(), 204);
    let request = bot
        .http
        .get(&url)
        .header("authorization", bot.authorization());
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/csv");
    assert_eq!(answer.text().await.unwrap(), "user_id\n5\n6\n");
    let (_, status) = bot.get(&format!("{path}/job-status")).await;
    assert_eq!(
        (&status["status"], &status["total_users"]),
        (&json!(2), &json!(2))
    );
    let error: Value = put("user_id\nanna\n").await.unwrap().json().await.unwrap();
    assert!(error["errors"]["target_users_file"].is_object(), "{error}");
    assert_eq!(
        bot.get("/invites/nothing/target-users/job-status").await.1["code"],
        10006
    );
}

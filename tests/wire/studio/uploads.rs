//! Files of people: what is taken, from whom, and what is not.

use super::harness::{Studio, error_of};
use cogsmith::sim::{Id, Sim};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

const LARGEST: usize = 10 << 20;

async fn send(studio: &Studio, user: Id, name: &str, bytes: Vec<u8>) -> Response {
    let path = format!("/control/upload?user={user}&filename={name}");
    let request = studio.client.post(studio.url(&path)).body(bytes);
    request
        .header("content-type", "image/png")
        .send()
        .await
        .unwrap()
}

async fn upload(studio: &Studio, user: Id, name: &str) -> String {
    let sent = send(studio, user, name, b"hello".to_vec()).await;
    let sent: Value = sent.json().await.unwrap();
    sent["id"].as_str().unwrap().to_owned()
}

/// The status, and the message or the sentence of the refusal.
async fn say(studio: &Studio, user: Id, channel: &str, files: Value) -> (StatusCode, Value) {
    let body = json!({"user": user.to_string(), "channel": channel, "content": "", "files": files});
    let response = studio.post("/control/say", &body).await;
    (response.status(), response.json().await.unwrap_or_default())
}

#[tokio::test]
async fn files_are_described_and_hidden() {
    let (studio, chat, general) = Studio::with_chat().await;
    let owner = chat.owner();
    let plain = upload(&studio, owner, "a.txt").await;
    let told = upload(&studio, owner, "SPOILER_b.txt").await;
    let files = json!([plain, {"id": told, "description": "the second"}]);
    let (status, message) = say(&studio, owner, &general, files).await;
    assert_eq!(status, StatusCode::OK, "{message}");
    let attachments = &message["attachments"];
    assert_eq!(attachments[0]["description"], Value::Null);
    assert_eq!(attachments[1]["description"], "the second");
    assert_eq!(attachments[1]["filename"], "SPOILER_b.txt");
    // The message has the files now: they are not there a second time.
    let (status, _) = say(&studio, owner, &general, json!([plain])).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn nobody_sends_the_files_of_others() {
    let (studio, chat, general) = Studio::with_chat().await;
    let (owner, anna) = (chat.owner(), chat.user("anna").unwrap());
    let own = upload(&studio, owner, "a.txt").await;
    let (status, answer) = say(&studio, anna, &general, json!([own])).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let sentence = answer["error"].as_str().unwrap();
    assert!(sentence.contains("not there"), "{sentence}");
    assert_eq!(chat.messages(general.parse().unwrap()).len(), 0);
    let (status, message) = say(&studio, owner, &general, json!([own])).await;
    assert_eq!(status, StatusCode::OK);
    // The attachment of a message is no upload either.
    let attachment = &message["attachments"][0]["id"];
    for user in [owner, anna] {
        let (status, _) = say(&studio, user, &general, json!([attachment])).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn what_discord_does_not_take_is_refused_and_kept() {
    let (studio, chat, general) = Studio::with_chat().await;
    let owner = chat.owner();
    let large = send(&studio, owner, "large.bin", vec![0; LARGEST + 1]).await;
    assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert!(error_of(large).await.contains("10 MB"));
    let largest = send(&studio, owner, "largest.bin", vec![0; LARGEST]).await;
    assert_eq!(largest.status(), StatusCode::OK);
    let nobody = send(&studio, 1, "a.txt", Vec::new()).await;
    assert_eq!(error_of(nobody).await, "Unknown User");

    let mut ids = Vec::new();
    for number in 0..11 {
        ids.push(upload(&studio, owner, &format!("{number}.txt")).await);
    }
    let (status, answer) = say(&studio, owner, &general, json!(ids)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(answer["error"], "Must be 10 or fewer in length.");
    let described = |text: String| json!([{"id": ids[0], "description": text}]);
    let (status, answer) = say(&studio, owner, &general, described("x".repeat(1025))).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        answer["error"].as_str().unwrap().contains("1024"),
        "{answer}"
    );
    for strange in [
        json!([7]),
        json!([{"id": ids[0], "description": 7}]),
        json!("a"),
        json!([[ids[0]]]),
    ] {
        let (status, _) = say(&studio, owner, &general, strange).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let (status, _) = say(&studio, owner, &general, json!(ids[..10])).await;
    assert_eq!(status, StatusCode::OK, "what was refused is not lost");
}

fn register(chat: &Sim) {
    let option = json!({"type": 11, "name": "file", "description": "What", "required": true});
    let commands = json!([{"name": "study", "description": "Studies", "options": [option]}]);
    let path = format!("/applications/{}/commands", chat.bot_user());
    chat.call_as(chat.bot_user(), "PUT", &path, commands)
        .unwrap();
}

#[tokio::test]
async fn an_option_takes_a_file_of_whoever_uses_the_command() {
    let (studio, chat, general) = Studio::with_chat().await;
    register(&chat);
    let (owner, anna) = (chat.owner(), chat.user("anna").unwrap());
    let own = upload(&studio, owner, "a.png").await;
    let mut events = chat.subscribe();
    let call = async |user: Id, file: &str| {
        let request = json!({"kind": "command", "path": ["study"], "options": {"file": file}});
        let body = json!({"user": user.to_string(), "channel": general, "request": request});
        studio.post("/control/interact", &body).await.status()
    };
    assert_eq!(call(anna, &own).await, StatusCode::BAD_REQUEST);
    assert_eq!(call(owner, "1").await, StatusCode::BAD_REQUEST);
    assert_eq!(call(owner, "no id").await, StatusCode::BAD_REQUEST);
    // Nobody answers, which is told after a while; the interaction has been sent by then.
    assert_eq!(call(owner, &own).await, StatusCode::OK);
    let resolved = loop {
        let event = events.recv().await.unwrap();
        if event.name == "INTERACTION_CREATE" {
            break event.data["data"]["resolved"]["attachments"][own.as_str()].clone();
        }
    };
    assert_eq!(
        (&resolved["size"], &resolved["content_type"]),
        (&json!(5), &json!("image/png"))
    );
    let url = resolved["url"].as_str().unwrap();
    let fetched = studio.client.get(url).send().await.unwrap();
    assert_eq!(fetched.text().await.unwrap(), "hello");
    let saved = studio
        .client
        .get(format!("{url}?download"))
        .send()
        .await
        .unwrap();
    assert_eq!(saved.headers()["content-disposition"], "attachment");
    assert_eq!(
        saved.headers()["content-security-policy"],
        "default-src 'none'; sandbox"
    );
}

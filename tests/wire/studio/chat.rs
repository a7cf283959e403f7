//! What a reader does on the page.

use super::harness::{Studio, error_of};
use cogsmith::sim::{Id, Sim};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// Answers the next interaction as a bot would, over the simulator's own routes.
fn answer_next(chat: &Sim, response: Value) -> JoinHandle<Value> {
    let (chat, mut dispatches) = (chat.clone(), chat.subscribe());
    tokio::spawn(async move {
        loop {
            let dispatch = dispatches.recv().await.unwrap();
            if dispatch.name == "INTERACTION_CREATE" {
                let (id, token) = (&dispatch.data["id"], &dispatch.data["token"]);
                let path = format!(
                    "/interactions/{}/{}/callback",
                    id.as_str().unwrap(),
                    token.as_str().unwrap()
                );
                chat.call_as(chat.bot_user(), "POST", &path, response)
                    .unwrap();
                return dispatch.data.clone();
            }
        }
    })
}

#[tokio::test]
async fn a_reply_names_the_message_that_it_answers() {
    let (studio, chat, general) = Studio::with_chat().await;
    let channel = general.parse().unwrap();
    let first = chat.say(chat.owner(), channel, "a question").unwrap();
    let anna = chat.user("anna").unwrap();
    let body = json!({"user": anna.to_string(), "channel": general, "content": "an answer", "reply": first["id"]});
    assert_eq!(
        studio.post("/control/say", &body).await.status(),
        StatusCode::OK
    );
    let mut page = studio.page().await;
    let answer = page.ask(&general).await["messages"][1].clone();
    assert_eq!(answer["referenced_message"]["content"], "a question");
}

#[tokio::test]
async fn hostile_content_is_delivered_as_data() {
    let (studio, chat, general) = Studio::with_chat().await;
    let hostile =
        "</script><script>alert(1)</script>\u{202e}\u{0} <img src=x onerror=alert(1)> \"'\\";
    studio.say(chat.owner(), &general, hostile).await;
    let mut page = studio.page().await;
    let messages = page.ask(&general).await;
    let content = messages["messages"][0]["content"].as_str().unwrap();
    assert!(
        content.contains("</script><script>alert(1)</script>"),
        "{content}"
    );
    assert!(
        content.contains("<img src=x onerror=alert(1)>"),
        "{content}"
    );
}

#[tokio::test]
async fn a_refusal_speaks_in_discords_words() {
    let (studio, chat, general) = Studio::with_chat().await;
    let response = studio.say(chat.owner(), &general, &"x".repeat(2001)).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let sentence = error_of(response).await;
    assert!(sentence.contains("2000"), "{sentence}");
    assert!(!sentence.contains('{'), "{sentence}");
    let response = studio.say(1, &general, "x").await;
    assert_eq!(error_of(response).await, "Unknown User");
}

#[tokio::test]
async fn everybody_has_direct_messages_with_the_bot() {
    let (studio, chat, _) = Studio::with_chat().await;
    let anna = chat.user("anna").unwrap();
    let body = json!({"user": anna.to_string()});
    let opened: Value = studio
        .post("/control/direct", &body)
        .await
        .json()
        .await
        .unwrap();
    let channel = opened["channel"].as_str().unwrap();
    assert_eq!(
        studio.say(anna, channel, "hi").await.status(),
        StatusCode::OK
    );
    let mut page = studio.page().await;
    assert_eq!(page.ask(channel).await["messages"][0]["content"], "hi");
}

#[tokio::test]
async fn a_click_on_a_button_reaches_the_bot_and_its_modal_comes_back() {
    let (studio, chat, general) = Studio::with_chat().await;
    let button = json!({"type": 2, "style": 1, "label": "Open", "custom_id": "form:open"});
    let body = json!({"content": "press", "components": [{"type": 1, "components": [button]}]});
    let sent = chat
        .send_as(chat.bot_user(), general.parse().unwrap(), body)
        .unwrap();
    let input = json!({"type": 4, "custom_id": "why", "label": "Why", "style": 1});
    let modal = json!({"custom_id": "form:why", "title": "A form", "components": [{"type": 1, "components": [input]}]});
    let bot = answer_next(&chat, json!({"type": 9, "data": modal}));

    let user = chat.owner().to_string();
    let request =
        json!({"kind": "component", "message": sent["id"], "custom_id": "form:open", "values": []});
    let click = json!({"user": user, "channel": general, "request": request});
    let response: Value = studio
        .post("/control/interact", &click)
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(response["answered"], true, "{response}");
    assert_eq!(response["modal"]["title"], "A form");
    assert_eq!(bot.await.unwrap()["data"]["custom_id"], "form:open");

    let bot = answer_next(&chat, json!({"type": 4, "data": {"content": "thanks"}}));
    let request = json!({"kind": "modal", "custom_id": "form:why", "fields": [["why", "because"]]});
    let submit = json!({"user": user, "channel": general, "request": request});
    let response: Value = studio
        .post("/control/interact", &submit)
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(response["answered"], true, "{response}");
    assert_eq!(
        bot.await.unwrap()["data"]["components"][0]["components"][0]["value"],
        "because"
    );
}

fn register(chat: &Sim, commands: Value) {
    let path = format!("/applications/{}/commands", chat.bot_user());
    chat.call_as(chat.bot_user(), "PUT", &path, commands)
        .unwrap();
}

#[tokio::test]
async fn somebody_types_into_an_option_and_is_offered_what_fits() {
    let (studio, chat, general) = Studio::with_chat().await;
    let option = json!({"type": 3, "name": "dish", "description": "What", "autocomplete": true});
    let command = json!({"name": "order", "description": "Orders", "options": [option]});
    register(&chat, json!([command]));
    let choices = json!([{"name": "Apple", "value": "apple"}]);
    let bot = answer_next(&chat, json!({"type": 8, "data": {"choices": choices}}));
    let user = chat.owner().to_string();
    let typing = json!({"kind": "autocomplete", "path": ["order"], "options": {"dish": "ap"}, "focused": "dish"});
    let body = json!({"user": user, "channel": general, "request": typing});
    let response = studio.post("/control/interact", &body).await;
    let response: Value = response.json().await.unwrap();
    assert_eq!(response["choices"], choices, "{response}");
    assert_eq!(bot.await.unwrap()["data"]["options"][0]["value"], "ap");
}

#[tokio::test]
async fn a_refusal_names_the_option_that_is_wrong() {
    let (studio, chat, general) = Studio::with_chat().await;
    let option = json!({"type": 4, "name": "count", "description": "How many", "max_value": 3});
    let command = json!({"name": "order", "description": "Orders", "options": [option]});
    register(&chat, json!([command]));
    let user = chat.owner().to_string();
    let call = json!({"kind": "command", "path": ["order"], "options": {"count": 4}});
    let body = json!({"user": user, "channel": general, "request": call});
    let response = studio.post("/control/interact", &body).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let refusal: Value = response.json().await.unwrap();
    let sentence = refusal["fields"]["count"].as_str().unwrap();
    assert!(sentence.contains('3'), "{refusal}");
    assert_eq!(refusal["error"], sentence);
}

#[tokio::test]
async fn a_message_is_edited_pinned_and_deleted_by_who_may() {
    let (studio, chat, general) = Studio::with_chat().await;
    let (channel, anna) = (general.parse().unwrap(), chat.user("anna").unwrap());
    let sent = chat.say(anna, channel, "frist").unwrap();
    let change = async |user: Id, what: Value| {
        let body = json!({"user": user.to_string(), "channel": general, "message": sent["id"], "change": what});
        studio.post("/control/change", &body).await.status()
    };
    let edit = json!({"kind": "edit", "content": "first"});
    assert_eq!(change(anna, edit.clone()).await, StatusCode::OK);
    assert_eq!(change(chat.owner(), edit).await, StatusCode::BAD_REQUEST);
    assert_eq!(
        change(anna, json!({"kind": "pin"})).await,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        change(chat.owner(), json!({"kind": "pin"})).await,
        StatusCode::OK
    );
    let message = &chat.messages(channel)[0];
    assert_eq!(
        (&message["content"], &message["pinned"]),
        (&json!("first"), &json!(true))
    );
    assert_eq!(
        change(chat.owner(), json!({"kind": "unpin"})).await,
        StatusCode::OK
    );
    assert_eq!(
        change(anna, json!({"kind": "delete"})).await,
        StatusCode::OK
    );
    assert_eq!(
        change(anna, json!({"kind": "delete"})).await,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn the_language_of_somebodys_client_is_chosen() {
    let (studio, chat, _) = Studio::with_chat().await;
    let anna = chat.user("anna").unwrap().to_string();
    let body = json!({"user": anna, "locale": "id"});
    let response = studio.post("/control/locale", &body).await;
    assert_eq!(response.status(), StatusCode::OK);
    let mut page = studio.page().await;
    let users = page.next("hello").await["world"]["users"].clone();
    let mut users = users.as_array().unwrap().iter();
    let found = users.find(|user| user["id"] == anna.as_str());
    assert_eq!(found.unwrap()["locale"], "id");
}

#[tokio::test]
async fn an_uploaded_file_goes_out_with_a_message() {
    let (studio, chat, general) = Studio::with_chat().await;
    let user = chat.owner().to_string();
    let address = studio.url(&format!("/control/upload?user={user}&filename=a%20b.txt"));
    let upload = |bytes: Vec<u8>| {
        let request = studio.client.post(&address);
        request.header("content-type", "text/plain").body(bytes)
    };
    let response = upload(b"hello".to_vec()).send().await.unwrap();
    let uploaded: Value = response.json().await.unwrap();
    let say = json!({"user": user, "channel": general, "content": "", "files": [uploaded["id"]]});
    assert_eq!(
        studio.post("/control/say", &say).await.status(),
        StatusCode::OK
    );
    let message = &chat.messages(general.parse().unwrap())[0];
    assert_eq!(message["attachments"][0]["filename"], "a_b.txt");
    assert_eq!(message["attachments"][0]["size"], 5);
    let response = upload(vec![0; (10 << 20) + 1]).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let gone = json!({"user": user, "channel": general, "content": "", "files": ["1"]});
    let response = studio.post("/control/say", &gone).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_unknown_button_is_refused_with_a_sentence() {
    let (studio, chat, general) = Studio::with_chat().await;
    let sent = chat
        .say(chat.owner(), general.parse().unwrap(), "no buttons here")
        .unwrap();
    let request =
        json!({"kind": "component", "message": sent["id"], "custom_id": "x", "values": []});
    let click = json!({"user": chat.owner().to_string(), "channel": general, "request": request});
    let response = studio.post("/control/interact", &click).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert!(!error_of(response).await.is_empty());
}

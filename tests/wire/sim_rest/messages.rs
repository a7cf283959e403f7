//! Messages, their files, mentions, reactions and pins.

use super::{Bot, SOON, id};
use cogsmith::clock::Clock;
use cogsmith::sim::{Id, SimOptions};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn a_message_lives_from_creation_to_deletion() {
    let bot = Bot::start().await;
    let messages = format!("/channels/{}/messages", bot.general());
    let (status, message) = bot.post(&messages, json!({"content": " hello "})).await;
    assert_eq!(status, 200);
    assert_eq!(message["content"], "hello");
    assert_eq!(message["author"]["bot"], true);
    let one = format!("{messages}/{}", id(&message));

    let (status, edited) = bot.patch(&one, json!({"content": "bye"})).await;
    assert_eq!((status, &edited["content"]), (200, &json!("bye")));
    assert!(edited["edited_timestamp"].is_string());
    assert_eq!(bot.get(&one).await.1["content"], "bye");
    assert_eq!(bot.delete(&one).await.0, 204);
    let (status, gone) = bot.get(&one).await;
    assert_eq!((status, &gone["code"]), (404, &json!(10008)));
}

#[tokio::test]
async fn bodies_are_refused_with_the_field_that_is_wrong() {
    let bot = Bot::start().await;
    let messages = format!("/channels/{}/messages", bot.general());
    let (status, error) = bot
        .post(&messages, json!({"content": "x".repeat(2_001)}))
        .await;
    assert_eq!((status, &error["code"]), (400, &json!(50035)));
    let fault = &error["errors"]["content"]["_errors"][0];
    assert_eq!(fault["code"], "BASE_TYPE_MAX_LENGTH");
    assert_eq!(fault["message"], "Must be 2000 or fewer in length.");

    let (_, error) = bot.post(&messages, json!({"content": "  "})).await;
    assert_eq!(error["code"], 50006);
    let embed = json!({"embeds": [{"fields": [{"name": "n".repeat(257), "value": "v"}]}]});
    let (_, error) = bot.post(&messages, embed).await;
    let fault = &error["errors"]["embeds"]["0"]["fields"]["0"]["name"]["_errors"][0];
    assert_eq!(fault["code"], "BASE_TYPE_MAX_LENGTH");

    let exclusive =
        json!({"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}});
    let (_, error) = bot.post(&messages, exclusive).await;
    assert!(error["errors"]["allowed_mentions"]["_errors"].is_array());
}

#[tokio::test]
async fn lists_of_messages_page_in_all_directions() {
    let bot = Bot::start().await;
    let anna = bot.user("anna");
    let say = |n: u32| id(&bot.sim.say(anna, bot.general(), &n.to_string()).unwrap());
    let ids: Vec<Id> = (0..10).map(say).collect();
    let contents = async |query: &str| -> Vec<String> {
        let path = format!("/channels/{}/messages?{query}", bot.general());
        let (_, list) = bot.get(&path).await;
        let list = list.as_array().unwrap().iter();
        list.map(|one| one["content"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(contents("limit=3").await, ["9", "8", "7"]);
    assert_eq!(
        contents(&format!("before={}&limit=2", ids[3])).await,
        ["2", "1"]
    );
    assert_eq!(
        contents(&format!("after={}&limit=2", ids[3])).await,
        ["5", "4"]
    );
    assert_eq!(
        contents(&format!("around={}&limit=3", ids[5])).await,
        ["6", "5", "4"]
    );
    let (status, error) = bot
        .get(&format!("/channels/{}/messages?limit=101", bot.general()))
        .await;
    assert_eq!((status, &error["code"]), (400, &json!(50035)));
}

#[tokio::test]
async fn files_come_back_from_where_the_message_says() {
    let bot = Bot::start().await;
    let payload = json!({
        "content": "see", "attachments": [{"id": 0, "filename": "notes.txt", "description": "Notes"}],
    });
    let boundary = "sim-boundary";
    let body = format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=\"payload_json\"\r\n\r\n{payload}\r\n\
         --{boundary}\r\ncontent-disposition: form-data; name=\"files[0]\"; filename=\"notes.txt\"\r\n\
         content-type: text/plain\r\n\r\nhello file\r\n--{boundary}--\r\n"
    );
    let url = format!(
        "{}/api/v10/channels/{}/messages",
        bot.sim.url(),
        bot.general()
    );
    let response = bot
        .http
        .post(url)
        .header("authorization", bot.authorization());
    let kind = format!("multipart/form-data; boundary={boundary}");
    let response = response
        .header("content-type", kind)
        .body(body)
        .send()
        .await
        .unwrap();
    let message: Value = response.json().await.unwrap();
    let attachment = &message["attachments"][0];
    assert_eq!(attachment["filename"], "notes.txt");
    assert_eq!(attachment["size"], 10);
    assert_eq!(attachment["description"], "Notes");
    let file = bot
        .http
        .get(attachment["url"].as_str().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(file.text().await.unwrap(), "hello file");
    assert_eq!(bot.sim.requests()[0].files, ["notes.txt"]);
}

#[tokio::test]
async fn mentions_follow_content_and_allowed_mentions() {
    let bot = Bot::start().await;
    let messages = format!("/channels/{}/messages", bot.general());
    let (anna, ben) = (bot.user("anna"), bot.user("ben"));
    let content = format!("<@{anna}> <@!{ben}> @everyone");
    let mentioned = |message: &Value| {
        let users = message["mentions"].as_array().unwrap().len();
        (users, message["mention_everyone"] == true)
    };
    let (_, all) = bot.post(&messages, json!({"content": content})).await;
    assert_eq!(mentioned(&all), (2, true));
    let none = json!({"content": content, "allowed_mentions": {"parse": []}});
    assert_eq!(mentioned(&bot.post(&messages, none).await.1), (0, false));
    let one = json!({"content": content, "allowed_mentions": {"users": [anna.to_string()]}});
    assert_eq!(mentioned(&bot.post(&messages, one).await.1), (1, false));

    // Anna may not ping everyone.
    let hers = bot.sim.say(anna, bot.general(), "@everyone hi").unwrap();
    assert_eq!(mentioned(&hers), (0, false));
    let reply = json!({"content": "hi", "message_reference": {"message_id": hers["id"]}});
    let (_, reply) = bot.post(&messages, reply).await;
    assert_eq!(reply["type"], 19);
    assert_eq!(reply["referenced_message"]["content"], "@everyone hi");
    assert_eq!(mentioned(&reply), (1, false));
    assert_eq!(
        bot.sim.reply_to(id(&hers), SOON).await.unwrap()["id"],
        reply["id"]
    );
    let (_, error) = bot
        .post(
            &messages,
            json!({"content": "x", "message_reference": {"message_id": "5"}}),
        )
        .await;
    let fault = &error["errors"]["message_reference"]["_errors"][0];
    assert_eq!(fault["code"], "REPLIES_UNKNOWN_MESSAGE");
}

#[tokio::test]
async fn direct_messages_reach_people_and_not_bots() {
    let bot = Bot::start().await;
    let anna = bot.user("anna");
    let open = async |user: Id| {
        let body = json!({"recipient_id": user.to_string()});
        bot.post("/users/@me/channels", body).await.1
    };
    let channel = open(anna).await;
    assert_eq!(id(&channel), bot.sim.direct_channel(anna));
    assert_eq!(channel["type"], 1);
    let path = format!("/channels/{}/messages", id(&channel));
    assert_eq!(bot.post(&path, json!({"content": "psst"})).await.0, 200);

    let other = bot.sim.add_bot("other");
    let path = format!("/channels/{}/messages", id(&open(other).await));
    let (status, error) = bot.post(&path, json!({"content": "psst"})).await;
    assert_eq!((status, &error["code"]), (403, &json!(50007)));
    bot.sim.take_messages_from_bots(anna, false);
    let path = format!("/channels/{}/messages", id(&channel));
    assert_eq!(
        bot.post(&path, json!({"content": "psst"})).await.1["code"],
        50007
    );
}

#[tokio::test]
async fn reactions_are_added_listed_and_removed() {
    let bot = Bot::start().await;
    let hers = id(&bot
        .sim
        .say(bot.user("anna"), bot.general(), "react")
        .unwrap());
    let base = format!("/channels/{}/messages/{hers}/reactions", bot.general());
    let thumb = "%F0%9F%91%8D";
    assert_eq!(
        bot.put(&format!("{base}/{thumb}/@me"), Value::Null).await.0,
        204
    );
    bot.sim
        .react_as(bot.user("ben"), bot.general(), hers, "👍")
        .unwrap();
    let (_, users) = bot.get(&format!("{base}/{thumb}")).await;
    assert_eq!(users.as_array().unwrap().len(), 2);
    let reaction = bot.sim.message(bot.general(), hers).unwrap()["reactions"][0].clone();
    assert_eq!(
        (&reaction["count"], &reaction["me"]),
        (&json!(2), &json!(true))
    );

    let bens = format!("{base}/{thumb}/{}", bot.user("ben"));
    assert_eq!(bot.delete(&bens).await.0, 204);
    assert_eq!(bot.delete(&format!("{base}/{thumb}/@me")).await.0, 204);
    let message = bot.sim.message(bot.general(), hers).unwrap();
    assert!(message.get("reactions").is_none());
    let (_, error) = bot.put(&format!("{base}/thumbsup/@me"), Value::Null).await;
    assert_eq!(error["code"], 10014);
}

#[tokio::test]
async fn pins_work_under_both_addresses() {
    let bot = Bot::start().await;
    let hers = id(&bot
        .sim
        .say(bot.user("anna"), bot.general(), "pin me")
        .unwrap());
    let channel = format!("/channels/{}", bot.general());
    assert_eq!(
        bot.put(&format!("{channel}/pins/{hers}"), Value::Null)
            .await
            .0,
        204
    );
    let (_, new) = bot.get(&format!("{channel}/messages/pins")).await;
    assert_eq!(new["items"][0]["message"]["content"], "pin me");
    let (_, old) = bot.get(&format!("{channel}/pins")).await;
    assert_eq!(old[0]["pinned"], true);
    let path = format!("{channel}/messages/pins/{hers}");
    assert_eq!(bot.delete(&path).await.0, 204);
    assert_eq!(bot.get(&format!("{channel}/pins")).await.1, json!([]));
}

#[tokio::test]
async fn bulk_deletion_counts_and_ages() {
    let clock = Clock::paused(1_800_000_000);
    let options = SimOptions {
        clock: clock.clone(),
        ..SimOptions::default()
    };
    let bot = Bot::with(options).await;
    let say = || bot.sim.say(bot.user("anna"), bot.general(), "x").unwrap()["id"].clone();
    let path = format!("/channels/{}/messages/bulk-delete", bot.general());
    let (one, two) = (say(), say());
    assert_eq!(
        bot.post(&path, json!({"messages": [one.clone()]})).await.1["code"],
        50035
    );
    clock.advance_to_next(Duration::from_secs(1_800_000_000 + 15 * 86_400));
    let (_, error) = bot.post(&path, json!({"messages": [one, two]})).await;
    assert_eq!(error["code"], 50034);
    let (three, four) = (say(), say());
    assert_eq!(
        bot.post(&path, json!({"messages": [three, four]})).await.0,
        204
    );
    assert_eq!(bot.sim.messages(bot.general()).len(), 2);
}

#[tokio::test]
async fn embeds_and_components_show_the_files_that_they_name() {
    let bot = Bot::start().await;
    let file = json!([{"filename": "cat.png", "content": "meow", "content_type": "image/png"}]);
    let send = |body: Value| bot.sim.send_as(bot.sim.bot_user(), bot.general(), body);
    let embed = json!({"title": "Cat", "image": {"url": "attachment://cat.png"}});
    let message = send(json!({"embeds": [embed], "files": file})).unwrap();
    let address = &message["attachments"][0]["url"];
    assert_eq!(message["embeds"][0]["image"]["url"], *address);

    let gallery = |name: &str| {
        let media = json!({"url": format!("attachment://{name}")});
        let card = json!({"type": 13, "file": media});
        json!({"flags": 1 << 15, "files": file, "components": [
            {"type": 17, "components": [{"type": 12, "items": [{"media": media}]}]}, card]})
    };
    let message = send(gallery("cat.png")).unwrap();
    let shown = &message["components"][0]["components"][0]["items"][0]["media"];
    let attachment = &message["attachments"][0];
    assert_eq!(shown["url"], attachment["url"]);
    assert_eq!(shown["attachment_id"], attachment["id"]);
    let card = &message["components"][1];
    assert_eq!(
        (&card["name"], &card["size"]),
        (&json!("cat.png"), &json!(4))
    );
    assert_eq!(send(gallery("dog.png")).unwrap_err().code(), Some(50035));
}

//! Threads, their archive, and forums.

use super::{Bot, id};
use serde_json::{Value, json};

async fn thread(bot: &Bot, of_kind: u64) -> Value {
    let path = format!("/channels/{}/threads", bot.general());
    let (status, thread) = bot
        .post(&path, json!({"name": "aside", "type": of_kind}))
        .await;
    assert_eq!(status, 201, "{thread}");
    thread
}

#[tokio::test]
async fn a_message_takes_a_thread_out_of_the_archive() {
    let bot = Bot::start().await;
    let anna = bot.user("anna");
    let thread = thread(&bot, 11).await;
    let path = format!("/channels/{}", id(&thread));
    let message = bot.sim.say(anna, id(&thread), "in here").unwrap();
    assert_eq!(bot.patch(&path, json!({"archived": true})).await.0, 200);
    let edit = json!({"content": "changed"});
    let refused = bot
        .sim
        .edit_as(anna, id(&thread), id(&message), edit)
        .unwrap_err();
    assert_eq!(refused.code(), Some(50083));
    let refused = bot
        .sim
        .react_as(anna, id(&thread), id(&message), "👍")
        .unwrap_err();
    assert_eq!(refused.code(), Some(50083));
    assert_eq!(
        bot.patch(&path, json!({"name": "other"})).await.1["code"],
        50083
    );

    let archive = format!("/channels/{}/threads/archived", bot.general());
    let (_, listed) = bot.get(&format!("{archive}/public")).await;
    assert_eq!(listed["threads"][0]["id"], thread["id"]);
    assert_eq!(listed["has_more"], false);
    let private = format!("{archive}/private");
    let refused = bot.sim.call_as(anna, "GET", &private, Value::Null);
    assert_eq!(refused.unwrap_err().code(), Some(50013));

    let mut events = bot.sim.subscribe();
    bot.sim.say(bot.user("ben"), id(&thread), "back").unwrap();
    let mut told = Vec::new();
    while let Ok(event) = events.try_recv() {
        told.push(event.name.clone());
    }
    assert_eq!(
        told,
        ["THREAD_UPDATE", "THREAD_MEMBERS_UPDATE", "MESSAGE_CREATE"]
    );
    let (_, now) = bot.get(&path).await;
    assert_eq!(now["thread_metadata"]["archived"], false);
    assert_eq!(
        (&now["member_count"], &now["message_count"]),
        (&json!(3), &json!(2))
    );
    let (_, listed) = bot.get(&format!("{archive}/public")).await;
    assert_eq!(listed["threads"], json!([]));
}

#[tokio::test]
async fn a_locked_thread_is_for_moderators() {
    let bot = Bot::start().await;
    let anna = bot.user("anna");
    let thread = thread(&bot, 11).await;
    let path = format!("/channels/{}", id(&thread));
    let close = json!({"archived": true, "locked": true});
    bot.sim
        .call_as(bot.sim.owner(), "PATCH", &path, close)
        .unwrap();
    assert_eq!(
        bot.sim.say(anna, id(&thread), "hello").unwrap_err().code(),
        Some(50083)
    );
    let open = json!({"archived": false});
    assert!(bot.sim.call_as(anna, "PATCH", &path, open).is_err());
    assert!(bot.sim.say(bot.sim.owner(), id(&thread), "hello").is_ok());
}

#[tokio::test]
async fn posts_of_a_forum_have_a_first_message_and_tags() {
    let bot = Bot::start().await;
    let (anna, owner) = (bot.user("anna"), bot.sim.owner());
    let forum = bot.sim.add_channel(bot.sim.guild(), "help", 15).unwrap();
    let path = format!("/channels/{forum}");
    let tags = json!([{"name": "open"}, {"name": "solved", "moderated": true, "emoji_name": "✅"}]);
    let change = json!({"available_tags": tags, "flags": 16});
    let shown = bot.sim.call_as(owner, "PATCH", &path, change).unwrap();
    let tags = shown["available_tags"].as_array().unwrap();
    let [open, solved] = [&tags[0]["id"], &tags[1]["id"]];
    assert!(open.is_string() && open != solved, "{shown}");
    let renamed = json!({"available_tags": [{"id": open, "name": "asked"}, tags[1]]});
    let shown = bot.sim.call_as(owner, "PATCH", &path, renamed).unwrap();
    assert_eq!(shown["available_tags"][0]["id"], *open);
    let long = json!({"available_tags": [{"name": "x".repeat(21)}]});
    let refused = bot.sim.call_as(owner, "PATCH", &path, long).unwrap_err();
    assert_eq!(refused.code(), Some(50035));

    let post = |user, tags: Value| {
        let body = json!({"name": "How?", "applied_tags": tags, "message": {"content": "Please"}});
        bot.sim
            .call_as(user, "POST", &format!("{path}/threads"), body)
    };
    assert_eq!(post(anna, json!([])).unwrap_err().code(), Some(40067));
    assert_eq!(post(anna, json!(["7"])).unwrap_err().code(), Some(50035));
    assert_eq!(post(anna, json!([solved])).unwrap_err().code(), Some(50013));
    assert!(post(owner, json!([solved])).is_ok());
    let made = post(anna, json!([open])).unwrap();
    assert_eq!(made["message"]["id"], made["id"]);
    assert_eq!(
        (&made["applied_tags"], &made["message_count"]),
        (&json!([open]), &json!(0))
    );
    let retag = json!({"applied_tags": []});
    let path = format!("/channels/{}", id(&made));
    assert_eq!(
        bot.sim.call_as(anna, "PATCH", &path, retag).unwrap()["applied_tags"],
        json!([])
    );
}

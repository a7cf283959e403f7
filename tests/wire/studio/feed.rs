//! What a page is told.

use super::harness::{Studio, cog, error_of, failure};
use cogsmith::reload::report::{Outcome, Report};
use cogsmith::sim::Id;
use cogsmith::typecheck::TypeFollower;
use reqwest::StatusCode;
use serde_json::{Value, json};

#[tokio::test]
async fn the_feed_begins_with_everything_and_tells_each_reload() {
    let studio = Studio::start(None).await;
    studio.reports.add(failure(1));
    let mut page = studio.page().await;
    let hello = page.next("hello").await;
    assert_eq!(
        hello["bot"],
        json!({"name": "Cogsmith", "prefix": "!", "online": true})
    );
    assert_eq!(hello["world"], Value::Null);
    assert_eq!(
        hello["reports"][0]["problems"][0]["message"],
        "<script>alert(1)</script>"
    );
    assert_eq!(hello["cogs"][0]["version"], 1);

    *studio.cogs.lock().unwrap() = vec![cog("ping", 2)];
    studio.reports.add(failure(2));
    let frame = page.next("report").await;
    assert_eq!(frame["report"]["id"], 2);
    assert_eq!(frame["report"]["cogs"][0]["outcome"], "kept");
    assert_eq!(page.next("cogs").await["cogs"][0]["version"], 2);
}

/// A checker that says what `told.json` says, in the folder that it is called with.
#[cfg(unix)]
fn checker(folder: &std::path::Path) -> cogsmith::typecheck::FindChecker {
    use std::os::unix::fs::PermissionsExt as _;
    let program = folder.join("checker");
    std::fs::write(&program, "#!/bin/sh\nexec cat \"$4/told.json\"\n").unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::sync::Arc::new(move || Some(program.clone()))
}

#[cfg(unix)]
fn tell(folder: &std::path::Path, wrong: &[(&str, &str)]) {
    let wrong = wrong.iter().map(|(file, message)| {
        json!({
            "file": file, "line": 1, "column": 1, "end_line": 1, "end_column": 2,
            "severity": "error", "code": "TypeError", "message": message,
        })
    });
    let wrong: Vec<_> = wrong.collect();
    std::fs::write(folder.join("told.json"), Value::from(wrong).to_string()).unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn wrong_types_are_told_beside_the_reload() {
    let studio = Studio::start(None).await;
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let find = checker(here);
    let feed = studio.types.clone();
    let mut follower = TypeFollower::new(here.to_owned(), find, &studio.reports, feed);
    let following = tokio::spawn(async move { follower.follow().await });
    let mut page = studio.page().await;
    assert_eq!(page.next("hello").await["types"], Value::Null);

    // To begin with nobody knows what was wrong before, so only what has changed counts.
    let (changed, other) = ("lua/cogs/ping.luau", "lua/cogs/pong.luau");
    tell(
        here,
        &[(changed, "is a number"), (other, "was wrong before")],
    );
    let saved = |id| Report {
        changed: vec![changed.into()],
        outcome: Outcome::Applied,
        ..failure(id)
    };
    studio.reports.add(saved(1));
    let told = &page.next("types").await["types"];
    assert_eq!(told["report"], 1);
    assert_eq!(told["problems"].as_array().unwrap().len(), 1);
    assert_eq!(told["problems"][0]["message"], "is a number");
    assert_eq!(told["problems"][0]["place"]["file"], changed);

    // What is new elsewhere comes from the change; what failed to load is not looked at.
    tell(
        here,
        &[(other, "was wrong before"), (other, "is wrong now")],
    );
    studio.reports.add(failure(2));
    studio.reports.add(saved(3));
    let told = &page.next("types").await["types"];
    assert_eq!(told["report"], 3);
    assert_eq!(told["problems"].as_array().unwrap().len(), 1);
    assert_eq!(told["problems"][0]["message"], "is wrong now");

    let many: Vec<_> = (0..30).map(|number| format!("mistake {number}")).collect();
    let many: Vec<_> = many.iter().map(|it| (changed, it.as_str())).collect();
    tell(here, &many);
    studio.reports.add(saved(4));
    let told = &page.next("types").await["types"];
    assert_eq!(
        (told["problems"].as_array().unwrap().len(), &told["more"]),
        (20, &json!(10))
    );

    // A checker that fails takes nothing back, and a page that comes later is given the same.
    std::fs::remove_file(here.join("told.json")).unwrap();
    studio.reports.add(saved(5));
    let mut late = studio.page().await;
    assert_eq!(late.next("hello").await["types"]["report"], 4);
    following.abort();
}

#[tokio::test]
async fn on_discord_itself_there_is_nothing_to_write_to() {
    let studio = Studio::start(None).await;
    let response = studio
        .post(
            "/control/say",
            &json!({"user": "1", "channel": "2", "content": "x"}),
        )
        .await;
    assert_eq!(response.status(), StatusCode::CONFLICT);
    assert!(error_of(response).await.contains("on Discord itself"));
}

#[tokio::test]
async fn what_is_written_arrives_on_every_page() {
    let (studio, chat, general) = Studio::with_chat().await;
    let (mut one, mut other) = (studio.page().await, studio.page().await);
    let hello = one.next("hello").await;
    assert_eq!(hello["world"]["guilds"][0]["name"], "Cogsmith");
    assert_eq!(hello["world"]["owner_id"], chat.owner().to_string());
    assert_eq!(hello["world"]["files"], chat.url());
    other.next("hello").await;

    let response = studio.say(chat.owner(), &general, "!ping").await;
    assert_eq!(response.status(), StatusCode::OK);
    for page in [&mut one, &mut other] {
        let frame = page.next("message").await;
        assert_eq!(frame["channel"], general);
        assert_eq!(frame["message"]["content"], "!ping");
        assert_eq!(frame["message"]["author"]["id"], chat.owner().to_string());
    }
    // A page that comes later is given the same.
    let mut late = studio.page().await;
    assert_eq!(late.ask(&general).await["messages"][0]["content"], "!ping");
}

#[tokio::test]
async fn reactions_tell_who_reacted() {
    let (studio, chat, general) = Studio::with_chat().await;
    let sent = chat
        .say(chat.owner(), general.parse().unwrap(), "like it?")
        .unwrap();
    let mut page = studio.page().await;
    page.next("hello").await;
    let anna = chat.user("anna").unwrap().to_string();
    let mut react =
        json!({"user": anna, "channel": general, "message": sent["id"], "emoji": "👍", "on": true});
    assert_eq!(
        studio.post("/control/react", &react).await.status(),
        StatusCode::OK
    );
    let frame = page.next("message").await;
    assert_eq!(frame["message"]["reactions"][0]["users"], json!([anna]));
    assert_eq!(frame["message"]["reactions"][0]["count"], 1);

    react["on"] = false.into();
    assert_eq!(
        studio.post("/control/react", &react).await.status(),
        StatusCode::OK
    );
    let frame = page.next("message").await;
    assert_eq!(
        frame["message"]["reactions"].as_array().map_or(0, Vec::len),
        0
    );
}

#[tokio::test]
async fn edits_deletions_and_typing_are_told() {
    let (studio, chat, general) = Studio::with_chat().await;
    let channel = general.parse().unwrap();
    let sent = chat.say(chat.owner(), channel, "before").unwrap();
    let id: Id = sent["id"].as_str().unwrap().parse().unwrap();
    let mut page = studio.page().await;
    page.next("hello").await;
    chat.edit_as(chat.owner(), channel, id, json!({"content": "after"}))
        .unwrap();
    let frame = page.next("message").await;
    assert_eq!(frame["message"]["content"], "after");
    assert!(frame["message"]["edited_timestamp"].is_string());
    chat.typing_as(chat.bot_user(), channel).unwrap();
    assert_eq!(
        page.next("typing").await["user"],
        chat.bot_user().to_string()
    );
    chat.delete_as(chat.owner(), channel, id).unwrap();
    assert_eq!(
        page.next("message_delete").await["ids"],
        json!([sent["id"]])
    );
}

#[tokio::test]
async fn the_page_knows_who_sees_which_channel() {
    let (studio, chat, general) = Studio::with_chat().await;
    let mut page = studio.page().await;
    let access = page.next("hello").await["world"]["access"].clone();
    let hidden = chat.channel("moderators").unwrap().to_string();
    let seen_by = |user: Id| access[user.to_string()].as_object().unwrap();
    assert!(seen_by(chat.owner()).contains_key(&hidden));
    let anna = chat.user("anna").unwrap();
    assert!(!seen_by(anna).contains_key(&hidden));
    let held: u64 = seen_by(anna)[&general].as_str().unwrap().parse().unwrap();
    assert_eq!(held, chat.permissions_in(anna, general.parse().unwrap()));
}

#[tokio::test]
async fn the_page_is_told_when_the_commands_change() {
    let (studio, chat, _) = Studio::with_chat().await;
    let mut page = studio.page().await;
    assert_eq!(page.next("hello").await["world"]["commands"], json!([]));
    let path = format!("/applications/{}/commands", chat.bot_user());
    let register = |path: &str, body: Value| {
        chat.call_as(chat.bot_user(), "PUT", path, body).unwrap();
    };
    register(
        &path,
        json!([{"name": "rank", "description": "Everywhere"}]),
    );
    let told = page.next("commands").await;
    assert_eq!(told["commands"][0]["description"], "Everywhere");
    let own = format!(
        "/applications/{}/guilds/{}/commands",
        chat.bot_user(),
        chat.guild()
    );
    register(&own, json!([{"name": "rank", "description": "Here"}]));
    let told = page.next("commands").await;
    let descriptions: Vec<&Value> = told["commands"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["description"])
        .collect();
    // Which of them is offered where, the page decides.
    assert_eq!(descriptions, ["Everywhere", "Here"]);
}

#[tokio::test]
async fn a_secret_of_the_process_is_on_no_page() {
    let _keeper = cogsmith::secrets::keep("a-secret-of-this-process");
    let (studio, chat, general) = Studio::with_chat().await;
    let shown = |id| {
        let mut report = failure(id);
        report.problems[0].message = "it is a-secret-of-this-process".to_owned();
        report
    };
    studio.reports.add(shown(1));
    let mut page = studio.page().await;
    let hello = page.next("hello").await;
    let problem = &hello["reports"][0]["problems"][0];
    assert_eq!(problem["message"], "it is (hidden)");
    studio.reports.add(shown(2));
    let frame = page.next("report").await;
    assert_eq!(frame["report"]["problems"][0]["message"], "it is (hidden)");

    let text = "a-secret-of-this-process";
    let answer = studio.say(chat.owner(), &general, text).await;
    assert!(!answer.text().await.unwrap().contains(text));
    let frame = page.next("message").await;
    assert_eq!(frame["message"]["content"], "(hidden)");
}

#[tokio::test]
async fn a_page_asks_for_messages_part_by_part() {
    let (studio, chat, general) = Studio::with_chat().await;
    let (owner, channel) = (chat.owner(), general.parse().unwrap());
    let said = (0..130).map(|number| {
        let message = chat.say(owner, channel, &number.to_string()).unwrap();
        message["id"].as_str().unwrap().to_owned()
    });
    let said: Vec<String> = said.collect();
    let mut page = studio.page().await;
    let shown = |frame: &Value| {
        let messages = frame["messages"].as_array().unwrap().iter();
        let ids: Vec<String> = messages
            .map(|it| it["id"].as_str().unwrap().to_owned())
            .collect();
        let sides = ["older", "newer"].map(|side| frame[side].as_bool().unwrap());
        (ids, sides)
    };
    let newest = page.ask(&general).await;
    assert_eq!(shown(&newest), (said[80..].to_vec(), [true, false]));
    let before = json!({ "open": general, "before": said[80] });
    let before = page.ask_for(before).await;
    assert_eq!(before["before"], said[80].as_str());
    assert_eq!(shown(&before), (said[30..80].to_vec(), [true, true]));
    let first = json!({ "open": general, "before": said[30] });
    let first = page.ask_for(first).await;
    assert_eq!(shown(&first), (said[..30].to_vec(), [false, true]));
    let nothing = json!({ "open": general, "before": said[0] });
    let nothing = page.ask_for(nothing).await;
    assert_eq!(shown(&nothing), (Vec::new(), [false, true]));
    let after = json!({ "open": general, "after": said[100] });
    let after = page.ask_for(after).await;
    assert_eq!(shown(&after), (said[101..].to_vec(), [true, false]));
    // A message that is no more is somewhere between the others all the same.
    chat.delete_as(owner, channel, said[60].parse().unwrap())
        .unwrap();
    let around = json!({ "open": general, "around": said[60] });
    let around = page.ask_for(around).await;
    let expected = [&said[35..60], &said[61..86]].concat();
    assert_eq!(shown(&around), (expected, [true, true]));
}

#[tokio::test]
async fn what_no_page_asks_for_is_left_alone() {
    let (studio, chat, general) = Studio::with_chat().await;
    let channel = general.parse().unwrap();
    chat.say(chat.owner(), channel, "the only one").unwrap();
    let mut page = studio.page().await;
    for ask in [
        json!({ "open": "general" }),
        json!({ "open": general, "before": "x" }),
        json!({ "open": general, "before": 1 }),
        json!({ "open": [general] }),
        json!("open"),
    ] {
        page.send(ask).await;
    }
    let unknown = page.ask("1").await;
    assert_eq!(
        (&unknown["messages"], &unknown["older"], &unknown["newer"]),
        (&json!([]), &json!(false), &json!(false))
    );
    let far = json!({ "open": general, "after": u64::MAX.to_string() });
    let far = page.ask_for(far).await;
    assert_eq!(
        (&far["older"], &far["newer"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(
        page.ask(&general).await["messages"][0]["content"],
        "the only one"
    );
}

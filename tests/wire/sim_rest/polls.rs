//! Polls.

use super::{Bot, id};
use cogsmith::clock::Clock;
use cogsmith::sim::{Dispatch, SimOptions};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;

fn poll(answers: &[&str], several: bool) -> Value {
    let answers = answers.iter();
    let answers = answers.map(|text| json!({"poll_media": {"text": text}}));
    json!({
        "question": {"text": "Which?"}, "answers": answers.collect::<Vec<_>>(),
        "duration": 1, "allow_multiselect": several,
    })
}

async fn sent(bot: &Bot, poll: &Value) -> (u16, Value) {
    let path = format!("/channels/{}/messages", bot.general());
    bot.post(&path, json!({"poll": poll})).await
}

/// The names of the dispatches so far, and their data.
fn dispatched(events: &mut Receiver<Arc<Dispatch>>) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    while let Ok(event) = events.try_recv() {
        all.push((event.name.clone(), event.data.clone()));
    }
    all
}

#[tokio::test]
async fn people_vote_and_change_their_mind() {
    let bot = Bot::start().await;
    let (anna, ben) = (bot.user("anna"), bot.user("ben"));
    let (status, message) = sent(&bot, &poll(&["red", "blue"], false)).await;
    assert_eq!(status, 200, "{message}");
    let shown = &message["poll"];
    assert_eq!(shown["answers"][1]["answer_id"], 2);
    assert_eq!(shown["answers"][1]["poll_media"]["text"], "blue");
    let results = json!({"answer_counts": [], "is_finalized": false});
    assert_eq!(shown["results"], results);
    assert!(shown["expiry"].is_string());

    let mut events = bot.sim.subscribe();
    let vote = |user, answers: &[u64]| bot.sim.vote_as(user, bot.general(), id(&message), answers);
    vote(anna, &[1]).unwrap();
    vote(anna, &[2]).unwrap();
    vote(ben, &[2]).unwrap();
    let told: Vec<_> = dispatched(&mut events)
        .into_iter()
        .map(|(name, data)| (name, data["answer_id"].as_u64().unwrap()))
        .collect();
    let (add, remove) = ("MESSAGE_POLL_VOTE_ADD", "MESSAGE_POLL_VOTE_REMOVE");
    let expected = [(add, 1), (remove, 1), (add, 2), (add, 2)];
    assert_eq!(
        told,
        expected.map(|(name, answer)| (name.to_owned(), answer))
    );
    for answers in [&[1, 2][..], &[3]] {
        assert_eq!(vote(ben, answers).unwrap_err().code(), Some(50035));
    }
    let bots = vote(bot.sim.bot_user(), &[1]).unwrap_err();
    assert_eq!(bots.code(), Some(20001));

    let path = format!("/channels/{}/polls/{}", bot.general(), id(&message));
    let (_, voters) = bot.get(&format!("{path}/answers/2")).await;
    let names: Vec<&Value> = voters["users"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["username"])
        .collect();
    assert_eq!(names, ["anna", "ben"]);
    let (_, first) = bot.get(&format!("{path}/answers/2?limit=1")).await;
    assert_eq!(first["users"].as_array().unwrap().len(), 1);
    let shown = bot.sim.message(bot.general(), id(&message)).unwrap();
    let counts = json!([{"id": 2, "count": 2, "me_voted": false}]);
    assert_eq!(shown["poll"]["results"]["answer_counts"], counts);
}

#[tokio::test]
async fn a_poll_is_ended_once_by_who_made_it() {
    let bot = Bot::start().await;
    let anna = bot.user("anna");
    let (_, message) = sent(&bot, &poll(&["red", "blue"], true)).await;
    let vote = |answers: &[u64]| bot.sim.vote_as(anna, bot.general(), id(&message), answers);
    vote(&[1, 2]).unwrap();
    vote(&[2]).unwrap();
    let path = format!("/channels/{}/polls/{}/expire", bot.general(), id(&message));
    let refused = bot
        .sim
        .call_as(anna, "POST", &path, Value::Null)
        .unwrap_err();
    assert_eq!(refused.code(), Some(50005));
    let mut events = bot.sim.subscribe();
    let (status, ended) = bot.post(&path, Value::Null).await;
    assert_eq!(
        (status, &ended["poll"]["results"]["is_finalized"]),
        (200, &json!(true))
    );
    let told = dispatched(&mut events);
    assert_eq!(told[0].0, "MESSAGE_UPDATE");
    let (name, result) = &told[1];
    assert_eq!(
        (name.as_str(), &result["type"]),
        ("MESSAGE_CREATE", &json!(46))
    );
    assert_eq!(result["message_reference"]["message_id"], message["id"]);
    let fields = result["embeds"][0]["fields"].as_array().unwrap();
    let victor = fields.iter().find(|it| it["name"] == "victor_answer_text");
    assert_eq!(victor.unwrap()["value"], "blue");
    assert_eq!(bot.post(&path, Value::Null).await.1["code"], 520_001);
    assert_eq!(vote(&[1]).unwrap_err().code(), Some(520_001));
}

#[tokio::test]
async fn a_poll_ends_by_the_clock() {
    let clock = Clock::paused(1_800_000_000);
    let options = SimOptions {
        clock: clock.clone(),
        ..SimOptions::default()
    };
    let bot = Bot::with(options).await;
    let (_, message) = sent(&bot, &poll(&["red"], false)).await;
    clock.advance_to_next(Duration::from_secs(1_800_000_000 + 3_600));
    let mut events = bot.sim.subscribe();
    let late = bot
        .sim
        .vote_as(bot.user("anna"), bot.general(), id(&message), &[1]);
    assert_eq!(late.unwrap_err().code(), Some(520_001));
    let told = dispatched(&mut events);
    let names: Vec<&str> = told.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["MESSAGE_UPDATE", "MESSAGE_CREATE"]);
}

#[tokio::test]
async fn a_poll_is_checked() {
    let bot = Bot::start().await;
    let long = "x".repeat(56);
    let mut no_question = poll(&["a"], false);
    no_question["question"]["text"] = json!("");
    let mut too_long = poll(&["a"], false);
    too_long["duration"] = json!(769);
    for wrong in [
        poll(&[], false),
        poll(&["a"; 11], false),
        poll(&[&long], false),
        poll(&["a", ""], false),
        no_question,
        too_long,
    ] {
        let (status, error) = sent(&bot, &wrong).await;
        assert_eq!((status, &error["code"]), (400, &json!(50035)), "{wrong}");
    }
    let anna = bot.user("anna");
    let everyone = bot.sim.guild();
    let held = bot.sim.permissions_in(anna, bot.general());
    bot.sim
        .set_permissions(everyone, everyone, held & !(1 << 49))
        .unwrap();
    let body = json!({"poll": poll(&["a"], false)});
    let refused = bot.sim.send_as(anna, bot.general(), body).unwrap_err();
    assert_eq!(refused.code(), Some(50013));
}

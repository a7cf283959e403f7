//! What arrives: every event once, whatever becomes of connections and numbers.

use super::{Bot, INTENTS, PATIENCE, identified, names_until, numbers, options, resumed};
use crate::fake_gateway::{FakeGateway, Resumed, Seen};
use cogsmith::gateway::{Gateway, GatewayError, GatewayOptions, ShardState};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::watch;

#[tokio::test]
async fn it_identifies_and_hands_on_what_comes_also_what_nobody_knows() {
    let server = FakeGateway::start().await;
    let intents = INTENTS | 1 << 40;
    let mut bot = Bot::ready(GatewayOptions {
        intents,
        ..options(&server.url)
    })
    .await;
    let identify = Seen::Identify("Bot the.secret.token".to_owned(), intents, 0);
    assert_eq!(server.count(|seen| *seen == identify), 1);

    assert_eq!(&*bot.event().await.name, "ready");
    server.emit("NEVER_HEARD_OF", &json!({"new": {"field": 1}}));
    let event = bot.event().await;
    assert_eq!(
        (&*event.name, event.shard, event.sequence),
        ("never_heard_of", 0, Some(2))
    );
    assert_eq!(event.raw(), r#"{"new":{"field":1}}"#);
    assert!(event.data().at(&["new", "field"]).unwrap().as_i64() == Some(1));
    assert_eq!(bot.gateway.sequence(0), 2);
}

#[tokio::test]
async fn a_frame_that_cannot_be_read_is_skipped() {
    let server = FakeGateway::start().await;
    let mut bot = Bot::ready(options(&server.url)).await;
    let op = r#""op":0"#;
    for broken in [
        "",
        "nonsense",
        "{}",
        &format!("{{{op}}}"),
        &format!(r#"{{"t":"X","s":9,{op},"d":{{}}"#),
    ] {
        server.raw(broken);
    }
    server.say(1);
    assert_eq!(bot.messages_until("1").await, ["1"]);
    assert_eq!(server.count(identified), 1);
}

#[tokio::test]
async fn a_frame_of_five_megabytes_arrives_compressed() {
    let server = FakeGateway::start().await;
    let mut bot = Bot::ready(options(&server.url)).await;
    assert_eq!(&*bot.event().await.name, "ready");
    let members: Vec<_> = (0..50_000)
        .map(|id| json!({"user": {"id": id.to_string()}, "nick": "é".repeat(30)}))
        .collect();
    server.emit("GUILD_CREATE", &json!({"id": "1", "members": members}));
    server.say(1);
    let guild = bot.event().await;
    assert!(guild.raw().len() > 4_500_000);
    assert_eq!(guild.data().get("members").unwrap().items().len(), 50_000);
    assert_eq!(bot.messages_until("1").await, ["1"]);
    let compressed =
        |seen: &Seen| matches!(seen, Seen::Connect(query) if query.contains("zstd-stream"));
    assert_eq!(server.count(compressed), 1);
}

#[tokio::test]
async fn no_event_is_lost_or_doubled_when_connections_end() {
    let server = FakeGateway::start().await;
    let mut bot = Bot::ready(options(&server.url)).await;
    server.say(1);
    assert_eq!(bot.messages_until("1").await, numbers(1..=1));
    let mut ends: Vec<Box<dyn Fn()>> = Vec::new();
    ends.push(Box::new(|| server.drop_all()));
    ends.push(Box::new(|| {
        server.raw(r#"{"t":null,"s":null,"op":7,"d":null}"#);
    }));
    ends.push(Box::new(|| server.close_all(4000)));
    for (round, end) in (1..).zip(ends) {
        server.say(round * 10 + 1);
        end();
        server.say(round * 10 + 2);
        server
            .wait_for(usize::try_from(round).unwrap(), resumed)
            .await;
        server.say(round * 10 + 3);
        let last = (round * 10 + 3).to_string();
        let expected = numbers(round * 10 + 1..=round * 10 + 3);
        assert_eq!(bot.messages_until(&last).await, expected);
    }
    assert_eq!(server.count(identified), 1);
}

#[tokio::test]
async fn heartbeats_without_an_answer_end_the_connection() {
    let server = FakeGateway::start().await;
    server.behave(|behaviour| {
        behaviour.heartbeat_ms = 40;
        behaviour.acknowledges = false;
    });
    let mut bot = Bot::ready(options(&server.url)).await;
    server.wait_for(1, resumed).await;
    server.behave(|behaviour| behaviour.acknowledges = true);
    server.say(1);
    assert_eq!(bot.messages_until("1").await, ["1"]);
    bot.until(|states| states == [ShardState::Ready]).await;
    while bot.gateway.latency().is_none() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn every_event_arrives_once_whatever_number_a_server_begins_with() {
    let manners = [
        Resumed::Counted,
        Resumed::Null,
        Resumed::Last,
        Resumed::Zero,
    ];
    for (first, numbers_resumed) in [Some(0), Some(1), Some(9), None]
        .into_iter()
        .flat_map(|first| manners.map(|resumed| (first, resumed)))
    {
        let server = FakeGateway::start().await;
        server.behave(|behaviour| {
            behaviour.first = first;
            behaviour.resumed = numbers_resumed;
        });
        let mut bot = Bot::ready(options(&server.url)).await;
        // A session that the server did not number is resumed at once, to be known to all parts.
        let resumes = usize::from(first.is_none());
        server.say(1);
        let mut expected = vec!["ready", "1"];
        if first.is_none() {
            expected.insert(1, "resumed");
        }
        let names = names_until(&mut bot, "1").await;
        assert_eq!(names, expected, "{first:?} {numbers_resumed:?}");

        server.say(2);
        server.drop_all();
        server.say(3);
        server.wait_for(resumes + 1, resumed).await;
        server.say(4);
        let mut names = names_until(&mut bot, "4").await;
        // Whether 4 comes before or after the server has said that it resumes is not the client's affair.
        assert!(names.contains(&"resumed".to_owned()), "{first:?} {names:?}");
        names.retain(|name| name != "resumed");
        assert_eq!(names, numbers(2..=4), "{first:?} {numbers_resumed:?}");
        assert_eq!(server.count(identified), 1);
    }
}

#[tokio::test]
async fn an_event_without_a_number_arrives_and_a_new_session_begins_anew() {
    let server = FakeGateway::start().await;
    let mut bot = Bot::ready(options(&server.url)).await;
    server.say(1);
    server.say(2);
    server.raw(r#"{"t":"UNNUMBERED","s":null,"op":0,"d":{}}"#);
    server.raw(r#"{"op":0,"d":{},"t":"UNNUMBERED"}"#);
    server.say(3);
    let expected = ["ready", "1", "2", "unnumbered", "unnumbered", "3"];
    assert_eq!(names_until(&mut bot, "3").await, expected);
    assert_eq!(bot.gateway.sequence(0), 4);

    // The numbers of the next session are lower than those of this one.
    server.behave(|behaviour| behaviour.first = Some(0));
    server.forget_sessions_and_say_so();
    server.wait_for(2, identified).await;
    bot.until(|states| states == [ShardState::Ready]).await;
    server.say(4);
    assert_eq!(names_until(&mut bot, "4").await, ["ready", "4"]);
    assert_eq!(bot.gateway.sequence(0), 1);
}

#[tokio::test]
async fn a_number_that_is_none_keeps_no_event_away() {
    for odd in ["-1", "\"1\"", "1.5", "{}"] {
        let server = FakeGateway::start().await;
        server.behave(|behaviour| {
            behaviour.odd = Some(odd);
            behaviour.first = None;
        });
        let mut bot = Bot::ready(options(&server.url)).await;
        server.say(1);
        let names = names_until(&mut bot, "1").await;
        assert_eq!(names.first().map(String::as_str), Some("ready"), "{odd}");
        assert_eq!(server.count(identified), 1, "{odd}");
    }
}

#[tokio::test]
async fn numbers_that_go_back_after_a_session_was_resumed_keep_no_event_away() {
    let server = FakeGateway::start().await;
    let mut bot = Bot::ready(options(&server.url)).await;
    (1..=5).for_each(|number| server.say(number));
    assert_eq!(bot.messages_until("5").await, numbers(1..=5));
    server.drop_all();
    server.wait_for(1, resumed).await;
    bot.until(|states| states == [ShardState::Ready]).await;
    server.count_anew();
    (6..=7).for_each(|number| server.say(number));
    assert_eq!(bot.messages_until("7").await, numbers(6..=7));
    server.drop_all();
    server.say(8);
    assert_eq!(bot.messages_until("8").await, numbers(8..=8));
    let last = |seen: &Seen| matches!(seen, Seen::Resume(_, 2));
    assert_eq!(server.count(last), 1, "{:?}", server.seen());
}

#[tokio::test]
async fn what_a_resumed_session_brings_again_arrives_once() {
    let server = FakeGateway::start().await;
    server.behave(|behaviour| behaviour.repeats = true);
    let mut bot = Bot::ready(options(&server.url)).await;
    for round in 0..3 {
        let first = 10 * round;
        (first..=first + 5).for_each(|number| server.say(number));
        server.drop_all();
        server.say(first + 6);
        let last = (first + 6).to_string();
        assert_eq!(bot.messages_until(&last).await, numbers(first..=first + 6));
        bot.until(|states| states == [ShardState::Ready]).await;
    }
}

#[tokio::test]
async fn two_shards_keep_to_themselves() {
    let server = FakeGateway::start().await;
    let mut options = options(&server.url);
    options.address.shards = 2;
    let mut bot = Bot::ready(options).await;
    assert_eq!(
        (&*bot.event().await.name, &*bot.event().await.name),
        ("ready", "ready")
    );
    server.emit_to(1, "TYPING_START", &json!({}));
    assert_eq!(bot.event().await.shard, 1);
    assert_eq!((bot.gateway.sequence(0), bot.gateway.sequence(1)), (1, 2));
    bot.gateway
        .send(1, json!({"op": 3, "d": {}}).to_string())
        .unwrap();
    server
        .wait_for(
            1,
            |seen| matches!(seen, Seen::Other(command) if command["op"] == 3),
        )
        .await;
    assert_eq!(
        bot.gateway.send(2, r#"{"op":3}"#.to_owned()),
        Err(GatewayError::NotConnected { shard: 2 })
    );
    assert_eq!(
        bot.gateway.send(0, r#"{"op":2}"#.to_owned()),
        Err(GatewayError::NotACommand)
    );
}

#[tokio::test]
async fn a_sink_that_panics_is_called_again_with_the_next_event() {
    let server = FakeGateway::start().await;
    let (calls, counted) = (Arc::new(AtomicUsize::new(0)), watch::Sender::new(0));
    let (seen, told) = (Arc::clone(&calls), counted.clone());
    let gateway = Gateway::start(options(&server.url), move |_| {
        let call = seen.fetch_add(1, Ordering::Relaxed);
        told.send_replace(call + 1);
        assert!(call > 0, "a bug");
    })
    .unwrap();
    gateway.ready(PATIENCE).await.unwrap();
    server.say(1);
    let mut counts = counted.subscribe();
    counts.wait_for(|count| *count > 1).await.unwrap();
    gateway.shutdown().await;
}

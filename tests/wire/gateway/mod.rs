//! The gateway over a real WebSocket: what reaches the sink when connections, sessions, servers and
//! the process itself come and go.

mod sim;

use crate::fake_gateway::{Behaviour, FakeGateway, Resumed, Seen};
use crate::support::{log, nobody};
use cogsmith::clock::Clock;
use cogsmith::discord::event::Event;
use cogsmith::gateway::{
    Gateway, GatewayAddress, GatewayError, GatewayOptions, IdentifiesLeft, ShardState, Token,
};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

const INTENTS: u64 = 1 << 9 | 1 << 15;

/// A gateway and what it handed to its sink.
struct Bot {
    gateway: Gateway,
    events: mpsc::UnboundedReceiver<Arc<Event>>,
}

fn options(url: &str) -> GatewayOptions {
    GatewayOptions {
        token: Token::new("the.secret.token"),
        address: GatewayAddress::single(url),
        refresh: None,
        answers: None,
        intents: INTENTS,
        session_store: None,
        clock: Clock::system(),
    }
}

impl Bot {
    fn start(options: GatewayOptions) -> Self {
        let (sink, events) = mpsc::unbounded_channel();
        let gateway = Gateway::start(options, move |event| drop(sink.send(event))).unwrap();
        Self { gateway, events }
    }

    async fn ready(options: GatewayOptions) -> Self {
        let bot = Self::start(options);
        bot.gateway.ready(PATIENCE).await.unwrap();
        bot
    }

    async fn event(&mut self) -> Arc<Event> {
        let event = tokio::time::timeout(PATIENCE, self.events.recv());
        event
            .await
            .expect("no event came")
            .expect("the gateway ended")
    }

    /// The contents of the messages up to that one; everything else is skipped.
    async fn messages_until(&mut self, last: &str) -> Vec<String> {
        let mut contents = Vec::new();
        loop {
            let event = self.event().await;
            if &*event.name == "message_create" {
                contents.push(event.peek_message().unwrap().content.into_owned());
                if contents.last().unwrap() == last {
                    return contents;
                }
            }
        }
    }

    /// Waits for the shard's next pause, and moves the clock to its end. Returns its length; nothing once the shard
    /// is ready.
    async fn pause(&self, clock: &Clock) -> Option<Duration> {
        let now = clock.now();
        self.until(|states| match states[0] {
            ShardState::Waiting { until, .. } => until > now,
            ref state => *state == ShardState::Ready,
        })
        .await;
        let ShardState::Waiting { until, .. } = self.gateway.state().borrow()[0] else {
            return None;
        };
        while clock.now() < until {
            clock.advance_to_next(until);
            tokio::task::yield_now().await;
        }
        Some(until.saturating_sub(now))
    }

    async fn until(&self, wanted: impl Fn(&[ShardState]) -> bool) {
        let mut states = self.gateway.state();
        let reached = states.wait_for(|states| wanted(states));
        let reached = tokio::time::timeout(PATIENCE, reached).await;
        reached.expect("the state was not reached").unwrap();
    }
}

fn numbers(range: std::ops::RangeInclusive<u64>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

fn identified(seen: &Seen) -> bool {
    matches!(seen, Seen::Identify(..))
}

fn resumed(seen: &Seen) -> bool {
    matches!(seen, Seen::Resume(..))
}

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
async fn a_forgotten_session_is_replaced_by_a_new_one() {
    let server = FakeGateway::start().await;
    let mut bot = Bot::ready(options(&server.url)).await;
    server.drop_all();
    server.forget_sessions();
    server.wait_for(2, identified).await;
    bot.until(|states| states == [ShardState::Ready]).await;
    server.say(1);
    assert_eq!(bot.messages_until("1").await, ["1"]);

    server.raw(r#"{"t":null,"s":null,"op":9,"d":false}"#);
    server.wait_for(3, identified).await;
    server.say(2);
    assert_eq!(bot.messages_until("2").await, ["2"]);
}

/// The names of the events up to the message that says so, messages by their content.
async fn names_until(bot: &mut Bot, last: &str) -> Vec<String> {
    let mut names = Vec::new();
    loop {
        let event = bot.event().await;
        let content = event.peek_message().map(|peek| peek.content.into_owned());
        names.push(content.unwrap_or_else(|| event.name.to_string()));
        if names.last().unwrap() == last {
            return names;
        }
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
async fn a_server_that_resumes_nothing_and_names_no_address_has_two_sessions_and_no_more() {
    let server = FakeGateway::start().await;
    server.behave(|behaviour| {
        behaviour.names_no_url = true;
        behaviour.resumes_nothing = true;
    });
    let clock = Clock::paused(1_000);
    let mut bot = Bot::start(GatewayOptions {
        clock: clock.clone(),
        ..options(&server.url)
    });
    after_pauses(&bot, &clock, |state| *state == ShardState::Ready).await;
    server.say(1);
    assert_eq!(bot.messages_until("1").await, numbers(1..=1));
    assert_eq!(server.count(identified), 2);
}

#[tokio::test]
async fn a_session_without_an_address_of_its_own_is_resumed_where_it_was_opened() {
    let server = FakeGateway::start().await;
    server.behave(|behaviour| behaviour.names_no_url = true);
    let mut bot = Bot::ready(options(&server.url)).await;
    server.say(1);
    server.drop_all();
    server.say(2);
    let mut names = names_until(&mut bot, "2").await;
    names.retain(|name| name != "resumed");
    assert_eq!(names, ["ready", "1", "2"]);
    assert_eq!(server.count(identified), 1);
}

/// A store under a folder, a server, and one stay of the bot that ends after message 1.
async fn first_stay(folder: &Path, server: &FakeGateway) -> (GatewayOptions, Bot) {
    let options = GatewayOptions {
        session_store: Some(folder.join("var/sessions.json")),
        ..options(&server.url)
    };
    let mut bot = Bot::ready(options.clone()).await;
    server.say(1);
    assert_eq!(bot.messages_until("1").await, ["1"]);
    (options, bot)
}

#[tokio::test]
async fn the_next_process_gets_what_was_missed() {
    let (folder, server) = (tempfile::tempdir().unwrap(), FakeGateway::start().await);
    let (options, bot) = first_stay(folder.path(), &server).await;
    bot.gateway.shutdown().await;
    assert_eq!(server.seen().last(), Some(&Seen::Close(4000)));
    let stored = std::fs::read_to_string(options.session_store.as_ref().unwrap()).unwrap();
    assert!(!stored.contains("the.secret.token"));

    server.say(2);
    let mut bot = Bot::ready(options).await;
    server.say(3);
    let missed = bot.event().await;
    assert_eq!(missed.peek_message().unwrap().content, "2");
    assert!(!missed.maybe_repeated);
    assert_eq!(bot.messages_until("3").await, ["3"]);
    assert_eq!(server.count(identified), 1);
}

#[tokio::test]
async fn after_a_kill_the_next_process_is_told_what_may_be_repeated() {
    let (folder, server) = (tempfile::tempdir().unwrap(), FakeGateway::start().await);
    let (options, mut bot) = first_stay(folder.path(), &server).await;
    let path = options.session_store.clone().unwrap();
    // Without a shutdown: the store is what was written while the bot ran.
    while !std::fs::read_to_string(&path)
        .unwrap()
        .contains(r#""sequence": 2"#)
    {
        tokio::task::yield_now().await;
    }
    server.say(2);
    assert_eq!(bot.messages_until("2").await, ["2"]);
    drop(bot);
    server.wait_for(1, |seen| *seen == Seen::Close(4000)).await;

    server.say(3);
    let mut bot = Bot::ready(options).await;
    for content in ["2", "3"] {
        let missed = bot.event().await;
        assert_eq!(missed.peek_message().unwrap().content, content);
        assert!(missed.maybe_repeated);
    }
    assert_eq!(&*bot.event().await.name, "resumed");
    server.say(4);
    assert!(!bot.event().await.maybe_repeated);
}

#[tokio::test]
async fn a_stored_session_of_another_token_is_left_alone() {
    let (folder, server) = (tempfile::tempdir().unwrap(), FakeGateway::start().await);
    let (options, bot) = first_stay(folder.path(), &server).await;
    bot.gateway.shutdown().await;
    let other = GatewayOptions {
        token: Token::new("another"),
        ..options.clone()
    };
    Bot::ready(other).await.gateway.shutdown().await;
    assert_eq!((server.count(identified), server.count(resumed)), (2, 0));
}

#[tokio::test]
async fn a_stored_session_of_other_intents_goes_on_until_they_are_asked_for() {
    let (folder, server) = (tempfile::tempdir().unwrap(), FakeGateway::start().await);
    let (options, bot) = first_stay(folder.path(), &server).await;
    bot.gateway.shutdown().await;
    server.say(2);
    let others = GatewayOptions {
        intents: 512,
        ..options
    };
    // However often the process is restarted: no session is opened for it.
    for _ in 0..3 {
        let bot = Bot::ready(others.clone()).await;
        assert_eq!(bot.gateway.intents(), INTENTS);
        bot.gateway.shutdown().await;
    }
    assert_eq!((server.count(identified), server.count(resumed)), (1, 3));
    let bot = Bot::ready(others.clone()).await;
    bot.gateway.set_intents(512).await.unwrap();
    let next = bot.gateway.next_change();
    bot.gateway.shutdown().await;
    assert_eq!(server.count(identified), 2);
    // The next process knows how lately that was.
    let bot = Bot::ready(others).await;
    assert_eq!(bot.gateway.intents(), 512);
    assert_eq!(bot.gateway.next_change(), next);
}

#[tokio::test]
async fn changes_of_the_intents_leave_half_of_the_day_to_reconnects() {
    let server = FakeGateway::start().await;
    let mut options = options(&server.url);
    options.address.identifies_left = Some(IdentifiesLeft {
        total: 10,
        remaining: 8,
        reset_after: Duration::from_secs(3_600),
    });
    let bot = Bot::ready(options).await;
    for intents in [512, INTENTS] {
        bot.gateway.set_intents(intents).await.unwrap();
    }
    // One to connect, two changes: five of ten are left.
    let refusal = bot.gateway.set_intents(512).await.unwrap_err();
    assert!(
        refusal.to_string().contains("kept for reconnects"),
        "{refusal}"
    );
    server.raw(r#"{"t":null,"s":null,"op":9,"d":false}"#);
    server.wait_for(4, identified).await;
    bot.gateway.ready(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_refused_token_and_refused_intents_say_what_to_do() {
    let server = FakeGateway::start().await;
    server.behave(|behaviour| behaviour.refuses = Some(4004));
    let bot = Bot::start(options(&server.url));
    let refusal = bot.gateway.ready(PATIENCE).await.unwrap_err();
    assert_eq!(refusal, GatewayError::TokenRefused);
    assert!(!refusal.to_string().contains("the.secret.token"));

    server.behave(|behaviour| behaviour.refuses = Some(4014));
    let bot = Bot::start(options(&server.url));
    let refusal = bot.gateway.ready(PATIENCE).await.unwrap_err();
    assert!(
        refusal
            .to_string()
            .contains("Message Content Intent (message_content)")
    );
    // Other intents are worth another attempt.
    server.behave(|behaviour| behaviour.refuses = None);
    bot.gateway.set_intents(512).await.unwrap();
    bot.gateway.ready(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_away_is_tried_again_with_growing_pauses() {
    let server = FakeGateway::start().await;
    server.behave(|behaviour| behaviour.hangs_up = true);
    let clock = Clock::paused(1_000);
    let bot = Bot::start(GatewayOptions {
        clock: clock.clone(),
        ..options(&server.url)
    });
    let mut last = Duration::from_secs(1_000);
    for doubled in 0..7 {
        bot.until(|states| matches!(states[0], ShardState::Waiting { until, .. } if until > last))
            .await;
        let ShardState::Waiting { until, .. } = bot.gateway.state().borrow()[0].clone() else {
            panic!("it waits");
        };
        let pause = until.saturating_sub(clock.now());
        assert!(
            pause >= Duration::from_secs(15.min(1 << doubled)) * 3 / 4
                && pause <= Duration::from_secs(15)
        );
        last = until;
        while clock.now() < until {
            clock.advance_to_next(until);
            tokio::task::yield_now().await;
        }
        if doubled == 5 {
            server.behave(|behaviour| behaviour.hangs_up = false);
            break;
        }
    }
    bot.gateway.ready(PATIENCE).await.unwrap();
}

/// A bot on a paused clock, whose server has gone away.
async fn bot_without_a_server(options: GatewayOptions, server: &FakeGateway) -> (Bot, Clock) {
    let clock = Clock::paused(1_000);
    let bot = Bot::ready(GatewayOptions {
        clock: clock.clone(),
        ..options
    });
    let bot = bot.await;
    server.leave().await;
    bot.until(|states| matches!(states[0], ShardState::Waiting { .. }))
        .await;
    (bot, clock)
}

#[tokio::test]
async fn an_outage_is_over_for_the_bot_soon_after_it_is_over_for_the_network() {
    for (outage, forgets) in [(68, true), (68, false), (3_600, true)] {
        let mut server = FakeGateway::start().await;
        let (bot, clock) = bot_without_a_server(options(&server.url), &server).await;
        while clock.now() < Duration::from_secs(1_000 + outage) {
            bot.pause(&clock).await.expect("there is no server");
        }
        if forgets {
            server.forget_sessions();
        }
        server.come_back().await;
        let mut late = Duration::ZERO;
        while let Some(pause) = bot.pause(&clock).await {
            late += pause;
        }
        // At most one more pause without a network, and the one before the new session.
        assert!(late <= Duration::from_secs(5 + 5), "{late:?}");
        let opened = 1 + usize::from(forgets);
        assert_eq!(
            (server.count(identified), server.count(resumed)),
            (opened, 1)
        );
    }
}

#[tokio::test]
async fn an_outage_is_over_for_the_bot_soon_after_it_is_over_for_the_server() {
    let gone: fn(&mut Behaviour) = |behaviour| behaviour.resumes_nothing = true;
    let ended: fn(&mut Behaviour) = |behaviour| behaviour.closes_resumes = Some(4009);
    for (status, forgets) in [(502, gone), (503, ended)] {
        let server = FakeGateway::start().await;
        let clock = Clock::paused(1_000);
        let bot = Bot::ready(GatewayOptions {
            clock: clock.clone(),
            ..options(&server.url)
        })
        .await;
        server.behave(|behaviour| behaviour.status = Some(status));
        server.behave(forgets);
        server.drop_all();
        bot.until(|states| matches!(states[0], ShardState::Waiting { .. }))
            .await;
        while clock.now() < Duration::from_secs(1_000 + 600) {
            bot.pause(&clock).await.expect("there is no server");
        }
        server.behave(|behaviour| behaviour.status = None);
        let mut late = Duration::ZERO;
        while let Some(pause) = bot.pause(&clock).await {
            late += pause;
        }
        // At most one more pause of the outage, and the one before the new session.
        assert!(late <= Duration::from_secs(15 + 5), "{late:?}");
        assert_eq!(server.count(identified), 2);
    }
}

#[tokio::test]
async fn a_gateway_that_takes_no_more_attempts_for_now_is_left_alone_for_longer_and_longer() {
    let server = FakeGateway::start().await;
    server.behave(|behaviour| behaviour.status = Some(429));
    let clock = Clock::paused(1_000);
    let bot = Bot::start(GatewayOptions {
        clock: clock.clone(),
        ..options(&server.url)
    });
    let mut longest = Duration::ZERO;
    for _ in 0..8 {
        longest = longest.max(bot.pause(&clock).await.expect("it is refused"));
    }
    assert!(longest >= Duration::from_secs(45), "{longest:?}");
}

#[tokio::test]
async fn a_name_that_cannot_be_resolved_is_an_outage_of_the_network() {
    // Longer than a part of a name may be, so nobody is asked for it.
    let address = format!("ws://{}.invalid", "a".repeat(64));
    let clock = Clock::paused(1_000);
    let bot = Bot::start(GatewayOptions {
        clock: clock.clone(),
        ..options(&address)
    });
    for _ in 0..8 {
        let pause = bot.pause(&clock).await.expect("there is no server");
        assert!(pause <= Duration::from_secs(5), "{pause:?}");
    }
}

/// Moves the clock to the end of each pause, until the first shard is in such a state.
async fn after_pauses(bot: &Bot, clock: &Clock, wanted: impl Fn(&ShardState) -> bool) {
    let passes = |state: &ShardState| matches!(state, ShardState::Waiting { .. });
    passing_time(bot, clock, passes, wanted).await;
}

/// The same, and to the end of what a server without an answer has to give one.
async fn after_silence(bot: &Bot, clock: &Clock, wanted: impl Fn(&ShardState) -> bool) {
    passing_time(bot, clock, |_| true, wanted).await;
}

/// Moves the clock on while a shard is in a state in which it passes.
async fn passing_time(
    bot: &Bot,
    clock: &Clock,
    passes: impl Fn(&ShardState) -> bool,
    wanted: impl Fn(&ShardState) -> bool,
) {
    let states = bot.gateway.state();
    let mut look = tokio::time::interval(Duration::from_millis(1));
    let passing = async {
        while !wanted(&states.borrow()[0]) {
            if clock.sleepers() > 0 && states.borrow().iter().any(&passes) {
                clock.advance_to_next(clock.now() + Duration::from_secs(60));
            }
            look.tick().await;
        }
    };
    let reached = tokio::time::timeout(PATIENCE, passing).await;
    reached.expect("the state was not reached");
}

#[tokio::test]
async fn a_server_that_never_answers_after_its_greeting_is_tried_again() {
    let server = FakeGateway::start().await;
    server.behave(|behaviour| behaviour.is_silent = true);
    let clock = Clock::paused(1_000);
    let bot = Bot::start(GatewayOptions {
        clock: clock.clone(),
        ..options(&server.url)
    });
    let is_told = |state: &ShardState| match state {
        ShardState::Waiting { why, .. } => why.contains("did not answer within 60 s"),
        _ => false,
    };
    server.wait_for(1, identified).await;
    after_silence(&bot, &clock, is_told).await;
    server.behave(|behaviour| behaviour.is_silent = false);
    after_pauses(&bot, &clock, |state| *state == ShardState::Ready).await;
    // Nor is a session held for ever whose resumption is never answered.
    let before = server.count(identified);
    server.behave(|behaviour| behaviour.is_silent = true);
    server.drop_all();
    server.wait_for(1, resumed).await;
    let is_new = |_: &ShardState| server.count(identified) > before;
    after_silence(&bot, &clock, is_new).await;
    assert_eq!(server.count(resumed), 3);
}

#[tokio::test]
async fn a_token_that_a_server_refuses_with_a_close_of_no_meaning_is_told_once_each_time() {
    log::listen();
    let told = || log::logged(&["it may not accept the token", "Reset Token", "code=4901"]);
    let server = FakeGateway::start().await;
    let clock = Clock::paused(1_000);
    let bot = Bot::ready(GatewayOptions {
        clock: clock.clone(),
        ..options(&server.url)
    })
    .await;
    for reset in 1..=2 {
        let before = server.count(identified);
        server.behave(|behaviour| {
            behaviour.refuses = Some(4901);
            behaviour.closes_resumes = Some(4901);
        });
        server.drop_all();
        let is_refused = |_: &ShardState| server.count(identified) >= before + 6;
        after_pauses(&bot, &clock, is_refused).await;
        assert_eq!(told().len(), reset, "{:#?}", told());
        server.behave(|behaviour| {
            behaviour.refuses = None;
            behaviour.closes_resumes = None;
        });
        after_pauses(&bot, &clock, |state| *state == ShardState::Ready).await;
    }
    assert!(log::logged(&["the.secret.token"]).is_empty());
}

#[tokio::test]
async fn a_server_that_refuses_sessions_again_and_again_is_left_alone_for_longer_and_longer() {
    let closes: fn(&mut Behaviour) = |behaviour| behaviour.refuses = Some(4000);
    let invalidates: fn(&mut Behaviour) = |behaviour| behaviour.invalidates = true;
    for refuses in [closes, invalidates] {
        let server = FakeGateway::start().await;
        server.behave(refuses);
        let clock = Clock::paused(1_000);
        let bot = Bot::start(GatewayOptions {
            clock: clock.clone(),
            ..options(&server.url)
        });
        let mut pauses = Vec::new();
        for _ in 0..12 {
            pauses.push(bot.pause(&clock).await.expect("it is refused"));
        }
        assert!(pauses[0] <= Duration::from_secs(5), "{pauses:?}");
        assert!(pauses[11] >= Duration::from_secs(45), "{pauses:?}");
    }
}

#[tokio::test]
async fn an_answer_of_the_rest_api_ends_a_pause_for_the_network() {
    let mut server = FakeGateway::start().await;
    let answers = watch::Sender::new(());
    let mut with_answers = options(&server.url);
    with_answers.answers = Some(answers.subscribe());
    let (bot, clock) = bot_without_a_server(with_answers, &server).await;
    for _ in 0..6 {
        bot.pause(&clock).await.expect("there is no server");
    }
    let now = clock.now();
    bot.until(|states| matches!(states[0], ShardState::Waiting { until, .. } if until > now))
        .await;
    server.come_back().await;
    // The pause is longer than that.
    let soon = now + Duration::from_secs(1);
    while bot.gateway.ready(Duration::ZERO).await.is_err() {
        answers.send_replace(());
        clock.advance_to_next(soon);
        tokio::task::yield_now().await;
    }
    assert_eq!(clock.now(), soon);
}

/// Options whose refresh answers with this address.
fn moving_to(options: GatewayOptions, url: &str) -> GatewayOptions {
    let address = GatewayAddress::single(url);
    GatewayOptions {
        refresh: Some(Arc::new(move || {
            let address = address.clone();
            Box::pin(async move { Ok(address) })
        })),
        ..options
    }
}

#[tokio::test]
async fn a_gateway_that_moves_is_found_while_a_session_is_held() {
    let nobody = FakeGateway::start().await;
    nobody.leave().await;
    // READY may have named the address that is gone, or another one that is gone, too.
    let named = [None, Some(nobody.url.as_str())];
    let moves = named.into_iter().flat_map(|named| {
        let [same, other] = [true, false].map(|same_server| moves(named, same_server));
        [same, other]
    });
    futures_util::future::join_all(moves).await;
}

#[tokio::test]
async fn a_gateway_that_moves_is_found_also_when_the_answer_takes_longer_than_a_pause() {
    let (server, next) = (FakeGateway::start().await, FakeGateway::start().await);
    let (answer, slow) = tokio::sync::oneshot::channel::<()>();
    let slow = std::sync::Mutex::new(Some(slow));
    let address = GatewayAddress::single(&next.url);
    let mut options = options(&server.url);
    options.refresh = Some(Arc::new(move || {
        let (slow, address) = (slow.lock().unwrap().take(), address.clone());
        Box::pin(async move {
            // Whoever asks again learns nothing.
            let Some(slow) = slow else {
                return Err("it was told before".to_owned());
            };
            slow.await.unwrap();
            Ok(address)
        })
    }));
    let (bot, clock) = bot_without_a_server(options, &server).await;
    for _ in 0..6 {
        bot.pause(&clock).await.expect("there is no server");
    }
    answer.send(()).unwrap();
    after_pauses(&bot, &clock, |state| *state == ShardState::Ready).await;
    assert_eq!(next.count(identified), 1);
}

#[tokio::test]
async fn one_shard_asks_for_the_address_for_all_of_them() {
    let server = FakeGateway::start().await;
    let clock = Clock::paused(1_000);
    let asked = Arc::new(AtomicUsize::new(0));
    let (counted, url) = (Arc::clone(&asked), server.url.clone());
    let mut options = options(&server.url);
    options.clock = clock.clone();
    options.address.shards = 8;
    options.refresh = Some(Arc::new(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        let address = GatewayAddress::single(url.clone());
        Box::pin(async move { Ok(address) })
    }));
    let bot = Bot::ready(options).await;
    server.forget_sessions_and_say_so();
    bot.until(|states| states.iter().all(|state| *state != ShardState::Ready))
        .await;
    let is_done = |_: &ShardState| {
        let states = bot.gateway.state();
        states
            .borrow()
            .iter()
            .all(|state| *state == ShardState::Ready)
    };
    after_pauses(&bot, &clock, is_done).await;
    assert!(server.count(identified) >= 16);
    assert!((1..8).contains(&asked.load(Ordering::Relaxed)), "{asked:?}");
}

/// A gateway that moves, to another address of the same server or to another server.
async fn moves(named: Option<&str>, same_server: bool) {
    let server = FakeGateway::start().await;
    server.behave(|behaviour| behaviour.resume_url = named.map(str::to_owned));
    let next = if same_server {
        server.elsewhere().await
    } else {
        FakeGateway::start().await
    };
    let mut bot = Bot::ready(moving_to(options(&server.url), &next.url)).await;
    server.say(1);
    assert_eq!(bot.messages_until("1").await, ["1"]);
    server.leave().await;
    if same_server {
        server.say(2);
        assert_eq!(bot.messages_until("2").await, ["2"]);
        assert_eq!(next.count(identified), 1);
    } else {
        next.wait_for(1, identified).await;
        bot.gateway.ready(PATIENCE).await.unwrap();
        next.say(3);
        assert_eq!(bot.messages_until("3").await, ["3"]);
    }
}

#[tokio::test]
async fn a_session_that_the_server_will_not_resume_gives_way_to_a_new_one() {
    let server = FakeGateway::start().await;
    let bot = Bot::ready(options(&server.url)).await;
    server.behave(|behaviour| behaviour.closes_resumes = Some(4000));
    server.drop_all();
    server.wait_for(3, resumed).await;
    server.wait_for(2, identified).await;
    bot.until(|states| states == [ShardState::Ready]).await;
    assert_eq!(server.count(resumed), 3);
}

#[tokio::test]
async fn a_port_that_nobody_listens_at_is_no_end() {
    let address = nobody().to_string();
    let bot = Bot::start(options(&format!("ws://{address}")));
    let early = bot.gateway.ready(Duration::from_secs(1)).await.unwrap_err();
    assert!(early.to_string().contains("Connection refused"), "{early}");
    let _server = FakeGateway::at(&address).await;
    bot.gateway.ready(PATIENCE).await.unwrap();
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
async fn intents_change_without_losing_or_doubling_an_event() {
    let server = FakeGateway::start().await;
    let mut bot = Bot::ready(options(&server.url)).await;
    bot.gateway.set_intents(INTENTS).await.unwrap();
    assert_eq!(server.count(identified), 1);

    let speaking = server.clone();
    let speaker = tokio::spawn(async move {
        for number in 1..=3_000 {
            speaking.say(number);
            if number % 8 == 0 {
                tokio::task::yield_now().await;
            }
        }
    });
    bot.gateway.set_intents(512).await.unwrap();
    speaker.await.unwrap();
    server.say(3_001);
    assert_eq!(bot.messages_until("3001").await, numbers(1..=3_001));
    let changed = |seen: &Seen| matches!(seen, Seen::Identify(_, 512, 0));
    assert_eq!(server.count(changed), 1);
    server.wait_for(1, |seen| *seen == Seen::Close(1000)).await;

    // What survives is the new session.
    server.drop_all();
    server
        .wait_for(
            1,
            |seen| matches!(seen, Seen::Resume(id, _) if id == "session2"),
        )
        .await;
}

#[tokio::test]
async fn intents_that_are_refused_leave_the_bot_as_it_was() {
    let server = FakeGateway::start().await;
    let mut bot = Bot::ready(options(&server.url)).await;
    server.behave(|behaviour| behaviour.refuses = Some(4014));
    let refusal = bot.gateway.set_intents(1 << 8 | INTENTS).await.unwrap_err();
    assert!(refusal.to_string().contains("Presence Intent"), "{refusal}");
    server.say(1);
    assert_eq!(bot.messages_until("1").await, ["1"]);
    assert_eq!(server.sessions(), 1);
}

#[tokio::test]
async fn a_session_is_never_resumed_at_discord_when_another_server_opened_it() {
    for elsewhere in [
        "wss://gateway-us-east1-b.discord.gg",
        "no url at all",
        "ws://",
    ] {
        let server = FakeGateway::start().await;
        server.behave(|behaviour| behaviour.resume_url = Some(elsewhere.to_owned()));
        let mut bot = Bot::ready(options(&server.url)).await;
        for round in 1..=3 {
            server.say(round);
            server.drop_all();
            assert_eq!(
                bot.messages_until(&round.to_string()).await,
                numbers(round..=round)
            );
            // Once right after READY, and once for each lost connection.
            server
                .wait_for(1 + usize::try_from(round).unwrap(), resumed)
                .await;
            bot.until(|states| states == [ShardState::Ready]).await;
        }
        assert_eq!(server.count(identified), 1);
    }
}

#[tokio::test]
async fn a_fixed_address_is_also_where_sessions_are_resumed() {
    let (server, other) = (FakeGateway::start().await, FakeGateway::start().await);
    for is_fixed in [true, false] {
        server.behave(|behaviour| behaviour.resume_url = Some(other.url.clone()));
        let mut options = options(&server.url);
        options.address.is_fixed = is_fixed;
        let mut bot = Bot::ready(options).await;
        server.drop_all();
        if is_fixed {
            server.say(1);
            assert_eq!(bot.messages_until("1").await, ["1"]);
            assert!(other.seen().is_empty());
        } else {
            other.wait_for(1, resumed).await;
        }
    }
}

#[tokio::test]
async fn a_query_of_the_address_is_sent_with_what_the_protocol_needs() {
    let server = FakeGateway::start().await;
    let url = format!("{}/?key=a%20b&v=6&encoding=etf", server.url);
    let mut bot = Bot::ready(options(&url)).await;
    server.say(1);
    assert_eq!(bot.messages_until("1").await, ["1"]);
    let query = "key=a%20b&v=10&encoding=json&compress=zstd-stream";
    assert_eq!(server.seen().first(), Some(&Seen::Connect(query.into())));
    // READY has named the server's address without a query.
    server.drop_all();
    server.wait_for(1, resumed).await;
}

#[tokio::test]
async fn an_address_for_resuming_that_is_down_gives_way_to_the_server_itself() {
    let server = FakeGateway::start().await;
    let nobody = nobody();
    server.behave(|behaviour| behaviour.resume_url = Some(format!("ws://{nobody}")));
    let mut bot = Bot::ready(options(&server.url)).await;
    server.drop_all();
    server.say(1);
    assert_eq!(bot.messages_until("1").await, ["1"]);
    assert_eq!((server.count(identified), server.count(resumed)), (1, 1));
}

#[tokio::test]
async fn a_server_that_breaks_the_protocol_is_no_panic() {
    let server = FakeGateway::start().await;
    server.behave(|behaviour| behaviour.heartbeat_ms = 0);
    let bot = Bot::start(options(&server.url));
    bot.until(|states| matches!(states[0], ShardState::Waiting { .. }))
        .await;
    server.behave(|behaviour| behaviour.heartbeat_ms = 41_250);
    bot.gateway.ready(PATIENCE).await.unwrap();
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

#[tokio::test]
async fn more_shards_than_a_process_can_run_are_refused() {
    let mut many = options("ws://127.0.0.1:1");
    many.address.shards = 1_000_000_000;
    let error = Gateway::start(many, |_| ()).err().unwrap().to_string();
    assert!(error.contains("1000000000 shards"), "{error}");
}

#[tokio::test]
async fn the_address_is_asked_for_again_before_a_new_session() {
    let (server, next) = (FakeGateway::start().await, FakeGateway::start().await);
    let mut options = options(&server.url);
    let url = next.url.clone();
    options.refresh = Some(Arc::new(move || {
        let address = GatewayAddress::single(url.clone());
        Box::pin(async move { Ok(address) })
    }));
    let bot = Bot::ready(options).await;
    server.raw(r#"{"t":null,"s":null,"op":9,"d":false}"#);
    next.wait_for(1, identified).await;
    assert_eq!(server.count(identified), 1);
    bot.gateway.shutdown().await;
}

#[tokio::test]
async fn what_cannot_work_is_said_before_anything_connects() {
    let start = |options: GatewayOptions| Gateway::start(options, |_| {}).err().unwrap();
    assert_eq!(
        start(GatewayOptions {
            token: Token::new(" "),
            ..options("ws://a")
        }),
        GatewayError::NoToken
    );
    assert!(start(options("http://a")).to_string().contains("ws://"));
    let mut none = options("ws://a");
    none.address.shards = 0;
    assert!(start(none).to_string().contains("0 shards"));
}

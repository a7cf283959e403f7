//! Tokens, intents and sessions that are refused, and intents that change.

use super::{Bot, INTENTS, PATIENCE, after_pauses, identified, numbers, options};
use crate::fake_gateway::{Behaviour, FakeGateway, Seen};
use crate::support::log;
use cogsmith::clock::Clock;
use cogsmith::gateway::{Gateway, GatewayError, GatewayOptions, IdentifiesLeft, ShardState, Token};
use std::time::Duration;

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
async fn a_token_that_a_server_refuses_with_a_close_of_no_meaning_is_told_once_each_time() {
    log::listen();
    let told = || {
        log::logged(&[
            "perhaps it does not accept the token",
            "Reset Token",
            "code=4901",
        ])
    };
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
async fn more_shards_than_a_process_can_run_are_refused() {
    let mut many = options("ws://127.0.0.1:1");
    many.address.shards = 1_000_000_000;
    let error = Gateway::start(many, |_| ()).err().unwrap().to_string();
    assert!(error.contains("1000000000 shards"), "{error}");
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

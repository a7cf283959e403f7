//! Servers and networks that are away, and how often they are tried.

use super::{
    Bot, PATIENCE, after_pauses, after_silence, bot_without_a_server, identified, options, resumed,
};
use crate::fake_gateway::{Behaviour, FakeGateway};
use cogsmith::clock::Clock;
use cogsmith::gateway::{GatewayOptions, ShardState};
use std::time::Duration;
use tokio::sync::watch;

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
        server.come_back();
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
    server.come_back();
    // The pause is longer than that.
    let soon = now + Duration::from_secs(1);
    while bot.gateway.ready(Duration::ZERO).await.is_err() {
        answers.send_replace(());
        clock.advance_to_next(soon);
        tokio::task::yield_now().await;
    }
    assert_eq!(clock.now(), soon);
}

#[tokio::test]
async fn a_port_that_nobody_listens_at_is_no_end() {
    let mut server = FakeGateway::start().await;
    server.leave().await;
    let bot = Bot::start(options(&server.url));
    let early = bot.gateway.ready(Duration::from_secs(1)).await.unwrap_err();
    assert!(early.to_string().contains("Connection refused"), "{early}");
    server.come_back();
    bot.gateway.ready(PATIENCE).await.unwrap();
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

//! Sessions that are resumed, also by the next process, and those that cannot be.

use super::{Bot, INTENTS, after_pauses, identified, names_until, numbers, options, resumed};
use crate::fake_gateway::{FakeGateway, Seen};
use cogsmith::clock::Clock;
use cogsmith::gateway::{GatewayOptions, ShardState, Token};
use std::path::Path;

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

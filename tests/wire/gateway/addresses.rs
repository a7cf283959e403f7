//! Where the gateway is: asked for, fixed, moved.

use super::{Bot, PATIENCE, after_pauses, bot_without_a_server, identified, options, resumed};
use crate::fake_gateway::{FakeGateway, Seen};
use crate::support::nobody;
use cogsmith::clock::Clock;
use cogsmith::gateway::{GatewayAddress, GatewayOptions, ShardState};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

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

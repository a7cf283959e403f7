//! Rate limits, and who waits for whom.

use super::{DEADLINE, call, caller, client, client_of, message, send_for};
use crate::fake_http::{Answer, FakeHttp, json_of, ok, text_of};
use cogsmith::activity::Activity;
use cogsmith::clock::Clock;
use cogsmith::discord::outbound::{CallError, CogCaller};
use cogsmith::discord::{operation, prepare};
use cogsmith::requests::MOST_OF_A_COG;
use futures_util::stream::{self, FuturesOrdered, StreamExt};
use serde_json::json;
use std::time::Duration;

fn limits(bucket: &str, limit: u32, remaining: u32, reset_after: f64) -> Answer {
    ok(&json!({}))
        .with("x-ratelimit-bucket", bucket)
        .with("x-ratelimit-limit", limit.to_string())
        .with("x-ratelimit-remaining", remaining.to_string())
        .with("x-ratelimit-reset-after", reset_after.to_string())
}

#[tokio::test]
async fn too_early_waits_as_long_as_it_is_told() {
    let early = json!({ "message": "slow", "retry_after": 3.5, "global": false });
    let (server, address) = FakeHttp::start([json_of(429, &early)]).await;
    let (clock, activity) = (Clock::paused(1_000), Activity::new());
    let client = client_of(&address, clock.clone(), activity.clone());
    let sending = tokio::spawn(async move { call(&client, "create_message", message()).await });
    server.until(1).await;
    activity.idle().await;
    assert!(!clock.advance_to_next(Duration::from_millis(1_003_499)));
    assert_eq!(server.seen().len(), 1);
    assert!(clock.advance_to_next(Duration::from_millis(1_003_500)));
    sending.await.unwrap().unwrap();
    assert_eq!(server.seen().len(), 2);
    assert_eq!(activity.count(), 0);
}

#[tokio::test]
async fn a_limit_longer_than_the_deadline_is_an_error_at_once() {
    let early = json!({ "message": "slow", "retry_after": 60, "global": true });
    let (server, address) = FakeHttp::start([json_of(429, &early)]).await;
    let client = client(&address, Clock::system());
    let error = call(&client, "create_message", message())
        .await
        .unwrap_err();
    let told = error.to_string();
    assert!(
        told.starts_with("discord.create_message: gave up after 20 s: Discord's rate limit lasts"),
        "{told}"
    );
    // It is the bot's limit: no other call goes out either, but those with a token of their own do.
    call(&client, "get_my_user", json!({})).await.unwrap_err();
    assert_eq!(server.seen().len(), 1);
    let hook = json!({ "webhook_id": "1", "webhook_token": "t", "content": "x" });
    call(&client, "execute_webhook", hook).await.unwrap();
    assert_eq!(server.seen()[1].header("authorization"), "");
}

#[tokio::test]
async fn a_bucket_is_probed_once_and_then_used_to_its_end() {
    let (server, address) =
        FakeHttp::start((0..5).map(|used| limits("b", 5, 4 - used, 60.0))).await;
    let client = client(&address, Clock::system());
    server.hold();
    let calls: Vec<_> = (0..6)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { call(&client, "create_message", message()).await })
        })
        .collect();
    server.until(1).await;
    // Nobody knows the bucket yet, so one request asks.
    assert_eq!(server.seen().len(), 1);
    server.let_go();
    let mut refused = 0;
    for call in calls {
        refused += usize::from(call.await.unwrap().is_err());
    }
    assert_eq!((server.seen().len(), refused), (5, 1));
    // Another channel is another bucket.
    let other = json!({ "channel_id": "6", "content": "hi" });
    call(&client, "create_message", other).await.unwrap();
}

#[tokio::test]
async fn a_call_that_is_dropped_leaves_the_queue() {
    let (server, address) = FakeHttp::start([limits("b", 1, 0, 2.0), limits("b", 1, 0, 0.0)]).await;
    let clock = Clock::paused(1_000);
    let client = client(&address, clock.clone());
    call(&client, "create_message", message()).await.unwrap();
    let waiting = tokio::time::timeout(
        Duration::from_millis(1),
        call(&client, "create_message", message()),
    );
    waiting.await.unwrap_err();
    clock.advance_to_next(Duration::from_secs(1_003));
    call(&client, "create_message", message()).await.unwrap();
    assert_eq!(server.seen().len(), 2);
}

/// The first request asks which bucket it is; who waits for that keeps its place.
#[tokio::test]
async fn callers_take_turns_where_they_have_to_wait() {
    let (server, address) = FakeHttp::start((0..7).map(|_| limits("b", 1, 0, 1.0))).await;
    let (clock, activity) = (Clock::paused(1_000), Activity::new());
    let client = client_of(&address, clock.clone(), activity.clone());
    let asked = [vec![Some("loud"); 5], vec![Some("quiet"), None]].concat();
    // Each takes its place before the next one does.
    let asked = asked.into_iter();
    let mut answers: FuturesOrdered<_> = asked
        .map(|cog| send_for(&client, cog, cog.unwrap_or("bot")))
        .collect();
    let answered = async { while answers.next().await.is_some() {} };
    let passing = async {
        for second in 1..7 {
            server.until(second).await;
            activity.idle().await;
            let now = Duration::from_secs(1_000 + second as u64);
            while clock.advance_to_next(now) {}
        }
    };
    tokio::join!(answered, passing);
    let texts = server.seen();
    let texts: Vec<_> = texts
        .iter()
        .map(|it| it.json()["content"].clone())
        .collect();
    assert_eq!(
        texts,
        ["loud", "loud", "quiet", "bot", "loud", "loud", "loud"]
    );
}

/// Discord locks a bot out that it has refused 10,000 requests: the last 2,000 are for the bot itself. What a proxy that
/// limits rates holds back never reaches Discord.
#[tokio::test(flavor = "multi_thread")]
async fn cogs_are_silent_after_8000_refusals_in_ten_minutes_of_which_a_proxys_are_none() {
    let forbidden = || json_of(403, &json!({ "message": "Missing Access", "code": 50_001 }));
    let early = || json_of(429, &json!({ "retry_after": 0.0 }));
    let of_a_proxy = || early().with("x-sent-by-proxy", "true");
    let answers = (0..64).map(|_| forbidden());
    // One call that is told to come back again and again.
    let answers = answers.chain((0..7_935).map(|_| early()));
    let answers = answers.chain((0..100).map(|_| of_a_proxy()));
    let answers = answers.chain([ok(&json!({})), forbidden(), forbidden()]);
    let (server, address) = FakeHttp::start(answers).await;
    let clock = Clock::paused(1_000);
    let client = client(&address, clock.clone());
    let one = || send_for(&client, Some("cog"), "x");
    let is_refused = |answer: Result<_, CallError>| matches!(answer, Err(CallError::Discord(error)) if error.status == 403);
    let mut answers = stream::iter(0..64).map(|_| one()).buffer_unordered(64);
    while let Some(answer) = answers.next().await {
        assert!(is_refused(answer));
    }
    one().await.unwrap();
    // The last one that a cog may have.
    assert!(is_refused(one().await));
    let told = one().await.unwrap_err().to_string();
    let words = "discord.create_message: not sent: Discord has refused 8000 requests of this bot within ten minutes";
    assert!(told.starts_with(words), "{told}");
    assert_eq!(server.seen().len(), 64 + 7_935 + 100 + 2);
    assert!(is_refused(send_for(&client, None, "x").await));
    clock.advance_to_next(Duration::from_secs(1_601));
    one().await.unwrap();
}

#[tokio::test]
async fn a_cog_has_so_many_calls_on_the_wire_and_leaves_room_for_others() {
    let (server, address) = FakeHttp::start([]).await;
    let client = client(&address, Clock::system());
    // An answer without a limit, so that no call waits for another.
    call(&client, "create_message", message()).await.unwrap();
    server.hold();
    let (loud, quiet) = (caller("loud", 1 << 20), caller("quiet", 1 << 20));
    let send = |cog: &CogCaller, text: &str| {
        let arguments = json!({ "channel_id": "5", "content": text });
        let prepared = prepare(operation("create_message").unwrap(), arguments).unwrap();
        let (client, cog) = (client.clone(), cog.clone());
        tokio::spawn(async move { client.send(prepared, Some(cog), DEADLINE).await.map(drop) })
    };
    let mut calls: Vec<_> = (0..MOST_OF_A_COG + 5)
        .map(|_| send(&loud, "loud"))
        .collect();
    server.until(1 + MOST_OF_A_COG).await;
    calls.push(send(&quiet, "quiet"));
    server.until(2 + MOST_OF_A_COG).await;
    let seen = server.seen();
    assert_eq!(seen.last().unwrap().json()["content"], "quiet");
    server.let_go();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(server.seen().len(), 7 + MOST_OF_A_COG);
}

/// Awaits the next attempt after `count`, which comes after exactly `wait`.
async fn next_comes_after(
    server: &FakeHttp,
    (clock, activity): &(Clock, Activity),
    count: usize,
    wait: Duration,
) {
    server.until(count).await;
    activity.idle().await;
    let comes = clock.now() + wait;
    assert!(
        !clock.advance_to_next(comes.saturating_sub(Duration::from_millis(1))),
        "{count}"
    );
    assert!(clock.advance_to_next(comes), "{count}");
    server.until(count + 1).await;
}

#[tokio::test]
async fn when_to_come_back_is_understood_also_as_a_date() {
    let now = "Wed, 21 Oct 2015 07:28:00 GMT";
    for (told, seconds) in [
        ("7", 7),
        ("Wed, 21 Oct 2015 07:28:09 GMT", 9),
        ("Wed, 21 Oct 2015 07:27:00 GMT", 1),
        ("Wed, 21 Oct 2099 07:27:00 GMT", 1),
        ("99999999", 1),
        ("soon", 1),
    ] {
        for body in ["<html>1015</html>", "{}"] {
            let early = text_of(429, body)
                .with("retry-after", told)
                .with("date", now);
            let (server, address) = FakeHttp::start([early]).await;
            let time = (Clock::paused(1_000), Activity::new());
            let client = client_of(&address, time.0.clone(), time.1.clone());
            let sending = call(&client, "create_message", message());
            let coming = next_comes_after(&server, &time, 1, Duration::from_secs(seconds));
            let (sent, ()) = tokio::join!(sending, coming);
            assert!(sent.is_ok(), "{told} {body}: {sent:?}");
        }
    }
}

/// Whoever does not say when to come back is asked more and more seldom.
#[tokio::test]
async fn an_untold_wait_grows_until_something_is_answered() {
    for body in ["<html>1015</html>", "{}"] {
        let early = || text_of(429, body);
        let answers = [early(), early(), early(), ok(&json!({})), early()];
        let (server, address) = FakeHttp::start(answers).await;
        let time = (Clock::paused(1_000), Activity::new());
        let client = client_of(&address, time.0.clone(), time.1.clone());
        let sending = async {
            call(&client, "create_message", message()).await.unwrap();
            call(&client, "create_message", message()).await.unwrap();
        };
        let coming = async {
            for (count, seconds) in [(1, 1), (2, 2), (3, 4), (5, 1)] {
                next_comes_after(&server, &time, count, Duration::from_secs(seconds)).await;
            }
        };
        tokio::join!(sending, coming);
    }
}

/// What shuts the bot's address out has no words for bots, and means every call.
#[tokio::test]
async fn who_shuts_the_address_out_means_all_calls() {
    let page = || text_of(429, "<html>error code: 1015</html>").with("retry-after", "60");
    for (answer, others) in [
        (page(), 0),
        (page().with("x-ratelimit-bucket", "b"), 1),
        (page().with("generated-by-proxy", "true"), 1),
    ] {
        let (server, address) = FakeHttp::start([answer.clone()]).await;
        let client = client(&address, Clock::system());
        call(&client, "create_message", message())
            .await
            .unwrap_err();
        let other = call(&client, "get_my_user", json!({})).await;
        assert_eq!(other.is_ok(), others == 1, "{answer:?}");
        assert_eq!(server.seen().len(), 1 + others, "{answer:?}");
    }
}

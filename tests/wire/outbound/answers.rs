//! Answers that are nonsense, endless, expensive, or those of somebody else.

use super::{DEADLINE, call, caller, client, message};
use crate::fake_http::{Answer, FakeHttp, endless, ok, text_of};
use cogsmith::clock::Clock;
use cogsmith::discord::outbound::{AnswerBody, CallError};
use cogsmith::discord::{operation, prepare};
use cogsmith::json::Json;
use serde_json::json;
use std::time::Duration;

/// What a server may write where a number belongs.
const NASTY: [&str; 16] = [
    "1.8e19",
    "-1",
    "-0.0",
    "1e308",
    "-1e308",
    "18446744073709551615",
    "18446744073709551616",
    "9223372036854775807",
    "null",
    "true",
    "[]",
    "{}",
    "\"abc\"",
    "\"NaN\"",
    "\"inf\"",
    "1e-300",
];

/// A call that is first told to come back after a nasty time, and a second one after nasty headers.
async fn survives(nasty: &str, is_global: bool) {
    let text = nasty.trim_matches('"').to_owned();
    let body = format!(r#"{{"message":"slow","global":{is_global},"retry_after":{nasty}}}"#);
    let resetting = |answer: Answer| {
        let answer = answer.with("x-ratelimit-reset-after", &text);
        answer.with("x-ratelimit-bucket", &text)
    };
    let limited = |text: &str| {
        let answer = text_of(200, "{}").with("x-ratelimit-limit", text);
        resetting(answer.with("x-ratelimit-remaining", text))
    };
    let answers = [
        text_of(429, &body).with("retry-after", &text),
        limited(&text),
        limited("0"),
        ok(&json!({})),
    ];
    let (_server, address) = FakeHttp::start(answers).await;
    let client = client(&address, Clock::system());
    for _ in 0..3 {
        let answered = call(&client, "create_message", message()).await;
        assert!(answered.is_ok(), "{nasty}: {answered:?}");
    }
}

#[tokio::test]
async fn no_number_of_a_server_ends_a_call_or_holds_up_the_next() {
    let all = NASTY
        .iter()
        .flat_map(|nasty| [false, true].map(|is_global| survives(nasty, is_global)));
    futures_util::future::join_all(all).await;
}

#[tokio::test]
async fn nonsense_about_the_gateway_is_put_right_or_told() {
    let answer = |shards: &str, reset: &str| {
        let limit =
            format!(r#"{{"total":-1,"remaining":1e9,"reset_after":{reset},"max_concurrency":0}}"#);
        let body = format!(r#"{{"url":"ws://x","shards":{shards},"session_start_limit":{limit}}}"#);
        text_of(200, &body)
    };
    for nasty in NASTY {
        let (_server, address) = FakeHttp::start([answer(nasty, nasty)]).await;
        let bot = client(&address, Clock::system())
            .gateway_bot()
            .await
            .unwrap();
        assert_eq!(
            (bot.shards, bot.max_concurrency, bot.remaining),
            (1, 1, 1000)
        );
        assert!(bot.reset_after <= Duration::from_secs(86_400), "{nasty}");
    }
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    for answer in [
        endless(200),
        endless(200).with("content-encoding", "gzip"),
        endless(200).with("content-type", "image/png"),
    ] {
        let (_server, address) = FakeHttp::always(answer).await;
        let client = client(&address, Clock::system());
        let error = call(&client, "create_message", message())
            .await
            .unwrap_err();
        assert!(matches!(error, CallError::TooLong { .. }), "{error:?}");
        let words = "discord.create_message: the answer is longer than 8 MB, and Discord's answers are never that long";
        assert_eq!(error.to_string(), words);
    }
    // What a refusal says is not worth as much; that it is one is what counts.
    let (_server, address) = FakeHttp::always(endless(403)).await;
    let client = client(&address, Clock::system());
    let error = call(&client, "create_message", message())
        .await
        .unwrap_err();
    let CallError::Discord(error) = error else {
        panic!("{error:?}");
    };
    assert_eq!((error.status, error.message.as_str()), (403, "Forbidden"));
}

#[tokio::test]
async fn a_cog_is_charged_for_an_answer_while_it_comes_and_as_long_as_it_is_held() {
    let list = |part: &str| {
        let text = format!("[{}{part}]", format!("{part},").repeat(20_000));
        text_of(200, &text).with("content-type", "application/json")
    };
    let prepared = || prepare(operation("create_message").unwrap(), message()).unwrap();
    for part in ["0", "[]", "{\"a\":{}}", "\"\""] {
        let (_server, address) = FakeHttp::start([list(part), list(part)]).await;
        let client = client(&address, Clock::system());
        let small = caller("small", 100_000);
        let sent = client.send(prepared(), Some(small.clone()), DEADLINE).await;
        assert!(
            matches!(sent, Err(CallError::Memory { .. })),
            "{part}: {sent:?}"
        );
        assert!(small.allowance.has_room_for(100_000), "{part}");

        let large = caller("large", 8 << 20);
        let sent = client.send(prepared(), Some(large.clone()), DEADLINE).await;
        let answered = sent.unwrap();
        let AnswerBody::Read(json) = &answered.body else {
            panic!("{part}: {answered:?}");
        };
        assert_eq!(answered.charge.bytes(), json.bytes(), "{part}");
        assert!(!large.allowance.has_room_for(8 << 20));
        drop(answered);
        assert!(large.allowance.has_room_for(8 << 20), "{part}");
    }
}

/// The page of somebody in between is not what Discord has done.
#[tokio::test]
async fn an_answer_that_is_not_discords_is_told() {
    let page = |kind: &str, body: &str| text_of(200, body).with("content-type", kind);
    for answer in [
        page("text/html", "<html>Sign in</html>"),
        page("text/plain", "ok"),
        page("application/json", "<html>"),
        page("application/json", "true"),
        page("application/json", "\"ok\""),
    ] {
        for (id, arguments) in [
            ("create_message", message()),
            ("get_my_user", json!({})),
            ("trigger_typing_indicator", json!({ "channel_id": "5" })),
        ] {
            let (server, address) = FakeHttp::start([answer.clone()]).await;
            let error = call(&client(&address, Clock::system()), id, arguments)
                .await
                .unwrap_err();
            assert!(
                matches!(error, CallError::Foreign { .. }),
                "{id} {answer:?}: {error}"
            );
            assert_eq!(server.seen().len(), 1, "{id} {answer:?}");
        }
    }
    let (_server, address) = FakeHttp::start([page("text/csv", "user_id\n1\n")]).await;
    let client = client(&address, Clock::system());
    let list = call(&client, "get_invite_target_users", json!({ "code": "x" })).await;
    assert_eq!(list.unwrap(), Some(Json::string("user_id\n1\n")));
}

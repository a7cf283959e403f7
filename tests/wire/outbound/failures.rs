//! Servers that fail, refuse, break off or do not answer, and what is sent again.

use super::{DEADLINE, call, caller, client, message, send_for};
use crate::fake_http::{FakeHttp, breaking_off, json_of};
use crate::support::{nobody, until};
use cogsmith::clock::Clock;
use cogsmith::discord::outbound::{CallError, WaitsFor};
use cogsmith::discord::{operation, prepare};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_fault_of_the_server_is_tried_again() {
    let faults = [502, 500].map(|status| json_of(status, &json!({})));
    let (server, address) = FakeHttp::start(faults).await;
    let client = client(&address, Clock::system());
    call(&client, "create_message", message()).await.unwrap();
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn a_refusal_is_told_in_one_line() {
    let unauthorized = json!({ "message": "401: Unauthorized", "code": 0 });
    let form = json!({
        "message": "Invalid Form Body", "code": 50035,
        "errors": { "embeds": { "0": { "title": { "_errors": [
            { "code": "BASE_TYPE_MAX_LENGTH", "message": "Must be 256 or fewer in length." },
        ]}}}},
    });
    let (server, address) =
        FakeHttp::start([json_of(401, &unauthorized), json_of(400, &form)]).await;
    let client = client(&address, Clock::system());
    let error = call(&client, "get_my_user", json!({})).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "discord.get_my_user: 401: Unauthorized (status 401)"
    );
    let CallError::Discord(error) = call(&client, "create_message", message())
        .await
        .unwrap_err()
    else {
        panic!("another kind of error");
    };
    assert_eq!((error.status, error.code), (400, 50035));
    assert_eq!(
        error.to_string(),
        "discord.create_message: Invalid Form Body (status 400, code 50035); embeds[1].title: Must be 256 or fewer in length."
    );
    assert!(error.errors.is_some());
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_post_that_may_have_arrived_is_not_sent_twice() {
    let (server, address) = FakeHttp::start([]).await;
    let client = client(&address, Clock::system());
    server.hold();
    let operation = operation("create_message").unwrap();
    let short = Duration::from_secs(1);
    let error = client.call(operation, message(), short).await.unwrap_err();
    assert!(matches!(error, CallError::Deadline { .. }), "{error}");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn no_server_is_an_error_without_secrets() {
    let client = client(&format!("http://{}", nobody()), Clock::system());
    let operation = operation("execute_webhook").unwrap();
    let arguments = json!({ "webhook_id": "1", "webhook_token": "hidden", "content": "x" });
    let short = Duration::from_secs(1);
    let error = client.call(operation, arguments, short).await.unwrap_err();
    let told = format!("{error} {error:?} {client:?}");
    assert!(told.contains("no connection to Discord"), "{told}");
    assert!(
        !told.contains("hidden") && !told.contains("secret"),
        "{told}"
    );
}

/// A server that takes requests and never answers does not use up what there is for all calls, and is seen.
#[tokio::test]
async fn a_server_that_never_answers_is_seen_and_given_up_in_time() {
    let (server, address) = FakeHttp::start([]).await;
    let client = client(&address, Clock::system());
    server.hold();
    let patience = Duration::from_secs(3);
    let hook = json!({ "webhook_id": "1", "webhook_token": "t", "content": "x" });
    let calls = [
        ("get_my_user", json!({}), ""),
        ("create_message", message(), ""),
        (
            "execute_webhook",
            hook,
            "; it may have been carried out, so it was not sent again",
        ),
    ]
    .map(|(id, arguments, more)| {
        let prepared = prepare(operation(id).unwrap(), arguments).unwrap();
        let (client, cog) = (client.clone(), Some(caller("cog", 1 << 20)));
        async move {
            let sent = client
                .send_with_patience(prepared, cog, DEADLINE, patience)
                .await;
            let error = sent.unwrap_err().to_string();
            let words =
                format!("discord.{id}: gave up after 3 s: there was no answer in time{more}");
            assert_eq!(error, words);
        }
    });
    let three = || matches!(client.waiting_of("cog").as_slice(), [only] if only.count == 3);
    let seen = async {
        until(three).await;
        let waits = client.waiting_of("cog");
        let no_answer = WaitsFor::Discord("no answer yet".to_owned());
        assert_eq!(waits[0].waits_for, no_answer);
    };
    tokio::join!(futures_util::future::join_all(calls), seen);
    assert_eq!(server.seen().len(), 3);
    assert_eq!(client.waiting_of("cog"), []);
}

#[tokio::test]
async fn an_answer_that_breaks_off_says_what_its_status_says() {
    let hook = || json!({ "webhook_id": "1", "webhook_token": "t", "content": "x" });
    for (status, attempts) in [(200, 1), (408, 1), (500, 1), (403, 2), (404, 2), (429, 2)] {
        let first = breaking_off(status).with("retry-after", "0");
        let (server, address) = FakeHttp::start([first.clone()]).await;
        let client = client(&address, Clock::system());
        let sent = call(&client, "execute_webhook", hook()).await;
        assert_eq!(server.seen().len(), attempts, "{status}: {sent:?}");
        let words = "it may have been carried out, so it was not sent again";
        let is_unknown = sent.is_err_and(|error| error.to_string().ends_with(words));
        assert_eq!(is_unknown, attempts == 1, "{status}");
        // A message is known when it comes again.
        let (server, address) = FakeHttp::start([first]).await;
        let client = self::client(&address, Clock::system());
        call(&client, "create_message", message()).await.unwrap();
        assert_eq!(server.seen().len(), 2, "{status}");
    }
}

/// Nor does whoever waits behind such a request wait for ever.
#[tokio::test]
async fn who_waits_behind_a_call_without_an_answer_gives_up_in_time() {
    let (server, address) = FakeHttp::start([]).await;
    let client = client(&address, Clock::system());
    server.hold();
    let first = tokio::spawn(send_for(&client, Some("cog"), "x"));
    server.until(1).await;
    let operation = operation("create_message").unwrap();
    let short = Duration::from_secs(1);
    let error = client.call(operation, message(), short).await.unwrap_err();
    let words = "discord.create_message: gave up after 1 s: a call before it has no answer yet";
    assert_eq!(error.to_string(), words);
    assert_eq!(server.seen().len(), 1);
    server.let_go();
    first.await.unwrap().unwrap();
}

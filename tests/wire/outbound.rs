//! Calls to Discord's API over real HTTP, against a server that answers what each test wants.

use crate::fake_http::{Answer, FakeHttp, breaking_off, endless, json_of, ok, text_of};
use crate::support::{nobody, until};
use axum::http::Method;
use cogsmith::activity::Activity;
use cogsmith::charge::Allowance;
use cogsmith::clock::Clock;
use cogsmith::discord::outbound::{
    CallError, CogCaller, Outbound, OutboundOptions, Token, WaitsFor,
};
use cogsmith::discord::{File, operation, prepare, prepare_with};
use cogsmith::json::Json;
use cogsmith::requests::{MOST_OF_A_COG, OpenOfCog};
use futures_util::stream::{self, FuturesOrdered, StreamExt};
use serde_json::{Value, json};
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(20);

fn limits(bucket: &str, limit: u32, remaining: u32, reset_after: f64) -> Answer {
    ok(&json!({}))
        .with("x-ratelimit-bucket", bucket)
        .with("x-ratelimit-limit", limit)
        .with("x-ratelimit-remaining", remaining)
        .with("x-ratelimit-reset-after", reset_after)
}

fn client(address: &str, clock: Clock) -> Outbound {
    client_of(address, clock, Activity::new())
}

fn client_of(address: &str, clock: Clock, activity: Activity) -> Outbound {
    Outbound::new(OutboundOptions {
        token: Token::new("secret"),
        api_url: Some(address.to_owned()),
        clock,
        activity,
    })
    .unwrap()
}

async fn call(client: &Outbound, id: &str, arguments: Value) -> Result<Option<Json>, CallError> {
    let operation = operation(id).unwrap();
    client.call(operation, arguments, DEADLINE).await
}

fn message() -> Value {
    json!({ "channel_id": "5", "content": "hi" })
}

#[tokio::test]
async fn a_call_is_discords_request_and_answer() {
    let (server, address) = FakeHttp::start([ok(&json!({ "id": "9" })), text_of(204, "")]).await;
    let client = client(&address, Clock::system());
    let sent = call(&client, "create_message", message()).await.unwrap();
    assert_eq!(sent.unwrap().str("id"), Some("9"));
    let arguments =
        json!({ "channel_id": "5", "message_id": "9", "emoji_name": "👍", "reason": null });
    let nothing = call(&client, "add_my_message_reaction", arguments).await;
    assert_eq!(nothing.unwrap(), None);

    let seen = server.seen();
    assert_eq!(seen[0].method, Method::POST);
    assert_eq!(seen[0].uri, "/api/v10/channels/5/messages");
    assert_eq!(seen[0].header("authorization"), "Bot secret");
    assert!(seen[0].header("user-agent").starts_with("DiscordBot ("));
    assert_eq!(seen[0].header("content-type"), "application/json");
    let mut body = seen[0].json();
    let nonce = body.as_object_mut().unwrap().remove("nonce").unwrap();
    assert!(nonce.as_str().is_some_and(|it| it.len() <= 25), "{nonce}");
    let expected =
        json!({ "content": "hi", "allowed_mentions": { "parse": [] }, "enforce_nonce": true });
    assert_eq!(body, expected);
    let path = "/api/v10/channels/5/messages/9/reactions/%F0%9F%91%8D/@me";
    assert_eq!(seen[1].uri, path);
    assert_eq!(seen[1].header("content-length"), "0");
}

#[tokio::test]
async fn reasons_and_queries_are_encoded() {
    let (server, address) = FakeHttp::start([]).await;
    let client = client(&address, Clock::system());
    let arguments = json!({ "channel_id": "5", "reason": "über alles\n" });
    call(&client, "delete_channel", arguments).await.unwrap();
    let arguments = json!({ "guild_id": "5", "query": "a&b=c", "limit": 7 });
    call(&client, "search_guild_members", arguments)
        .await
        .unwrap();
    let seen = server.seen();
    assert_eq!(seen[0].header("x-audit-log-reason"), "%C3%BCber%20alles%0A");
    assert_eq!(seen[1].uri.query(), Some("query=a%26b%3Dc&limit=7"));
}

#[tokio::test]
async fn files_go_as_parts() {
    let (server, address) = FakeHttp::start([]).await;
    let client = client(&address, Clock::system());
    let files = vec![File::new("a.png", vec![0_u8, 159, 146, 150])];
    let prepared = prepare_with(operation("create_message").unwrap(), message(), files).unwrap();
    client.send(prepared, None, DEADLINE).await.unwrap();
    let sticker = json!({ "guild_id": "1", "name": "wave", "tags": "x", "file": { "filename": "s.png", "content": "PNG" } });
    call(&client, "create_guild_sticker", sticker)
        .await
        .unwrap();

    let seen = server.seen();
    assert!(
        seen[0]
            .header("content-type")
            .starts_with("multipart/form-data; boundary=")
    );
    let body = &seen[0].body;
    let has = |body: &[u8], text: &[u8]| body.windows(text.len()).any(|part| part == text);
    assert!(has(body, b"name=\"payload_json\""));
    assert!(has(body, b"{\"content\":\"hi\""));
    assert!(has(body, b"name=\"files[0]\"; filename=\"a.png\""));
    assert!(has(body, b"image/png"));
    assert!(has(body, &[0, 159, 146, 150]));
    let body = &seen[1].body;
    assert!(has(body, b"name=\"name\"") && has(body, b"wave"));
    assert!(has(body, b"name=\"file\"; filename=\"s.png\""));
    assert!(!has(body, b"payload_json"));
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

/// A cog that may hold so many bytes of answers.
fn caller(name: &str, bytes: usize) -> CogCaller {
    CogCaller {
        name: name.into(),
        allowance: Allowance::alone(bytes),
        version: 1,
        open: OpenOfCog::default(),
    }
}

/// A message of one cog, or of the bot itself.
fn send_for(
    client: &Outbound,
    cog: Option<&str>,
    text: &str,
) -> impl Future<Output = Result<Option<Json>, CallError>> + use<> {
    let arguments = json!({ "channel_id": "5", "content": text });
    let prepared = prepare(operation("create_message").unwrap(), arguments).unwrap();
    let (client, cog) = (client.clone(), cog.map(|name| caller(name, 1 << 20)));
    async move { Ok(client.send(prepared, cog, DEADLINE).await?.json) }
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

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let me = "https://discord.com/api/v10/users/@me";
    let (server, address) = FakeHttp::start([text_of(302, "").with("location", me)]).await;
    let client = client(&address, Clock::system());
    let error = call(&client, "get_my_user", json!({})).await.unwrap_err();
    assert!(error.to_string().contains("status 302"), "{error}");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn the_bot_learns_who_and_whose_it_is() {
    let gateway = json!({ "url": "ws://127.0.0.1:1", "shards": 2, "session_start_limit":
        { "total": 1000, "remaining": 990, "reset_after": 5000, "max_concurrency": 1 } });
    let team = json!({ "id": "1", "name": "bot", "flags": 3, "owner": { "id": "2" }, "team": { "members": [
        { "membership_state": 2, "role": "admin", "user": { "id": "3" } },
        { "membership_state": 1, "role": "admin", "user": { "id": "4" } },
        { "membership_state": 2, "role": "read_only", "user": { "id": "5" } },
    ]}});
    let answers = [
        ok(&gateway),
        ok(&team),
        ok(&json!({ "id": "7", "username": "bot" })),
    ];
    let (server, address) = FakeHttp::start(answers).await;
    let client = client(&address, Clock::system());
    let gateway = client.gateway_bot().await.unwrap();
    assert_eq!(
        (gateway.url.as_str(), gateway.shards),
        ("ws://127.0.0.1:1", 2)
    );
    assert_eq!(gateway.reset_after, Duration::from_secs(5));
    assert_eq!(
        client.current_application().await.unwrap().owners,
        ["2", "3"]
    );
    assert_eq!(client.current_user().await.unwrap().str("id"), Some("7"));
    assert_eq!(server.seen()[1].uri, "/api/v10/applications/@me");
}

#[tokio::test]
async fn wrong_addresses_and_tokens_are_refused() {
    for (token, url) in [
        ("a\nb", "http://127.0.0.1:1"),
        ("a", "127.0.0.1"),
        ("a", "ftp://x"),
        ("a", "http://x/?a"),
    ] {
        let made = Outbound::new(OutboundOptions {
            token: Token::new(token),
            api_url: Some(url.to_owned()),
            clock: Clock::system(),
            activity: Activity::new(),
        });
        made.unwrap_err();
    }
}

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
        let words =
            "discord.create_message: the answer is longer than 8 MB, which none of Discord's is";
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
        let small = caller("small", 300_000);
        let sent = client.send(prepared(), Some(small.clone()), DEADLINE).await;
        assert!(
            matches!(sent, Err(CallError::Memory { .. })),
            "{part}: {sent:?}"
        );
        assert!(small.allowance.has_room_for(300_000), "{part}");

        let large = caller("large", 8 << 20);
        let sent = client.send(prepared(), Some(large.clone()), DEADLINE).await;
        let answered = sent.unwrap();
        let json = answered.json.as_ref().unwrap();
        assert_eq!(answered.charge.bytes(), json.bytes(), "{part}");
        assert!(!large.allowance.has_room_for(8 << 20));
        drop(answered);
        assert!(large.allowance.has_room_for(8 << 20), "{part}");
    }
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
    assert_eq!(list.unwrap(), Some(Json::String("user_id\n1\n".into())));
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

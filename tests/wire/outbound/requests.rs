//! What is sent: paths, headers, bodies, files.

use super::{DEADLINE, call, client, message};
use crate::fake_http::{FakeHttp, ok, text_of};
use axum::http::Method;
use cogsmith::activity::Activity;
use cogsmith::clock::Clock;
use cogsmith::discord::outbound::{Outbound, OutboundOptions, Token};
use cogsmith::discord::{File, operation, prepare_with};
use serde_json::json;
use std::time::Duration;

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

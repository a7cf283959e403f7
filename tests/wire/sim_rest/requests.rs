//! What holds for every request: tokens, versions, limits, faults, routes that there are not.

use super::Bot;
use cogsmith::sim::{InjectedFault, Limit, RateLimits, RestFaultKind, SimOptions};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn a_wrong_token_is_refused_as_discord_refuses_it() {
    let bot = Bot::start().await;
    let url = format!("{}/api/v10/users/@me", bot.sim.url());
    let response = bot.http.get(&url).header("authorization", "Bot wrong");
    let response = response.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body, json!({"message": "401: Unauthorized", "code": 0}));
    assert_eq!(bot.get("/users/@me").await.1["username"], "cogsmith");
}

#[tokio::test]
async fn both_api_versions_answer_and_name_the_gateway() {
    let bot = Bot::start().await;
    for version in ["v9", "v10"] {
        let url = format!("{}/api/{version}/gateway/bot", bot.sim.url());
        let response = bot
            .http
            .get(&url)
            .header("authorization", bot.authorization());
        let body: Value = response.send().await.unwrap().json().await.unwrap();
        let expected = bot.sim.url().replace("http", "ws");
        assert_eq!(body["url"], expected.as_str());
        assert_eq!(body["session_start_limit"]["max_concurrency"], 16);
    }
}

#[tokio::test]
async fn too_many_requests_are_told_when_to_return() {
    let options = SimOptions {
        rate_limits: RateLimits::default().with_route(
            "POST",
            "/channels/{channel_id}/messages",
            Limit {
                requests: 2,
                per: Duration::from_secs(30),
            },
        ),
        ..SimOptions::default()
    };
    let bot = Bot::with(options).await;
    let path = format!("/channels/{}/messages", bot.general());
    let body = || Some(json!({"content": "x"}));
    let first = bot.send(Method::POST, &path, body()).await;
    let header =
        |response: &Response, name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header(&first, "x-ratelimit-limit"), "2");
    assert_eq!(header(&first, "x-ratelimit-remaining"), "1");
    bot.send(Method::POST, &path, body()).await;
    let refused = bot.send(Method::POST, &path, body()).await;
    assert_eq!(refused.status(), 429);
    assert_eq!(header(&refused, "x-ratelimit-scope"), "user");
    assert!(header(&refused, "retry-after").parse::<f64>().unwrap() >= 29.0);
    let body: Value = refused.json().await.unwrap();
    assert!(body["retry_after"].as_f64().unwrap() > 28.0);
    assert_eq!(body["global"], false);
    bot.sim.set_rate_limits(RateLimits::default());
    assert_eq!(bot.post(&path, json!({"content": "x"})).await.0, 200);
}

#[tokio::test]
async fn faults_happen_as_often_as_ordered() {
    let bot = Bot::start().await;
    let path = format!("/channels/{}/messages", bot.general());
    let kind = RestFaultKind::Status {
        status: 503,
        code: 0,
        message: "upstream".into(),
        retry_after: None,
    };
    bot.sim.fault(
        InjectedFault::operation("create_message", kind)
            .unwrap()
            .times(2),
    );
    assert_eq!(bot.post(&path, json!({"content": "x"})).await.0, 503);
    assert_eq!(bot.get(&path).await.0, 200);
    assert_eq!(bot.post(&path, json!({"content": "x"})).await.0, 503);
    assert_eq!(bot.post(&path, json!({"content": "x"})).await.0, 200);

    // What is held up meets the other faults, too.
    bot.sim.fault("* delay:1 x9".parse().unwrap());
    bot.sim.fault("GET /users/@me 500".parse().unwrap());
    assert_eq!(bot.get("/users/@me").await.0, 500);
    assert_eq!(bot.get("/users/@me").await.0, 200);

    let template = "/channels/{channel_id}/messages";
    bot.sim
        .fault(InjectedFault::rest("POST", template, RestFaultKind::Drop));
    let gets_no_answer = async |content: &str| {
        let url = format!("{}/api/v10{path}", bot.sim.url());
        let request = bot.http.post(&url);
        let request = request.header("authorization", bot.authorization());
        let sent = request.json(&json!({ "content": content })).send();
        sent.await.is_err()
    };
    assert!(gets_no_answer("lost").await);
    assert_eq!(bot.sim.messages(bot.general()).len(), 1);
    bot.sim.fault(InjectedFault::rest(
        "POST",
        template,
        RestFaultKind::DropAnswer,
    ));
    assert!(gets_no_answer("done").await);
    assert_eq!(bot.sim.messages(bot.general()).len(), 2);
}

/// As py-cord sends what has no file.
#[tokio::test]
async fn a_form_is_read_as_json_is() {
    let bot = Bot::start().await;
    let url = format!(
        "{}/api/v10/channels/{}/messages",
        bot.sim.url(),
        bot.general()
    );
    let send = async |body: &'static str| {
        let request = bot.http.post(&url).body(body);
        let request = request.header("authorization", bot.authorization());
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json::<Value>().await.unwrap())
    };
    let payload = "payload_json=%7B%22content%22%3A+%22green+tea+%2B+milk%22%7D";
    assert_eq!(send(payload).await.1["content"], "green tea + milk");
    assert_eq!(send("content=black+tea").await.1["content"], "black tea");
    for wrong in ["payload_json=%7B", "tea", "{\"content\": \"x\"}"] {
        let (status, error) = send(wrong).await;
        assert_eq!((status, &error["code"]), (400, &json!(50109)), "{wrong}");
    }
}

#[tokio::test]
async fn missing_routes_say_so() {
    let bot = Bot::start().await;
    let (status, body) = bot.get("/users/@me/connections").await;
    assert_eq!(status, 501);
    let message = body["message"].as_str().unwrap();
    assert!(message.ends_with("only for users' tokens"), "{message}");
    let missing = bot.sim.unimplemented_routes();
    assert!(missing[0].contains("list_my_connections"));
    assert_eq!(bot.get("/nowhere").await.0, 404);
}

#[tokio::test]
async fn a_wait_that_fails_shows_what_happened() {
    let bot = Bot::start().await;
    bot.sim
        .say(bot.user("anna"), bot.general(), "is anybody there")
        .unwrap();
    let wait = bot
        .sim
        .bot_message_after(bot.general(), 0, Duration::from_millis(50));
    let error = wait.await.unwrap_err().to_string();
    assert!(error.contains("a message of the bot"), "{error}");
    assert!(error.contains("is anybody there"), "{error}");
}

/// serenity's client, a library of others that the bot does not use, reads what the simulator answers. Its rate limiter is
/// off: while it is on, requests go to Discord itself, whatever the proxy.
#[tokio::test]
async fn serenity_understands_the_answers() {
    use serenity::all::{
        ChannelId, CreateAttachment, CreateMessage, EditMember, GuildId, Http, HttpBuilder,
        MessageId, ReactionType, UserId,
    };
    let bot = Bot::start().await;
    let http: Http = HttpBuilder::new(bot.sim.token())
        .proxy(bot.sim.url())
        .application_id(bot.sim.bot_user().into())
        .ratelimiter_disabled(true)
        .build();
    let guild = GuildId::new(bot.sim.guild());
    let channel = ChannelId::new(bot.general());
    let anna = UserId::new(bot.user("anna"));

    assert_eq!(http.get_current_user().await.unwrap().name, "cogsmith");
    let info = http.get_current_application_info().await.unwrap();
    assert_eq!(info.owner.unwrap().id.get(), bot.sim.owner());
    http.get_bot_gateway().await.unwrap();
    assert_eq!(
        guild.to_partial_guild(&http).await.unwrap().name,
        "Cogsmith"
    );
    assert_eq!(guild.channels(&http).await.unwrap().len(), 5);
    assert_eq!(guild.roles(&http).await.unwrap().len(), 3);
    assert_eq!(guild.members(&http, None, None).await.unwrap().len(), 4);
    http.get_channel(channel).await.unwrap();
    let file = CreateAttachment::bytes(&b"text"[..], "a.txt");
    let message = CreateMessage::new().content("hi <@1>").add_file(file);
    let message = channel.send_message(&http, message).await.unwrap();
    assert_eq!(message.attachments[0].download().await.unwrap(), b"text");
    message
        .react(&http, ReactionType::Unicode("👍".into()))
        .await
        .unwrap();
    let users = message.reaction_users(&http, ReactionType::Unicode("👍".into()), None, None);
    assert_eq!(users.await.unwrap().len(), 1);
    assert!(channel.message(&http, MessageId::new(5)).await.is_err());
    assert_eq!(
        channel
            .message(&http, message.id)
            .await
            .unwrap()
            .reactions
            .len(),
        1
    );
    message.pin(&http).await.unwrap();
    assert_eq!(channel.pins(&http).await.unwrap().len(), 1);
    let direct = anna.create_dm_channel(&http).await.unwrap();
    direct.id.say(&http, "psst").await.unwrap();
    guild
        .edit_member(&http, anna, EditMember::new().nickname("Annie"))
        .await
        .unwrap();
    guild
        .ban_with_reason(&http, anna, 1, "no reason")
        .await
        .unwrap();
    assert_eq!(guild.bans(&http, None, None).await.unwrap().len(), 1);
    guild.unban(&http, anna).await.unwrap();
    guild
        .audit_logs(&http, None, None, None, None)
        .await
        .unwrap();
    http.get_global_commands().await.unwrap();
    assert_eq!(bot.sim.unimplemented_routes(), Vec::<String>::new());
}

//! How the bot starts, and what it says when it cannot: a sentence, and nothing left behind. How it ends.

#[cfg(unix)]
mod real;

use crate::fake_http::{FakeHttp, text_of};
use crate::support::{PATIENCE, answering, bot_options, folder, simulator};
use cogsmith::bot::{Bot, BotOptions};
use cogsmith::config::{Config, Token};
use cogsmith::error::StartError;
use cogsmith::sim::{GatewayFaultKind, InjectedFault, Sim, SimOptions};
use std::time::Duration;
use tempfile::TempDir;

fn options(folder: &TempDir, sim: &Sim, token: &str) -> BotOptions {
    BotOptions {
        token: Token::new(token),
        ..bot_options(sim, Config::default_at(folder.path().to_owned()))
    }
}

async fn sim(allowed_privileged_intents: u64) -> Sim {
    simulator(SimOptions {
        allowed_privileged_intents,
        ..SimOptions::default()
    })
    .await
}

const MESSAGE_CONTENT: u64 = 1 << 15;

fn asking_for(intents: &str) -> String {
    format!("local cog = require(\"@cogsmith/cog\")\ncog.info {{ intents = {{ {intents} }} }}\n")
}

async fn refusal(bot: &Bot) -> StartError {
    tokio::time::timeout(PATIENCE, bot.refused())
        .await
        .expect("the bot is refused")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_told_and_ends_the_start() {
    let (folder, sim) = (folder(&[]), sim(0).await);
    let started = Bot::start(options(&folder, &sim, "wrong")).await;
    let error = started.err().expect("the token is wrong");
    assert!(matches!(error, StartError::TokenRefused), "{error}");
    sim.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_known_by_each_answer_that_says_so() {
    let (folder, sim) = (folder(&[]), sim(0).await);
    for path in ["/users/@me", "/applications/@me", "/gateway/bot"] {
        for (status, code) in [(400, 40_001), (401, 0), (401, 40_001), (403, 50_014)] {
            sim.fault(InjectedFault::status(
                "GET",
                path,
                status,
                code,
                "Unauthorized",
            ));
            let started = Bot::start(options(&folder, &sim, sim.token())).await;
            let error = started.err().expect("the token is refused");
            assert!(matches!(error, StartError::TokenRefused), "{path}: {error}");
            let told = error.to_string();
            for part in [
                "was reset",
                "Reset Token",
                "DISCORD_TOKEN",
                ".env",
                "start the bot again",
            ] {
                assert!(told.contains(part), "{told}");
            }
            assert!(!told.contains(sim.token()), "{told}");
        }
    }
    sim.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_reset_ends_the_bot() {
    let (folder, sim) = (folder(&[]), sim(MESSAGE_CONTENT).await);
    let bot = Bot::start(options(&folder, &sim, sim.token()))
        .await
        .unwrap();
    bot.ready(PATIENCE).await.unwrap();
    sim.fault(InjectedFault::gateway(GatewayFaultKind::Close(4004)));
    let error = refusal(&bot).await;
    assert!(matches!(error, StartError::TokenRefused), "{error}");
    bot.stop().await;
    sim.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn intents_of_cogs_that_are_disallowed_are_left_out_and_cost_no_identify() {
    let folder = folder(&[
        (
            "cogs/watch.luau",
            &asking_for("\"guild_members\", \"guild_presences\", \"guild_message_reactions\""),
        ),
        ("cogs/ping.luau", &answering("ping", "pong")),
    ]);
    let sim = sim(MESSAGE_CONTENT).await;
    let bot = Bot::start(options(&folder, &sim, sim.token()))
        .await
        .unwrap();
    bot.ready(PATIENCE).await.unwrap();
    let sessions = sim.sessions();
    assert_eq!(sessions.len(), 1);
    let intents = sessions[0].intents;
    assert_eq!(
        intents & (1 << 1 | 1 << 8 | 1 << 10),
        1 << 10,
        "{intents:b}"
    );
    bot.stop().await;
    sim.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn disallowed_intents_are_named_with_the_cogs_that_ask_for_them() {
    let folder = folder(&[
        ("cogs/greet.luau", &asking_for("\"guild_members\"")),
        (
            "cogs/watch.luau",
            &asking_for("\"guild_members\", \"guild_presences\""),
        ),
    ]);
    // Without the messages' content the bot is of no use.
    let sim = sim(0).await;
    let bot = Bot::start(options(&folder, &sim, sim.token()))
        .await
        .unwrap();
    let error = refusal(&bot).await;
    let sentence = error.to_string();
    for words in [
        r#"the Server Members Intent (guild_members), which the cogs "greet" and "watch" ask for"#,
        r#"the Presence Intent (guild_presences), which the cog "watch" asks for"#,
        "(message_content)",
    ] {
        assert!(sentence.contains(words), "{sentence}");
    }
    let ready = bot
        .ready(PATIENCE)
        .await
        .err()
        .map(|error| error.to_string());
    assert_eq!(ready, Some(sentence));
    bot.stop().await;
    sim.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_can_be_given_up() {
    let (folder, sim) = (folder(&[]), sim(0).await);
    let unreachable = BotOptions {
        api_url: Some("http://127.0.0.1:9".to_owned()),
        ..options(&folder, &sim, sim.token())
    };
    let mut starting = Box::pin(Bot::start(unreachable));
    let waiting = Duration::from_millis(200);
    assert!(tokio::time::timeout(waiting, &mut starting).await.is_err());
    drop(starting);
    sim.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_no_discord_is_told() {
    let (folder, sim) = (folder(&[]), sim(0).await);
    for status in [404, 200, 301] {
        let page = text_of(status, "<h1>Welcome</h1>").with("content-type", "text/html");
        let (_server, url) = FakeHttp::always(page).await;
        let started = Bot::start(BotOptions {
            api_url: Some(url.clone()),
            ..options(&folder, &sim, "a.b.c")
        })
        .await;
        let error = started.err().expect("that is no Discord");
        assert_eq!(error.exit_code(), 2);
        let sentence = error.to_string().replace(&url, "http://server");
        assert!(
            sentence.starts_with("The server at http://server does not answer as"),
            "{sentence}"
        );
        match status {
            404 => {
                insta::assert_snapshot!(sentence, @"The server at http://server does not answer as Discord's API does: GET /users/@me is answered with status 404 (Not Found). Check DISCORD_API_URL: it is the address without a path, such as http://127.0.0.1:8080, and the server there must offer Discord's API.");
            }
            200 => {
                insta::assert_snapshot!(sentence, @r#"The server at http://server does not answer as Discord's API does: GET /users/@me: the answer is not JSON. Check DISCORD_API_URL: it is the address without a path, such as http://127.0.0.1:8080, and the server there must offer Discord's API."#);
            }
            _ => assert!(sentence.contains("301"), "{sentence}"),
        }
    }
    sim.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_the_usual_questions_is_asked_others_or_leaves_the_owner_unknown() {
    let (folder, sim) = (folder(&[]), sim(MESSAGE_CONTENT).await);
    let usual = "/applications/@me";
    for status in [404, 405, 501] {
        for (unknown, knows_owner) in [
            (&[usual][..], true),
            (&[usual, "/oauth2/applications/@me"][..], false),
        ] {
            for path in unknown {
                sim.fault(InjectedFault::status("GET", path, status, 0, "Not here"));
            }
            let bot = Bot::start(options(&folder, &sim, sim.token()))
                .await
                .unwrap();
            bot.ready(PATIENCE).await.unwrap();
            let owners = bot.services.identity.load().owners.len();
            assert_eq!(owners > 0, knows_owner, "{status} for {unknown:?}");
            bot.stop().await;
        }
    }
    sim.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_in_trouble_is_asked_again_and_nobody_else_is() {
    let (folder, sim) = (folder(&[]), sim(MESSAGE_CONTENT).await);
    let kind = cogsmith::sim::RestFaultKind::Status {
        status: 503,
        code: 0,
        message: "down".into(),
        retry_after: None,
    };
    let fault = InjectedFault::operation("get_bot_gateway", kind).unwrap();
    sim.fault(fault.times(2));
    let bot = Bot::start(options(&folder, &sim, sim.token()))
        .await
        .unwrap();
    bot.ready(PATIENCE).await.unwrap();
    bot.stop().await;
    sim.shutdown().await;
}

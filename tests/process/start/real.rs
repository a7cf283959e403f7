//! The real command against a simulator in this process.

use super::{MESSAGE_CONTENT, PATIENCE, answering, asking_for, folder};
use crate::support::process::Process;
use crate::support::{ask, bound, simulator};
use cogsmith::sim::{Sim, SimOptions};
use serde_json::Value;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use tempfile::TempDir;

/// As long as a real one, and in no other word.
const TOKEN: &str = "MTA0ODU3NjIxMzQ1Njc4OTAx.GhIjKl.no-log-may-ever-show-this-token";

/// Counts how often somebody has asked.
const COUNT: &str = r#"local cog = require("@cogsmith/cog")
local state = require("@cogsmith/state")
local data = state.defaults { global = { count = 0 } }
cog.command { name = "count", run = function(ctx)
    data.global.count += 1
    ctx:reply(`count {data.global.count}`)
end }
"#;

/// A folder with these files below `lua/` and a page on any free port.
fn home(files: &[(&str, &str)]) -> TempDir {
    let folder = folder(files);
    configure(
        folder.path(),
        r#"{ "studio": { "listen": "127.0.0.1:0" } }"#,
    );
    folder
}

fn configure(folder: &Path, config: &str) {
    fs::write(folder.join("config.json"), config).unwrap();
}

async fn sim(allowed_privileged_intents: u64) -> Sim {
    simulator(SimOptions {
        token: TOKEN.to_owned(),
        allowed_privileged_intents,
        ..SimOptions::default()
    })
    .await
}

fn online(folder: &Path, sim: &Sim, more: &[(&str, &str)]) -> Process {
    let url = sim.url();
    let mut variables = vec![("DISCORD_TOKEN", TOKEN), ("DISCORD_API_URL", &*url)];
    variables.extend(more);
    Process::start(folder, &["--online"], &variables)
}

fn content(message: &Value) -> String {
    message["content"].as_str().unwrap().to_owned()
}

#[test]
fn without_cogs_a_state_or_its_port_the_bot_says_so() {
    let nothing = TempDir::new().unwrap();
    configure(nothing.path(), "{}");
    let (code, printed) = Process::start(
        nothing.path(),
        &["--offline"],
        &[("COGSMITH_STUDIO__LISTEN", "127.0.0.1:0")],
    )
    .ended();
    assert_eq!(code, 1, "{printed}");
    assert!(printed.starts_with("There is no folder "), "{printed}");

    let no_var = home(&[]);
    fs::write(no_var.path().join("var"), "not a folder").unwrap();
    let (code, printed) = Process::start(no_var.path(), &["--offline"], &[]).ended();
    assert_eq!(code, 1, "{printed}");
    let printed = printed.replace(&no_var.path().display().to_string(), "FOLDER");
    insta::assert_snapshot!(printed, @"The state database FOLDER/var/state.db cannot be opened: its folder cannot be made: File exists (os error 17); check that the bot may write to its folder, or set state.url in config.json to another file.");

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let variables = [
        ("DISCORD_TOKEN", TOKEN),
        ("DISCORD_API_URL", "http://127.0.0.1:9"),
        ("COGSMITH_STUDIO__LISTEN", &address),
    ];
    let (code, printed) = Process::start(home(&[]).path(), &["--online"], &variables).ended();
    assert_eq!(code, 1, "{printed}");
    let sentence = format!("The address {address} is in use by another program");
    assert!(printed.starts_with(&sentence), "{printed}");

    let here = home(&[]);
    let mut offline = Process::start(here.path(), &["--offline"], &variables);
    offline.until("The page uses another port than studio.listen");
    offline.until("Talk to your bot at http://127.0.0.1:");
    assert_eq!(offline.stopped().0, 0);
}

#[test]
fn two_bots_do_not_share_a_state() {
    let folder = home(&[]);
    let mut first = Process::start(folder.path(), &["--offline"], &[]);
    first.until("The shard is ready");
    let (code, printed) = Process::start(folder.path(), &["--offline"], &[]).ended();
    assert_eq!(code, 1, "{printed}");
    let printed = printed.replace(&folder.path().display().to_string(), "FOLDER");
    insta::assert_snapshot!(printed, @"The state database FOLDER/var/state.db is in use by another process; stop the other bot, or give this one a folder of its own.");
    assert_eq!(first.stopped().0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_and_the_session_survive_a_restart_and_nobody_else_is_called() {
    let sim = sim(MESSAGE_CONTENT).await;
    let folder = home(&[("cogs/count.luau", COUNT)]);
    let mut peers = Vec::new();
    for (round, signal) in [(1, "TERM"), (2, "INT"), (3, "TERM")] {
        let mut bot = online(folder.path(), &sim, &[]);
        bot.until(if round == 1 {
            "The shard is ready"
        } else {
            "The shard resumed its session"
        });
        #[cfg(target_os = "linux")]
        peers.extend(bot.peers());
        assert_eq!(ask(&sim, "!count").await, format!("count {round}"));
        #[cfg(target_os = "linux")]
        peers.extend(bot.peers());
        bot.signal(signal);
        let (code, printed) = bot.ended();
        assert_eq!(code, 0, "{printed}");
        assert!(printed.trim_end().ends_with("Stopped"), "{printed}");
        assert!(!printed.contains("WARN"), "{printed}");
    }
    let sessions = sim.sessions();
    assert_eq!(sessions.len(), 1, "{sessions:?}");
    assert_eq!(sessions[0].resumes, 2);
    // 127.0.0.1 in the kernel's notation; and there were some.
    let strangers: Vec<_> = peers
        .iter()
        .filter(|peer| !peer.starts_with("0100007F:"))
        .collect();
    assert!(strangers.is_empty(), "{strangers:?}");
    assert!(cfg!(not(target_os = "linux")) || !peers.is_empty());
    sim.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_while_the_bot_was_away_is_answered_once() {
    let sim = sim(MESSAGE_CONTENT).await;
    let folder = home(&[("cogs/count.luau", COUNT)]);
    let mut bot = online(folder.path(), &sim, &[]);
    bot.until("The shard is ready");
    assert_eq!(bot.stopped().0, 0);
    let channel = sim.channel("general").unwrap();
    let message = sim.say(sim.owner(), channel, "!count").unwrap();
    let mut bot = online(folder.path(), &sim, &[]);
    bot.until("The shard resumed its session");
    let id = message["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(
        content(&sim.reply_to(id, PATIENCE).await.unwrap()),
        "count 1"
    );
    assert_eq!(ask(&sim, "!count").await, "count 2");
    assert_eq!(bot.stopped().0, 0);
    sim.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_is_waited_for() {
    let held = bound("127.0.0.1:0".parse().unwrap());
    let address = held.local_addr().unwrap();
    let folder = home(&[("cogs/ping.luau", &answering("ping", "pong"))]);
    let url = format!("http://{address}");
    let variables = [("DISCORD_TOKEN", TOKEN), ("DISCORD_API_URL", &*url)];

    let mut given_up = Process::start(folder.path(), &["--online"], &variables);
    given_up.until("cannot be used: no connection");
    given_up.signal("INT");
    let (code, printed) = given_up.ended();
    assert_eq!(code, 0, "{printed}");
    assert_eq!(printed.matches("cannot be used").count(), 1, "{printed}");

    let mut patient = Process::start(folder.path(), &["--online"], &variables);
    patient.until("cannot be used: no connection");
    drop(held);
    let sim = Sim::start(SimOptions {
        listen: address,
        token: TOKEN.to_owned(),
        max_concurrency: 0,
        ..SimOptions::default()
    })
    .await
    .unwrap();
    patient.until("answers");
    patient.until("The shard is ready");
    assert_eq!(ask(&sim, "!ping").await, "pong");
    assert_eq!(patient.stopped().0, 0);
    sim.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_discord_refuses_is_said_once_and_ends_with_code_1() {
    let folder = home(&[("cogs/greet.luau", &asking_for("\"guild_members\""))]);
    let strict = sim(0).await;
    let (code, printed) = online(folder.path(), &strict, &[]).ended();
    assert_eq!(code, 1, "{printed}");
    let told: Vec<&str> = printed
        .lines()
        .filter(|line| line.contains("guild_members"))
        .collect();
    assert_eq!(told.len(), 1, "{printed}");
    assert!(
        told[0].contains("which the cog \"greet\" asks for"),
        "{printed}"
    );
    assert!(told[0].contains("(message_content)"), "{printed}");

    let url = strict.url();
    let variables = [
        ("DISCORD_TOKEN", "wrong.wrong.wrong"),
        ("DISCORD_API_URL", &*url),
    ];
    let (code, printed) = Process::start(folder.path(), &["--online"], &variables).ended();
    assert_eq!(code, 1, "{printed}");
    assert_eq!(printed.lines().count(), 1, "{printed}");
    assert!(
        printed.starts_with("Discord refused the token."),
        "{printed}"
    );
    strict.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intent_that_is_refused_later_is_named_and_the_rest_goes_on() {
    let sim = sim(MESSAGE_CONTENT).await;
    let folder = home(&[("cogs/ping.luau", &answering("ping", "pong"))]);
    let mut bot = online(folder.path(), &sim, &[]);
    bot.until("The shard is ready");
    let save = |name: &str, text: &str| {
        fs::write(folder.path().join("lua/cogs").join(name), text).unwrap();
    };
    save(
        "greet.luau",
        &asking_for("\"guild_members\", \"guild_message_reactions\""),
    );
    let line = bot.until("Discord does not let this bot use");
    assert!(
        line.contains("(guild_members), which the cog \"greet\" asks for"),
        "{line}"
    );
    assert!(!line.contains("message_content"), "{line}");
    bot.until("The shard switches to a session with other intents");
    assert_eq!(ask(&sim, "!ping").await, "pong");
    let intents = sim.sessions().last().unwrap().intents;
    assert_eq!(intents & (1 << 1 | 1 << 10), 1 << 10, "{intents:b}");
    // Asking again when the cog is saved: the flags still say no, so that no session is tried.
    save(
        "greet.luau",
        &format!("{}-- again\n", asking_for("\"guild_members\"")),
    );
    bot.until("Cog reloaded");
    let (code, printed) = bot.stopped();
    assert_eq!(code, 0, "{printed}");
    assert_eq!(
        printed.matches("Discord does not let").count(),
        1,
        "{printed}"
    );
    sim.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_is_in_no_line_of_any_log() {
    let sim = sim(MESSAGE_CONTENT).await;
    let folder = home(&[("cogs/ping.luau", &answering("ping", "pong"))]);
    for form in ["text", "json"] {
        let variables = [("RUST_LOG", "trace"), ("COGSMITH_LOG", form)];
        let mut bot = online(folder.path(), &sim, &variables);
        bot.until("Signed in");
        bot.until("The shard");
        assert_eq!(ask(&sim, "!ping").await, "pong");
        fs::write(folder.path().join("config.json"), "{").unwrap();
        bot.until("changes nothing until its mistakes are fixed");
        configure(
            folder.path(),
            r#"{ "studio": { "listen": "127.0.0.1:0" } }"#,
        );
        let (code, printed) = bot.stopped();
        assert_eq!(code, 0, "{printed}");
        assert!(printed.contains("TRACE"), "{printed}");
        assert!(!printed.contains(TOKEN), "the token is in the log");
        assert!(
            !printed.contains("no-log-may-ever"),
            "a part of the token is in the log"
        );
    }
    sim.shutdown().await;
}

#[test]
fn an_edit_of_the_configuration_is_told_in_one_sentence() {
    let folder = home(&[]);
    let mut bot = Process::start(folder.path(), &["--offline"], &[]);
    bot.until("The shard is ready");
    configure(
        folder.path(),
        r#"{ "bot": { "prefix": "?" }, "studio": { "listen": "127.0.0.1:1" } }"#,
    );
    let line = bot.until("config.json was edited");
    assert!(
        line.ends_with("bot.prefix applies now; studio.listen needs a restart"),
        "{line}"
    );
    configure(folder.path(), r#"{ "bot": { "prefx": "?" } }"#);
    bot.until("config.json was edited, but changes nothing until its mistakes are fixed");
    bot.until("config.json:1: unknown key `bot.prefx`, did you mean `bot.prefix`?");
    assert_eq!(bot.stopped().0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_cog_is_loaded_by_the_bot_that_runs() {
    let sim = sim(MESSAGE_CONTENT).await;
    let folder = home(&[]);
    let mut bot = online(folder.path(), &sim, &[]);
    bot.until("The shard is ready");
    let (code, printed) = Process::start(folder.path(), &["new", "fun.dice"], &[]).ended();
    assert_eq!(code, 0, "{printed}");
    assert!(bot.until("Cog loaded").contains("fun.dice"));
    assert_eq!(ask(&sim, "!dice").await, "Hello owner, this is fun.dice.");
    let (code, printed) = Process::start(folder.path(), &["check"], &[]).ended();
    assert_eq!(code, 0, "{printed}");
    assert_eq!(bot.stopped().0, 0);
    sim.shutdown().await;
}

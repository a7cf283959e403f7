//! The process comes back: what users were told stays true however the bot dies, the cog that ran is in
//! quarantine, and signals and exit codes are as without a supervisor.
//!
//! `COGSMITH_TEST_DEATHS=300` makes the test of told numbers long.

mod threads;

use crate::support::process::{Process, send};
use crate::support::{PATIENCE, answering, ask, command, simulator, write};
use cogsmith::sim::{Sim, SimOptions};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// Uses the processor until the process dies.
const BURN: &str = "while true do end";

const COUNT: &str = "state.global.n = (state.global.n or 0) + 1
    ctx:reply(`{state.global.n}`)";

fn folder(cogs: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    let config = r#"{ "studio": { "listen": "127.0.0.1:0" }, "limits": { "cpu_ms": 60000, "cpu_seconds_per_minute": 60 } }"#;
    write(&folder.path().join("config.json"), config);
    std::fs::create_dir_all(folder.path().join("lua/cogs")).unwrap();
    for (name, source) in cogs {
        let path = format!("lua/cogs/{name}.luau");
        write(&folder.path().join(path), source);
    }
    folder
}

async fn sim() -> Sim {
    simulator(SimOptions {
        // All that is said in the long form is looked at in the end.
        messages_kept: 1_000_000,
        ..SimOptions::default()
    })
    .await
}

fn start(folder: &Path, sim: &Sim, more: &[&str]) -> Process {
    let url = sim.url();
    let arguments = [&["--online"], more].concat();
    let variables = [("DISCORD_TOKEN", sim.token()), ("DISCORD_API_URL", &*url)];
    Process::start(folder, &arguments, &variables)
}

fn say(sim: &Sim, text: &str) -> u64 {
    let channel = sim.channel("general").unwrap();
    let said = sim.say(sim.owner(), channel, text).unwrap();
    said["id"].as_str().unwrap().parse().unwrap()
}

/// The bot's answers so far, by the message that each belongs to.
fn answers(sim: &Sim) -> BTreeMap<u64, Vec<String>> {
    let bot = sim.bot_user().to_string();
    let mut answers = BTreeMap::<u64, Vec<String>>::new();
    for message in sim.messages(sim.channel("general").unwrap()) {
        let to = message["message_reference"]["message_id"].as_str();
        if let (Some(to), true) = (to, message["author"]["id"] == bot.as_str()) {
            let text = message["content"].as_str().unwrap().to_owned();
            answers.entry(to.parse().unwrap()).or_default().push(text);
        }
    }
    answers
}

/// Looks until it is there.
async fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(found) = look() {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let found = tokio::time::timeout(PATIENCE, looking).await;
    found.unwrap_or_else(|_| panic!("in vain: {what}"))
}

/// Random numbers that are the same in each run (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

fn deaths() -> usize {
    let wanted = std::env::var("COGSMITH_TEST_DEATHS").ok();
    wanted.map_or(6, |wanted| wanted.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_told_number_is_lost_or_told_twice_however_the_bot_dies() {
    let folder = folder(&[("count", &command("count", COUNT))]);
    let sim = sim().await;
    let mut bot = start(folder.path(), &sim, &[]);
    bot.until("The shard is ready");
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let mut asked = BTreeSet::new();
    for death in 0..deaths() {
        // A third death in a row would be followed by a pause; an orderly end in between loses as little.
        if death > 0 && death % 2 == 0 {
            let (code, printed) = bot.stopped();
            assert_eq!(code, 0, "{printed}");
            bot = start(folder.path(), &sim, &[]);
            bot.until("The shard resumed its session");
        }
        let child = bot.bot().unwrap();
        for _ in 0..10 + random.below(30) {
            asked.insert(say(&sim, "!count"));
            tokio::time::sleep(Duration::from_micros(random.below(4_000))).await;
        }
        send(["KILL", "SEGV", "ABRT"][death % 3], child);
        // Some come while nobody is there.
        for _ in 0..random.below(5) {
            asked.insert(say(&sim, "!count"));
        }
        bot.until("The shard resumed its session");
    }
    for message in &asked {
        sim.reply_to(*message, PATIENCE).await.unwrap();
    }
    let mut told = BTreeSet::new();
    for (message, texts) in answers(&sim) {
        let numbers: Vec<u64> = texts.iter().filter_map(|text| text.parse().ok()).collect();
        assert!(
            numbers.len() < 2,
            "{message} was carried out twice: {texts:?}"
        );
        for number in numbers {
            assert!(told.insert(number), "{number} was told twice");
        }
    }
    let last: u64 = ask(&sim, "!count").await.parse().unwrap();
    assert!(last > *told.last().unwrap());
    // Nobody is to blame for signals from outside.
    assert!(!ask(&sim, "!cogs").await.contains("quarantine"));
    let (code, printed) = bot.stopped();
    assert_eq!(code, 0, "{printed}");
    // One session from the beginning to the end.
    assert_eq!(sim.sessions().len(), 1);
    assert!(!printed.contains("it starts again in"), "{printed}");
    sim.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cog_on_the_thread_that_died_starts_in_quarantine() {
    let folder = folder(&[
        ("one", &command("one", BURN)),
        ("two", &command("two", BURN)),
        ("ping", &answering("ping", "pong")),
    ]);
    let sim = sim().await;
    let mut bot = start(folder.path(), &sim, &[]);
    bot.until("The shard is ready");
    let child = bot.bot().unwrap();
    say(&sim, "!one");
    say(&sim, "!two");
    let thread = eventually("two threads are busy", || threads::busiest(child, 2)).await;
    threads::send_segv(child, thread);
    let line = bot.until("starts in quarantine");
    assert!(
        line.contains("is in quarantine: the process died while this cog ran: signal 11 (SIGSEGV)"),
        "{line}"
    );
    let [dead, other] = if line.contains("starts in quarantine: one:") {
        ["one", "two"]
    } else {
        ["two", "one"]
    };
    bot.until("The shard");
    assert_eq!(ask(&sim, "!ping").await, "pong");
    for question in [format!("!cogs {dead}"), "!reload status".to_owned()] {
        let shown = ask(&sim, &question).await;
        assert!(shown.contains("in quarantine"), "{shown}");
        assert!(shown.contains("signal 11 (SIGSEGV)"), "{shown}");
        assert!(shown.contains(&format!("!reload cog {dead}")), "{shown}");
    }
    let shown = ask(&sim, &format!("!cogs {other}")).await;
    assert!(!shown.contains("quarantine"), "{shown}");
    // An admin brings it back, and a death that has another reason leaves it alone.
    let shown = ask(&sim, &format!("!reload cog {dead}")).await;
    assert!(shown.contains(dead), "{shown}");
    send("KILL", bot.bot().unwrap());
    bot.until("The shard resumed");
    let shown = ask(&sim, "!cogs").await;
    assert!(!shown.contains("quarantine"), "{shown}");
    let (code, printed) = bot.stopped();
    assert_eq!(code, 0, "{printed}");
    assert_eq!(
        printed.matches("starts in quarantine").count(),
        1,
        "{printed}"
    );
    sim.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_file_ends_the_quarantine_and_the_interrupted_are_told() {
    let folder = folder(&[("burn", &command("burn", BURN))]);
    let sim = sim().await;
    let mut bot = start(folder.path(), &sim, &[]);
    bot.until("The shard is ready");
    let said = say(&sim, "!burn");
    let child = bot.bot().unwrap();
    eventually("a thread is busy", || threads::busiest(child, 1)).await;
    // To no thread in particular, while one cog is busy.
    send("ABRT", child);
    let line = bot.until("starts in quarantine");
    assert!(line.contains("signal 6 (SIGABRT)"), "{line}");
    let answer = sim.reply_to(said, PATIENCE).await.unwrap();
    let answer = answer["content"].as_str().unwrap();
    assert!(
        answer.contains("crashed while it ran this command"),
        "{answer}"
    );
    write(
        &folder.path().join("lua/cogs/burn.luau"),
        &answering("burn", "mended"),
    );
    bot.until("Cog loaded");
    assert_eq!(ask(&sim, "!burn").await, "mended");
    assert_eq!(bot.stopped().0, 0);
    sim.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cog_that_is_busy_at_two_of_three_kills_is_suspected() {
    let folder = folder(&[
        ("burn", &command("burn", BURN)),
        ("ping", &answering("ping", "pong")),
    ]);
    let sim = sim().await;
    let mut bot = start(folder.path(), &sim, &[]);
    bot.until("The shard is ready");
    for round in 0..2 {
        say(&sim, "!burn");
        let child = bot.bot().unwrap();
        eventually("a thread is busy", || threads::busiest(child, 1)).await;
        send("KILL", child);
        if round == 0 {
            bot.until("The shard resumed");
            assert!(!ask(&sim, "!cogs").await.contains("quarantine"));
        }
    }
    let line = bot.until("starts in quarantine");
    assert!(line.contains("at two of the last three times"), "{line}");
    bot.until("The shard");
    assert_eq!(ask(&sim, "!ping").await, "pong");
    assert_eq!(bot.stopped().0, 0);
    sim.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_three_deaths_it_pauses_and_can_be_stopped_meanwhile() {
    let folder = folder(&[]);
    let sim = sim().await;
    let mut bot = start(folder.path(), &sim, &[]);
    for _ in 0..3 {
        bot.until("The shard");
        send("KILL", bot.bot().unwrap());
    }
    bot.until("it starts again in 1 s");
    let (code, printed) = bot.stopped();
    assert_eq!(code, 0, "{printed}");
    sim.shutdown().await;
}

/// Whether whoever started the tests has them ignore this signal: then their children do, too. `nohup` has its command
/// ignore SIGHUP, and a script what it runs in the background SIGINT and SIGQUIT.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .unwrap();
    let ignored = u64::from_str_radix(ignored.trim(), 16).unwrap();
    ignored >> (signal - 1) & 1 == 1
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_end_it_with_the_code_of_the_bot() {
    let folder = folder(&[]);
    let sim = sim().await;
    let [hangup, quit] = [libc::SIGHUP, libc::SIGQUIT].map(is_ignored);
    // SIGTERM and SIGINT have handlers of the bot's own, also where they were ignored.
    for (signal, is_ignored, wanted) in [
        ("TERM", false, 0),
        ("INT", false, 0),
        ("HUP", hangup, 129),
        ("QUIT", quit, 131),
    ] {
        if is_ignored {
            continue;
        }
        let mut bot = start(folder.path(), &sim, &[]);
        bot.until("The shard");
        bot.signal(signal);
        let (code, printed) = bot.ended();
        assert_eq!(code, wanted, "{signal}: {printed}");
        assert!(!printed.contains("starts again"), "{printed}");
    }
    // Who speaks to the bot's own process is understood, too.
    let mut bot = start(folder.path(), &sim, &[]);
    bot.until("The shard");
    send("TERM", bot.bot().unwrap());
    assert_eq!(bot.ended().0, 0);
    sim.shutdown().await;
}

/// Takes as long as it may when it is unloaded.
const SLOW_FAREWELL: &str = r#"local cog = require("@cogsmith/cog")
local task = require("@cogsmith/task")
cog.on_unload(function() task.wait(60) end)
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_second_interrupt_ends_it_at_once() {
    let folder = folder(&[("slow", SLOW_FAREWELL)]);
    let sim = sim().await;
    // To the parent alone, and to the whole group as a shell does it.
    for to_group in [false, true] {
        let variables = [
            ("DISCORD_TOKEN", sim.token()),
            ("DISCORD_API_URL", &sim.url()),
        ];
        let mut bot = Process::start_group(folder.path(), &["--online"], &variables);
        bot.until("The shard");
        let interrupt = |bot: &Process| {
            if to_group {
                bot.signal_group("INT");
            } else {
                bot.signal("INT");
            }
        };
        interrupt(&bot);
        bot.until("Stopping");
        interrupt(&bot);
        let (code, printed) = bot.ended();
        assert_eq!(code, 130, "{printed}");
    }
    sim.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_parent_takes_the_bot_with_it() {
    let folder = folder(&[]);
    let sim = sim().await;
    let mut bot = start(folder.path(), &sim, &[]);
    bot.until("The shard");
    let child = bot.bot().unwrap();
    bot.signal("KILL");
    eventually("the bot is gone", || {
        (!threads::is_alive(child)).then_some(())
    })
    .await;
    sim.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_supervisor_there_is_one_process() {
    let folder = folder(&[("ping", &answering("ping", "pong"))]);
    let sim = sim().await;
    let mut bot = start(folder.path(), &sim, &["--no-supervisor"]);
    bot.until("The shard");
    assert_eq!(ask(&sim, "!ping").await, "pong");
    assert_eq!(bot.bot(), None);
    assert_eq!(bot.stopped().0, 0);
    sim.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_cannot_succeed_is_not_repeated() {
    let folder = folder(&[]);
    write(&folder.path().join("config.json"), "{");
    let (code, printed) = Process::start(folder.path(), &["--offline"], &[]).ended();
    assert_eq!(code, 2, "{printed}");
    assert_eq!(printed.matches("config.json").count(), 1, "{printed}");
    write(&folder.path().join("config.json"), "{}");
    std::fs::remove_dir_all(folder.path().join("lua")).unwrap();
    let (code, printed) = Process::start(folder.path(), &["--offline"], &[]).ended();
    assert_eq!(code, 1, "{printed}");
    assert_eq!(
        printed.matches("There is no folder").count(),
        1,
        "{printed}"
    );
}

#[test]
fn in_the_simulator_the_page_comes_back_where_it_was() {
    let folder = folder(&[]);
    let mut bot = Process::start(folder.path(), &["--offline"], &[]);
    let first = bot.until("Talk to your bot at");
    send("KILL", bot.bot().unwrap());
    bot.until("so its world is new");
    assert_eq!(bot.until("Talk to your bot at"), first);
    assert_eq!(bot.stopped().0, 0);
}

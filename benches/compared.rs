//! The bot beside plain serenity and beside the floor, each in a process of its own, against one server that stands
//! in for Discord, in one run: processor time, throughput, latency, memory, start.
//!
//! `cargo bench --bench compared [-- ROW …]`: all rows, or those whose names contain one of the texts.
//!
//! The baselines are a crate of its own, `benches/plain/`, so that nobody builds serenity's client for the tests.
#![recursion_limit = "256"]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark stops at the first thing that goes wrong, and prints"
)]

#[path = "compared/child.rs"]
mod child;
#[path = "compared/fake_discord.rs"]
mod fake_discord;

use child::{Child, Kind};
use fake_discord::FakeDiscord;
use std::time::Duration;

const WARM_UP: u64 = 2_000;
const COGS: usize = 20;

fn main() {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    child::build_baselines();
    println!(
        "{:<52} {:>9} {:>9} {:>9} {:>7}  to reach",
        "release profile", "floor", "serenity", "ours", "ratio"
    );
    for (name, measure) in ROWS {
        if wanted.is_empty() || wanted.iter().any(|text| name.contains(text.as_str())) {
            measure();
        }
    }
}

const ROWS: [(&str, fn()); 8] = [
    ("replies", replies),
    ("unmatched", unmatched),
    ("latency", latency),
    ("start", start),
    ("memory", memory),
    ("cogs", cogs),
    ("guilds", guilds),
    ("burst", burst),
];

/// Prints the three, how ours is to serenity's, and what is wanted.
fn print(what: &str, floor: Option<f64>, serenity: Option<f64>, ours: f64, wanted: &str) {
    let cell = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), number);
    let ratio = serenity.map(|serenity| format!("{:.2}", ours / serenity));
    println!(
        "{what:<52} {:>9} {:>9} {:>9} {:>7}  {wanted}",
        cell(floor),
        cell(serenity),
        number(ours),
        ratio.unwrap_or_else(|| "-".to_owned()),
    );
}

fn number(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

/// The same measurement of each, one process after the other.
fn each<T>(mut measure: impl FnMut(Kind) -> T) -> [T; 3] {
    [
        measure(Kind::Floor),
        measure(Kind::Serenity),
        measure(Kind::Ours { cogs: COGS }),
    ]
}

fn columns(what: &str, values: [f64; 3], wanted: &str) {
    let [floor, serenity, ours] = values;
    print(what, Some(floor), Some(serenity), ours, wanted);
}

/// A bot that has answered some commands, so that connections stand.
fn warm(kind: Kind, guilds: usize) -> (FakeDiscord, Child) {
    let discord = FakeDiscord::start(guilds);
    let child = Child::start(kind, &discord.url());
    discord.first_reply(child.began());
    discord.closed_loop(WARM_UP, 100);
    (discord, child)
}

fn replies() {
    const REPLIES: u64 = 20_000;
    let measured = each(|kind| {
        let (discord, child) = warm(kind, 0);
        let before = child.cpu();
        let took = discord.closed_loop(REPLIES, 1_000);
        let cpu = child.cpu().saturating_sub(before);
        (per_thousand(cpu, REPLIES), a_second(REPLIES, took))
    });
    columns(
        "CPU ms per 1,000 replies",
        measured.map(|measured| measured.0),
        "<= 0.8",
    );
    columns(
        "replies a second, 50 channels, 1,000 at a time",
        measured.map(|measured| measured.1),
        ">= 1.2",
    );
}

fn unmatched() {
    const MESSAGES: u64 = 100_000;
    let measured = each(|kind| {
        let (discord, child) = warm(kind, 0);
        let before = child.cpu();
        discord.unmatched(MESSAGES);
        per_thousand(child.cpu().saturating_sub(before), MESSAGES)
    });
    columns(
        "CPU ms per 1,000 messages that are no commands",
        measured,
        "<= 0.2",
    );
}

fn latency() {
    let measured = each(|kind| {
        let (discord, _child) = warm(kind, 0);
        let latencies = discord.open_loop(200, 10);
        let at = |part: usize| latencies[latencies.len() * part / 100].as_secs_f64() * 1e6;
        (at(50), at(99))
    });
    columns(
        "event to request at 200 a second, p50, us",
        measured.map(|measured| measured.0),
        "<= 1.1",
    );
    columns(
        "event to request at 200 a second, p99, us",
        measured.map(|measured| measured.1),
        "<= 1.2",
    );
}

fn start() {
    const STARTS: usize = 11;
    let measured = each(|kind| {
        let starts = (0..STARTS).map(|_| {
            let discord = FakeDiscord::start(0);
            let child = Child::start(kind, &discord.url());
            discord.first_reply(child.began())
        });
        let mut starts: Vec<Duration> = starts.collect();
        starts.sort();
        milliseconds(starts[STARTS / 2])
    });
    columns(
        "start to the first reply, 20 cogs, median, ms",
        measured,
        "<= 2.5",
    );
}

fn memory() {
    const ALL: u64 = 80_000;
    const SOME: u64 = 10_000;
    let measured = each(|kind| {
        let discord = FakeDiscord::start(0);
        let child = Child::start(kind, &discord.url());
        discord.first_reply(child.began());
        let begin = child.megabytes_at_rest();
        discord.closed_loop(SOME, 1_000);
        let some = child.megabytes();
        discord.closed_loop(ALL - SOME, 1_000);
        [begin, some, child.megabytes()]
    });
    let column = |index: usize| measured.map(|measured| measured[index]);
    columns("MB, 20 cogs, after the start", column(0), "<= 2.0");
    columns("MB after 10,000 replies", column(1), "");
    columns("MB after 80,000 replies", column(2), "<= 1.0, flat");
}

fn cogs() {
    let discord = FakeDiscord::start(0);
    let child = Child::start(Kind::Ours { cogs: 1_000 }, &discord.url());
    let first = discord.first_reply(child.began());
    print(
        "start to the first reply, 1,000 cogs, s",
        None,
        None,
        first.as_secs_f64(),
        "<= 0.5",
    );
    print(
        "MB, 1,000 cogs, after the start",
        None,
        None,
        child.megabytes_at_rest(),
        "<= 200",
    );
}

fn guilds() {
    const GUILDS: usize = 2_500;
    let measured = each(|kind| {
        let (memory_without, cpu_without) = {
            let (_discord, child) = warm(kind, 0);
            (child.megabytes_at_rest(), child.cpu())
        };
        let (discord, child) = warm(kind, GUILDS);
        let guilds = f64::from(u32::try_from(GUILDS).unwrap());
        let memory = (child.megabytes_at_rest() - memory_without) * 1024.0 / guilds;
        let cpu = milliseconds(child.cpu().saturating_sub(cpu_without)) / guilds;
        (memory, cpu, discord.bytes_of_a_guild())
    });
    columns(
        "KB a guild, 2,500 guilds",
        measured.map(|measured| measured.0),
        "<= 30 KB",
    );
    columns(
        "CPU ms a guild, 2,500 guilds",
        measured.map(|measured| measured.1),
        "<= 0.7 ms",
    );
    println!("a guild is {} bytes of JSON", measured[0].2);
}

fn burst() {
    let measured = each(|kind| {
        let (discord, _child) = warm(kind, 0);
        f64::from(u32::try_from(discord.burst(1_500)).unwrap())
    });
    columns("lost of 1,500 commands at once", measured, "0");
    print(
        "lost of 8,000 events at once to one cog",
        None,
        None,
        f64::from(8_000 - heard_of(8_000)),
        "0",
    );
}

/// How many of this many events, sent at once, a cog hears.
fn heard_of(total: u32) -> u32 {
    let discord = FakeDiscord::start(0);
    let folder = tempfile::tempdir().unwrap();
    let cogs = [("listener".to_owned(), LISTENER.to_owned())];
    child::write_cogs(folder.path(), child::CONFIG, cogs);
    let child = Child::in_folder(folder, &discord.url());
    discord.first_reply(child.began());
    for _ in 0..total {
        discord.say("a word");
    }
    // Work waits in the order in which it came.
    discord.closed_loop(1, 1);
    let log = child.log();
    let heard = log.rsplit("heard ").next();
    let digits = heard.and_then(|rest| rest.split(|it: char| !it.is_ascii_digit()).next());
    digits.and_then(|digits| digits.parse().ok()).unwrap()
}

/// Says in the log how many words it has heard, whenever it is called.
const LISTENER: &str = r#"
local cog = require("@cogsmith/cog")
local log = require("@cogsmith/log")

local heard = 0

cog.on.message_create(function(message)
    if message.content == "a word" then
        heard += 1
    end
end)

cog.command {
    name = "ping",
    description = "Says how much was heard",
    run = function(ctx)
        log.warn(`heard {heard}`)
        ctx:reply("Pong!")
    end,
}
"#;

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn per_thousand(cpu: Duration, count: u64) -> f64 {
    milliseconds(cpu) * 1e3 / f64::from(u32::try_from(count).unwrap())
}

fn a_second(count: u64, took: Duration) -> f64 {
    f64::from(u32::try_from(count).unwrap()) / took.as_secs_f64()
}

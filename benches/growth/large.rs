//! A bot in 10,000 guilds: what its start costs, and what a mix of events costs for minutes.

use crate::child::Child;
use crate::fake_discord::FakeDiscord;
use crate::mix::{self, Load, Measured};
use crate::sheet::{Sheet, cell, real};
use crate::sizes::{HOUR, Sizes};

pub(super) fn measure(sizes: &Sizes) -> Vec<Sheet> {
    let few = Started::new(0, sizes.large_shards);
    let small = (few.child.megabytes_at_rest(), few.child.cpu());
    drop(few);
    let started = Started::new(sizes.guilds, sizes.large_shards);
    let guilds = real(sizes.guilds);
    let start_memory = started.child.megabytes_at_rest();
    let start_cpu = started.child.cpu().saturating_sub(small.1).as_secs_f64();
    let load = |kinds, seconds| Load {
        guilds: sizes.guilds,
        kinds,
        a_second: sizes.pace,
        seconds,
    };
    let run = |load: Load| load.run(&started.discord, &started.child);
    let all = run(load(mix::ALL, sizes.all_seconds));
    let some = run(load(mix::SOME, sizes.some_seconds));

    let header = ["", "all intents", "without presences"];
    let mut sheet = Sheet::new("large", &header);
    let mut row = |what: &str, of: &dyn Fn(&Measured) -> String| {
        sheet.add([what.to_owned(), of(&all), of(&some)]);
    };
    row("guilds", &|_| sizes.guilds.to_string());
    row("bytes of a guild's announcement", &|_| {
        started.discord.bytes_of_a_guild().to_string()
    });
    row("start until all guilds are known; s", &|_| {
        cell(started.seconds)
    });
    row("MB before any guild", &|_| cell(small.0));
    row("MB with all guilds", &|_| cell(start_memory));
    row("KB a guild", &|_| {
        cell((start_memory - small.0) * 1024.0 / guilds)
    });
    row("CPU ms a guild at the start", &|_| {
        cell(start_cpu * 1e3 / guilds)
    });
    row("events a second", &|_| sizes.pace.to_string());
    row("seconds", &|it| it.samples.len().to_string());
    row("events", &|it| it.events.to_string());
    row("seconds until all commands were answered", &|it| {
        cell(it.took.as_secs_f64())
    });
    row("% of a core", &|it| cell(it.percent()));
    row("CPU us an event", &|it| cell(it.micros()));
    row("MB at the end", &|it| cell(it.last_memory()));
    row("MB more in the second half", &|it| cell(it.growth()));
    row("commands", &|it| it.asked.to_string());
    row("command without state: p50 ms", &|it| it.ping.at(50));
    row("command without state: p99 ms", &|it| it.ping.at(99));
    row("command without state: not answered", &|it| {
        it.lost(&it.ping).to_string()
    });
    row("command that stores: p50 ms", &|it| it.score.at(50));
    row("command that stores: p99 ms", &|it| it.score.at(99));
    row("command that stores: not answered", &|it| {
        it.lost(&it.score).to_string()
    });
    row("warnings and errors in the log", &|it| {
        it.complaints.to_string()
    });
    let mut sheets = vec![sheet, series(&all, &some)];
    if sizes.some_seconds >= HOUR {
        sheets.push(minutes(&some));
    }
    sheets
}

/// Each minute of the mix without presences.
fn minutes(some: &Measured) -> Sheet {
    let mut sheet = Sheet::new("large_hour", &["minute", "% of a core", "MB"]);
    for (minute, samples) in (1_u64..).zip(some.samples.chunks_exact(60)) {
        let percent: f64 = samples.iter().map(|sample| sample.percent).sum();
        let megabytes = samples.last().map_or(0.0, |sample| sample.megabytes);
        sheet.add([minute.to_string(), cell(percent / 60.0), cell(megabytes)]);
    }
    sheet
}

/// Each second of both.
fn series(all: &Measured, some: &Measured) -> Sheet {
    let header = [
        "second",
        "% of a core; all intents",
        "% of a core; without presences",
        "MB; all intents",
        "MB; without presences",
    ];
    let mut sheet = Sheet::new("large_series", &header);
    for second in 0..all.samples.len().max(some.samples.len()) {
        let at = |measured: &Measured| {
            let sample = measured.samples.get(second);
            let texts = sample.map(|sample| (cell(sample.percent), cell(sample.megabytes)));
            texts.unwrap_or_default()
        };
        let ((all_cpu, all_memory), (some_cpu, some_memory)) = (at(all), at(some));
        let second = (second + 1).to_string();
        sheet.add([second, all_cpu, some_cpu, all_memory, some_memory]);
    }
    sheet
}

/// A bot that knows all of its guilds.
struct Started {
    discord: FakeDiscord,
    child: Child,
    seconds: f64,
}

impl Started {
    fn new(guilds: u64, shards: u64) -> Self {
        let discord = FakeDiscord::sharded(usize::try_from(guilds).unwrap(), shards);
        let child = Child::in_folder(mix::folder(), &discord.url());
        discord.connected();
        // What every shard has been told is known when a command behind it is answered.
        mix::ask_everywhere(&discord, guilds.min(shards));
        Self {
            seconds: child.began().elapsed().as_secs_f64(),
            discord,
            child,
        }
    }
}

//! Processor time against the number of shards in one process: the same events, on one connection or on many.

use crate::child::Child;
use crate::fake_discord::FakeDiscord;
use crate::mix::{self, Load};
use crate::sheet::{Sheet, cell};
use crate::sizes::Sizes;
use std::time::Duration;

/// As many guilds for each number of shards.
const GUILDS: u64 = 160;
const IDLE: Duration = Duration::from_secs(5);

pub(super) fn measure(sizes: &Sizes) -> Vec<Sheet> {
    let header = [
        "shards",
        "% of a core under load",
        "% of a core without events",
        "MB",
        "p99 ms",
    ];
    let mut sheet = Sheet::new("shards", &header);
    for &shards in sizes.shards {
        let discord = FakeDiscord::sharded(usize::try_from(GUILDS).unwrap(), shards);
        let child = Child::in_folder(mix::folder(), &discord.url());
        discord.first_reply(child.began());
        let idle = mix::percent(&child, || std::thread::sleep(IDLE));
        let load = Load {
            guilds: GUILDS,
            kinds: mix::SOME,
            a_second: sizes.pace,
            seconds: sizes.shards_seconds,
        };
        let measured = load.run(&discord, &child);
        sheet.add([
            shards.to_string(),
            cell(measured.percent()),
            cell(idle),
            cell(child.megabytes()),
            measured.ping.at(99),
        ]);
    }
    vec![sheet]
}

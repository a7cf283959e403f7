//! Events a second against the number of cogs: when one of them listens, and when all do.

use crate::child::{Child, plain_cog, write_cogs};
use crate::fake_discord::FakeDiscord;
use crate::sheet::{Sheet, cell, real};
use crate::sizes::Sizes;
use std::time::{Duration, Instant};

const CONFIG: &str = r#"{
    "studio": { "listen": "127.0.0.1:0" },
    "limits": { "discord_calls_per_10s": 10000, "cpu_seconds_per_minute": 3600 }
}"#;

/// As many messages at a time as a mailbox holds for sure.
const AT_A_TIME: u64 = 10_000;
/// What every cog that listens answers, so that it is known when all have heard what came before.
const MARK: &str = "mark";

pub(super) fn measure(sizes: &Sizes) -> Vec<Sheet> {
    let header = [
        "cogs",
        "events a second; one listens",
        "events a second; all listen",
        "CPU us an event; one listens",
        "CPU us an event; all listen",
        "CPU us for each listening cog",
    ];
    let mut sheet = Sheet::new("cogs", &header);
    for &cogs in sizes.cogs {
        let all = u64::try_from(cogs).unwrap();
        let one = Heard::measure(cogs, 1, sizes.messages);
        let many = Heard::measure(cogs, cogs, (sizes.deliveries / all).max(100));
        sheet.add([
            cogs.to_string(),
            cell(one.a_second()),
            cell(many.a_second()),
            cell(one.micros()),
            cell(many.micros()),
            cell(many.micros() / real(all)),
        ]);
    }
    vec![sheet]
}

/// What so many messages have cost.
pub(super) struct Heard {
    messages: u64,
    took: Duration,
    cpu: Duration,
}

impl Heard {
    /// A bot with so many cogs, so many of which hear every message.
    pub(super) fn measure(cogs: usize, listening: usize, messages: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let texts = (0..cogs).map(|number| {
            if number < listening {
                listener(number)
            } else {
                plain_cog(number)
            }
        });
        write_cogs(folder.path(), CONFIG, texts);
        let discord = FakeDiscord::start(0);
        let child = Child::in_folder(folder, &discord.url());
        discord.connected();
        let listening = u64::try_from(listening).unwrap();
        // Twice: what is done for the first time costs more.
        hear(&discord, messages.min(AT_A_TIME) / 4, listening);
        let alone = Self::of(&child, || hear(&discord, 0, listening));
        let batches = messages.div_ceil(AT_A_TIME);
        let all = Self::of(&child, || {
            for _ in 0..batches {
                hear(&discord, messages / batches, listening);
            }
        });
        // The answers to the marks are not what is measured.
        let less = |all: Duration, alone: Duration| {
            all.saturating_sub(alone * u32::try_from(batches).unwrap())
        };
        Self {
            messages: messages / batches * batches,
            took: less(all.took, alone.took),
            cpu: less(all.cpu, alone.cpu),
        }
    }

    fn of(child: &Child, act: impl FnOnce()) -> Self {
        let (before, since) = (child.cpu(), Instant::now());
        act();
        Self {
            messages: 0,
            took: since.elapsed(),
            cpu: child.cpu().saturating_sub(before),
        }
    }

    pub(super) fn a_second(&self) -> f64 {
        real(self.messages) / self.took.as_secs_f64()
    }

    pub(super) fn micros(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / real(self.messages)
    }
}

/// Sends messages, and returns when all cogs that listen have heard them.
fn hear(discord: &FakeDiscord, messages: u64, listening: u64) {
    let before = discord.replies();
    for _ in 0..messages {
        discord.say("just talking, as people do all day long");
    }
    discord.say(MARK);
    discord.replied(before + listening);
}

/// A cog that hears every message.
fn listener(number: usize) -> (String, String) {
    let text = format!(
        r#"local cog = require("@cogsmith/cog")

cog.info {{
    intents = {{ "guild_messages", "message_content" }},
    capabilities = {{ "messages.send" }},
}}

local heard = 0

cog.on.message_create(function(message)
    if message.author.bot then
        return
    end
    heard += 1
    if message.content == "{MARK}" then
        message:reply(tostring(heard))
    end
end)
"#
    );
    (format!("listener{number}"), text)
}

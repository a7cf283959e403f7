//! All processor time that a cog causes on the threads of cogs is charged to it. Alone in its program, so that
//! these threads are those of one bot.
#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking at the first thing that goes wrong"
)]

mod support;

use std::time::{Duration, Instant};
use support::setup;

/// Listeners that do nothing: almost all of the work is the host's.
const LISTENERS: &str = r#"local cog = require("@cogsmith/cog")
for _ = 1, 1000 do
    cog.on.message_create(function() end)
end
"#;
const MESSAGES: usize = 20;

/// What the threads of cogs have used so far, to a hundredth of a second for each.
fn used_by_threads() -> Duration {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let stats = threads.filter_map(|it| std::fs::read_to_string(it.ok()?.path().join("stat")).ok());
    let ticks: u64 = stats.filter_map(|stat| ticks_of_cogs(&stat)).sum();
    Duration::from_millis(10 * ticks)
}

/// A thread's time in user mode and in the kernel, which are the 14th and 15th field; nothing for other threads.
fn ticks_of_cogs(stat: &str) -> Option<u64> {
    let (name, fields) = stat.rsplit_once(") ")?;
    let fields: Vec<_> = fields.split(' ').collect();
    let ticks = |index: usize| fields.get(index)?.parse::<u64>().ok();
    name.ends_with("(cogsmith-cogs").then_some(())?;
    Some(ticks(11)? + ticks(12)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_host_does_for_a_cog_is_charged_to_it() {
    let stage = setup(&[("cogs/t.luau", LISTENERS)]).start().await;
    let account = &stage.bot.cogs.get("t").unwrap().context.account;
    let charged = || account.used(Instant::now());
    let (charged_before, used_before) = (charged(), used_by_threads());
    for _ in 0..MESSAGES {
        stage.says("anna", "hello").await;
    }
    // A turn is charged when it is over: what the last one did is known a moment before.
    stage.says("anna", "hello").await;
    let charged = charged().saturating_sub(charged_before);
    let used = used_by_threads().saturating_sub(used_before);
    assert!(used > Duration::from_millis(200), "{used:?}");
    assert!(charged > used * 8 / 10, "{charged:?} of {used:?}");
    assert!(charged < used * 12 / 10, "{charged:?} of {used:?}");
}

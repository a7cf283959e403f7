//! All processor time that a cog causes on the threads of cogs is charged to it.

use crate::support::setup;
use std::time::{Duration, Instant};

/// Listeners that do nothing: almost all of the work is the host's.
const LISTENERS: &str = r#"local cog = require("@cogsmith/cog")
for _ = 1, 1000 do
    cog.on.message_create(function() end)
end
"#;
const MESSAGES: usize = 40;

/// What the threads of cogs have used so far: what the process has, without its other threads. A thread whose slice is
/// long gives its place to another one and ends, and is counted by the process alone.
fn used_by_cogs() -> Duration {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let others = threads.filter_map(|thread| {
        let thread = thread.ok()?;
        let name = std::fs::read_to_string(thread.path().join("comm")).ok()?;
        // In nanoseconds.
        let used = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        let used = used.split(' ').next()?.parse().ok()?;
        (!name.starts_with("cogsmith-cogs")).then_some(Duration::from_nanos(used))
    });
    used_by_process().saturating_sub(others.sum())
}

/// In steps of 10 ms.
fn used_by_process() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    let behind_name = text.rsplit(") ").next().unwrap();
    let fields = behind_name.split(' ').skip(11).take(2);
    let ticks: u64 = fields.map(|field| field.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_host_does_for_a_cog_is_charged_to_it() {
    let _alone = crate::turn().await;
    let stage = setup(&[("cogs/t.luau", LISTENERS)]).start().await;
    let usage = &stage.bot.cogs.get("t").unwrap().context.cpu_meter;
    let charged = || usage.used(Instant::now());
    let (charged_before, used_before) = (charged(), used_by_cogs());
    for _ in 0..MESSAGES {
        stage.says("anna", "hello").await;
    }
    // A turn is charged when it is over: what the last one did is known a moment before.
    stage.says("anna", "hello").await;
    let charged = charged().saturating_sub(charged_before);
    let used = used_by_cogs().saturating_sub(used_before);
    assert!(used > Duration::from_millis(100), "{used:?}");
    assert!(charged > used * 8 / 10, "{charged:?} of {used:?}");
    assert!(charged < used * 12 / 10, "{charged:?} of {used:?}");
}

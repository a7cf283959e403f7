//! All processor time that a cog causes on the threads of cogs is charged to it.

use crate::support::setup;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Listeners that do nothing: almost all of the work is the host's.
const LISTENERS: &str = r#"local cog = require("@cogsmith/cog")
for _ = 1, 1000 do
    cog.on.message_create(function() end)
end
"#;
const MESSAGES: usize = 40;

/// What each thread of cogs has used so far. `stat` tells it in hundredths of a second, each rounded down; `schedstat`
/// in nanoseconds.
fn used_by_threads() -> BTreeMap<String, Duration> {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let used = threads.filter_map(|thread| {
        let thread = thread.ok()?;
        let name = std::fs::read_to_string(thread.path().join("comm")).ok()?;
        let used = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        let used = used.split(' ').next()?.parse().ok()?;
        let id = thread.file_name().to_string_lossy().into_owned();
        name.starts_with("cogsmith-cogs")
            .then_some((id, Duration::from_nanos(used)))
    });
    used.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_host_does_for_a_cog_is_charged_to_it() {
    let _alone = crate::turn().await;
    let stage = setup(&[("cogs/t.luau", LISTENERS)]).start().await;
    let usage = &stage.bot.cogs.get("t").unwrap().context.cpu_meter;
    let charged = || usage.used(Instant::now());
    let (charged_before, used_before) = (charged(), used_by_threads());
    for _ in 0..MESSAGES {
        stage.says("anna", "hello").await;
    }
    // A turn is charged when it is over: what the last one did is known a moment before.
    stage.says("anna", "hello").await;
    let charged = charged().saturating_sub(charged_before);
    // Threads of a bot before may end meanwhile.
    let used = used_by_threads().into_iter().filter_map(|(thread, used)| {
        let before = used_before.get(&thread)?;
        used.checked_sub(*before)
    });
    let used: Duration = used.sum();
    assert!(used > Duration::from_millis(100), "{used:?}");
    assert!(charged > used * 8 / 10, "{charged:?} of {used:?}");
    assert!(charged < used * 12 / 10, "{charged:?} of {used:?}");
}

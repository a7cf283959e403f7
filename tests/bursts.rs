//! Much work for one cog at once: it waits in the mailbox, and nothing of it is lost as long as there is room.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::{Duration, Instant};
use support::{PATIENCE, Stage, command, setup};

/// What a burst takes of a slow machine is not what these tests are about.
const ROOMY: &str =
    r#"{ "limits": { "cpu_seconds_per_minute": 3600, "discord_calls_per_10s": 10000 } }"#;

/// Returns when a number has come to `wanted`; fails when it does not grow any more.
async fn grows_to(wanted: usize, count: impl Fn() -> usize) {
    let (mut last, mut since) = (count(), Instant::now());
    let mut look = tokio::time::interval(Duration::from_millis(10));
    while last < wanted {
        look.tick().await;
        let now = count();
        if now != last {
            (last, since) = (now, Instant::now());
        }
        assert!(since.elapsed() < PATIENCE, "{last} of {wanted}");
    }
}

fn say(stage: &Stage, user: &str, text: &str) {
    let user = stage.sim.user(user).unwrap();
    stage.sim.say(user, stage.general(), text).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_thousand_events_are_heard() {
    const COUNT: usize = 8_000;
    let heard = "local heard = 0
require(\"@cogsmith/cog\").on.message_create(function(message)
    if message.content == \"event\" then
        heard += 1
    end
end)
"
    .to_owned()
        + &command("heard", "ctx:reply(tostring(heard))");
    let setup = setup(&[("cogs/t.luau", &heard)]).config(ROOMY);
    let stage = setup.start().await;
    for _ in 0..COUNT {
        say(&stage, "anna", "event");
    }
    // What comes last is taken last.
    say(&stage, "anna", "!heard");
    let (sim, general) = (&stage.sim, stage.general());
    let context = &stage.bot.cogs.get("t").unwrap().context;
    let done = || COUNT - context.waiting().min(COUNT);
    grows_to(1, || usize::from(sim.message_count(general) > COUNT + 1)).await;
    grows_to(COUNT, done).await;
    assert_eq!(stage.written(), [COUNT.to_string()]);
}

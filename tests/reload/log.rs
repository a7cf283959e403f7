//! What the log says of a reload and of what the old version leaves behind.

use crate::support::log::{listen, logged};
use crate::support::{answering, command, setup};
use cogsmith::clock::Clock;
use std::time::Duration;

/// Whether one line says all of this.
fn is_logged(parts: &[&str]) -> bool {
    !logged(parts).is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_of_the_old_version_that_is_cancelled_is_logged() {
    listen();
    let cog = |version: &str| {
        command(
            "wait",
            &format!("task.wait(\"100s\") ctx:reply(\"{version}\")"),
        )
    };
    let mut stage = setup(&[("cogs/waits.luau", &cog("old"))])
        .config(r#"{ "limits": { "handler_seconds": 20 } }"#)
        .clock(Clock::paused(1_700_000_000))
        .start()
        .await;
    assert_eq!(stage.answer("!wait").await, None);
    stage.save("cogs/waits.luau", &cog("new"));
    stage.applied().await;
    stage.advance(Duration::from_secs(19)).await;
    let told = ["WARN", "older version", "still running 20 s", "cog=waits"];
    assert!(!is_logged(&told));
    stage.advance(Duration::from_secs(2)).await;
    assert!(is_logged(&told));
    assert!(!stage.written().contains(&"old".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_on_unload_and_a_failing_on_ready_are_logged_with_their_place() {
    listen();
    let hook = |hook: &str, text: &str| {
        let cog = answering("hooked", text);
        format!("{cog}cog.{hook}(function() error(\"{hook} fails\") end)")
    };
    let mut stage = setup(&[("cogs/hooked.luau", &hook("on_unload", "0"))])
        .start()
        .await;
    stage.save("cogs/hooked.luau", &hook("on_ready", "1"));
    stage.applied().await;
    assert_eq!(stage.ask("!hooked").await, "1");
    for name in ["on_unload", "on_ready"] {
        let message = format!("lua/cogs/hooked.luau:8: {name} fails");
        assert!(is_logged(&["ERROR", &message]), "{name}");
    }
}

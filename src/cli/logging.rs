//! What the bot logs to stderr: sentences for people, or JSON lines for a log collector.

mod lines;

use jiff::{Timestamp, ZonedDateTime};
use lines::{JsonLines, Lines, fields};
use std::fmt;
use std::io::{IsTerminal, stderr};
use tracing::warn;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging; `verbosity` is how many times `-v` was given. `RUST_LOG`, where it is set, decides
/// instead, and `COGSMITH_LOG=json` asks for JSON lines. A second call changes nothing.
pub fn init(verbosity: u8) {
    let (filter, unusable) = filter(verbosity, variable("RUST_LOG").as_deref());
    let form = variable("COGSMITH_LOG");
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(verbosity > 1);
    let started = if form.as_deref() == Some("json") {
        builder
            .with_writer(JsonLines::default)
            .json()
            .flatten_event(true)
            .with_timer(Rfc3339)
            .finish()
            .try_init()
    } else {
        let has_colours = stderr().is_terminal() && variable("NO_COLOR").is_none();
        builder
            .with_writer(Lines::default)
            .fmt_fields(fields())
            .with_ansi(has_colours)
            .with_timer(TimeOfDay)
            .finish()
            .try_init()
    };
    if started.is_err() {
        return;
    }
    crate::host_tasks::log_panics();
    if let Some(reason) = unusable {
        warn!(reason, "RUST_LOG is not valid, so the default levels apply");
    }
    if form.as_deref().is_some_and(|form| form != "json") {
        warn!("The only value of COGSMITH_LOG is json, so the log is written as text");
    }
}

/// A variable that is set to something.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// What is logged, and why `RUST_LOG` cannot be read, if it cannot.
fn filter(verbosity: u8, wanted: Option<&str>) -> (EnvFilter, Option<String>) {
    let usual = match verbosity {
        0 => "warn,cogsmith=info",
        1 => "warn,cogsmith=debug",
        2 => "info,cogsmith=trace",
        _ => "trace",
    };
    match wanted.map(EnvFilter::try_new) {
        Some(Ok(filter)) => (filter, None),
        Some(Err(error)) => (EnvFilter::new(usual), Some(error.to_string())),
        None => (EnvFilter::new(usual), None),
    }
}

/// `14:05:31` in this machine's time zone.
struct TimeOfDay;

impl FormatTime for TimeOfDay {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{}", ZonedDateTime::now().strftime("%H:%M:%S"))
    }
}

/// `2026-01-31T14:05:31.123456789Z`
struct Rfc3339;

impl FormatTime for Rfc3339 {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{}", Timestamp::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_v_logs_more_and_rust_log_decides() {
        assert_eq!(filter(0, None).0.to_string(), "cogsmith=info,warn");
        assert_eq!(filter(2, None).0.to_string(), "cogsmith=trace,info");
        assert_eq!(filter(2, Some("error")).0.to_string(), "error");
        let (kept, reason) = filter(0, Some("cogsmith=loud"));
        assert_eq!(kept.to_string(), "cogsmith=info,warn");
        assert!(reason.is_some());
    }
}

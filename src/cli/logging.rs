//! What the bot logs to stderr: sentences for people, or JSON lines for a log collector.

use jiff::{Timestamp, ZonedDateTime};
use std::borrow::Cow;
use std::fmt;
use std::io::{IsTerminal, Write, stderr};
use std::sync::OnceLock;
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
        .with_writer(Veil::default)
        .with_target(verbosity > 1);
    let started = if form.as_deref() == Some("json") {
        builder
            .json()
            .flatten_event(true)
            .with_timer(Rfc3339)
            .finish()
            .try_init()
    } else {
        let has_colours = stderr().is_terminal() && variable("NO_COLOR").is_none();
        builder
            .with_ansi(has_colours)
            .with_timer(TimeOfDay)
            .finish()
            .try_init()
    };
    if started.is_err() {
        return;
    }
    if let Some(reason) = unusable {
        warn!(reason, "RUST_LOG cannot be read, so the usual levels apply");
    }
    if form.as_deref().is_some_and(|form| form != "json") {
        warn!("COGSMITH_LOG knows only the value json, so the log is written for people");
    }
}

/// The secret that no line may show.
static HIDDEN: OnceLock<String> = OnceLock::new();

/// The shortest text that is taken for a secret: shorter ones are in too many words.
const SHORTEST_SECRET: usize = 8;

/// Hides the bot's token in every line from now on, whoever logs it: what a dependency writes at its most
/// talkative level is not ours to promise. Only the first call counts.
pub fn hide(token: &str) {
    if token.len() >= SHORTEST_SECRET {
        let _first = HIDDEN.set(token.to_owned()).is_ok();
    }
}

/// Standard error without the token. A line comes in one piece.
#[derive(Debug, Default)]
struct Veil;

impl Write for Veil {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        match HIDDEN.get() {
            Some(token) => stderr().write_all(&veiled(line, token))?,
            None => stderr().write_all(line)?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        stderr().flush()
    }
}

/// The line with the token taken out.
fn veiled<'a>(line: &'a [u8], token: &str) -> Cow<'a, [u8]> {
    let finder = memchr::memmem::Finder::new(token.as_bytes());
    let mut rest = line;
    let mut shown = Vec::new();
    while let Some(at) = finder.find(rest) {
        shown.extend_from_slice(&rest[..at]);
        shown.extend_from_slice(b"(hidden)");
        rest = &rest[at + token.len()..];
    }
    if shown.is_empty() {
        return Cow::Borrowed(line);
    }
    shown.extend_from_slice(rest);
    Cow::Owned(shown)
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
    fn the_token_is_taken_out_of_a_line() {
        let token = "MTA0.secret-token";
        let line = format!("Bot {token}, again {token}\n");
        let hidden = veiled(line.as_bytes(), token);
        assert_eq!(&*hidden, b"Bot (hidden), again (hidden)\n");
        assert_eq!(&*veiled(b"nothing", token), b"nothing");
        assert_eq!(&*veiled(token.as_bytes(), token), b"(hidden)");
    }

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

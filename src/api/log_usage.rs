//! How much a cog, and all of them together, may write into the log: a flood must hide nothing else, and fill no disk.

use super::limits::{Limit, kilobytes};
use super::rate_limiter::PERIOD;
use super::rate_limiter::RateLimiter;
use crate::clock::Clock;
use crate::config::Limits;
use std::sync::atomic::{AtomicUsize, Ordering};

/// All cogs together may write as much as so many of them alone.
const ALL_COGS: u32 = 8;
/// The part of its own share that each cog has in any case, so that noisy ones do not silence it.
const OWN_PART: u32 = 16;
/// Bytes of a text that are logged.
const LONGEST: usize = 8_000;
/// Bytes that a line has besides its texts: time, level, target, the cog's name.
const OVERHEAD: usize = 80;

/// What one cog has written lately.
#[derive(Debug)]
pub(super) struct LogUsage {
    lines: RateLimiter,
    bytes: RateLimiter,
    /// The bytes that no other cog takes from it.
    own_bytes: RateLimiter,
    /// Lines that were left out since the last one that was not.
    left_out: AtomicUsize,
    /// How often the log says that lines are left out, and that they were.
    floods: RateLimiter,
    flood_ends: RateLimiter,
}

impl LogUsage {
    pub(super) fn new(clock: &Clock) -> Self {
        let limiter = || RateLimiter::new(PERIOD, clock);
        Self {
            lines: limiter(),
            bytes: limiter(),
            own_bytes: limiter(),
            left_out: AtomicUsize::new(0),
            floods: limiter(),
            flood_ends: limiter(),
        }
    }
}

/// What all cogs together have written lately.
#[derive(Debug)]
pub struct SharedLog(RateLimiter);

impl SharedLog {
    /// Nothing yet.
    pub fn new(clock: &Clock) -> Self {
        Self(RateLimiter::new(PERIOD, clock))
    }
}

/// Why a line is left out.
#[derive(Debug)]
pub(super) enum Flood {
    Lines(u32),
    Bytes(u32),
    AllCogs(u32),
}

impl Flood {
    pub(super) fn limit(&self) -> Limit {
        match self {
            Self::Lines(_) => Limit::LogLines,
            Self::Bytes(_) | Self::AllCogs(_) => Limit::LogSize,
        }
    }

    pub(super) fn sentence(&self) -> String {
        match self {
            Self::Lines(limit) => format!(
                "A cog writes more than {limit} lines into the log within 10 seconds (limits.log_lines_per_10s): lines are left out"
            ),
            Self::Bytes(limit) => format!(
                "A cog writes more than {limit} KB into the log within 10 seconds (limits.log_kb_per_10s): lines are left out"
            ),
            Self::AllCogs(limit) => format!(
                "All cogs together write more than {ALL_COGS} times {limit} KB into the log within 10 seconds (limits.log_kb_per_10s): lines of this cog are left out"
            ),
        }
    }
}

impl LogUsage {
    /// Takes room for one more line, with the texts that `texts` makes for it: from the cog's own share, and from that
    /// of all cogs.
    pub(super) fn take_line<const N: usize>(
        &self,
        limits: &Limits,
        shared: &SharedLog,
        texts: impl FnOnce() -> [String; N],
    ) -> Result<[String; N], Flood> {
        let lines = limits.log_lines_per_10s;
        if !self.lines.take(lines) {
            return Err(Flood::Lines(lines));
        }
        let texts = texts().map(cut);
        let size = OVERHEAD + texts.iter().map(|text| logged_bytes(text)).sum::<usize>();
        self.take_bytes(bounded(size), limits.log_kb_per_10s, shared)?;
        Ok(texts)
    }

    /// Takes room from the cog's own share, and from that of all cogs when it has used up its part of it.
    fn take_bytes(&self, size: u32, limit: u32, shared: &SharedLog) -> Result<(), Flood> {
        let own = bounded(kilobytes(limit));
        if !self.bytes.take_some(size, own) {
            return Err(Flood::Bytes(limit));
        }
        let is_small = size <= own / OWN_PART;
        if is_small && self.own_bytes.take_some(size, own / OWN_PART)
            || shared.0.take_some(size, own.saturating_mul(ALL_COGS))
        {
            return Ok(());
        }
        Err(Flood::AllCogs(limit))
    }

    /// Counts a line that is left out. Whether the log is to be told so.
    pub(super) fn leave_out(&self) -> bool {
        let is_first = self.left_out.fetch_add(1, Ordering::Relaxed) == 0;
        is_first && self.floods.take(1)
    }

    /// How many lines were left out, if the log is to be told now that they were.
    pub(super) fn end_of_flood(&self) -> Option<usize> {
        let is_told = self.left_out.load(Ordering::Relaxed) > 0 && self.flood_ends.take(1);
        is_told.then(|| self.left_out.swap(0, Ordering::Relaxed))
    }
}

/// Bytes that a text takes in the log, where quotes and backslashes are written as two.
fn logged_bytes(text: &str) -> usize {
    let escaped = |byte: &u8| matches!(byte, b'"' | b'\\' | b'\n');
    text.len() + text.bytes().filter(|byte| escaped(byte)).count()
}

/// The text as far as it is logged, with a note of what is missing.
fn cut(mut text: String) -> String {
    if text.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|end| text.is_char_boundary(*end));
        let end = end.unwrap_or_default();
        let missing = text.len() - end;
        text.truncate(end);
        text += &more(missing);
    }
    text
}

/// The note that replaces so many bytes that are not logged.
pub(super) fn more(bytes: usize) -> String {
    format!("… ({bytes} more bytes)")
}

fn bounded(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters_and_says_so() {
        assert_eq!(cut("short".to_owned()), "short");
        let long = "é".repeat(LONGEST);
        let shown = cut(format!("x{long}"));
        assert!(shown.len() < LONGEST + 40);
        assert!(shown.ends_with(&more(LONGEST + 2)), "{}", shown.len());
    }

    #[test]
    fn quotes_count_as_the_log_writes_them() {
        assert_eq!(logged_bytes(r#"{"a":"b"}"#), 9 + 4);
    }
}

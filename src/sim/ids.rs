//! Snowflakes and timestamps.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

/// A snowflake: Discord's id of anything. JSON carries it as a decimal string.
pub type Id = u64;

/// Milliseconds between the Unix epoch and Discord's, the first second of 2015.
const DISCORD_EPOCH_MS: u64 = 1_420_070_400_000;

/// Hands out snowflakes that rise strictly and carry the time of their making.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Snowflakes {
    last: Id,
}

impl Snowflakes {
    /// The first id is made at `first_ms`, in Unix milliseconds.
    pub(crate) fn starting_at(first_ms: u64) -> Self {
        Self {
            last: at_millis(first_ms),
        }
    }

    /// The next id. A clock that stands still, or stands before the last id, still gives a new one.
    pub(crate) fn next(&mut self, now: Duration) -> Id {
        let millis = u64::try_from(now.as_millis()).unwrap_or(u64::MAX >> 22);
        self.last = at_millis(millis).max(self.last + 1);
        self.last
    }
}

fn at_millis(unix_ms: u64) -> Id {
    unix_ms.saturating_sub(DISCORD_EPOCH_MS) << 22
}

/// The time that a snowflake carries, since the Unix epoch.
pub(crate) fn time_of(id: Id) -> Duration {
    Duration::from_millis((id >> 22) + DISCORD_EPOCH_MS)
}

/// A time as Discord writes it: `2026-01-02T03:04:05.678000+00:00`.
pub(crate) fn timestamp(time: Duration) -> String {
    let nanos = i128::try_from(time.as_nanos()).unwrap_or(0);
    Timestamp::from_nanosecond(nanos)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00")
        .to_string()
}

/// The time of a timestamp that a bot sent; nothing when it is none.
pub(crate) fn parse_timestamp(text: &str) -> Option<Duration> {
    let timestamp: Timestamp = text.parse().ok()?;
    Duration::try_from(timestamp.duration_since(Timestamp::UNIX_EPOCH)).ok()
}

/// An id in JSON: a string of digits, or a number as Discord also takes it.
pub(crate) fn id_of(value: &Value) -> Option<Id> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.as_u64(),
        _ => None,
    }
}

/// The id in the field `name`.
pub(crate) fn id_in(object: &Value, name: &str) -> Option<Id> {
    object.get(name).and_then(id_of)
}

/// The ids in the array field `name`; empty when there is none.
pub(crate) fn ids_in(object: &Value, name: &str) -> Vec<Id> {
    let items = object.get(name).and_then(Value::as_array);
    items.into_iter().flatten().filter_map(id_of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_rise_also_under_a_clock_that_stands() {
        let mut snowflakes = Snowflakes::starting_at(1_735_689_600_000);
        let now = Duration::from_secs(1_767_225_600);
        let (first, second) = (snowflakes.next(now), snowflakes.next(now));
        assert!(second > first);
        assert_eq!(time_of(first), now);
        assert!(snowflakes.next(Duration::from_secs(1_000)) > second);
    }

    #[test]
    fn timestamps_are_written_as_discord_writes_them() {
        let text = timestamp(Duration::from_millis(1_767_323_045_678));
        assert_eq!(text, "2026-01-02T03:04:05.678000+00:00");
        assert_eq!(
            parse_timestamp(&text),
            Some(Duration::from_millis(1_767_323_045_678))
        );
        assert_eq!(parse_timestamp("soon"), None);
    }
}

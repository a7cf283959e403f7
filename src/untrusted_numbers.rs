//! Numbers that a server names. They are a stranger's: whatever stands there becomes a number that can be counted
//! on, or nothing.

use crate::json::{JsonRef, Node};
use std::time::Duration;

/// The longest time that a server is believed to ask for. The longest limits of Discord's are counted by the day.
pub const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Seconds. Nothing for what is not a time to wait: no number, less than 0, or more than [`LONGEST`].
pub fn seconds(told: f64) -> Option<Duration> {
    let told = Duration::try_from_secs_f64(told).ok()?;
    (told <= LONGEST).then_some(told)
}

/// Seconds in a header: `1`, `0.25`.
pub fn seconds_in_text(told: &str) -> Option<Duration> {
    told.trim().parse().ok().and_then(seconds)
}

/// Seconds until a date as HTTP writes it (`Wed, 21 Oct 2015 07:28:00 GMT`), by the server's own clock if it says what
/// that shows, otherwise by `now`, since the epoch. A date that has passed is not a time to wait.
pub fn seconds_until_date(date: &str, clock: Option<&str>, now: Duration) -> Option<Duration> {
    let date = seconds_of_date(date)?;
    let shown = clock.and_then(seconds_of_date);
    let shown = shown.or_else(|| i64::try_from(now.as_secs()).ok())?;
    let left = u64::try_from(date.checked_sub(shown)?).ok()?;
    let left = Duration::from_secs(left);
    (left <= LONGEST).then_some(left)
}

fn seconds_of_date(text: &str) -> Option<i64> {
    let date = jiff::fmt::rfc2822::parse(text.trim()).ok()?;
    Some(date.timestamp().as_second())
}

/// Seconds in a field of a body.
pub fn seconds_in_json(told: JsonRef<'_>) -> Option<Duration> {
    match told.node() {
        Node::Number(told) => seconds(told),
        // More than 32 bits of seconds are more than a day.
        Node::Integer(told) => seconds(u32::try_from(told).ok()?.into()),
        Node::String(told) => seconds_in_text(told),
        _ => None,
    }
}

/// Milliseconds, at most [`LONGEST`].
pub fn milliseconds(told: u64) -> Duration {
    Duration::from_millis(told).min(LONGEST)
}

/// A count in a field of a body; nothing for what is not a whole number of 32 bits.
pub fn count_in_json(told: JsonRef<'_>) -> Option<u32> {
    u32::try_from(told.as_i64()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Json;
    use proptest::prelude::*;

    /// What a server may write where a number of seconds belongs.
    const NASTY: [&str; 24] = [
        "",
        " ",
        "abc",
        "NaN",
        "-NaN",
        "inf",
        "-inf",
        "infinity",
        "-0.001",
        "-1",
        "1e308",
        "-1e308",
        "1.8e19",
        "1e-400",
        "1e400",
        "18446744073709551615",
        "18446744073709551616",
        "9223372036854775808",
        "86400.0001",
        "0x10",
        "1,5",
        "１",
        "null",
        "+",
    ];

    fn is_sane(told: Option<Duration>) -> bool {
        told.is_none_or(|told| told <= LONGEST)
    }

    #[test]
    fn what_is_no_time_to_wait_is_nothing() {
        for text in NASTY {
            let told = seconds_in_text(text);
            // The smallest number is a number.
            assert!(told.is_none() || text == "1e-400", "{text}: {told:?}");
            let json = Json::string(text);
            assert_eq!(seconds_in_json(json.view()), told, "{text}");
            if let Ok(tree) = serde_json::from_str::<Json>(text) {
                assert!(is_sane(seconds_in_json(tree.view())), "{text}");
                assert_eq!(count_in_json(tree.view()), None, "{text}");
            }
        }
        assert_eq!(seconds_in_text("86400"), Some(LONGEST));
        assert_eq!(seconds_in_text(" 0.25 "), Some(Duration::from_millis(250)));
        assert_eq!(
            seconds_in_json(Json::integer(2).view()),
            Some(Duration::from_secs(2))
        );
        assert_eq!(milliseconds(u64::MAX), LONGEST);
    }

    proptest! {
        #[test]
        fn every_number_is_a_time_or_nothing(told: f64, whole: i64, text: String, milli: u64) {
            prop_assert!(is_sane(seconds(told)));
            prop_assert!(is_sane(seconds_in_text(&told.to_string())));
            prop_assert!(is_sane(seconds_in_text(&text)));
            prop_assert!(is_sane(seconds_in_json(Json::number(told).view())));
            prop_assert!(is_sane(seconds_in_json(Json::integer(whole).view())));
            prop_assert!(milliseconds(milli) <= LONGEST);
        }
    }
}

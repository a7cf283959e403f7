//! Points in time as users type them: dates, times of day, `in 2h`, Discord's timestamps, Unix seconds.

use super::duration::{self, after_phrase, parse_with_unit, tidy};
use super::text::Language;
use super::time_of_day;
use jiff::Timestamp;
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use std::time::Duration;

/// Longer texts are not a time.
const LONGEST: usize = 200;

/// The words of the longest form: a span with the word before it.
pub(super) const MOST_WORDS: usize = 3 + duration::MOST_WORDS;

/// Unix seconds have this many digits since 1973; a number with fewer digits means something else.
const SHORTEST_UNIX: usize = 9;

/// The words before a span from now: English and Indonesian.
const FROM_NOW: [&str; 2] = ["in ", "dalam "];

/// The words behind one.
const LATER: [&str; 2] = [" from now", " lagi"];

/// Words after a span that change its meaning.
const PAST: [&str; 3] = ["ago", "lalu", "yang lalu"];

/// The Unix seconds that a text stands for, in this order: `<t:1700000000:R>`, Unix seconds of at
/// least nine digits, a date (`2030-12-31`), a date and a time of day (`2030-12-31 18:00`, `2030-12-31T18:00:30+07:00`),
/// a day and a time of day in words (`tomorrow at 9`, `monday 9:00`, `9am`: the next one), and a span
/// from now (`in 2h`, `dalam 2h`, `2h`). Where the text gives no offset, `zone` holds. `now` is the
/// time since the Unix epoch.
pub fn parse_moment(text: &str, now: Duration, zone: &TimeZone) -> Option<f64> {
    if text.len() > LONGEST {
        return None;
    }
    let text = tidy(text);
    let text = text.as_str();
    let moment = timestamp_tag(text)
        .or_else(|| long_unix_seconds(text))
        .or_else(|| date_and_time(text, zone))
        .or_else(|| time_of_day::day_and_clock(text, now, zone).map(seconds_of))
        .or_else(|| from_now(text, now))?;
    // A time outside of the calendar could not be shown as a date.
    let calendar = seconds_of(Timestamp::MIN)..=seconds_of(Timestamp::MAX);
    calendar.contains(&moment).then_some(moment)
}

fn seconds_of(timestamp: Timestamp) -> f64 {
    timestamp.as_duration().as_secs_f64()
}

/// `<t:1700000000>` or `<t:1700000000:R>`
fn timestamp_tag(text: &str) -> Option<f64> {
    let inside = text.strip_prefix("<t:")?.strip_suffix('>')?;
    let (seconds, style) = inside.split_once(':').unwrap_or((inside, "f"));
    unix_seconds(seconds).filter(|_| style.len() == 1)
}

fn unix_seconds(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits
        .chars()
        .all(|character| character.is_ascii_digit() || character == '.');
    text.parse().ok().filter(|_| plain)
}

fn long_unix_seconds(text: &str) -> Option<f64> {
    let whole = text.split('.').next()?.trim_start_matches('-');
    unix_seconds(text).filter(|_| whole.len() >= SHORTEST_UNIX)
}

/// How a number that is not a time could be written, if it is one: `18` as `18:00`, `in 18m` or `in
/// 18h`.
pub(super) fn forms_of_number(text: &str, language: Language) -> Option<Vec<String>> {
    let text = text.trim();
    duration::bare_number(text.trim_start_matches('-'))?;
    let mut forms: Vec<String> = clock(text).or_else(|| date(text)).into_iter().collect();
    if (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let word = match language {
            Language::English => FROM_NOW[0],
            Language::Indonesian => FROM_NOW[1],
        };
        forms.extend(["m", "h"].map(|unit| format!("{word}{text}{unit}")));
    }
    if forms.is_empty() {
        forms.push("2030-12-31 18:00".to_owned());
    }
    Some(forms)
}

/// `18`, `18.30` and `1830` as `18:00` and `18:30`.
fn clock(text: &str) -> Option<String> {
    let (hour, minute) = match text.split_once('.') {
        Some((hour, minute)) => (hour, minute),
        None if text.len() <= 2 => (text, "00"),
        None => text.split_at_checked(text.len() - 2)?,
    };
    let is_time = (1..=2).contains(&hour.len()) && minute.len() == 2;
    let time = format!("{hour}:{minute}");
    (is_time && time_of_day(&time).is_some()).then_some(time)
}

/// `20301231` as `2030-12-31`.
fn date(text: &str) -> Option<String> {
    let (year, rest) = text.split_at_checked(4)?;
    let (month, day) = rest.split_at_checked(2)?;
    let date = format!("{year}-{month}-{day}");
    (text.len() == 8 && date.parse::<jiff::civil::Date>().is_ok()).then_some(date)
}

/// What a text that is not a time was probably meant to be: see [`duration::corrected`].
pub(super) fn corrected(text: &str) -> Option<String> {
    let text = text.trim();
    let span = after_from_now(text).unwrap_or(text);
    let word = &text[..text.len() - span.len()];
    let corrected = duration::corrected(span)?;
    Some(format!("{word}{corrected}"))
}

fn date_and_time(text: &str, zone: &TimeZone) -> Option<f64> {
    // The parser also takes dates without hyphens and hours without minutes: to users numbers.
    let is_date = text.get(4..5) == Some("-") && text.get(7..8) == Some("-");
    let has_minutes = text.len() == 10 || text.get(13..14) == Some(":");
    if !is_date || !has_minutes {
        return None;
    }
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(seconds_of(timestamp));
    }
    let date_time: DateTime = text.parse().ok()?;
    let zoned = date_time.to_zoned_datetime(zone.clone()).ok()?;
    Some(seconds_of(zoned.timestamp()))
}

fn time_of_day(text: &str) -> Option<Time> {
    let (hour, rest) = text.split_once(':')?;
    match hour.len() {
        1 => format!("0{hour}:{rest}").parse().ok(),
        2 => text.parse().ok(),
        _ => None,
    }
}

fn from_now(text: &str, now: Duration) -> Option<f64> {
    Some(now.as_secs_f64() + span_from_now(text)?)
}

fn span_from_now(text: &str) -> Option<f64> {
    let span = after_from_now(text).unwrap_or(text);
    let before_later = LATER.iter().find_map(|later| {
        let (span, end) = span.split_at_checked(span.len().checked_sub(later.len())?)?;
        end.eq_ignore_ascii_case(later).then_some(span)
    });
    parse_with_unit(before_later.unwrap_or(span))
}

/// Whether a text is a time, with words behind it that say more about it than is understood.
pub(super) fn is_unclear(text: &str) -> bool {
    let text = &tidy(text);
    let is_more = |more: &str| {
        let is_past = |past: &str| after_phrase(more, past) == Some("");
        PAST.iter().any(|past| is_past(past)) || time_of_day::says_clock(more)
    };
    time_of_day::is_unclear(text)
        || time_of_day::behind(text)
            .any(|(before, more)| is_more(more) && span_from_now(before).is_some())
}

/// Whether a text that is a time may as well be the beginning of a sentence: `monday is over`.
pub(super) fn may_be_prose(text: &str) -> bool {
    let from_now = after_from_now(text).unwrap_or(text);
    from_now.starts_with(char::is_alphabetic)
}

/// What follows `in` or `dalam`.
fn after_from_now(text: &str) -> Option<&str> {
    FROM_NOW.iter().find_map(|word| {
        let begins = text.get(..word.len())?.eq_ignore_ascii_case(word);
        begins.then(|| &text[word.len()..])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-02-29 12:00:00 UTC
    const NOW: u64 = 1_709_208_000;

    fn parse(text: &str) -> Option<f64> {
        parse_moment(text, Duration::from_secs(NOW), &TimeZone::UTC)
    }

    #[test]
    #[allow(clippy::cast_precision_loss, reason = "small numbers")]
    fn every_form_is_read() {
        let midnight = NOW as f64 - 43_200.0;
        let now = NOW as f64;
        let cases = [
            ("<t:1700000000:R>", 1_700_000_000.0),
            ("<t:1700000000>", 1_700_000_000.0),
            ("1700000000", 1_700_000_000.0),
            ("1700000000.5", 1_700_000_000.5),
            ("2024-02-29", midnight),
            ("2024-02-29 12:00", now),
            ("2024-02-29T12:00:30", now + 30.0),
            ("2024-02-29T12:00:00Z", now),
            ("2024-02-29 19:00+07:00", now),
            ("12:01", now + 60.0),
            ("12:00", now + 86_400.0),
            ("9:30", midnight + 86_400.0 + 34_200.0),
            ("in 2h", now + 7_200.0),
            ("In 1h30m", now + 5_400.0),
            ("dalam 2 jam", now + 7_200.0),
            ("2h", now + 7_200.0),
            ("in 1 hour and 30 minutes", now + 5_400.0),
            ("2 hours from now", now + 7_200.0),
            ("2 jam lagi", now + 7_200.0),
            ("in half an hour", now + 1_800.0),
            ("2024-02-29 9:00", midnight + 32_400.0),
            ("tomorrow at 9", midnight + 118_800.0),
            ("<t:12>", 12.0),
            ("-100000000", -100_000_000.0),
        ];
        for (text, moment) in cases {
            assert_eq!(parse(text), Some(moment), "{text}");
        }
        let wrong = [
            "",
            "in 5",
            "2024-02-30",
            "25:00",
            "12",
            "1830",
            "18.30",
            "99999999",
            "99999999.5",
            "-5",
            "2024-02",
            "soon",
            "<t:x>",
            "<t:1:RR>",
            "in",
            "1e9",
            "99999999999999999999",
            "2024-02-29 12",
            "20240229T12",
            "inf",
            "éé:éé",
        ];
        for text in wrong {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_number_is_told_how_it_could_be_written() {
        let forms = |text| forms_of_number(text, Language::English).map(|forms| forms.join(" | "));
        let cases = [
            ("18", "18:00 | in 18m | in 18h"),
            ("90", "in 90m | in 90h"),
            ("930", "9:30 | in 930m | in 930h"),
            ("1830", "18:30"),
            ("18.30", "18:30"),
            ("20301231", "2030-12-31"),
            ("20301331", "2030-12-31 18:00"),
            ("-5", "2030-12-31 18:00"),
        ];
        for (text, expected) in cases {
            assert_eq!(forms(text).as_deref(), Some(expected), "{text}");
            for form in expected.split(" | ") {
                assert!(parse(form).is_some(), "{form}");
            }
        }
        let indonesian = forms_of_number("5", Language::Indonesian);
        assert_eq!(indonesian.unwrap(), ["5:00", "dalam 5m", "dalam 5h"]);
        assert_eq!(forms("x"), None);
        assert_eq!(forms(""), None);
        assert_eq!(corrected("In 2 horus").as_deref(), Some("In 2 hours"));
        assert_eq!(corrected("in 2 hours"), None);
    }

    #[test]
    fn a_span_with_more_behind_it_is_unclear() {
        for text in [
            "2 hours ago",
            "2 jam yang lalu",
            "in 2 days at 9",
            "2 days 9:00",
        ] {
            assert!(is_unclear(text), "{text}");
        }
        for text in [
            "2 hours",
            "2 hours tea",
            "in 2 days",
            "2 days at home",
            "in 2 hours from now",
        ] {
            assert!(!is_unclear(text), "{text}");
        }
    }

    #[test]
    fn a_time_zone_holds_where_none_is_given() {
        let zone = TimeZone::get("Asia/Jakarta").unwrap();
        let parse = |text| parse_moment(text, Duration::from_secs(NOW), &zone);
        assert_eq!(parse("2024-02-29 19:00"), Some(1_709_208_000.0));
        // 19:00 in Jakarta is now: the next is tomorrow.
        assert_eq!(parse("19:00"), Some(1_709_294_400.0));
        assert_eq!(parse("19:01"), Some(1_709_208_060.0));
    }
}

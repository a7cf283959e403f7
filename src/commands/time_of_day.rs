//! Days and times of day in words: `tomorrow at 9`, `monday 9:00`, `9am`, `2030-12-31 9:00`, `besok
//! jam 9`, `18:00 WIB`.

use super::duration::{END_MARKS, after_phrase, bare_number, tidy};
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan};
use std::time::Duration;

/// Days from today on, English and Indonesian; the longest first, as some begin like others.
const DAYS: [(i32, &[&str]); 3] = [
    (0, &["today", "hari ini"]),
    (1, &["tomorrow", "besok"]),
    (2, &["the day after tomorrow", "lusa"]),
];

const WEEKDAYS: [(Weekday, [&str; 4]); 7] = [
    (Weekday::Monday, ["monday", "mon", "hari senin", "senin"]),
    (
        Weekday::Tuesday,
        ["tuesday", "tue", "hari selasa", "selasa"],
    ),
    (
        Weekday::Wednesday,
        ["wednesday", "wed", "hari rabu", "rabu"],
    ),
    (
        Weekday::Thursday,
        ["thursday", "thu", "hari kamis", "kamis"],
    ),
    (Weekday::Friday, ["friday", "fri", "hari jumat", "jumat"]),
    (
        Weekday::Saturday,
        ["saturday", "sat", "hari sabtu", "sabtu"],
    ),
    (Weekday::Sunday, ["sunday", "sun", "hari minggu", "minggu"]),
];

/// Words before a day, and before a time of day.
const BEFORE_DAY: [&str; 2] = ["on", "pada"];
const BEFORE_CLOCK: [&str; 4] = ["at", "jam", "pukul", "@"];

/// Time zones that have one meaning, and their hours.
const ZONES: [(&str, i8); 5] = [("utc", 0), ("gmt", 0), ("wib", 7), ("wita", 8), ("wit", 9)];

/// The halves of the day, the longest first, as some begin like others.
const HALVES: [&str; 10] = [
    "am", "pm", "a.m.", "p.m.", "a.m", "p.m", "pagi", "siang", "sore", "malam",
];

/// Words behind a time of twelve hours, or behind a day, that say which part of the day is meant.
const PARTS_OF_DAY: [&str; 20] = [
    "pagi",
    "siang",
    "sore",
    "malam",
    "morning",
    "noon",
    "at noon",
    "afternoon",
    "evening",
    "night",
    "at night",
    "tonight",
    "midnight",
    "at midnight",
    "in the morning",
    "in the afternoon",
    "in the evening",
    "this morning",
    "this afternoon",
    "this evening",
];

/// Words behind a time that say more about it than is understood here: halves of the day that it
/// is not in, other days, and time zones that have several meanings or hours that change.
const MORE: [&str; 22] = [
    "am",
    "pm",
    "next week",
    "depan",
    "minggu depan",
    "est",
    "edt",
    "et",
    "cst",
    "cdt",
    "mst",
    "mdt",
    "pst",
    "pdt",
    "pt",
    "cet",
    "cest",
    "bst",
    "ist",
    "jst",
    "sgt",
    "aest",
];

/// The words of the longest that stands behind a time.
pub(super) const MOST_WORDS_BEHIND: usize = 3;

/// What a text says about a moment.
#[derive(Clone, Copy)]
struct Said {
    day: Option<Day>,
    clock: Option<Clock>,
}

/// A time of day.
#[derive(Clone, Copy)]
struct Clock {
    time: Time,
    zone: Option<Offset>,
    /// Whether it says in which half of the day it is.
    in_half: bool,
}

#[derive(Clone, Copy)]
enum Day {
    Date(Date),
    Later(i32),
    Weekday(Weekday),
}

/// The moment that a day, a time of day, or both in whatever order stand for: the next one, where
/// there are several. A day alone is its beginning.
pub(super) fn day_and_clock(text: &str, now: Duration, zone: &TimeZone) -> Option<Timestamp> {
    let said = said(text)?;
    let now = Timestamp::from_duration(SignedDuration::try_from(now).ok()?).ok()?;
    let named = said.clock.and_then(|clock| clock.zone);
    let zone = named.map_or_else(|| zone.clone(), TimeZone::fixed);
    let today = zone.to_datetime(now).date();
    let time = said.clock.map_or_else(Time::midnight, |clock| clock.time);
    let at = |date: Date| {
        let zoned = date.to_datetime(time).to_zoned_datetime(zone.clone());
        zoned.ok().map(|zoned| zoned.timestamp())
    };
    let later = |days: i32| at(today.checked_add(days.days()).ok()?);
    match said.day {
        Some(Day::Date(date)) => at(date),
        Some(Day::Later(days)) => later(days),
        Some(Day::Weekday(weekday)) => {
            let days = i32::from(today.weekday().until(weekday));
            let first = later(days).filter(|moment| *moment > now);
            first.or_else(|| later(days + 7))
        }
        None => later(0).filter(|moment| *moment > now).or_else(|| later(1)),
    }
}

/// Whether a text is a time, with words behind it that say more about the time than is understood:
/// `18:00 PST`, `tomorrow 9`, `2030-12-31 25:00`. To take the time without them would be wrong.
pub(super) fn is_unclear(text: &str) -> bool {
    let text = &tidy(text);
    said(text).is_none()
        && behind(text).any(|(before, more)| said(before).is_some_and(|said| is_more(more, said)))
}

/// The places at which a text could be cut into a time and what stands behind it.
pub(super) fn behind(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let spaces = text.match_indices(' ').map(|(at, _)| at).rev();
    let cuts = spaces.take(MOST_WORDS_BEHIND);
    cuts.map(|at| (&text[..at], text[at..].trim_start()))
}

fn is_more(text: &str, said: Said) -> bool {
    let plain = text.trim_end_matches(END_MARKS);
    let is_hour = bare_number(plain).is_some_and(|hour| hour <= 24.0);
    let is_offset = plain
        .strip_prefix(['+', '-'])
        .is_some_and(begins_with_digit);
    let is_one_of = |words: &[&str]| words.iter().any(|it| plain.eq_ignore_ascii_case(it));
    // `18:00` is one time, whatever part of the day somebody calls it.
    let of_twelve = said
        .clock
        .is_none_or(|clock| (1..=12).contains(&clock.time.hour()) && !clock.in_half);
    (of_twelve && is_one_of(&PARTS_OF_DAY))
        || is_one_of(&MORE)
        || is_offset
        || (is_hour && said.clock.is_none())
        || says_clock(plain)
        || day(plain).is_some_and(|(_, rest)| rest.is_empty())
}

/// Whether a text is written like a time of day, whether it is valid or not: `at 9`, `25:99`.
pub(super) fn says_clock(text: &str) -> bool {
    let colon = text.split_once(':');
    let is_clock = colon.is_some_and(|(hour, rest)| {
        (1..=2).contains(&hour.len()) && begins_with_digit(hour) && begins_with_digit(rest)
    });
    let is_word = |text: &str| !text.contains(' ');
    (is_clock && is_word(text)) || after_clock_word(text).is_some_and(is_word)
}

/// The number behind `at`, `jam`, `@`.
fn after_clock_word(text: &str) -> Option<&str> {
    BEFORE_CLOCK.iter().find_map(|word| {
        let (start, rest) = text.split_at_checked(word.len())?;
        let rest = rest.trim_start();
        (start.eq_ignore_ascii_case(word) && begins_with_digit(rest)).then_some(rest)
    })
}

fn begins_with_digit(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit())
}

fn said(text: &str) -> Option<Said> {
    let text = text.trim_end_matches(END_MARKS);
    let (said_day, rest) = match day(text) {
        Some((day, rest)) => (Some(day), rest),
        None => (None, text),
    };
    if rest.is_empty() {
        // What began today is over.
        let is_later = said_day.filter(|day| !matches!(day, Day::Later(0)))?;
        let day = Some(is_later);
        return Some(Said { day, clock: None });
    }
    let (clock, rest) = clock(rest, said_day.is_some())?;
    let said = |day| {
        let clock = Some(clock);
        Some(Said { day, clock })
    };
    match said_day {
        _ if rest.is_empty() => said(said_day),
        Some(_) => None,
        None => day(rest).and_then(|(day, rest)| said(Some(day)).filter(|_| rest.is_empty())),
    }
}

/// The day with which a text begins, and what follows it.
fn day(text: &str) -> Option<(Day, &str)> {
    let before = BEFORE_DAY.iter().find_map(|word| after_phrase(text, word));
    let text = before.unwrap_or(text);
    let words = || {
        let later = DAYS.iter().find_map(|(days, words)| {
            let rest = words.iter().find_map(|word| after_phrase(text, word))?;
            Some((Day::Later(*days), rest))
        });
        later.or_else(|| {
            WEEKDAYS.iter().find_map(|(weekday, words)| {
                let rest = words.iter().find_map(|word| after_phrase(text, word))?;
                Some((Day::Weekday(*weekday), rest))
            })
        })
    };
    let (day, rest) = date(text).or_else(words)?;
    Some((day, rest.trim_start_matches(',').trim_start()))
}

/// `2030-12-31`
fn date(text: &str) -> Option<(Day, &str)> {
    let (date, rest) = text.split_at_checked(10)?;
    let has_hyphens = date.get(4..5) == Some("-") && date.get(7..8) == Some("-");
    let ends = rest.is_empty() || rest.starts_with([' ', ',']);
    let date = date.parse().ok().filter(|_| has_hyphens && ends)?;
    Some((Day::Date(date), rest))
}

/// The time of day with which a text begins, its zone, and what follows. A number is one behind `at`,
/// and `18.30` is one behind `at` and behind a day.
fn clock(text: &str, after_day: bool) -> Option<(Clock, &str)> {
    let named = after_clock_word(text);
    let text = named.unwrap_or(text);
    let end = text.find(|it: char| !it.is_ascii_digit() && !matches!(it, ':' | '.'));
    let (digits, rest) = text.split_at(end.unwrap_or(text.len()));
    let digits = digits.trim_end_matches('.');
    let mut parts = digits.splitn(3, [':', '.']);
    let hour = two_digits(parts.next()?)?;
    let (minute, second) = (parts.next(), parts.next());
    let (half, rest) = half_of_day(rest.trim_start());
    let is_plain = !digits.contains('.') || named.is_some() || after_day;
    let is_said = (minute.is_some() && is_plain) || named.is_some() || half.is_some();
    let exact = |part: Option<&str>| match part {
        Some(part) => two_digits(part).filter(|_| part.len() == 2),
        None => Some(0),
    };
    let hour = match half {
        Some(half) => in_half(hour, half)?,
        None => hour,
    };
    let time = Time::new(hour, exact(minute)?, exact(second)?, 0).ok()?;
    let (zone, rest) = zone(rest);
    let in_half = half.is_some();
    let clock = Clock {
        time,
        zone,
        in_half,
    };
    is_said.then(|| (clock, rest.trim_start_matches(',').trim_start()))
}

fn two_digits(text: &str) -> Option<i8> {
    (1..=2).contains(&text.len()).then(|| text.parse().ok())?
}

fn half_of_day(text: &str) -> (Option<&'static str>, &str) {
    let found = HALVES
        .iter()
        .find_map(|half| Some((*half, after_phrase(text, half)?)));
    match found {
        Some((half, rest)) => (Some(half), rest),
        None => (None, text),
    }
}

/// The hour of 24 for one of 12 in a half of the day.
fn in_half(hour: i8, half: &str) -> Option<i8> {
    let half = half.replace('.', "");
    match (half.as_str(), hour) {
        ("am" | "malam", 12) => Some(0),
        // Of the last three, the text says the same twice.
        ("am" | "pagi", 1..=11)
        | ("pm", 12)
        | ("malam", 1..=5)
        | ("siang", 10..=23)
        | ("sore" | "malam", 13..=23) => Some(hour),
        ("pm", 1..=11) | ("siang", 1..=3) | ("sore", 2..=6) | ("malam", 6..=11) => Some(hour + 12),
        _ => None,
    }
}

fn zone(text: &str) -> (Option<Offset>, &str) {
    let found = ZONES.iter().find_map(|(name, hours)| {
        let rest = after_phrase(text, name)?;
        Some((Offset::from_hours(*hours).ok()?, rest))
    });
    match found {
        Some((zone, rest)) => (Some(zone), rest),
        None => (None, text),
    }
}

#[cfg(test)]
mod tests;

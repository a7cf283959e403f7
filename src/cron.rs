//! When a cron expression is due in a time zone.
//!
//! croner finds the times on the wall clock. What happens where the wall clock jumps follows Vixie cron: an expression
//! that names its hour and its minute means those times of day, and each of them is due once on every day; any other
//! follows the time that really passes.

use crate::nearest::{hint, nearest};
use croner::errors::CronError;
use croner::parser::{CronParser, Seconds, Year};
use croner::{CivilDateTime, CronDateTime, Resolution, Weekday};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ZonedDateTime};
use std::cmp::Ordering;
use std::time::Duration;

/// Characters of an expression.
const LONGEST: usize = 200;
/// What is not due within so many years is never due.
const HORIZON: i16 = 50;

/// Short forms of expressions.
const NICKNAMES: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// A field: what it is called, what it may be, and the words that it may have.
struct Field {
    name: &'static str,
    expected: &'static str,
    words: &'static [&'static str],
}

const FIELDS: [Field; 6] = [
    Field {
        name: "second",
        expected: "0 to 59",
        words: &[],
    },
    Field {
        name: "minute",
        expected: "0 to 59",
        words: &[],
    },
    Field {
        name: "hour",
        expected: "0 to 23",
        words: &[],
    },
    Field {
        name: "day of the month",
        expected: "1 to 31, or L for the last day",
        words: &["L", "W", "LW"],
    },
    Field {
        name: "month",
        expected: "1 to 12 or JAN to DEC",
        words: &MONTHS,
    },
    Field {
        name: "day of the week",
        expected: "0 to 7 or SUN to SAT (0 and 7 are Sunday)",
        words: &DAYS,
    },
];

/// A cron expression in a time zone.
#[derive(Clone, Debug)]
pub struct Cron {
    /// Six fields. What croner makes of them takes kilobytes, and is needed once for each call of a timer.
    expression: String,
    zone: TimeZone,
    /// Whether it names its hour and its minute, so that it means times of day.
    names_times: bool,
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.expression == other.expression && self.zone == other.zone
    }
}

impl Cron {
    /// Reads an expression of five fields, or of six with the second before them. The error says what is wrong and
    /// where.
    pub fn parse(expression: &str, zone: TimeZone) -> Result<Self, String> {
        if expression.chars().count() > LONGEST {
            return Err(format!("expected at most {LONGEST} characters"));
        }
        let upper = expanded(expression.trim())?.to_uppercase();
        let mut fields: Vec<&str> = upper.split_whitespace().collect();
        if fields.len() == 5 {
            fields.insert(0, "0");
        }
        if fields.len() != FIELDS.len() {
            let got = upper.split_whitespace().count();
            return Err(format!(
                "expected five fields (minute, hour, day of the month, month, day of the week), or six with the second before them, got {got}"
            ));
        }
        for (place, field) in FIELDS.iter().enumerate() {
            check_field(&fields, place, field)?;
        }
        let expression = fields.join(" ");
        parser().parse(&expression).map_err(|error| {
            // Each field alone is right.
            format!("it cannot be understood: {error}")
        })?;
        let is_star = |place: usize| {
            fields
                .get(place)
                .is_some_and(|field| field.starts_with('*'))
        };
        Ok(Self {
            names_times: !is_star(1) && !is_star(2),
            expression,
            zone,
        })
    }

    /// The first time after `after` at which it is due, both since the Unix epoch. Nothing if that is not within fifty
    /// years: it names a day that does not come, like the 30th of February.
    pub fn next(&self, after: Duration) -> Option<Duration> {
        let after = Timestamp::from_duration(SignedDuration::try_from(after).ok()?).ok()?;
        let after = after.to_zoned_datetime(self.zone.clone());
        let times = parser().parse(&self.expression).ok()?;
        let next = if self.names_times {
            self.next_time_of_day(&times, &after)?
        } else {
            let from = Local::from(&after);
            times.find_next_occurrence(&from, false).ok()?.at
        };
        Duration::try_from(next.timestamp().as_duration()).ok()
    }

    /// Of times that are skipped, the moment of the jump; of times that come twice, the first.
    fn next_time_of_day(
        &self,
        times: &croner::Cron,
        after: &ZonedDateTime,
    ) -> Option<ZonedDateTime> {
        let mut from = Wall::from(after);
        loop {
            from = times.find_next_occurrence(&from, false).ok()?;
            let ambiguous = self.zone.to_ambiguous_zoned_datetime(from.at);
            let due = match ambiguous.offset() {
                AmbiguousOffset::Gap { .. } => end_of_gap(&ambiguous.earlier().ok()?)?,
                _ => ambiguous.earlier().ok()?,
            };
            if due.timestamp() > after.timestamp() {
                return Some(due);
            }
        }
    }
}

/// When the wall clock jumped over a time. `before` is a moment shortly before that jump: the time that is skipped, read
/// with the offset after it.
fn end_of_gap(before: &ZonedDateTime) -> Option<ZonedDateTime> {
    let jump = before.time_zone().following(before.timestamp()).next()?;
    Some(
        jump.timestamp()
            .to_zoned_datetime(before.time_zone().clone()),
    )
}

fn parser() -> CronParser {
    CronParser::builder()
        .seconds(Seconds::Required)
        .year(Year::Disallowed)
        .build()
}

/// An expression in place of its nickname.
fn expanded(expression: &str) -> Result<&str, String> {
    if !expression.starts_with('@') {
        return Ok(expression);
    }
    let lower = expression.to_lowercase();
    let meant = NICKNAMES.iter().find(|(name, _)| *name == lower);
    meant.map(|(_, meaning)| *meaning).ok_or_else(|| {
        let nearest = nearest(&lower, NICKNAMES.iter().map(|(name, _)| *name));
        format!("there is no \"{expression}\"{}", hint(nearest))
    })
}

/// Reads one field alone, so that the error is about it.
fn check_field(fields: &[&str], place: usize, field: &Field) -> Result<(), String> {
    let Some(text) = fields.get(place) else {
        return Ok(());
    };
    let wrong = || {
        let Field { name, expected, .. } = field;
        format!(
            "the {name} \"{text}\": expected {expected}, lists (1,5), ranges (1-5) or steps (*/5)"
        )
    };
    if text.split(',').any(str::is_empty) {
        return Err(wrong());
    }
    let words = text.split(|letter: char| !letter.is_alphabetic());
    for word in words.filter(|word| !word.is_empty()) {
        // A day of the week may be the last of its month.
        let is_last = place == 5 && word == "L";
        if !field.words.contains(&word) && !is_last {
            return Err(wrong());
        }
    }
    let mut alone = ["*"; FIELDS.len()];
    if let Some(slot) = alone.get_mut(place) {
        *slot = text;
    }
    parser().parse(&alone.join(" ")).map_err(|_| wrong())?;
    Ok(())
}

/// A time on a wall clock that never jumps, for croner.
#[derive(Clone, Debug)]
struct Wall {
    at: DateTime,
    last_year: i16,
}

impl From<&ZonedDateTime> for Wall {
    fn from(zoned: &ZonedDateTime) -> Self {
        Self {
            at: zoned.datetime(),
            last_year: zoned.year().saturating_add(HORIZON),
        }
    }
}

/// A time in a zone, for croner.
#[derive(Clone, Debug)]
struct Local {
    at: ZonedDateTime,
    last_year: i16,
}

impl From<&ZonedDateTime> for Local {
    fn from(zoned: &ZonedDateTime) -> Self {
        Self {
            at: zoned.clone(),
            last_year: zoned.year().saturating_add(HORIZON),
        }
    }
}

fn to_civil(at: DateTime) -> CivilDateTime {
    let part = |part: i8| u32::try_from(part).unwrap_or_default();
    let (year, month, day) = (at.year().into(), part(at.month()), part(at.day()));
    let (hour, minute, second) = (part(at.hour()), part(at.minute()), part(at.second()));
    CivilDateTime::new(
        croner::CivilDate::from_parts_unchecked(year, month, day),
        croner::CivilTime::from_parts_unchecked(hour, minute, second),
    )
}

fn to_jiff(civil: CivilDateTime, last_year: i16) -> Result<DateTime, CronError> {
    let part = |part: u32| i8::try_from(part).map_err(|_| CronError::InvalidTime);
    let year = i16::try_from(civil.year()).map_err(|_| CronError::InvalidDate)?;
    if year > last_year {
        return Err(CronError::TimeSearchLimitExceeded);
    }
    let (month, day) = (part(civil.month())?, part(civil.day())?);
    let (hour, minute) = (part(civil.hour())?, part(civil.minute())?);
    DateTime::new(year, month, day, hour, minute, part(civil.second())?, 0)
        .map_err(|_| CronError::InvalidDate)
}

fn to_weekday(day: jiff::civil::Weekday) -> Weekday {
    let day = u32::try_from(day.to_sunday_zero_offset()).unwrap_or_default();
    Weekday::from_days_from_sunday(day)
}

impl CronDateTime for Wall {
    fn to_civil(&self) -> CivilDateTime {
        to_civil(self.at)
    }

    fn civil_weekday(&self) -> Weekday {
        to_weekday(self.at.weekday())
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronError> {
        let at = to_jiff(civil, self.last_year)?;
        Ok(Resolution::Single(Self { at, ..*self }))
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        let at = self.at.checked_add(SignedDuration::from_secs(seconds));
        Some(Self {
            at: at.ok()?,
            ..*self
        })
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.at.cmp(&other.at)
    }
}

impl CronDateTime for Local {
    fn to_civil(&self) -> CivilDateTime {
        to_civil(self.at.datetime())
    }

    fn civil_weekday(&self) -> Weekday {
        to_weekday(self.at.weekday())
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronError> {
        let at = to_jiff(civil, self.last_year)?;
        let ambiguous = self.at.time_zone().to_ambiguous_zoned_datetime(at);
        let of = |at: Result<ZonedDateTime, jiff::Error>| {
            let at = at.map_err(|_| CronError::InvalidTime)?;
            Ok(Self { at, ..*self })
        };
        Ok(match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { .. } => Resolution::Single(of(ambiguous.unambiguous())?),
            AmbiguousOffset::Fold { .. } => {
                Resolution::Ambiguous(of(ambiguous.clone().earlier())?, of(ambiguous.later())?)
            }
            AmbiguousOffset::Gap { .. } => Resolution::Gap,
        })
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        let at = self.at.checked_add(SignedDuration::from_secs(seconds));
        Some(Self {
            at: at.ok()?,
            ..*self
        })
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.at.timestamp().cmp(&other.at.timestamp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    fn at(text: &str) -> Duration {
        let at: Timestamp = text.parse().unwrap();
        Duration::try_from(at.as_duration()).unwrap()
    }

    /// What an expression gives from a time on, in UTC.
    fn times(expression: &str, name: &str, from: &str, count: usize) -> Vec<String> {
        let cron = Cron::parse(expression, zone(name)).unwrap();
        let mut last = at(from);
        let mut found = Vec::new();
        for _ in 0..count {
            last = cron.next(last).unwrap();
            let next = Timestamp::from_duration(SignedDuration::try_from(last).unwrap()).unwrap();
            found.push(next.strftime("%m-%d %H:%M:%S").to_string());
        }
        found
    }

    #[test]
    fn expressions_are_due_when_they_say() {
        for (expression, from, expected) in [
            (
                "0 9 * * *",
                "2026-01-01T09:00:00Z",
                ["01-02 09:00:00", "01-03 09:00:00"],
            ),
            (
                "*/20 * * * *",
                "2026-01-01T00:00:00.5Z",
                ["01-01 00:20:00", "01-01 00:40:00"],
            ),
            (
                "30 */10 * * * *",
                "2026-01-01T00:00:00Z",
                ["01-01 00:00:30", "01-01 00:10:30"],
            ),
            (
                "0 0 29 2 *",
                "2026-01-01T00:00:00Z",
                ["02-29 00:00:00", "02-29 00:00:00"],
            ),
            (
                "0 0 L * *",
                "2026-01-31T00:00:00Z",
                ["02-28 00:00:00", "03-31 00:00:00"],
            ),
            (
                "0 12 * * mon-fri",
                "2026-01-02T12:00:00Z",
                ["01-05 12:00:00", "01-06 12:00:00"],
            ),
            (
                "0 12 * * FRI#2",
                "2026-01-01T12:00:00Z",
                ["01-09 12:00:00", "02-13 12:00:00"],
            ),
            (
                "0 0 13 * 5",
                "2026-01-01T00:00:00Z",
                ["01-02 00:00:00", "01-09 00:00:00"],
            ),
            (
                "0 0 * * 7",
                "2026-01-01T00:00:00Z",
                ["01-04 00:00:00", "01-11 00:00:00"],
            ),
            (
                "@weekly",
                "2026-01-01T00:00:00Z",
                ["01-04 00:00:00", "01-11 00:00:00"],
            ),
            (
                "@Hourly",
                "2026-01-01T00:00:00Z",
                ["01-01 01:00:00", "01-01 02:00:00"],
            ),
        ] {
            assert_eq!(times(expression, "UTC", from, 2), expected, "{expression}");
        }
    }

    #[test]
    fn named_times_are_due_once_a_day_and_the_others_follow_the_time_that_passes() {
        let spring = "2026-03-28T12:00:00Z";
        let autumn = "2026-10-24T12:00:00Z";
        let berlin = |expression, from, count| times(expression, "Europe/Berlin", from, count);
        // From 2:00 the clock goes to 3:00: what was skipped is due at once.
        assert_eq!(
            berlin("30 2 * * *", spring, 2),
            ["03-29 01:00:00", "03-30 00:30:00"]
        );
        assert_eq!(
            berlin("0,30 2,3 * * *", spring, 3),
            ["03-29 01:00:00", "03-29 01:30:00", "03-30 00:00:00"]
        );
        // From 3:00 it goes back to 2:00: the second time is left out.
        assert_eq!(
            berlin("30 2 * * *", autumn, 2),
            ["10-25 00:30:00", "10-26 01:30:00"]
        );
        assert_eq!(
            times("30 2 * * *", "Europe/Berlin", "2026-10-25T01:15:00Z", 1),
            ["10-26 01:30:00"]
        );
        let hourly = [
            "10-24 23:30:00",
            "10-25 00:30:00",
            "10-25 01:30:00",
            "10-25 02:30:00",
        ];
        assert_eq!(
            times("30 * * * *", "Europe/Berlin", "2026-10-24T23:00:00Z", 4),
            hourly
        );
        assert_eq!(
            times("0 */2 * * *", "Europe/Berlin", "2026-03-28T23:30:00Z", 2),
            ["03-29 02:00:00", "03-29 04:00:00"]
        );
        // A whole day that did not exist.
        assert_eq!(
            times("0 9 * * *", "Pacific/Apia", "2011-12-29T20:00:00Z", 3),
            ["12-30 10:00:00", "12-30 19:00:00", "12-31 19:00:00"]
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (expression, says) in [
            (
                "",
                "expected five fields (minute, hour, day of the month, month, day of the week), or six with the second before them, got 0",
            ),
            ("* * * *", "got 4"),
            ("0 0 1 1 * 2026 7", "got 7"),
            ("60 * * * *", "the minute \"60\": expected 0 to 59"),
            ("0 24 * * *", "the hour \"24\": expected 0 to 23"),
            ("0 0 0 * *", "the day of the month \"0\": expected 1 to 31"),
            ("0 0 * 13 *", "the month \"13\": expected 1 to 12"),
            ("0 0 * MON *", "the month \"MON\""),
            ("0 0 * * 8", "the day of the week \"8\": expected 0 to 7"),
            ("0 0 * * monday", "the day of the week \"MONDAY\""),
            ("0 0 * * JAN", "the day of the week \"JAN\""),
            ("L * * * *", "the minute \"L\""),
            ("*/0 * * * *", "the minute \"*/0\""),
            ("5-1 * * * *", "the minute \"5-1\""),
            ("1,,2 * * * *", "the minute \"1,,2\""),
            ("70 0 0 1 1 *", "the second \"70\""),
            ("@dayly", "there is no \"@dayly\"; did you mean \"@daily\"?"),
            ("@reboot", "there is no \"@reboot\""),
            ("ⅷ * * * *", "the minute"),
        ] {
            let error = Cron::parse(expression, TimeZone::UTC).unwrap_err();
            assert!(error.contains(says), "{expression}: {error}");
        }
        let long = "1,".repeat(200);
        assert!(
            Cron::parse(&long, TimeZone::UTC)
                .unwrap_err()
                .contains("200 characters")
        );
        for never in ["0 0 30 2 *", "0 0 31 4,6,9,11 *", "* * 30 2 *"] {
            let cron = Cron::parse(never, zone("Europe/Berlin")).unwrap();
            assert_eq!(cron.next(at("2026-01-01T00:00:00Z")), None, "{never}");
        }
    }

    /// The minutes of some days around a jump of the clock.
    const AROUND: [(&str, &str); 6] = [
        ("Europe/Berlin", "2026-03-28T00:00:00Z"),
        ("Europe/Berlin", "2026-10-24T00:00:00Z"),
        ("America/New_York", "2026-03-07T00:00:00Z"),
        ("Australia/Lord_Howe", "2026-04-04T00:00:00Z"),
        ("Australia/Lord_Howe", "2026-10-03T00:00:00Z"),
        ("America/Sao_Paulo", "2018-11-03T00:00:00Z"),
    ];
    const MINUTES: u64 = 3 * 24 * 60;

    /// All minutes at which the expression is due, found by looking at each of them.
    fn model(
        zone: &TimeZone,
        begin: Duration,
        minutes: &BTreeSet<i8>,
        hours: &BTreeSet<i8>,
        names_times: bool,
    ) -> Vec<Duration> {
        let is_meant = |at: DateTime| minutes.contains(&at.minute()) && hours.contains(&at.hour());
        let minute = |number: u64| begin + Duration::from_secs(60 * number);
        let mut due = Vec::new();
        let mut last: Option<DateTime> = None;
        // Earlier, so that what comes twice was seen the first time.
        for number in 0..MINUTES + 24 * 60 {
            let now = minute(number).saturating_sub(Duration::from_secs(24 * 3_600));
            let stamp = Timestamp::from_duration(SignedDuration::try_from(now).unwrap()).unwrap();
            let wall = stamp.to_zoned_datetime(zone.clone()).datetime();
            let is_due = if names_times {
                // Every wall time since the furthest one that was reached, each once.
                let mut reached = false;
                let mut next = last.map_or(wall, |last| {
                    last.checked_add(SignedDuration::from_mins(1)).unwrap()
                });
                while next <= wall {
                    reached |= is_meant(next);
                    last = Some(next);
                    next = next.checked_add(SignedDuration::from_mins(1)).unwrap();
                }
                reached
            } else {
                is_meant(wall)
            };
            if is_due && now > begin {
                due.push(now);
            }
        }
        due
    }

    fn listed(values: &BTreeSet<i8>) -> String {
        let texts: Vec<_> = values.iter().map(ToString::to_string).collect();
        texts.join(",")
    }

    proptest! {
        #[test]
        fn every_time_is_found_as_by_looking_at_each_minute(
            place in 0..AROUND.len(),
            minutes in prop::collection::btree_set(0..60_i8, 1..4),
            hours in prop::collection::btree_set(0..5_i8, 1..4),
            star in 0..4,
        ) {
            let (name, from) = AROUND[place];
            let (zone, begin) = (zone(name), at(from));
            let all = |to: i8| (0..to).collect::<BTreeSet<_>>();
            let (minute, minutes) = if star == 1 {
                ("*/7".to_owned(), all(60).into_iter().filter(|it| it % 7 == 0).collect())
            } else {
                (listed(&minutes), minutes)
            };
            let (hour, hours) = if star == 2 {
                ("*".to_owned(), all(24))
            } else {
                (listed(&hours), hours)
            };
            let cron = Cron::parse(&format!("{minute} {hour} * * *"), zone.clone()).unwrap();
            let expected = model(&zone, begin, &minutes, &hours, star != 1 && star != 2);
            let end = begin + Duration::from_secs(60 * MINUTES);
            let mut found = Vec::new();
            let mut last = begin;
            while let Some(next) = cron.next(last) {
                if next >= end {
                    break;
                }
                prop_assert!(next > last);
                found.push(next);
                last = next;
            }
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[ -~]{0,40}|([0-9*/,LW#-]{1,6} ){4}[0-9A-Z#*-]{1,5}") {
            if let Ok(cron) = Cron::parse(&text, zone("Europe/Berlin")) {
                let now = at("2026-03-28T12:00:00Z");
                if let Some(next) = cron.next(now) {
                    prop_assert!(next > now);
                }
            }
        }
    }
}

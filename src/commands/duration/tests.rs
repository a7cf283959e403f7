use super::*;
use crate::commands::text::{Language, duration_in_words};
use proptest::prelude::*;
use std::time::Duration;

#[test]
fn every_form_is_read() {
    let cases = [
        ("250ms", 0.25),
        ("90s", 90.0),
        ("5m", 300.0),
        ("2h", 7_200.0),
        ("1d", 86_400.0),
        ("1w", 604_800.0),
        ("1 month", 2_592_000.0),
        ("1 tahun", 31_536_000.0),
        ("1h30m", 5_400.0),
        ("1H 30M", 5_400.0),
        ("1.5h", 5_400.0),
        ("1,5 jam", 5_400.0),
        ("1,25h", 4_500.0),
        ("2 days", 172_800.0),
        ("2jam 5menit", 7_500.0),
        ("1 hour and 30 minutes", 5_400.0),
        ("1 jam dan 30 menit", 5_400.0),
        ("1 hour, 30 minutes,", 5_400.0),
        ("1h,30m", 5_400.0),
        ("10 min.", 600.0),
        ("1h.5m", 3_630.0),
        ("90", 90.0),
        ("0", 0.0),
        ("1h30", 5_400.0),
        ("2 days and 3 hours", 183_600.0),
        ("2 DAYS", 172_800.0),
        ("2\u{a0}days", 172_800.0),
        ("2\u{202f}days", 172_800.0),
        ("2 days:", 172_800.0),
        ("2 days!", 172_800.0),
        ("2d;", 172_800.0),
        ("10 M", 600.0),
        ("1mo", 2_592_000.0),
        ("two days", 172_800.0),
        ("a day", 86_400.0),
        ("An Hour", 3_600.0),
        ("half an hour", 1_800.0),
        ("half a day", 43_200.0),
        ("½h", 1_800.0),
        ("1½ hours", 5_400.0),
        ("1 1/2 hours", 5_400.0),
        ("2 and a half hours", 9_000.0),
        ("one and a half hours", 5_400.0),
        ("an hour and a half", 5_400.0),
        ("2 hours and a minute", 7_260.0),
        ("setengah jam", 1_800.0),
        ("satu setengah jam", 5_400.0),
        ("1 jam setengah", 5_400.0),
        ("sejam", 3_600.0),
        ("seminggu dan 2 hari", 777_600.0),
        ("in 10 minutes", 600.0),
        ("for 2 days", 172_800.0),
        ("selama 2 hari", 172_800.0),
    ];
    for (text, seconds) in cases {
        assert_eq!(parse_seconds(text), Some(seconds), "{text}");
    }
}

#[test]
fn what_is_no_duration_is_refused() {
    let wrong = [
        "",
        "h",
        "1x",
        "-5",
        "1h2h",
        "1h 30",
        "1h 2h 30",
        "1d30",
        "1h90",
        "-5m",
        "+5m",
        "1:30",
        "1:30:00",
        "１０分",
        "１０ minutes",
        "2 secret",
        "5 days-old",
        "a m",
        "a",
        "half",
        "in 5",
        "10 minutes a day",
        "10 minutes: 5 hours",
        "1 and a half",
        "twenty five minutes",
        "1 000 seconds",
        "1e5",
        "inf",
        "nan",
        "1..5",
        "5 5",
        "9999999w",
        "1h and",
        "and 1h",
        "1h and and 2m",
        "1,000 s",
        "1.5,5 s",
        "5,5",
        ",5 s",
        "1h,,2m",
        "٣s",
        "10 minutes tea",
    ];
    for text in wrong {
        assert_eq!(parse_seconds(text), None, "{text}");
    }
    assert_eq!(parse_seconds(&"9".repeat(4_000)), None);
    assert_eq!(parse_with_unit("90"), None);
    assert_eq!(parse_with_unit("90s"), Some(90.0));
}

#[test]
fn a_mistyped_unit_is_put_right() {
    let cases = [
        ("10 minuts", "10 minutes"),
        ("10minuts", "10minutes"),
        ("10 Minuten", "10 minutes"),
        ("1h 30 mintues", "1h 30 minutes"),
        ("2 wekes", "2 weeks"),
        ("3 mingu", "3 minggu"),
        ("2 horus and 5m", "2 hours and 5m"),
        ("two dayss", "two days"),
        ("5 days-old", "5 days"),
        ("2 day's", "2 day"),
        ("2 hari/minggu", "2 hari"),
    ];
    for (text, meant) in cases {
        assert_eq!(corrected(text).as_deref(), Some(meant), "{text}");
    }
    for other in [
        "10",
        "10m",
        "10 tea",
        "10 times",
        "10 men",
        "1h 2 hourz",
        "x",
        "",
        "10 minutes tea",
        "2 hours 5 days-old",
        "10 minutes: tea",
        "5 days-old bread",
        "2 secret",
    ] {
        assert_eq!(corrected(other), None, "{other}");
    }
}

#[test]
fn a_number_is_no_seconds_where_its_unit_follows_later() {
    for text in [
        "2 or 3 days",
        "2 to 3 hours",
        "10 more minutes",
        "1 000 seconds",
        "2 - 3 days",
        "2 atau 3 hari",
        "2 or 3 days-old",
    ] {
        assert!(is_unclear(text), "{text}");
    }
    for text in [
        "2 days",
        "2 and a half hours",
        "90 tea",
        "90 30 minutes",
        "90 or so",
        "90 red days",
        "two or three days",
        "",
        "5",
    ] {
        assert!(!is_unclear(text), "{text}");
    }
}

#[test]
fn what_may_begin_a_sentence_is_known() {
    for text in ["a day", "One day", "sejam", "in 2 days", "for 2 days"] {
        assert!(
            parse_seconds(text).is_some() && may_be_prose(text),
            "{text}"
        );
    }
    for text in ["2 days", "two days", "half an hour", "setengah jam", "1h"] {
        assert!(
            parse_seconds(text).is_some() && !may_be_prose(text),
            "{text}"
        );
    }
}

fn languages() -> impl Strategy<Value = Language> {
    proptest::sample::select(vec![Language::English, Language::Indonesian])
}

fn names() -> impl Iterator<Item = (usize, &'static str)> {
    let units = UNITS.iter().enumerate();
    units.flat_map(|(index, (_, names))| names.iter().map(move |name| (index, *name)))
}

#[test]
fn every_unit_is_read_in_any_letter_case_with_and_without_space() {
    for (index, name) in names() {
        for name in [name.to_owned(), name.to_uppercase()] {
            for text in [
                format!("3{name}"),
                format!("3 {name}"),
                format!("3  {name},"),
            ] {
                assert_eq!(parse_seconds(&text), Some(3.0 * UNITS[index].0), "{text}");
            }
        }
    }
}

#[test]
fn no_name_stands_for_two_units() {
    let mut all: Vec<_> = names().map(|(_, name)| name).collect();
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count);
}

proptest! {
    #[test]
    fn what_is_formatted_is_parsed_back(seconds in 1_u64..40_000_000, language in languages()) {
        let words = duration_in_words(Duration::from_secs(seconds), language);
        let parsed = parse_seconds(&words);
        let again = parsed.map(|parsed| duration_in_words(Duration::from_secs_f64(parsed), language));
        prop_assert_eq!(again, Some(words.clone()), "{}", words);
        prop_assert!(parsed.is_some_and(|parsed| parsed <= f64::from(u32::try_from(seconds).unwrap_or(0))));
    }

    #[test]
    fn no_text_breaks_it(text in "(\\PC|[0-9.,& ]|and|min|1h|hours ){0,40}") {
        if let Some(seconds) = parse_seconds(&text) {
            prop_assert!((0.0..=LONGEST).contains(&seconds));
            prop_assert_eq!(corrected(&text), None);
        }
        if let Some(meant) = corrected(&text) {
            prop_assert!(parse_seconds(&meant).is_some(), "{}", meant);
        }
    }
}

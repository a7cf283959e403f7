//! Spans of time as users type them: `90s`, `1h30m`, `1.5h`, `2 days`, `1 jam 30 menit`, `90`.

use crate::nearest::nearest_by;
use std::cmp::Reverse;

/// The units, how many seconds each has, and its names: English, then Indonesian. A month has 30
/// days and a year 365, as a span has no date.
pub(super) const UNITS: [(f64, &[&str]); 9] = [
    (
        0.001,
        &[
            "ms",
            "msec",
            "msecs",
            "millisecond",
            "milliseconds",
            "milidetik",
        ],
    ),
    (
        1.0,
        &["s", "sec", "secs", "second", "seconds", "detik", "dtk"],
    ),
    (
        60.0,
        &["m", "min", "mins", "minute", "minutes", "menit", "mnt"],
    ),
    (3_600.0, &["h", "hr", "hrs", "hour", "hours", "jam"]),
    (86_400.0, &["d", "day", "days", "hari"]),
    (
        604_800.0,
        &["w", "wk", "wks", "week", "weeks", "minggu", "mgg", "pekan"],
    ),
    (1_209_600.0, &["fortnight", "fortnights"]),
    (
        2_592_000.0,
        &["mo", "mos", "month", "months", "bulan", "bln"],
    ),
    (
        31_536_000.0,
        &["y", "yr", "yrs", "year", "years", "tahun", "thn"],
    ),
];

/// Words that may stand between two parts: `1 hour and 30 minutes`.
const JOINERS: [&str; 4] = ["and", "dan", "&", "+"];

/// Words before a span: `for 2 days`, `in 10 minutes`.
const LEADS: [&str; 4] = ["for", "in", "selama", "dalam"];

/// Numbers as words, English and Indonesian.
const NUMBERS: [(f64, &[&str]); 14] = [
    (1.0, &["one", "satu", "a", "an"]),
    (2.0, &["two", "dua"]),
    (3.0, &["three", "tiga"]),
    (4.0, &["four", "empat"]),
    (5.0, &["five", "lima"]),
    (6.0, &["six", "enam"]),
    (7.0, &["seven", "tujuh"]),
    (8.0, &["eight", "delapan"]),
    (9.0, &["nine", "sembilan"]),
    (10.0, &["ten", "sepuluh"]),
    (12.0, &["twelve"]),
    (15.0, &["fifteen"]),
    (20.0, &["twenty"]),
    (30.0, &["thirty"]),
];

/// Words for half of a unit, the longest first.
const HALVES: [&str; 5] = ["half an", "half a", "half", "setengah", "½"];

/// What adds a half to the number, or to the unit, before it.
const AND_HALF: [&str; 5] = ["and a half", "and half", "setengah", "1/2", "½"];

/// Words in which text often begins, with a unit behind them as well: `one day I will`, `a week off`.
const PROSE: [&str; 8] = ["a", "an", "one", "satu", "for", "in", "selama", "dalam"];

/// Words between a number and its unit that make the text no span: `2 or 3 days`, `10 more minutes`.
const BETWEEN: [&str; 14] = [
    "and", "dan", "or", "atau", "to", "sampai", "more", "full", "whole", "extra", "-", "–", "half",
    "x",
];

/// Characters after a span that separate it from the next words: `10 minutes: tea`.
pub(super) const END_MARKS: [char; 9] = [',', '.', ';', ':', '!', '?', '…', '、', ')'];

/// More words than the longest possible span has.
pub(super) const MOST_WORDS: usize = 4 * UNITS.len();

/// A unit after a number in words is no single letter.
const SHORTEST_AFTER_WORD: usize = 3;

/// A thousand years: beyond it a number of seconds is a mistake, and dates end.
const LONGEST: f64 = 31_556_952_000.0;

/// Letters of a shorter word are too few to tell a mistyped unit from another word.
const SHORTEST_MISTYPED: usize = 4;
/// From so many letters on, two of them may be wrong.
const LONG_WORD: usize = 7;

/// The seconds that a text stands for: numbers with units, one after another, or one number of
/// seconds. Nothing for every other text, for a unit given twice, and beyond a thousand years.
pub(super) fn parse_seconds(text: &str) -> Option<f64> {
    let text = &tidy(text);
    let seconds = match bare_number(text) {
        Some(seconds) => seconds,
        None => sum_of_units(after_lead(text)).ok()?,
    };
    (seconds <= LONGEST).then_some(seconds)
}

/// As [`parse_seconds`], but a number needs its unit, and no word may come before it.
pub(super) fn parse_with_unit(text: &str) -> Option<f64> {
    let seconds = sum_of_units(&tidy(text)).ok()?;
    (seconds <= LONGEST).then_some(seconds)
}

/// What a text that is no span was probably meant to be: it is one when a single mistyped unit is
/// put right (`10 minuts`), or what is written against its unit is left out (`5 days-old`).
pub(super) fn corrected(text: &str) -> Option<String> {
    let tidied = tidy(text);
    let text = tidied.as_str();
    let corrected = match sum_of_units(after_lead(text)).err()? {
        Wrong::Unit(unknown) => {
            let start = text.len() - unknown.len();
            let end = start + letters(unknown);
            let unit = nearest_unit(&text[start..end])?;
            format!("{}{unit}{}", &text[..start], &text[end..])
        }
        Wrong::Against(rest) => text[..text.len() - rest.len()].to_owned(),
        Wrong::Other => return None,
    };
    parse_seconds(&corrected).is_some().then_some(corrected)
}

/// Whether a text that is no span begins with a number and ends with its unit, so that the number
/// alone cannot be meant: `2 or 3 days`, `1 000 seconds`.
pub(super) fn is_unclear(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [first, between @ .., last] = words.as_slice() else {
        return false;
    };
    let unit = &last[..letters(last)];
    if bare_number(first).is_none() || between.is_empty() || index_of(unit).is_none() {
        return false;
    }
    let is_between = |word: &str| BETWEEN.iter().any(|it| word.eq_ignore_ascii_case(it));
    let mut after_word = false;
    let all_between = between.iter().all(|word| {
        let is_group = word.len() == 3 && bare_number(word).is_some();
        let belongs = is_between(word) || is_group || (after_word && number(word).is_some());
        after_word = is_between(word);
        belongs
    });
    all_between && unit.len() >= SHORTEST_AFTER_WORD && parse_seconds(text).is_none()
}

/// Whether a text that is a span may as well be the beginning of a sentence.
pub(super) fn may_be_prose(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    PROSE.iter().any(|word| first.eq_ignore_ascii_case(word)) || of_one(first).is_some()
}

/// The words with one space between them.
pub(super) fn tidy(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn after_lead(text: &str) -> &str {
    let after = LEADS.iter().find_map(|lead| after_phrase(text, lead));
    after.unwrap_or(text)
}

/// What follows some words with which a text begins, whatever their letter case.
pub(super) fn after_phrase<'a>(text: &'a str, phrase: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(phrase.len())?;
    let is_word = phrase.ends_with(char::is_alphabetic);
    let ends = !is_word || !rest.starts_with(char::is_alphanumeric);
    (ends && start.eq_ignore_ascii_case(phrase)).then(|| rest.trim_start())
}

/// What keeps a text from being a span.
enum Wrong<'a> {
    /// The text from the word on that should be a unit and is none.
    Unit(&'a str),
    /// What is written against the unit of the first part.
    Against(&'a str),
    /// Anything else.
    Other,
}

/// The sum of all parts.
fn sum_of_units(text: &str) -> Result<f64, Wrong<'_>> {
    let mut sum = 0.0;
    let mut seen = [false; UNITS.len()];
    let mut left = text;
    // In the middle of a text `a day` belongs to what follows: `10 minutes a day`.
    let mut takes_words = true;
    loop {
        let (count, after, shortest) = match number(left) {
            Some((count, after)) => (count, after, 1),
            None if left.starts_with('½') => (0.5, left.trim_start_matches('½'), 1),
            None if takes_words => {
                let (count, after) = number_in_words(left).ok_or(Wrong::Other)?;
                (count, after, SHORTEST_AFTER_WORD)
            }
            None => return Err(Wrong::Other),
        };
        let (count, after) = with_half(count, after.trim_start());
        let (unit, rest) = after.split_at(letters(after));
        let known = index_of(unit).filter(|_| unit.len() >= shortest);
        let Some(index) = known else {
            let is_hours = unit.is_empty() && after.is_empty() && seen == ONLY_HOURS;
            // `1h30` has no space in it.
            if is_hours && !text.contains(' ') && count < 60.0 {
                return Ok(sum + count * 60.0);
            }
            let unknown = Wrong::Unit(after);
            return Err(if unit.is_empty() {
                Wrong::Other
            } else {
                unknown
            });
        };
        let is_first = seen == [false; UNITS.len()];
        if std::mem::replace(&mut seen[index], true) {
            return Err(Wrong::Other);
        }
        sum += count * UNITS[index].0;
        if rest.trim_matches(END_MARKS).is_empty() {
            return Ok(sum);
        }
        if AND_HALF
            .iter()
            .any(|half| after_phrase(rest.trim_start(), half) == Some(""))
        {
            return Ok(sum + UNITS[index].0 / 2.0);
        }
        let marked = after_mark(rest);
        let goes_on = |next: char| next.is_whitespace() || next.is_alphanumeric() || next == '.';
        let is_against = marked.len() == rest.len() && !rest.starts_with(goes_on);
        if is_first && is_against && !rest.contains(' ') {
            return Err(Wrong::Against(rest));
        }
        let next = marked.trim_start();
        left = after_joiner(next);
        takes_words = left.len() < next.len();
    }
}

/// What has been given before the `30` of `1h30`.
const ONLY_HOURS: [bool; UNITS.len()] =
    [false, false, false, true, false, false, false, false, false];

/// A number in words and what follows it.
fn number_in_words(text: &str) -> Option<(f64, &str)> {
    if let Some(after) = HALVES.iter().find_map(|half| after_phrase(text, half)) {
        return Some((0.5, after));
    }
    if let Some(unit) = of_one(text) {
        return Some((1.0, unit));
    }
    NUMBERS.iter().find_map(|(number, words)| {
        let after = words.iter().find_map(|word| after_phrase(text, word))?;
        Some((*number, after))
    })
}

/// The unit of a text that begins with one in a single Indonesian word: `sejam`, `seminggu`.
fn of_one(text: &str) -> Option<&str> {
    let (start, unit) = text.split_at_checked(2)?;
    let name = unit[..letters(unit)].to_lowercase();
    let units = [
        "detik", "menit", "jam", "hari", "minggu", "pekan", "bulan", "tahun",
    ];
    (start.eq_ignore_ascii_case("se") && units.contains(&name.as_str())).then_some(unit)
}

/// A number with the half that may follow it: `2 and a half hours`, `1½ h`, `satu setengah jam`.
fn with_half(count: f64, after: &str) -> (f64, &str) {
    let rest = AND_HALF.iter().find_map(|half| after_phrase(after, half));
    match rest.filter(|rest| !rest.is_empty()) {
        Some(rest) => (count + 0.5, rest),
        None => (count, after),
    }
}

fn index_of(unit: &str) -> Option<usize> {
    let unit = unit.to_lowercase();
    UNITS
        .iter()
        .position(|(_, names)| names.contains(&unit.as_str()))
}

/// How many bytes of letters a text begins with.
fn letters(text: &str) -> usize {
    text.find(|character: char| !character.is_alphabetic())
        .unwrap_or(text.len())
}

/// What follows the mark after a unit: the comma of a list, the full stop of `10 min.`
fn after_mark(text: &str) -> &str {
    let after = text.strip_prefix([',', '.']).unwrap_or(text);
    let ends_word = after.is_empty() || after.starts_with(char::is_whitespace);
    if ends_word || text.starts_with(',') {
        after
    } else {
        text
    }
}

/// What follows a word that joins two parts. A joiner with nothing behind it joins nothing.
fn after_joiner(text: &str) -> &str {
    let (word, rest) = text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()));
    let is_joiner = JOINERS
        .iter()
        .any(|joiner| word.eq_ignore_ascii_case(joiner));
    let rest = rest.trim_start();
    if is_joiner && !rest.is_empty() {
        rest
    } else {
        text
    }
}

/// The unit that a word was meant to be. It begins with the same letter: what differs there is
/// rarely a slip.
fn nearest_unit(word: &str) -> Option<&'static str> {
    let word = word.to_lowercase();
    let length = word.chars().count();
    if !(SHORTEST_MISTYPED..=20).contains(&length) {
        return None;
    }
    let allowed = if length < LONG_WORD { 1 } else { 2 };
    let names = UNITS.iter().flat_map(|(_, names)| names.iter().copied());
    nearest_by(names, |name| {
        let is_comparable =
            name.len() >= SHORTEST_MISTYPED && name.chars().next() == word.chars().next();
        let distance = strsim::damerau_levenshtein(&word, name);
        // Of `minute` and `minutes` the longer: more than one is the rule.
        (is_comparable && distance <= allowed).then_some((distance, Reverse(name.len())))
    })
}

/// A number and nothing else.
pub(super) fn bare_number(text: &str) -> Option<f64> {
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    // `parse` takes `.5` and `5.` as well, and refuses `.`, `1.2.3` and the empty text.
    text.parse()
        .ok()
        .filter(|number: &f64| plain && number.is_finite())
}

/// The decimal number at the start of a text and what follows it. A comma with one or two digits
/// behind it is a decimal one: `1,5 jam`.
fn number(text: &str) -> Option<(f64, &str)> {
    let is_digit = |character: char| character.is_ascii_digit();
    let end = text
        .find(|character: char| !is_digit(character) && character != '.')
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    if let Some(after) = rest.strip_prefix(',')
        && !digits.is_empty()
        && !digits.contains('.')
    {
        let (decimals, after) =
            after.split_at(after.len() - after.trim_start_matches(is_digit).len());
        if (1..=2).contains(&decimals.len()) {
            return Some((bare_number(&format!("{digits}.{decimals}"))?, after));
        }
    }
    Some((bare_number(digits)?, rest))
}

#[cfg(test)]
mod tests;

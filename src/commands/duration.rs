//! Spans of time as users type them: `90s`, `1h30m`, `1.5h`, `2 days`, `1 jam 30 menit`, `90`.

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
const JOINERS: [&str; 3] = ["and", "dan", "&"];

/// The words of the longest span there is: each unit once with its number, and a joiner between two.
pub(super) const MOST_WORDS: usize = 3 * UNITS.len() - 1;

/// A thousand years: beyond it a number of seconds is a mistake, and dates end.
const LONGEST: f64 = 31_556_952_000.0;

/// Letters of a shorter word are too few to tell a mistyped unit from another word.
const SHORTEST_MISTYPED: usize = 4;
/// From so many letters on, two of them may be wrong.
const LONG_WORD: usize = 7;

/// The seconds that a text stands for: numbers with units, one after another, or one number of
/// seconds. Nothing for every other text, for a unit given twice, and beyond a thousand years.
pub fn parse_seconds(text: &str) -> Option<f64> {
    let text = text.trim();
    let seconds = match bare_number(text) {
        Some(seconds) => seconds,
        None => sum_of_units(text).ok()?,
    };
    (seconds <= LONGEST).then_some(seconds)
}

/// As [`parse_seconds`], but a number needs its unit.
pub fn parse_with_unit(text: &str) -> Option<f64> {
    match bare_number(text.trim()) {
        Some(_) => None,
        None => parse_seconds(text),
    }
}

/// What a text that is no span was probably meant to be: it is one when a single mistyped unit is
/// put right (`10 minuts`).
pub(super) fn corrected(text: &str) -> Option<String> {
    let text = text.trim();
    let unknown = sum_of_units(text).err()??;
    let start = text.len() - unknown.len();
    let end = start + letters(unknown);
    let unit = nearest_unit(&text[start..end])?;
    let corrected = format!("{}{unit}{}", &text[..start], &text[end..]);
    parse_seconds(&corrected).is_some().then_some(corrected)
}

/// The sum of all parts. The error is the text from the word on that should be a unit and is none,
/// if that is what is wrong.
fn sum_of_units(text: &str) -> Result<f64, Option<&str>> {
    let mut sum = 0.0;
    let mut seen = [false; UNITS.len()];
    let mut left = text;
    loop {
        let (count, after) = number(left).ok_or(None)?;
        let after = after.trim_start();
        let (unit, rest) = after.split_at(letters(after));
        let index = index_of(unit).ok_or((!unit.is_empty()).then_some(after))?;
        if std::mem::replace(&mut seen[index], true) {
            return Err(None);
        }
        sum += count * UNITS[index].0;
        left = after_joiner(after_mark(rest).trim_start());
        if left.is_empty() {
            return Ok(sum);
        }
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
    names
        .filter(|name| {
            name.len() >= SHORTEST_MISTYPED && name.chars().next() == word.chars().next()
        })
        .map(|name| (strsim::damerau_levenshtein(&word, name), name))
        .filter(|(distance, _)| *distance <= allowed)
        // Of `minute` and `minutes` the longer: more than one is the rule.
        .min_by_key(|(distance, name)| (*distance, std::cmp::Reverse(name.len())))
        .map(|(_, name)| name)
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
#[path = "duration_tests.rs"]
mod tests;

//! Spans of time as users type them: `90s`, `1h30m`, `1.5h`, `2 days`, `90`.

/// The units and how many seconds each has; in Indonesian, too.
const UNITS: [(f64, &[&str]); 6] = [
    (0.001, &["ms", "millisecond", "milliseconds", "milidetik"]),
    (1.0, &["s", "sec", "secs", "second", "seconds", "detik"]),
    (60.0, &["m", "min", "mins", "minute", "minutes", "menit"]),
    (3_600.0, &["h", "hr", "hrs", "hour", "hours", "jam"]),
    (86_400.0, &["d", "day", "days", "hari"]),
    (604_800.0, &["w", "week", "weeks", "minggu"]),
];

/// A thousand years: beyond it a number of seconds is a mistake, and dates end.
const LONGEST: f64 = 31_556_952_000.0;

/// The seconds that a text stands for: numbers with units, one after another, or one number of
/// seconds. Nothing for every other text, for a unit given twice, and beyond a thousand years.
pub fn parse_seconds(text: &str) -> Option<f64> {
    let text = text.trim();
    let seconds = match number(text)? {
        (seconds, "") => seconds,
        _ => sum_of_units(text)?,
    };
    (seconds <= LONGEST).then_some(seconds)
}

/// As [`parse_seconds`], but a number needs its unit.
pub fn parse_with_unit(text: &str) -> Option<f64> {
    let (_, unit) = number(text.trim())?;
    if unit.is_empty() {
        return None;
    }
    parse_seconds(text)
}

fn sum_of_units(text: &str) -> Option<f64> {
    let mut sum = 0.0;
    let mut seen = [false; UNITS.len()];
    let mut left = text;
    while !left.is_empty() {
        let (count, after) = number(left)?;
        let after = after.trim_start();
        let letters = after
            .find(|character: char| !character.is_alphabetic())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let unit = unit.to_lowercase();
        let index = UNITS
            .iter()
            .position(|(_, names)| names.contains(&unit.as_str()))?;
        if std::mem::replace(&mut seen[index], true) {
            return None;
        }
        sum += count * UNITS[index].0;
        left = after.trim_start();
    }
    Some(sum)
}

/// The decimal number at the start of a text and what follows it.
fn number(text: &str) -> Option<(f64, &str)> {
    let end = text
        .find(|character: char| !character.is_ascii_digit() && character != '.')
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    // `parse` takes `.5` and `5.` as well, and refuses `.`, `1.2.3` and the empty text.
    let number: f64 = digits.parse().ok()?;
    number.is_finite().then_some((number, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        let cases = [
            ("250ms", 0.25),
            ("90s", 90.0),
            ("5m", 300.0),
            ("2h", 7_200.0),
            ("1d", 86_400.0),
            ("1w", 604_800.0),
            ("1h30m", 5_400.0),
            ("1H 30M", 5_400.0),
            ("1.5h", 5_400.0),
            ("2 days", 172_800.0),
            ("2jam 5menit", 7_500.0),
            ("90", 90.0),
            ("0", 0.0),
        ];
        for (text, seconds) in cases {
            assert_eq!(parse_seconds(text), Some(seconds), "{text}");
        }
        let wrong = [
            "", "h", "1x", "-5", "1h2h", "1h30", "1e5", "inf", "nan", "1..5", "5 5", "9999999w",
            "1h,", "٣s",
        ];
        for text in wrong {
            assert_eq!(parse_seconds(text), None, "{text}");
        }
        assert_eq!(parse_seconds(&"9".repeat(4_000)), None);
        assert_eq!(parse_with_unit("90"), None);
        assert_eq!(parse_with_unit("90s"), Some(90.0));
    }
}

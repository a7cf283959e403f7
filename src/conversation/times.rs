//! Times in texts, as Discord marks them (`<t:1767268800:R>`), and in embeds.

use jiff::Timestamp;

/// The text with each of its times made another text; nothing leaves a time as it is. The style comes with its colon.
pub(super) fn map(text: &str, other: impl Fn(i64, &str) -> Option<String>) -> String {
    let mut mapped = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("<t:") {
        let (before, mark) = rest.split_at(at);
        mapped.push_str(before);
        let inner = &mark["<t:".len()..];
        let found = inner.find('>').and_then(|end| {
            let (number, style) = match inner[..end].find(':') {
                Some(colon) => inner[..end].split_at(colon),
                None => (&inner[..end], ""),
            };
            let is_style =
                style.len() <= 2 && style.chars().skip(1).all(|c| c.is_ascii_alphabetic());
            let time: i64 = number.parse().ok().filter(|_| is_style)?;
            Some((other(time, style)?, end))
        });
        if let Some((text, end)) = found {
            mapped.push_str(&text);
            rest = &inner[end + 1..];
        } else {
            mapped.push_str("<t:");
            rest = inner;
        }
    }
    mapped.push_str(rest);
    mapped
}

/// The Unix seconds of an embed's time.
pub(super) fn iso(text: &str) -> Option<i64> {
    let time: Timestamp = text.parse().ok()?;
    Some(time.as_second())
}

//! Text of strangers on its way to where people read it: names of files, keys of JSON, words of errors.
//!
//! A line of the log, a terminal or a message in chat is read as the bot's own words. Whoever may choose a name could
//! end the line and begin one of his own, or steer the terminal. So text from outside is written with such
//! characters escaped.

use std::borrow::Cow;

/// Whether a character could forge lines of the log, or turn the order in which one is read: control
/// characters, Unicode's separators of lines and paragraphs, and its marks of direction.
pub fn is_unfit(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
        )
}

/// Whether a character is neither seen nor part of a visible one: zero-width spaces and joiners,
/// soft hyphens, and marks that change the direction of writing. The selector that turns a sign
/// into an emoji (U+FE0F) is not among them.
pub fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
    )
}

/// Whether no file may have this character in its name: two names would look the same, or not like names.
pub fn is_unfit_in_name(c: char) -> bool {
    is_unfit(c) || is_invisible(c)
}

/// A name as it may be shown: what is not fit for one is escaped (`\n`, `\u{200b}`).
pub fn name(text: &str) -> Cow<'_, str> {
    escaped(text, is_unfit_in_name)
}

/// The text in one line: what is not fit for it is escaped (`\n`, `\u{1b}`). Tabs stay.
pub fn one_line(text: &str) -> Cow<'_, str> {
    escaped(text, |c| is_unfit(c) && c != '\t')
}

/// The text in its lines; everything else that is not fit for one is escaped.
pub fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| is_unfit(c) && c != '\t' && c != '\n')
}

fn escaped(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_escaped(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// An error's text as the beginning of a sentence.
pub fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}", first.unwrap_or_default(), letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_forge_a_line_is_shown_as_what_it_is() {
        assert_eq!(one_line("a\nb\r\u{1b}[2Kc"), "a\\nb\\r\\u{1b}[2Kc");
        assert_eq!(
            one_line("\u{9b}2J \u{2028} \u{202e}"),
            "\\u{9b}2J \\u{2028} \\u{202e}"
        );
        assert_eq!(
            one_line("\ta \"b\" \\ Ω 👩\u{200d}🚀"),
            "\ta \"b\" \\ Ω 👩\u{200d}🚀"
        );
        assert_eq!(name("a\tb\u{200b}c"), "a\\tb\\u{200b}c");
        assert_eq!(lines("a\nb\rc"), "a\nb\\rc");
        assert!(matches!(one_line("plain"), Cow::Borrowed(_)));
    }
}

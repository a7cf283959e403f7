//! A line in words: quotes, escapes, odd whitespace, and where in the line each word stands.

use super::escape::is_separator;
use super::references::leading_mark;
use std::ops::Range;

/// One word of a line, or several in quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The text, without quotes and escapes.
    pub text: String,
    /// The bytes of the line that it was read from, quotes included.
    pub span: Range<usize>,
    /// Whether it began with a quote that was closed.
    pub quoted: bool,
    /// Whether it begins with a quote that is never closed, and was therefore read as it stands.
    pub unclosed: bool,
}

/// Reads the words of a line from some place on. Clones read on their own.
#[derive(Clone, Debug)]
pub struct Tokens<'a> {
    content: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    /// Reads `content` from the byte `at`. A place that is not between two characters, or outside
    /// of the text, is taken for the end.
    pub fn new(content: &'a str, at: usize) -> Self {
        let at = if content.is_char_boundary(at) {
            at
        } else {
            content.len()
        };
        Self { content, at }
    }

    /// The byte from which the next word is read.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Everything that has not been read, without the space around it: its text (without quotes
    /// when it is one quoted word) and its bytes in the line. Nothing when only space is left.
    pub fn rest(&self) -> Option<Token> {
        let unread = &self.content[self.at..];
        let trimmed = unread.trim_start_matches(is_separator);
        let start = self.content.len() - trimmed.len();
        let trimmed = trimmed.trim_end_matches(is_separator);
        let span = start..start + trimmed.len();
        if trimmed.is_empty() {
            return None;
        }
        let whole = read_quoted(trimmed).filter(|(_, length)| *length == trimmed.len());
        Some(Token {
            quoted: whole.is_some(),
            text: whole.map_or_else(|| trimmed.to_owned(), |(text, _)| text),
            span,
            unclosed: false,
        })
    }

    /// Reads on from the byte `end`.
    pub(super) fn skip_to(&mut self, end: usize) {
        *self = Self::new(self.content, end);
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let unread = &self.content[self.at..];
        let trimmed = unread.trim_start_matches(is_separator);
        let start = self.content.len() - trimmed.len();
        let quote = trimmed.chars().next()?;
        let (mut text, inside, quoted) = match read_quoted(trimmed) {
            Some((text, length)) => (text, length, true),
            None => (String::new(), 0, false),
        };
        // What is written against the closing quote belongs to the same word: `"a b",`.
        let after = &trimmed[inside..];
        let plain = &after[..after.find(char::is_whitespace).unwrap_or(after.len())];
        let plain = plain.trim_end_matches(is_separator);
        let plain = if quoted {
            plain
        } else {
            until_next_mark(plain)
        };
        text.push_str(plain);
        self.at = start + inside + plain.len();
        Some(Token {
            text,
            span: start..self.at,
            quoted,
            unclosed: !quoted && closers(quote).is_some(),
        })
    }
}

/// A word up to the second of two mentions or custom emoji that have at most a comma or semicolon
/// between them: Discord's own clients write them so.
fn until_next_mark(word: &str) -> &str {
    let Some(mark) = leading_mark(word) else {
        return word;
    };
    let next = word[mark.len()..].trim_start_matches([',', ';']);
    match leading_mark(next) {
        Some(_) => &word[..word.len() - next.len()],
        None => word,
    }
}

/// The quotes that end what `opening` began: a straight quote needs a straight one, so that the text may contain
/// typographic ones.
fn closers(opening: char) -> Option<&'static [char]> {
    match opening {
        '"' => Some(&['"']),
        '“' | '”' | '„' => Some(&['”', '“']),
        _ => None,
    }
}

/// Reads a quoted text at the start of `text`: what it says, and its length in bytes with its
/// quotes. Nothing when it does not begin with a quote or the quote is not closed.
fn read_quoted(text: &str) -> Option<(String, usize)> {
    let mut characters = text.char_indices();
    let (_, opening) = characters.next()?;
    let closers = closers(opening)?;
    let mut said = String::new();
    let mut escaped = false;
    for (at, character) in characters {
        if escaped {
            // A backslash in front of anything else is a backslash: `C:\temp`, `\*`.
            if character != '\\' && character != opening && !closers.contains(&character) {
                said.push('\\');
            }
            said.push(character);
            escaped = false;
        } else if character == '\\' {
            escaped = true;
        } else if closers.contains(&character) {
            return Some((said, at + character.len_utf8()));
        } else {
            said.push(character);
        }
    }
    None
}

/// The text in quotes, so that [`Tokens`] reads it as one word that says the same.
#[cfg(test)]
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(line: &str) -> Vec<String> {
        Tokens::new(line, 0).map(|token| token.text).collect()
    }

    #[test]
    fn quotes_hold_words_together() {
        assert_eq!(words(r#"a "b c" d"#), ["a", "b c", "d"]);
        assert_eq!(words("“b c” „d e“ ”f g”"), ["b c", "d e", "f g"]);
        assert_eq!(words(r#""say “hi” now""#), ["say “hi” now"]);
        assert_eq!(words(r#""" x"#), ["", "x"]);
        assert_eq!(words(r#""a b", "c""#), ["a b,", "c"]);
        assert_eq!(words(r#"5'10" 2""#), [r#"5'10""#, r#"2""#]);
    }

    #[test]
    fn backslashes_escape_quotes_and_themselves_inside_quotes_only() {
        assert_eq!(words(r#""a \"b\" \\ \n""#), [r#"a "b" \ \n"#]);
        assert_eq!(words(r"a\b \\"), [r"a\b", r"\\"]);
    }

    #[test]
    fn an_open_quote_is_a_character_like_any_other() {
        let tokens: Vec<_> = Tokens::new(r#"x "b c"#, 0).collect();
        assert_eq!(tokens[1].text, "\"b");
        assert!(tokens[1].unclosed && !tokens[1].quoted);
    }

    #[test]
    fn mentions_without_space_between_them_are_words_of_their_own() {
        assert_eq!(
            words("<@1><@!2>,<#3>;<@&4> x"),
            ["<@1>", "<@!2>,", "<#3>;", "<@&4>", "x"]
        );
        assert_eq!(words("<:ab:1><a:ab:2>"), ["<:ab:1>", "<a:ab:2>"]);
        assert_eq!(
            words("<@1>'s x<@2> \"<@1><@2>\""),
            ["<@1>'s", "x<@2>", "<@1><@2>"]
        );
    }

    #[test]
    fn odd_space_separates_and_disappears() {
        assert_eq!(
            words("\u{200b}a\u{a0}b\u{3000}\u{feff}c\u{200d}\n\u{200b}\n"),
            ["a", "b", "c"]
        );
        assert_eq!(words("❤️ 👩‍🚀"), ["❤️", "👩‍🚀"]);
    }

    #[test]
    fn the_rest_is_raw_unless_it_is_one_quoted_word() {
        let rest = |line: &str| Tokens::new(line, 0).rest().map(|rest| rest.text);
        assert_eq!(rest("  a  \"b\" \n").as_deref(), Some("a  \"b\""));
        assert_eq!(rest(" \"a  b\" ").as_deref(), Some("a  b"));
        assert_eq!(rest("\"a\" and \"b\"").as_deref(), Some("\"a\" and \"b\""));
        assert_eq!(rest(" \u{200b} "), None);
    }

    proptest! {
        #[test]
        fn spans_lie_in_the_line_and_words_do_not_overlap(line in "(\\PC|[\"“”„\\\\ \n\u{200b}a]){0,60}", at in 0_usize..80) {
            let tokens = Tokens::new(&line, at);
            let mut end = 0;
            for token in tokens.clone().chain(tokens.rest()) {
                prop_assert!(line.is_char_boundary(token.span.start));
                prop_assert!(line.is_char_boundary(token.span.end));
                prop_assert!(token.span.start < token.span.end);
                prop_assert!(line.get(token.span.clone()).is_some());
                end = end.max(token.span.end);
            }
            prop_assert!(end <= line.len());
            let spans: Vec<_> = tokens.map(|token| token.span).collect();
            prop_assert!(spans.windows(2).all(|pair| pair[0].end <= pair[1].start));
        }

        #[test]
        fn a_quoted_text_is_read_as_it_was(texts in proptest::collection::vec("(\\PC|[\"“”„\\\\ \n\u{200b}]){0,20}", 0..5)) {
            let line: Vec<_> = texts.iter().map(|text| quote(text)).collect();
            prop_assert_eq!(words(&line.join(" ")), texts.clone());
            if let [text] = texts.as_slice() {
                let rest = Tokens::new(&line[0], 0).rest().map(|rest| rest.text);
                prop_assert_eq!(rest.as_ref(), Some(text));
            }
        }
    }
}

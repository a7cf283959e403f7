//! How many of a line's words are one value of an option: a span of time (`1 hour 30 minutes`), a
//! time (`2030-12-31 18:00`) and a choice (`Dark Blue`) may have several, and what is written
//! without space may be several values (`<@1><@2>`, `😀👍`).

use super::argument::ParseContext;
use super::definition::{OptionDefinition, OptionKind};
use super::emoji;
use super::lookup;
use super::references::{is_reference, leading_mark, message_reference};
use super::tokens::{Token, Tokens};
use super::values;

/// What may stand between a mention and what follows it, or behind it.
const PUNCTUATION: [char; 8] = [',', ';', '.', ':', '!', '?', '…', '、'];

/// The longest run of words, from `first` on, that is one value of the option. A run that would be
/// one but for a slip of the finger counts as well, so that its reader is told instead of a part
/// of it being taken. `tokens`, which have read `first`, go on behind the run.
pub(super) fn longest(
    option: &OptionDefinition,
    first: Token,
    tokens: &mut Tokens<'_>,
    context: &ParseContext<'_>,
) -> Token {
    if first.quoted || option.converts {
        return first;
    }
    let mut longest = first.clone();
    let mut joined = first;
    let mut reading = tokens.clone();
    for _ in 1..values::most_words(option) {
        let Some(next) = reading.next().filter(|next| !next.quoted) else {
            break;
        };
        joined.text = format!("{} {}", joined.text, next.text);
        joined.span.end = next.span.end;
        if values::is_one_value(option, &joined.text, context) {
            longest = joined.clone();
            tokens.skip_to(reading.at());
        }
    }
    longest
}

/// The part of a word that is one value, where more is written against it: the mention of
/// `<@1>, hello` and of `<@1>hello`, the first of `😀👍`. `tokens`, which have read the word, go on
/// behind the part and the punctuation after it.
pub(super) fn first_part(
    option: &OptionDefinition,
    mut word: Token,
    tokens: &mut Tokens<'_>,
) -> Token {
    if let Some(length) = part(option, &word) {
        let rest = &word.text[length..];
        let after = word.text.len() - rest.trim_start_matches(PUNCTUATION).len();
        tokens.skip_to(word.span.start + after);
        word.text.truncate(length);
        word.span.end = word.span.start + length;
    }
    word
}

/// The bytes of a word that are one value, if that is not all of it.
fn part(option: &OptionDefinition, word: &Token) -> Option<usize> {
    if word.quoted || option.converts || !option.choices.is_empty() {
        return None;
    }
    let text = word.text.as_str();
    let length = match option.kind {
        OptionKind::Emoji => first_emoji(text)?,
        OptionKind::Message => {
            without_punctuation(text, |it| message_reference(it, "0").is_some())?
        }
        kind if lookup::has_names(kind) => leading_mark(text)
            .map(str::len)
            .or_else(|| without_punctuation(text, is_reference))?,
        _ => return None,
    };
    (length < text.len()).then_some(length)
}

fn without_punctuation(text: &str, is_meant: impl Fn(&str) -> bool) -> Option<usize> {
    let plain = text.trim_end_matches(PUNCTUATION);
    is_meant(plain).then_some(plain.len())
}

/// The length of an emoji that is followed by nothing but punctuation and emoji.
fn first_emoji(text: &str) -> Option<usize> {
    let length = emoji::leading(text)?;
    let rest = text[length..].trim_start_matches(PUNCTUATION);
    (rest.is_empty() || emoji::leading(rest).is_some()).then_some(length)
}

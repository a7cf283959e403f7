//! Values that need nothing but their text: strings, numbers, yes and no, durations, times, emoji,
//! choices.

use super::argument::{Argument, ParseContext, ParseError};
use super::definition::{Choice, ChoiceValue, OptionDefinition, OptionKind};
use super::duration::{self, parse_seconds};
use super::emoji::parse_emoji;
use super::escape::{is_invisible, length, quoted};
use super::moment::{self, parse_moment};
use super::name_key::name_key;
use super::suggest;
use super::text::{Language, Text, duration_in_words, enumerate};
use std::time::Duration;

/// The greatest integer that Discord takes, and up to which a Luau number holds every one: 2^53.
pub(super) const MAX_INTEGER: i64 = 1 << 53;

/// How many words the name of a choice may have without quotes: all choices are looked through for each.
const MOST_WORDS: usize = 10;

/// How many choices an error lists.
const LISTED_CHOICES: usize = 10;

/// Reads a text as a value of the option; nothing when only the directory knows.
pub(super) fn read(
    option: &OptionDefinition,
    text: &str,
    context: &ParseContext<'_>,
) -> Result<Option<Argument>, ParseError> {
    let language = context.language;
    if !option.choices.is_empty() {
        return choice(option, text, context).map(Some);
    }
    let plain = visible(text);
    let argument = match option.kind {
        OptionKind::String => Some(string(option, text, language)?),
        OptionKind::Integer => integer(&plain).map(Argument::Integer),
        OptionKind::Number => number(&plain).map(Argument::Number),
        OptionKind::Boolean => boolean(&plain).map(Argument::Boolean),
        OptionKind::Duration => parse_seconds(&plain).map(Argument::Duration),
        OptionKind::Time => {
            parse_moment(&plain, context.now, &context.timezone).map(Argument::Time)
        }
        // What is not an emoji may be the name of one.
        OptionKind::Emoji => return Ok(parse_emoji(text).map(Argument::Emoji)),
        _ => return Ok(None),
    };
    let argument = argument.ok_or_else(|| {
        mistyped(option, &plain, language)
            .or_else(|| unclear(option, &plain, language))
            .or_else(|| short_number(option, &plain, language))
            .unwrap_or_else(|| not_of_kind(option, text, language))
    })?;
    within_limits(option, &argument, language)?;
    Ok(Some(argument))
}

/// What a text was probably meant to be that is nearly a value of the option.
fn corrected(option: &OptionDefinition, text: &str) -> Option<String> {
    match option.kind {
        _ if !option.choices.is_empty() => None,
        OptionKind::Duration => duration::corrected(text),
        OptionKind::Time => moment::corrected(text),
        _ => None,
    }
}

/// The error of a text that is of the option's kind, but for a slip of the finger. It is refused:
/// nobody types half of a duration as the next option.
fn mistyped(option: &OptionDefinition, text: &str, language: Language) -> Option<ParseError> {
    let nearest = &quoted(&corrected(option, text)?);
    let mut error = not_of_kind(option, text, language);
    error.other_kind = false;
    error.sentence = format!(
        "{} {}",
        error.sentence,
        Text::DidYouMean { nearest }.say(language)
    );
    Some(error)
}

/// The error of a text that says more about a duration or a time than is understood. A part of it
/// would be another one.
fn unclear(option: &OptionDefinition, text: &str, language: Language) -> Option<ParseError> {
    let mut error = is_unclear(option, text).then(|| not_of_kind(option, text, language))?;
    error.other_kind = false;
    Some(error)
}

fn is_unclear(option: &OptionDefinition, text: &str) -> bool {
    match option.kind {
        OptionKind::Duration => duration::is_unclear(text),
        OptionKind::Time => moment::is_unclear(text),
        _ => false,
    }
}

/// Whether a text is as well the beginning of a sentence as a duration or a time.
pub(super) fn may_be_prose(option: &OptionDefinition, text: &str) -> bool {
    match option.kind {
        OptionKind::Duration => duration::may_be_prose(text),
        OptionKind::Time => moment::may_be_prose(text),
        _ => false,
    }
}

/// The error of a number that may be some time, but not said which.
fn short_number(option: &OptionDefinition, text: &str, language: Language) -> Option<ParseError> {
    if option.kind != OptionKind::Time {
        return None;
    }
    let forms = moment::forms_of_number(text, language)?;
    let forms: Vec<String> = forms.iter().map(|form| quoted(form)).collect();
    let text = Text::NumberIsNoTime {
        given: &quoted(text),
        option: &quoted(&option.name),
        forms: &enumerate(&forms, Text::Or {}, language),
    };
    Some(ParseError::other_kind(text, language))
}

fn not_of_kind(option: &OptionDefinition, text: &str, language: Language) -> ParseError {
    let (given, option_name) = (&quoted(text), &quoted(&option.name));
    let (given, name) = (given.as_str(), option_name.as_str());
    let text = match option.kind {
        OptionKind::Integer => Text::NotInteger {
            given,
            option: name,
        },
        OptionKind::Boolean => Text::NotBoolean {
            given,
            option: name,
        },
        OptionKind::Duration => Text::NotDuration {
            given,
            option: name,
        },
        OptionKind::Time => Text::NotTime {
            given,
            option: name,
        },
        _ => Text::NotNumber {
            given,
            option: name,
        },
    };
    ParseError::other_kind(text, language)
}

/// How many words one value of the option may have without quotes.
pub(super) fn most_words(option: &OptionDefinition) -> usize {
    if option.choices.is_empty() {
        return match option.kind {
            OptionKind::Duration => duration::MOST_WORDS,
            OptionKind::Time => moment::MOST_WORDS,
            _ => 1,
        };
    }
    let words = option
        .choices
        .iter()
        .map(|choice| choice.name.split_whitespace().count());
    words.max().unwrap_or(1).min(MOST_WORDS)
}

/// Whether several words are one value of the option, or would be but for a slip of the finger.
pub(super) fn is_one_value(
    option: &OptionDefinition,
    text: &str,
    context: &ParseContext<'_>,
) -> bool {
    if !option.choices.is_empty() {
        return find_choice(&option.choices, text).is_some();
    }
    let plain = &visible(text);
    let is_one = match option.kind {
        OptionKind::Duration => parse_seconds(plain).is_some(),
        OptionKind::Time => parse_moment(plain, context.now, &context.timezone).is_some(),
        _ => false,
    };
    is_one || corrected(option, plain).is_some() || is_unclear(option, plain)
}

fn visible(text: &str) -> String {
    text.chars()
        .filter(|character| !is_invisible(*character))
        .collect()
}

fn string(
    option: &OptionDefinition,
    text: &str,
    language: Language,
) -> Result<Argument, ParseError> {
    let characters = length(text);
    let name = &quoted(&option.name);
    let less = |limit: u32| usize::try_from(limit).is_ok_and(|limit| characters < limit);
    let more = |limit: u32| usize::try_from(limit).is_ok_and(|limit| characters > limit);
    if let Some(limit) = option.min_length.filter(|limit| less(*limit)) {
        let least = &limit.to_string();
        let text = Text::TooShort {
            option: name,
            least,
        };
        return Err(ParseError::refused(text, language));
    }
    if let Some(limit) = option.max_length.filter(|limit| more(*limit)) {
        let text = Text::TooLong {
            option: name,
            greatest: &limit.to_string(),
            length: &characters.to_string(),
        };
        return Err(ParseError::refused(text, language));
    }
    Ok(Argument::String(text.to_owned()))
}

/// A whole number of any size; one beyond 2^53 becomes as great as 64 bits are, which no limit allows.
fn integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let beyond = if text.starts_with('-') {
        i64::MIN
    } else {
        i64::MAX
    };
    // 2^53 + 1 is not a number of Luau's, and rounds to one that would pass the limits.
    let number: i64 = text.parse().unwrap_or(beyond);
    Some(if number.unsigned_abs() > MAX_INTEGER.unsigned_abs() {
        beyond
    } else {
        number
    })
}

/// A decimal number: not what `parse` takes besides (`inf`, `NaN`, `1e5`).
fn number(text: &str) -> Option<f64> {
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+'));
    text.parse()
        .ok()
        .filter(|number: &f64| plain && number.is_finite())
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "yes" | "y" | "on" | "true" | "1" | "ya" => Some(true),
        "no" | "n" | "off" | "false" | "0" | "tidak" => Some(false),
        _ => None,
    }
}

#[allow(clippy::cast_precision_loss, reason = "numbers up to 2^53 are exact")]
fn within_limits(
    option: &OptionDefinition,
    argument: &Argument,
    language: Language,
) -> Result<(), ParseError> {
    let (value, min, max) = match argument {
        Argument::Integer(value) => (
            *value as f64,
            Some(option.min.unwrap_or(-MAX_INTEGER as f64)),
            Some(option.max.unwrap_or(MAX_INTEGER as f64)),
        ),
        Argument::Number(value) | Argument::Duration(value) => (*value, option.min, option.max),
        _ => return Ok(()),
    };
    let name = &quoted(&option.name);
    let words = |limit: f64| in_words(option.kind, limit, language);
    if let Some(limit) = min.filter(|limit| value < *limit) {
        let least = &words(limit);
        let text = Text::TooSmall {
            option: name,
            least,
        };
        return Err(ParseError::refused(text, language));
    }
    if let Some(limit) = max.filter(|limit| value > *limit) {
        let greatest = &words(limit);
        let text = Text::TooGreat {
            option: name,
            greatest,
        };
        return Err(ParseError::refused(text, language));
    }
    Ok(())
}

/// A limit as users read it.
pub(super) fn in_words(kind: OptionKind, limit: f64, language: Language) -> String {
    match Duration::try_from_secs_f64(limit) {
        Ok(duration) if kind == OptionKind::Duration && limit.fract() == 0.0 && limit > 0.0 => {
            duration_in_words(duration, language)
        }
        _ if kind == OptionKind::Duration => format!("{limit}s"),
        _ => limit.to_string(),
    }
}

fn choice(
    option: &OptionDefinition,
    text: &str,
    context: &ParseContext<'_>,
) -> Result<Argument, ParseError> {
    let language = context.language;
    if let Some(choice) = find_choice(&option.choices, text) {
        return Ok(match &choice.value {
            ChoiceValue::String(value) => Argument::String(value.clone()),
            ChoiceValue::Integer(value) => Argument::Integer(*value),
            ChoiceValue::Number(value) => Argument::Number(*value),
        });
    }
    let names = || option.choices.iter().map(|choice| choice.name.as_str());
    let mut listed: Vec<String> = names().take(LISTED_CHOICES).map(quoted).collect();
    if names().nth(LISTED_CHOICES).is_some() {
        listed.push("…".to_owned());
    }
    let text_of_choice = Text::NotChoice {
        given: &quoted(text),
        option: &quoted(&option.name),
        choices: &listed.join(", "),
    };
    let mut error = ParseError::other_kind(text_of_choice, language);
    if let Some(nearest) = suggest::nearest(text, names()) {
        let nearest = &quoted(nearest);
        error.sentence = format!(
            "{} {}",
            error.sentence,
            Text::DidYouMean { nearest }.say(language)
        );
    }
    if option.choices.len() > LISTED_CHOICES {
        let help = &quoted(&format!("{}help {}", context.prefix, context.command));
        let all = Text::AllOf { help }.say(language);
        error.sentence = format!("{} {all}", error.sentence);
    }
    Err(error)
}

fn find_choice<'c>(choices: &'c [Choice], text: &str) -> Option<&'c Choice> {
    let key = name_key(text);
    let by_name = |choice: &&Choice| name_key(&choice.name) == key;
    let by_value = |choice: &&Choice| match &choice.value {
        ChoiceValue::String(value) => name_key(value) == key,
        ChoiceValue::Integer(value) => integer(&key) == Some(*value),
        ChoiceValue::Number(value) => {
            number(&key).is_some_and(|number| number.total_cmp(value).is_eq())
        }
    };
    choices
        .iter()
        .find(by_name)
        .or_else(|| choices.iter().find(by_value))
}

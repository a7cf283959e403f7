//! How the text of one option becomes its value. [`super::reader::parse_arguments`] reads a whole line.

use super::argument::{Argument, ParseContext, ParseError};
use super::definition::OptionDefinition;
use super::directory::Directory;
use super::escape::quoted;
use super::lookup;
use super::text::{Language, Text};
use super::tokens::{Token, Tokens};
use super::value_words;
use super::values;

/// How many values a `many` option takes: each may cost a request to Discord.
pub(super) const MAX_VALUES: usize = 100;

/// Reads the text that a slash command gives for an option of [`OptionDefinition::slash_type`] 3:
/// kinds that Discord does not have (durations, times, messages, emoji), the words of a `many`
/// option, and what the cog's own function converts. The error is a sentence.
pub async fn parse_value<D: Directory>(
    option: &OptionDefinition,
    text: &str,
    directory: &D,
    context: &ParseContext<'_>,
) -> Result<Argument, String> {
    let whole = Token {
        text: text.to_owned(),
        span: 0..text.len(),
        quoted: true,
        unclosed: false,
    };
    if !option.many {
        let argument = value(option, &whole, directory, context).await;
        return argument.map_err(|error| error.sentence);
    }
    let mut list = Vec::new();
    let mut tokens = Tokens::new(text, 0);
    while let Some(word) = tokens.next() {
        let word = value_words::first_part(option, word, &mut tokens);
        let token = value_words::longest(option, word, &mut tokens, context);
        if list.len() == MAX_VALUES {
            return Err(too_many_values(option, context.language));
        }
        let argument = value(option, &token, directory, context).await;
        list.push(argument.map_err(|error| error.sentence)?);
    }
    Ok(Argument::List(list))
}

/// Reads one word, or several in quotes, as a value of the option.
pub(super) async fn value<D: Directory>(
    option: &OptionDefinition,
    token: &Token,
    directory: &D,
    context: &ParseContext<'_>,
) -> Result<Argument, ParseError> {
    if option.converts {
        return Ok(Argument::Unread {
            text: token.text.clone(),
            span: token.span.clone(),
        });
    }
    match values::read(option, &token.text, context)? {
        Some(argument) => Ok(argument),
        None => lookup::find(option, &token.text, directory, context).await,
    }
}

/// The message for a user who gives more than [`MAX_VALUES`].
pub(super) fn too_many_values(option: &OptionDefinition, language: Language) -> String {
    let text = Text::TooManyValues {
        option: &quoted(&option.name),
        greatest: &MAX_VALUES.to_string(),
    };
    text.say(language)
}

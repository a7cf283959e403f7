//! From the words after a command's name to the values of its options.
//!
//! Options take words in their order. What an option does with them:
//!
//! - An attachment takes no word but the next of the message's files.
//! - A `rest` option takes the rest of the line as it stands; a `many` option takes every word left.
//! - A duration, a time and a choice take the longest run of words that is one (`1 hour 30 minutes`,
//!   `2030-12-31 18:00`, `Dark Blue`): the name of a choice up to ten words.
//! - A mention or an id ends where it ends: what is written against it is the next word, without the
//!   punctuation between them. So do several emoji.
//! - The last option, when it is a user, member, channel, role or mentionable, takes several words
//!   as one name (`John Smith`), unless they begin with a mention or an id.
//! - **An optional option is skipped** (it is [`Argument::Missing`], and the next option gets its
//!   word) when no more words are left than the required options after it need, or when an option
//!   that takes words follows and the word is not of its kind at all: no number, no duration, no
//!   choice, no known name, or a duration or time with which a sentence may begin as well (`a day`,
//!   `monday`). A word that is of its kind but not allowed (a number beyond the limits,
//!   a name that fits two members, a mention of somebody unknown) is an error, never skipped.
//! - A message option that would be missing takes the message to which the user replied.
//!
//! A word that is left in the end is an error.

use super::argument::{Argument, ParseContext};
use super::arguments::{MAX_VALUES, too_many_values, value};
use super::definition::{CommandDefinition, OptionDefinition, OptionKind};
use super::directory::Directory;
use super::escape::quoted;
use super::parse::Line;
use super::references::is_reference;
use super::text::Text;
use super::tokens::{Token, Tokens};
use super::usage::{UsageError, usage_line};
use super::{lookup, value_words, values};
use crate::json::Items;
use std::ops::Range;

/// Reads the arguments of `line` into one value an option, in the order of the options. The error
/// is the whole answer to the user.
pub async fn parse_arguments<D: Directory>(
    definition: &CommandDefinition,
    line: Line<'_>,
    directory: &D,
    context: &ParseContext<'_>,
) -> Result<Vec<(String, Argument)>, UsageError> {
    let mut reader = Reader {
        definition,
        line,
        tokens: line.tokens(),
        files: context.attachments.clone(),
        directory,
        context,
    };
    let mut arguments = Vec::with_capacity(definition.options.len());
    for (index, option) in definition.options.iter().enumerate() {
        let argument = reader
            .option(option, &definition.options[index + 1..])
            .await?;
        arguments.push((option.name.clone(), argument));
    }
    reader.finish()?;
    Ok(arguments)
}

struct Reader<'a, D> {
    definition: &'a CommandDefinition,
    line: Line<'a>,
    tokens: Tokens<'a>,
    files: Items<'a>,
    directory: &'a D,
    context: &'a ParseContext<'a>,
}

impl<D: Directory> Reader<'_, D> {
    async fn option(
        &mut self,
        option: &OptionDefinition,
        later: &[OptionDefinition],
    ) -> Result<Argument, UsageError> {
        if option.kind == OptionKind::Attachment {
            return self.attachment(option);
        }
        if option.many {
            return self.many(option).await;
        }
        let before = self.tokens.clone();
        let optional = !option.must_be_given() || self.reply_for(option).is_some();
        let needed = later.iter().filter(|later| self.needs_word(later)).count();
        // Counting stops early: a long line is not read again for every option.
        if optional && needed > 0 && before.clone().take(needed + 1).count() <= needed {
            return self.absent(option);
        }
        let last = !later.iter().any(takes_words);
        let Some(token) = self.words_for(option, last) else {
            return self.absent(option);
        };
        let skipped = optional && !last;
        if skipped && !token.quoted && values::may_be_prose(option, &token.text) {
            self.tokens = before;
            return self.absent(option);
        }
        match value(option, &token, self.directory, self.context).await {
            Ok(argument) => Ok(argument),
            Err(error) if error.other_kind && skipped => {
                self.tokens = before;
                self.absent(option)
            }
            Err(error) => Err(self.error(Some(option), error.sentence, token.span)),
        }
    }

    async fn many(&mut self, option: &OptionDefinition) -> Result<Argument, UsageError> {
        let mut list = Vec::new();
        while let Some(token) = self.words_for(option, false) {
            if list.len() == MAX_VALUES {
                let sentence = too_many_values(option, self.context.language);
                return Err(self.error(Some(option), sentence, token.span));
            }
            match value(option, &token, self.directory, self.context).await {
                Ok(argument) => list.push(argument),
                Err(error) => return Err(self.error(Some(option), error.sentence, token.span)),
            }
        }
        if list.is_empty() {
            return self.absent(option).map(in_list);
        }
        Ok(Argument::List(list))
    }

    fn attachment(&mut self, option: &OptionDefinition) -> Result<Argument, UsageError> {
        let mut next = || {
            let file = self.files.next()?;
            Some(Argument::Object(OptionKind::Attachment, file.to_json()))
        };
        if option.many {
            let list: Vec<_> = std::iter::from_fn(next).collect();
            if !list.is_empty() {
                return Ok(Argument::List(list));
            }
        } else if let Some(file) = next() {
            return Ok(file);
        }
        self.absent(option)
    }

    /// The words that an option takes, as one.
    fn words_for(&mut self, option: &OptionDefinition, last: bool) -> Option<Token> {
        let before = self.tokens.clone();
        let first = self.tokens.next()?;
        let first = value_words::first_part(option, first, &mut self.tokens);
        let named = last && lookup::has_names(option.kind) && !option.converts;
        let whole_name = named && !first.quoted && !is_reference(&first.text);
        if option.rest || whole_name {
            let rest = before.rest()?;
            self.tokens.skip_to(rest.span.end);
            return Some(value_words::first_part(option, rest, &mut self.tokens));
        }
        Some(value_words::longest(
            option,
            first,
            &mut self.tokens,
            self.context,
        ))
    }

    /// The message to which the user replied, for an option that takes it.
    fn reply_for(&self, option: &OptionDefinition) -> Option<Argument> {
        let reply = self.context.replied_to?;
        let takes = option.kind == OptionKind::Message && !option.converts;
        takes.then(|| Argument::Object(OptionKind::Message, reply.to_json()))
    }

    fn needs_word(&self, option: &OptionDefinition) -> bool {
        takes_words(option) && option.must_be_given() && self.reply_for(option).is_none()
    }

    fn absent(&self, option: &OptionDefinition) -> Result<Argument, UsageError> {
        if let Some(reply) = self.reply_for(option) {
            return Ok(reply);
        }
        if !option.must_be_given() {
            return Ok(Argument::Missing);
        }
        let name = &quoted(&option.name);
        let text = match option.kind {
            OptionKind::Attachment => Text::MissingAttachment { option: name },
            _ => Text::Missing { option: name },
        };
        let end = self.line.content.trim_end().len();
        Err(self.error(Some(option), text.say(self.context.language), end..end))
    }

    fn finish(mut self) -> Result<(), UsageError> {
        let Some(surplus) = self.tokens.next() else {
            return Ok(());
        };
        let language = self.context.language;
        // An open quote takes its words apart, which is why there are too many.
        if let Some(open) = self.line.tokens().find(|token| token.unclosed) {
            let quote = open.text.chars().next().map_or(0, char::len_utf8);
            let quote = open.span.start..open.span.start + quote;
            return Err(self.error(None, Text::OpenQuote {}.say(language), quote));
        }
        let given = &quoted(&surplus.text);
        let sentence = Text::TooManyArguments { given }.say(language);
        let end = self.line.content.trim_end().len().max(surplus.span.end);
        Err(self.error(None, sentence, surplus.span.start..end))
    }

    fn error(
        &self,
        option: Option<&OptionDefinition>,
        sentence: String,
        span: Range<usize>,
    ) -> UsageError {
        UsageError {
            option: option.map(|option| option.name.clone()),
            sentence,
            usage: usage_line(self.context.prefix, self.context.command, self.definition),
            line: self.line.content.to_owned(),
            span,
            language: self.context.language,
        }
    }
}

fn takes_words(option: &OptionDefinition) -> bool {
    option.kind != OptionKind::Attachment
}

/// One value in place of many.
fn in_list(argument: Argument) -> Argument {
    match argument {
        Argument::Missing => Argument::Missing,
        one => Argument::List(vec![one]),
    }
}

#[cfg(test)]
mod tests;

//! The values of a command's options: what they are, what Discord must be asked for them, and how
//! one is read from its text. [`parse_arguments`] reads a whole line.

pub use super::reader::parse_arguments;

use super::definition::{OptionDefinition, OptionKind};
use super::emoji::ParsedEmoji;
use super::escape::quoted;
use super::lookup;
use super::runs;
use super::text::{Language, Text};
use super::tokens::{Token, Tokens};
use super::values;
use crate::json::Json;
use jiff::tz::TimeZone;
use std::future::Future;
use std::ops::Range;
use std::time::Duration;

/// How many values a `many` option takes: each may cost a request to Discord.
pub const MAX_VALUES: usize = 100;

/// The value of one option.
#[derive(Clone, Debug, PartialEq)]
pub enum Argument {
    /// Text, or the value of a choice.
    String(String),
    /// A whole number between -2^53 and 2^53.
    Integer(i64),
    /// A finite number.
    Number(f64),
    /// Yes or no.
    Boolean(bool),
    /// Seconds.
    Duration(f64),
    /// Unix seconds.
    Time(f64),
    /// An object of Discord's, and what it is: a mentionable comes as a member, user or role.
    Object(OptionKind, Json),
    /// An emoji.
    Emoji(ParsedEmoji),
    /// The values of a `many` option.
    List(Vec<Argument>),
    /// The text of an option that `converts`: the cog's function reads it, and
    /// [`super::usage::UsageError::refused`] tells the user when it refuses.
    Unread {
        /// The text, without quotes.
        text: String,
        /// Where it stands in the line.
        span: Range<usize>,
    },
    /// An optional option that was not given.
    Missing,
}

/// Discord did not tell what was asked, so that nobody knows whether there is such a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotTold;

/// What Discord told, if it did.
pub type Told<T> = Result<T, NotTold>;

/// What Discord knows, as far as the caller may know it: an answer about a channel or message that
/// the caller cannot see must be `None`. Ids have at most 20 digits; names come as typed.
pub trait Directory: Sync {
    /// The user with this id.
    fn user(&self, id: &str) -> impl Future<Output = Told<Option<Json>>> + Send;
    /// The member with this user id, with its `user`.
    fn member(&self, guild: &str, id: &str) -> impl Future<Output = Told<Option<Json>>> + Send;
    /// All members with this name, and others: which ones fit is decided here.
    fn member_by_name(
        &self,
        guild: &str,
        name: &str,
    ) -> impl Future<Output = Told<Vec<Json>>> + Send;
    /// The channel or thread with this id, with its `guild_id`.
    fn channel(&self, id: &str) -> impl Future<Output = Told<Option<Json>>> + Send;
    /// The channels of the guild with a name like this one; which ones fit is decided here.
    fn channel_by_name(
        &self,
        guild: &str,
        name: &str,
    ) -> impl Future<Output = Told<Vec<Json>>> + Send;
    /// The role with this id.
    fn role(&self, guild: &str, id: &str) -> impl Future<Output = Told<Option<Json>>> + Send;
    /// The roles of the guild with a name like this one; which ones fit is decided here.
    fn role_by_name(&self, guild: &str, name: &str)
    -> impl Future<Output = Told<Vec<Json>>> + Send;
    /// The guild's own emoji with a name like this one; which ones fit is decided here.
    fn emoji_by_name(
        &self,
        guild: &str,
        name: &str,
    ) -> impl Future<Output = Told<Vec<Json>>> + Send;
    /// The message with this id.
    fn message(&self, channel: &str, id: &str) -> impl Future<Output = Told<Option<Json>>> + Send;
}

/// The message that carries the line.
#[derive(Clone, Debug)]
pub struct ParseContext<'a> {
    /// The guild, if it is in one.
    pub guild_id: Option<&'a str>,
    /// The channel.
    pub channel_id: &'a str,
    /// The time since the Unix epoch.
    pub now: Duration,
    /// The zone of times that name none.
    pub timezone: TimeZone,
    /// The language of errors.
    pub language: Language,
    /// The prefix, as usage lines show it.
    pub prefix: &'a str,
    /// The words that call the command (`tag add`).
    pub command: &'a str,
    /// The files of the message.
    pub attachments: &'a [Json],
    /// The message to which it replies.
    pub replied_to: Option<&'a Json>,
}

/// Why a text is not a value of an option.
pub(super) struct Fault {
    /// What the user is told.
    pub(super) sentence: String,
    /// Whether the text is not of the option's kind at all, so that it may be the next option's.
    pub(super) other_kind: bool,
}

impl Fault {
    /// The text is of another kind.
    pub(super) fn other_kind(text: Text<'_>, language: Language) -> Self {
        Self {
            sentence: text.say(language),
            other_kind: true,
        }
    }

    /// The text is of the right kind, and not allowed.
    pub(super) fn refused(text: Text<'_>, language: Language) -> Self {
        Self {
            sentence: text.say(language),
            other_kind: false,
        }
    }
}

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
        return argument.map_err(|fault| fault.sentence);
    }
    let mut list = Vec::new();
    let mut tokens = Tokens::new(text, 0);
    while let Some(word) = tokens.next() {
        let word = runs::first_part(option, word, &mut tokens);
        let token = runs::longest(option, word, &mut tokens, context);
        if list.len() == MAX_VALUES {
            return Err(too_many_values(option, context.language));
        }
        let argument = value(option, &token, directory, context).await;
        list.push(argument.map_err(|fault| fault.sentence)?);
    }
    Ok(Argument::List(list))
}

/// Reads one word, or several in quotes, as a value of the option.
pub(super) async fn value<D: Directory>(
    option: &OptionDefinition,
    token: &Token,
    directory: &D,
    context: &ParseContext<'_>,
) -> Result<Argument, Fault> {
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

/// What a user is told who gives more than [`MAX_VALUES`].
pub(super) fn too_many_values(option: &OptionDefinition, language: Language) -> String {
    let text = Text::TooManyValues {
        option: &quoted(&option.name),
        greatest: &MAX_VALUES.to_string(),
    };
    text.say(language)
}

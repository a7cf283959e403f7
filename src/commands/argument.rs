//! The value of an option, the context in which its text is read, and why a text is not a value.

use super::definition::OptionKind;
use super::emoji::ParsedEmoji;
use super::text::{Language, Text};
use crate::json::{Items, Json, JsonRef};
use jiff::tz::TimeZone;
use std::ops::Range;
use std::time::Duration;

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
    /// A Discord object and its kind: a mentionable becomes a member, user or role.
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
        /// Where it is in the line.
        span: Range<usize>,
    },
    /// An optional option that was not given.
    Missing,
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
    pub attachments: Items<'a>,
    /// The message to which it replies.
    pub replied_to: Option<JsonRef<'a>>,
}

/// Why a text is not a value of an option.
pub(super) struct ParseError {
    /// The message for the user.
    pub(super) sentence: String,
    /// Whether the text is not of the option's kind at all, so that it may be the next option's.
    pub(super) other_kind: bool,
}

impl ParseError {
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

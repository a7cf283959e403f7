//! An event: Discord's JSON, read on demand.

use super::missing_fields::with_whole_member;
use crate::charge::Allowance;
use crate::json::{Json, JsonRef, Unreadable};
use memchr::memmem::Finder;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, LazyLock, OnceLock};
use tracing::warn;

/// Bytes that the document of one event may take while it is made. That of a large guild takes a hundredth.
const MOST_OF_TREE: usize = 128 << 20;

/// The name of a message's text. No server writes it with escapes.
static CONTENT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(r#""content""#));

/// One dispatch event. It is shared as `Arc<Event>`; the text arrives in one allocation and is never
/// copied.
#[derive(Debug)]
pub struct Event {
    /// Discord's name in snake case: `message_create`. Unknown names pass through.
    pub name: Arc<str>,
    /// The number of the shard that received it, from 0.
    pub shard: u32,
    /// Its sequence number in the shard's session; none if the server gives it none.
    pub sequence: Option<u64>,
    /// Whether a former process that was killed may have received it, too. See [`crate::gateway`].
    pub maybe_repeated: bool,
    text: String,
    /// Where in `text` the event's data is; empty for `null`.
    data: Range<usize>,
    parsed: OnceLock<Json>,
    origin: OnceLock<Origin>,
}

/// Where an event comes from, as far as its data says; 0 where it does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The guild.
    pub guild: u64,
    /// The channel.
    pub channel: u64,
    /// The user.
    pub user: u64,
}

impl Event {
    /// An event that the host has made; `data` is the JSON text of its data.
    pub fn made(name: &str, data: String) -> Self {
        let place = 0..data.len();
        Self::at(name.into(), 0, None, data, place)
    }

    /// An event that no gateway sent; `data` is the JSON text of its data.
    #[cfg(test)]
    pub(crate) fn new(name: &str, shard: u32, sequence: u64, data: String) -> Self {
        let place = 0..data.len();
        Self::at(name.into(), shard, Some(sequence), data, place)
    }

    /// An event whose data is at `data` in `text`; an empty place means `null`.
    pub(crate) fn at(
        name: Arc<str>,
        shard: u32,
        sequence: Option<u64>,
        text: String,
        data: Range<usize>,
    ) -> Self {
        Self {
            name,
            shard,
            sequence,
            maybe_repeated: false,
            text,
            data,
            parsed: OnceLock::new(),
            origin: OnceLock::new(),
        }
    }

    /// The JSON text of the event's data.
    pub fn raw(&self) -> &str {
        match self.text.get(self.data.clone()) {
            Some(text) if !text.is_empty() => text,
            _ => "null",
        }
    }

    /// The event's data, parsed when first asked for; its `member` has `user` and `guild_id`. Null, with a line in
    /// the log, if the text is not JSON, nests deeper than 128 levels, holds half of a surrogate pair or would take more than 128 MB.
    pub fn data(&self) -> &Json {
        self.parsed.get_or_init(|| self.read())
    }

    /// The event's data as something else, for one who needs little of it. Nothing, with a line in the log, if it is
    /// not that.
    pub fn read_as<'a, T: Deserialize<'a>>(&'a self) -> Option<T> {
        let read = serde_json::from_str(self.raw());
        read.map_err(|error| self.warn(&error)).ok()
    }

    fn read(&self) -> Json {
        let read = self.parse().map_err(|error| self.warn(&error));
        read.map_or(Json::NULL, |data| with_whole_member(&self.name, data))
    }

    fn warn(&self, error: &dyn std::error::Error) {
        let (name, shard, sequence) = (&self.name, self.shard, self.sequence);
        warn!(%name, shard, ?sequence, %error, "An event's data cannot be read as JSON");
    }

    fn parse(&self) -> Result<Json, Unreadable> {
        let allowance = Allowance::alone(MOST_OF_TREE);
        let mut charge = allowance.take(0).map_err(|_| Unreadable::TooLarge)?;
        Json::parse(self.raw().as_bytes(), &mut charge)
    }

    /// The bytes of its text, and of its data if that has been parsed.
    pub fn size(&self) -> usize {
        self.text.len() + self.parsed.get().map_or(0, Json::bytes)
    }

    /// Where it comes from, read at the first call.
    pub fn origin(&self) -> Origin {
        *self.origin.get_or_init(|| {
            let ids = match self.parsed.get() {
                Some(data) => Ids::in_document(data.view()),
                None => serde_json::from_str(self.raw()).unwrap_or_default(),
            };
            Origin::of(&self.name, ids)
        })
    }

    /// What routing needs to know about an interaction, without reading all of it.
    pub fn peek_interaction(&self) -> Option<InteractionPeek<'_>> {
        serde_json::from_str(self.raw()).ok()
    }

    /// Whether `begins` is true of a text of the name `content`, be it the message's or that of another message in it.
    /// Of each it gets what stands before the first escape. Costs a twentieth of what [`Event::peek_message`] does; most
    /// messages call no command.
    pub fn any_content(&self, mut begins: impl FnMut(&str) -> bool) -> bool {
        let raw = self.raw();
        let mut found = CONTENT.find_iter(raw.as_bytes());
        found.any(|at| {
            let behind = raw.get(at + CONTENT.needle().len()..).map(str::trim_start);
            let value = behind.and_then(|it| it.strip_prefix(':')?.trim_start().strip_prefix('"'));
            value.is_some_and(|text| {
                let end = memchr::memchr2(b'"', b'\\', text.as_bytes());
                begins(end.and_then(|end| text.get(..end)).unwrap_or(text))
            })
        })
    }

    /// What routing needs to know about a message. None if the data is not a message with an author.
    pub fn peek_message(&self) -> Option<MessagePeek<'_>> {
        let names = [
            "id",
            "channel_id",
            "guild_id",
            "content",
            "author",
            "webhook_id",
            "type",
        ];
        let picked = self.data().view().pick(names);
        let [id, channel_id, guild_id, content, author, webhook_id, kind] = picked;
        let author = author?;
        let kind = match kind {
            Some(kind) => u64::try_from(kind.as_i64()?).ok()?,
            None => DEFAULT,
        };
        Some(MessagePeek {
            id: id?.as_str()?,
            channel_id: channel_id?.as_str()?,
            guild_id: guild_id.and_then(JsonRef::as_str),
            content: content.and_then(JsonRef::as_str).unwrap_or_default(),
            author_id: author.str("id")?,
            author_bot: author.is_true("bot"),
            webhook_id: webhook_id.and_then(JsonRef::as_str),
            kind,
            author_system: author.is_true("system"),
        })
    }
}

/// The fields of an interaction that decide where it goes, borrowed from the event's text.
#[derive(Clone, Debug, Deserialize)]
pub struct InteractionPeek<'a> {
    /// The interaction's id.
    pub id: &'a str,
    /// The application's id, under which what follows the first answer is sent.
    pub application_id: &'a str,
    /// With which it is answered.
    pub token: &'a str,
    /// Discord's type of interaction.
    #[serde(rename = "type")]
    pub kind: u64,
    /// The channel's id.
    #[serde(default)]
    pub channel_id: Option<&'a str>,
    /// There where it comes from a message: from a component on it, or from a modal that such a component opened.
    #[serde(default)]
    pub message: Option<IgnoredAny>,
    /// What was used.
    #[serde(borrow, default)]
    pub data: Option<InteractionData<'a>>,
}

impl InteractionPeek<'_> {
    /// The ids of the channel and of the interaction.
    pub fn ids(&self) -> (String, String) {
        let channel = self.channel_id.unwrap_or_default();
        (channel.to_owned(), self.id.to_owned())
    }
}

/// What was used in an interaction.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct InteractionData<'a> {
    /// The name of a command; empty for anything else. Borrowed unless it holds escapes.
    #[serde(borrow, default)]
    pub name: Cow<'a, str>,
    /// Discord's type of command: 1 is a slash command.
    #[serde(rename = "type", default)]
    pub kind: u64,
    /// The custom id of a component or of a modal; empty for anything else.
    #[serde(borrow, default)]
    pub custom_id: Cow<'a, str>,
}

/// Discord's type of a message that somebody writes.
const DEFAULT: u64 = 0;
/// Discord's type of a message that replies to another one.
const REPLY: u64 = 19;

/// Events whose data is a guild: its id is `id`.
const OF_GUILDS: [&str; 3] = ["guild_create", "guild_update", "guild_delete"];

#[derive(Default, Deserialize)]
#[serde(default)]
struct Ids<'a> {
    #[serde(borrow)]
    id: Option<IdText<'a>>,
    guild_id: Option<&'a str>,
    channel_id: Option<&'a str>,
    user_id: Option<&'a str>,
    author: Option<WithId<'a>>,
    user: Option<WithId<'a>>,
    member: Option<Member<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct WithId<'a> {
    #[serde(borrow)]
    pub(super) id: Option<&'a str>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Member<'a> {
    #[serde(borrow)]
    user: Option<WithId<'a>>,
}

/// The id of who did something, or whom it is about, in the first of the places where an event may say so.
pub(super) fn who<'a>(
    user_id: Option<&'a str>,
    author: Option<WithId<'a>>,
    user: Option<WithId<'a>>,
    member: Option<Member<'a>>,
) -> Option<&'a str> {
    let people = [author, user, member.and_then(|member| member.user)];
    user_id.or_else(|| people.into_iter().flatten().find_map(|person| person.id))
}

/// An id, or something else of that name: what a guild's own events have is a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum IdText<'a> {
    Text(&'a str),
    Other(IgnoredAny),
}

impl<'a> WithId<'a> {
    fn in_document(person: JsonRef<'a>) -> Self {
        Self {
            id: person.str("id"),
        }
    }
}

impl<'a> Ids<'a> {
    fn in_document(data: JsonRef<'a>) -> Self {
        let names = [
            "id",
            "guild_id",
            "channel_id",
            "user_id",
            "author",
            "user",
            "member",
        ];
        let [id, guild_id, channel_id, user_id, author, user, member] = data.pick(names);
        Self {
            id: id.and_then(JsonRef::as_str).map(IdText::Text),
            guild_id: guild_id.and_then(JsonRef::as_str),
            channel_id: channel_id.and_then(JsonRef::as_str),
            user_id: user_id.and_then(JsonRef::as_str),
            author: author.map(WithId::in_document),
            user: user.map(WithId::in_document),
            member: member.map(|member| Member {
                user: member.get("user").map(WithId::in_document),
            }),
        }
    }
}

impl Origin {
    fn of(event: &str, ids: Ids<'_>) -> Self {
        let own_id = match ids.id {
            Some(IdText::Text(id)) if OF_GUILDS.contains(&event) => Some(id),
            _ => None,
        };
        Self {
            guild: number(ids.guild_id.or(own_id)),
            channel: number(ids.channel_id),
            user: number(who(ids.user_id, ids.author, ids.user, ids.member)),
        }
    }
}

fn number(id: Option<&str>) -> u64 {
    id.and_then(|id| id.parse().ok()).unwrap_or(0)
}

/// The fields of a message that decide whether and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessagePeek<'a> {
    /// The message's id.
    pub id: &'a str,
    /// The channel's id.
    pub channel_id: &'a str,
    /// The guild's id; nothing in direct messages.
    pub guild_id: Option<&'a str>,
    /// The text; empty without the intent `message_content`.
    pub content: &'a str,
    /// The author's id; of a webhook's message it is the webhook's id.
    pub author_id: &'a str,
    /// Whether the author is a bot.
    pub author_bot: bool,
    /// The webhook that sent it, if one did.
    pub webhook_id: Option<&'a str>,
    /// Discord's message type; 0 where none is given.
    pub kind: u64,
    /// Whether the author is Discord itself.
    pub author_system: bool,
}

impl MessagePeek<'_> {
    /// Whether a person has written this. All other types of messages are Discord's own notices (a thread was created,
    /// a channel renamed, somebody joined), whose text is a name that a user chose.
    pub fn is_said(&self) -> bool {
        let by_person = !self.author_bot && !self.author_system && self.webhook_id.is_none();
        by_person && matches!(self.kind, DEFAULT | REPLY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn what_decides_where_a_message_goes() {
        let data = r#"{"type":0,"id":"1","channel_id":"2","guild_id":"3","content":"!ping",
            "author":{"id":"4","username":"x","bot":true},"embeds":[{"author":{"id":9}}]}"#;
        let event = Event::new("message_create", 0, 1, data.to_owned());
        let peek = event.peek_message().unwrap();
        assert_eq!(peek.content, "!ping");
        assert_eq!(
            (peek.id, peek.channel_id, peek.guild_id),
            ("1", "2", Some("3"))
        );
        assert_eq!(
            (peek.author_id, peek.author_bot, peek.webhook_id),
            ("4", true, None)
        );

        let escaped = r#"{"id":"1","channel_id":"2","content":"a\n","author":{"id":"4"}}"#;
        let event = Event::new("message_create", 0, 1, escaped.to_owned());
        assert_eq!(event.peek_message().unwrap().content, "a\n");
        assert_eq!(
            Event::new("typing_start", 0, 1, "{}".to_owned()).peek_message(),
            None
        );
    }

    #[test]
    fn each_text_of_a_message_is_looked_at_up_to_its_first_escape() {
        let data = r#"{"a":"content","content":"one","content" : null,
            "referenced_message":{"content"
            : "two \"three\""},"embeds":[{"content":""}],"content":"four"#;
        let event = Event::new("message_create", 0, 1, data.to_owned());
        let mut seen = Vec::new();
        assert!(!event.any_content(|start| {
            seen.push(start.to_owned());
            false
        }));
        assert_eq!(seen, ["one", "two ", "", "four"]);
        assert!(event.any_content(|start| start == "two "));
    }

    proptest! {
        #[test]
        fn of_any_text_the_beginning_is_seen(content in ".{0,12}", is_spaced in any::<bool>()) {
            let message = json!({ "id": "1", "content": content, "embeds": [{ "content": 1 }] });
            let data = if is_spaced {
                serde_json::to_string_pretty(&message)
            } else {
                serde_json::to_string(&message)
            };
            let event = Event::new("message_create", 0, 1, data.unwrap());
            let plain = content.find(|it: char| it.is_control() || matches!(it, '"' | '\\'));
            let expected = &content[..plain.unwrap_or(content.len())];
            let mut seen = Vec::new();
            event.any_content(|start| {
                seen.push(start.to_owned());
                false
            });
            prop_assert_eq!(seen.len(), 1);
            prop_assert!(seen[0].starts_with(expected) && content.starts_with(&seen[0]));
        }
    }

    #[test]
    fn only_what_a_person_writes_is_said() {
        let said = |more: &str| {
            let data = format!(r#"{{"id":"1","channel_id":"2","content":"!ping",{more}}}"#);
            let event = Event::new("message_create", 0, 1, data);
            event.peek_message().is_some_and(|peek| peek.is_said())
        };
        assert!(said(r#""author":{"id":"4"}"#));
        for kind in 0..100 {
            let is_said = said(&format!(r#""type":{kind},"author":{{"id":"4"}}"#));
            assert_eq!(is_said, kind == 0 || kind == 19, "type {kind}");
        }
        for strange in ["-1", "0.5", "null", "\"0\"", "1e400"] {
            let more = format!(r#""type":{strange},"author":{{"id":"4"}}"#);
            assert!(!said(&more), "{strange}");
        }
        assert!(!said(r#""author":{"id":"4","bot":true}"#));
        assert!(!said(r#""author":{"id":"4","system":true}"#));
        assert!(!said(r#""webhook_id":"4","author":{"id":"4"}"#));
    }

    #[test]
    fn an_event_tells_whom_it_comes_from() {
        let origin = |data: &str| {
            let event = Event::new("x", 0, 1, data.to_owned());
            let peeked = Event::new("x", 0, 1, data.to_owned());
            peeked.data();
            assert_eq!(peeked.origin(), event.origin(), "{data}");
            let origin = event.origin();
            [origin.guild, origin.channel, origin.user]
        };
        let message = r#"{"id":"9","guild_id":"1","channel_id":"2","author":{"id":"3"},"member":{"nick":null}}"#;
        let cases = [
            (message, [1, 2, 3]),
            (
                r#"{"channel_id":"2","user_id":"3","member":{"user":{"id":"4"}}}"#,
                [0, 2, 3],
            ),
            (
                r#"{"guild_id":"1","member":{"user":{"id":"4"}}}"#,
                [1, 0, 4],
            ),
            (r#"{"guild_id":"1","user":{"id":"5"}}"#, [1, 0, 5]),
            (r#"{"guild_id":7}"#, [0, 0, 0]),
            (
                r#"{"id":"9","channel_id":"2","user_id":"6","author":{"id":"x"}}"#,
                [0, 2, 6],
            ),
            (
                r#"{"id":"9","channel_id":"","author":{"id":"x"}}"#,
                [0, 0, 0],
            ),
            ("null", [0, 0, 0]),
        ];
        for (data, expected) in cases {
            assert_eq!(origin(data), expected, "{data}");
        }
    }

    #[test]
    fn deep_data_is_null_and_no_panic() {
        let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
        assert_eq!(Event::new("x", 0, 1, deep).data(), &Json::NULL);
    }
}

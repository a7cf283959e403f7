//! The frames of the live feed: one JSON object each, distinguished by `type`.

use super::conversation::Recording;
use super::{BotView, CogView, StudioOptions};
use crate::discord::permissions::VIEW_CHANNEL;
use crate::reload::report::Report;
use crate::sim::{Dispatch, Id, MessagePage, RequestRecord, Sim, sentences};
use crate::typecheck::TypeReport;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many messages of a channel are sent at once: a screen or two. The page asks for more while its reader scrolls.
const PAGE: usize = 50;

/// For how many people the page knows which channels they see.
const PEOPLE: usize = 100;

/// One frame.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Frame<'a> {
    /// Everything, at the beginning of each connection and after a gap.
    Hello {
        bot: BotView,
        /// The simulated guild and its people; null while the bot is on Discord itself.
        world: Option<World>,
        reports: Vec<Arc<Report>>,
        types: Option<Arc<TypeReport>>,
        cogs: &'a [CogView],
        refusals: Vec<Refusal>,
    },
    /// Requests of bots that were refused.
    Refusals { refusals: Vec<Refusal> },
    /// What somebody shows of themselves.
    Presence { user: String, presence: &'a Value },
    /// Where somebody is in voice; `channel_id` is null for whoever has left.
    Voice { guild: String, state: &'a Value },
    /// The guild, its channels, roles or people have changed.
    World { world: World },
    /// A part of a channel's messages without a gap, the oldest first.
    Messages {
        channel: String,
        /// Which part was asked for.
        #[serde(flatten)]
        page: Page,
        messages: Vec<Value>,
        /// Whether there are older and newer ones in the channel.
        older: bool,
        newer: bool,
    },
    /// A message as it is now, new or changed.
    Message { channel: String, message: Value },
    /// Messages that are no more.
    MessageDelete { channel: String, ids: Vec<String> },
    /// Somebody is typing.
    Typing { channel: String, user: String },
    /// A reload.
    Report { report: &'a Report },
    /// What is wrong with types after a reload.
    Types { types: Arc<TypeReport> },
    /// The application commands have changed.
    Commands { commands: &'a [Value] },
    /// A conversation is recorded, or is not any more.
    Recording { recording: Option<Recording> },
    /// The cogs have changed.
    Cogs { cogs: &'a [CogView] },
}

/// Which of a channel's messages a page asks for, by at most one id; the newest without any.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Page {
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    around: Option<String>,
}

impl Page {
    /// `None` for what is no id.
    fn read(&self) -> Option<MessagePage> {
        match (&self.before, &self.after, &self.around) {
            (Some(id), ..) => id.parse().ok().map(MessagePage::Before),
            (_, Some(id), _) => id.parse().ok().map(MessagePage::After),
            (.., Some(id)) => id.parse().ok().map(MessagePage::Around),
            (None, None, None) => Some(MessagePage::Newest),
        }
    }
}

/// The simulated Discord, without its messages.
#[derive(Serialize)]
pub(super) struct World {
    /// [`Sim::world`].
    #[serde(flatten)]
    whole: Value,
    /// The application commands of all bots and servers, as Discord shows them.
    commands: Vec<Value>,
    /// For each person and the bot: what they may do in the channels that they see, as Discord's permission bits.
    access: BTreeMap<String, BTreeMap<String, String>>,
    /// Where attached files are served, `http://127.0.0.1:PORT`.
    files: String,
}

impl World {
    pub(super) fn of(chat: &Sim) -> Self {
        let whole = chat.world();
        Self {
            access: access(chat, &whole),
            whole,
            commands: chat.all_commands(),
            files: chat.url(),
        }
    }
}

/// A request of a bot that was refused.
#[derive(Serialize)]
pub(super) struct Refusal {
    number: u64,
    /// Unix seconds.
    at: f64,
    bot: String,
    operation: Option<&'static str>,
    method: String,
    path: String,
    status: u16,
    code: Value,
    /// In Discord's words.
    message: String,
    /// The permissions that are missing, as Discord's settings call them.
    permissions: Vec<&'static str>,
    /// Why it is not permitted, in one sentence.
    why: Option<String>,
}

/// What was refused after the request with this number, the oldest first.
pub(super) fn refusals(chat: &Sim, after: u64) -> Vec<Refusal> {
    let shown = |request: RequestRecord| {
        let errors = request.answer.get("errors");
        let mut words = errors.map(sentences).unwrap_or_default();
        words.insert(0, request.answer["message"].as_str().unwrap_or_default());
        let lacking = request.lacking.as_ref();
        Refusal {
            number: request.number,
            at: request.at.as_secs_f64(),
            bot: request.application.to_string(),
            operation: request.operation,
            status: request.status,
            code: request.answer["code"].clone(),
            message: words.join(" "),
            permissions: lacking.map(|it| it.permissions.clone()).unwrap_or_default(),
            why: lacking.map(|it| it.why.clone()),
            method: request.method,
            path: request.path,
        }
    };
    chat.refusals(after).into_iter().map(shown).collect()
}

/// What came with the newest of these requests.
pub(super) fn newest(refusals: &[Refusal]) -> Option<u64> {
    refusals.last().map(|refusal| refusal.number)
}

fn access(chat: &Sim, world: &Value) -> BTreeMap<String, BTreeMap<String, String>> {
    let guilds = items(world, "guilds");
    let channels: Vec<Id> = guilds
        .flat_map(|guild| items(guild, "channels"))
        .filter_map(id_of)
        .collect();
    let sees = |user: Id| {
        let held = channels
            .iter()
            .map(|channel| (channel, chat.permissions_in(user, *channel)));
        let seen = held.filter(|(_, held)| held & VIEW_CHANNEL != 0);
        let seen = seen.map(|(channel, held)| (channel.to_string(), held.to_string()));
        (user.to_string(), seen.collect())
    };
    items(world, "users")
        .filter_map(id_of)
        .take(PEOPLE)
        .map(sees)
        .collect()
}

fn items<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    value
        .get(field)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn id_of(value: &Value) -> Option<Id> {
    value.get("id")?.as_str()?.parse().ok()
}

/// Everything that the page shows.
pub(super) fn hello<'a>(options: &'a StudioOptions, cogs: &'a [CogView]) -> Frame<'a> {
    let chat = options.chat.as_ref();
    Frame::Hello {
        bot: (options.bot)(),
        world: chat.map(World::of),
        reports: options.reports.recent(),
        types: options.types.newest(),
        cogs,
        refusals: chat.map(|chat| refusals(chat, 0)).unwrap_or_default(),
    }
}

/// A part of a channel's messages; `None` for a part that there cannot be.
pub(super) fn messages(chat: &Sim, channel: Id, page: Page) -> Option<Frame<'static>> {
    let mut window = chat.message_page(channel, page.read()?, PAGE);
    for message in &mut window.messages {
        name_reactors(chat, channel, message);
        name_voters(chat, channel, message);
    }
    Some(Frame::Messages {
        channel: channel.to_string(),
        page,
        messages: window.messages,
        older: window.older,
        newer: window.newer,
    })
}

/// What a dispatch changes on the page, if anything. A message is sent whole and as it is now, so
/// that a frame which arrives twice does no harm.
pub(super) fn of_dispatch<'a>(chat: &Sim, dispatch: &'a Dispatch) -> Option<Frame<'a>> {
    let data = &dispatch.data;
    let channel = || text(data, "channel_id");
    match dispatch.name.as_str() {
        "MESSAGE_CREATE" | "MESSAGE_UPDATE" => message(chat, &channel()?, &text(data, "id")?),
        "MESSAGE_REACTION_ADD"
        | "MESSAGE_REACTION_REMOVE"
        | "MESSAGE_REACTION_REMOVE_ALL"
        | "MESSAGE_POLL_VOTE_ADD"
        | "MESSAGE_POLL_VOTE_REMOVE"
        | "MESSAGE_REACTION_REMOVE_EMOJI" => message(chat, &channel()?, &text(data, "message_id")?),
        "MESSAGE_DELETE" => Some(Frame::MessageDelete {
            channel: channel()?,
            ids: vec![text(data, "id")?],
        }),
        "MESSAGE_DELETE_BULK" => Some(Frame::MessageDelete {
            channel: channel()?,
            ids: data
                .get("ids")?
                .as_array()?
                .iter()
                .filter_map(id_text)
                .collect(),
        }),
        "TYPING_START" => Some(Frame::Typing {
            channel: channel()?,
            user: text(data, "user_id")?,
        }),
        "PRESENCE_UPDATE" => Some(Frame::Presence {
            user: text(data.get("user")?, "id")?,
            presence: data,
        }),
        "VOICE_STATE_UPDATE" => Some(Frame::Voice {
            guild: text(data, "guild_id")?,
            state: data,
        }),
        _ => None,
    }
}

/// Whether a dispatch changes what is sent of the world as a whole.
pub(super) fn changes_world(name: &str) -> bool {
    let prefixes = [
        "GUILD_",
        "CHANNEL_CREATE",
        "CHANNEL_UPDATE",
        "CHANNEL_DELETE",
        "THREAD_",
        "USER_",
    ];
    let is_log = name == "GUILD_AUDIT_LOG_ENTRY_CREATE";
    !is_log && prefixes.iter().any(|prefix| name.starts_with(prefix))
}

/// The message as it is now; its deletion, when it is no more.
fn message(chat: &Sim, channel: &str, id: &str) -> Option<Frame<'static>> {
    let place: Id = channel.parse().ok()?;
    let channel = channel.to_owned();
    let Some(mut message) = chat.message(place, id.parse().ok()?) else {
        let ids = vec![id.to_owned()];
        return Some(Frame::MessageDelete { channel, ids });
    };
    name_reactors(chat, place, &mut message);
    name_voters(chat, place, &mut message);
    Some(Frame::Message { channel, message })
}

/// Adds to each reaction who reacted: Discord says only whether the bot did, and on the page anybody may react.
fn name_reactors(chat: &Sim, channel: Id, message: &mut Value) {
    let Some(id) = id_of(message) else { return };
    let reactions = message.get_mut("reactions").and_then(Value::as_array_mut);
    for reaction in reactions.into_iter().flatten() {
        let Some(emoji) = emoji_path(reaction) else {
            continue;
        };
        let path = format!("/channels/{channel}/messages/{id}/reactions/{emoji}?limit=100");
        // Whoever may not look has no reactions to toggle either.
        let users = chat
            .call_as(chat.owner(), "GET", &path, Value::Null)
            .unwrap_or_default();
        let ids = users.as_array().into_iter().flatten();
        let ids: Vec<_> = ids.filter_map(|user| text(user, "id")).collect();
        if let Some(fields) = reaction.as_object_mut() {
            fields.insert("users".into(), ids.into());
        }
    }
}

/// Adds to each answer of a poll who voted for it, for the same reason.
fn name_voters(chat: &Sim, channel: Id, message: &mut Value) {
    let Some(id) = id_of(message) else { return };
    let answers = message.pointer_mut("/poll/answers");
    let answers = answers.and_then(Value::as_array_mut);
    for answer in answers.into_iter().flatten() {
        let number = answer["answer_id"].as_u64().unwrap_or(0);
        let path = format!("/channels/{channel}/polls/{id}/answers/{number}?limit=100");
        let found = chat.call_as(chat.owner(), "GET", &path, Value::Null);
        let found = found.unwrap_or_default();
        let voters: Vec<_> = items(&found, "users")
            .filter_map(|it| text(it, "id"))
            .collect();
        answer["voters"] = voters.into();
    }
}

fn emoji_path(reaction: &Value) -> Option<String> {
    let emoji = reaction.get("emoji")?;
    let name = text(emoji, "name")?;
    Some(match text(emoji, "id") {
        Some(id) => format!("{name}:{id}"),
        None => name,
    })
}

fn text(data: &Value, field: &str) -> Option<String> {
    data.get(field).and_then(id_text)
}

fn id_text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

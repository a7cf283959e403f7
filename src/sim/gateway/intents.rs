//! Which session receives which dispatch, and how much of it.

use crate::sim::ids::{Id, id_in};
use crate::sim::permissions;
use crate::sim::world::{Audience, Event, World};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::LazyLock;

/// The privileged intent without which messages come without their text.
pub(crate) const MESSAGE_CONTENT: u64 = 1 << 15;

/// `GUILD_MEMBERS`
pub(super) const GUILD_MEMBERS: u64 = 1 << 1;
/// `GUILD_PRESENCES`
pub(super) const GUILD_PRESENCES: u64 = 1 << 8;
/// `GUILDS`
pub(super) const GUILDS: u64 = 1;

/// Whose session it is, and what it asked for when it began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Identity {
    pub(super) application: Id,
    /// The shard, and how many there are.
    pub(super) shard: (u32, u32),
    pub(super) intents: u64,
}

/// The bits that admit one kind of dispatch, in guilds and in direct channels. None: always.
#[derive(Clone, Copy, Debug)]
struct Admission {
    in_guilds: Option<u64>,
    in_direct: Option<u64>,
}

/// Discord's own list: each event's intents.
static ADMISSIONS: LazyLock<HashMap<String, Admission>> = LazyLock::new(|| {
    let facts = facts();
    let events = facts["events"].as_object().cloned().unwrap_or_default();
    let admission = |event: &Value| {
        let names = event["intents"].as_array().cloned().unwrap_or_default();
        let bits = |direct: bool| {
            let wanted = names
                .iter()
                .filter_map(Value::as_str)
                .filter(|name| name.starts_with("direct_") == direct);
            wanted.fold(0, |bits, name| bits | bit(&facts, name))
        };
        let (direct, guild) = (bits(true), bits(false));
        let some = |bits| (!names.is_empty()).then_some(bits);
        Admission {
            in_guilds: some(guild),
            // An event that only guilds know never comes from a direct channel.
            in_direct: some(direct),
        }
    };
    events
        .iter()
        .map(|(name, event)| (name.to_uppercase(), admission(event)))
        .collect()
});

/// Every bit that Discord gives a meaning.
pub(super) static KNOWN_INTENTS: LazyLock<u64> = LazyLock::new(|| {
    let facts = facts();
    let intents = facts["intents"].as_object().cloned().unwrap_or_default();
    intents
        .keys()
        .fold(0, |bits, name| bits | bit(&facts, name))
});

fn facts() -> Value {
    serde_json::from_str(include_str!("../../discord/events.json")).unwrap_or_default()
}

fn bit(facts: &Value, name: &str) -> u64 {
    let bit = facts["intents"][name]["bit"].as_u64();
    bit.map_or(0, |bit| 1 << bit)
}

/// Whether a session receives the event.
pub(super) fn receives(world: &World, event: &Event, session: Identity) -> bool {
    let (shard, shards) = (u64::from(session.shard.0), u64::from(session.shard.1));
    let own = event.guild.map_or(0, |guild| (guild >> 22) % shards.max(1));
    let bot = session.application;
    let is_told = match event.audience {
        Audience::Everybody => true,
        Audience::Only(application) => application == bot,
        Audience::AllBut(application) => application != bot,
        Audience::People => false,
    };
    is_told
        && own == shard
        && is_member(world, event, bot)
        && admitted(event, session)
        && sees(world, event, bot)
}

/// A bot learns nothing of guilds that it is not in, except that it left one.
fn is_member(world: &World, event: &Event, bot: Id) -> bool {
    let guild = event.guild.and_then(|id| world.guilds.get(&id));
    event.name == "GUILD_DELETE" || guild.is_none_or(|guild| guild.members.contains_key(&bot))
}

fn admitted(event: &Event, session: Identity) -> bool {
    // Its own member's changes reach every bot.
    let bot = Some(session.application);
    if event.name == "GUILD_MEMBER_UPDATE" && id_in(&event.data["user"], "id") == bot {
        return true;
    }
    let Some(admission) = ADMISSIONS.get(event.name) else {
        return true;
    };
    let needed = match event.guild {
        Some(_) => admission.in_guilds,
        None => admission.in_direct,
    };
    needed.is_none_or(|needed| needed & session.intents != 0)
}

fn sees(world: &World, event: &Event, bot: Id) -> bool {
    let needed = match event.name {
        "GUILD_AUDIT_LOG_ENTRY_CREATE" => {
            let guild = event.guild.and_then(|id| world.guilds.get(&id));
            return guild.is_some_and(|guild| {
                let held = permissions::in_guild(world, guild, bot);
                held & permissions::VIEW_AUDIT_LOG != 0
            });
        }
        "AUTO_MODERATION_RULE_CREATE"
        | "AUTO_MODERATION_RULE_UPDATE"
        | "AUTO_MODERATION_RULE_DELETE"
        | "AUTO_MODERATION_ACTION_EXECUTION" => {
            let guild = event.guild.and_then(|id| world.guilds.get(&id));
            return guild.is_some_and(|guild| {
                permissions::in_guild(world, guild, bot) & permissions::MANAGE_GUILD != 0
            });
        }
        // Bots learn of all channels, and of interactions wherever they are used.
        "CHANNEL_CREATE" | "CHANNEL_UPDATE" | "CHANNEL_DELETE" | "INTERACTION_CREATE" => 0,
        _ => permissions::VIEW_CHANNEL,
    };
    let channel = event.channel.and_then(|id| world.channels.get(&id));
    needed == 0
        || channel.is_none_or(|channel| permissions::in_channel(world, channel, bot) & needed != 0)
}

/// Whether Discord blanks this event's message for a bot without the message content intent: not
/// in direct channels, not the bot's own messages, not those that mention it.
pub(super) fn is_blanked(event: &Event, bot: Id) -> bool {
    let is_message = matches!(event.name, "MESSAGE_CREATE" | "MESSAGE_UPDATE");
    is_message && event.guild.is_some() && !is_for_bot(&event.data, bot)
}

fn is_for_bot(message: &Value, bot: Id) -> bool {
    let mentions = message.get("mentions").and_then(Value::as_array);
    let mentioned = mentions
        .into_iter()
        .flatten()
        .any(|user| id_in(user, "id") == Some(bot));
    mentioned || id_in(&message["author"], "id") == Some(bot)
}

/// Blanks what needs the message content intent, also in the message that is replied to.
pub(crate) fn hide_content(message: &mut Value, bot: Id) {
    if is_for_bot(message, bot) {
        return;
    }
    let Some(fields) = message.as_object_mut() else {
        return;
    };
    fields.insert("content".into(), "".into());
    for name in ["embeds", "attachments", "components"] {
        fields.insert(name.into(), json!([]));
    }
    fields.shift_remove("poll");
    fields.shift_remove("message_snapshots");
    if let Some(inner) = fields.get_mut("referenced_message") {
        hide_content(inner, bot);
    }
}

//! Messages: send, read, edit, delete, and typing.

use super::automod_execution::{self, Judged};
use super::call::{Outcome, RestAnswer, RestCall};
use super::draft::Draft;
use super::message_rules as rules;
use super::post;
use super::route::{Route, route};
use crate::sim::errors::{
    ARCHIVED, ApiError, BULK_DELETE_COUNT, CANNOT_DM, NOT_A_TEXT_CHANNEL, NOT_IN_A_DM,
    NOT_YOUR_MESSAGE, SLOWMODE, SYSTEM_MESSAGE, TOO_OLD, UNKNOWN_MESSAGE,
};
use crate::sim::gateway::{MESSAGE_CONTENT, hide_content};
use crate::sim::ids::{Id, id_of, time_of};
use crate::sim::permissions::{
    ATTACH_FILES, MANAGE_CHANNELS, MANAGE_MESSAGES, MANAGE_THREADS, READ_MESSAGE_HISTORY,
    SEND_MESSAGES, SEND_POLLS, SEND_TTS_MESSAGES, in_channel, require_in_channel,
};
use crate::sim::world::{Audited, Channel, Message, World};
use serde_json::{Value, json};
use std::time::Duration;

pub(super) const ROUTES: &[Route] = &[
    route("POST", "/channels/{channel_id}/messages", create),
    route("GET", "/channels/{channel_id}/messages", list),
    route(
        "POST",
        "/channels/{channel_id}/messages/bulk-delete",
        bulk_delete,
    ),
    route("GET", "/channels/{channel_id}/messages/{message_id}", get),
    route(
        "PATCH",
        "/channels/{channel_id}/messages/{message_id}",
        edit,
    ),
    route(
        "DELETE",
        "/channels/{channel_id}/messages/{message_id}",
        delete,
    ),
    route("POST", "/channels/{channel_id}/typing", typing),
];

/// Bulk deletion reaches this far back.
const BULK_REACH: Duration = Duration::from_secs(14 * 24 * 60 * 60);

fn create(world: &mut World, call: &RestCall) -> Outcome {
    let channel = world.channel(call.id("channel_id")?)?.clone();
    let is_forward = call.body["message_reference"]["type"] == 1;
    require_sending(world, &channel, call.actor)?;
    rules::check(&call.body, &call.files)?;
    if !is_forward {
        rules::check_not_empty(&call.body, &call.files)?;
    }
    if !call.files.is_empty() {
        require_in_channel(world, &channel, call.actor, ATTACH_FILES)?;
    }
    if call.body["poll"].is_object() {
        require_in_channel(world, &channel, call.actor, SEND_POLLS)?;
    }
    if call.body["tts"] == true {
        require_in_channel(world, &channel, call.actor, SEND_TTS_MESSAGES)?;
    }
    // What is there already is no further message: slow mode does not hold it up.
    if let Some(known) = sent_before(world, call) {
        return Ok(RestAnswer::Ok(known));
    }
    require_pace(world, &channel, call.actor)?;
    let judged = Judged {
        channel: &channel,
        author: call.actor,
        content: call.string("content").unwrap_or_default(),
    };
    let hits = automod_execution::judge(world, judged)?;
    let draft = Draft::plain(call.actor, channel.id, &call.body, &call.files);
    let id = post::post(world, draft)?;
    automod_execution::execute(world, judged, &hits, Some(id));
    if let Some(nonce) = nonce(&call.body) {
        world.note_nonce(call.actor, &nonce, (channel.id, id));
    }
    Ok(RestAnswer::Ok(
        world.message(channel.id, id, call.actor)?.show(call.actor),
    ))
}

/// Fails unless `actor` may send messages to the channel now.
pub(super) fn require_sending(world: &World, channel: &Channel, actor: Id) -> Result<(), ApiError> {
    if channel.is_direct() {
        return require_open(world, channel, actor);
    }
    require_in_channel(world, channel, actor, 0)?;
    if !channel.is_for_text() {
        return Err(NOT_A_TEXT_CHANNEL.into());
    }
    require_in_channel(world, channel, actor, SEND_MESSAGES)?;
    let locked = channel.thread.as_ref().is_some_and(|thread| thread.locked);
    if locked && in_channel(world, channel, actor) & MANAGE_THREADS == 0 {
        return Err(ARCHIVED.into());
    }
    Ok(())
}

/// Fails in a thread that is in the archive: there is nothing changed in it but by new messages, which reopen it.
pub(super) fn require_unarchived(channel: &Channel) -> Result<(), ApiError> {
    match &channel.thread {
        Some(thread) if thread.archived => Err(ARCHIVED.into()),
        _ => Ok(()),
    }
}

/// Fails unless the other side of a direct channel takes messages: bots do not from bots.
fn require_open(world: &World, channel: &Channel, actor: Id) -> Result<(), ApiError> {
    require_in_channel(world, channel, actor, 0)?;
    let is_bot = world.user(actor)?.bot;
    let mut others = channel.recipients.iter().filter(|id| **id != actor);
    let closed = others.any(|id| {
        let other = world.users.get(id);
        other.is_none_or(|other| is_bot && (other.bot || other.closed_to_messages))
    });
    if closed {
        Err(CANNOT_DM.into())
    } else {
        Ok(())
    }
}

/// Slow mode, which bots and moderators do not feel.
fn require_pace(world: &World, channel: &Channel, actor: Id) -> Result<(), ApiError> {
    let seconds = channel
        .fields
        .get("rate_limit_per_user")
        .and_then(Value::as_u64);
    let Some(seconds) = seconds.filter(|seconds| *seconds > 0) else {
        return Ok(());
    };
    // "Bots, as well as users with the permission manage_messages or manage_channel, are unaffected."
    let exempt = world.user(actor)?.bot
        || in_channel(world, channel, actor) & (MANAGE_MESSAGES | MANAGE_CHANNELS) != 0;
    let messages = world.messages.get(&channel.id);
    let mut own = messages.into_iter().flat_map(|all| all.values().rev());
    let last = own.find(|message| message.author == actor && message.webhook.is_none());
    let next = last.map(|last| time_of(last.id) + Duration::from_secs(seconds));
    match next.filter(|next| !exempt && *next > world.clock.now()) {
        Some(next) => Err(ApiError {
            retry_after: Some((next.saturating_sub(world.clock.now())).as_secs_f64()),
            scope: Some("shared"),
            ..SLOWMODE.into()
        }),
        None => Ok(()),
    }
}

/// The message with the nonce of a request with `enforce_nonce`: Discord's documentation has it given back if the
/// same author has sent it within the last minutes, and no other made.
fn sent_before(world: &World, call: &RestCall) -> Option<Value> {
    if call.body["enforce_nonce"] != true {
        return None;
    }
    let (channel, id) = world.message_of_nonce(call.actor, &nonce(&call.body)?)?;
    let known = world.messages.get(&channel)?.get(&id)?;
    Some(known.show(call.actor))
}

/// A nonce may be written as a number, too.
fn nonce(body: &Value) -> Option<String> {
    match body.get("nonce")? {
        Value::String(nonce) => Some(nonce.clone()),
        Value::Number(nonce) => Some(nonce.to_string()),
        _ => None,
    }
}

/// The message as the API shows it: an application without the message content intent does not
/// see texts here either.
pub(super) fn shown(world: &World, message: &Message, viewer: Id) -> Value {
    let mut shown = message.show(viewer);
    let application = world.applications.get(&viewer);
    let blind = application.is_some_and(|own| own.privileged_intents & MESSAGE_CONTENT == 0);
    if blind && world.guild_of(message.channel).is_some() {
        hide_content(&mut shown, viewer);
    }
    shown
}

fn list(world: &mut World, call: &RestCall) -> Outcome {
    let channel = world.channel(call.id("channel_id")?)?;
    require_in_channel(world, channel, call.actor, 0)?;
    let limit = call.query_count("limit", 50, (1, 100))?;
    let (before, after) = (call.query_id("before")?, call.query_id("after")?);
    let around = call.query_id("around")?;
    // Without the history, Discord shows an empty channel.
    if in_channel(world, channel, call.actor) & READ_MESSAGE_HISTORY == 0 {
        return Ok(RestAnswer::Ok(json!([])));
    }
    let all = world.messages.get(&channel.id);
    let visible = || {
        let all = all.into_iter().flat_map(|all| all.values());
        all.filter(|message| message.only_for.is_none())
    };
    let mut found: Vec<&Message> = if let Some(id) = around {
        let older = visible().rev().filter(|message| message.id <= id);
        let newer = visible().filter(|message| message.id > id);
        older
            .take(limit - limit / 2)
            .chain(newer.take(limit / 2))
            .collect()
    } else if let Some(id) = after {
        visible()
            .filter(|message| message.id > id)
            .take(limit)
            .collect()
    } else {
        let before = before.unwrap_or(Id::MAX);
        let older = visible().rev().filter(|message| message.id < before);
        older.take(limit).collect()
    };
    found.sort_by_key(|message| std::cmp::Reverse(message.id));
    let shown = found
        .into_iter()
        .map(|message| shown(world, message, call.actor));
    Ok(RestAnswer::Ok(shown.collect()))
}

fn get(world: &mut World, call: &RestCall) -> Outcome {
    let channel = world.channel(call.id("channel_id")?)?;
    require_in_channel(world, channel, call.actor, READ_MESSAGE_HISTORY)?;
    let message = world.message(channel.id, call.id("message_id")?, call.actor)?;
    if message.only_for.is_some() {
        return Err(UNKNOWN_MESSAGE.into());
    }
    Ok(RestAnswer::Ok(shown(world, message, call.actor)))
}

fn edit(world: &mut World, call: &RestCall) -> Outcome {
    let channel = world.channel(call.id("channel_id")?)?.clone();
    require_in_channel(world, &channel, call.actor, 0)?;
    let message = world.message(channel.id, call.id("message_id")?, call.actor)?;
    let place = (message.channel, message.id);
    if message.only_for.is_some() {
        return Err(UNKNOWN_MESSAGE.into());
    }
    require_unarchived(&channel)?;
    if message.author != call.actor {
        return edit_foreign(world, call, place);
    }
    rules::check_edit(&call.body, &call.files)?;
    let judged = Judged {
        channel: &channel,
        author: call.actor,
        content: call.string("content").unwrap_or_default(),
    };
    let hits = automod_execution::judge(world, judged)?;
    post::edit(world, place, &call.body, &call.files)?;
    automod_execution::execute(world, judged, &hits, Some(place.1));
    let message = world.message(place.0, place.1, call.actor)?;
    Ok(RestAnswer::Ok(message.show(call.actor)))
}

/// Of others' messages, moderators may hide the embeds; nobody may change the rest.
fn edit_foreign(world: &mut World, call: &RestCall, place: (Id, Id)) -> Outcome {
    let fields = call.body.as_object();
    let only_flags = fields.is_some_and(|fields| fields.keys().all(|name| name == "flags"));
    let channel = world.channel(place.0)?;
    if !only_flags || in_channel(world, channel, call.actor) & MANAGE_MESSAGES == 0 {
        return Err(NOT_YOUR_MESSAGE.into());
    }
    let message = world.message_mut(place.0, place.1)?;
    let hidden = call.body["flags"].as_u64().unwrap_or(0) & rules::SUPPRESS_EMBEDS;
    let flags = message.flags() & !rules::SUPPRESS_EMBEDS | hidden;
    message.fields.insert("flags".into(), flags.into());
    world.tell_message("MESSAGE_UPDATE", place.0, place.1);
    let message = world.message(place.0, place.1, call.actor)?;
    Ok(RestAnswer::Ok(message.show(call.actor)))
}

fn delete(world: &mut World, call: &RestCall) -> Outcome {
    let channel = world.channel(call.id("channel_id")?)?;
    require_in_channel(world, channel, call.actor, 0)?;
    let message = world.message(channel.id, call.id("message_id")?, call.actor)?;
    let is_own = message.author == call.actor && message.webhook.is_none();
    if message.only_for.is_some() {
        return Err(UNKNOWN_MESSAGE.into());
    }
    if !is_own {
        if channel.is_direct() {
            return Err(NOT_IN_A_DM.into());
        }
        require_in_channel(world, channel, call.actor, MANAGE_MESSAGES)?;
    }
    // 1 to 5 tell of recipients, calls and the channel itself.
    let kind = message.fields.get("type").and_then(Value::as_u64);
    if matches!(kind, Some(1..=5)) {
        return Err(SYSTEM_MESSAGE.into());
    }
    let (place, guild, author) = ((channel.id, message.id), channel.guild, message.author);
    world.remove_message(place.0, place.1);
    if let Some(guild) = guild.filter(|_| !is_own) {
        let told = Audited::of(72, Some(author)).with("channel_id", place.0);
        world.write_audit(guild, call.who_and_why(), told.with("count", 1));
    }
    Ok(RestAnswer::Nothing)
}

fn bulk_delete(world: &mut World, call: &RestCall) -> Outcome {
    let channel = world.channel(call.id("channel_id")?)?;
    if channel.is_direct() {
        return Err(NOT_IN_A_DM.into());
    }
    require_in_channel(world, channel, call.actor, MANAGE_MESSAGES)?;
    let (id, guild) = (channel.id, channel.guild);
    let named = call.field("messages").and_then(Value::as_array);
    let mut named: Vec<Id> = named.into_iter().flatten().filter_map(id_of).collect();
    named.sort_unstable();
    named.dedup();
    if !(2..=100).contains(&named.len()) {
        return Err(BULK_DELETE_COUNT.into());
    }
    let oldest = world.clock.now().saturating_sub(BULK_REACH);
    if named.iter().any(|id| time_of(*id) < oldest) {
        return Err(TOO_OLD.into());
    }
    let messages = world.messages.entry(id).or_default();
    let visible = |message: &mut Message| message.only_for.is_none();
    named.retain(|message| messages.get_mut(message).is_some_and(visible));
    world.remove_messages(id, &named);
    if let Some(guild) = guild {
        let told = Audited::of(73, Some(id)).with("count", named.len());
        world.write_audit(guild, call.who_and_why(), told);
    }
    Ok(RestAnswer::Nothing)
}

fn typing(world: &mut World, call: &RestCall) -> Outcome {
    let channel = world.channel(call.id("channel_id")?)?.clone();
    require_sending(world, &channel, call.actor)?;
    let mut data = json!({
        "channel_id": channel.id.to_string(),
        "user_id": call.actor.to_string(),
        "timestamp": world.clock.now().as_secs(),
    });
    if let Some(guild) = channel.guild {
        data["guild_id"] = guild.to_string().into();
        let member = world
            .guilds
            .get(&guild)
            .and_then(|home| home.members.get(&call.actor));
        data["member"] = member.map(|member| world.show_member(member)).into();
    }
    world.tell_channel(channel.id, "TYPING_START", data);
    Ok(RestAnswer::Nothing)
}

//! Threads, as far as bots use them.

use super::call::{Outcome, RestAnswer, RestCall};
use super::draft::Draft;
use super::message_rules as rules;
use super::post;
use super::route::{Route, route};
use super::tags;
use crate::sim::errors::{
    ARCHIVED, ApiError, Invalid, NOT_IN_A_DM, TAG_REQUIRED, THREAD_EXISTS, UNKNOWN_CHANNEL,
    UNKNOWN_MEMBER, WRONG_CHANNEL_TYPE,
};
use crate::sim::ids::Id;
use crate::sim::permissions::{
    CREATE_PRIVATE_THREADS, CREATE_PUBLIC_THREADS, MANAGE_THREADS, SEND_MESSAGES, in_channel,
    require_in_channel,
};
use crate::sim::world::{Audited, Channel, THREAD_STARTER, Thread, World, kind};
use serde_json::{Value, json};

/// Discord's type of the message that tells of a thread.
const THREAD_CREATED: u64 = 18;

const MEMBER: &str = "/channels/{channel_id}/thread-members/{user_id}";

pub(super) const ROUTES: &[Route] = &[
    route(
        "POST",
        "/channels/{channel_id}/messages/{message_id}/threads",
        from_message,
    ),
    route("POST", "/channels/{channel_id}/threads", create),
    route("GET", "/guilds/{guild_id}/threads/active", active),
    route("GET", "/channels/{channel_id}/thread-members", members),
    route("PUT", MEMBER, add_member),
    route("GET", MEMBER, member),
    route("DELETE", MEMBER, remove_member),
];

fn from_message(world: &mut World, call: &RestCall) -> Outcome {
    let channel = world.channel(call.id("channel_id")?)?;
    require_in_channel(world, channel, call.actor, CREATE_PUBLIC_THREADS)?;
    require_threads(channel)?;
    let message = world.message(channel.id, call.id("message_id")?, call.actor)?;
    let (message, author) = (message.id, message.author);
    // A thread has the id of the message that it begins from.
    if world.channels.contains_key(&message) {
        return Err(THREAD_EXISTS.into());
    }
    let of_kind = if channel.kind == kind::ANNOUNCEMENT {
        kind::ANNOUNCEMENT_THREAD
    } else {
        kind::PUBLIC_THREAD
    };
    let parent = channel.id;
    let shown = open(world, call, (parent, message, of_kind))?;
    let flags = world.message(parent, message, call.actor)?.flags() | 1 << 5;
    let fields = &mut world.message_mut(parent, message)?.fields;
    fields.insert("flags".into(), flags.into());
    fields.insert("thread".into(), shown.clone());
    world.tell_message("MESSAGE_UPDATE", parent, message);
    let mut more = refer(world, (parent, Some(message)));
    let begun = world.message(parent, message, call.actor)?;
    more["referenced_message"] = begun.show_referenced(call.actor);
    world.insert_system_message(message, author, THREAD_STARTER, more);
    Ok(RestAnswer::Created(shown))
}

fn create(world: &mut World, call: &RestCall) -> Outcome {
    let channel = world.channel(call.id("channel_id")?)?;
    let parent = channel.id;
    if matches!(channel.kind, kind::FORUM | kind::MEDIA) {
        require_in_channel(world, channel, call.actor, SEND_MESSAGES)?;
        return create_post(world, call, parent);
    }
    let of_kind = call
        .field("type")
        .and_then(Value::as_u64)
        .unwrap_or(kind::PRIVATE_THREAD);
    let needed = match of_kind {
        kind::PRIVATE_THREAD => CREATE_PRIVATE_THREADS,
        _ => CREATE_PUBLIC_THREADS,
    };
    require_in_channel(world, channel, call.actor, needed)?;
    require_threads(channel)?;
    let fits = match channel.kind {
        kind::ANNOUNCEMENT => of_kind == kind::ANNOUNCEMENT_THREAD,
        _ => matches!(of_kind, kind::PUBLIC_THREAD | kind::PRIVATE_THREAD),
    };
    if !fits {
        return Err(WRONG_CHANNEL_TYPE.into());
    }
    let id = world.new_id();
    let shown = open(world, call, (parent, id, of_kind))?;
    if of_kind != kind::PRIVATE_THREAD {
        let mut more = refer(world, (id, None));
        more["content"] = shown["name"].clone();
        world.insert_system_message(parent, call.actor, THREAD_CREATED, more);
    }
    Ok(RestAnswer::Created(shown))
}

/// Only text and announcement channels have threads, and forums posts.
fn require_threads(channel: &Channel) -> Result<(), ApiError> {
    match channel.kind {
        kind::TEXT | kind::ANNOUNCEMENT => Ok(()),
        _ => Err(WRONG_CHANNEL_TYPE.into()),
    }
}

/// What a message has that points to a channel, or to a message in it.
fn refer(world: &World, (channel, message): (Id, Option<Id>)) -> Value {
    let mut reference = json!({"type": 0, "channel_id": channel.to_string()});
    if let Some(guild) = world.guild_of(channel) {
        reference["guild_id"] = guild.to_string().into();
    }
    if let Some(message) = message {
        reference["message_id"] = message.to_string().into();
    }
    json!({"message_reference": reference})
}

/// A post in a forum: a thread with its first message.
fn create_post(world: &mut World, call: &RestCall, parent: Id) -> Outcome {
    let message = call.field("message").cloned().unwrap_or_default();
    rules::check(&message, &call.files)?;
    rules::check_not_empty(&message, &call.files)?;
    let forum = world.channel(parent)?;
    let tags = tags::chosen(world, forum, call)?.unwrap_or_default();
    if tags.is_empty() && tags::are_required(forum) {
        return Err(TAG_REQUIRED.into());
    }
    let id = world.new_id();
    open(world, call, (parent, id, kind::PUBLIC_THREAD))?;
    if let Some(thread) = world.channels.get_mut(&id) {
        thread.fields.insert("applied_tags".into(), json!(tags));
    }
    let draft = Draft {
        id: Some(id),
        ..Draft::plain(call.actor, id, &message, &call.files)
    };
    post::post(world, draft)?;
    let mut shown = world.show_channel(world.channel(id)?, call.actor);
    shown["message"] = world.message(id, id, call.actor)?.show(call.actor);
    Ok(RestAnswer::Created(shown))
}

fn open(
    world: &mut World,
    call: &RestCall,
    (parent, id, of_kind): (Id, Id, u64),
) -> Result<Value, ApiError> {
    let guild = world.guild_of(parent).ok_or(NOT_IN_A_DM)?;
    let name = call.string("name").unwrap_or_default().trim();
    if !(1..=100).contains(&name.chars().count()) {
        let message = "Must be between 1 and 100 in length.";
        return Err(Invalid::one("name", "BASE_TYPE_BAD_LENGTH", message));
    }
    let now = world.now();
    let minutes = call.field("auto_archive_duration").and_then(Value::as_u64);
    let mut thread = Channel::in_guild(id, guild, of_kind, name);
    thread.parent = Some(parent);
    call.copy_fields(&["rate_limit_per_user"], &mut thread.fields);
    thread.thread = Some(Thread {
        owner: call.actor,
        members: vec![(call.actor, now.clone())],
        archived: false,
        locked: false,
        auto_archive_minutes: minutes.unwrap_or(4_320),
        archive_timestamp: now.clone(),
        created: now,
        messages: 0,
    });
    let shown = world.show_channel(&thread, call.actor);
    world.channels.insert(id, thread);
    world.tell_of_channel(id, "THREAD_CREATE");
    if let Some(event) = world.outbox.last_mut() {
        let views = event.views.iter_mut().map(|(_, view)| view);
        for data in [&mut event.data].into_iter().chain(views) {
            data["newly_created"] = true.into();
        }
    }
    let told = Audited::of(110, Some(id)).changed(&Value::Null, &shown);
    world.write_audit(guild, call.who_and_why(), told);
    Ok(shown)
}

/// Changes a thread: its owner may rename, archive and reopen it, moderators may do all.
pub(super) fn update(world: &mut World, call: &RestCall, channel: &Channel) -> Outcome {
    let may_manage = in_channel(world, channel, call.actor) & MANAGE_THREADS != 0;
    let mut changed = channel.clone();
    let Some(thread) = &mut changed.thread else {
        return Err(UNKNOWN_CHANNEL.into());
    };
    let only_reopens = !thread.locked && call.body == json!({"archived": false});
    let owns = thread.owner == call.actor && call.field("locked").is_none();
    let needed = if may_manage || owns || only_reopens {
        0
    } else {
        MANAGE_THREADS
    };
    require_in_channel(world, channel, call.actor, needed)?;
    let archived = call.field("archived").and_then(Value::as_bool);
    // While a thread is in the archive, nothing changes but that, and its lock.
    let only_state = call.body.as_object().is_some_and(|fields| {
        let state = ["archived", "locked"];
        fields.keys().all(|name| state.contains(&name.as_str()))
    });
    if thread.archived && archived != Some(false) && !only_state {
        return Err(ARCHIVED.into());
    }
    if thread.archived && thread.locked && archived == Some(false) && !may_manage {
        return Err(ARCHIVED.into());
    }
    if let Some(archived) = archived {
        thread.archived = archived;
        thread.archive_timestamp = world.now();
    }
    if let Some(locked) = call.field("locked").and_then(Value::as_bool) {
        thread.locked = locked;
    }
    if let Some(minutes) = call.field("auto_archive_duration").and_then(Value::as_u64) {
        thread.auto_archive_minutes = minutes;
    }
    if let Some(name) = call.string("name").filter(|name| !name.trim().is_empty()) {
        changed.name = name.trim().into();
    }
    if let Some(forum) = channel.parent.and_then(|id| world.channels.get(&id))
        && let Some(tags) = tags::chosen(world, forum, call)?
    {
        changed.fields.insert("applied_tags".into(), json!(tags));
    }
    call.copy_fields(&["rate_limit_per_user", "flags"], &mut changed.fields);
    let before = world.show_channel(channel, call.actor);
    let shown = world.show_channel(&changed, call.actor);
    world.keep_channel(changed);
    let told = Audited::of(111, Some(channel.id)).changed(&before, &shown);
    if let Some(guild) = channel.guild.filter(|_| told.has_changes()) {
        world.write_audit(guild, call.who_and_why(), told);
    }
    Ok(RestAnswer::Ok(shown))
}

fn active(world: &mut World, call: &RestCall) -> Outcome {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?.id;
    let threads = world
        .channels
        .values()
        .filter(|one| one.guild == Some(guild));
    let open: Vec<&Channel> = threads
        .filter(|one| one.thread.as_ref().is_some_and(|thread| !thread.archived))
        .filter(|one| in_channel(world, one, call.actor) != 0)
        .collect();
    let shown: Vec<Value> = open
        .iter()
        .map(|one| world.show_channel(one, call.actor))
        .collect();
    let own = shown.iter().filter_map(|one| one.get("member").cloned());
    let own: Vec<Value> = own.collect();
    Ok(RestAnswer::Ok(
        json!({"threads": shown, "members": own, "has_more": false}),
    ))
}

/// The thread, when the caller sees it.
fn seen(world: &World, call: &RestCall) -> Result<(Channel, Thread), ApiError> {
    let channel = world.channel(call.id("channel_id")?)?;
    require_in_channel(world, channel, call.actor, 0)?;
    let thread = channel.thread.clone().ok_or(UNKNOWN_CHANNEL)?;
    Ok((channel.clone(), thread))
}

fn members(world: &mut World, call: &RestCall) -> Outcome {
    let (channel, thread) = seen(world, call)?;
    let (limit, after) = (
        call.query_count("limit", 100, (1, 100))?,
        call.query_id("after")?,
    );
    let mut members: Vec<_> = thread.members.iter().collect();
    members.sort_unstable();
    let members = members.into_iter();
    let members = members.filter(|(user, _)| after.is_none_or(|after| *user > after));
    let home = world.home(&channel);
    let show = |(user, joined): &(Id, String)| {
        let mut shown = World::show_thread_member(channel.id, *user, joined);
        let member = home.and_then(|home| home.members.get(user));
        if let Some(member) = member.filter(|_| call.query_flag("with_member")) {
            shown["member"] = world.show_member(member);
        }
        shown
    };
    Ok(RestAnswer::Ok(members.take(limit).map(show).collect()))
}

fn member(world: &mut World, call: &RestCall) -> Outcome {
    let (channel, thread) = seen(world, call)?;
    let user = call.id("user_id")?;
    let found = thread.members.iter().find(|(id, _)| *id == user);
    let (user, joined) = found.ok_or(UNKNOWN_MEMBER)?;
    Ok(RestAnswer::Ok(World::show_thread_member(
        channel.id, *user, joined,
    )))
}

fn add_member(world: &mut World, call: &RestCall) -> Outcome {
    let (mut channel, mut thread) = seen(world, call)?;
    let user = call.id("user_id")?;
    if user != call.actor {
        require_in_channel(world, &channel, call.actor, SEND_MESSAGES)?;
    }
    world.home(&channel).ok_or(UNKNOWN_CHANNEL)?.member(user)?;
    if thread.members.iter().any(|(id, _)| *id == user) {
        return Ok(RestAnswer::Nothing);
    }
    let now = world.now();
    let joined = World::show_thread_member(channel.id, user, &now);
    thread.members.push((user, now));
    tell_members(world, &channel, &thread, &json!([joined]), &json!([]));
    channel.thread = Some(thread);
    world.channels.insert(channel.id, channel);
    Ok(RestAnswer::Nothing)
}

fn remove_member(world: &mut World, call: &RestCall) -> Outcome {
    let (mut channel, mut thread) = seen(world, call)?;
    let user = call.id("user_id")?;
    if user != call.actor && thread.owner != call.actor {
        require_in_channel(world, &channel, call.actor, MANAGE_THREADS)?;
    }
    thread.members.retain(|(id, _)| *id != user);
    tell_members(
        world,
        &channel,
        &thread,
        &json!([]),
        &json!([user.to_string()]),
    );
    channel.thread = Some(thread);
    world.channels.insert(channel.id, channel);
    Ok(RestAnswer::Nothing)
}

fn tell_members(world: &mut World, channel: &Channel, thread: &Thread, came: &Value, left: &Value) {
    let data = json!({
        "id": channel.id.to_string(),
        "guild_id": channel.guild.map(|id| id.to_string()),
        "member_count": thread.members.len().min(50),
        "added_members": came,
        "removed_member_ids": left,
    });
    world.tell_channel(channel.id, "THREAD_MEMBERS_UPDATE", data);
}

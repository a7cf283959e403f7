//! Announcement channels: who follows them, and messages that are published to all who do.

use super::call::{Outcome, RestAnswer, RestCall};
use super::route::{Route, route};
use super::webhooks::{IN_CHANNEL, audited, tell};
use crate::sim::errors::{
    ALREADY_CROSSPOSTED, ApiError, TOO_MANY_WEBHOOKS, UNKNOWN_CHANNEL, WRONG_CHANNEL_TYPE,
};
use crate::sim::ids::Id;
use crate::sim::permissions::{
    MANAGE_MESSAGES, MANAGE_WEBHOOKS, SEND_MESSAGES, require_in_channel,
};
use crate::sim::world::{Audited, Channel, Message, Webhook, World, kind};
use serde_json::{Value, json};

pub(super) const ROUTES: &[Route] = &[
    route("POST", "/channels/{channel_id}/followers", follow),
    route(
        "POST",
        "/channels/{channel_id}/messages/{message_id}/crosspost",
        crosspost,
    ),
];

/// `CROSSPOSTED`: it has been published.
const CROSSPOSTED: u64 = 1;
/// `IS_CROSSPOST`: it was published elsewhere.
const IS_CROSSPOST: u64 = 1 << 1;
/// The type of the message that tells of a channel that is followed.
const FOLLOW_ADD: u64 = 12;

/// The channel of the path, when the caller sees it and it is for announcements.
fn announcements<'a>(
    world: &'a World,
    call: &RestCall,
    needed: u64,
) -> Result<&'a Channel, ApiError> {
    let channel = world.channel(call.id("channel_id")?)?;
    require_in_channel(world, channel, call.actor, needed)?;
    if channel.kind == kind::ANNOUNCEMENT {
        Ok(channel)
    } else {
        Err(WRONG_CHANNEL_TYPE.into())
    }
}

fn follow(world: &mut World, call: &RestCall) -> Outcome {
    let source = announcements(world, call, 0)?;
    let home = world.home(source).ok_or(UNKNOWN_CHANNEL)?;
    let (source, name) = (source.id, format!("{} #{}", home.name, source.name));
    let source_guild = home.id;
    let target = world.channel(call.required_id("webhook_channel_id")?)?;
    require_in_channel(world, target, call.actor, MANAGE_WEBHOOKS)?;
    let guild = target.guild.ok_or(WRONG_CHANNEL_TYPE)?;
    if !matches!(target.kind, kind::TEXT | kind::ANNOUNCEMENT) {
        return Err(WRONG_CHANNEL_TYPE.into());
    }
    let target = target.id;
    let others = world.webhooks.values();
    if others.filter(|hook| hook.channel == target).count() >= IN_CHANNEL {
        return Err(TOO_MANY_WEBHOOKS.into());
    }
    let id = world.new_id();
    let hook = Webhook {
        id,
        // Nobody but Discord sends with it.
        token: String::new(),
        name: name.clone(),
        channel: target,
        guild,
        creator: call.actor,
        avatar: None,
        follows: Some(source),
    };
    let told = Audited::of(50, Some(id)).changed(&Value::Null, &audited(&hook));
    world.webhooks.insert(id, hook);
    tell(world, guild, target);
    world.write_audit(guild, call.who_and_why(), told);
    let more = json!({
        "content": name,
        "message_reference": {
            "type": 0, "channel_id": source.to_string(), "guild_id": source_guild.to_string(),
        },
    });
    world.insert_system_message(target, call.actor, FOLLOW_ADD, more);
    Ok(RestAnswer::Ok(json!({
        "channel_id": source.to_string(), "webhook_id": id.to_string(),
    })))
}

fn crosspost(world: &mut World, call: &RestCall) -> Outcome {
    let channel = announcements(world, call, SEND_MESSAGES)?;
    let message = world.message(channel.id, call.id("message_id")?, call.actor)?;
    let is_own = message.author == call.actor && message.webhook.is_none();
    if !is_own {
        require_in_channel(world, channel, call.actor, MANAGE_MESSAGES)?;
    }
    let flags = message.flags();
    if flags & CROSSPOSTED != 0 {
        return Err(ALREADY_CROSSPOSTED.into());
    }
    let (source, id) = (channel.id, message.id);
    let fields = &mut world.message_mut(source, id)?.fields;
    fields.insert("flags".into(), (flags | CROSSPOSTED).into());
    world.tell_message("MESSAGE_UPDATE", source, id);
    let followers = world.webhooks.values();
    let followers = followers.filter(|hook| hook.follows == Some(source));
    for hook in followers.cloned().collect::<Vec<_>>() {
        copy(world, (source, id), &hook)?;
    }
    Ok(RestAnswer::Ok(
        world.message(source, id, call.actor)?.show(call.actor),
    ))
}

/// What was published, in a channel that follows.
fn copy(world: &mut World, (channel, id): (Id, Id), hook: &Webhook) -> Result<(), ApiError> {
    let original = world.message_mut(channel, id)?.clone();
    let source_guild = world.guild_of(channel).map(|guild| guild.to_string());
    let (new, now) = (world.new_id(), world.now());
    let mut fields = original.fields;
    let changed = json!({
        "id": new.to_string(),
        "channel_id": hook.channel.to_string(),
        "webhook_id": hook.id.to_string(),
        "author": hook.show_author(None, None),
        "timestamp": now,
        "edited_timestamp": null,
        "flags": IS_CROSSPOST,
        "mentions": [],
        "mention_roles": [],
        "mention_everyone": false,
        "message_reference": {
            "type": 0, "channel_id": channel.to_string(), "message_id": id.to_string(),
            "guild_id": source_guild,
        },
    });
    if let Some(changed) = changed.as_object() {
        fields.extend(changed.clone());
    }
    fields.shift_remove("nonce");
    world.insert_message(Message {
        id: new,
        channel: hook.channel,
        author: hook.id,
        webhook: Some(hook.id),
        fields,
        reactions: Vec::new(),
        poll: None,
        only_for: None,
        pinned_at: None,
    });
    Ok(())
}

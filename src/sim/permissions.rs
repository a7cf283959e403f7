//! What each user may do in the world, by the same rules and bits as in the bot.

use super::errors::{ApiError, MISSING_ACCESS, MISSING_PERMISSIONS};
use super::ids::Id;
use super::lacking;
use super::world::{Channel, Guild, Member, Overwrite, World, kind};
use crate::discord::permissions::rules::{self, ChannelKind, Layers, Rank, Standing};

pub(crate) use crate::discord::permissions::{
    ADD_REACTIONS, ADMINISTRATOR, ALL, ATTACH_FILES, BAN_MEMBERS, CHANGE_NICKNAME, CONNECT,
    CREATE_EVENTS, CREATE_GUILD_EXPRESSIONS, CREATE_INSTANT_INVITE, CREATE_PRIVATE_THREADS,
    CREATE_PUBLIC_THREADS, DEAFEN_MEMBERS, EMBED_LINKS, KICK_MEMBERS, MANAGE_CHANNELS,
    MANAGE_EVENTS, MANAGE_GUILD, MANAGE_GUILD_EXPRESSIONS, MANAGE_MESSAGES, MANAGE_NICKNAMES,
    MANAGE_ROLES, MANAGE_THREADS, MANAGE_WEBHOOKS, MENTION_EVERYONE, MODERATE_MEMBERS,
    MOVE_MEMBERS, MUTE_MEMBERS, PIN_MESSAGES, READ_MESSAGE_HISTORY, REQUEST_TO_SPEAK,
    SEND_MESSAGES, SEND_MESSAGES_IN_THREADS, SEND_POLLS, SEND_TTS_MESSAGES,
    SET_VOICE_CHANNEL_STATUS, SPEAK, STREAM, USE_APPLICATION_COMMANDS, USE_EXTERNAL_EMOJIS,
    USE_EXTERNAL_SOUNDS, USE_EXTERNAL_STICKERS, USE_SOUNDBOARD, USE_VAD, VIEW_AUDIT_LOG,
    VIEW_CHANNEL,
};

/// What everybody may do in a new guild.
pub(crate) const EVERYONE: u64 = CREATE_INSTANT_INVITE
    | ADD_REACTIONS
    | VIEW_CHANNEL
    | SEND_MESSAGES
    | EMBED_LINKS
    | ATTACH_FILES
    | READ_MESSAGE_HISTORY
    | USE_EXTERNAL_EMOJIS
    | CONNECT
    | SPEAK
    | STREAM
    | USE_VAD
    | REQUEST_TO_SPEAK
    | USE_SOUNDBOARD
    | CHANGE_NICKNAME
    | USE_APPLICATION_COMMANDS
    | CREATE_PUBLIC_THREADS
    | CREATE_PRIVATE_THREADS
    | SEND_MESSAGES_IN_THREADS
    | SEND_POLLS;

/// What `user` may do in a guild, before any channel's overwrites; nothing for strangers.
pub(crate) fn in_guild(world: &World, guild: &Guild, user: Id) -> u64 {
    let member = guild.members.get(&user);
    member.map_or(0, |member| rules::in_guild(standing(world, guild, member)))
}

/// What `user` may do in a channel. In a direct channel its two people may do everything that
/// makes sense there.
pub(crate) fn in_channel(world: &World, channel: &Channel, user: Id) -> u64 {
    let Some(guild) = channel.guild.and_then(|id| world.guilds.get(&id)) else {
        let inside = channel.recipients.contains(&user);
        let denied = MANAGE_MESSAGES | MANAGE_CHANNELS | MANAGE_THREADS;
        return if inside { ALL & !denied } else { 0 };
    };
    let Some(member) = guild.members.get(&user) else {
        return 0;
    };
    // A thread has no overwrites of its own: its parent's apply.
    let (place, source) = match (&channel.thread, channel.parent) {
        (Some(_), Some(parent)) => (ChannelKind::Thread, world.channels.get(&parent)),
        _ => (ChannelKind::of_type(channel.kind), None),
    };
    let overwrites = source.unwrap_or(channel).overwrites.iter();
    let layers = Layers::of(
        guild.id,
        user,
        |role| member.roles.contains(&role),
        overwrites.map(Overwrite::rule),
    );
    let held = rules::in_channel(standing(world, guild, member), layers, place);
    let is_open = held & MANAGE_THREADS != 0 || !is_shut(channel, user);
    if is_open { held } else { 0 }
}

/// Whether a member of the channel's guild is timed out now.
pub(crate) fn is_timed_out(world: &World, channel: &Channel, user: Id) -> bool {
    let guild = channel.guild.and_then(|id| world.guilds.get(&id));
    guild.is_some_and(|guild| is_timed_out_in(world, guild, user))
}

/// Whether a member is timed out now.
pub(crate) fn is_timed_out_in(world: &World, guild: &Guild, user: Id) -> bool {
    let member = guild.members.get(&user);
    let until = member.and_then(|member| member.timed_out_until.as_deref());
    rules::is_timed_out(until, world.clock.now())
}

/// Whether the channel is a private thread that the user is not in.
pub(super) fn is_shut(channel: &Channel, user: Id) -> bool {
    let Some(thread) = &channel.thread else {
        return false;
    };
    let mut members = thread.members.iter();
    channel.kind == kind::PRIVATE_THREAD && !members.any(|(member, _)| *member == user)
}

fn standing(world: &World, guild: &Guild, member: &Member) -> Standing {
    let until = member.timed_out_until.as_deref();
    Standing {
        is_owner: guild.owner == member.user,
        roles: role_permissions(guild, member),
        is_timed_out: rules::is_timed_out(until, world.clock.now()),
    }
}

/// What the roles of a member allow, with `@everyone`.
pub(super) fn role_permissions(guild: &Guild, member: &Member) -> u64 {
    let held = member.roles.iter().chain([&guild.id]);
    let roles = held.filter_map(|id| guild.roles.get(id));
    roles.fold(0, |held, role| held | role.permissions)
}

/// Fails unless `user` sees the channel and holds all of `needed` there.
pub(crate) fn require_in_channel(
    world: &World,
    channel: &Channel,
    user: Id,
    needed: u64,
) -> Result<(), ApiError> {
    let held = in_channel(world, channel, user);
    if held & VIEW_CHANNEL != 0 && held & needed == needed {
        return Ok(());
    }
    let known = if held & VIEW_CHANNEL == 0 {
        MISSING_ACCESS
    } else {
        MISSING_PERMISSIONS
    };
    Err(lacking::in_one_channel(world, channel, user, needed, known))
}

/// Fails unless `user` is in the guild and holds all of `needed`.
pub(crate) fn require_in_guild(
    world: &World,
    guild: &Guild,
    user: Id,
    needed: u64,
) -> Result<(), ApiError> {
    if !guild.members.contains_key(&user) {
        return Err(lacking::not_a_member(world, guild, user));
    }
    if in_guild(world, guild, user) & needed == needed {
        Ok(())
    } else {
        Err(lacking::in_whole_guild(world, guild, user, needed))
    }
}

/// How high the member's highest role stands.
fn highest(guild: &Guild, user: Id) -> Rank {
    let roles = guild.members.get(&user).map(|member| &member.roles);
    let roles = roles.into_iter().flatten();
    let held = roles.filter_map(|id| guild.roles.get(id));
    rules::highest(held.map(|role| (role.position, role.id)))
}

/// Fails unless `actor` stands above `target`: nobody above the owner, the owner above all.
pub(crate) fn require_above(
    world: &World,
    guild: &Guild,
    actor: Id,
    target: Id,
) -> Result<(), ApiError> {
    let above = guild.owner != target && highest(guild, actor) > highest(guild, target);
    if guild.owner == actor || above {
        Ok(())
    } else {
        Err(lacking::not_above(world, guild, actor, target))
    }
}

/// Fails unless `actor` stands above the role.
pub(crate) fn require_above_role(
    world: &World,
    guild: &Guild,
    actor: Id,
    role: Id,
) -> Result<(), ApiError> {
    let known = guild.roles.get(&role);
    let rank = rules::highest([(known.map_or(0, |role| role.position), role)]);
    if guild.owner == actor || highest(guild, actor) > rank {
        return Ok(());
    }
    let name = known.map_or("that role", |role| role.name.as_str());
    Err(lacking::not_above_role(world, guild, actor, name))
}

/// Fails unless the highest role of `actor` stands above a position.
pub(crate) fn require_above_position(
    world: &World,
    guild: &Guild,
    actor: Id,
    position: i64,
) -> Result<(), ApiError> {
    // The oldest role of a position is the highest there.
    let rank = rules::highest([(position, 0)]);
    if guild.owner == actor || highest(guild, actor) > rank {
        Ok(())
    } else {
        let place = format!("position {position}");
        Err(lacking::not_above_role(world, guild, actor, &place))
    }
}

#[cfg(test)]
mod tests;

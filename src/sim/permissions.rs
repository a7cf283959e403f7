//! Who may do what: owner, roles, overwrites, hierarchy.

use super::errors::{ApiError, MISSING_ACCESS, MISSING_PERMISSIONS};
use super::ids::{Id, parse_timestamp};
use super::world::{Channel, Guild, Member, Overwrite, World};

pub(crate) const CREATE_INVITE: u64 = 1;
pub(crate) const KICK_MEMBERS: u64 = 1 << 1;
pub(crate) const BAN_MEMBERS: u64 = 1 << 2;
pub(crate) const ADMINISTRATOR: u64 = 1 << 3;
pub(crate) const MANAGE_CHANNELS: u64 = 1 << 4;
pub(crate) const MANAGE_GUILD: u64 = 1 << 5;
pub(crate) const ADD_REACTIONS: u64 = 1 << 6;
pub(crate) const VIEW_AUDIT_LOG: u64 = 1 << 7;
pub(crate) const VIEW_CHANNEL: u64 = 1 << 10;
pub(crate) const SEND_MESSAGES: u64 = 1 << 11;
pub(crate) const SEND_TTS: u64 = 1 << 12;
pub(crate) const MANAGE_MESSAGES: u64 = 1 << 13;
pub(crate) const EMBED_LINKS: u64 = 1 << 14;
pub(crate) const ATTACH_FILES: u64 = 1 << 15;
pub(crate) const READ_MESSAGE_HISTORY: u64 = 1 << 16;
pub(crate) const MENTION_EVERYONE: u64 = 1 << 17;
pub(crate) const EXTERNAL_EMOJIS: u64 = 1 << 18;
pub(crate) const CONNECT: u64 = 1 << 20;
pub(crate) const SPEAK: u64 = 1 << 21;
pub(crate) const CHANGE_NICKNAME: u64 = 1 << 26;
pub(crate) const MANAGE_NICKNAMES: u64 = 1 << 27;
pub(crate) const MANAGE_ROLES: u64 = 1 << 28;
pub(crate) const MANAGE_WEBHOOKS: u64 = 1 << 29;
pub(crate) const USE_COMMANDS: u64 = 1 << 31;
pub(crate) const MANAGE_THREADS: u64 = 1 << 34;
pub(crate) const CREATE_PUBLIC_THREADS: u64 = 1 << 35;
pub(crate) const CREATE_PRIVATE_THREADS: u64 = 1 << 36;
pub(crate) const SEND_IN_THREADS: u64 = 1 << 38;
pub(crate) const MODERATE_MEMBERS: u64 = 1 << 40;
pub(crate) const PIN_MESSAGES: u64 = 1 << 51;
/// Every permission that Discord has.
pub(crate) const ALL: u64 = (1 << 52) - 1;

/// What everybody may do in a new guild.
pub(crate) const EVERYONE: u64 = CREATE_INVITE
    | ADD_REACTIONS
    | VIEW_CHANNEL
    | SEND_MESSAGES
    | EMBED_LINKS
    | ATTACH_FILES
    | READ_MESSAGE_HISTORY
    | EXTERNAL_EMOJIS
    | CONNECT
    | SPEAK
    | CHANGE_NICKNAME
    | USE_COMMANDS
    | CREATE_PUBLIC_THREADS
    | CREATE_PRIVATE_THREADS
    | SEND_IN_THREADS;

/// What remains to a member who is timed out.
const TIMED_OUT: u64 = VIEW_CHANNEL | READ_MESSAGE_HISTORY;

/// What falls away where somebody may not send.
const NEEDS_SENDING: u64 = MENTION_EVERYONE | SEND_TTS | ATTACH_FILES | EMBED_LINKS;

/// What `user` may do in a guild, before any channel's overwrites; nothing for strangers.
pub(crate) fn in_guild(world: &World, guild: &Guild, user: Id) -> u64 {
    if guild.owner == user {
        return ALL;
    }
    let Some(member) = guild.members.get(&user) else {
        return 0;
    };
    let held = role_permissions(guild, member);
    if held & ADMINISTRATOR != 0 {
        ALL
    } else if is_timed_out(world, member) {
        held & TIMED_OUT
    } else {
        held
    }
}

/// What `user` may do in a channel. In a direct channel its two people may do everything that
/// makes sense there.
pub(crate) fn in_channel(world: &World, channel: &Channel, user: Id) -> u64 {
    let Some(guild) = channel.guild.and_then(|id| world.guilds.get(&id)) else {
        let inside = channel.recipients.contains(&user);
        let denied = MANAGE_MESSAGES | MANAGE_CHANNELS | MANAGE_THREADS;
        return if inside { ALL & !denied } else { 0 };
    };
    let base = in_guild(world, guild, user);
    let Some(member) = guild.members.get(&user) else {
        return 0;
    };
    if base & ADMINISTRATOR != 0 {
        return ALL;
    }
    // A thread has no overwrites of its own: its parent's apply.
    let place = match (&channel.thread, channel.parent) {
        (Some(_), Some(parent)) => world.channels.get(&parent).unwrap_or(channel),
        _ => channel,
    };
    let mut held = overwritten(role_permissions(guild, member), guild, place, member);
    if is_timed_out(world, member) {
        held &= TIMED_OUT;
    }
    if channel.thread.is_some() && held & SEND_IN_THREADS == 0 {
        held &= !SEND_MESSAGES;
    } else if channel.thread.is_some() {
        held |= SEND_MESSAGES;
    }
    if held & VIEW_CHANNEL == 0 {
        return 0;
    }
    if held & SEND_MESSAGES == 0 {
        held &= !NEEDS_SENDING;
    }
    held
}

fn role_permissions(guild: &Guild, member: &Member) -> u64 {
    let everyone = guild
        .roles
        .get(&guild.id)
        .map_or(0, |role| role.permissions);
    let roles = member.roles.iter().filter_map(|id| guild.roles.get(id));
    roles.fold(everyone, |held, role| held | role.permissions)
}

fn overwritten(base: u64, guild: &Guild, channel: &Channel, member: &Member) -> u64 {
    let apply = |held: u64, list: &mut dyn Iterator<Item = &Overwrite>| {
        let (allow, deny) = list.fold((0, 0), |(allow, deny), overwrite| {
            (allow | overwrite.allow, deny | overwrite.deny)
        });
        (held & !deny) | allow
    };
    let all = &channel.overwrites;
    let held = apply(base, &mut all.iter().filter(|one| one.id == guild.id));
    let held = apply(
        held,
        &mut all
            .iter()
            .filter(|one| !one.for_member && member.roles.contains(&one.id)),
    );
    apply(
        held,
        &mut all
            .iter()
            .filter(|one| one.for_member && one.id == member.user),
    )
}

fn is_timed_out(world: &World, member: &Member) -> bool {
    let until = member.timed_out_until.as_deref().and_then(parse_timestamp);
    until.is_some_and(|until| until > world.clock.now())
}

/// Fails unless `user` sees the channel and holds all of `needed` there.
pub(crate) fn require_in_channel(
    world: &World,
    channel: &Channel,
    user: Id,
    needed: u64,
) -> Result<(), ApiError> {
    let held = in_channel(world, channel, user);
    if held & VIEW_CHANNEL == 0 {
        return Err(MISSING_ACCESS.into());
    }
    if held & needed == needed {
        Ok(())
    } else {
        Err(MISSING_PERMISSIONS.into())
    }
}

/// Fails unless `user` is in the guild and holds all of `needed`.
pub(crate) fn require_in_guild(
    world: &World,
    guild: &Guild,
    user: Id,
    needed: u64,
) -> Result<(), ApiError> {
    if !guild.members.contains_key(&user) {
        return Err(MISSING_ACCESS.into());
    }
    if in_guild(world, guild, user) & needed == needed {
        Ok(())
    } else {
        Err(MISSING_PERMISSIONS.into())
    }
}

/// The position of the member's highest role; 0 is `@everyone`.
pub(crate) fn highest(guild: &Guild, user: Id) -> i64 {
    let roles = guild.members.get(&user).map(|member| &member.roles);
    let positions = roles
        .into_iter()
        .flatten()
        .filter_map(|id| guild.roles.get(id));
    positions.map(|role| role.position).max().unwrap_or(0)
}

/// Fails unless `actor` stands above `target`: nobody above the owner, the owner above all.
pub(crate) fn require_above(guild: &Guild, actor: Id, target: Id) -> Result<(), ApiError> {
    let above = guild.owner != target && highest(guild, actor) > highest(guild, target);
    if guild.owner == actor || above {
        Ok(())
    } else {
        Err(MISSING_PERMISSIONS.into())
    }
}

/// Fails unless `actor` stands above the role.
pub(crate) fn require_above_role(guild: &Guild, actor: Id, role: Id) -> Result<(), ApiError> {
    let position = guild.roles.get(&role).map_or(0, |role| role.position);
    if guild.owner == actor || highest(guild, actor) > position {
        Ok(())
    } else {
        Err(MISSING_PERMISSIONS.into())
    }
}

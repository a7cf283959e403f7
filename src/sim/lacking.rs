//! Why somebody may not do something: the permission that is missing, and where it would come from. Discord says only
//! that one is missing; the page and the control interface say which.

use super::errors::{ApiError, Known, Lacking, MISSING_ACCESS, MISSING_PERMISSIONS};
use super::ids::Id;
use super::permissions::{
    ADMINISTRATOR, CONNECT, SEND_MESSAGES, SEND_MESSAGES_IN_THREADS, VIEW_CHANNEL, in_channel,
    in_guild, is_shut, is_timed_out_in, role_permissions,
};
use super::world::{Channel, Guild, Member, Overwrite, World};
use crate::discord::permissions::labels;

/// How many names a sentence has at most.
const NAMED: usize = 5;

/// The refusal for somebody who stands in a rule's way, for a reason that is not a permission of theirs.
pub(crate) fn not_permitted(why: String) -> ApiError {
    Lacking::other(why).refuse(MISSING_PERMISSIONS)
}

/// The refusal for somebody who is not in a guild.
pub(crate) fn not_a_member(world: &World, guild: &Guild, user: Id) -> ApiError {
    let why = format!("{} is not in {}.", name(world, user), guild.name);
    Lacking::other(why).refuse(MISSING_ACCESS)
}

/// The refusal for a member who lacks permissions in a guild as a whole.
pub(crate) fn in_whole_guild(world: &World, guild: &Guild, user: Id, needed: u64) -> ApiError {
    let missing = needed & !in_guild(world, guild, user);
    let Some(member) = guild.members.get(&user) else {
        return not_a_member(world, guild, user);
    };
    let who = name(world, user);
    let source = match timed_out(world, guild, member) {
        Some(until) if role_permissions(guild, member) & missing == missing => until,
        _ => no_role(guild, member, &who),
    };
    let permissions: Vec<_> = labels(missing).collect();
    let why = format!(
        "{who} lacks {} in {}: {source}.",
        list(&permissions),
        guild.name
    );
    Lacking { permissions, why }.refuse(MISSING_PERMISSIONS)
}

/// The refusal for somebody who lacks permissions in a channel.
pub(crate) fn in_one_channel(
    world: &World,
    channel: &Channel,
    user: Id,
    needed: u64,
    known: Known,
) -> ApiError {
    let who = name(world, user);
    let Some(guild) = world.home(channel) else {
        let why = if channel.recipients.contains(&user) {
            format!("{} does not exist in direct messages.", list_of(needed))
        } else {
            format!("These are direct messages of others than {who}.")
        };
        return Lacking::other(why).refuse(known);
    };
    let Some(member) = guild.members.get(&user) else {
        return not_a_member(world, guild, user);
    };
    let source = channel.thread.as_ref().and(channel.parent);
    let source = source.and_then(|parent| world.channels.get(&parent));
    let place = Place {
        channel: source.unwrap_or(channel),
        guild,
        member,
        who: &who,
    };
    let held = in_channel(world, channel, user);
    if held & VIEW_CHANNEL == 0 && is_shut(channel, user) && place.grants(VIEW_CHANNEL) {
        let why = format!(
            "{who} is not in the private thread {}, and may not manage threads.",
            channel.name
        );
        return Lacking::other(why).refuse(known);
    }
    let wanted = wanted(channel, needed);
    let missing = if held & VIEW_CHANNEL == 0 {
        wanted
    } else {
        wanted & !held
    };
    let mut missing = place.sources(missing);
    if missing.is_empty() {
        // Some permissions need another one.
        missing = place.sources(self::wanted(channel, SEND_MESSAGES | CONNECT) & !held);
    }
    if missing.is_empty() {
        missing.push((wanted & !held, String::new()));
    }
    let until = timed_out(world, guild, member);
    let sentences: Vec<String> = missing
        .iter()
        .map(|(bits, source)| {
            let lacks = format!("{who} lacks {} in #{}", list_of(*bits), place.channel.name);
            match (source.as_str(), &until) {
                ("", Some(until)) => format!("{lacks}: {until}."),
                ("", None) => format!("{lacks}."),
                (source, _) => format!("{lacks}: {source}."),
            }
        })
        .collect();
    let bits = missing.iter().fold(0, |all, (bits, _)| all | bits);
    Lacking {
        permissions: labels(bits).collect(),
        why: sentences.join(" "),
    }
    .refuse(known)
}

/// What an action in a channel needs: to see it, too, and in a thread the permission to send there.
fn wanted(channel: &Channel, needed: u64) -> u64 {
    let needed = needed | VIEW_CHANNEL;
    if channel.thread.is_some() && needed & SEND_MESSAGES != 0 {
        (needed & !SEND_MESSAGES) | SEND_MESSAGES_IN_THREADS
    } else {
        needed
    }
}

/// Where the permissions of a member in a channel come from.
struct Place<'a> {
    channel: &'a Channel,
    guild: &'a Guild,
    member: &'a Member,
    who: &'a str,
}

impl Place<'_> {
    /// For each of these permissions that is not granted, why; those with the same reason together.
    fn sources(&self, wanted: u64) -> Vec<(u64, String)> {
        let mut found: Vec<(u64, String)> = Vec::new();
        for bit in (0..u64::BITS).map(|at| 1 << at) {
            let denial = (wanted & bit != 0).then(|| self.denial(bit)).flatten();
            let Some(source) = denial else { continue };
            match found.iter_mut().find(|(_, known)| *known == source) {
                Some((bits, _)) => *bits |= bit,
                None => found.push((bit, source)),
            }
        }
        found
    }

    fn grants(&self, bit: u64) -> bool {
        self.denial(bit).is_none()
    }

    /// Why a permission is not granted here; none when it is.
    fn denial(&self, bit: u64) -> Option<String> {
        let channel = &self.channel.name;
        let of = |one: &&Overwrite| (one.allow | one.deny) & bit != 0;
        let overwrites = || self.channel.overwrites.iter().filter(of);
        let own = overwrites().find(|one| one.for_member && one.id == self.member.user);
        if let Some(own) = own {
            return (own.allow & bit == 0)
                .then(|| format!("#{channel} denies it to {} in an overwrite", self.who));
        }
        let held = |one: &&Overwrite| !one.for_member && self.member.roles.contains(&one.id);
        let roles: Vec<&Overwrite> = overwrites().filter(held).collect();
        if roles.iter().any(|one| one.allow & bit != 0) {
            return None;
        }
        if !roles.is_empty() {
            let names: Vec<&str> = roles
                .iter()
                .filter_map(|one| self.guild.roles.get(&one.id))
                .map(|role| role.name.as_str())
                .collect();
            return Some(format!(
                "#{channel} denies it to the role {} in an overwrite",
                list(&names)
            ));
        }
        let everyone = overwrites().find(|one| !one.for_member && one.id == self.guild.id);
        match everyone {
            Some(one) if one.allow & bit != 0 => None,
            Some(_) => Some(format!("#{channel} denies it to @everyone in an overwrite")),
            None if role_permissions(self.guild, self.member) & bit != 0 => None,
            None => Some(no_role(self.guild, self.member, self.who)),
        }
    }
}

/// The refusal of a command to somebody who is not among those for whom it was made.
pub(crate) fn for_others(
    world: &World,
    (channel, user): (&Channel, Id),
    (command, needed): (&str, u64),
) -> ApiError {
    let refusal = in_one_channel(world, channel, user, needed, MISSING_PERMISSIONS);
    let Some(lacking) = refusal.lacking else {
        return refusal;
    };
    let for_whom = if needed == ADMINISTRATOR {
        "administrators".to_owned()
    } else {
        format!("members with {}", list_of(needed))
    };
    let why = format!(
        "{command} is for {for_whom} (its default_member_permissions). {}",
        lacking.why
    );
    Lacking { why, ..*lacking }.refuse(MISSING_PERMISSIONS)
}

/// The refusal for somebody who is timed out.
pub(crate) fn while_timed_out(world: &World, channel: &Channel, user: Id) -> ApiError {
    let guild = world.home(channel);
    let member = guild.and_then(|guild| guild.members.get(&user));
    let until = guild
        .zip(member)
        .and_then(|(guild, member)| timed_out(world, guild, member));
    let who = name(world, user);
    not_permitted(match until {
        Some(until) => format!("{who} may only read: {until}."),
        None => format!("{who} may only read."),
    })
}

/// The refusal for somebody who does not stand above somebody else.
pub(crate) fn not_above(world: &World, guild: &Guild, actor: Id, target: Id) -> ApiError {
    let (who, whom) = (name(world, actor), name(world, target));
    if guild.owner == target {
        return not_permitted(format!("{whom} owns {}: nobody stands above.", guild.name));
    }
    not_permitted(format!(
        "{who}, whose highest role is {}, does not stand above {whom}, whose highest role is {}.",
        highest(guild, actor),
        highest(guild, target)
    ))
}

/// The refusal for somebody who does not stand above a role.
pub(crate) fn not_above_role(world: &World, guild: &Guild, actor: Id, role: &str) -> ApiError {
    not_permitted(format!(
        "{}, whose highest role is {}, does not stand above {role}.",
        name(world, actor),
        highest(guild, actor)
    ))
}

/// The name under which the page shows a user.
pub(crate) fn name(world: &World, user: Id) -> String {
    let user = world.users.get(&user);
    let shown = user.map(|user| user.global_name.as_ref().unwrap_or(&user.name));
    shown.cloned().unwrap_or_else(|| "Somebody".into())
}

/// The name of a member's highest role.
fn highest(guild: &Guild, user: Id) -> &str {
    let roles = guild.members.get(&user).map(|member| &member.roles);
    let roles = roles.into_iter().flatten();
    let held = roles.filter_map(|id| guild.roles.get(id));
    let top = held.max_by_key(|role| (role.position, std::cmp::Reverse(role.id)));
    top.map_or("@everyone", |role| role.name.as_str())
}

fn no_role(guild: &Guild, member: &Member, who: &str) -> String {
    let held = [guild.id].into_iter().chain(member.roles.iter().copied());
    let names = held.filter_map(|id| guild.roles.get(&id));
    let names: Vec<&str> = names.map(|role| role.name.as_str()).collect();
    format!("no role of {who} grants it ({})", list(&names))
}

fn timed_out(world: &World, guild: &Guild, member: &Member) -> Option<String> {
    let until = member.timed_out_until.as_deref()?;
    let is_out = is_timed_out_in(world, guild, member.user);
    is_out.then(|| format!("timed out until {until}"))
}

fn list_of(bits: u64) -> String {
    let names: Vec<_> = labels(bits).collect();
    list(&names)
}

fn list(names: &[&str]) -> String {
    let shown = names.get(..NAMED).unwrap_or(names).join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

//! Permissions: their names and bits, and what a member may do in a channel.
//!
//! ```text
//! table (bits, names) ─ rules (Discord's rules on plain values) ─ here (on Discord's objects, for the bot)
//!                                                               └ src/sim/permissions.rs (on the simulator's world)
//! ```
//!
//! The objects are Discord's: a guild with `id`, `owner_id` and `roles`, a channel with `type` and
//! `permission_overwrites`, a member with `user.id` and `roles`.

pub mod rules;
mod table;

pub use table::*;

use crate::json::{JsonRef, Node};
use crate::nearest::nearest;
use rules::{ChannelKind, Layers, Overwrite, Rank, Standing};
use std::time::Duration;

/// The fields of Discord's objects that hold permissions wherever their type is an integer.
pub(super) const FIELDS: [&str; 4] = ["permissions", "allow", "deny", "default_member_permissions"];

/// The bit of the permission called `name`.
pub fn bit(name: &str) -> Option<u64> {
    let known = PERMISSIONS.iter().find(|known| known.name == name);
    known.map(|known| known.bit)
}

/// The bits of all `names`; the first unknown name otherwise.
pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<u64, &'a str> {
    names
        .into_iter()
        .try_fold(0, |bits, name| bit(name).map(|bit| bits | bit).ok_or(name))
}

/// The names of the permissions in `bits`; bits without a name are left out.
#[cfg(test)]
pub(crate) fn names(bits: u64) -> Vec<&'static str> {
    held(bits).map(|held| held.name).collect()
}

/// What Discord's settings call the permissions in `bits` (`Ban Members`).
pub fn labels(bits: u64) -> impl Iterator<Item = &'static str> {
    held(bits).map(|held| held.label)
}

fn held(bits: u64) -> impl Iterator<Item = &'static Permission> {
    PERMISSIONS
        .iter()
        .filter(move |known| bits & known.bit != 0)
}

/// All names, in the order of their bits.
pub fn all_names() -> impl Iterator<Item = &'static str> {
    PERMISSIONS.iter().map(|known| known.name)
}

/// The permission whose name is most like `name`, if one is like it at all.
pub fn nearest_permission(name: &str) -> Option<&'static str> {
    nearest(name, all_names())
}

/// The bits of `wanted` that `bits` lack; none for an administrator.
pub fn missing(bits: u64, wanted: u64) -> u64 {
    if bits & ADMINISTRATOR == 0 {
        wanted & !bits
    } else {
        0
    }
}

/// Whether `bits` hold all of the permissions in `wanted`, as administrators do.
pub fn has(bits: u64, wanted: u64) -> bool {
    missing(bits, wanted) == 0
}

/// Bits from Discord's decimal string. Discord may send more than 64 one day: those that we know are the low ones.
pub fn parse(text: &str) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.bytes().try_fold(0_u64, |bits, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        Some(bits.wrapping_mul(10).wrapping_add(digit))
    })
}

/// What a member may do in a channel at the time `now` since the epoch; for a thread, ask [`in_thread`].
pub fn in_channel(
    guild: JsonRef<'_>,
    channel: JsonRef<'_>,
    member: JsonRef<'_>,
    now: Duration,
) -> u64 {
    let place = channel.i64("type");
    let place = place.and_then(|number| u64::try_from(number).ok());
    at(
        guild,
        channel,
        ChannelKind::of_type(place.unwrap_or(0)),
        member,
        now,
    )
}

/// What a member may do in the threads of the channel `parent`.
pub(super) fn in_thread(
    guild: JsonRef<'_>,
    parent: JsonRef<'_>,
    member: JsonRef<'_>,
    now: Duration,
) -> u64 {
    at(guild, parent, ChannelKind::Thread, member, now)
}

fn at(
    guild: JsonRef<'_>,
    channel: JsonRef<'_>,
    place: ChannelKind,
    member: JsonRef<'_>,
    now: Duration,
) -> u64 {
    let standing = standing(guild, member, now);
    let (Some(guild), Some(user)) = (id_in(guild, "id"), user_id(member)) else {
        return 0;
    };
    let overwrites = channel.list("permission_overwrites");
    let layers = Layers::of(
        guild,
        user,
        |role| holds(member, role),
        overwrites.filter_map(overwrite),
    );
    rules::in_channel(standing, layers, place)
}

fn standing(guild: JsonRef<'_>, member: JsonRef<'_>, now: Duration) -> Standing {
    let everyone = id_in(guild, "id");
    let roles = guild.list("roles");
    let held = roles.filter(|role| {
        let id = id_in(*role, "id");
        id.is_some_and(|id| everyone == Some(id) || holds(member, id))
    });
    Standing {
        is_owner: is_owner(guild, member),
        roles: held.fold(0, |bits, role| bits | bits_in(role, "permissions")),
        is_timed_out: rules::is_timed_out(member.str("communication_disabled_until"), now),
    }
}

fn overwrite(json: JsonRef<'_>) -> Option<Overwrite> {
    Some(Overwrite {
        id: id_in(json, "id")?,
        for_member: json.i64("type") == Some(1),
        allow: bits_in(json, "allow"),
        // What is taken and cannot be read may be anything.
        deny: match json.get("deny").map(JsonRef::node) {
            None | Some(Node::Null) => 0,
            Some(_) => readable_bits(json, "deny").unwrap_or(u64::MAX),
        },
    })
}

/// Whether the member `above` stands higher than `below`: as the owner, or by their highest roles.
pub fn outranks(guild: JsonRef<'_>, above: JsonRef<'_>, below: JsonRef<'_>) -> bool {
    if user_id(above) == user_id(below) || is_owner(guild, below) {
        return false;
    }
    is_owner(guild, above) || rank(guild, above) > rank(guild, below)
}

fn rank(guild: JsonRef<'_>, member: JsonRef<'_>) -> Rank {
    let roles = guild.list("roles");
    let held = roles.filter_map(|role| {
        let id = id_in(role, "id").filter(|id| holds(member, *id))?;
        Some((role.i64("position").unwrap_or(0), id))
    });
    rules::highest(held)
}

/// Whether the guild belongs to the member.
pub fn is_owner(guild: JsonRef<'_>, member: JsonRef<'_>) -> bool {
    user_id(member).is_some() && user_id(member) == id_in(guild, "owner_id")
}

fn user_id(member: JsonRef<'_>) -> Option<u64> {
    member.at(&["user", "id"])?.as_str()?.parse().ok()
}

fn holds(member: JsonRef<'_>, role: u64) -> bool {
    let roles = member.list("roles");
    let mut ids = roles.filter_map(|held| held.as_str()?.parse().ok());
    ids.any(|held: u64| held == role)
}

fn id_in(object: JsonRef<'_>, field: &str) -> Option<u64> {
    object.str(field)?.parse().ok()
}

/// What is granted; nothing if that cannot be read.
fn bits_in(object: JsonRef<'_>, field: &str) -> u64 {
    readable_bits(object, field).unwrap_or(0)
}

/// Bits as Discord writes them, or as a number, as other servers do.
fn readable_bits(object: JsonRef<'_>, field: &str) -> Option<u64> {
    let number = object.get(field)?;
    match number.as_str() {
        Some(text) => parse(text),
        None => u64::try_from(number.as_i64()?).ok(),
    }
}

#[cfg(test)]
pub(crate) mod model;
#[cfg(test)]
mod tests;

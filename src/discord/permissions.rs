//! Permissions: their names and bits, and what a member may do in a channel.
//!
//! The objects are Discord's: a guild with `id`, `owner_id` and `roles`, a channel with
//! `permission_overwrites`, a member with `user.id` and `roles`. For a thread, pass its parent.

use super::nearest::nearest;
use crate::json::Json;
use std::time::Duration;

/// The position of each permission's bit, its name in Discord's documents (in `snake_case`) and in Discord's settings.
const PERMISSIONS: [(u8, &str, &str); 52] = [
    (0, "create_instant_invite", "Create Invite"),
    (1, "kick_members", "Kick Members"),
    (2, "ban_members", "Ban Members"),
    (3, "administrator", "Administrator"),
    (4, "manage_channels", "Manage Channels"),
    (5, "manage_guild", "Manage Server"),
    (6, "add_reactions", "Add Reactions"),
    (7, "view_audit_log", "View Audit Log"),
    (8, "priority_speaker", "Priority Speaker"),
    (9, "stream", "Video"),
    (10, "view_channel", "View Channel"),
    (11, "send_messages", "Send Messages"),
    (12, "send_tts_messages", "Send Text-to-Speech Messages"),
    (13, "manage_messages", "Manage Messages"),
    (14, "embed_links", "Embed Links"),
    (15, "attach_files", "Attach Files"),
    (16, "read_message_history", "Read Message History"),
    (
        17,
        "mention_everyone",
        "Mention @everyone, @here and All Roles",
    ),
    (18, "use_external_emojis", "Use External Emoji"),
    (19, "view_guild_insights", "View Server Insights"),
    (20, "connect", "Connect"),
    (21, "speak", "Speak"),
    (22, "mute_members", "Mute Members"),
    (23, "deafen_members", "Deafen Members"),
    (24, "move_members", "Move Members"),
    (25, "use_vad", "Use Voice Activity"),
    (26, "change_nickname", "Change Nickname"),
    (27, "manage_nicknames", "Manage Nicknames"),
    (28, "manage_roles", "Manage Roles"),
    (29, "manage_webhooks", "Manage Webhooks"),
    (30, "manage_guild_expressions", "Manage Expressions"),
    (31, "use_application_commands", "Use Application Commands"),
    (32, "request_to_speak", "Request to Speak"),
    (33, "manage_events", "Manage Events"),
    (34, "manage_threads", "Manage Threads"),
    (35, "create_public_threads", "Create Public Threads"),
    (36, "create_private_threads", "Create Private Threads"),
    (37, "use_external_stickers", "Use External Stickers"),
    (38, "send_messages_in_threads", "Send Messages in Threads"),
    (39, "use_embedded_activities", "Use Activities"),
    (40, "moderate_members", "Timeout Members"),
    (
        41,
        "view_creator_monetization_analytics",
        "View Creator Monetization Analytics",
    ),
    (42, "use_soundboard", "Use Soundboard"),
    (43, "create_guild_expressions", "Create Expressions"),
    (44, "create_events", "Create Events"),
    (45, "use_external_sounds", "Use External Sounds"),
    (46, "send_voice_messages", "Send Voice Messages"),
    (48, "set_voice_channel_status", "Set Voice Channel Status"),
    (49, "send_polls", "Create Polls"),
    (50, "use_external_apps", "Use External Apps"),
    (51, "pin_messages", "Pin Messages"),
    (52, "bypass_slowmode", "Bypass Slowmode"),
];

/// Every permission that has a name.
pub const ALL: u64 = {
    let mut bits = 0;
    let mut at = 0;
    while at < PERMISSIONS.len() {
        bits |= 1 << PERMISSIONS[at].0;
        at += 1;
    }
    bits
};

/// The bit of `administrator`, which stands for all others.
pub const ADMINISTRATOR: u64 = 1 << 3;
const VIEW_CHANNEL: u64 = 1 << 10;
const SEND_MESSAGES: u64 = 1 << 11;
const READ_MESSAGE_HISTORY: u64 = 1 << 16;

/// What cannot be done without sending: speech synthesis, embeds, files, `@everyone`.
const NEEDS_SENDING: u64 = 1 << 12 | 1 << 14 | 1 << 15 | 1 << 17;

/// The bit of the permission called `name`.
pub fn bit(name: &str) -> Option<u64> {
    let known = PERMISSIONS.iter().find(|(_, known, _)| *known == name);
    known.map(|(position, ..)| 1 << position)
}

/// The bits of all `names`; the first unknown name otherwise.
pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<u64, &'a str> {
    names
        .into_iter()
        .try_fold(0, |bits, name| bit(name).map(|bit| bits | bit).ok_or(name))
}

/// The names of the permissions in `bits`; bits without a name are left out.
pub fn names(bits: u64) -> Vec<&'static str> {
    held(bits).map(|(_, name, _)| *name).collect()
}

/// What Discord's settings call the permissions in `bits` (`Ban Members`).
pub fn labels(bits: u64) -> impl Iterator<Item = &'static str> {
    held(bits).map(|(.., label)| *label)
}

fn held(bits: u64) -> impl Iterator<Item = &'static (u8, &'static str, &'static str)> {
    PERMISSIONS
        .iter()
        .filter(move |(position, ..)| bits & (1 << position) != 0)
}

/// All names, in the order of their bits.
pub fn all_names() -> impl Iterator<Item = &'static str> {
    PERMISSIONS.iter().map(|(_, name, _)| *name)
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

/// Bits from Discord's decimal string.
pub fn parse(text: &str) -> Option<u64> {
    // Discord may send more bits than 64 one day; those that we know are the low ones.
    text.parse::<u128>()
        .ok()
        .map(|bits| u64::try_from(bits & u128::from(u64::MAX)).unwrap_or_default())
}

/// What a member may do in a guild as a whole.
pub fn in_guild(guild: &Json, member: &Json, now: Duration) -> u64 {
    if is_owner(guild, member) {
        return ALL;
    }
    let everyone = guild.str("id").unwrap_or_default();
    let roles = guild.get("roles").map_or(&[][..], Json::items).iter();
    let held = roles.filter(|role| {
        let id = role.str("id").unwrap_or_default();
        id == everyone || holds(member, id)
    });
    let bits = held.fold(0, |bits, role| bits | bits_of(role, "permissions"));
    if bits & ADMINISTRATOR != 0 {
        return ALL;
    }
    if is_timed_out(member, now) {
        return bits & (VIEW_CHANNEL | READ_MESSAGE_HISTORY);
    }
    bits
}

/// What a member may do in a channel (for a thread: its parent) at the time `now` since the epoch.
pub fn in_channel(guild: &Json, channel: &Json, member: &Json, now: Duration) -> u64 {
    let mut bits = in_guild(guild, member, now);
    if bits & ADMINISTRATOR != 0 {
        return ALL;
    }
    let everyone = guild.str("id").unwrap_or_default();
    let user = member.at(&["user", "id"]).and_then(Json::as_str);
    let overwrites = channel.get("permission_overwrites");
    let overwrites = overwrites.map_or(&[][..], Json::items);
    let matching = |wanted: &dyn Fn(&str) -> bool| {
        let fits = overwrites
            .iter()
            .filter(|overwrite| overwrite.str("id").is_some_and(wanted));
        fits.fold((0, 0), |(allow, deny), overwrite| {
            (
                allow | bits_of(overwrite, "allow"),
                deny | bits_of(overwrite, "deny"),
            )
        })
    };
    let layers = [
        matching(&|id| id == everyone),
        matching(&|id| id != everyone && holds(member, id)),
        matching(&|id| Some(id) == user),
    ];
    for (allow, deny) in layers {
        bits = (bits & !deny) | allow;
    }
    if bits & VIEW_CHANNEL == 0 {
        return 0;
    }
    if bits & SEND_MESSAGES == 0 {
        bits &= !NEEDS_SENDING;
    }
    if is_timed_out(member, now) {
        bits &= VIEW_CHANNEL | READ_MESSAGE_HISTORY;
    }
    bits
}

/// Whether the member `above` stands higher than `below`: as the owner, or by their highest roles.
pub fn outranks(guild: &Json, above: &Json, below: &Json) -> bool {
    if user_id(above) == user_id(below) || is_owner(guild, below) {
        return false;
    }
    is_owner(guild, above) || rank(guild, above) > rank(guild, below)
}

/// Position of the highest role; of two at one position the older role is the higher.
fn rank(guild: &Json, member: &Json) -> (i64, std::cmp::Reverse<u64>) {
    let roles = guild.get("roles").map_or(&[][..], Json::items).iter();
    let held = roles.filter(|role| role.str("id").is_some_and(|id| holds(member, id)));
    let ranks = held.map(|role| {
        let position = role.get("position").and_then(Json::as_i64).unwrap_or(0);
        let id = role.str("id").and_then(|id| id.parse().ok());
        (position, std::cmp::Reverse(id.unwrap_or(u64::MAX)))
    });
    ranks.max().unwrap_or((0, std::cmp::Reverse(u64::MAX)))
}

fn is_owner(guild: &Json, member: &Json) -> bool {
    user_id(member).is_some() && user_id(member) == guild.str("owner_id")
}

fn user_id(member: &Json) -> Option<&str> {
    member.at(&["user", "id"]).and_then(Json::as_str)
}

fn holds(member: &Json, role: &str) -> bool {
    let roles = member.get("roles").map_or(&[][..], Json::items);
    roles.iter().any(|held| held.as_str() == Some(role))
}

fn is_timed_out(member: &Json, now: Duration) -> bool {
    let until = member.str("communication_disabled_until");
    let until = until.and_then(|text| text.parse::<jiff::Timestamp>().ok());
    until.is_some_and(|until| until.as_second() > i64::try_from(now.as_secs()).unwrap_or(i64::MAX))
}

fn bits_of(object: &Json, field: &str) -> u64 {
    object.str(field).and_then(parse).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn tree(value: &serde_json::Value) -> Json {
        Json::from(value)
    }

    fn guild() -> Json {
        tree(&json!({ "id": "1", "owner_id": "10", "roles": [
            { "id": "1", "position": 0, "permissions": bits(&["view_channel", "send_messages", "embed_links"]) },
            { "id": "2", "position": 1, "permissions": bits(&["ban_members"]) },
            { "id": "3", "position": 2, "permissions": bits(&["administrator"]) },
        ]}))
    }

    fn bits(names: &[&str]) -> String {
        of(names.iter().copied()).unwrap().to_string()
    }

    fn member(id: &str, roles: &[&str]) -> Json {
        tree(&json!({ "user": { "id": id }, "roles": roles }))
    }

    #[test]
    fn an_administrator_lacks_nothing() {
        assert_eq!(missing(4, 6), 2);
        assert_eq!(missing(ADMINISTRATOR, 6), 0);
        assert_eq!(labels(1 << 40).collect::<Vec<_>>(), ["Timeout Members"]);
        for (position, name, _) in PERMISSIONS {
            assert_eq!(bit(name), Some(1 << position));
        }
    }

    #[test]
    fn names_and_bits_are_two_ways_to_say_one_thing() {
        assert_eq!(of(["kick_members", "ban_members"]), Ok(6));
        assert_eq!(of(["kick_members", "ban"]), Err("ban"));
        assert_eq!(names(6), ["kick_members", "ban_members"]);
        assert_eq!(nearest_permission("ban_member"), Some("ban_members"));
        assert!(has(ADMINISTRATOR, 1 << 40) && !has(2, 4));
        assert_eq!(ALL.count_ones(), 52);
    }

    #[test]
    fn overwrites_go_from_everyone_over_roles_to_the_member() {
        let send = bits(&["send_messages"]);
        let channel = tree(&json!({ "permission_overwrites": [
            { "id": "1", "type": 0, "allow": "0", "deny": send },
            { "id": "2", "type": 0, "allow": send, "deny": "0" },
            { "id": "11", "type": 1, "allow": "0", "deny": bits(&["view_channel"]) },
        ]}));
        let may = |id: &str, roles: &[&str]| {
            names(in_channel(
                &guild(),
                &channel,
                &member(id, roles),
                Duration::ZERO,
            ))
        };
        // Without sending, embeds are of no use.
        assert_eq!(may("12", &[]), ["view_channel"]);
        assert!(may("12", &["2"]).contains(&"send_messages"));
        assert_eq!(may("11", &["2"]), [""; 0]);
        assert_eq!(may("11", &["3"]).len(), 52);
        assert_eq!(may("10", &[]).len(), 52);
    }

    #[test]
    fn a_timeout_leaves_only_reading() {
        let timed = member("12", &["2"]).with(
            "communication_disabled_until",
            Json::String("1970-01-01T00:01:00+00:00".into()),
        );
        let channel = tree(&json!({}));
        let at = |seconds| in_channel(&guild(), &channel, &timed, Duration::from_secs(seconds));
        assert_eq!(names(at(10)), ["view_channel"]);
        assert!(names(at(60)).contains(&"ban_members"));
    }

    #[test]
    fn rank_is_the_owner_and_then_the_highest_role() {
        let (low, high) = (member("11", &["2"]), member("12", &["2", "3"]));
        let owner = member("10", &[]);
        assert!(outranks(&guild(), &high, &low) && !outranks(&guild(), &low, &high));
        assert!(outranks(&guild(), &owner, &high) && !outranks(&guild(), &high, &owner));
        assert!(!outranks(&guild(), &owner, &owner));
        assert!(outranks(&guild(), &low, &member("13", &[])));
    }
}

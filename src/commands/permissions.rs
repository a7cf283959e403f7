//! The permissions of Discord: bits, names, and what its settings call them.

/// Bit, name in Discord's documentation (in lower case), label in Discord's settings. From
/// <https://discord.com/developers/docs/topics/permissions>; bit 47 is not in use.
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

/// The bit of `administrator`, which stands for all others.
pub const ADMINISTRATOR: u64 = 1 << 3;

/// The bit of the permission called `name` (`ban_members`, in any letter case).
pub fn bit(name: &str) -> Option<u64> {
    PERMISSIONS
        .iter()
        .find(|(_, known, _)| known.eq_ignore_ascii_case(name))
        .map(|(bit, ..)| 1 << bit)
}

/// The bits of all `names`, or the first name that Discord does not have.
pub fn bits<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<u64, &'a str> {
    names
        .into_iter()
        .try_fold(0, |bits, name| Ok(bits | bit(name).ok_or(name)?))
}

/// The names of the permissions in `bits`, in the order of their bits. Unknown bits have no name.
pub fn names(bits: u64) -> impl Iterator<Item = &'static str> {
    held(bits).map(|(_, name, _)| *name)
}

/// What Discord's settings call the permissions in `bits` (`Ban Members`).
pub fn labels(bits: u64) -> impl Iterator<Item = &'static str> {
    held(bits).map(|(.., label)| *label)
}

fn held(bits: u64) -> impl Iterator<Item = &'static (u8, &'static str, &'static str)> {
    PERMISSIONS
        .iter()
        .filter(move |(bit, ..)| bits & (1 << bit) != 0)
}

/// The bits of `needed` that `held` lacks; none for an administrator.
pub fn missing(held: u64, needed: u64) -> u64 {
    if held & ADMINISTRATOR == 0 {
        needed & !held
    } else {
        0
    }
}

/// The known name nearest to one that is unknown.
pub fn nearest(name: &str) -> Option<&'static str> {
    let known = PERMISSIONS.iter().map(|(_, known, _)| *known);
    super::suggest::nearest(name, known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_bits_stand_for_each_other() {
        assert_eq!(bit("ban_members"), Some(4));
        assert_eq!(bit("BYPASS_SLOWMODE"), Some(1 << 52));
        assert_eq!(bits(["kick_members", "ban_members"]), Ok(6));
        assert_eq!(bits(["kick_members", "fly"]), Err("fly"));
        assert_eq!(
            names(6).collect::<Vec<_>>(),
            ["kick_members", "ban_members"]
        );
        assert_eq!(labels(1 << 40).collect::<Vec<_>>(), ["Timeout Members"]);
        assert_eq!(nearest("ban_member"), Some("ban_members"));
        for (number, name, _) in PERMISSIONS {
            assert_eq!(bit(name), Some(1 << number));
        }
    }

    #[test]
    fn an_administrator_lacks_nothing() {
        assert_eq!(missing(4, 6), 2);
        assert_eq!(missing(ADMINISTRATOR, 6), 0);
    }
}

//! Which operations are on which page.

use crate::discord::operations::Operation;

/// A page of operations.
#[derive(Debug)]
pub(super) struct Group {
    /// The name of its file, without `.md`.
    pub(super) file: &'static str,
    pub(super) title: &'static str,
    /// What a path has one of; the first group with one that fits is taken.
    parts: &'static [&'static str],
}

/// Particular ones before general ones; the last takes whatever is left.
pub(super) const GROUPS: [Group; 16] = [
    group("webhooks", "Webhooks", &["webhook"]),
    group(
        "reactions",
        "Reactions and polls",
        &["/reactions/", "/reactions", "/polls/"],
    ),
    group("threads", "Threads", &["/threads", "/thread-members"]),
    group("invites", "Invites", &["/invites", "/target-users"]),
    group("lobbies", "Lobbies", &["/lobbies"]),
    group("bans", "Bans", &["/bans", "/bulk-ban"]),
    group(
        "messages",
        "Messages and pins",
        &["/messages", "/pins", "/typing"],
    ),
    group(
        "voice",
        "Voice and stages",
        &[
            "voice",
            "/stage-instances",
            "/regions",
            "/send-soundboard-sound",
        ],
    ),
    group(
        "expressions",
        "Emojis, stickers and sounds",
        &["/emojis", "sticker", "/soundboard"],
    ),
    group("events", "Scheduled events", &["/scheduled-events"]),
    group("members", "Members", &["/members", "/prune", "/requests"]),
    group("roles", "Roles", &["/roles"]),
    group(
        "moderation",
        "Auto moderation and the audit log",
        &["/auto-moderation", "/audit-logs"],
    ),
    group("channels", "Channels", &["/channels"]),
    group("guilds", "Servers", &["/guilds"]),
    group("users", "Users and the application", &[""]),
];

/// The pages in the order of the table of contents.
pub(super) const ORDER: [&str; 16] = [
    "messages",
    "reactions",
    "threads",
    "channels",
    "members",
    "bans",
    "roles",
    "moderation",
    "guilds",
    "invites",
    "webhooks",
    "voice",
    "events",
    "expressions",
    "users",
    "lobbies",
];

/// All groups in that order.
pub(super) fn in_order() -> impl Iterator<Item = &'static Group> {
    let find = |file: &&str| GROUPS.iter().find(|group| group.file == *file);
    ORDER.iter().filter_map(find)
}

const fn group(file: &'static str, title: &'static str, parts: &'static [&'static str]) -> Group {
    Group { file, title, parts }
}

/// The page of an operation.
pub(super) fn group_of(operation: &Operation) -> &'static Group {
    // What stands below `/users` is about the bot's own, whatever follows.
    let path = operation.path;
    let is_own = path.starts_with("/users/");
    let fits = |group: &&Group| group.parts.iter().any(|part| path.contains(part));
    let found = GROUPS.iter().find(fits).filter(|_| !is_own);
    found.unwrap_or(&GROUPS[GROUPS.len() - 1])
}

//! The operations that the simulator does not have, and why not. All others work.

use super::route::is_parameter;
use super::routes;
use crate::discord::{Operation, operations};

/// Only a user's own token may call it.
const FOR_USERS: &str = "only for users' tokens";
/// Only games with Discord's Social SDK may call it.
const FOR_GAMES: &str = "only for games with Discord's Social SDK";
/// Lobbies are linked with channels by users' tokens.
const FOR_LINKED: &str = "only for lobbies that a user's token has linked with a channel";
/// Only Discord's activities may call it.
const FOR_ACTIVITIES: &str = "only for activities inside of Discord";

/// Operations that bots' tokens cannot call, or that mean nothing without what is not simulated.
const ABSENT: &[(&str, &str)] = &[
    ("add_group_dm_user", FOR_USERS),
    ("bot_partner_sdk_token", FOR_GAMES),
    ("bot_partner_sdk_unmerge_provisional_account", FOR_GAMES),
    ("create_linked_lobby_guild_invite_for_self", FOR_USERS),
    ("create_lobby_message", FOR_USERS),
    ("create_or_join_lobby", FOR_USERS),
    ("delete_group_dm_user", FOR_USERS),
    ("create_linked_lobby_guild_invite_for_user", FOR_LINKED),
    ("edit_lobby_channel_link", FOR_USERS),
    ("get_lobby_messages", FOR_USERS),
    ("get_my_oauth2_authorization", FOR_USERS),
    ("get_openid_connect_userinfo", FOR_USERS),
    ("list_my_connections", FOR_USERS),
    ("partner_sdk_token", FOR_GAMES),
    ("partner_sdk_unmerge_provisional_account", FOR_GAMES),
    ("set_guild_application_command_permissions", FOR_USERS),
    (
        "update_lobby_message_external_moderation_metadata",
        FOR_GAMES,
    ),
    (
        "update_user_message_external_moderation_metadata",
        FOR_GAMES,
    ),
    ("upload_application_attachment", FOR_ACTIVITIES),
];

/// Why the simulator does not have an operation; nothing when it has.
pub(crate) fn absence(operation: &Operation) -> Option<&'static str> {
    let found = routes::find(operation.method, operation.path);
    if found.is_some_and(|(route, _)| is_of(route.template, operation.path)) {
        return None;
    }
    let mut known = ABSENT.iter();
    let found = known.find(|(id, _)| *id == operation.id);
    Some(found.map_or("not yet", |(_, why)| why))
}

/// Whether a route with this template is meant for the operation with this path: the caller (`@me`) is one of several
/// users, and `@original` of several messages; no other word is one of several ids.
fn is_of(template: &str, path: &str) -> bool {
    let mut parts = template.split('/').zip(path.split('/'));
    parts.all(|(own, named)| {
        own == named || is_parameter(own) && (is_parameter(named) || named.starts_with('@'))
    })
}

/// All operations, each with why the simulator does not have it.
pub(crate) fn all() -> impl Iterator<Item = (&'static Operation, Option<&'static str>)> {
    operations().map(|operation| (operation, absence(operation)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_for_ids_is_not_one_for_other_words() {
        assert!(is_of("/commands/{command_id}", "/commands/{id}"));
        assert!(is_of("/members/{user_id}", "/members/@me"));
        assert!(!is_of("/commands/{command_id}", "/commands/permissions"));
    }

    #[test]
    fn what_is_named_as_absent_is() {
        for (id, _) in ABSENT {
            let (_, why) = all().find(|(operation, _)| operation.id == *id).unwrap();
            assert!(why.is_some(), "{id} works, and is named as absent");
        }
    }
}

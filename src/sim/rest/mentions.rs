//! Who a message mentions, and whom that pings.

use crate::sim::errors::Invalid;
use crate::sim::ids::{Id, ids_in};
use crate::sim::permissions::{self, MENTION_EVERYONE};
use crate::sim::world::{Channel, World};
use serde_json::{Value, json};

/// The most users or roles that `allowed_mentions` may name.
const MOST_NAMED: usize = 100;

/// What a message's content and `allowed_mentions` come to.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Mentions {
    pub(super) users: Vec<Id>,
    pub(super) roles: Vec<Id>,
    pub(super) everyone: bool,
}

/// Discord's rules for `allowed_mentions`.
pub(super) fn check(allowed: Option<&Value>, invalid: &mut Invalid) {
    let Some(allowed) = allowed.filter(|allowed| allowed.is_object()) else {
        return;
    };
    for name in ["users", "roles"] {
        let named = ids_in(allowed, name);
        if named.len() > MOST_NAMED {
            invalid.at(
                &format!("allowed_mentions.{name}"),
                "BASE_TYPE_MAX_LENGTH",
                format!("Must be {MOST_NAMED} or fewer in length."),
            );
        }
        if !named.is_empty() && parses(allowed, name) {
            invalid.at(
                "allowed_mentions",
                "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
                format!("parse:[\"{name}\"] and {name}: [ids...] are mutually exclusive."),
            );
        }
    }
}

fn parses(allowed: &Value, name: &str) -> bool {
    let parse = allowed.get("parse").and_then(Value::as_array);
    parse.into_iter().flatten().any(|one| one == name)
}

/// Whom a message pings. `replied` is the author of the message that it answers.
pub(super) fn of(
    world: &World,
    (channel, author): (&Channel, Id),
    content: &str,
    allowed: Option<&Value>,
    replied: Option<Id>,
) -> Mentions {
    let allowed = allowed.filter(|allowed| allowed.is_object());
    let allows = |name: &str, id: Id| {
        allowed.is_none_or(|allowed| parses(allowed, name) || ids_in(allowed, name).contains(&id))
    };
    let may = permissions::in_channel(world, channel, author);
    let may_ping_all = channel.is_direct() || may & MENTION_EVERYONE != 0;
    let mut mentions = Mentions::default();
    for id in ids_between(content, "<@", true) {
        if world.users.contains_key(&id) && allows("users", id) && !mentions.users.contains(&id) {
            mentions.users.push(id);
        }
    }
    let pings_replied = allowed.is_none_or(|allowed| {
        allowed
            .get("replied_user")
            .and_then(Value::as_bool)
            .unwrap_or(false)
    });
    if let Some(replied) = replied.filter(|id| pings_replied && !mentions.users.contains(id)) {
        mentions.users.push(replied);
    }
    let home = world.home(channel);
    for id in ids_between(content, "<@&", false) {
        let role = home.and_then(|home| home.roles.get(&id));
        let pings = role.is_some_and(|role| role.mentionable || may_ping_all);
        if pings && allows("roles", id) && !mentions.roles.contains(&id) {
            mentions.roles.push(id);
        }
    }
    let named = content.contains("@everyone") || content.contains("@here");
    let allows_everyone = allowed.is_none_or(|allowed| parses(allowed, "everyone"));
    mentions.everyone = named && may_ping_all && allows_everyone && home.is_some();
    mentions
}

/// The ids of all `{opening}{id}>` in the text; `<@!id>` counts as `<@id>`.
fn ids_between(text: &str, opening: &str, nick_form: bool) -> Vec<Id> {
    let found = text.split(opening).skip(1).filter_map(|rest| {
        let rest = if nick_form {
            rest.strip_prefix('!').unwrap_or(rest)
        } else {
            rest
        };
        let (id, _) = rest.split_once('>')?;
        id.parse().ok()
    });
    found.collect()
}

impl Mentions {
    /// Writes the mentions into a message's fields.
    pub(super) fn write(&self, world: &World, fields: &mut serde_json::Map<String, Value>) {
        let users: Vec<Value> = self.users.iter().map(|id| world.show_user(*id)).collect();
        let roles: Vec<String> = self.roles.iter().map(ToString::to_string).collect();
        fields.insert("mentions".into(), json!(users));
        fields.insert("mention_roles".into(), json!(roles));
        fields.insert("mention_everyone".into(), self.everyone.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mentions_are_found_in_both_forms() {
        assert_eq!(ids_between("<@1> and <@!2>, not <@&3>", "<@", true), [1, 2]);
        assert_eq!(ids_between("<@1> <@&3> <@&x>", "<@&", false), [3]);
    }
}

//! Who and what there is when a conversation begins.

use super::labels::Labels;
use super::model::{Channel, Person, Role};
use crate::discord::permissions;
use crate::sim::Id;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The people, roles and channels of a server.
#[derive(Clone, Debug, Default)]
pub(super) struct Cast {
    pub(super) people: HashMap<Id, Person>,
    roles: Vec<Role>,
    pub(super) channels: Vec<Channel>,
    /// The names of the bots that can connect.
    pub(super) bots: Vec<String>,
}

fn list<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    value[field].as_array().into_iter().flatten()
}

fn id_of(value: &Value) -> Option<Id> {
    value["id"].as_str()?.parse().ok()
}

impl Cast {
    /// Everybody and everything of a guild, named.
    pub(super) fn of(world: &Value, guild: Id, bots: &BTreeSet<Id>, labels: &mut Labels) -> Self {
        let mut cast = Self::default();
        labels.set(guild, "server");
        let text = guild.to_string();
        let Some(home) = list(world, "guilds").find(|one| one["id"] == text.as_str()) else {
            return cast;
        };
        for role in list(home, "roles") {
            let Some(id) = id_of(role).filter(|id| *id != guild) else {
                continue;
            };
            let label = labels.add(id, "@&", role["name"].as_str().unwrap_or_default());
            let granted = role["permissions"].as_str().and_then(permissions::parse);
            cast.roles.push(Role {
                name: label.trim_start_matches("@&").to_owned(),
                permissions: names_of(granted.unwrap_or(0)),
            });
        }
        for user in list(world, "users") {
            let Some(id) = id_of(user) else { continue };
            let label = labels.add(id, "@", user["username"].as_str().unwrap_or_default());
            let text = id.to_string();
            if bots.contains(&id) {
                cast.bots.push(label.trim_start_matches('@').to_owned());
                continue;
            }
            let member = list(home, "members").find(|it| it["user"]["id"] == text.as_str());
            let held = member.into_iter().flat_map(|it| list(it, "roles"));
            let held = held.filter_map(|role| {
                let id = role.as_str()?.parse().ok()?;
                Some(labels.name(id, "@&")?.to_owned())
            });
            let locale = user["locale"].as_str().filter(|it| *it != "en-US");
            let person = Person {
                name: label.trim_start_matches('@').to_owned(),
                nick: member.and_then(|it| Some(it["nick"].as_str()?.to_owned())),
                roles: held.collect(),
                owner: home["owner_id"] == text.as_str(),
                bot: user["bot"] == true,
                outside: member.is_none(),
                locale: locale.map(str::to_owned),
            };
            cast.people.insert(id, person);
        }
        for channel in list(home, "channels") {
            let Some(id) = id_of(channel) else { continue };
            let label = labels.add(id, "#", channel["name"].as_str().unwrap_or_default());
            cast.channels.push(Channel {
                name: label.trim_start_matches('#').to_owned(),
                kind: channel["type"].as_u64().unwrap_or(0),
                nsfw: channel["nsfw"] == true,
                seen_by: seen_by(channel, guild, labels),
            });
        }
        cast
    }

    /// The roles that somebody of these has, that are named, or that see what others do not.
    pub(super) fn roles_of(&self, people: &[Person], ids: &BTreeMap<String, String>) -> Vec<Role> {
        let held = |role: &Role| {
            let label = format!("@&{}", role.name);
            let mut hidden = self.channels.iter().filter_map(|it| it.seen_by.as_ref());
            people
                .iter()
                .any(|person| person.roles.contains(&role.name))
                || ids.values().any(|one| *one == label)
                || hidden.any(|seen_by| seen_by.contains(&label))
        };
        self.roles.iter().filter(|it| held(it)).cloned().collect()
    }
}

/// The names of the permissions in these bits, in `snake_case`.
pub(super) fn names_of(bits: u64) -> Vec<String> {
    let all = permissions::all_names();
    let held = all.filter(|name| permissions::bit(name).is_some_and(|bit| bits & bit != 0));
    held.map(str::to_owned).collect()
}

/// Who sees a channel that is hidden from everybody else.
fn seen_by(channel: &Value, guild: Id, labels: &Labels) -> Option<Vec<String>> {
    let bits = |one: &Value, field: &str| {
        let bits = one[field].as_str().and_then(permissions::parse);
        bits.unwrap_or(0) & permissions::VIEW_CHANNEL != 0
    };
    let mut all = list(channel, "permission_overwrites");
    let everyone = all.find(|one| id_of(one) == Some(guild))?;
    if !bits(everyone, "deny") {
        return None;
    }
    let allowed = list(channel, "permission_overwrites").filter(|one| bits(one, "allow"));
    let named = allowed.filter_map(|one| labels.of(id_of(one)?));
    Some(named.map(str::to_owned).collect())
}

//! Looking at what is there, and at what the bot has done.

use super::world::{SpecResult, TestWorld};
use crate::discord::{Operation, operations};
use crate::sim::{Id, RequestRecord};
use serde_json::{Value, json};
use std::collections::BTreeMap;

impl TestWorld {
    /// A channel by its id or name.
    pub(super) fn channel(&self, name: &str) -> SpecResult<Id> {
        let by_id = name.parse().ok();
        let found = by_id.or_else(|| self.sim.channel(name));
        found.ok_or_else(|| format!("there is no channel \"{name}\""))
    }

    /// A member in Discord's shape, or null for somebody who is not in the guild.
    pub(super) fn member(&self, user: Id) -> SpecResult<Value> {
        let path = format!("/guilds/{}/members/{user}", self.guild);
        self.found(&path)
    }

    /// The ban of a user in Discord's shape, or null.
    pub(super) fn ban(&self, user: Id) -> SpecResult<Value> {
        let path = format!("/guilds/{}/bans/{user}", self.guild);
        self.found(&path)
    }

    fn found(&self, path: &str) -> SpecResult<Value> {
        match self.sim.call_as(self.sim.owner(), "GET", path, Value::Null) {
            Ok(found) => Ok(found),
            // Unknown member, unknown ban.
            Err(error) if matches!(error.code(), Some(10_007 | 10_026)) => Ok(Value::Null),
            Err(error) => Err(error.to_string()),
        }
    }

    /// The message that somebody wrote last, wherever that is.
    pub(super) fn last_message(&self, user: Id) -> Option<Value> {
        let user = user.to_string();
        let own = self.sim.channels().into_iter().filter_map(|channel| {
            let mut messages = self.sim.messages(channel).into_iter().rev();
            messages.find(|message| message["author"]["id"] == user.as_str())
        });
        own.max_by_key(|message| message["id"].as_str().and_then(|id| id.parse::<Id>().ok()))
    }

    /// The names of all people, channels and roles, by their ids.
    pub(super) fn names(&self) -> BTreeMap<String, String> {
        let world = self.sim.world();
        let mut names = BTreeMap::new();
        let mut note = |object: &Value, field: &str| {
            let (id, name) = (object["id"].as_str(), object[field].as_str());
            names.extend(
                id.zip(name)
                    .map(|(id, name)| (id.to_owned(), name.to_owned())),
            );
        };
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        for guild in list(&world["guilds"]) {
            note(&guild, "name");
            for one in list(&guild["channels"])
                .iter()
                .chain(&list(&guild["roles"]))
            {
                note(one, "name");
            }
        }
        for user in list(&world["users"]) {
            note(&user, "username");
        }
        note(&world["bot"], "username");
        names
    }

    /// What the bot asked of Discord, the oldest first; of one operation, or of all.
    pub(super) fn calls(&self, operation: Option<&str>) -> Vec<Value> {
        let requests = self.sim.requests().into_iter();
        let named = requests.filter_map(|request| {
            let id = operation_of(&request)?.id;
            operation
                .is_none_or(|wanted| wanted == id)
                .then_some((id, request))
        });
        named
            .map(|(id, request)| {
                json!({
                    "operation": id,
                    "method": request.method,
                    "path": request.path,
                    "body": request.body,
                    "status": request.status,
                    "reason": request.reason,
                })
            })
            .collect()
    }
}

/// The operation that a request calls. Fixed parts of a path count more than parameters:
/// `/users/@me` is not `/users/{user_id}`.
fn operation_of(request: &RequestRecord) -> Option<&'static Operation> {
    let path = request.path.split('?').next().unwrap_or_default();
    operations()
        .filter(|operation| operation.method == request.method)
        .filter_map(|operation| Some((fit(operation.path, path)?, operation)))
        .max_by_key(|(fit, _)| *fit)
        .map(|(_, operation)| operation)
}

/// How many parts of a path are literally those of the template; nothing if the path is another.
fn fit(template: &str, path: &str) -> Option<usize> {
    if template.split('/').count() != path.split('/').count() {
        return None;
    }
    let mut parts = template.split('/').zip(path.split('/'));
    parts.try_fold(0, |fit, (wanted, part)| {
        if wanted == part {
            Some(fit + 1)
        } else {
            wanted.starts_with('{').then_some(fit)
        }
    })
}

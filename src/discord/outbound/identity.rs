//! Requests of the bot about itself.

use super::{CallError, Outbound, Times};
use crate::discord::arguments::prepare;
use crate::discord::operations::operation;
use crate::json::{Json, JsonRef};
use crate::untrusted_numbers;
use serde_json::json;
use std::time::Duration;

/// How long the bot waits for an answer about itself.
const PATIENCE: Duration = Duration::from_secs(30);

/// How to connect to the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayBot {
    /// The gateway's address (`wss://…`).
    pub url: String,
    /// How many shards Discord recommends.
    pub shards: u32,
    /// How many sessions may be started in all, each day.
    pub total: u32,
    /// How many sessions may still be started now.
    pub remaining: u32,
    /// When `remaining` starts again.
    pub reset_after: Duration,
    /// How many sessions may be started at once, each five seconds.
    pub max_concurrency: u32,
}

/// The application that the bot belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct Application {
    /// Its id, which its commands and interactions are addressed by.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The ids of its owners: the application's owner or, for a team, the team's owner and the members whose role lets
    /// them change the application.
    pub owners: Vec<String>,
    /// Its flags, among them the privileged intents that it was granted.
    pub flags: i64,
    /// Everything that Discord says about it.
    pub json: Json,
}

impl GatewayBot {
    /// The gateway at `url`, with the numbers of this answer.
    fn of(url: String, answer: &Json) -> Self {
        let limit = answer.get("session_start_limit");
        let limit = limit.unwrap_or(JsonRef::NULL);
        let count = |json: JsonRef<'_>, name: &str, without: u32| {
            let told = json.get(name).and_then(untrusted_numbers::count_in_json);
            told.unwrap_or(without)
        };
        Self {
            url,
            shards: count(answer.view(), "shards", 1).max(1),
            total: count(limit, "total", 1000),
            remaining: count(limit, "remaining", 1000),
            reset_after: reset_after(limit),
            max_concurrency: count(limit, "max_concurrency", 1).max(1),
        }
    }
}

impl Outbound {
    /// Where the gateway is, and how many shards it wants.
    pub async fn gateway_bot(&self) -> Result<GatewayBot, CallError> {
        let answer = self.ask("get_bot_gateway").await?;
        let url = text(&answer, "url", "get_bot_gateway")?;
        if self.shared.client.is_secure() && !url.starts_with("wss://") {
            return Err(CallError::Foreign {
                operation: "get_bot_gateway",
                message: "the gateway's address is without TLS, and the token would be sent there"
                    .into(),
            });
        }
        Ok(GatewayBot::of(url, &answer))
    }

    /// The same for a gateway at `url`, which the operator has set: the address that the server names does not matter.
    pub async fn gateway_bot_at(&self, url: &str) -> Result<GatewayBot, CallError> {
        let answer = self.ask("get_bot_gateway").await?;
        Ok(GatewayBot::of(url.to_owned(), &answer))
    }

    /// The bot's application: whom it belongs to, what it may do. If the server does not support the usual request, an
    /// older one with the same response is made.
    pub async fn current_application(&self) -> Result<Application, CallError> {
        match self.application("get_my_application").await {
            Err(error) if error.is_unknown_route() => {
                self.application("get_my_oauth2_application").await
            }
            result => result,
        }
    }

    async fn application(&self, id: &'static str) -> Result<Application, CallError> {
        let json = self.ask(id).await?;
        Ok(Application {
            id: text(&json, "id", id)?,
            name: json.str("name").unwrap_or_default().to_owned(),
            owners: owners(&json),
            flags: json.i64("flags").unwrap_or(0),
            json,
        })
    }

    /// The bot's own user.
    pub async fn current_user(&self) -> Result<Json, CallError> {
        let user = self.ask("get_my_user").await?;
        text(&user, "id", "get_my_user")?;
        Ok(user)
    }

    async fn ask(&self, id: &'static str) -> Result<Json, CallError> {
        let incomplete = || CallError::Foreign {
            operation: id,
            message: "the answer is empty".into(),
        };
        let operation = operation(id).ok_or_else(incomplete)?;
        // The caller repeats this itself, and wants to report soon that it has to.
        let prepared = prepare(operation, json!({}))?;
        let times = Times {
            deadline: PATIENCE,
            patience: PATIENCE,
            repetitions: 1,
        };
        let answer = self.send_within(prepared, None, times).await?;
        answer.body.into_json().ok_or_else(incomplete)
    }
}

/// In milliseconds. If it cannot be read, the longest time is used: a bot that opens too many sessions loses its token.
fn reset_after(limit: JsonRef<'_>) -> Duration {
    let told = limit.get("reset_after").map(JsonRef::as_i64);
    let told = told.map(|told| told.and_then(|told| u64::try_from(told).ok()));
    told.map_or(Duration::ZERO, |told| {
        untrusted_numbers::milliseconds(told.unwrap_or(u64::MAX))
    })
}

/// The roles of a team that may change the application and reset its token. `read_only` may look at it.
const OWNING_ROLES: [&str; 2] = ["admin", "developer"];

/// The users who may do everything with the bot. For an application of a team, Discord's `owner` is not a real user but
/// represents the team.
fn owners(application: &Json) -> Vec<String> {
    let team = application.get("team");
    let members = team.unwrap_or(JsonRef::NULL).list("members");
    let named = [
        application.at(&["owner", "id"]),
        team.and_then(|team| team.get("owner_user_id")),
    ];
    let by_role = members
        .filter(|member| owns(*member))
        .map(|member| member.at(&["user", "id"]));
    let mut owners: Vec<String> = Vec::new();
    for id in named.into_iter().chain(by_role).flatten() {
        let id = id.as_str().unwrap_or_default();
        if !id.is_empty() && !owners.iter().any(|known| known == id) {
            owners.push(id.to_owned());
        }
    }
    owners
}

/// Whether a member of a team has accepted the invitation (`membership_state` 2) and has a role that owns.
fn owns(member: JsonRef<'_>) -> bool {
    let joined = member.i64("membership_state") == Some(2);
    let role = member.str("role").unwrap_or_default();
    joined && OWNING_ROLES.contains(&role)
}

fn text(json: &Json, name: &str, operation: &'static str) -> Result<String, CallError> {
    let missing = || CallError::Foreign {
        operation,
        message: format!("the answer has no \"{name}\""),
    };
    json.str(name).map(str::to_owned).ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(application: &serde_json::Value) -> Vec<String> {
        owners(&Json::from(application))
    }

    #[test]
    fn an_application_belongs_to_its_owner() {
        assert_eq!(of(&json!({ "owner": { "id": "1" }, "team": null })), ["1"]);
        assert_eq!(of(&json!({ "owner": { "id": "1" } })), ["1"]);
        assert!(of(&json!({})).is_empty());
    }

    #[test]
    fn of_a_team_its_owner_its_admins_and_its_developers_own_the_application() {
        let member = |id: &str, role: serde_json::Value, state: u8| json!({ "user": { "id": id }, "role": role, "membership_state": state, "team_id": "9" });
        let table = [
            (member("2", json!("admin"), 2), true),
            (member("3", json!("developer"), 2), true),
            (member("4", json!("read_only"), 2), false),
            (member("5", json!("admin"), 1), false),
            (member("6", json!("developer"), 1), false),
            (member("7", json!(""), 2), false),
            (member("7", json!(null), 2), false),
            (member("7", json!("ADMIN"), 2), false),
            (member("7", json!("what_comes_next"), 2), false),
            (member("1", json!(""), 2), true),
        ];
        for (member, is_owner) in table {
            let team = json!({ "id": "9", "owner_user_id": "1", "members": [member.clone()] });
            let found = of(&json!({ "owner": { "id": "9" }, "team": team }));
            let id = member["user"]["id"].as_str().unwrap_or_default();
            assert_eq!(found.iter().any(|owner| owner == id), is_owner, "{member}");
            assert!(found.contains(&"1".to_owned()), "{member}");
        }
    }
}

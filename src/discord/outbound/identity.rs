//! What the bot asks about itself.

use super::{CallError, Outbound};
use crate::discord::arguments::prepare;
use crate::discord::operations::operation;
use crate::json::Json;
use crate::outside;
use serde_json::json;
use std::time::Duration;

/// How long the bot waits for an answer about itself.
const PATIENCE: Duration = Duration::from_secs(30);

/// How to connect to the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayBot {
    /// The gateway's address (`wss://…`), without a query.
    pub url: String,
    /// How many shards Discord recommends.
    pub shards: u32,
    /// How many sessions may be started in all, each day.
    pub total: u32,
    /// How many sessions may still be started now.
    pub remaining: u32,
    /// When `remaining` starts anew.
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
    /// The ids of those whom it belongs to: the owner, or the members of the team that joined it.
    pub owners: Vec<String>,
    /// Its flags, among them the privileged intents that it was granted.
    pub flags: i64,
    /// Everything that Discord says about it.
    pub json: Json,
}

impl Outbound {
    /// Where the gateway is, and how many shards it wants.
    pub async fn gateway_bot(&self) -> Result<GatewayBot, CallError> {
        let answer = self.ask("get_bot_gateway").await?;
        let limit = answer.get("session_start_limit").cloned();
        let limit = limit.unwrap_or(Json::Null);
        let count = |json: &Json, name: &str, without: u32| {
            let told = json.get(name).and_then(outside::count_in_json);
            told.unwrap_or(without)
        };
        let url = text(&answer, "url", "get_bot_gateway")?;
        if self.shared.client.is_secure() && !url.starts_with("wss://") {
            return Err(CallError::Foreign {
                operation: "get_bot_gateway",
                message: "the gateway's address is without TLS, and the token would be sent there"
                    .into(),
            });
        }
        Ok(GatewayBot {
            url,
            shards: count(&answer, "shards", 1).max(1),
            total: count(&limit, "total", 1000),
            remaining: count(&limit, "remaining", 1000),
            reset_after: reset_after(&limit),
            max_concurrency: count(&limit, "max_concurrency", 1).max(1),
        })
    }

    /// The bot's application: whom it belongs to, what it may do.
    pub async fn current_application(&self) -> Result<Application, CallError> {
        let json = self.ask("get_my_application").await?;
        Ok(Application {
            id: text(&json, "id", "get_my_application")?,
            name: json.str("name").unwrap_or_default().to_owned(),
            owners: owners(&json),
            flags: json.get("flags").and_then(Json::as_i64).unwrap_or(0),
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
        // Whoever asks this has its own way to ask again, and wants to say soon that it has to.
        let prepared = prepare(operation, json!({}))?;
        let answer = self.send_repeating(prepared, None, PATIENCE, 1).await?;
        answer.json.ok_or_else(incomplete)
    }
}

/// In milliseconds. What cannot be read is as long as it can be: a bot that opens more sessions than it may loses
/// its token.
fn reset_after(limit: &Json) -> Duration {
    let told = limit.get("reset_after").map(Json::as_i64);
    let told = told.map(|told| told.and_then(|told| u64::try_from(told).ok()));
    told.map_or(Duration::ZERO, |told| {
        outside::milliseconds(told.unwrap_or(u64::MAX))
    })
}

/// A team's members count when they have accepted the invitation (`membership_state` 2).
fn owners(application: &Json) -> Vec<String> {
    let id = |user: Option<&Json>| user.and_then(|user| user.str("id")).map(str::to_owned);
    match application.get("team") {
        Some(team @ Json::Object(_)) => {
            let members = team.get("members").map_or(&[][..], Json::items).iter();
            let joined = members
                .filter(|member| member.get("membership_state").and_then(Json::as_i64) == Some(2));
            joined.filter_map(|member| id(member.get("user"))).collect()
        }
        _ => id(application.get("owner")).into_iter().collect(),
    }
}

fn text(json: &Json, name: &str, operation: &'static str) -> Result<String, CallError> {
    let missing = || CallError::Foreign {
        operation,
        message: format!("the answer has no \"{name}\""),
    };
    json.str(name).map(str::to_owned).ok_or_else(missing)
}

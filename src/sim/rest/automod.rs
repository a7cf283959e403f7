//! The rules of auto moderation. What they do with messages is in `automod_execution.rs`.

use super::automod_words::pattern;
use super::call::{Outcome, RestAnswer, RestCall};
use super::route::{Route, route};
use crate::sim::errors::{ApiError, Invalid, UNKNOWN_RULE};
use crate::sim::ids::{Id, id_in};
use crate::sim::permissions::{MANAGE_GUILD, MODERATE_MEMBERS, require_in_guild};
use crate::sim::world::World;
use serde_json::{Value, json};

const ALL: &str = "/guilds/{guild_id}/auto-moderation/rules";
const ONE: &str = "/guilds/{guild_id}/auto-moderation/rules/{rule_id}";

pub(super) const ROUTES: &[Route] = &[
    route("GET", ALL, list),
    route("POST", ALL, create),
    route("GET", ONE, get),
    route("PATCH", ONE, update),
    route("DELETE", ONE, delete),
];

/// What triggers a rule.
pub(super) const KEYWORD: u64 = 1;
pub(super) const SPAM: u64 = 3;
pub(super) const KEYWORD_PRESET: u64 = 4;
pub(super) const MENTION_SPAM: u64 = 5;
/// How many rules of a trigger a guild has room for: six for keywords, one of each other.
const OF_KEYWORDS: usize = 6;

/// What a rule does.
pub(super) const BLOCK: u64 = 1;
pub(super) const ALERT: u64 = 2;
pub(super) const TIMEOUT: u64 = 3;

/// The guild, when the caller may see its rules.
fn managed(world: &World, call: &RestCall) -> Result<Id, ApiError> {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?;
    require_in_guild(world, guild, call.actor, MANAGE_GUILD)?;
    Ok(guild.id)
}

fn list(world: &mut World, call: &RestCall) -> Outcome {
    let guild = managed(world, call)?;
    let rules = world.guild_mut(guild)?.collections.rules.all();
    Ok(RestAnswer::Ok(rules.cloned().collect()))
}

fn get(world: &mut World, call: &RestCall) -> Outcome {
    let guild = managed(world, call)?;
    let rules = &world.guild_mut(guild)?.collections.rules;
    let rule = rules.find(call.id("rule_id")?, UNKNOWN_RULE)?;
    Ok(RestAnswer::Ok(rule.clone()))
}

/// The metadata of a trigger with all of its fields.
fn metadata(trigger: u64, given: &Value) -> Value {
    let defaults = match trigger {
        KEYWORD | 6 => json!({"keyword_filter": [], "regex_patterns": [], "allow_list": []}),
        KEYWORD_PRESET => json!({"presets": [], "allow_list": []}),
        MENTION_SPAM => {
            json!({"mention_total_limit": 20, "mention_raid_protection_enabled": false})
        }
        _ => json!({}),
    };
    let mut whole = defaults.clone();
    for (name, value) in given.as_object().into_iter().flatten() {
        if defaults.get(name).is_some() && !value.is_null() {
            whole[name.as_str()] = value.clone();
        }
    }
    whole
}

/// Writes the fields of the body into a rule, and checks what comes of it.
fn apply(world: &World, guild: Id, call: &RestCall, rule: &mut Value) -> Result<(), ApiError> {
    for name in [
        "name",
        "event_type",
        "enabled",
        "exempt_roles",
        "exempt_channels",
    ] {
        if let Some(value) = call.field(name).filter(|value| !value.is_null()) {
            rule[name] = value.clone();
        }
    }
    let trigger = rule["trigger_type"].as_u64().unwrap_or(0);
    if let Some(given) = call.field("trigger_metadata") {
        rule["trigger_metadata"] = metadata(trigger, given);
    }
    let mut invalid = Invalid::default();
    let patterns = rule["trigger_metadata"]["regex_patterns"].as_array();
    for (index, text) in patterns.into_iter().flatten().enumerate() {
        if pattern(text.as_str().unwrap_or_default()).is_none() {
            let path = format!("trigger_metadata.regex_patterns.{index}");
            invalid.at(
                &path,
                "AUTO_MODERATION_INVALID_REGEX",
                "Invalid regex pattern.",
            );
        }
    }
    if let Some(actions) = call.field("actions").and_then(Value::as_array) {
        for (index, action) in actions.iter().enumerate() {
            check_action(world, (guild, trigger), call, (index, action), &mut invalid)?;
        }
        let whole = |action: &Value| {
            let metadata = action.get("metadata").filter(|it| it.is_object());
            json!({"type": action["type"], "metadata": metadata.cloned().unwrap_or(json!({}))})
        };
        rule["actions"] = actions.iter().map(whole).collect();
    }
    invalid.check()
}

fn check_action(
    world: &World,
    (guild, trigger): (Id, u64),
    call: &RestCall,
    (index, action): (usize, &Value),
    invalid: &mut Invalid,
) -> Result<(), ApiError> {
    let home = world.guild_for(guild, call.actor)?;
    match action["type"].as_u64() {
        Some(ALERT) => {
            let channel = id_in(&action["metadata"], "channel_id");
            let channel = channel.and_then(|id| world.channels.get(&id));
            if channel.is_none_or(|channel| channel.guild != Some(guild)) {
                let path = format!("actions.{index}.metadata.channel_id");
                invalid.at(&path, "CHANNEL_INVALID", "Channel does not exist");
            }
        }
        Some(TIMEOUT) => {
            require_in_guild(world, home, call.actor, MODERATE_MEMBERS)?;
            if !matches!(trigger, KEYWORD | MENTION_SPAM) {
                let code = "AUTO_MODERATION_INVALID_ACTION_TYPE";
                let message = "This action cannot be used with this trigger type.";
                invalid.at(&format!("actions.{index}.type"), code, message);
            }
        }
        _ => {}
    }
    Ok(())
}

fn create(world: &mut World, call: &RestCall) -> Outcome {
    let guild = managed(world, call)?;
    let trigger = call
        .field("trigger_type")
        .and_then(Value::as_u64)
        .unwrap_or(0);
    let mut rule = json!({
        "guild_id": guild.to_string(),
        "name": "",
        "creator_id": call.actor.to_string(),
        "event_type": 1,
        "trigger_type": trigger,
        "trigger_metadata": metadata(trigger, &Value::Null),
        "actions": [],
        "enabled": false,
        "exempt_roles": [],
        "exempt_channels": [],
    });
    apply(world, guild, call, &mut rule)?;
    let rules = world.guild_mut(guild)?.collections.rules.all();
    let count = rules.filter(|one| one["trigger_type"] == trigger).count();
    let most = if trigger == KEYWORD { OF_KEYWORDS } else { 1 };
    if count >= most {
        let code = "AUTO_MODERATION_MAX_RULES_OF_TYPE_EXCEEDED";
        let message = format!("Maximum number of rules for this trigger type reached ({most})");
        return Err(Invalid::one("", code, message));
    }
    let id = world.new_id();
    rule["id"] = id.to_string().into();
    world
        .guild_mut(guild)?
        .collections
        .rules
        .keep(id, rule.clone());
    world.tell_guild(guild, "AUTO_MODERATION_RULE_CREATE", rule.clone());
    world.audit(guild, call.who_and_why(), 140, Some(id));
    Ok(RestAnswer::Ok(rule))
}

fn update(world: &mut World, call: &RestCall) -> Outcome {
    let guild = managed(world, call)?;
    let id = call.id("rule_id")?;
    let mut rule = world
        .guild_mut(guild)?
        .collections
        .rules
        .find(id, UNKNOWN_RULE)?
        .clone();
    apply(world, guild, call, &mut rule)?;
    world
        .guild_mut(guild)?
        .collections
        .rules
        .keep(id, rule.clone());
    world.tell_guild(guild, "AUTO_MODERATION_RULE_UPDATE", rule.clone());
    world.audit(guild, call.who_and_why(), 141, Some(id));
    Ok(RestAnswer::Ok(rule))
}

fn delete(world: &mut World, call: &RestCall) -> Outcome {
    let guild = managed(world, call)?;
    let id = call.id("rule_id")?;
    let removed = world.guild_mut(guild)?.collections.rules.remove(id);
    let rule = removed.ok_or(UNKNOWN_RULE)?;
    world.tell_guild(guild, "AUTO_MODERATION_RULE_DELETE", rule);
    world.audit(guild, call.who_and_why(), 142, Some(id));
    Ok(RestAnswer::Nothing)
}

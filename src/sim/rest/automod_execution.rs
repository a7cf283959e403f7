//! What the rules of auto moderation do with messages: block them, tell a channel, time the author out.

use super::automod::{ALERT, BLOCK, KEYWORD, KEYWORD_PRESET, MENTION_SPAM, SPAM, TIMEOUT};
use super::automod_guesses as guesses;
use super::automod_words::{found_by_keyword, found_by_pattern};
use super::mentions;
use crate::sim::errors::{ApiError, BLOCKED_BY_RULE};
use crate::sim::ids::{Id, id_in, ids_in, timestamp};
use crate::sim::permissions::{MANAGE_GUILD, in_guild};
use crate::sim::world::{Channel, World};
use serde_json::{Value, json};
use std::time::Duration;

/// The type of the message with which Discord tells of a message that a rule met.
const ALERT_MESSAGE: u64 = 24;

/// A rule that a message meets.
#[derive(Clone, Debug)]
pub(super) struct Hit {
    rule: Value,
    /// The keyword or pattern, when there is one.
    keyword: Option<String>,
    /// What it found.
    matched: Option<String>,
}

/// The message that is judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judged<'a> {
    pub(super) channel: &'a Channel,
    pub(super) author: Id,
    pub(super) content: &'a str,
}

/// The rules that a message meets. Fails when one of them blocks it, and does what the rules say about that.
pub(super) fn judge(world: &mut World, message: Judged<'_>) -> Result<Vec<Hit>, ApiError> {
    let hits = hits(world, message);
    let blocks = |hit: &Hit| {
        let actions = hit.rule["actions"].as_array();
        let mut actions = actions.into_iter().flatten();
        actions.any(|action| action["type"] == BLOCK)
    };
    if hits.iter().any(blocks) {
        execute(world, message, &hits, None);
        return Err(BLOCKED_BY_RULE.into());
    }
    Ok(hits)
}

/// Bots, and those who may manage the guild, may write what they want.
fn hits(world: &World, message: Judged<'_>) -> Vec<Hit> {
    let Judged {
        channel, author, ..
    } = message;
    let Some(guild) = world.home(channel) else {
        return Vec::new();
    };
    let is_bot = world.users.get(&author).is_some_and(|user| user.bot);
    let member = guild.members.get(&author);
    let Some(member) = member.filter(|_| !is_bot) else {
        return Vec::new();
    };
    if in_guild(world, guild, author) & MANAGE_GUILD != 0 {
        return Vec::new();
    }
    let places = [Some(channel.id), channel.parent];
    let is_exempt = |rule: &Value| {
        let channels = ids_in(rule, "exempt_channels");
        let roles = ids_in(rule, "exempt_roles");
        places
            .into_iter()
            .flatten()
            .any(|id| channels.contains(&id))
            || member.roles.iter().any(|role| roles.contains(role))
    };
    let rules = guild.collections.rules.all();
    rules
        .filter(|rule| rule["enabled"] == true && rule["event_type"] == 1 && !is_exempt(rule))
        .filter_map(|rule| met(world, rule, message))
        .collect()
}

/// Whether a message meets a rule.
fn met(world: &World, rule: &Value, message: Judged<'_>) -> Option<Hit> {
    let trigger = &rule["trigger_metadata"];
    let hit = |keyword: Option<&str>, matched: Option<&str>| Hit {
        rule: rule.clone(),
        keyword: keyword.map(Into::into),
        matched: matched.map(Into::into),
    };
    let texts = |name: &str| {
        let texts = trigger[name].as_array();
        texts.into_iter().flatten().filter_map(Value::as_str)
    };
    let content = message.content.to_lowercase();
    let is_allowed = || {
        texts("allow_list").any(|word| found_by_keyword(&word.to_lowercase(), &content).is_some())
    };
    match rule["trigger_type"].as_u64()? {
        KEYWORD => {
            if is_allowed() {
                return None;
            }
            let by_keyword = texts("keyword_filter").find_map(|keyword| {
                let found = found_by_keyword(&keyword.to_lowercase(), &content)?;
                Some(hit(Some(keyword), Some(found)))
            });
            by_keyword.or_else(|| {
                texts("regex_patterns").find_map(|text| {
                    let found = found_by_pattern(text, message.content)?;
                    Some(hit(Some(text), Some(found)))
                })
            })
        }
        KEYWORD_PRESET => {
            let found = guesses::found_in_lists(&trigger["presets"], &content);
            let (entry, found) = found.filter(|_| !is_allowed())?;
            Some(hit(Some(entry), Some(found)))
        }
        SPAM => {
            let place = (message.channel, message.author);
            guesses::is_spam(world, place, message.content).then(|| hit(None, None))
        }
        MENTION_SPAM => {
            let place = (message.channel, message.author);
            let mentioned = mentions::of(world, place, message.content, None, None);
            let all = [mentioned.users, mentioned.roles].concat();
            let most = trigger["mention_total_limit"].as_u64()?;
            let is_guarded = trigger["mention_raid_protection_enabled"] == true;
            let is_met = u64::try_from(all.len()).unwrap_or(u64::MAX) > most
                || (is_guarded && guesses::is_raid(world, message.channel, &all));
            is_met.then(|| hit(None, None))
        }
        _ => None,
    }
}

/// Does what the rules say. `posted` is the message, unless it was blocked.
pub(super) fn execute(world: &mut World, message: Judged<'_>, hits: &[Hit], posted: Option<Id>) {
    let Some(guild) = message.channel.guild else {
        return;
    };
    for hit in hits {
        let actions = hit.rule["actions"].as_array();
        for action in actions.into_iter().flatten() {
            let alert = act(world, (guild, message), hit, action);
            let mut data = json!({
                "guild_id": guild.to_string(),
                "action": action,
                "rule_id": hit.rule["id"],
                "rule_trigger_type": hit.rule["trigger_type"],
                "user_id": message.author.to_string(),
                "channel_id": message.channel.id.to_string(),
                "content": message.content,
                "matched_keyword": hit.keyword,
                "matched_content": hit.matched,
            });
            if let Some(posted) = posted {
                data["message_id"] = posted.to_string().into();
            }
            if let Some(alert) = alert {
                data["alert_system_message_id"] = alert.to_string().into();
            }
            world.tell_guild(guild, "AUTO_MODERATION_ACTION_EXECUTION", data);
        }
    }
}

/// Does one action. Returns the message that tells of it, if it is that.
fn act(
    world: &mut World,
    (guild, message): (Id, Judged<'_>),
    hit: &Hit,
    action: &Value,
) -> Option<Id> {
    let author = message.author;
    // Discord's own user is the one who does it; here the rule's creator stands for it.
    let by = id_in(&hit.rule, "creator_id").unwrap_or(author);
    match action["type"].as_u64()? {
        BLOCK => {
            world.audit(guild, (by, None), 143, Some(author));
            None
        }
        ALERT => {
            let channel = id_in(&action["metadata"], "channel_id")?;
            world.channels.get(&channel)?;
            let field =
                |name: &str, value: &str| json!({"name": name, "value": value, "inline": false});
            let more = json!({
                "embeds": [{
                    "type": "auto_moderation_message",
                    "description": message.content,
                    "fields": [
                        field("rule_name", hit.rule["name"].as_str().unwrap_or_default()),
                        field("channel_id", &message.channel.id.to_string()),
                        field("keyword", hit.keyword.as_deref().unwrap_or_default()),
                        field(
                            "keyword_matched_content",
                            hit.matched.as_deref().unwrap_or_default(),
                        ),
                    ],
                }],
            });
            let alert = world.insert_system_message(channel, author, ALERT_MESSAGE, more);
            world.audit(guild, (by, None), 144, Some(author));
            Some(alert)
        }
        TIMEOUT => {
            let seconds = action["metadata"]["duration_seconds"].as_u64()?;
            let until = world.clock.now() + Duration::from_secs(seconds);
            let home = world.guilds.get_mut(&guild)?;
            home.members.get_mut(&author)?.timed_out_until = Some(timestamp(until));
            world.tell_member(guild, author);
            world.audit(guild, (by, None), 145, Some(author));
            None
        }
        _ => None,
    }
}

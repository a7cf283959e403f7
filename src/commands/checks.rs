//! Who may call a command, and where. Everything is decided here except checks that a cog's own handler decides:
//! [`evaluate`] then says which handler it needs, and is called again with the answer.

use super::definition::{Check, Contexts};
use super::escape::quoted;
use super::references::RoleKey;
use super::text::{Language, Text, enumerate};
use crate::discord::permissions;
use std::collections::HashMap;

/// How deep `any` and `all` may be nested. Deeper checks are refused when the command is declared, and would deny.
pub const MAX_DEPTH: usize = 16;

/// What is known about a call. Each fact is looked up when a check asks for it: most commands have no checks.
pub trait CheckFacts {
    /// Whether the caller is an owner of the bot.
    fn is_owner(&self) -> bool;
    /// Whether the channel is marked for adults (of a thread: its parent); nothing while the channel is not known.
    fn channel_nsfw(&self) -> Option<bool>;
    /// The caller's permissions in the channel; nothing while they are not known.
    fn member_permissions(&self) -> Option<u64>;
    /// The bot's permissions in the channel; nothing while they are not known.
    fn bot_permissions(&self) -> Option<u64>;
    /// Whether the caller has this role. While the guild is not known, its roles have no names.
    fn has_role(&self, role: &RoleKey) -> bool;
    /// Whether the names of the guild's roles are known.
    fn knows_roles(&self) -> bool;
    /// Whether the call comes from a guild.
    fn in_guild(&self) -> bool;
    /// The language of a refusal.
    fn language(&self) -> Language;
}

/// What a cog's handler said about a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckAnswer {
    /// The call may go on.
    Pass,
    /// It is denied, for this reason; without a reason the user gets a general sentence.
    Deny(Option<String>),
}

/// The answers so far, by the index of the handler.
pub type CheckAnswers = HashMap<u32, CheckAnswer>;

/// Whether a call may go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    Pass,
    /// It may not.
    Denied {
        /// Which kind of check failed: `owner`, `nsfw`, `permissions`, `bot_permissions`, `role`,
        /// `any`, `custom` or `context`.
        kind: &'static str,
        /// The message for the user.
        message: String,
    },
    /// The handler with this index must be asked first; see [`evaluate`].
    NeedsHandler(u32),
    /// It depends on something about the guild that is not known.
    Unknown,
}

/// Decides whether all of `checks` pass. While the verdict is [`Verdict::NeedsHandler`], call the handler that it
/// names, put its answer into `answers`, and evaluate again: each handler is called at most once, and none if the rest
/// already decides. What is not known of the guild neither passes nor denies.
pub fn evaluate<'c>(
    checks: impl IntoIterator<Item = &'c Check>,
    facts: &impl CheckFacts,
    answers: &CheckAnswers,
) -> Verdict {
    every(checks, facts, answers, 0)
}

fn one(check: &Check, facts: &impl CheckFacts, answers: &CheckAnswers, depth: usize) -> Verdict {
    if depth > MAX_DEPTH {
        return denied("all", Text::NotAllowed {}, facts);
    }
    match check {
        Check::Owner => pass_if(facts.is_owner(), "owner", Text::OnlyOwner {}, facts),
        Check::Nsfw if !facts.in_guild() => Verdict::Pass,
        Check::Nsfw => match facts.channel_nsfw() {
            Some(allowed) => pass_if(allowed, "nsfw", Text::OnlyNsfw {}, facts),
            None => Verdict::Unknown,
        },
        Check::Permissions(needed) => permitted(*needed, false, facts),
        Check::BotPermissions(needed) => permitted(*needed, true, facts),
        Check::Role(wanted) => {
            let has_it = facts.has_role(wanted);
            if !has_it && matches!(wanted, RoleKey::Name(_)) && !facts.knows_roles() {
                return Verdict::Unknown;
            }
            let role = &quoted(&wanted.text());
            pass_if(has_it, "role", Text::NeedsRole { role }, facts)
        }
        Check::All(checks) => every(checks, facts, answers, depth + 1),
        Check::Any(checks) => some(checks, facts, answers, depth + 1),
        Check::Custom(handler) => match answers.get(handler) {
            None => Verdict::NeedsHandler(*handler),
            Some(CheckAnswer::Pass) => Verdict::Pass,
            Some(CheckAnswer::Deny(Some(message))) => Verdict::Denied {
                kind: "custom",
                message: message.clone(),
            },
            Some(CheckAnswer::Deny(None)) => denied("custom", Text::NotAllowed {}, facts),
        },
    }
}

/// All must pass. A refusal that needs no handler comes before any handler is called, and so does an unknown fact.
fn every<'c>(
    checks: impl IntoIterator<Item = &'c Check>,
    facts: &impl CheckFacts,
    answers: &CheckAnswers,
    depth: usize,
) -> Verdict {
    let mut verdict = Verdict::Pass;
    for check in checks {
        match one(check, facts, answers, depth) {
            denied @ Verdict::Denied { .. } => return denied,
            Verdict::Unknown => verdict = Verdict::Unknown,
            Verdict::NeedsHandler(handler) if verdict == Verdict::Pass => {
                verdict = Verdict::NeedsHandler(handler);
            }
            Verdict::Pass | Verdict::NeedsHandler(_) => {}
        }
    }
    verdict
}

/// One must pass; without any check it fails. A pass that needs no handler comes before any handler is called; a
/// handler may decide where facts are unknown.
fn some(
    checks: &[Check],
    facts: &impl CheckFacts,
    answers: &CheckAnswers,
    depth: usize,
) -> Verdict {
    let mut needed = None;
    let mut is_unknown = false;
    let mut refusals: Vec<(&'static str, String)> = Vec::new();
    for check in checks {
        match one(check, facts, answers, depth) {
            Verdict::Pass => return Verdict::Pass,
            Verdict::NeedsHandler(handler) => needed = needed.or(Some(handler)),
            Verdict::Unknown => is_unknown = true,
            Verdict::Denied { kind, message } => refusals.push((kind, message)),
        }
    }
    if let Some(handler) = needed {
        return Verdict::NeedsHandler(handler);
    }
    if is_unknown {
        return Verdict::Unknown;
    }
    if refusals.len() == 1
        && let Some((kind, message)) = refusals.pop()
    {
        return Verdict::Denied { kind, message };
    }
    let mut reasons: Vec<String> = refusals
        .into_iter()
        .map(|(_, message)| format!("- {message}"))
        .collect();
    reasons.dedup();
    match reasons.join("\n").as_str() {
        "" => denied("any", Text::NotAllowed {}, facts),
        reasons => denied("any", Text::NoneHolds { reasons }, facts),
    }
}

fn permitted(needed: u64, of_bot: bool, facts: &impl CheckFacts) -> Verdict {
    let held = if of_bot {
        facts.bot_permissions()
    } else {
        facts.member_permissions()
    };
    let Some(held) = held else {
        return Verdict::Unknown;
    };
    let missing = permissions::missing(held, needed);
    if missing == 0 {
        return Verdict::Pass;
    }
    let labels: Vec<String> = permissions::labels(missing)
        .map(|label| format!("**{}**", super::escape::defuse(label)))
        .collect();
    // A bit that has no name yet still counts.
    let permissions = match enumerate(&labels, Text::And {}, facts.language()) {
        named if named.is_empty() => format!("`{missing}`"),
        named => named,
    };
    let permissions = permissions.as_str();
    if of_bot {
        denied(
            "bot_permissions",
            Text::BotNeedsPermissions { permissions },
            facts,
        )
    } else {
        denied("permissions", Text::NeedsPermissions { permissions }, facts)
    }
}

fn pass_if(passes: bool, kind: &'static str, text: Text<'_>, facts: &impl CheckFacts) -> Verdict {
    if passes {
        Verdict::Pass
    } else {
        denied(kind, text, facts)
    }
}

fn denied(kind: &'static str, text: Text<'_>, facts: &impl CheckFacts) -> Verdict {
    Verdict::Denied {
        kind,
        message: text.say(facts.language()),
    }
}

/// Where a command was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// In a guild.
    Guild,
    /// In a direct message with the bot.
    BotDm,
    /// In a direct message between others, or a group's.
    PrivateChannel,
}

/// Whether a command may be called there. The contexts are those of the command at the root, as
/// for slash commands; a refusal's kind is `context`.
pub fn evaluate_context(contexts: Contexts, context: Context, language: Language) -> Verdict {
    let allowed = match context {
        Context::Guild => contexts.guild,
        Context::BotDm => contexts.bot_dm,
        Context::PrivateChannel => contexts.private_channel,
    };
    if allowed {
        return Verdict::Pass;
    }
    let text = match contexts {
        Contexts { guild: true, .. } => Text::OnlyInGuild {},
        Contexts { bot_dm: true, .. } => Text::OnlyInDirectMessages {},
        _ => Text::NotHere {},
    };
    Verdict::Denied {
        kind: "context",
        message: text.say(language),
    }
}

#[cfg(test)]
mod tests;

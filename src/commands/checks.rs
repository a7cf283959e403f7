//! Who may call a command, and where. Everything is decided here but the checks that a cog's own
//! handler decides: [`evaluate`] then says which handler it needs, and is asked again with the answer.

use super::definition::{Check, Contexts};
use super::escape::quoted;
use super::text::{Language, Text, enumerate};
use crate::discord::permissions;
use std::collections::HashMap;

/// How deep `any` and `all` may stand in each other. Deeper checks are refused when the command is
/// declared, and deny.
pub const MAX_DEPTH: usize = 16;

/// What is known about a call.
#[derive(Clone, Copy, Debug)]
pub struct CheckFacts<'a> {
    /// The caller is an owner of the bot.
    pub is_owner: bool,
    /// The channel is marked for adults (a thread: its parent).
    pub channel_nsfw: bool,
    /// The caller's permissions in the channel.
    pub member_permissions: u64,
    /// The bot's permissions in the channel.
    pub bot_permissions: u64,
    /// The caller's roles.
    pub member_roles: &'a [RoleFact<'a>],
    /// Whether the call comes from a guild.
    pub in_guild: bool,
    /// In which language a refusal is told.
    pub language: Language,
}

/// One role of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoleFact<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its name.
    pub name: &'a str,
}

/// What a cog's handler said about a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The call may go on.
    Pass,
    /// It may not, for this reason; without one the user gets a general sentence.
    Deny(Option<String>),
}

/// The answers so far, by the index of the handler.
pub type Answers = HashMap<u32, Answer>;

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
        /// What the user is told.
        message: String,
    },
    /// The handler with this index must be asked first; see [`evaluate`].
    NeedsHandler(u32),
}

/// Decides whether all of `checks` pass. Until the verdict is another, call the handler that
/// [`Verdict::NeedsHandler`] names, put its answer into `answers`, and ask again: each handler is
/// asked once at most, and none is when the rest already decides.
pub fn evaluate<'c>(
    checks: impl IntoIterator<Item = &'c Check>,
    facts: &CheckFacts<'_>,
    answers: &Answers,
) -> Verdict {
    every(checks, facts, answers, 0)
}

fn one(check: &Check, facts: &CheckFacts<'_>, answers: &Answers, depth: usize) -> Verdict {
    if depth > MAX_DEPTH {
        return denied("all", Text::NotAllowed {}, facts);
    }
    match check {
        Check::Owner => pass_if(facts.is_owner, "owner", Text::OnlyOwner {}, facts),
        Check::Nsfw => {
            let allowed = facts.channel_nsfw || !facts.in_guild;
            pass_if(allowed, "nsfw", Text::OnlyNsfw {}, facts)
        }
        Check::Permissions(needed) => permitted(*needed, false, facts),
        Check::BotPermissions(needed) => permitted(*needed, true, facts),
        Check::Role(wanted) => {
            let role = &quoted(&wanted.text());
            let mut held = facts.member_roles.iter();
            let has_it = held.any(|role| wanted.fits(role.id, role.name));
            pass_if(has_it, "role", Text::NeedsRole { role }, facts)
        }
        Check::All(checks) => every(checks, facts, answers, depth + 1),
        Check::Any(checks) => some(checks, facts, answers, depth + 1),
        Check::Custom(handler) => match answers.get(handler) {
            None => Verdict::NeedsHandler(*handler),
            Some(Answer::Pass) => Verdict::Pass,
            Some(Answer::Deny(Some(message))) => Verdict::Denied {
                kind: "custom",
                message: message.clone(),
            },
            Some(Answer::Deny(None)) => denied("custom", Text::NotAllowed {}, facts),
        },
    }
}

/// All must pass. A refusal that needs no handler comes before any handler is asked.
fn every<'c>(
    checks: impl IntoIterator<Item = &'c Check>,
    facts: &CheckFacts<'_>,
    answers: &Answers,
    depth: usize,
) -> Verdict {
    let mut verdict = Verdict::Pass;
    for check in checks {
        match one(check, facts, answers, depth) {
            denied @ Verdict::Denied { .. } => return denied,
            Verdict::NeedsHandler(handler) if verdict == Verdict::Pass => {
                verdict = Verdict::NeedsHandler(handler);
            }
            Verdict::Pass | Verdict::NeedsHandler(_) => {}
        }
    }
    verdict
}

/// One must pass, and of none none does. A pass that needs no handler comes before any is asked.
fn some(checks: &[Check], facts: &CheckFacts<'_>, answers: &Answers, depth: usize) -> Verdict {
    let mut needed = None;
    let mut refusals: Vec<(&'static str, String)> = Vec::new();
    for check in checks {
        match one(check, facts, answers, depth) {
            Verdict::Pass => return Verdict::Pass,
            Verdict::NeedsHandler(handler) => needed = needed.or(Some(handler)),
            Verdict::Denied { kind, message } => refusals.push((kind, message)),
        }
    }
    if let Some(handler) = needed {
        return Verdict::NeedsHandler(handler);
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

fn permitted(needed: u64, of_bot: bool, facts: &CheckFacts<'_>) -> Verdict {
    let held = if of_bot {
        facts.bot_permissions
    } else {
        facts.member_permissions
    };
    let missing = permissions::missing(held, needed);
    if missing == 0 {
        return Verdict::Pass;
    }
    let labels: Vec<String> = permissions::labels(missing)
        .map(|label| format!("**{}**", super::escape::defuse(label)))
        .collect();
    // A bit that has no name yet still counts.
    let permissions = match enumerate(&labels, Text::And {}, facts.language) {
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

fn pass_if(passes: bool, kind: &'static str, text: Text<'_>, facts: &CheckFacts<'_>) -> Verdict {
    if passes {
        Verdict::Pass
    } else {
        denied(kind, text, facts)
    }
}

fn denied(kind: &'static str, text: Text<'_>, facts: &CheckFacts<'_>) -> Verdict {
    Verdict::Denied {
        kind,
        message: text.say(facts.language),
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
#[path = "checks_tests.rs"]
mod tests;

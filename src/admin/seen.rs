//! Commands as somebody may see them in help: without what they may not call, and in their language.

use crate::cogs::caller::Caller;
use crate::cogs::live::Offer;
use crate::commands::checks::{CheckAnswers, Verdict, evaluate, evaluate_context};
use crate::commands::definition::{Check, CommandDefinition, CommandKind};
use crate::commands::slash::Translations as _;
use crate::commands::text::Language;

/// Whether a caller may call a command, as far as the bot itself decides it: what a cog's own check says is not known
/// here. `checks` are those of the cog, of the groups around the command, and its own.
pub(super) fn may_call(
    definition: &CommandDefinition,
    checks: &[&Check],
    caller: &Caller<'_>,
) -> bool {
    let place = evaluate_context(definition.contexts, caller.place(), caller.language);
    let verdict = evaluate(checks.iter().copied(), caller, &CheckAnswers::new());
    place == Verdict::Pass && !matches!(verdict, Verdict::Denied { .. })
}

/// The commands of a cog. What the caller may not call is hidden, and so are groups of which nothing is left.
pub(super) fn commands_for(offer: &Offer, caller: &Caller<'_>) -> Vec<CommandDefinition> {
    let of_cog: Vec<&Check> = offer.checks.iter().collect();
    let definitions = offer.commands.iter().map(|command| &command.definition);
    definitions
        .map(|definition| {
            let mut seen = definition.clone();
            hide(&mut seen, &of_cog, caller);
            if offer.texts.name_commands() {
                let around = match seen.kind {
                    CommandKind::Chat => "commands",
                    CommandKind::User => "user_commands",
                    CommandKind::Message => "message_commands",
                };
                translate(&mut seen, around, offer, caller.language);
            }
            seen
        })
        .collect()
}

fn hide(definition: &mut CommandDefinition, around: &[&Check], caller: &Caller<'_>) {
    let own = definition.checks.clone();
    let checks: Vec<&Check> = around.iter().copied().chain(&own).collect();
    let runs = definition.runs && may_call(definition, &checks, caller);
    for part in &mut definition.subcommands {
        hide(part, &checks, caller);
    }
    let has_parts = definition.subcommands.iter().any(|part| !part.hidden);
    definition.hidden |= !runs && !has_parts;
}

/// Descriptions in the caller's language, where the cog has them.
fn translate(definition: &mut CommandDefinition, around: &str, offer: &Offer, language: Language) {
    let key = format!("{around}.{}", definition.name);
    let text = |key: &str| {
        let all = offer.texts.of_key(key);
        let locale = match language {
            Language::English => "en-US",
            Language::Indonesian => "id",
        };
        all.get(locale).map(|text| (*text).to_owned())
    };
    if let Some(description) = text(&format!("{key}.description")) {
        definition.description = Some(description);
    }
    for option in &mut definition.options {
        if let Some(description) = text(&format!("{key}.options.{}.description", option.name)) {
            option.description = Some(description);
        }
    }
    for part in &mut definition.subcommands {
        translate(part, &format!("{key}.commands"), offer, language);
    }
}

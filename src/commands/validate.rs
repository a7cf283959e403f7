//! What is wrong with a definition: Discord's limits of slash commands, and what cannot mean anything.

use super::checks::MAX_DEPTH;
use super::complaint::{Complaint, Visit};
use super::cooldown::MAX_USES;
use super::definition::{Check, ChoiceValue, CommandDefinition, CommandKind, Concurrency};
use super::escape::length;
use super::name_key::name_key;
use super::slash::shown_description;
use super::validate_names::{bad_word, description, name, not_in_menu};
use super::validate_options::{MAX_OPTIONS, options};
use std::collections::HashSet;

/// Characters of an example, which help shows. Discord has none.
const MAX_EXAMPLE: usize = 200;
/// Discord's limit, as those of names and options.
const MAX_TOTAL: usize = 8_000;
/// Command, group, subcommand.
const MAX_LEVELS: usize = 3;

/// Everything that is wrong with a command and its subcommands; nothing when it can be used.
/// Most of Discord's own limits bind only what is a slash command.
pub fn validate(definition: &CommandDefinition) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut visit = Visit::of(definition, &mut complaints);
    root(definition, &mut visit);
    command(definition, &mut visit, 1);
    complaints
}

fn root(definition: &CommandDefinition, visit: &mut Visit<'_>) {
    visit.complain_if(
        definition.kind == CommandKind::Chat && !definition.prefix && !definition.slash,
        "slash",
        "must not be off together with `prefix`: nobody could call it",
    );
    let contexts = definition.contexts;
    visit.complain_if(
        !contexts.guild && !contexts.bot_dm && !contexts.private_channel,
        "contexts",
        "must name at least one of \"guild\", \"bot_dm\", \"private_channel\"",
    );
    let total = total(definition, MAX_LEVELS);
    if definition.slash && total > MAX_TOTAL {
        visit.complain(
            "description",
            format!("must be shorter: Discord allows {MAX_TOTAL} characters in the names, descriptions and choices of a slash command and its subcommands, and these have {total}"),
        );
    }
}

fn command(definition: &CommandDefinition, visit: &mut Visit<'_>, level: usize) {
    if definition.kind == CommandKind::Chat {
        name("name", &definition.name, visit);
    } else {
        let says = not_in_menu(&definition.name);
        visit.complain_if(says.is_some(), "name", &says.unwrap_or_default());
    }
    aliases(definition, visit);
    description("description", definition.description.as_deref(), visit);
    examples(definition, visit);
    options(definition, visit);
    limits(definition, visit);
    for check in &definition.checks {
        self::check(check, visit, 0);
    }
    if definition.subcommands.is_empty() {
        visit.complain_if(
            !definition.runs,
            "run",
            "is missing: a command needs it, and a group without it needs `commands`",
        );
        visit.complain_if(
            definition.slash_name_of_run.is_some(),
            "slash_name_of_run",
            "is for groups: a command without `commands` is called by its own name",
        );
        return;
    }
    if level == MAX_LEVELS {
        visit.complain(
            "commands",
            "must be empty: Discord allows a command, groups in it, and subcommands in those",
        );
        return;
    }
    group(definition, visit);
    for subcommand in &definition.subcommands {
        command(subcommand, &mut visit.subcommand(subcommand), level + 1);
    }
}

fn group(definition: &CommandDefinition, visit: &mut Visit<'_>) {
    visit.complain_if(
        !definition.runs && !definition.options.is_empty(),
        "options",
        "must be empty: a group without `run` cannot use options",
    );
    if let Some(name_of_run) = &definition.slash_name_of_run {
        visit.complain_if(
            !definition.runs,
            "slash_name_of_run",
            "needs a `run`, which it names",
        );
        name("slash_name_of_run", name_of_run, visit);
    }
    let mut typed = HashSet::new();
    let mut slash = HashSet::new();
    let run = definition.slash_name_of_run().filter(|_| visit.slash);
    slash.extend(run.map(name_key));
    for subcommand in &definition.subcommands {
        let own: HashSet<_> = std::iter::once(&subcommand.name)
            .chain(&subcommand.aliases)
            .map(|name| name_key(name))
            .collect();
        for key in own {
            if subcommand.prefix && !typed.insert(key.clone()) {
                visit.complain("commands", format!("has two with the name \"{key}\""));
            }
        }
        let key = name_key(&subcommand.name);
        if visit.slash && subcommand.slash && !slash.insert(key.clone()) && run == Some(&key) {
            visit.complain(
                "slash_name_of_run",
                format!("must be another name than that of the subcommand \"{key}\""),
            );
        }
    }
    let count = slash.len();
    if visit.slash && count > MAX_OPTIONS {
        visit.complain(
            "commands",
            format!("must be at most {MAX_OPTIONS}, a group's own `run` counted, and are {count}"),
        );
    }
}

fn aliases(definition: &CommandDefinition, visit: &mut Visit<'_>) {
    let mut known = HashSet::from([name_key(&definition.name)]);
    for alias in &definition.aliases {
        if let Some(says) = bad_word(alias) {
            visit.complain("aliases", format!("has \"{alias}\", which {says}"));
        } else if !known.insert(name_key(alias)) {
            visit.complain(
                "aliases",
                format!("has \"{alias}\", which is there already"),
            );
        }
    }
}

fn examples(definition: &CommandDefinition, visit: &mut Visit<'_>) {
    for example in &definition.examples {
        let count = length(example);
        visit.complain_if(
            count > MAX_EXAMPLE,
            "examples",
            &format!("must have at most {MAX_EXAMPLE} characters each, and one has {count}"),
        );
    }
}

fn limits(definition: &CommandDefinition, visit: &mut Visit<'_>) {
    for cooldown in &definition.cooldowns {
        visit.complain_if(
            !(1..=MAX_USES).contains(&cooldown.uses),
            "cooldown.uses",
            &format!("must be 1 to {MAX_USES}, and is {}", cooldown.uses),
        );
        visit.complain_if(
            cooldown.per.is_zero(),
            "cooldown.per",
            "must be more than 0 s",
        );
    }
    let none = |limit: &Concurrency| limit.limit == 0;
    visit.complain_if(
        definition.max_concurrent.as_ref().is_some_and(none),
        "max_concurrent.limit",
        "must be at least 1",
    );
}

fn check(check: &Check, visit: &mut Visit<'_>, depth: usize) {
    match check {
        Check::Any(checks) | Check::All(checks) => {
            if depth == MAX_DEPTH {
                visit.complain(
                    "checks",
                    format!("must not be nested deeper than {MAX_DEPTH}"),
                );
                return;
            }
            let is_any = matches!(check, Check::Any(_));
            visit.complain_if(
                is_any && checks.is_empty(),
                "checks",
                "has an empty `any`, which nobody passes",
            );
            for inner in checks {
                self::check(inner, visit, depth + 1);
            }
        }
        Check::Permissions(0) => visit.complain("checks", "has `permissions` without a name"),
        Check::BotPermissions(0) => {
            visit.complain("checks", "has `bot_permissions` without a name");
        }
        Check::Role(role) => {
            visit.complain_if(
                role.text().is_empty(),
                "checks",
                "has a `role` without an id or name",
            );
            visit.complain_if(
                role.is_of_other_kind(),
                "checks",
                "has a `role` that mentions a user or a channel: write the role's id or its name",
            );
        }
        _ => {}
    }
}

/// What Discord counts against its limit of characters: names, descriptions and values of choices.
fn total(definition: &CommandDefinition, levels: usize) -> usize {
    let text = |text: Option<&str>| text.map_or(0, length);
    let options = definition.options.iter().map(|option| {
        let choices = option.choices.iter().map(|choice| {
            let value = match &choice.value {
                ChoiceValue::String(value) => length(value),
                ChoiceValue::Integer(value) => value.to_string().len(),
                ChoiceValue::Number(value) => value.to_string().len(),
            };
            length(&choice.name) + value
        });
        let description = shown_description(&option.name, option.description.as_deref());
        length(&option.name) + length(description) + choices.sum::<usize>()
    });
    let subcommands = definition
        .subcommands
        .iter()
        .filter(|subcommand| levels > 1 && subcommand.slash)
        .map(|subcommand| total(subcommand, levels - 1));
    let description = shown_description(&definition.name, definition.description.as_deref());
    length(&definition.name)
        + length(description)
        + text(definition.slash_name_of_run())
        + options.sum::<usize>()
        + subcommands.sum::<usize>()
}

#[cfg(test)]
mod tests;

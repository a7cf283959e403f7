//! What is wrong with a definition: Discord's limits of slash commands, and what cannot mean anything.

use super::checks::MAX_DEPTH;
use super::cooldown::MAX_USES;
use super::definition::{Check, CommandDefinition};
use super::escape::{is_separator, length};
use super::likeness::unseen;
use super::parse::name_key;
use super::validate_options::options;
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup, Script};
use icu_properties::{CodePointMapData, CodePointMapDataBorrowed};
use std::collections::HashSet;
use std::fmt;

/// Discord's limits of application commands, from
/// <https://discord.com/developers/docs/interactions/application-commands>.
pub(super) const MAX_NAME: usize = 32;
pub(super) const MAX_DESCRIPTION: usize = 100;
/// Every typed line is held against all options, so this one binds every command.
pub(super) const MAX_OPTIONS: usize = 25;
/// Characters of an example, which help shows. Discord has none.
const MAX_EXAMPLE: usize = 200;
const MAX_TOTAL: usize = 8_000;
/// Command, group, subcommand.
const MAX_LEVELS: usize = 3;

/// One thing that is wrong with a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The words that call the command (`tag add`).
    pub command: String,
    /// The field in the author's table (`options.count.min`).
    pub field: String,
    /// What it must be, as the rest of a sentence that begins with the field.
    pub says: String,
    /// File and line of the command's declaration.
    pub place: Option<(String, u32)>,
}

impl fmt::Display for Complaint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            command,
            field,
            says,
            ..
        } = self;
        write!(formatter, "in the command \"{command}\", `{field}` {says}")
    }
}

/// Everything that is wrong with a command and its subcommands; nothing when it can be used.
/// Most of Discord's own limits bind only what is a slash command.
pub fn validate(definition: &CommandDefinition) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut visit = Visit {
        complaints: &mut complaints,
        command: definition.name.clone(),
        place: definition.place.clone(),
        slash: definition.slash,
    };
    root(definition, &mut visit);
    command(definition, &mut visit, 1);
    complaints
}

/// Where a complaint belongs.
pub(super) struct Visit<'a> {
    complaints: &'a mut Vec<Complaint>,
    command: String,
    place: Option<(String, u32)>,
    /// Whether Discord's limits bind.
    pub(super) slash: bool,
}

impl Visit<'_> {
    pub(super) fn complain(&mut self, field: impl Into<String>, says: impl Into<String>) {
        self.complaints.push(Complaint {
            command: self.command.clone(),
            field: field.into(),
            says: says.into(),
            place: self.place.clone(),
        });
    }

    pub(super) fn complain_if(&mut self, wrong: bool, field: &str, says: &str) {
        if wrong {
            self.complain(field, says);
        }
    }
}

fn root(definition: &CommandDefinition, visit: &mut Visit<'_>) {
    visit.complain_if(
        !definition.prefix && !definition.slash,
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
    name("name", &definition.name, visit);
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
        let mut inner = Visit {
            complaints: &mut *visit.complaints,
            command: format!("{} {}", visit.command, subcommand.name),
            place: subcommand.place.clone().or_else(|| visit.place.clone()),
            slash: visit.slash && subcommand.slash,
        };
        command(subcommand, &mut inner, level + 1);
    }
}

fn group(definition: &CommandDefinition, visit: &mut Visit<'_>) {
    visit.complain_if(
        !definition.runs && !definition.options.is_empty(),
        "options",
        "must be empty: a group without `run` has nobody to give them to",
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
                visit.complain("commands", format!("has two that are called \"{key}\""));
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
            "must be longer than nothing",
        );
    }
    let none = |limit: &super::definition::Concurrency| limit.limit == 0;
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
                "has an `any` of nothing, which nobody passes",
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

/// Names of commands and options.
pub(super) fn name(field: &str, name: &str, visit: &mut Visit<'_>) {
    if let Some(says) = bad_word(name) {
        visit.complain(field, says);
    } else if !visit.slash {
        // Whatever can be typed is allowed.
    } else if let Some(character) = name.chars().find(|character| !is_allowed(*character)) {
        let hint = if character.is_uppercase() {
            "write it in lower case"
        } else {
            "allowed are letters, digits, `-`, `_` and `'`"
        };
        visit.complain(
            field,
            format!("has the character \"{character}\", which Discord does not allow in slash commands: {hint}"),
        );
    }
}

pub(super) fn description(field: &str, description: Option<&str>, visit: &mut Visit<'_>) {
    let Some(description) = description.filter(|_| visit.slash) else {
        return;
    };
    let count = length(description);
    if count == 0 || count > MAX_DESCRIPTION {
        visit.complain(
            field,
            format!("must have 1 to {MAX_DESCRIPTION} characters, and has {count}"),
        );
    }
}

/// Why a name cannot be typed as one word.
fn bad_word(name: &str) -> Option<String> {
    let count = length(name);
    if count == 0 || count > MAX_NAME {
        return Some(format!(
            "must have 1 to {MAX_NAME} characters, and has {count}"
        ));
    }
    if let Some(character) = unseen(name).filter(|it| !it.is_whitespace()) {
        let character = u32::from(character);
        return Some(format!(
            "must not contain the character U+{character:04X}, which nobody sees"
        ));
    }
    let odd = |character: char| {
        is_separator(character)
            || matches!(
                character,
                '"' | '“' | '”' | '„' | '`' | '@' | '<' | '>' | '#'
            )
    };
    if name.chars().any(odd) {
        return Some("must not contain spaces, quotes, or any of `@`, `#`, `<`, `>`".to_owned());
    }
    None
}

/// Discord's `^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}$`, and no letter that has a lower case.
fn is_allowed(character: char) -> bool {
    const CATEGORIES: CodePointMapDataBorrowed<'_, GeneralCategory> = CodePointMapData::new();
    const SCRIPTS: CodePointMapDataBorrowed<'_, Script> = CodePointMapData::new();
    let category = CATEGORIES.get(character);
    let script = SCRIPTS.get(character);
    let allowed = matches!(character, '-' | '_' | '\'')
        || GeneralCategoryGroup::Letter.contains(category)
        || GeneralCategoryGroup::Number.contains(category)
        || script == Script::Devanagari
        || script == Script::Thai;
    allowed && character.to_lowercase().eq([character])
}

/// What Discord counts against its limit of characters: names, descriptions and values of choices.
fn total(definition: &CommandDefinition, levels: usize) -> usize {
    let text = |text: Option<&str>| text.map_or(0, length);
    let options = definition.options.iter().map(|option| {
        let choices = option.choices.iter().map(|choice| {
            let value = match &choice.value {
                super::definition::ChoiceValue::String(value) => length(value),
                super::definition::ChoiceValue::Integer(value) => value.to_string().len(),
                super::definition::ChoiceValue::Number(value) => value.to_string().len(),
            };
            length(&choice.name) + value
        });
        length(&option.name) + text(option.description.as_deref()) + choices.sum::<usize>()
    });
    let subcommands = definition
        .subcommands
        .iter()
        .filter(|subcommand| levels > 1 && subcommand.slash)
        .map(|subcommand| total(subcommand, levels - 1));
    length(&definition.name)
        + text(definition.description.as_deref())
        + text(definition.slash_name_of_run())
        + options.sum::<usize>()
        + subcommands.sum::<usize>()
}

#[cfg(test)]
#[path = "validate_tests.rs"]
mod tests;

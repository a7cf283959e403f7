//! Help: the overview of all commands, the help of one command, and the answer to an unknown name.

use super::definition::{CommandDefinition, CommandKind, OptionDefinition};
use super::escape::{MESSAGE_LIMIT, clip, defuse, inside_code, length, quoted};
use super::pages;
use super::parse::{answers_to, qualified_name};
use super::suggest;
use super::text::{Language, Text};
use super::tokens::Token;
use super::usage::usage_line;
use super::values::in_words;
use std::collections::BTreeMap;

/// How many characters of a page are left for the lines below it.
const RESERVED: usize = 200;

/// How long one line of a list is at most.
const LINE_LIMIT: usize = 200;

/// How many names a sentence lists.
const LISTED: usize = 20;

/// A command at the root and the cog that it belongs to.
#[derive(Clone, Copy, Debug)]
pub struct CommandView<'a> {
    /// The command.
    pub definition: &'a CommandDefinition,
    /// The cog's name (`fun.dice`).
    pub cog: &'a str,
}

/// One page of all commands that are not hidden, by cog, with the command for the next page. Pages count from 1; a page
/// beyond the last is the last. Below 2,000 characters.
pub fn overview(
    commands: &[CommandView<'_>],
    prefix: &str,
    page: usize,
    language: Language,
) -> String {
    let all = overview_pages(commands, prefix, language);
    let page = page.clamp(1, all.len().max(1));
    let Some(body) = all.get(page - 1) else {
        return Text::NoCommands {}.say(language);
    };
    let command = Text::Command {}.say(language);
    let help = format!("`{}help <{command}>`", inside_code(prefix));
    let mut foot = Text::MoreAbout { help: &help }.say(language);
    if all.len() > 1 {
        let command = format!("{}help", inside_code(prefix));
        let names = commands.iter().map(|view| view.definition);
        let place = pages::foot(page, all.len(), &command, language);
        let place = beside_numbers(&place, &command, page, names);
        foot = format!("{foot}\n{place}");
    }
    clip(&format!("{body}\n\n{foot}"), MESSAGE_LIMIT)
}

/// The pages of [`overview`] without the lines below them.
pub fn overview_pages(
    commands: &[CommandView<'_>],
    prefix: &str,
    language: Language,
) -> Vec<String> {
    // A typed and a slash command may share a name, and so may those of context menus.
    let mut by_cog: BTreeMap<&str, BTreeMap<(CommandKind, &str, bool), String>> = BTreeMap::new();
    for CommandView { definition, cog } in commands {
        if !definition.hidden {
            let line = overview_line(definition, prefix, language);
            let key = (definition.kind, definition.name.as_str(), definition.prefix);
            by_cog.entry(cog).or_default().insert(key, line);
        }
    }
    let mut pages: Vec<String> = Vec::new();
    for (cog, lines) in by_cog {
        let heading = format!("**{}**", defuse(&clip(cog, 100)));
        let mut headed = false;
        for line in lines.into_values() {
            let with_heading = format!("{heading}\n{line}");
            let room = |page: &String, more: &str| {
                length(page) + length(more) + 2 <= MESSAGE_LIMIT - RESERVED
            };
            match pages.last_mut() {
                Some(page) if headed && room(page, &line) => {
                    page.push('\n');
                    page.push_str(&line);
                }
                Some(page) if !headed && room(page, &with_heading) => {
                    page.push_str("\n\n");
                    page.push_str(&with_heading);
                }
                _ => pages.push(with_heading),
            }
            headed = true;
        }
    }
    pages
}

fn overview_line(definition: &CommandDefinition, prefix: &str, language: Language) -> String {
    let name = inside_code(&definition.name);
    let call = match definition.kind {
        CommandKind::Chat => {
            let prefix = if definition.prefix { prefix } else { "/" };
            format!("`{}{name}`", inside_code(prefix))
        }
        CommandKind::User => format!("`{name}` ({})", Text::UserMenu {}.say(language)),
        CommandKind::Message => format!("`{name}` ({})", Text::MessageMenu {}.say(language)),
    };
    described(&call, definition.description.as_deref())
}

/// A page of the help of a command: usage, description, other names, options, subcommands, examples.
/// `path` leads from the command at the root to the one that is explained. Below 2,000 characters;
/// what does not fit is on the next page.
pub fn help_for(
    path: &[&CommandDefinition],
    prefix: &str,
    page: usize,
    language: Language,
) -> String {
    let Some(definition) = path.last() else {
        return Text::NoCommands {}.say(language);
    };
    let name = qualified_name(path);
    let command = inside_code(&format!("{prefix}help {name}"));
    let typed = path.iter().all(|step| step.prefix);
    let prefix = if typed { prefix } else { "/" };
    let usage = match definition.kind {
        CommandKind::Chat => format!("`{}`", usage_line(prefix, &name, definition)),
        CommandKind::User => Text::InUserMenu {
            name: &quoted(&name),
        }
        .say(language),
        CommandKind::Message => Text::InMessageMenu {
            name: &quoted(&name),
        }
        .say(language),
    };
    let mut sections = vec![usage];
    if let Some(description) = &definition.description {
        sections[0] = format!("{}\n{}", sections[0], defuse(description));
    }
    if typed && !definition.aliases.is_empty() {
        let names = all_names(definition.aliases.iter().map(String::as_str));
        sections.push(Text::Aliases { names: &names }.say(language));
    }
    let options = definition.options.iter();
    let options: Vec<_> = options
        .map(|option| option_line(option, language))
        .collect();
    section(&mut sections, &Text::Options {}.say(language), &options);
    let subcommands: Vec<_> = definition
        .subcommands
        .iter()
        .filter(|subcommand| !subcommand.hidden)
        .map(|subcommand| {
            let call = format!(
                "`{}`",
                inside_code(&format!("{prefix}{name} {}", subcommand.name))
            );
            described(&call, subcommand.description.as_deref())
        })
        .collect();
    section(
        &mut sections,
        &Text::Subcommands {}.say(language),
        &subcommands,
    );
    let examples = definition.examples.iter();
    let examples: Vec<_> = examples
        .map(|example| {
            let call = format!("{prefix}{name} {example}");
            format!("`{}`", inside_code(call.trim_end()))
        })
        .collect();
    section(&mut sections, &Text::Examples {}.say(language), &examples);
    let shown = pages::page(&sections.join("\n\n"), page, &command, language);
    beside_numbers(&shown, &command, page, definition.subcommands.iter())
}

/// A page whose line below it asks for `02` where a command is called `2`.
fn beside_numbers<'a>(
    shown: &str,
    command: &str,
    page: usize,
    mut beside: impl Iterator<Item = &'a CommandDefinition>,
) -> String {
    let next = page.max(1).saturating_add(1).to_string();
    if !beside.any(|it| answers_to(it, &next)) {
        return shown.to_owned();
    }
    shown.replace(
        &format!("`{command} {next}`"),
        &format!("`{command} 0{next}`"),
    )
}

fn section(sections: &mut Vec<String>, title: &str, lines: &[String]) {
    if !lines.is_empty() {
        sections.push(format!("{title}\n{}", lines.join("\n")));
    }
}

fn option_line(option: &OptionDefinition, language: Language) -> String {
    let mut limits = Vec::new();
    if !option.must_be_given() {
        limits.push(Text::Optional {}.say(language));
    }
    if !option.choices.is_empty() {
        let choices = all_names(option.choices.iter().map(|choice| choice.name.as_str()));
        limits.push(Text::Choices { choices: &choices }.say(language));
    }
    let words = |limit: Option<f64>| limit.map(|limit| in_words(option.kind, limit, language));
    let (least, greatest) = (words(option.min), words(option.max));
    let range = match (least.as_deref(), greatest.as_deref()) {
        (Some(least), Some(greatest)) => Some(Text::Between { least, greatest }),
        (Some(least), None) => Some(Text::AtLeast { least }),
        (None, Some(greatest)) => Some(Text::AtMost { greatest }),
        (None, None) => None,
    };
    limits.extend(range.map(|range| range.say(language)));
    // Nothing but this line tells it.
    let description = option.description.as_deref();
    let line = in_full(&quoted(&option.name), description);
    if limits.is_empty() {
        return line;
    }
    format!("{line} ({})", limits.join("; "))
}

/// A line of a list, with a short description. The command's own help has the whole one.
fn described(call: &str, description: Option<&str>) -> String {
    let short = description.map(|description| clip(&one_line(description), LINE_LIMIT));
    in_full(call, short.as_deref())
}

fn in_full(call: &str, description: Option<&str>) -> String {
    match description {
        Some(description) => format!("{call}: {}", defuse(&one_line(description))),
        None => call.to_owned(),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The name that is nearest to one that no command has.
pub fn nearest_command<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    suggest::nearest(name, candidates)
}

/// The answer to a name that no command has. `candidates` are the names and aliases that the caller
/// may see.
pub fn unknown_command<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    prefix: &str,
    language: Language,
) -> String {
    let sentence = Text::UnknownCommand {
        name: &quoted(name),
    }
    .say(language);
    match suggest::nearest(name, candidates) {
        Some(nearest) => {
            let nearest = &quoted(&format!("{prefix}{nearest}"));
            format!("{sentence} {}", Text::DidYouMean { nearest }.say(language))
        }
        None => sentence,
    }
}

/// The answer to a group without its own handler: which subcommands there are, and which one the typed word may mean.
pub fn unknown_subcommand(
    path: &[&CommandDefinition],
    given: Option<&Token>,
    prefix: &str,
    language: Language,
) -> String {
    let visible = path.last().into_iter().flat_map(|group| &group.subcommands);
    let visible: Vec<&CommandDefinition> = visible
        .filter(|subcommand| subcommand.prefix && !subcommand.hidden)
        .collect();
    let group = &quoted(&format!("{prefix}{}", qualified_name(path)));
    let subcommands = &names(visible.iter().map(|subcommand| subcommand.name.as_str()));
    let help = &format!(
        "`{}`",
        inside_code(&format!("{prefix}help {}", qualified_name(path)))
    );
    let all = Text::AllOf { help }.say(language);
    let all = if visible.len() > LISTED {
        format!(" {all}")
    } else {
        String::new()
    };
    let Some(given) = given else {
        let sentence = Text::NeedsSubcommand { group, subcommands }.say(language);
        return format!("{sentence}{all}");
    };
    let name = &quoted(&given.text);
    let sentence = Text::UnknownSubcommand {
        group,
        name,
        subcommands,
    }
    .say(language);
    let known = visible
        .iter()
        .flat_map(|subcommand| std::iter::once(&subcommand.name).chain(&subcommand.aliases));
    match suggest::nearest(&given.text, known.map(String::as_str)) {
        Some(nearest) => {
            let nearest = &quoted(&format!("{prefix}{} {nearest}", qualified_name(path)));
            format!(
                "{sentence} {}{all}",
                Text::DidYouMean { nearest }.say(language)
            )
        }
        None => format!("{sentence}{all}"),
    }
}

/// Names as inline code.
fn all_names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names
        .map(|name| format!("`{}`", inside_code(name)))
        .collect();
    names.join(", ")
}

/// Some names as inline code, with `…` when there are more.
fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names = names.map(quoted);
    let mut listed: Vec<String> = names.by_ref().take(LISTED).collect();
    if names.next().is_some() {
        listed.push("…".to_owned());
    }
    listed.join(", ")
}

#[cfg(test)]
mod tests;

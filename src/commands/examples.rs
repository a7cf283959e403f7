//! Checks whether the examples that help shows for a command are valid calls of it. Every user and object that an
//! example names counts as existing.

use super::argument::ParseContext;
use super::definition::CommandDefinition;
use super::directory::{Directory, Told};
use super::help::unknown_subcommand;
use super::parse::{Called, Line, Walk, answers_to, qualified_name, walk};
use super::reader::parse_arguments;
use super::text::Language;
use super::tokens::Tokens;
use crate::json::{Json, JsonRef};
use jiff::tz::TimeZone;
use serde_json::json;
use std::time::Duration;

/// What a line begins with here.
const PREFIX: &str = "!";
/// What authors write before a command's name.
const PREFIXES: [char; 4] = ['!', '/', '?', '.'];
/// The guild in which everybody is.
const GUILD: &str = "1";
/// Files that an example may need: as many as a command has options.
const FILES: usize = 25;

/// An example that its own command does not understand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misunderstood {
    /// The words that call the command (`tag add`).
    pub command: String,
    /// The example.
    pub example: String,
    /// Why, in a sentence.
    pub reason: String,
}

/// The examples of a command at the root, and of all below it, that are no calls of their command.
pub async fn misunderstood(root: &CommandDefinition) -> Vec<Misunderstood> {
    let mut found = Vec::new();
    let mut paths = vec![vec![root]];
    while let Some(path) = paths.pop() {
        let Some(definition) = path.last().copied() else {
            continue;
        };
        for example in &definition.examples {
            if let Err(reason) = understand(&path, example).await {
                found.push(Misunderstood {
                    command: qualified_name(&path),
                    example: example.clone(),
                    reason,
                });
            }
        }
        let below = definition.subcommands.iter().rev();
        paths.extend(below.map(|subcommand| [path.as_slice(), &[subcommand]].concat()));
    }
    found
}

async fn understand(path: &[&CommandDefinition], example: &str) -> Result<(), String> {
    let name = qualified_name(path);
    if repeats_name(path, example) {
        let first = format!("help would show `{PREFIX}{name} {example}`");
        return Err(format!("{first}: leave the command's name out of it"));
    }
    let content = format!("{PREFIX}{name} {example}");
    let line = Line {
        content: &content,
        arguments: PREFIX.len() + path[0].name.len(),
    };
    match walk(path[0], line) {
        Walk::Command(called) => read(&called)
            .await
            .map_err(|sentence| without_marks(&sentence)),
        Walk::Group { path, given } => {
            let sentence = unknown_subcommand(&path, given.as_ref(), PREFIX, Language::English);
            Err(without_marks(&sentence))
        }
    }
}

/// Whether an example begins with the name that help puts before it. In quotes it is an argument.
fn repeats_name(path: &[&CommandDefinition], example: &str) -> bool {
    let Some(first) = Tokens::new(example, 0).next().filter(|first| !first.quoted) else {
        return false;
    };
    let word = first.text.trim_start_matches(PREFIXES);
    let ends = [path.first(), path.last()];
    ends.into_iter()
        .flatten()
        .any(|command| answers_to(command, word))
}

async fn read(called: &Called<'_, '_>) -> Result<(), String> {
    let Some(definition) = called.path.last() else {
        return Ok(());
    };
    let mut definition = CommandDefinition::clone(definition);
    for option in &mut definition.options {
        // A channel is of the right type.
        option.channel_types.clear();
    }
    let name = called.name();
    let files = Json::from(&json!(vec![json!({ "id": "1" }); FILES]));
    let reply = Json::from(&json!({ "id": "1" }));
    let mut context = ParseContext {
        guild_id: Some(GUILD),
        channel_id: "1",
        now: Duration::from_secs(1_767_225_600),
        timezone: TimeZone::UTC,
        language: Language::English,
        prefix: PREFIX,
        command: &name,
        attachments: files.items(),
        replied_to: None,
    };
    let mut read = parse_arguments(&definition, called.line, &Everything, &context).await;
    if read.is_err() {
        // It may be one for a reply.
        context.replied_to = Some(reply.view());
        let again = parse_arguments(&definition, called.line, &Everything, &context).await;
        read = again.or(read);
    }
    read.map(|_| ()).map_err(|error| error.sentence)
}

/// A sentence for chat as one for the terminal.
fn without_marks(sentence: &str) -> String {
    sentence.replace('\u{200b}', "")
}

/// A guild in which there is whoever and whatever one asks for.
struct Everything;

fn named(id: &str, name: &str) -> Json {
    Json::from(&json!({ "id": id, "name": name, "guild_id": GUILD }))
}

fn member(id: &str, name: &str) -> Json {
    Json::from(&json!({ "user": { "id": id, "username": name } }))
}

impl Directory for Everything {
    async fn user(&self, id: &str) -> Told<Option<Json>> {
        Ok(member(id, "somebody").get("user").map(JsonRef::to_json))
    }
    async fn member(&self, _: &str, id: &str) -> Told<Option<Json>> {
        Ok(Some(member(id, "somebody")))
    }
    async fn member_by_name(&self, _: &str, name: &str) -> Told<Vec<Json>> {
        Ok(vec![member("1", name)])
    }
    async fn channel(&self, id: &str) -> Told<Option<Json>> {
        Ok(Some(named(id, "something")))
    }
    async fn channel_by_name(&self, _: &str, name: &str) -> Told<Vec<Json>> {
        Ok(vec![named("1", name)])
    }
    async fn role(&self, _: &str, id: &str) -> Told<Option<Json>> {
        Ok(Some(named(id, "something")))
    }
    async fn role_by_name(&self, _: &str, name: &str) -> Told<Vec<Json>> {
        // In another letter case than the user's name, which is meant where both may be.
        let other = if name.chars().any(char::is_uppercase) {
            name.to_lowercase()
        } else {
            name.to_uppercase()
        };
        Ok(vec![named("2", &other)])
    }
    async fn emoji_by_name(&self, _: &str, name: &str) -> Told<Vec<Json>> {
        // It may be the id of one.
        Ok(vec![named("1", name), named(name, "")])
    }
    async fn message(&self, _: &str, id: &str) -> Told<Option<Json>> {
        Ok(Some(Json::from(&json!({ "id": id }))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::definition::{OptionDefinition, OptionKind};

    fn command(name: &str, options: Vec<OptionDefinition>, examples: &[&str]) -> CommandDefinition {
        CommandDefinition {
            options,
            examples: examples.iter().map(|&it| it.to_owned()).collect(),
            ..CommandDefinition::new(name)
        }
    }

    fn reasons(root: &CommandDefinition) -> Vec<String> {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let found = runtime.unwrap().block_on(misunderstood(root));
        let lines = found.into_iter();
        lines
            .map(|it| format!("{} | {} | {}", it.command, it.example, it.reason))
            .collect()
    }

    fn rest() -> OptionDefinition {
        OptionDefinition {
            rest: true,
            ..OptionDefinition::new("text", OptionKind::String)
        }
    }

    #[test]
    fn an_example_must_be_a_call_of_its_own_command() {
        let when = OptionDefinition::new("when", OptionKind::Duration);
        let remind = command(
            "remind",
            vec![when, rest()],
            &[
                "10m tea",
                "remind 10m tea",
                "!REMIND 10m tea",
                "10 minuts tea",
                "soon tea",
                "10m",
            ],
        );
        let found = reasons(&remind);
        let expected = [
            ("remind | remind 10m tea | ", "leave the command's name out"),
            (
                "remind | !REMIND 10m tea | ",
                "leave the command's name out",
            ),
            ("remind | 10 minuts tea | ", "Did you mean `10 minutes`?"),
            ("remind | soon tea | ", "`soon` is not a duration"),
            ("remind | 10m | ", "`text` is missing"),
        ];
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (reason, (start, part)) in found.iter().zip(expected) {
            assert!(
                reason.starts_with(start) && reason.contains(part),
                "{reason}"
            );
        }
        let mut say = command("say", vec![rest()], &["say hello", "\"say\" it", "hello"]);
        say.aliases = vec!["echo".into()];
        assert_eq!(reasons(&say).len(), 1);
        say.examples = vec!["/echo hello".into()];
        assert_eq!(reasons(&say).len(), 1);
    }

    #[test]
    fn everything_that_an_example_names_is_there() {
        let kinds = [
            (OptionKind::Member, "@anna"),
            (OptionKind::User, "<@5>"),
            (OptionKind::Role, "@moderators"),
            (OptionKind::Channel, "#general"),
            (OptionKind::Mentionable, "anna"),
            (OptionKind::Message, "400000000000000001"),
        ];
        for (kind, text) in kinds {
            let mut option = OptionDefinition::new("it", kind);
            option.channel_types = vec![2];
            let file = OptionDefinition::new("file", OptionKind::Attachment);
            let it = command("x", vec![file, option], &[text]);
            assert_eq!(reasons(&it), [""; 0], "{text}");
        }
        let message = OptionDefinition::new("message", OptionKind::Message);
        assert_eq!(
            reasons(&command("pin", vec![message, rest()], &["well said"])),
            [""; 0]
        );
    }

    #[test]
    fn examples_of_a_group_lead_to_its_commands() {
        let add = command("add", vec![rest()], &["x", "add x", "tag add x"]);
        let mut tag = command("tag", vec![], &["add x", "remove", ""]);
        tag.runs = false;
        tag.subcommands = vec![add];
        let found = reasons(&tag);
        let expected = [
            ("tag | remove | ", "has no `remove`, only `add`"),
            ("tag |  | ", "needs one of these after it: `add`"),
            ("tag add | add x | ", "leave the command's name out"),
            ("tag add | tag add x | ", "leave the command's name out"),
        ];
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (reason, (start, part)) in found.iter().zip(expected) {
            assert!(
                reason.starts_with(start) && reason.contains(part),
                "{reason}"
            );
        }
    }
}

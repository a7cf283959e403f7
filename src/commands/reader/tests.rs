mod any_line;
mod options;
mod spans;
mod values;

use super::*;
use crate::commands::arguments::parse_value;
use crate::commands::definition::{Choice, ChoiceValue};
use crate::commands::directory::Told;
use crate::commands::duration::UNITS;
use crate::commands::text::Language;
use crate::commands::tokens::quote;
use crate::json::{Json, JsonRef};
use jiff::tz::TimeZone;
use proptest::prelude::*;
use std::time::Duration;

const NOW: Duration = Duration::from_secs(1_709_208_000);

/// A guild with two members called Max, a role of two words, and channels of two kinds.
struct Guild;

fn json(value: &serde_json::Value) -> Json {
    Json::from(value)
}

fn members() -> Vec<Json> {
    let member = |id: &str, username: &str, global: Option<&str>, nick: Option<&str>| {
        json(&serde_json::json!({
            "user": { "id": id, "username": username, "global_name": global, "discriminator": "0" },
            "nick": nick,
        }))
    };
    vec![
        member("100000000000000001", "anna", Some("Anna Bell"), None),
        member("100000000000000002", "max", None, None),
        member("100000000000000003", "maxine", None, Some("Max")),
        member(
            "100000000000000004",
            "bob`s @everyone",
            None,
            Some("The Boss"),
        ),
    ]
}

fn named(id: &str, name: &str, kind: u8, guild: &str) -> Json {
    json(&serde_json::json!({ "id": id, "name": name, "type": kind, "guild_id": guild }))
}

fn channels() -> Vec<Json> {
    vec![
        named("200000000000000001", "general", 0, "1"),
        named("200000000000000002", "General", 2, "1"),
        named("200000000000000003", "news", 5, "1"),
        named("200000000000000009", "secret", 0, "9"),
    ]
}

fn with_id(objects: Vec<Json>, id: &str) -> Option<Json> {
    objects.into_iter().find(|object| {
        object.str("id") == Some(id)
            || object.at(&["user", "id"]).and_then(JsonRef::as_str) == Some(id)
    })
}

impl Directory for Guild {
    async fn user(&self, id: &str) -> Told<Option<Json>> {
        Ok(with_id(members(), id).and_then(|member| Some(member.get("user")?.to_json())))
    }
    async fn member(&self, _: &str, id: &str) -> Told<Option<Json>> {
        Ok(with_id(members(), id))
    }
    async fn member_by_name(&self, _: &str, _: &str) -> Told<Vec<Json>> {
        Ok(members())
    }
    async fn channel(&self, id: &str) -> Told<Option<Json>> {
        Ok(with_id(channels(), id))
    }
    async fn channel_by_name(&self, guild: &str, _: &str) -> Told<Vec<Json>> {
        let mut channels = channels();
        channels.retain(|channel| channel.str("guild_id") == Some(guild));
        Ok(channels)
    }
    async fn role(&self, _: &str, id: &str) -> Told<Option<Json>> {
        Ok((id == "300000000000000001").then(|| named(id, "Cool People", 0, "1")))
    }
    async fn role_by_name(&self, _: &str, _: &str) -> Told<Vec<Json>> {
        Ok(vec![named("300000000000000001", "Cool People", 0, "1")])
    }
    async fn emoji_by_name(&self, _: &str, _: &str) -> Told<Vec<Json>> {
        Ok(vec![
            named("500000000000000001", "wave", 0, "1"),
            named("500000000000000002", "party", 0, "1"),
            named("500000000000000003", "party", 0, "1"),
        ])
    }
    async fn message(&self, channel: &str, id: &str) -> Told<Option<Json>> {
        Ok(Some(json(
            &serde_json::json!({ "id": id, "channel_id": channel }),
        )))
    }
}

fn context(command: &str) -> ParseContext<'_> {
    ParseContext {
        guild_id: Some("1"),
        channel_id: "200000000000000001",
        now: NOW,
        timezone: TimeZone::UTC,
        language: Language::English,
        prefix: "!",
        command,
        attachments: JsonRef::NULL.items(),
        replied_to: None,
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(future)
}

/// Reads `!x` and the arguments.
fn parse_in(
    options: Vec<OptionDefinition>,
    arguments: &str,
    context: &ParseContext<'_>,
) -> Result<Vec<Argument>, UsageError> {
    let mut definition = CommandDefinition::new(context.command);
    definition.options = options;
    let typed = format!("!{} {arguments}", context.command);
    let line = Line {
        content: &typed,
        arguments: 1 + context.command.len(),
    };
    let parsed = block_on(parse_arguments(&definition, line, &Guild, context))?;
    Ok(parsed.into_iter().map(|(_, argument)| argument).collect())
}

fn parse(options: Vec<OptionDefinition>, arguments: &str) -> Result<Vec<Argument>, UsageError> {
    parse_in(options, arguments, &context("x"))
}

fn answer(options: Vec<OptionDefinition>, arguments: &str) -> String {
    parse(options, arguments).expect_err("an error").render()
}

fn required(name: &str, kind: OptionKind) -> OptionDefinition {
    OptionDefinition::new(name, kind)
}

fn optional(name: &str, kind: OptionKind) -> OptionDefinition {
    OptionDefinition {
        required: false,
        ..OptionDefinition::new(name, kind)
    }
}

fn reason() -> OptionDefinition {
    OptionDefinition {
        rest: true,
        ..optional("reason", OptionKind::String)
    }
}

fn id(argument: &Argument) -> String {
    match argument {
        Argument::Object(kind, object) => {
            let id = object
                .str("id")
                .or(object.at(&["user", "id"]).and_then(JsonRef::as_str));
            format!("{} {}", kind.name(), id.unwrap_or("?"))
        }
        other => format!("{other:?}"),
    }
}

fn string(text: &str) -> Argument {
    Argument::String(text.into())
}

//! The values of a slash command's options. Discord has checked them against its list, which may be older than the
//! command, and users may send anything: everything is checked again.

use super::argument::{Argument, ParseContext};
use super::arguments::parse_value;
use super::definition::{ChoiceValue, CommandDefinition, OptionDefinition, OptionKind};
use super::directory::Directory;
use super::escape::quoted;
use super::text::Text;
use crate::json::{Items, Json, JsonRef, Node};

/// What an interaction gives for the options of its command.
#[derive(Clone, Debug)]
pub struct Given<'a> {
    /// `{ name, type, value }` each.
    pub options: Items<'a>,
    /// The objects whose ids are among the values.
    pub resolved: JsonRef<'a>,
}

impl<'a> Given<'a> {
    /// What is entered for an option; nothing while it is being typed.
    pub fn whole_value(&self, name: &str) -> Option<JsonRef<'a>> {
        let option = self.option(name)?;
        let value = self.value(name);
        value.filter(|_| !option.is_true("focused"))
    }

    fn option(&self, name: &str) -> Option<JsonRef<'a>> {
        let mut options = self.options.clone();
        options.find(|it| it.str("name") == Some(name))
    }

    fn value(&self, name: &str) -> Option<JsonRef<'a>> {
        self.option(name)?.get("value").filter(|it| !it.is_null())
    }

    fn resolved(&self, kind: &str, id: &str) -> Option<JsonRef<'a>> {
        self.resolved.at(&[kind, id]).filter(|it| it.is_object())
    }

    fn user(&self, id: &str) -> Option<JsonRef<'a>> {
        self.resolved("users", id)
    }

    /// A member with the user who it is.
    fn member(&self, id: &str) -> Option<Json> {
        let member = self.resolved("members", id)?;
        Some(member.with("user", self.user(id)?))
    }
}

/// One value an option, in the order of the options. The error is a sentence for the user.
pub async fn slash_arguments<D: Directory>(
    definition: &CommandDefinition,
    given: &Given<'_>,
    directory: &D,
    context: &ParseContext<'_>,
) -> Result<Vec<(String, Argument)>, String> {
    let mut arguments = Vec::with_capacity(definition.options.len());
    for option in &definition.options {
        let argument = match given.value(&option.name) {
            Some(value) => argument(option, value, given, directory, context).await?,
            None if option.must_be_given() => {
                let option = &quoted(&option.name);
                return Err(Text::Missing { option }.say(context.language));
            }
            None => Argument::Missing,
        };
        arguments.push((option.name.clone(), argument));
    }
    Ok(arguments)
}

/// The value of one option.
pub async fn argument<D: Directory>(
    option: &OptionDefinition,
    value: JsonRef<'_>,
    given: &Given<'_>,
    directory: &D,
    context: &ParseContext<'_>,
) -> Result<Argument, String> {
    let text = typed_text(value);
    if !option.is_same_in_discord() && option.kind != OptionKind::Attachment {
        return parse_value(option, &text, directory, context).await;
    }
    if let Some(argument) = value_of_choice(option, &text) {
        return Ok(argument);
    }
    let argument = match option.kind {
        OptionKind::String | OptionKind::Boolean | OptionKind::Integer | OptionKind::Number => {
            return parse_value(option, &text, directory, context).await;
        }
        OptionKind::User => given.user(&text).map(JsonRef::to_json),
        OptionKind::Member => given.member(&text),
        OptionKind::Mentionable => return mentionable(&text, given, context),
        OptionKind::Channel => {
            let known = directory.channel(&text).await.ok().flatten();
            let resolved = given.resolved("channels", &text);
            known.or_else(|| resolved.map(|channel| with_guild(channel, context)))
        }
        OptionKind::Role => {
            let known = match context.guild_id {
                Some(guild) => directory.role(guild, &text).await.ok().flatten(),
                None => None,
            };
            known.or_else(|| given.resolved("roles", &text).map(JsonRef::to_json))
        }
        OptionKind::Attachment => {
            let file = given.resolved("attachments", &text).map(JsonRef::to_json);
            let file = file.map(|file| Argument::Object(OptionKind::Attachment, file));
            let missing = || no_such(option, &text, context);
            let file = file.ok_or_else(missing)?;
            return Ok(if option.many {
                Argument::List(vec![file])
            } else {
                file
            });
        }
        _ => None,
    };
    let object = argument.ok_or_else(|| no_such(option, &text, context))?;
    Ok(Argument::Object(option.kind, object))
}

/// A value as the text that a user would have typed.
pub fn typed_text(value: JsonRef<'_>) -> String {
    match value.node() {
        Node::String(text) => text.to_owned(),
        Node::Bool(value) => value.to_string(),
        Node::Integer(number) => number.to_string(),
        Node::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// Discord sends the value of a choice, never its name, which may be the value of another one.
fn value_of_choice(option: &OptionDefinition, text: &str) -> Option<Argument> {
    let mut choices = option.choices.iter().map(|choice| &choice.value);
    choices.find_map(|value| match value {
        ChoiceValue::String(value) => (value == text).then(|| Argument::String(value.clone())),
        ChoiceValue::Integer(value) => {
            (text.parse() == Ok(*value)).then_some(Argument::Integer(*value))
        }
        ChoiceValue::Number(value) => {
            let is_it = text
                .parse()
                .is_ok_and(|it: f64| it.total_cmp(value).is_eq());
            is_it.then_some(Argument::Number(*value))
        }
    })
}

fn mentionable(
    id: &str,
    given: &Given<'_>,
    context: &ParseContext<'_>,
) -> Result<Argument, String> {
    if let Some(member) = given.member(id) {
        return Ok(Argument::Object(OptionKind::Member, member));
    }
    let user = given.user(id).map(|it| (OptionKind::User, it));
    let found = user.or_else(|| Some((OptionKind::Role, given.resolved("roles", id)?)));
    found
        .map(|(kind, object)| Argument::Object(kind, object.to_json()))
        .ok_or_else(|| {
            let given = &quoted(id);
            Text::NoMentionable { given }.say(context.language)
        })
}

fn with_guild(channel: JsonRef<'_>, context: &ParseContext<'_>) -> Json {
    match context.guild_id {
        Some(guild) => channel.with("guild_id", Json::string(guild).view()),
        None => channel.to_json(),
    }
}

fn no_such(option: &OptionDefinition, id: &str, context: &ParseContext<'_>) -> String {
    let given = &quoted(id);
    let text = match option.kind {
        OptionKind::Member => Text::NoMember { given },
        OptionKind::Channel => Text::NoChannel { given },
        OptionKind::Role => Text::NoRole { given },
        OptionKind::Attachment => {
            let option = &quoted(&option.name);
            return Text::Missing { option }.say(context.language);
        }
        _ => Text::NoUser { given },
    };
    text.say(context.language)
}

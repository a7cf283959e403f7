//! The bot's own commands as slash commands: what Discord is told of them, and a call of one as the line that would be
//! typed for it.

use super::text::Say;
use crate::commands::text::Language;
use crate::json::JsonRef;
use serde_json::Value;
use serenity::builder::{CreateCommand, CreateCommandOption};
use serenity::model::Permissions;
use serenity::model::application::{
    CommandOptionType, CommandType, InstallationContext, InteractionContext,
};

/// The longest text that an option takes.
const LONGEST_TEXT: u16 = 100;

// Discord's types of options.
const SUBCOMMAND: i64 = 1;
const GROUP: i64 = 2;
const INTEGER: i64 = 4;
const USER: i64 = 6;
const CHANNEL: i64 = 7;
const ROLE: i64 = 8;

/// The bot's own commands as Discord lists them. In a list of a guild's own commands, Discord wants to know neither
/// contexts nor integration types.
pub fn commands(is_global: bool) -> Vec<Value> {
    let everywhere = [reload(), cogs(), load(), unload(), forget(), help()].into_iter();
    let everywhere = everywhere.map(|it| (it, true));
    let all = everywhere.chain([(settings(), false)]);
    all.filter_map(|(command, in_direct)| listed(command, is_global, in_direct))
        .collect()
}

/// `in_direct`: whether it can be called in a direct message with the bot.
fn listed(command: CreateCommand, is_global: bool, in_direct: bool) -> Option<Value> {
    let command = if is_global {
        let mut contexts = vec![InteractionContext::Guild];
        if in_direct {
            contexts.push(InteractionContext::BotDm);
        }
        command
            .contexts(contexts)
            .integration_types(vec![InstallationContext::Guild])
    } else {
        command
    };
    serde_json::to_value(command).ok().map(without_empty_fields)
}

/// The same without the fields that say nothing: of an option, Discord takes only those that its type has.
fn without_empty_fields(value: Value) -> Value {
    let says_nothing = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    };
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter();
            let fields = fields.filter(|(_, value)| !says_nothing(value));
            let fields = fields.map(|(name, value)| (name, without_empty_fields(value)));
            Value::Object(fields.collect())
        }
        Value::Array(items) => items.into_iter().map(without_empty_fields).collect(),
        value => value,
    }
}

fn reload() -> CreateCommand {
    let part = |name, about| option(CommandOptionType::SubCommand, name, about);
    for_admins("reload", Say::AboutReload {})
        .add_option(part("status", Say::AboutStatus {}).add_sub_option(page()))
        .add_option(part("toggle", Say::AboutToggle {}))
        .add_option(part("cog", Say::AboutReloadCog {}).add_sub_option(cog().required(true)))
        .add_option(part("all", Say::AboutReloadAll {}))
        .add_option(
            part("history", Say::AboutHistory {})
                .add_sub_option(cog().required(true))
                .add_sub_option(page()),
        )
        .add_option(
            part("undo", Say::AboutUndo {})
                .add_sub_option(cog().required(true))
                .add_sub_option(version()),
        )
        .add_option(part("redo", Say::AboutRedo {}).add_sub_option(cog().required(true)))
        .add_option(part("try", Say::AboutTry {}).add_sub_option(cog().required(true)))
        .add_option(part("keep", Say::AboutKeep {}).add_sub_option(cog().required(true)))
        .add_option(part("drop", Say::AboutDrop {}).add_sub_option(cog().required(true)))
}

fn cogs() -> CreateCommand {
    for_admins("cogs", Say::AboutCogs {})
        .add_option(cog())
        .add_option(page())
}

fn load() -> CreateCommand {
    for_admins("load", Say::AboutLoad {}).add_option(cog().required(true))
}

fn unload() -> CreateCommand {
    for_admins("unload", Say::AboutUnload {}).add_option(cog().required(true))
}

fn forget() -> CreateCommand {
    let user = option(CommandOptionType::User, "user", Say::AboutForgetUser {});
    for_admins("forget", Say::AboutForget {}).add_option(user.required(true))
}

fn help() -> CreateCommand {
    let command = completed(text("command", Say::AboutHelpCommand {}));
    for_all("help", Say::AboutHelp {})
        .add_option(command)
        .add_option(page())
}

fn settings() -> CreateCommand {
    let part = |name, about| option(CommandOptionType::SubCommand, name, about);
    let subject = || completed(text("name", Say::AboutSubject {})).required(true);
    let prefix = text("value", Say::AboutPrefix {}).max_length(32);
    let language = option(CommandOptionType::String, "value", Say::AboutLanguage {})
        .add_string_choice("English", "en")
        .add_string_choice("Bahasa Indonesia", "id");
    let channels = ["channel", "channel_2", "channel_3"];
    let channels = channels.map(|name| {
        let about = Say::AboutSettingsChannel {};
        option(CommandOptionType::Channel, name, about)
    });
    let roles = ["role", "role_2", "role_3"];
    let roles = roles.map(|name| {
        let about = Say::AboutSettingsRole {};
        option(CommandOptionType::Role, name, about)
    });
    let limit = part("limit", Say::AboutLimit {}).add_sub_option(subject());
    let limit = channels
        .into_iter()
        .chain(roles)
        .fold(limit, CreateCommandOption::add_sub_option);
    let what = completed(text("what", Say::AboutReset {})).required(true);
    for_admins("settings", Say::AboutSettings {})
        .add_option(part("show", Say::AboutShow {}).add_sub_option(page()))
        .add_option(part("prefix", Say::AboutPrefix {}).add_sub_option(prefix.required(true)))
        .add_option(part("language", Say::AboutLanguage {}).add_sub_option(language.required(true)))
        .add_option(part("off", Say::AboutOff {}).add_sub_option(subject()))
        .add_option(part("on", Say::AboutOn {}).add_sub_option(subject()))
        .add_option(limit)
        .add_option(part("reset", Say::AboutReset {}).add_sub_option(what))
}

/// A command that Discord offers to everybody.
fn for_all(name: &str, about: Say<'_>) -> CreateCommand {
    CreateCommand::new(name)
        .kind(CommandType::ChatInput)
        .description(about.say(Language::English))
        .description_localized(Language::Indonesian.code(), about.say(Language::Indonesian))
}

/// A command that is no use to members: Discord does not show it to them. Who may use it is decided when it is called.
fn for_admins(name: &str, about: Say<'_>) -> CreateCommand {
    for_all(name, about).default_member_permissions(Permissions::MANAGE_GUILD)
}

fn option(kind: CommandOptionType, name: &str, about: Say<'_>) -> CreateCommandOption {
    CreateCommandOption::new(kind, name, about.say(Language::English))
        .description_localized(Language::Indonesian.code(), about.say(Language::Indonesian))
}

fn text(name: &str, about: Say<'_>) -> CreateCommandOption {
    option(CommandOptionType::String, name, about).max_length(LONGEST_TEXT)
}

fn completed(option: CreateCommandOption) -> CreateCommandOption {
    option.set_autocomplete(true)
}

/// The name of a cog.
fn cog() -> CreateCommandOption {
    completed(text("name", Say::AboutCogName {}))
}

/// The number of a version of a cog.
fn version() -> CreateCommandOption {
    option(
        CommandOptionType::Integer,
        "version",
        Say::AboutUndoVersion {},
    )
    .min_int_value(1)
}

fn page() -> CreateCommandOption {
    option(CommandOptionType::Integer, "page", Say::AboutPage {}).min_int_value(1)
}

/// The arguments of a call as they would be typed: subcommands, then texts, then channels and roles, then the page.
pub(super) fn line(data: JsonRef<'_>) -> String {
    let mut words = Vec::new();
    let (mut mentions, mut numbers) = (Vec::new(), Vec::new());
    for (kind, option) in parts(data) {
        let value = option.get("value").unwrap_or(JsonRef::NULL);
        match kind {
            SUBCOMMAND | GROUP => words.extend(option.str("name").map(str::to_owned)),
            // A command may be called `2`; only a page is called `02`.
            INTEGER => numbers.extend(value.as_i64().map(|number| format!("0{number}"))),
            USER => mentions.extend(value.as_str().map(|id| format!("<@{id}>"))),
            CHANNEL => mentions.extend(value.as_str().map(|id| format!("<#{id}>"))),
            ROLE => mentions.extend(value.as_str().map(|id| format!("<@&{id}>"))),
            _ => words.extend(value.as_str().map(str::to_owned)),
        }
    }
    words.append(&mut mentions);
    words.append(&mut numbers);
    words.join(" ")
}

/// The name of the option that is being typed, and what is typed so far.
pub(super) fn focused(data: JsonRef<'_>) -> Option<(&str, &str)> {
    let mut options = parts(data).into_iter().map(|(_, option)| option);
    let option = options.find(|it| it.is_true("focused"))?;
    Some((option.str("name")?, option.str("value").unwrap_or_default()))
}

/// The options of a call with their types, and those of the subcommands.
fn parts(data: JsonRef<'_>) -> Vec<(i64, JsonRef<'_>)> {
    let mut parts = Vec::new();
    let mut part = Some(data);
    while let Some(current) = part.take() {
        for option in current.list("options") {
            let kind = option.i64("type").unwrap_or(0);
            if matches!(kind, SUBCOMMAND | GROUP) {
                part = Some(option);
            }
            parts.push((kind, option));
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cogs::host::ADMIN_COMMANDS;
    use crate::discord::{operation, prepare};
    use crate::json::Json;
    use serde_json::json;

    #[test]
    fn discord_is_told_of_each_of_the_bots_own_commands() {
        let all = commands(true);
        let mut names: Vec<_> = all.iter().map(|it| it["name"].as_str().unwrap()).collect();
        names.sort_unstable();
        let mut known = ADMIN_COMMANDS;
        known.sort_unstable();
        assert_eq!(names, known);
    }

    #[test]
    fn they_are_as_the_operations_want_them() {
        for (id, is_global) in [
            ("bulk_set_application_commands", true),
            ("bulk_set_guild_application_commands", false),
        ] {
            let mut arguments = json!({ "application_id": "1", "body": commands(is_global) });
            if !is_global {
                arguments["guild_id"] = "2".into();
            }
            let prepared = prepare(operation(id).unwrap(), arguments);
            assert!(prepared.is_ok(), "{id}: {prepared:?}");
        }
        for command in commands(true) {
            let mut arguments = command;
            arguments["application_id"] = "1".into();
            let operation = operation("create_application_command").unwrap();
            let prepared = prepare(operation, arguments.clone());
            assert!(prepared.is_ok(), "{arguments}: {prepared:?}");
        }
    }

    #[test]
    fn their_json_is_as_it_was() {
        let text = serde_json::to_string_pretty(&commands(true)).unwrap();
        insta::assert_snapshot!("own_commands", text);
    }

    #[test]
    fn a_call_reads_like_the_typed_line() {
        let line = |data: Value| line(Json::from(&data).view());
        let call = |options: Value| json!({ "name": "x", "options": options });
        assert_eq!(line(json!({ "name": "x" })), "");
        let status = json!([{ "type": 1, "name": "status", "options": [{ "type": 4, "name": "page", "value": 2 }] }]);
        assert_eq!(line(call(status)), "status 02");
        let cog = json!([{ "type": 1, "name": "cog", "options": [{ "type": 3, "name": "name", "value": "all" }] }]);
        assert_eq!(line(call(cog)), "cog all");
        let turned = json!([{ "type": 4, "name": "page", "value": 3 }, { "type": 3, "name": "name", "value": "fun dice" }]);
        assert_eq!(line(call(turned)), "fun dice 03");
        let limit = json!([{ "type": 1, "name": "limit", "options": [
            { "type": 8, "name": "role", "value": "9" }, { "type": 7, "name": "channel", "value": "8" },
            { "type": 3, "name": "name", "value": "ping" },
        ] }]);
        assert_eq!(line(call(limit)), "limit ping <@&9> <#8>");
        let user = json!([{ "type": 6, "name": "user", "value": "7" }]);
        assert_eq!(line(call(user)), "<@7>");
    }

    #[test]
    fn what_is_being_typed_is_found_in_subcommands() {
        let data = json!({ "options": [{ "type": 1, "name": "cog", "options": [
            { "type": 3, "name": "name", "value": "le", "focused": true },
        ] }] });
        let data = Json::from(&data);
        assert_eq!(focused(data.view()), Some(("name", "le")));
        assert_eq!(focused(Json::from(&json!({})).view()), None);
    }
}

//! Reads the table that an author gives to `cog.command` or `cog.group`.

use super::convert::Fields;
use super::declarations::{Command, OptionFunctions, caller};
use super::option;
use crate::commands::definition::{
    Check, CommandDefinition, Concurrency, Contexts, Cooldown, Scope, validate,
};
use crate::discord::permissions;
use crate::vm::host::{HostError, HostResult};
use mlua::{Function, Lua, Table, Value};
use std::collections::HashMap;

const COMMAND_FIELDS: [&str; 15] = [
    "name",
    "run",
    "description",
    "aliases",
    "options",
    "checks",
    "cooldown",
    "max_concurrent",
    "contexts",
    "ephemeral",
    "slash",
    "prefix",
    "hidden",
    "examples",
    "commands",
];

const GROUP_FIELDS: [&str; 13] = [
    "name",
    "commands",
    "description",
    "aliases",
    "options",
    "checks",
    "cooldown",
    "run",
    "slash_name_of_run",
    "contexts",
    "ephemeral",
    "hidden",
    "examples",
];

/// The key under which a check's table carries what it checks; see `checks_module`.
const CHECK: &str = "check";

#[derive(Default)]
struct Reader {
    runs: HashMap<String, Function>,
    options: HashMap<(String, String), OptionFunctions>,
    checks: Vec<Function>,
}

/// Reads a command, or a group when `group` is set, and holds it against Discord's limits.
pub fn read(lua: &Lua, table: &Table, group: bool) -> HostResult<Command> {
    let mut reader = Reader::default();
    let mut definition = reader.command(table, "", group)?;
    definition.place = caller(lua).map(|place| (place.file, place.line));
    if let Some(complaint) = validate(&definition).into_iter().next() {
        return Err(HostError::new("argument", complaint.to_string()).into());
    }
    Ok(Command {
        definition,
        runs: reader.runs,
        options: reader.options,
        checks: reader.checks,
    })
}

impl Reader {
    fn command(&mut self, table: &Table, path: &str, group: bool) -> HostResult<CommandDefinition> {
        let function = if group { "cog.group" } else { "cog.command" };
        let name = Fields::of(function, table).required_string("name")?;
        let fields = Fields::of(format!("{function} \"{name}\""), table);
        fields.only(if group {
            &GROUP_FIELDS
        } else {
            &COMMAND_FIELDS
        })?;
        let mut definition = CommandDefinition::new(name);
        definition.aliases = fields.strings("aliases")?;
        definition.description = fields.string("description")?;
        definition.cooldowns = read_cooldowns(&fields)?;
        definition.max_concurrent = read_concurrency(&fields)?;
        definition.contexts = read_contexts(&fields)?;
        definition.ephemeral = fields.boolean("ephemeral")?.unwrap_or(false);
        definition.hidden = fields.boolean("hidden")?.unwrap_or(false);
        definition.examples = fields.strings("examples")?;
        if group {
            definition.slash_name_of_run = fields.string("slash_name_of_run")?;
        } else {
            definition.prefix = fields.boolean("prefix")?.unwrap_or(true);
            definition.slash = fields.boolean("slash")?.unwrap_or(true);
        }
        for check in fields.list("checks")? {
            definition.checks.push(self.check(&fields, &check)?);
        }
        for option in fields.list("options")? {
            let Value::Table(option) = option else {
                return Err(fields.wrong("options", "a list of options", &option));
            };
            let (option, functions) = option::read(&option)?;
            self.options
                .insert((path.to_owned(), option.name.clone()), functions);
            definition.options.push(option);
        }
        match fields.function("run")? {
            Some(run) => {
                self.runs.insert(path.to_owned(), run);
            }
            None if group => definition.runs = false,
            None => return Err(fields.wrong("run", "a function", &Value::Nil)),
        }
        for child in fields.list("commands")? {
            let Value::Table(child) = child else {
                return Err(fields.wrong("commands", "a list of commands", &child));
            };
            let inner = Fields::of(&*fields.function, &child);
            let child_name = inner.required_string("name")?;
            let child_path = format!("{path} {child_name}").trim_start().to_owned();
            let is_group = !inner.value("commands")?.is_nil();
            definition
                .subcommands
                .push(self.command(&child, &child_path, is_group)?);
        }
        Ok(definition)
    }

    /// A check is a table that `cog.check` made, or a function of `ctx`.
    fn check(&mut self, fields: &Fields<'_>, value: &Value) -> HostResult<Check> {
        match value {
            Value::Function(function) => Ok(self.custom(function.clone())),
            Value::Table(table) => self.check_table(fields, table),
            other => Err(fields.wrong("checks", "a list of checks", other)),
        }
    }

    fn custom(&mut self, function: Function) -> Check {
        let index = u32::try_from(self.checks.len()).unwrap_or(u32::MAX);
        self.checks.push(function);
        Check::Custom(index)
    }

    fn check_table(&mut self, fields: &Fields<'_>, table: &Table) -> HostResult<Check> {
        let inner = Fields::of(format!("{}: checks", fields.function), table);
        let kind = inner.required_string(CHECK)?;
        Ok(match kind.as_str() {
            "owner" => Check::Owner,
            "nsfw" => Check::Nsfw,
            "guild_only" => Check::All(Vec::new()),
            "permissions" => Check::Permissions(read_permissions(&inner)?),
            "bot_permissions" => Check::BotPermissions(read_permissions(&inner)?),
            "role" => Check::Role(inner.required_string("value")?),
            "any" => Check::Any(self.checks_in(&inner)?),
            "all" => Check::All(self.checks_in(&inner)?),
            "custom" => {
                let function = inner.function("value")?;
                let function =
                    function.ok_or_else(|| inner.wrong("value", "a function", &Value::Nil))?;
                self.custom(function)
            }
            _ => {
                let message = format!("{}: there is no check \"{kind}\"", inner.function);
                return Err(HostError::new("argument", message).into());
            }
        })
    }

    fn checks_in(&mut self, fields: &Fields<'_>) -> HostResult<Vec<Check>> {
        let items = fields.list("value")?;
        items.iter().map(|item| self.check(fields, item)).collect()
    }
}

fn read_permissions(fields: &Fields<'_>) -> HostResult<u64> {
    let names = fields.strings("value")?;
    permissions::of(names.iter().map(String::as_str)).map_err(|unknown| {
        let nearest = permissions::nearest_permission(unknown);
        let hint = nearest.map_or_else(String::new, |it| format!("; did you mean \"{it}\"?"));
        let message = format!(
            "{}: there is no permission \"{unknown}\"{hint}",
            fields.function
        );
        HostError::new("argument", message).into()
    })
}

fn read_scope(fields: &Fields<'_>) -> HostResult<Scope> {
    let name = fields.string("scope")?.unwrap_or_else(|| "user".to_owned());
    Scope::of_name(&name).ok_or_else(|| {
        let message = format!(
            "{}: scope: expected \"user\", \"member\", \"channel\", \"guild\" or \"global\", got \"{name}\"",
            fields.function
        );
        HostError::new("argument", message).into()
    })
}

/// One `{ uses, per, scope }`, or a list of them.
fn read_cooldowns(fields: &Fields<'_>) -> HostResult<Vec<Cooldown>> {
    let Some(table) = fields.table("cooldown")? else {
        return Ok(Vec::new());
    };
    let tables = if table.raw_len() > 0 {
        fields.list("cooldown")?
    } else {
        vec![Value::Table(table)]
    };
    tables
        .iter()
        .map(|item| {
            let Value::Table(item) = item else {
                return Err(fields.wrong(
                    "cooldown",
                    "{ uses, per, scope } or a list of them",
                    item,
                ));
            };
            let inner = Fields::of(format!("{}: cooldown", fields.function), item);
            inner.only(&["uses", "per", "scope"])?;
            let per = inner
                .duration("per")?
                .ok_or_else(|| inner.wrong("per", "a duration", &Value::Nil))?;
            Ok(Cooldown {
                uses: inner.count("uses")?.unwrap_or(1).max(1),
                per,
                scope: read_scope(&inner)?,
            })
        })
        .collect()
}

fn read_concurrency(fields: &Fields<'_>) -> HostResult<Option<Concurrency>> {
    let Some(table) = fields.table("max_concurrent")? else {
        return Ok(None);
    };
    let inner = Fields::of(format!("{}: max_concurrent", fields.function), &table);
    inner.only(&["limit", "scope"])?;
    Ok(Some(Concurrency {
        limit: inner.count("limit")?.unwrap_or(1).max(1),
        scope: read_scope(&inner)?,
    }))
}

fn read_contexts(fields: &Fields<'_>) -> HostResult<Contexts> {
    let names = fields.strings("contexts")?;
    if names.is_empty() {
        return Ok(Contexts::default());
    }
    let mut contexts = Contexts {
        guild: false,
        bot_dm: false,
        private_channel: false,
    };
    for name in names {
        match name.as_str() {
            "guild" => contexts.guild = true,
            "bot_dm" => contexts.bot_dm = true,
            "private_channel" => contexts.private_channel = true,
            _ => {
                let expected = "\"guild\", \"bot_dm\" or \"private_channel\"";
                let got = format!("\"{name}\"");
                return Err(
                    HostError::argument(&fields.function, "contexts", expected, &got).into(),
                );
            }
        }
    }
    Ok(contexts)
}

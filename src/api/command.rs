//! Reads the table that an author gives to `cog.command`, `cog.group`, `cog.user_command` or `cog.message_command`.

use super::declarations::{CogChecks, Command, OptionFunctions, caller};
use super::fields::{Fields, TextBudget};
use super::option;
use crate::commands::checks::MAX_DEPTH;
use crate::commands::definition::{
    Check, CommandDefinition, CommandKind, Concurrency, Contexts, Cooldown, CooldownScope, Installs,
};
use crate::commands::validate::validate;
use crate::discord::permissions;
use crate::hash::HashMap;
use crate::vm::host::{HostError, HostResult, shown_name};
use mlua::{Function, Lua, Table, Value};

const COMMAND_FIELDS: [&str; 16] = [
    "name",
    "run",
    "description",
    "aliases",
    "options",
    "checks",
    "cooldown",
    "max_concurrent",
    "contexts",
    "installs",
    "ephemeral",
    "slash",
    "prefix",
    "hidden",
    "examples",
    "commands",
];

const GROUP_FIELDS: [&str; 14] = [
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
    "installs",
    "ephemeral",
    "hidden",
    "examples",
];

const MENU_FIELDS: [&str; 10] = [
    "name",
    "run",
    "description",
    "checks",
    "cooldown",
    "max_concurrent",
    "contexts",
    "installs",
    "ephemeral",
    "hidden",
];

/// What an author declares, by the function that it is given to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Declared {
    Command,
    Group,
    /// A command of a context menu.
    InMenu(CommandKind),
}

impl Declared {
    /// What it is given to.
    pub(super) fn function(self) -> &'static str {
        match self {
            Self::Command | Self::InMenu(CommandKind::Chat) => "cog.command",
            Self::Group => "cog.group",
            Self::InMenu(CommandKind::User) => "cog.user_command",
            Self::InMenu(CommandKind::Message) => "cog.message_command",
        }
    }
}

/// The key under which a check's table carries what it checks; see `checks_module`.
const CHECK: &str = "check";

/// How deep groups may be nested: as deep as Discord allows.
const DEEPEST_GROUP: usize = 2;
/// Commands in one group and the groups in it: Discord accepts at most 25 groups of 25.
const MOST_COMMANDS: usize = 651;
/// Checks of one command, also those inside `any` and `all`.
const MOST_CHECKS: usize = 200;
/// Roles of one check.
const MOST_ROLES: usize = 100;
/// Options of one command; Discord's limit.
const MOST_OPTIONS: usize = 25;
/// Further names of one command.
const MOST_ALIASES: usize = 25;
/// Examples of one command, all of which help shows.
const MOST_EXAMPLES: usize = 10;
/// Cooldowns of one command; each call is checked against all of them.
const MOST_COOLDOWNS: usize = 10;
/// Characters of a command's name; Discord's limit. The paths of options repeat it.
const LONGEST_NAME: usize = 32;

struct Reader<'a> {
    budget: &'a TextBudget,
    commands: usize,
    checks_read: usize,
    runs: HashMap<String, Function>,
    options: HashMap<(String, String), OptionFunctions>,
    checks: Vec<Function>,
}

/// Reads what is declared, and checks it against Discord's limits. Its texts are taken from `budget`.
pub(super) fn read(
    lua: &Lua,
    table: &Table,
    declared: Declared,
    budget: &TextBudget,
) -> HostResult<Command> {
    let mut reader = Reader::new(budget);
    let mut definition = match declared {
        Declared::InMenu(kind) => reader.in_menu(table, kind)?,
        _ => reader.command(table, "", declared == Declared::Group, 0)?,
    };
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

/// Reads the list of `cog.checks { … }`.
pub(super) fn read_checks(table: &Table, budget: &TextBudget) -> HostResult<CogChecks> {
    let fields = Fields::of("cog.checks", table);
    let mut reader = Reader::new(budget);
    let mut checks = Vec::new();
    for index in 1..=table.raw_len() {
        let check: Value = table.raw_get(index)?;
        checks.push(reader.check(&fields, &check, 0)?);
    }
    if checks.is_empty() {
        return Err(fields.wrong("", "a list of checks", &Value::Table(table.clone())));
    }
    Ok(CogChecks {
        checks,
        functions: reader.checks,
    })
}

/// Reads the list in the field `checks`.
pub(super) fn read_check_list(fields: &Fields<'_>, budget: &TextBudget) -> HostResult<CogChecks> {
    let mut reader = Reader::new(budget);
    let mut checks = Vec::new();
    for check in fields.list("checks")? {
        checks.push(reader.check(fields, &check, 0)?);
    }
    Ok(CogChecks {
        checks,
        functions: reader.checks,
    })
}

impl<'a> Reader<'a> {
    fn new(budget: &'a TextBudget) -> Self {
        Self {
            budget,
            commands: 0,
            checks_read: 0,
            runs: HashMap::default(),
            options: HashMap::default(),
            checks: Vec::new(),
        }
    }
}

impl Reader<'_> {
    fn command(
        &mut self,
        table: &Table,
        path: &str,
        group: bool,
        depth: usize,
    ) -> HostResult<CommandDefinition> {
        let function = if group { "cog.group" } else { "cog.command" };
        let name = Fields::of(function, table)
            .within(self.budget)
            .required_short("name", LONGEST_NAME)?;
        let function = format!("{function} \"{}\"", shown_name(&name));
        let fields = Fields::of(function, table).within(self.budget);
        self.commands += 1;
        if depth > DEEPEST_GROUP || self.commands > MOST_COMMANDS {
            let message = format!(
                "{}: a group may contain groups of commands, but nothing deeper, and {MOST_COMMANDS} commands in all",
                fields.function
            );
            return Err(HostError::new("argument", message).into());
        }
        fields.only(if group {
            &GROUP_FIELDS
        } else {
            &COMMAND_FIELDS
        })?;
        let mut definition = CommandDefinition::new(name);
        self.common(&mut definition, &fields, depth)?;
        definition.aliases = fields.strings_of("aliases", MOST_ALIASES)?;
        definition.examples = fields.strings_of("examples", MOST_EXAMPLES)?;
        if group {
            definition.slash_name_of_run = fields.string("slash_name_of_run")?;
        } else {
            definition.prefix = fields.boolean("prefix")?.unwrap_or(true);
            definition.slash = fields.boolean("slash")?.unwrap_or(true);
        }
        for option in fields.list_of("options", MOST_OPTIONS)? {
            let Value::Table(option) = option else {
                return Err(fields.wrong("options", "a list of options", &option));
            };
            let (option, functions) = option::read(&option, self.budget)?;
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
            let child_name = inner.required_short("name", LONGEST_NAME)?;
            let child_path = format!("{path} {child_name}").trim_start().to_owned();
            let is_group = !inner.value("commands")?.is_nil();
            definition
                .subcommands
                .push(self.command(&child, &child_path, is_group, depth + 1)?);
        }
        Ok(definition)
    }

    /// A command of a context menu.
    fn in_menu(&mut self, table: &Table, kind: CommandKind) -> HostResult<CommandDefinition> {
        let function = Declared::InMenu(kind).function();
        let name = Fields::of(function, table)
            .within(self.budget)
            .required_short("name", LONGEST_NAME)?;
        let function = format!("{function} \"{}\"", shown_name(&name));
        let fields = Fields::of(function, table).within(self.budget);
        fields.only(&MENU_FIELDS)?;
        let mut definition = CommandDefinition::in_menu(kind, name);
        self.common(&mut definition, &fields, 0)?;
        let run = fields.function("run")?;
        let run = run.ok_or_else(|| fields.wrong("run", "a function", &Value::Nil))?;
        self.runs.insert(String::new(), run);
        Ok(definition)
    }

    /// What commands of all kinds have.
    fn common(
        &mut self,
        definition: &mut CommandDefinition,
        fields: &Fields<'_>,
        depth: usize,
    ) -> HostResult<()> {
        definition.description = fields.string("description")?;
        definition.cooldowns = read_cooldowns(fields)?;
        definition.max_concurrent = read_concurrency(fields)?;
        definition.contexts = read_contexts(fields)?;
        definition.installs = read_installs(fields, depth)?;
        definition.ephemeral = fields.boolean("ephemeral")?.unwrap_or(false);
        definition.hidden = fields.boolean("hidden")?.unwrap_or(false);
        for check in fields.list("checks")? {
            definition.checks.push(self.check(fields, &check, 0)?);
        }
        Ok(())
    }

    /// A check is a table that `cog.check` made, or a function of `ctx`.
    fn check(&mut self, fields: &Fields<'_>, value: &Value, depth: usize) -> HostResult<Check> {
        self.checks_read += 1;
        if depth > MAX_DEPTH || self.checks_read > MOST_CHECKS {
            let message = format!(
                "{}: checks: at most {MOST_CHECKS}, nested at most {MAX_DEPTH} deep",
                fields.function
            );
            return Err(HostError::new("argument", message).into());
        }
        match value {
            Value::Function(function) => Ok(self.custom(function.clone())),
            Value::Table(table) => self.check_table(fields, table, depth),
            other => Err(fields.wrong("checks", "a list of checks", other)),
        }
    }

    fn custom(&mut self, function: Function) -> Check {
        let index = u32::try_from(self.checks.len()).unwrap_or(u32::MAX);
        self.checks.push(function);
        Check::Custom(index)
    }

    fn check_table(
        &mut self,
        fields: &Fields<'_>,
        table: &Table,
        depth: usize,
    ) -> HostResult<Check> {
        let inner = Fields::of(fields.function.clone(), table).within(self.budget);
        let kind = inner.required_string(CHECK)?;
        Ok(match kind.as_str() {
            "owner" => Check::Owner,
            "nsfw" => Check::Nsfw,
            "permissions" => Check::Permissions(read_permissions(&inner)?),
            "bot_permissions" => Check::BotPermissions(read_permissions(&inner)?),
            "role" => read_roles(&inner)?,
            "any" => Check::Any(self.checks_in(&inner, depth)?),
            "all" => Check::All(self.checks_in(&inner, depth)?),
            "custom" => {
                let function = inner.function("value")?;
                let function =
                    function.ok_or_else(|| inner.wrong("value", "a function", &Value::Nil))?;
                self.custom(function)
            }
            _ => {
                let kind = shown_name(&kind);
                let message = format!("{}: there is no check \"{kind}\"", inner.function);
                return Err(HostError::new("argument", message).into());
            }
        })
    }

    fn checks_in(&mut self, fields: &Fields<'_>, depth: usize) -> HostResult<Vec<Check>> {
        let items = fields.list("value")?;
        items
            .iter()
            .map(|item| self.check(fields, item, depth + 1))
            .collect()
    }
}

/// One of the roles, by id or name.
fn read_roles(fields: &Fields<'_>) -> HostResult<Check> {
    let mut roles = fields.strings_of("value", MOST_ROLES)?;
    match (roles.len(), roles.pop()) {
        (1, Some(role)) => Ok(role_check(&role)),
        (_, None) => Err(fields.wrong("checks", "a role's name or id", &Value::Nil)),
        (_, last) => Ok(Check::Any(
            roles
                .iter()
                .chain(&last)
                .map(|role| role_check(role.as_str()))
                .collect(),
        )),
    }
}

fn role_check(role: &str) -> Check {
    Check::Role(role.into())
}

fn read_permissions(fields: &Fields<'_>) -> HostResult<u64> {
    let names = fields.strings("value")?;
    permissions::of(names.iter().map(String::as_str)).map_err(|unknown| {
        let nearest = permissions::nearest_permission(unknown);
        let hint = crate::nearest::hint(nearest);
        let (function, unknown) = (&fields.function, shown_name(unknown));
        let message = format!("{function}: there is no permission \"{unknown}\"{hint}");
        HostError::new("argument", message).into()
    })
}

fn read_scope(fields: &Fields<'_>) -> HostResult<CooldownScope> {
    let name = fields.string("scope")?.unwrap_or_else(|| "user".to_owned());
    CooldownScope::of_name(&name).ok_or_else(|| {
        let message = format!(
            "{}: scope: expected \"user\", \"member\", \"channel\", \"guild\" or \"global\", got \"{}\"",
            fields.function,
            shown_name(&name)
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
        fields.list_of("cooldown", MOST_COOLDOWNS)?
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
                let got = format!("\"{}\"", shown_name(&name));
                return Err(
                    HostError::argument(&fields.function, "contexts", expected, &got).into(),
                );
            }
        }
    }
    Ok(contexts)
}

/// `installs`, which Discord knows of a whole command alone.
fn read_installs(fields: &Fields<'_>, depth: usize) -> HostResult<Installs> {
    let names = fields.strings("installs")?;
    if names.is_empty() {
        return Ok(Installs::default());
    }
    if depth > 0 {
        let message = format!(
            "{}: installs: is for the command or group at the root, not for what is in it",
            fields.function
        );
        return Err(HostError::new("argument", message).into());
    }
    let mut installs = Installs {
        guild: false,
        user: false,
    };
    for name in names {
        match name.as_str() {
            "guild" => installs.guild = true,
            "user" => installs.user = true,
            _ => {
                let got = format!("\"{}\"", shown_name(&name));
                let expected = "\"guild\" or \"user\"";
                return Err(
                    HostError::argument(&fields.function, "installs", expected, &got).into(),
                );
            }
        }
    }
    Ok(installs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::types::fields_of;
    use std::collections::BTreeSet;

    fn sorted(fields: impl IntoIterator<Item = &'static str>) -> Vec<&'static str> {
        let sorted: BTreeSet<_> = fields.into_iter().collect();
        sorted.into_iter().collect()
    }

    #[test]
    fn the_types_have_the_fields_of_what_is_declared() {
        let in_type = |name: &str| fields_of("cog.luau", name);
        let alone = COMMAND_FIELDS.into_iter().filter(|it| *it != "commands");
        assert_eq!(in_type("Command"), sorted(alone));
        assert_eq!(in_type("Group"), sorted(GROUP_FIELDS));
        let either = COMMAND_FIELDS.into_iter().chain(GROUP_FIELDS);
        assert_eq!(in_type("Subcommand"), sorted(either));
        assert_eq!(in_type("UserCommand"), sorted(MENU_FIELDS));
        assert_eq!(in_type("MessageCommand"), sorted(MENU_FIELDS));
    }
}

//! `@cogsmith/cog`: what a cog declares about itself.
//!
//! `info, option, command, group, user_command, message_command, component, modal, id, checks, before, after, on, wait,
//! every, cron, job, texts, on_load, on_ready, on_unload, on_error, on_denied, on_unknown_command, check, fail, presence,
//! has_command, suggest_command, bot, name, api`

use super::command::{self, Declared};
use super::component;
use super::context::CogContext;
use super::declarations::{
    EVERY_EVENT, Hook, Info, Listener, MOST_DECLARED, MOST_HOOKS, Schedule, Staged, Timer, caller,
    room_for, room_for_shared,
};
use super::fields::{Fields, TextBudget};
use super::jobs;
use super::object;
use super::option;
use super::presence;
use super::texts;
use super::time::named_zone;
use super::wait;
use crate::commands::definition::CommandKind;
use crate::commands::help::nearest_command;
use crate::cron::Cron;
use crate::discord::events::{self, intents};
use crate::discord::operations::operations;
use crate::vm::host::{Arguments, Host, HostChunk, HostError, HostResult, one, shown_name};
use jiff::tz::TimeZone;
use mlua::{Function, Lua, Table, Value};
use std::sync::Arc;
use std::time::Duration;

static CHUNK: HostChunk = HostChunk::new("cog", include_str!("cog.luau"));

/// The shortest interval of `cog.every`.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);

/// Bytes of an expression of `cog.cron` that are looked at.
const LONGEST_EXPRESSION: usize = 1_000;

/// Characters of a name that is looked up.
const LONGEST_NAME: usize = 200;

const HOOKS: [(&str, &str, Hook); 8] = [
    ("on_load", "cog.on_load", Hook::Load),
    ("on_ready", "cog.on_ready", Hook::Ready),
    ("on_unload", "cog.on_unload", Hook::Unload),
    ("on_error", "cog.on_error", Hook::Error),
    ("on_denied", "cog.on_denied", Hook::Denied),
    (
        "on_unknown_command",
        "cog.on_unknown_command",
        Hook::Unknown,
    ),
    ("before", "cog.before", Hook::Before),
    ("after", "cog.after", Hook::After),
];

/// Makes the module.
pub(super) fn module(lua: &Lua, host: &Host, cog: &Arc<CogContext>) -> mlua::Result<Value> {
    let raw = lua.create_table()?;
    raw.raw_set("name", cog.name.as_ref())?;
    raw.raw_set("option", option::module(lua, host)?)?;
    let of = |name: &'static str, run: fn(&Lua, &CogContext, &Arguments) -> HostResult<Value>| {
        let cog = Arc::clone(cog);
        host.function(lua, name, move |lua, arguments| run(lua, &cog, arguments))
    };
    raw.raw_set("info", of("cog.info", info)?)?;
    raw.raw_set("command", of("cog.command", declare_command)?)?;
    raw.raw_set("group", of("cog.group", declare_group)?)?;
    raw.raw_set(
        "user_command",
        of("cog.user_command", declare_user_command)?,
    )?;
    raw.raw_set(
        "message_command",
        of("cog.message_command", declare_message_command)?,
    )?;
    raw.raw_set("checks", of("cog.checks", declare_checks)?)?;
    raw.raw_set("component", of("cog.component", component::component)?)?;
    raw.raw_set("modal", of("cog.modal", component::modal)?)?;
    raw.raw_set("id", of("cog.id", component::id)?)?;
    raw.raw_set("event", of("cog.on", heard_event)?)?;
    raw.raw_set("awaited", of("cog.wait", awaited_event)?)?;
    wait::install(lua, host, cog, &raw)?;
    raw.raw_set("listen", of("cog.on", listen)?)?;
    raw.raw_set("every", of("cog.every", every)?)?;
    raw.raw_set("cron", of("cog.cron", cron)?)?;
    raw.raw_set("texts", of("cog.texts", texts::declare)?)?;
    let (owner, maker) = (Arc::clone(cog), host.clone());
    let job = host.function(lua, "cog.job", move |lua, arguments| {
        jobs::declare(lua, &maker, &owner, arguments)
    })?;
    raw.raw_set("job", job)?;
    raw.raw_set("presence", of("cog.presence", presence::set)?)?;
    raw.raw_set("fail", of("cog.fail", fail)?)?;
    raw.raw_set("bot", of("cog.bot", bot)?)?;
    raw.raw_set("has_command", of("cog.has_command", has_command)?)?;
    raw.raw_set(
        "suggest_command",
        of("cog.suggest_command", suggest_command)?,
    )?;
    let check = host.function(lua, "cog.check.custom", |_, arguments| {
        arguments.callback(0, "the function")
    })?;
    raw.raw_set("check", check)?;
    for (key, name, hook) in HOOKS {
        let cog = Arc::clone(cog);
        let declare = host.function(lua, name, move |lua, arguments| {
            let function = arguments.callback(0, "the handler")?;
            let declared = cog.declaring.declared(|staged| staged.hooks(hook).count());
            cog.declaring.declare(lua, name, |declarations| {
                room_for(name, declared, MOST_HOOKS)?;
                declarations.hooks.push((hook, function));
                Ok(())
            })
        })?;
        raw.raw_set(key, declare)?;
    }
    let module: Table = CHUNK.load(lua, raw)?;
    // Luau refuses to freeze a table whose metatable is locked; Rust does not.
    for name in ["on", "wait"] {
        module.raw_get::<Table>(name)?.set_readonly(true);
    }
    Ok(Value::Table(module))
}

fn info(lua: &Lua, cog: &CogContext, arguments: &Arguments) -> HostResult<Value> {
    let table = arguments.table(0, "")?;
    let budget = TextBudget::default();
    let fields = Fields::of("cog.info", &table).within(&budget);
    fields.only(&["title", "description", "capabilities", "intents", "api"])?;
    if let Some(api) = fields.count("api")?
        && api != 1
    {
        let message =
            format!("cog.info: api: this cog asks for contract {api}, and this bot has contract 1");
        return Err(HostError::new("argument", message).into());
    }
    let names = fields.strings("intents")?;
    let intents = intents::of(names.iter().map(String::as_str)).map_err(|unknown| {
        let nearest = intents::nearest_intent(unknown);
        let hint = crate::nearest::hint(nearest);
        let unknown = shown_name(unknown);
        let message = format!("cog.info: intents: there is no intent \"{unknown}\"{hint}");
        HostError::new("argument", message)
    })?;
    let capabilities = fields.strings("capabilities")?;
    for name in &capabilities {
        known_capability(name)?;
    }
    room_for_shared(capabilities.iter().map(String::as_str))?;
    let info = Info {
        description: fields.string("description")?,
        intents,
        capabilities: capabilities.into_iter().collect(),
    };
    let texts = cog.declaring.declared(Staged::texts);
    cog.declaring.declare(lua, "cog.info", |declarations| {
        if declarations.info.is_some() {
            let message = "cog.info: this file has already called it; put everything into one call";
            return Err(HostError::new("argument", message).into());
        }
        declarations.count_texts("cog.info", texts, budget.used())?;
        declarations.info = Some(info);
        Ok(Value::Nil)
    })
}

/// Capabilities that no operation of Discord's has.
const OTHER_CAPABILITIES: [&str; 5] = [
    "commands.run",
    "dm.send",
    "http",
    "mentions.everyone",
    "presence",
];

/// Raises an error for a capability that does not exist: it is a typing mistake.
fn known_capability(name: &str) -> HostResult<()> {
    let known = || {
        operations()
            .map(|it| it.capability)
            .chain(OTHER_CAPABILITIES)
    };
    if name.starts_with("shared:") || known().any(|it| it == name && it != "host") {
        return Ok(());
    }
    let nearest = crate::nearest::nearest(name, known().filter(|it| *it != "host"));
    let hint = crate::nearest::hint(nearest);
    let name = shown_name(name);
    let message = format!("cog.info: capabilities: there is no capability \"{name}\"{hint}");
    Err(HostError::new("argument", message).into())
}

fn declare_command(lua: &Lua, cog: &CogContext, arguments: &Arguments) -> HostResult<Value> {
    add_command(lua, cog, arguments, Declared::Command)
}

fn declare_group(lua: &Lua, cog: &CogContext, arguments: &Arguments) -> HostResult<Value> {
    add_command(lua, cog, arguments, Declared::Group)
}

fn declare_user_command(lua: &Lua, cog: &CogContext, arguments: &Arguments) -> HostResult<Value> {
    add_command(lua, cog, arguments, Declared::InMenu(CommandKind::User))
}

fn declare_message_command(
    lua: &Lua,
    cog: &CogContext,
    arguments: &Arguments,
) -> HostResult<Value> {
    add_command(lua, cog, arguments, Declared::InMenu(CommandKind::Message))
}

/// Checks for every command of the cog.
fn declare_checks(lua: &Lua, cog: &CogContext, arguments: &Arguments) -> HostResult<Value> {
    let table = arguments.table(0, "")?;
    let (declared, texts) = cog
        .declaring
        .declared(|staged| (staged.checks().count(), staged.texts()));
    let budget = TextBudget::default();
    cog.declaring.declare(lua, "cog.checks", |declarations| {
        room_for("cog.checks", declared, MOST_HOOKS)?;
        let checks = command::read_checks(&table, &budget)?;
        declarations.count_texts("cog.checks", texts, budget.used())?;
        declarations.checks.push(Arc::new(checks));
        Ok(Value::Nil)
    })
}

fn add_command(
    lua: &Lua,
    cog: &CogContext,
    arguments: &Arguments,
    kind: Declared,
) -> HostResult<Value> {
    let function = kind.function();
    let table = &arguments.table(0, "")?;
    let (declared, texts) = cog
        .declaring
        .declared(|staged| (staged.commands().count(), staged.texts()));
    let budget = TextBudget::default();
    cog.declaring.declare(lua, function, |declarations| {
        room_for(function, declared, MOST_DECLARED)?;
        let command = command::read(lua, table, kind, &budget)?;
        declarations.count_texts(function, texts, budget.used())?;
        declarations.commands.push(Arc::new(command));
        Ok(Value::Nil)
    })
}

/// How authors call what [`EVERY_EVENT`] stands for.
const RAW: &str = "raw";

/// Checks the name of an event that is listened to.
fn heard_event(lua: &Lua, _cog: &CogContext, arguments: &Arguments) -> HostResult<Value> {
    let name = arguments.short_string(0, "the event", LONGEST_NAME)?;
    if name == RAW {
        return one(lua, EVERY_EVENT);
    }
    one(lua, known_event(arguments.function(), &name, &[RAW])?)
}

/// Checks the name of an event that is waited for.
fn awaited_event(lua: &Lua, _cog: &CogContext, arguments: &Arguments) -> HostResult<Value> {
    let name = arguments.short_string(0, "the event", LONGEST_NAME)?;
    one(lua, known_event(arguments.function(), &name, &[])?)
}

/// The event of this name. For another name the error tells which one is like it, among `others` too.
fn known_event(function: &str, name: &str, others: &[&'static str]) -> HostResult<&'static str> {
    events::event(name).map(|event| event.name).ok_or_else(|| {
        let names = events::events().map(|event| event.name);
        let nearest = crate::nearest::nearest(name, names.chain(others.iter().copied()));
        let hint = crate::nearest::hint(nearest);
        let name = shown_name(name);
        HostError::new(
            "argument",
            format!("{function}: there is no event \"{name}\"{hint}"),
        )
        .into()
    })
}

/// `(event, handler)`: the event as `heard_event` has checked it.
fn listen(lua: &Lua, cog: &CogContext, arguments: &Arguments) -> HostResult<Value> {
    let event = arguments.short_string(0, "the event", LONGEST_NAME)?;
    let event = match event.as_str() {
        EVERY_EVENT => EVERY_EVENT,
        name => known_event("cog.on", name, &[RAW])?,
    };
    let handler = arguments.callback(1, "the handler")?;
    let declared = cog.declaring.declared(|staged| staged.listeners().count());
    let name = handler.info().name.filter(|name| !name.is_empty());
    let name = name.map(Arc::from);
    cog.declaring.declare(lua, "cog.on", |declarations| {
        room_for("cog.on", declared, MOST_DECLARED)?;
        declarations.listeners.push(Listener {
            event,
            handler,
            name,
        });
        Ok(Value::Nil)
    })
}

fn every(lua: &Lua, cog: &CogContext, arguments: &Arguments) -> HostResult<Value> {
    let interval = arguments.duration(0, "the interval")?;
    if interval < SHORTEST_INTERVAL {
        let message = "cog.every: the interval: expected at least 100 ms";
        return Err(HostError::new("argument", message).into());
    }
    let handler = arguments.callback(1, "the function")?;
    let budget = TextBudget::default();
    let (mut name, mut immediately) = (None, false);
    if let Some(how) = arguments.optional_table(2, "how")? {
        let fields = Fields::of("cog.every", &how).within(&budget);
        fields.only(&["name", "immediately"])?;
        name = fields.string("name")?;
        immediately = fields.boolean("immediately")?.unwrap_or(false);
    }
    let schedule = Schedule::Every {
        interval,
        immediately,
    };
    declare_timer(lua, cog, "cog.every", (name, schedule, handler), &budget)
}

fn cron(lua: &Lua, cog: &CogContext, arguments: &Arguments) -> HostResult<Value> {
    let expression = arguments.short_string(0, "the expression", LONGEST_EXPRESSION)?;
    let handler = arguments.callback(1, "the function")?;
    let budget = TextBudget::default();
    let (mut name, mut zone) = (None, TimeZone::UTC);
    if let Some(how) = arguments.optional_table(2, "how")? {
        let fields = Fields::of("cog.cron", &how).within(&budget);
        fields.only(&["name", "timezone"])?;
        name = fields.string("name")?;
        if let Some(name) = fields.string("timezone")? {
            zone = named_zone("cog.cron", &name)?;
        }
    }
    let wrong = |why: &str| {
        let message = format!("cog.cron: the expression: {why}");
        HostError::new("argument", message)
    };
    let cron = Cron::parse(&expression, zone).map_err(|why| wrong(&why))?;
    if cron.next(cog.services.clock.now()).is_none() {
        let why = "it is never due: no month that it names has that day";
        return Err(wrong(why).into());
    }
    let schedule = Schedule::Cron(Arc::new(cron));
    declare_timer(lua, cog, "cog.cron", (name, schedule, handler), &budget)
}

fn declare_timer(
    lua: &Lua,
    cog: &CogContext,
    function: &str,
    (name, schedule, handler): (Option<String>, Schedule, Function),
    budget: &TextBudget,
) -> HostResult<Value> {
    let place = caller(lua);
    let is_taken = |name: &String| {
        cog.declaring
            .declared(|staged| staged.timers().any(|timer| timer.name == *name))
    };
    if let Some(name) = name.as_ref().filter(|name| is_taken(name)) {
        let name = shown_name(name);
        let message = format!("{function}: name: there is already a timer \"{name}\"");
        return Err(HostError::new("argument", message).into());
    }
    cog.declaring.room_for_timer(function)?;
    let texts = cog.declaring.declared(Staged::texts);
    cog.declaring.declare(lua, function, |declarations| {
        let file = place.map(|place| place.file).unwrap_or_default();
        let count = declarations.timers.len() + 1;
        let name = name.unwrap_or_else(|| format!("{file}#{count}"));
        declarations.count_texts(function, texts, budget.used())?;
        declarations.timers.push(Timer {
            name,
            schedule,
            handler,
        });
        Ok(Value::Nil)
    })
}

/// Ends the handler and tells the user.
fn fail(_lua: &Lua, _cog: &CogContext, arguments: &Arguments) -> HostResult<Value> {
    let text = arguments.string(0, "the text")?;
    if text.trim().is_empty() {
        // Discord accepts no message without text.
        return Err(arguments.wrong("the text", "a sentence", &arguments.value(0)));
    }
    Err(HostError::new("fail", text).into())
}

fn bot(lua: &Lua, cog: &CogContext, _arguments: &Arguments) -> HostResult<Value> {
    let user = cog.services.identity.load().user.clone();
    let charge = cog.charges.of_json(lua, &user)?;
    Ok(object::to_lua(
        lua,
        user.view(),
        Some("UserResponse"),
        &charge,
    )?)
}

fn has_command(lua: &Lua, cog: &CogContext, arguments: &Arguments) -> HostResult<Value> {
    let name = arguments.short_string(0, "the name", LONGEST_NAME)?;
    let known = cog.services.command_names.load();
    one(lua, known.contains(&name.to_lowercase()))
}

/// The command that somebody has probably meant.
fn suggest_command(lua: &Lua, cog: &CogContext, arguments: &Arguments) -> HostResult<Value> {
    let name = arguments.short_string(0, "the name", LONGEST_NAME)?;
    let known = cog.services.shown_names.load();
    one(
        lua,
        nearest_command(&name, known.iter().map(String::as_str)),
    )
}

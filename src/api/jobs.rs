//! `cog.job(name, function)`: what a cog does with its jobs. `cogs::jobs` runs them.

use super::context::CogContext;
use super::declarations::{JobFunction, room_for};
use super::fields::Fields;
use super::job_store::{Job, JobStore};
use super::limits::{Limit, at_most};
use super::phase::{active, may_act};
use super::state::{payload_to_lua, payload_to_stored};
use crate::state::{KeyRef, StateError, Value as Stored};
use crate::vm::host::{Arguments, Host, HostError, HostResult, in_time, one, shown_name};
use mlua::{Lua, Table, Value};
use std::sync::Arc;
use std::time::Duration;

/// Jobs that a cog may declare in all of its files.
const MOST_NAMES: usize = 100;
/// Characters of a job's name.
const LONGEST_NAME: usize = 64;
/// Bytes of a key.
const LONGEST_KEY: usize = 100;
/// The first second of the year 10000: what comes later is no time in seconds.
const END_OF_TIME: f64 = 253_402_300_800.0;

/// Declares a job and returns the table with which it is scheduled.
pub(super) fn declare(
    lua: &Lua,
    host: &Host,
    cog: &Arc<CogContext>,
    arguments: &Arguments,
) -> HostResult<Value> {
    let given = arguments.short_string(0, "the name", LONGEST_NAME)?;
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if given.is_empty() || !given.chars().all(valid) {
        let expected = "1 to 64 letters, digits, _, - or .";
        return Err(arguments.wrong("the name", expected, &arguments.value(0)));
    }
    let handler = arguments.callback(1, "the function")?;
    let (declared, is_taken) = cog.declaring.declared(|staged| {
        let is_taken = staged.jobs().any(|job| *job.name == *given);
        (staged.jobs().count(), is_taken)
    });
    if is_taken {
        let message = format!("cog.job: there is already a job \"{given}\"");
        return Err(HostError::new("argument", message).into());
    }
    let name: Arc<str> = given.into();
    cog.declaring.declare(lua, "cog.job", |declarations| {
        room_for("cog.job", declared, MOST_NAMES)?;
        declarations.jobs.push(JobFunction {
            name: Arc::clone(&name),
            handler,
        });
        Ok(())
    })?;
    Ok(Value::Table(methods(lua, host, cog, &name)?))
}

type Method = fn(&Lua, &Arc<CogContext>, &str, &Arguments) -> HostResult<Value>;

const METHODS: [(&str, &str, Method); 4] = [
    ("at", "job:at", at),
    ("after", "job:after", after),
    ("list", "job:list", list),
    ("cancel", "job:cancel", cancel),
];

fn methods(lua: &Lua, host: &Host, cog: &Arc<CogContext>, name: &Arc<str>) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    for (key, function, run) in METHODS {
        let (cog, name) = (Arc::clone(cog), Arc::clone(name));
        let method = host.function(lua, function, move |lua, arguments| {
            if !arguments.value(0).is_table() {
                let message = format!("{function}: call it with a colon: {function}(…)");
                return Err(HostError::new("argument", message).into());
            }
            run(lua, &cog, &name, arguments)
        })?;
        table.raw_set(key, method)?;
    }
    table.set_readonly(true);
    Ok(table)
}

fn store_of(lua: &Lua, cog: &CogContext) -> HostResult<JobStore> {
    Ok(cog.state.of(active(lua)?.as_ref()).jobs)
}

/// `job:at(unix, payload, { key? })`
fn at(lua: &Lua, cog: &Arc<CogContext>, name: &str, arguments: &Arguments) -> HostResult<Value> {
    let due = arguments.number(1, "the time")?;
    if due >= END_OF_TIME {
        let expected = "Unix seconds before the year 10000 (not milliseconds)";
        return Err(arguments.wrong("the time", expected, &arguments.value(1)));
    }
    let due = Duration::try_from_secs_f64(due.max(0.0)).unwrap_or_default();
    schedule(lua, cog, name, due, arguments)
}

/// `job:after(duration, payload, { key? })`
fn after(lua: &Lua, cog: &Arc<CogContext>, name: &str, arguments: &Arguments) -> HostResult<Value> {
    let delay = arguments.duration(1, "the delay")?;
    let due = cog.services.clock.now().saturating_add(delay);
    schedule(lua, cog, name, due, arguments)
}

fn schedule(
    lua: &Lua,
    cog: &Arc<CogContext>,
    name: &str,
    due: Duration,
    arguments: &Arguments,
) -> HostResult<Value> {
    let function = arguments.function();
    may_act(lua, function)?;
    let payload = payload_to_stored(lua, cog, function, &arguments.value(2))?;
    let mut key = None;
    if let Some(how) = arguments.optional_table(3, "how")? {
        let fields = Fields::of(function, &how);
        fields.only(&["key"])?;
        key = match fields.value("key")? {
            Value::Nil => None,
            Value::String(key) if (1..=LONGEST_KEY).contains(&key.as_bytes().len()) => {
                Some(key.as_bytes().to_vec())
            }
            other => {
                let expected = format!("a string of 1 to {LONGEST_KEY} bytes");
                return Err(fields.wrong("key", &expected, &other));
            }
        };
    }
    let store = store_of(lua, cog)?;
    let limit = cog.services.config.load().limits.jobs;
    if store.count() >= at_most(limit) {
        let message = format!(
            "{function}: a cog may have {limit} jobs that are to run or are given up (limits.jobs)"
        );
        return Err(cog.limits.at_limit(Limit::Jobs, message).into());
    }
    let id = store
        .add(name, due, key.as_deref(), payload)
        .map_err(|error| refused(cog, function, &error))?;
    cog.jobs_changed.notify_one();
    one(lua, id)
}

fn refused(cog: &CogContext, function: &str, error: &StateError) -> HostError {
    let message = match error {
        StateError::ValueSize { limit, got, .. } => {
            cog.limits
                .meet(Limit::StateValue, || Some(error.to_string()));
            format!(
                "{function}: the payload has {got} bytes, more than the limit of {limit} (limits.state_value_kb)"
            )
        }
        StateError::NamespaceSize {
            what, limit, got, ..
        } => {
            cog.limits.meet(Limit::State, || Some(error.to_string()));
            format!(
                "{function}: with this job {what} would have {got} bytes, more than the limit of {limit} (limits.state_mb)"
            )
        }
        StateError::Changes { limit, .. } => {
            format!("{function}: more than {limit} changes in one transaction")
        }
        other => format!("{function}: the payload cannot be stored: {other}"),
    };
    HostError::new("state", message)
}

/// `job:cancel(id_or_key)`: whether there was such a job.
fn cancel(
    lua: &Lua,
    cog: &Arc<CogContext>,
    name: &str,
    arguments: &Arguments,
) -> HostResult<Value> {
    may_act(lua, arguments.function())?;
    let Value::String(which) = arguments.value(1) else {
        return Err(arguments.wrong("the id or key", "a string", &arguments.value(1)));
    };
    let bytes = which.as_bytes();
    if bytes.len() > LONGEST_KEY {
        return one(lua, false);
    }
    let store = store_of(lua, cog)?;
    let was_there = store
        .cancel(name, &bytes)
        .map_err(|error| refused(cog, arguments.function(), &error))?;
    cog.jobs_changed.notify_one();
    one(lua, was_there)
}

/// `job:list(where?)`: the jobs whose payload has these fields.
fn list(lua: &Lua, cog: &Arc<CogContext>, name: &str, arguments: &Arguments) -> HostResult<Value> {
    let wanted = match arguments.optional_table(1, "where")? {
        Some(table) => read_wanted(arguments, &table)?,
        None => Vec::new(),
    };
    let found = store_of(lua, cog)?.list(name);
    let entries = lua.create_table()?;
    let mut place = 0;
    for (job, why) in &found {
        in_time(lua)?;
        if !has(job, &wanted) {
            continue;
        }
        let entry = entry_of(lua, job)?;
        if let Some(payload) = &job.payload {
            entry.raw_set("payload", payload_to_lua(lua, payload)?)?;
        }
        if let Some(why) = why {
            entry.raw_set("given_up", lua.create_string(&**why)?)?;
        }
        place += 1;
        entries.raw_set(place, entry)?;
    }
    Ok(Value::Table(entries))
}

/// Names and values of a payload.
type Wanted = Vec<(mlua::LuaString, Value)>;

fn read_wanted(arguments: &Arguments, table: &Table) -> HostResult<Wanted> {
    let mut wanted = Vec::new();
    for pair in table.pairs::<Value, Value>() {
        match pair? {
            (Value::String(name), value)
                if matches!(
                    value,
                    Value::Boolean(_) | Value::String(_) | Value::Integer(_) | Value::Number(_)
                ) =>
            {
                wanted.push((name, value));
            }
            (Value::String(name), value) => {
                let what = format!("where.{}", shown_name(&name.to_string_lossy()));
                let expected = "a string, a number or a boolean";
                return Err(arguments.wrong(&what, expected, &value));
            }
            (key, _) => {
                let expected = "fields of the payload by name";
                return Err(arguments.wrong("where", expected, &key));
            }
        }
    }
    Ok(wanted)
}

fn has(job: &Job, wanted: &Wanted) -> bool {
    wanted.iter().all(|(name, value)| {
        let Some(Stored::Table(payload)) = &job.payload else {
            return false;
        };
        match (payload.get(KeyRef::Str(&name.as_bytes())), value) {
            (Some(Stored::Bool(stored)), Value::Boolean(value)) => stored == value,
            (Some(Stored::String(stored)), Value::String(value)) => **stored == *value.as_bytes(),
            #[allow(clippy::float_cmp, reason = "the same number is meant")]
            (Some(Stored::Number(stored)), value) => {
                crate::vm::host::number(value).is_some_and(|number| number == *stored)
            }
            _ => false,
        }
    })
}

/// `{ id, key?, due, attempt }`
fn entry_of(lua: &Lua, job: &Job) -> mlua::Result<Table> {
    let entry = lua.create_table()?;
    entry.raw_set("id", job.id.as_str())?;
    if let Some(key) = &job.key {
        entry.raw_set("key", lua.create_string(&**key)?)?;
    }
    entry.raw_set("due", job.due)?;
    entry.raw_set("attempt", job.attempt)?;
    Ok(entry)
}

/// What a job's function is called with: the payload and the job.
pub fn arguments_of(lua: &Lua, job: &Job) -> mlua::Result<(Value, Table)> {
    let payload = match &job.payload {
        Some(payload) => payload_to_lua(lua, payload)?,
        None => Value::Nil,
    };
    let entry = entry_of(lua, job)?;
    entry.set_readonly(true);
    Ok((payload, entry))
}

//! `state.migrate(version, steps)`: what was stored for an older version of a cog is brought to this one, entry by entry.
//!
//! ```text
//! declare (while the file loads: tries the steps, changes nothing)
//! ─▶ after the commit: slice after slice in the background, and each entry that code looks at before its turn
//! ```
//!
//! An entry and its version are written together (`state::outdated`), so no step runs twice on one, whenever the bot is
//! interrupted. A step that fails leaves its entry as it was.

use super::handle::Handle;
use super::migration::{Migration, Migrations, Steps, Subject, steps_from};
use super::space::Space;
use super::values::plain_tree;
use super::{read_space, view_of};
use crate::api::context::CogContext;
use crate::api::phase::active;
use crate::lock::lock;
use crate::nearest::{hint, nearest};
use crate::state::{Key, Outdated, ScopeKind, StateScope, StateTable, Text, View, render_path};
use crate::vm::generation::Generation;
use crate::vm::host::{
    Arguments, Host, HostError, HostFailure, HostResult, describe, in_time, number, shown_name,
};
use mlua::{Function, Lua, MultiValue, Table, Value};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The largest version.
const MOST_VERSIONS: f64 = 1_000_000.0;
/// Entries on which the steps are tried while the file loads, and how long that may take.
const MOST_TRIED: usize = 1_000;
const TRYING: Duration = Duration::from_millis(100);
/// How long one slice in the background takes, and how many bytes it changes.
const SLICE: Duration = Duration::from_millis(5);
const SLICE_BYTES: usize = 64 << 10;
/// How often an entry is begun again because somebody else was faster.
const MOST_ATTEMPTS: usize = 16;

/// The library's `pcall`, for steps.
struct Pcall(Function);

/// The function that does a slice.
struct Slice(Function);

/// How far the background has come, in one generation.
#[derive(Debug, Default)]
struct Progress {
    generation: u64,
    /// Which of the generation's migrations is at work.
    migration: usize,
    after: Option<(StateScope, Vec<Key>)>,
    migrated: usize,
    failed: usize,
    first_failure: Option<String>,
    has_failed_here: bool,
}

/// What the background has done, once it is at its end.
#[derive(Debug)]
pub struct Done {
    /// How many entries were brought to the version.
    pub migrated: usize,
    /// How many could not be, and stay as they were.
    pub failed: usize,
    /// Why the first of those could not.
    pub first_failure: Option<String>,
}

pub(super) fn install(
    lua: &Lua,
    host: &Host,
    cog: &Arc<CogContext>,
    raw: &Table,
) -> mlua::Result<()> {
    lua.set_app_data(Pcall(lua.globals().get("pcall")?));
    let owner = Arc::clone(cog);
    let migrate = host.function(lua, "state.migrate", move |lua, arguments| {
        declare(lua, &owner, arguments)
    })?;
    raw.raw_set("migrate", migrate)?;
    let (owner, progress) = (Arc::clone(cog), Mutex::<Progress>::default());
    let slice = host.function(lua, "state.migrate", move |lua, _| {
        slice(lua, &owner, &mut lock(&progress))
    })?;
    lua.set_app_data(Slice(slice));
    Ok(())
}

/// The function that does one slice of the work, if a VM keeps state. [`read_slice`] says what it has returned.
pub fn slice_of(lua: &Lua) -> Option<Function> {
    lua.app_data_ref::<Slice>().map(|slice| slice.0.clone())
}

/// What a slice has returned: nothing if there is more to do.
pub fn read_slice(results: &MultiValue) -> Option<Done> {
    let count = |at: usize| results.get(at).and_then(Value::as_usize);
    let text = results.get(2).and_then(Value::as_string);
    Some(Done {
        migrated: count(0)?,
        failed: count(1)?,
        first_failure: text.map(mlua::LuaString::to_string_lossy),
    })
}

/// `state.migrate(version, { member = function(old, version) return new end, … })`
fn declare(lua: &Lua, cog: &Arc<CogContext>, arguments: &Arguments) -> HostResult<()> {
    let space = read_space(lua, cog, &arguments.string(0, "the space")?)?;
    let version = read_version(arguments, &arguments.value(1))?;
    let steps = read_all_steps(arguments, version, &arguments.table(2, "the steps")?)?;
    let migration = Arc::new(Migration::new(space.clone(), version, steps));
    let is_second = cog
        .declaring
        .declared(|staged| staged.migrations().any(|it| it.space == space));
    if is_second {
        let message = "state.migrate: it was called before for the same state; one call has the steps for all of it";
        return Err(HostError::new("argument", message).into());
    }
    cog.declaring
        .declare(lua, "state.migrate", |declarations| {
            declarations.migrations.push(Arc::clone(&migration));
            Ok(())
        })?;
    let view = view_of(cog, &space, lua)?;
    let stored = view.version();
    if stored > version {
        return Err(HostError::new("state", newer(stored, Some(version))).into());
    }
    if stored < version {
        view.set_version(version);
    }
    try_out(lua, cog, &view, &migration)
}

/// What is said where something newer is stored than the code knows.
pub fn newer(stored: u32, version: Option<u32>) -> String {
    let own = match version {
        Some(version) => format!("this code is for version {version}"),
        None => format!(
            "this code calls no state.migrate (it needs at least `state.migrate({stored}, {{}})`)"
        ),
    };
    format!(
        "state.migrate: what is stored was written by version {stored} of this cog, and {own}: bring the newer code back, or teach this one to read it"
    )
}

fn read_version(arguments: &Arguments, value: &Value) -> HostResult<u32> {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be in the range"
    )]
    let version = number(value)
        .filter(|it| it.fract() == 0.0 && (1.0..=MOST_VERSIONS).contains(it))
        .map(|it| it as u32);
    version.ok_or_else(|| arguments.wrong("the version", "a whole number from 1 on", value))
}

fn read_all_steps(
    arguments: &Arguments,
    version: u32,
    given: &Table,
) -> HostResult<Vec<(Subject, Steps)>> {
    let mut all = Vec::new();
    for pair in given.pairs::<Value, Value>() {
        let (name, steps) = pair?;
        let text = name.as_string().map(mlua::LuaString::to_string_lossy);
        let text = text.unwrap_or_else(|| describe(&name));
        if text == "rows" {
            let Value::Table(of_names) = &steps else {
                let expected = "a table with a function for each name";
                return Err(arguments.wrong("rows", expected, &steps));
            };
            for pair in of_names.pairs::<Value, Value>() {
                let (name, steps) = pair?;
                let Value::String(name) = &name else {
                    return Err(arguments.wrong("rows", "names of rows", &name));
                };
                let what = format!("rows.{}", shown_name(&name.to_string_lossy()));
                let steps = read_steps(arguments, version, &what, &steps)?;
                all.push((Subject::Rows(name.as_bytes().as_ref().into()), steps));
            }
            continue;
        }
        let Some(kind) = ScopeKind::from_name(&text) else {
            let known = [
                "global", "guild", "channel", "user", "role", "member", "rows",
            ];
            let near = hint(nearest(&text, known));
            let shown = shown_name(&text);
            let message = format!("state.migrate: there is no \"{shown}\" to be migrated{near}");
            return Err(HostError::new("argument", message).into());
        };
        let steps = read_steps(arguments, version, kind.name(), &steps)?;
        all.push((Subject::Scope(kind), steps));
    }
    Ok(all)
}

fn read_steps(arguments: &Arguments, version: u32, what: &str, given: &Value) -> HostResult<Steps> {
    let table = match given {
        Value::Function(function) => return Ok(Steps::One(function.clone())),
        Value::Table(table) => table,
        other => {
            let expected = "a function, or a table of functions by version";
            return Err(arguments.wrong(what, expected, other));
        }
    };
    let mut steps = BTreeMap::new();
    for pair in table.pairs::<Value, Value>() {
        let (to, function) = pair?;
        let to = read_version(arguments, &to)?;
        let Value::Function(function) = function else {
            return Err(arguments.wrong(&format!("{what}[{to}]"), "a function", &function));
        };
        if to > version {
            let message = format!(
                "state.migrate: {what}[{to}]: there is no version {to} yet: the first argument says {version}"
            );
            return Err(HostError::new("argument", message).into());
        }
        steps.insert(to, function);
    }
    Ok(Steps::Each(steps))
}

/// Tries the steps on entries that are stored: a step that fails makes the load fail, and nothing is changed yet.
fn try_out(lua: &Lua, cog: &Arc<CogContext>, view: &View, migration: &Migration) -> HostResult<()> {
    let since = Instant::now();
    let (mut tried, mut after) = (0, None);
    loop {
        let (found, next) = outdated_after(view, migration, after.as_ref());
        for outdated in &found {
            if tried >= MOST_TRIED || since.elapsed() > TRYING {
                return Ok(());
            }
            entry_of(lua, cog, view, migration, outdated)?;
            tried += 1;
        }
        let Some(next) = next else {
            return Ok(());
        };
        after = Some(next);
    }
}

fn outdated_after(
    view: &View,
    migration: &Migration,
    after: Option<&(StateScope, Vec<Key>)>,
) -> (Vec<Outdated>, Option<(StateScope, Vec<Key>)>) {
    let wanted = |kind: ScopeKind, name: Option<&Text>| migration.steps_of(kind, name).is_some();
    view.outdated_after(after, &wanted)
}

/// What the code that runs has said about the versions of a state.
pub(super) fn migration_of(
    generation: &Generation,
    cog: &CogContext,
    space: &Space,
) -> Option<Arc<Migration>> {
    if let Some(all) = generation.attached::<Migrations>() {
        return all.of(space).cloned();
    }
    // Its files load.
    cog.declaring
        .declared(|staged| staged.migrations().find(|it| it.space == *space).cloned())
}

/// Before an entry is looked at or written to: brings it to the version of the code that runs, if it is older.
pub(super) fn bring_up(
    lua: &Lua,
    cog: &Arc<CogContext>,
    view: &View,
    migration: &Migration,
    (scope, path): (&StateScope, &[Key]),
) -> HostResult<()> {
    if migration.steps_for(scope.kind(), path).is_none() {
        return Ok(());
    }
    bring_up_to(lua, cog, view, migration, (scope, path)).map(drop)
}

/// Returns how many bytes it has changed.
fn bring_up_to(
    lua: &Lua,
    cog: &Arc<CogContext>,
    view: &View,
    migration: &Migration,
    (scope, path): (&StateScope, &[Key]),
) -> HostResult<usize> {
    for _ in 0..MOST_ATTEMPTS {
        let Some(outdated) = view.outdated(scope, path) else {
            return Ok(0);
        };
        let entry = entry_of(lua, cog, view, migration, &outdated)?;
        let bytes = outdated.table.bytes() + entry.bytes();
        match view.migrate(&outdated, entry) {
            Ok(true) => return Ok(bytes),
            Ok(false) => {}
            Err(error) => return Err(failed(migration, &outdated, &error.to_string())),
        }
    }
    let message = "state.migrate: other cogs kept changing the same entry; try again later";
    Err(HostError::new("state", message).into())
}

/// The same for all entries of a kind of scope, or for all rows of a name, before they are listed.
pub(super) fn bring_up_all(
    lua: &Lua,
    cog: &Arc<CogContext>,
    space: &Space,
    view: &View,
    wanted: &dyn Fn(ScopeKind, Option<&Text>) -> bool,
) -> HostResult<()> {
    let migration = migration_of(active(lua)?.as_ref(), cog, space);
    let Some(migration) = migration.filter(|it| !it.is_done()) else {
        return Ok(());
    };
    let wanted = |kind: ScopeKind, name: Option<&Text>| {
        wanted(kind, name) && migration.steps_of(kind, name).is_some()
    };
    let mut after = None;
    loop {
        let (found, next) = view.outdated_after(after.as_ref(), &wanted);
        for outdated in &found {
            let place = (&outdated.scope, outdated.path.as_slice());
            bring_up_to(lua, cog, view, &migration, place)?;
            in_time(lua)?;
        }
        let Some(next) = next else {
            return Ok(());
        };
        after = Some(next);
    }
}

/// The entry as this version has it.
fn entry_of(
    lua: &Lua,
    cog: &Arc<CogContext>,
    view: &View,
    migration: &Migration,
    outdated: &Outdated,
) -> HostResult<StateTable> {
    let kind = outdated.scope.kind();
    let Some(steps) = migration.steps_for(kind, &outdated.path) else {
        return Ok(StateTable::clone(&outdated.table));
    };
    let from = outdated.table.version();
    let mut entry = plain_tree(lua, &outdated.table)?;
    for step in steps_from(steps, from) {
        entry = match called(lua, step, &entry, from)? {
            Ok(Value::Table(entry)) => entry,
            Ok(other) => {
                let what = describe(&other);
                let why = format!("a step returned {what}, and must return the entry, a table");
                return Err(failed(migration, outdated, &why));
            }
            Err(why) => return Err(failed(migration, outdated, &why)),
        };
    }
    let place = (outdated.scope, outdated.path.clone());
    let made =
        Handle::entry_to_stored(lua, cog, place, &entry).map_err(|failure| match failure {
            HostFailure::Host(error) => failed(migration, outdated, &error.message),
            other @ HostFailure::Vm(_) => other,
        })?;
    view.check_entry(outdated, &made)
        .map_err(|error| failed(migration, outdated, &error.to_string()))?;
    Ok(made)
}

/// Calls a step; while it runs, nothing may be done but compute. The inner error is what it raised.
fn called(
    lua: &Lua,
    step: &Function,
    entry: &Table,
    from: u32,
) -> HostResult<Result<Value, String>> {
    let pcall = lua.app_data_ref::<Pcall>().map(|pcall| pcall.0.clone());
    let pcall = pcall.ok_or_else(|| HostError::new("state", "state.migrate: not yet"))?;
    let generation = active(lua)?;
    let mut results: MultiValue = {
        let _pure = generation.compute_only();
        pcall.call((step, entry, from))?
    };
    in_time(lua)?;
    let ok = results.pop_front();
    let result = results.pop_front().unwrap_or(Value::Nil);
    if matches!(ok, Some(Value::Boolean(true))) {
        return Ok(Ok(result));
    }
    Ok(Err(match &result {
        Value::String(text) => text.to_string_lossy(),
        Value::Table(error) => match error.raw_get::<Value>("message")? {
            Value::String(message) => message.to_string_lossy(),
            _ => "a step raised a table".to_owned(),
        },
        other => format!("a step raised {}", describe(other)),
    }))
}

fn failed(migration: &Migration, outdated: &Outdated, why: &str) -> HostFailure {
    let path = render_path(&outdated.scope, &outdated.path);
    let (from, to) = (outdated.table.version(), migration.version);
    let message = format!(
        "state.migrate: {path}, of version {from}, cannot be brought to version {to}: {why}"
    );
    HostError::new("state", message).into()
}

/// Does a part of the work in the background, in which code of the generation runs. Returns nothing if there is more,
/// else how many entries were migrated, how many failed, and why the first one did.
fn slice(
    lua: &Lua,
    cog: &Arc<CogContext>,
    progress: &mut Progress,
) -> HostResult<(Option<usize>, Option<usize>, Option<String>)> {
    let generation = active(lua)?;
    if progress.generation != generation.number {
        *progress = Progress {
            generation: generation.number,
            ..Progress::default()
        };
    }
    let all = generation.attached::<Migrations>().unwrap_or_default();
    let (since, mut changed) = (Instant::now(), 0);
    while let Some(migration) = all.0.get(progress.migration) {
        let view = view_of(cog, &migration.space, lua)?;
        let (found, next) = outdated_after(&view, migration, progress.after.as_ref());
        for outdated in found {
            let place = (&outdated.scope, outdated.path.as_slice());
            match bring_up_to(lua, cog, &view, migration, place) {
                Ok(bytes) => {
                    changed += bytes;
                    progress.migrated += 1;
                }
                Err(HostFailure::Host(error)) => {
                    progress.failed += 1;
                    progress.has_failed_here = true;
                    progress.first_failure.get_or_insert(error.message);
                }
                Err(failure @ HostFailure::Vm(_)) => return Err(failure),
            }
            progress.after = Some((outdated.scope, outdated.path));
            if since.elapsed() > SLICE || changed > SLICE_BYTES {
                return Ok((None, None, None));
            }
        }
        progress.after = next;
        if progress.after.is_none() {
            if !std::mem::take(&mut progress.has_failed_here) {
                migration.set_done();
            }
            progress.migration += 1;
        }
        if since.elapsed() > SLICE {
            return Ok((None, None, None));
        }
    }
    let failure = progress.first_failure.take();
    Ok((Some(progress.migrated), Some(progress.failed), failure))
}

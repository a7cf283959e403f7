//! `@cogsmith/task`: `spawn, defer, delay, wait, cancel, timeout, lock`.

use super::context::{CogContext, Spawn};
use crate::vm::build::Vm;
use crate::vm::host::{Arguments, Host, HostError, HostResult, load_host_chunk, one};
use mlua::{Lua, MultiValue, Table, Value};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::OwnedMutexGuard;

/// One wait lasts at most this long; for longer there are `cog.every` and stored times.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

/// The locks of one cog by key; entries that nobody holds are dropped when another is taken.
type Locks = Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>;

/// Makes the module.
pub fn module(lua: &Lua, host: &Host, cog: &Arc<CogContext>) -> mlua::Result<Value> {
    let raw = lua.create_table()?;
    install_spawning(lua, host, cog, &raw)?;
    let owner = Arc::clone(cog);
    let wait = host.async_function(lua, "task.wait", move |lua, arguments| {
        let cog = Arc::clone(&owner);
        let prepared = CogContext::may_act(&lua, "task.wait")
            .and_then(|_| wait_argument(&arguments))
            .and_then(|duration| Ok((duration, Vm::of(&lua)?.loader().running())));
        async move {
            let (duration, run) = prepared?;
            let sleep = cog.services.clock.sleep(duration);
            match run {
                Some(run) => run.wait_for(sleep).await,
                None => sleep.await,
            }
            Ok(())
        }
    })?;
    raw.raw_set("wait", wait)?;
    install_locks(lua, host, &raw)?;
    load_host_chunk(lua, "task", include_str!("task.luau"), raw)
}

/// Durations of waits; nothing and 0 let others run.
fn wait_argument(arguments: &Arguments) -> HostResult<Duration> {
    if arguments.value(0).is_nil() {
        return Ok(Duration::ZERO);
    }
    let duration = arguments.duration(0, "the duration")?;
    if duration > LONGEST_WAIT {
        let message = "task.wait: one wait lasts at most 15 minutes; for longer use cog.every";
        return Err(HostError::new("limit", message).into());
    }
    Ok(duration)
}

fn install_spawning(
    lua: &Lua,
    host: &Host,
    cog: &Arc<CogContext>,
    raw: &Table,
) -> mlua::Result<()> {
    for (key, name, with_delay) in [
        ("spawn", "task.spawn", false),
        ("defer", "task.defer", false),
        ("delay", "task.delay", true),
    ] {
        let cog = Arc::clone(cog);
        let function = host.function(lua, name, move |lua, arguments| {
            let generation = CogContext::may_act(lua, name)?;
            let after = if with_delay {
                arguments.duration(0, "the delay")?
            } else {
                Duration::ZERO
            };
            let first = usize::from(with_delay);
            let function = arguments.callback(first, "the function")?;
            let thread = lua.create_thread(function.clone())?;
            let rest = (first + 1..arguments.len()).map(|index| arguments.value(index));
            cog.spawn(Spawn {
                thread: thread.clone(),
                function,
                arguments: rest.collect::<MultiValue>(),
                after,
                generation,
            });
            one(lua, thread)
        })?;
        raw.raw_set(key, function)?;
    }
    let owner = Arc::clone(cog);
    let cancel = host.function(lua, "task.cancel", move |lua, arguments| {
        match arguments.value(0) {
            Value::Thread(thread) => {
                owner.cancel(thread.to_pointer() as usize);
                one(lua, Value::Nil)
            }
            other => {
                Err(arguments.wrong("the task", "what task.spawn or task.delay returned", &other))
            }
        }
    })?;
    raw.raw_set("cancel", cancel)
}

/// A lock that is held until it is released or collected.
struct Held(Mutex<Option<OwnedMutexGuard<()>>>);

fn install_locks(lua: &Lua, host: &Host, raw: &Table) -> mlua::Result<()> {
    lua.register_userdata_type::<Held>(|_| {})?;
    let locks: Arc<Locks> = Arc::default();
    let lock = host.async_function(lua, "task.lock", move |lua, arguments| {
        let locks = Arc::clone(&locks);
        let prepared = CogContext::may_act(&lua, "task.lock")
            .and_then(|_| arguments.string(0, "the key"))
            .and_then(|key| Ok((key, Vm::of(&lua)?.loader().running())));
        async move {
            let (key, run) = prepared?;
            let lock = {
                let mut locks = locks.lock().unwrap_or_else(PoisonError::into_inner);
                locks.retain(|_, lock| Arc::strong_count(lock) > 1);
                Arc::clone(locks.entry(key).or_default())
            };
            let held = match run {
                Some(run) => run.wait_for(lock.lock_owned()).await,
                None => lock.lock_owned().await,
            };
            Ok(lua.create_any_userdata(Held(Mutex::new(Some(held))))?)
        }
    })?;
    raw.raw_set("lock", lock)?;
    let unlock = host.function(lua, "task.lock", |lua, arguments| {
        if let Value::UserData(held) = arguments.value(0)
            && let Ok(held) = held.borrow::<Held>()
        {
            held.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
        one(lua, Value::Nil)
    })?;
    raw.raw_set("unlock", unlock)
}

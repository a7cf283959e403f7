//! `@cogsmith/task`: `spawn, defer, delay, wait, cancel, timeout, lock`, and the coroutine library.
//!
//! A task is a coroutine of the author's which the actor drives as a handler of its own, from the moment it
//! first waits. `coroutine.luau` and `task.luau` decide when that is; here is what they are made of.

use super::context::CogContext;
use super::phase::{active, may_act};
use super::spawner::Spawn;
use crate::lock::lock;
use crate::vm::build::Vm;
use crate::vm::host::{Arguments, Host, HostChunk, HostError, HostResult, number, one};
use crate::vm::slice::waiting;
use mlua::{Function, Lua, MultiValue, Table, Value};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, OwnedMutexGuard};

static COROUTINES: HostChunk = HostChunk::new("coroutine", include_str!("coroutine.luau"));
static CHUNK: HostChunk = HostChunk::new("task", include_str!("task.luau"));

/// One wait lasts at most this long; for longer there are `cog.every` and stored times.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// Arguments of a task: the host holds them until it begins, outside of Luau's heap.
const MOST_ARGUMENTS: u32 = 100;
/// Characters of a lock's key.
const LONGEST_KEY: usize = 200;

/// So long a call waits for those of older versions that hold its key: who does not end must not keep a fixed version
/// from its work.
const WAIT_FOR_OLDER: Duration = Duration::from_secs(2);

/// The locks of one VM by key and version; entries that nobody holds are dropped when another is taken.
type Locks = Mutex<HashMap<String, BTreeMap<u64, KeyLock>>>;
type KeyLock = Arc<tokio::sync::Mutex<()>>;

/// What the module is made with: the coroutine library's own parts.
struct Coroutines(Table);

/// Replaces the part of the coroutine library that makes and resumes coroutines. To be called before the VM is
/// sandboxed.
pub(super) fn replace_coroutines(
    lua: &Lua,
    host: &Host,
    cog: &Arc<CogContext>,
) -> mlua::Result<()> {
    let raw = lua.create_table()?;
    raw.raw_set("create", create(lua, host, cog)?)?;
    raw.raw_set("adopt", drive(lua, host, cog, "coroutine.resume", false)?)?;
    raw.raw_set("cancel", cancel(lua, host, cog)?)?;
    raw.raw_set("release", release(lua, host, cog)?)?;
    let pending = Lua::poll_pending();
    let coroutines = COROUTINES.load(lua, (raw, pending))?;
    lua.set_app_data(Coroutines(coroutines));
    Ok(())
}

/// Makes the module.
pub(super) fn module(lua: &Lua, host: &Host, cog: &Arc<CogContext>) -> mlua::Result<Value> {
    let raw = lua.create_table()?;
    install_checks(lua, host, &raw)?;
    for (name, key) in [("task.defer", "defer"), ("task.delay", "delay")] {
        raw.raw_set(key, drive(lua, host, cog, name, key == "delay")?)?;
    }
    raw.raw_set("failed", failed(lua, host, cog)?)?;
    raw.raw_set("wait", wait(lua, host, cog)?)?;
    install_gates(lua, host, cog, &raw)?;
    install_locks(lua, host, cog, &raw)?;
    let coroutines = lua.app_data_ref::<Coroutines>().map(|own| own.0.clone());
    CHUNK.load(lua, (raw, coroutines))
}

/// What is asked before a coroutine is made.
fn create(lua: &Lua, host: &Host, cog: &Arc<CogContext>) -> mlua::Result<Function> {
    let coroutines = cog.limits.begin_coroutines();
    let cog = Arc::clone(cog);
    host.function(lua, "coroutine.create", move |lua, arguments| {
        let counting = arguments.callback(0, "")?;
        cog.limits
            .count_coroutine("coroutine.create", &coroutines, || {
                lua.gc_collect()?;
                counting.call(())
            })
    })
}

/// `task.wait(duration?)`: returns the seconds that passed.
fn wait(lua: &Lua, host: &Host, cog: &Arc<CogContext>) -> mlua::Result<Function> {
    let owner = Arc::clone(cog);
    host.async_function(lua, "task.wait", move |lua, arguments| {
        let cog = Arc::clone(&owner);
        let prepared = may_act(&lua, "task.wait").and_then(|_| wait_argument(&arguments));
        async move {
            let duration = prepared?;
            let clock = &cog.services.clock;
            let began = clock.now();
            // Held until the run counts as busy again.
            let awake = if duration.is_zero() {
                // Only others get their turn: this does not count as waiting.
                tokio::task::yield_now().await;
                None
            } else {
                Some(waiting(&lua, clock.alarm(duration)).await)
            };
            drop(awake);
            Ok(clock.now().saturating_sub(began).as_secs_f64())
        }
    })
}

/// Durations of waits; nothing and 0 let others run.
fn wait_argument(arguments: &Arguments) -> HostResult<Duration> {
    if arguments.value(0).is_nil() {
        return Ok(Duration::ZERO);
    }
    let duration = arguments.duration(0, "the duration")?;
    if duration > LONGEST_WAIT {
        let name = arguments.function();
        let message = format!("{name}: lasts at most 15 minutes; for longer use cog.every");
        return Err(HostError::new("limit", message).into());
    }
    Ok(duration)
}

/// How many arguments the task itself gets is the check's second argument.
fn check_count(arguments: &Arguments) -> HostResult<()> {
    let Some(count) = number(&arguments.value(1)) else {
        return Ok(());
    };
    if count <= f64::from(MOST_ARGUMENTS) {
        return Ok(());
    }
    let name = arguments.function();
    let message = format!("{name}: the arguments: expected at most {MOST_ARGUMENTS}, got {count}");
    Err(HostError::new("argument", message).into())
}

/// The checks before a task is made: whether there may be one more, of which value, and with how many arguments.
fn install_checks(lua: &Lua, host: &Host, raw: &Table) -> mlua::Result<()> {
    for (key, name) in [
        ("spawning", "task.spawn"),
        ("deferring", "task.defer"),
        ("delaying", "task.delay"),
    ] {
        let check = host.function(lua, name, move |lua, arguments| {
            may_act(lua, name)?;
            check_count(arguments)?;
            match arguments.value(0) {
                body @ (Value::Function(_) | Value::Thread(_)) => Ok(body),
                other => Err(arguments.wrong("the function", "a function", &other)),
            }
        })?;
        raw.raw_set(key, check)?;
    }
    let check = host.function(lua, "task.cancel", |_, arguments| {
        match arguments.value(0) {
            Value::Thread(_) => Ok(()),
            other => {
                let expected = "what task.spawn, task.defer or task.delay returned";
                Err(arguments.wrong("the task", expected, &other))
            }
        }
    })?;
    raw.raw_set("check_thread", check)
}

/// Has the actor drive a coroutine from now on, or after a delay, which then is the first argument.
fn drive(
    lua: &Lua,
    host: &Host,
    cog: &Arc<CogContext>,
    name: &'static str,
    with_delay: bool,
) -> mlua::Result<Function> {
    let cog = Arc::clone(cog);
    host.function(lua, name, move |lua, arguments| {
        let first = usize::from(with_delay);
        let after = if with_delay {
            arguments.duration(0, "the delay")?
        } else {
            Duration::ZERO
        };
        let Value::Thread(thread) = arguments.value(first) else {
            return Err(arguments.wrong("", "a coroutine", &arguments.value(first)));
        };
        let all = (first..arguments.len()).map(|index| arguments.value(index));
        cog.spawner.spawn(Spawn {
            thread,
            function: Vm::of(lua)?.loader().drivers().follow.clone(),
            arguments: all.collect(),
            after,
            slot: cog.limits.count_task(name, &active(lua)?.life.tasks)?,
            generation: active(lua)?,
            busy: cog.services.activity.begin(),
        });
        Ok(())
    })
}

/// Tells of a task that failed before it waited.
fn failed(lua: &Lua, host: &Host, cog: &Arc<CogContext>) -> mlua::Result<Function> {
    let owner = Arc::clone(cog);
    host.function(lua, "task.spawn", move |lua, arguments| {
        let function = Vm::of(lua)?.loader().drivers().fail.clone();
        owner.spawner.spawn(Spawn {
            thread: lua.create_thread(function.clone())?,
            function,
            arguments: MultiValue::from_iter([arguments.value(0), arguments.value(1)]),
            after: Duration::ZERO,
            slot: owner
                .limits
                .count_task("task.spawn", &active(lua)?.life.tasks)?,
            generation: active(lua)?,
            busy: owner.services.activity.begin(),
        });
        Ok(())
    })
}

/// Has the actor no longer drive a coroutine.
fn cancel(lua: &Lua, host: &Host, cog: &Arc<CogContext>) -> mlua::Result<Function> {
    let owner = Arc::clone(cog);
    host.function(lua, "task.cancel", move |_, arguments| {
        if let Value::Thread(thread) = arguments.value(0) {
            owner.spawner.cancel(thread.to_pointer() as usize);
        }
        Ok(())
    })
}

/// What a coroutine held that was closed is released when it is collected.
fn release(lua: &Lua, host: &Host, cog: &Arc<CogContext>) -> mlua::Result<Function> {
    let owner = Arc::clone(cog);
    host.function(lua, "coroutine.close", move |lua, _| {
        if owner.holds.load(Ordering::Relaxed) > 0 {
            lua.gc_collect()?;
        }
        Ok(())
    })
}

/// Where `task.timeout` waits for its function, or for the end of its time.
struct Gate {
    open: Arc<Notify>,
    limit: Duration,
}

fn install_gates(lua: &Lua, host: &Host, cog: &Arc<CogContext>, raw: &Table) -> mlua::Result<()> {
    lua.register_userdata_type::<Gate>(|_| {})?;
    let make = host.function(lua, "task.timeout", |lua, arguments| {
        may_act(lua, "task.timeout")?;
        let limit = wait_argument(arguments)?;
        arguments.callback(1, "the function")?;
        let gate = Gate {
            open: Arc::default(),
            limit,
        };
        Ok(lua.create_any_userdata(gate)?)
    })?;
    raw.raw_set("gate", make)?;
    let open = host.function(lua, "task.timeout", |_, arguments| {
        gate_of(arguments)?.0.notify_one();
        Ok(())
    })?;
    raw.raw_set("open", open)?;
    let owner = Arc::clone(cog);
    let pass = host.async_function(lua, "task.timeout", move |lua, arguments| {
        let cog = Arc::clone(&owner);
        let prepared = gate_of(&arguments);
        async move {
            let (open, limit) = prepared?;
            let opened = async {
                tokio::select! {
                    biased;
                    () = open.notified() => None,
                    awake = cog.services.clock.alarm(limit) => Some(awake),
                }
            };
            // Held until the run counts as busy again.
            let late = waiting(&lua, opened).await;
            Ok(late.is_none())
        }
    })?;
    raw.raw_set("pass", pass)?;
    let late = host.function(lua, "task.timeout", |_, arguments| {
        let seconds = gate_of(arguments)?.1.as_secs_f64();
        let message = format!("task.timeout: the function took longer than {seconds} s");
        Err::<(), _>(HostError::new("timeout", message).into())
    })?;
    raw.raw_set("late", late)
}

fn gate_of(arguments: &Arguments) -> HostResult<(Arc<Notify>, Duration)> {
    if let Value::UserData(data) = arguments.value(0)
        && let Ok(gate) = data.borrow::<Gate>()
    {
        return Ok((Arc::clone(&gate.open), gate.limit));
    }
    Err(arguments.wrong("", "a gate", &arguments.value(0)))
}

/// A lock that is held until it is released or collected.
struct Held(Mutex<Option<HeldLock>>);

/// Counts while it is held: whoever ends a handler from outside then looks for what it held.
struct HeldLock {
    count: Arc<AtomicUsize>,
    _guards: Vec<OwnedMutexGuard<()>>,
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

fn install_locks(lua: &Lua, host: &Host, cog: &Arc<CogContext>, raw: &Table) -> mlua::Result<()> {
    lua.register_userdata_type::<Held>(|_| {})?;
    let locks: Arc<Locks> = Arc::default();
    let owner = Arc::clone(cog);
    let take = host.eager_async_function(lua, "task.lock", move |lua, arguments| {
        let (locks, cog) = (Arc::clone(&locks), Arc::clone(&owner));
        let prepared = lock_argument(&lua, &locks, &arguments);
        async move {
            let locks = prepared?;
            let locked = async {
                tokio::select! {
                    biased;
                    guards = take_all(&cog, locks) => Ok(guards),
                    () = cog.services.clock.sleep(LONGEST_WAIT) => {
                        let message = "task.lock: another call has held this key for 15 minutes";
                        Err(HostError::new("limit", message))
                    }
                }
            };
            let guards = waiting(&lua, locked).await?;
            cog.holds.fetch_add(1, Ordering::Relaxed);
            let held = HeldLock {
                count: Arc::clone(&cog.holds),
                _guards: guards,
            };
            Ok(lua.create_any_userdata(Held(Mutex::new(Some(held))))?)
        }
    })?;
    raw.raw_set("lock", take)?;
    let unlock = host.function(lua, "task.lock", |lua, arguments| {
        if let Value::UserData(held) = arguments.value(0)
            && let Ok(held) = held.borrow::<Held>()
        {
            lock(&held.0).take();
        }
        one(lua, Value::Nil)
    })?;
    raw.raw_set("unlock", unlock)
}

/// Takes a version's own lock, and those of older versions that are given back in time.
async fn take_all(cog: &CogContext, locks: Vec<KeyLock>) -> Vec<OwnedMutexGuard<()>> {
    let mut locks = locks.into_iter().rev();
    let mut guards = Vec::new();
    if let Some(own) = locks.next() {
        guards.push(own.lock_owned().await);
    }
    if locks.len() == 0 {
        return guards;
    }
    let of_older = async {
        for lock in locks {
            guards.push(lock.lock_owned().await);
        }
    };
    tokio::select! {
        biased;
        () = of_older => {}
        () = cog.services.clock.sleep(WAIT_FOR_OLDER) => {}
    }
    guards
}

/// `(key, function, whether this coroutine took the lock last)`: the locks to take, that of its own version at the end.
fn lock_argument(lua: &Lua, locks: &Locks, arguments: &Arguments) -> HostResult<Vec<KeyLock>> {
    let generation = may_act(lua, "task.lock")?;
    let key = arguments.short_string(0, "the key", LONGEST_KEY)?;
    arguments.callback(1, "the function")?;
    let mut locks = lock(locks);
    // Those that nobody holds go whenever there are twice as many: a look at all of them for each call would cost more
    // with each that is held.
    if locks.len().is_power_of_two() {
        locks.retain(|_, versions| {
            versions.retain(|_, lock| Arc::strong_count(lock) > 1);
            !versions.is_empty()
        });
    }
    let versions = locks.entry(key).or_default();
    let number = generation.number;
    versions.retain(|of, lock| *of == number || Arc::strong_count(lock) > 1);
    let own = Arc::clone(versions.entry(number).or_default());
    let is_ours = matches!(arguments.value(2), Value::Boolean(true));
    if is_ours && own.try_lock().is_err() {
        let message = "task.lock: this call already holds the key, and would wait for itself";
        return Err(HostError::new("argument", message).into());
    }
    let to_take = versions.range(..=number);
    Ok(to_take.map(|(_, lock)| Arc::clone(lock)).collect())
}

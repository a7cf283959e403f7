//! Makes host functions: with the guard in front of each, and with its result or error in the form that Luau expects.

use super::arguments::Arguments;
use super::chunk::HostChunk;
use super::error::{Field, HostError, HostFailure, HostResult};
use super::json::plain;
use crate::lock::lock;
use crate::vm::build::Vm;
use crate::vm::memory::exhausted::OUT_OF_MEMORY;
use crate::vm::watchdog::{EXPIRED, Guard};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use mlua::{AnyUserData, Function, IntoLuaMulti, Lua, MultiValue, Table, Value};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;

/// Luau's side: raises what the raw function returns as an error, with the caller's place.
static SHIM: HostChunk = HostChunk::new("shim", include_str!("shim.luau"));

/// What errors call a function of a module that has one for each of many things: `discord.create_message`. It is made
/// once and kept for good, so there must be an end of them.
pub fn function_name(module: &'static str, function: &'static str) -> &'static str {
    type Names = BTreeMap<(&'static str, &'static str), &'static str>;
    static NAMES: Mutex<Names> = Mutex::new(BTreeMap::new());
    lock(&NAMES)
        .entry((module, function))
        .or_insert_with(|| format!("{module}.{function}").leak())
}

/// Makes host functions for one VM.
#[derive(Clone, Debug)]
pub struct Host {
    /// Shared, as each function has one: with handles of its own each would also take places in the VM.
    core: Arc<Core>,
    wrap: Function,
    wrap_waiting: Function,
    /// Takes what runs functions that wait; nothing once it has.
    begin_waiting: Arc<Mutex<Option<Function>>>,
}

/// What every host function of a VM needs.
#[derive(Debug)]
struct Core {
    guard: Arc<Guard>,
    error_metatable: Table,
    /// The error when there is no room for a result; made in advance, while there is room.
    out_of_memory: mlua::LuaString,
    /// Set when the host has failed in this VM.
    poisoned: Arc<AtomicBool>,
}

/// The body of a function that may wait. mlua makes a whole chunk for each asynchronous function; with these, a VM has
/// one such function for all.
struct AsyncFunction {
    name: &'static str,
    run: Arc<dyn Fn(Lua, Arguments) -> BoxFuture<'static, HostResult<MultiValue>> + Send + Sync>,
}

impl Host {
    /// To be made before the VM is sandboxed.
    pub fn new(lua: &Lua, guard: Arc<Guard>) -> mlua::Result<Self> {
        let (wrap, waiting, error_metatable) = SHIM.load::<(Function, Function, Table)>(lua, ())?;
        let core = Arc::new(Core {
            guard,
            error_metatable,
            out_of_memory: lua.create_string(OUT_OF_MEMORY)?,
            poisoned: Arc::default(),
        });
        lua.register_userdata_type::<AsyncFunction>(|_| {})?;
        let (wrap_waiting, begin): (Function, Function) =
            waiting.call(core.refuse_waiting(lua)?)?;
        Ok(Self {
            core,
            wrap,
            wrap_waiting,
            begin_waiting: Arc::new(Mutex::new(Some(begin))),
        })
    }

    /// To be called before the first code runs that may wait: mlua compiles a chunk for what it needs, and many cogs do
    /// nothing for long. Not in a slice, whose author may have left no memory for it.
    pub(in crate::vm) fn allow_waiting(&self, lua: &Lua) -> mlua::Result<()> {
        let mut begin = lock(&self.begin_waiting);
        if let Some(begin) = begin.as_ref() {
            begin.call::<()>(self.core.run_waiting(lua)?)?;
        }
        *begin = None;
        Ok(())
    }

    /// Whether the host has failed in this VM.
    pub(in crate::vm) fn poisoned(&self) -> &Arc<AtomicBool> {
        &self.core.poisoned
    }

    /// A function that returns at once. `name` is its name in errors (`state.guild`).
    pub fn function<F, R>(&self, lua: &Lua, name: &'static str, run: F) -> mlua::Result<Function>
    where
        F: Fn(&Lua, &Arguments) -> HostResult<R> + Send + Sync + 'static,
        R: IntoLuaMulti,
    {
        let core = Arc::clone(&self.core);
        let raw = lua.create_function(move |lua, values: MultiValue| {
            let result = core.check().and_then(|()| {
                let call = || run(lua, &Arguments::new(name, values));
                catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| Err(core.failed(name)))
            });
            core.answer(lua, result)
        })?;
        self.wrap.call(raw)
    }

    /// A function that waits. It always yields, even if its result is there at once: whether the code that resumed a
    /// coroutine sees it waiting must not depend on how busy the machine is. Only an error that is known at once, such
    /// as that for a wrong argument, is raised without a yield. What it borrows from Lua must not live across an await.
    pub fn async_function<F, Fut, R>(
        &self,
        lua: &Lua,
        name: &'static str,
        run: F,
    ) -> mlua::Result<Function>
    where
        F: Fn(Lua, Arguments) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = HostResult<R>> + Send + 'static,
        R: IntoLuaMulti + Send + 'static,
    {
        self.eager_async_function(lua, name, move |lua, arguments| {
            never_at_once(Box::pin(run(lua, arguments)))
        })
    }

    /// A function that waits only when it has to.
    pub fn eager_async_function<F, Fut, R>(
        &self,
        lua: &Lua,
        name: &'static str,
        run: F,
    ) -> mlua::Result<Function>
    where
        F: Fn(Lua, Arguments) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = HostResult<R>> + Send + 'static,
        R: IntoLuaMulti,
    {
        let run = Arc::new(run);
        let body = lua.create_any_userdata(AsyncFunction {
            name,
            run: Arc::new(move |lua, arguments| {
                let run = Arc::clone(&run);
                Box::pin(async move {
                    let values = run(lua.clone(), arguments).await?;
                    Ok(values.into_lua_multi(&lua)?)
                })
            }),
        })?;
        self.wrap_waiting.call(body)
    }
}

/// The result of `future`; yields once if the result is there at once.
fn never_at_once<R>(
    mut future: Pin<Box<impl Future<Output = HostResult<R>>>>,
) -> impl Future<Output = HostResult<R>> {
    let (mut early, mut is_first) = (None, true);
    poll_fn(move |context| {
        if let Some(result) = early.take() {
            return Poll::Ready(Ok(result));
        }
        let polled = future.as_mut().poll(context);
        match (polled, std::mem::take(&mut is_first)) {
            (Poll::Ready(Ok(result)), true) => {
                early = Some(result);
                context.waker().wake_by_ref();
                Poll::Pending
            }
            (polled, _) => polled,
        }
    })
}

impl Core {
    /// Runs the function that the first argument represents, with the other arguments.
    fn run_waiting(self: &Arc<Self>, lua: &Lua) -> mlua::Result<Function> {
        let core = Arc::clone(self);
        lua.create_async_function(move |lua, (body, values): (AnyUserData, MultiValue)| {
            let core = Arc::clone(&core);
            async move {
                let (name, run) = {
                    let body = body.borrow::<AsyncFunction>()?;
                    (body.name, Arc::clone(&body.run))
                };
                let result = match core.check() {
                    Ok(()) => {
                        let call = async { run(lua.clone(), Arguments::new(name, values)).await };
                        let ended = AssertUnwindSafe(call).catch_unwind().await;
                        ended.unwrap_or_else(|_| Err(core.failed(name)))
                    }
                    Err(failure) => Err(failure),
                };
                core.answer(&lua, result)
            }
        })
    }

    /// Makes the error for a function that is called where it cannot wait.
    fn refuse_waiting(self: &Arc<Self>, lua: &Lua) -> mlua::Result<Function> {
        let core = Arc::clone(self);
        lua.create_function(move |lua, body: AnyUserData| {
            core.check().map_err(|_| mlua::Error::runtime(EXPIRED))?;
            let name = body.borrow::<AsyncFunction>()?.name;
            core.error_table(lua, &cannot_wait(lua, name))
        })
    }

    /// The error for the author when the host itself has failed.
    fn failed(&self, name: &str) -> HostFailure {
        self.poisoned.store(true, Ordering::Relaxed);
        tracing::error!(
            function = name,
            "The host failed in a function that a cog called. The cog's VM is replaced at its next reload. This is a bug in Cogsmith: please report it"
        );
        HostError::new(
            "internal",
            format!("{name}: the host failed; its log says more"),
        )
        .into()
    }

    /// Refuses once the running slice's time is over.
    fn check(&self) -> HostResult<()> {
        if self.guard.is_expired() {
            return Err(HostFailure::Vm(mlua::Error::runtime(EXPIRED)));
        }
        Ok(())
    }

    /// What the raw function returns. When memory runs out, the author gets the same error as from Luau's own
    /// functions: an error of mlua would be held outside of the heap and not counted.
    fn answer<R: IntoLuaMulti>(
        &self,
        lua: &Lua,
        result: HostResult<R>,
    ) -> mlua::Result<MultiValue> {
        match self.answer_in_memory(lua, result) {
            Err(mlua::Error::MemoryError(_)) => Ok(MultiValue::from_iter([
                Value::Boolean(false),
                Value::String(self.out_of_memory.clone()),
            ])),
            answered => answered,
        }
    }

    fn answer_in_memory<R: IntoLuaMulti>(
        &self,
        lua: &Lua,
        result: HostResult<R>,
    ) -> mlua::Result<MultiValue> {
        match result {
            Ok(values) => {
                let mut values = values.into_lua_multi(lua)?;
                values.push_front(Value::Boolean(true));
                Ok(values)
            }
            Err(HostFailure::Host(error)) => {
                let error = self.error_table(lua, &error)?;
                Ok(MultiValue::from_iter([
                    Value::Boolean(false),
                    Value::Table(error),
                ]))
            }
            Err(HostFailure::Vm(error)) => Err(error),
        }
    }

    /// The table that represents `error` in Luau.
    fn error_table(&self, lua: &Lua, error: &HostError) -> mlua::Result<Table> {
        let table = lua.create_table()?;
        table.raw_set("kind", error.kind)?;
        table.raw_set("message", error.message.as_str())?;
        for (name, field) in &error.fields {
            match field {
                Field::Integer(number) => table.raw_set(*name, *number)?,
                Field::Text(text) => table.raw_set(*name, text.as_str())?,
                Field::Json(json) => table.raw_set(*name, plain(lua, json.view())?)?,
            }
        }
        table.set_metatable(Some(self.error_metatable.clone()))?;
        Ok(table)
    }
}

/// Why a function that waits cannot be called where Luau cannot yield.
fn cannot_wait(lua: &Lua, name: &str) -> HostError {
    let generation = Vm::of(lua).ok().and_then(|vm| vm.loader().active());
    if let Some(generation) = generation
        && let Err(error) = generation.may_act(name)
    {
        return error;
    }
    let message = format!(
        "{name}: cannot wait here: not in a metamethod, in table.sort, in string.gsub or in another function's callback"
    );
    HostError::new("phase", message)
}

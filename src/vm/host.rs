//! Functions of the host that cogs may call.
//!
//! An author's mistake never becomes a Rust error inside Luau: mlua would carry it as userdata that no
//! author can read and that no memory limit counts. Instead the raw function returns `false` and an error
//! table, and a shim in Luau raises it at the author's own line. Every raw function first asks the guard
//! whether the slice's time is over, so that a caught deadline leads nowhere. A panic ends here, too: the
//! author gets an error, and the VM is replaced at the next reload.

use super::build::Vm;
use super::raw;
use super::trace::OUT_OF_MEMORY;
use super::watchdog::{EXPIRED, Guard};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use mlua::chunk::{ChunkMode, Compiler};
use mlua::{AnyUserData, Function, IntoLua, IntoLuaMulti, Lua, MultiValue, Table, Value};
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Poll;

/// Luau's side: raises what the raw function returns as an error, with the caller's place.
static SHIM: HostChunk = HostChunk::new("shim", include_str!("shim.luau"));

/// Characters of an error's message: what Discord takes in one message.
const LONGEST_MESSAGE: usize = 2_000;

/// What a host function can end with other than its result.
#[derive(Debug)]
pub enum Failure {
    /// The author's mistake, or the world's: an error table in Luau.
    Host(HostError),
    /// The VM itself: out of memory, mostly.
    Vm(mlua::Error),
}

/// An error as authors meet it: a table with `kind` and `message` (and more), whose `tostring` is one line.
#[derive(Clone, Debug)]
pub struct HostError {
    /// What class of error: `"argument"`, `"state"`, `"discord"`, `"limit"`, `"fail"` …
    pub kind: &'static str,
    /// One sentence.
    pub message: String,
    /// Further fields of the table.
    pub fields: Vec<(&'static str, Field)>,
}

/// The value of a further field of an error table.
#[derive(Clone, Debug)]
pub enum Field {
    /// A whole number.
    Integer(i64),
    /// A text.
    Text(String),
    /// A tree, as a plain table.
    Json(crate::json::Json),
}

impl HostError {
    /// An error with nothing but kind and message, which is cut where nobody would read on.
    pub fn new(kind: &'static str, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if let Some((end, _)) = message.char_indices().nth(LONGEST_MESSAGE) {
            message.truncate(end);
        }
        Self {
            kind,
            message,
            fields: Vec::new(),
        }
    }

    /// A wrong argument: `function: what: expected …, got …`.
    pub fn argument(function: &str, what: &str, expected: &str, got: &str) -> Self {
        let place = if what.is_empty() {
            function.to_owned()
        } else {
            format!("{function}: {what}")
        };
        Self::new(
            "argument",
            format!("{place}: expected {expected}, got {got}"),
        )
    }

    /// The same error with one more field.
    #[must_use]
    pub fn with(mut self, name: &'static str, field: Field) -> Self {
        self.fields.push((name, field));
        self
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for HostError {}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(error) => error.fmt(formatter),
            Self::Vm(error) => {
                formatter.write_str(error.to_string().lines().next().unwrap_or_default())
            }
        }
    }
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        Self::Host(error)
    }
}

impl From<mlua::Error> for Failure {
    fn from(error: mlua::Error) -> Self {
        Self::Vm(error)
    }
}

/// The result of a host function.
pub type HostResult<T> = Result<T, Failure>;

/// Makes host functions for one VM.
#[derive(Clone, Debug)]
pub struct Host {
    core: Core,
    wrap: Function,
    wrap_waiting: Function,
}

/// What every host function of a VM needs.
#[derive(Clone, Debug)]
struct Core {
    guard: Arc<Guard>,
    error_metatable: Table,
    /// What is raised when there is no room for a result: made while there is.
    out_of_memory: mlua::LuaString,
    /// Set when the host has failed in this VM.
    poisoned: Arc<AtomicBool>,
}

/// What a function that may wait does. mlua makes a whole chunk for each asynchronous function; with these a VM
/// has one such function for all.
struct Waiting {
    name: &'static str,
    run: Arc<dyn Fn(Lua, Arguments) -> BoxFuture<'static, HostResult<MultiValue>> + Send + Sync>,
}

impl Host {
    /// To be made before the VM is sandboxed.
    pub fn new(lua: &Lua, guard: Arc<Guard>) -> mlua::Result<Self> {
        let (wrap, waiting, error_metatable) = SHIM.load::<(Function, Function, Table)>(lua, ())?;
        let core = Core {
            guard,
            error_metatable,
            out_of_memory: lua.create_string(OUT_OF_MEMORY)?,
            poisoned: Arc::default(),
        };
        lua.register_userdata_type::<Waiting>(|_| {})?;
        let run = core.run_waiting(lua)?;
        let refuse = core.refuse_waiting(lua)?;
        Ok(Self {
            core,
            wrap,
            wrap_waiting: waiting.call((run, refuse))?,
        })
    }

    /// Whether the host has failed in this VM.
    pub(super) fn poisoned(&self) -> &Arc<AtomicBool> {
        &self.core.poisoned
    }

    /// A function that returns at once. `name` is what errors call it (`state.guild`).
    pub fn function<F, R>(&self, lua: &Lua, name: &'static str, run: F) -> mlua::Result<Function>
    where
        F: Fn(&Lua, &Arguments) -> HostResult<R> + Send + Sync + 'static,
        R: IntoLuaMulti,
    {
        let core = self.core.clone();
        let raw = lua.create_function(move |lua, values: MultiValue| {
            let result = core.check().and_then(|()| {
                let call = || run(lua, &Arguments { name, values });
                catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| Err(core.failed(name)))
            });
            core.answer(lua, result)
        })?;
        self.wrap.call(raw)
    }

    /// A function that waits. It always gives way, even if its result is there at once: whether a coroutine is found
    /// waiting by who resumed it does not depend on how busy the machine is. Only an error that is there at once, such
    /// as that of a wrong argument, is raised at once. What it borrows from Lua must not live across an await.
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
            never_at_once(run(lua, arguments))
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
        let body = lua.create_any_userdata(Waiting {
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

    /// The table that stands for `error` in Luau.
    pub fn error_table(&self, lua: &Lua, error: &HostError) -> mlua::Result<Table> {
        self.core.error_table(lua, error)
    }
}

/// The same future, which lets others run once if its result is there at once.
fn never_at_once<R: 'static>(
    future: impl Future<Output = HostResult<R>>,
) -> impl Future<Output = HostResult<R>> {
    let mut future = Box::pin(future);
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
    /// Runs what the first argument stands for with the others.
    fn run_waiting(&self, lua: &Lua) -> mlua::Result<Function> {
        let core = self.clone();
        lua.create_async_function(move |lua, (body, values): (AnyUserData, MultiValue)| {
            let core = core.clone();
            async move {
                let (name, run) = {
                    let body = body.borrow::<Waiting>()?;
                    (body.name, Arc::clone(&body.run))
                };
                let result = match core.check() {
                    Ok(()) => {
                        let call = async { run(lua.clone(), Arguments { name, values }).await };
                        let ended = AssertUnwindSafe(call).catch_unwind().await;
                        ended.unwrap_or_else(|_| Err(core.failed(name)))
                    }
                    Err(failure) => Err(failure),
                };
                core.answer(&lua, result)
            }
        })
    }

    /// Makes the error of one that is called where it cannot wait.
    fn refuse_waiting(&self, lua: &Lua) -> mlua::Result<Function> {
        let core = self.clone();
        lua.create_function(move |lua, body: AnyUserData| {
            core.check().map_err(|_| mlua::Error::runtime(EXPIRED))?;
            let name = body.borrow::<Waiting>()?.name;
            core.error_table(lua, &cannot_wait(lua, name))
        })
    }

    /// The error for the author when the host itself has failed.
    fn failed(&self, name: &str) -> Failure {
        self.poisoned.store(true, Ordering::Relaxed);
        tracing::error!(
            function = name,
            "The host failed in a function that a cog called. The cog's VM is replaced at its next reload. This is a fault of Cogsmith's: please report it"
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
            return Err(Failure::Vm(mlua::Error::runtime(EXPIRED)));
        }
        Ok(())
    }

    /// What the raw function returns. When memory runs out on the way the author gets what Luau's own functions
    /// raise then: an error of mlua's is held outside of the heap and not counted.
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
            Err(Failure::Host(error)) => {
                let error = self.error_table(lua, &error)?;
                Ok(MultiValue::from_iter([
                    Value::Boolean(false),
                    Value::Table(error),
                ]))
            }
            Err(Failure::Vm(error)) => Err(error),
        }
    }

    /// The table that stands for `error` in Luau.
    fn error_table(&self, lua: &Lua, error: &HostError) -> mlua::Result<Table> {
        let table = lua.create_table()?;
        table.raw_set("kind", error.kind)?;
        table.raw_set("message", error.message.as_str())?;
        for (name, field) in &error.fields {
            match field {
                Field::Integer(number) => table.raw_set(*name, *number)?,
                Field::Text(text) => table.raw_set(*name, text.as_str())?,
                Field::Json(json) => table.raw_set(*name, plain(lua, json)?)?,
            }
        }
        table.set_metatable(Some(self.error_metatable.clone()))?;
        Ok(table)
    }
}

/// A safe point of the host's: refuses once the running slice's time is over, or its memory used up. To be asked for
/// each table in a loop over what an author gave, which may take long to look through however little is in it, and
/// make more than there is room for.
pub fn in_time(lua: &Lua) -> mlua::Result<()> {
    if !raw::allocator::make_room_now(lua) {
        return Err(mlua::Error::MemoryError(OUT_OF_MEMORY.to_owned()));
    }
    match Vm::of(lua) {
        Ok(vm) if vm.is_expired() => Err(mlua::Error::runtime(EXPIRED)),
        _ => Ok(()),
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

/// A chunk of the host's own, compiled once for all VMs; its frames are left out of what authors see.
#[derive(Debug)]
pub struct HostChunk {
    name: &'static str,
    source: &'static str,
    bytecode: OnceLock<Vec<u8>>,
}

impl HostChunk {
    /// A chunk that is compiled when it is first loaded.
    pub const fn new(name: &'static str, source: &'static str) -> Self {
        Self {
            name,
            source,
            bytecode: OnceLock::new(),
        }
    }

    /// Runs the chunk in a VM.
    pub fn load<R: mlua::FromLuaMulti>(
        &self,
        lua: &Lua,
        arguments: impl IntoLuaMulti,
    ) -> mlua::Result<R> {
        let bytecode = if let Some(bytecode) = self.bytecode.get() {
            bytecode
        } else {
            let compiler = Compiler::new().set_optimization_level(1);
            let bytecode = compiler.compile(self.source)?;
            self.bytecode.get_or_init(|| bytecode)
        };
        lua.load(bytecode.as_slice())
            .set_name(format!("=[cogsmith {}]", self.name))
            .set_mode(ChunkMode::Binary)
            .call(arguments)
    }
}

/// Values that are made before the deadline is asked for: making a string takes long while others with the
/// same hash live.
const MADE_AT_ONCE: usize = 64;

/// The integers up to this, in both directions, are numbers of Luau's.
pub const GREATEST_EXACT: u64 = 1 << 53;

/// An integer of JSON's: a number, or the string of its digits where no number of Luau's can be it.
#[allow(clippy::cast_precision_loss, reason = "longer ones come as strings")]
pub fn integer(lua: &Lua, number: i64) -> mlua::Result<Value> {
    if number.unsigned_abs() > GREATEST_EXACT {
        return Ok(Value::String(lua.create_string(number.to_string())?));
    }
    Ok(Value::Number(number as f64))
}

/// A JSON tree as plain, writable Luau tables; `null` becomes nil.
pub fn plain(lua: &Lua, json: &crate::json::Json) -> mlua::Result<Value> {
    use crate::json::Json;
    Ok(match json {
        Json::Null => Value::Nil,
        Json::Bool(value) => Value::Boolean(*value),
        Json::Integer(number) => integer(lua, *number)?,
        Json::Number(number) => Value::Number(*number),
        Json::String(text) => Value::String(lua.create_string(text.as_ref())?),
        Json::Array(items) => {
            let table = lua.create_table_with_capacity(items.len(), 0)?;
            for (index, item) in items.iter().enumerate() {
                if index % MADE_AT_ONCE == 0 {
                    in_time(lua)?;
                }
                table.raw_set(index + 1, plain(lua, item)?)?;
            }
            Value::Table(table)
        }
        Json::Object(fields) => {
            let table = lua.create_table_with_capacity(0, fields.len())?;
            table.set_metatable(Some(object_mark(lua)?))?;
            for (index, (key, value)) in fields.iter().enumerate() {
                if index % MADE_AT_ONCE == 0 {
                    in_time(lua)?;
                }
                table.raw_set(key.as_ref(), plain(lua, value)?)?;
            }
            Value::Table(table)
        }
    })
}

/// Bytes of a string argument: it is copied, and Luau does not count the copy.
const LONGEST_STRING: usize = 1 << 20;

/// The arguments of one call, and the words for what is wrong with them.
#[derive(Debug)]
pub struct Arguments {
    name: &'static str,
    values: MultiValue,
}

impl Arguments {
    /// What errors call the function.
    pub fn function(&self) -> &'static str {
        self.name
    }

    /// The argument at `index` (from 0); nil where none was given.
    pub fn value(&self, index: usize) -> Value {
        self.values.get(index).cloned().unwrap_or(Value::Nil)
    }

    /// How many were given.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether none was given.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The error for argument `what`.
    pub fn wrong(&self, what: &str, expected: &str, got: &Value) -> Failure {
        HostError::argument(self.name, what, expected, &describe(got)).into()
    }

    /// A string argument of at most 1 MB. Numbers are not taken for strings.
    pub fn string(&self, index: usize, what: &str) -> HostResult<String> {
        match self.value(index) {
            Value::String(text) if text.as_bytes().len() > LONGEST_STRING => {
                let expected = format!("a string of at most {} MB", LONGEST_STRING >> 20);
                Err(self.wrong(what, &expected, &Value::String(text)))
            }
            Value::String(text) => Ok(text.to_string_lossy()),
            other => Err(self.wrong(what, "a string", &other)),
        }
    }

    /// A string argument, or nothing.
    pub fn optional_string(&self, index: usize, what: &str) -> HostResult<Option<String>> {
        match self.value(index) {
            Value::Nil => Ok(None),
            _ => self.string(index, what).map(Some),
        }
    }

    /// A number argument that is not NaN.
    pub fn number(&self, index: usize, what: &str) -> HostResult<f64> {
        let value = self.value(index);
        number(&value).ok_or_else(|| self.wrong(what, "a number", &value))
    }

    /// A table argument.
    pub fn table(&self, index: usize, what: &str) -> HostResult<Table> {
        match self.value(index) {
            Value::Table(table) => Ok(table),
            other => Err(self.wrong(what, "a table", &other)),
        }
    }

    /// A table argument, or nothing.
    pub fn optional_table(&self, index: usize, what: &str) -> HostResult<Option<Table>> {
        match self.value(index) {
            Value::Nil => Ok(None),
            _ => self.table(index, what).map(Some),
        }
    }

    /// A string argument of at most `most` bytes.
    pub fn short_string(&self, index: usize, what: &str, most: usize) -> HostResult<String> {
        match self.value(index) {
            Value::String(text) if text.as_bytes().len() <= most => Ok(text.to_string_lossy()),
            other => {
                let expected = format!("a string of at most {most} characters");
                Err(self.wrong(what, &expected, &other))
            }
        }
    }

    /// A function argument.
    pub fn callback(&self, index: usize, what: &str) -> HostResult<Function> {
        match self.value(index) {
            Value::Function(function) => Ok(function),
            other => Err(self.wrong(what, "a function", &other)),
        }
    }

    /// A duration: seconds as a number, or a string such as `"90s"`, `"5m"`, `"1h 30m"`.
    pub fn duration(&self, index: usize, what: &str) -> HostResult<std::time::Duration> {
        let value = self.value(index);
        duration(&value).ok_or_else(|| self.wrong(what, EXPECTED_DURATION, &value))
    }
}

/// How errors describe a duration.
pub const EXPECTED_DURATION: &str = "a duration: seconds, or a string like \"90s\", \"5m\", \"2h\"";

/// A number that is not NaN.
#[allow(clippy::cast_precision_loss, reason = "Luau numbers are f64 anyway")]
pub fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(number) => Some(*number as f64),
        Value::Number(number) if !number.is_nan() => Some(*number),
        _ => None,
    }
}

/// A duration of at most ten years: seconds as a number, or a string.
pub fn duration(value: &Value) -> Option<std::time::Duration> {
    const LONGEST: f64 = 10.0 * 366.0 * 86_400.0;
    const LONGEST_TEXT: usize = 200;
    let duration = match value {
        Value::String(text) if text.as_bytes().len() > LONGEST_TEXT => return None,
        Value::String(text) => humantime::parse_duration(&text.to_string_lossy()).ok()?,
        _ => std::time::Duration::try_from_secs_f64(number(value)?).ok()?,
    };
    (duration.as_secs_f64() <= LONGEST).then_some(duration)
}

/// Characters of a string that errors show.
const SHOWN: usize = 40;

/// The head of a name that an author gave, for an error.
pub fn shown_name(name: &str) -> String {
    let short: String = name.chars().take(SHOWN).collect();
    let dots = if short.len() < name.len() { "…" } else { "" };
    format!("{short}{dots}")
}

/// What a value is, for the end of "expected …, got …". Never calls into Luau.
pub fn describe(value: &Value) -> String {
    match value {
        Value::Nil => "nil".to_owned(),
        Value::Boolean(value) => value.to_string(),
        Value::Integer(number) => format!("the number {number}"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => {
            let bytes = text.as_bytes();
            // Four bytes a character at most: no more than that is looked at.
            let text = String::from_utf8_lossy(bytes.get(..4 * SHOWN).unwrap_or(&bytes));
            let short: String = text.chars().take(SHOWN).collect();
            let dots = if short.len() < bytes.len() { "…" } else { "" };
            format!("the string {short:?}{dots}")
        }
        Value::LightUserData(pointer) if pointer.0.is_null() => "null".to_owned(),
        other => format!("a {}", other.type_name()),
    }
}

/// The metatable of tables that are objects in JSON, also when they are empty.
struct ObjectMark(Table);

/// The metatable by which a table is known to be an object in JSON, also when it is empty. It holds nothing and
/// cannot be changed, so that such a table does what any other does.
pub fn object_mark(lua: &Lua) -> mlua::Result<Table> {
    if let Some(mark) = lua.app_data_ref::<ObjectMark>() {
        return Ok(mark.0.clone());
    }
    let mark = lua.create_table()?;
    mark.set_readonly(true);
    lua.set_app_data(ObjectMark(mark.clone()));
    Ok(mark)
}

/// Whether a table is marked as an object in JSON.
pub fn is_object(table: &Table) -> bool {
    let Some(metatable) = table.metatable() else {
        return false;
    };
    let lua = table.weak_lua().try_upgrade();
    lua.is_some_and(|lua| {
        lua.app_data_ref::<ObjectMark>()
            .is_some_and(|mark| mark.0 == metatable)
    })
}

/// A value that becomes exactly one Luau value.
pub fn one(lua: &Lua, value: impl IntoLua) -> HostResult<Value> {
    Ok(value.into_lua(lua)?)
}

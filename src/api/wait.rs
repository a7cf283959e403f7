//! Events that handlers wait for: `cog.wait.<event> { … }`.
//!
//! ```text
//! an event ─ waits.rs (its ids are compared) ─ the line of each wait that it fits ─ next ─ `where` ─ the handler goes on
//! ```
//!
//! A wait goes past its cog's mailbox: a cog whose handlers all wait takes nothing from there. `where` runs in the
//! coroutine that waits, so what it does is its handler's doing. Each wait belongs to a coroutine of a handler or of a
//! task, so there are no more of them than of these, and it ends with it.

use super::context::CogContext;
use super::fields::Fields;
use super::limit_checks::LimitChecks;
use super::object;
use super::phase::may_act;
use super::waits::{Awaiting, IdFilter, Place};
use crate::activity::{Activity, Busy};
use crate::charge::Charge;
use crate::clock::Clock;
use crate::discord::event::Event;
use crate::discord::event_ids::IdKind;
use crate::discord::events::{EventDefinition, event, intents};
use crate::lock::lock;
use crate::vm::host::{Arguments, Host, HostError, HostResult};
use crate::vm::life::Life;
use crate::vm::memory::held::Memory;
use crate::vm::slice::waiting;
use mlua::{Function, Lua, Table, Value};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

/// One wait lasts at most this long.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// Bytes that a wait itself is charged for.
const EACH_WAIT: usize = 1 << 10;
/// Bytes that an event in a wait's line takes apart from its text.
const EACH_EVENT: usize = 512;

/// Reads `channel_id`, `user_id` and `message_id`.
fn filter_of(fields: &Fields<'_>, event: &EventDefinition) -> HostResult<IdFilter> {
    let id = |name: &'static str, kind: IdKind| -> HostResult<Option<u64>> {
        let Some((_, id)) = fields.id(name)? else {
            return Ok(None);
        };
        if kind.is_in(event) {
            return Ok(Some(id));
        }
        let (function, event) = (&fields.function, event.name);
        let message =
            format!("{function}: {name}: no {event} says this id, so nothing would ever come");
        Err(HostError::new("argument", message).into())
    };
    Ok(IdFilter {
        channel: id("channel_id", IdKind::Channel)?,
        user: id("user_id", IdKind::User)?,
        message: id("message_id", IdKind::Message)?,
    })
}

/// One wait of one coroutine.
#[derive(Debug)]
struct EventWait {
    event: &'static EventDefinition,
    /// Until when, on the bot's clock.
    until: Duration,
    /// Whether there is a `where`, so that several events may be looked at.
    takes_several: bool,
    activity: Activity,
    limits: Arc<LimitChecks>,
    /// The version whose code waits.
    life: Arc<Life>,
    /// Where the events in its line are counted.
    memory: Arc<Memory>,
    line: Mutex<Line>,
    arrival: Notify,
    _charge: Arc<Charge>,
}

/// Events that fit a wait and that it has not looked at.
#[derive(Debug, Default)]
struct Line {
    events: VecDeque<(Arc<Event>, Charge)>,
    /// Takes no more.
    is_closed: bool,
    /// Whether its coroutine does nothing but wait.
    is_listened_to: bool,
    /// The bot is busy from the arrival of an event on until the coroutine has it.
    busy: Option<Busy>,
}

impl Awaiting for EventWait {
    fn give(&self, event: &Arc<Event>) {
        // A cog that has to pause hears no events, but what is left of an older version has a time of its own.
        if !self.life.is_retired() && self.limits.pauses() {
            return;
        }
        let mut line = lock(&self.line);
        if line.is_closed || !self.takes_several && !line.events.is_empty() {
            return;
        }
        let bytes = event.size() + EACH_EVENT;
        let Some(charge) = self.limits.room_for_awaited(&self.memory, bytes) else {
            drop(line);
            self.limits.count_unheard(event);
            return;
        };
        line.events.push_back((Arc::clone(event), charge));
        if line.is_listened_to && line.busy.is_none() {
            line.busy = Some(self.activity.begin());
        }
        drop(line);
        self.arrival.notify_one();
    }
}

impl EventWait {
    /// The next event in its line, with the sign that the bot is busy with it.
    async fn arrived(&self) -> (Arc<Event>, Charge, Option<Busy>) {
        loop {
            {
                let mut line = lock(&self.line);
                if let Some((event, charge)) = line.events.pop_front() {
                    return (event, charge, line.busy.take());
                }
            }
            self.arrival.notified().await;
        }
    }

    fn set_listened_to(&self, is_listened_to: bool) {
        let mut line = lock(&self.line);
        line.is_listened_to = is_listened_to;
        line.busy = (is_listened_to && !line.events.is_empty()).then(|| self.activity.begin());
    }

    /// Takes no more events; those in the line stay.
    fn close(&self) {
        lock(&self.line).is_closed = true;
    }
}

/// A wait, as Luau holds it between two events. It is known to the bot until it has ended or is collected.
struct Registered {
    cog: Arc<CogContext>,
    wait: Arc<EventWait>,
    place: Place,
    has_ended: AtomicBool,
}

impl Registered {
    /// It has come to its end: it hears nothing any more and holds nothing.
    fn end(&self) {
        if self.has_ended.swap(true, Ordering::Relaxed) {
            return;
        }
        self.cog.holds.fetch_sub(1, Ordering::Relaxed);
        self.cog.services.waits.remove(self.place);
        let mut line = lock(&self.wait.line);
        let left = std::mem::take(&mut line.events);
        line.is_closed = true;
        line.busy = None;
        drop(line);
        drop(left);
    }

    /// The next event that fits; nothing when the time is over.
    async fn next(self: Arc<Self>, lua: &Lua) -> HostResult<Option<Arc<Event>>> {
        let clock: Clock = self.cog.services.clock.clone();
        let left = self.wait.until.saturating_sub(clock.now());
        let mut listening = Listening {
            registered: &self,
            has_ended: false,
        };
        if left.is_zero() {
            // What came in time is still looked at.
            self.wait.close();
        }
        self.wait.set_listened_to(true);
        // Set before the run counts as waiting: whoever moves the clock then finds it.
        let alarm = clock.alarm(left);
        let heard = waiting(lua, async {
            tokio::select! {
                biased;
                (event, charge, busy) = self.wait.arrived() => Ok((event, charge, busy)),
                woken = alarm => Err(woken),
            }
        });
        // What says that the bot is busy is held until the run counts as busy again.
        let heard = heard.await;
        listening.has_ended = true;
        self.wait.set_listened_to(false);
        let (event, woken) = match heard {
            Ok((event, charge, busy)) => {
                drop((charge, busy));
                (Some(event), None)
            }
            Err(woken) => (None, Some(woken)),
        };
        if event.is_none() || !self.wait.takes_several {
            self.end();
        }
        drop(woken);
        Ok(event)
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.end();
    }
}

/// Whoever is stopped while waiting waits no longer, although Luau's garbage may still hold the wait.
struct Listening<'a> {
    registered: &'a Registered,
    has_ended: bool,
}

impl Drop for Listening<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.registered.end();
        }
    }
}

/// A wait in Luau's hands.
struct Handle(Arc<Registered>);

/// Adds to `raw` what `cog.wait` is made of.
pub(super) fn install(
    lua: &Lua,
    host: &Host,
    cog: &Arc<CogContext>,
    raw: &Table,
) -> mlua::Result<()> {
    lua.register_userdata_type::<Handle>(|_| {})?;
    let owner = Arc::clone(cog);
    // The first event, and where there is a `where` also the wait and that function.
    let first = host.async_function(lua, "cog.wait", move |lua, arguments| {
        let prepared = register(&lua, &owner, &arguments);
        async move {
            let (registered, is_wanted) = prepared?;
            let registered = Arc::new(registered);
            let event = Arc::clone(&registered).next(&lua).await?;
            let object = received(&lua, &registered, event)?;
            let more = is_wanted.filter(|_| !object.is_nil());
            match more {
                Some(is_wanted) => {
                    let handle = lua.create_any_userdata(Handle(registered))?;
                    Ok((object, Some(handle), Some(is_wanted)))
                }
                None => Ok((object, None, None)),
            }
        }
    })?;
    raw.raw_set("wait", first)?;
    let again = host.async_function(lua, "cog.wait", |lua, arguments| {
        let registered = registered_of(&arguments);
        async move {
            let registered = registered?;
            let event = Arc::clone(&registered).next(&lua).await?;
            received(&lua, &registered, event)
        }
    })?;
    raw.raw_set("wait_again", again)?;
    let end = host.function(lua, "cog.wait", |_, arguments| {
        registered_of(arguments)?.end();
        Ok(())
    })?;
    raw.raw_set("end_wait", end)
}

fn registered_of(arguments: &Arguments) -> HostResult<Arc<Registered>> {
    if let Value::UserData(data) = arguments.value(0)
        && let Ok(handle) = data.borrow::<Handle>()
    {
        return Ok(Arc::clone(&handle.0));
    }
    Err(arguments.wrong("", "a wait", &arguments.value(0)))
}

/// The event as the author's object, or nil.
fn received(lua: &Lua, registered: &Registered, event: Option<Arc<Event>>) -> HostResult<Value> {
    let Some(event) = event else {
        return Ok(Value::Nil);
    };
    let schema = Some(registered.wait.event.gateway_name);
    let object = object::receive(lua, &registered.cog, event.data(), schema);
    if object.is_err() {
        registered.end();
    }
    object
}

/// `(event, how)`: checks the arguments, and has the wait hear events from now on.
fn register(
    lua: &Lua,
    cog: &Arc<CogContext>,
    arguments: &Arguments,
) -> HostResult<(Registered, Option<Function>)> {
    let Some(event) = event(&arguments.string(0, "the event")?) else {
        return Err(arguments.wrong("the event", "the name of an event", &arguments.value(0)));
    };
    let function = format!("cog.wait.{}", event.name);
    let generation = may_act(lua, &function)?;
    let Value::Table(how) = arguments.value(1) else {
        let got = crate::vm::host::describe(&arguments.value(1));
        return Err(HostError::argument(&function, "", "a table", &got).into());
    };
    let fields = Fields::of(function, &how);
    fields.only(&["channel_id", "user_id", "message_id", "timeout", "where"])?;
    let filter = filter_of(&fields, event)?;
    let timeout = timeout_of(&fields)?;
    let is_wanted = fields.function("where")?;
    can_come(cog, &fields.function, event)?;
    let charge = cog.charges.of_bytes(lua, EACH_WAIT)?;
    let services = &cog.services;
    let wait = Arc::new(EventWait {
        event,
        until: services.clock.now() + timeout,
        takes_several: is_wanted.is_some(),
        activity: services.activity.clone(),
        limits: Arc::clone(&cog.limits),
        life: Arc::clone(&generation.life),
        memory: Arc::clone(&cog.slots().awaited),
        line: Mutex::default(),
        arrival: Notify::new(),
        _charge: charge,
    });
    let place = services
        .waits
        .add(event.name, filter, Arc::clone(&wait) as _);
    cog.holds.fetch_add(1, Ordering::Relaxed);
    let registered = Registered {
        cog: Arc::clone(cog),
        wait,
        place,
        has_ended: AtomicBool::new(false),
    };
    Ok((registered, is_wanted))
}

fn timeout_of(fields: &Fields<'_>) -> HostResult<Duration> {
    let expected = "a duration of at most 15 minutes, like \"90s\" or \"5m\"";
    let timeout = fields.duration("timeout")?;
    let timeout = timeout.ok_or_else(|| fields.wrong("timeout", expected, &Value::Nil))?;
    if timeout > LONGEST {
        let function = &fields.function;
        let message = format!(
            "{function}: timeout: a wait lasts at most 15 minutes; for longer listen with cog.on, and keep in the state what is waited for"
        );
        return Err(HostError::new("limit", message).into());
    }
    Ok(timeout)
}

/// Raises where the connection has no intent with which the event comes.
fn can_come(cog: &CogContext, function: &str, event: &EventDefinition) -> HostResult<()> {
    let needed = intents::of(event.intents.iter().copied()).unwrap_or_default();
    let connection = cog.services.connection.load();
    if needed == 0 || connection.granted() & needed != 0 {
        return Ok(());
    }
    let names = event.intents.join(" or ");
    let why = if connection.refused & needed == needed {
        format!(
            "Discord does not let the bot use {names}: switch it on in Discord's developer portal"
        )
    } else {
        format!(
            "the connection does not have the intent that this event needs ({names}): put it into intents of cog.info; when that is new, the connection has it a moment later"
        )
    };
    Err(HostError::new("intents", format!("{function}: {why}")).into())
}

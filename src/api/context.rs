//! What the functions of one cog know about their cog.

use super::declarations::{Declarations, MOST_CALLS_OF_DEFAULTS, Staged};
use super::limits::{Limit, Met, kilobytes};
use super::object::Charge;
use super::pace::Pace;
use super::quarantine::Quarantine;
use super::services::Services;
use super::state::Space;
use crate::activity::Busy;
use crate::problem::Place;
use crate::recent::Recent;
use crate::state::{Namespace, StateError, Table, View};
use crate::vm::account::CpuAccount;
use crate::vm::build::Vm;
use crate::vm::generation::{Generation, Phase};
use crate::vm::host::{HostError, HostResult};
use crate::vm::turn::Turn;
use mlua::{Function, Lua, MultiValue, Thread};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};

/// One cog, as its functions see it. Outlives its VMs.
#[derive(Debug)]
pub struct CogContext {
    /// The cog's name (`fun.dice`).
    pub name: Arc<str>,
    /// The bot's parts.
    pub services: Arc<Services>,
    /// The state that committed code sees.
    live_state: Mutex<StateViews>,
    /// The state that a generation sees while it is prepared: its writes wait for the commit.
    staged_state: Mutex<Option<StateViews>>,
    /// What the top level that runs now has declared.
    staged: Mutex<Staged>,
    /// What the generation that is prepared asks for, once its files have run.
    asked: Mutex<Option<BTreeSet<String>>>,
    /// Capabilities of the committed generation, asked for and granted.
    capabilities: Mutex<BTreeSet<String>>,
    /// Functions to be run by the actor.
    spawner: mpsc::UnboundedSender<Spawn>,
    /// Spawned functions that are to be stopped, by the address of their coroutine.
    cancelled: Mutex<Vec<usize>>,
    /// Rings when one is added.
    pub cancel_notice: Notify,
    /// Bytes of Discord's objects and of snapshots of the state that Luau holds; see `charge`.
    pub object_bytes: Arc<AtomicUsize>,
    /// The snapshots of the state that are being gone through, by address.
    snapshots: Mutex<HashMap<usize, Weak<Charge>>>,
    /// Bytes of the requests that are under way.
    pub request_bytes: Arc<AtomicUsize>,
    /// The processor time that its code uses.
    pub account: Arc<CpuAccount>,
    /// Whether it is kept out of the way.
    pub quarantine: Quarantine,
    /// How often it has met its limits.
    pub met: Met,
    /// Bytes of Luau's heap after the last slice.
    heap: AtomicUsize,
    /// Coroutines, and those that are garbage by now.
    coroutines: AtomicUsize,
    /// Timers of the committed generation.
    timers: AtomicUsize,
    /// Work in the mailbox.
    waiting: AtomicUsize,
    /// Tasks that have been made and have not ended.
    tasks: Arc<AtomicUsize>,
    /// Locks that are held.
    pub locks: Arc<AtomicUsize>,
    calls: Pace,
    /// Requests to other servers.
    requests: Pace,
    /// Calls that Discord has refused.
    refused_calls: Mutex<Recent>,
    /// The processor time that it uses.
    pub turn: Arc<Turn>,
    lines: Pace,
    /// How often the log says that lines are left out, and that they were.
    floods: Pace,
    flood_ends: Pace,
    refusals: Pace,
    /// Lines of the log that were left out since the last one that was not.
    lines_left_out: AtomicUsize,
}

/// How long a call that Discord has refused counts: as long as Discord counts it.
const REFUSALS_COUNT: Duration = Duration::from_secs(600);
/// What limits of ten seconds are counted in.
const PACE: Duration = Duration::from_secs(10);
/// Commands within ten seconds that are told that the mailbox is full.
const MOST_REFUSALS: u32 = 5;

/// A task counts until this is dropped.
#[derive(Debug)]
pub struct TaskPlace(Arc<AtomicUsize>);

impl Drop for TaskPlace {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A cog's state as one generation sees it.
#[derive(Clone, Debug)]
pub struct StateViews {
    /// What is stored.
    pub stored: View,
    /// What lives in memory only, and survives reloads.
    pub session: View,
    /// What cogs share, by name: kept here because a view has its own defaults.
    shared: Arc<Mutex<BTreeMap<Arc<str>, View>>>,
}

impl StateViews {
    fn of(services: &Services, cog: &str) -> Self {
        let namespace = Namespace::cog(cog);
        let stored = services.store.view(&namespace);
        let session = stored.session_beside(&namespace);
        Self {
            stored,
            session,
            shared: Arc::default(),
        }
    }

    /// The view of one space.
    pub fn view(&self, space: &Space) -> View {
        match space {
            Space::Own => self.stored.clone(),
            Space::Session => self.session.clone(),
            Space::Shared(name) => lock(&self.shared)
                .entry(Arc::clone(name))
                .or_insert_with(|| self.stored.beside(&Namespace::shared(name)))
                .clone(),
        }
    }
}

/// A task: a handler that a cog wants run on its own.
#[derive(Debug)]
pub struct Spawn {
    /// The coroutine that the author holds in order to cancel it.
    pub thread: Thread,
    /// What drives it.
    pub function: Function,
    /// Its arguments.
    pub arguments: MultiValue,
    /// When it begins.
    pub after: Duration,
    /// The generation whose code it is.
    pub generation: Arc<Generation>,
    /// Its place among the cog's tasks.
    pub place: TaskPlace,
    /// The bot is busy with it from the call on.
    pub busy: Busy,
}

impl CogContext {
    /// A cog that has not been loaded yet.
    pub fn new(name: &str, services: Arc<Services>, spawner: mpsc::UnboundedSender<Spawn>) -> Self {
        let pace = || Pace::new(PACE, &services.clock);
        Self {
            name: name.into(),
            live_state: Mutex::new(StateViews::of(&services, name)),
            staged_state: Mutex::default(),
            staged: Mutex::default(),
            asked: Mutex::default(),
            capabilities: Mutex::default(),
            spawner,
            object_bytes: Arc::default(),
            cancelled: Mutex::default(),
            cancel_notice: Notify::new(),
            snapshots: Mutex::default(),
            request_bytes: Arc::default(),
            account: Arc::default(),
            quarantine: Quarantine::default(),
            met: Met::default(),
            heap: AtomicUsize::new(0),
            coroutines: AtomicUsize::new(0),
            timers: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            tasks: Arc::default(),
            locks: Arc::default(),
            turn: Arc::default(),
            calls: pace(),
            requests: pace(),
            refused_calls: Mutex::new(Recent::new(REFUSALS_COUNT)),
            lines: pace(),
            floods: pace(),
            flood_ends: pace(),
            refusals: pace(),
            lines_left_out: AtomicUsize::new(0),
            services,
        }
    }

    /// The state as the code that runs now sees it.
    pub fn state_views(&self, generation: &Generation) -> StateViews {
        if generation.phase() != Phase::Live
            && let Some(staged) = lock(&self.staged_state).as_ref()
        {
            return staged.clone();
        }
        lock(&self.live_state).clone()
    }

    /// The state as committed code sees it.
    pub fn live_views(&self) -> StateViews {
        lock(&self.live_state).clone()
    }

    /// Raises unless the code that runs may use the state that is shared under `name`: its own version of the cog
    /// asks for it, and config.json grants it. A handle may come from another version, so each use asks.
    pub fn shares(&self, lua: &Lua, name: &str) -> HostResult<()> {
        let capability = format!("shared:{name}");
        if active(lua)?.phase() == Phase::Live {
            return self.require_capability("state.shared", &capability);
        }
        let is_asked = match lock(&self.asked).as_ref() {
            Some(asked) => asked.contains(&capability),
            None => lock(&self.staged).asks_for(&capability),
        };
        self.check_capability("state.shared", &capability, is_asked)
    }

    /// Notes what the generation that is prepared asks for, as its declarations are taken away.
    pub fn stage_capabilities(&self, asked: BTreeSet<String>) {
        *lock(&self.asked) = Some(asked);
    }

    /// Keeps back what a generation writes while it is prepared.
    pub fn stage_state(&self) {
        *lock(&self.asked) = None;
        let views = StateViews::of(&self.services, &self.name);
        views.stored.stage();
        *lock(&self.staged_state) = Some(views);
    }

    /// The state of the generation that is being prepared.
    pub fn staged_state(&self) -> Option<StateViews> {
        lock(&self.staged_state).clone()
    }

    /// Ends staging: what was written takes effect.
    pub fn commit_state(&self) {
        *lock(&self.asked) = None;
        if let Some(views) = lock(&self.staged_state).take() {
            views.stored.commit();
            views.stored.flush();
            *lock(&self.live_state) = views;
        }
    }

    /// Ends staging: nothing remains.
    pub fn discard_state(&self) {
        *lock(&self.asked) = None;
        if let Some(views) = lock(&self.staged_state).take() {
            views.stored.discard();
        }
    }

    /// Hands the writes since the last yield to the disk, as one.
    pub fn flush_state(&self) {
        lock(&self.live_state).stored.flush();
    }

    /// Has a spawned function stopped, or never begun.
    pub fn cancel(&self, thread: usize) {
        lock(&self.cancelled).push(thread);
        self.cancel_notice.notify_one();
    }

    /// The spawned functions that are to be stopped.
    pub fn take_cancelled(&self) -> Vec<usize> {
        std::mem::take(&mut lock(&self.cancelled))
    }

    /// Begins collecting declarations: those of kept modules are taken over.
    pub fn stage_declarations(&self, staged: Staged) {
        *lock(&self.staged) = staged;
    }

    /// What has been declared since.
    pub fn take_declarations(&self) -> Staged {
        std::mem::take(&mut lock(&self.staged))
    }

    /// Adds to the declarations of the module whose top level runs; raises at any other time.
    pub fn declare<R>(
        &self,
        lua: &Lua,
        function: &str,
        add: impl FnOnce(&mut Declarations) -> HostResult<R>,
    ) -> HostResult<R> {
        let module = active(lua)?.declaring();
        let Some(module) = module else {
            let message =
                format!("{function}: only while the file loads: move this to its top level");
            return Err(HostError::new("phase", message).into());
        };
        add(lock(&self.staged).of(module))
    }

    /// Counts among what the files that load now have declared so far. Not while one more is added.
    pub fn declared<R>(&self, count: impl FnOnce(&Staged) -> R) -> R {
        count(&lock(&self.staged))
    }

    /// The generation whose code runs, if that code may act on the world now.
    pub fn may_act(lua: &Lua, function: &str) -> HostResult<Arc<Generation>> {
        let generation = active(lua)?;
        generation.may_act(function)?;
        Ok(generation)
    }

    /// The generation whose code runs, if that code may write state now.
    pub fn may_write(lua: &Lua, function: &str) -> HostResult<Arc<Generation>> {
        let generation = active(lua)?;
        if generation.is_loading() {
            let message = format!("{function}: not while loading: move this into cog.on_ready");
            return Err(HostError::new("phase", message).into());
        }
        Ok(generation)
    }

    /// Has the actor run a function.
    pub fn spawn(&self, spawn: Spawn) {
        // An actor that is gone runs nothing more, and neither does its cog.
        let _sent = self.spawner.send(spawn).is_ok();
    }

    /// Whether the actor that carries out what the cog does is there: it goes when the cog is unloaded.
    pub fn is_running(&self) -> bool {
        !self.spawner.is_closed()
    }

    /// Sets what the committed generation may do.
    pub fn grant(&self, capabilities: BTreeSet<String>) {
        *lock(&self.capabilities) = capabilities;
    }

    /// What the committed generation may do.
    pub fn granted(&self) -> BTreeSet<String> {
        lock(&self.capabilities).clone()
    }

    /// Raises unless the cog asked for `capability` and config.json grants it now.
    pub fn require_capability(&self, function: &str, capability: &str) -> HostResult<()> {
        if DEFAULT_CAPABILITIES.contains(&capability) {
            return Ok(());
        }
        let is_asked = lock(&self.capabilities).contains(capability);
        self.check_capability(function, capability, is_asked)
    }

    fn check_capability(&self, function: &str, capability: &str, is_asked: bool) -> HostResult<()> {
        let message = if is_asked {
            if self.services.config.load().grants(&self.name, capability) {
                return Ok(());
            }
            format!(
                "{function}: needs the capability \"{capability}\", which config.json does not grant this cog"
            )
        } else {
            format!(
                "{function}: needs the capability \"{capability}\": add it to cog.info {{ capabilities = {{ \"{capability}\" }} }}"
            )
        };
        Err(HostError::new("capability", message).into())
    }

    /// The error of `function` for a limit that was met, which is counted.
    pub fn at_limit(&self, limit: Limit, message: String) -> HostError {
        self.met.count(limit);
        HostError::new("limit", message)
    }

    /// Counts one call to Discord against `limits.discord_calls_per_10s`; raises also when too many were refused.
    pub fn count_call(&self, function: &str) -> HostResult<()> {
        let config = self.services.config.load();
        let limit = config.limits.discord_refusals_per_10min;
        if self.refused_calls() >= at_most(limit) {
            let message = format!(
                "{function}: Discord has refused {limit} calls of this cog within ten minutes (limits.discord_refusals_per_10min), and it may make no more for now: see which permissions it lacks"
            );
            return Err(self.at_limit(Limit::DiscordRefusals, message).into());
        }
        let limit = config.limits.discord_calls_per_10s;
        if self.calls.take(limit) {
            return Ok(());
        }
        let message = format!(
            "{function}: this cog has made its {limit} calls to Discord of 10 seconds (limits.discord_calls_per_10s)"
        );
        Err(self.at_limit(Limit::DiscordCalls, message).into())
    }

    /// Counts one request to another server against `limits.http_calls_per_10s`.
    pub fn count_http(&self, function: &str) -> HostResult<()> {
        let limit = self.services.config.load().limits.http_calls_per_10s;
        if self.requests.take(limit) {
            return Ok(());
        }
        let message = format!(
            "{function}: this cog has made its {limit} requests of 10 seconds (limits.http_calls_per_10s)"
        );
        Err(self.at_limit(Limit::HttpCalls, message).into())
    }

    /// Counts a call that Discord has refused.
    pub fn count_refusal(&self) {
        lock(&self.refused_calls).add(self.services.clock.now());
    }

    /// The calls that Discord has refused within ten minutes.
    pub fn refused_calls(&self) -> usize {
        lock(&self.refused_calls).count(self.services.clock.now())
    }

    /// The charge for a snapshot of the state: one for all that go through the same.
    pub fn snapshot(
        &self,
        entries: &Arc<Table>,
        charge: impl FnOnce(usize) -> HostResult<Arc<Charge>>,
    ) -> HostResult<Arc<Charge>> {
        let key = Arc::as_ptr(entries) as usize;
        if let Some(held) = lock(&self.snapshots).get(&key).and_then(Weak::upgrade) {
            return Ok(held);
        }
        // Not under the lock: this may collect garbage, and with it other snapshots.
        let charge = charge(entries.bytes())?;
        let mut snapshots = lock(&self.snapshots);
        snapshots.retain(|_, held| held.strong_count() > 0);
        snapshots.insert(key, Arc::downgrade(&charge));
        Ok(charge)
    }

    /// A place for one more task; raises when there are too many.
    pub fn count_task(&self, function: &str) -> HostResult<TaskPlace> {
        let limit = self.services.config.load().limits.tasks;
        let place = TaskPlace(Arc::clone(&self.tasks));
        if self.tasks.fetch_add(1, Ordering::Relaxed) < at_most(limit) {
            return Ok(place);
        }
        let message = format!(
            "{function}: this cog already has {limit} tasks (limits.tasks), and no more are taken before some of them end"
        );
        Err(self.at_limit(Limit::Tasks, message).into())
    }

    /// Tasks that have been made and have not ended.
    pub fn tasks(&self) -> usize {
        self.tasks.load(Ordering::Relaxed)
    }

    /// Counts one more coroutine. `count` collects garbage and tells how many there are; it is asked when there
    /// seem to be too many.
    pub fn count_coroutine(
        &self,
        function: &str,
        count: impl FnOnce() -> mlua::Result<usize>,
    ) -> HostResult<()> {
        let limit = self.services.config.load().limits.coroutines;
        if self.coroutines() >= at_most(limit) {
            self.coroutines.store(count()?, Ordering::Relaxed);
        }
        if self.coroutines.fetch_add(1, Ordering::Relaxed) < at_most(limit) {
            return Ok(());
        }
        self.coroutines.fetch_sub(1, Ordering::Relaxed);
        let message = format!(
            "{function}: this cog already has {limit} coroutines (limits.coroutines), and no more are made before some of them end"
        );
        Err(self.at_limit(Limit::Coroutines, message).into())
    }

    /// Coroutines, and those that are garbage by now.
    pub fn coroutines(&self) -> usize {
        self.coroutines.load(Ordering::Relaxed)
    }

    /// A fresh VM has no coroutines.
    pub fn forget_coroutines(&self) {
        self.coroutines.store(0, Ordering::Relaxed);
    }

    /// Raises when the files that load now have no room for one more call of `state.defaults` with so many bytes.
    pub fn room_for_defaults(&self, bytes: usize) -> HostResult<()> {
        let (calls, held) = lock(&self.staged).defaults();
        if calls >= MOST_CALLS_OF_DEFAULTS {
            let message = format!(
                "state.defaults: a cog may call it {MOST_CALLS_OF_DEFAULTS} times at most, its services included"
            );
            return Err(HostError::new("limit", message).into());
        }
        let limit = self.services.config.load().limits.state_value_kb;
        if held.saturating_add(bytes) <= kilobytes(limit) {
            return Ok(());
        }
        let message = format!(
            "state.defaults: all defaults of a cog may have {limit} KB together (limits.state_value_kb)"
        );
        Err(self.at_limit(Limit::StateValue, message).into())
    }

    /// Raises when the files that load now declare more timers than one more.
    pub fn room_for_timer(&self, function: &str) -> HostResult<()> {
        let limit = self.services.config.load().limits.timers;
        if lock(&self.staged).timers().count() < at_most(limit) {
            return Ok(());
        }
        let message = format!("{function}: a cog may have {limit} timers (limits.timers)");
        Err(self.at_limit(Limit::Timers, message).into())
    }

    /// Notes how many timers the committed generation has.
    pub fn set_timers(&self, count: usize) {
        self.timers.store(count, Ordering::Relaxed);
    }

    /// Timers of the committed generation.
    pub fn timers(&self) -> usize {
        self.timers.load(Ordering::Relaxed)
    }

    /// Takes a place in the mailbox; false when it is full.
    pub fn enqueue(&self) -> bool {
        let limit = self.services.config.load().limits.mailbox;
        if self.waiting.fetch_add(1, Ordering::Relaxed) < at_most(limit) {
            return true;
        }
        self.dequeue();
        let times = self.met.count(Limit::Mailbox);
        if times.is_power_of_two() {
            tracing::warn!(
                cog = %self.name, times,
                "A cog's mailbox is full: what comes is dropped, because {limit} events already wait (limits.mailbox)"
            );
        }
        false
    }

    /// Gives a place in the mailbox back.
    pub fn dequeue(&self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    /// Work in the mailbox.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Whether one more user may be told that the mailbox is full.
    pub fn may_refuse(&self) -> bool {
        self.refusals.take(MOST_REFUSALS)
    }

    /// Notes how large Luau's heap is.
    pub fn set_memory(&self, bytes: usize) {
        self.heap.store(bytes, Ordering::Relaxed);
    }

    /// Bytes of Luau's heap after the last slice.
    pub fn memory(&self) -> usize {
        self.heap.load(Ordering::Relaxed)
    }

    /// Whether one more line of this cog's may go to the log, so that a flood of them hides nothing else.
    /// `place` tells where it is written.
    pub fn may_log(&self, place: impl FnOnce() -> Option<Place>) -> bool {
        let limit = self.services.config.load().limits.log_lines_per_10s;
        if self.lines.take(limit) {
            if self.lines_left_out.load(Ordering::Relaxed) > 0 && self.flood_ends.take(1) {
                let lines = self.lines_left_out.swap(0, Ordering::Relaxed);
                tracing::warn!(cog = %self.name, lines, "Lines of a cog were left out of the log");
            }
            return true;
        }
        self.met.count(Limit::LogLines);
        let is_first = self.lines_left_out.fetch_add(1, Ordering::Relaxed) == 0;
        if is_first && self.floods.take(1) {
            let place = place().map(|place| format!("{}:{}", place.file, place.line));
            tracing::warn!(
                cog = %self.name, place,
                "A cog writes more than {limit} lines into the log within 10 seconds (limits.log_lines_per_10s): lines are left out"
            );
        }
        false
    }

    /// Returns once every write that the cog made so far is safe on disk: no user sees an answer that a
    /// crash then forgets.
    pub async fn writes_committed(&self) -> HostResult<()> {
        let ticket = lock(&self.live_state).stored.flush();
        ticket.committed().await.map_err(|error| {
            // The writer tells the log why, once until it goes well again. No author is told where the files are.
            let message = match error {
                StateError::Closed => error.to_string(),
                _ => "the state could not be written to disk; the log says why".to_owned(),
            };
            HostError::new("state", message).into()
        })
    }
}

/// What every cog may do: read guilds, channels and roles, and answer where it was called.
const DEFAULT_CAPABILITIES: [&str; 2] = ["always", "guild.read"];

/// The generation whose code runs now.
pub fn active(lua: &Lua) -> HostResult<Arc<Generation>> {
    let vm = Vm::of(lua)?;
    vm.loader()
        .active()
        .ok_or_else(|| HostError::new("phase", "no code of a cog is running").into())
}

fn at_most(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

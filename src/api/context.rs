//! What the functions of one cog know about their cog.

use super::declarations::{Declarations, Staged};
use super::object::Charge;
use super::pace::Pace;
use super::services::Services;
use super::state::Space;
use crate::activity::Busy;
use crate::clock::Clock;
use crate::state::{Namespace, Table, View};
use crate::vm::build::Vm;
use crate::vm::host::{HostError, HostResult};
use crate::vm::require::{Generation, Phase};
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
    /// Tasks that have been made and have not ended.
    tasks: Arc<AtomicUsize>,
    /// Locks that are held.
    pub locks: Arc<AtomicUsize>,
    calls: Mutex<CallBudget>,
    lines: Pace,
    /// Lines of the log that were left out since the last one that was not.
    lines_left_out: AtomicUsize,
}

/// Tasks of one cog at a time.
const MOST_TASKS: usize = 1_000;
/// Lines of the log at once, and in a second.
const MOST_LINES: u32 = 200;
const LINES_A_SECOND: u32 = 20;

/// The calls to Discord that a cog may make.
#[derive(Debug)]
struct CallBudget {
    /// In ten seconds.
    limit: u32,
    pace: Pace,
}

impl CallBudget {
    fn new(limit: u32, clock: &Clock) -> Self {
        Self {
            limit,
            pace: Pace::new(limit, Duration::from_secs(10), clock),
        }
    }
}

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
        let limit = services.config.load().limits.discord_calls_per_10s;
        let clock = &services.clock;
        let calls = CallBudget::new(limit, clock);
        let lines = Pace::new(
            MOST_LINES,
            Duration::from_secs(1) * MOST_LINES / LINES_A_SECOND,
            clock,
        );
        Self {
            name: name.into(),
            live_state: Mutex::new(StateViews::of(&services, name)),
            staged_state: Mutex::default(),
            staged: Mutex::default(),
            capabilities: Mutex::default(),
            spawner,
            object_bytes: Arc::default(),
            cancelled: Mutex::default(),
            cancel_notice: Notify::new(),
            snapshots: Mutex::default(),
            request_bytes: Arc::default(),
            tasks: Arc::default(),
            locks: Arc::default(),
            calls: Mutex::new(calls),
            lines,
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

    /// Raises unless the cog may use the state that is shared under `name`.
    pub fn shares(&self, name: &str) -> HostResult<()> {
        let asked = lock(&self.staged).info().capabilities;
        let capability = format!("shared:{name}");
        if asked.contains(&capability) {
            return Ok(());
        }
        self.require_capability("state.shared", &capability)
    }

    /// Keeps back what a generation writes while it is prepared.
    pub fn stage_state(&self) {
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
        if let Some(views) = lock(&self.staged_state).take() {
            views.stored.commit();
            views.stored.flush();
            *lock(&self.live_state) = views;
        }
    }

    /// Ends staging: nothing remains.
    pub fn discard_state(&self) {
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

    /// Sets what the committed generation may do.
    pub fn grant(&self, capabilities: BTreeSet<String>) {
        *lock(&self.capabilities) = capabilities;
    }

    /// What the committed generation may do.
    pub fn granted(&self) -> BTreeSet<String> {
        lock(&self.capabilities).clone()
    }

    /// Raises unless the cog asked for `capability` and has it.
    pub fn require_capability(&self, function: &str, capability: &str) -> HostResult<()> {
        if DEFAULT_CAPABILITIES.contains(&capability)
            || lock(&self.capabilities).contains(capability)
        {
            return Ok(());
        }
        let message = format!(
            "{function}: needs the capability \"{capability}\": add it to cog.info {{ capabilities = {{ \"{capability}\" }} }}"
        );
        Err(HostError::new("capability", message).into())
    }

    /// Counts one call to Discord against `limits.discord_calls_per_10s`.
    pub fn count_call(&self, function: &str) -> HostResult<()> {
        let limit = self.services.config.load().limits.discord_calls_per_10s;
        {
            let mut calls = lock(&self.calls);
            if calls.limit != limit {
                *calls = CallBudget::new(limit, &self.services.clock);
            }
            if calls.pace.take() {
                return Ok(());
            }
        }
        let message = format!(
            "{function}: this cog has made its {limit} calls to Discord of 10 seconds (limits.discord_calls_per_10s)"
        );
        Err(HostError::new("limit", message).into())
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
        let place = TaskPlace(Arc::clone(&self.tasks));
        if self.tasks.fetch_add(1, Ordering::Relaxed) < MOST_TASKS {
            return Ok(place);
        }
        let message = format!(
            "{function}: this cog already has {MOST_TASKS} tasks, and no more are taken before some of them end"
        );
        Err(HostError::new("limit", message).into())
    }

    /// Whether one more line of this cog's may go to the log, so that a flood of them hides nothing else.
    pub fn may_log(&self) -> bool {
        if !self.lines.take() {
            self.lines_left_out.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        let lines = self.lines_left_out.swap(0, Ordering::Relaxed);
        if lines > 0 {
            tracing::warn!(
                cog = %self.name, lines,
                "Lines of a cog were left out of the log: it writes more than {LINES_A_SECOND} a second"
            );
        }
        true
    }

    /// Returns once every write that the cog made so far is safe on disk: no user sees an answer that a
    /// crash then forgets.
    pub async fn writes_committed(&self) -> HostResult<()> {
        let ticket = lock(&self.live_state).stored.flush();
        ticket
            .committed()
            .await
            .map_err(|error| HostError::new("state", error.to_string()).into())
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! What the functions of one cog know about their cog.

use super::budget::Budget;
use super::charges::Charges;
use super::condition::{Condition, ConditionCell, Transition};
use super::declarations::{Declarations, MOST_CALLS_OF_DEFAULTS, Staged};
use super::lane::Lane;
use super::limit_checks::LimitChecks;
use super::limits::{Limit, LimitHits, at_most, kilobytes, megabytes};
use super::quarantine::Quarantine;
use super::services::Services;
use super::slots::Slots;
use super::state::space::Space;
use super::usage::TaskSlot;
use crate::activity::Busy;
use crate::discord::outbound::CogCaller;
use crate::lock::lock;
use crate::problem::Problem;
use crate::state::{Namespace, StateError, View};
use crate::vm::build::Vm;
use crate::vm::cpu_usage::CpuMeter;
use crate::vm::fair_share::FairShare;
use crate::vm::generation::{Generation, Phase};
use crate::vm::host::{HostError, HostResult};
use crate::vm::life::Life;
use mlua::{Function, Lua, MultiValue, Thread};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};

/// What every cog may do: read guilds, channels and roles.
pub const FREE: &str = "guild.read";

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
    /// Whose work its task does now.
    lane: Arc<Lane>,
    /// Its limits, and what it uses of them.
    pub limits: Arc<LimitChecks>,
    /// What it holds outside of Luau's heap.
    pub charges: Charges,
    /// What is counted by its name.
    pub budget: Arc<Budget>,
    /// The processor time that its code uses.
    pub cpu_meter: Arc<CpuMeter>,
    /// How it stands: what of it runs, and what is in the way of its newest text.
    pub condition: ConditionCell,
    /// What leads it into quarantine.
    pub quarantine: Quarantine,
    /// How often it has met its limits.
    pub limit_hits: Arc<LimitHits>,
    /// Locks that are held.
    pub locks: Arc<AtomicUsize>,
    /// What it has used of its share of the processors.
    pub fair_share: Arc<FairShare>,
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
    /// Its slot among the cog's tasks.
    pub slot: TaskSlot,
    /// The bot is busy with it from the call on.
    pub busy: Busy,
}

impl CogContext {
    /// A cog that has not been loaded yet.
    pub fn new(name: &str, services: Arc<Services>, spawner: mpsc::UnboundedSender<Spawn>) -> Self {
        let name: Arc<str> = name.into();
        let budget = services.budgets.of(&name);
        let lane = Arc::new(Lane::new(&budget));
        let limits = Arc::new(LimitChecks::new(&name, &services, &budget, &lane));
        Self {
            live_state: Mutex::new(StateViews::of(&services, &name)),
            staged_state: Mutex::default(),
            staged: Mutex::default(),
            asked: Mutex::default(),
            capabilities: Mutex::default(),
            spawner,
            cancelled: Mutex::default(),
            cancel_notice: Notify::new(),
            cpu_meter: Arc::clone(&lane.cpu_meter),
            lane,
            charges: Charges::new(&limits),
            limits,
            condition: ConditionCell::default(),
            quarantine: Quarantine::default(),
            limit_hits: Arc::clone(&budget.limit_hits),
            locks: Arc::default(),
            fair_share: Arc::clone(&budget.fair_share),
            budget,
            name,
            services,
        }
    }

    /// Keeps the cog away until another version of it runs; `why` is what is shown of it.
    pub fn begin_quarantine(&self, why: Problem) {
        self.condition.pass(Transition::Quarantined(why));
        self.quarantine.begun.notify_one();
    }

    /// Another version runs: it begins with a clean record.
    pub fn end_quarantine(&self) {
        if self.condition.is(Condition::is_quarantined) {
            crate::supervisor::release(&self.name);
        }
        self.quarantine.forget_stops();
        self.condition.pass(Transition::Released);
    }

    /// The cog as one that calls Discord.
    pub fn caller(&self) -> CogCaller {
        CogCaller {
            name: Arc::clone(&self.name),
            version: self.lane.version(),
            allowance: self.charges.requests_allowance(),
            open: self.slots().calls.clone(),
        }
    }

    /// For how long one of its calls is repeated while Discord fails: a handler that meets two such calls still has
    /// time for what it does about them.
    pub fn patience(&self) -> Duration {
        let seconds = self.services.config.load().limits.handler_seconds;
        Duration::from_secs(seconds.into()) / 3
    }

    /// What the requests may use of the version whose work is done now.
    pub fn slots(&self) -> &Slots {
        self.lane.slots()
    }

    /// Does a part of the work of the version with this life, on the thread of the cog's task. What that takes for an
    /// older version is not charged to the one that answers.
    pub fn work_for<R>(&self, life: &Life, work: impl FnOnce() -> R) -> R {
        if !life.is_retired() {
            return work();
        }
        let stored = self.live_views().stored;
        self.lane.work_for_older(life, &stored, work)
    }

    /// Notes what a VM of this cog holds. Older versions give way if that is too much.
    pub fn note_memory(&self, vm: &Vm) {
        vm.note_memory();
        let config = self.services.config.load();
        let limits = &config.limits;
        let most = megabytes(limits.memory_mb);
        if self.budget.versions.has_pressure(most) {
            // Garbage first.
            vm.collect_growth();
            self.budget.versions.make_room(most);
        }
        self.services.budgets.make_room(limits.total_memory());
    }

    /// A version answers from now on.
    pub fn begin_version(&self, generation: &Arc<Generation>, vm: &Vm) {
        let memory = &vm.limits().held;
        let budgets = &self.services.budgets;
        if budgets.begin(&self.budget, &generation.life, memory, generation.loaded()) {
            self.live_views().stored.begin_version();
        }
        self.cpu_meter.begin(&generation.life.cpu_usage());
        self.limits.set_tasks(&generation.life.tasks);
    }

    /// Bytes that the cog holds, in all of its versions.
    pub fn memory(&self) -> usize {
        self.budget.memory()
    }

    /// Bytes of Discord's objects and of snapshots of the state that Luau holds; see `charges`.
    pub fn object_bytes(&self) -> usize {
        self.budget.outside()
    }

    /// Bytes of the requests that are under way.
    pub fn request_bytes(&self) -> usize {
        self.budget.requests()
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
        if capability == FREE {
            return Ok(());
        }
        let is_asked = lock(&self.capabilities).contains(capability);
        self.check_capability(function, capability, is_asked)
    }

    /// Whether the cog asked for `capability` and config.json grants it now.
    pub fn has_capability(&self, capability: &str) -> bool {
        lock(&self.capabilities).contains(capability)
            && self.services.config.load().grants(&self.name, capability)
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
        Err(self.limits.at_limit(Limit::StateValue, message).into())
    }

    /// Raises when the files that load now declare more timers than one more.
    pub fn room_for_timer(&self, function: &str) -> HostResult<()> {
        let limit = self.services.config.load().limits.timers;
        if lock(&self.staged).timers().count() < at_most(limit) {
            return Ok(());
        }
        let message = format!("{function}: a cog may have {limit} timers (limits.timers)");
        Err(self.limits.at_limit(Limit::Timers, message).into())
    }

    /// Returns once every write that the cog made so far is safe on disk: no user sees an answer that a
    /// crash then forgets.
    pub async fn writes_committed(&self) -> HostResult<()> {
        let written = lock(&self.live_state).stored.flush();
        written.committed().await.map_err(|error| {
            // The writer tells the log why, once until it goes well again. No author is told where the files are.
            let message = match error {
                StateError::Closed => error.to_string(),
                _ => "the state could not be written to disk; the log says why".to_owned(),
            };
            HostError::new("state", message).into()
        })
    }
}

impl Drop for CogContext {
    fn drop(&mut self) {
        self.budget.release(self.services.clock.now());
    }
}

/// The generation whose code runs now.
pub fn active(lua: &Lua) -> HostResult<Arc<Generation>> {
    let vm = Vm::of(lua)?;
    vm.loader()
        .active()
        .ok_or_else(|| HostError::new("phase", "no code of a cog is running").into())
}

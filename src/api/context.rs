//! What the functions of one cog know about their cog: its parts, and what concerns several of them.

use super::budget::Budget;
use super::capabilities::Capabilities;
use super::charges::Charges;
use super::condition::{Condition, ConditionCell, Transition};
use super::declaring::Declaring;
use super::lane::Lane;
use super::limit_checks::LimitChecks;
use super::limits::{LimitHits, megabytes};
use super::own_state::OwnState;
use super::phase::active;
use super::services::Services;
use super::slots::Slots;
use super::spawner::{Spawn, Spawner};
use super::stops::Stops;
use crate::discord::outbound::CogCaller;
use crate::problem::Problem;
use crate::vm::build::Vm;
use crate::vm::cpu_usage::CpuMeter;
use crate::vm::fair_share::FairShare;
use crate::vm::generation::{Generation, Phase};
use crate::vm::host::HostResult;
use crate::vm::life::Life;
use mlua::Lua;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};

/// One cog, as its functions see it. Outlives its VMs.
#[derive(Debug)]
pub struct CogContext {
    /// The cog's name (`fun.dice`).
    pub name: Arc<str>,
    /// The bot's parts.
    pub services: Arc<Services>,
    /// Its state, as its code sees it.
    pub state: OwnState,
    /// What the files that load now have declared.
    pub declaring: Declaring,
    /// What it may do.
    pub capabilities: Capabilities,
    /// Functions that its actor should run.
    pub spawner: Spawner,
    /// The version whose work its task does now.
    lane: Arc<Lane>,
    /// Its limits, and what it uses of them.
    pub limits: Arc<LimitChecks>,
    /// What it holds outside of Luau's heap.
    pub charges: Charges,
    /// What is counted by its name.
    pub budget: Arc<Budget>,
    /// The processor time that its code uses.
    pub cpu_meter: Arc<CpuMeter>,
    /// Its condition: whether it runs, and what keeps its newest text from running.
    pub condition: ConditionCell,
    /// Counts its handlers that were stopped, which leads to quarantine.
    pub stops: Stops,
    /// The same for a version on trial, which they end.
    pub stops_of_trial: Stops,
    /// How often it has met its limits.
    pub limit_hits: Arc<LimitHits>,
    /// Rings when its jobs have changed.
    pub jobs_changed: Notify,
    /// Locks that are held and waits for events: Luau's garbage may hold them on.
    pub holds: Arc<AtomicUsize>,
    /// What it has used of its share of the processors.
    pub fair_share: Arc<FairShare>,
}

impl CogContext {
    /// A cog that has not been loaded yet.
    pub fn new(
        name: &str,
        services: Arc<Services>,
        spawns: mpsc::UnboundedSender<Box<Spawn>>,
    ) -> Self {
        let name: Arc<str> = name.into();
        let budget = services.budgets.of(&name);
        let lane = Arc::new(Lane::new(&budget));
        let limits = Arc::new(LimitChecks::new(&name, &services, &budget, &lane));
        Self {
            state: OwnState::new(&name, &services, &lane),
            declaring: Declaring::new(&limits),
            capabilities: Capabilities::new(&name, &services, &lane),
            spawner: Spawner::new(spawns),
            cpu_meter: Arc::clone(&lane.cpu_meter),
            charges: Charges::new(&limits),
            limits,
            lane,
            condition: ConditionCell::default(),
            stops: Stops::default(),
            stops_of_trial: Stops::default(),
            limit_hits: Arc::clone(&budget.limit_hits),
            jobs_changed: Notify::new(),
            holds: Arc::default(),
            fair_share: Arc::clone(&budget.fair_share),
            budget,
            name,
            services,
        }
    }

    /// Puts the cog into quarantine until another version of it runs; `why` is the reason that is shown.
    pub fn begin_quarantine(&self, why: Problem) {
        self.condition.pass(Transition::Quarantined(why));
        self.services.presence.release(&self.name);
    }

    /// Whether it is in quarantine.
    pub fn is_quarantined(&self) -> bool {
        self.condition.is(Condition::is_quarantined)
    }

    /// Another version runs: its stops are counted from zero.
    pub fn end_quarantine(&self) {
        if self.is_quarantined() {
            crate::supervisor::release(&self.name);
        }
        self.stops.forget();
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

    /// For how long one of its calls is repeated while Discord fails: a handler with two such calls still has time to
    /// handle the errors.
    pub fn patience(&self) -> Duration {
        let seconds = self.services.config.load().limits.handler_seconds;
        Duration::from_secs(seconds.into()) / 3
    }

    /// What the requests may use of the version whose work is done now.
    pub fn slots(&self) -> &Slots {
        self.lane.slots()
    }

    /// Does a part of the work of the version with this life, on the thread of the cog's task. The time for an older
    /// version, or for one on trial, is not charged to the current one.
    pub fn work_for<R>(&self, life: &Life, work: impl FnOnce() -> R) -> R {
        if !life.gives_way() {
            return work();
        }
        let stored = self.state.of_version(life).stored;
        self.lane.work_for_other(life, &stored, work)
    }

    /// Notes what a VM of this cog holds. Older versions are ended if that is too much.
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
        let code = generation.loaded();
        let mut text = DefaultHasher::new();
        code.hash(&mut text);
        let now = self.services.clock.now();
        self.budget.guard.begin(now, text.finish());
        if budgets.begin(&self.budget, &generation.life, memory, code) {
            self.state.live().stored.begin_version();
        }
        self.cpu_meter.begin(&generation.life.cpu_usage());
        self.limits.set_tasks(&generation.life.tasks);
    }

    /// A version answers in one guild from now on, with the writes that were held back while it was prepared.
    pub fn begin_trial(&self, generation: &Arc<Generation>, vm: &Vm) {
        self.capabilities.unstage();
        self.state.commit_trial();
        self.stops_of_trial.forget();
        let memory = &vm.limits().held;
        let budgets = &self.services.budgets;
        budgets.begin_trial(&self.budget, &generation.life, memory);
        self.limits.set_tasks_on_trial(Some(&generation.life.tasks));
    }

    /// That version answers nowhere any more.
    pub fn end_trial(&self) {
        self.state.end_trial();
        self.limits.set_tasks_on_trial(None);
    }

    /// Bytes that the cog holds, in all of its versions.
    pub fn memory(&self) -> usize {
        self.budget.memory()
    }

    /// Bytes of Discord's objects and of snapshots of the state that Luau holds; see `charges`.
    pub fn object_bytes(&self) -> usize {
        self.budget.outside()
    }

    /// Bytes of the requests that are running.
    pub fn request_bytes(&self) -> usize {
        self.budget.requests()
    }

    /// Raises unless the code that runs may use the state that is shared under `name`: its own version of the cog asks
    /// for it, and config.json grants it. A handle may come from another version, so each use checks this.
    pub fn shares(&self, lua: &Lua, name: &str) -> HostResult<()> {
        let capability = format!("shared:{name}");
        if active(lua)?.phase() == Phase::Live {
            return self.capabilities.require("state.shared", &capability);
        }
        let is_declared = || {
            self.declaring
                .declared(|staged| staged.asks_for(&capability))
        };
        self.capabilities
            .require_staged("state.shared", &capability, is_declared)
    }

    /// A generation is prepared from now on: its writes are held back.
    pub fn stage_state(&self) {
        self.capabilities.unstage();
        self.state.stage();
    }

    /// It is committed: its writes take effect.
    pub fn commit_state(&self) {
        self.capabilities.unstage();
        self.state.commit();
    }

    /// The attempt is given up: none of its writes remain.
    pub fn discard_state(&self) {
        self.capabilities.unstage();
        self.state.discard();
    }
}

impl Drop for CogContext {
    fn drop(&mut self) {
        self.budget.release(self.services.clock.now());
    }
}

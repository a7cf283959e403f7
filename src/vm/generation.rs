//! What a cog runs: module instances by id, the requires between them as they were executed, and the immutable
//! snapshot of sources that all of it was read from.
//!
//! A reload makes a new generation which takes over the untouched instances by identity and executes the rest;
//! until it is committed nothing else sees it, and on failure it is dropped. `require` executes.

use super::host::HostError;
use super::life::Life;
use super::load_trace::LoadTrace;
use super::resolve::{ContentHash, ModuleId, Modules as Sources, Target, alias_of, resolve};
use super::trace::Fault;
use crate::lock::lock;
use mlua::Value;
use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// How many missing files the requires in one file may look for: they are remembered, because a file that appears there
/// is a reason to reload.
const MOST_MISSING: usize = 1_000;

/// An immutable snapshot of `lua/`.
pub type Snapshot = Arc<dyn Sources + Send + Sync>;

/// The modules of one cog, as one load or reload left them.
pub struct Generation {
    /// Counts up from 1 with each load of the cog.
    pub number: u64,
    /// The sources that this generation reads, also for a require in a handler.
    snapshot: Mutex<Snapshot>,
    entry: ModuleId,
    modules: Mutex<Modules>,
    /// Its life since it was committed.
    pub life: Arc<Life>,
    /// What those who know what its modules declare keep with it.
    attached: Mutex<Vec<Arc<dyn Any + Send + Sync>>>,
    /// Whether code of it runs that may do nothing but compute: a step of `state.migrate`.
    computes_only: AtomicBool,
    /// The processor time that it used before it was live, in microseconds.
    pub(super) preparing: AtomicU64,
}

#[derive(Debug, Default)]
pub(super) struct Modules {
    pub(super) instances: BTreeMap<ModuleId, Instance>,
    pub(super) edges: BTreeMap<ModuleId, BTreeSet<ModuleId>>,
    /// Modules whose top level failed although the load went on without them, with the hashes of their sources.
    pub(super) failed: BTreeMap<ModuleId, ContentHash>,
    /// What handlers required, by the handler's module: which module was found, and by which request.
    pub(super) late: BTreeMap<ModuleId, BTreeMap<ModuleId, String>>,
    /// Modules whose top level is running, outermost first.
    pub(super) loading: Vec<ModuleId>,
    /// Modules in the order in which their top level ended.
    pub(super) executed: Vec<ModuleId>,
    /// How far the generation has come.
    pub(super) phase: Phase,
    /// The innermost failure of a module's top level, with the chain of requires that led there.
    pub(super) failure: Option<(Fault, Vec<ModuleId>)>,
}

/// What a module's top level has returned.
#[derive(Clone, Debug)]
pub(super) struct Instance {
    pub(super) value: Value,
    pub(super) hash: ContentHash,
}

impl fmt::Debug for Generation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Generation({} of {})", self.number, self.entry)
    }
}

/// How far a generation has come, and so what its code may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Top levels run: they may only declare.
    #[default]
    Declaring,
    /// `on_load` runs: it may also read and write state; the writes are held back until the commit.
    Preparing,
    /// It is committed, or about to be: its code may do everything except declare.
    Live,
}

/// Held while code may do nothing but compute.
#[derive(Debug)]
pub struct ComputeOnly(Arc<Generation>);

impl Drop for ComputeOnly {
    fn drop(&mut self) {
        self.0.computes_only.store(false, Ordering::Relaxed);
    }
}

impl Generation {
    pub(super) fn new(number: u64, snapshot: Snapshot, entry: ModuleId) -> Self {
        Self {
            number,
            snapshot: Mutex::new(snapshot),
            entry,
            modules: Mutex::default(),
            life: Arc::default(),
            attached: Mutex::default(),
            computes_only: AtomicBool::new(false),
            preparing: AtomicU64::new(0),
        }
    }

    pub(super) fn modules(&self) -> MutexGuard<'_, Modules> {
        lock(&self.modules)
    }

    /// The cog's own file.
    pub fn entry(&self) -> &ModuleId {
        &self.entry
    }

    /// The sources that this generation reads.
    pub fn snapshot(&self) -> Snapshot {
        Arc::clone(&lock(&self.snapshot))
    }

    /// Reads from `newest` from now on, if everything loaded so far is unchanged there: then all of it still comes from
    /// one state of the sources.
    pub(super) fn follow(&self, newest: &Snapshot) {
        let mut snapshot = lock(&self.snapshot);
        if Arc::ptr_eq(&snapshot, newest) || self.is_retired() {
            return;
        }
        let modules = self.modules();
        let same_text = modules.instances.iter().all(|(id, module)| {
            let source = newest.source(id);
            source.is_some_and(|source| source.hash == module.hash)
        });
        let mut aliases = modules.edges.values().flatten().filter(|id| id.is_alias());
        let alias = |sources: &Snapshot, id: &ModuleId| hash_of_alias(sources.as_ref(), id);
        if same_text && aliases.all(|id| alias(&snapshot, id) == alias(newest, id)) {
            *snapshot = Arc::clone(newest);
        }
    }

    /// The modules that this generation holds, with the hash of the source that each was made from.
    pub fn loaded(&self) -> BTreeMap<ModuleId, ContentHash> {
        let modules = self.modules();
        let hashes = modules.instances.iter();
        hashes
            .map(|(id, module)| (id.clone(), module.hash))
            .collect()
    }

    /// What it has read and looked for so far.
    pub fn trace(&self) -> LoadTrace {
        let mut read = self.loaded();
        read.extend(self.modules().failed.clone());
        read.extend(self.aliases());
        LoadTrace {
            read,
            edges: self.modules().edges.clone(),
        }
    }

    /// The modules that were tried and failed.
    pub fn failed(&self) -> BTreeSet<ModuleId> {
        self.modules().failed.keys().cloned().collect()
    }

    /// What the aliases that requires went through stand for.
    fn aliases(&self) -> BTreeMap<ModuleId, ContentHash> {
        let snapshot = self.snapshot();
        let modules = self.modules();
        let aliases = modules.edges.values().flatten().filter(|id| id.is_alias());
        aliases
            .filter_map(|id| Some((id.clone(), hash_of_alias(snapshot.as_ref(), id)?)))
            .collect()
    }

    /// The modules that were executed for this generation, in order.
    pub fn executed(&self) -> Vec<ModuleId> {
        self.modules().executed.clone()
    }

    /// The module whose top level runs now, if it may declare.
    pub fn declaring(&self) -> Option<ModuleId> {
        let modules = self.modules();
        (modules.phase == Phase::Declaring)
            .then(|| modules.loading.last().cloned())
            .flatten()
    }

    /// How far it has come.
    pub fn phase(&self) -> Phase {
        self.modules().phase
    }

    /// From now on its code may do everything.
    pub fn go_live(&self) {
        self.modules().phase = Phase::Live;
    }

    /// From now on its code may do everything, for one guild.
    pub fn go_on_trial(&self) {
        self.go_live();
        self.life.begin_trial();
    }

    /// Its cog runs a later generation from `now` on, or none any more: handlers and tasks of it that still run must
    /// end.
    pub fn retire(&self, now: Duration) {
        self.life.retire(now);
    }

    /// Whether it is retired.
    pub fn is_retired(&self) -> bool {
        self.life.is_retired()
    }

    /// Nothing of it runs any more: its cog is in quarantine, or its time is over.
    pub fn close(&self) {
        self.life.close();
    }

    /// Whether it was closed.
    pub(super) fn is_closed(&self) -> bool {
        self.life.is_closed()
    }

    /// Returns once it is retired, with the time at which it was.
    pub async fn retired(&self) -> Duration {
        self.life.retired().await
    }

    /// Keeps something with it, one of each type.
    pub fn attach<T: Send + Sync + 'static>(&self, what: T) {
        lock(&self.attached).push(Arc::new(what));
    }

    /// What is kept with it.
    pub fn attached<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let attached = lock(&self.attached);
        let mut of_type = attached.iter().filter(|it| (***it).is::<T>());
        let found = of_type.next().map(Arc::clone)?;
        drop(attached);
        found.downcast().ok()
    }

    /// As long as what this returns is there, its code may do nothing but compute.
    pub fn compute_only(self: &Arc<Self>) -> ComputeOnly {
        self.computes_only.store(true, Ordering::Relaxed);
        ComputeOnly(Arc::clone(self))
    }

    /// The error for `function`, which is no computing, if the code may only compute.
    pub fn may_look(&self, function: &str) -> Result<(), HostError> {
        if !self.computes_only.load(Ordering::Relaxed) {
            return Ok(());
        }
        let message = format!(
            "{function}: not in a step of state.migrate: it gets the old entry and returns the new one, and does nothing else"
        );
        Err(HostError::new("phase", message))
    }

    /// Whether a module's top level runs now.
    pub fn is_loading(&self) -> bool {
        !self.modules().loading.is_empty()
    }

    /// The error for `function` unless this code may act on the world now.
    pub fn may_act(&self, function: &str) -> Result<(), HostError> {
        self.may_look(function)?;
        let when = if self.is_loading() {
            "not while loading"
        } else if self.phase() == Phase::Live {
            return Ok(());
        } else {
            "not in cog.on_load"
        };
        let message = format!("{function}: {when}: move this into cog.on_ready");
        Err(HostError::new("phase", message))
    }

    /// Drops modules that the entry no longer reaches, so that a dependency that an edit removed is gone.
    pub(super) fn forget_unreachable(&self) {
        let mut modules = self.modules();
        let mut reached = BTreeSet::new();
        let mut open = vec![self.entry.clone()];
        while let Some(id) = open.pop() {
            if reached.insert(id.clone())
                && let Some(targets) = modules.edges.get(&id)
            {
                open.extend(targets.iter().cloned());
            }
        }
        modules.instances.retain(|id, _| reached.contains(id));
        modules.edges.retain(|id, _| reached.contains(id));
        modules.failed.retain(|id, _| reached.contains(id));
        modules.late.retain(|id, _| reached.contains(id));
    }

    /// Takes over instances by identity, with their requires.
    pub(super) fn take_over(&self, base: &Self, keep: &BTreeSet<ModuleId>) {
        let base = base.modules();
        let mut modules = self.modules();
        for id in keep {
            if let Some(instance) = base.instances.get(id) {
                modules.instances.insert(id.clone(), instance.clone());
                let edges = base.edges.get(id).cloned().unwrap_or_default();
                let failed = edges.iter().filter_map(|to| base.failed.get_key_value(to));
                modules
                    .failed
                    .extend(failed.map(|(id, hash)| (id.clone(), *hash)));
                modules.edges.insert(id.clone(), edges);
                let late = base.late.get(id).cloned().unwrap_or_default();
                modules.late.insert(id.clone(), late);
            }
        }
    }

    /// What `require(request)` in `from` means here. Every file that could change this becomes part of the graph.
    pub(super) fn find(&self, from: &ModuleId, request: &str) -> Result<Target, HostError> {
        let found = resolve(self.snapshot().as_ref(), from, request);
        let mut modules = self.modules();
        let targets: &[ModuleId] = match &found {
            Ok(Target::Host(_)) => &[],
            Ok(Target::Module(id)) => std::slice::from_ref(id),
            Err(error) => {
                modules.room_for_missing(from, &error.candidates)?;
                &error.candidates
            }
        };
        if !matches!(found, Ok(Target::Host(_))) {
            let edges = modules.edges.entry(from.clone()).or_default();
            edges.extend(targets.iter().cloned().chain(alias_of(request)));
        }
        found.map_err(|error| HostError::new("module", error.to_string()))
    }

    /// The module that `require(request)` in a handler in `from` found before and would find again.
    pub(super) fn found_before(&self, from: &ModuleId, request: &str) -> Option<Value> {
        let Ok(Target::Module(id)) = resolve(self.snapshot().as_ref(), from, request) else {
            return None;
        };
        let modules = self.modules();
        modules
            .late
            .get(from)?
            .get(&id)
            .filter(|it| *it == request)?;
        modules.instances.get(&id).map(|it| it.value.clone())
    }

    /// Notes what a handler in `from` has found. One request for each module is enough, and a cog cannot
    /// make it many.
    pub(super) fn note_late(&self, from: &ModuleId, id: &ModuleId, request: &str) {
        let mut modules = self.modules();
        let late = modules.late.entry(from.clone()).or_default();
        late.entry(id.clone()).or_insert_with(|| request.to_owned());
    }

    /// What handlers of `base` in `from` required, if `from` is unchanged.
    pub(super) fn late_again(&self, base: &Self, from: &ModuleId) -> Vec<String> {
        let base = base.modules();
        let hash = |modules: &Modules| modules.instances.get(from).map(|it| it.hash);
        if hash(&base) != hash(&self.modules()) {
            return Vec::new();
        }
        let late = base.late.get(from).into_iter().flat_map(BTreeMap::values);
        late.cloned().collect()
    }
}

impl Modules {
    /// Raises when there is no room for one more require in `from` that finds nothing.
    fn room_for_missing(&self, from: &ModuleId, candidates: &[ModuleId]) -> Result<(), HostError> {
        let Some(known) = self.edges.get(from) else {
            return Ok(());
        };
        let missing = known.iter().filter(|id| !self.instances.contains_key(*id));
        let missing = missing.count();
        if missing + candidates.len() <= MOST_MISSING
            || candidates.iter().all(|id| known.contains(id))
        {
            return Ok(());
        }
        let message =
            format!("require: a file may look for at most {MOST_MISSING} files that do not exist");
        Err(HostError::new("limit", message))
    }
}

fn hash_of_alias(sources: &dyn Sources, id: &ModuleId) -> Option<ContentHash> {
    sources
        .alias(id.as_str().strip_prefix('@')?)
        .map(ContentHash::of)
}

//! What is counted by a cog's name, even if its file is deleted and written again: a cog that is unloaded and loaded
//! again keeps its counts. All budgets together stay within `limits.total_memory_mb`.

use super::limits::LimitHits;
use super::slots::{SlotSets, Slots};
use super::usage::Spent;
use super::usage_by_code::UsageByCode;
use super::versions::Versions;
use crate::charge::Total;
use crate::clock::Clock;
use crate::guard::Record;
use crate::hash::HashMap;
use crate::lock::lock;
use crate::vm::cpu_usage::CpuUsage;
use crate::vm::fair_share::FairShare;
use crate::vm::life::Life;
use crate::vm::memory::held::Memory;
use crate::vm::memory::pressure::Pressure;
use crate::vm::resolve::{ContentHash, ModuleId};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// How long a budget is kept after its cog was unloaded: nothing is counted over a longer time.
const KEPT: Duration = Duration::from_secs(600);
/// How many are kept at most.
const MOST_KEPT: usize = 4_096;
/// After so many new ones, old ones are removed.
const SWEEP: usize = 64;

/// What all versions of one cog have used, and still hold.
#[derive(Debug)]
pub struct Budget {
    /// The processor time that all of its versions use.
    pub cpu: Arc<CpuUsage>,
    /// The same for each of them.
    usage_by_code: UsageByCode,
    /// What it has used of its share of the processors.
    pub fair_share: Arc<FairShare>,
    /// How often it has met its limits.
    pub limit_hits: Arc<LimitHits>,
    /// How its calls end, from version to version.
    pub guard: Record,
    /// Its recent calls and writes.
    pub(super) spent: Spent,
    /// Its versions that still hold memory.
    pub versions: Versions,
    /// The memory of the current version.
    current: Mutex<Weak<Memory>>,
    /// The memory of the VM that was built last, to answer perhaps.
    built: Mutex<Weak<Memory>>,
    /// Its open requests and their memory.
    slots: SlotSets,
    /// Counts the versions that were committed.
    version: AtomicU64,
    /// Bytes that wait in its mailbox.
    mailbox: Mutex<Weak<Memory>>,
    /// All VMs that were built for it and are not gone.
    vms: Mutex<Vec<Weak<Memory>>>,
    /// Notified when all cogs together need too much memory, and this one must free some.
    pub pressed: Notify,
    /// When the last actor that used it went.
    released: Mutex<Duration>,
}

impl Budget {
    fn new(clock: &Clock, all: &Total) -> Self {
        Self {
            cpu: Arc::default(),
            usage_by_code: UsageByCode::default(),
            fair_share: Arc::default(),
            limit_hits: Arc::default(),
            guard: Record::default(),
            spent: Spent::new(clock),
            versions: Versions::default(),
            current: Mutex::default(),
            built: Mutex::default(),
            slots: SlotSets::new(all),
            version: AtomicU64::new(0),
            mailbox: Mutex::default(),
            vms: Mutex::default(),
            pressed: Notify::new(),
            released: Mutex::default(),
        }
    }

    /// It is unused from `now` on.
    pub(super) fn release(&self, now: Duration) {
        *lock(&self.released) = now;
    }

    /// Bytes outside of Luau's heaps: Discord objects and snapshots of the state, of all versions.
    pub fn outside(&self) -> usize {
        let vms = lock(&self.vms);
        let outside = vms.iter().filter_map(Weak::upgrade);
        outside.map(|memory| memory.outside()).sum()
    }

    /// Bytes of the requests that are running.
    pub fn requests(&self) -> usize {
        self.slots.bytes()
    }

    /// What the requests of the current version may use, or those of older ones.
    pub(super) fn slots(&self, is_older: bool) -> &Slots {
        self.slots.of(is_older)
    }

    /// The number of the current version, or that of all older ones: where calls wait, those of a newer version go
    /// before those of older ones.
    pub(super) fn version(&self, is_older: bool) -> u64 {
        if is_older {
            return 0;
        }
        self.version.load(Ordering::Relaxed)
    }

    /// Bytes that are held apart from its VMs: of requests that are running, and in its mailbox.
    fn apart(&self) -> usize {
        let mailbox = lock(&self.mailbox).upgrade();
        self.requests() + mailbox.map_or(0, |mailbox| mailbox.used())
    }

    /// Bytes of all versions.
    pub fn memory(&self) -> usize {
        self.versions.memory() + self.apart()
    }

    /// Bytes of the current version; nothing without one.
    pub fn answering(&self) -> Option<usize> {
        let current = lock(&self.current).upgrade()?;
        Some(current.used() + self.apart())
    }

    /// Bytes of the current version, or of the one that is prepared if that needs more.
    fn expected(&self) -> Option<usize> {
        let built = lock(&self.built).upgrade();
        let built = built.map(|built| built.used() + self.apart());
        built.max(self.answering())
    }
}

/// The budgets of all cogs of a bot, by name.
#[derive(Debug)]
pub struct Budgets {
    by_name: Mutex<HashMap<Arc<str>, Arc<Budget>>>,
    clock: Clock,
    /// Bytes of all VMs and requests.
    all: Total,
    /// Counts the versions of all cogs.
    versions: AtomicU64,
    /// Held while looking for a cog that must free memory.
    looking: Mutex<()>,
}

impl Budgets {
    /// No cogs yet.
    pub fn new(clock: Clock) -> Self {
        Self {
            by_name: Mutex::default(),
            clock,
            all: Total::default(),
            versions: AtomicU64::new(0),
            looking: Mutex::default(),
        }
    }

    /// The budget of the cog of this name.
    pub fn of(&self, name: &str) -> Arc<Budget> {
        let mut budgets = lock(&self.by_name);
        if let Some(budget) = budgets.get(name) {
            return Arc::clone(budget);
        }
        if budgets.len().is_multiple_of(SWEEP) {
            forget(&mut budgets, self.clock.now());
        }
        let budget = Arc::new(Budget::new(&self.clock, &self.all));
        budgets.insert(name.into(), Arc::clone(&budget));
        budget
    }

    /// Where the memory of a new VM of a cog is counted.
    pub fn memory_of_vm(&self, budget: &Budget) -> Arc<Memory> {
        let memory = Memory::new(&self.all);
        let mut vms = lock(&budget.vms);
        vms.retain(|vm| vm.strong_count() > 0);
        vms.push(Arc::downgrade(&memory));
        *lock(&budget.built) = Arc::downgrade(&memory);
        memory
    }

    /// Where the memory of a cog's mailbox is counted.
    pub fn memory_of_mailbox(&self, budget: &Budget) -> Arc<Memory> {
        let memory = Memory::new(&self.all);
        *lock(&budget.mailbox) = Arc::downgrade(&memory);
        memory
    }

    /// A version of a cog with these modules is the current one from now on. Returns whether its text is new.
    pub fn begin(
        &self,
        budget: &Budget,
        life: &Arc<Life>,
        memory: &Arc<Memory>,
        code: BTreeMap<ModuleId, ContentHash>,
    ) -> bool {
        let number = self.versions.fetch_add(1, Ordering::Relaxed);
        let (usage, is_new) = budget.usage_by_code.of(code, Instant::now());
        life.begin_usage(&usage);
        budget.slots.begin_version();
        budget.version.fetch_add(1, Ordering::Relaxed);
        budget.versions.add(number, life, memory);
        *lock(&budget.current) = Arc::downgrade(memory);
        is_new
    }

    /// A version of a cog answers in one guild from now on, beside the current one, which keeps what it has.
    pub fn begin_trial(&self, budget: &Budget, life: &Arc<Life>, memory: &Arc<Memory>) {
        let number = self.versions.fetch_add(1, Ordering::Relaxed);
        budget.versions.add(number, life, memory);
    }

    /// Bytes of all VMs and requests.
    pub fn used(&self) -> usize {
        self.all.load(Ordering::Relaxed)
    }

    /// When all cogs together have more than `limit` bytes: ends older versions and trials, the oldest first. If there are none
    /// left, asks the cog that is furthest above its share to free memory.
    pub fn make_room(&self, limit: usize) {
        if self.used() <= limit {
            return;
        }
        // Another thread looks already.
        let Ok(_alone) = self.looking.try_lock() else {
            return;
        };
        let budgets = self.all_budgets();
        let mut used = live(&budgets);
        let mut leftovers = Vec::new();
        for budget in &budgets {
            let left = budget.versions.giving_way().into_iter();
            leftovers.extend(left.map(|number| (number, budget)));
        }
        if leftovers.is_empty() {
            let are_ending = budgets.iter().any(|it| it.versions.are_ending());
            if !are_ending && let Some(budget) = greediest(&budgets, limit) {
                budget.pressed.notify_one();
            }
            return;
        }
        leftovers.sort_by_key(|(number, _)| *number);
        for (number, budget) in leftovers {
            if used <= limit {
                break;
            }
            let freed = budget.versions.end(number, Pressure::Process(limit));
            used = used.saturating_sub(freed);
        }
    }

    /// The share of `limit` bytes for each cog, if all cogs together have more than `limit` and this one is furthest
    /// above its share.
    pub fn share_passed_by(&self, budget: &Arc<Budget>, limit: usize) -> Option<usize> {
        let budgets = self.all_budgets();
        let greediest = greediest(&budgets, limit)?;
        Arc::ptr_eq(greediest, budget).then(|| share(&budgets, limit))
    }

    /// Whether a cog may run a version that needs `memory`; the error is its share of `limit` bytes. A version that
    /// needs no more than the share, or no more than the version before, is always allowed.
    pub fn admit(&self, budget: &Arc<Budget>, memory: &Memory, limit: usize) -> Result<(), usize> {
        // The version is counted already.
        if self.used() <= limit {
            return Ok(());
        }
        let mut others = self.all_budgets();
        others.retain(|other| !Arc::ptr_eq(other, budget));
        let expected: Vec<usize> = others.iter().filter_map(|it| it.expected()).collect();
        let needed = memory.used();
        let share = limit / (expected.len() + 1);
        let grows = budget.answering().is_none_or(|now| needed > now);
        let all = needed + expected.iter().sum::<usize>();
        if all > limit && needed > share && grows {
            return Err(share);
        }
        Ok(())
    }

    fn all_budgets(&self) -> Vec<Arc<Budget>> {
        lock(&self.by_name).values().cloned().collect()
    }
}

/// Bytes of all versions but those that are ended already.
fn live(budgets: &[Arc<Budget>]) -> usize {
    budgets.iter().map(|budget| budget.memory()).sum()
}

fn share(budgets: &[Arc<Budget>], limit: usize) -> usize {
    let answering = budgets.iter().filter(|it| it.answering().is_some()).count();
    limit / answering.max(1)
}

/// The cog that is furthest above its share, if all cogs together have more than `limit`.
fn greediest(budgets: &[Arc<Budget>], limit: usize) -> Option<&Arc<Budget>> {
    if live(budgets) <= limit {
        return None;
    }
    let share = share(budgets, limit);
    let greediest = budgets.iter().max_by_key(|it| it.answering())?;
    (greediest.answering()? > share).then_some(greediest)
}

/// Forgets the budgets of cogs that were unloaded long ago, and the oldest ones if there are very many.
fn forget(budgets: &mut HashMap<Arc<str>, Arc<Budget>>, now: Duration) {
    let is_used = |budget: &Arc<Budget>| Arc::strong_count(budget) > 1;
    let released = |budget: &Arc<Budget>| *lock(&budget.released);
    budgets.retain(|_, it| is_used(it) || released(it) + KEPT > now);
    let mut unused: Vec<_> = budgets
        .iter()
        .filter(|(_, budget)| !is_used(budget))
        .map(|(name, budget)| (released(budget), Arc::clone(name)))
        .collect();
    if unused.len() >= MOST_KEPT {
        unused.sort();
        unused.truncate(unused.len() / 2);
        for (_, name) in unused {
            budgets.remove(&name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_outlives_its_cog_for_as_long_as_it_matters() {
        let clock = Clock::paused(1_000);
        let budgets = Budgets::new(clock.clone());
        let go = |name: &str| {
            let budget = budgets.of(name);
            budget.release(clock.now());
            Arc::as_ptr(&budget) as usize
        };
        let first = go("a");
        clock.advance_to_next(Duration::from_secs(1_500));
        go("b");
        assert_eq!(go("a"), first);
        clock.advance_to_next(Duration::from_secs(2_101));
        let _held = budgets.of("b");
        forget(&mut lock(&budgets.by_name), clock.now());
        let kept: Vec<_> = lock(&budgets.by_name).keys().cloned().collect();
        assert_eq!(kept, ["b".into()], "`a` is forgotten, and `b` is used");
    }

    #[test]
    fn no_more_than_so_many_are_kept() {
        let budgets = Budgets::new(Clock::paused(1_000));
        for number in 0..3 * MOST_KEPT {
            budgets
                .of(&number.to_string())
                .release(Duration::from_secs(1_000));
        }
        assert!(lock(&budgets.by_name).len() <= MOST_KEPT + SWEEP);
    }
}

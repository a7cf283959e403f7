//! All versions of one cog that still hold memory, whichever actor runs them: the one that answers, and what is
//! left of older ones, and one that a guild tries. Together they may have what one cog may; the older ones give way, the
//! oldest first, and then the one on trial.

use crate::lock::lock;
use crate::vm::life::Life;
use crate::vm::memory::held::Memory;
use crate::vm::memory::pressure::Pressure;
use std::sync::{Arc, Mutex, Weak};

/// Handlers and tasks of older versions that may be under way at once.
const MOST_RUNNING: usize = 1_000;
/// Older versions that may still have something to do: each keeps its sources.
const MOST_VERSIONS: usize = 64;

/// The versions of one cog, oldest first.
#[derive(Debug, Default)]
pub struct Versions(Mutex<Vec<Version>>);

/// One version that was committed, as long as something of it is there.
#[derive(Debug)]
struct Version {
    /// Counts up over all cogs of the bot.
    number: u64,
    life: Arc<Life>,
    memory: Weak<Memory>,
    /// It was ended, and its memory may not be free yet.
    is_ending: bool,
}

impl Version {
    /// Whether it is retired and still runs.
    fn is_left(&self) -> bool {
        self.life.is_retired() && self.counts()
    }

    /// Whether a guild tries it.
    fn is_on_trial(&self) -> bool {
        self.life.is_on_trial() && !self.life.is_retired() && self.counts()
    }

    fn has_memory(&self) -> bool {
        self.memory.strong_count() > 0
    }

    /// Whether nothing of it runs any more, nor will.
    fn is_over(&self) -> bool {
        self.life.is_retired() && self.life.running() == 0
    }

    fn has_ended(&self) -> bool {
        self.is_ending && self.is_over()
    }

    /// Whether it says anything about what is held.
    fn counts(&self) -> bool {
        self.has_memory() && !self.is_ending && !self.is_over()
    }

    /// Ends it, if it is not the one that answers. Its memory is free as soon as its handlers and tasks have been dropped and,
    /// in a VM that stays in use, its garbage has been collected.
    fn end(&mut self, why: Pressure) {
        if self.is_left() || self.is_on_trial() {
            self.is_ending = true;
            self.life.end(why);
        }
    }
}

impl Versions {
    /// A version answers from now on, perhaps in one guild alone.
    pub fn add(&self, number: u64, life: &Arc<Life>, memory: &Arc<Memory>) {
        let mut versions = lock(&self.0);
        forget(&mut versions);
        versions.push(Version {
            number,
            life: Arc::clone(life),
            memory: Arc::downgrade(memory),
            is_ending: false,
        });
    }

    /// Whether versions have to give way, because all together have more than `limit` bytes or too many run.
    pub(super) fn has_pressure(&self, limit: usize) -> bool {
        let versions = lock(&self.0);
        (has_older(&versions) || versions.iter().any(Version::is_on_trial))
            && pressure(&versions, limit).is_some()
    }

    /// Ends older versions, the oldest first, and then the one on trial, until the rest has no more than `limit` bytes.
    pub fn make_room(&self, limit: usize) {
        let mut versions = lock(&self.0);
        forget(&mut versions);
        while let Some(why) = pressure(&versions, limit) {
            let oldest = versions.iter().position(Version::is_left);
            let next = oldest.or_else(|| versions.iter().position(Version::is_on_trial));
            let Some(next) = next else {
                return;
            };
            versions[next].end(why);
        }
    }

    /// Ends all older versions; whether there were any.
    pub fn make_all_room(&self) -> bool {
        let mut versions = lock(&self.0);
        let had = has_older(&versions);
        for version in versions.iter_mut().filter(|it| it.is_left()) {
            version.end(Pressure::Successor);
        }
        had
    }

    /// Ends the version on trial, if there is one.
    pub(super) fn end_trial(&self, why: Pressure) {
        let mut versions = lock(&self.0);
        for version in versions.iter_mut().filter(|it| it.is_on_trial()) {
            version.end(why);
        }
    }

    /// The numbers of the versions that others need not wait for: older ones that still run something, and one on trial.
    pub fn giving_way(&self) -> Vec<u64> {
        let versions = lock(&self.0);
        let all = versions.iter();
        let giving = all.filter(|version| version.is_left() || version.is_on_trial());
        giving.map(|version| version.number).collect()
    }

    /// The numbers of the older versions that still run something.
    pub fn leftovers(&self) -> Vec<u64> {
        let versions = lock(&self.0);
        let left = versions.iter().filter(|version| version.is_left());
        left.map(|version| version.number).collect()
    }

    /// Ends one of them; returns the bytes that are free when it is gone.
    pub fn end(&self, number: u64, why: Pressure) -> usize {
        let mut versions = lock(&self.0);
        let before = memory(&versions);
        for version in versions.iter_mut().filter(|it| it.number == number) {
            version.end(why);
        }
        before.saturating_sub(memory(&versions))
    }

    /// Whether what was ended may still hold memory.
    pub(super) fn are_ending(&self) -> bool {
        let versions = lock(&self.0);
        versions.iter().any(|it| it.is_ending && it.has_memory())
    }

    /// Whether the last of something that was ended is gone: then it has left garbage.
    pub fn have_ended(&self) -> bool {
        lock(&self.0).iter().any(Version::has_ended)
    }

    /// Forgets what has ended like that: its garbage was collected.
    pub fn forget_ended(&self) {
        lock(&self.0).retain(|version| !version.has_ended());
    }

    /// Bytes of all versions but those that were ended.
    pub fn memory(&self) -> usize {
        memory(&lock(&self.0))
    }
}

/// Forgets what holds nothing any more.
fn forget(versions: &mut Vec<Version>) {
    versions.retain(|it| it.has_memory() && (it.is_ending || !it.is_over()));
}

/// Whether there is any older one.
fn has_older(versions: &[Version]) -> bool {
    versions.iter().any(Version::is_left)
}

fn memory(versions: &[Version]) -> usize {
    let mut vms: Vec<Arc<Memory>> = Vec::new();
    for version in versions.iter().filter(|version| version.counts()) {
        // Versions that share a VM follow each other.
        if let Some(vm) = version.memory.upgrade()
            && !vms.last().is_some_and(|last| Arc::ptr_eq(last, &vm))
        {
            vms.push(vm);
        }
    }
    vms.iter().map(|vm| vm.used()).sum()
}

/// Which limit these versions pass.
fn pressure(versions: &[Version], limit: usize) -> Option<Pressure> {
    let left = versions.iter().filter(|version| version.is_left());
    let running: Vec<usize> = left.map(|version| version.life.running()).collect();
    if memory(versions) > limit {
        return Some(Pressure::Versions(limit));
    }
    if running.iter().sum::<usize>() > MOST_RUNNING {
        return Some(Pressure::Running(MOST_RUNNING));
    }
    (running.len() > MOST_VERSIONS).then_some(Pressure::Count(MOST_VERSIONS))
}

//! How much memory one cog is charged for in all of its namespaces together.
//!
//! Each namespace has a limit, and a cog may use several: without a limit for all of them together, a cog with ten
//! shared states would have ten times the room. A cog is charged for its own state, on the disk and in its session. In
//! a shared state the cog that makes it grow is charged. When a cog makes it smaller, its own charge is reduced first,
//! and then those of the others: the sum of the charges is never more than what is stored. These sums are also on the
//! disk, because a restart must not forget them.

use super::bucket::Bucket;
use super::{Namespace, StateLimits};
use crate::lock::lock;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What a cog is charged for, in bytes as the limits count them, and what it may write to the disk.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) name: Namespace,
    /// In its own namespace and its session.
    own: AtomicUsize,
    /// What it has written to namespaces that cogs share.
    shared: AtomicUsize,
    buckets: Mutex<Buckets>,
    /// How often its writes had to wait because it had written too much.
    delays: AtomicU64,
}

/// What the versions of a cog may write to the disk.
#[derive(Debug)]
struct Buckets {
    /// Counts the versions that started with a full bucket, from 1.
    version: u64,
    /// Of the current version.
    current: Bucket,
    /// The bucket of all versions before it.
    older: Bucket,
}

/// All older versions of a cog, as one of its writers.
pub(super) const OLDER: u64 = 0;

/// Something that is limited, and how full it is.
#[derive(Clone, Copy)]
pub(super) struct Room<'a> {
    /// A namespace; or a cog, for all that it has written to shared ones.
    pub(super) whose: &'a Namespace,
    pub(super) is_of_writer: bool,
    pub(super) used: usize,
    pub(super) limit: usize,
}

impl Account {
    pub(super) fn new(name: Namespace) -> Self {
        Self {
            name,
            own: AtomicUsize::new(0),
            shared: AtomicUsize::new(0),
            buckets: Mutex::new(Buckets::new(Instant::now())),
            delays: AtomicU64::new(0),
        }
    }

    /// From now on a version with a new text is the current one. It starts with a full bucket: what older ones have
    /// written, or still write, does not delay its answers.
    pub(super) fn begin_version(&self, now: Instant) {
        let mut buckets = lock(&self.buckets);
        let former = std::mem::replace(&mut buckets.current, Bucket::full(now));
        buckets.older.add(&former);
        buckets.version += 1;
    }

    /// The number of the current version.
    pub(super) fn version(&self) -> u64 {
        lock(&self.buckets).version
    }

    /// Charges a version for bytes that were written to the disk.
    pub(super) fn pay(&self, version: u64, bytes: f64) {
        lock(&self.buckets).of(version).take(bytes);
    }

    /// How long a version has to wait before more of it is written, and how many bytes it may write now.
    pub(super) fn standing(&self, version: u64, now: Instant, rate: f64) -> (Duration, f64) {
        let mut buckets = lock(&self.buckets);
        let bucket = buckets.of(version);
        (bucket.wait(now, rate), bucket.left(now, rate))
    }

    pub(super) fn count_delay(&self) {
        self.delays.fetch_add(1, Ordering::Relaxed);
    }

    /// How often its writes had to wait because it had written too much.
    pub(super) fn delays(&self) -> u64 {
        self.delays.load(Ordering::Relaxed)
    }

    /// How full the fuller one of its two limits is.
    pub(super) fn used(&self) -> usize {
        let own = self.own.load(Ordering::Relaxed);
        own.max(self.shared.load(Ordering::Relaxed))
    }

    pub(super) fn change_own(&self, grown: isize) {
        change(&self.own, grown);
    }

    /// The room for its own state.
    pub(super) fn own_room(&self, limits: &StateLimits) -> Room<'_> {
        Room {
            whose: &self.name,
            is_of_writer: false,
            used: self.own.load(Ordering::Relaxed),
            limit: limits.namespace_bytes,
        }
    }

    /// The room for what it writes to all shared namespaces together.
    pub(super) fn shared_room(&self, limits: &StateLimits) -> Room<'_> {
        Room {
            whose: &self.name,
            is_of_writer: true,
            used: self.shared.load(Ordering::Relaxed),
            limit: limits.namespace_bytes,
        }
    }
}

impl Buckets {
    fn new(now: Instant) -> Self {
        Self {
            version: OLDER + 1,
            current: Bucket::full(now),
            older: Bucket::full(now),
        }
    }

    fn of(&mut self, version: u64) -> &mut Bucket {
        if version == self.version {
            &mut self.current
        } else {
            &mut self.older
        }
    }
}

impl Room<'_> {
    /// For an error: `the state of cog:leveling`.
    pub(super) fn what(&self) -> String {
        if self.is_of_writer {
            return format!("all that {} has written to shared states", self.whose);
        }
        format!("the state of {}", self.whose)
    }
}

fn change(count: &AtomicUsize, by: isize) {
    if by < 0 {
        count.fetch_sub(by.unsigned_abs(), Ordering::Relaxed);
    } else {
        count.fetch_add(by.unsigned_abs(), Ordering::Relaxed);
    }
}

/// Which cog has written how much of a shared namespace. Data from before these charges existed is charged to no cog.
#[derive(Debug, Default)]
pub(super) struct Writers(BTreeMap<Namespace, (Arc<Account>, usize)>);

impl Writers {
    /// Notes what was charged before a restart; `bytes` is what the whole namespace has.
    pub(super) fn load(&mut self, writer: &Arc<Account>, charged: usize, bytes: usize) {
        let known: usize = self.0.values().map(|(_, charged)| charged).sum();
        let charged = charged.min(bytes.saturating_sub(known));
        self.add(writer, charged);
    }

    /// Charges `writer` for growth, or reduces charges by what a namespace has shrunk. Calls `tell` for each writer
    /// whose sum has changed.
    pub(super) fn charge(
        &mut self,
        writer: &Arc<Account>,
        grown: isize,
        mut tell: impl FnMut(&Namespace, usize),
    ) {
        if grown > 0 {
            tell(&writer.name, self.add(writer, grown.unsigned_abs()));
            return;
        }
        let mut left = grown.unsigned_abs();
        let others = self.0.keys().filter(|name| **name != writer.name);
        let order: Vec<_> = [&writer.name].into_iter().chain(others).cloned().collect();
        for name in order {
            let Some((account, charged)) = self.0.get_mut(&name) else {
                continue;
            };
            if left == 0 {
                return;
            }
            let returned = left.min(*charged);
            left -= returned;
            *charged -= returned;
            account.shared.fetch_sub(returned, Ordering::Relaxed);
            tell(&name, *charged);
            if *charged == 0 {
                self.0.remove(&name);
            }
        }
    }

    fn add(&mut self, writer: &Arc<Account>, bytes: usize) -> usize {
        writer.shared.fetch_add(bytes, Ordering::Relaxed);
        let new = || (Arc::clone(writer), 0);
        let (_, charged) = self.0.entry(writer.name.clone()).or_insert_with(new);
        *charged += bytes;
        *charged
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_sum_of_what_is_charged_is_what_is_there(
            writes in prop::collection::vec((0..3_usize, -50..50_isize), 0..60),
        ) {
            let name = |number: usize| Namespace::cog(&number.to_string());
            let accounts: Vec<_> = (0..3).map(|it| Arc::new(Account::new(name(it)))).collect();
            let mut writers = Writers::default();
            let mut there = 0_usize;
            for (writer, grown) in writes {
                let grown = grown.max(-there.cast_signed());
                let before = accounts[writer].used();
                writers.charge(&accounts[writer], grown, |_, _| {});
                there = there.strict_add_signed(grown);
                let charged: usize = accounts.iter().map(|account| account.used()).sum();
                prop_assert_eq!(charged, there);
                let own = before.saturating_add_signed(grown);
                prop_assert_eq!(accounts[writer].used(), own);
            }
        }
    }
}

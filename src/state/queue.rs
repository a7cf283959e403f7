//! The writes that wait for the disk, and which of them is next.
//!
//! Batches wait in groups. Two batches with a namespace in common are in one group, because what is written to a
//! namespace stays in order, and a batch is written whole; so a group is in one commit. Whatever number of batches it
//! was, a path is in it once: what waits takes about as much room as the state itself. Small groups share a commit, as
//! a commit costs far more than what is in it.
//!
//! Each group is paid for by the cogs that wrote it, from a bucket of bytes. While one of them has overdrawn its
//! bucket, the group waits. A cog's versions have buckets of their own: one that is new waits for what it has
//! written itself, and takes along what older ones have left. Of the others that group goes first which leaves most in
//! its payers' buckets: a small write of a cog that has written little goes before everything else, and those that
//! write much take turns. As a commit cannot be interrupted, large ones together have only a part of the writer's
//! time: it is free for the others most of the time.

use super::account::{Account, OLDER};
use super::{Batch, Namespace, StateError};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Bytes from which on a group is a large one: it takes some milliseconds.
const LARGE: usize = 128 << 10;

/// Bytes of the small groups that share a commit, which takes little longer than that of one of them.
const SHARED: usize = 32 << 10;

/// The caller who closes the store and gets what could not be written.
pub(super) type Closing = oneshot::Sender<Result<(), StateError>>;

/// Batches that have to be written in one commit.
#[derive(Debug)]
pub(super) struct Group {
    /// Its number, and those of the groups that were joined with it.
    numbers: Vec<u64>,
    changes: Batch,
    /// Who has sent how many bytes of it, by cog and version.
    payers: BTreeMap<(Namespace, u64), (Arc<Account>, usize)>,
    /// Whether somebody's overdrawn bucket has kept it waiting.
    is_delayed: bool,
}

/// Everything that is not on the disk yet.
#[derive(Debug, Default)]
pub(super) struct Queue {
    groups: HashMap<u64, Group>,
    /// The group with the changes of a namespace.
    of: BTreeMap<Namespace, u64>,
    /// The numbers of groups that wait or are being written.
    uncommitted: BTreeSet<u64>,
    newest: u64,
    /// Why the last try failed, if it did.
    pub(super) error: Option<StateError>,
    pub(super) end: End,
}

/// Whether the store is to be closed.
#[derive(Debug, Default)]
pub(super) enum End {
    #[default]
    Open,
    /// All users of the store are gone, or this caller waits for the end.
    Asked(Option<Closing>),
    /// The writer takes no more.
    Closed,
}

/// What the writer is to do.
pub(super) enum Next {
    /// These groups, in one commit.
    Write(Vec<Group>),
    /// Nothing for so long, unless something comes.
    Wait(Duration),
    /// Nothing waits.
    Nothing,
}

impl Group {
    pub(super) fn changes(&self) -> &Batch {
        &self.changes
    }

    pub(super) fn is_large(&self) -> bool {
        self.changes.bytes() > LARGE
    }

    /// Adds what came later.
    fn absorb(&mut self, later: Self) {
        self.numbers.extend(later.numbers);
        self.changes.absorb(later.changes);
        for (payer, (account, bytes)) in later.payers {
            let (_, sent) = self.payers.entry(payer).or_insert((account, 0));
            *sent += bytes;
        }
        self.is_delayed |= later.is_delayed;
    }

    /// How long it has to wait for its payers' buckets, and the lowest level that one of them would have.
    fn standing(&self, now: Instant, rate: f64) -> (Duration, f64) {
        let payers = self
            .payers
            .iter()
            .filter(|(payer, _)| self.has_a_say(payer));
        let waits =
            payers.map(|((_, version), (account, _))| account.standing(*version, now, rate));
        let (mut wait, mut least) = (Duration::ZERO, f64::MAX);
        for (until, left) in waits {
            wait = wait.max(until);
            least = least.min(left);
        }
        (wait, least - approximately(self.changes.bytes()))
    }

    /// Whether the group waits for the bucket of this payer: not for that of an older version if the current one waits
    /// for the group.
    fn has_a_say(&self, (name, version): &(Namespace, u64)) -> bool {
        let newest = self
            .payers
            .range((name.clone(), *version)..=(name.clone(), u64::MAX));
        let newest = newest.last();
        newest.is_none_or(|((_, newest), (account, _))| {
            newest == version || *newest != account.version()
        })
    }

    fn note_delay(&mut self) {
        if !std::mem::replace(&mut self.is_delayed, true) {
            let accounts: BTreeMap<_, _> = self
                .payers
                .iter()
                .map(|((name, _), (account, _))| (name, account))
                .collect();
            for account in accounts.values() {
                account.count_delay();
            }
        }
    }
}

/// Charges the cogs that wrote these groups for so many bytes, each for its part.
pub(super) fn charge(groups: &[Group], bytes: usize) {
    let payers = || groups.iter().flat_map(|group| &group.payers);
    let all: usize = payers().map(|(_, (_, sent))| sent).sum();
    for ((_, version), (account, sent)) in payers() {
        let part = approximately(bytes) * approximately(*sent) / approximately(all.max(1));
        account.pay(*version, part);
    }
}

impl Queue {
    /// Adds a batch; returns the number of its group. `is_older`: an older version of the payer's has written it.
    pub(super) fn send(&mut self, batch: Batch, payer: &Arc<Account>, is_older: bool) -> u64 {
        let bytes = batch.bytes();
        let version = if is_older { OLDER } else { payer.version() };
        let payers = [((payer.name.clone(), version), (Arc::clone(payer), bytes))];
        let mut later = Group {
            numbers: Vec::new(),
            changes: batch,
            payers: payers.into(),
            is_delayed: false,
        };
        let group = if let Some(mut group) = self.take_related(&later.changes) {
            group.absorb(later);
            group
        } else {
            self.newest += 1;
            self.uncommitted.insert(self.newest);
            later.numbers.push(self.newest);
            later
        };
        self.put(group)
    }

    /// The current version of this payer waits for these groups, so the buckets of older ones no longer delay them.
    /// Returns whether that changes anything.
    pub(super) fn hurry(&mut self, numbers: &[u64], payer: &Arc<Account>) -> bool {
        let version = payer.version();
        let mut is_news = false;
        for group in self.groups.values_mut() {
            let is_waited_for = group.numbers.iter().any(|it| numbers.contains(it));
            let has_written = group.payers.keys().any(|(name, _)| *name == payer.name);
            if is_waited_for && has_written {
                let key = (payer.name.clone(), version);
                group.payers.entry(key).or_insert_with(|| {
                    is_news = true;
                    (Arc::clone(payer), 0)
                });
            }
        }
        is_news
    }

    /// Puts back a group that could not be written; what came meanwhile came later.
    pub(super) fn put_back(&mut self, mut group: Group) {
        if let Some(later) = self.take_related(&group.changes) {
            group.absorb(later);
        }
        self.put(group);
    }

    /// The groups whose turn it is, at so many bytes a second for each cog: a large one alone, or small ones together.
    /// Large groups wait for `pause`.
    pub(super) fn next(&mut self, now: Instant, rate: f64, pause: Duration) -> Next {
        let mut due = Vec::new();
        let mut shortest: Option<Duration> = None;
        for (number, group) in &mut self.groups {
            let (mut wait, left) = group.standing(now, rate);
            if !wait.is_zero() {
                group.note_delay();
            }
            if group.is_large() {
                wait = wait.max(pause);
            }
            if wait.is_zero() {
                due.push((left, *number));
            } else {
                shortest = Some(shortest.map_or(wait, |other| other.min(wait)));
            }
        }
        due.sort_unstable_by(|(left, number), (other, than)| {
            other.total_cmp(left).then(number.cmp(than))
        });
        let chosen = self.take_together(due.into_iter().map(|(_, number)| number));
        match shortest {
            _ if !chosen.is_empty() => Next::Write(chosen),
            Some(wait) => Next::Wait(wait),
            None => Next::Nothing,
        }
    }

    /// The first of these groups, and as many of the others as are small together with it.
    fn take_together(&mut self, numbers: impl Iterator<Item = u64>) -> Vec<Group> {
        let (mut taken, mut bytes) = (Vec::new(), 0);
        for number in numbers {
            let more = self.groups.get(&number).map_or(0, |it| it.changes.bytes());
            bytes += more;
            if taken.is_empty() || bytes <= SHARED {
                taken.extend(self.take(number));
            } else {
                bytes -= more;
            }
        }
        taken
    }

    /// Any group, regardless of overdrawn buckets.
    pub(super) fn any(&mut self) -> Option<Group> {
        let number = *self.groups.keys().next()?;
        self.take(number)
    }

    /// Notes that a group is on the disk.
    pub(super) fn committed(&mut self, group: &Group) {
        for number in &group.numbers {
            self.uncommitted.remove(number);
        }
    }

    pub(super) fn is_uncommitted(&self, number: u64) -> bool {
        self.uncommitted.contains(&number)
    }

    /// Removes all groups that have a namespace in common with these changes, and returns them as one.
    fn take_related(&mut self, changes: &Batch) -> Option<Group> {
        let numbers = changes.namespaces().filter_map(|it| self.of.get(it));
        let numbers: BTreeSet<u64> = numbers.copied().collect();
        let mut related: Option<Group> = None;
        for number in numbers {
            let Some(group) = self.take(number) else {
                continue;
            };
            match &mut related {
                // They have no namespace in common, so neither of them is the earlier one.
                Some(all) => all.absorb(group),
                None => related = Some(group),
            }
        }
        related
    }

    fn take(&mut self, number: u64) -> Option<Group> {
        let group = self.groups.remove(&number)?;
        for namespace in group.changes.namespaces() {
            self.of.remove(namespace);
        }
        Some(group)
    }

    fn put(&mut self, group: Group) -> u64 {
        let number = group.numbers.first().copied().unwrap_or_default();
        for namespace in group.changes.namespaces() {
            self.of.insert(namespace.clone(), number);
        }
        self.groups.insert(number, group);
        number
    }
}

#[allow(clippy::cast_precision_loss, reason = "an amount, not a count")]
fn approximately(bytes: usize) -> f64 {
    bytes as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::pending::Pending;
    use crate::state::{Clear, PathChange, StateScope};

    const RATE: f64 = 32_000.0;

    fn account(name: &str) -> Arc<Account> {
        Arc::new(Account::new(Namespace::cog(name)))
    }

    /// A batch with one text of so many bytes in each of these namespaces.
    fn batch(namespaces: &[&str], path: &str, bytes: usize) -> Batch {
        let mut batch = Batch::default();
        for namespace in namespaces {
            let mut pending = Pending::default();
            let change = PathChange {
                clear: Clear::Nothing,
                value: Some("x".repeat(bytes).as_str().into()),
            };
            pending.add(StateScope::Global, path.into(), change);
            batch.add(Namespace::new(*namespace), pending);
        }
        batch
    }

    fn names(groups: &[Group]) -> Vec<&str> {
        let batches = groups.iter().map(Group::changes);
        let names = batches.flat_map(Batch::namespaces);
        names.map(Namespace::as_str).collect()
    }

    /// The groups of the next commit.
    fn write(queue: &mut Queue, now: Instant) -> Option<Vec<Group>> {
        match queue.next(now, RATE, Duration::ZERO) {
            Next::Write(groups) => {
                charge(&groups, groups.iter().map(|it| it.changes.bytes()).sum());
                for group in &groups {
                    queue.committed(group);
                }
                Some(groups)
            }
            Next::Wait(_) | Next::Nothing => None,
        }
    }

    #[test]
    fn what_has_a_namespace_in_common_is_one_group_and_nothing_else_is() {
        let mut queue = Queue::default();
        let (one, two) = (account("one"), account("two"));
        let first = queue.send(batch(&["cog:one"], "x", 1), &one, false);
        let second = queue.send(batch(&["cog:two"], "x", 1), &two, false);
        assert_ne!(first, second);
        assert_eq!(queue.send(batch(&["cog:one"], "x", 2), &one, false), first);
        assert_eq!(queue.groups.len(), 2);
        let bank = queue.send(batch(&["cog:one", "shared:bank"], "y", 1), &one, false);
        assert_eq!(
            queue.send(batch(&["cog:two", "shared:bank"], "z", 1), &two, false),
            bank
        );
        assert_eq!(queue.groups.len(), 1);
        let groups = write(&mut queue, Instant::now()).unwrap();
        assert_eq!(names(&groups), ["cog:one", "cog:two", "shared:bank"]);
        assert_eq!(groups[0].changes.changes().count(), 6);
        assert!(
            ![first, second, bank]
                .iter()
                .any(|it| queue.is_uncommitted(*it))
        );
        assert!(queue.of.is_empty());
    }

    #[test]
    fn a_small_write_goes_first_and_those_that_write_much_take_turns() {
        let mut queue = Queue::default();
        let now = Instant::now();
        let cogs = ["a", "b", "small"].map(account);
        let mut order = Vec::new();
        for _ in 0..3 {
            for (cog, bytes) in cogs.iter().zip([64_000, 64_000, 10]) {
                queue.send(batch(&[cog.name.as_str()], "x", bytes), cog, false);
            }
            for _ in 0..3 {
                order.push(names(&write(&mut queue, now).unwrap()).concat());
            }
        }
        for turns in order.chunks(3) {
            assert_eq!(turns[0], "cog:small");
            assert_ne!(turns[1], turns[2]);
        }
    }

    #[test]
    fn whoever_has_overdrawn_its_bucket_waits_and_nobody_else_does() {
        let mut queue = Queue::default();
        let mut now = Instant::now();
        let (greedy, other) = (account("greedy"), account("other"));
        queue.send(batch(&["cog:greedy"], "x", 640_000), &greedy, false);
        assert!(write(&mut queue, now).is_some());
        let number = queue.send(batch(&["cog:greedy"], "x", 640_000), &greedy, false);
        assert!(write(&mut queue, now).is_none());
        queue.send(batch(&["cog:other"], "x", 10), &other, false);
        assert_eq!(names(&write(&mut queue, now).unwrap()), ["cog:other"]);
        assert!(queue.is_uncommitted(number));
        assert_eq!((greedy.delays(), other.delays()), (1, 0));
        let Next::Wait(wait) = queue.next(now, RATE, Duration::ZERO) else {
            unreachable!("it waits");
        };
        now += wait;
        assert_eq!(names(&write(&mut queue, now).unwrap()), ["cog:greedy"]);
        assert!(matches!(
            queue.next(now, RATE, Duration::ZERO),
            Next::Nothing
        ));
    }

    #[test]
    fn what_an_older_version_has_left_keeps_no_newer_one_waiting() {
        let mut queue = Queue::default();
        let now = Instant::now();
        let cog = account("one");
        let send = |queue: &mut Queue, bytes, is_older| {
            queue.send(batch(&["cog:one"], "x", bytes), &cog, is_older)
        };
        send(&mut queue, 640_000, false);
        assert!(write(&mut queue, now).is_some());
        send(&mut queue, 640_000, false);
        assert!(write(&mut queue, now).is_none());
        // A new version that waits for what is there.
        cog.begin_version(now);
        let number = send(&mut queue, 640_000, true);
        assert!(
            write(&mut queue, now).is_none(),
            "nobody waits for it but older ones"
        );
        assert!(queue.hurry(&[number], &cog));
        assert!(!queue.hurry(&[number], &cog));
        assert!(write(&mut queue, now).is_some());
        // A new version that writes while an older one still writes.
        for _ in 0..3 {
            send(&mut queue, 640_000, true);
            assert!(write(&mut queue, now).is_none());
            send(&mut queue, 10, false);
            assert!(write(&mut queue, now).is_some());
        }
        // It pays for its own writes.
        send(&mut queue, 640_000, false);
        assert!(write(&mut queue, now).is_some());
        send(&mut queue, 10, false);
        assert!(write(&mut queue, now).is_none());
    }

    #[test]
    fn small_groups_share_a_commit_and_stay_apart_when_it_fails() {
        let mut queue = Queue::default();
        let (now, half) = (Instant::now(), SHARED / 2);
        let cogs = ["a", "b", "c", "d"].map(account);
        for (cog, bytes) in cogs.iter().zip([10, 10, half, SHARED]) {
            queue.send(batch(&[cog.name.as_str()], "x", bytes), cog, false);
        }
        let Next::Write(groups) = queue.next(now, RATE, Duration::ZERO) else {
            unreachable!("nobody waits");
        };
        assert_eq!(names(&groups), ["cog:a", "cog:b", "cog:c"]);
        for group in groups {
            queue.put_back(group);
        }
        assert_eq!(queue.groups.len(), 4);
        assert_eq!(names(&write(&mut queue, now).unwrap()).len(), 3);
        assert_eq!(names(&write(&mut queue, now).unwrap()), ["cog:d"]);
    }

    #[test]
    fn large_groups_pause_and_small_ones_do_not() {
        let mut queue = Queue::default();
        let (now, pause) = (Instant::now(), Duration::from_secs(1));
        let (large, small) = (account("large"), account("small"));
        queue.send(batch(&["cog:large"], "x", LARGE), &large, false);
        queue.send(batch(&["cog:small"], "x", 10), &small, false);
        let Next::Write(groups) = queue.next(now, RATE, pause) else {
            unreachable!("a small one does not pause");
        };
        assert_eq!(names(&groups), ["cog:small"]);
        assert!(matches!(queue.next(now, RATE, pause), Next::Wait(wait) if wait == pause));
        assert_eq!(large.delays(), 0);
        assert!(write(&mut queue, now).is_some());
    }

    #[test]
    fn what_could_not_be_written_comes_before_what_came_meanwhile() {
        let mut queue = Queue::default();
        let (now, cog) = (Instant::now(), account("one"));
        let first = queue.send(batch(&["cog:one"], "x", 1), &cog, false);
        let Next::Write(groups) = queue.next(now, RATE, Duration::ZERO) else {
            unreachable!("nobody waits");
        };
        let second = queue.send(batch(&["cog:one"], "x", 2), &cog, false);
        for group in groups {
            queue.put_back(group);
        }
        assert!(queue.is_uncommitted(first) && queue.is_uncommitted(second));
        let groups = write(&mut queue, now).unwrap();
        let values: Vec<_> = groups[0]
            .changes
            .changes()
            .map(|it| it.3.value.clone())
            .collect();
        assert_eq!(values, [Some("xx".into())]);
        assert!(!queue.is_uncommitted(first) && !queue.is_uncommitted(second));
    }
}

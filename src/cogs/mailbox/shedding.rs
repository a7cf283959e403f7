//! Entries in the order in which they came, and at the same time by the guild, channel and user that they come from.

use crate::discord::event::Origin;
use crate::hash::HashMap;
use std::collections::{BTreeSet, VecDeque};

/// Entries that wait. From whom they come is looked at only when one must be shed, which hardly ever happens.
#[derive(Debug)]
pub(super) struct Lines<T> {
    /// Oldest first; nothing in the place of one that was shed.
    entries: VecDeque<Option<Entry<T>>>,
    /// The number of the first place: places are numbered in the order in which their entries came.
    first: u64,
    /// How many places have an entry.
    count: usize,
    /// Bytes of all entries.
    bytes: usize,
    /// Those that may be shed, by where they come from; nothing since the last time that none waited.
    origins: Option<Origins>,
}

#[derive(Debug)]
struct Entry<T> {
    /// None for one that is never dropped.
    origin: Option<Origin>,
    bytes: usize,
    value: T,
}

/// The entries that may be shed, by the guild.
type Origins = Ranked<Ranked<Ranked<User>>>;

/// Members of one level (guilds, channels or users) by their ids, and which of them has most waiting. There may be thousands of
/// them, and thousands of events a second for which one must be found.
#[derive(Debug)]
struct Ranked<M> {
    bytes: usize,
    members: HashMap<u64, M>,
    /// Their ranks, with their ids.
    ranks: BTreeSet<(Rank, u64)>,
}

/// Bytes; of users with as many, the one who came last.
type Rank = (usize, Option<u64>);

/// What has a place among others of its level.
trait Member: Default {
    fn rank(&self) -> Rank;
    /// Adds an entry; `ids` are those of the levels below.
    fn add(&mut self, ids: &[u64], number: u64, bytes: usize);
    fn remove(&mut self, ids: &[u64], number: u64, bytes: usize);
    /// The newest entry of the busiest user.
    fn newest(&self) -> Option<u64>;
}

/// The entries of one user in one channel, oldest first.
#[derive(Debug, Default)]
struct User {
    bytes: usize,
    entries: VecDeque<u64>,
}

impl<T> Default for Lines<T> {
    fn default() -> Self {
        Self {
            entries: VecDeque::new(),
            first: 0,
            count: 0,
            bytes: 0,
            origins: None,
        }
    }
}

impl<T> Lines<T> {
    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds an entry at the end. One without an origin is never shed.
    pub(super) fn add(&mut self, origin: Option<Origin>, bytes: usize, value: T) {
        let number = self.first + places(self.entries.len());
        if let (Some(origins), Some(from)) = (&mut self.origins, origin) {
            origins.add(&ids(from), number, bytes);
        }
        self.count += 1;
        self.bytes += bytes;
        self.entries.push_back(Some(Entry {
            origin,
            bytes,
            value,
        }));
    }

    /// Adds the entries of others at the end.
    pub(super) fn append(&mut self, others: Self) {
        for entry in others.entries.into_iter().flatten() {
            self.add(entry.origin, entry.bytes, entry.value);
        }
    }

    /// Takes out the oldest entry.
    pub(super) fn take(&mut self) -> Option<T> {
        while let Some(place) = self.entries.pop_front() {
            self.first += 1;
            if let Some(entry) = place {
                self.left(self.first - 1, entry.origin, entry.bytes);
                return Some(entry.value);
            }
        }
        None
    }

    /// Removes the newest entry of the user with the most waiting; none if all entries must be kept.
    pub(super) fn shed(&mut self) -> Option<(Origin, T)> {
        if self.count == 0 {
            return None;
        }
        if self.origins.is_none() {
            self.origins = Some(self.origins_of_all());
        }
        let newest = self.origins.as_ref()?.newest()?;
        let place = usize::try_from(newest - self.first).ok()?;
        let entry = self.entries.get_mut(place)?.take()?;
        // Most of those that are shed have only just come: their places must not add up while nothing is taken.
        while let Some(None) = self.entries.back() {
            self.entries.pop_back();
        }
        self.left(newest, entry.origin, entry.bytes);
        Some((entry.origin?, entry.value))
    }

    fn origins_of_all(&self) -> Origins {
        let mut origins = Origins::default();
        for (number, place) in (self.first..).zip(&self.entries) {
            if let Some(entry) = place
                && let Some(from) = entry.origin
            {
                origins.add(&ids(from), number, entry.bytes);
            }
        }
        origins
    }

    /// An entry is gone.
    fn left(&mut self, number: u64, origin: Option<Origin>, bytes: usize) {
        self.count -= 1;
        self.bytes -= bytes;
        if self.count == 0 {
            self.origins = None;
        } else if let (Some(origins), Some(from)) = (&mut self.origins, origin) {
            origins.remove(&ids(from), number, bytes);
        }
    }
}

fn places(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

impl<M> Default for Ranked<M> {
    fn default() -> Self {
        Self {
            bytes: 0,
            members: HashMap::default(),
            ranks: BTreeSet::new(),
        }
    }
}

impl<M: Member> Ranked<M> {
    /// Changes a member, and gives it its new rank; one without entries is removed.
    fn change(&mut self, ids: &[u64], change: impl FnOnce(&mut M, &[u64])) {
        let Some((id, below)) = ids.split_first() else {
            return;
        };
        let member = self.members.entry(*id).or_default();
        self.ranks.remove(&(member.rank(), *id));
        change(member, below);
        if member.newest().is_some() {
            self.ranks.insert((member.rank(), *id));
        } else {
            self.members.remove(id);
        }
    }
}

impl<M: Member> Member for Ranked<M> {
    fn rank(&self) -> Rank {
        (self.bytes, None)
    }

    fn add(&mut self, ids: &[u64], number: u64, bytes: usize) {
        self.bytes += bytes;
        self.change(ids, |member, below| member.add(below, number, bytes));
    }

    fn remove(&mut self, ids: &[u64], number: u64, bytes: usize) {
        self.bytes -= bytes;
        self.change(ids, |member, below| member.remove(below, number, bytes));
    }

    fn newest(&self) -> Option<u64> {
        let (_, busiest) = self.ranks.last()?;
        self.members.get(busiest)?.newest()
    }
}

impl Member for User {
    fn rank(&self) -> Rank {
        (self.bytes, self.newest())
    }

    fn add(&mut self, _: &[u64], number: u64, bytes: usize) {
        self.bytes += bytes;
        self.entries.push_back(number);
    }

    /// Entries leave at one end or the other: the oldest is taken, the newest is shed.
    fn remove(&mut self, _: &[u64], number: u64, bytes: usize) {
        self.bytes -= bytes;
        if self.entries.front() == Some(&number) {
            self.entries.pop_front();
        } else if self.entries.back() == Some(&number) {
            self.entries.pop_back();
        }
    }

    fn newest(&self) -> Option<u64> {
        self.entries.back().copied()
    }
}

/// The ids of an entry's levels, from the guild to the user.
fn ids(origin: Origin) -> [u64; 3] {
    [origin.guild, origin.channel, origin.user]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[allow(
        clippy::unnecessary_wraps,
        reason = "what `add` takes is nothing for admins"
    )]
    fn from(guild: u64, channel: u64, user: u64) -> Option<Origin> {
        Some(Origin {
            guild,
            channel,
            user,
        })
    }

    #[test]
    fn who_has_most_loses_what_came_last_of_it() {
        let mut lines = Lines::default();
        lines.add(from(1, 1, 1), 10, "quiet");
        for name in ["loud 1", "loud 2", "loud 3"] {
            lines.add(from(1, 2, 2), 10, name);
        }
        lines.add(from(1, 2, 3), 10, "beside");
        lines.add(from(2, 1, 1), 30, "elsewhere");
        lines.add(None, 99, "admin");
        let shed: Vec<_> = std::iter::from_fn(|| lines.shed()).map(|it| it.1).collect();
        assert_eq!(shed[..2], ["loud 3", "loud 2"]);
        assert_eq!(shed.len(), 6);
        assert_eq!((lines.count(), lines.bytes()), (1, 99));
        assert_eq!(lines.take(), Some("admin"));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Add(Option<Origin>, usize),
        Take,
        Shed,
    }

    fn step() -> impl Strategy<Value = Step> {
        let origin = (0u64..3, 0u64..3, 0u64..3).prop_map(|(guild, channel, user)| Origin {
            guild,
            channel,
            user,
        });
        prop_oneof![
            3 => (prop::option::weighted(0.9, origin), 1usize..100)
                .prop_map(|(origin, bytes)| Step::Add(origin, bytes)),
            1 => Just(Step::Take),
            1 => Just(Step::Shed),
        ]
    }

    proptest! {
        /// Sums, order and lines follow each other, whatever comes and goes.
        #[test]
        fn lines_and_sums_agree(steps in prop::collection::vec(step(), 1..200)) {
            let mut lines = Lines::default();
            let mut known: Vec<(usize, Option<Origin>, usize)> = Vec::new();
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Add(origin, bytes) => {
                        lines.add(origin, bytes, number);
                        known.push((number, origin, bytes));
                    }
                    Step::Take => {
                        let oldest = (!known.is_empty()).then(|| known.remove(0).0);
                        prop_assert_eq!(lines.take(), oldest);
                    }
                    Step::Shed => {
                        let shed = lines.shed().map(|(_, number)| number);
                        let at = known.iter().position(|(number, ..)| Some(*number) == shed);
                        let of_guild = |guild: u64| -> usize {
                            let of = known.iter().filter(|it| it.1.is_some_and(|it| it.guild == guild));
                            of.map(|it| it.2).sum()
                        };
                        match at {
                            Some(at) => {
                                let from = known[at].1.unwrap();
                                prop_assert!((0..3).all(|guild| of_guild(guild) <= of_guild(from.guild)));
                                let later = &known[at + 1..];
                                prop_assert!(later.iter().all(|it| it.1 != Some(from)));
                                known.remove(at);
                            }
                            None => prop_assert!(known.iter().all(|it| it.1.is_none())),
                        }
                    }
                }
                prop_assert_eq!(lines.count(), known.len());
                prop_assert_eq!(lines.bytes(), known.iter().map(|it| it.2).sum::<usize>());
            }
            while lines.take().is_some() {}
            prop_assert!(lines.origins.is_none());
        }
    }
}

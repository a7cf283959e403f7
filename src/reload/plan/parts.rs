//! Which cogs of a plan are connected, so that a broken one holds back these and no others.
//!
//! ```text
//! what each cog touches, gives up and takes ─ who has something in common ─ connected parts
//! ```

use super::{CogPlan, Plan, Sources};
use crate::commands::conflicts::Claim;
use crate::reload::graph::{CogView, Graph};
use crate::reload::sources::ModuleId;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;

/// Something that may move from one cog to another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tie {
    /// A command's or a cog's name, which only one can have.
    Claim(Claim),
    /// An event that it listens to.
    Event(String),
    /// A shared state that it asks for.
    Shared(String),
}

/// One cog of a plan, with everything that may connect it with others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// The cog's name.
    pub name: String,
    /// The changed modules among those that it runs, wants to run, or looks for.
    pub touches: BTreeSet<ModuleId>,
    /// The names that it has and gives up.
    pub gives: BTreeSet<Tie>,
    /// The names that it wants and does not have.
    pub takes: BTreeSet<Tie>,
    /// Other cogs that it is connected with for another reason.
    pub bound: BTreeSet<String>,
}

/// What connects a plan's cogs besides their stale modules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bonds {
    /// All that changed.
    pub changed: BTreeSet<ModuleId>,
    /// Cogs that were held back and have not changed since, with the cogs that they wait for.
    pub waits: BTreeMap<String, BTreeSet<String>>,
}

impl Bonds {
    /// The bonds within a plan for these changes.
    pub fn of(
        plan: &Plan,
        graph: &Graph,
        changed: &BTreeSet<ModuleId>,
        sources: &impl Sources,
    ) -> Self {
        Self {
            changed: changed.clone(),
            waits: waits(&plan.cogs, |name| graph.get(name), sources),
        }
    }
}

/// The cogs of a plan that a sibling held back and that are as they were then, with those of the plan that they
/// wait for.
pub(super) fn waits<'a>(
    cogs: &[CogPlan],
    view_of: impl Fn(&str) -> Option<&'a CogView>,
    sources: &impl Sources,
) -> BTreeMap<String, BTreeSet<String>> {
    let entries: HashMap<&ModuleId, &str> = cogs
        .iter()
        .map(|cog| (&cog.entry, cog.name.as_str()))
        .collect();
    let waiting = cogs.iter().filter_map(|cog| {
        let view = view_of(&cog.name)?;
        let is_as_it_was = |id: &ModuleId| view.attempted.get(id) == Some(&sources.hash(id));
        if view.condition.is_failing() || !cog.stale.iter().all(is_as_it_was) {
            return None;
        }
        let seen = view.attempted.keys().filter_map(|id| entries.get(id));
        let others = seen.filter(|name| **name != cog.name);
        let others: BTreeSet<String> = others.map(|name| (*name).to_owned()).collect();
        (!others.is_empty()).then(|| (cog.name.clone(), others))
    });
    waiting.collect()
}

/// The part that each member belongs to, by a number that all of one part share.
///
/// Two belong together if they touch the same change, if one takes what the other gives up, if both take what only
/// one can have, or if one is bound to the other, and so does whoever belongs together with one of them.
pub fn parts(members: &[Member]) -> Vec<usize> {
    let mut sets = Sets::new(members.len());
    sets.join_sharing(members, |member| &member.touches);
    let mut takers: HashMap<&Tie, Vec<usize>> = HashMap::new();
    for (index, member) in members.iter().enumerate() {
        for tie in &member.takes {
            takers.entry(tie).or_default().push(index);
        }
    }
    for (tie, takers) in &takers {
        if matches!(tie, Tie::Claim(_)) {
            for taker in takers {
                sets.join(takers[0], *taker);
            }
        }
    }
    let names: HashMap<&str, usize> = members
        .iter()
        .enumerate()
        .map(|(index, member)| (member.name.as_str(), index))
        .collect();
    for (index, member) in members.iter().enumerate() {
        let takers = member.gives.iter().filter_map(|tie| takers.get(tie));
        takers.flatten().for_each(|taker| sets.join(index, *taker));
        let bound = member.bound.iter().filter_map(|name| names.get(&**name));
        bound.for_each(|other| sets.join(index, *other));
    }
    (0..members.len()).map(|index| sets.find(index)).collect()
}

/// Disjoint sets of numbers.
struct Sets(Vec<usize>);

impl Sets {
    fn new(count: usize) -> Self {
        Self((0..count).collect())
    }

    fn find(&mut self, mut number: usize) -> usize {
        while self.0[number] != number {
            self.0[number] = self.0[self.0[number]];
            number = self.0[number];
        }
        number
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.find(one), self.find(other));
        self.0[one.max(other)] = one.min(other);
    }

    /// Joins all members that have something in common.
    fn join_sharing<'a, T: Hash + Eq + 'a>(
        &mut self,
        members: &'a [Member],
        of: impl Fn(&'a Member) -> &'a BTreeSet<T>,
    ) {
        let mut first: HashMap<&T, usize> = HashMap::new();
        for (index, member) in members.iter().enumerate() {
            for it in of(member) {
                let first = *first.entry(it).or_insert(index);
                self.join(first, index);
            }
        }
    }
}

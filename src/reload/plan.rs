//! What a change means for each cog: a pure function from graphs and sources to a plan.
//!
//! ```text
//! what each VM loaded + what the sources say ─ stale modules ─ their dependents ─ what is kept ─ Plan
//! ```
//!
//! `parts` says which of the cogs hang together.

pub mod parts;

use super::graph::{CogView, Graph};
use super::sources::{ContentHash, ModuleId, Snapshot};
use std::collections::{BTreeMap, BTreeSet};

/// What the sources say, as far as a plan needs to know.
pub trait Sources {
    /// What the module or alias says; nothing if there is none that could be taken.
    fn hash(&self, id: &ModuleId) -> Option<ContentHash>;

    /// Whether the module's file is there and cannot be taken: who runs it stays as it is.
    fn is_held(&self, id: &ModuleId) -> bool;

    /// The entry of a cog.
    fn entry(&self, cog: &str) -> Option<&ModuleId>;

    /// All cogs, with their entries.
    fn cogs(&self) -> impl Iterator<Item = (&str, &ModuleId)>;
}

/// What has to happen. Cogs that are not named stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The affected cogs in order of name, none twice.
    pub cogs: Vec<CogPlan>,
}

/// What has to happen to one cog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CogPlan {
    /// The cog's name.
    pub name: String,
    /// Its entry from now on; of a cog that goes, the one that it had.
    pub entry: ModuleId,
    /// What to do.
    pub action: Action,
    /// Modules and aliases that changed, went, or came.
    pub stale: BTreeSet<ModuleId>,
    /// The modules that keep their identity: those that depend on nothing stale. What the VM has besides is dropped, and
    /// what the entry requires of it is executed again, in the order of the requires.
    pub keep: BTreeSet<ModuleId>,
    /// Whether it gets a fresh VM, as an admin asked.
    pub afresh: bool,
    /// Whether its failure holds back all that it hangs together with. Not so for a cog that was broken before by something of
    /// its own.
    pub holds_back: bool,
}

/// What to do with a cog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is new.
    Load,
    /// It answers, and some of its modules changed.
    Reload,
    /// Its entry file is gone.
    Unload,
    /// It never ran or is in quarantine, and something that it depends on changed.
    Retry,
}

impl Plan {
    /// Whether nothing has to happen.
    pub fn is_empty(&self) -> bool {
        self.cogs.is_empty()
    }

    /// Marks its cogs as dirty until they are `put` again: to be called with every plan before it is tried, so that
    /// a cog that a sibling held back is planned again.
    pub fn mark_dirty_in(&self, graph: &mut Graph) {
        for cog in &self.cogs {
            graph.mark_dirty(&cog.name);
        }
    }
}

/// The plan for the whole tree: every cog is compared with what the sources say.
pub fn plan<'a>(cogs: impl IntoIterator<Item = &'a CogView>, sources: &impl Sources) -> Plan {
    let views: BTreeMap<&str, &CogView> = cogs
        .into_iter()
        .map(|view| (view.name.as_str(), view))
        .collect();
    let new = sources
        .cogs()
        .filter(|(name, _)| !views.contains_key(name))
        .map(|(name, entry)| load(name, entry));
    let old = views.values().filter_map(|view| plan_cog(view, sources));
    let all = new.chain(old);
    sorted(all, |name| views.get(name).copied(), sources)
}

/// The same plan when only `changed` differs from the sources that the graph was planned with last.
/// The cost follows the change: only cogs that use it are looked at, and those that are dirty.
pub(super) fn plan_changed(
    graph: &Graph,
    changed: &BTreeSet<ModuleId>,
    sources: &impl Sources,
) -> Plan {
    let mut concerned = graph.concerned(changed);
    let mut new = BTreeMap::new();
    for id in changed {
        let Some(name) = id.dotted().strip_prefix("cogs.").map(str::to_owned) else {
            continue;
        };
        // A cog that is new, or whose entry moved (`ping.luau` to `ping/init.luau`).
        if let Some(entry) = sources.entry(&name) {
            match graph.get(&name) {
                Some(view) => drop(concerned.insert(&view.name, view)),
                None => drop(new.insert(name.clone(), entry)),
            }
        }
        // An init file turns the cogs of its folder into modules when it comes, and back when it goes.
        if id.is_init() {
            let prefix = format!("{name}.");
            let within = graph.with_prefix(&prefix);
            concerned.extend(within.map(|view| (view.name.as_str(), view)));
            let within = sources.cogs().filter(|(cog, _)| cog.starts_with(&prefix));
            let unknown = within.filter(|(cog, _)| graph.get(cog).is_none());
            new.extend(unknown.map(|(cog, entry)| (cog.to_owned(), entry)));
        }
    }
    let old = concerned
        .values()
        .filter_map(|view| plan_cog(view, sources));
    let new = new.iter().map(|(name, entry)| load(name, entry));
    sorted(new.chain(old), |name| graph.get(name), sources)
}

/// The plan for the cogs whose entry is gone, also for those that a sibling has kept so far.
pub(super) fn plan_gone(graph: &Graph, sources: &impl Sources) -> Vec<CogPlan> {
    let gone = graph.cogs().filter(|view| {
        let mut modules = view.reachable().into_iter();
        let is_kept = modules.any(|id| is_held(view, id, sources));
        sources.entry(&view.name).is_none() && !is_kept
    });
    gone.map(unload).collect()
}

/// The plan for building one cog again (`!reload cog leveling`): all of its modules, whether they
/// changed or not. Nothing if there is no such cog, or if its entry cannot be taken.
pub(super) fn plan_afresh(
    view: Option<&CogView>,
    cog: &str,
    sources: &impl Sources,
) -> Option<CogPlan> {
    let entry = sources.entry(cog)?;
    let Some(view) = view else {
        return Some(load(cog, entry));
    };
    let reachable = view.reachable();
    Some(CogPlan {
        name: cog.to_owned(),
        entry: entry.clone(),
        action: action(view),
        // All that it runs, also what an attempt does not come to: none of it is new to the cog afterwards.
        stale: reachable.into_iter().chain([entry]).cloned().collect(),
        keep: BTreeSet::new(),
        afresh: true,
        holds_back: holds_back(view),
    })
}

fn sorted<'a>(
    cogs: impl Iterator<Item = CogPlan>,
    view_of: impl Fn(&str) -> Option<&'a CogView>,
    sources: &impl Sources,
) -> Plan {
    let mut cogs: Vec<CogPlan> = cogs.collect();
    cogs.sort_by(|one, other| one.name.cmp(&other.name));
    bind_siblings(&mut cogs);
    let waits = parts::waits(&cogs, view_of, sources);
    let awaited: BTreeSet<&String> = waits.values().flatten().collect();
    // Whoever holds a sibling back does so until it is fixed, however often it is saved.
    for cog in &mut cogs {
        cog.holds_back |= cog.action != Action::Unload && awaited.contains(&cog.name);
    }
    Plan { cogs }
}

/// A failing cog in which nothing is stale but what healthy cogs share with it is not broken by itself: a
/// save that it still cannot take is held back as the one before was.
fn bind_siblings(cogs: &mut [CogPlan]) {
    let healthy = cogs.iter().filter(|cog| cog.holds_back);
    let shared: BTreeSet<ModuleId> = healthy.flat_map(|cog| cog.stale.iter().cloned()).collect();
    for cog in cogs {
        cog.holds_back |= cog.action == Action::Reload && cog.stale.is_subset(&shared);
    }
}

/// Whether a cog runs just what the sources say.
pub(super) fn is_up_to_date(view: &CogView, sources: &impl Sources) -> bool {
    let mut reachable = view.reachable().into_iter();
    sources.entry(&view.name) == Some(&view.entry)
        && reachable.all(|id| !is_held(view, id, sources) && !is_stale(view, id, sources))
}

fn load(name: &str, entry: &ModuleId) -> CogPlan {
    CogPlan {
        name: name.to_owned(),
        entry: entry.clone(),
        action: Action::Load,
        stale: BTreeSet::from([entry.clone()]),
        keep: BTreeSet::new(),
        afresh: false,
        holds_back: true,
    }
}

/// The plan for a known cog; nothing if it stays as it is.
fn plan_cog(view: &CogView, sources: &impl Sources) -> Option<CogPlan> {
    let reachable = view.reachable();
    if reachable.iter().any(|id| is_held(view, id, sources)) {
        return None;
    }
    let Some(entry) = sources.entry(&view.name) else {
        let gone = BTreeSet::from([&view.entry]);
        return (!was_attempted(view, &gone, sources)).then(|| unload(view));
    };
    let mut stale: BTreeSet<&ModuleId> = reachable
        .iter()
        .copied()
        .filter(|id| is_stale(view, id, sources))
        .collect();
    let is_moved = *entry != view.entry;
    if stale.is_empty() && is_worth_another_try(view, sources) {
        stale.insert(&view.entry);
    }
    if (stale.is_empty() && !is_moved) || was_attempted(view, &stale, sources) {
        return None;
    }
    let affected = view.dependents(&reachable, &stale);
    let loaded = |id: &&ModuleId| !id.is_alias() && view.trace.read.contains_key(*id);
    let kept = reachable.difference(&affected).copied().filter(loaded);
    Some(CogPlan {
        name: view.name.clone(),
        entry: entry.clone(),
        action: action(view),
        keep: kept
            .filter(|id| **id != view.entry || !is_moved)
            .cloned()
            .collect(),
        stale: stale.into_iter().cloned().collect(),
        afresh: false,
        holds_back: holds_back(view),
    })
}

fn unload(view: &CogView) -> CogPlan {
    CogPlan {
        name: view.name.clone(),
        entry: view.entry.clone(),
        action: Action::Unload,
        stale: BTreeSet::from([view.entry.clone()]),
        keep: BTreeSet::new(),
        afresh: false,
        holds_back: holds_back(view),
    }
}

/// Whether a module keeps a cog as it is: its file cannot be taken, and the cog runs its former text. One that
/// was asked for and never loaded keeps nobody from another text that may not ask for it, and a cog that does not
/// answer runs nothing.
pub(super) fn is_held(view: &CogView, id: &ModuleId, sources: &impl Sources) -> bool {
    let is_loaded = view.trace.read.contains_key(id) && !view.failed.contains(id);
    let runs = view.condition.answers() && is_loaded;
    sources.is_held(id) && (*id == view.entry || runs)
}

/// Whether a module says something else than what was loaded, went, or was missing and came.
fn is_stale(view: &CogView, id: &ModuleId, sources: &impl Sources) -> bool {
    match (view.trace.read.get(id), sources.hash(id)) {
        (Some(loaded), Some(now)) => *loaded != now,
        (None, None) => false,
        (Some(_), None) | (None, Some(_)) => true,
    }
}

/// Whether the last attempt failed with exactly these sources.
fn was_attempted(view: &CogView, stale: &BTreeSet<&ModuleId>, sources: &impl Sources) -> bool {
    !view.attempted.is_empty()
        && stale.iter().all(|id| view.attempted.contains_key(*id))
        && view
            .attempted
            .iter()
            .all(|(id, hash)| sources.hash(id) == *hash)
}

/// Whether a cog never came up because of another one, which says something else by now.
fn is_worth_another_try(view: &CogView, sources: &impl Sources) -> bool {
    let mut attempted = view.attempted.iter();
    !view.condition.answers() && attempted.any(|(id, hash)| sources.hash(id) != *hash)
}

fn action(view: &CogView) -> Action {
    if view.condition.answers() {
        Action::Reload
    } else {
        Action::Retry
    }
}

fn holds_back(view: &CogView) -> bool {
    view.condition.answers() && !view.condition.is_failing()
}

impl Sources for Snapshot {
    fn hash(&self, id: &ModuleId) -> Option<ContentHash> {
        Self::hash(self, id)
    }

    fn is_held(&self, id: &ModuleId) -> bool {
        self.held(id).is_some()
    }

    fn entry(&self, cog: &str) -> Option<&ModuleId> {
        Self::cogs(self).get(cog)
    }

    fn cogs(&self) -> impl Iterator<Item = (&str, &ModuleId)> {
        Self::cogs(self)
            .iter()
            .map(|(name, entry)| (name.as_str(), entry))
    }
}

#[cfg(test)]
mod tests;

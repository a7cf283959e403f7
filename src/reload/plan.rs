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
use crate::history::Undone;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The part of the sources that a plan needs.
pub trait Sources {
    /// The hash of the module or alias; none if there is none that could be used.
    fn hash(&self, id: &ModuleId) -> Option<ContentHash>;

    /// Whether the module's file exists and cannot be used: cogs that run it stay as they are.
    fn is_held(&self, id: &ModuleId) -> bool;

    /// The entry of a cog.
    fn entry(&self, cog: &str) -> Option<&ModuleId>;

    /// All cogs, with their entries.
    fn cogs(&self) -> impl Iterator<Item = (&str, &ModuleId)>;
}

/// What has to happen. Other cogs stay as they are.
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
    /// Its entry from now on; for a cog that is unloaded, its old one.
    pub entry: ModuleId,
    /// What to do.
    pub action: Action,
    /// Modules and aliases that were changed, deleted or added.
    pub stale: BTreeSet<ModuleId>,
    /// The modules that keep their identity: those that depend on nothing stale. All other modules of the VM are
    /// dropped, and those that the entry still requires are executed again, in the order of the requires.
    pub keep: BTreeSet<ModuleId>,
    /// Whether it gets a fresh VM, as an admin asked.
    pub afresh: bool,
    /// Whether its failure holds back the cogs that are connected with it. False for a cog that was broken before
    /// because of its own files.
    pub holds_back: bool,
    /// The earlier version that it is to run; nothing: what its files say.
    pub undone: Option<Arc<Undone>>,
    /// The guild that alone is to run it, beside the version of all others; nothing: all.
    pub trial: Option<TrialPlan>,
}

/// Who tries a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrialPlan {
    /// The guild.
    pub guild: u64,
    /// Who wants it.
    pub by: String,
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
    /// It never ran or is in quarantine, and something that it depends on has changed.
    Retry,
}

impl CogPlan {
    /// The same for an earlier version.
    fn of(mut self, undone: &Arc<Undone>) -> Self {
        self.undone = Some(Arc::clone(undone));
        self
    }

    /// The cog, as it starts, is to run an earlier version.
    pub(super) fn resumed(self, undone: Arc<Undone>) -> Self {
        let entry = undone.kept.entry.clone();
        Self {
            stale: BTreeSet::from([entry.clone()]),
            entry,
            undone: Some(undone),
            ..self
        }
    }
}

impl Plan {
    /// Whether nothing has to happen.
    pub fn is_empty(&self) -> bool {
        self.cogs.is_empty()
    }

    /// Marks its cogs as dirty until they are `put` again: to be called with every plan before it is tried, so that
    /// a cog that a sibling held back is planned again.
    pub fn mark_dirty_in(&self, graph: &mut Graph) {
        // What a guild tries says nothing of what the others run.
        for cog in self.cogs.iter().filter(|cog| cog.trial.is_none()) {
            graph.mark_dirty(&cog.name);
        }
    }
}

/// The plan for the whole tree: every cog is compared with the sources.
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

/// The same plan when only `changed` differs from the sources that the graph was planned with last. The cost depends on
/// the change: only cogs that use it, and dirty ones, are examined.
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

/// The plan for the cogs whose entry is gone, also for those that another cog's failure has kept so far.
pub(super) fn plan_gone(graph: &Graph, sources: &impl Sources) -> Vec<CogPlan> {
    let gone = graph.cogs().filter(|view| {
        let mut modules = view.reachable().into_iter();
        let is_kept = modules.any(|id| is_held(view, id, sources));
        sources.entry(&view.name).is_none() && !is_kept
    });
    gone.map(unload).collect()
}

/// The plan for building one cog again: all of its modules, whether they changed or not. A cog that runs an earlier
/// version keeps it. Nothing if there is no such cog, or if its entry cannot be taken.
pub(super) fn plan_again(
    view: Option<&CogView>,
    cog: &str,
    sources: &impl Sources,
) -> Option<CogPlan> {
    match view.and_then(|view| still_undone(view, sources)) {
        Some(undone) => {
            let plan = plan_afresh(view, cog, &Kept { undone, sources });
            plan.map(|plan| plan.of(undone))
        }
        None => plan_afresh(view, cog, sources),
    }
}

/// The plan for a cog that is to run an earlier version. Nothing if it runs that already, or if it cannot be taken.
pub(super) fn plan_undo(
    view: &CogView,
    undone: &Arc<Undone>,
    sources: &impl Sources,
) -> Option<CogPlan> {
    let plan = plan_from(view, &Kept { undone, sources })?;
    Some(plan.of(undone))
}

/// The plan for a cog that is to run what its files say. Nothing if it does so already.
pub(super) fn plan_redo(view: &CogView, sources: &impl Sources) -> Option<CogPlan> {
    plan_from(view, sources)
}

/// The same from its files (`!reload cog leveling`).
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
        // Everything that it runs, including modules that an attempt does not reach: none of it is new to the cog
        // afterwards.
        stale: reachable.into_iter().chain([entry]).cloned().collect(),
        keep: BTreeSet::new(),
        afresh: true,
        holds_back: holds_back(view),
        undone: None,
        trial: None,
    })
}

/// The plan for a guild that is to try what a cog's files say, in a fresh VM.
pub(super) fn plan_trial(
    view: Option<&CogView>,
    cog: &str,
    trial: TrialPlan,
    sources: &impl Sources,
) -> Option<CogPlan> {
    let plan = plan_afresh(view, cog, sources)?;
    Some(CogPlan {
        holds_back: false,
        trial: Some(trial),
        ..plan
    })
}

/// Whether what a guild tries is older than the files, and they have not been tried in vain.
pub(super) fn is_trial_old(view: &CogView, sources: &impl Sources) -> bool {
    let plan = plan_from(view, sources);
    plan.is_some_and(|plan| plan.action != Action::Unload)
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
    // A cog that holds another one back does so until it is fixed, however often it is saved.
    for cog in &mut cogs {
        cog.holds_back |= cog.action != Action::Unload && awaited.contains(&cog.name);
    }
    Plan { cogs }
}

/// If everything stale in a failing cog is shared with healthy cogs, the cog is not broken by its own files: if it
/// fails again, the save is held back like the one before.
fn bind_siblings(cogs: &mut [CogPlan]) {
    let healthy = cogs.iter().filter(|cog| cog.holds_back);
    let shared: BTreeSet<ModuleId> = healthy.flat_map(|cog| cog.stale.iter().cloned()).collect();
    for cog in cogs {
        cog.holds_back |= cog.action == Action::Reload && cog.stale.is_subset(&shared);
    }
}

/// Whether a cog runs exactly the sources, or the earlier version that it is to run.
pub(super) fn is_up_to_date(view: &CogView, sources: &impl Sources) -> bool {
    match still_undone(view, sources) {
        Some(undone) => runs_exactly(view, &Kept { undone, sources }),
        None => runs_exactly(view, sources),
    }
}

fn runs_exactly(view: &CogView, sources: &impl Sources) -> bool {
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
        undone: None,
        trial: None,
    }
}

/// The earlier version that a cog runs, unless one of its files was saved since.
fn still_undone<'a>(view: &'a CogView, sources: &impl Sources) -> Option<&'a Arc<Undone>> {
    let undone = view.undone.as_ref()?;
    let mut files = undone.files.iter();
    let is_over =
        sources.entry(&view.name).is_none() || files.any(|(id, hash)| sources.hash(id) != *hash);
    (!is_over).then_some(undone)
}

/// The sources of one cog while it runs an earlier version.
struct Kept<'a, S> {
    undone: &'a Undone,
    sources: &'a S,
}

impl<S: Sources> Sources for Kept<'_, S> {
    fn hash(&self, id: &ModuleId) -> Option<ContentHash> {
        let kept = self.undone.kept.hash(id);
        kept.or_else(|| self.sources.hash(id))
    }

    fn is_held(&self, id: &ModuleId) -> bool {
        self.undone.kept.hash(id).is_none() && self.sources.is_held(id)
    }

    fn entry(&self, cog: &str) -> Option<&ModuleId> {
        if cog == self.undone.kept.cog {
            Some(&self.undone.kept.entry)
        } else {
            self.sources.entry(cog)
        }
    }

    fn cogs(&self) -> impl Iterator<Item = (&str, &ModuleId)> {
        self.sources.cogs()
    }
}

/// The plan for a known cog; nothing if it stays as it is.
fn plan_cog(view: &CogView, sources: &impl Sources) -> Option<CogPlan> {
    match still_undone(view, sources) {
        Some(undone) => plan_undo(view, undone, sources),
        None => plan_from(view, sources),
    }
}

fn plan_from(view: &CogView, sources: &impl Sources) -> Option<CogPlan> {
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
        undone: None,
        trial: None,
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
        undone: None,
        trial: None,
    }
}

/// Whether a module keeps a cog as it is: its file cannot be taken, and the cog runs its former text. A module that was
/// required but never loaded does not matter, because the new text may not require it; and a cog that is not running
/// has no former text.
pub(super) fn is_held(view: &CogView, id: &ModuleId, sources: &impl Sources) -> bool {
    let is_loaded = view.trace.read.contains_key(id) && !view.failed.contains(id);
    let runs = view.condition.answers() && is_loaded;
    sources.is_held(id) && (*id == view.entry || runs)
}

/// Whether a module differs from what was loaded, was deleted, or was missing and now exists.
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

/// Whether a cog was never loaded because of another one that has changed since.
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

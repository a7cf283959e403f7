//! What must be loaded, answer and be kept: the rules of docs/reload.md, applied to all cogs at each change.

use super::load::{Failed, Generation, Instance};
use super::parts::{Member, inits_above, is_renamed, new_ones, together, would_see};
use super::sources::{Node, Says, Sources, dotted, is_init};
use super::text::is_late;
use cogsmith::reload::report::CogOutcome;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Modules and aliases with what they said; nothing for what was not there.
type Seen = BTreeMap<Node, Option<Says>>;

/// One cog that runs or waits.
#[derive(Clone, Debug)]
pub(crate) struct Cog {
    /// 0 for a cog that waits.
    pub(crate) version: u64,
    entry: Node,
    /// What it runs; of a cog that waits, how far the last attempt came.
    pub(crate) generation: Generation,
    pub(crate) is_failing: bool,
    /// What the last attempt saw that came to nothing.
    seen: Seen,
}

/// What an admin asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Toggle,
    Cog(String),
    All,
    Load(String),
    Unload(String),
}

/// What one report must say.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Expected {
    /// Name, outcome, version and the modules that were executed, in order.
    pub(crate) cogs: Vec<(String, CogOutcome, u64, Vec<String>)>,
    /// The cogs that failed on their own account.
    pub(crate) failed: BTreeSet<String>,
}

/// The whole bot.
#[derive(Debug)]
pub(crate) struct Bot {
    pub(crate) sources: Rc<Sources>,
    pub(crate) cogs: BTreeMap<String, Cog>,
    unloaded: BTreeSet<String>,
    pub(crate) is_on: bool,
    /// What has changed and was not taken.
    pub(crate) pending: BTreeSet<Node>,
    /// What of it is being taken.
    taking: BTreeSet<Node>,
    /// The newest sources from which a handler may be served: nothing of them is pending.
    newest: Rc<Sources>,
}

/// What has to be tried with one cog.
#[derive(Debug)]
struct Task {
    name: String,
    action: Action,
    /// What is new to it.
    stale: BTreeSet<Node>,
    /// Whether its failure holds back what it hangs together with.
    holds_back: bool,
    /// The cogs that it has waited for since it was held back, if nothing else of it has changed.
    waits: BTreeSet<String>,
}

#[derive(Debug)]
enum Action {
    /// With the entry that it had.
    Unload(Node),
    /// Its entry, and the modules that it keeps of what it runs; nothing for a fresh VM.
    Load(Node, Option<BTreeSet<Node>>),
}

impl Task {
    fn entry(&self) -> &Node {
        match &self.action {
            Action::Unload(entry) | Action::Load(entry, _) => entry,
        }
    }
}

/// A cog that was tried.
struct Attempt {
    task: Task,
    entry: Node,
    generation: Generation,
    is_taken: bool,
    /// What it would have declared, if it came so far.
    wanted: Option<BTreeSet<String>>,
    /// What was in its way besides its own sources.
    others: BTreeSet<Node>,
}

impl Bot {
    /// A bot that has started with these sources.
    pub(crate) fn new(sources: Sources) -> Self {
        let sources = Rc::new(sources);
        let mut bot = Self {
            newest: Rc::clone(&sources),
            sources,
            cogs: BTreeMap::new(),
            unloaded: BTreeSet::new(),
            is_on: true,
            pending: BTreeSet::new(),
            taking: BTreeSet::new(),
        };
        let cogs = bot.sources.cogs();
        let all = cogs.into_iter().map(|(name, entry)| Task {
            holds_back: false,
            ..load(name, entry)
        });
        bot.carry_out(all.collect());
        bot
    }

    /// Takes notice of what the files say. The report of it, if one must come.
    pub(crate) fn notice(&mut self, sources: Sources) -> Option<Expected> {
        self.look(sources);
        let behind = self.is_on && !self.pending.is_empty();
        behind.then(|| self.catch_up()).flatten()
    }

    /// Sees what the files say, and takes nothing of it yet.
    pub(crate) fn look(&mut self, sources: Sources) {
        self.pending.extend(self.sources.differences(&sources));
        self.sources = Rc::new(sources);
    }

    fn catch_up(&mut self) -> Option<Expected> {
        self.taking = std::mem::take(&mut self.pending);
        self.newest = Rc::clone(&self.sources);
        let tasks = self.plan();
        let mended = self.mend();
        (!tasks.is_empty() || mended).then(|| self.carry_out(tasks))
    }

    /// Carries out what an admin asks for. The report of it, if one must come.
    pub(crate) fn obey(&mut self, request: &Request) -> Option<Expected> {
        match request {
            Request::Toggle => {
                self.is_on = !self.is_on;
                let behind = self.is_on && !self.pending.is_empty();
                behind.then(|| self.catch_up()).flatten()
            }
            Request::All => Some(self.reload_all()),
            Request::Cog(name) => self.is_known(name).then(|| self.afresh(name)),
            Request::Load(name) => {
                let runs = self.cogs.get(name).is_some_and(|cog| cog.version > 0);
                (self.is_known(name) && !runs).then(|| self.afresh(name))
            }
            Request::Unload(name) => {
                self.cogs.remove(name)?;
                self.unloaded.insert(name.clone());
                Some(Expected {
                    cogs: vec![(name.clone(), CogOutcome::Unloaded, 0, Vec::new())],
                    failed: BTreeSet::new(),
                })
            }
        }
    }

    fn is_known(&self, name: &str) -> bool {
        self.cogs.contains_key(name) || self.sources.entry(name).is_some()
    }

    fn afresh(&mut self, name: &str) -> Expected {
        self.unloaded.remove(name);
        let tasks = self
            .sources
            .entry(name)
            .map(|entry| self.build(name, entry));
        let report = self.carry_out(tasks.into_iter().collect());
        // What no cog waits for any more is not pending; an init file concerns all cogs of its folder.
        let plan = self.plan();
        let owns = |node: &Node| {
            let folder = node.strip_suffix("init").filter(|_| is_init(node));
            let mut entries = plan.iter().map(Task::entry);
            folder.is_some_and(|folder| entries.any(|entry| entry.starts_with(folder)))
        };
        let mut waited: BTreeSet<Node> = BTreeSet::new();
        waited.extend(plan.iter().flat_map(|task| task.stale.clone()));
        waited.extend(self.cogs.values().flat_map(|cog| cog.seen.keys().cloned()));
        self.pending
            .retain(|node| waited.contains(node) || owns(node));
        if self.pending.is_empty() {
            self.newest = Rc::clone(&self.sources);
        }
        report
    }

    fn reload_all(&mut self) -> Expected {
        self.unloaded.clear();
        self.pending.clear();
        self.newest = Rc::clone(&self.sources);
        let gone = self
            .cogs
            .iter()
            .filter(|(name, cog)| self.sources.entry(name).is_none() && !self.keeps_as_it_is(cog));
        let mut tasks: Vec<Task> = gone.map(|(name, cog)| Self::unload(name, cog)).collect();
        let cogs = self.sources.cogs();
        tasks.extend(
            cogs.into_iter()
                .map(|(name, entry)| self.build(&name, entry)),
        );
        for task in &mut tasks {
            task.holds_back = false;
        }
        self.carry_out(tasks)
    }

    /// Everything anew, in a fresh VM, at nobody else's cost.
    fn build(&self, name: &str, entry: Node) -> Task {
        let known = self.cogs.get(name);
        let mut stale = known
            .map(|cog| cog.generation.reachable())
            .unwrap_or_default();
        stale.insert(entry.clone());
        Task {
            name: name.to_owned(),
            action: Action::Load(entry, None),
            stale,
            holds_back: false,
            waits: BTreeSet::new(),
        }
    }

    fn unload(name: &str, cog: &Cog) -> Task {
        Task {
            name: name.to_owned(),
            action: Action::Unload(cog.entry.clone()),
            stale: BTreeSet::from([cog.entry.clone()]),
            holds_back: cog.version > 0 && !cog.is_failing,
            waits: BTreeSet::new(),
        }
    }

    /// What has to be tried, so that all cogs run what the sources say.
    fn plan(&self) -> Vec<Task> {
        let cogs = self.sources.cogs();
        let new = cogs
            .into_iter()
            .filter(|(name, _)| !self.cogs.contains_key(name));
        let new = new.map(|(name, entry)| load(name, entry));
        let known = self
            .cogs
            .iter()
            .filter_map(|(name, cog)| self.task(name, cog));
        let mut tasks: Vec<Task> = new.chain(known).collect();
        tasks.retain(|task| !self.unloaded.contains(&task.name));
        tasks.sort_by(|one, other| one.name.cmp(&other.name));
        // A failing cog for which nothing is new but what it shares with healthy ones is one of them.
        let healthy = tasks.iter().filter(|task| task.holds_back);
        let shared: BTreeSet<Node> = healthy.flat_map(|task| task.stale.clone()).collect();
        for task in &mut tasks {
            let runs = self.cogs.get(&task.name).is_some_and(|cog| cog.version > 0);
            let is_reload = runs && matches!(task.action, Action::Load(..));
            task.holds_back |= is_reload && task.stale.is_subset(&shared);
        }
        // Whoever holds a sibling back does so until it is mended.
        let entries: BTreeMap<Node, String> = tasks
            .iter()
            .map(|task| (task.entry().clone(), task.name.clone()))
            .collect();
        for task in &mut tasks {
            let Some(cog) = self.cogs.get(&task.name) else {
                continue;
            };
            let is_as_it_was = |node: &Node| cog.seen.get(node) == Some(&self.sources.says(node));
            if !cog.is_failing && task.stale.iter().all(is_as_it_was) {
                let others = cog.seen.keys().filter_map(|node| entries.get(node));
                task.waits = others.filter(|name| **name != task.name).cloned().collect();
            }
        }
        let awaited: BTreeSet<String> = tasks.iter().flat_map(|task| task.waits.clone()).collect();
        for task in &mut tasks {
            let goes = matches!(task.action, Action::Unload(_));
            task.holds_back |= !goes && awaited.contains(&task.name);
        }
        tasks
    }

    /// Whether a file that a cog runs is there and cannot be taken.
    fn keeps_as_it_is(&self, cog: &Cog) -> bool {
        let runs = cog.version > 0;
        let runs_it = |node: &Node| *node == cog.entry || (runs && cog.generation.runs(node));
        let is_kept = |node: &Node| self.sources.is_held(node) && runs_it(node);
        cog.generation.reachable().iter().any(is_kept)
    }

    fn task(&self, name: &str, cog: &Cog) -> Option<Task> {
        let runs = cog.version > 0;
        let reachable = cog.generation.reachable();
        if self.keeps_as_it_is(cog) {
            return None;
        }
        let Some(entry) = self.sources.entry(name) else {
            let mut seen = cog.seen.iter();
            let sees_same = seen.all(|(node, said)| self.sources.says(node) == *said);
            let was_tried = cog.seen.contains_key(&cog.entry) && sees_same;
            return (!was_tried).then(|| Self::unload(name, cog));
        };
        let is_new = |node: &&Node| cog.generation.said(node) != self.sources.says(node);
        let mut stale: BTreeSet<Node> = reachable.iter().filter(is_new).cloned().collect();
        let mut seen = cog.seen.iter();
        let sees_other = seen.any(|(node, said)| self.sources.says(node) != *said);
        if !runs && sees_other && stale.is_empty() {
            stale.insert(cog.entry.clone());
        }
        let sees_all = stale.iter().all(|node| cog.seen.contains_key(node));
        let was_tried = !cog.seen.is_empty() && sees_all && !sees_other;
        if (stale.is_empty() && entry == cog.entry) || was_tried {
            return None;
        }
        let mut keep: BTreeSet<Node> = &reachable - &cog.generation.users_of(&stale);
        if entry != cog.entry {
            keep.remove(&cog.entry);
        }
        Some(Task {
            name: name.to_owned(),
            action: Action::Load(entry, Some(keep)),
            stale,
            holds_back: runs && !cog.is_failing,
            waits: BTreeSet::new(),
        })
    }

    /// Forgets the failures of cogs whose sources say again what they run; whether there were any.
    fn mend(&mut self) -> bool {
        let mut mended = false;
        for (name, cog) in &mut self.cogs {
            let reachable = cog.generation.reachable();
            let is_kept = |node: &Node| {
                let runs_it = *node == cog.entry || cog.generation.runs(node);
                self.sources.is_held(node) && runs_it
            };
            let is_same = |node: &Node| {
                !is_kept(node) && cog.generation.said(node) == self.sources.says(node)
            };
            let is_back = self.sources.entry(name).as_ref() == Some(&cog.entry)
                && reachable.iter().all(is_same);
            if cog.version > 0 && is_back {
                mended |= cog.is_failing;
                cog.is_failing = false;
                cog.seen.clear();
            }
        }
        mended
    }

    fn carry_out(&mut self, tasks: Vec<Task>) -> Expected {
        let (gone, stay): (Vec<_>, Vec<_>) = tasks
            .into_iter()
            .partition(|task| matches!(task.action, Action::Unload(_)));
        let mut attempts: Vec<Attempt> = stay.into_iter().map(|task| self.attempt(task)).collect();
        let names: Vec<String> = gone.iter().map(|task| task.name.clone()).collect();
        while self.refuse_conflict(&names, &mut attempts) {}
        let held = self.held(&gone, &attempts);
        let mut report = Expected::default();
        for attempt in attempts {
            if !attempt.is_taken {
                report.failed.insert(attempt.task.name.clone());
            }
            let blamed = held.get(&attempt.task.name);
            report.cogs.push(self.conclude(attempt, blamed));
        }
        for name in names {
            if let Some(blamed) = held.get(&name) {
                self.stay(&name, blamed);
                continue;
            }
            self.cogs.remove(&name);
            report
                .cogs
                .push((name, CogOutcome::Unloaded, 0, Vec::new()));
        }
        report.cogs.sort_by(|one, other| one.0.cmp(&other.0));
        report
    }

    /// A cog whose file is gone runs on until what holds it says something else.
    fn stay(&mut self, name: &str, blamed: &Seen) {
        if let Some(cog) = self.cogs.get_mut(name) {
            cog.is_failing = false;
            cog.seen.clone_from(blamed);
            let says = self.sources.says(&cog.entry);
            cog.seen.insert(cog.entry.clone(), says);
        }
    }

    /// The cogs that hang together with one that failed and holds back, with what all those have seen.
    fn held(&self, gone: &[Task], attempts: &[Attempt]) -> BTreeMap<String, Seen> {
        let members = self.members(gone, attempts);
        let mut held: BTreeMap<String, Seen> = BTreeMap::new();
        for failed in attempts {
            if failed.is_taken || !failed.task.holds_back {
                continue;
            }
            for name in together(&members, &failed.task.name) {
                held.entry(name).or_default().extend(self.seen_by(failed));
            }
        }
        held
    }

    fn members(&self, gone: &[Task], attempts: &[Attempt]) -> Vec<Member> {
        let going = gone.iter().map(|task| Member {
            gives: self.has(&task.name),
            ..self.member(task)
        });
        let mut members: Vec<Member> = attempts
            .iter()
            .map(|attempt| {
                let mut member = self.member(&attempt.task);
                let seen = self.would_see(attempt);
                member.touches.extend(&seen & &self.taking);
                let wanted = if attempt.is_taken {
                    Some(attempt.generation.commands().into_iter().collect())
                } else {
                    attempt.wanted.clone()
                };
                if let Some(wanted) = wanted {
                    let had = self.has(&attempt.task.name);
                    member.gives = &had - &wanted;
                    member.takes = &wanted - &had;
                }
                member
            })
            .chain(going)
            .collect();
        let given: BTreeSet<String> = members.iter().flat_map(|it| it.gives.clone()).collect();
        for (attempt, member) in attempts.iter().zip(&mut members) {
            if attempt.is_taken {
                continue;
            }
            if attempt.wanted.is_none() {
                let own = own_modules(&attempt.task);
                let new = new_ones(&self.taking, &own, &self.would_see(attempt));
                let texts: Vec<String> = new
                    .iter()
                    .filter_map(|node| Some(self.sources.text(node)?.source()))
                    .collect();
                let is_there = |name: &&String| {
                    let quoted = format!("\"{name}\"");
                    texts.iter().any(|text| text.contains(&quoted))
                };
                member.takes.extend(given.iter().filter(is_there).cloned());
            }
            if !self.cogs.contains_key(&attempt.task.name) {
                let renamed = gone.iter().filter(|task| self.may_be(task, attempt));
                member.bound.extend(renamed.map(|task| task.name.clone()));
            }
        }
        members
    }

    fn member(&self, task: &Task) -> Member {
        Member {
            name: task.name.clone(),
            touches: &own_modules(task) | &inits_above(&self.taking, task.entry()),
            bound: task.waits.clone(),
            ..Member::default()
        }
    }

    /// The commands of a cog that runs.
    fn has(&self, name: &str) -> BTreeSet<String> {
        let running = self.cogs.get(name).filter(|cog| cog.version > 0);
        let commands = running.map(|cog| cog.generation.commands());
        commands.unwrap_or_default().into_iter().collect()
    }

    fn would_see(&self, attempt: &Attempt) -> BTreeSet<Node> {
        let seen = attempt.generation.seen();
        if attempt.is_taken {
            return seen;
        }
        would_see(
            &self.sources,
            &self.taking,
            &own_modules(&attempt.task),
            seen,
        )
    }

    /// Whether a new cog may be one that goes.
    fn may_be(&self, gone: &Task, new: &Attempt) -> bool {
        let running = self.cogs.get(&gone.name).filter(|cog| cog.version > 0);
        let former = running.and_then(|cog| cog.generation.instances.get(&cog.entry));
        let (Some(former), Some(text)) = (former, self.sources.text(&new.entry)) else {
            return false;
        };
        is_renamed((gone.entry(), &former.text), (&new.entry, text))
    }

    fn attempt(&self, task: Task) -> Attempt {
        let (entry, keep) = match &task.action {
            Action::Load(entry, keep) => (entry.clone(), keep.as_ref()),
            Action::Unload(entry) => (entry.clone(), None),
        };
        let running = self.cogs.get(&task.name).filter(|cog| cog.version > 0);
        let base = running.map(|cog| &cog.generation).zip(keep);
        let (generation, is_taken) = Generation::load(&self.sources, &entry, base);
        Attempt {
            task,
            entry,
            generation,
            is_taken,
            wanted: None,
            others: BTreeSet::new(),
        }
    }

    /// Refuses the first attempt that wants a command which is taken: by a cog that has it and keeps it, by one
    /// that ran before, or by one whose name comes first.
    fn refuse_conflict(&self, gone: &[String], attempts: &mut [Attempt]) -> bool {
        let leaves = |name: &String| {
            let mut taken = attempts.iter().filter(|attempt| attempt.is_taken);
            gone.contains(name) || taken.any(|attempt| attempt.task.name == *name)
        };
        let stay = self
            .cogs
            .iter()
            .filter(|(name, cog)| cog.version > 0 && !leaves(name));
        let mut owners: BTreeMap<String, BTreeSet<Node>> = BTreeMap::new();
        for (name, cog) in stay {
            let commands = cog.generation.commands().into_iter();
            let seen = self.seen_of_owner(name, cog, attempts);
            owners.extend(commands.map(|command| (command, seen.clone())));
        }
        let runs = |attempt: &Attempt| {
            self.cogs
                .get(&attempt.task.name)
                .is_some_and(|cog| cog.version > 0)
        };
        let mut order: Vec<usize> = (0..attempts.len())
            .filter(|index| attempts[*index].is_taken)
            .collect();
        order.sort_by_key(|index| !runs(&attempts[*index]));
        let keeps = |index: usize, command: &String| {
            let has = |name: &str| {
                let cog = self.cogs.get(name).filter(|cog| cog.version > 0);
                cog.is_some_and(|cog| cog.generation.commands().contains(command))
            };
            let mut others = attempts.iter().enumerate().filter(|(other, it)| {
                *other != index && it.is_taken && it.generation.commands().contains(command)
            });
            others
                .find(|(_, it)| has(&it.task.name))
                .map(|(_, it)| it.generation.seen())
        };
        let mut refused = None;
        'attempts: for index in order {
            let generation = &attempts[index].generation;
            let mut own = BTreeSet::new();
            for command in generation.commands() {
                let owner = owners.get(&command).cloned();
                let owner = owner.or_else(|| keeps(index, &command));
                if owner.is_some() || !own.insert(command) {
                    refused = Some((index, owner.unwrap_or_default()));
                    break 'attempts;
                }
            }
            let seen = generation.seen();
            owners.extend(own.into_iter().map(|command| (command, seen.clone())));
        }
        let Some((index, others)) = refused else {
            return false;
        };
        let commands = attempts[index].generation.commands();
        attempts[index].wanted = Some(commands.into_iter().collect());
        attempts[index].is_taken = false;
        attempts[index].others = others;
        true
    }

    /// What may make a cog that stays let go of a command: what it runs, and what its last attempts came to nothing
    /// for.
    fn seen_of_owner(&self, name: &str, cog: &Cog, attempts: &[Attempt]) -> BTreeSet<Node> {
        let mut seen = cog.generation.seen();
        let failed = attempts
            .iter()
            .filter(|it| !it.is_taken && it.task.name == name);
        seen.extend(failed.flat_map(|attempt| self.seen_by(attempt).into_keys()));
        seen.extend(cog.seen.keys().cloned());
        seen
    }

    /// What an attempt that came to nothing has seen.
    fn seen_by(&self, attempt: &Attempt) -> Seen {
        let nodes = attempt.generation.seen().into_iter();
        let nodes = nodes
            .chain(attempt.task.stale.clone())
            .chain(attempt.others.clone());
        nodes
            .map(|node| (node.clone(), self.sources.says(&node)))
            .collect()
    }

    fn conclude(
        &mut self,
        attempt: Attempt,
        blamed: Option<&Seen>,
    ) -> (String, CogOutcome, u64, Vec<String>) {
        let mut seen = self.seen_by(&attempt);
        let name = attempt.task.name.clone();
        let cog = self.cogs.entry(name.clone()).or_insert_with(|| Cog {
            version: 0,
            entry: attempt.entry.clone(),
            generation: Generation::default(),
            is_failing: false,
            seen: Seen::new(),
        });
        if attempt.is_taken && blamed.is_none() {
            let outcome = match cog.version {
                0 => CogOutcome::Loaded,
                _ => CogOutcome::Reloaded,
            };
            *cog = Cog {
                version: cog.version + 1,
                entry: attempt.entry,
                generation: attempt.generation,
                is_failing: false,
                seen: Seen::new(),
            };
            let executed = cog.generation.executed.iter().map(|id| dotted(id));
            return (name, outcome, cog.version, executed.collect());
        }
        cog.is_failing = !attempt.is_taken;
        if attempt.is_taken {
            seen.extend(blamed.cloned().unwrap_or_default());
        }
        cog.seen = seen;
        if cog.version > 0 {
            return (name, CogOutcome::Kept, cog.version, Vec::new());
        }
        cog.entry = attempt.entry;
        cog.generation = attempt.generation;
        (name, CogOutcome::NotRunning, 0, Vec::new())
    }

    /// The module instance that answers a command.
    pub(crate) fn answering(&self, command: &str) -> Option<Rc<Instance>> {
        let mut running = self.cogs.values().filter(|cog| cog.version > 0);
        let (_, instance) = running.find_map(|cog| cog.generation.module_of(command))?;
        Some(instance)
    }

    /// The commands whose handlers require something.
    pub(crate) fn late_commands(&self) -> Vec<String> {
        let running = self.cogs.values().filter(|cog| cog.version > 0);
        let commands = running.flat_map(|cog| cog.generation.commands());
        commands.filter(|name| is_late(name)).collect()
    }

    /// What the late require of a command comes to; nothing if there is no such command.
    pub(crate) fn require_late(&mut self, command: &str) -> Option<Result<Rc<Instance>, Failed>> {
        let newest = Rc::clone(&self.newest);
        let mut running = self.cogs.values_mut().filter(|cog| cog.version > 0);
        running.find_map(|cog| {
            let (module, instance) = cog.generation.module_of(command)?;
            let request = instance.text.late.clone()?;
            Some(cog.generation.require_late(&newest, &module, &request))
        })
    }
}

fn own_modules(task: &Task) -> BTreeSet<Node> {
    let entry = BTreeSet::from([task.entry().clone()]);
    &task.stale | &entry
}

fn load(name: String, entry: Node) -> Task {
    Task {
        name,
        waits: BTreeSet::new(),
        stale: BTreeSet::from([entry.clone()]),
        action: Action::Load(entry, None),
        holds_back: true,
    }
}

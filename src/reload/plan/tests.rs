mod parts;
mod properties;

use super::*;
use crate::api::condition::{Condition, Transition};
use crate::problem::Problem;
use crate::vm::load_trace::{LoadTrace, Seen};
use std::cell::Cell;
use std::num::NonZeroU64;

/// Sources without files: what each module says, and which are cogs' entries.
#[derive(Clone, Debug, Default)]
struct Texts {
    modules: BTreeMap<ModuleId, String>,
    held: BTreeSet<ModuleId>,
    entries: BTreeMap<String, ModuleId>,
    /// How often somebody has looked at a module.
    looks: Cell<usize>,
}

impl Texts {
    fn new(modules: &[&str]) -> Self {
        let mut texts = Self::default();
        for module in modules {
            texts.set(module, "1");
        }
        texts
    }

    fn set(&mut self, module: &str, text: &str) {
        let id = ModuleId::new(module);
        if let Some(name) = id.dotted().strip_prefix("cogs.") {
            self.entries.insert(name.to_owned(), id.clone());
        }
        self.modules.insert(id, text.to_owned());
    }

    fn remove(&mut self, module: &str) {
        let id = ModuleId::new(module);
        self.entries.retain(|_, entry| *entry != id);
        self.modules.remove(&id);
    }
}

impl Sources for Texts {
    fn hash(&self, id: &ModuleId) -> Option<ContentHash> {
        self.looks.set(self.looks.get() + 1);
        self.modules.get(id).map(|text| ContentHash::of(text))
    }

    fn is_held(&self, id: &ModuleId) -> bool {
        self.held.contains(id)
    }

    fn entry(&self, cog: &str) -> Option<&ModuleId> {
        self.entries.get(cog)
    }

    fn cogs(&self) -> impl Iterator<Item = (&str, &ModuleId)> {
        self.entries
            .iter()
            .map(|(name, entry)| (name.as_str(), entry))
    }
}

/// A cog that consists only of its entry.
fn of_entry(name: &str, entry: ModuleId, hash: ContentHash) -> CogView {
    CogView {
        name: name.to_owned(),
        trace: LoadTrace {
            read: BTreeMap::from([(entry.clone(), hash)]),
            edges: BTreeMap::new(),
        },
        failed: BTreeSet::new(),
        entry,
        condition: Condition::Running {
            version: NonZeroU64::MIN,
            obstacle: None,
        },
        undone: None,
        attempted: Seen::new(),
    }
}

/// The cog `name` with these requires, having loaded what there is of them.
fn view(name: &str, sources: &Texts, edges: &[(&str, &str)]) -> CogView {
    let entry = ModuleId::new(&format!("cogs/{name}"));
    let hash = sources.hash(&entry).unwrap_or(ContentHash::of("?"));
    let mut view = of_entry(name, entry, hash);
    for (from, to) in edges {
        let (from, to) = (ModuleId::new(from), ModuleId::new(to));
        for id in [&from, &to] {
            if let Some(hash) = sources.hash(id) {
                view.trace.read.insert(id.clone(), hash);
            }
        }
        view.trace.edges.entry(from).or_default().insert(to);
    }
    view
}

fn kept(plan: &CogPlan) -> Vec<&str> {
    plan.keep.iter().map(ModuleId::as_str).collect()
}

fn summary(plan: &Plan) -> Vec<(&str, Action)> {
    let cogs = plan.cogs.iter();
    cogs.map(|cog| (cog.name.as_str(), cog.action)).collect()
}

const DIAMOND: &[(&str, &str)] = &[
    ("cogs/a", "services/x"),
    ("cogs/a", "services/y"),
    ("services/x", "utils/z"),
    ("services/y", "utils/z"),
    ("services/y", "utils/w"),
];
const MODULES: &[&str] = &["cogs/a", "services/x", "services/y", "utils/z", "utils/w"];

#[test]
fn in_a_diamond_only_what_does_not_depend_on_the_change_is_kept() {
    let mut sources = Texts::new(MODULES);
    let cog = view("a", &sources, DIAMOND);
    assert!(plan([&cog], &sources).is_empty());
    sources.set("utils/z", "2");
    let plan = plan([&cog], &sources);
    assert_eq!(kept(&plan.cogs[0]), ["utils/w"]);
    assert_eq!(plan.cogs[0].stale, [ModuleId::new("utils/z")].into());
    assert!(plan.cogs[0].holds_back);
}

#[test]
fn cogs_come_go_and_are_renamed() {
    let mut sources = Texts::new(&["cogs/a", "cogs/b"]);
    let cogs = [view("a", &sources, &[]), view("b", &sources, &[])];
    sources.remove("cogs/a");
    sources.set("cogs/c", "1");
    let plan = plan(&cogs, &sources);
    assert_eq!(summary(&plan), [("a", Action::Unload), ("c", Action::Load)]);
}

#[test]
fn an_entry_that_becomes_an_init_file_is_a_reload() {
    let mut sources = Texts::new(MODULES);
    let cog = view("a", &sources, DIAMOND);
    sources.remove("cogs/a");
    sources.set("cogs/a/init", "1");
    let complete = plan([&cog], &sources);
    assert_eq!(summary(&complete), [("a", Action::Reload)]);
    assert_eq!(complete.cogs[0].entry, ModuleId::new("cogs/a/init"));
    assert_eq!(
        kept(&complete.cogs[0]),
        ["services/x", "services/y", "utils/w", "utils/z"]
    );
    let mut graph = Graph::new();
    graph.put(cog);
    let changed = [ModuleId::new("cogs/a"), ModuleId::new("cogs/a/init")].into();
    assert_eq!(plan_changed(&graph, &changed, &sources), complete);
}

#[test]
fn an_init_file_takes_in_the_cogs_of_its_folder() {
    let before = Snapshot::of_texts([("cogs/fun/dice.luau", "1"), ("cogs/ping.luau", "1")]);
    let after = Snapshot::of_texts([
        ("cogs/fun/dice.luau", "1"),
        ("cogs/fun/init.luau", "1"),
        ("cogs/ping.luau", "1"),
    ]);
    for (from, to, wanted) in [
        (
            &before,
            &after,
            [("fun", Action::Load), ("fun.dice", Action::Unload)],
        ),
        (
            &after,
            &before,
            [("fun", Action::Unload), ("fun.dice", Action::Load)],
        ),
    ] {
        let mut graph = Graph::new();
        for (name, entry) in from.cogs() {
            graph.put(of_entry(name, entry.clone(), from.hash(entry).unwrap()));
        }
        let changed = super::super::sources::diff(from, to);
        let plan = plan_changed(&graph, &changed, to);
        assert_eq!(summary(&plan), wanted);
        assert_eq!(plan, super::plan(graph.cogs(), to));
    }
}

#[test]
fn a_deleted_module_is_stale_and_its_users_are_tried() {
    let mut sources = Texts::new(MODULES);
    let cog = view("a", &sources, DIAMOND);
    sources.remove("utils/z");
    let plan = plan([&cog], &sources);
    assert_eq!(kept(&plan.cogs[0]), ["utils/w"]);
    assert_eq!(plan.cogs[0].stale, [ModuleId::new("utils/z")].into());
}

#[test]
fn a_missing_target_that_comes_concerns_those_who_looked_for_it() {
    let mut sources = Texts::new(&["cogs/a", "cogs/b"]);
    let mut waiting = view(
        "a",
        &sources,
        &[("cogs/a", "utils/z"), ("cogs/a", "utils/z/init")],
    );
    waiting.condition = Condition::new();
    let other = view("b", &sources, &[]);
    assert!(plan([&waiting, &other], &sources).is_empty());
    sources.set("utils/z/init", "1");
    let plan = plan([&waiting, &other], &sources);
    assert_eq!(summary(&plan), [("a", Action::Retry)]);
    assert!(plan.cogs[0].keep.is_empty());
    assert!(!plan.cogs[0].holds_back);
}

#[test]
fn a_held_module_leaves_its_cogs_as_they_are() {
    let mut sources = Texts::new(MODULES);
    let cog = view("a", &sources, DIAMOND);
    sources.remove("services/x");
    sources.held.insert(ModuleId::new("services/x"));
    sources.set("utils/z", "2");
    assert!(plan([&cog], &sources).is_empty());
    sources.remove("cogs/a");
    sources.held.insert(ModuleId::new("cogs/a"));
    assert!(
        plan([&cog], &sources).is_empty(),
        "a held entry is not gone"
    );
}

#[test]
fn a_held_module_that_was_never_loaded_keeps_no_cog_from_its_next_text() {
    let mut sources = Texts::new(&["cogs/a"]);
    sources.held.insert(ModuleId::new("utils/link"));
    let cog = view("a", &sources, &[("cogs/a", "utils/link")]);
    assert!(plan([&cog], &sources).is_empty());
    sources.set("cogs/a", "2");
    let plan = plan([&cog], &sources);
    assert_eq!(plan.cogs[0].stale, [ModuleId::new("cogs/a")].into());
    assert!(plan.cogs[0].keep.is_empty());
}

#[test]
fn a_failed_attempt_is_repeated_only_with_other_sources() {
    let mut sources = Texts::new(&["cogs/a", "utils/z"]);
    let mut cog = view("a", &sources, &[("cogs/a", "utils/z")]);
    sources.set("cogs/a", "broken");
    cog.condition
        .pass(Transition::LoadFailed(Problem::default()));
    assert!(!plan([&cog], &sources).cogs[0].holds_back);
    let entry = ModuleId::new("cogs/a");
    cog.attempted = [(entry.clone(), sources.hash(&entry))].into();
    assert!(plan([&cog], &sources).is_empty());
    sources.set("utils/z", "2");
    assert_eq!(plan([&cog], &sources).cogs.len(), 1);
    sources.set("utils/z", "1");
    sources.set("cogs/a", "mended");
    assert_eq!(plan([&cog], &sources).cogs.len(), 1);
    sources.set("cogs/a", "1");
    assert!(plan([&cog], &sources).is_empty(), "back to what runs");
}

#[test]
fn an_alias_is_stale_and_what_it_leads_to_is_kept() {
    let mut sources = Texts::new(&["cogs/a", "utils/z"]);
    let alias = ModuleId::of_alias("u");
    sources.modules.insert(alias.clone(), "utils".to_owned());
    let mut cog = view("a", &sources, &[("cogs/a", "utils/z")]);
    cog.trace
        .read
        .insert(alias.clone(), ContentHash::of("utils"));
    cog.trace
        .edges
        .entry(ModuleId::new("cogs/a"))
        .or_default()
        .insert(alias.clone());
    assert!(plan([&cog], &sources).is_empty());
    sources.modules.insert(alias.clone(), "ui".to_owned());
    let plan = plan([&cog], &sources);
    assert_eq!(plan.cogs[0].stale, [alias].into());
    assert_eq!(kept(&plan.cogs[0]), ["utils/z"]);
}

#[test]
fn a_cog_that_a_sibling_held_back_is_planned_with_the_sibling_s_fix() {
    let mut sources = Texts::new(&["cogs/a", "cogs/b", "utils/z"]);
    let mut graph = Graph::new();
    graph.put(view("a", &sources, &[("cogs/a", "utils/z")]));
    graph.put(view("b", &sources, &[("cogs/b", "utils/z")]));
    sources.set("utils/z", "2");
    let first = plan_changed(&graph, &[ModuleId::new("utils/z")].into(), &sources);
    assert_eq!(first.cogs.len(), 2);
    first.mark_dirty_in(&mut graph);
    sources.set("cogs/b", "fixed");
    let second = plan_changed(&graph, &[ModuleId::new("cogs/b")].into(), &sources);
    assert_eq!(
        summary(&second),
        [("a", Action::Reload), ("b", Action::Reload)]
    );
}

#[test]
fn afresh_keeps_nothing() {
    let sources = Texts::new(MODULES);
    let cog = view("a", &sources, DIAMOND);
    let plan = plan_afresh(Some(&cog), "a", &sources).unwrap();
    assert!(plan.afresh);
    assert_eq!(plan.stale.len(), 5);
    assert!(plan.keep.is_empty());
    assert!(plan_afresh(None, "b", &sources).is_none());
}

#[test]
fn the_cost_of_a_change_follows_its_reach() {
    let mut sources = Texts::default();
    let mut graph = Graph::new();
    for number in 0..1000 {
        sources.set(&format!("cogs/c{number:03}"), "1");
    }
    sources.set("utils/everybody", "1");
    sources.set("utils/leaf", "1");
    for number in 0..1000 {
        let entry = format!("cogs/c{number:03}");
        let mut edges = vec![(entry.as_str(), "utils/everybody")];
        if number < 3 {
            edges.push((entry.as_str(), "utils/leaf"));
        }
        graph.put(view(&entry[5..], &sources, &edges));
    }
    sources.set("utils/leaf", "2");
    let changed = BTreeSet::from([ModuleId::new("utils/leaf")]);
    assert_eq!(
        graph.concerned(&changed).len(),
        3,
        "the others are not looked at"
    );
    let before = sources.looks.get();
    let plan = plan_changed(&graph, &changed, &sources);
    assert_eq!(plan.cogs.len(), 3);
    let looks = sources.looks.get() - before;
    assert!(looks < 20, "{looks} looks at 3 cogs of 3 modules each");
    assert_eq!(plan, super::plan(graph.cogs(), &sources));
}

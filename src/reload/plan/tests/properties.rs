//! What holds for any graph and any change.

use super::*;
use proptest::prelude::*;

/// A random tree: cogs `cogs/0`…, modules `m/0`…, and requires in any direction, cycles included.
#[derive(Clone, Debug)]
struct World {
    sources: Texts,
    cogs: Vec<CogView>,
    after: Texts,
}

fn worlds() -> impl Strategy<Value = World> {
    let cog = (
        prop::collection::vec((0..9usize, 0..9usize), 0..25),
        any::<bool>(),
        any::<bool>(),
    );
    let cogs = prop::collection::vec(cog, 1..5);
    let changes = prop::collection::vec((0..14usize, 0..4u8), 0..5);
    (cogs, changes).prop_map(|(cogs, changes)| {
        let module = |number: usize| format!("m/{number}");
        let mut sources = Texts::default();
        (0..8).for_each(|number| sources.set(&module(number), "1"));
        (0..cogs.len()).for_each(|number| sources.set(&format!("cogs/{number}"), "1"));
        let cogs = cogs
            .into_iter()
            .enumerate()
            .map(|(number, (edges, waits, failing))| {
                let entry = format!("cogs/{number}");
                // The first module is the entry itself; `m/8` does not exist.
                let name = |end: usize| if end == 0 { entry.clone() } else { module(end) };
                let edges: Vec<_> = edges
                    .iter()
                    .map(|(from, to)| (name(*from), name(*to)))
                    .collect();
                let edges: Vec<_> = edges
                    .iter()
                    .map(|(from, to)| (from.as_str(), to.as_str()))
                    .collect();
                let mut view = view(&number.to_string(), &sources, &edges);
                if waits {
                    view.condition = Condition::new();
                }
                if failing {
                    let failed = Transition::LoadFailed(Problem::default());
                    view.condition.pass(failed);
                }
                view
            });
        let cogs: Vec<_> = cogs.collect();
        let mut after = sources.clone();
        for (number, change) in changes {
            let name = if number < 9 {
                module(number)
            } else {
                format!("cogs/{}", number - 9)
            };
            match change {
                0 => after.remove(&name),
                1 => drop(after.held.insert(ModuleId::new(&name))),
                _ => after.set(&name, "2"),
            }
        }
        World {
            sources,
            cogs,
            after,
        }
    })
}

/// Whether `from` leads to one of `to` by requires, found by brute force.
fn leads(view: &CogView, from: &ModuleId, to: &BTreeSet<ModuleId>) -> bool {
    let mut seen = BTreeSet::from([from.clone()]);
    loop {
        let next: Vec<ModuleId> = seen
            .iter()
            .flat_map(|id| view.trace.edges.get(id).into_iter().flatten())
            .filter(|id| !seen.contains(*id))
            .cloned()
            .collect();
        if next.is_empty() {
            return !seen.is_disjoint(to);
        }
        seen.extend(next);
    }
}

fn check_cog(view: &CogView, plan: &CogPlan, whole: &Plan, after: &Texts) {
    let reachable = view.reachable();
    let all: Vec<&ModuleId> = reachable.iter().copied().collect();
    for id in &all {
        let changed = view.trace.read.get(*id).copied() != after.hash(id);
        assert_eq!(plan.stale.contains(*id), changed, "{id} is stale");
        let kept = view.trace.read.contains_key(*id) && !leads(view, id, &plan.stale);
        assert_eq!(plan.keep.contains(*id), kept, "{id} is kept");
    }
    assert!(plan.keep.iter().all(|id| reachable.contains(id)));
    let healthy = |cog: &&CogPlan| cog.name != view.name && cog.holds_back;
    let others = whole.cogs.iter().filter(healthy);
    let shared: BTreeSet<_> = others.flat_map(|cog| cog.stale.clone()).collect();
    let is_own = view.condition.is_failing() && !plan.stale.is_subset(&shared);
    assert_eq!(plan.holds_back, view.condition.answers() && !is_own);
}

proptest! {
    #[test]
    fn exactly_what_depends_on_no_change_is_kept(world in worlds()) {
        prop_assert!(plan(&world.cogs, &world.sources).is_empty());
        let plan = plan(&world.cogs, &world.after);
        let names: BTreeSet<_> = plan.cogs.iter().map(|cog| &cog.name).collect();
        prop_assert_eq!(names.len(), plan.cogs.len());
        for view in &world.cogs {
            let of_cog = plan.cogs.iter().find(|cog| cog.name == view.name);
            let reachable = view.reachable();
            let is_running = view.condition.answers();
            let runs = |id: &ModuleId| *id == view.entry || (is_running && view.trace.read.contains_key(id));
            let held = reachable.iter().any(|id| runs(id) && world.after.is_held(id));
            let is_gone = world.after.entry(&view.name).is_none();
            let is_stale = reachable.iter().any(|id| view.trace.read.get(*id).copied() != world.after.hash(id));
            prop_assert_eq!(of_cog.is_some(), !held && (is_gone || is_stale));
            match of_cog {
                Some(of_cog) if is_gone => prop_assert_eq!(of_cog.action, Action::Unload),
                Some(of_cog) => check_cog(view, of_cog, &plan, &world.after),
                None => {}
            }
        }
    }

    #[test]
    fn the_order_of_the_cogs_and_the_way_to_the_plan_make_no_difference(world in worlds()) {
        let complete = plan(&world.cogs, &world.after);
        prop_assert_eq!(&complete, &plan(world.cogs.iter().rev(), &world.after));
        prop_assert_eq!(&complete, &plan(&world.cogs, &world.after));
        let mut graph = Graph::new();
        for view in world.cogs.iter().cloned() {
            graph.put(view);
        }
        let ids = world.sources.modules.keys().chain(world.after.modules.keys());
        let changed = ids.filter(|id| world.sources.hash(id) != world.after.hash(id));
        let changed: BTreeSet<_> = changed.cloned().collect();
        prop_assert_eq!(&complete, &plan_changed(&graph, &changed, &world.after));
    }

    #[test]
    fn the_index_knows_the_users_of_each_module(world in worlds()) {
        let mut graph = Graph::new();
        for view in world.cogs.iter().chain(world.cogs.iter().rev()).cloned() {
            graph.put(view);
        }
        for view in &world.cogs {
            for id in view.reachable() {
                prop_assert!(graph.users(id).any(|user| user == view.name));
            }
        }
        for view in &world.cogs {
            graph.remove(&view.name);
        }
        for id in world.sources.modules.keys() {
            prop_assert_eq!(graph.users(id).count(), 0);
        }
    }
}

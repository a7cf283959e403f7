//! Which cogs hang together: what holds for any members, against a plainly written model.

use super::super::parts::{Bonds, Member, Tie, parts};
use super::*;
use crate::commands::conflicts::Claim;
use proptest::prelude::*;

fn ties() -> impl Strategy<Value = BTreeSet<Tie>> {
    let tie = (0..3_u8, 0..6_u8).prop_map(|(kind, number)| match kind {
        0 => Tie::Claim(Claim::Typed(number.to_string())),
        1 => Tie::Event(number.to_string()),
        _ => Tie::Shared(number.to_string()),
    });
    prop::collection::btree_set(tie, 0..3)
}

fn members() -> impl Strategy<Value = Vec<Member>> {
    let touches = prop::collection::btree_set(0..10_u8, 0..3);
    let bound = prop::collection::btree_set(0..10_u8, 0..2);
    let member = (touches, ties(), ties(), prop::option::weighted(0.2, bound));
    prop::collection::vec(member, 0..9).prop_map(|members| {
        let members = members.into_iter().enumerate();
        let made = members.map(|(number, (touches, gives, takes, bound))| Member {
            name: number.to_string(),
            touches: touches
                .iter()
                .map(|id| ModuleId::new(&format!("m/{id}")))
                .collect(),
            takes: takes.difference(&gives).cloned().collect(),
            gives,
            bound: bound.iter().flatten().map(u8::to_string).collect(),
        });
        made.collect()
    })
}

/// Whether two cogs have something to do with each other.
fn concerns(one: &Member, other: &Member) -> bool {
    let same_change = one.touches.iter().any(|id| other.touches.contains(id));
    let moves = one.gives.iter().any(|tie| other.takes.contains(tie));
    let both_want = one
        .takes
        .iter()
        .any(|tie| matches!(tie, Tie::Claim(_)) && other.takes.contains(tie));
    same_change || moves || both_want || one.bound.contains(&other.name)
}

/// Whether one leads to the other, from one to the next that it has to do with.
fn hang_together(members: &[Member], from: usize, to: usize) -> bool {
    let mut reached = BTreeSet::from([from]);
    loop {
        let next = (0..members.len()).find(|next| {
            let next_to = |it: &usize| {
                let (one, other) = (&members[*it], &members[*next]);
                concerns(one, other) || concerns(other, one)
            };
            !reached.contains(next) && reached.iter().any(next_to)
        });
        match next {
            Some(next) => drop(reached.insert(next)),
            None => return reached.contains(&to),
        }
    }
}

proptest! {
    #[test]
    fn a_part_is_all_that_hangs_together_and_nothing_else(members in members()) {
        let parts = parts(&members);
        prop_assert_eq!(parts.len(), members.len());
        for one in 0..members.len() {
            for other in 0..members.len() {
                let together = hang_together(&members, one, other);
                prop_assert_eq!(parts[one] == parts[other], together, "{} and {}", one, other);
            }
        }
    }

    #[test]
    fn the_order_of_the_members_makes_no_difference(members in members()) {
        let mut backwards = members.clone();
        backwards.reverse();
        let (there, mut back) = (parts(&members), parts(&backwards));
        back.reverse();
        for one in 0..members.len() {
            for other in 0..members.len() {
                prop_assert_eq!(there[one] == there[other], back[one] == back[other]);
            }
        }
    }
}

/// A graph of `cogs/a` and `cogs/b`, of which `a` was held back when `b` failed: each was edited.
fn one_held_back_by_the_other() -> (Graph, Texts) {
    let mut sources = Texts::new(&["cogs/a", "cogs/b"]);
    let (mut a, mut b) = (view("a", &sources, &[]), view("b", &sources, &[]));
    sources.set("cogs/a", "new");
    sources.set("cogs/b", "broken");
    let seen = |id: &str| (ModuleId::new(id), sources.hash(&ModuleId::new(id)));
    a.attempted = BTreeMap::from([seen("cogs/a"), seen("cogs/b")]);
    b.attempted = BTreeMap::from([seen("cogs/b")]);
    b.condition.pass(Transition::LoadFailed(Problem::default()));
    let mut graph = Graph::new();
    graph.put(a);
    graph.put(b);
    graph.mark_dirty("a");
    (graph, sources)
}

fn holding_back(plan: &Plan) -> Vec<&str> {
    let cogs = plan.cogs.iter().filter(|cog| cog.holds_back);
    cogs.map(|cog| cog.name.as_str()).collect()
}

#[test]
fn who_holds_a_sibling_back_does_so_again_when_it_is_saved_and_still_broken() {
    let (graph, mut sources) = one_held_back_by_the_other();
    assert!(plan(graph.cogs(), &sources).is_empty());
    sources.set("cogs/b", "still broken");
    let changed = BTreeSet::from([ModuleId::new("cogs/b")]);
    let plan = plan_changed(&graph, &changed, &sources);
    assert_eq!(holding_back(&plan), ["a", "b"]);
    let bonds = Bonds::of(&plan, &graph, &changed, &sources);
    let waits = BTreeMap::from([("a".to_owned(), BTreeSet::from(["b".to_owned()]))]);
    assert_eq!(bonds.waits, waits);
}

#[test]
fn who_was_held_back_waits_no_more_once_it_is_saved_itself() {
    let (graph, mut sources) = one_held_back_by_the_other();
    sources.set("cogs/a", "without the other");
    sources.set("cogs/b", "still broken");
    let changed = BTreeSet::from([ModuleId::new("cogs/a"), ModuleId::new("cogs/b")]);
    let plan = plan_changed(&graph, &changed, &sources);
    assert_eq!(holding_back(&plan), ["a"]);
    let bonds = Bonds::of(&plan, &graph, &changed, &sources);
    assert!(bonds.waits.is_empty());
}

#[test]
fn a_cog_whose_file_is_gone_and_that_was_held_back_goes_with_the_fix_and_not_before() {
    let (mut graph, mut sources) = one_held_back_by_the_other();
    sources.remove("cogs/a");
    let mut a = graph.get("a").unwrap().clone();
    a.attempted.insert(a.entry.clone(), None);
    graph.put(a);
    graph.mark_dirty("a");
    assert!(plan(graph.cogs(), &sources).is_empty());
    let gone = plan_gone(&graph, &sources);
    assert_eq!(gone.len(), 1, "an admin may take it away all the same");
    sources.set("cogs/b", "mended");
    let plan = plan(graph.cogs(), &sources);
    assert_eq!(
        summary(&plan),
        [("a", Action::Unload), ("b", Action::Reload)]
    );
}

//! Modules that import each other, directly or on a way around.

use super::imports::{Module, imported};
use std::collections::{BTreeMap, BTreeSet};

/// The groups of modules of which each leads to each other. A module and those inside it may know each other.
pub(crate) fn circles(modules: &BTreeMap<Module, String>) -> BTreeSet<BTreeSet<Module>> {
    let edges: BTreeMap<&Module, BTreeSet<Module>> = modules
        .iter()
        .map(|(own, text)| {
            let mut to = imported(own, text, modules);
            to.retain(|it| !it.starts_with(own) && !own.starts_with(it));
            (own, to)
        })
        .collect();
    let reached: BTreeMap<&Module, BTreeSet<&Module>> = edges
        .keys()
        .map(|from| (*from, reach(from, &edges)))
        .collect();
    let mut circles = BTreeSet::new();
    for (from, to) in &reached {
        let circle = to.iter().filter(|it| reached[**it].contains(from));
        let circle: BTreeSet<Module> = circle.map(|it| (*it).clone()).collect();
        if !circle.is_empty() {
            circles.insert(circle);
        }
    }
    circles
}

/// All modules to which a way leads.
fn reach<'a>(
    from: &Module,
    edges: &'a BTreeMap<&Module, BTreeSet<Module>>,
) -> BTreeSet<&'a Module> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&Module> = edges[from].iter().collect();
    while let Some(next) = open.pop() {
        if reached.insert(next) {
            open.extend(&edges[next]);
        }
    }
    reached
}

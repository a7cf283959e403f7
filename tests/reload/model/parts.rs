//! Which of the cogs that are tried together hang together, pair by pair.

use super::sources::{Node, Sources, is_init, without_init};
use super::text::Text;
use std::collections::BTreeSet;

/// One cog that is tried or goes.
#[derive(Debug, Default)]
pub(crate) struct Member {
    pub(crate) name: String,
    /// What changed of all that it has to do with.
    pub(crate) touches: BTreeSet<Node>,
    /// The commands that it gives up, and those that are new to it.
    pub(crate) gives: BTreeSet<String>,
    pub(crate) takes: BTreeSet<String>,
    /// Others that it is bound to.
    pub(crate) bound: BTreeSet<String>,
}

impl Member {
    fn concerns(&self, other: &Self) -> bool {
        !self.touches.is_disjoint(&other.touches)
            || !self.gives.is_disjoint(&other.takes)
            || !self.takes.is_disjoint(&other.takes)
            || self.bound.contains(&other.name)
    }
}

/// The names of all that hang together with one of `first`, themselves included.
pub(crate) fn together(members: &[Member], first: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::from([first.to_owned()]);
    loop {
        let inside = || members.iter().filter(|member| names.contains(&member.name));
        let next = members.iter().find(|member| {
            let joins = |it: &Member| it.concerns(member) || member.concerns(it);
            !names.contains(&member.name) && inside().any(joins)
        });
        match next {
            Some(next) => drop(names.insert(next.name.clone())),
            None => return names,
        }
    }
}

/// What a text requires that may never have been run.
pub(crate) fn requested(text: &Text) -> impl Iterator<Item = &String> {
    let late = text.late.iter().filter(|_| text.command.is_some());
    text.uses.iter().map(|it| &it.request).chain(late)
}

/// All of `seen`, and what the new texts among it and `own` would require if they were run.
pub(crate) fn would_see(
    sources: &Sources,
    changed: &BTreeSet<Node>,
    own: &BTreeSet<Node>,
    mut seen: BTreeSet<Node>,
) -> BTreeSet<Node> {
    loop {
        let before = seen.len();
        for module in new_ones(changed, own, &seen) {
            for request in sources
                .text(&module)
                .into_iter()
                .flat_map(|it| requested(it))
            {
                seen.extend(sources.resolve(&module, request));
            }
        }
        if seen.len() == before {
            return seen;
        }
    }
}

/// What says something new of all that a cog has seen.
pub(crate) fn new_ones(
    changed: &BTreeSet<Node>,
    own: &BTreeSet<Node>,
    seen: &BTreeSet<Node>,
) -> BTreeSet<Node> {
    own | &(seen & changed)
}

/// The init files that changed, in folders in which a file lies.
pub(crate) fn inits_above(changed: &BTreeSet<Node>, entry: &str) -> BTreeSet<Node> {
    let above = changed.iter().filter(|id| {
        let folder = id.strip_suffix("init");
        is_init(id) && folder.is_some_and(|folder| entry.starts_with(folder))
    });
    above.cloned().collect()
}

/// Whether a file has the name of another, or two thirds of the longer text are in both.
pub(crate) fn is_renamed(from: (&str, &Text), to: (&str, &Text)) -> bool {
    let name = |stem: &str| without_init(stem).rsplit('/').next().map(str::to_lowercase);
    let (one, other) = (from.1.source(), to.1.source());
    let lines = |text: &str| -> Vec<String> {
        let lines = text.lines().map(|line| line.trim().to_owned());
        let told = lines.filter(|line| !line.is_empty() && !line.contains("require("));
        told.collect()
    };
    let length = |lines: &[String]| -> usize { lines.iter().map(String::len).sum() };
    let (mut left, other) = (lines(&one), lines(&other));
    let longer = length(&left).max(length(&other));
    let mut common = 0;
    for line in other {
        if let Some(place) = left.iter().position(|it| *it == line) {
            common += left.swap_remove(place).len();
        }
    }
    name(from.0) == name(to.0) || (longer > 0 && common * 3 >= longer * 2)
}

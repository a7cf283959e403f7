//! Files that are no cog, and that no cog and no spec requires.

use super::Project;
use super::finding::{Finding, Rule};
use super::source::{Required, Source};
use super::syntax::Span;
use std::collections::{BTreeMap, BTreeSet};

/// What the files of a project require of each other, by their paths.
#[derive(Debug, Default)]
pub(super) struct Requires {
    edges: BTreeMap<String, BTreeSet<String>>,
    /// Whether a file requires what is not written out, or could not be read.
    pub(super) any: bool,
}

impl Requires {
    pub(super) fn of(project: &Project<'_>, sources: &[Source<'_>]) -> Self {
        let mut requires = Self::default();
        for source in sources {
            let edges = requires.edges.entry(source.path.to_owned()).or_default();
            let mut any = false;
            source.each(|expression| match source.required(expression) {
                Some(Required::Written(request)) => {
                    edges.extend((project.resolve)(source.path, &request.text));
                }
                Some(Required::Computed) => any = true,
                None => {}
            });
            requires.any |= any;
        }
        requires
    }

    /// These files and all that they require.
    pub(super) fn reached<'p>(&self, from: impl IntoIterator<Item = &'p str>) -> BTreeSet<String> {
        let mut reached = BTreeSet::new();
        let mut next: Vec<String> = from.into_iter().map(str::to_owned).collect();
        while let Some(path) = next.pop() {
            if reached.insert(path.clone()) {
                next.extend(self.edges.get(&path).into_iter().flatten().cloned());
            }
        }
        reached
    }
}

pub(super) fn check(project: &Project<'_>, requires: &Requires) -> Vec<Finding> {
    if requires.any {
        return Vec::new();
    }
    let cogs = project.cogs.iter().map(|cog| cog.entry.as_str());
    let specs = project.files.iter().filter(|file| file.is_spec);
    let reached = requires.reached(cogs.chain(specs.map(|file| file.path.as_str())));
    let unused = project.files.iter();
    let unused = unused.filter(|file| !file.is_spec && !reached.contains(&file.path));
    unused
        .map(|file| {
            let what = if file.is_module {
                "this file is no cog, and no cog or spec requires it"
            } else {
                "this file is in none of the folders of cogs and modules (hot_reload.watch_directories), so nothing can require it"
            };
            let span = Span {
                line: 1,
                ..Span::default()
            };
            Finding::at(Rule::FileUnused, &file.path, span, what.to_owned())
        })
        .collect()
}

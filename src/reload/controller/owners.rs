//! A cog that had a name when the bot ran last gets it again.

use super::super::sources::{ModuleId, Rules, Snapshot, SourceProblem};
use super::super::transaction;
use super::Controller;
use crate::config::HotReload;
use crate::vm::resolve::Modules as _;
use std::collections::BTreeSet;

/// The sources without the files that conflict with a cog's own file, if there are any: of two files with the same cog
/// name neither is used at a start, but while the bot runs the one that was there first stays in use.
pub(super) fn with_owners(
    found: &Snapshot,
    owners: &[(String, ModuleId)],
    hot: &HotReload,
) -> Option<Snapshot> {
    let in_the_way: BTreeSet<String> = owners
        .iter()
        .flat_map(|(_, entry)| others_of(found, entry, hot))
        .collect();
    if in_the_way.is_empty() {
        return None;
    }
    let rules = Rules::of(hot).ok()?.leaving_out(in_the_way);
    Some(found.with_rules(&rules))
}

/// The files that conflict with an entry.
fn others_of(found: &Snapshot, entry: &ModuleId, hot: &HotReload) -> BTreeSet<String> {
    let is_meant = |it: &&SourceProblem| it.is_clash && it.modules.contains(entry);
    let Some(problem) = found.problems.iter().find(is_meant) else {
        return BTreeSet::new();
    };
    let told = problem.modules.iter().map(|id| id.file().to_owned());
    // Of files that differ only in their extension, one is named.
    let stems = problem.modules.iter().map(ModuleId::as_str);
    let all = stems.flat_map(|stem| {
        let extensions = hot.watch_extensions.iter();
        extensions.map(move |extension| format!("{stem}{extension}"))
    });
    let mut others: BTreeSet<String> = told.chain(all).collect();
    others.remove(entry.file());
    others
}

impl Controller {
    /// Cogs whose files were deleted lose their names.
    pub(super) async fn forget_names_of_the_gone(&mut self) {
        for (cog, entry) in self.cogs.names.files() {
            let is_there = self.snapshot.cogs().contains_key(&cog)
                || self.snapshot.held(&entry).is_some()
                || self.cogs.get(&cog).is_some();
            if !is_there {
                self.cogs.names.release(&cog);
            }
        }
        transaction::save_names(&self.cogs).await;
    }

    /// What to do about a file that conflicts with the one that is running.
    pub(super) fn hint_of(&self, problem: &SourceProblem) -> Option<String> {
        if !problem.is_clash {
            return None;
        }
        let mut runs = problem.modules.iter().filter_map(|id| {
            let cog = self.snapshot.cog_of(id).filter(|owner| owner.is_entry)?;
            let handle = self.cogs.get(cog.name)?;
            let entry = handle.has_version().then(|| handle.status().entry)?;
            (entry == *id).then(|| (cog.name.to_owned(), entry))
        });
        let (cog, entry) = runs.next()?;
        Some(format!(
            "the cog \"{cog}\" goes on with what {} said, also after a restart; edits of it wait until the other file is gone",
            entry.path()
        ))
    }
}

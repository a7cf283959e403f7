//! What a load has read and looked for: every file whose change may change its result.

use super::resolve::{ContentHash, ModuleId};
use std::collections::{BTreeMap, BTreeSet};

/// What a load has read and looked for, whether it succeeded or failed on the way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadTrace {
    /// The modules that were executed, also those whose top level failed, and the aliases that requires went through,
    /// with the hashes of their texts then.
    pub read: BTreeMap<ModuleId, ContentHash>,
    /// From each module to those it required, as the requires were executed. A require that failed leads to the candidates
    /// that would have answered it.
    pub edges: BTreeMap<ModuleId, BTreeSet<ModuleId>>,
}

/// The hashes of modules and aliases when they were read; none for those that did not exist.
pub type Seen = BTreeMap<ModuleId, Option<ContentHash>>;

impl LoadTrace {
    /// All that was read or looked for. Some of it comes more than once.
    pub fn seen(&self) -> impl Iterator<Item = &ModuleId> {
        self.read.keys().chain(self.edges.values().flatten())
    }
}

//! What a load has read and looked for: all whose change may change its result.

use super::resolve::{ContentHash, ModuleId};
use std::collections::{BTreeMap, BTreeSet};

/// What a load has read and looked for, whether it succeeded or came to a certain point.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadTrace {
    /// The modules that were executed, also those whose top level failed, and the aliases that requires went through, with
    /// what they said then.
    pub read: BTreeMap<ModuleId, ContentHash>,
    /// From each module to those it required, as the requires were executed. A require that failed leads to the candidates
    /// that would have answered it.
    pub edges: BTreeMap<ModuleId, BTreeSet<ModuleId>>,
}

/// What modules and aliases said when they were looked at; nothing for what was not there.
pub type Seen = BTreeMap<ModuleId, Option<ContentHash>>;

impl LoadTrace {
    /// All that was read or looked for. Some of it comes more than once.
    pub fn seen(&self) -> impl Iterator<Item = &ModuleId> {
        self.read.keys().chain(self.edges.values().flatten())
    }
}

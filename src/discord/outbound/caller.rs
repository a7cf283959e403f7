//! Who calls, and what its calls may hold and open.

use crate::charge::Allowance;
use crate::requests::OpenOfCog;
use std::sync::Arc;

/// A cog that calls.
#[derive(Clone, Debug)]
pub struct CogCaller {
    /// Its name: callers take turns where they have to wait.
    pub name: Arc<str>,
    /// What the answers to its calls may take while they come and until they are handed over.
    pub allowance: Allowance,
    /// The calls that it has on the wire.
    pub open: OpenOfCog,
}

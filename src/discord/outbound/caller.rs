//! Who calls, and what its calls may hold and open.

use crate::charge::Allowance;
use crate::requests::OpenOfCog;
use std::sync::Arc;

/// A cog that calls.
#[derive(Clone, Debug)]
pub struct CogCaller {
    /// Its name: callers take turns where they have to wait.
    pub name: Arc<str>,
    /// The number of its version: the calls of a newer one do not wait for what older ones have left.
    pub version: u64,
    /// What the answers to its calls may take while they come and until they are handed over.
    pub allowance: Allowance,
    /// The calls that it has on the wire.
    pub open: OpenOfCog,
}

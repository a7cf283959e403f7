//! The caller of a request, and the limits of its calls.

use crate::charge::Allowance;
use crate::requests::OpenOfCog;
use std::sync::Arc;

/// A cog that calls.
#[derive(Clone, Debug)]
pub struct CogCaller {
    /// Its name: callers take turns where they have to wait.
    pub name: Arc<str>,
    /// The number of its version: the calls of a newer one do not wait for those of older ones.
    pub version: u64,
    /// How much memory the responses to its calls may take, until they are passed on.
    pub allowance: Allowance,
    /// The calls that it has on the wire.
    pub open: OpenOfCog,
}

//! Which of the states that a cog can see is meant.

use std::sync::Arc;

/// Which namespace a handle is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Space {
    /// The cog's own.
    Own,
    /// The same in memory alone.
    Session,
    /// One that cogs share, by its name.
    Shared(Arc<str>),
}

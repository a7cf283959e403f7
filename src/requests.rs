//! How many requests to the outside are open at once. Each needs a socket, and a process has only few: further requests
//! wait, those of cogs in the order in which they were made.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Requests of one kind that one cog may have open.
pub const MOST_OF_A_COG: usize = 10;

/// Requests of one kind that all cogs together may have open.
pub const MOST_OF_ALL: usize = 64;

/// The requests of one kind that all cogs have open. Clones share the count.
#[derive(Clone, Debug)]
pub struct OpenRequests(Arc<Semaphore>);

/// The requests of one kind that one cog has open. Clones share the count.
#[derive(Clone, Debug)]
pub struct OpenOfCog(Arc<Semaphore>);

/// One request may be open while this is held.
#[derive(Debug)]
pub struct Open {
    _own: OwnedSemaphorePermit,
    _common: OwnedSemaphorePermit,
}

impl Default for OpenRequests {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MOST_OF_ALL)))
    }
}

impl Default for OpenOfCog {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MOST_OF_A_COG)))
    }
}

impl OpenOfCog {
    /// How many are open.
    pub fn used(&self) -> usize {
        MOST_OF_A_COG.saturating_sub(self.0.available_permits())
    }
}

impl OpenRequests {
    /// Returns when one more request of this cog may be opened.
    pub async fn open(&self, cog: &OpenOfCog) -> Open {
        // The cog's own slot first: waiting for that delays no other cog.
        Open {
            _own: place(&cog.0).await,
            _common: place(&self.0).await,
        }
    }
}

async fn place(of: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    match Arc::clone(of).acquire_owned().await {
        Ok(place) => place,
        // These are never closed.
        Err(_) => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[test]
    fn neither_a_cog_nor_all_of_them_open_more_than_they_may() {
        let all = OpenRequests::default();
        let mut open = Vec::new();
        let mut waits = |cog: &OpenOfCog| match all.open(cog).now_or_never() {
            Some(one) => {
                open.push(one);
                false
            }
            None => true,
        };
        let cogs: Vec<OpenOfCog> = (0..8).map(|_| OpenOfCog::default()).collect();
        let mut count = 0;
        for cog in &cogs {
            while !waits(cog) {
                count += 1;
            }
            assert!(count <= MOST_OF_ALL);
        }
        assert_eq!(count, MOST_OF_ALL);
        open.truncate(MOST_OF_A_COG);
        assert!(all.open(&cogs[0]).now_or_never().is_none());
        assert!(all.open(&cogs[1]).now_or_never().is_some());
    }
}

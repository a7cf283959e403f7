//! How many connections a server has, and how long one may take.

use crate::descriptors::share;
use std::time::Duration;

/// What a server allows.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once, without web sockets. A further one takes the place of one that does nothing.
    pub connections: usize,
    /// Web sockets at once; a further one is refused.
    pub upgraded: usize,
    /// How long the head of a request may take from its first byte.
    pub head: Duration,
    /// How long nothing may move while a request is served or its answer is not read.
    pub stalled: Duration,
    /// How long a connection may wait for its next request. Longer than clients keep theirs, so that none sends one
    /// into a connection that is just being closed.
    pub idle: Duration,
}

impl Limits {
    /// Those of the page.
    pub fn page() -> Self {
        Self::with(share(128, 60), share(32, 30))
    }

    /// Those of the simulator, which the bot itself talks to.
    pub fn simulator() -> Self {
        Self::with(share(512, 120), share(256, 60))
    }

    fn with(connections: usize, upgraded: usize) -> Self {
        Self {
            connections,
            upgraded,
            head: Duration::from_secs(10),
            stalled: Duration::from_secs(60),
            idle: Duration::from_secs(120),
        }
    }

    /// How often the server looks for connections that are overdue.
    pub(super) fn sweep(&self) -> Duration {
        let shortest = self.head.min(self.stalled).min(self.idle);
        (shortest / 4).min(Duration::from_secs(1))
    }
}

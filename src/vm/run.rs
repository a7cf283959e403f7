//! One run of an author's function, and the time that it spends waiting.

use crate::activity::{Activity, Busy};
use crate::lock::lock;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// One run of an author's function, as the host sees it from outside and from within.
#[derive(Debug)]
pub struct Run {
    activity: Activity,
    state: Mutex<RunState>,
}

#[derive(Debug)]
struct RunState {
    /// Held while the run is under way and does not wait for the clock or for a user.
    busy: Option<Busy>,
    /// What it waits for now, and since when it waits for anything.
    waits: usize,
    since: Instant,
    /// Time spent waiting so far, which limits of wall time leave out.
    waited: Duration,
}

impl Run {
    /// A run that begins now.
    pub fn new(activity: &Activity) -> Arc<Self> {
        Arc::new(Self {
            activity: activity.clone(),
            state: Mutex::new(RunState {
                busy: Some(activity.begin()),
                waits: 0,
                since: Instant::now(),
                waited: Duration::ZERO,
            }),
        })
    }

    pub(super) fn begin_wait(&self) {
        let mut state = lock(&self.state);
        if state.waits == 0 {
            state.since = Instant::now();
            state.busy = None;
        }
        state.waits += 1;
    }

    pub(super) fn end_wait(&self) {
        let mut state = lock(&self.state);
        state.waits -= 1;
        if state.waits == 0 {
            let waited = state.since.elapsed();
            state.waited += waited;
            state.busy = Some(self.activity.begin());
        }
    }

    /// The run is ended from outside while it waits: what it does because of that counts as its work.
    pub fn cut_off(&self) {
        let mut state = lock(&self.state);
        if state.busy.is_none() {
            state.busy = Some(self.activity.begin());
        }
    }

    /// How long the run has waited, also when it still does.
    pub fn waited(&self) -> Duration {
        let state = lock(&self.state);
        let now = state.since.elapsed();
        state.waited + if state.waits > 0 { now } else { Duration::ZERO }
    }
}

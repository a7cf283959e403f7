//! When a burst of changes is over: the debounce of saves.
//!
//! Each change restarts the debounce window. A burst that does not end is delivered after a maximum time.

use std::time::{Duration, Instant};

/// A burst that does not end is delivered after this many debounce windows …
const LONGEST_IN_WINDOWS: u32 = 20;

/// … but not sooner than this: copying a tree takes a while and should be one batch.
pub(super) const LONGEST_AT_LEAST: Duration = Duration::from_secs(2);

/// The debounce window, and the burst of changes that it waits for.
#[derive(Debug)]
pub(super) struct Debounce {
    /// How long there must be no change before a burst is over.
    window: Duration,
    /// When the burst's first and last change happened; nothing between bursts.
    burst: Option<(Instant, Instant)>,
}

impl Debounce {
    /// No burst yet.
    pub(super) fn new(window: Duration) -> Self {
        Self {
            window,
            burst: None,
        }
    }

    /// Changes the window, from the present burst on.
    pub(super) fn set_window(&mut self, window: Duration) {
        self.window = window;
    }

    /// Something changed: that begins a burst, or prolongs the present one if it `extends` it. Returns whether it
    /// began one.
    pub(super) fn note(&mut self, at: Instant, extends: bool) -> bool {
        match &mut self.burst {
            Some((_, last)) if extends => *last = at.max(*last),
            Some(_) => {}
            None => {
                self.burst = Some((at, at));
                return true;
            }
        }
        false
    }

    /// When the burst is over if there is no further change, and when it is over in any case. None between bursts.
    pub(super) fn due(&self) -> Option<(Instant, Instant)> {
        let (first, last) = self.burst?;
        let longest = (self.window * LONGEST_IN_WINDOWS).max(LONGEST_AT_LEAST);
        let end = first + longest;
        Some(((last + self.window).min(end), end))
    }

    /// Ends the burst.
    pub(super) fn end(&mut self) {
        self.burst = None;
    }
}

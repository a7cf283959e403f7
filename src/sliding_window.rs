//! Counts how often something has happened within a sliding time window.

use std::collections::VecDeque;
use std::time::Duration;

/// The times of the events within a window that ends now.
#[derive(Debug)]
pub(crate) struct SlidingWindow {
    span: Duration,
    times: VecDeque<Duration>,
}

impl SlidingWindow {
    /// Nothing has happened yet. What lies further back than `span` is forgotten.
    pub(crate) fn new(span: Duration) -> Self {
        Self {
            span,
            times: VecDeque::new(),
        }
    }

    /// Something happens now; how often it has within the span, this time included.
    pub(crate) fn add(&mut self, now: Duration) -> usize {
        self.times.push_back(now);
        self.count(now)
    }

    /// How often something has happened within the span.
    pub(crate) fn count(&mut self, now: Duration) -> usize {
        if let Some(since) = now.checked_sub(self.span) {
            while self.times.front().is_some_and(|at| *at <= since) {
                self.times.pop_front();
            }
        }
        self.times.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_within_the_span_counts() {
        let mut window = SlidingWindow::new(Duration::from_secs(600));
        let at = Duration::from_secs;
        assert_eq!(window.add(at(1_000)), 1);
        assert_eq!(window.add(at(1_300)), 2);
        assert_eq!(window.count(at(1_599)), 2);
        assert_eq!(window.count(at(1_600)), 1);
        assert_eq!(window.add(at(1_900)), 1);
    }
}

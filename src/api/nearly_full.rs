//! Notices that a state comes near its limit, once each time: while there is still room, somebody can do something.

use std::collections::BTreeSet;

/// Percent of the limit from which on a state is nearly full, and below which it no longer is: one that goes to and fro
/// around a limit is told of once.
const NEARLY_FULL: usize = 80;
const NO_LONGER: usize = 75;

/// Whether so much of a limit is used that admins are told.
pub(super) fn is_nearly_full(used: usize, limit: usize) -> bool {
    is_beyond(used, limit, NEARLY_FULL)
}

fn is_beyond(used: usize, limit: usize, percent: usize) -> bool {
    used.saturating_mul(100) >= limit.saturating_mul(percent)
}

/// The states of which it was told.
#[derive(Debug, Default)]
pub(super) struct NearlyFull(BTreeSet<String>);

impl NearlyFull {
    /// Notes how full a state is; whether it has just come near its limit.
    pub(super) fn note(&mut self, what: &str, used: usize, limit: usize) -> bool {
        if self.0.contains(what) {
            if !is_beyond(used, limit, NO_LONGER) {
                self.0.remove(what);
            }
            return false;
        }
        is_nearly_full(used, limit) && self.0.insert(what.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_is_told_of_once_until_it_has_room_again() {
        let mut told = NearlyFull::default();
        let steps = [
            (79, false),
            (80, true),
            (99, false),
            (76, false),
            (85, false),
            (74, false),
            (80, true),
        ];
        for (used, is_news) in steps {
            assert_eq!(told.note("own", used, 100), is_news, "{used}");
        }
        assert!(told.note("shared:bank", 200, 100));
        assert!(!told.note("own", usize::MAX, usize::MAX));
    }
}

//! What the requests of one cog may have open and hold at once, by its name. Each version has a set of its own, so that
//! requests of an older one that hang leave the next one its places; as there are few sets, a file that is saved again
//! and again opens no more than so many.

use crate::charge::Total;
use crate::requests::OpenOfCog;
use crate::vm::memory::held::Memory;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Sets that versions take turns with.
const SETS: usize = 3;

/// Places for requests.
#[derive(Debug)]
pub struct Slots {
    /// Calls to Discord that are on the wire.
    pub calls: OpenOfCog,
    /// Requests to other servers that are open.
    pub requests: OpenOfCog,
    /// Bytes of those that are under way.
    pub bytes: Arc<Memory>,
    /// Bytes of events that came for waits and that nobody has looked at.
    pub awaited: Arc<Memory>,
}

/// All sets of one cog.
#[derive(Debug)]
pub(super) struct SlotSets {
    /// What older versions begin.
    older: Slots,
    sets: [Slots; SETS],
    /// Which of the sets the version has that answers.
    current: AtomicUsize,
}

impl Slots {
    fn new(all: &Total) -> Self {
        Self {
            calls: OpenOfCog::default(),
            requests: OpenOfCog::default(),
            bytes: Memory::new(all),
            awaited: Memory::new(all),
        }
    }

    /// How much of it is in use: places first.
    fn used(&self) -> (usize, usize) {
        let places = self.calls.used() + self.requests.used();
        (places, self.held())
    }

    /// Bytes of both kinds.
    fn held(&self) -> usize {
        self.bytes.outside() + self.awaited.outside()
    }
}

impl SlotSets {
    pub(super) fn new(all: &Total) -> Self {
        Self {
            older: Slots::new(all),
            sets: std::array::from_fn(|_| Slots::new(all)),
            current: AtomicUsize::new(0),
        }
    }

    /// Another version answers: it has the set of which least is in use, and not that of the version before.
    pub(super) fn begin_version(&self) {
        let current = self.current.load(Ordering::Relaxed);
        let others = (0..SETS).filter(|set| *set != current);
        if let Some(free) = others.min_by_key(|set| self.sets[*set].used()) {
            self.current.store(free, Ordering::Relaxed);
        }
    }

    /// That of the current version, or of the older ones.
    pub(super) fn of(&self, is_older: bool) -> &Slots {
        if is_older {
            return &self.older;
        }
        &self.sets[self.current.load(Ordering::Relaxed) % SETS]
    }

    /// Bytes of all requests that are running, and of all events that came for waits.
    pub(super) fn bytes(&self) -> usize {
        let sets = self.sets.iter().chain([&self.older]);
        sets.map(Slots::held).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::requests::OpenRequests;
    use futures_util::FutureExt as _;

    #[test]
    fn a_version_has_places_whatever_those_before_it_hold_and_many_have_no_more() {
        let sets = SlotSets::new(&Total::default());
        let mut held = Vec::new();
        for _ in 0..10 {
            let all = OpenRequests::default();
            while let Some(open) = all.open(&sets.of(false).calls).now_or_never() {
                held.push(open);
            }
            sets.begin_version();
        }
        assert_eq!(held.len(), SETS * crate::requests::MOST_OF_A_COG);
        held.clear();
        assert_eq!(sets.of(false).used(), (0, 0));
    }

    #[test]
    fn the_emptiest_set_is_taken() {
        let sets = SlotSets::new(&Total::default());
        let taken = |slots: &Slots, bytes| slots.bytes.allowance(100).take(bytes).unwrap();
        let _first = taken(sets.of(false), 50);
        sets.begin_version();
        let _second = taken(sets.of(false), 20);
        sets.begin_version();
        let third = taken(sets.of(false), 30);
        sets.begin_version();
        assert_eq!(sets.of(false).bytes.outside(), 20);
        assert_eq!(sets.bytes(), 100);
        drop(third);
        sets.begin_version();
        assert_eq!(sets.of(false).bytes.outside(), 0);
    }
}

//! Records which events were handled, so that the next child neither repeats nor loses one.
//!
//! An event has consumers: the command that it calls, and each cog that listens. Each of them has an entry in the
//! record, from before the event counts as received until it is handled. The next child resumes the session before the
//! first event that has an entry. Of the events that come again, only entries whose work had not begun are carried out.
//! Work that had begun is not run again, because nobody knows how much of it was done: it is reported
//! ([`Deliveries::take_interrupted`]).

use super::child::record;
use super::record::{DELIVERIES, Record, SHARDS, tag};
use crate::lock::lock;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex};

const WAITING: u64 = 1;
const BEGUN: u64 = 2;

// The words of an entry.
/// The state, the kind from bit 8, the shard from bit 16; 0 if there is no entry.
const STATE: usize = 0;
const SESSION: usize = 1;
const SEQUENCE: usize = 2;
/// Which cog, for a listener.
const COG: usize = 3;
/// Where a command was typed.
const CHANNEL: usize = 4;
const MESSAGE: usize = 5;

/// Who handles an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Consumer<'a> {
    /// The command that a message calls, whichever cog has it.
    Command {
        /// The message's channel.
        channel: u64,
        /// The message.
        message: u64,
    },
    /// A cog that listens.
    Listener(&'a str),
}

/// A command that was running when the process died. Until this is dropped, the next process finds it again.
#[derive(Debug)]
pub struct Interrupted {
    /// The channel.
    pub channel: u64,
    /// The message that called it.
    pub message: u64,
    _ticket: Ticket,
}

/// Kind and cog of a consumer.
type Key = (u64, u64);

impl Consumer<'_> {
    fn key(self) -> Key {
        match self {
            Self::Command { .. } => (1, 0),
            Self::Listener(cog) => (2, tag(cog)),
        }
    }
}

/// The entries of this process, and what the one before has left.
#[derive(Debug)]
pub struct Deliveries {
    record: &'static Record,
    free: Mutex<Free>,
    left: Mutex<Left>,
    /// For each shard, up to which sequence the process before has received its session.
    before: Vec<AtomicU64>,
}

#[derive(Debug)]
struct Free {
    used_before: Vec<usize>,
    /// No place from here on was ever used.
    from: usize,
}

/// Entries of the process before.
#[derive(Debug, Default)]
struct Left {
    waiting: HashMap<(u32, u64), Vec<(Key, usize)>>,
    interrupted: Vec<usize>,
}

/// The deliveries of this process; nothing without a supervisor.
pub fn deliveries() -> Option<&'static Deliveries> {
    static OWN: LazyLock<Option<Deliveries>> = LazyLock::new(|| record().map(Deliveries::of));
    OWN.as_ref()
}

/// Notes that a consumer has to handle an event. Dropped when it has.
#[derive(Debug, Default)]
pub struct Ticket(Option<(&'static Deliveries, usize)>);

impl Ticket {
    /// The consumer begins to handle the event.
    pub fn begin(&self) {
        if let Some((deliveries, place)) = self.0 {
            let state = &deliveries.record.delivery(place)[STATE];
            let word = state.load(Ordering::Relaxed);
            state.store(word & !0xff | BEGUN, Ordering::Release);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some((deliveries, place)) = self.0 {
            deliveries.give_back(place);
        }
    }
}

impl Deliveries {
    /// Takes over what the process before has left in `record`.
    fn of(record: &'static Record) -> Self {
        let mut left = Left::default();
        let mut free = Free {
            used_before: Vec::new(),
            from: record.used_deliveries().min(DELIVERIES),
        };
        for place in 0..free.from {
            if !left.add(record, place) {
                record.delivery(place)[STATE].store(0, Ordering::Release);
                free.used_before.push(place);
            }
        }
        // The first places first: pages that were never touched take no memory.
        free.used_before.reverse();
        Self {
            record,
            free: Mutex::new(free),
            left: Mutex::new(left),
            before: (0..SHARDS).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Commands that were running when the process before died. Only the first call returns them.
    pub fn take_interrupted(&'static self) -> Vec<Interrupted> {
        let places = std::mem::take(&mut lock(&self.left).interrupted);
        let interrupted = places.into_iter().map(|place| {
            let word = |at: usize| self.record.delivery(place)[at].load(Ordering::Acquire);
            Interrupted {
                channel: word(CHANNEL),
                message: word(MESSAGE),
                _ticket: Ticket(Some((self, place))),
            }
        });
        interrupted.collect()
    }

    /// A shard is about to resume a session that was stored at `sequence`. Returns the sequence from which to resume
    /// instead, if the process before has left one: everything up to there was handled.
    pub fn resume(&self, shard: u32, session: &str, sequence: u64) -> Option<u64> {
        let (of, reached) = self.record.shard(shard)?;
        if of.load(Ordering::Acquire) != tag(session) {
            self.begin(shard, session, sequence);
            return None;
        }
        let reached = reached.load(Ordering::Acquire);
        self.before(shard)?.store(reached, Ordering::Release);
        let left = lock(&self.left);
        let waiting = left.waiting.keys().filter(|(of, _)| *of == shard);
        let first = waiting.map(|(_, sequence)| *sequence).min();
        Some(first.map_or(reached, |first| first.saturating_sub(1)))
    }

    /// A shard has resumed with the event `sequence`: all events that are repeated have come. If the process before had
    /// this event, it is a repeated one itself, and more may follow; an event without a number comes after all of them.
    pub fn resumed(&self, shard: u32, sequence: Option<u64>) {
        let before = self.before(shard).zip(sequence);
        if before.is_none_or(|(before, sequence)| sequence > before.load(Ordering::Acquire)) {
            self.forget_waiting(shard);
        }
    }

    fn forget_waiting(&self, shard: u32) {
        let mut left = lock(&self.left);
        let left = left.waiting.extract_if(|(of, _), _| *of == shard);
        for (_, place) in left.flat_map(|(_, entries)| entries) {
            self.give_back(place);
        }
    }

    /// A shard has a new session, in which nothing has come yet.
    pub fn opened(&self, shard: u32, session: &str) {
        self.begin(shard, session, 0);
    }

    /// From now on a shard has this session, whose events up to `sequence` an earlier process has received.
    fn begin(&self, shard: u32, session: &str, sequence: u64) {
        self.forget_waiting(shard);
        if let Some(before) = self.before(shard) {
            before.store(0, Ordering::Release);
        }
        if let Some((of, reached)) = self.record.shard(shard) {
            // In this order: never does a session have another one's sequence.
            of.store(0, Ordering::Release);
            reached.store(sequence, Ordering::Release);
            of.store(tag(session), Ordering::Release);
        }
    }

    /// All consumers of this event have their tickets: it counts as received.
    pub fn reached(&self, shard: u32, sequence: u64) {
        if let Some((_, reached)) = self.record.shard(shard) {
            reached.fetch_max(sequence, Ordering::AcqRel);
        }
    }

    /// Notes that `consumer` will handle an event. None if it handled it in the process before.
    pub fn claim(
        &'static self,
        shard: u32,
        sequence: u64,
        consumer: Consumer<'_>,
    ) -> Option<Ticket> {
        let before = self.before(shard);
        let before = before.map_or(0, |before| before.load(Ordering::Acquire));
        // 0: nothing of this session reached a process before, also not an event with the number 0.
        if before > 0 && sequence <= before {
            return self.claim_again(shard, sequence, consumer.key());
        }
        Some(self.note(shard, sequence, consumer).unwrap_or_default())
    }

    fn claim_again(&'static self, shard: u32, sequence: u64, key: Key) -> Option<Ticket> {
        let mut left = lock(&self.left);
        let entries = left.waiting.get_mut(&(shard, sequence))?;
        let found = entries.iter().position(|(of, _)| *of == key)?;
        let (_, place) = entries.swap_remove(found);
        Some(Ticket(Some((self, place))))
    }

    /// Without room, or for a shard that the record has no room for, the event is delivered without a ticket.
    fn note(&'static self, shard: u32, sequence: u64, consumer: Consumer<'_>) -> Option<Ticket> {
        let (session, _) = self.record.shard(shard)?;
        let place = self.take_place()?;
        let (kind, cog) = consumer.key();
        let (channel, message) = match consumer {
            Consumer::Command { channel, message } => (channel, message),
            Consumer::Listener(_) => (0, 0),
        };
        let entry = self.record.delivery(place);
        let session = session.load(Ordering::Relaxed);
        let words = [
            (SESSION, session),
            (SEQUENCE, sequence),
            (COG, cog),
            (CHANNEL, channel),
            (MESSAGE, message),
        ];
        for (at, word) in words {
            entry[at].store(word, Ordering::Relaxed);
        }
        let state = WAITING | kind << 8 | u64::from(shard) << 16;
        entry[STATE].store(state, Ordering::Release);
        Some(Ticket(Some((self, place))))
    }

    fn take_place(&self) -> Option<usize> {
        let mut free = lock(&self.free);
        if let Some(place) = free.used_before.pop() {
            return Some(place);
        }
        let place = free.from;
        if place == DELIVERIES {
            return None;
        }
        free.from += 1;
        self.record.set_used_deliveries(free.from);
        Some(place)
    }

    fn give_back(&self, place: usize) {
        self.record.delivery(place)[STATE].store(0, Ordering::Release);
        lock(&self.free).used_before.push(place);
    }

    fn before(&self, shard: u32) -> Option<&AtomicU64> {
        self.before.get(usize::try_from(shard).ok()?)
    }
}

impl Left {
    /// Keeps the entry at `place` for when the event comes again, if the entry is useful.
    fn add(&mut self, record: &Record, place: usize) -> bool {
        let entry = record.delivery(place);
        let word = |at: usize| entry[at].load(Ordering::Acquire);
        let state = word(STATE);
        let (kind, sequence) = (state >> 8 & 0xff, word(SEQUENCE));
        let Ok(shard) = u32::try_from(state >> 16) else {
            return false;
        };
        let Some((session, reached)) = record.shard(shard) else {
            return false;
        };
        // Events that did not count as received come again for all consumers.
        if session.load(Ordering::Acquire) != word(SESSION)
            || sequence > reached.load(Ordering::Acquire)
        {
            return false;
        }
        match (state & 0xff, kind) {
            (WAITING, _) => {
                let entries = self.waiting.entry((shard, sequence)).or_default();
                entries.push(((kind, word(COG)), place));
                true
            }
            (BEGUN, 1) => {
                self.interrupted.push(place);
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPED: Consumer<'_> = Consumer::Command {
        channel: 5,
        message: 6,
    };
    const PING: Consumer<'_> = Consumer::Listener("ping");
    const PONG: Consumer<'_> = Consumer::Listener("pong");

    fn record() -> &'static Record {
        let (_file, record) = Record::create().unwrap();
        Box::leak(Box::new(record))
    }

    /// The next process, after the one before has died with all of its tickets.
    fn process(record: &'static Record) -> &'static Deliveries {
        Box::leak(Box::new(Deliveries::of(record)))
    }

    /// A process that has received so many events, of which none is under way.
    fn received(record: &'static Record, count: u64) -> &'static Deliveries {
        let process = process(record);
        process.opened(0, "session");
        for sequence in 1..=count {
            drop(process.claim(0, sequence, PING).unwrap());
            process.reached(0, sequence);
        }
        process
    }

    #[test]
    fn what_was_handled_does_not_come_again_and_what_waited_does() {
        let record = record();
        let first = received(record, 4);
        for consumer in [PING, PONG] {
            std::mem::forget(first.claim(0, 5, consumer).unwrap());
        }
        first.reached(0, 5);
        drop(first.claim(0, 6, PING).unwrap());
        first.reached(0, 6);
        let second = process(record);
        assert_eq!(second.resume(0, "session", 0), Some(4));
        assert!(second.claim(0, 5, TYPED).is_none());
        let again = second.claim(0, 5, PONG);
        assert!(again.is_some());
        assert!(second.claim(0, 5, PONG).is_none());
        assert!(second.claim(0, 6, PING).is_none());
        assert!(second.claim(0, 7, PING).is_some());
        // One that waits through two deaths is not lost.
        std::mem::forget(again);
        let third = process(record);
        assert_eq!(third.resume(0, "session", 0), Some(4));
        assert!(third.claim(0, 5, PING).is_some());
        assert!(third.claim(0, 5, PONG).is_some());
    }

    #[test]
    fn what_had_begun_is_told_and_not_run_again() {
        let record = record();
        let first = received(record, 1);
        let ticket = first.claim(0, 2, TYPED).unwrap();
        let listens = first.claim(0, 2, PING).unwrap();
        first.reached(0, 2);
        ticket.begin();
        listens.begin();
        std::mem::forget((ticket, listens));
        let second = process(record);
        assert_eq!(second.resume(0, "session", 0), Some(2));
        assert!(second.claim(0, 2, TYPED).is_none());
        assert!(second.claim(0, 2, PING).is_none());
        // Nobody has told it yet.
        let second = process(record);
        let told = second.take_interrupted();
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].channel, told[0].message), (5, 6));
        assert!(second.take_interrupted().is_empty());
        drop(told);
        let third = process(record);
        assert!(third.take_interrupted().is_empty());
    }

    #[test]
    fn an_event_that_does_not_count_as_received_comes_again_for_all() {
        let record = record();
        let first = received(record, 1);
        std::mem::forget(first.claim(0, 2, PING).unwrap());
        let second = process(record);
        assert_eq!(second.resume(0, "session", 0), Some(1));
        assert!(second.claim(0, 2, PING).is_some());
        assert!(second.claim(0, 2, PONG).is_some());
    }

    #[test]
    fn a_resumption_that_comes_again_ends_nothing() {
        let record = record();
        let first = received(record, 1);
        // A resumption is event 2, and 3 waits behind it.
        first.reached(0, 2);
        std::mem::forget(first.claim(0, 3, PING).unwrap());
        first.reached(0, 3);
        let second = process(record);
        assert_eq!(second.resume(0, "session", 3), Some(2));
        second.resumed(0, Some(2));
        assert!(second.claim(0, 3, PING).is_some());
        second.resumed(0, Some(4));
        assert!(second.claim(0, 3, PONG).is_none());
    }

    #[test]
    fn a_new_session_begins_anew() {
        let record = record();
        let first = received(record, 9);
        std::mem::forget(first.claim(0, 10, PING).unwrap());
        first.reached(0, 10);
        let second = process(record);
        assert_eq!(second.resume(0, "session", 0), Some(9));
        second.opened(0, "next");
        assert!(second.claim(0, 1, PING).is_some());
        assert!(second.claim(0, 10, PING).is_some());
        assert_eq!(process(record).resume(0, "session", 0), None);
    }

    #[test]
    fn an_event_with_the_number_0_is_an_event() {
        let first = process(record());
        first.opened(0, "session");
        assert!(first.claim(0, 0, PING).is_some());
        assert!(first.claim(0, 0, PONG).is_some());
    }

    #[test]
    fn a_session_of_an_earlier_bot_is_known_from_its_resume_on() {
        let record = record();
        let first = process(record);
        assert_eq!(first.resume(0, "session", 7), None);
        drop(first.claim(0, 8, PING).unwrap());
        first.reached(0, 8);
        let second = process(record);
        assert_eq!(second.resume(0, "session", 7), Some(8));
        assert!(second.claim(0, 8, PING).is_none());
    }

    #[test]
    fn without_room_events_are_delivered_all_the_same() {
        let record = record();
        let process = received(record, 1);
        let claimed = (0..DELIVERIES as u64 + 10).map(|at| process.claim(0, at + 2, PING));
        let tickets: Vec<_> = claimed.collect();
        assert!(tickets.iter().all(Option::is_some));
        drop(tickets);
        assert!(process.claim(0, 9_999, PING).unwrap().0.is_some());
        assert!(process.claim(9_999, 1, PING).is_some());
    }
}

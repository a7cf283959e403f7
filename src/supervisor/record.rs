//! The record: memory without a file that parent and child share and that outlives the child. The child writes to
//! it with single stores, so what it says is true at whatever moment the child dies.
//!
//! It consists of words of 64 bits. A cog is stored by its [`tag`], which is the same in both processes, because both
//! are the same binary.

use super::cause::Cause;
use super::raw::Map;
use super::signal_origin::SignalOrigin;
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use std::collections::hash_map::DefaultHasher;
use std::fs::File;
use std::hash::{Hash, Hasher};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

/// Says that this is a record, and in which layout.
const FORMAT: u64 = 0x0063_6f67_736d_6974;

// The heading.
const FORMAT_AT: usize = 0;
/// How the child's first fatal signal came; see [`SignalOrigin`].
const FAULT_AT: usize = 1;
/// How many children have died.
const DEATHS_AT: usize = 2;
/// What the last one died of.
const CAUSE_AT: usize = 3;
/// The port of the page.
const PAGE_AT: usize = 4;

/// No entry of [`DELIVERIES`] from this place on was ever used.
const USED_AT: usize = 5;

/// What runs on each thread: a cache line each, so that threads do not disturb each other.
const THREADS_AT: usize = 64;
pub(super) const THREADS: usize = 256;
const THREAD_WORDS: usize = 8;

/// Cogs in quarantine.
const QUARANTINE_AT: usize = THREADS_AT + THREADS * THREAD_WORDS;
const QUARANTINE: usize = 64;

/// The session of each shard.
const SHARDS_AT: usize = QUARANTINE_AT + QUARANTINE * 2;
pub(super) const SHARDS: usize = 256;

/// Events under way.
const DELIVERIES_AT: usize = SHARDS_AT + SHARDS * 2;
pub(super) const DELIVERIES: usize = 8_192;
pub(super) const DELIVERY_WORDS: usize = 8;

const WORDS: usize = DELIVERIES_AT + DELIVERIES * DELIVERY_WORDS;

/// The number of a cog's name; never 0, which means no cog.
pub(super) fn tag(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish().max(1)
}

/// The shared memory.
#[derive(Debug)]
pub struct Record {
    map: Map,
}

/// By which rule a cog was put into quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// It ran when the process died.
    Ran,
    /// It ran at two of the last three deaths.
    RanOften,
}

impl Record {
    /// Makes an empty record. A process that has the file open, or has inherited it, can open the same record.
    pub(super) fn create() -> io::Result<(OwnedFd, Self)> {
        // Without CLOEXEC: the child inherits it.
        let file = memfd_create("cogsmith-record", MemfdFlags::empty())?;
        ftruncate(&file, (WORDS * 8) as u64)?;
        let map = Map::of(file.as_fd(), WORDS)?;
        let record = Self { map };
        record.word(FORMAT_AT).store(FORMAT, Ordering::Release);
        Ok((file, record))
    }

    /// Opens the record that this process has inherited as the file `number`.
    pub(super) fn open(number: i32) -> io::Result<Self> {
        let path = PathBuf::from(format!("/proc/self/fd/{number}"));
        let file = File::options().read(true).write(true).open(path)?;
        if file.metadata()?.len() != (WORDS * 8) as u64 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let map = Map::of(file.as_fd(), WORDS)?;
        let record = Self { map };
        if record.word(FORMAT_AT).load(Ordering::Acquire) != FORMAT {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(record)
    }

    fn word(&self, at: usize) -> &AtomicU64 {
        &self.map.words()[at]
    }

    /// What runs on a thread.
    pub(super) fn thread(&self, place: usize) -> RunningCog<'_> {
        let at = THREADS_AT + place % THREADS * THREAD_WORDS;
        RunningCog {
            tag: self.word(at),
            is_busy: self.word(at + 1),
        }
    }

    /// The cog that runs on a thread.
    pub(super) fn running_on(&self, place: usize) -> Option<u64> {
        let tag = self.thread(place).tag.load(Ordering::Relaxed);
        (tag != 0).then_some(tag)
    }

    /// The cogs that use the processor without waiting.
    pub(super) fn busy(&self) -> Vec<u64> {
        let threads = (0..THREADS).map(|place| self.thread(place));
        let busy = threads.filter(|thread| thread.is_busy.load(Ordering::Relaxed) != 0);
        let mut tags: Vec<u64> = busy
            .map(|thread| thread.tag.load(Ordering::Relaxed))
            .filter(|tag| *tag != 0)
            .collect();
        tags.sort_unstable();
        tags.dedup();
        tags
    }

    /// Where a fatal signal is noted.
    pub(super) fn fault_word(&self) -> &AtomicU64 {
        self.word(FAULT_AT)
    }

    pub(super) fn fault(&self) -> Option<SignalOrigin> {
        SignalOrigin::from_word(self.fault_word().load(Ordering::Acquire))
    }

    /// Notes a death, and forgets what ran.
    pub(super) fn note_death(&self, cause: Cause) {
        for place in 0..THREADS {
            self.thread(place).clear();
        }
        self.fault_word().store(0, Ordering::Relaxed);
        self.word(CAUSE_AT)
            .store(cause.to_word(), Ordering::Relaxed);
        self.word(DEATHS_AT).fetch_add(1, Ordering::Release);
    }

    /// What the process before this one died of, if there was one.
    pub(super) fn last_death(&self) -> Option<Cause> {
        let deaths = self.word(DEATHS_AT).load(Ordering::Acquire);
        (deaths > 0).then(|| Cause::from_word(self.word(CAUSE_AT).load(Ordering::Relaxed)))
    }

    /// The port on which the page of the process before was; 0 if there was none.
    pub fn page_port(&self) -> u16 {
        u16::try_from(self.word(PAGE_AT).load(Ordering::Relaxed)).unwrap_or(0)
    }

    /// Notes the port of the page.
    pub fn set_page_port(&self, port: u16) {
        self.word(PAGE_AT).store(port.into(), Ordering::Relaxed);
    }

    fn quarantine(&self) -> impl Iterator<Item = (&AtomicU64, &AtomicU64)> {
        let words = &self.map.words()[QUARANTINE_AT..SHARDS_AT];
        words.chunks_exact(2).map(|entry| (&entry[0], &entry[1]))
    }

    /// Puts a cog into quarantine from the next start on. Returns whether it was not in quarantine before.
    pub(super) fn put_into_quarantine(&self, tag: u64, rule: Rule, cause: Cause) -> bool {
        if self.in_quarantine(tag).is_some() {
            return false;
        }
        let free = self
            .quarantine()
            .find(|(of, _)| of.load(Ordering::Relaxed) == 0);
        let Some((of, why)) = free else {
            return false;
        };
        let rule = u64::from(rule == Rule::RanOften);
        why.store(cause.to_word() << 1 | rule, Ordering::Relaxed);
        of.store(tag, Ordering::Release);
        true
    }

    /// Why a cog is in quarantine.
    pub(super) fn in_quarantine(&self, tag: u64) -> Option<(Rule, Cause)> {
        let mut entries = self.quarantine();
        let (_, why) = entries.find(|(of, _)| of.load(Ordering::Acquire) == tag)?;
        let why = why.load(Ordering::Relaxed);
        let rule = if why & 1 == 0 {
            Rule::Ran
        } else {
            Rule::RanOften
        };
        Some((rule, Cause::from_word(why >> 1)))
    }

    /// Takes a cog out of quarantine.
    pub(super) fn release(&self, tag: u64) {
        let entries = self.quarantine();
        for (of, _) in entries.filter(|(of, _)| of.load(Ordering::Relaxed) == tag) {
            of.store(0, Ordering::Release);
        }
    }

    /// The session of a shard, and the sequence up to which its events have been handed out; nothing for a shard
    /// that the record has no room for.
    pub(super) fn shard(&self, shard: u32) -> Option<(&AtomicU64, &AtomicU64)> {
        let shard = usize::try_from(shard).ok().filter(|it| *it < SHARDS)?;
        let at = SHARDS_AT + shard * 2;
        Some((self.word(at), self.word(at + 1)))
    }

    /// How many entries of events were ever used.
    pub(super) fn used_deliveries(&self) -> usize {
        usize::try_from(self.word(USED_AT).load(Ordering::Acquire)).unwrap_or(0)
    }

    pub(super) fn set_used_deliveries(&self, count: usize) {
        self.word(USED_AT).store(count as u64, Ordering::Release);
    }

    /// The words of one event that is not handled yet.
    pub(super) fn delivery(&self, place: usize) -> &[AtomicU64] {
        let at = DELIVERIES_AT + place % DELIVERIES * DELIVERY_WORDS;
        &self.map.words()[at..at + DELIVERY_WORDS]
    }
}

/// What runs on one thread.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunningCog<'a> {
    pub(super) tag: &'a AtomicU64,
    /// Set once it has used the processor for a while without waiting.
    pub(super) is_busy: &'a AtomicU64,
}

impl RunningCog<'_> {
    pub(super) fn clear(self) {
        self.tag.store(0, Ordering::Relaxed);
        self.is_busy.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsRawFd as _;

    #[test]
    fn whoever_inherits_the_file_reads_what_was_written() {
        let (file, record) = Record::create().unwrap();
        let other = Record::open(file.as_raw_fd()).unwrap();
        assert_eq!(other.last_death(), None);
        record.thread(3).tag.store(tag("ping"), Ordering::Relaxed);
        assert!(other.busy().is_empty());
        record.thread(3).is_busy.store(1, Ordering::Relaxed);
        assert_eq!(other.busy(), [tag("ping")]);
        let cause = Cause::Signal(libc::SIGSEGV);
        record.note_death(cause);
        assert!(other.busy().is_empty());
        assert_eq!(other.last_death(), Some(cause));
    }

    #[test]
    fn a_cog_is_in_quarantine_until_it_is_released() {
        let (_file, record) = Record::create().unwrap();
        let cause = Cause::Signal(libc::SIGKILL);
        assert!(record.put_into_quarantine(7, Rule::RanOften, cause));
        assert!(!record.put_into_quarantine(7, Rule::Ran, Cause::Panic));
        assert_eq!(record.in_quarantine(7), Some((Rule::RanOften, cause)));
        assert_eq!(record.in_quarantine(8), None);
        record.release(7);
        assert_eq!(record.in_quarantine(7), None);
        for tag in 1..=QUARANTINE as u64 {
            assert!(record.put_into_quarantine(tag, Rule::Ran, cause));
        }
        assert!(!record.put_into_quarantine(1_000, Rule::Ran, cause));
    }

    #[test]
    fn another_file_is_no_record() {
        let file = tempfile::tempfile().unwrap();
        assert!(Record::open(file.as_raw_fd()).is_err());
        file.set_len((WORDS * 8) as u64).unwrap();
        assert!(Record::open(file.as_raw_fd()).is_err());
    }
}

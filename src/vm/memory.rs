//! What a VM holds in memory, where others can see it while the VM runs.

use crate::charge::{Allowance, Held, Total};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Bytes that one VM holds: Luau's heap, and what Rust keeps for it.
#[derive(Debug, Default)]
pub struct Memory {
    /// Luau's heap after the last slice.
    heap: AtomicUsize,
    /// Discord's objects, snapshots of the state, bodies of requests: Luau refers to them and does not count them.
    outside: Arc<Held>,
    /// The sum over all VMs of a bot.
    all: Total,
}

impl Memory {
    /// Nothing yet; what comes is added to `all`.
    pub fn new(all: &Total) -> Arc<Self> {
        Arc::new(Self {
            heap: AtomicUsize::new(0),
            outside: Held::new(all),
            all: Arc::clone(all),
        })
    }

    /// Notes how large the heap is now.
    pub fn set_heap(&self, bytes: usize) {
        let before = self.heap.swap(bytes, Ordering::Relaxed);
        // The heap of one VM changes in one place at a time, so the sum never lacks what is taken away.
        self.all.fetch_add(bytes, Ordering::Relaxed);
        self.all.fetch_sub(before, Ordering::Relaxed);
    }

    /// What Rust keeps for the VM.
    pub fn outside(&self) -> usize {
        self.outside.bytes()
    }

    /// All of it.
    pub fn used(&self) -> usize {
        self.heap.load(Ordering::Relaxed) + self.outside()
    }

    /// What Rust may keep for the VM, if that is to be no more than `limit` bytes in all.
    pub fn allowance(&self, limit: usize) -> Allowance {
        Allowance::new(&self.outside, limit)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.set_heap(0);
    }
}

/// What an older version of a cog gives way to: it is ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pressure {
    /// All versions of the cog need more bytes than one cog may.
    Versions(usize),
    /// Older versions of the cog have more handlers and tasks under way than this.
    Running(usize),
    /// More older versions of the cog are there than this.
    Count(usize),
    /// All cogs of the bot need more bytes than they may.
    Process(usize),
    /// It used more processor time than this after another one had taken its place.
    Processor(Duration),
    /// The version that answers shares a VM with it, and met a limit of the VM.
    Successor,
}

impl fmt::Display for Pressure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Versions(limit) => write!(
                formatter,
                "all versions of the cog needed more than {} MB of memory (limits.memory_mb)",
                limit >> 20
            ),
            Self::Running(most) => write!(
                formatter,
                "older versions of the cog had more than {most} handlers and tasks under way"
            ),
            Self::Count(most) => {
                write!(
                    formatter,
                    "more than {most} older versions of the cog were there"
                )
            }
            Self::Process(limit) => write!(
                formatter,
                "all cogs together needed more than {} MB of memory (limits.total_memory_mb)",
                limit >> 20
            ),
            Self::Processor(limit) => write!(
                formatter,
                "it used more than {} s of processor time after another version had taken its place",
                limit.as_secs_f64()
            ),
            Self::Successor => formatter.write_str("the version that answers needed its room"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_follows_what_comes_and_goes() {
        let all = Total::default();
        let (one, other) = (Memory::new(&all), Memory::new(&all));
        one.set_heap(100);
        other.set_heap(50);
        let taken = one.allowance(30).take(30).unwrap();
        assert!(one.allowance(30).take(1).is_err());
        one.set_heap(40);
        assert_eq!((one.used(), all.load(Ordering::Relaxed)), (70, 120));
        drop(one);
        assert_eq!(all.load(Ordering::Relaxed), 80, "something is still taken");
        drop(taken);
        assert_eq!(all.load(Ordering::Relaxed), 50);
        drop(other);
        assert_eq!(all.load(Ordering::Relaxed), 0);
    }
}

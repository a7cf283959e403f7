//! How much memory a VM holds, readable by other threads while the VM runs.

use crate::charge::{Allowance, Held, Total};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that one VM holds: Luau's heap, and what Rust keeps for it.
#[derive(Debug, Default)]
pub struct Memory {
    /// Luau's heap after the last slice.
    heap: AtomicUsize,
    /// Discord's objects, snapshots of the state, bodies of requests: Luau code refers to them, but Luau does not count
    /// them.
    outside: Arc<Held>,
    /// The sum over all VMs of a bot.
    all: Total,
}

impl Memory {
    /// Starts at nothing; later amounts are also added to `all`.
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

    /// Bytes that Rust holds for the VM.
    pub fn outside(&self) -> usize {
        self.outside.bytes()
    }

    /// All of it.
    pub fn used(&self) -> usize {
        self.heap.load(Ordering::Relaxed) + self.outside()
    }

    /// What Rust may hold for the VM, so that it is at most `limit` bytes in all.
    pub fn allowance(&self, limit: usize) -> Allowance {
        Allowance::new(&self.outside, limit)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.set_heap(0);
    }
}

/// What is remembered about a VM's heap between its slices.
#[derive(Debug, Default)]
pub(in crate::vm) struct HeapRecord {
    /// Bytes of the heap after the last collection that the host asked for.
    pub(super) collected: AtomicUsize,
    /// How often the host has asked for one.
    pub(super) collections: AtomicUsize,
    /// See [`Vm::peak_memory`](crate::vm::build::Vm::peak_memory).
    pub(super) peak: AtomicUsize,
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

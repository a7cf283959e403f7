//! The memory limit of a VM (`limits.memory_mb`): what a slice may use, when garbage is collected, and what code gets
//! when there is no more.
//!
//! - What a slice may use of Luau's heap: [`Vm::heap_budget`]. It is asked for by `slice`, before each entry into Luau.
//! - Where the limit takes effect: in front of the VM's allocator, by the rule that `raw/allocator.rs` begins with. An
//!   allocation beyond the limit is granted, and the error is raised at the next safe point.
//! - What code gets then: Luau's own error ([`exhausted`]); `trace` makes a fault of it.
//! - What the VM holds, on the heap and in Rust: [`held`]. `charge.rs` keeps the part in Rust within the limit.
//! - The limit of all cogs together (`limits.total_memory_mb`): `api/budget.rs`. Older versions of a cog are ended
//!   first, for a reason that [`pressure`] names.

pub(super) mod exhausted;
pub mod held;
pub mod pressure;

use super::build::Vm;
use super::raw;
use super::raw::allocator::HeapBudget;
use mlua::Lua;
use std::sync::atomic::Ordering;

impl Vm {
    /// Bytes of Luau's heap in use.
    pub fn memory(&self) -> usize {
        self.lua().used_memory()
    }

    /// The most that a slice has had in use at once so far, in bytes of Luau's heap.
    pub fn peak_memory(&self) -> usize {
        self.heap_record().peak.load(Ordering::Relaxed)
    }

    /// Remembers what the slice that has just ended on this thread needed.
    pub(super) fn note_peak(&self) {
        self.heap_record()
            .peak
            .fetch_max(raw::allocator::peak(), Ordering::Relaxed);
    }

    /// Notes how large the heap is, for readers on other threads.
    pub fn note_memory(&self) {
        self.limits().held.set_heap(self.memory());
    }

    /// The limit of the heap: memory that Rust holds for the VM is subtracted from the VM's limit.
    fn heap_limit(&self) -> usize {
        let limits = self.limits();
        limits.memory.saturating_sub(limits.held.outside()).max(1)
    }

    /// Whether there is next to no room left on the heap.
    pub(super) fn is_full(&self) -> bool {
        self.memory() > self.heap_limit() / 16 * 15
    }

    /// Whether more than three quarters of its limit are in use, not counting garbage.
    pub fn is_crowded(&self) -> bool {
        let limits = self.limits();
        let most = limits.memory / 4 * 3;
        let is_crowded = || self.memory() + limits.held.outside() > most;
        is_crowded() && {
            self.collect();
            is_crowded()
        }
    }

    /// Makes mlua call Luau in protected mode where memory may run out. Its own limit is never reached: see
    /// `raw::allocator`.
    pub(super) fn expect_memory_errors(&self, on: bool) {
        let limit = if on { isize::MAX.unsigned_abs() } else { 0 };
        // Fails only for a Lua state that mlua does not own.
        let _set = self.lua().set_memory_limit(limit).is_ok();
    }

    /// Runs `make`, in which only the host allocates, and little: without protected mode, which would leave two functions
    /// as garbage for each call.
    pub(super) fn without_memory_errors<R>(lua: &Lua, make: impl FnOnce() -> R) -> R {
        let before = lua.set_memory_limit(0);
        let result = make();
        if let Ok(before) = before {
            let _restored = lua.set_memory_limit(before).is_ok();
        }
        result
    }

    /// What the slice that begins now may use of the heap; none if the heap stays full. If it is only a little too
    /// full, there is room for code that frees memory. For an older version a quarter is reserved for the current one.
    pub(super) fn heap_budget(&self, is_older: bool) -> Option<HeapBudget> {
        self.make_room();
        let (used, whole) = (self.memory(), self.heap_limit());
        let limit = if is_older { whole / 4 * 3 } else { whole };
        let a_little = limit / 16;
        if used > limit + 3 * a_little {
            return None;
        }
        let limit = limit.max(used + a_little);
        Some(HeapBudget { used, limit })
    }

    /// Collects garbage when little room is left and much was allocated since the last collection.
    fn make_room(&self) {
        if self.memory() > self.heap_limit() / 4 * 3 {
            self.collect_growth();
        }
    }

    /// Collects garbage when much was allocated since the last collection.
    pub fn collect_growth(&self) {
        let collected = self.heap_record().collected.load(Ordering::Relaxed);
        if self.memory() > collected + self.heap_limit() / 16 {
            self.collect();
        }
    }

    /// Collects all garbage, outside of any slice.
    pub fn collect(&self) {
        // Only a finaliser could raise, and Luau's have none.
        let _collected = self.lua().gc_collect().is_ok();
        self.heap_record()
            .collected
            .store(self.memory(), Ordering::Relaxed);
        self.heap_record()
            .collections
            .fetch_add(1, Ordering::Relaxed);
        self.note_memory();
    }

    /// How often garbage was collected.
    pub(super) fn collections(&self) -> usize {
        self.heap_record().collections.load(Ordering::Relaxed)
    }

    /// From now on what the last collection left may be garbage, too.
    pub(super) fn forget_collection(&self) {
        self.heap_record().collected.store(0, Ordering::Relaxed);
    }
}

//! How much memory state takes, as the limits count it: the allocated memory, not only the bytes of the values.
//!
//! A count that leaves out what surrounds a value is no limit: a boolean for each of many users is one byte each,
//! and a hundred and fifty with its table, its place among the scopes and what the allocator keeps for itself.
//! `tests/memory/state.rs` holds the count to what is really allocated.

/// What a scope with something in it costs besides its table's entries: its place in a sorted map whose nodes are
/// two thirds full, and its table.
pub(super) const SCOPE_BYTES: usize = 48 + TABLE_BYTES;
/// A table besides its entries: `Arc<Table>`.
pub(super) const TABLE_BYTES: usize = allocation(16 + 40);
/// What one more entry costs at most, besides what its key and its value have outside of it.
pub(super) const ENTRY_AT_MOST: usize = 80;

/// What the allocator takes for so many bytes: 8 of its own, in steps of 16, and 32 at least.
pub(super) const fn allocation(bytes: usize) -> usize {
    let taken = (bytes + 8).next_multiple_of(16);
    if taken < 32 { 32 } else { taken }
}

//! Bytes that are held outside of a VM and charged to somebody: counted as they come, given back when they go.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A sum that several counts are part of, in bytes.
pub type Total = Arc<AtomicUsize>;

/// Bytes that somebody holds, and the sum that they are part of.
#[derive(Debug, Default)]
pub struct Held {
    bytes: AtomicUsize,
    total: Total,
}

impl Held {
    /// Nothing yet; what comes is part of `total`.
    pub fn new(total: &Total) -> Arc<Self> {
        Arc::new(Self {
            bytes: AtomicUsize::new(0),
            total: Arc::clone(total),
        })
    }

    /// How many there are.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Adds bytes, unless there would be more than `limit` then.
    fn add(&self, bytes: usize, limit: usize) -> Result<(), Full> {
        let grown = self
            .bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| {
                held.checked_add(bytes).filter(|held| *held <= limit)
            });
        grown.map_err(|_| Full { limit })?;
        self.total.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    fn give_back(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.total.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// What somebody may hold in all. Clones share the count.
#[derive(Clone, Debug)]
pub struct Allowance {
    held: Arc<Held>,
    /// In bytes.
    limit: usize,
}

/// There is no room for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no room for more than {limit} bytes")]
pub struct Full {
    /// What may be held in all.
    pub limit: usize,
}

/// Bytes that are held, given back when this is dropped.
#[derive(Debug)]
pub struct Charge {
    allowance: Allowance,
    bytes: usize,
}

impl Allowance {
    /// An allowance of `limit` bytes, of which `held` counts what is held already.
    pub fn new(held: &Arc<Held>, limit: usize) -> Self {
        Self {
            held: Arc::clone(held),
            limit,
        }
    }

    /// An allowance that nobody else uses.
    pub fn alone(limit: usize) -> Self {
        Self::new(&Arc::default(), limit)
    }

    /// Whether there is room for `bytes` more.
    pub fn has_room_for(&self, bytes: usize) -> bool {
        self.held.bytes().saturating_add(bytes) <= self.limit
    }

    /// Charges for `bytes`.
    pub fn take(&self, bytes: usize) -> Result<Charge, Full> {
        let mut charge = Charge {
            allowance: self.clone(),
            bytes: 0,
        };
        charge.grow(bytes)?;
        Ok(charge)
    }
}

impl Charge {
    /// Charges for `bytes` more; for nothing more if there is no room.
    pub fn grow(&mut self, bytes: usize) -> Result<(), Full> {
        let Allowance { held, limit } = &self.allowance;
        held.add(bytes, *limit)?;
        self.bytes += bytes;
        Ok(())
    }

    /// Gives `bytes` back.
    pub fn shrink(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        self.allowance.held.give_back(bytes);
    }

    /// What it is charged for now.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.shrink(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let allowance = Allowance::alone(100);
        let mut one = allowance.take(60).unwrap();
        assert_eq!(allowance.take(41).unwrap_err(), Full { limit: 100 });
        let other = allowance.take(40).unwrap();
        assert!(one.grow(1).is_err() && one.grow(usize::MAX).is_err());
        drop(other);
        one.grow(40).unwrap();
        one.shrink(70);
        assert_eq!(one.bytes(), 30);
        assert!(allowance.has_room_for(70) && !allowance.has_room_for(71));
        drop(one);
        assert!(allowance.has_room_for(100) && !allowance.has_room_for(usize::MAX));
    }
}

//! How much processor time a version of a cog has left: while it is prepared, and within a minute.

use super::generation::{Generation, Phase};
use super::limits::VmLimits;
use super::memory::pressure::Pressure;
use super::trace::Fault;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// A preparation (top level, modules, `on_load`) has so many times `limits.cpu_ms` in all.
const PREPARATION: u32 = 3;
/// An older version, and one that a guild tries, may use this part of the time for a minute: handlers that an older
/// version had begun can end, and neither takes more than that from the current version.
const REMAINDER: u32 = 5;

impl Generation {
    /// The processor time for a slice that begins now: that of one slice, or what is left of its preparation or of
    /// the minute.
    pub(super) fn budget(&self, limits: &VmLimits, now: Instant) -> Duration {
        let left = if self.phase() == Phase::Live {
            self.left_of_minute(limits, now)
        } else {
            self.left_of_preparation(limits)
        };
        limits.cpu.min(left)
    }

    /// Only the time that a version itself used counts: it begins with the full time for a minute, whatever earlier
    /// versions did.
    fn left_of_minute(&self, limits: &VmLimits, now: Instant) -> Duration {
        let used = self.life.cpu_usage().used(now);
        self.minute(limits).saturating_sub(used)
    }

    /// What it may use within a minute.
    fn minute(&self, limits: &VmLimits) -> Duration {
        let parts = if self.life.gives_way() { REMAINDER } else { 1 };
        limits.cpu_per_minute / parts
    }

    /// What the preparation may still use.
    fn left_of_preparation(&self, limits: &VmLimits) -> Duration {
        let used = Duration::from_micros(self.preparing.load(Ordering::Relaxed));
        limits.cpu.saturating_mul(PREPARATION).saturating_sub(used)
    }

    /// Whether one more whole slice of the preparation leaves another one for `on_load`.
    pub(super) fn has_time_for_more(&self, limits: &VmLimits) -> bool {
        self.left_of_preparation(limits) >= limits.cpu.saturating_mul(2)
    }

    /// The fault of a slice that had no more than `budget`.
    pub(super) fn out_of_time(
        &self,
        limits: &VmLimits,
        budget: Duration,
        traceback: Option<String>,
    ) -> Fault {
        let is_whole = budget >= limits.cpu;
        if is_whole || self.phase() != Phase::Live {
            let times = if is_whole { 1 } else { PREPARATION };
            let limit = limits.cpu.saturating_mul(times);
            return Fault::Cpu { limit, traceback };
        }
        let limit = self.minute(limits);
        if self.life.gives_way() {
            // Everything that still runs of it ends, not only this handler.
            let why = if self.is_retired() {
                Pressure::Processor(limit)
            } else {
                Pressure::Trial(limit)
            };
            self.life.end(why);
            return Fault::GaveWay(why);
        }
        Fault::CpuPerMinute { limit, traceback }
    }

    /// Charges it for a slice that ended at `now`. The current version is charged with the rest of the time slice.
    pub(super) fn charge(&self, limits: &VmLimits, used: Duration, now: Instant) {
        limits.cpu_meter.note_slice(used);
        if self.phase() == Phase::Live {
            self.life.cpu_usage().charge(used, now);
        } else {
            let used = u64::try_from(used.as_micros()).unwrap_or(u64::MAX);
            self.preparing.fetch_add(used, Ordering::Relaxed);
        }
    }
}

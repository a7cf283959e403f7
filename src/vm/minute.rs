//! How much processor time a version of a cog has left: while it is prepared, and within a minute.

use super::build::VmLimits;
use super::generation::{Generation, Phase};
use super::trace::Fault;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// A preparation (top level, modules, `on_load`) has so many times `limits.cpu_ms` in all.
const PREPARATION: u32 = 3;
/// All versions of a cog together have so many times `limits.cpu_seconds_per_minute`, …
const ALL_VERSIONS: u32 = 2;
/// … beyond which a new one still has this part of it, so that what others did does not keep it from beginning.
const BEGINNING: u32 = 10;

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

    /// A version that answers is measured by what it used itself. The cog's account counts all that its versions
    /// used: it bounds the older ones, and how much time new versions can bring.
    fn left_of_minute(&self, limits: &VmLimits, now: Instant) -> Duration {
        let limit = limits.cpu_per_minute;
        let used_by_all = limits.account.used(now);
        if self.is_retired() {
            return limit.saturating_sub(used_by_all);
        }
        let used = self.cpu.used(now);
        let left_of_all = limit
            .saturating_mul(ALL_VERSIONS)
            .saturating_sub(used_by_all);
        let beginning = (limit / BEGINNING).saturating_sub(used);
        limit.saturating_sub(used).min(left_of_all).max(beginning)
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
        let limit = limits.cpu_per_minute;
        Fault::CpuPerMinute { limit, traceback }
    }

    /// Notes what a slice used, which ended at `now`. The cog's account is charged with the whole turn around it.
    pub(super) fn charge(&self, limits: &VmLimits, used: Duration, now: Instant) {
        limits.account.note_slice(used);
        if self.phase() == Phase::Live {
            self.cpu.charge(used, now);
        } else {
            let used = u64::try_from(used.as_micros()).unwrap_or(u64::MAX);
            self.preparing.fetch_add(used, Ordering::Relaxed);
        }
    }
}

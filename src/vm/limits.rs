//! What one VM may use.

use super::coverage::Coverage;
use super::cpu_usage::CpuMeter;
use super::memory::held::Memory;
use super::raw;
use std::sync::Arc;
use std::time::Duration;

/// What one VM may use.
#[derive(Clone, Debug)]
pub struct VmLimits {
    /// Bytes of Luau's heap.
    pub memory: usize,
    /// Calls within calls.
    pub call_depth: u32,
    /// CPU time of one slice: from an entry into Luau until it waits or ends.
    pub cpu: Duration,
    /// CPU time of all slices of committed code within a minute.
    pub cpu_per_minute: Duration,
    /// Where the time of the cog's time slices is counted.
    pub cpu_meter: Arc<CpuMeter>,
    /// Where its memory is counted.
    pub held: Arc<Memory>,
    /// Where it counts which lines run, if it does.
    pub coverage: Option<Arc<Coverage>>,
}

impl Default for VmLimits {
    fn default() -> Self {
        Self {
            memory: 32 << 20,
            call_depth: raw::MOST_CALL_DEPTH,
            cpu: Duration::from_millis(250),
            cpu_per_minute: Duration::from_secs(15),
            cpu_meter: Arc::default(),
            held: Arc::default(),
            coverage: None,
        }
    }
}

//! What a check takes from the machine when it runs beside a bot.

use rustix::io::Result;
use rustix::process::{Resource, Rlimit, nice, setrlimit};

/// Bytes. The checker takes some 150 MB for the shipped cogs.
const MEMORY: u64 = 1 << 30;

/// Seconds of processor time.
const TIME: u64 = 60;

/// The lowest priority there is.
const NICENESS: i32 = 19;

/// Bounds what this process may take from now on, and lets others go first.
pub(crate) fn lower() -> Result<()> {
    nice(NICENESS)?;
    let limit = |value| Rlimit {
        current: Some(value),
        maximum: Some(value),
    };
    // Not every system lets a process have so little.
    let _bounded = setrlimit(Resource::As, limit(MEMORY)).is_ok();
    setrlimit(Resource::Cpu, limit(TIME))
}

//! The reasons for which a version of a cog is ended early: an older one, or one that a guild tries.

use std::fmt;
use std::time::Duration;

/// Why a version of a cog that does not answer everywhere is ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pressure {
    /// All versions of the cog need more bytes than one cog may.
    Versions(usize),
    /// Older versions of the cog have more running handlers and tasks than this.
    Running(usize),
    /// The cog has more older versions than this.
    Count(usize),
    /// All cogs of the bot need more bytes than they may.
    Process(usize),
    /// It used more processor time than this after another one had taken its place.
    Processor(Duration),
    /// It is on trial, and used more processor time than this within a minute.
    Trial(Duration),
    /// It is on trial, and its handlers were stopped so many times within ten minutes.
    Stops(u32),
    /// It is on trial, and has so many tasks together with the current version that this one could begin no more.
    Tasks(u32),
    /// The current version shares a VM with it, and reached a limit of the VM.
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
                "older versions of the cog had more than {most} running handlers and tasks"
            ),
            Self::Count(most) => {
                write!(formatter, "the cog had more than {most} older versions")
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
            Self::Trial(limit) => write!(
                formatter,
                "it used more than {} s of processor time within a minute, which is all that a trial may have (a fifth of limits.cpu_seconds_per_minute)",
                limit.as_secs_f64()
            ),
            Self::Stops(times) => write!(
                formatter,
                "its handlers were stopped {times} times within 10 minutes (limits.faults_per_10min)"
            ),
            Self::Tasks(limit) => write!(
                formatter,
                "both versions of the cog needed more than {limit} tasks (limits.tasks)"
            ),
            Self::Successor => formatter.write_str("the current version needed its memory"),
        }
    }
}

//! The limits of one cog, and how often it has hit each of them. `limit_view` shows how a cog stands with them.

use crate::guard::rule::LimitSet;
use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! limits {
    ($($name:ident $key:literal)*) => {
        /// A limit of one cog's: a key below `limits` in config.json.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Limit {
            $(#[doc = concat!("`", $key, "`")] $name,)*
        }

        impl Limit {
            /// All of them, in the order in which they are shown.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// How config.json calls it.
            pub fn key(self) -> &'static str {
                match self {
                    $(Self::$name => $key,)*
                }
            }
        }
    };
}

limits! {
    Memory "memory_mb"
    TotalMemory "total_memory_mb"
    Cpu "cpu_ms"
    CpuPerMinute "cpu_seconds_per_minute"
    HandlerTime "handler_seconds"
    CallDepth "call_depth"
    Coroutines "coroutines"
    Tasks "tasks"
    Timers "timers"
    Jobs "jobs"
    Mailbox "mailbox"
    MailboxSize "mailbox_mb"
    LogLines "log_lines_per_10s"
    LogSize "log_kb_per_10s"
    DiscordCalls "discord_calls_per_10s"
    DiscordRefusals "discord_refusals_per_10min"
    HttpCalls "http_calls_per_10s"
    HttpSize "http_kb"
    State "state_mb"
    StateValue "state_value_kb"
    StateWrites "state_write_kb_per_s"
    Faults "faults_per_10min"
}

impl Limit {
    /// The limits that also say how much a cog is used, and how many others there are, and not only what its code does.
    pub fn of_use() -> LimitSet {
        let of_use = [
            Self::CpuPerMinute,
            Self::Jobs,
            Self::Mailbox,
            Self::MailboxSize,
            Self::LogLines,
            Self::LogSize,
            Self::DiscordCalls,
            Self::DiscordRefusals,
            Self::HttpCalls,
            Self::State,
            Self::StateWrites,
        ];
        LimitSet(of_use.iter().fold(0, |all, limit| all | 1 << *limit as u32))
    }
}

/// How often a cog has hit each of its limits: was refused something, or stopped, because of it.
#[derive(Debug, Default)]
pub struct LimitHits([AtomicU64; Limit::ALL.len()]);

impl LimitHits {
    /// Counts that `limit` was met once more; returns how often it was by now.
    pub fn count(&self, limit: Limit) -> u64 {
        self.0[limit as usize].fetch_add(1, Ordering::Relaxed) + 1
    }

    /// How often `limit` was met.
    pub fn times(&self, limit: Limit) -> u64 {
        self.0[limit as usize].load(Ordering::Relaxed)
    }
}

/// A limit of how many there may be.
pub(super) fn at_most(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// `limits.state_value_kb` in bytes, and the like.
pub fn kilobytes(count: u32) -> usize {
    usize::try_from(count).map_or(usize::MAX, |count| count.saturating_mul(1 << 10))
}

/// `limits.memory_mb` in bytes, and the like.
pub fn megabytes(count: u32) -> usize {
    usize::try_from(count).map_or(usize::MAX, |count| count.saturating_mul(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Limits;

    #[test]
    fn every_key_of_the_configuration_is_counted_and_shown() {
        let limits = serde_json::to_value(Limits::default()).unwrap();
        let mut keys: Vec<_> = limits.as_object().unwrap().keys().cloned().collect();
        let mut shown: Vec<_> = Limit::ALL.iter().map(|limit| limit.key()).collect();
        keys.sort();
        shown.sort_unstable();
        assert_eq!(keys, shown);
    }
}

//! The limits of one cog: what it uses of each, and how often it has met it.

use super::context::CogContext;
use serde::Serialize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

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

/// How a cog stands with one of its limits, in the unit of the key.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LimitView {
    /// The key below `limits` in config.json.
    pub key: &'static str,
    /// What is used now, where that can be told.
    pub used: Option<f64>,
    /// What may be used.
    pub limit: u32,
    /// How often it was met since the bot started.
    pub met: u64,
}

const MEGABYTE: f64 = 1_048_576.0;

/// How `cog` stands with all of its limits.
pub fn limits_of(cog: &CogContext) -> Vec<LimitView> {
    let config = cog.services.config.load();
    let limits = &config.limits;
    let view = |limit: &Limit| {
        let (used, most) = match limit {
            Limit::Memory => (Some(number(cog.memory()) / MEGABYTE), limits.memory_mb),
            Limit::TotalMemory => (
                Some(number(cog.services.budgets.used()) / MEGABYTE),
                u32::try_from(limits.total_memory() >> 20).unwrap_or(u32::MAX),
            ),
            Limit::Cpu => (
                Some(cog.cpu_meter.longest().as_secs_f64() * 1_000.0),
                limits.cpu_ms,
            ),
            Limit::CpuPerMinute => (
                Some(cog.cpu_meter.used(Instant::now()).as_secs_f64()),
                limits.cpu_seconds_per_minute,
            ),
            Limit::HandlerTime => (None, limits.handler_seconds),
            Limit::CallDepth => (None, limits.call_depth),
            Limit::Coroutines => (Some(number(cog.coroutines())), limits.coroutines),
            Limit::Tasks => (Some(number(cog.tasks())), limits.tasks),
            Limit::Timers => (Some(number(cog.timers())), limits.timers),
            Limit::Mailbox => (Some(number(cog.waiting())), limits.mailbox),
            Limit::MailboxSize => (
                Some(number(cog.waiting_bytes()) / MEGABYTE),
                limits.mailbox_mb,
            ),
            Limit::LogLines => (None, limits.log_lines_per_10s),
            Limit::LogSize => (None, limits.log_kb_per_10s),
            Limit::DiscordCalls => (None, limits.discord_calls_per_10s),
            Limit::DiscordRefusals => (
                Some(number(cog.refused_calls())),
                limits.discord_refusals_per_10min,
            ),
            Limit::HttpCalls => (None, limits.http_calls_per_10s),
            Limit::HttpSize => (None, limits.http_kb),
            Limit::State => {
                let bytes = cog.live_views().stored.used();
                (Some(number(bytes) / MEGABYTE), limits.state_mb)
            }
            Limit::StateValue => (None, limits.state_value_kb),
            Limit::StateWrites => (None, limits.state_write_kb_per_s),
            Limit::Faults => {
                let stops = cog.quarantine.stops(cog.services.clock.now());
                (Some(number(stops)), limits.faults_per_10min)
            }
        };
        let met = match limit {
            // The store knows when it has writes wait.
            Limit::StateWrites => cog.live_views().stored.delays(),
            _ => cog.limit_hits.times(*limit),
        };
        LimitView {
            key: limit.key(),
            used,
            limit: most,
            met,
        }
    };
    Limit::ALL.iter().map(view).collect()
}

#[allow(
    clippy::cast_precision_loss,
    reason = "nothing counted here comes near 2^53"
)]
fn number(count: usize) -> f64 {
    count as f64
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

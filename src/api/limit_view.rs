//! A read-only view of a cog's limits, for the page and for admins: what it uses of each, and how often it has hit it.

use super::context::CogContext;
use super::limits::Limit;
use super::nearly_full::is_nearly_full;
use serde::Serialize;
use std::time::Instant;

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
    /// Whether it is nearly used up, where that does not end by itself: stored state.
    pub is_near: bool,
}

const MEGABYTE: f64 = 1_048_576.0;

/// How `cog` stands with all of its limits.
pub fn limits_of(cog: &CogContext) -> Vec<LimitView> {
    let config = cog.services.config.load();
    let limits = &config.limits;
    let state = cog.state.live();
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
            Limit::Coroutines => (Some(number(cog.limits.coroutines())), limits.coroutines),
            Limit::Tasks => (Some(number(cog.limits.tasks())), limits.tasks),
            Limit::Timers => (Some(number(cog.limits.timers())), limits.timers),
            Limit::Jobs => {
                let jobs = state.jobs.count();
                (Some(number(jobs)), limits.jobs)
            }
            Limit::Mailbox => (Some(number(cog.limits.waiting())), limits.mailbox),
            Limit::MailboxSize => (
                Some(number(cog.limits.waiting_bytes()) / MEGABYTE),
                limits.mailbox_mb,
            ),
            Limit::LogLines => (None, limits.log_lines_per_10s),
            Limit::LogSize => (None, limits.log_kb_per_10s),
            Limit::DiscordCalls => (None, limits.discord_calls_per_10s),
            Limit::DiscordRefusals => (
                Some(number(cog.limits.refused_calls())),
                limits.discord_refusals_per_10min,
            ),
            Limit::HttpCalls => (None, limits.http_calls_per_10s),
            Limit::HttpSize => (None, limits.http_kb),
            Limit::State => {
                let bytes = state.stored.used();
                (Some(number(bytes) / MEGABYTE), limits.state_mb)
            }
            Limit::StateValue => (None, limits.state_value_kb),
            Limit::StateWrites => (None, limits.state_write_kb_per_s),
            Limit::Faults => {
                let stops = cog.stops.count(cog.services.clock.now());
                (Some(number(stops)), limits.faults_per_10min)
            }
        };
        let met = match limit {
            // The store knows when it has writes wait.
            Limit::StateWrites => state.stored.delays(),
            _ => cog.limit_hits.times(*limit),
        };
        let stored = &state.stored;
        LimitView {
            is_near: *limit == Limit::State && is_nearly_full(stored.used(), stored.room()),
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

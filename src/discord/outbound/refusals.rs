//! The answers for which Discord locks a bot out: more than 10,000 with status 401, 403 or 429 within ten minutes
//! (Discord's documentation, "Rate Limits", "Invalid Request Limit").

use super::answer::is_forbidden;
use super::limits::Observed;
use crate::lock::lock;
use crate::recent::Recent;
use std::sync::Mutex;
use std::time::Duration;

/// How long Discord counts a refusal.
pub const COUNTED: Duration = Duration::from_secs(600);

/// After so many, cogs send nothing more: the rest is for what the bot itself has to say.
pub(super) const MOST: usize = 8_000;

/// How often Discord has refused requests of this bot lately.
#[derive(Debug)]
pub(super) struct Refusals(Mutex<Recent>);

impl Default for Refusals {
    fn default() -> Self {
        Self(Mutex::new(Recent::new(COUNTED)))
    }
}

impl Refusals {
    /// Counts an answer, if it is one of those.
    pub(super) fn note(&self, status: u16, observed: &Observed, now: Duration) {
        // A limit that the bot shares with others is nobody's fault, and what a proxy holds back never reaches Discord.
        let is_counted = !observed.shared && !observed.of_a_proxy;
        let is_refusal = is_forbidden(status) || (status == 429 && is_counted);
        if is_refusal {
            let count = self.recent().add(now);
            if count == MOST {
                tracing::warn!(
                    count,
                    "Discord has refused so many requests within ten minutes that cogs may send no more for now: at 10,000 it locks the bot out"
                );
            }
        }
    }

    /// Whether there were so many that cogs have to be silent.
    pub(super) fn are_too_many(&self, now: Duration) -> bool {
        self.recent().count(now) >= MOST
    }

    fn recent(&self) -> std::sync::MutexGuard<'_, Recent> {
        lock(&self.0)
    }
}

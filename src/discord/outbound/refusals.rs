//! The answers for which Discord blocks a bot: more than 10,000 with status 401, 403 or 429 within ten minutes
//! (Discord's documentation, "Rate Limits", "Invalid Request Limit").

use super::answer::{DiscordError, has_own_token, is_forbidden};
use super::limits::Observed;
use crate::config::TOKEN_ADVICE;
use crate::lock::lock;
use crate::sliding_window::SlidingWindow;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long Discord counts a refusal.
pub const COUNTED: Duration = Duration::from_secs(600);

/// After so many, cogs send nothing more: the rest is reserved for the bot itself.
pub(super) const MOST: usize = 8_000;

/// How often Discord has refused requests of this bot lately.
#[derive(Debug)]
pub(super) struct Refusals {
    recent: Mutex<SlidingWindow>,
    /// Whether Discord has accepted the token since it refused it last, if it did.
    token_works: AtomicBool,
}

impl Default for Refusals {
    fn default() -> Self {
        Self {
            recent: Mutex::new(SlidingWindow::new(COUNTED)),
            token_works: AtomicBool::new(false),
        }
    }
}

impl Refusals {
    /// Counts an answer, if it is one of those.
    pub(super) fn note(&self, status: u16, observed: &Observed, now: Duration) {
        // A limit that the bot shares with others does not count, and a response that a proxy gives by itself never
        // reached Discord.
        let is_refusal = is_forbidden(status) || (status == 429 && !observed.shared);
        if is_refusal && !observed.of_a_proxy {
            let count = self.recent().add(now);
            if count == MOST {
                tracing::warn!(
                    count,
                    "Discord has refused so many requests within ten minutes that cogs may send no more for now: after 10,000 it blocks the bot"
                );
            }
        }
    }

    /// Notes a success, which shows that the token is valid if nothing else authorized the request.
    pub(super) fn accepted(&self, operation: &str) {
        if !self.token_works.load(Ordering::Relaxed) && !has_own_token(operation) {
            self.token_works.store(true, Ordering::Relaxed);
        }
    }

    /// Logs when Discord refuses a token that it accepted before: once, until it is accepted again. A refusal at the
    /// first sign-in is reported by the sign-in.
    pub(super) fn refused(&self, error: &DiscordError) -> bool {
        let is_news = error.refuses_token() && self.token_works.swap(false, Ordering::Relaxed);
        if is_news {
            tracing::error!(%error, "Discord refuses the bot's token now. {TOKEN_ADVICE}");
        }
        is_news
    }

    /// Whether there were so many that cogs have to be silent.
    pub(super) fn are_too_many(&self, now: Duration) -> bool {
        self.recent().count(now) >= MOST
    }

    fn recent(&self) -> std::sync::MutexGuard<'_, SlidingWindow> {
        lock(&self.recent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_a_proxy(mut observed: Observed) -> Observed {
        observed.of_a_proxy = true;
        observed
    }

    #[test]
    fn what_a_proxy_says_by_itself_is_not_counted() {
        let now = Duration::from_secs(1_000);
        for status in [401, 403, 429] {
            let refusals = Refusals::default();
            for _ in 0..MOST {
                refusals.note(status, &of_a_proxy(Observed::default()), now);
            }
            assert!(!refusals.are_too_many(now), "{status}");
            for _ in 0..MOST {
                refusals.note(status, &Observed::default(), now);
            }
            assert!(refusals.are_too_many(now), "{status}");
        }
    }

    #[test]
    fn a_token_that_is_refused_later_is_told_once_until_it_works_again() {
        let refused = |operation: &str| DiscordError {
            status: 401,
            code: 0,
            message: "401: Unauthorized".into(),
            operation: operation.into(),
            errors: None,
            may_be_done: false,
        };
        let refusals = Refusals::default();
        // At the first sign-in somebody else tells it.
        assert!(!refusals.refused(&refused("get_my_user")));
        for _ in 0..2 {
            refusals.accepted("get_my_user");
            assert!(!refusals.refused(&refused("execute_webhook")));
            assert!(refusals.refused(&refused("create_message")));
            // What a webhook may do says nothing of the bot.
            refusals.accepted("execute_webhook");
            assert!(!refusals.refused(&refused("get_bot_gateway")));
        }
    }
}

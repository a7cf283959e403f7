//! What is being asked of Discord for a decision: see `unknown_guild`.

use crate::lock::lock;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// After an answer that did not help, so long nobody asks the same again.
const PAUSE: Duration = Duration::from_secs(5);

/// What is asked: about a guild, a channel or a member.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Question {
    Guild(String),
    Channel(String),
    Member(String, String),
}

/// Locked while a question is asked. Holds when the last answer to it did not help.
pub(super) type Asking = tokio::sync::Mutex<Option<Duration>>;

/// The questions that are being asked, so that each is asked once at a time: who comes meanwhile with the same question
/// waits for that answer, and no other question waits for it.
#[derive(Debug, Default)]
pub struct Questions {
    asked: Mutex<HashMap<Question, Arc<Asking>>>,
}

impl Questions {
    pub(super) fn asking(&self, question: Question, now: Duration) -> Arc<Asking> {
        let mut asked = lock(&self.asked);
        asked.retain(|_, asking| match asking.try_lock() {
            Ok(failed) => Arc::strong_count(asking) > 1 || is_recent(*failed, now),
            Err(_) => true,
        });
        Arc::clone(asked.entry(question).or_default())
    }
}

pub(super) fn is_recent(failed: Option<Duration>, now: Duration) -> bool {
    failed.is_some_and(|at| now < at.saturating_add(PAUSE))
}

//! Interactions that handlers wait for: a modal that `ctx:modal` has opened, the buttons of `ctx:confirm` and
//! `ctx:paginate`.
//!
//! ```text
//! an interaction ─ who waits for it? (its custom id) ─ is it their user's? ─ the line of the one who waits ─ next
//! ```
//!
//! They go past the mailbox, as events do that are waited for: a cog whose handlers all wait takes nothing from there.
//! `expecting.rs` is who waits.

use crate::activity::{Activity, Busy};
use crate::commands::custom_id::OF_THE_BOT;
use crate::hash::HashMap;
use crate::lock::lock;
use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

/// Uses that wait for one handler; what comes beyond is accepted, and has no effect.
const MOST_WAITING: usize = 8;

/// What is waited for: an interaction, of which nothing is known here.
pub type Used = Arc<dyn Any + Send + Sync>;

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// Custom ids that begin with this one, which the bot has made.
    Own(String),
    /// A modal with a custom id of the author's.
    Modal {
        /// Its custom id.
        id: String,
        /// The user in front of it.
        user: u64,
    },
}

/// All that is waited for.
#[derive(Debug, Default)]
pub struct Expected {
    waits: Mutex<HashMap<Key, Arc<Expectation>>>,
    /// Counts the custom ids that were made.
    made: AtomicU64,
}

/// Somebody who waits for what one user does.
#[derive(Debug)]
pub struct Expectation {
    user: u64,
    /// Whether an answer that is put off is for the user alone.
    pub is_alone: bool,
    activity: Activity,
    line: Mutex<Line>,
    arrival: Notify,
}

/// What has come and has not been looked at.
#[derive(Default)]
struct Line {
    arrived: VecDeque<Used>,
    is_closed: bool,
    /// Whether its coroutine does nothing but wait.
    is_listened_to: bool,
    /// The bot is busy from the arrival on until the coroutine has it.
    busy: Option<Busy>,
}

impl fmt::Debug for Line {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Line({} waiting)", self.arrived.len())
    }
}

impl Expected {
    /// What a custom id of the bot's own begins with; no two are the same, also not after a restart.
    pub(super) fn new_id(&self, now: Duration) -> String {
        let count = self.made.fetch_add(1, Ordering::Relaxed);
        format!("{OF_THE_BOT}:{:x}-{count:x}", now.as_millis())
    }

    /// Who waits for a custom id that `user` has used.
    pub fn find(&self, custom_id: &str, user: u64) -> Option<Arc<Expectation>> {
        let waits = lock(&self.waits);
        if waits.is_empty() {
            return None;
        }
        let mut parts = custom_id.splitn(3, ':');
        let key = match (parts.next(), parts.next()) {
            (Some(OF_THE_BOT), Some(made)) => Key::Own(format!("{OF_THE_BOT}:{made}")),
            _ => Key::Modal {
                id: custom_id.to_owned(),
                user,
            },
        };
        waits.get(&key).map(Arc::clone)
    }

    /// Has somebody hear of what is used.
    pub(super) fn add(&self, key: Key, expectation: &Arc<Expectation>) {
        lock(&self.waits).insert(key, Arc::clone(expectation));
    }

    /// They hear nothing any more, unless another one has taken their place.
    pub(super) fn remove(&self, key: &Key, expectation: &Arc<Expectation>) {
        let mut waits = lock(&self.waits);
        if waits
            .get(key)
            .is_some_and(|it| Arc::ptr_eq(it, expectation))
        {
            waits.remove(key);
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        lock(&self.waits).len()
    }
}

impl Expectation {
    /// Somebody who waits for what `user` does.
    pub(super) fn new(user: u64, is_alone: bool, activity: &Activity) -> Arc<Self> {
        Arc::new(Self {
            user,
            is_alone,
            activity: activity.clone(),
            line: Mutex::default(),
            arrival: Notify::new(),
        })
    }

    /// Whether it is this user whom it waits for.
    pub fn is_of(&self, user: u64) -> bool {
        self.user == user
    }

    /// Gives it a use. Returns false when it takes no more.
    pub fn give(&self, used: Used) -> bool {
        let mut line = lock(&self.line);
        if line.is_closed || line.arrived.len() >= MOST_WAITING {
            return false;
        }
        line.arrived.push_back(used);
        if line.is_listened_to && line.busy.is_none() {
            line.busy = Some(self.activity.begin());
        }
        drop(line);
        self.arrival.notify_one();
        true
    }

    /// The next use, with the sign that the bot is busy with it.
    pub(super) async fn arrived(&self) -> (Used, Option<Busy>) {
        loop {
            {
                let mut line = lock(&self.line);
                if let Some(used) = line.arrived.pop_front() {
                    return (used, line.busy.take());
                }
            }
            self.arrival.notified().await;
        }
    }

    /// Whether its coroutine does nothing but wait.
    pub(super) fn set_listened_to(&self, is_listened_to: bool) {
        let mut line = lock(&self.line);
        line.is_listened_to = is_listened_to;
        line.busy = (is_listened_to && !line.arrived.is_empty()).then(|| self.activity.begin());
    }

    /// Takes no more. Returns what nobody has looked at.
    pub(super) fn close(&self) -> VecDeque<Used> {
        let mut line = lock(&self.line);
        line.is_closed = true;
        line.busy = None;
        std::mem::take(&mut line.arrived)
    }
}

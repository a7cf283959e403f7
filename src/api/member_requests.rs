//! Members that the gateway is asked for, and the chunks that come for each request. `members.rs` asks.

use super::rate_limiter::RateLimiter;
use crate::charge::{Allowance, Charge};
use crate::clock::Clock;
use crate::discord::event::Event;
use crate::hash::HashMap;
use crate::lock::lock;
use serde::Deserialize;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

/// The time over which requests are counted: Discord takes 120 commands a minute on a connection, of all kinds.
const MINUTE: Duration = Duration::from_secs(60);
/// Requests of all cogs within it.
const MOST_OF_ALL: u32 = 80;

/// The requests that are open.
#[derive(Debug)]
pub struct MemberRequests {
    open: Mutex<HashMap<u64, Arc<Inbox>>>,
    /// How many there are: where there is none, an event costs one look at this.
    count: AtomicUsize,
    last: AtomicU64,
    rate: RateLimiter,
}

impl Default for MemberRequests {
    /// None is open. As Discord's own limits, the rate is in real time.
    fn default() -> Self {
        Self {
            open: Mutex::default(),
            count: AtomicUsize::new(0),
            last: AtomicU64::new(0),
            rate: RateLimiter::new(MINUTE, &Clock::system()),
        }
    }
}

/// What has come for a request.
#[derive(Debug)]
struct Inbox {
    events: Mutex<VecDeque<Arrived>>,
    arrival: Notify,
    allowance: Allowance,
}

/// An event, with the charge for its text; none where there was no room for it.
pub(super) type Arrived = (Arc<Event>, Option<Charge>);

#[derive(Deserialize)]
struct Nonce<'a> {
    #[serde(borrow, default)]
    nonce: Option<&'a str>,
    #[serde(borrow, default)]
    meta: Option<Meta<'a>>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(borrow, default)]
    nonce: Option<&'a str>,
}

impl MemberRequests {
    /// Takes an event that may answer a request.
    pub fn hear(&self, event: &Arc<Event>) {
        let answers = matches!(event.name.as_ref(), "guild_members_chunk" | "rate_limited");
        if !answers || self.count.load(Ordering::Relaxed) == 0 {
            return;
        }
        let Ok(said) = serde_json::from_str::<Nonce<'_>>(event.raw()) else {
            return;
        };
        let nonce = said.nonce.or(said.meta.and_then(|meta| meta.nonce));
        let number = nonce.and_then(|nonce| nonce.parse().ok());
        let inbox = number.and_then(|number: u64| lock(&self.open).get(&number).map(Arc::clone));
        if let Some(inbox) = inbox {
            let charge = inbox.allowance.take(event.size()).ok();
            lock(&inbox.events).push_back((Arc::clone(event), charge));
            inbox.arrival.notify_one();
        }
    }

    /// Whether one more request may be sent now.
    pub(super) fn may_send(&self) -> bool {
        self.rate.take(MOST_OF_ALL)
    }

    /// Opens a request; what comes for it is taken from `allowance`.
    pub(super) fn open(&self, allowance: Allowance) -> OpenRequest<'_> {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let inbox = Arc::new(Inbox {
            events: Mutex::default(),
            arrival: Notify::new(),
            allowance,
        });
        lock(&self.open).insert(number, Arc::clone(&inbox));
        self.count.fetch_add(1, Ordering::Relaxed);
        OpenRequest {
            requests: self,
            number,
            inbox,
        }
    }
}

/// A request that is open until this is dropped.
#[derive(Debug)]
pub(super) struct OpenRequest<'a> {
    requests: &'a MemberRequests,
    number: u64,
    inbox: Arc<Inbox>,
}

impl OpenRequest<'_> {
    /// By which its chunks are known.
    pub(super) fn nonce(&self) -> String {
        self.number.to_string()
    }

    /// The next event that has come for it.
    pub(super) async fn next(&self) -> Arrived {
        loop {
            if let Some(arrived) = lock(&self.inbox.events).pop_front() {
                return arrived;
            }
            self.inbox.arrival.notified().await;
        }
    }
}

impl Drop for OpenRequest<'_> {
    fn drop(&mut self) {
        lock(&self.requests.open).remove(&self.number);
        self.requests.count.fetch_sub(1, Ordering::Relaxed);
    }
}

//! Tells Discord what it is to show of the bot: at once, and again after a reconnect. Discord takes five changes in
//! twenty seconds, so of several that come quickly the last is told.

use crate::api::services::Services;
use crate::config::Presence;
use crate::gateway::{GatewaySender, ShardState};
use crate::host_tasks::{self, Task};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Between two changes that are told.
const PAUSE: Duration = Duration::from_secs(4);

/// Keeps what Discord shows to what is chosen.
pub(super) struct Keeper {
    services: Arc<Services>,
    gateway: GatewaySender,
    states: watch::Receiver<Vec<ShardState>>,
    /// What each shard was told, and whether it was ready then.
    shards: Vec<Shard>,
    /// When the next change may be told.
    next: Duration,
}

#[derive(Clone)]
struct Shard {
    told: Option<Presence>,
    is_ready: bool,
}

impl Keeper {
    pub(super) fn new(services: &Arc<Services>, gateway: GatewaySender) -> Self {
        let fresh = Shard {
            // So Discord shows a bot that has said nothing.
            told: Some(Presence::default()),
            is_ready: false,
        };
        let count = usize::try_from(gateway.shards()).unwrap_or(0);
        Self {
            services: Arc::clone(services),
            states: gateway.states(),
            gateway,
            shards: vec![fresh; count],
            next: Duration::ZERO,
        }
    }

    /// Tells every change until the gateway is gone.
    pub(super) async fn keep(&mut self) {
        let services = Arc::clone(&self.services);
        loop {
            host_tasks::point(Task::Presence);
            let wait = self.tell();
            let due = async {
                match wait {
                    Some(wait) => services.clock.sleep(wait).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = services.presence.changed.notified() => {}
                changed = self.states.changed() => if changed.is_err() {
                    return;
                },
                () = due => {}
            }
        }
    }

    /// Tells the shards that are ready what they have not been told. Returns after which time that may be done, if it
    /// is too early.
    fn tell(&mut self) -> Option<Duration> {
        let wanted = self.services.presence.now(&self.services.config.load());
        let payload = payload(&wanted);
        self.gateway.begin_with(&payload);
        self.look(&wanted);
        let is_owed = |shard: &Shard| shard.is_ready && shard.told.as_ref() != Some(&wanted);
        if !self.shards.iter().any(is_owed) {
            return None;
        }
        let now = self.services.clock.now();
        if now < self.next {
            return Some(self.next.saturating_sub(now));
        }
        let command = json!({ "op": 3, "d": payload }).to_string();
        for (number, shard) in (0..).zip(&mut self.shards) {
            if is_owed(shard) && self.gateway.send(number, command.clone()).is_ok() {
                shard.told = Some(wanted.clone());
            }
        }
        self.next = now + PAUSE;
        // A shard that is lost in this moment is told when it is back.
        None
    }

    /// Notes which shards are ready. One that was away may not know any more what it was told.
    fn look(&mut self, wanted: &Presence) {
        let states = self.states.borrow_and_update();
        for (shard, state) in self.shards.iter_mut().zip(states.iter()) {
            let is_ready = *state == ShardState::Ready;
            if is_ready && !shard.is_ready && *wanted != Presence::default() {
                shard.told = None;
            }
            shard.is_ready = is_ready;
        }
    }
}

/// The data of operation 3, and of a presence in identify.
fn payload(presence: &Presence) -> Value {
    let activities = presence.activities.iter().filter(|it| !it.name.is_empty());
    let activities = activities.map(|activity| {
        let mut shown = json!({ "name": activity.name, "type": activity.kind });
        for (name, text) in [("state", &activity.state), ("url", &activity.url)] {
            if let Some(text) = text {
                shown[name] = json!(text);
            }
        }
        shown
    });
    json!({
        "since": null,
        "activities": activities.collect::<Vec<_>>(),
        "status": presence.status,
        "afk": false,
    })
}

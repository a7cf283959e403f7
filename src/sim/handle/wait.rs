//! Waiting for something to happen, woken by every change.

use super::Sim;
use crate::sim::errors::SimError;
use crate::sim::ids::{Id, id_in};
use serde_json::Value;
use std::time::Duration;

impl Sim {
    /// Waits until `condition` returns a value. It is called at once and after every change.
    ///
    /// # Errors
    ///
    /// After `timeout`, by the system's time, with a transcript of what happened instead; or when
    /// the simulator is shut down.
    pub async fn wait_for<T>(
        &self,
        what: &str,
        timeout: Duration,
        mut condition: impl FnMut(&Self) -> Option<T>,
    ) -> Result<T, SimError> {
        let mut changes = self.hub().changes();
        let mut stop = self.hub().stop.subscribe();
        let happened = async {
            loop {
                changes.mark_unchanged();
                if let Some(found) = condition(self) {
                    return Ok(found);
                }
                let stopped = || SimError::Stopped { what: what.into() };
                tokio::select! {
                    alive = changes.changed() => alive.map_err(|_| stopped())?,
                    _ = stop.wait_for(|stop| *stop) => return Err(stopped()),
                }
            }
        };
        match tokio::time::timeout(timeout, happened).await {
            Ok(result) => result,
            Err(_) => Err(SimError::TimedOut {
                what: what.into(),
                seconds: timeout.as_secs_f64(),
                transcript: self.transcript(),
            }),
        }
    }

    /// Waits until a bot has identified and was sent everything it begins with, on all the shards
    /// that it says it has.
    ///
    /// # Errors
    ///
    /// After `timeout`.
    pub async fn connected(&self, timeout: Duration) -> Result<(), SimError> {
        let what = "a bot that is connected with all of its shards";
        self.wait_for(what, timeout, |sim| {
            let sessions = sim.sessions();
            let ready = |shard: u32, shards: u32| {
                sessions.iter().any(|session| {
                    let same = session.shard == shard && session.shards == shards;
                    same && session.connected && session.written > 0
                })
            };
            let complete = sessions
                .iter()
                .any(|session| (0..session.shards).all(|shard| ready(shard, session.shards)));
            complete.then_some(())
        })
        .await
    }

    /// Waits for a message of the bot in a channel, newer than `after` (0: any). A deferred answer
    /// counts once it is filled.
    ///
    /// # Errors
    ///
    /// After `timeout`.
    pub async fn bot_message_after(
        &self,
        channel: Id,
        after: Id,
        timeout: Duration,
    ) -> Result<Value, SimError> {
        let what = format!("a message of the bot in channel {channel} after {after}");
        let bot = self.bot_user();
        self.wait_for(&what, timeout, |sim| {
            sim.hub().look(|state| {
                let all = state.world.messages.get(&channel)?;
                let newer = all.range(after.saturating_add(1)..);
                let mut own = newer.filter(|(_, message)| {
                    message.author == bot && message.webhook.is_none() && message.flags() & 128 == 0
                });
                own.next().map(|(_, message)| message.show(bot))
            })
        })
        .await
    }

    /// Waits for the bot's reply to a message: one that refers to it.
    ///
    /// # Errors
    ///
    /// After `timeout`.
    pub async fn reply_to(&self, message: Id, timeout: Duration) -> Result<Value, SimError> {
        let what = format!("a reply of the bot to message {message}");
        let bot = self.bot_user();
        self.wait_for(&what, timeout, |sim| {
            sim.hub().look(|state| {
                let channels = state.world.messages.values();
                let mut newer = channels.flat_map(|all| all.range(message.saturating_add(1)..));
                let reply = newer.find(|(_, one)| {
                    let reference = one.fields.get("message_reference");
                    let named = reference.and_then(|it| id_in(it, "message_id"));
                    one.author == bot && named == Some(message)
                });
                reply.map(|(_, reply)| reply.show(bot))
            })
        })
        .await
    }

    /// Waits until no request is under way and every connected client was sent all of its events.
    ///
    /// # Errors
    ///
    /// After `timeout`.
    pub async fn quiet(&self, timeout: Duration) -> Result<(), SimError> {
        let what = "quiet: no request under way and no event unsent";
        self.wait_for(what, timeout, |sim| {
            let sessions = sim.sessions();
            let mut connected = sessions.iter().filter(|session| session.connected);
            let sent = connected.all(|session| session.written == session.newest);
            (sent && sim.requests_in_flight() == 0).then_some(())
        })
        .await
    }
}

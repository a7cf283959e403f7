//! Replaces one session by another when the intents change.
//!
//! Intents are fixed when a session is opened. So the shard opens a second session beside the first: the first delivers
//! events until the second is ready; then it is closed, and the events that still arrive on it are delivered, too. From
//! then on the second delivers. Events that both received are duplicates in the second: `deduplicator.rs` knows these
//! events by what the first delivered since the second said hello.

use super::GatewayError;
use super::connection::{Connection, ConnectionEvent};
use super::deduplicator::Deduplicator;
use super::error::fatal;
use super::task::{Command, End, Task};
use crate::discord::event::Event;
use tracing::{info, warn};
use twilight_gateway::CloseFrame;

/// How the second session's connection goes.
enum Second {
    Opening,
    Ready(Event),
    Failed(GatewayError),
}

impl Task {
    /// Opens a session with the wanted intents and switches to it. Returns the connection to use from now on: the first
    /// one if there is no second session; then the caller gets the error.
    pub(super) async fn hand_over(&mut self, mut first: Connection) -> Result<Connection, End> {
        if self.shared.queue.exhausted_until().is_some() {
            let reason = "Discord allows the bot no more new sessions today".to_owned();
            self.stay(GatewayError::IntentsUnchanged { reason });
            return Ok(first);
        }
        let mut second = self.connection(self.wanted, None);
        self.deduplicator = None;
        let ready = loop {
            tokio::select! {
                biased;
                command = self.commands.recv() => match command {
                    None | Some(Command::Stop) => {
                        self.leave(first, CloseFrame::RESUME).await;
                        return Err(End::Stop);
                    }
                    Some(Command::Send(json)) => first.send(json),
                    Some(Command::Intents(bits, answer)) => {
                        self.want(bits, answer);
                        return Ok(first);
                    }
                },
                // After a loss the first session is resumed. The caller decides whether to try the change again: each
                // attempt may use an identify.
                event = first.next() => if let Some(end) = self.take(event, &mut first).await {
                    let reason = "the connection was lost meanwhile".to_owned();
                    self.stay(GatewayError::IntentsUnchanged { reason });
                    return Err(end);
                },
                event = second.next() => match self.second(event) {
                    Second::Opening => {}
                    Second::Ready(ready) => break ready,
                    Second::Failed(error) => {
                        self.stay(error);
                        return Ok(first);
                    }
                },
            }
        };
        // Code 1000 ends the first session: it must not linger as a second bot.
        self.leave(first, CloseFrame::NORMAL).await;
        if let Some(deduplicator) = &mut self.deduplicator {
            deduplicator.stop_collecting();
        }
        let shard = self.number;
        info!(shard, "The shard switches to a session with other intents");
        match self.opened(ready, &second) {
            Some(end) => Err(end),
            None => Ok(second),
        }
    }

    fn second(&mut self, event: ConnectionEvent) -> Second {
        let reason = match event {
            ConnectionEvent::Dispatch(event) if &*event.name == "ready" => {
                return Second::Ready(event);
            }
            ConnectionEvent::Hello => {
                self.deduplicator = Some(Deduplicator::default());
                return Second::Opening;
            }
            ConnectionEvent::Dispatch(_) | ConnectionEvent::Latency(_) => return Second::Opening,
            ConnectionEvent::Closed { code, reason } => {
                let number = code.unwrap_or(1005);
                let shards = self.shared.shards();
                if let Some(error) = fatal(number, self.number, shards, self.wanted) {
                    return Second::Failed(error);
                }
                format!("the server closed the connection with code {number} ({reason})")
            }
            ConnectionEvent::Reconnect => "the server asked for another connection".to_owned(),
            ConnectionEvent::Invalid { .. } => "the server refused the session".to_owned(),
            ConnectionEvent::Lost(why)
            | ConnectionEvent::Unreachable(why)
            | ConnectionEvent::Limited(why)
            | ConnectionEvent::Silent(why) => why,
        };
        Second::Failed(GatewayError::IntentsUnchanged { reason })
    }

    /// Keeps the first session and its intents.
    fn stay(&mut self, error: GatewayError) {
        let shard = self.number;
        warn!(shard, "The shard keeps its intents. {error}");
        self.deduplicator = None;
        if let Some(intents) = self.slot().intents() {
            self.wanted = intents;
        }
        self.answer(Err(error));
    }
}

//! One session takes another's place when the intents change.
//!
//! Intents are fixed when a session is opened. So the shard opens a second session beside the first:
//! the first goes on delivering until the second is ready, then it is closed, and what it still
//! brings is delivered, too. From then on the second delivers. Whatever both of them got, the second
//! repeats: these echoes are told by what the first delivered since the second said hello.

use super::GatewayError;
use super::connection::{Connection, Step};
use super::error::fatal;
use super::task::{Command, End, Task};
use crate::discord::event::Event;
use serde::Deserialize;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;
use tokio::time::Instant;
use tracing::{info, warn};
use twilight_gateway::CloseFrame;

/// How long after the change the second session may still repeat something.
const ECHO_FOR: Duration = Duration::from_secs(10);

/// The events that the first session delivered, and how often.
#[derive(Debug, Default)]
pub(super) struct Echoes {
    counts: HashMap<u64, u32>,
    /// Until when they are expected; nothing while they are still collected.
    until: Option<Instant>,
}

impl Echoes {
    /// Collects the event, or says whether it repeats a collected one.
    pub(super) fn is_echo(&mut self, event: &Event) -> bool {
        let key = key(event);
        if self.until.is_none() {
            *self.counts.entry(key).or_default() += 1;
            return false;
        }
        let Some(count) = self.counts.get_mut(&key) else {
            return false;
        };
        *count -= 1;
        if *count == 0 {
            self.counts.remove(&key);
        }
        true
    }

    /// Nothing more is collected: echoes may come.
    fn expect(&mut self) {
        self.until = Some(Instant::now() + ECHO_FOR);
    }

    /// Whether no more echoes will come.
    pub(super) fn are_over(&self) -> bool {
        let over = |until| self.counts.is_empty() || Instant::now() >= until;
        self.until.is_some_and(over)
    }
}

/// What makes an event the same one in two sessions. A message's fields depend on the intents, so
/// that what is created is known by its id; everything else by its text.
fn key(event: &Event) -> u64 {
    #[derive(Deserialize)]
    struct Created<'a> {
        id: &'a str,
    }
    let mut hasher = DefaultHasher::new();
    event.name.hash(&mut hasher);
    let created = match &*event.name {
        "message_create" | "interaction_create" => serde_json::from_str(event.raw()).ok(),
        _ => None,
    };
    match created {
        Some(Created { id }) => id.hash(&mut hasher),
        None => event.raw().hash(&mut hasher),
    }
    hasher.finish()
}

/// How the second session's connection goes.
enum Second {
    Opening,
    Ready(Event),
    Failed(GatewayError),
}

impl Task {
    /// Opens a session with the wanted intents and changes over to it. Returns the connection to go
    /// on with: the first one if there is no second session, which the one who asked is told.
    pub(super) async fn hand_over(&mut self, mut first: Connection) -> Result<Connection, End> {
        if self.shared.queue.exhausted_until().is_some() {
            let reason = "Discord allows the bot no more new sessions today".to_owned();
            self.stay(GatewayError::IntentsUnchanged { reason });
            return Ok(first);
        }
        let mut second = self.connection(self.wanted, None);
        self.echoes = None;
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
                // After a loss the first session is resumed. Whether the change begins anew is for the one who
                // asked to say: each attempt may use an identify.
                step = first.next() => if let Some(end) = self.take(step, &mut first).await {
                    let reason = "the connection was lost meanwhile".to_owned();
                    self.stay(GatewayError::IntentsUnchanged { reason });
                    return Err(end);
                },
                step = second.next() => match self.second(step) {
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
        if let Some(echoes) = &mut self.echoes {
            echoes.expect();
        }
        let shard = self.number;
        info!(
            shard,
            "The shard changes over to a session with other intents"
        );
        match self.opened(ready, &second) {
            Some(end) => Err(end),
            None => Ok(second),
        }
    }

    fn second(&mut self, step: Step) -> Second {
        let reason = match step {
            Step::Dispatch(event) if &*event.name == "ready" => return Second::Ready(event),
            Step::Hello => {
                self.echoes = Some(Echoes::default());
                return Second::Opening;
            }
            Step::Dispatch(_) | Step::Latency(_) => return Second::Opening,
            Step::Closed { code, reason } => {
                let number = code.unwrap_or(1005);
                let shards = self.shared.shards();
                if let Some(error) = fatal(number, self.number, shards, self.wanted) {
                    return Second::Failed(error);
                }
                format!("the server closed the connection with code {number} ({reason})")
            }
            Step::Reconnect => "the server asked for another connection".to_owned(),
            Step::Invalid { .. } => "the server refused the session".to_owned(),
            Step::Lost(why) | Step::Unreachable(why) | Step::Limited(why) | Step::Silent(why) => {
                why
            }
        };
        Second::Failed(GatewayError::IntentsUnchanged { reason })
    }

    /// Keeps the first session and its intents.
    fn stay(&mut self, error: GatewayError) {
        let shard = self.number;
        warn!(shard, "The shard keeps its intents. {error}");
        self.echoes = None;
        if let Some(intents) = self.slot().intents() {
            self.wanted = intents;
        }
        self.answer(Err(error));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_an_echo_as_often_as_it_was_delivered() {
        let event = |data: &str| Event::new("message_create", 0, 1, data.to_owned());
        let typing = Event::new("typing_start", 0, 1, r#"{"timestamp":1}"#.to_owned());
        let mut echoes = Echoes::default();
        assert!(!echoes.is_echo(&event(r#"{"id":"1","content":""}"#)));
        assert!(!echoes.is_echo(&typing) && !echoes.is_echo(&typing));
        assert!(!echoes.are_over());
        echoes.expect();
        assert!(echoes.is_echo(&event(r#"{"id":"1","content":"now readable"}"#)));
        assert!(!echoes.is_echo(&event(r#"{"id":"2","content":""}"#)));
        assert!(echoes.is_echo(&typing) && echoes.is_echo(&typing));
        assert!(!echoes.is_echo(&typing));
        assert!(echoes.are_over());
    }
}

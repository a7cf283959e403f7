//! What a shard does about each step of its connection.

use super::GatewayError;
use super::address::resume_base;
use super::connection::{Connection, Step};
use super::error::fatal;
use super::event::Event;
use super::handover::Echoes;
use super::pauses::{Ending, GOOD};
use super::shards::ShardState;
use super::shared::Held;
use super::task::{End, Task};
use crate::supervisor::deliveries;
use std::sync::Arc;
use tokio::time::Instant;
use tracing::info;
use twilight_gateway::CloseFrame;

impl Task {
    /// Acts on a step; says so if the connection is over.
    pub(super) async fn take(&mut self, step: Step, connection: &mut Connection) -> Option<End> {
        match step {
            Step::Dispatch(event) => return self.receive(event, connection),
            Step::Latency(latency) => {
                self.slot().measured(latency);
                return None;
            }
            Step::Hello => {
                self.set_state(if self.slot().held().is_some() {
                    ShardState::Resuming
                } else {
                    ShardState::Identifying
                });
                return None;
            }
            _ => {}
        }
        let mut ending = self.ending();
        let why = match step {
            Step::Reconnect => {
                self.drain(connection, CloseFrame::RESUME).await;
                "the server asked for a new connection".to_owned()
            }
            Step::Invalid { resumable } => {
                self.drain(connection, CloseFrame::RESUME).await;
                // A session that ended while the bot was away is nothing to pause for.
                if !resumable && self.slot().forget() && ending == Ending::Failed {
                    ending = Ending::Early;
                }
                let what = if resumable { "refused" } else { "ended" };
                format!("the server has {what} the session")
            }
            Step::Closed { code, reason } => match self.closed(code, &reason) {
                Ok(why) => why,
                Err(error) => return Some(End::Refused(error)),
            },
            Step::Lost(why) => {
                // What READY named is tried once; the server's own address is still there.
                if !connection.greeted() && self.slot().forget_resume_url() {
                    ending = Ending::Early;
                }
                why
            }
            Step::Dispatch(_) | Step::Latency(_) | Step::Hello => return None,
        };
        Some(End::Again { ending, why })
    }

    fn closed(&self, code: Option<u16>, reason: &str) -> Result<String, GatewayError> {
        let number = code.unwrap_or(1005);
        let intents = self.slot().intents().unwrap_or(self.wanted);
        if let Some(error) = fatal(number, self.number, self.shared.shards(), intents) {
            return Err(error);
        }
        // Invalid sequence, session timed out: there is nothing left to resume.
        if matches!(number, 4007 | 4009) {
            self.slot().forget();
        }
        let said = if reason.is_empty() {
            "no reason"
        } else {
            reason
        };
        Ok(format!(
            "the server closed the connection with code {number} ({said})"
        ))
    }

    fn receive(&mut self, event: Event, connection: &Connection) -> Option<End> {
        match &*event.name {
            "ready" => self.opened(event, connection),
            "resumed" => {
                let sequence = event.sequence;
                self.deliver(event);
                self.slot().set_repeating(false);
                if let Some(deliveries) = deliveries() {
                    deliveries.resumed(self.number, sequence);
                }
                self.became_ready("The shard resumed its session");
                None
            }
            _ => {
                self.deliver(event);
                None
            }
        }
    }

    /// A session was opened: keeps what is needed to resume it.
    pub(super) fn opened(&mut self, ready: Event, connection: &Connection) -> Option<End> {
        let Some((session, offered)) = connection.session() else {
            self.deliver(ready);
            return None;
        };
        let base = self.shared.base();
        let resume_url = offered.and_then(|offered| resume_base(&base, offered));
        let strays = resume_url.is_none();
        let held = Held {
            id: session.id().to_owned(),
            resume_url,
            intents: connection.intents(),
        };
        self.slot().forget();
        if let Some(deliveries) = deliveries() {
            deliveries.opened(self.number, &held.id);
        }
        self.slot().open(held, 0);
        self.shared.changed.notify_one();
        self.deliver(ready);
        if strays {
            // Twilight would resume at that address. A connection that begins with the session keeps
            // to the one it is given; the socket is dropped, as closing it needs twilight's hand.
            let shard = self.number;
            info!(
                shard,
                "The server wants sessions resumed at an address that is not its own; staying"
            );
            return Some(End::Detour);
        }
        self.became_ready("The shard is ready");
        None
    }

    /// Hands an event to the sink, once.
    pub(super) fn deliver(&mut self, mut event: Event) {
        if event.sequence <= self.slot().sequence() {
            return;
        }
        let sequence = event.sequence;
        let echo = self
            .echoes
            .as_mut()
            .is_some_and(|echoes| echoes.is_echo(&event));
        if !echo {
            event.maybe_repeated = self.slot().repeating();
            (self.shared.sink)(Arc::new(event));
        }
        self.slot().reached(sequence);
        if let Some(deliveries) = deliveries() {
            deliveries.reached(self.number, sequence);
        }
        if self.echoes.as_ref().is_some_and(Echoes::are_over) {
            self.echoes = None;
        }
    }

    fn became_ready(&mut self, sentence: &str) {
        let shard = self.number;
        info!(shard, "{sentence}");
        self.trouble = None;
        self.ready_since = Some(Instant::now());
        self.set_state(ShardState::Ready);
        self.shared.changed.notify_one();
        if self.slot().intents() == Some(self.wanted) {
            self.answer(Ok(()));
        }
    }

    /// Closes with `frame` and hands on what still arrives.
    pub(super) async fn leave(&mut self, mut connection: Connection, frame: CloseFrame<'static>) {
        self.drain(&mut connection, frame).await;
    }

    async fn drain(&mut self, connection: &mut Connection, frame: CloseFrame<'static>) {
        connection.close(frame);
        while let Some(event) = connection.next_while_closing().await {
            self.deliver(event);
        }
    }

    fn ending(&self) -> Ending {
        match self.ready_since {
            Some(since) if since.elapsed() >= GOOD => Ending::AfterLong,
            Some(_) => Ending::Early,
            None => Ending::Failed,
        }
    }
}

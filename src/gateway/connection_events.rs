//! What a shard does about each event of its connection.

use super::GatewayError;
use super::backoff::{self, Came, Ending, GOOD};
use super::connection::{Connection, ConnectionEvent};
use super::deduplicator::Deduplicator;
use super::error::fatal;
use super::shard_state::ShardState;
use super::shared::Held;
use super::task::{Detour, End, Task};
use crate::config::TOKEN_ADVICE;
use crate::discord::event::Event;
use crate::supervisor::deliveries;
use serde::Deserialize;
use std::sync::Arc;
use tokio::time::Instant;
use tracing::{error, info};
use twilight_gateway::CloseFrame;

/// After so many connections in a row that end right after the bot has identified, the log tells the likely cause.
const TOLD_AFTER: u32 = 3;

/// What READY says of the session. Twilight reads the same, but nothing of a READY without a number or an address.
#[derive(Deserialize)]
struct Opened {
    session_id: String,
    #[serde(default)]
    resume_gateway_url: Option<String>,
}

impl Opened {
    fn of(ready: &Event) -> Option<Self> {
        serde_json::from_str(ready.raw()).ok()
    }
}

impl Task {
    /// Acts on what happened on the connection; says so if the connection is over.
    pub(super) async fn take(
        &mut self,
        event: ConnectionEvent,
        connection: &mut Connection,
    ) -> Option<End> {
        match event {
            ConnectionEvent::Dispatch(event) => return self.receive(event, connection),
            ConnectionEvent::Latency(latency) => {
                self.slot().measured(latency);
                return None;
            }
            ConnectionEvent::Hello => {
                self.set_state(if self.slot().held().is_some() {
                    ShardState::Resuming
                } else {
                    ShardState::Identifying
                });
                return None;
            }
            _ => {}
        }
        let came = self.came(connection);
        let (ending, why) = match event {
            ConnectionEvent::Reconnect => {
                self.drain(connection, CloseFrame::RESUME).await;
                let why = "the server asked for a new connection".to_owned();
                (Ending::Reconnect, why)
            }
            ConnectionEvent::Invalid { resumable } => {
                self.drain(connection, CloseFrame::RESUME).await;
                let what = if resumable { "refused" } else { "ended" };
                let why = format!("the server has {what} the session");
                (Ending::Invalid { resumable }, why)
            }
            ConnectionEvent::Closed { code, reason } => {
                match self.closed(code.unwrap_or(1005), &reason) {
                    Ok(why) => (Ending::Closed(code.unwrap_or(1005)), why),
                    Err(error) => return Some(End::Refused(error)),
                }
            }
            ConnectionEvent::Lost(why) => (Ending::Lost, why),
            ConnectionEvent::Unreachable(why) => (Ending::Unreachable, why),
            ConnectionEvent::Limited(why) => (Ending::Limited, why),
            ConnectionEvent::Silent(why) => (Ending::Silent, why),
            ConnectionEvent::Dispatch(_) | ConnectionEvent::Latency(_) | ConnectionEvent::Hello => {
                return None;
            }
        };
        Some(self.again(ending, came, why))
    }

    /// What follows the end of a connection, and what it means for the session.
    fn again(&mut self, ending: Ending, came: Came, why: String) -> End {
        if came == Came::Nowhere && self.route.at_own {
            // The address that READY named is not the only one.
            self.route.avoids_own = true;
            return End::Detour;
        }
        self.route.avoids_own = false;
        if matches!(came, Came::Nowhere | Came::Greeted) {
            self.failures = self.failures.saturating_add(1);
        }
        let holds = self.slot().held().is_some();
        let next = backoff::next(ending, holds, came, self.refused_resumes);
        let refuses = backoff::refuses_resume(ending, came);
        if refuses {
            self.count_refusal(ending, holds);
        }
        // A server that resumes nothing would have the bot open session after session.
        let is_no_way = refuses && self.route.detour == Detour::UnderWay;
        self.route.detour = match self.route.detour {
            Detour::UnderWay if !refuses => Detour::None,
            Detour::None => Detour::None,
            Detour::UnderWay | Detour::Refused => Detour::Refused,
        };
        if holds && (is_no_way || !next.resumes) {
            self.slot().forget();
            self.refused_resumes = 0;
        }
        End::Again {
            pause: self.backoff.after(next.pause, came),
            ending,
            why,
        }
    }

    /// The server ended an attempt to resume, or to identify. Some servers close with a code of no particular meaning
    /// when they do not know the token.
    fn count_refusal(&mut self, ending: Ending, holds: bool) {
        if holds {
            self.refused_resumes += 1;
            return;
        }
        let Ending::Closed(code) = ending else {
            return;
        };
        self.refused_identifies += 1;
        if self.refused_identifies == TOLD_AFTER {
            let shard = self.number;
            error!(
                shard,
                code,
                "The server closes each connection right after the bot has identified: perhaps it does not accept the token. {TOKEN_ADVICE}"
            );
        }
    }

    fn closed(&self, number: u16, reason: &str) -> Result<String, GatewayError> {
        let intents = self.slot().intents().unwrap_or(self.wanted);
        if let Some(error) = fatal(number, self.number, self.shared.shards(), intents) {
            return Err(error);
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
                let is_last = self.is_last_repeated(sequence);
                self.deliver_resumed(event);
                self.resumes &= !is_last;
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
        let opened = Opened::of(&ready);
        if self.is_repeated(&ready)
            && let (Some(opened), Some((held, _))) = (&opened, self.slot().held())
            && opened.session_id == held.id
        {
            // The session that is resumed, from its beginning.
            return None;
        }
        // Whatever number a new session begins with, nothing in it was there before.
        self.resumes = false;
        let Some(opened) = opened else {
            self.hand_on(ready);
            return None;
        };
        let offered = opened.resume_gateway_url.as_deref();
        let resume_url = offered.and_then(|offered| self.shared.resume_at(offered));
        let strays = resume_url.is_none() || connection.session().is_none();
        let held = Held {
            id: opened.session_id,
            resume_url,
            intents: connection.intents(),
        };
        self.slot().forget();
        if let Some(deliveries) = deliveries() {
            deliveries.opened(self.number, &held.id);
        }
        self.slot().open(held, None);
        self.shared.changed.notify_one();
        self.hand_on(ready);
        if strays && self.route.detour != Detour::Refused {
            self.route.detour = Detour::UnderWay;
            // Twilight would resume at that address, or does not know the session. A connection that begins with
            // the session keeps to the one it is given; the socket is dropped, as closing it needs twilight's hand.
            let shard = self.number;
            info!(
                shard,
                "The server names no address for resuming the session; the bot stays at the present one"
            );
            return Some(End::Detour);
        }
        self.became_ready("The shard is ready");
        None
    }

    /// Hands an event to the sink, once.
    pub(super) fn deliver(&mut self, event: Event) {
        if !self.is_repeated(&event) {
            self.hand_on(event);
        }
    }

    /// Whether the sink has had the event. A connection brings each event once, in order; what a session has brought
    /// comes again only when it is resumed. An event without a number cannot be recognised.
    fn is_repeated(&self, event: &Event) -> bool {
        let seen = |sequence| self.slot().has_seen(sequence);
        self.resumes && event.sequence.is_some_and(seen)
    }

    /// Whether what comes after this RESUMED is new, whatever numbers it has. It may itself be one that comes again,
    /// unless it has a new number, that of the last event or none, or the server counts from the beginning again.
    fn is_last_repeated(&self, sequence: Option<u64>) -> bool {
        let last = self.slot().sequence();
        sequence.is_none_or(|sequence| sequence >= last || sequence <= 1)
    }

    /// The session is resumed. Where the server does not count that as an event, it comes with no number, or with one
    /// that another event has had.
    fn deliver_resumed(&mut self, mut event: Event) {
        if self.is_repeated(&event) && self.ready_since.is_none() {
            event.sequence = None;
        }
        self.deliver(event);
    }

    fn hand_on(&mut self, mut event: Event) {
        let sequence = event.sequence;
        let is_duplicate = self
            .deduplicator
            .as_mut()
            .is_some_and(|deduplicator| deduplicator.is_duplicate(&event));
        if !is_duplicate {
            event.maybe_repeated = self.slot().repeating();
            (self.shared.sink)(Arc::new(event));
        }
        if let Some(sequence) = sequence {
            self.slot().reached(sequence);
            if let Some(deliveries) = deliveries() {
                deliveries.reached(self.number, sequence);
            }
        }
        if self
            .deduplicator
            .as_ref()
            .is_some_and(Deduplicator::is_done)
        {
            self.deduplicator = None;
        }
    }

    fn became_ready(&mut self, sentence: &str) {
        let shard = self.number;
        info!(shard, "{sentence}");
        self.trouble = None;
        if self.route.detour == Detour::UnderWay {
            self.route.detour = Detour::None;
        }
        self.failures = 0;
        self.refused_resumes = 0;
        self.refused_identifies = 0;
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

    fn came(&self, connection: &Connection) -> Came {
        match self.ready_since {
            Some(since) if since.elapsed() >= GOOD => Came::Long,
            Some(_) => Came::Briefly,
            None if connection.greeted() => Came::Greeted,
            None => Came::Nowhere,
        }
    }
}

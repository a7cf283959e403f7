//! Sessions: their numbered events, kept also while nobody is connected.

use super::intents::{Identity, MESSAGE_CONTENT, hide_content, is_blanked, receives};
use crate::sim::faults::{GatewayFault, GatewayFaultKind};
use crate::sim::ids::Id;
use crate::sim::world::{Event, World};
use indexmap::IndexMap;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{mpsc, watch};

/// How many sessions are kept while nobody is connected to them.
const KEPT_SESSIONS: usize = 64;
/// How many heartbeats of a session are kept.
const KEPT_HEARTBEATS: usize = 1_000;

/// Messages from the handle to a connection.
#[derive(Clone, Debug)]
pub(crate) enum Control {
    /// Misbehave.
    Fault(GatewayFaultKind),
    /// Another connection has resumed this session.
    Replaced,
    /// The application is no more.
    Removed,
}

/// One session, as tests look at it.
#[derive(Clone, Debug)]
pub struct SessionView {
    /// The session's id.
    pub id: String,
    /// The application that it belongs to.
    pub application: Id,
    /// The shard's number.
    pub shard: u32,
    /// How many shards the bot said it has.
    pub shards: u32,
    /// The intents it identified with.
    pub intents: u64,
    /// Whether a client is connected to it now.
    pub connected: bool,
    /// The number of the newest event.
    pub newest: u64,
    /// The number of the newest event that was written to the socket.
    pub written: u64,
    /// The number that the client's last heartbeat named.
    pub acknowledged: u64,
    /// How many times it was resumed.
    pub resumes: u64,
    /// What the client has it show: the data of its last operation 3, or of `presence` in its identify.
    pub presence: Value,
    /// How often the client has changed that.
    pub presence_updates: u64,
}

/// One session.
#[derive(Debug)]
pub(crate) struct Session {
    pub(super) id: String,
    pub(super) application: Id,
    pub(super) shard: u32,
    pub(super) shards: u32,
    pub(super) intents: u64,
    pub(super) newest: u64,
    pub(super) written: u64,
    pub(super) acknowledged: u64,
    pub(super) resumes: u64,
    pub(super) presence: Value,
    pub(super) presence_updates: u64,
    /// The oldest first, without gaps.
    events: VecDeque<(u64, Arc<str>)>,
    kept: usize,
    /// Tells the connection of new events.
    pub(super) wake: watch::Sender<u64>,
    /// When the last heartbeats came, the oldest first.
    heartbeats: VecDeque<Instant>,
    /// The connection, while there is one: its number, and the way to it.
    pub(super) connection: Option<(Id, mpsc::Sender<Control>)>,
}

impl Session {
    fn identity(&self) -> Identity {
        Identity {
            application: self.application,
            shard: (self.shard, self.shards),
            intents: self.intents,
        }
    }

    /// Numbers an event.
    pub(super) fn push(&mut self, name: &str, data: &Value) {
        self.push_text(name, &data.to_string());
    }

    fn push_text(&mut self, name: &str, data: &str) {
        self.newest += 1;
        let number = self.newest;
        let text = format!(r#"{{"t":"{name}","s":{number},"op":0,"d":{data}}}"#);
        if self.events.len() >= self.kept {
            self.events.pop_front();
        }
        self.events.push_back((number, text.into()));
        self.wake.send_replace(number);
    }

    /// Notes a heartbeat that came now; `number` is the last event that the client has seen.
    pub(super) fn beat(&mut self, number: Option<u64>) {
        self.acknowledged = self.acknowledged.max(number.unwrap_or_default());
        if self.heartbeats.len() >= KEPT_HEARTBEATS {
            self.heartbeats.pop_front();
        }
        self.heartbeats.push_back(Instant::now());
    }

    /// Whether every event after `number` is still here.
    pub(super) fn reaches_back_to(&self, number: u64) -> bool {
        let oldest = self
            .events
            .front()
            .map_or(self.newest + 1, |(first, _)| *first);
        number <= self.newest && number + 1 >= oldest
    }

    fn after(&self, number: u64, most: usize) -> Option<Vec<(u64, Arc<str>)>> {
        if !self.reaches_back_to(number) {
            return None;
        }
        let oldest = self.events.front().map_or(0, |(first, _)| *first);
        let skipped = usize::try_from((number + 1).saturating_sub(oldest)).unwrap_or(usize::MAX);
        Some(
            self.events
                .iter()
                .skip(skipped)
                .take(most)
                .cloned()
                .collect(),
        )
    }

    fn view(&self) -> SessionView {
        SessionView {
            id: self.id.clone(),
            application: self.application,
            shard: self.shard,
            shards: self.shards,
            intents: self.intents,
            connected: self.connection.is_some(),
            presence: self.presence.clone(),
            presence_updates: self.presence_updates,
            newest: self.newest,
            written: self.written,
            acknowledged: self.acknowledged,
            resumes: self.resumes,
        }
    }
}

/// All sessions, the oldest first.
#[derive(Debug)]
pub(crate) struct Sessions {
    all: IndexMap<String, Session>,
    events_kept: usize,
    connections: u64,
}

impl Sessions {
    /// No sessions; each of them will keep `events_kept` events.
    pub(crate) fn new(events_kept: usize) -> Self {
        Self {
            all: IndexMap::new(),
            events_kept: events_kept.max(16),
            connections: 0,
        }
    }

    /// A number for a new connection.
    pub(super) fn new_connection(&mut self) -> u64 {
        self.connections += 1;
        self.connections
    }

    /// A session that nobody is connected to yet, and that is not kept yet.
    pub(super) fn begin(&self, id: Id, identity: Identity) -> Session {
        Session {
            id: format!("{:032x}", u128::from(id)),
            application: identity.application,
            shard: identity.shard.0,
            shards: identity.shard.1,
            intents: identity.intents,
            newest: 0,
            written: 0,
            acknowledged: 0,
            resumes: 0,
            presence: Value::Null,
            presence_updates: 0,
            events: VecDeque::new(),
            kept: self.events_kept,
            wake: watch::Sender::new(0),
            heartbeats: VecDeque::new(),
            connection: None,
        }
    }

    /// Keeps a session, and forgets the oldest that nobody is connected to when there are many.
    pub(super) fn keep(&mut self, session: Session) {
        let idle = |session: &Session| session.connection.is_none();
        if self.all.values().filter(|one| idle(one)).count() >= KEPT_SESSIONS
            && let Some(oldest) = self.all.values().position(idle)
        {
            self.all.shift_remove_index(oldest);
        }
        self.all.insert(session.id.clone(), session);
    }

    /// The session with this id.
    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Session> {
        self.all.get_mut(id)
    }

    /// Up to `most` events of a session after `number`; nothing when some of them are gone.
    pub(super) fn after(&self, id: &str, number: u64, most: usize) -> Option<Vec<(u64, Arc<str>)>> {
        self.all.get(id)?.after(number, most)
    }

    /// Forgets a session.
    pub(super) fn forget(&mut self, id: &str) {
        self.all.shift_remove(id);
    }

    /// Numbers an event into every session that receives it.
    pub(crate) fn deliver(&mut self, world: &World, event: &Event) {
        let mut whole: Option<String> = None;
        for session in self.all.values_mut() {
            if !receives(world, event, session.identity()) {
                continue;
            }
            let bot = session.application;
            let view = event.views.iter().find(|(viewer, _)| *viewer == bot);
            let data = view.map_or(&event.data, |(_, data)| data);
            if session.intents & MESSAGE_CONTENT == 0 && is_blanked(event, bot) {
                let mut data = data.clone();
                hide_content(&mut data, bot);
                session.push(event.name, &data);
            } else if view.is_some() {
                session.push(event.name, data);
            } else {
                let text = whole.get_or_insert_with(|| data.to_string());
                session.push_text(event.name, text);
            }
        }
    }

    /// Injects a fault into the connected sessions.
    pub(crate) fn misbehave(&mut self, fault: &GatewayFault) {
        let hit = |session: &Session| fault.shard.is_none_or(|shard| shard == session.shard);
        for session in self.all.values().filter(|session| hit(session)) {
            if let Some((_, connection)) = &session.connection {
                // A connection with that many orders waiting is on its way out.
                let _taken = connection
                    .try_send(Control::Fault(fault.kind.clone()))
                    .is_ok();
            }
        }
        // A session can be lost also while nobody is connected to it.
        if fault.kind == GatewayFaultKind::LoseSession {
            self.all
                .retain(|_, session| session.connection.is_some() || !hit(session));
        }
    }

    /// Ends all sessions of an application that is no more.
    pub(crate) fn end_all_of(&mut self, application: Id) {
        let own = |session: &Session| session.application == application;
        for session in self.all.values().filter(|session| own(session)) {
            if let Some((_, connection)) = &session.connection {
                // A connection with that many orders waiting is on its way out.
                let _told = connection.try_send(Control::Removed).is_ok();
            }
        }
        self.all
            .retain(|_, session| !own(session) || session.connection.is_some());
    }

    /// All sessions as tests see them.
    pub(crate) fn views(&self) -> Vec<SessionView> {
        self.all.values().map(Session::view).collect()
    }

    /// When the heartbeats of each session came, the oldest first.
    pub(crate) fn heartbeats(&self) -> Vec<Vec<Instant>> {
        let sessions = self.all.values();
        sessions
            .map(|session| session.heartbeats.iter().copied().collect())
            .collect()
    }
}

//! The one lock around everything that changes, and how a change is published.

use super::conformity::Conformity;
use super::errors::SimError;
use super::faults::Faults;
use super::gateway::Sessions;
use super::ids::Id;
use super::limits::{Limiter, RateLimits};
use super::options::SimOptions;
use super::record::Records;
use super::token;
use super::world::{Audience, World};
use crate::lock::lock;
use crate::loopback::OwnAddresses;
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::{broadcast, watch};

/// How many dispatches a subscriber may lag behind before it misses some.
const SUBSCRIBER_BACKLOG: usize = 8_192;

/// Something that Discord dispatches, before intents and permissions decide who receives it.
#[derive(Clone, Debug)]
pub struct Dispatch {
    /// `MESSAGE_CREATE`
    pub name: String,
    /// The dispatch's `d`.
    pub data: Value,
    /// The guild it happened in.
    pub guild: Option<Id>,
    /// The channel it happened in, where that decides who sees it.
    pub channel: Option<Id>,
    /// Visible to one person only, and never sent to the bot: ephemeral messages.
    pub private: bool,
}

/// What the servers and the handle share.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) options: SimOptions,
    /// The bots' tokens and applications, the first bot's at first.
    pub(crate) tokens: Vec<(String, Id)>,
    /// The names under which this machine's programs reach the server.
    pub(crate) own: OwnAddresses,
    /// `127.0.0.1:PORT`
    pub(crate) authority: String,
    state: Mutex<SimState>,
    /// Counts every change.
    changes: watch::Sender<u64>,
    dispatches: broadcast::Sender<Arc<Dispatch>>,
    /// True once the simulator must stop.
    pub(crate) stop: watch::Sender<bool>,
}

/// All that changes.
#[derive(Debug)]
pub(crate) struct SimState {
    pub(crate) world: World,
    pub(crate) sessions: Sessions,
    pub(crate) rate_limits: RateLimits,
    pub(crate) limiter: Limiter,
    pub(crate) faults: Faults,
    pub(crate) records: Records,
    pub(crate) conformity: Conformity,
    /// Requests that were received and not yet answered.
    pub(crate) in_flight: usize,
}

impl Hub {
    /// A hub with the start world, for a server at this address.
    pub(crate) fn new(options: SimOptions, address: SocketAddr) -> Result<Self, SimError> {
        let authority = address.to_string();
        let mut world = World::new(&options, format!("http://{authority}"));
        world.secret = token::secret()?;
        let tokens = tokens(&options, &world)?;
        let state = SimState {
            world,
            sessions: Sessions::new(options.events_kept),
            rate_limits: options.rate_limits.clone(),
            limiter: Limiter::default(),
            faults: Faults::default(),
            records: Records::new(options.requests_kept),
            conformity: Conformity::new(options.checks_conformity),
            in_flight: 0,
        };
        Ok(Self {
            options,
            tokens,
            own: OwnAddresses::of(address),
            authority,
            state: Mutex::new(state),
            changes: watch::Sender::new(0),
            dispatches: broadcast::Sender::new(SUBSCRIBER_BACKLOG),
            stop: watch::Sender::new(false),
        })
    }

    /// The application that a token belongs to.
    pub(crate) fn application(&self, token: &str) -> Option<Id> {
        let mut tokens = self.tokens.iter();
        let found = tokens.find(|(known, _)| known == token);
        found.map(|(_, application)| *application)
    }

    /// Reads the state; nobody is notified.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&SimState) -> T) -> T {
        look(&self.lock())
    }

    /// Changes the state, delivers what that dispatches, and wakes those who wait for changes.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut SimState) -> T) -> T {
        let result = {
            let mut state = self.lock();
            state.world.end_polls();
            let result = change(&mut state);
            self.deliver(&mut state);
            result
        };
        self.changes.send_modify(|count| *count += 1);
        result
    }

    /// Resolves whenever something changed after this call.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Every dispatch from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Arc<Dispatch>> {
        self.dispatches.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, SimState> {
        lock(&self.state)
    }

    fn deliver(&self, state: &mut SimState) {
        let events = std::mem::take(&mut state.world.outbox);
        for event in &events {
            state.conformity.event(event.name, &event.data);
            for (_, view) in &event.views {
                state.conformity.event(event.name, view);
            }
        }
        let injected = std::mem::take(&mut state.world.injected);
        for event in events.into_iter().chain(injected) {
            state.records.dispatch(event.name, &event.data);
            state.sessions.deliver(&state.world, &event);
            let dispatch = Dispatch {
                name: event.name.into(),
                data: event.data,
                guild: event.guild,
                channel: event.channel,
                private: event.audience == Audience::People,
            };
            // Nobody has to listen.
            let _heard = self.dispatches.send(Arc::new(dispatch)).is_ok();
        }
    }
}

/// The token of each application: the one that it was given, or a new one.
fn tokens(options: &SimOptions, world: &World) -> Result<Vec<(String, Id)>, SimError> {
    let more = options.more_bots.iter().map(|bot| bot.token.as_str());
    let given = [options.token.as_str()].into_iter().chain(more);
    let made = world.clock.now().as_secs();
    let tokens = world.applications.keys().zip(given).map(|(id, given)| {
        let token = match given {
            "" => token::new(*id, made)?,
            given => given.to_owned(),
        };
        Ok((token, *id))
    });
    tokens.collect()
}

//! The one lock around everything that changes, and how a change is published.

use super::conformity::Conformity;
use super::errors::{ApiError, SimError};
use super::faults::Faults;
use super::follow::{ActionKind, Dispatch, Followers, Happened, Happening, PersonAction};
use super::gateway::Sessions;
use super::ids::Id;
use super::limits::{Limiter, RateLimits};
use super::options::SimOptions;
use super::record::Records;
use super::token::{self, Secrets};
use super::world::start::FirstMessage;
use super::world::{Audience, SavedWorld, World};
use crate::lock::lock;
use crate::loopback::OwnAddresses;
use axum::Router;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use tokio::sync::{broadcast, watch};

/// How many dispatches a subscriber may lag behind before it misses some.
const SUBSCRIBER_BACKLOG: usize = 8_192;

/// What the servers and the handle share.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) options: SimOptions,
    /// The first bot's token, which stays as long as the simulator runs.
    pub(crate) token: String,
    /// The names under which this machine's programs reach the server.
    pub(crate) own: OwnAddresses,
    pub(crate) address: SocketAddr,
    /// `127.0.0.1:PORT`
    pub(crate) authority: String,
    /// What else is served on the same port.
    pub(crate) page: OnceLock<Router>,
    state: Mutex<SimState>,
    /// Counts every change.
    changes: watch::Sender<u64>,
    dispatches: broadcast::Sender<Arc<Dispatch>>,
    /// The number of the newest request that was refused.
    pub(crate) refused: watch::Sender<u64>,
    /// True once the simulator must stop.
    pub(crate) stop: watch::Sender<bool>,
}

/// All that changes.
#[derive(Debug)]
pub(crate) struct SimState {
    pub(crate) world: World,
    /// The bots' tokens and applications, the first bot's at first.
    pub(crate) tokens: Vec<(String, Id)>,
    /// Where tokens of bots that come later are from.
    pub(crate) secrets: Secrets,
    pub(crate) sessions: Sessions,
    pub(crate) rate_limits: RateLimits,
    pub(crate) limiter: Limiter,
    pub(crate) faults: Faults,
    pub(crate) records: Records,
    pub(crate) followers: Followers,
    pub(crate) conformity: Conformity,
    /// Requests that were received and not yet answered.
    pub(crate) in_flight: usize,
}

impl SimState {
    /// Tells those who follow what a person did, before what it dispatches.
    pub(crate) fn tell_action(&mut self, user: Id, kind: ActionKind, refused: Option<ApiError>) {
        let action = PersonAction {
            user,
            kind,
            refused,
        };
        self.followers.tell_action(self.world.clock.now(), action);
    }
}

impl Hub {
    /// A hub with the start world, for a server at this address, and what has been said in that world.
    pub(crate) fn new(
        options: SimOptions,
        address: SocketAddr,
    ) -> Result<(Self, Vec<FirstMessage>), SimError> {
        let (mut world, messages) = World::new(&options, format!("http://{address}"));
        let mut secrets = Secrets::of(options.seed);
        world.secret = secrets.next()?;
        let tokens = tokens(&options, &world, &mut secrets)?;
        let hub = Self::with(options, address, (world, tokens), secrets);
        Ok((hub, messages))
    }

    /// A hub whose world goes on where another one has stopped.
    pub(crate) fn resume(options: SimOptions, address: SocketAddr, saved: SavedWorld) -> Self {
        let secrets = Secrets::of(options.seed);
        let resumed = saved.resume(&options, format!("http://{address}"));
        Self::with(options, address, resumed, secrets)
    }

    fn with(
        options: SimOptions,
        address: SocketAddr,
        (world, tokens): (World, Vec<(String, Id)>),
        secrets: Secrets,
    ) -> Self {
        let mut hidden: Vec<String> = tokens.iter().map(|(token, _)| token.clone()).collect();
        hidden.push(world.secret.clone());
        let recording = options.record.clone().map(|recording| (recording, hidden));
        let token = tokens.first().map(|(token, _)| token.clone());
        let state = SimState {
            world,
            tokens,
            secrets,
            sessions: Sessions::new(options.events_kept),
            rate_limits: options.rate_limits.clone(),
            limiter: Limiter::default(),
            faults: Faults::default(),
            records: Records::new(options.requests_kept, recording),
            followers: Followers::default(),
            conformity: Conformity::new(options.checks_conformity),
            in_flight: 0,
        };
        Self {
            options,
            token: token.unwrap_or_default(),
            own: OwnAddresses::of(address),
            address,
            authority: address.to_string(),
            page: OnceLock::new(),
            state: Mutex::new(state),
            changes: watch::Sender::new(0),
            dispatches: broadcast::Sender::new(SUBSCRIBER_BACKLOG),
            refused: watch::Sender::new(0),
            stop: watch::Sender::new(false),
        }
    }

    /// The application that a token belongs to.
    pub(crate) fn application(&self, token: &str) -> Option<Id> {
        self.look(|state| {
            let mut tokens = state.tokens.iter();
            let found = tokens.find(|(known, _)| known == token);
            found.map(|(_, application)| *application)
        })
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
            state.world.pass_events();
            state.world.end_invites();
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
        let newest = state.records.refusals().next_back();
        let newest = newest.map_or(0, |refusal| refusal.number);
        self.refused.send_if_modified(|known| {
            let is_new = newest > *known;
            *known = newest.max(*known);
            is_new
        });
        let events = std::mem::take(&mut state.world.outbox);
        for event in &events {
            state.conformity.event(event.name, &event.data);
            for (_, view) in &event.views {
                state.conformity.event(event.name, view);
            }
        }
        let injected = std::mem::take(&mut state.world.injected);
        let by_person = std::mem::take(&mut state.followers.person_acts);
        let is_followed = state.followers.are_there();
        let at = state.world.clock.now();
        for event in events.into_iter().chain(injected) {
            state.records.dispatch(&event);
            state.sessions.deliver(&state.world, &event);
            let dispatch = Dispatch {
                name: event.name.into(),
                data: event.data,
                guild: event.guild,
                channel: event.channel,
                private: event.audience == Audience::People,
            };
            let dispatch = Arc::new(dispatch);
            if is_followed {
                let what = Happening::Dispatch {
                    dispatch: Arc::clone(&dispatch),
                    by_person,
                };
                state.followers.tell(&Happened { at, what });
            }
            // Nobody has to listen.
            let _heard = self.dispatches.send(dispatch).is_ok();
        }
    }
}

/// The token of each application: the one that it was given, or a new one.
fn tokens(
    options: &SimOptions,
    world: &World,
    secrets: &mut Secrets,
) -> Result<Vec<(String, Id)>, SimError> {
    // With a seed the time in a token is always the same, too.
    let made = match options.seed {
        Some(_) => 0,
        None => world.clock.now().as_secs(),
    };
    let described = options.world.bots.iter().map(|bot| bot.token.as_deref());
    let described = described.chain(std::iter::repeat(None));
    let applications = world.applications.keys().zip(described).enumerate();
    let tokens = applications.map(|(index, (id, described))| {
        let given = Some(options.token.as_str()).filter(|it| index == 0 && !it.is_empty());
        let token = match given.or(described) {
            Some(given) => given.to_owned(),
            None => token::new(*id, made, secrets)?,
        };
        Ok((token, *id))
    });
    tokens.collect()
}

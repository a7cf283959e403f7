//! Where commands and events of one guild go. A cog of which the guild tries another version has there what that version
//! declares, and nothing else.

use super::{Route, Routes};
use crate::api::declarations::EVERY_EVENT;
use crate::cogs::handle::CogHandle;
use crate::commands::conflicts::Claim;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The versions that guilds try, by guild and name of the cog. There are few, so they are copied when one changes.
#[derive(Clone, Debug, Default)]
pub(super) struct Trials(Arc<BTreeMap<u64, ByCog>>);

type ByCog = BTreeMap<Arc<str>, Tried>;

#[derive(Clone, Debug)]
struct Tried {
    cog: Arc<CogHandle>,
    route: Arc<Route>,
}

impl Trials {
    /// Forgets what leads to the version of this cog that is tried. Returns the intents that it needs, if one is.
    pub(super) fn remove(&mut self, cog: &str) -> Option<u64> {
        let guild = self.0.iter().find(|(_, cogs)| cogs.contains_key(cog));
        let guild = guild.map(|(guild, _)| *guild)?;
        let trials = Arc::make_mut(&mut self.0);
        let cogs = trials.get_mut(&guild)?;
        let removed = cogs.remove(cog)?;
        if cogs.is_empty() {
            trials.remove(&guild);
        }
        Some(removed.route.intents)
    }

    pub(super) fn add(&mut self, guild: u64, cog: &Arc<CogHandle>, route: Route) {
        let tried = Tried {
            cog: Arc::clone(cog),
            route: Arc::new(route),
        };
        let trials = Arc::make_mut(&mut self.0);
        let cogs = trials.entry(guild).or_default();
        cogs.insert(Arc::clone(&cog.name), tried);
    }
}

/// Where commands and events of one guild go.
#[derive(Clone, Copy, Debug)]
pub struct Here<'a> {
    routes: &'a Routes,
    /// What the guild tries, if it tries anything.
    trials: Option<&'a ByCog>,
}

impl<'a> Here<'a> {
    /// As long as no guild tries anything, no event is read for its guild.
    pub(super) fn new(routes: &'a Routes, guild: impl FnOnce() -> u64) -> Self {
        let trials = &routes.trials.0;
        let trials = if trials.is_empty() {
            None
        } else {
            trials.get(&guild())
        };
        Self { routes, trials }
    }

    fn tried(self) -> impl Iterator<Item = &'a Tried> {
        self.trials.into_iter().flat_map(BTreeMap::values)
    }

    fn tries(self, cog: &CogHandle) -> bool {
        self.trials.is_some_and(|it| it.contains_key(&cog.name))
    }

    /// The cog that has this command or name.
    pub fn owner(self, claim: &Claim) -> Option<&'a Arc<CogHandle>> {
        let mut tried = self.tried();
        let tried = tried.find(|tried| tried.route.claims.contains(claim));
        if let Some(tried) = tried {
            return Some(&tried.cog);
        }
        let owner = self.routes.owner(claim);
        owner.filter(|cog| !self.tries(cog))
    }

    /// Whether the command belongs to a cog everywhere else, and the version that is tried here does not have it.
    pub fn lacks(self, claim: &Claim) -> bool {
        self.trials.is_some() && self.owner(claim).is_none() && self.routes.owner(claim).is_some()
    }

    /// The cogs that hear an event, each once.
    pub fn listeners(self, event: &str) -> impl Iterator<Item = &'a Arc<CogHandle>> {
        let others = self.routes.listeners(event);
        let others = others.filter(move |cog| !self.tries(cog));
        let tried = self.tried().filter(|tried| {
            let events = &tried.route.events;
            events.contains(event) || events.contains(EVERY_EVENT)
        });
        let tried: Vec<_> = tried.map(|tried| &tried.cog).collect();
        others.chain(tried)
    }

    /// The cogs that have declared `cog.on_unknown_command`.
    pub fn asked_of_unknown(self) -> impl Iterator<Item = &'a Arc<CogHandle>> {
        let others = self.routes.asked_of_unknown();
        let others = others.filter(move |cog| !self.tries(cog));
        let tried = self.tried().filter(|tried| tried.route.asks_for_unknown);
        others.chain(tried.map(|tried| &tried.cog))
    }

    /// The cogs of which the guild tries another version, in order of name.
    pub fn on_trial(self) -> impl Iterator<Item = &'a Arc<CogHandle>> {
        self.tried().map(|tried| &tried.cog)
    }
}

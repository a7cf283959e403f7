//! Where commands and events go: an index by name. It is changed cog by cog and shares everything else with the
//! one before, so a reload costs what it changes, not what there is. `here` is the same for one guild, which may try
//! another version of a cog.

mod here;

use super::handle::CogHandle;
use super::live::Offer;
use crate::api::declarations::EVERY_EVENT;
use crate::commands::conflicts::{Claim, claims_of_cog};
use crate::commands::name_key::name_key;
use crate::discord::event::Event;
use crate::hash::PersistentMap;
pub use here::Here;
use here::Trials;
use rpds::{RedBlackTreeMapSync, RedBlackTreeSetSync};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Cogs in order of name.
type Listeners = RedBlackTreeMapSync<Arc<str>, Arc<CogHandle>>;

/// From names to the cogs that run. It never changes: a commit makes the next one.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    claims: PersistentMap<Claim, Arc<CogHandle>>,
    /// The names of commands that can be typed.
    typed: RedBlackTreeSetSync<String>,
    /// Those of them that help shows.
    shown: RedBlackTreeSetSync<String>,
    /// The cogs that are asked what to do with an unknown command.
    unknown: Listeners,
    events: PersistentMap<&'static str, Listeners>,
    /// How many cogs need just these gateway intents.
    intents: RedBlackTreeMapSync<u64, usize>,
    /// What leads to each cog, by its name.
    cogs: PersistentMap<Arc<str>, Arc<Route>>,
    trials: Trials,
}

/// What leads to one cog.
#[derive(Debug)]
struct Route {
    claims: BTreeSet<Claim>,
    shown: Vec<String>,
    asks_for_unknown: bool,
    events: BTreeSet<&'static str>,
    intents: u64,
}

impl Route {
    fn of(cog: &str, offer: &Offer) -> Self {
        let own = offer.claims().map(|claimed| claimed.claim);
        let definitions = offer.commands.iter().map(|command| &command.definition);
        let shown = definitions.filter(|it| it.prefix && !it.hidden);
        let names = shown.flat_map(|it| std::iter::once(&it.name).chain(&it.aliases));
        Self {
            shown: names.map(|name| name_key(name)).collect(),
            asks_for_unknown: offer.asks_for_unknown,
            claims: own.chain(claims_of_cog(cog)).collect(),
            events: offer.events.clone(),
            intents: offer.intents,
        }
    }
}

impl Routes {
    /// The cog that has this command or name.
    pub fn owner(&self, claim: &Claim) -> Option<&Arc<CogHandle>> {
        self.claims.get(claim)
    }

    /// All that a cog has; nothing if it does not run.
    pub fn claims(&self, cog: &str) -> Option<&BTreeSet<Claim>> {
        self.cogs.get(cog).map(|route| &route.claims)
    }

    /// The cogs that hear an event, each once: those that listen to it, then those that listen to every event.
    pub fn listeners(&self, event: &str) -> impl Iterator<Item = &Arc<CogHandle>> {
        let own = self.events.get(event);
        let every = self.events.get(EVERY_EVENT).into_iter().flatten();
        let others = every.filter(move |(cog, _)| own.is_none_or(|own| !own.contains_key(*cog)));
        let own = own.into_iter().flat_map(|own| own.values());
        own.chain(others.map(|(_, cog)| cog))
    }

    /// The gateway intents that all cogs together need.
    pub fn intents(&self) -> u64 {
        self.intents.keys().fold(0, |all, needed| all | needed)
    }

    /// The names and aliases of all commands that can be typed, in lower case and in order.
    pub fn typed(&self) -> &RedBlackTreeSetSync<String> {
        &self.typed
    }

    /// Those of them that are not hidden.
    pub fn shown(&self) -> &RedBlackTreeSetSync<String> {
        &self.shown
    }

    /// The cogs that have declared `cog.on_unknown_command`, in order of name.
    pub fn asked_of_unknown(&self) -> impl Iterator<Item = &Arc<CogHandle>> {
        self.unknown.values()
    }

    /// Where commands and events of one guild go; 0 for what happens in none.
    pub fn in_guild(&self, guild: u64) -> Here<'_> {
        Here::new(self, || guild)
    }

    /// The same where an event happens.
    pub fn here(&self, event: &Event) -> Here<'_> {
        Here::new(self, || event.origin().guild)
    }

    /// Forgets what leads to a cog.
    pub(super) fn remove(&mut self, cog: &str) {
        if let Some(intents) = self.trials.remove(cog) {
            self.remove_intents(intents);
        }
        let Some(route) = self.cogs.get(cog).map(Arc::clone) else {
            return;
        };
        self.cogs.remove_mut(cog);
        for claim in &route.claims {
            self.claims.remove_mut(claim);
            if let Claim::Typed(name) = claim {
                self.typed.remove_mut(name);
            }
        }
        for name in &route.shown {
            self.shown.remove_mut(name);
        }
        self.unknown.remove_mut(cog);
        for event in &route.events {
            if let Some(listeners) = self.events.get_mut(event) {
                listeners.remove_mut(cog);
            }
        }
        self.remove_intents(route.intents);
    }

    fn remove_intents(&mut self, intents: u64) {
        match self.intents.get_mut(&intents) {
            Some(cogs) if *cogs > 1 => *cogs -= 1,
            _ => drop(self.intents.remove_mut(&intents)),
        }
    }

    fn add_intents(&mut self, intents: u64) {
        let same = self.intents.get(&intents).copied().unwrap_or(0);
        self.intents.insert_mut(intents, same + 1);
    }

    /// Leads to a cog what it offers. It must not be known yet, nor anything that it claims.
    pub(super) fn add(&mut self, cog: &Arc<CogHandle>) {
        if !cog.has_version() {
            return;
        }
        let route = cog.peek(|status| Route::of(&cog.name, &status.offer));
        for claim in &route.claims {
            self.claims.insert_mut(claim.clone(), Arc::clone(cog));
            if let Claim::Typed(name) = claim {
                self.typed.insert_mut(name.clone());
            }
        }
        for name in &route.shown {
            self.shown.insert_mut(name.clone());
        }
        if route.asks_for_unknown {
            self.unknown
                .insert_mut(Arc::clone(&cog.name), Arc::clone(cog));
        }
        for event in &route.events {
            let listeners = self.events.get(event).cloned().unwrap_or_default();
            let with = listeners.insert(Arc::clone(&cog.name), Arc::clone(cog));
            self.events.insert_mut(event, with);
        }
        self.add_intents(route.intents);
        self.cogs.insert_mut(Arc::clone(&cog.name), Arc::new(route));
        if let Some(trial) = cog.trial() {
            let route = Route::of(&cog.name, &trial.offer);
            self.add_intents(route.intents);
            self.trials.add(trial.guild, cog, route);
        }
    }
}

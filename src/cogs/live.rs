//! What one cog runs, and what the rest of the bot knows about it.

use crate::api::declarations::{Command, Component, Hook, Info, Staged};
use crate::api::texts::table::Texts;
use crate::commands::conflicts::{Claim, claims};
use crate::commands::definition::Check;
use crate::guard::Notice;
use crate::history::Undone;
use crate::problem::Problem;
use crate::vm::build::Vm;
use crate::vm::generation::Generation;
use crate::vm::load_trace::{LoadTrace, Seen};
use crate::vm::resolve::ModuleId;
use mlua::Function;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A committed generation in its VM.
#[derive(Clone, Debug)]
pub struct Live {
    /// The VM; the next generation may share it.
    pub vm: Vm,
    /// The modules.
    pub generation: Arc<Generation>,
    /// What their top levels declared.
    pub declarations: Arc<Staged>,
    /// What the cog asks for.
    pub info: Arc<Info>,
}

impl Live {
    /// The functions of a hook.
    pub fn hooks(&self, hook: Hook) -> Vec<Function> {
        self.declarations.hooks(hook).cloned().collect()
    }
}

/// What a prepared generation offers to the rest of the bot.
#[derive(Clone, Debug, Default)]
pub struct Offer {
    /// Its commands.
    pub commands: Vec<Arc<Command>>,
    /// Its texts in several languages, also for the names of its commands.
    pub texts: Arc<Texts>,
    /// The checks of all of its commands.
    pub checks: Vec<Check>,
    /// What handles its components and modals.
    pub components: Vec<Arc<Component>>,
    /// The events that it listens to.
    pub events: BTreeSet<&'static str>,
    /// Whether it wants to know of commands that nobody has.
    pub asks_for_unknown: bool,
    /// The gateway intents that it needs.
    pub intents: u64,
    /// The shared states that it asks for.
    pub shared: BTreeSet<String>,
    /// The modules that were executed for it, in order.
    pub executed: Vec<ModuleId>,
    /// Its modules and their requires.
    pub generation: Option<Arc<Generation>>,
}

/// A version of a cog that one guild tries, beside the one that all others run.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The guild.
    pub guild: u64,
    /// Since when, in Unix seconds.
    pub since: f64,
    /// Who wanted it.
    pub by: String,
    /// What it offers.
    pub offer: Offer,
    /// What runs.
    pub generation: Arc<Generation>,
    /// Why the newest text could not be loaded, so that an older one is on trial.
    pub problem: Option<Arc<Problem>>,
    /// What that attempt read.
    pub attempted: Seen,
}

/// Something that an offer claims.
#[derive(Clone, Debug)]
pub struct Claimed<'a> {
    /// What only one cog can have.
    pub claim: Claim,
    /// How it is written there.
    pub name: &'a str,
    /// Where it is declared.
    pub place: Option<&'a (String, u32)>,
}

impl Offer {
    /// All that its commands and components claim. Those of one command come once, as do those of all components.
    pub fn claims(&self) -> impl Iterator<Item = Claimed<'_>> {
        let definitions = self.commands.iter().map(|command| &command.definition);
        let of_commands = definitions.flat_map(|definition| {
            let place = definition.place.as_ref();
            let claims = claims(definition).into_iter();
            claims.map(move |(claim, name)| Claimed { claim, name, place })
        });
        let mut known = BTreeSet::new();
        let of_components = self.components.iter().filter_map(move |component| {
            let name = component.template.first_part();
            known.insert(name).then(|| Claimed {
                claim: Claim::Component(name.to_owned()),
                name,
                place: component.place.as_ref(),
            })
        });
        of_commands.chain(of_components)
    }
}

/// What the rest of the bot knows about a cog, apart from its condition.
#[derive(Clone, Debug)]
pub struct Status {
    /// Its own file.
    pub entry: ModuleId,
    /// When the running generation was committed, in Unix seconds.
    pub loaded_at: f64,
    /// What the running generation offers.
    pub offer: Offer,
    /// What runs.
    pub generation: Option<Arc<Generation>>,
    /// Set while it runs an earlier version than its files.
    pub undone: Option<Arc<Undone>>,
    /// What one guild runs instead.
    pub trial: Option<Arc<Trial>>,
    /// What the guard has to say about what runs, with the number of that version in the cog's record.
    pub guard: Option<(u64, Arc<Notice>)>,
    /// Of a cog that does not answer: what the last attempt has read and looked for.
    pub trace: LoadTrace,
    /// What that attempt read.
    pub attempted: Seen,
}

impl Status {
    /// A cog that has never run.
    pub fn new(entry: ModuleId) -> Self {
        Self {
            entry,
            loaded_at: 0.0,
            offer: Offer::default(),
            generation: None,
            undone: None,
            trial: None,
            guard: None,
            trace: LoadTrace::default(),
            attempted: Seen::new(),
        }
    }
}

//! What a cog's top level declares: the running bot does not use it before the commit.

use super::state::migration::Migration;
use super::state::space::Space;
use super::texts::table::Texts;
use crate::commands::custom_id::{Template, Values};
use crate::commands::definition::{Check, CommandDefinition};
use crate::cron::Cron;
use crate::hash::HashMap;
use crate::problem::SourceLocation;
use crate::state::{DefaultsOf, StateTable};
use crate::vm::host::{HostError, HostResult};
use crate::vm::resolve::ModuleId;
use mlua::{Function, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// The declarations of one module.
#[derive(Clone, Debug, Default)]
pub struct Declarations {
    /// `cog.info { … }`.
    pub info: Option<Info>,
    /// `cog.command { … }` and `cog.group { … }`.
    pub commands: Vec<Arc<Command>>,
    /// `cog.component(…)` and `cog.modal(…)`.
    pub components: Vec<Arc<Component>>,
    /// `cog.on.<event>(…)`.
    pub listeners: Vec<Listener>,
    /// `cog.every(…)` and `cog.cron(…)`.
    pub timers: Vec<Timer>,
    /// `cog.texts { … }`.
    pub translations: Vec<Texts>,
    /// `cog.job(…)`.
    pub jobs: Vec<JobFunction>,
    /// `cog.checks { … }`
    pub checks: Vec<Arc<CogChecks>>,
    /// `cog.on_load(…)` and the like.
    pub hooks: Vec<(Hook, Function)>,
    /// How often `state.defaults` and `state.rows` were called.
    pub calls_of_defaults: usize,
    /// `state.defaults { … }` and the shapes of `state.rows`, also for the session and for shared states.
    pub defaults: Vec<(Space, DefaultsOf, StateTable)>,
    /// `state.migrate(…)`, for each of its states once.
    pub migrations: Vec<Arc<Migration>>,
    /// Bytes of all texts in it.
    pub texts: usize,
}

/// Commands, or listeners, that a cog may declare in all of its files.
pub(super) const MOST_DECLARED: usize = 1_000;
/// Hooks of one kind that a cog may declare in all of its files.
pub(super) const MOST_HOOKS: usize = 10;
/// Bytes of the texts in all declarations of a cog.
const MOST_TEXT: usize = 1 << 20;

/// Raises when the files of a cog have called `function` so often that no one more fits.
pub(super) fn room_for(function: &str, declared: usize, most: usize) -> HostResult<()> {
    if declared < most {
        return Ok(());
    }
    let message = format!("{function}: a cog may call it {most} times at most");
    Err(HostError::new("limit", message).into())
}
/// Calls of `state.defaults` and `state.rows` that a cog may make: each merges its defaults with the earlier ones.
pub(super) const MOST_CALLS_OF_DEFAULTS: usize = 100;

impl Declarations {
    /// Counts the texts of one more declaration; raises when they do not fit beside those of all files of the
    /// cog, which are `declared`.
    pub(super) fn count_texts(
        &mut self,
        function: &str,
        declared: usize,
        bytes: usize,
    ) -> HostResult<()> {
        if declared.saturating_add(bytes) > MOST_TEXT {
            let most = MOST_TEXT >> 20;
            let message =
                format!("{function}: the texts of all declarations of a cog may have {most} MB");
            return Err(HostError::new("limit", message).into());
        }
        self.texts += bytes;
        Ok(())
    }
}

/// Names of `shared:` that a cog may ask for: each is a state of its own.
const MOST_SHARED: usize = 8;

/// The error of more `shared:` names among the capabilities than a cog may ask for.
pub fn room_for_shared<'c>(capabilities: impl Iterator<Item = &'c str>) -> Result<(), HostError> {
    let shared = capabilities.filter(|it| it.starts_with("shared:")).count();
    if shared <= MOST_SHARED {
        return Ok(());
    }
    let message = format!(
        "cog.info: capabilities: a cog may ask for {MOST_SHARED} shared states at most, its services included, and this one asks for {shared}"
    );
    Err(HostError::new("limit", message))
}

/// What a cog says about itself.
#[derive(Clone, Debug, Default)]
pub struct Info {
    /// For people.
    pub description: Option<String>,
    /// Gateway intents beyond those that follow from the events.
    pub intents: u64,
    /// Capabilities that it asks for.
    pub capabilities: BTreeSet<String>,
}

/// A command with the functions behind it.
#[derive(Debug)]
pub struct Command {
    /// What a user types.
    pub definition: CommandDefinition,
    /// The handlers by path: `""` for the command itself, `"add"` or `"role add"` for subcommands.
    pub runs: HashMap<String, Function>,
    /// Defaults and converters, by path and option.
    pub options: HashMap<(String, String), OptionFunctions>,
    /// `cog.check.custom` functions, by the index in the definition's checks.
    pub checks: Vec<Function>,
}

/// What somebody does with a custom id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Clicks a button, or chooses in a menu.
    Component,
    /// Submits a modal.
    Modal,
}

/// What handles the custom ids of a template.
#[derive(Debug)]
pub struct Component {
    /// Which custom ids.
    pub template: Template,
    /// What is done with them.
    pub used: Use,
    /// Called with `ctx` and the values in the custom id.
    pub handler: Function,
    /// Who may use it.
    pub checks: CogChecks,
    /// Where it is declared.
    pub place: Option<(String, u32)>,
}

/// The functions that give an option its value, apart from its text.
#[derive(Clone, Debug, Default)]
pub struct OptionFunctions {
    /// A value, or a function of `ctx`.
    pub default: Option<Value>,
    /// A function of `ctx` and the text.
    pub convert: Option<Function>,
    /// A function of `ctx` and what is typed so far, which returns choices.
    pub autocomplete: Option<Function>,
}

/// Under this name a cog listens to every event, with `cog.on.raw`; no event has it.
pub const EVERY_EVENT: &str = "*";

/// A handler of one event, or of every event.
#[derive(Clone, Debug)]
pub struct Listener {
    /// The event's name (`message_create`), or [`EVERY_EVENT`].
    pub event: &'static str,
    /// Called with the event's object; that of every event with the name before it.
    pub handler: Function,
    /// The name that the function has in its source.
    pub name: Option<Arc<str>>,
}

/// A function that is called again and again.
#[derive(Clone, Debug)]
pub struct Timer {
    /// By which its schedule is kept across reloads.
    pub name: String,
    /// When it is called.
    pub schedule: Schedule,
    /// What is called.
    pub handler: Function,
}

/// When a timer's function is called.
#[derive(Clone, Debug, PartialEq)]
pub enum Schedule {
    /// Again and again.
    Every {
        /// From one call to the next.
        interval: Duration,
        /// Whether the first call comes at once.
        immediately: bool,
    },
    /// At times of the calendar.
    Cron(Arc<Cron>),
}

/// What a job of a name does.
#[derive(Clone, Debug)]
pub struct JobFunction {
    /// The job's name.
    pub name: Arc<str>,
    /// Called with the payload and the job.
    pub handler: Function,
}

/// A moment in the life of a cog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// While a reload is prepared.
    Load,
    /// After the commit.
    Ready,
    /// In the old version, after the commit.
    Unload,
    /// When a handler failed.
    Error,
    /// When a check refused a command.
    Denied,
    /// When somebody typed a command that nobody has.
    Unknown,
    /// Before a command's handler.
    Before,
    /// After a command's handler.
    After,
}

/// `cog.checks { … }`: checks for every command of the cog; or those of a component.
#[derive(Debug, Default)]
pub struct CogChecks {
    /// The checks.
    pub checks: Vec<Check>,
    /// `cog.check.custom` functions, by the index in the checks.
    pub functions: Vec<Function>,
}

/// The declarations of all modules of a generation.
#[derive(Clone, Debug, Default)]
pub struct Staged(BTreeMap<ModuleId, Declarations>);

impl Staged {
    /// The declarations of `module`, to be added to.
    pub fn of(&mut self, module: ModuleId) -> &mut Declarations {
        self.0.entry(module).or_default()
    }

    /// Only those of modules in `kept`.
    #[must_use]
    pub fn kept(&self, kept: &BTreeSet<ModuleId>) -> Self {
        let of_kept = self.0.iter().filter(|(id, _)| kept.contains(*id));
        Self(of_kept.map(|(id, it)| (id.clone(), it.clone())).collect())
    }

    /// Drops those of modules that the generation does not hold.
    pub fn retain(&mut self, holds: impl Fn(&ModuleId) -> bool) {
        self.0.retain(|id, _| holds(id));
    }

    /// One module's after the other's.
    pub fn modules(&self) -> impl Iterator<Item = &Declarations> {
        self.0.values()
    }

    /// What the cog asks for: its intents and capabilities, also those of its services.
    pub fn info(&self) -> Info {
        let mut all = Info::default();
        for info in self.modules().filter_map(|it| it.info.as_ref()) {
            all.description = all.description.or_else(|| info.description.clone());
            all.intents |= info.intents;
            all.capabilities.extend(info.capabilities.iter().cloned());
        }
        all
    }

    /// Whether the cog asks for a capability.
    pub(super) fn asks_for(&self, capability: &str) -> bool {
        let mut infos = self.modules().filter_map(|it| it.info.as_ref());
        infos.any(|info| info.capabilities.contains(capability))
    }

    /// All commands.
    pub fn commands(&self) -> impl Iterator<Item = &Arc<Command>> {
        self.modules().flat_map(|it| &it.commands)
    }

    /// What handles components and modals.
    pub fn components(&self) -> impl Iterator<Item = &Arc<Component>> {
        self.modules().flat_map(|it| &it.components)
    }

    /// What handles a custom id, with the values in it; of several templates that match, the most exact one.
    pub fn component(&self, used: Use, id: &str) -> Option<(&Arc<Component>, Values<'_>)> {
        let same = self.components().filter(|it| it.used == used);
        let matching = same.filter_map(|it| Some((it, it.template.matches(id)?)));
        matching.reduce(|best, next| {
            if next.0.template.is_more_exact_than(&best.0.template) {
                next
            } else {
                best
            }
        })
    }

    /// All listeners.
    pub fn listeners(&self) -> impl Iterator<Item = &Listener> {
        self.modules().flat_map(|it| &it.listeners)
    }

    /// Those who hear one event, in the order in which they were written.
    pub fn listeners_to(&self, event: &str) -> impl Iterator<Item = &Listener> {
        self.listeners()
            .filter(move |it| it.event == event || it.event == EVERY_EVENT)
    }

    /// All timers.
    pub fn timers(&self) -> impl Iterator<Item = &Timer> {
        self.modules().flat_map(|it| &it.timers)
    }

    /// What `cog.texts` was given.
    pub fn texts_by_locale(&self) -> impl Iterator<Item = &Texts> {
        self.modules().flat_map(|it| &it.translations)
    }

    /// The functions of all jobs.
    pub fn jobs(&self) -> impl Iterator<Item = &JobFunction> {
        self.modules().flat_map(|it| &it.jobs)
    }

    /// What was said about the versions of states.
    pub fn migrations(&self) -> impl Iterator<Item = &Arc<Migration>> {
        self.modules().flat_map(|it| &it.migrations)
    }

    /// The checks for every command.
    pub fn checks(&self) -> impl Iterator<Item = &Arc<CogChecks>> {
        self.modules().flat_map(|it| &it.checks)
    }

    /// What the texts of all declarations hold in bytes.
    pub fn texts(&self) -> usize {
        self.modules().map(|it| it.texts).sum()
    }

    /// How often `state.defaults` and `state.rows` were called, and the bytes of what they were given.
    pub fn defaults(&self) -> (usize, usize) {
        let calls: usize = self.modules().map(|it| it.calls_of_defaults).sum();
        let tables = self.modules().flat_map(|it| &it.defaults);
        (calls, tables.map(|(_, _, table)| table.bytes()).sum())
    }

    /// The functions of one hook.
    pub fn hooks(&self, hook: Hook) -> impl Iterator<Item = &Function> {
        self.modules()
            .flat_map(|it| &it.hooks)
            .filter(move |(at, _)| *at == hook)
            .map(|(_, function)| function)
    }
}

/// The place of the author's innermost frame, for a declaration.
pub fn caller(lua: &mlua::Lua) -> Option<SourceLocation> {
    (1..12).find_map(|level| {
        lua.inspect_stack(level, |frame| {
            let source = frame.source();
            let file = source.short_src.as_deref().unwrap_or_default().to_owned();
            let line = frame.current_line()?;
            file.starts_with("lua/").then(|| SourceLocation {
                file,
                line: u32::try_from(line).unwrap_or(u32::MAX),
                ..SourceLocation::default()
            })
        })
        .flatten()
    })
}

//! The cogs by name.

use super::actor::{Actor, Inbox};
use super::command_list::CommandList;
use super::handle::CogHandle;
use super::live::Offer;
use super::mailbox::Mailbox;
use super::name_owners::Names;
use super::quarantine;
use super::routes::Routes;
use super::scheduler::Scheduler;
use crate::api::context::CogContext;
use crate::api::services::Services;
use crate::commands::name_key::name_key;
use crate::history::{History, HistoryError, HistoryOf};
use crate::host_tasks::{self, Task};
use crate::lock::lock;
use crate::supervisor;
use crate::vm::resolve::ModuleId;
use arc_swap::ArcSwap;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::mpsc;

/// Names of the bot's own commands, which no cog may take.
pub const ADMIN_COMMANDS: [&str; 7] = [
    "reload", "cogs", "load", "unload", "forget", "help", "settings",
];

/// All cogs of a bot.
#[derive(Debug)]
pub struct Cogs {
    /// The bot's parts.
    pub services: Arc<Services>,
    /// Runs them, on threads apart from the gateway's.
    scheduler: Scheduler,
    by_name: Mutex<BTreeMap<Arc<str>, Arc<CogHandle>>>,
    routes: ArcSwap<Routes>,
    /// Which cog has which name, across restarts.
    pub names: Arc<Names>,
    /// What each cog has run.
    pub history: History,
    /// Tells that Discord's list of commands may have to change.
    pub command_list: CommandList,
    /// Held while a transaction decides and commits.
    pub committing: tokio::sync::Mutex<()>,
}

impl Cogs {
    /// No cogs yet; `scheduler` will run theirs.
    pub fn new(services: Arc<Services>, scheduler: Scheduler, history: History) -> Self {
        Self {
            services,
            scheduler,
            by_name: Mutex::default(),
            routes: ArcSwap::default(),
            names: Arc::default(),
            history,
            command_list: CommandList::default(),
            committing: tokio::sync::Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Arc<CogHandle>>> {
        lock(&self.by_name)
    }

    /// What a cog has run, up to this moment.
    pub async fn history_of(&self, name: &str) -> Result<HistoryOf, HistoryError> {
        let mut history = self.history.of(name).await?;
        let cog = self.get(name);
        let generation = cog.and_then(|cog| cog.peek(|status| status.generation.clone()));
        if let (Some(generation), Some(version)) = (generation, history.versions.first_mut()) {
            let (handlers, failures) = generation.life.tally.now();
            version.handlers += handlers;
            version.failures += failures;
        }
        Ok(history)
    }

    /// Tells the history of the handlers of what a cog runs.
    pub fn note_ran(&self, cog: &CogHandle) {
        if let Some(generation) = cog.peek(|status| status.generation.clone()) {
            let (handlers, failures) = generation.life.tally.take();
            self.history.ran(&cog.name, handlers, failures);
        }
    }

    /// All cogs in order of name, also those that wait.
    pub fn all(&self) -> Vec<Arc<CogHandle>> {
        self.lock().values().cloned().collect()
    }

    /// The cog of this name.
    pub fn get(&self, name: &str) -> Option<Arc<CogHandle>> {
        self.lock().get(name).cloned()
    }

    /// Where events and commands go now.
    pub fn routes(&self) -> Arc<Routes> {
        self.routes.load_full()
    }

    /// The cog of this name; its actor is started if there is none.
    pub fn get_or_start(&self, name: &str, entry: &ModuleId) -> Arc<CogHandle> {
        let mut cogs = self.lock();
        if let Some(cog) = cogs.get(name) {
            return Arc::clone(cog);
        }
        let (control, control_end) = mpsc::unbounded_channel();
        let (spawner, spawns) = mpsc::unbounded_channel();
        let context = Arc::new(CogContext::new(name, Arc::clone(&self.services), spawner));
        let mailbox = Arc::new(Mailbox::new(&context));
        let inbox = Inbox {
            mailbox: Arc::clone(&mailbox),
            control: control_end,
            spawns,
        };
        let actor = (Actor::new(Arc::clone(&context)), inbox);
        let running = host_tasks::keep(Task::Cog, actor, |(actor, inbox), again| {
            if again {
                actor.give_up();
            }
            Box::pin(actor.run(inbox))
        });
        let running = supervisor::running(name, running);
        self.scheduler
            .spawn(&context.fair_share, &context.cpu_meter, running);
        quarantine::begin_in_quarantine(&context);
        let handle = Arc::new(CogHandle::new(context, mailbox, control, entry.clone()));
        cogs.insert(Arc::clone(&handle.name), Arc::clone(&handle));
        handle
    }

    /// Removes a cog from the list and the routes; its actor runs until it is asked to unload.
    pub fn remove(&self, name: &str) -> Option<Arc<CogHandle>> {
        let removed = self.take(name);
        self.update_routes([name]);
        removed
    }

    /// Takes a cog off the list and leaves its routes: the next update of the routes replaces them at once, so that a
    /// command that moves to another cog always has an owner.
    pub fn take(&self, name: &str) -> Option<Arc<CogHandle>> {
        self.lock().remove(name)
    }

    /// Notes that Discord's list of commands may have to change.
    pub fn note_commands(&self) {
        let Services {
            clock, activity, ..
        } = &*self.services;
        self.command_list.note(clock, activity);
    }

    /// Updates the routes to these cogs to what is committed now, all at once.
    pub fn update_routes<'a>(&self, names: impl IntoIterator<Item = &'a str> + Clone) {
        // One after the other: each update starts from the result of the one before.
        let cogs = self.lock();
        let mut routes = Routes::clone(&self.routes.load());
        for name in names.clone() {
            routes.remove(name);
        }
        for cog in names.into_iter().filter_map(|name| cogs.get(name)) {
            routes.add(cog);
        }
        let names = Arc::new(routes.typed().clone());
        self.services.command_names.store(names);
        let shown = Arc::new(routes.shown().clone());
        self.services.shown_names.store(shown);
        self.routes.store(Arc::new(routes));
        drop(cogs);
        self.note_commands();
    }
}

/// The names of the commands that Discord lists.
pub fn slash_names(offer: &Offer) -> Vec<String> {
    let all = offer.commands.iter().map(|command| &command.definition);
    let listed = all.filter(|definition| definition.slash);
    listed.map(|definition| definition.name.clone()).collect()
}

/// The lower-case names and aliases of the commands that can be typed.
pub fn command_names(offer: &Offer) -> Vec<String> {
    let typed = offer.commands.iter().map(|command| &command.definition);
    typed
        .filter(|definition| definition.prefix)
        .flat_map(|definition| std::iter::once(&definition.name).chain(&definition.aliases))
        .map(|name| name_key(name))
        .collect()
}

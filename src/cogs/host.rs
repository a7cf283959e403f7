//! The cogs by name, and the mailboxes through which work reaches them.

use super::actor::{Actor, Committed, Control, Inbox};
use super::live::{Live, Offer, Status};
use super::mailbox::{Mailbox, Work};
use super::names::Names;
use super::prepare::PrepareRequest;
use super::routes::Routes;
use super::scheduler::Scheduler;
use crate::api::condition::{Condition, Transition};
use crate::api::context::CogContext;
use crate::api::services::Services;
use crate::commands::name_key::name_key;
use crate::host_tasks::{self, Task};
use crate::lock::lock;
use crate::problem::Problem;
use crate::supervisor;
use crate::vm::fair_share::Boost;
use crate::vm::load_trace::{LoadTrace, Seen};
use crate::vm::require::PrepareFailure;
use crate::vm::resolve::ModuleId;
use arc_swap::ArcSwap;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::mpsc::error::SendError;
use tokio::sync::{mpsc, oneshot};

/// Names of the bot's own commands, which no cog may take.
pub const ADMIN_COMMANDS: [&str; 5] = ["reload", "cogs", "load", "unload", "help"];

/// One cog from outside.
#[derive(Debug)]
pub struct CogHandle {
    /// Its name.
    pub name: Arc<str>,
    /// What its functions know.
    pub context: Arc<CogContext>,
    mailbox: Arc<Mailbox>,
    control: mpsc::UnboundedSender<(Control, Boost)>,
    status: Mutex<Status>,
}

impl CogHandle {
    /// Puts work into the mailbox, which sheds what is too much. Events for a cog that has to pause are left out and
    /// counted; a cog that was unloaded meanwhile gives the work back.
    pub fn post(&self, work: Work) -> Option<Work> {
        if matches!(work, Work::Event(..)) && self.context.limits.pauses() {
            return None;
        }
        self.mailbox.post(work)
    }

    /// How much work was dropped so far.
    pub fn dropped(&self) -> u64 {
        self.context.limits.shed()
    }

    /// What is known of it.
    pub fn status(&self) -> Status {
        self.lock().clone()
    }

    /// How it stands.
    pub fn condition(&self) -> Condition {
        self.context.condition.now()
    }

    /// What is known of it and how it stands, both of one moment.
    pub fn known(&self) -> (Status, Condition) {
        let status = self.lock();
        (status.clone(), self.condition())
    }

    /// What is wrong with it: why it is in quarantine, or why it does not run its newest version.
    pub fn problem(&self) -> Option<Problem> {
        self.condition().problem().cloned()
    }

    /// Whether a version of it was committed: it has commands and names, also in quarantine.
    pub fn has_version(&self) -> bool {
        self.context.condition.is(Condition::has_version)
    }

    /// Looks at what is known of it, without a copy.
    pub fn peek<R>(&self, look: impl FnOnce(&Status) -> R) -> R {
        look(&self.lock())
    }

    /// Whether its task is gone: it was unloaded.
    pub fn has_ended(&self) -> bool {
        self.control.is_closed()
    }

    /// Notes that it runs a version from now on.
    pub fn note_commit(&self, live: &Live, offer: &Offer, at: f64) {
        let mut status = self.lock();
        *status = Status {
            loaded_at: at,
            offer: offer.clone(),
            generation: Some(Arc::clone(&live.generation)),
            ..Status::new(live.generation.entry().clone())
        };
        self.context.condition.pass(Transition::Committed);
    }

    /// Notes why it could not take its newest text, what that attempt has seen, and what its load has read, if it came
    /// so far. Returns how it stands now.
    pub fn note_attempt(
        &self,
        why: Transition,
        attempted: Seen,
        trace: Option<LoadTrace>,
    ) -> Condition {
        let mut status = self.lock();
        let condition = self.context.condition.pass(why);
        status.attempted = attempted;
        // What answers is compared with the sources by what runs.
        if let Some(trace) = trace.filter(|_| !condition.answers()) {
            status.trace = trace;
        }
        condition
    }

    /// Notes that the sources say again what it runs: the last attempt is of no interest any more.
    pub fn note_mended(&self) {
        let mut status = self.lock();
        self.context.condition.pass(Transition::Cleared);
        status.attempted.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Status> {
        lock(&self.status)
    }

    fn tell(&self, control: Control) -> Result<(), SendError<(Control, Boost)>> {
        let boost = self.context.fair_share.boost();
        self.control.send((control, boost))
    }

    async fn ask<R>(&self, control: impl FnOnce(oneshot::Sender<R>) -> Control) -> Option<R> {
        let (answer, answered) = oneshot::channel();
        self.tell(control(answer)).ok()?;
        answered.await.ok()
    }

    /// Makes the next generation. Nothing if the actor is gone.
    pub async fn prepare(&self, request: PrepareRequest) -> Option<Result<Offer, PrepareFailure>> {
        self.ask(|answer| Control::Prepare(Box::new(request), answer))
            .await
    }

    /// Runs what was prepared from now on.
    pub async fn commit(&self) -> Option<Committed> {
        self.ask(Control::Commit).await
    }

    /// Forgets what was prepared.
    pub async fn abort(&self) {
        self.ask(Control::Abort).await;
    }

    /// The same without waiting: it comes after what was asked before, and before what is asked then.
    pub fn begin_abort(&self) {
        let (answer, _unheard) = oneshot::channel();
        // An actor that is gone has forgotten it.
        let _told = self.tell(Control::Abort(answer)).is_ok();
    }

    /// Ends it. Returns when its last handler has ended.
    pub async fn unload(&self, reason: &'static str) {
        let busy = self.context.services.activity.begin();
        self.ask(|answer| Control::Unload(reason, busy, answer))
            .await;
    }

    /// The same without waiting: its handlers may go on for a while.
    pub fn begin_unload(self: Arc<Self>, reason: &'static str) {
        let busy = self.context.services.activity.begin();
        host_tasks::errand(async move {
            self.ask(|answer| Control::Unload(reason, busy, answer))
                .await;
        });
    }
}

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
    /// Held while a transaction decides and commits.
    pub committing: tokio::sync::Mutex<()>,
}

impl Cogs {
    /// No cogs yet; `scheduler` will run theirs.
    pub fn new(services: Arc<Services>, scheduler: Scheduler) -> Self {
        Self {
            services,
            scheduler,
            by_name: Mutex::default(),
            routes: ArcSwap::default(),
            names: Arc::default(),
            committing: tokio::sync::Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Arc<CogHandle>>> {
        lock(&self.by_name)
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
        super::fault::begin_in_quarantine(&context);
        let handle = Arc::new(CogHandle {
            name: Arc::clone(&context.name),
            context,
            mailbox,
            control,
            status: Mutex::new(Status::new(entry.clone())),
        });
        cogs.insert(Arc::clone(&handle.name), Arc::clone(&handle));
        handle
    }

    /// Takes a cog off the list and the routes; its actor goes on until it is told to unload.
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

    /// Brings the routes to these cogs up to what is committed now, all at once.
    pub fn update_routes<'a>(&self, names: impl IntoIterator<Item = &'a str> + Clone) {
        // One after the other: each begins with what the one before has made.
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
        self.routes.store(Arc::new(routes));
    }
}

/// The lower-case names and aliases of what can be typed.
pub fn command_names(offer: &Offer) -> Vec<String> {
    let typed = offer.commands.iter().map(|command| &command.definition);
    typed
        .filter(|definition| definition.prefix)
        .flat_map(|definition| std::iter::once(&definition.name).chain(&definition.aliases))
        .map(|name| name_key(name))
        .collect()
}

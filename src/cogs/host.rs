//! The cogs by name, and the routes from events and command names to them.

use super::actor::{Actor, Committed, Control, Inbox, Work};
use super::live::{Offer, Status};
use super::prepare::{Refusal, Request};
use crate::activity::Busy;
use crate::api::context::CogContext;
use crate::api::services::Services;
use crate::commands::parse::name_key;
use crate::vm::resolve::ModuleId;
use arc_swap::ArcSwap;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::Handle as Runtime;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

/// Work that may wait for one cog; more is dropped, counted and shown.
const MAILBOX: usize = 1_024;

/// Names of the bot's own commands, which no cog may take.
pub const ADMIN_COMMANDS: [&str; 5] = ["reload", "cogs", "load", "unload", "help"];

/// One cog from outside.
#[derive(Debug)]
pub struct CogHandle {
    /// Its name.
    pub name: Arc<str>,
    /// What its functions know.
    pub context: Arc<CogContext>,
    mailbox: mpsc::Sender<(Work, Busy)>,
    control: mpsc::UnboundedSender<Control>,
    dropped: AtomicU64,
    status: Mutex<Status>,
}

impl CogHandle {
    /// Puts work into the mailbox. What does not fit is dropped and counted; a cog that was unloaded
    /// meanwhile gives it back.
    pub fn post(&self, work: Work) -> Option<Work> {
        let busy = self.context.services.activity.begin();
        match self.mailbox.try_send((work, busy)) {
            Ok(()) => None,
            Err(TrySendError::Closed((work, _))) => Some(work),
            Err(TrySendError::Full(_)) => {
                let dropped = self.dropped.fetch_add(1, Ordering::Relaxed) + 1;
                if dropped.is_power_of_two() {
                    tracing::warn!(
                        cog = %self.name, dropped,
                        "A cog's mailbox is full: events are dropped"
                    );
                }
                None
            }
        }
    }

    /// How much work was dropped so far.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// What is known of it.
    pub fn status(&self) -> Status {
        self.lock().clone()
    }

    /// Looks at what is known of it, without a copy.
    pub fn peek<R>(&self, look: impl FnOnce(&Status) -> R) -> R {
        look(&self.lock())
    }

    /// Whether its task is gone, which nothing but a fault of the host's own can bring about.
    pub fn has_ended(&self) -> bool {
        self.control.is_closed()
    }

    /// Changes what is known of it.
    pub fn update(&self, change: impl FnOnce(&mut Status)) {
        change(&mut self.lock());
    }

    fn lock(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask<R>(&self, control: impl FnOnce(oneshot::Sender<R>) -> Control) -> Option<R> {
        let (answer, answered) = oneshot::channel();
        self.control.send(control(answer)).ok()?;
        answered.await.ok()
    }

    /// Makes the next generation. Nothing if the actor is gone.
    pub async fn prepare(&self, request: Request) -> Option<Result<Offer, Refusal>> {
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

    /// Ends it. Returns when its last handler has ended.
    pub async fn unload(&self, reason: &'static str) {
        let busy = self.context.services.activity.begin();
        self.ask(|answer| Control::Unload(reason, busy, answer))
            .await;
    }

    /// The same without waiting: its handlers may go on for a while.
    pub fn begin_unload(self: Arc<Self>, reason: &'static str) {
        let busy = self.context.services.activity.begin();
        tokio::spawn(async move {
            self.ask(|answer| Control::Unload(reason, busy, answer))
                .await;
        });
    }
}

/// From names to cogs.
#[derive(Debug, Default)]
pub struct Routes {
    /// By the lower-case name or alias of a command.
    pub commands: HashMap<String, Arc<CogHandle>>,
    /// By the name of an event.
    pub events: HashMap<&'static str, Vec<Arc<CogHandle>>>,
    /// The gateway intents that all cogs together need.
    pub intents: u64,
}

/// All cogs of a bot.
#[derive(Debug)]
pub struct Cogs {
    /// The bot's parts.
    pub services: Arc<Services>,
    /// The threads on which cogs run, apart from the gateway's.
    runtime: Runtime,
    by_name: Mutex<BTreeMap<Arc<str>, Arc<CogHandle>>>,
    routes: ArcSwap<Routes>,
}

impl Cogs {
    /// No cogs yet; theirs will run on `runtime`.
    pub fn new(services: Arc<Services>, runtime: Runtime) -> Self {
        Self {
            services,
            runtime,
            by_name: Mutex::default(),
            routes: ArcSwap::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Arc<CogHandle>>> {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
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
        let (mailbox, mailbox_end) = mpsc::channel(MAILBOX);
        let (control, control_end) = mpsc::unbounded_channel();
        let (spawner, spawns) = mpsc::unbounded_channel();
        let context = Arc::new(CogContext::new(name, Arc::clone(&self.services), spawner));
        let actor = Actor::new(Arc::clone(&context));
        self.runtime.spawn(actor.run(Inbox {
            mailbox: mailbox_end,
            control: control_end,
            spawns,
        }));
        let handle = Arc::new(CogHandle {
            name: Arc::clone(&context.name),
            context,
            mailbox,
            control,
            dropped: AtomicU64::new(0),
            status: Mutex::new(Status::new(entry.clone())),
        });
        cogs.insert(Arc::clone(&handle.name), Arc::clone(&handle));
        handle
    }

    /// Takes a cog off the list and the routes; its actor goes on until it is told to unload.
    pub fn remove(&self, name: &str) -> Option<Arc<CogHandle>> {
        let removed = self.take(name);
        self.rebuild_routes();
        removed
    }

    /// Takes a cog off the list alone: its routes stay until they are made anew, so that at no moment a
    /// command is nobody's that moves to another cog.
    pub fn take(&self, name: &str) -> Option<Arc<CogHandle>> {
        self.lock().remove(name)
    }

    /// Makes the routes of what is committed now.
    pub fn rebuild_routes(&self) {
        let mut routes = Routes::default();
        for cog in self.all() {
            let status = cog.status();
            if !status.is_running() {
                continue;
            }
            routes.intents |= status.offer.intents;
            for event in &status.offer.events {
                routes
                    .events
                    .entry(event)
                    .or_default()
                    .push(Arc::clone(&cog));
            }
            for name in command_names(&status.offer) {
                routes
                    .commands
                    .entry(name)
                    .or_insert_with(|| Arc::clone(&cog));
            }
        }
        let names = routes.commands.keys().cloned().collect();
        self.services.command_names.store(Arc::new(names));
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

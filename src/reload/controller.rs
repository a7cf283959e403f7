//! Runs one reload after the other: changes of files and requests of admins become a plan, a transaction and a report.
//!
//! `requests` handles requests of admins, `outcome` carries plans out, `reports` reports the results, and `log` writes
//! them to the log. `history` records what cogs run, and goes back to what they ran before. `trial` lets one guild run
//! another version. `guard` warns of versions that do worse than the ones before, or takes them back. `beside` lets other
//! cogs reload while one reload is slow. `configure` applies edits of config.json, `owners` lets cogs keep the names that
//! they had when the bot ran last, and `recovery` continues after a panic.

mod beside;
mod configure;
mod guard;
mod history;
mod log;
mod outcome;
mod owners;
mod recovery;
mod reports;
mod requests;
mod trial;

pub use configure::ConfigEdit;
pub use guard::Told;
pub use requests::meant;

use super::graph::Graph;
use super::plan::{is_held, is_up_to_date, plan, plan_changed};
use super::report::{Report, ReportLog, Trigger};
use super::sources::{ModuleId, Rules, RulesError, Snapshot};
use super::watch::{Batch, WatchError, Watcher};
use crate::api::interaction::Interaction;
use crate::cogs::handle::CogHandle;
use crate::cogs::host::Cogs;
use crate::config::HotReload;
use crate::history::HistoryError;
use crate::host_tasks::{self, Task};
use crate::problem::Problem;
use beside::Beside;
use guard::Guarding;
use outcome::view_of;
use reports::{Occasion, files};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{mpsc, oneshot, watch};
use trial::Trials;

/// What an admin asks for.
#[derive(Clone, Debug)]
pub enum Ask {
    /// Rebuild one cog.
    Cog(String),
    /// Rebuild all cogs, and take what is pending.
    All,
    /// Load a cog that was unloaded by hand or has not been noticed.
    Load(String),
    /// Unload a cog until it is loaded again.
    Unload(String),
    /// Put an earlier version of a cog back, by its number in the cog's history; without one the version before.
    Undo(String, Option<u32>),
    /// Run what a cog's files say, after an undo.
    Redo(String),
    /// Have one guild alone run what a cog's files say.
    Try(String, u64),
    /// Have all guilds run what one of them tries.
    Keep(String),
    /// Have the guild that tries a version run what all others run.
    Drop(String),
    /// Switch hot reload on or off; the report says which changes were then applied.
    Toggle,
    /// Take the configuration that applies now, after an edit of config.json.
    Configure(ConfigEdit),
}

/// Who asks for something in chat, and is told there what comes of it later.
#[derive(Debug)]
pub struct Asker {
    /// The user.
    pub user_id: String,
    /// Where.
    pub channel_id: String,
    /// The server in which that is.
    pub guild_id: Option<String>,
    /// How, if not by a message.
    pub interaction: Option<Arc<Interaction>>,
}

/// What an admin asks for, and who does.
#[derive(Clone, Debug)]
pub struct Request {
    /// What is to be done.
    pub ask: Ask,
    /// Who asks, as the history shows it.
    pub by: String,
    /// Who it is, if it was in chat.
    pub asker: Option<Arc<Asker>>,
}

impl From<Ask> for Request {
    fn from(ask: Ask) -> Self {
        Self {
            ask,
            by: "an admin".to_owned(),
            asker: None,
        }
    }
}

/// Why an admin's request was not carried out.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Refused {
    /// No cog has this name.
    #[error("there is no cog \"{name}\"")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The cog whose name is most like it.
        near: Option<String>,
    },
    /// It is the name of one cog and the module id of another.
    #[error(
        "\"{named}\" is both the cog \"{named}\" and the module of the cog \"{of_module}\": say \"cogs.{named}\" or \"{of_module}\""
    )]
    Ambiguous {
        /// The cog with this name.
        named: String,
        /// The cog whose module has this id.
        of_module: String,
    },
    /// It runs already.
    #[error("the cog \"{0}\" is loaded already; `!reload cog {0}` rebuilds it")]
    Loaded(String),
    /// It has no version.
    #[error("the cog \"{0}\" does not run")]
    NotRunning(String),
    /// It does not run an earlier version.
    #[error("the cog \"{0}\" runs what its files say")]
    NotUndone(String),
    /// Another guild tries a version of it.
    #[error(
        "the server {guild} tries another version of the cog \"{cog}\" already; `!reload keep {cog}` or `!reload drop {cog}` ends that"
    )]
    TriedElsewhere {
        /// The cog.
        cog: String,
        /// That guild's id.
        guild: u64,
    },
    /// What was asked for would end a trial.
    #[error(
        "the server {guild} tries another version of the cog \"{cog}\": `!reload keep {cog}` or `!reload drop {cog}` first"
    )]
    OnTrial {
        /// The cog.
        cog: String,
        /// The guild's id.
        guild: u64,
    },
    /// No guild tries a version of it.
    #[error("no server tries another version of the cog \"{0}\"")]
    NotOnTrial(String),
    /// The history does not have what was asked for.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The controller has ended.
    #[error("the bot is shutting down")]
    ShuttingDown,
    /// The bot itself failed.
    #[error("the bot itself failed while it did this; its log says where")]
    Failed,
}

impl Refused {
    /// There is nothing with the name `name`; `near` is the most similar name.
    pub fn unknown(name: &str, near: Option<&str>) -> Self {
        Self::Unknown {
            name: name.chars().filter(|c| !c.is_control()).take(64).collect(),
            near: near.map(str::to_owned),
        }
    }
}

type ReportSender = oneshot::Sender<Result<Option<Arc<Report>>, Refused>>;

/// The state of hot reload, as it is shown.
#[derive(Clone, Debug)]
pub struct HotReloadView {
    /// Whether saved files are applied.
    pub enabled: bool,
    /// Files that changed and were not applied.
    pub pending: Vec<String>,
    /// Modules that there are.
    pub modules: usize,
    /// Cogs that an admin has unloaded.
    pub unloaded: BTreeSet<String>,
    /// Folders that are watched, below `lua/`.
    pub folders: Vec<String>,
    /// What to do about the system's limit of watches, if it was reached.
    pub limit: Option<String>,
    /// What is wrong with config.json as it was saved last; the configuration before that applies.
    pub config_problems: Vec<Problem>,
}

/// The handle of the controller. Clones share it.
#[derive(Clone, Debug)]
pub struct Reload {
    asks: mpsc::UnboundedSender<(Request, ReportSender)>,
    view: watch::Receiver<HotReloadView>,
    /// The reports so far and to come.
    pub reports: ReportLog,
    /// The gateway intents that the committed cogs need.
    pub intents: watch::Receiver<u64>,
    /// What the guard has to tell those who have reloaded cogs in chat.
    pub told: Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<Told>>>,
}

/// Why hot reload cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The rules for what is watched are not valid.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// `lua/` cannot be watched.
    #[error(transparent)]
    Watch(#[from] WatchError),
}

/// The receiving ends of the controller's channels.
struct Inbox {
    batches: mpsc::Receiver<Batch>,
    asked: mpsc::UnboundedReceiver<(Request, ReportSender)>,
}

struct Controller {
    cogs: Arc<Cogs>,
    snapshot: Arc<Snapshot>,
    graph: Graph,
    watcher: Watcher,
    /// The configuration that was applied last.
    hot: HotReload,
    enabled: bool,
    /// Modules that changed since the sources that the graph was planned with.
    pending: BTreeSet<ModuleId>,
    /// Those of them that are being applied now.
    being_taken: BTreeSet<ModuleId>,
    /// Cogs that an admin has unloaded; files do not bring them back.
    unloaded: BTreeSet<String>,
    /// Problems of the tree itself that have been reported.
    tree_problems: Vec<String>,
    /// Edits that have to wait, for the next report.
    waiting_edits: Vec<Problem>,
    /// Cogs of which one guild tries another version.
    trials: Trials,
    /// Reloads that still run while others are made.
    beside: Beside,
    guarding: Guarding,
    /// Who asked for what is done now, if it was in chat.
    asker: Option<Arc<Asker>>,
    next_report: u64,
    reports: ReportLog,
    view: watch::Sender<HotReloadView>,
    intents: watch::Sender<u64>,
}

impl Reload {
    /// Loads all cogs below `lua/`, reports, and keeps up with every change from then on.
    pub async fn start(cogs: Arc<Cogs>) -> Result<Self, StartError> {
        let config = cogs.services.config.load_full();
        let hot = &config.hot_reload;
        let rules = Rules::of(hot)?;
        let root = config.lua_dir();
        let (watcher, batches) = Watcher::start(&root, &rules, hot.delay())?;
        let scanning = rules.clone();
        let folder = root.clone();
        let snapshot = tokio::task::spawn_blocking(move || Snapshot::scan(&folder, &scanning));
        let found = snapshot
            .await
            .unwrap_or_else(|_| Snapshot::scan(&root, &rules));
        let owned = owners::with_owners(&found, &cogs.names.files(), hot);
        let is_contested = owned.is_some();
        let snapshot = Arc::new(owned.unwrap_or(found));
        let reports = ReportLog::new();
        let (view, view_receiver) = watch::channel(HotReloadView {
            enabled: hot.enabled,
            pending: Vec::new(),
            unloaded: BTreeSet::new(),
            modules: snapshot.modules.size(),
            folders: rules.folders().to_vec(),
            limit: watcher.limit(),
            config_problems: Vec::new(),
        });
        let (intents, intents_receiver) = watch::channel(0);
        let (asks, asked) = mpsc::unbounded_channel();
        let (telling, told) = mpsc::unbounded_channel();
        let mut controller = Controller {
            cogs,
            snapshot,
            graph: Graph::new(),
            watcher,
            hot: hot.clone(),
            enabled: hot.enabled,
            pending: BTreeSet::new(),
            being_taken: BTreeSet::new(),
            unloaded: BTreeSet::new(),
            tree_problems: Vec::new(),
            waiting_edits: Vec::new(),
            trials: Trials::default(),
            beside: Beside::default(),
            guarding: Guarding::new(telling),
            asker: None,
            next_report: 1,
            reports: reports.clone(),
            view,
            intents,
        };
        controller.load_all().await;
        controller.forget_names_of_the_gone().await;
        if is_contested {
            controller.take_rules(rules).await;
            controller.take_what_is_pending().await;
            controller.show();
        }
        let controller = (controller, Inbox { batches, asked });
        host_tasks::spawn(Task::Reload, controller, |(controller, inbox), again| {
            Box::pin(async move {
                if again {
                    controller.recover().await;
                }
                controller.run(inbox).await;
            })
        });
        Ok(Self {
            asks,
            view: view_receiver,
            reports,
            intents: intents_receiver,
            told: Arc::new(tokio::sync::Mutex::new(told)),
        })
    }

    /// Asks the controller to do something. There is no report if there was nothing to do.
    pub async fn ask(&self, request: impl Into<Request>) -> Result<Option<Arc<Report>>, Refused> {
        let (answer, answered) = oneshot::channel();
        if self.asks.send((request.into(), answer)).is_err() {
            return Err(Refused::ShuttingDown);
        }
        // The controller continues without the one request at which it failed.
        let unanswered = || {
            if self.asks.is_closed() {
                Err(Refused::ShuttingDown)
            } else {
                Err(Refused::Failed)
            }
        };
        answered.await.unwrap_or_else(|_| unanswered())
    }

    /// The state of hot reload, as it is shown.
    pub fn view(&self) -> HotReloadView {
        self.view.borrow().clone()
    }
}

impl Controller {
    /// Reads the tree off the runtime's threads. Returns what has changed.
    async fn read(
        &mut self,
        look: impl FnOnce(&Snapshot) -> Snapshot + Send + 'static,
    ) -> BTreeSet<ModuleId> {
        let before = Arc::clone(&self.snapshot);
        let reading = tokio::task::spawn_blocking(move || look(&before));
        // If reading fails, the snapshot stays as it is.
        let Ok(snapshot) = reading.await else {
            return BTreeSet::new();
        };
        let changed = snapshot.changed().clone();
        self.snapshot = Arc::new(snapshot);
        changed
    }

    async fn run(&mut self, inbox: &mut Inbox) {
        let Inbox { batches, asked } = inbox;
        let services = Arc::clone(&self.cogs.services);
        let activity = services.activity.clone();
        loop {
            self.being_taken.clear();
            self.asker = None;
            tokio::select! {
                Some(batch) = batches.recv() => {
                    let _busy = activity.begin();
                    host_tasks::point(Task::Reload);
                    self.take_batch(batch).await;
                    self.show();
                }
                () = services.failed_cogs.added.notified() => {
                    let _busy = activity.begin();
                    self.build_failed().await;
                    self.show();
                }
                () = services.ended_trials.added.notified() => {
                    let _busy = activity.begin();
                    self.note_ended_trials().await;
                    self.show();
                }
                () = services.alarms.added.notified() => {
                    self.deal_with_alarms().await;
                    self.show();
                }
                ask = asked.recv() => {
                    // The bot is gone.
                    let Some((request, answer)) = ask else {
                        return;
                    };
                    self.take_ask(request, answer, activity.begin()).await;
                }
                Some(ended) = self.beside.next(), if !self.beside.is_empty() => {
                    self.conclude_beside(ended).await;
                }
            }
        }
    }

    /// Takes the pending changes. They count as being applied until the reload has ended.
    fn take_pending(&mut self) -> BTreeSet<ModuleId> {
        let changed = std::mem::take(&mut self.pending);
        self.being_taken.extend(changed.iter().cloned());
        changed
    }

    /// Updates the shown state. To be called before anybody is told that something has happened.
    fn show(&self) {
        self.view.send_modify(|view| {
            view.enabled = self.enabled;
            view.pending = files(&self.pending);
            view.unloaded.clone_from(&self.unloaded);
            view.modules = self.snapshot.modules.size();
            view.limit = self.watcher.limit();
        });
        if self.pending.is_empty() && self.beside.is_empty() {
            self.cogs
                .services
                .set_sources(Arc::clone(&self.snapshot) as _);
        }
    }

    /// The start: loads every cog separately.
    async fn load_all(&mut self) {
        let began = Instant::now();
        let mut plan = plan([], self.snapshot.as_ref());
        for cog in &mut plan.cogs {
            cog.holds_back = false;
        }
        let undone = self.resume_undone(&mut plan).await;
        let occasion = Occasion::new(Trigger::Start, Vec::new(), began);
        self.carry_out_at_once(plan, occasion).await;
        self.load_files_of_failed(undone).await;
        self.show();
    }

    async fn take_batch(&mut self, batch: Batch) {
        let began = Instant::now();
        let changed = self.read(move |before| batch.apply(before)).await;
        let unsettled = self.snapshot.unsettled();
        if !unsettled.is_empty() {
            self.watcher.look_again(unsettled);
        }
        let is_news = !changed.is_empty();
        self.pending.extend(changed);
        if self.is_automatic() && !self.pending.is_empty() {
            self.catch_up(Trigger::Files, began).await;
        } else if is_news {
            self.report_pending(began);
        } else {
            self.report_tree_problems(Vec::new(), began);
        }
    }

    /// Whether changes are applied automatically.
    fn is_automatic(&self) -> bool {
        self.enabled && self.cogs.services.config.load().hot_reload.auto_reload_cogs
    }

    /// Takes everything that has changed since the last plan. What a guild tries follows after the rest.
    async fn catch_up(&mut self, trigger: Trigger, began: Instant) -> Option<Arc<Report>> {
        let report = self.take_changes(trigger, began).await;
        let tried = self.renew_trials(trigger, began).await;
        report.or(tried)
    }

    async fn take_changes(&mut self, trigger: Trigger, began: Instant) -> Option<Arc<Report>> {
        let changed = self.take_pending();
        self.refresh_graph();
        let mut plan = plan_changed(&self.graph, &changed, self.snapshot.as_ref());
        plan.cogs.retain(|cog| !self.unloaded.contains(&cog.name));
        self.leave_to_trials(&mut plan);
        self.put_off_engaged(&mut plan, &changed);
        let occasion = Occasion::new(trigger, files(&changed), began);
        let mended = self.mended(&changed);
        self.note_waiting(&changed);
        if plan.is_empty() && !mended {
            return self.report_tree_problems(occasion.changed, began);
        }
        self.carry_out(plan, occasion).await
    }

    /// Cogs that use a file that cannot be loaded stay as they are until it is fixed, so every plan until then must
    /// include them. Their other edits wait for that, too, and the next report says so.
    fn note_waiting(&mut self, changed: &BTreeSet<ModuleId>) {
        let snapshot = Arc::clone(&self.snapshot);
        let mut waiting = Vec::new();
        for view in self.graph.concerned(changed).into_values() {
            let modules = view.reachable();
            let held = modules
                .iter()
                .find(|id| is_held(view, id, snapshot.as_ref()));
            let Some(why) = held.and_then(|id| snapshot.held(id)) else {
                continue;
            };
            waiting.push(view.name.clone());
            let is_edit = |id: &&&ModuleId| changed.contains(**id) && snapshot.held(id).is_none();
            if let Some(edited) = modules.iter().find(is_edit) {
                self.waiting_edits.push(Problem {
                    cog: Some(view.name.clone()),
                    message: format!("{} is not taken yet, because {why}", edited.path()),
                    ..Problem::default()
                });
            }
        }
        for cog in waiting {
            self.graph.mark_dirty(&cog);
        }
    }

    /// Forgets the failures of cogs whose sources are again what they run. Returns whether there were any.
    fn mended(&mut self, changed: &BTreeSet<ModuleId>) -> bool {
        let mut mended = false;
        let dirty: Vec<String> = self.graph.dirty().map(str::to_owned).collect();
        for name in dirty {
            let Some(cog) = self
                .cogs
                .get(&name)
                .filter(|cog| !self.is_engaged(&cog.name))
            else {
                continue;
            };
            let (status, condition) = cog.known();
            let concerned = status.attempted.keys().any(|id| changed.contains(id));
            let view = self.graph.get(&cog.name);
            let is_back = view.is_some_and(|view| is_up_to_date(view, self.snapshot.as_ref()));
            if condition.has_version() && concerned && is_back {
                mended |= condition.is_failing();
                cog.note_mended();
                self.put(&cog);
            }
        }
        mended
    }

    /// Brings the graph up to date with requires that handlers have made since.
    fn refresh_graph(&mut self) {
        for name in self.cogs.services.take_changed_graphs() {
            if let Some(cog) = self.cogs.get(&name) {
                self.record_late(&cog);
                self.put(&cog);
                // A module that a handler required may have changed before the graph knew about the require.
                self.graph.mark_dirty(&name);
            }
        }
    }

    fn put(&mut self, cog: &CogHandle) {
        self.graph.put(view_of(cog));
    }
}

//! Runs one reload after the other: what files and admins ask for becomes a plan, a transaction and a report.

use super::graph::{CogState, CogView, Graph};
use super::plan::{Plan, plan, plan_afresh, plan_changed};
use super::report::{CogOutcome, CogReport, Outcome, Problem, Report, ReportLog, Trigger};
use super::sources::{ModuleId, Rules, RulesError, Snapshot, diff};
use super::transaction::{self, Result as CogResult};
use super::watch::{Batch, WatchError, Watcher};
use super::{render, sources};
use crate::cogs::host::{CogHandle, Cogs};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{mpsc, oneshot, watch};

/// What an admin asks for.
#[derive(Clone, Debug)]
pub enum Ask {
    /// Build one cog afresh.
    Cog(String),
    /// Build all cogs afresh, and take what is pending.
    All,
    /// Load a cog that was unloaded by hand or has not been noticed.
    Load(String),
    /// Unload a cog until it is loaded again.
    Unload(String),
    /// Switch hot reload on or off; the answer's outcome tells what it caught up with.
    Toggle,
}

/// Why an admin's request was not carried out.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Refused {
    /// No cog has this name.
    #[error("there is no cog \"{name}\"{hint}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// `; did you mean "ping"?`
        hint: String,
    },
    /// It runs already.
    #[error("the cog \"{0}\" is loaded already; `!reload cog {0}` builds it afresh")]
    Loaded(String),
    /// The controller has ended.
    #[error("the bot is shutting down")]
    ShuttingDown,
}

type Answer = oneshot::Sender<Result<Option<Arc<Report>>, Refused>>;

/// What is shown of hot reload.
#[derive(Clone, Debug)]
pub struct HotReloadView {
    /// Whether saved files are taken.
    pub enabled: bool,
    /// Files that changed and were not taken.
    pub pending: Vec<String>,
    /// Modules that there are.
    pub modules: usize,
    /// Folders that are watched, below `lua/`.
    pub folders: Vec<String>,
    /// What to do about the system's limit of watches, if it was reached.
    pub limit: Option<String>,
}

/// The handle of the controller. Clones share it.
#[derive(Clone, Debug)]
pub struct Reload {
    asks: mpsc::UnboundedSender<(Ask, Answer)>,
    view: watch::Receiver<HotReloadView>,
    /// The reports so far and to come.
    pub reports: ReportLog,
    /// The gateway intents that the committed cogs need.
    pub intents: watch::Receiver<u64>,
}

/// Why hot reload cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The rules of what is watched are wrong.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// `lua/` cannot be watched.
    #[error(transparent)]
    Watch(#[from] WatchError),
}

struct Controller {
    cogs: Arc<Cogs>,
    snapshot: Arc<Snapshot>,
    graph: Graph,
    watcher: Watcher,
    enabled: bool,
    /// Modules that changed since the sources that the graph was planned with.
    pending: BTreeSet<ModuleId>,
    /// Cogs that an admin has unloaded; files do not bring them back.
    unloaded: BTreeSet<String>,
    /// Problems of the tree itself that have been reported.
    tree_problems: Vec<String>,
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
        let rules = Rules::new(
            &hot.watch_directories,
            &hot.watch_extensions,
            &hot.ignore_patterns,
        )?;
        let root = config.lua_dir();
        let (watcher, batches) = Watcher::start(&root, &rules, hot.delay())?;
        let scanning = rules.clone();
        let folder = root.clone();
        let snapshot = tokio::task::spawn_blocking(move || Snapshot::scan(&folder, &scanning));
        let snapshot = Arc::new(
            snapshot
                .await
                .unwrap_or_else(|_| Snapshot::scan(&root, &rules)),
        );
        let reports = ReportLog::new();
        let (view, view_receiver) = watch::channel(HotReloadView {
            enabled: hot.enabled,
            pending: Vec::new(),
            modules: snapshot.modules.len(),
            folders: rules.folders().to_vec(),
            limit: watcher.limit(),
        });
        let (intents, intents_receiver) = watch::channel(0);
        let (asks, asked) = mpsc::unbounded_channel();
        let mut controller = Controller {
            cogs,
            snapshot,
            graph: Graph::new(),
            watcher,
            enabled: hot.enabled,
            pending: BTreeSet::new(),
            unloaded: BTreeSet::new(),
            tree_problems: Vec::new(),
            next_report: 1,
            reports: reports.clone(),
            view,
            intents,
        };
        controller.load_all().await;
        tokio::spawn(controller.run(batches, asked));
        Ok(Self {
            asks,
            view: view_receiver,
            reports,
            intents: intents_receiver,
        })
    }

    /// Has the controller do something. The report is missing when there was nothing to do.
    pub async fn ask(&self, ask: Ask) -> Result<Option<Arc<Report>>, Refused> {
        let (answer, answered) = oneshot::channel();
        if self.asks.send((ask, answer)).is_err() {
            return Err(Refused::ShuttingDown);
        }
        answered.await.unwrap_or(Err(Refused::ShuttingDown))
    }

    /// What is shown of hot reload.
    pub fn view(&self) -> HotReloadView {
        self.view.borrow().clone()
    }
}

/// Reads the tree off the runtime's threads.
async fn read(
    snapshot: &Arc<Snapshot>,
    look: impl FnOnce(&Snapshot) -> Snapshot + Send + 'static,
) -> Arc<Snapshot> {
    let before = Arc::clone(snapshot);
    let reading = tokio::task::spawn_blocking(move || look(&before));
    match reading.await {
        Ok(read) => Arc::new(read),
        Err(_) => Arc::clone(snapshot),
    }
}

impl Controller {
    async fn run(
        mut self,
        mut batches: mpsc::Receiver<Batch>,
        mut asked: mpsc::UnboundedReceiver<(Ask, Answer)>,
    ) {
        loop {
            tokio::select! {
                batch = batches.recv() => match batch {
                    Some(batch) => self.take_batch(batch).await,
                    None => return,
                },
                ask = asked.recv() => match ask {
                    Some((ask, answer)) => {
                        let result = self.obey(ask).await;
                        // Whoever asked may have gone.
                        let _told = answer.send(result).is_ok();
                    }
                    None => return,
                },
            }
            self.show();
        }
    }

    fn show(&self) {
        self.view.send_modify(|view| {
            view.enabled = self.enabled;
            view.pending = self.pending.iter().map(ModuleId::path).collect();
            view.modules = self.snapshot.modules.len();
            view.limit = self.watcher.limit();
        });
    }

    /// The start: every cog for itself.
    async fn load_all(&mut self) {
        let began = Instant::now();
        let mut plan = plan([], self.snapshot.as_ref());
        for cog in &mut plan.cogs {
            cog.holds_back = false;
        }
        self.carry_out(&plan, Trigger::Start, Vec::new(), began, "start")
            .await;
        self.show();
    }

    async fn take_batch(&mut self, batch: Batch) {
        let _busy = self.cogs.services.activity.begin();
        let began = Instant::now();
        let snapshot = read(&self.snapshot, move |before| batch.apply(before)).await;
        let unsettled = snapshot.unsettled();
        if !unsettled.is_empty() {
            self.watcher.look_again(unsettled);
        }
        let changed = diff(&self.snapshot, &snapshot);
        self.snapshot = snapshot;
        self.pending.extend(changed);
        let config = self.cogs.services.config.load();
        let automatic = self.enabled && config.hot_reload.auto_reload_cogs;
        drop(config);
        if automatic {
            self.catch_up(Trigger::Files, began).await;
        } else if !self.pending.is_empty() {
            self.report_pending(began);
        } else {
            self.report_tree_problems(began);
        }
    }

    /// Takes everything that has changed since the last plan.
    async fn catch_up(&mut self, trigger: Trigger, began: Instant) -> Option<Arc<Report>> {
        let changed = std::mem::take(&mut self.pending);
        self.refresh_graph();
        let mut plan = plan_changed(&self.graph, &changed, self.snapshot.as_ref());
        plan.cogs.retain(|cog| !self.unloaded.contains(&cog.name));
        let files: Vec<_> = changed.iter().map(ModuleId::path).collect();
        let mended = self.mended(&plan, &changed);
        if plan.is_empty() && mended.is_empty() {
            return self.report_tree_problems(began);
        }
        let report = self.carry_out(&plan, trigger, files, began, "reload").await;
        Some(report)
    }

    /// Failing cogs whose sources say again what they run.
    fn mended(&mut self, plan: &Plan, changed: &BTreeSet<ModuleId>) -> Vec<String> {
        let is_planned = |name: &str| plan.cogs.iter().any(|cog| cog.name == name);
        let mut mended = Vec::new();
        for cog in self.cogs.all() {
            let status = cog.status();
            let concerned = status.attempted.keys().any(|id| changed.contains(id));
            if status.failing && status.is_running() && concerned && !is_planned(&cog.name) {
                cog.update(|status| {
                    status.failing = false;
                    status.problem = None;
                    status.attempted.clear();
                });
                self.put(&cog);
                mended.push(cog.name.to_string());
            }
        }
        mended
    }

    /// Brings the graph up to date with requires that handlers have made since.
    fn refresh_graph(&mut self) {
        for name in self.cogs.services.take_changed_graphs() {
            if let Some(cog) = self.cogs.get(&name) {
                self.put(&cog);
            }
        }
    }

    fn put(&mut self, cog: &CogHandle) {
        self.graph.put(view_of(cog, &self.snapshot));
    }

    async fn carry_out(
        &mut self,
        plan: &Plan,
        trigger: Trigger,
        changed: Vec<String>,
        began: Instant,
        reason: &'static str,
    ) -> Arc<Report> {
        self.graph.begin(plan);
        let results = transaction::run(&self.cogs, plan, &self.snapshot, reason).await;
        let mut cogs = Vec::new();
        let mut problems = self.new_tree_problems();
        for (name, handle, result) in results {
            let outcome = self.conclude(plan, &name, &handle, result, &mut problems);
            let status = handle.status();
            cogs.push(CogReport {
                name,
                outcome,
                version: status.version,
                executed: match outcome {
                    CogOutcome::Loaded | CogOutcome::Reloaded => {
                        status.offer.executed.iter().map(ModuleId::dotted).collect()
                    }
                    _ => Vec::new(),
                },
            });
        }
        self.intents.send_if_modified(|intents| {
            let needed = self.cogs.routes().intents;
            std::mem::replace(intents, needed) != needed
        });
        self.report(trigger, changed, cogs, problems, began)
    }

    /// Notes how one cog came out, for the next plan and for the report.
    fn conclude(
        &mut self,
        plan: &Plan,
        name: &str,
        handle: &CogHandle,
        result: CogResult,
        problems: &mut Vec<Problem>,
    ) -> CogOutcome {
        match result {
            CogResult::Committed(..) => {
                self.put(handle);
                if handle.status().version == 1 {
                    CogOutcome::Loaded
                } else {
                    CogOutcome::Reloaded
                }
            }
            CogResult::Unloaded => {
                self.graph.remove(name);
                CogOutcome::Unloaded
            }
            CogResult::HeldBack => {
                if handle.status().is_running() {
                    CogOutcome::Kept
                } else {
                    self.put(handle);
                    CogOutcome::Waiting
                }
            }
            CogResult::Failed(failure) => {
                let stale = plan.cogs.iter().find(|cog| cog.name == name);
                let stale = stale.into_iter().flat_map(|cog| &cog.stale);
                let snapshot = &self.snapshot;
                let attempted: BTreeMap<_, _> = stale
                    .chain(failure.read.keys())
                    .chain(failure.edges.values().flatten())
                    .map(|id| (id.clone(), snapshot.hash(id)))
                    .collect();
                problems.push(failure.problem.clone());
                let running = handle.status().is_running();
                handle.update(|status| {
                    status.failing = true;
                    status.attempted = attempted;
                    status.problem = Some(failure.problem);
                    if !running {
                        status.edges = failure.edges;
                        status.loaded = failure.read;
                    }
                });
                self.put(handle);
                if running {
                    CogOutcome::Kept
                } else {
                    CogOutcome::Waiting
                }
            }
        }
    }

    fn report(
        &mut self,
        trigger: Trigger,
        changed: Vec<String>,
        cogs: Vec<CogReport>,
        problems: Vec<Problem>,
        began: Instant,
    ) -> Arc<Report> {
        let outcome = if problems.is_empty() {
            Outcome::Applied
        } else {
            Outcome::Failed
        };
        let report = Report {
            id: self.next_report,
            at: self.cogs.services.clock.unix(),
            trigger,
            changed,
            outcome,
            cogs,
            problems,
            took_ms: began.elapsed().as_secs_f64() * 1_000.0,
        };
        self.next_report += 1;
        if self.cogs.services.config.load().hot_reload.log_reloads {
            log(&report);
        }
        self.reports.add(report)
    }

    fn report_pending(&mut self, began: Instant) {
        let changed = self.pending.iter().map(ModuleId::path).collect();
        let report = Report {
            id: self.next_report,
            at: self.cogs.services.clock.unix(),
            trigger: Trigger::Files,
            changed,
            outcome: Outcome::Pending,
            cogs: Vec::new(),
            problems: Vec::new(),
            took_ms: began.elapsed().as_secs_f64() * 1_000.0,
        };
        self.next_report += 1;
        self.reports.add(report);
    }

    /// Problems of the tree itself (two files for one module, a link to outside) that are new.
    fn new_tree_problems(&mut self) -> Vec<Problem> {
        let now: Vec<_> = self
            .snapshot
            .problems
            .iter()
            .map(|it| it.message.clone())
            .collect();
        let before = std::mem::replace(&mut self.tree_problems, now);
        let problems = self.snapshot.problems.iter();
        let new = problems.filter(|problem| !before.contains(&problem.message));
        new.map(|problem: &sources::SourceProblem| Problem::from(problem))
            .collect()
    }

    fn report_tree_problems(&mut self, began: Instant) -> Option<Arc<Report>> {
        let had = !self.tree_problems.is_empty();
        let problems = self.new_tree_problems();
        let cleared = had && self.tree_problems.is_empty();
        if problems.is_empty() && !cleared {
            return None;
        }
        Some(self.report(Trigger::Files, Vec::new(), Vec::new(), problems, began))
    }

    async fn obey(&mut self, ask: Ask) -> Result<Option<Arc<Report>>, Refused> {
        let _busy = self.cogs.services.activity.begin();
        let began = Instant::now();
        self.refresh_graph();
        match ask {
            Ask::Toggle => {
                self.enabled = !self.enabled;
                if self.enabled && !self.pending.is_empty() {
                    return Ok(self.catch_up(Trigger::Command, began).await);
                }
                Ok(None)
            }
            Ask::Cog(name) => {
                let name = self.known(&name)?;
                self.unloaded.remove(&name);
                self.afresh([name], began, "reload").await
            }
            Ask::All => {
                let names: Vec<_> = self.snapshot.cogs().keys().cloned().collect();
                self.unloaded.clear();
                self.afresh(names, began, "reload").await
            }
            Ask::Load(name) => {
                let name = self.known(&name)?;
                if self
                    .cogs
                    .get(&name)
                    .is_some_and(|cog| cog.status().is_running())
                {
                    return Err(Refused::Loaded(name));
                }
                self.unloaded.remove(&name);
                self.afresh([name], began, "load").await
            }
            Ask::Unload(name) => self.unload(&name, began),
        }
    }

    /// A cog's name as it was typed, also with `cogs.` in front.
    fn known(&self, asked: &str) -> Result<String, Refused> {
        let name = asked.strip_prefix("cogs.").unwrap_or(asked);
        for candidate in [asked, name] {
            let known = self.snapshot.cogs().contains_key(candidate);
            if known || self.cogs.get(candidate).is_some() {
                return Ok(candidate.to_owned());
            }
        }
        let names = self.snapshot.cogs().keys().map(String::as_str);
        let nearest = crate::discord::nearest(name, names);
        let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
        Err(Refused::Unknown {
            name: shown,
            hint: nearest.map_or_else(String::new, |it| format!("; did you mean \"{it}\"?")),
        })
    }

    /// Builds cogs in fresh VMs from what the files say now; a cog that fails keeps what it has.
    async fn afresh(
        &mut self,
        names: impl IntoIterator<Item = String>,
        began: Instant,
        reason: &'static str,
    ) -> Result<Option<Arc<Report>>, Refused> {
        self.snapshot = read(&self.snapshot, Snapshot::rescan_all).await;
        let mut plan = Plan::default();
        for name in names {
            let view = self.graph.get(&name);
            if let Some(mut cog) = plan_afresh(view, &name, self.snapshot.as_ref()) {
                cog.holds_back = false;
                plan.cogs.push(cog);
            }
        }
        Ok(Some(
            self.carry_out(&plan, Trigger::Command, Vec::new(), began, reason)
                .await,
        ))
    }

    fn unload(&mut self, name: &str, began: Instant) -> Result<Option<Arc<Report>>, Refused> {
        let name = self.known(name)?;
        let Some(cog) = self.cogs.remove(&name) else {
            return Ok(None);
        };
        self.graph.remove(&name);
        self.unloaded.insert(name.clone());
        // Its handlers may go on for a while; nobody waits for them.
        let unloading = Arc::clone(&cog);
        tokio::spawn(async move { unloading.unload("unload").await });
        let cogs = vec![CogReport {
            name,
            outcome: CogOutcome::Unloaded,
            version: 0,
            executed: Vec::new(),
        }];
        Ok(Some(self.report(
            Trigger::Command,
            Vec::new(),
            cogs,
            Vec::new(),
            began,
        )))
    }
}

/// What the plan must know of a cog.
fn view_of(cog: &CogHandle, snapshot: &Snapshot) -> CogView {
    let status = cog.status();
    let (mut loaded, edges) = match &status.generation {
        Some(generation) => (generation.loaded(), generation.edges()),
        None => (status.loaded, status.edges),
    };
    let aliases = edges.values().flatten().filter(|id| id.is_alias());
    for alias in aliases.cloned().collect::<Vec<_>>() {
        if let Some(hash) = snapshot.hash(&alias) {
            loaded.insert(alias, hash);
        }
    }
    CogView {
        name: cog.name.to_string(),
        entry: status.entry,
        loaded,
        edges,
        state: if status.version > 0 {
            CogState::Running
        } else {
            CogState::Waiting
        },
        failing: status.failing,
        attempted: status.attempted,
    }
}

/// One line for what went well, and everything about what did not.
fn log(report: &Report) {
    let took_ms = (report.took_ms * 10.0).round() / 10.0;
    for cog in &report.cogs {
        match cog.outcome {
            CogOutcome::Loaded => {
                tracing::info!(cog = %cog.name, took_ms, "Cog loaded");
            }
            CogOutcome::Reloaded => {
                tracing::info!(cog = %cog.name, version = cog.version, took_ms, "Cog reloaded");
            }
            CogOutcome::Unloaded => tracing::info!(cog = %cog.name, "Cog unloaded"),
            CogOutcome::Kept => {
                tracing::warn!(cog = %cog.name, "Cog goes on with its old code");
            }
            CogOutcome::Waiting => {
                tracing::warn!(cog = %cog.name, "Cog waits for its file to be fixed");
            }
        }
    }
    for problem in &report.problems {
        tracing::error!("Reload failed: {}", render::problem(problem));
    }
}

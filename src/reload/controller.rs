//! Runs one reload after the other: what files and admins ask for becomes a plan, a transaction and a report.

mod configure;
mod log;

pub use configure::ConfigEdit;

use super::graph::{CogState, CogView, Graph};
use super::plan::{Action, Plan, is_up_to_date, plan, plan_afresh, plan_changed};
use super::report::{CogOutcome, CogReport, Outcome, Problem, Report, ReportLog, Trigger};
use super::sources;
use super::sources::{ContentHash, LUAURC, ModuleId, Rules, RulesError, Snapshot, diff};
use super::transaction::{self, Failure, Result as CogResult};
use super::watch::{Batch, WatchError, Watcher};
use crate::cogs::host::{CogHandle, Cogs};
use crate::cogs::live::Offer;
use crate::config::HotReload;
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
    /// Take the configuration that applies now, after an edit of config.json.
    Configure(ConfigEdit),
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
    /// It runs already.
    #[error("the cog \"{0}\" is loaded already; `!reload cog {0}` builds it afresh")]
    Loaded(String),
    /// The controller has ended.
    #[error("the bot is shutting down")]
    ShuttingDown,
}

/// Modules and aliases with what they said; nothing for what was not there.
type Seen = BTreeMap<ModuleId, Option<ContentHash>>;

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
    /// What is wrong with config.json as it was saved last; the configuration before that applies.
    pub config_problems: Vec<Problem>,
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
    /// The configuration as it was taken last.
    hot: HotReload,
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
            config_problems: Vec::new(),
        });
        let (intents, intents_receiver) = watch::channel(0);
        let (asks, asked) = mpsc::unbounded_channel();
        let mut controller = Controller {
            cogs,
            snapshot,
            graph: Graph::new(),
            watcher,
            hot: hot.clone(),
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
            view.pending = files(&self.pending);
            view.modules = self.snapshot.modules.len();
            view.limit = self.watcher.limit();
        });
        if self.pending.is_empty() {
            self.cogs
                .services
                .set_sources(Arc::clone(&self.snapshot) as _);
        }
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
        let is_news = !changed.is_empty();
        self.snapshot = snapshot;
        self.pending.extend(changed);
        if self.is_automatic() && !self.pending.is_empty() {
            self.catch_up(Trigger::Files, began).await;
        } else if is_news {
            self.report_pending(began);
        } else {
            self.report_tree_problems(Vec::new(), began);
        }
    }

    /// Whether changes are taken as they come.
    fn is_automatic(&self) -> bool {
        self.enabled && self.cogs.services.config.load().hot_reload.auto_reload_cogs
    }

    /// Takes everything that has changed since the last plan.
    async fn catch_up(&mut self, trigger: Trigger, began: Instant) -> Option<Arc<Report>> {
        let changed = std::mem::take(&mut self.pending);
        self.refresh_graph();
        let mut plan = plan_changed(&self.graph, &changed, self.snapshot.as_ref());
        plan.cogs.retain(|cog| !self.unloaded.contains(&cog.name));
        let files = files(&changed);
        let mended = self.mended(&changed);
        if plan.is_empty() && !mended {
            return self.report_tree_problems(files, began);
        }
        let report = self.carry_out(&plan, trigger, files, began, "reload").await;
        Some(report)
    }

    /// Forgets the failures of cogs whose sources say again what they run; whether there were any.
    fn mended(&mut self, changed: &BTreeSet<ModuleId>) -> bool {
        let mut mended = false;
        for cog in self.cogs.all() {
            let status = cog.status();
            let concerned = status.attempted.keys().any(|id| changed.contains(id));
            let view = self.graph.get(&cog.name);
            let is_back = view.is_some_and(|view| is_up_to_date(view, self.snapshot.as_ref()));
            if status.is_running() && concerned && is_back {
                mended |= status.failing;
                cog.update(|status| {
                    status.failing = false;
                    status.problem = None;
                    status.attempted.clear();
                });
                self.put(&cog);
            }
        }
        mended
    }

    /// Brings the graph up to date with requires that handlers have made since.
    fn refresh_graph(&mut self) {
        for name in self.cogs.services.take_changed_graphs() {
            if let Some(cog) = self.cogs.get(&name) {
                self.put(&cog);
                // What a handler required may have changed before it was known to be of interest.
                self.graph.doubt(&name);
            }
        }
    }

    fn put(&mut self, cog: &CogHandle) {
        self.graph.put(view_of(cog));
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
        let blamed = self.blamed(plan, &results);
        for (name, handle, result) in results {
            let outcome = match result {
                CogResult::HeldBack(offer) => self.hold_back(plan, &handle, &offer, &blamed),
                result => self.conclude(plan, &name, &handle, result, &mut problems),
            };
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
        self.ask_for_intents();
        self.report(trigger, changed, cogs, problems, began)
    }

    fn ask_for_intents(&self) {
        self.intents.send_if_modified(|intents| {
            let needed = self.cogs.routes().intents;
            std::mem::replace(intents, needed) != needed
        });
    }

    /// What a cog's attempt has seen: it is not repeated as long as all of it is the same.
    fn attempted<'a>(
        &self,
        plan: &'a Plan,
        name: &str,
        modules: impl IntoIterator<Item = &'a ModuleId>,
    ) -> Seen {
        let stale = plan.cogs.iter().find(|cog| cog.name == name);
        let stale = stale.into_iter().flat_map(|cog| &cog.stale);
        let seen = stale.chain(modules);
        seen.map(|id| (id.clone(), self.snapshot.hash(id)))
            .collect()
    }

    fn attempted_in(&self, plan: &Plan, name: &str, failure: &Failure) -> Seen {
        let read = failure.read.keys().chain(failure.others.keys());
        let modules = read.chain(failure.edges.values().flatten());
        let modules: Vec<_> = modules.cloned().collect();
        let mut seen = self.attempted(plan, name, []);
        seen.extend(modules.into_iter().map(|id| {
            let hash = self.snapshot.hash(&id);
            (id, hash)
        }));
        seen
    }

    /// What the cogs saw that could not take the new code.
    fn blamed(&self, plan: &Plan, results: &[(String, Arc<CogHandle>, CogResult)]) -> Seen {
        let failed = results.iter().filter_map(|(name, _, result)| match result {
            CogResult::Failed(failure) => Some(self.attempted_in(plan, name, failure)),
            _ => None,
        });
        failed.flatten().collect()
    }

    /// Notes that a sibling held a cog back: it is tried again when one of the two says something else.
    fn hold_back(
        &mut self,
        plan: &Plan,
        handle: &CogHandle,
        offer: &Offer,
        blamed: &Seen,
    ) -> CogOutcome {
        let generation = offer.generation.as_ref();
        let loaded = generation.map(|it| it.loaded()).unwrap_or_default();
        let edges = generation.map(|it| it.edges()).unwrap_or_default();
        let aliases = generation.map(|it| it.aliases()).unwrap_or_default();
        let mut attempted = self.attempted(plan, &handle.name, []);
        let seen = loaded.iter().chain(&aliases);
        attempted.extend(seen.map(|(id, hash)| (id.clone(), Some(*hash))));
        attempted.extend(blamed.clone());
        let running = handle.status().is_running();
        handle.update(|status| {
            status.attempted = attempted;
            if !running {
                status.edges = edges;
                status.loaded = loaded;
                status.loaded.extend(aliases);
            }
        });
        self.put(handle);
        self.graph.doubt(&handle.name);
        if running {
            CogOutcome::Kept
        } else {
            CogOutcome::Waiting
        }
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
            CogResult::HeldBack(_) => CogOutcome::Kept,
            CogResult::Failed(failure) => {
                let attempted = self.attempted_in(plan, name, &failure);
                problems.push(failure.problem.clone());
                let running = handle.status().is_running();
                let aliases = failure.edges.values().flatten().filter(|id| id.is_alias());
                let aliases: BTreeMap<_, _> = aliases
                    .filter_map(|id| Some((id.clone(), self.snapshot.hash(id)?)))
                    .collect();
                handle.update(|status| {
                    status.failing = true;
                    status.attempted = attempted;
                    status.problem = Some(failure.problem);
                    if !running {
                        status.edges = failure.edges;
                        status.loaded = failure.read;
                        status.loaded.extend(aliases);
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
        let report = self.made(trigger, changed, cogs, problems, began);
        let everything = self.cogs.services.config.load().hot_reload.log_reloads;
        log::report(&report, everything);
        self.reports.add(report)
    }

    /// A report that nobody has been told of yet.
    fn made(
        &mut self,
        trigger: Trigger,
        changed: Vec<String>,
        cogs: Vec<CogReport>,
        problems: Vec<Problem>,
        began: Instant,
    ) -> Report {
        let outcome = if problems.is_empty() {
            Outcome::Applied
        } else {
            Outcome::Failed
        };
        let id = self.next_report;
        self.next_report += 1;
        Report {
            id,
            at: self.cogs.services.clock.unix(),
            trigger,
            changed,
            outcome,
            cogs,
            problems,
            took_ms: began.elapsed().as_secs_f64() * 1_000.0,
        }
    }

    fn report_pending(&mut self, began: Instant) {
        let changed = files(&self.pending);
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

    fn report_tree_problems(
        &mut self,
        changed: Vec<String>,
        began: Instant,
    ) -> Option<Arc<Report>> {
        let had = !self.tree_problems.is_empty();
        let problems = self.new_tree_problems();
        let cleared = had && self.tree_problems.is_empty();
        if problems.is_empty() && !cleared {
            return None;
        }
        Some(self.report(Trigger::Files, changed, Vec::new(), problems, began))
    }

    async fn obey(&mut self, ask: Ask) -> Result<Option<Arc<Report>>, Refused> {
        let _busy = self.cogs.services.activity.begin();
        let began = Instant::now();
        self.refresh_graph();
        match ask {
            Ask::Toggle => {
                self.enabled = !self.enabled;
                if self.is_automatic() && !self.pending.is_empty() {
                    return Ok(self.catch_up(Trigger::Command, began).await);
                }
                Ok(None)
            }
            Ask::Cog(name) => {
                let name = self.known(&name)?;
                self.unloaded.remove(&name);
                Ok(Some(self.afresh(name, began).await))
            }
            Ask::All => Ok(Some(self.reload_all(began).await)),
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
                Ok(Some(self.afresh(name, began).await))
            }
            Ask::Unload(name) => self.unload(&name, began),
            Ask::Configure(edit) => Ok(Some(self.configure(edit, began).await)),
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
            near: nearest.map(str::to_owned),
        })
    }

    /// Looks at all files now. What changed and is not taken with this request is taken with the next batch.
    async fn look_at_files(&mut self) {
        let snapshot = read(&self.snapshot, Snapshot::rescan_all).await;
        self.pending.extend(diff(&self.snapshot, &snapshot));
        self.snapshot = snapshot;
    }

    /// Builds all cogs in fresh VMs and takes what is pending; a cog that fails keeps what it has.
    async fn reload_all(&mut self, began: Instant) -> Arc<Report> {
        self.unloaded.clear();
        self.look_at_files().await;
        let changed = std::mem::take(&mut self.pending);
        let mut plan = plan_changed(&self.graph, &changed, self.snapshot.as_ref());
        let names = self.snapshot.cogs().keys();
        plan.cogs.retain(|cog| cog.action == Action::Unload);
        plan.cogs
            .extend(names.filter_map(|name| {
                plan_afresh(self.graph.get(name), name, self.snapshot.as_ref())
            }));
        for cog in &mut plan.cogs {
            cog.holds_back = false;
        }
        self.carry_out(&plan, Trigger::Command, files(&changed), began, "reload")
            .await
    }

    /// Builds a cog in a fresh VM from what the files say now; if it fails it keeps what it has.
    async fn afresh(&mut self, name: String, began: Instant) -> Arc<Report> {
        self.look_at_files().await;
        let view = self.graph.get(&name);
        let Some(mut cog) = plan_afresh(view, &name, self.snapshot.as_ref()) else {
            let problems = self.held_problems(&name);
            return self.report(Trigger::Command, Vec::new(), Vec::new(), problems, began);
        };
        cog.holds_back = false;
        let plan = Plan { cogs: vec![cog] };
        let report = self
            .carry_out(&plan, Trigger::Command, Vec::new(), began, "reload")
            .await;
        self.forget_taken();
        report
    }

    /// Why a cog's own file cannot be taken.
    fn held_problems(&self, name: &str) -> Vec<Problem> {
        let entry = self.cogs.get(name).map(|cog| cog.status().entry);
        let is_meant = |problem: &&sources::SourceProblem| {
            entry
                .as_ref()
                .is_some_and(|entry| problem.modules.contains(entry))
        };
        let problems = self.snapshot.problems.iter().filter(is_meant);
        problems.map(Problem::from).collect()
    }

    /// Takes off the list what no cog waits for any more.
    fn forget_taken(&mut self) {
        let mut plan = plan_changed(&self.graph, &self.pending, self.snapshot.as_ref());
        plan.cogs.retain(|cog| !self.unloaded.contains(&cog.name));
        let failing = self.cogs.all().into_iter().map(|cog| cog.status());
        let seen: BTreeSet<ModuleId> = failing
            .flat_map(|status| status.attempted.into_keys())
            .collect();
        let waited: BTreeSet<&ModuleId> = plan.cogs.iter().flat_map(|cog| &cog.stale).collect();
        self.pending
            .retain(|id| waited.contains(id) || seen.contains(id));
    }

    fn unload(&mut self, name: &str, began: Instant) -> Result<Option<Arc<Report>>, Refused> {
        let name = self.known(name)?;
        let Some(cog) = self.cogs.remove(&name) else {
            return Ok(None);
        };
        self.graph.remove(&name);
        self.unloaded.insert(name.clone());
        self.ask_for_intents();
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

/// The files of these modules, none twice.
fn files(modules: &BTreeSet<ModuleId>) -> Vec<String> {
    let path = |id: &ModuleId| {
        if id.is_alias() {
            format!("lua/{LUAURC}")
        } else {
            id.path()
        }
    };
    let paths: BTreeSet<String> = modules.iter().map(path).collect();
    paths.into_iter().collect()
}

/// What the plan must know of a cog.
fn view_of(cog: &CogHandle) -> CogView {
    let status = cog.status();
    let (loaded, edges) = match &status.generation {
        Some(generation) => {
            let mut loaded = generation.loaded();
            loaded.extend(generation.aliases());
            (loaded, generation.edges())
        }
        None => (status.loaded, status.edges),
    };
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

//! The specs of a project: which there are, and one of them run.

use super::coverage_report;
use super::files::{Files, name_of};
use super::module::{Book, It, RunningTest, module};
use super::snapshots::{SnapshotMode, Snapshots};
use super::world::TestWorld;
use crate::activity::Activity;
use crate::config::Config;
use crate::error::StartError;
use crate::lock::lock;
use crate::problem::Problem;
use crate::vm::build::{Vm, VmLimits};
use crate::vm::coverage::Coverage;
use crate::vm::generation::{Generation, Snapshot};
use crate::vm::host::{Host, HostModules};
use crate::vm::require;
use crate::vm::resolve::ModuleId;
use crate::vm::run::Run;
use crate::vm::trace::Fault;
use mlua::{MultiValue, Value};
use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the code of a spec may use: it is the tester's own.
const MEMORY: usize = 512 << 20;
const CPU: Duration = Duration::from_secs(10);
/// How long one test may take, in real time.
const LONGEST_TEST: Duration = Duration::from_secs(120);
/// What calls Luau and is called by it uses much of the C stack.
const STACK: usize = 8 << 20;

/// How specs are run.
#[derive(Clone, Copy, Debug)]
pub struct RunOptions {
    /// What becomes of snapshots that are missing or differ.
    pub snapshots: SnapshotMode,
    /// Whether it is counted which lines of cogs run.
    pub coverage: bool,
}

/// The tests of a project.
#[derive(Debug)]
pub struct Specs {
    /// In the order in which they are written.
    pub cases: Vec<Case>,
    suite: Arc<Suite>,
}

/// One test: an `it` of a file, or a file that cannot be loaded.
#[derive(Clone)]
pub struct Case {
    /// The file's name, its `describe`s and its own: `leveling: rank: starts at level 0`.
    pub name: String,
    /// The file below the project: `spec/leveling_spec.luau`.
    pub file: String,
    suite: Arc<Suite>,
    spec: ModuleId,
    /// Which of the file's tests it is, or why there are none.
    which: Result<usize, String>,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.name)
    }
}

#[derive(Debug)]
struct Suite {
    files: Arc<Files>,
    snapshots: Arc<Snapshots>,
    /// Those of the bots of all tests so far, if lines are counted.
    coverage: Option<Mutex<Vec<Arc<Coverage>>>>,
}

/// How a test has ended.
#[derive(Debug)]
pub struct Ended {
    /// Whether it has met its expectations.
    pub result: Result<(), CaseFailure>,
    /// The files that it has used, by their paths below the project; nothing if that is not known, as for a bot that could not
    /// start.
    pub files: Option<BTreeSet<String>>,
}

/// Which lines the specs have run.
#[derive(Clone, Debug)]
pub struct CoverageReport {
    /// For people.
    pub table: String,
    /// For other programs, in the form of `lcov`.
    pub lcov: String,
}

/// Why a test has failed, told with what happened.
#[derive(Clone, Debug)]
pub struct CaseFailure {
    /// What went wrong, with its place and source lines.
    pub message: String,
    /// The last events and requests, one a line; empty if the bot never ran.
    pub transcript: String,
}

impl std::fmt::Display for CaseFailure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.message)?;
        if self.transcript.is_empty() {
            return Ok(());
        }
        write!(formatter, "\nWhat happened, the newest last:")?;
        self.transcript
            .lines()
            .try_for_each(|line| write!(formatter, "\n  {line}"))
    }
}

impl From<String> for CaseFailure {
    fn from(message: String) -> Self {
        Self {
            message,
            transcript: String::new(),
        }
    }
}

/// Finds all tests below `spec/`, for a run that writes nothing.
pub fn cases(config: &Config) -> Result<Vec<Case>, StartError> {
    let options = RunOptions {
        snapshots: SnapshotMode::Refuse,
        coverage: false,
    };
    Ok(Specs::find(config, options)?.cases)
}

impl Specs {
    /// Finds all tests below `spec/`, in the order in which they are written.
    pub fn find(config: &Config, options: RunOptions) -> Result<Self, StartError> {
        let files = Files::read(config).map_err(|error| StartError::System(error.to_string()))?;
        let suite = Arc::new(Suite {
            files: Arc::new(files),
            snapshots: Arc::new(Snapshots::new(options.snapshots, &config.root)),
            coverage: options.coverage.then(Mutex::default),
        });
        let mut cases = Vec::new();
        for spec in suite.files.specs() {
            let case = |name: String, which| Case {
                name,
                file: spec_path(&suite.files, spec),
                suite: Arc::clone(&suite),
                spec: spec.clone(),
                which,
            };
            let file = name_of(spec);
            match suite.load(spec) {
                Ok(loaded) => {
                    let its = loaded.book.its().into_iter().enumerate();
                    cases.extend(its.map(|(at, it)| case(format!("{file}: {}", it.name), Ok(at))));
                }
                Err(problem) => cases.push(case(format!("{file}: loads"), Err(problem))),
            }
        }
        Ok(Self { cases, suite })
    }

    /// Writes new snapshots, when all tests have ended. `passed` are those that have. Returns what there is to tell.
    pub fn finish(&self, passed: &[Case]) -> io::Result<Vec<String>> {
        let of_file =
            |cases: &[Case], file: &str| cases.iter().filter(|it| it.file == file).count();
        let specs: BTreeSet<String> = self.cases.iter().map(|case| case.file.clone()).collect();
        let complete = specs
            .iter()
            .filter(|file| of_file(passed, file) == of_file(&self.cases, file));
        let complete: BTreeSet<String> = complete.cloned().collect();
        let mut told = self.suite.snapshots.finish(&complete)?;
        told.extend(self.suite.snapshots.orphans(&specs)?);
        Ok(told)
    }

    /// Which lines have been run, if that was counted. With `only_loaded`, files that no test has loaded are left out.
    pub fn coverage(&self, only_loaded: bool) -> Option<CoverageReport> {
        let files = &self.suite.files;
        let coverage = lock(self.suite.coverage.as_ref()?);
        let counts = coverage_report::counts(&coverage, files, only_loaded);
        Some(CoverageReport {
            table: coverage_report::table(&counts, files),
            lcov: coverage_report::lcov(&counts),
        })
    }
}

fn spec_path(files: &Files, spec: &ModuleId) -> String {
    use crate::vm::resolve::Modules;
    files
        .source(spec)
        .map_or_else(String::new, |source| source.path.to_string())
}

/// The files that a test has used, once they are known.
type Used = Mutex<Option<BTreeSet<String>>>;

/// A spec's file in a VM of its own.
struct Loaded {
    vm: Vm,
    generation: Arc<Generation>,
    book: Arc<Book>,
}

impl Suite {
    /// Runs the top level of a file; the error says what is wrong with it.
    fn load(&self, spec: &ModuleId) -> Result<Loaded, String> {
        let book = Arc::new(Book::default());
        let limits = VmLimits {
            memory: MEMORY,
            cpu: CPU,
            cpu_per_minute: Duration::MAX,
            ..VmLimits::default()
        };
        let vm = Vm::build(limits, Box::new(|| None), |_, host| {
            Ok(modules(host, &book))
        })
        .map_err(|error| format!("the spec's VM cannot be built: {error}"))?;
        let snapshot: Snapshot = Arc::clone(&self.files) as Snapshot;
        let generation = require::prepare(&vm, &snapshot, spec, 1, None)
            .map_err(|failure| self.told(&failure.fault))?;
        Ok(Loaded {
            vm,
            generation,
            book,
        })
    }

    /// A fault with its place, its source lines and the calls that led there.
    fn told(&self, fault: &Fault) -> String {
        let problem = fault.problem("", &|file| self.files.text(file));
        let problem = Problem {
            cog: None,
            ..problem
        };
        problem.to_string()
    }
}

/// The modules of a spec's VM.
fn modules(host: &Host, book: &Arc<Book>) -> HostModules {
    let (host, book) = (host.clone(), Arc::clone(book));
    let of_json = host.clone();
    HostModules::default()
        .with("json", move |lua| crate::api::json::module(lua, &of_json))
        .with("spec", move |lua| module(lua, &host, &book))
}

impl Case {
    /// Runs the test in a world of its own. Blocks; not to be called from asynchronous code.
    pub fn run(&self) -> Result<(), CaseFailure> {
        self.run_and_look().result
    }

    /// The same, and looks which files were used.
    pub fn run_and_look(&self) -> Ended {
        let used = Arc::default();
        let result = self.run_noting(&used);
        let mut files = lock(&used).take();
        if let Some(files) = &mut files {
            files.insert(self.file.clone());
        }
        Ended { result, files }
    }

    fn run_noting(&self, used: &Arc<Used>) -> Result<(), CaseFailure> {
        let index = self.which.clone().map_err(CaseFailure::from)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_stack_size(STACK)
            .enable_all()
            .build()
            .map_err(|error| format!("no threads can be started: {error}"))?;
        let (case, used) = (self.clone(), Arc::clone(used));
        let test = runtime.spawn(async move {
            let limit = tokio::time::timeout(LONGEST_TEST, case.perform(index, &used));
            limit.await.unwrap_or_else(|_| {
                let seconds = LONGEST_TEST.as_secs();
                Err(format!("the test has not ended within {seconds} s").into())
            })
        });
        let result = runtime.block_on(test);
        runtime.shutdown_background();
        result.unwrap_or_else(|error| Err(format!("the test was aborted: {error}").into()))
    }

    async fn perform(&self, index: usize, used: &Used) -> Result<(), CaseFailure> {
        let suite = &self.suite;
        let loaded = suite.load(&self.spec)?;
        let it = loaded.book.its().into_iter().nth(index);
        let it = it.ok_or_else(|| "the file has changed meanwhile".to_owned())?;
        // Each bot has its own: what is collected of one is not counted any further.
        let coverage: Option<Arc<Coverage>> = suite.coverage.as_ref().map(|all| {
            let own = Arc::default();
            lock(all).push(Arc::clone(&own));
            own
        });
        let world = TestWorld::start(&suite.files, &loaded.book.cogs(), coverage.clone()).await?;
        let world = Arc::new(world);
        let named = (self.file.as_str(), it.name.as_str());
        let test = RunningTest::new(&world, &suite.snapshots, named);
        loaded.book.enter(test);
        loaded.generation.go_live();
        let result = self.call(&loaded, &it).await;
        let result = match result {
            Ok(()) => aftermath(&world).await,
            Err(fault) => {
                let mut message = suite.told(&fault);
                if let Some(difference) = loaded.book.difference() {
                    message = format!("{message}\n{difference}");
                }
                // What went wrong in a cog is often why an expectation was not met.
                if let Err(cause) = aftermath(&world).await {
                    message = format!("{message}\n{cause}");
                }
                Err(message)
            }
        };
        let mut files = world.loaded().await;
        let own = loaded.generation.loaded().into_keys();
        files.extend(own.map(|id| spec_path(&suite.files, &id)));
        *lock(used) = Some(files);
        if let Some(coverage) = coverage {
            coverage.collect();
        }
        result.map_err(|message| CaseFailure {
            message,
            transcript: world.sim.transcript(),
        })
    }

    async fn call(&self, loaded: &Loaded, it: &It) -> Result<(), Fault> {
        let Some(runner) = loaded.book.runner() else {
            return Err(Fault::Panic);
        };
        // The spec's own code never keeps the bot from settling.
        let run = Run::new(&Activity::new());
        let functions = std::iter::once(&it.function).chain(&it.before_each);
        let arguments: MultiValue = functions.cloned().map(Value::Function).collect();
        let running = loaded.vm.run(&loaded.generation, &run, runner, arguments);
        running.await.map(drop)
    }
}

/// What fails a test that has met all of its expectations.
async fn aftermath(world: &TestWorld) -> Result<(), String> {
    world.settle().await?;
    let faults = world.take_faults().await;
    if !faults.is_empty() {
        let told: Vec<_> = faults.iter().map(ToString::to_string).collect();
        return Err(format!("a handler failed: {}", told.join("\n")));
    }
    let missing = world.sim.unimplemented_routes();
    if missing.is_empty() {
        return Ok(());
    }
    let missing = missing.join(", ");
    Err(format!(
        "the simulator does not have these operations of Discord's: {missing}"
    ))
}

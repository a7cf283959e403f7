//! The bot that runs the programs, and what must be true of it after each of them.

use crate::support::{PATIENCE, Stage, answering, holds, setup, write};
use cogsmith::api::context::CogContext;
use cogsmith::discord::operations;
use cogsmith::reload::report::Outcome;
use cogsmith::sim::Id;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, Once};
use tokio::runtime::Runtime;

const PRELUDE: &str = include_str!("prelude.luau");
const PROBE: &str = include_str!("probe.luau");

/// Small limits, so that programs come to them.
const CONFIG: &str = r#"{
    "limits": { "cpu_ms": 20, "memory_mb": 8, "state_mb": 1, "handler_seconds": 1, "discord_calls_per_10s": 2000, "cpu_seconds_per_minute": 3600, "faults_per_10min": 1000000 },
    "hot_reload": { "reload_delay": 0.001, "log_reloads": false }
}"#;

/// A world and a bot serve for so many cases.
const CASES_A_STAGE: usize = 50;

/// Panics of the bot's threads.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

thread_local! {
    /// Whether this thread is a test's own: its panics are failed assertions.
    static IS_OURS: Cell<bool> = const { Cell::new(false) };
}

fn watch_panics() {
    static WATCHED: Once = Once::new();
    IS_OURS.set(true);
    WATCHED.call_once(|| {
        let former = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !IS_OURS.get() {
                PANICS.lock().unwrap().push(panic.to_string());
            }
            former(panic);
        }));
    });
}

/// One cog whose programs are generated.
pub struct Case {
    /// Run at the top level and in `cog.on_load`: here most of it fails.
    pub loading: Vec<String>,
    /// Run in handlers, side by side.
    pub handling: Vec<String>,
}

impl Case {
    fn source(&self, cog: &str, number: usize) -> String {
        let capabilities: BTreeSet<_> = operations()
            .filter(|it| it.open_to_cogs())
            .map(|it| format!("\"{}\"", it.capability))
            .collect();
        let capabilities = capabilities.into_iter().collect::<Vec<_>>().join(", ");
        let mut source = format!("-- {number}\n{PRELUDE}")
            .replace("CAPABILITIES", &capabilities)
            .replace("COG", &format!("\"{cog}\""));
        for (number, program) in self.handling.iter().enumerate() {
            let name = format!("{cog}-{number}");
            write!(
                source,
                "\nhandler(\"{name}\", function(ctx)\n{program}end)\n"
            )
            .unwrap();
        }
        for (number, program) in self.loading.iter().enumerate() {
            let body = format!("function()\nlocal ctx = nil\n{program}end");
            if number == 0 {
                writeln!(source, "\n;({body})()").unwrap();
            } else {
                writeln!(source, "\ncog.on_load({body})").unwrap();
            }
        }
        source
    }
}

/// Runs cases, with a fresh bot from time to time.
pub struct Host {
    runtime: Runtime,
    stage: Option<Stage>,
    name: &'static str,
    cases: usize,
    /// Programs that were run in handlers, and at loading.
    programs: usize,
}

impl Host {
    pub fn new(name: &'static str) -> Self {
        Self {
            runtime: Runtime::new().unwrap(),
            stage: None,
            name,
            cases: 0,
            programs: 0,
        }
    }

    /// The paths of all functions, as the probe finds them.
    pub fn functions(&mut self) -> String {
        let stage = self
            .runtime
            .block_on(setup(&[("cogs/probe.luau", PROBE)]).start());
        let answers = self.runtime.block_on(stage.says("owner", "!probe"));
        self.runtime.block_on(stage.stop());
        let texts = answers.iter().map(|it| it["content"].as_str().unwrap());
        texts.collect::<Vec<_>>().join(" ")
    }

    /// Runs one case and looks at everything that must be true afterwards.
    pub fn run(&mut self, case: &Case) {
        watch_panics();
        self.cases += 1;
        self.programs += case.handling.len() + case.loading.len();
        if self.cases.is_multiple_of(CASES_A_STAGE) {
            self.finish();
        }
        let Self { runtime, stage, .. } = self;
        runtime.block_on(async {
            let mut on_stage = match stage.take() {
                Some(stage) => stage,
                None => start().await,
            };
            run(&mut on_stage, case, self.name, self.cases).await;
            *stage = Some(on_stage);
        });
    }

    /// Ends the bot: what its cogs held must come back.
    pub fn finish(&mut self) {
        if let Some(stage) = self.stage.take() {
            self.runtime.block_on(finish(stage));
        }
    }

    /// How many programs were run.
    pub fn programs(&self) -> usize {
        self.programs
    }
}

async fn start() -> Stage {
    let stage = setup(&[
        ("cogs/other.luau", &answering("other", "well")),
        ("cogs/loading.luau", "return nil"),
        ("cogs/handling.luau", "return nil"),
    ])
    .config(CONFIG)
    .start()
    .await;
    stage.sim.add_guild("Control", stage.sim.owner()).unwrap();
    settled(&stage).await;
    stage
}

/// Returns when the bot has done all that it has to do, which may be a thousand tasks with nothing but an endless
/// loop in each.
async fn settled(stage: &Stage) {
    let settled = stage.bot.settled(&stage.sim);
    assert!(
        tokio::time::timeout(15 * PATIENCE, settled).await.is_ok(),
        "the bot does not settle: {} under way\n{}",
        stage.bot.services.activity.count(),
        stage.sim.transcript()
    );
}

/// The guild that no program knows of, and its channel: whatever becomes of the others, here the bot answers.
fn control(stage: &Stage) -> Id {
    let world = stage.sim.world();
    let guilds = world["guilds"].as_array().unwrap();
    let guild = guilds.iter().find(|it| it["name"] == "Control").unwrap();
    let channels = guild["channels"].as_array().unwrap();
    channels[0]["id"].as_str().unwrap().parse().unwrap()
}

/// Where the programs are: a new channel when one of them has deleted the last.
fn field(stage: &Stage) -> Id {
    let channel = stage.sim.channel("fuzz");
    channel.unwrap_or_else(|| stage.sim.add_channel(stage.sim.guild(), "fuzz", 0).unwrap())
}

async fn run(stage: &mut Stage, case: &Case, name: &str, number: usize) {
    let seen = stage.bot.services.faults.count();
    let loading = Case {
        loading: case.loading.clone(),
        handling: Vec::new(),
    };
    let handling = Case {
        loading: Vec::new(),
        handling: case.handling.clone(),
    };
    for (cog, case) in [("loading", loading), ("handling", handling)] {
        let source = case.source(cog, number);
        // If the process dies of it, it is still there.
        write(&last(name, cog), &source);
        save(stage, cog, &source);
        let report = stage.report().await;
        assert_eq!(report.cogs.len(), 1, "{report:#?}\n{source}");
        let told = report.problems.first().map(|it| it.message.as_str());
        let is_full = told.is_some_and(|it| it.contains("limits.memory_mb"));
        assert!(
            cog == "loading" || is_full || report.outcome == Outcome::Applied,
            "{report:#?}\n{source}"
        );
        if is_full {
            // The former programs still hold what they have; a fresh VM knows nothing of them.
            ask(stage, &format!("!reload cog {cog}")).await;
            while !stage.no_report() {
                stage.report().await;
            }
        }
        for problem in &report.problems {
            assert!(is_told(&problem.message), "{problem:#?}\n{source}");
        }
        let channel = field(stage);
        for program in 0..case.handling.len() {
            say(stage, channel, &format!("!{cog}-{program}"));
        }
        settled(stage).await;
        for fault in stage.bot.services.faults.since(seen) {
            assert!(is_told(&fault.message), "{fault:#?}\n{source}");
        }
        let panics = std::mem::take(&mut *PANICS.lock().unwrap());
        assert!(panics.is_empty(), "{panics:#?}\n{source}");
        let verdict = ask(stage, &format!("!{cog}-verdict")).await;
        let is_fine = match &verdict {
            Some(text) => text.starts_with("fine") || text.contains("The log has the rest"),
            // The old version has no such command when the first one of all failed.
            None => report.outcome == Outcome::Failed,
        };
        assert!(is_fine, "{verdict:?}\n{source}");
        let well = ask(stage, "!other").await;
        let transcript = stage.sim.transcript();
        assert_eq!(
            well.as_deref(),
            Some("well"),
            "after\n{source}\n{transcript}"
        );
    }
}

/// Whether an author can read what went wrong, and it was not the host.
fn is_told(message: &str) -> bool {
    !message.trim().is_empty() && !message.contains("the host failed")
}

/// The file that keeps what runs now.
fn last(name: &str, cog: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{cog}.luau"))
}

/// As editors do it: so there is exactly one report.
fn save(stage: &Stage, cog: &str, source: &str) {
    let (path, beside) = (
        stage.path(&format!("cogs/{cog}.luau")),
        stage.path(&format!("cogs/{cog}.tmp")),
    );
    write(&beside, source);
    std::fs::rename(beside, path).unwrap();
}

fn say(stage: &Stage, channel: Id, text: &str) {
    stage.sim.say(stage.sim.owner(), channel, text).unwrap();
}

/// The first answer in the control channel.
async fn ask(stage: &Stage, text: &str) -> Option<String> {
    let channel = control(stage);
    let before = stage.sim.message_count(channel);
    say(stage, channel, text);
    settled(stage).await;
    let answers = stage.written_since(channel, before + 1);
    let answer = answers.first()?;
    Some(answer["content"].as_str().unwrap().to_owned())
}

/// Unloads the cogs and waits until nothing refers to them any more: their VMs are gone then.
async fn finish(stage: Stage) {
    let of = |cog: &str| Arc::clone(&stage.bot.cogs.get(cog).unwrap().context);
    let contexts = ["loading", "handling"].map(of);
    for cog in ["loading", "handling"] {
        let said = ask(&stage, &format!("!unload {cog}")).await;
        assert!(said.is_some(), "no answer to !unload {cog}");
    }
    for context in contexts {
        let counts = || (Arc::strong_count(&context), bytes(&context));
        let is_gone = holds(|| counts() == (1, (0, 0))).await;
        assert!(is_gone, "{} is still there: {:?}", context.name, counts());
    }
    stage.stop().await;
}

fn bytes(context: &CogContext) -> (usize, usize) {
    (context.object_bytes(), context.request_bytes())
}

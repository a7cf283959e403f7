//! Hostile cogs. Each file in the folders of `tests/hostile/` is one, and its first line says what must happen
//! (see `support/script.rs`). Whatever it is, afterwards another cog goes on, the bot has told no secret,
//! the host has not failed, the hostile cog can be replaced, and nothing that it made is left.
//!
//! ```text
//! main (a child with a secret in its environment) ─ attacks (the files) ─ Attack::run ─ play ─ what must hold after it
//! ```

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

#[path = "support/script.rs"]
mod script;
mod support;

use cogsmith::api::context::CogContext;
use cogsmith::discord::operations::{Operation, operations};
use cogsmith::discord::schema::{Shape, fields};
use cogsmith::reload::report::CogOutcome;
use cogsmith::state::StateScope;
use cogsmith::vm::exhaust_after;
use libtest_mimic::{Arguments, Failed, Trial};
use script::{End, Script, Step};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use support::{Stage, holds, setup, write};
use tempfile::TempDir;
use tracing_subscriber::util::SubscriberInitExt;
use walkdir::WalkDir;

/// A variable of the environment that holds something which no cog may learn.
const SECRET: &str = "COGSMITH_HOSTILE_SECRET";
/// What it holds, and what a file beside `lua/` and the state of another cog hold.
const SECRETS: [&str; 3] = [
    "secret-of-the-environment",
    "secret-beside-the-folder",
    "secret-of-the-bystander",
];
/// Bytes that a cog without any objects may still count.
const NOTHING: usize = 64 << 10;

/// What the bots of all trials logged.
static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());
/// Where the host panicked.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn main() -> ExitCode {
    if std::env::var_os(SECRET).is_none() {
        return with_secret();
    }
    collect_log();
    collect_panics();
    exhaust_heaps();
    let arguments = Arguments::from_args();
    let trials = attacks().into_iter().map(|(name, path)| {
        Trial::test(name.clone(), move || {
            let attack = Attack::read(&name, &path)?;
            let runtime = tokio::runtime::Runtime::new()?;
            runtime.block_on(attack.run()).map_err(Failed::from)
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// Runs the trials in a process that has the secret, and says so when it dies.
fn with_secret() -> ExitCode {
    let program = std::env::current_exe().expect("this program has a path");
    let status = Command::new(program)
        .args(std::env::args_os().skip(1))
        .env(SECRET, SECRETS[0])
        .status()
        .expect("this program can be started");
    if status.code().is_none() {
        eprintln!("a hostile cog killed the process ({status}); --test-threads=1 shows which");
    }
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}

/// With `COGSMITH_EXHAUST_AFTER=n` every slice finds its heap full from its n-th request on. Then the trials fail, and
/// what counts is that the process does not die.
fn exhaust_heaps() {
    if let Ok(requests) = std::env::var("COGSMITH_EXHAUST_AFTER") {
        exhaust_after(
            requests
                .parse()
                .expect("COGSMITH_EXHAUST_AFTER is a number"),
        );
    }
}

fn collect_log() {
    tracing_subscriber::fmt()
        .with_env_filter("warn,cogsmith=debug")
        .with_ansi(false)
        .with_writer(|| LogWriter)
        .finish()
        .init();
}

struct LogWriter;

impl std::io::Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        LOG.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Keeps the panics that are not those of a failing trial.
fn collect_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic
            .location()
            .map_or_else(String::new, ToString::to_string);
        if !place.starts_with("tests/") {
            PANICS.lock().unwrap().push(panic.to_string());
        }
        usual(panic);
    }));
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile")
}

/// The files of the folder's folders, by the names of their trials (`cpu/endless_loop`).
fn attacks() -> Vec<(String, PathBuf)> {
    let files = WalkDir::new(folder()).min_depth(2).sort_by_file_name();
    let files = files.into_iter().map(|entry| entry.unwrap().into_path());
    files
        .filter(|path| path.extension().is_some_and(|it| it == "luau"))
        .filter(|path| !path.starts_with(folder().join("support")))
        .map(|path| {
            let name = path.with_extension("");
            let name = name.strip_prefix(folder()).unwrap();
            (name.to_str().unwrap().to_owned(), path)
        })
        .collect()
}

/// One hostile cog.
struct Attack {
    /// The cog's name (`cpu.endless_loop`).
    cog: String,
    /// Its file below `lua/`.
    file: String,
    source: String,
    script: Script,
}

impl Attack {
    fn read(name: &str, path: &Path) -> Result<Self, String> {
        let source = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
        Ok(Self {
            cog: name.replace('/', "."),
            file: format!("cogs/{name}.luau"),
            script: script::read(&source)?,
            source,
        })
    }

    async fn run(&self) -> Result<(), String> {
        let stage = &mut self.stage().await;
        let context = self.context(stage);
        self.play(stage).await?;
        did_no_more(stage, &context)?;
        ask(stage, "!bystander", "well").await?;
        self.replace(stage).await?;
        self.leaves_nothing(stage, &context).await?;
        self.tells_no_secret(stage)?;
        let panics = PANICS.lock().unwrap();
        if panics.is_empty() {
            return Ok(());
        }
        Err(format!("the host panicked: {panics:#?}"))
    }

    /// A bot with this cog, another one, and things around `lua/` that no cog may reach.
    async fn stage(&self) -> Stage {
        let folder = TempDir::new().unwrap();
        let lua = folder.path().join("lua");
        let outside = format!("return {:?}", SECRETS[1]);
        write(&folder.path().join("outside/secret.luau"), &outside);
        write(
            &lua.join(".luaurc"),
            r#"{ "aliases": { "hostile": "utils" } }"#,
        );
        for helper in ["api", "hooks", "poison", "verdict", "shared"] {
            let path = format!("utils/{helper}.luau");
            write(&lua.join(path), &support_file(helper));
        }
        write(&lua.join("utils/operations.luau"), &list_of_operations());
        // How compiled Luau begins.
        write(
            &lua.join("utils/bytecode.luau"),
            "\u{6}\u{3}\u{1}\u{4}main\u{0}",
        );
        std::os::unix::fs::symlink("../../outside/secret.luau", lua.join("utils/link.luau"))
            .unwrap();
        std::os::unix::fs::symlink("../../outside", lua.join("utils/linked")).unwrap();
        let mut limits = json!({
            "cpu_ms": 250, "memory_mb": 16, "handler_seconds": 3, "state_mb": 1,
            "discord_calls_per_10s": 10_000,
        });
        for (name, value) in &self.script.limits {
            limits[name] = (*value).into();
        }
        let bystander = support_file("bystander").replace("SECRET", SECRETS[2]);
        setup(&[
            (&self.file, &self.source),
            ("cogs/bystander.luau", &bystander),
        ])
        .config(&json!({ "limits": limits, "http": { "allow": ["*"] } }).to_string())
        .token(&self.token())
        .folder(folder)
        .start()
        .await
    }

    fn token(&self) -> String {
        format!("token-of-the-bot-of-{}", self.cog)
    }

    fn context(&self, stage: &Stage) -> Arc<CogContext> {
        let cog = stage.bot.cogs.get(&self.cog).expect("the cog is known");
        Arc::clone(&cog.context)
    }

    /// Does what the first line says, and looks whether it ends like that.
    async fn play(&self, stage: &mut Stage) -> Result<(), String> {
        for step in &self.script.before {
            self.take(stage, step).await;
        }
        let (last, text) = match &self.script.end {
            End::NotLoaded(text) => return self.is_not_loaded(stage, text),
            End::Stopped(last, text) | End::Answers(last, text) => (last, text),
        };
        let messages = stage.written().len();
        let faults = stage.bot.services.faults.count();
        self.take(stage, last).await;
        let written = || {
            stage
                .written()
                .split_off(messages.min(stage.written().len()))
        };
        let stopped = || {
            let faults = stage.bot.services.faults.since(faults);
            let own = faults
                .iter()
                .filter(|fault| fault.cog.as_ref() == Some(&self.cog));
            own.map(|fault| fault.message.clone()).collect::<Vec<_>>()
        };
        let typed = matches!(last, Step::Say(line) if line.starts_with('!'));
        let told = |it: &String| it.contains("The log has the rest under `");
        let ended = || match self.script.end {
            End::Answers(..) => written().contains(text),
            _ => {
                stopped().iter().any(|fault| fault.contains(text))
                    && written().last().is_some_and(told) == typed
            }
        };
        if holds(ended).await {
            return Ok(());
        }
        let faults = stage.bot.services.faults.since(0);
        let reports = stage.bot.reload.reports.recent();
        let reported = reports.iter().flat_map(|report| &report.problems);
        let problems = reported.chain(faults.iter().map(AsRef::as_ref));
        let problems: Vec<_> = problems.map(ToString::to_string).collect();
        Err(format!(
            "expected {:?}\nwritten: {:#?}\nproblems: {}",
            self.script.end,
            written(),
            problems.join("\n")
        ))
    }

    fn is_not_loaded(&self, stage: &Stage, text: &str) -> Result<(), String> {
        let reports = stage.bot.reload.reports.recent();
        let mut problems = reports.iter().flat_map(|report| &report.problems);
        let named = problems.any(|problem| {
            problem.cog.as_ref() == Some(&self.cog) && problem.message.contains(text)
        });
        let routes = stage.bot.cogs.routes();
        let absent = stage.version(&self.cog) == 0 && !routes.typed().contains("attack");
        if named && absent {
            return Ok(());
        }
        Err(format!("loaded, or not for {text:?}: {reports:#?}"))
    }

    async fn take(&self, stage: &mut Stage, step: &Step) {
        match step {
            Step::Say(line) => {
                stage.says("owner", line).await;
            }
            Step::Reload => {
                let source = std::fs::read_to_string(stage.path(&self.file)).unwrap();
                self.save(stage, &format!("{source}-- saved again\n")).await;
            }
            Step::Unload => {
                stage.says("owner", &format!("!unload {}", self.cog)).await;
            }
            Step::Load => {
                stage.says("owner", &format!("!load {}", self.cog)).await;
            }
        }
    }

    /// Saves the cog's file, and waits until its reload has succeeded.
    async fn save(&self, stage: &mut Stage, source: &str) {
        stage.save(&self.file, source);
        loop {
            let report = stage.report().await;
            let runs = [CogOutcome::Loaded, CogOutcome::Reloaded];
            let mut cogs = report.cogs.iter();
            let is_done = cogs.any(|cog| cog.name == self.cog && runs.contains(&cog.outcome));
            if is_done && !report.changed.is_empty() {
                return;
            }
        }
    }

    /// The hostile cog's file is replaced, and what it says now runs.
    async fn replace(&self, stage: &mut Stage) -> Result<(), String> {
        if stage.bot.cogs.get(&self.cog).is_none() {
            stage.says("owner", &format!("!load {}", self.cog)).await;
        }
        self.save(stage, &support_file("harmless")).await;
        ask(stage, "!harmless", "well").await?;
        stage
            .says("owner", &format!("!reload cog {}", self.cog))
            .await;
        ask(stage, "!harmless", "well").await
    }

    /// Nothing of the hostile version is left: no VM, no object, no request, no lock.
    async fn leaves_nothing(&self, stage: &Stage, first: &Arc<CogContext>) -> Result<(), String> {
        let bystander = &stage.bot.cogs.get("bystander").unwrap().context;
        let now = self.context(stage);
        // Every function of a VM's refers to the cog: two VMs have twice as many as the bystander's one.
        let most = Arc::strong_count(bystander) * 3 / 2;
        let left = || {
            [first, &now].map(|it| {
                let objects = it.object_bytes();
                let requests = it.request_bytes();
                let locks = it.holds.load(Ordering::Relaxed);
                (objects, requests, locks, Arc::strong_count(it))
            })
        };
        let is_gone = |(objects, requests, locks, references): (usize, usize, usize, usize)| {
            objects < NOTHING && requests == 0 && locks == 0 && references < most
        };
        if holds(|| left().into_iter().all(is_gone)).await {
            return Ok(());
        }
        let left = left();
        Err(format!(
            "left behind (objects, requests, locks, references of at most {most}): {left:?}"
        ))
    }

    fn tells_no_secret(&self, stage: &Stage) -> Result<(), String> {
        let mut told: Vec<String> = stage.written();
        told.push(stage.sim.transcript());
        let faults = stage.bot.services.faults.since(0);
        told.extend(faults.iter().map(|it| format!("{it:?}")));
        let reports = stage.bot.reload.reports.recent();
        told.extend(reports.iter().map(|it| format!("{it:?}")));
        let log = String::from_utf8_lossy(&LOG.lock().unwrap()).into_owned();
        let of_cog = log.lines().filter(|line| line.contains(&self.cog));
        told.extend(of_cog.map(str::to_owned));
        let mut secrets = SECRETS.map(str::to_owned).to_vec();
        secrets.push(self.token());
        secrets.push(stage.folder.path().to_str().unwrap().to_owned());
        secrets.push(env!("CARGO_MANIFEST_DIR").to_owned());
        // Rust's own sources have names in no sentence for an author.
        secrets.extend(["/.cargo/", ".rs:", "bug in Cogsmith"].map(str::to_owned));
        for secret in secrets {
            if let Some(text) = told.iter().find(|text| text.contains(&secret)) {
                return Err(format!("{secret:?} was told: {text}"));
            }
        }
        Ok(())
    }
}

/// Code that had to be stopped says and stores "hacked" if it goes on.
fn did_no_more(stage: &Stage, context: &CogContext) -> Result<(), String> {
    let stored = context.state.live().stored;
    let hacked = stored.get(&StateScope::Global, &["hacked".into()]);
    if hacked.is_none() && !stage.written().iter().any(|it| it.contains("hacked")) {
        return Ok(());
    }
    Err("it went on after it had been stopped".to_owned())
}

/// Has the owner type a line, and expects this answer among what the bot writes.
async fn ask(stage: &Stage, line: &str, answer: &str) -> Result<(), String> {
    let before = stage.written().len();
    stage.says("owner", line).await;
    let answered = || {
        let written = stage.written();
        written.iter().skip(before).any(|it| it == answer)
    };
    if holds(answered).await {
        return Ok(());
    }
    let written = stage.written().split_off(before);
    Err(format!("{line} was answered with {written:#?}"))
}

fn support_file(name: &str) -> String {
    std::fs::read_to_string(folder().join(format!("support/{name}.luau"))).unwrap()
}

/// A module with every operation that is open to cogs: `{ id, capability, fields }`.
fn list_of_operations() -> String {
    let open = operations().filter(|operation| operation.open_to_cogs());
    let list: Vec<Value> = open
        .map(|operation| {
            json!({
                "id": operation.id,
                "capability": operation.capability,
                "fields": fields_of(operation),
            })
        })
        .collect();
    let list = Map::from_iter([("operations".to_owned(), list.into())]);
    let list = Value::Object(list).to_string();
    // JSON holds no `]==]`: a list in it ends with `]` and a comma or a bracket.
    format!("return require(\"@cogsmith/json\").decode([==[{list}]==]).operations")
}

/// The names of what an operation takes in its path, its query and its body.
fn fields_of(operation: &'static Operation) -> BTreeSet<&'static str> {
    let bodies = operation.body.map(|body| Shape::parse(body).names());
    let body = bodies.into_iter().flatten().filter_map(fields);
    let all = [&operation.params, &operation.query];
    let all = all.into_iter().chain(body);
    all.flat_map(|fields| fields.keys().copied()).collect()
}

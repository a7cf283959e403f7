//! A bot in a process of its own, and what the system says of that process.
#![allow(
    clippy::print_stderr,
    dead_code,
    reason = "each benchmark uses its part, and a bot's log is shown when one fails"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Limits that the benchmarks do not meet.
pub(super) const CONFIG: &str = r#"{
    "studio": { "listen": "127.0.0.1:0" },
    "limits": { "discord_calls_per_10s": 10000, "cpu_seconds_per_minute": 60 }
}"#;

/// After this time a start is over, with what is done when it is.
const START: Duration = Duration::from_secs(4);

/// What is measured.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// A gateway's text, a search, a bare request.
    Floor,
    /// serenity, with its cache.
    Serenity,
    /// This bot, with so many cogs, one of which has the command.
    Ours {
        /// How many.
        cogs: usize,
    },
}

/// A process, until it is dropped.
pub(super) struct Child {
    process: std::process::Child,
    folder: tempfile::TempDir,
    began: Instant,
}

impl Child {
    /// Starts a bot that connects to this server.
    pub(super) fn start(kind: Kind, server: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let command = match kind {
            Kind::Floor => baseline("floor", server),
            Kind::Serenity => baseline("serenity", server),
            Kind::Ours { cogs } => {
                write_cogs(folder.path(), CONFIG, (0..cogs).map(plain_cog));
                ours(folder.path(), server)
            }
        };
        Self::spawn(folder, command)
    }

    /// Starts this bot in a folder that has its configuration and its cogs.
    pub(super) fn in_folder(folder: tempfile::TempDir, server: &str) -> Self {
        let command = ours(folder.path(), server);
        Self::spawn(folder, command)
    }

    fn spawn(folder: tempfile::TempDir, mut command: Command) -> Self {
        let log = fs::File::create(folder.path().join("log")).unwrap();
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let began = Instant::now();
        Self {
            process: command.spawn().unwrap(),
            folder,
            began,
        }
    }

    /// When it was started. Its files were written before.
    pub(super) fn began(&self) -> Instant {
        self.began
    }

    /// Its folder.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What it has logged.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Processor time since the start.
    pub(super) fn cpu(&self) -> Duration {
        // In ticks, of which the system reports a hundred a second whatever it counts in.
        let ticks = self.processes().into_iter().map(|id| {
            let text = fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
            let behind_name = text.rsplit(") ").next().unwrap();
            let fields = behind_name.split(' ').skip(11).take(2);
            fields
                .map(|field| field.parse::<u64>().unwrap())
                .sum::<u64>()
        });
        Duration::from_millis(ticks.sum::<u64>() * 10)
    }

    /// The resident set when the start is over: what the start has needed has been given back by then.
    pub(super) fn megabytes_at_rest(&self) -> f64 {
        std::thread::sleep(START.saturating_sub(self.began.elapsed()));
        self.megabytes()
    }

    /// The resident set.
    pub(super) fn megabytes(&self) -> f64 {
        let kilobytes = self.processes().into_iter().map(|id| {
            let text = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
            let line = text
                .lines()
                .find(|line| line.starts_with("VmRSS:"))
                .unwrap();
            line.split_whitespace()
                .nth(1)
                .unwrap()
                .parse::<u32>()
                .unwrap()
        });
        f64::from(kilobytes.sum::<u32>()) / 1024.0
    }

    /// The process, and those that it has started.
    fn processes(&self) -> Vec<u32> {
        let mut ids = vec![self.process.id()];
        let mut next = 0;
        while let Some(id) = ids.get(next) {
            let path = format!("/proc/{id}/task/{id}/children");
            let children = fs::read_to_string(path).unwrap();
            ids.extend(
                children
                    .split_whitespace()
                    .map(|id| id.parse::<u32>().unwrap()),
            );
            next += 1;
        }
        ids
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        for id in self.processes() {
            let _gone = Command::new("kill").args(["-9", &id.to_string()]).status();
        }
        let _ended = self.process.wait();
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
    }
}

/// Compiles the baselines, if they are not.
pub(super) fn build_baselines() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut command = Command::new(cargo);
    command
        .args(["build", "--release", "--manifest-path"])
        .arg(plain().join("Cargo.toml"));
    command.arg("--target-dir").arg(target());
    assert!(
        command.status().unwrap().success(),
        "the baselines do not compile"
    );
}

fn plain() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/plain")
}

fn target() -> PathBuf {
    let ours = Path::new(env!("CARGO_BIN_EXE_cogsmith"));
    ours.ancestors().nth(2).unwrap().join("plain")
}

fn baseline(name: &str, server: &str) -> Command {
    let mut command = Command::new(target().join("release").join(name));
    command.arg(server);
    command
}

/// Writes what this bot needs into its folder: a configuration, and cogs by name.
pub(super) fn write_cogs(
    folder: &Path,
    config: &str,
    cogs: impl IntoIterator<Item = (String, String)>,
) {
    fs::write(folder.join("config.json"), config).unwrap();
    let lua = folder.join("lua/cogs");
    fs::create_dir_all(&lua).unwrap();
    for (name, text) in cogs {
        fs::write(lua.join(format!("{name}.luau")), text).unwrap();
    }
}

fn ours(folder: &Path, server: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cogsmith"));
    command
        .current_dir(folder)
        .env(
            "DISCORD_TOKEN",
            "NzAwMDAwMDAwMDAwMDAwMDAw.Gabcde.abcdefghijklmnopqrstuvwxyz0123456789ab",
        )
        .env("DISCORD_API_URL", format!("{server}/api/v10"))
        .env("RUST_LOG", "warn")
        .env_remove("COGSMITH_LONG_TESTS");
    command
}

/// A cog of 60 lines with a command; the first one has the command that is measured.
pub(super) fn plain_cog(number: usize) -> (String, String) {
    let name = if number == 0 {
        "ping".to_owned()
    } else {
        format!("ping{number}")
    };
    let mut text = "local cog = require(\"@cogsmith/cog\")\n".to_owned();
    for function in 0..13 {
        let _always = write!(
            text,
            "local function f{function}(x)\n    local y = x + {number}\n    return y * {function}\nend\n"
        );
    }
    text += "local unused = f0(1) + f12(2)\n";
    let _always = write!(
        text,
        "cog.command {{\n    name = \"{name}\",\n    description = \"Answers\",\n    run = function(ctx)\n        \
         ctx:reply(\"Pong!\")\n    end,\n}}\n"
    );
    (format!("cog{number}"), text)
}

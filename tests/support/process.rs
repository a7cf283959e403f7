//! The real `cogsmith` as a process: what it prints, how it is stopped, where it connects to.
use super::PATIENCE;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, PipeReader, pipe};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

/// A process that runs.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
    /// Everything that it printed, as far as it was looked at.
    pub(crate) printed: String,
}

impl Process {
    /// Starts it in `folder`. Nothing of this process's environment is passed on.
    pub(crate) fn start(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::of(&mut command(folder, arguments, variables))
    }

    /// Starts it in a process group of its own.
    pub(crate) fn start_group(
        folder: &Path,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        Self::of(command(folder, arguments, variables).process_group(0))
    }

    fn of(command: &mut Command) -> Self {
        // One pipe for both outputs, so that lines come in the order in which they were written.
        let (reader, writer) = pipe().unwrap();
        let child = command
            .stdout(writer.try_clone().unwrap())
            .stderr(writer)
            .spawn()
            .unwrap();
        // The command holds the pipe's other end, too, without which its end would not be seen.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let (sender, lines) = channel();
        pass_on(reader, sender);
        Self {
            child,
            lines,
            printed: String::new(),
        }
    }

    /// The next line with `text` in it; those before it are passed over.
    pub(crate) fn until(&mut self, text: &str) -> String {
        let by = Instant::now() + PATIENCE;
        loop {
            let left = by.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("no line has {text:?}:\n{}", self.printed);
            };
            writeln!(self.printed, "{line}").unwrap();
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Sends `TERM`, `INT` or another signal.
    pub(crate) fn signal(&self, signal: &str) {
        send(signal, self.child.id());
    }

    /// Sends a signal to its whole process group.
    pub(crate) fn signal_group(&self, signal: &str) {
        let group = format!("-{}", self.child.id());
        let sent = Command::new("kill")
            .args([&format!("-{signal}"), "--", &group])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The number of the process that the bot runs in: that of its supervisor's only child.
    #[cfg(target_os = "linux")]
    pub(crate) fn bot(&self) -> Option<u32> {
        let id = self.child.id();
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
        children.unwrap_or_default().trim().parse().ok()
    }

    /// Waits for the end: the exit code and everything that was printed.
    pub(crate) fn ended(mut self) -> (i32, String) {
        let by = Instant::now() + PATIENCE;
        loop {
            let left = by.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => writeln!(self.printed, "{line}").unwrap(),
                // Both of its outputs are closed.
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
                Err(_) => {
                    let _killed = self.child.kill();
                    panic!("it does not end:\n{}", self.printed);
                }
            }
        }
        let code = self.child.wait().unwrap().code();
        (
            code.expect("it is not killed"),
            std::mem::take(&mut self.printed),
        )
    }

    /// Sends SIGTERM and waits: the exit code and everything that was printed.
    pub(crate) fn stopped(self) -> (i32, String) {
        self.signal("TERM");
        self.ended()
    }

    /// The addresses that its TCP sockets are connected to now, in the kernel's notation.
    #[cfg(target_os = "linux")]
    pub(crate) fn peers(&self) -> Vec<String> {
        let process = format!("/proc/{}", self.bot().unwrap());
        let mut sockets = Vec::new();
        for entry in std::fs::read_dir(format!("{process}/fd"))
            .unwrap()
            .flatten()
        {
            // One that was closed meanwhile leads nowhere.
            let target = std::fs::read_link(entry.path()).unwrap_or_default();
            let target = target.to_string_lossy().into_owned();
            if let Some(number) = target.strip_prefix("socket:[") {
                sockets.push(number.trim_end_matches(']').to_owned());
            }
        }
        let tables = ["tcp", "tcp6"].map(|table| {
            std::fs::read_to_string(format!("{process}/net/{table}")).unwrap_or_default()
        });
        let rows = tables.iter().flat_map(|table| table.lines().skip(1));
        rows.filter_map(|row| {
            let columns: Vec<&str> = row.split_whitespace().collect();
            let is_own = sockets.iter().any(|socket| socket == columns[9]);
            let peer = columns[2];
            // A peer of zeros is a listener's.
            let listens = peer.trim_start_matches('0').starts_with(':');
            (is_own && !listens).then(|| peer.to_owned())
        })
        .collect()
    }
}

/// The real `cogsmith` as a process whose output is the test's own business, and which is killed when its test ends
/// early.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    /// A command that starts it with this folder's `config.json`. Nothing of this process's environment is passed on.
    pub(crate) fn command(folder: &Path, variables: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cogsmith"));
        command
            .arg("--config")
            .arg(folder)
            .env_clear()
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        command
    }

    /// Sends `TERM`, `INT` or another signal.
    pub(crate) fn signal(&self, signal: &str) {
        send(signal, self.0.id());
    }

    /// Waits for the process to end by itself.
    pub(crate) async fn ended(mut self) -> ExitStatus {
        let id = self.0.id();
        let ended = tokio::task::spawn_blocking(move || self.0.wait().unwrap());
        let Ok(ended) = tokio::time::timeout(PATIENCE, ended).await else {
            send("KILL", id);
            panic!("it does not end");
        };
        ended.unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _already_gone = self.0.kill().is_err();
        let _no_child = self.0.wait().is_err();
    }
}

fn command(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cogsmith"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .envs(variables.iter().copied())
        .stdin(Stdio::null());
    command
}

/// Sends a signal to a process.
pub(crate) fn send(signal: &str, to: u32) {
    let status = Command::new("kill")
        .args([format!("-{signal}"), to.to_string()])
        .status();
    assert!(status.unwrap().success());
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended, unless a test has failed.
        if let Ok(None) = self.child.try_wait() {
            let _killed = self.child.kill();
        }
    }
}

fn pass_on(output: PipeReader, lines: Sender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if lines.send(line).is_err() {
                return;
            }
        }
    });
}

//! The real `cogsmith` as a process: what it prints, how it is stopped, where it connects to.

use super::PATIENCE;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, PipeReader, pipe};
use std::path::Path;
use std::process::{Child, Command, Stdio};
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
        // One pipe for both outputs, so that lines come in the order in which they were written.
        let (reader, writer) = pipe().unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_cogsmith"))
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(writer.try_clone().unwrap())
            .stderr(writer)
            .spawn()
            .unwrap();
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
        let status = Command::new("kill")
            .args([format!("-{signal}"), self.child.id().to_string()])
            .status();
        assert!(status.unwrap().success());
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
        let process = format!("/proc/{}", self.child.id());
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

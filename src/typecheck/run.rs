//! One run of the checker: a process that gets nothing of this one, not even its environment, and whose answer and time
//! are bounded. It bounds its own memory and processor time.

use crate::problem::{Problem, SourceLocation};
use serde::Deserialize;
use std::collections::HashMap;
use std::io::{self, Read as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// How long a run may take. A machine that has nothing else to do needs a second.
const LONGEST: Duration = Duration::from_secs(120);

/// The longest answer, in bytes.
const ANSWER: u64 = 4 << 20;

/// The most problems that are read.
const MOST: usize = 1_000;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum TypeCheckError {
    /// The program cannot be started.
    #[error("The type checker cannot be started: {0}")]
    Start(#[source] io::Error),
    /// It takes too long.
    #[error("The type checker was stopped after {0} s")]
    Time(u64),
    /// It says that it cannot check anything, or nothing that can be understood.
    #[error("The type checker has failed: {0}")]
    Failed(String),
}

/// What is read of one thing that the checker says.
#[derive(Deserialize)]
struct Told {
    file: String,
    line: u32,
    column: u32,
    end_line: u32,
    end_column: u32,
    severity: String,
    message: String,
    #[serde(default)]
    because: Vec<String>,
}

/// Checks the types of the cogs, services and specs in the folder of `config.json`, and returns what is wrong in order of
/// place. What the checker only warns of is left out: `cogsmith check` does so, too. Waits for the other process.
///
/// # Errors
/// If the checker cannot be started, does not end in time, or cannot check the folder.
pub fn check(program: &Path, root: &Path) -> Result<Vec<Problem>, TypeCheckError> {
    check_within(program, root, LONGEST)
}

fn check_within(
    program: &Path,
    root: &Path,
    longest: Duration,
) -> Result<Vec<Problem>, TypeCheckError> {
    let mut child = Command::new(program)
        .args(["--background", "--format", "json"])
        .arg(root)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(TypeCheckError::Start)?;
    let Some(answer) = answer_of(&mut child, longest) else {
        let _ended = child.kill().is_ok() && child.wait().is_ok();
        return Err(TypeCheckError::Time(longest.as_secs()));
    };
    let output = child.wait_with_output().map_err(TypeCheckError::Start)?;
    let told: Vec<Told> = serde_json::from_slice(&answer).map_err(|_| {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim().trim_start_matches("Error: ");
        TypeCheckError::Failed(match said.lines().next() {
            Some(line) => line.chars().take(300).collect(),
            None => "it gave no answer".into(),
        })
    })?;
    Ok(problems(root, told))
}

/// All that it writes, once it has closed its output; nothing if that takes too long.
fn answer_of(child: &mut Child, longest: Duration) -> Option<Vec<u8>> {
    let output = child.stdout.take()?;
    let (send, answer) = mpsc::channel();
    std::thread::spawn(move || {
        // Whoever has waited long enough has gone.
        let _heard = send.send(read(output)).is_ok();
    });
    answer.recv_timeout(longest).ok()
}

fn read(output: ChildStdout) -> Vec<u8> {
    let mut answer = Vec::new();
    match output.take(ANSWER).read_to_end(&mut answer) {
        Ok(_) => answer,
        Err(_) => Vec::new(),
    }
}

fn problems(root: &Path, told: Vec<Told>) -> Vec<Problem> {
    let mut texts: HashMap<String, String> = HashMap::new();
    let errors = told.into_iter().filter(|it| it.severity == "error");
    let problems = errors.take(MOST).map(|it| {
        let columns = (it.line == it.end_line && it.column < it.end_column)
            .then_some((it.column, it.end_column));
        let mut place = SourceLocation {
            file: it.file.clone(),
            line: it.line,
            columns,
            ..SourceLocation::default()
        };
        let text = texts.entry(it.file).or_insert_with_key(|file| {
            std::fs::read_to_string(root.join(file)).unwrap_or_default()
        });
        place.add_excerpt(text);
        Problem {
            message: it.message,
            place: Some(place),
            hint: it.because.into_iter().next(),
            ..Problem::default()
        }
    });
    problems.collect()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_checker_that_does_not_end_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("checker");
        let script = "#!/bin/sh\necho $$ > \"$4/pid\"\nexec sleep 600\n";
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let checked = check_within(&program, folder.path(), Duration::from_secs(2));
        assert!(matches!(checked, Err(TypeCheckError::Time(2))));
        let pid = std::fs::read_to_string(folder.path().join("pid")).unwrap();
        assert!(!Path::new("/proc").join(pid.trim()).exists());
    }
}

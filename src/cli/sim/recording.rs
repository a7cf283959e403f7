//! The file of `--record`: every request and event, each a line of JSON.

use crate::error::StartError;
use crate::sim::Recording;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;
use tokio::task::JoinHandle;

/// What is written while the simulator runs.
pub(super) struct Recorder {
    recording: Recording,
    path: PathBuf,
    writing: JoinHandle<io::Result<()>>,
}

impl Recorder {
    /// Begins to write into a file, in the place of what was in it.
    pub(super) fn open(path: &Path) -> Result<Self, StartError> {
        let file = File::create(path).map_err(|error| unwritable(path, &error))?;
        let (recording, lines) = Recording::new();
        let writing = tokio::task::spawn_blocking(move || write(&lines, BufWriter::new(file)));
        Ok(Self {
            recording,
            path: path.to_owned(),
            writing,
        })
    }

    /// What the simulator records into.
    pub(super) fn recording(&self) -> Recording {
        self.recording.clone()
    }

    /// Waits until everything is written.
    pub(super) async fn finish(self) -> Result<(), StartError> {
        self.recording.end();
        let written = self.writing.await;
        let written = written.unwrap_or_else(|error| Err(io::Error::other(error)));
        written.map_err(|error| unwritable(&self.path, &error))
    }
}

/// Whoever reads the file meanwhile sees all that has happened, so nothing stays in the buffer while nothing happens.
fn write(lines: &Receiver<String>, mut file: BufWriter<File>) -> io::Result<()> {
    while let Ok(first) = lines.recv() {
        let waiting = std::iter::once(first).chain(lines.try_iter());
        for line in waiting {
            if Recording::is_end(&line) {
                return file.flush();
            }
            writeln!(file, "{line}")?;
        }
        file.flush()?;
    }
    file.flush()
}

fn unwritable(path: &Path, error: &io::Error) -> StartError {
    StartError::File {
        path: path.display().to_string(),
        action: "written",
        reason: error.to_string(),
    }
}

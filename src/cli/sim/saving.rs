//! The file of `--save`: the whole world, so that stopping loses nothing.

use super::world::MOST_BYTES;
use crate::error::StartError;
use crate::files;
use crate::lock::lock;
use crate::sim::{SavedWorld, Sim};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing::warn;

/// How often a world that has changed is saved: a simulator that is killed loses no more than this.
const EVERY: Duration = Duration::from_secs(30);

/// Where a world is saved.
pub(super) struct Saving {
    path: PathBuf,
    /// Held while it is written: the newest world is the last one.
    turn: Arc<Mutex<()>>,
}

impl Saving {
    /// Checks that nothing else is lost in this file.
    pub(super) fn into_file(path: &Path) -> Result<Self, StartError> {
        let bytes = match files::read(path, MOST_BYTES) {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(unwritable(path, &error)),
            Ok(bytes) => Some(bytes),
        };
        let text = bytes.and_then(|bytes| files::decode(bytes).ok());
        if path.exists() && !text.is_some_and(|text| SavedWorld::is_one(&text)) {
            return Err(StartError::Usage(format!(
                "--save {}: what is in that file is no saved world, and would be lost. Name another file.",
                path.display()
            )));
        }
        Ok(Self {
            path: path.to_owned(),
            turn: Arc::default(),
        })
    }

    /// Saves the world now.
    pub(super) async fn save(&self, sim: &Sim) -> Result<(), StartError> {
        let (path, turn, sim) = (self.path.clone(), Arc::clone(&self.turn), sim.clone());
        let writing = tokio::task::spawn_blocking(move || {
            let _turn = lock(&turn);
            let text = sim.save().map_err(io::Error::other)?;
            files::replace(&path, |new| fs::write(new, &text))
        });
        let written = writing
            .await
            .unwrap_or_else(|error| Err(io::Error::other(error)));
        written.map_err(|error| unwritable(&self.path, &error))
    }

    /// Saves the world again and again while it changes; never ends.
    pub(super) async fn keep(&self, sim: &Sim) {
        let mut changes = sim.changes();
        while changes.changed().await.is_ok() {
            tokio::time::sleep(EVERY).await;
            changes.mark_unchanged();
            if let Err(error) = self.save(sim).await {
                warn!("{error}");
            }
        }
    }
}

fn unwritable(path: &Path, error: &io::Error) -> StartError {
    StartError::File {
        path: path.display().to_string(),
        action: "written",
        reason: error.to_string(),
    }
}

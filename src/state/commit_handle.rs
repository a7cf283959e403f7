//! The promise that a batch of writes is durable.

use super::StateError;
use super::desk::Desk;
use std::sync::Arc;
use tokio::sync::watch;

/// One flush. Dropping it changes nothing: the writes are written anyway.
#[derive(Debug)]
pub struct CommitHandle(Kind);

#[derive(Debug)]
enum Kind {
    Ready(Result<(), StateError>),
    Waiting {
        /// The groups that have to be committed.
        numbers: Vec<u64>,
        desk: Arc<Desk>,
        progress: watch::Receiver<()>,
    },
}

impl CommitHandle {
    pub(super) fn ready() -> Self {
        Self(Kind::Ready(Ok(())))
    }

    pub(super) fn failed(error: StateError) -> Self {
        Self(Kind::Ready(Err(error)))
    }

    pub(super) fn new(numbers: Vec<u64>, desk: Arc<Desk>, progress: watch::Receiver<()>) -> Self {
        Self(Kind::Waiting {
            numbers,
            desk,
            progress,
        })
    }

    /// Whether [`CommitHandle::committed`] would return at once, because there was nothing to write or it is written.
    pub fn is_ready(&self) -> bool {
        match &self.0 {
            Kind::Ready(_) => true,
            Kind::Waiting { numbers, desk, .. } => outcome(numbers, desk).is_some(),
        }
    }

    /// Returns when the writes would survive the death of the process. The error says why they would not survive yet;
    /// they are in memory, and the writer tries again by itself.
    pub async fn committed(self) -> Result<(), StateError> {
        let (numbers, desk, mut progress) = match self.0 {
            Kind::Ready(result) => return result,
            Kind::Waiting {
                numbers,
                desk,
                progress,
            } => (numbers, desk, progress),
        };
        loop {
            if let Some(outcome) = outcome(&numbers, &desk) {
                return outcome;
            }
            if progress.changed().await.is_err() {
                let outcome = outcome(&numbers, &desk);
                return outcome.unwrap_or(Err(StateError::Closed));
            }
        }
    }
}

/// How it ended, if it has. While the disk refuses writes, that error is the outcome: callers do not wait for the next
/// attempt.
fn outcome(numbers: &[u64], desk: &Desk) -> Option<Result<(), StateError>> {
    let queue = desk.queue();
    if !numbers.iter().any(|number| queue.is_uncommitted(*number)) {
        return Some(Ok(()));
    }
    queue.error.clone().map(Err)
}

//! The promise that a batch of writes is durable.

use super::StateError;
use tokio::sync::watch;

/// How far the writer has come. Batches are numbered from 1.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    /// All batches up to this one are durable.
    pub(super) committed: u64,
    /// All batches up to this one have been tried.
    pub(super) tried: u64,
    /// Why the last try failed, if it did.
    pub(super) error: Option<StateError>,
}

impl Progress {
    /// How a batch ended, if it has.
    fn outcome(&self, number: u64) -> Option<Result<(), StateError>> {
        if self.committed >= number {
            return Some(Ok(()));
        }
        let error = self.error.as_ref().filter(|_| self.tried >= number)?;
        Some(Err(error.clone()))
    }
}

/// One flush. Dropping it changes nothing: the writes are written all the same.
#[derive(Debug)]
pub struct Ticket(Kind);

#[derive(Debug)]
enum Kind {
    Ready(Result<(), StateError>),
    Batch(u64, watch::Receiver<Progress>),
}

impl Ticket {
    pub(super) fn ready() -> Self {
        Self(Kind::Ready(Ok(())))
    }

    pub(super) fn failed(error: StateError) -> Self {
        Self(Kind::Ready(Err(error)))
    }

    pub(super) fn new(number: u64, progress: watch::Receiver<Progress>) -> Self {
        Self(Kind::Batch(number, progress))
    }

    /// Whether [`Ticket::committed`] would return at once, because there was nothing to write or it is written.
    pub fn is_ready(&self) -> bool {
        match &self.0 {
            Kind::Ready(_) => true,
            Kind::Batch(number, progress) => progress.borrow().outcome(*number).is_some(),
        }
    }

    /// Returns when the writes would survive the death of the process. An error says why they would not yet;
    /// memory has them, and the writer tries again by itself.
    pub async fn committed(self) -> Result<(), StateError> {
        match self.0 {
            Kind::Ready(result) => result,
            Kind::Batch(number, mut progress) => {
                let outcome = progress
                    .wait_for(|progress| progress.outcome(number).is_some())
                    .await
                    .map_err(|_| StateError::Closed)?
                    .outcome(number);
                outcome.unwrap_or(Ok(()))
            }
        }
    }
}

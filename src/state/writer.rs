//! The thread that writes: it takes all changes that have come together and writes them in one commit.

use super::ticket::Progress;
use super::{Batch, StateBackend, StateError, Ticket};
use crate::lock::lock;
use crate::supervise::{self, Task};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::{Instant, timeout_at};
use tracing::{error, info};

/// How long after a failed commit the next one is tried.
const RETRY: Duration = Duration::from_millis(250);

/// Whoever closes the store, to be told what could not be written.
type Closing = oneshot::Sender<Result<(), StateError>>;

/// The way to the writer. However slow the disk is, what waits is one change a path: no more than the state has.
#[derive(Debug)]
pub(super) struct Outbox {
    queue: Arc<Queue>,
    progress: watch::Receiver<Progress>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    /// Rings when something has come.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    changes: Batch,
    /// The number of the last batch that has come.
    newest: u64,
    end: End,
}

/// Whether the store is to be closed.
#[derive(Debug, Default)]
enum End {
    #[default]
    Open,
    /// Everybody has gone, or this one waits for the end.
    Asked(Option<Closing>),
    /// The writer takes no more.
    Closed,
}

impl Outbox {
    /// Starts the writer's thread. It ends when the store is closed or everybody has dropped the outbox.
    pub(super) fn start(backend: Box<dyn StateBackend>) -> Result<Self, std::io::Error> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let queue = Arc::new(Queue::default());
        let (report, progress) = watch::channel(Progress::default());
        let writer = Writer {
            backend,
            queue: Arc::clone(&queue),
            report,
            backlog: Batch::default(),
            newest: 0,
            retry: None,
        };
        // What it has promised is in the writer, which outlives a panic; it is taken when it has ended.
        let mut writer = Some(writer);
        supervise::thread(Task::StateWriter, "state-writer", move || {
            runtime.block_on(Writer::run(&mut writer));
        })?;
        Ok(Self { queue, progress })
    }

    /// Whether nobody writes any more.
    fn has_ended(&self) -> bool {
        self.progress.has_changed().is_err()
    }

    /// Sends a batch and returns its number.
    pub(super) fn send(&self, batch: Batch) -> Result<u64, StateError> {
        let mut waiting = lock(&self.queue.waiting);
        if !matches!(waiting.end, End::Open) || self.has_ended() {
            return Err(StateError::Closed);
        }
        waiting.changes.absorb(batch);
        waiting.newest += 1;
        let number = waiting.newest;
        drop(waiting);
        self.queue.changed.notify_one();
        Ok(number)
    }

    /// The ticket of a batch; number 0 is a batch of nothing.
    pub(super) fn ticket(&self, number: u64) -> Ticket {
        if self.progress.borrow().committed >= number {
            return Ticket::ready();
        }
        Ticket::new(number, self.progress.clone())
    }

    /// Ends the writer after everything sent so far is written, or has failed to be.
    pub(super) async fn close(&self) -> Result<(), StateError> {
        let (done, mut closed) = oneshot::channel();
        {
            let mut waiting = lock(&self.queue.waiting);
            if !matches!(waiting.end, End::Open) {
                return Ok(());
            }
            waiting.end = End::Asked(Some(done));
        }
        self.queue.changed.notify_one();
        // The writer tells how it went before it ends, unless it died.
        let _ended = self.progress.clone().wait_for(|_| false).await.is_err();
        closed.try_recv().unwrap_or(Err(StateError::Closed))
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        let mut waiting = lock(&self.queue.waiting);
        if matches!(waiting.end, End::Open) {
            waiting.end = End::Asked(None);
        }
        drop(waiting);
        self.queue.changed.notify_one();
    }
}

struct Writer {
    backend: Box<dyn StateBackend>,
    queue: Arc<Queue>,
    report: watch::Sender<Progress>,
    /// What was taken and is not written yet.
    backlog: Batch,
    /// The number of the newest batch in the backlog, or of the last one written.
    newest: u64,
    /// When the next try is due, after a failure.
    retry: Option<Instant>,
}

impl Writer {
    async fn run(place: &mut Option<Self>) {
        let Some(writer) = place else {
            return;
        };
        // What was to be written before a panic is tried first.
        if !writer.backlog.is_empty() {
            writer.retry.get_or_insert_with(Instant::now);
        }
        let closing = writer.serve().await;
        let result = writer.write().await;
        // The database is closed before whoever waits for that goes on, and the last word on what is written is
        // said after all else.
        let Some(Self {
            backend, report, ..
        }) = place.take()
        else {
            return;
        };
        drop(backend);
        if let Some(closing) = closing {
            // Nobody waits for it if the caller has gone away.
            let _heard = closing.send(result).is_ok();
        }
        drop(report);
    }

    /// Writes what comes until there is an end; returns whom to tell.
    async fn serve(&mut self) -> Option<Closing> {
        loop {
            let changed = self.queue.changed.notified();
            let is_due = match self.retry {
                None => {
                    changed.await;
                    true
                }
                Some(due) => timeout_at(due, changed).await.is_err(),
            };
            if let ControlFlow::Break(closing) = self.take() {
                return closing;
            }
            if is_due {
                // How it went is told by `write`.
                let _written = self.write().await.is_ok();
            } else {
                self.refuse();
            }
        }
    }

    /// Takes over what waits. Breaks with whom to tell if that was the end of it.
    fn take(&mut self) -> ControlFlow<Option<Closing>> {
        let mut waiting = lock(&self.queue.waiting);
        self.backlog.absorb(std::mem::take(&mut waiting.changes));
        self.newest = waiting.newest;
        match std::mem::take(&mut waiting.end) {
            End::Open => ControlFlow::Continue(()),
            End::Asked(closing) => {
                waiting.end = End::Closed;
                ControlFlow::Break(closing)
            }
            End::Closed => ControlFlow::Break(None),
        }
    }

    /// Writes the backlog and tells how it went.
    async fn write(&mut self) -> Result<(), StateError> {
        let result = if self.backlog.is_empty() {
            Ok(())
        } else {
            self.apply().await
        };
        match &result {
            Ok(()) => {
                self.backlog = Batch::default();
                if self.retry.take().is_some() {
                    info!("State is saved again");
                }
            }
            Err(error) => {
                if self.retry.replace(Instant::now() + RETRY).is_none() {
                    error!(%error, "State is not saved");
                }
            }
        }
        let newest = self.newest;
        self.report.send_modify(|progress| {
            progress.tried = newest;
            progress.error = result.clone().err();
            if result.is_ok() {
                progress.committed = newest;
            }
        });
        result
    }

    /// Hands the backlog to the store. After a panic there nothing of it was written, and it is tried once more;
    /// a second panic is a failure like others.
    async fn apply(&mut self) -> Result<(), StateError> {
        for _ in 0..2 {
            let applying = async {
                supervise::point(Task::StateWriter);
                self.backend.apply(&self.backlog).await
            };
            if let Some(applied) = supervise::caught(Task::StateWriter, applying).await {
                return applied;
            }
        }
        Err(StateError::Failed)
    }

    /// While the disk does not take anything, nobody waits for the next try to be told so.
    fn refuse(&self) {
        let newest = self.newest;
        self.report.send_modify(|progress| progress.tried = newest);
    }
}

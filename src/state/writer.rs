//! The thread that writes: it takes the batches that have come together and writes them in one commit.

use super::ticket::Progress;
use super::{Batch, StateBackend, StateError, Ticket, lock};
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout_at};
use tracing::{error, info};

/// How many batches share a commit at most, so that the first of them does not wait for long.
const GROUP: usize = 1_000;
/// How long after a failed commit the next one is tried.
const RETRY: Duration = Duration::from_millis(250);

#[derive(Debug)]
enum Message {
    Batch(u64, Batch),
    Close(oneshot::Sender<Result<(), StateError>>),
}

/// The way to the writer.
#[derive(Debug)]
pub(super) struct Outbox {
    sending: Mutex<Sending>,
    progress: watch::Receiver<Progress>,
}

#[derive(Debug)]
struct Sending {
    /// The number of the last batch; numbers arrive in order.
    last: u64,
    messages: mpsc::UnboundedSender<Message>,
}

impl Outbox {
    /// Starts the writer's thread. It ends when the store is closed or everybody has dropped the outbox.
    pub(super) fn start(backend: Box<dyn StateBackend>) -> Result<Self, std::io::Error> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (messages, inbox) = mpsc::unbounded_channel();
        let (report, progress) = watch::channel(Progress::default());
        let writer = Writer {
            backend,
            inbox,
            report,
            backlog: Batch::default(),
            newest: 0,
            retry: None,
        };
        std::thread::Builder::new()
            .name("state-writer".into())
            .spawn(move || runtime.block_on(writer.run()))?;
        Ok(Self {
            sending: Mutex::new(Sending { last: 0, messages }),
            progress,
        })
    }

    /// Sends a batch and returns its number.
    pub(super) fn send(&self, batch: Batch) -> Result<u64, StateError> {
        let mut sending = lock(&self.sending);
        let number = sending.last + 1;
        sending
            .messages
            .send(Message::Batch(number, batch))
            .map_err(|_| StateError::Closed)?;
        sending.last = number;
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
        let (done, closed) = oneshot::channel();
        let sent = lock(&self.sending).messages.send(Message::Close(done));
        match sent {
            Ok(()) => closed.await.map_err(|_| StateError::Closed)?,
            // It is closed already.
            Err(_) => Ok(()),
        }
    }
}

struct Writer {
    backend: Box<dyn StateBackend>,
    inbox: mpsc::UnboundedReceiver<Message>,
    report: watch::Sender<Progress>,
    /// What is not written yet.
    backlog: Batch,
    /// The number of the newest batch in the backlog, or of the last one written.
    newest: u64,
    /// When the next try is due, after a failure.
    retry: Option<Instant>,
}

impl Writer {
    async fn run(mut self) {
        let closing = self.serve().await;
        let result = self.write().await;
        // The database is closed before whoever waits for that goes on.
        drop(self.backend);
        if let Some(closing) = closing {
            // Nobody waits for it if the caller has gone away.
            let _heard = closing.send(result).is_ok();
        }
    }

    /// Writes what comes until there is an end; returns whom to tell.
    async fn serve(&mut self) -> Option<oneshot::Sender<Result<(), StateError>>> {
        loop {
            let first = match self.retry {
                None => self.inbox.recv().await,
                Some(due) => {
                    let Ok(first) = timeout_at(due, self.inbox.recv()).await else {
                        // How it went is told by `write`.
                        let _written = self.write().await.is_ok();
                        continue;
                    };
                    first
                }
            };
            let mut next = Some(first?);
            for _ in 0..GROUP {
                match next {
                    Some(Message::Batch(number, batch)) => self.take(number, batch),
                    Some(Message::Close(done)) => return Some(done),
                    None => break,
                }
                next = self.inbox.try_recv().ok();
            }
            match next {
                Some(Message::Batch(number, batch)) => self.take(number, batch),
                Some(Message::Close(done)) => return Some(done),
                None => {}
            }
            if self.retry.is_some_and(|due| Instant::now() < due) {
                self.refuse();
            } else {
                let _written = self.write().await.is_ok();
            }
        }
    }

    fn take(&mut self, number: u64, batch: Batch) {
        self.newest = number;
        self.backlog.absorb(batch);
    }

    /// Writes the backlog and tells how it went.
    async fn write(&mut self) -> Result<(), StateError> {
        let result = if self.backlog.is_empty() {
            Ok(())
        } else {
            self.backend.apply(&self.backlog).await
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

    /// While the disk does not take anything, nobody waits for the next try to be told so.
    fn refuse(&self) {
        let newest = self.newest;
        self.report.send_modify(|progress| progress.tried = newest);
    }
}

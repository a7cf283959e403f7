//! The thread that writes: one commit after the other.

use super::account::Account;
use super::desk::Desk;
use super::queue::{self, Closing, End, Group, Next};
use super::{Batch, CommitHandle, StateBackend, StateError};
use crate::host_tasks::{self, Task};
use smallvec::SmallVec;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;
use tracing::{error, info};

/// How long after a failed commit the next one is tried.
const RETRY: Duration = Duration::from_millis(250);

/// Large commits pause for so many times as long as they took: together they have a quarter of the writer's time.
const PAUSE_AFTER_LARGE: u32 = 3;

/// The way to the writer. However slow the disk is, what waits is one change a path: no more than the state has.
#[derive(Debug)]
pub(super) struct Outbox {
    desk: Arc<Desk>,
    /// Rings when something has been written, or could not be; ends with the writer.
    progress: watch::Receiver<()>,
}

impl Outbox {
    /// Starts the writer's thread, for so many bytes a second of each cog. It ends when the store is closed or
    /// everybody has dropped the outbox.
    pub(super) fn start(
        backend: Box<dyn StateBackend>,
        rate: usize,
    ) -> Result<Self, std::io::Error> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let desk = Arc::new(Desk::new(rate));
        let (report, progress) = watch::channel(());
        let writer = Writer {
            backend,
            desk: Arc::clone(&desk),
            report,
            writing: Vec::new(),
            retry: None,
            large_from: Instant::now(),
        };
        // What it has promised is in the writer, which outlives a panic; it is taken when it has ended.
        let mut writer = Some(writer);
        host_tasks::thread(Task::StateWriter, "state-writer", move || {
            runtime.block_on(Writer::run(&mut writer));
        })?;
        Ok(Self { desk, progress })
    }

    /// Changes how many bytes a second each cog may write.
    pub(super) fn set_rate(&self, rate: usize) {
        self.desk.set_rate(rate);
    }

    /// Whether nobody writes any more.
    fn has_ended(&self) -> bool {
        self.progress.has_changed().is_err()
    }

    /// Sends a batch that `payer` wrote, or an older version of it, and returns the number of the group that it is in.
    pub(super) fn send(
        &self,
        batch: Batch,
        payer: &Arc<Account>,
        is_older: bool,
    ) -> Result<u64, StateError> {
        let mut queue = self.desk.queue();
        if !matches!(queue.end, End::Open) || self.has_ended() {
            return Err(StateError::Closed);
        }
        let number = queue.send(batch, payer, is_older);
        drop(queue);
        self.desk.changed.notify_one();
        Ok(number)
    }

    /// The commit handle for the writes that were sent under these numbers, for `payer` or an older version of it.
    pub(super) fn commit_handle(
        &self,
        mut numbers: SmallVec<[u64; 2]>,
        payer: &Arc<Account>,
        is_older: bool,
    ) -> CommitHandle {
        let mut queue = self.desk.queue();
        numbers.retain(|number| queue.is_uncommitted(*number));
        if numbers.is_empty() {
            return CommitHandle::ready();
        }
        if !is_older && queue.hurry(&numbers, payer) {
            self.desk.changed.notify_one();
        }
        drop(queue);
        CommitHandle::new(
            numbers.into_vec(),
            Arc::clone(&self.desk),
            self.progress.clone(),
        )
    }

    /// Ends the writer after everything sent so far is written, or has failed to be.
    pub(super) async fn close(&self) -> Result<(), StateError> {
        let (done, mut closed) = oneshot::channel();
        {
            let mut queue = self.desk.queue();
            if !matches!(queue.end, End::Open) {
                return Ok(());
            }
            queue.end = End::Asked(Some(done));
        }
        self.desk.changed.notify_one();
        // The writer tells how it went before it ends, unless it died.
        let mut progress = self.progress.clone();
        while progress.changed().await.is_ok() {}
        closed.try_recv().unwrap_or(Err(StateError::Closed))
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        let mut queue = self.desk.queue();
        if matches!(queue.end, End::Open) {
            queue.end = End::Asked(None);
        }
        drop(queue);
        self.desk.changed.notify_one();
    }
}

struct Writer {
    backend: Box<dyn StateBackend>,
    desk: Arc<Desk>,
    report: watch::Sender<()>,
    /// What it hands to the store at the moment: the groups of one commit.
    writing: Vec<Group>,
    /// When the next try is due, after a failure.
    retry: Option<Instant>,
    /// When the next large commit may begin.
    large_from: Instant,
}

impl Writer {
    async fn run(place: &mut Option<Self>) {
        let Some(writer) = place else {
            return;
        };
        // What was to be written before a panic is written first.
        for group in std::mem::take(&mut writer.writing) {
            writer.desk.queue().put_back(group);
        }
        let closing = writer.serve().await;
        let result = writer.write_all().await;
        // The database is closed before those who wait for the end continue, and the final result of the writes is
        // reported last.
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
            let next = match self.next() {
                ControlFlow::Break(closing) => return closing,
                ControlFlow::Continue(next) => next,
            };
            match next {
                Next::Write(groups) => {
                    // How it went is told by `write`.
                    let _written = self.write(groups).await.is_ok();
                }
                Next::Nothing => {
                    if !self.tidy().await {
                        self.desk.changed.notified().await;
                    }
                }
                Next::Wait(wait) => {
                    if !self.tidy().await {
                        // Whether the time is over or something has come: the next look tells.
                        let _over = timeout(wait, self.desk.changed.notified()).await.is_err();
                    }
                }
            }
        }
    }

    /// What is to be done. Breaks with whom to tell if it is the end.
    fn next(&self) -> ControlFlow<Option<Closing>, Next> {
        let mut queue = self.desk.queue();
        match std::mem::take(&mut queue.end) {
            End::Open => {}
            end => {
                queue.end = End::Closed;
                return ControlFlow::Break(match end {
                    End::Asked(closing) => closing,
                    End::Open | End::Closed => None,
                });
            }
        }
        let now = Instant::now();
        let pause = self.retry.map(|due| due.saturating_duration_since(now));
        ControlFlow::Continue(match pause {
            Some(pause) if !pause.is_zero() => Next::Wait(pause),
            _ => {
                let pause = self.large_from.saturating_duration_since(now);
                queue.next(now, self.desk.rate(), pause)
            }
        })
    }

    /// Does what the database has put off; whether there was anything.
    async fn tidy(&mut self) -> bool {
        let began = Instant::now();
        let was_due = self.backend.tidy().await;
        if was_due {
            self.pause_after(began);
        }
        was_due
    }

    /// Has large commits wait after something that has taken long.
    fn pause_after(&mut self, began: Instant) {
        let now = Instant::now();
        let pause = now.saturating_duration_since(began) * PAUSE_AFTER_LARGE;
        self.large_from = self.large_from.max(now) + pause;
    }

    /// Writes all that waits, at once.
    async fn write_all(&mut self) -> Result<(), StateError> {
        loop {
            let group = self.desk.queue().any();
            match group {
                Some(group) => self.write(vec![group]).await?,
                None => return Ok(()),
            }
        }
    }

    /// Writes groups in one commit and tells how it went.
    async fn write(&mut self, groups: Vec<Group>) -> Result<(), StateError> {
        let began = Instant::now();
        self.writing = groups;
        let written = self.apply().await;
        let groups = std::mem::take(&mut self.writing);
        if groups.iter().any(Group::is_large) {
            self.pause_after(began);
        }
        let mut queue = self.desk.queue();
        let result = match written {
            Ok(bytes) => {
                queue::charge(&groups, bytes);
                for group in &groups {
                    queue.committed(group);
                }
                queue.error = None;
                if self.retry.take().is_some() {
                    info!("State is saved again");
                }
                Ok(())
            }
            Err(error) => {
                for group in groups {
                    queue.put_back(group);
                }
                queue.error = Some(error.clone());
                if self.retry.replace(Instant::now() + RETRY).is_none() {
                    error!(%error, "State is not saved");
                }
                Err(error)
            }
        };
        drop(queue);
        self.report.send_replace(());
        result
    }

    /// Hands the groups that are being written to the store. After a panic there nothing of them was written, and they
    /// are tried once more; a second panic is a failure like others.
    async fn apply(&mut self) -> Result<usize, StateError> {
        for _ in 0..2 {
            let applying = async {
                host_tasks::point(Task::StateWriter);
                let batches: Vec<_> = self.writing.iter().map(Group::changes).collect();
                self.backend.apply(&batches).await
            };
            if let Some(applied) = host_tasks::caught(Task::StateWriter, applying).await {
                return applied;
            }
        }
        Err(StateError::Failed)
    }
}

//! A connection's bytes, and what is known of their progress.

use super::Limits;
use crate::lock::lock;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What a connection is doing.
#[derive(Debug)]
pub(super) struct Progress {
    began: Instant,
    /// When a byte was read or written last.
    moved: Moment,
    /// When the first byte of a request's head came, while the head is not complete.
    head: Moment,
    /// Since when a request is served.
    serving: Moment,
    /// Whether the rest of the request's body is still to come.
    is_reading: AtomicBool,
    /// Since when the other end does not read.
    blocked: Moment,
    /// Whether a request has been served.
    is_known: AtomicBool,
    /// The connection's place among the web sockets.
    upgrade: Mutex<Option<OwnedSemaphorePermit>>,
}

/// Microseconds since the connection began, plus one; 0 is never.
#[derive(Debug, Default)]
struct Moment(AtomicU64);

impl Moment {
    fn set(&self, now: u64) {
        self.0.store(now, Ordering::Relaxed);
    }

    fn clear(&self) {
        self.set(0);
    }

    fn get(&self) -> Option<u64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|at| *at > 0)
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            moved: Moment::default(),
            head: Moment::default(),
            serving: Moment::default(),
            is_reading: AtomicBool::new(false),
            blocked: Moment::default(),
            is_known: AtomicBool::new(false),
            upgrade: Mutex::default(),
        }
    }
}

/// A request is served until this is dropped.
pub(super) struct Serving(Arc<Progress>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.serving.clear();
    }
}

impl Progress {
    fn now(&self) -> u64 {
        let passed = self.began.elapsed().as_micros();
        u64::try_from(passed).unwrap_or(u64::MAX - 1) + 1
    }

    /// The head of a request is complete, and its answer is being made.
    pub(super) fn begin(self: &Arc<Self>) -> Serving {
        self.head.clear();
        self.serving.set(self.now());
        self.is_known.store(true, Ordering::Relaxed);
        Serving(Arc::clone(self))
    }

    /// Takes a place among the web sockets for as long as the connection is open; false when there is none.
    pub(super) fn upgrade(&self, places: &Arc<Semaphore>) -> bool {
        let mut upgrade = lock(&self.upgrade);
        if upgrade.is_none() {
            *upgrade = Arc::clone(places).try_acquire_owned().ok();
        }
        upgrade.is_some()
    }

    fn read(&self) {
        let now = self.now();
        self.moved.set(now);
        if self.serving.get().is_none() && self.head.get().is_none() {
            self.head.set(now);
        }
    }

    fn wrote(&self) {
        self.moved.set(self.now());
        self.blocked.clear();
    }

    fn cannot_write(&self) {
        if self.blocked.get().is_none() {
            self.blocked.set(self.now());
        }
    }

    /// How long nothing has moved.
    pub(super) fn still(&self) -> Duration {
        self.since(self.moved.get().unwrap_or_default())
    }

    fn since(&self, at: u64) -> Duration {
        Duration::from_micros(self.now().saturating_sub(at))
    }

    /// Whether it takes longer than it may.
    pub(super) fn is_overdue(&self, limits: &Limits) -> bool {
        let is_late = self
            .head
            .get()
            .is_some_and(|at| self.since(at) >= limits.head);
        let is_under_way = self.serving.get().is_some() || self.blocked.get().is_some();
        let is_stalled = is_under_way && self.still() >= limits.stalled;
        is_late || is_stalled || self.still() >= limits.idle
    }

    /// Whether a request that has come in whole is served, or its answer is not read yet.
    pub(super) fn is_busy(&self) -> bool {
        let is_whole = !self.is_reading.load(Ordering::Relaxed);
        self.serving.get().is_some() && is_whole || self.blocked.get().is_some()
    }

    /// Notes whether the rest of the request's body is still to come.
    pub(super) fn set_reading(&self, is_reading: bool) {
        self.is_reading.store(is_reading, Ordering::Relaxed);
    }

    /// Whether a request has been served.
    pub(super) fn is_known(&self) -> bool {
        self.is_known.load(Ordering::Relaxed)
    }
}

/// A stream that notes its progress.
pub(super) struct Watched<Io> {
    io: Io,
    progress: Arc<Progress>,
}

impl<Io> Watched<Io> {
    pub(super) fn new(io: Io, progress: Arc<Progress>) -> Self {
        Self { io, progress }
    }

    fn noted(&self, written: Poll<std::io::Result<usize>>) -> Poll<std::io::Result<usize>> {
        match written {
            Poll::Ready(_) => self.progress.wrote(),
            Poll::Pending => self.progress.cannot_write(),
        }
        written
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for Watched<Io> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.io).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.progress.read();
        }
        read
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for Watched<Io> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(context, bytes);
        self.noted(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(context, buffers);
        self.noted(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

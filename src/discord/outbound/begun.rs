//! A future that whoever makes it polls first, and that goes on in a task of the runtime when something wakes it.
//!
//! Most requests can be written at once. A task made for that would have to be woken first, for nothing but to wait for
//! the answer then.

use crate::lock::lock;
use futures_util::FutureExt as _;
use std::future::{Future, pending};
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::task::{Context, Poll, Wake, Waker};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Begins work on the threads of others.
pub(super) struct Beginner {
    runtime: Handle,
    /// Whether the runtime is up. To poll what needs its timers is forbidden afterwards, and is done under this lock.
    is_up: Arc<RwLock<bool>>,
    /// The task that holds `Up`.
    holder: AbortHandle,
}

/// Dropped when the runtime goes down, before its timers do.
struct Up(Arc<RwLock<bool>>);

/// The outcome of work that goes on without whoever waits for this, and ends when this is dropped.
pub(super) struct Begun<T> {
    rest: Arc<Rest>,
    outcome: oneshot::Receiver<T>,
}

/// What is left of the work.
struct Rest {
    runtime: Handle,
    state: Mutex<State>,
}

enum State {
    /// Its maker polls it.
    Begins { is_woken: bool },
    /// There is nothing to do for it until it is woken.
    Waits(Work),
    /// It is being made a task.
    Moves,
    /// It is a task.
    GoesOn(AbortHandle),
    /// It is over, or nobody wants it any more.
    Ended,
}

impl Beginner {
    /// What is begun goes on in the present runtime.
    pub(super) fn here() -> Self {
        let runtime = Handle::current();
        let is_up = Arc::new(RwLock::new(true));
        let up = Up(Arc::clone(&is_up));
        let holder = runtime.spawn(async move {
            let _up = up;
            pending::<()>().await;
        });
        Self {
            holder: holder.abort_handle(),
            runtime,
            is_up,
        }
    }

    /// Polls `work` once in the context of the runtime, where it goes on. Does nothing when the runtime goes down.
    pub(super) fn begin<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Begun<T> {
        let (tell, outcome) = oneshot::channel();
        // In a box, because whatever a task holds is copied when it begins and when it ends. An `async` block would have
        // room for the work twice: as what it has captured, and where it waits.
        let mut work: Work = Box::pin(work.map(|outcome| {
            let _told = tell.send(outcome).is_ok();
        }));
        let rest = Arc::new(Rest {
            runtime: self.runtime.clone(),
            state: Mutex::new(State::Begins { is_woken: false }),
        });
        let waker = Waker::from(Arc::clone(&rest));
        let is_up = self.is_up.read().unwrap_or_else(PoisonError::into_inner);
        let begun = is_up.then(|| {
            let _context = self.runtime.enter();
            work.as_mut().poll(&mut Context::from_waker(&waker))
        });
        drop(is_up);
        match begun {
            Some(Poll::Pending) => rest.wait(work),
            _ => *lock(&rest.state) = State::Ended,
        }
        Begun { rest, outcome }
    }
}

impl Drop for Beginner {
    fn drop(&mut self) {
        self.holder.abort();
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = false;
    }
}

impl<T> Future for Begun<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        match Pin::new(&mut self.outcome).poll(context) {
            Poll::Ready(Ok(outcome)) => Poll::Ready(outcome),
            // Otherwise the runtime is going down, and with it everything that could use an outcome.
            _ => Poll::Pending,
        }
    }
}

impl<T> Drop for Begun<T> {
    fn drop(&mut self) {
        let left = mem::replace(&mut *lock(&self.rest.state), State::Ended);
        if let State::GoesOn(task) = &left {
            task.abort();
        }
    }
}

impl Rest {
    /// Keeps the work until it is woken, if that has not happened already.
    fn wait(self: &Arc<Self>, work: Work) {
        let mut state = lock(&self.state);
        if matches!(*state, State::Begins { is_woken: true }) {
            *state = State::Moves;
            drop(state);
            self.go_on(work);
        } else {
            *state = State::Waits(work);
        }
    }

    fn go_on(&self, work: Work) {
        let task = self.runtime.spawn(work).abort_handle();
        let mut state = lock(&self.state);
        if matches!(*state, State::Moves) {
            *state = State::GoesOn(task);
        } else {
            task.abort();
        }
    }
}

impl Wake for Rest {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut state = lock(&self.state);
        match &mut *state {
            State::Begins { is_woken } => *is_woken = true,
            State::Waits(_) => {
                let left = mem::replace(&mut *state, State::Moves);
                drop(state);
                if let State::Waits(work) = left {
                    self.go_on(work);
                }
            }
            State::Moves | State::GoesOn(_) | State::Ended => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread::ThreadId;
    use std::time::Duration;
    use tokio::sync::Notify;

    const LONG: Duration = Duration::from_secs(60);

    fn here() -> ThreadId {
        std::thread::current().id()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn it_begins_where_it_is_made_and_goes_on_in_the_runtime() {
        let gate = Arc::new(Notify::new());
        let through = Arc::clone(&gate);
        let beginner = Beginner::here();
        let made = std::thread::spawn(move || {
            beginner.begin(async move {
                let before = here();
                through.notified().await;
                (before, here())
            })
        });
        let maker = made.thread().id();
        let begun = made.join().unwrap();
        gate.notify_one();
        let (before, after) = begun.await;
        assert_eq!(before, maker);
        assert_ne!(after, maker);
    }

    #[tokio::test]
    async fn nothing_has_to_wake_what_ends_at_once() {
        let begun = Beginner::here().begin(async { 7 });
        assert_eq!(begun.await, 7);
    }

    #[tokio::test]
    async fn it_may_wake_itself_while_it_begins() {
        let begun = Beginner::here().begin(async {
            tokio::task::yield_now().await;
            std::future::poll_fn(|context| {
                context.waker().wake_by_ref();
                Poll::Ready(())
            })
            .await;
            7
        });
        assert_eq!(begun.await, 7);
    }

    #[tokio::test]
    async fn it_ends_with_whoever_waits_for_it() {
        struct Held(Arc<AtomicBool>);
        impl Drop for Held {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Release);
            }
        }
        for is_woken in [false, true] {
            let dropped = Arc::new(AtomicBool::new(false));
            let held = Held(Arc::clone(&dropped));
            let gate = Arc::new(Notify::new());
            let through = Arc::clone(&gate);
            let begun = Beginner::here().begin(async move {
                through.notified().await;
                std::future::pending::<()>().await;
                drop(held);
            });
            if is_woken {
                gate.notify_one();
                tokio::task::yield_now().await;
            }
            drop(begun);
            while !dropped.load(Ordering::Acquire) {
                tokio::task::yield_now().await;
            }
        }
    }

    #[test]
    fn nothing_begins_when_the_runtime_goes_down() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let beginner = runtime.block_on(async { Arc::new(Beginner::here()) });
        let (stop, is_stopped) = std::sync::mpsc::channel::<()>();
        let begins = std::thread::spawn(move || {
            // Each needs the runtime's timers.
            let begin = || drop(beginner.begin(async { tokio::time::sleep(LONG).await }));
            while is_stopped.try_recv().is_err() {
                begin();
            }
            begin();
        });
        runtime.shutdown_timeout(LONG);
        stop.send(()).unwrap();
        begins.join().unwrap();
    }
}

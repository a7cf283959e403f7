//! Keeps the host's tasks running after a panic: the panic is logged, and the task starts again, after a pause that
//! grows if it panics again and again.
//!
//! Tasks keep what outlives a panic (the way to them, what they have promised) in a state that they borrow. If somebody
//! waits for an answer from work that panicked, the code that started the work answers: see [`caught`].

use crate::backoff::Backoff;
use crate::lock::lock;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, lazy};
use std::any::Any;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tracing::error;

/// The pause after the first panic; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause between two runs.
const MAXIMUM_PAUSE: Duration = Duration::from_secs(10);
/// Who has run for so long begins with the first pause again.
const GOOD: Duration = Duration::from_secs(60);

macro_rules! tasks {
    ($($name:ident $words:literal)*) => {
        /// The tasks and threads of the host.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Task {
            $(#[doc = concat!("The ", $words, ".")] $name,)*
        }

        impl Task {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// How the log calls it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $words,)*
                }
            }
        }
    };
}

tasks! {
    AdminDesk "answers to admins"
    PublicDesk "answers to other users"
    Router "router of events"
    Shard "connection of a shard"
    SessionSaver "storage of gateway sessions"
    Intents "update of the gateway intents"
    Presence "update of the presence"
    CommandList "update of Discord's list of commands"
    ConfigFile "follower of config.json"
    ConfigWatch "watch on config.json"
    Reload "reload controller"
    Guard "messages of the guard"
    Batches "watcher of changed files"
    FileWatch "watch on files"
    DiscordCall "call of Discord"
    StateWriter "writer of the state"
    Types "check of the types"
    Watchdog "watchdog of the cogs"
    Page "page server"
    Simulator "simulator's server"
    SimulatorGateway "simulator's gateway"
    Cog "task of a cog"
    Command "handling of a command"
    Errand "background work"
}

/// The pauses of a task that panics again and again.
#[derive(Debug)]
struct Restarts {
    backoff: Backoff,
    began: Instant,
}

impl Restarts {
    fn new() -> Self {
        Self {
            backoff: Backoff::new(FIRST_PAUSE, MAXIMUM_PAUSE),
            began: Instant::now(),
        }
    }

    /// The pause before it begins once more.
    fn pause(&mut self) -> Duration {
        if self.began.elapsed() >= GOOD {
            self.backoff.reset();
        }
        let pause = self.backoff.pause();
        self.began = Instant::now() + pause;
        pause
    }
}

/// Runs a task of the host's until it ends by itself. `run` gets whether the task has panicked before; if so, it first
/// repairs what may have been left half-done.
pub fn spawn<S, F>(task: Task, state: S, run: F) -> JoinHandle<()>
where
    S: Send + 'static,
    F: for<'a> FnMut(&'a mut S, bool) -> BoxFuture<'a, ()> + Send + 'static,
{
    tokio::spawn(keep(task, state, run))
}

/// The same as a future.
pub async fn keep<S, F>(task: Task, mut state: S, mut run: F)
where
    F: for<'a> FnMut(&'a mut S, bool) -> BoxFuture<'a, ()>,
{
    let mut restarts = Restarts::new();
    let mut again = false;
    while caught(task, run(&mut state, again)).await.is_none() {
        again = true;
        tokio::time::sleep(restarts.pause()).await;
    }
}

/// A listener for one more run of a server, which takes it; `listener` stays open for the next one.
pub fn listener_of(listener: &std::net::TcpListener) -> std::io::Result<tokio::net::TcpListener> {
    tokio::net::TcpListener::from_std(listener.try_clone()?)
}

/// Runs something once; a panic ends it. Most callers do not wait for it.
pub fn errand(work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    let work = lazy(|_| point(Task::Errand)).then(|()| work);
    tokio::spawn(caught(Task::Errand, work).map(drop))
}

/// Starts a thread of the host's, which runs until it ends by itself.
pub fn thread<F>(task: Task, name: &str, mut run: F) -> std::io::Result<()>
where
    F: FnMut() + Send + 'static,
{
    let keep = move || {
        let mut restarts = Restarts::new();
        while caught_now(task, &mut run).is_none() {
            std::thread::sleep(restarts.pause());
        }
    };
    let thread = std::thread::Builder::new().name(name.to_owned());
    thread.spawn(keep).map(drop)
}

/// The result of work; nothing if it panicked, which the log then says. What it shares with others must be sound
/// also when it was left half-done.
pub fn caught<T>(task: Task, work: impl Future<Output = T>) -> impl Future<Output = Option<T>> {
    // An `async fn` would have room for the work twice: as an argument, and where it waits.
    let ended = AssertUnwindSafe(work).catch_unwind();
    ended.map(move |ended| ended.map_err(|_| tell(task)).ok())
}

/// The same for work that does not wait.
pub fn caught_now<T>(task: Task, work: impl FnOnce() -> T) -> Option<T> {
    let ended = catch_unwind(AssertUnwindSafe(work));
    ended.map_err(|_| tell(task)).ok()
}

fn tell(task: Task) {
    let task = task.name();
    error!(
        task,
        "A part of the bot failed and starts again. This is a bug in Cogsmith: please report it"
    );
}

/// Logs where a panic was, instead of standard error.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|info: &PanicHookInfo<'_>| {
        let place = info.location().map(ToString::to_string);
        let thread = std::thread::current();
        let thread = thread.name().unwrap_or_default();
        let why = words(info.payload());
        error!(place, thread, why, "The bot's own code panicked");
    }));
}

/// What a panic says.
fn words(payload: &dyn Any) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    text.unwrap_or_default()
}

/// Whether any task should panic.
static ARMED: AtomicBool = AtomicBool::new(false);
/// The tasks that should panic at their next point.
static TO_PANIC: Mutex<Vec<Task>> = Mutex::new(Vec::new());

/// A place at which tests can make a task panic. Costs one read of a flag.
#[inline]
pub(crate) fn point(task: Task) {
    if ARMED.load(Ordering::Relaxed) {
        panic_if_told(task);
    }
}

#[cold]
fn panic_if_told(task: Task) {
    let mut told = lock(&TO_PANIC);
    let place = told.iter().position(|it| *it == task);
    let Some(place) = place else {
        return;
    };
    told.remove(place);
    drop(told);
    resume_unwind(Box::new("a test asked for it"));
}

/// Makes a task panic at its next point, once. For tests; it applies to the whole process.
#[doc(hidden)]
pub fn panic_next(task: Task) {
    lock(&TO_PANIC).push(task);
    ARMED.store(true, Ordering::Relaxed);
}

/// Whether a task is still to panic.
#[doc(hidden)]
pub fn is_to_panic(task: Task) -> bool {
    lock(&TO_PANIC).contains(&task)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    #[tokio::test]
    async fn a_task_begins_anew_with_its_state_until_it_ends() {
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&runs);
        let task = spawn(Task::Errand, counted, |runs, again| {
            Box::pin(async move {
                let run = runs.fetch_add(1, Ordering::Relaxed);
                assert_eq!(again, run > 0);
                if run < 3 {
                    std::panic::panic_any("once more");
                }
            })
        });
        task.await.unwrap();
        assert_eq!(runs.load(Ordering::Relaxed), 4);
    }

    #[test]
    fn pauses_grow_to_a_bound() {
        let mut restarts = Restarts::new();
        assert_eq!(restarts.pause(), FIRST_PAUSE);
        assert_eq!(restarts.pause(), 2 * FIRST_PAUSE);
        for _ in 0..20 {
            restarts.pause();
        }
        assert_eq!(restarts.pause(), MAXIMUM_PAUSE);
    }
}

//! Every entry into Luau: with the memory limit on, the CPU budget running, and a panic caught.

use super::build::Vm;
use super::require::Generation;
use super::trace::Fault;
use crate::activity::{Activity, Busy};
use mlua::{Function, IntoLuaMulti, MultiValue, Value};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// One run of an author's function, as the host sees it from outside and from within.
#[derive(Debug)]
pub struct Run {
    activity: Activity,
    /// Held while the run is under way and does not wait for the clock or for a user.
    busy: Mutex<Option<Busy>>,
    /// Whether the last slice ended in order to wait.
    is_waiting: AtomicBool,
    waiting_since: Mutex<Option<Instant>>,
    /// Time spent waiting so far, which limits of wall time leave out.
    waited: Mutex<Duration>,
}

impl Run {
    /// A run that begins now.
    pub fn new(activity: &Activity) -> Arc<Self> {
        Self::taking_over(activity, activity.begin())
    }

    /// A run that goes on with work which counts already.
    pub fn taking_over(activity: &Activity, busy: Busy) -> Arc<Self> {
        Arc::new(Self {
            activity: activity.clone(),
            busy: Mutex::new(Some(busy)),
            is_waiting: AtomicBool::new(false),
            waiting_since: Mutex::default(),
            waited: Mutex::default(),
        })
    }

    /// Ends the run, whose consequences are still to be drawn.
    pub fn end(&self) -> Busy {
        lock(&self.busy)
            .take()
            .unwrap_or_else(|| self.activity.begin())
    }

    /// Says that what keeps the present slice from going on may take as long as it likes.
    pub fn waits(&self) {
        self.is_waiting.store(true, Ordering::Relaxed);
    }

    /// A slice begins: the run counts as busy again.
    fn resume(&self) {
        self.is_waiting.store(false, Ordering::Relaxed);
        let mut busy = lock(&self.busy);
        if busy.is_none() {
            *busy = Some(self.activity.begin());
        }
        if let Some(since) = lock(&self.waiting_since).take() {
            *lock(&self.waited) += since.elapsed();
        }
    }

    /// A slice has ended before the run has. While it waits the bot counts as settled.
    fn pause(&self) {
        if self.is_waiting.load(Ordering::Relaxed) {
            *lock(&self.waiting_since) = Some(Instant::now());
            drop(lock(&self.busy).take());
        }
    }

    /// How long the run has waited.
    pub fn waited(&self) -> Duration {
        *lock(&self.waited)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Vm {
    /// Runs `run` as one slice of `generation`'s code.
    ///
    /// The memory limit is on only meanwhile: mlua aborts the process when it runs out of memory while it
    /// drops an asynchronous thread or makes a handle.
    pub fn enter<R>(
        &self,
        generation: &Arc<Generation>,
        run: impl FnOnce() -> mlua::Result<R>,
    ) -> Result<R, Fault> {
        self.loader().activate(generation);
        self.make_room();
        self.limit_memory(true);
        let (result, expired) = self
            .guard()
            .run(self.limits().cpu, || catch_unwind(AssertUnwindSafe(run)));
        self.limit_memory(false);
        self.after(self.fault_or(result, expired))
    }

    fn fault_or<R>(
        &self,
        result: std::thread::Result<mlua::Result<R>>,
        expired: Option<super::watchdog::Expired>,
    ) -> Result<R, Fault> {
        match (result, expired) {
            (Err(_), _) => {
                self.poison();
                Err(Fault::Panic)
            }
            (_, Some(expired)) => Err(Fault::Cpu {
                limit: self.limits().cpu,
                traceback: expired.traceback,
            }),
            (Ok(Ok(value)), None) => Ok(value),
            (Ok(Err(error)), None) => Err(Fault::from_vm(&error, self.limits())),
        }
    }

    /// Calls `function` at once: for code that must not wait, such as a cog's top level.
    pub fn call(
        &self,
        generation: &Arc<Generation>,
        function: &Function,
        arguments: impl IntoLuaMulti,
    ) -> Result<MultiValue, Fault> {
        let outcome = self.enter(generation, || {
            let mut arguments = arguments.into_lua_multi(self.lua())?;
            arguments.push_front(Value::Function(function.clone()));
            Ok(self.outcome(self.driver().call(arguments)?))
        })?;
        self.after(outcome)
    }

    /// What the driver returned: the handler's results, or what it raised and where. To be read within the
    /// slice: a panic that Luau code caught goes on when its value is looked at.
    fn outcome(&self, mut results: MultiValue) -> Result<MultiValue, Fault> {
        match results.pop_front() {
            Some(Value::Boolean(true)) => Ok(results),
            _ => Err(Fault::from_raised(results.pop_front(), self.limits())),
        }
    }

    /// Makes room for the next slice after one that had none left.
    fn after<R>(&self, outcome: Result<R, Fault>) -> Result<R, Fault> {
        if let Err(Fault::Memory { .. }) = &outcome {
            self.collect();
        }
        outcome
    }

    /// Calls `function` as a handler: it may wait, and each step is a slice of its own.
    pub fn run(
        &self,
        generation: &Arc<Generation>,
        run: &Arc<Run>,
        function: &Function,
        arguments: impl IntoLuaMulti,
    ) -> Handler {
        // Made outside of a slice: what mlua needs for a thread is small, and must not fail half-way.
        let called = arguments.into_lua_multi(self.lua()).map(|mut arguments| {
            arguments.push_front(Value::Function(function.clone()));
            self.driver().call_async::<MultiValue>(arguments)
        });
        let (step, failed): (Option<Step>, _) = match called {
            Ok(future) => (Some(Box::pin(future)), None),
            Err(error) => (None, Some(Fault::from_vm(&error, self.limits()))),
        };
        Handler {
            step,
            failed,
            generation: Arc::clone(generation),
            run: Arc::clone(run),
            vm: self.clone(),
        }
    }
}

type Step = Pin<Box<dyn Future<Output = mlua::Result<MultiValue>> + Send>>;

/// A handler under way. Dropping it cancels it.
pub struct Handler {
    // Dropped before the VM, and outside of any slice: the memory limit is off then.
    step: Option<Step>,
    failed: Option<Fault>,
    generation: Arc<Generation>,
    run: Arc<Run>,
    vm: Vm,
}

impl Future for Handler {
    type Output = Result<MultiValue, Fault>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Some(fault) = this.failed.take() {
            return Poll::Ready(Err(fault));
        }
        let Some(step) = this.step.as_mut() else {
            return Poll::Ready(Err(Fault::Cancelled));
        };
        this.run.resume();
        this.vm.loader().set_running(Some(&this.run));
        let polled = this.vm.enter(&this.generation, || {
            Ok(match step.as_mut().poll(context) {
                Poll::Pending => None,
                Poll::Ready(result) => Some(this.vm.outcome(result?)),
            })
        });
        this.vm.loader().set_running(None);
        let ended = match polled {
            Ok(None) => {
                this.run.pause();
                return Poll::Pending;
            }
            Ok(Some(outcome)) => this.vm.after(outcome),
            Err(fault) => Err(fault),
        };
        this.step = None;
        Poll::Ready(ended)
    }
}

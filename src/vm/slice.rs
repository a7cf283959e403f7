//! Every entry into Luau: with the memory limit on, the CPU budget running, and a panic caught.

use super::build::Vm;
use super::generation::Generation;
use super::run::Run;
use super::trace::Fault;
use mlua::{Function, IntoLuaMulti, Lua, MultiValue, Value, WeakLua};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

/// Awaits something that may take any time: meanwhile the bot counts as idle, and the time does not count for the run's
/// limit.
///
/// The run is the one that polls the future: a coroutine that waits belongs first to the run that resumed it, and then
/// to its own.
pub fn waiting<F: Future>(lua: &Lua, future: F) -> TrackedWait<F> {
    TrackedWait {
        lua: lua.weak(),
        run: None,
        future: Box::pin(future),
    }
}

/// The future that [`waiting`] returns: while it is pending, its run counts as waiting.
pub struct TrackedWait<F> {
    // Not `Lua` itself: Luau owns the future that this is a part of.
    lua: WeakLua,
    run: Option<Arc<Run>>,
    future: Pin<Box<F>>,
}

impl<F> TrackedWait<F> {
    fn belong_to(&mut self, run: Option<Arc<Run>>) {
        let address = |run: &Option<Arc<Run>>| run.as_ref().map(Arc::as_ptr);
        if address(&self.run) == address(&run) {
            return;
        }
        if let Some(run) = &run {
            run.begin_wait();
        }
        if let Some(former) = std::mem::replace(&mut self.run, run) {
            former.end_wait();
        }
    }
}

impl<F: Future> Future for TrackedWait<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let vm = self.lua.try_upgrade().and_then(|lua| Vm::of(&lua).ok());
        let run = vm.and_then(|vm| vm.loader().running());
        self.belong_to(run);
        let polled = self.future.as_mut().poll(context);
        if polled.is_ready() {
            self.belong_to(None);
        }
        polled
    }
}

impl<F> Drop for TrackedWait<F> {
    fn drop(&mut self) {
        self.belong_to(None);
    }
}

impl Vm {
    /// Runs `run` as one slice of `generation`'s code.
    ///
    /// The memory limit applies only while `run` runs: what the host itself does with the VM is not the author's doing,
    /// and no author could handle an error there.
    pub fn enter<R>(
        &self,
        generation: &Arc<Generation>,
        run: impl FnOnce() -> mlua::Result<R>,
    ) -> Result<R, Fault> {
        let result = self.step(generation, run);
        self.after(result)
    }

    /// The same, without making room afterwards.
    fn step<R>(
        &self,
        generation: &Arc<Generation>,
        run: impl FnOnce() -> mlua::Result<R>,
    ) -> Result<R, Fault> {
        if generation.is_closed() {
            return Err(generation.life.why_closed());
        }
        let budget = generation.budget(self.limits(), Instant::now());
        if budget.is_zero() {
            return Err(generation.out_of_time(self.limits(), budget, None));
        }
        let Some(heap) = self.heap_budget(generation.is_retired()) else {
            let limit = self.limits().memory;
            let traceback = None;
            return Err(Fault::Memory { limit, traceback });
        };
        self.loader().activate(generation);
        self.expect_memory_errors(true);
        let caught = || catch_unwind(AssertUnwindSafe(run));
        let (result, spent) = self.guard().run(self.lua(), budget, heap, caught);
        self.expect_memory_errors(false);
        self.note_peak();
        generation.charge(self.limits(), spent.used, Instant::now());
        match (result, spent.expired) {
            (Err(_), _) => {
                self.poison();
                Err(Fault::Panic)
            }
            (_, Some(expired)) => {
                Err(generation.out_of_time(self.limits(), budget, expired.traceback))
            }
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

    /// What the driver returned: the handler's results, or what it raised and where. Must be read within the slice: a
    /// panic that Luau code caught continues when its value is read.
    fn outcome(&self, mut results: MultiValue) -> Result<MultiValue, Fault> {
        if let Some(Value::Boolean(true)) = results.pop_front() {
            return Ok(results);
        }
        let caught = results.pop_front();
        Err(Fault::from_raised(caught, self.limits(), || self.is_full()))
    }

    /// Makes room for the next slice after one that had none left. What it ran must be gone by then, or it
    /// holds on to what is to be collected.
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
    ) -> HandlerFuture {
        // Made outside of a slice: what mlua needs for a thread is small, and must not fail half-way.
        let host = &self.loader().host;
        let arguments = host
            .allow_waiting(self.lua())
            .and_then(|()| arguments.into_lua_multi(self.lua()));
        let called = arguments.map(|mut arguments| {
            arguments.push_front(Value::Function(function.clone()));
            self.driver().call_async::<MultiValue>(arguments)
        });
        let (step, failed): (Option<ThreadFuture>, _) = match called {
            Ok(future) => (Some(Box::pin(future)), None),
            Err(error) => (None, Some(Fault::from_vm(&error, self.limits()))),
        };
        HandlerFuture {
            step,
            failed,
            generation: Arc::clone(generation),
            run: Arc::clone(run),
            collections: None,
            vm: self.clone(),
        }
    }
}

/// What resumes a handler's Luau thread, from wait to wait.
type ThreadFuture = Pin<Box<dyn Future<Output = mlua::Result<MultiValue>> + Send>>;

/// A handler that is running: a future that ends with its results. Dropping it cancels the handler.
pub struct HandlerFuture {
    // Dropped before the VM, and outside of any slice, where the memory limit does not apply.
    step: Option<ThreadFuture>,
    failed: Option<Fault>,
    generation: Arc<Generation>,
    run: Arc<Run>,
    /// How often garbage had been collected when it first waited.
    collections: Option<usize>,
    vm: Vm,
}

impl Drop for HandlerFuture {
    fn drop(&mut self) {
        self.step = None;
        let collections = self.vm.collections();
        if self.collections.is_some_and(|then| then != collections) {
            // What the handler held was not garbage yet.
            self.vm.forget_collection();
        }
    }
}

impl Future for HandlerFuture {
    type Output = Result<MultiValue, Fault>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Some(fault) = this.failed.take() {
            return Poll::Ready(Err(fault));
        }
        let Some(step) = this.step.as_mut() else {
            return Poll::Ready(Err(Fault::Cancelled));
        };
        this.vm.loader().set_running(Some(&this.run));
        let polled = this.vm.step(&this.generation, || {
            Ok(match step.as_mut().poll(context) {
                Poll::Pending => None,
                Poll::Ready(result) => Some(this.vm.outcome(result?)),
            })
        });
        this.vm.loader().set_running(None);
        let ended = match polled {
            Ok(None) => {
                this.collections.get_or_insert(this.vm.collections());
                return Poll::Pending;
            }
            Ok(Some(outcome)) => outcome,
            Err(fault) => Err(fault),
        };
        this.step = None;
        Poll::Ready(this.vm.after(ended))
    }
}

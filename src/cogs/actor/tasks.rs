//! Functions that a cog has spawned: each is driven like a handler, until it ends or is stopped.

use super::{Actor, Ended};
use crate::api::spawner::Spawn;
use crate::api::usage::TaskSlot;
use crate::cogs::live::Live;
use crate::cogs::{fault, handler};
use crate::host_tasks;
use crate::vm::build::Vm;
use crate::vm::life::Life;
use crate::vm::run::Run;
use crate::vm::trace::Fault;
use futures_util::future::AbortHandle;
use mlua::Thread;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A function that was spawned and has not ended.
pub(super) struct Spawned {
    /// The address of its coroutine, which may be delayed several times.
    thread: usize,
    pub(super) abort: AbortHandle,
    /// Whether its delay is over.
    has_begun: Arc<AtomicBool>,
    /// Its version.
    version: Arc<Life>,
}

impl Actor {
    /// A function that the cog wants to run as a task. It ends with the last handler of its generation's VM.
    pub(super) fn spawn(&mut self, spawn: Spawn) {
        let cog = Arc::clone(&self.cog);
        let version = Arc::clone(&spawn.generation.life);
        cog.work_for(&version, || self.begin_task(spawn));
    }

    fn begin_task(&mut self, spawn: Spawn) {
        self.turn = Some(spawn.busy);
        // Delayed functions end with their version, also those that it delays later.
        if spawn.generation.is_retired() && !spawn.after.is_zero() {
            return;
        }
        let Ok(vm) = Vm::of_thread(&spawn.thread) else {
            return;
        };
        let generation = spawn.generation.number;
        let version = Arc::clone(&spawn.generation.life);
        let mut declared = self.declared.iter().filter(|(of, _)| *of == generation);
        let live = Live {
            vm,
            generation: spawn.generation,
            declarations: declared
                .find_map(|(_, declared)| declared.upgrade())
                .unwrap_or_default(),
            info: Arc::default(),
        };
        let address = spawn.thread.to_pointer() as usize;
        let limit = self.handler_limit();
        let cog = Arc::clone(&self.cog);
        let (function, arguments, after) = (spawn.function, spawn.arguments, spawn.after);
        let (thread, place) = (spawn.thread, spawn.slot);
        let begun = after.is_zero().then(|| Run::new(&cog.services.activity));
        // The time counts from here on, not from the first poll.
        let alarm = cog.services.clock.alarm(after);
        let has_begun = Arc::new(AtomicBool::new(after.is_zero()));
        let beginning = Arc::clone(&has_begun);
        let (work, abort) = futures_util::future::abortable(async move {
            // Dropped after the coroutine, which is then garbage.
            let mut leftovers = handler::Leftovers::of(&cog, &live);
            let mut task = Task {
                vm: live.vm.clone(),
                thread,
                is_over: false,
                _place: place,
            };
            let run = if let Some(run) = begun {
                run
            } else {
                let woken = alarm.await;
                beginning.store(true, Ordering::Relaxed);
                let run = Run::new(&cog.services.activity);
                drop(woken);
                run
            };
            let result = handler::run_as(&run, &cog, &live, &function, arguments, limit).await;
            leftovers.note(&result);
            task.is_over = matches!(result, Ok(_) | Err(Fault::Raised(_)));
            if let Err(fault) = result {
                fault::report(&cog, &live, &fault, None).await;
            }
        });
        self.last_spawned += 1;
        let number = self.last_spawned;
        let spawned = Spawned {
            thread: address,
            abort,
            has_begun,
            version: Arc::clone(&version),
        };
        self.spawned.insert(number, spawned);
        self.enlist(Some(&version), async move {
            let _finished = host_tasks::caught(host_tasks::Task::Cog, work)
                .await
                .is_some();
            Box::new(move |actor: &mut Self| {
                actor.spawned.remove(&number);
            }) as Ended
        });
    }

    /// The delayed functions of the versions that end now end with them, unless they have begun.
    pub(super) fn end_delays(&self, ends: impl Fn(&Life) -> bool) {
        let delayed = self.spawned.values();
        let delayed = delayed.filter(|it| !it.has_begun.load(Ordering::Relaxed));
        for spawned in delayed.filter(|it| ends(&it.version)) {
            spawned.abort.abort();
        }
    }

    pub(super) fn stop_cancelled(&mut self) {
        let threads: HashSet<usize> = self.cog.spawner.take_cancelled().into_iter().collect();
        self.spawned.retain(|_, spawned| {
            let is_cancelled = threads.contains(&spawned.thread);
            if is_cancelled {
                spawned.abort.abort();
            }
            !is_cancelled
        });
    }
}

/// A task's coroutine, kept to the end, so that no other one gets its address. If it is stopped from outside, it is
/// closed, and the future that it waits for is dropped.
struct Task {
    vm: Vm,
    thread: Thread,
    /// Whether it has ended, or waits to be resumed by the author's code.
    is_over: bool,
    _place: TaskSlot,
}

impl Drop for Task {
    fn drop(&mut self) {
        if !self.is_over {
            self.vm.abandon(&self.thread);
        }
    }
}

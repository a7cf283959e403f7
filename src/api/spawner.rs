//! What a cog's code has its actor run beside the handlers: tasks.

use super::usage::TaskSlot;
use crate::activity::Busy;
use crate::lock::lock;
use crate::vm::generation::Generation;
use mlua::{Function, MultiValue, Thread};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};

/// A task: a handler that a cog wants run on its own.
#[derive(Debug)]
pub struct Spawn {
    /// The coroutine that the author holds in order to cancel it.
    pub thread: Thread,
    /// What drives it.
    pub function: Function,
    /// Its arguments.
    pub arguments: MultiValue,
    /// When it begins.
    pub after: Duration,
    /// The generation whose code it is.
    pub generation: Arc<Generation>,
    /// Its slot among the cog's tasks.
    pub slot: TaskSlot,
    /// The bot is busy with it from the call on.
    pub busy: Busy,
}

/// The way to the actor.
#[derive(Debug)]
pub struct Spawner {
    /// Functions to be run by the actor.
    spawns: mpsc::UnboundedSender<Box<Spawn>>,
    /// Spawned functions that are to be stopped, by the address of their coroutine.
    cancelled: Mutex<Vec<usize>>,
    /// Rings when one is added.
    pub cancel_notice: Notify,
}

impl Spawner {
    pub(super) fn new(spawns: mpsc::UnboundedSender<Box<Spawn>>) -> Self {
        Self {
            spawns,
            cancelled: Mutex::default(),
            cancel_notice: Notify::new(),
        }
    }

    /// Asks the actor to run a function.
    pub fn spawn(&self, spawn: Spawn) {
        // An actor that is gone runs nothing more, and neither does its cog.
        let _sent = self.spawns.send(Box::new(spawn)).is_ok();
    }

    /// Has a spawned function stopped, or never begun.
    pub fn cancel(&self, thread: usize) {
        lock(&self.cancelled).push(thread);
        self.cancel_notice.notify_one();
    }

    /// The spawned functions that are to be stopped.
    pub fn take_cancelled(&self) -> Vec<usize> {
        std::mem::take(&mut lock(&self.cancelled))
    }

    /// Whether the actor that carries out what the cog does is there: it goes when the cog is unloaded.
    pub(super) fn has_actor(&self) -> bool {
        !self.spawns.is_closed()
    }
}

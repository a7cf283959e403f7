//! Charges for Discord objects, snapshots of the state and requests that Luau code holds: Luau's own memory limit does
//! not see them, so they are charged here until they are freed.

use super::limit_checks::LimitChecks;
use super::limits::{self, Limit};
use crate::charge::{Allowance, Charge};
use crate::hash::HashMap;
use crate::json::Json;
use crate::lock::lock;
use crate::state::StateTable;
use crate::vm::build::Vm;
use crate::vm::host::{HostError, HostResult};
use mlua::Lua;
use std::sync::{Arc, Mutex, Weak};

/// What one cog is charged for.
#[derive(Debug)]
pub struct Charges {
    limits: Arc<LimitChecks>,
    /// The snapshots of the state that are being iterated, by address.
    snapshots: Mutex<HashMap<usize, Weak<Charge>>>,
}

impl Charges {
    pub(super) fn new(limits: &Arc<LimitChecks>) -> Self {
        Self {
            limits: Arc::clone(limits),
            snapshots: Mutex::default(),
        }
    }

    /// Charges for JSON that Luau is about to hold: for the whole document, also where it gets only a part of it, as
    /// the part keeps the rest alive. What several parts are charged for may be more than there is, never less.
    pub(super) fn of_json(&self, lua: &Lua, json: &Json) -> HostResult<Arc<Charge>> {
        self.of_bytes(lua, json.bytes())
    }

    /// Charges for bytes that Luau is about to hold and cannot count.
    pub fn of_bytes(&self, lua: &Lua, bytes: usize) -> HostResult<Arc<Charge>> {
        let vm = Vm::of(lua)?;
        let (limit, held) = (vm.limits().memory, &vm.limits().held);
        // Room for the heap: code that frees something must still be able to run.
        let room = || (limit / 16 * 15).saturating_sub(vm.memory());
        if held.outside() + bytes > room() {
            // A collection frees what is no longer reachable.
            vm.collect();
        }
        held.allowance(room()).take(bytes).map(Arc::new).map_err(|_| {
            let message = format!(
                "this cog holds more than {} MB of Discord objects and references to state (limits.memory_mb)",
                limit >> 20
            );
            self.limits.at_limit(Limit::Memory, message).into()
        })
    }

    /// Charges for a request of so many bytes, until its answer is there.
    pub(super) fn of_request(&self, function: &str, bytes: usize) -> HostResult<Arc<Charge>> {
        let charge = self.requests_allowance().take(bytes);
        let charge = charge.map_err(|_| self.too_many_request_bytes(function))?;
        Ok(Arc::new(charge))
    }

    /// What the requests that are running may hold, with what has come of their answers.
    pub(super) fn requests_allowance(&self) -> Allowance {
        let limit = self.limits.services.config.load().limits.memory_mb;
        let slots = self.limits.lane.slots();
        slots.bytes.allowance(limits::megabytes(limit))
    }

    /// The error of `function` where they hold too much.
    pub(super) fn too_many_request_bytes(&self, function: &str) -> HostError {
        let limit = self.limits.services.config.load().limits.memory_mb;
        let message = format!(
            "{function}: this cog has open requests and responses of more than {limit} MB (limits.memory_mb)"
        );
        self.limits.at_limit(Limit::Memory, message)
    }

    /// The charge for a snapshot of the state: shared by all that iterate the same one.
    pub(super) fn of_snapshot(
        &self,
        lua: &Lua,
        entries: &Arc<StateTable>,
    ) -> HostResult<Arc<Charge>> {
        let key = Arc::as_ptr(entries) as usize;
        if let Some(held) = lock(&self.snapshots).get(&key).and_then(Weak::upgrade) {
            return Ok(held);
        }
        // Not under the lock: this may collect garbage, and with it other snapshots.
        let charge = self.of_bytes(lua, entries.bytes())?;
        let mut snapshots = lock(&self.snapshots);
        // Not each time: a cog may hold a hundred thousand.
        if snapshots.len() == snapshots.capacity() {
            snapshots.retain(|_, held| held.strong_count() > 0);
            let held = snapshots.len();
            snapshots.reserve(held + 1);
        }
        snapshots.insert(key, Arc::downgrade(&charge));
        Ok(charge)
    }
}

//! The declarations of the files that load now: their top levels add to them, and they are taken as a whole.

use super::declarations::{Declarations, MOST_CALLS_OF_DEFAULTS, Staged};
use super::limit_checks::LimitChecks;
use super::limits::{Limit, at_most, kilobytes};
use super::phase::active;
use crate::lock::lock;
use crate::vm::host::{HostError, HostResult};
use mlua::Lua;
use std::sync::{Arc, Mutex};

/// What the top level that runs now has declared.
#[derive(Debug)]
pub struct Declaring {
    limits: Arc<LimitChecks>,
    staged: Mutex<Staged>,
}

impl Declaring {
    pub(super) fn new(limits: &Arc<LimitChecks>) -> Self {
        Self {
            limits: Arc::clone(limits),
            staged: Mutex::default(),
        }
    }

    /// Begins collecting declarations: those of kept modules are taken over.
    pub fn begin(&self, staged: Staged) {
        *lock(&self.staged) = staged;
    }

    /// What has been declared since.
    pub fn take(&self) -> Staged {
        std::mem::take(&mut lock(&self.staged))
    }

    /// Adds to the declarations of the module whose top level runs; raises at any other time.
    pub fn declare<R>(
        &self,
        lua: &Lua,
        function: &str,
        add: impl FnOnce(&mut Declarations) -> HostResult<R>,
    ) -> HostResult<R> {
        let module = active(lua)?.declaring();
        let Some(module) = module else {
            let message =
                format!("{function}: only while the file loads: move this to its top level");
            return Err(HostError::new("phase", message).into());
        };
        add(lock(&self.staged).of(module))
    }

    /// Counts something in the declarations of the files that load now. Must not be called while one is being added.
    pub fn declared<R>(&self, count: impl FnOnce(&Staged) -> R) -> R {
        count(&lock(&self.staged))
    }

    /// Raises when the files that load now have no room for one more call of `function`, which is `state.defaults` or
    /// `state.rows`, with so many bytes.
    pub(super) fn room_for_defaults(&self, function: &str, bytes: usize) -> HostResult<()> {
        let (calls, held) = lock(&self.staged).defaults();
        if calls >= MOST_CALLS_OF_DEFAULTS {
            let message = format!(
                "{function}: a cog may call state.defaults and state.rows {MOST_CALLS_OF_DEFAULTS} times at most, its services included"
            );
            return Err(HostError::new("limit", message).into());
        }
        let limit = self.limits.services.config.load().limits.state_value_kb;
        if held.saturating_add(bytes) <= kilobytes(limit) {
            return Ok(());
        }
        let message = format!(
            "{function}: all defaults of a cog may have {limit} KB together (limits.state_value_kb)"
        );
        Err(self.limits.at_limit(Limit::StateValue, message).into())
    }

    /// Raises when the files that load now declare more timers than one more.
    pub(super) fn room_for_timer(&self, function: &str) -> HostResult<()> {
        let limit = self.limits.services.config.load().limits.timers;
        if lock(&self.staged).timers().count() < at_most(limit) {
            return Ok(());
        }
        let message = format!("{function}: a cog may have {limit} timers (limits.timers)");
        Err(self.limits.at_limit(Limit::Timers, message).into())
    }
}

//! `state.transaction(function)`: all of a function's writes, or none.

use super::space::Space;
use super::{view_of, write_error};
use crate::api::context::CogContext;
use crate::api::phase::may_write;
use crate::state::StateError;
use crate::vm::build::Vm;
use crate::vm::host::{Arguments, HostError, HostResult};
use mlua::{Function, Lua, MultiValue, Value};
use std::sync::Arc;

/// How often a transaction is run again because another cog was faster.
const MOST_ATTEMPTS: usize = 16;

/// How deep transactions may be nested: each has a copy of the writes of those around it.
const MOST_NESTED: usize = 4;

/// All of `body`'s writes, or none; run again when another cog changed what it looked at.
pub(super) fn run(
    lua: &Lua,
    cog: &Arc<CogContext>,
    pcall: &Function,
    arguments: &Arguments,
) -> HostResult<MultiValue> {
    let body = arguments.callback(0, "the function")?;
    may_write(lua, "state.transaction")?;
    let view = view_of(cog, &Space::Own, lua)?;
    if view.transactions() >= MOST_NESTED {
        let message =
            format!("state.transaction: transactions may be nested at most {MOST_NESTED} deep");
        return Err(HostError::new("state", message).into());
    }
    let vm = Vm::of(lua)?;
    for _ in 0..MOST_ATTEMPTS {
        view.begin_transaction();
        let results = match pcall.call::<MultiValue>(&body) {
            Ok(results) => results,
            Err(error) => {
                view.rollback_transaction();
                return Err(error.into());
            }
        };
        let ok = matches!(results.front(), Some(Value::Boolean(true)));
        if !ok || vm.is_expired() {
            view.rollback_transaction();
            return Ok(results);
        }
        match view.commit_transaction() {
            Ok(()) => return Ok(results),
            Err(StateError::Conflict { .. }) => {}
            Err(error) => return Err(write_error(cog, error)),
        }
    }
    let message = "state.transaction: other cogs kept changing the same state; try again later";
    Err(HostError::new("state", message).into())
}

//! The host's modules, one file each: what a cog can `require` under `@cogsmith`.
//!
//! ```text
//! services (what the whole bot shares) ─ context (what one cog's functions know) ─ one file a module
//! ```
//!
//! `declarations` is what a cog's top level leaves behind, `command` reads `cog.command { … }`, `option`
//! makes `cog.option`, `invocation` is `ctx`, `object` Discord's objects, `convert` carries values between
//! Luau and JSON, `content` turns what an author sends into a message, `rate_limiter` (refuses) and `rate_limit_queue` (has wait)
//! bound how often a cog does something, `faults` are the handlers that failed, `usage` counts what a cog uses, which `limit_checks` bounds (`log_usage` its lines in the
//! log), `budget` by its name (`slots` what its requests have open, `usage_by_code` the processor time of each version),
//! `versions` what older versions hold, `limits` names the limits, `limit_view` shows them, `condition` is what of a cog runs, `quarantine` counts what leads to it. `readonly` answers who writes
//! to what cannot be written. `reach` says what a cog may do without a capability, `own_messages` which messages are
//! its own, `veil` takes the content from others.

pub mod budget;
pub mod call;
pub mod capabilities;
pub mod charges;
pub mod cog;
pub mod command;
pub mod condition;
pub mod content;
pub mod context;
pub mod convert;
pub mod declarations;
pub mod declaring;
mod deletion;
pub mod discord;
pub mod faults;
pub mod fields;
pub mod http;
pub mod invocation;
pub mod json;
mod lane;
pub mod learn;
pub mod limit_checks;
pub mod limit_view;
pub mod limits;
pub mod log;
pub mod log_usage;
mod method_table;
pub mod methods;
mod not_json;
pub mod object;
pub mod option;
pub mod own_messages;
pub mod own_state;
mod phase;
pub mod quarantine;
pub mod questions;
pub mod rate_limit_queue;
pub mod rate_limiter;
pub mod reach;
mod readonly;
pub mod services;
pub mod slots;
pub mod spawner;
pub mod state;
pub mod task;
pub mod time;
pub mod usage;
mod usage_by_code;
pub mod veil;
pub mod versions;

use crate::vm::host::{Host, HostError};
use context::CogContext;
use mlua::{Function, Lua, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Makes all modules of one cog's VM. To be called before the VM is sandboxed.
pub fn install(
    lua: &Lua,
    host: &Host,
    cog: &Arc<CogContext>,
) -> mlua::Result<BTreeMap<&'static str, Value>> {
    object::register(lua, readonly::of_objects(lua, host)?)?;
    methods::install(lua, host, cog)?;
    invocation::install(lua, host, cog)?;
    // What is made by Luau code later has it, too.
    let closed = lua.create_table()?;
    let modules = BTreeMap::from([
        ("cog", cog::module(lua, host, cog)?),
        ("discord", discord::module(lua, host, cog)?),
        ("http", http::module(lua, host, cog)?),
        ("json", json::module(lua, host)?),
        ("log", log::module(lua, host, cog)?),
        ("state", state::module(lua, host, cog, &closed)?),
        ("task", task::module(lua, host, cog)?),
        ("time", time::module(lua, host, cog)?),
    ]);
    readonly::close(lua, host, &modules, &closed)?;
    Ok(modules)
}

/// `(sentence)`: raises what is wrong with a call, for the modules' halves in Luau, whose own lines are nothing
/// to an author.
fn refusal(lua: &Lua, host: &Host) -> mlua::Result<Function> {
    host.function(lua, "refuse", |_, arguments| {
        let sentence = arguments.string(0, "the sentence")?;
        Err::<(), _>(HostError::new("argument", sentence).into())
    })
}

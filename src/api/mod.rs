//! The host's modules, one file each: what a cog can `require` under `@cogsmith`.
//!
//! ```text
//! services (what the whole bot shares) ─ context (one cog) ─ one file a module
//! an event or answer:  object (read on demand) ─ method_table (what can be done with it)
//! a call to Discord:   content, convert (what the author says) ─ call (checked, charged, sent) ─ object (the answer)
//! a command:           invocation (`ctx`) ─ call
//! ```
//!
//! - Modules: `cog.rs` (`command.rs` reads `cog.command { … }`, `option.rs` makes `cog.option`, `component.rs` is `cog.component`,
//!   `cog.modal` and `cog.id`, `wait.rs` is `cog.wait`, and
//!   `waits.rs` knows all who wait), `discord.rs`, `http.rs`, `json.rs`, `log.rs`, `state/`, `task.rs`, `time.rs`, `ui/`; `texts.rs`
//!   is `cog.texts` and `ctx:t`. `readonly.rs` answers who writes to what cannot be written.
//! - Values on their way out: `convert.rs` makes JSON of them (`not_json.rs` says what cannot become it), `fields.rs` reads
//!   the tables of declarations, `content.rs` a message. On their way in: `object.rs`, whose methods `methods.rs` puts into
//!   `method_table.rs`; `this.rs` is what they are called on, `attachment.rs` reads files.
//! - `call.rs` makes a call to Discord, `answer.rs` is what comes back; `reach.rs` says what a cog may do without a capability, `own_messages.rs` which
//!   messages are its own, `hidden_content.rs` takes the content from others, `deletion.rs` deletes a message later. `members.rs`
//!   asks the gateway for members (`member_requests.rs` gathers what it tells). `unknown_guild.rs` asks
//!   for what is not known of a guild, each question once (`asked_once.rs`).
//! - `context.rs` holds the parts of one cog: `own_state.rs` (its state), `declaring.rs` (what its files declare, see
//!   `declarations.rs`), `capabilities.rs`, `spawner.rs` (its tasks), `charges.rs` (what it holds outside of Luau's heap),
//!   `limit_checks.rs` (its limits), `condition.rs` (how it stands), `stops.rs` (what leads it there). `phase.rs` says
//!   which code runs now, and what it may do.
//! - Limits: `limits.rs` names them, `usage.rs` counts, `limit_checks.rs` refuses, `limit_view.rs` shows, `nearly_full.rs`
//!   warns of a state that is; `log_usage.rs`
//!   for the lines in the log, `rate_limiter.rs` (refuses) and `rate_limit_queue.rs` (has wait) for how often something is
//!   done. What goes by a cog's name is in `budget.rs`: `versions.rs` what older versions hold, `slots.rs` what requests have
//!   open, `usage_by_code.rs` the processor time of each version. `lane.rs` says whose work is done now.
//! - Jobs: `jobs.rs` is what a cog does with them, `job_store.rs` where they are kept.
//! - `markup.rs` is `discord.escape` and what else is done with texts and emoji as Discord writes them.
//! - `presence.rs` is `cog.presence`, and `presence_choice.rs` what follows from all who call it.
//! - `expected.rs` knows who waits for a modal or for buttons of the bot's own; `expecting.rs` is a handler that does.
//! - `faults.rs` are the handlers that failed.

pub mod answer;
pub mod asked_once;
mod attachment;
pub mod budget;
pub mod call;
mod capabilities;
mod charges;
mod cog;
mod command;
mod component;
pub mod condition;
pub mod content;
pub mod context;
pub mod convert;
pub mod declarations;
mod declaring;
mod deletion;
mod discord;
pub mod expected;
mod expecting;
pub mod faults;
pub mod fields;
mod hidden_content;
mod http;
pub mod interaction;
pub mod invocation;
pub mod job_store;
pub mod jobs;
pub mod json;
mod lane;
mod limit_checks;
pub mod limit_view;
pub mod limits;
pub mod lines;
pub mod locale;
mod log;
pub mod log_usage;
mod markup;
pub mod member_requests;
mod members;
mod method_table;
mod methods;
mod nearly_full;
mod not_json;
pub mod object;
mod option;
pub mod own_messages;
mod own_state;
mod phase;
mod presence;
pub mod presence_choice;
mod rate_limit_queue;
mod rate_limiter;
pub mod reach;
mod readonly;
pub mod services;
mod slots;
pub mod spawner;
pub mod state;
mod stops;
mod task;
pub mod texts;
mod this;
mod time;
mod ui;
pub mod unknown_guild;
pub mod usage;
mod usage_by_code;
mod versions;
mod wait;
pub mod waits;

use crate::vm::host::{Host, HostError, HostModules};
use context::CogContext;
use mlua::{Function, Lua, Table, Value};
use readonly::Closer;
use std::sync::Arc;

/// How a module is made. The table is the metatable of tables that nobody may write to.
type Make = fn(&Lua, &Host, &Arc<CogContext>, &Table) -> mlua::Result<Value>;

const MODULES: [(&str, Make); 9] = [
    ("cog", |lua, host, cog, _| cog::module(lua, host, cog)),
    ("discord", |lua, host, cog, _| {
        discord::module(lua, host, cog)
    }),
    ("http", |lua, host, cog, _| http::module(lua, host, cog)),
    ("json", |lua, host, _, _| json::module(lua, host)),
    ("log", |lua, host, cog, _| log::module(lua, host, cog)),
    ("state", state::module),
    ("task", |lua, host, cog, _| task::module(lua, host, cog)),
    ("time", |lua, host, cog, _| time::module(lua, host, cog)),
    ("ui", |lua, host, _, _| ui::module(lua, host)),
];

/// The names of the modules under `@cogsmith`.
pub fn module_names() -> impl Iterator<Item = &'static str> {
    MODULES.into_iter().map(|(name, _)| name)
}

/// Makes what all code in one cog's VM has, and says how the modules are made. To be called before the VM is sandboxed.
pub fn install(lua: &Lua, host: &Host, cog: &Arc<CogContext>) -> mlua::Result<HostModules> {
    object::register(lua, readonly::of_objects(lua, host)?)?;
    methods::install(lua, host, cog)?;
    invocation::install(lua, host, cog)?;
    log::replace_print(lua, host, cog)?;
    state::extend_library(lua, host)?;
    task::replace_coroutines(lua, host, cog)?;
    let closer = Closer::of_libraries(lua, host)?;
    let parts = Arc::new((host.clone(), Arc::clone(cog), closer));
    let modules = MODULES.into_iter();
    Ok(
        modules.fold(HostModules::default(), |modules, (name, make)| {
            let parts = Arc::clone(&parts);
            modules.with(name, move |lua| {
                let (host, cog, closer) = parts.as_ref();
                let module = make(lua, host, cog, &closer.metatable)?;
                closer.module(name, &module)?;
                Ok(module)
            })
        }),
    )
}

/// `(sentence)`: raises what is wrong with a call, for the modules' halves in Luau, whose own lines are nothing
/// to an author.
fn refusal(lua: &Lua, host: &Host) -> mlua::Result<Function> {
    host.function(lua, "refuse", |_, arguments| {
        let sentence = arguments.string(0, "the sentence")?;
        Err::<(), _>(HostError::new("argument", sentence).into())
    })
}

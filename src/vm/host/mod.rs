//! Functions of the host that cogs may call.
//!
//! An author's mistake never becomes a Rust error inside Luau: mlua would carry it as userdata that no
//! author can read and that no memory limit counts. Instead the raw function returns `false` and an error
//! table, and a shim in Luau raises it at the author's own line. Every raw function first asks the guard
//! whether the slice's time is over, so that a caught deadline leads nowhere. A panic ends here, too: the
//! author gets an error, and the VM is replaced at the next reload.
//!
//! ```text
//! function (makes them) ─ arguments (what they are called with) ─ error (what they fail with)
//! ```
//!
//! - `function.rs`, `arguments.rs`, `error.rs`: as above
//! - `chunk.rs`: loads the host's own Luau, such as the half of each function that raises its errors (`shim.luau`)
//! - `json.rs`: makes tables of JSON
//! - `modules.rs`: what they are found in, the modules under `@cogsmith`
//! - `in_time.rs`: is asked in loops of the host's that may take long

mod arguments;
mod chunk;
mod error;
mod function;
mod in_time;
mod json;
mod modules;

pub use arguments::{Arguments, EXPECTED_DURATION, describe, duration, number, shown_name};
pub use chunk::HostChunk;
pub use error::{Field, HostError, HostFailure, HostResult};
pub use function::{Host, function_name};
pub use in_time::in_time;
pub use json::{GREATEST_EXACT, is_object, object_mark, one, plain};
pub use modules::HostModules;

//! The process comes back: `cogsmith run` is two processes, and the small one starts the other again.
//!
//! ```text
//! parent:  spawn ─ follow (signals go on to the child) ─ judge the death ─ pause ─ spawn again
//! child:   adopt the record ─ run the bot ─ mark what runs and what is under way ─▶ record
//! ```
//!
//! - `parent.rs`: starts the child and follows it: signals, exit codes
//! - `record.rs`: memory that both share and that outlives the child, with its layout
//! - `running.rs`: which cog runs on each thread of the child's
//! - `deliveries.rs`: which events were handled, so that the next child repeats none and loses none
//! - `verdict.rs`: which cog is to blame for a death
//! - `backoff.rs`: how long to pause before the next start
//! - `cause.rs`: what a process died of, in words; `signal_origin.rs`: where a fatal signal came from
//! - `child.rs`: what the child does first
//! - `memory.rs`: both give back what only the start has needed
//! - `raw.rs`: shared memory, signals; all `unsafe` of this folder
//!
//! The parent holds no state of the bot's and does nothing but wait. It needs Linux, as `vm/raw` does.

mod backoff;
mod cause;
mod child;
mod deliveries;
mod memory;
mod parent;
mod raw;
mod record;
mod running;
mod signal_origin;
mod verdict;

pub use cause::Cause;
pub use child::{Adopted, adopt, is_child, listen, quarantined, record, release};
pub use deliveries::{Consumer, Deliveries, Interrupted, Ticket, deliveries};
pub use memory::give_back;
pub use parent::supervise;
pub use record::{Record, Rule};
pub use running::{Shown, ThreadSlot, running};

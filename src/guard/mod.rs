//! Whether a version of a cog fails where the version before did not, as `hot_reload.guard` wants to know.
//!
//! ```text
//! a call has ended ─ record (of each cog, bounded) ─ rule (a pure function) ─ alarm ─▶ the reload controller
//! ```
//!
//! Nothing is done about it here: the controller warns, or puts the version before back.

mod alarm;
mod handler;
mod notice;
mod outcomes;
mod record;
pub mod rule;
#[cfg(test)]
mod simulation;

pub use alarm::Alarm;
pub use handler::{Handler, HandlerKind};
pub use notice::{Action, Notice, Why};
pub use record::{Outcome, Record, Refused};
pub use rule::{Calls, Finding};

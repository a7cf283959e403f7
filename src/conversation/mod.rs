//! Conversations: what people did in the simulator and what the bots answered, recorded, written down, and played again.
//!
//! ```text
//! simulator ─ recorder (reader: cast, deeds, seen) ─▶ model, the JSON ─┬─ luau, a spec
//!                                                                      └─ replay ─ reader ─ compare ─▶ what is different
//! ```
//!
//! - `model.rs`: a conversation as JSON; `labels.rs`: the names that stand for its ids; `times.rs`: the times in its texts;
//! - `reader.rs`: what happened becomes steps: who there is in `cast.rs`, what a person did in `deeds.rs`, what is seen of
//!   a message in `seen.rs`; `recorder.rs`: from the first step to the last;
//! - `replay.rs`: the steps again, in a server of their own; `compare.rs`: both answers side by side, `report.rs`: as text;
//! - `luau/`: a conversation as a spec; `files.rs`: both in the folder of specs;
//! - `readable.rs`: values as people read them, also for the snapshots of specs.

mod cast;
mod compare;
mod deeds;
mod files;
mod labels;
mod luau;
mod model;
pub(crate) mod readable;
mod reader;
mod recorder;
mod replay;
mod report;
mod seen;
mod times;

pub use compare::{AnswerPair, Line, StepOutcome, StepState};
pub use files::{Kind, SaveError, load, save, saved};
pub use luau::{SpecOptions, spec};
pub use model::{Conversation, Step};
pub use recorder::{Recorded, Recorder, commands, needs_all};
pub use replay::Replay;
pub use report::report;

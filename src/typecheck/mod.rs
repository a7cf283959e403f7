//! The type checker of cogs, as seen from the bot: another program (`tools/typecheck/`), which may not be there.
//!
//! ```text
//! program (where is it?) ─ run (as a process of its own, bounded) ─ problems, as everywhere
//! a reload ─ follow (runs it after each) ─▶ the page
//! ```

mod follow;
mod program;
mod run;

pub use follow::{FindChecker, TypeFeed, TypeFollower, TypeReport};
pub use program::{BUILD, program};
pub use run::{TypeCheckError, check};

//! The type checker of cogs, as seen from the bot: another program (`tools/typecheck/`), which may not be there.
//!
//! ```text
//! program (where is it?) ─ run (as a process of its own, bounded) ─ problems, as everywhere
//! ```

mod program;
mod run;

pub use program::{BUILD, program};
pub use run::{TypeCheckError, check};

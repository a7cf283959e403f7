//! What a user types, up to the moment at which a cog's handler runs:
//!
//! ```text
//! parse (prefix, name, subcommand) ─ checks (may they?) ─ cooldown, running (now?)
//!       ─ arguments (values of the options) ─▶ the cog
//! ```
//!
//! `definition` is what a cog declared, for typed lines and slash commands alike; `validate` and
//! `conflicts` refuse what cannot work before it is committed, two names that look alike (`likeness`) among it. `reader` gives the
//! words of a line (`tokens`) to the options, to some of them in `runs`, and `arguments` reads them as values
//! (`argument`): by themselves
//! (`values`, `duration`, `moment`, `clock`, `emoji`) or through a directory of what Discord knows (`directory`, `lookup`,
//! by the forms in `references`). `usage` and `help` tell users how to call a command (`examples`: whether what they
//! show is one), `suggest` what they may have meant, `refusals` what Discord does not do; every sentence is in `text`,
//! and no word of a user gets into one but
//! through `escape`.

pub mod argument;
pub mod arguments;
pub mod checks;
mod clock;
pub mod conflicts;
pub mod cooldown;
pub mod definition;
pub mod directory;
pub mod duration;
pub mod emoji;
pub mod escape;
pub mod examples;
pub mod help;
pub mod likeness;
mod lookup;
pub mod moment;
pub mod names;
pub mod pages;
pub mod parse;
pub mod reader;
mod references;
pub mod refusals;
pub mod running;
mod runs;
pub mod suggest;
pub mod text;
pub mod tokens;
pub mod usage;
pub mod validate;
mod validate_options;
mod values;

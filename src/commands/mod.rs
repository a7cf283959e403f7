//! What a user types, up to the moment at which a cog's handler runs:
//!
//! ```text
//! parse (prefix, name, subcommand) ─ checks (may they?) ─ cooldown, running (now?)
//!       ─ reader (values of the options) ─▶ the cog
//! ```
//!
//! - `definition.rs` is what a cog declared, for typed lines and slash commands alike, and nothing but data.
//!   `validate.rs` with `validate_names.rs` and `validate_options.rs` (which find what `complaint.rs` tells) and
//!   `conflicts.rs` refuse what cannot work before it is committed; two names that are the same (`name_key.rs`) or look
//!   alike (`likeness.rs`) cannot.
//! - `reader.rs` gives the words of a line (`tokens.rs`) to the options, several words to some (`value_words.rs`).
//!   `arguments.rs` makes each a value (`argument.rs`): from its text alone (`values.rs`, `duration.rs`, `moment.rs`,
//!   `time_of_day.rs`, `emoji.rs`), or by asking what Discord knows (`directory.rs`, `lookup.rs`, `names.rs`,
//!   `references.rs`, `marks.rs`).
//! - `slash.rs` is what Discord is told of a command, and how a call of a slash command finds it again;
//!   `slash_values.rs` has the values of its options.
//! - `custom_id.rs` has the templates of the custom ids of buttons, menus and forms.
//! - `usage.rs` and `help.rs` tell users how to call a command, `suggest.rs` what they may have meant, `refusals.rs`
//!   what Discord refused. `examples.rs` finds examples that are no calls. `pages.rs` divides long answers.
//! - Every sentence is in `text.rs`, and words of users enter one only through `escape.rs`. `markup.rs` does that for texts of authors.

pub mod argument;
pub mod arguments;
pub mod checks;
mod complaint;
pub mod concurrency;
pub mod conflicts;
pub mod cooldown;
pub mod custom_id;
pub mod definition;
pub mod directory;
mod duration;
pub mod emoji;
pub mod escape;
pub mod examples;
pub mod help;
pub mod likeness;
mod lookup;
mod marks;
pub mod markup;
pub mod moment;
pub mod name_key;
pub mod names;
pub mod pages;
pub mod parse;
pub mod reader;
pub mod references;
pub mod refusals;
pub mod slash;
pub mod slash_values;
mod suggest;
pub mod text;
mod time_of_day;
mod tokens;
pub mod usage;
pub mod validate;
mod validate_names;
mod validate_options;
mod value_words;
mod values;

//! What the subcommands print. A reader that has gone away (`cogsmith schema | head`) is no error.

use std::fmt::Display;
use std::io::Write as _;

/// Prints what was asked for, to stdout.
pub fn say(text: impl Display) {
    let _is_heard = writeln!(std::io::stdout().lock(), "{text}").is_ok();
}

/// Prints what went wrong, to stderr.
pub fn complain(text: &dyn Display) {
    let _is_heard = writeln!(std::io::stderr().lock(), "{text}").is_ok();
}

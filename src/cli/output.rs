//! What the subcommands print. A reader that has gone away (`cogsmith schema | head`) is not an error.

use crate::{escape, secrets};
use std::fmt::Display;
use std::io::Write as _;

/// Prints what was asked for, to stdout.
pub fn say(text: impl Display) {
    let _is_heard = writeln!(std::io::stdout().lock(), "{}", fit(&text)).is_ok();
}

/// Prints what went wrong, to stderr.
pub fn complain(text: &dyn Display) {
    let _is_heard = writeln!(std::io::stderr().lock(), "{}", fit(text)).is_ok();
}

/// The text without secrets, and without what could steer a terminal.
fn fit(text: &dyn Display) -> String {
    let text = text.to_string();
    secrets::hide_text(&escape::lines(&text)).into_owned()
}

//! Cogs that do not behave, and everybody else meanwhile.
#![allow(
    clippy::expect_used,
    clippy::needless_raw_string_hashes,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::too_many_lines,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "a test fails by panicking, also in its helpers, and some tell how much they did"
)]

mod attacks;
mod findings;
mod fuzz;
mod isolation;
mod library_guards;
mod limits;
mod quarantine;
mod runaway;
#[path = "../support/mod.rs"]
mod support;
mod versions;

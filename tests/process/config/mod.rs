//! What an operator sees for each way in which a configuration can be wrong, and what a right one
//! means.

mod environment;
mod file;
mod mistakes;

use cogsmith::config::{self, Config, Environment};
use std::path::PathBuf;

/// Reads `text` as config.json with some variables.
fn read(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
    let environment: Environment = variables.iter().copied().collect();
    config::from_text(text, "config.json", PathBuf::from("/bot"), &environment)
        .map_err(|errors| errors.to_string())
}

/// The printed text for a configuration that is wrong.
fn refusal(text: &str) -> String {
    read(text, &[]).expect_err("it should be refused")
}

/// The printed text for variables that are wrong.
fn variable_refusal(variables: &[(&str, &str)]) -> String {
    read("{}", variables).expect_err("it should be refused")
}

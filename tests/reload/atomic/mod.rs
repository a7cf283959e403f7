//! One save is one transaction: all affected cogs take it or none does, and nothing of a failed attempt
//! remains.

mod failures;
mod names;
mod together;

use crate::support::{Stage, command, setup};

/// A bot that takes saves that follow each other closely as one burst.
async fn burst(files: &[(&str, &str)]) -> Stage {
    let setup = setup(files).config(r#"{ "hot_reload": { "reload_delay": 0.5 } }"#);
    setup.start().await
}

/// A command that answers with what a module says.
fn telling(name: &str, module: &str) -> String {
    format!(
        "local text = require(\"{module}\")\n{}",
        command(name, "ctx:reply(text)")
    )
}

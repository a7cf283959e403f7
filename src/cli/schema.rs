//! `cogsmith schema`: the JSON schemas of `config.json`, and of a world and of a conversation for `cogsmith sim`.

use super::config_path::ConfigPath;
use super::{output, sim};
use crate::config;
use crate::conversation::Conversation;
use crate::error::StartError;
use crate::files::decode;
use clap::Args;
use std::path::Path;

/// The arguments of `cogsmith schema`.
#[derive(Clone, Copy, Debug, Args)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "clap makes a field of each flag"
)]
pub(super) struct SchemaOptions {
    /// Write it to config.schema.json beside config.json, where editors look for it
    #[arg(long, conflicts_with = "check")]
    write: bool,

    /// Check whether config.schema.json is up to date; exit with 1 if it is not
    #[arg(long)]
    check: bool,

    /// Print the schema of a world for `cogsmith sim --world` instead
    #[arg(long, conflicts_with_all = ["write", "check"])]
    world: bool,

    /// Print the schema of a recorded conversation for `cogsmith sim --replay` instead
    #[arg(long, conflicts_with_all = ["write", "check", "world"])]
    conversation: bool,
}

pub(super) fn execute(config_path: &ConfigPath, options: SchemaOptions) -> Result<(), StartError> {
    if options.world {
        output::say(format!("{:#}", sim::schema()));
        return Ok(());
    }
    if options.conversation {
        let schema = config::schema_of::<Conversation>("A recorded conversation");
        output::say(format!("{schema:#}"));
        return Ok(());
    }
    let text = format!("{:#}\n", config::schema());
    let path = config_path.folder().join("config.schema.json");
    if options.check {
        return check(&path, &text);
    }
    if !options.write {
        output::say(text.trim_end());
        return Ok(());
    }
    std::fs::write(&path, text).map_err(|error| StartError::File {
        path: path.display().to_string(),
        action: "written",
        reason: error.to_string(),
    })?;
    output::say(format!("Wrote {}", path.display()));
    Ok(())
}

fn check(path: &Path, text: &str) -> Result<(), StartError> {
    let found = decode(std::fs::read(path).unwrap_or_default()).unwrap_or_default();
    let path = path.display();
    // A checkout may have changed the ends of lines.
    if found.replace("\r\n", "\n") == text {
        output::say(format!("{path} is current."));
        return Ok(());
    }
    Err(StartError::CheckFailed(format!(
        "{path} is out of date: run `cogsmith schema --write`."
    )))
}

//! `cogsmith schema`: the JSON schema of `config.json`.

use super::output;
use super::place::Place;
use crate::config;
use crate::error::StartError;
use clap::Args;

#[derive(Clone, Copy, Debug, Args)]
pub(super) struct SchemaOptions {
    /// Write it to config.schema.json beside config.json, where editors look for it
    #[arg(long)]
    write: bool,
}

pub(super) fn execute(place: &Place, options: SchemaOptions) -> Result<(), StartError> {
    let text = format!("{:#}", config::schema());
    if !options.write {
        output::say(text);
        return Ok(());
    }
    let path = place.folder().join("config.schema.json");
    std::fs::write(&path, text + "\n").map_err(|error| StartError::File {
        path: path.display().to_string(),
        action: "written",
        reason: error.to_string(),
    })?;
    output::say(format!("Wrote {}", path.display()));
    Ok(())
}

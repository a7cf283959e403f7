//! `cogsmith types`: the Luau types of everything that a cog can require, for editors and `--!strict`.

use super::config_path::ConfigPath;
use super::output;
use crate::discord::types;
use crate::error::StartError;
use clap::Args;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

/// Where luau-lsp and luau-analyze look for the alias `@cogsmith`. The bot reads the aliases, too.
const LUAURC: &str = r#"{
    "languageMode": "strict",
    "aliases": { "cogsmith": "../types" },
    "globals": ["package"]
}
"#;

const CURRENT: &str = "All files of types/ are up to date.";

/// The arguments of `cogsmith types`.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct TypesOptions {
    /// Write outdated files to types/ beside config.json, and lua/.luaurc if there is none
    #[arg(long, conflicts_with = "check")]
    write: bool,

    /// Check whether types/ is up to date, and exit with 1 if it is not; this is also what happens without an option
    #[arg(long)]
    check: bool,
}

pub(super) fn execute(config_path: &ConfigPath, options: TypesOptions) -> Result<(), StartError> {
    let folder = config_path.folder().join("types");
    if options.write {
        write(config_path, &folder)
    } else {
        check(&folder)
    }
}

fn write(config_path: &ConfigPath, folder: &Path) -> Result<(), StartError> {
    let changed = types::write(folder).map_err(|error| failed(folder, &error))?;
    match changed.as_slice() {
        [] => output::say(CURRENT),
        changed => output::say(format!("Wrote {} to types/", changed.join(", "))),
    }
    let lua = config_path.folder().join("lua");
    if lua.is_dir() {
        let luaurc = lua.join(".luaurc");
        let written =
            fs::File::create_new(&luaurc).and_then(|mut file| file.write_all(LUAURC.as_bytes()));
        match written {
            Ok(()) => output::say(format!("Wrote {}", luaurc.display())),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(&luaurc, &error)),
        }
    }
    Ok(())
}

fn check(folder: &Path) -> Result<(), StartError> {
    let faults = types::check(folder);
    if faults.is_empty() {
        output::say(CURRENT);
        return Ok(());
    }
    Err(StartError::CheckFailed(faults.join("\n")))
}

fn failed(path: &Path, error: &std::io::Error) -> StartError {
    StartError::File {
        path: path.display().to_string(),
        action: "written",
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_aliases_are_those_of_the_shipped_cogs() {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("lua/.luaurc");
        assert_eq!(fs::read_to_string(shipped).unwrap(), LUAURC);
    }
}

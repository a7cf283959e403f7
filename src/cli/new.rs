//! `cogsmith new`: a first version of a cog.

use super::config_path::ConfigPath;
use super::output;
use crate::cogs::host::ADMIN_COMMANDS;
use crate::error::StartError;
use clap::Args;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Discord's limit on the length of a command's name, which the template makes of a cog's.
const LONGEST_PART: usize = 32;

/// What `cogsmith new` is given.
#[derive(Debug, Args)]
pub(super) struct NewOptions {
    /// The cog's name: `ping`, or `fun.dice` for dice in the folder fun
    name: String,
}

pub(super) fn execute(config_path: &ConfigPath, options: &NewOptions) -> Result<(), StartError> {
    let path = create(config_path.folder(), &options.name)?;
    let name = &options.name;
    output::say(format!("Created {}, the cog {name}.", path.display()));
    Ok(())
}

/// Creates the cog `name` for the bot whose files are in `root`, and returns the path of its file.
/// Nothing that exists is touched.
pub(super) fn create(root: &Path, name: &str) -> Result<PathBuf, StartError> {
    if !name.split('.').all(is_part) {
        return Err(StartError::Usage(format!(
            "{name:?} cannot be a cog's name. A name consists of lower-case letters (a to z), digits and underscores, begins with a letter and has at most {LONGEST_PART} characters; a dot makes a folder: ping, fun.dice."
        )));
    }
    let command = name.rsplit('.').next().unwrap_or(name);
    if ADMIN_COMMANDS.contains(&command) {
        return Err(StartError::Usage(format!(
            "The command {command} belongs to the bot itself, and a new cog gets a command with its own name. Choose another name."
        )));
    }
    let base = name
        .split('.')
        .fold(root.join("lua").join("cogs"), |path, part| path.join(part));
    refuse_existing(root, &base, name)?;

    let path = base.with_extension("luau");
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    }
    let mut file = fs::File::create_new(&path).map_err(|error| failed(&path, &error))?;
    file.write_all(template(name).as_bytes())
        .map_err(|error| failed(&path, &error))?;
    Ok(path)
}

/// One part of a dotted name. `init` is the file that makes a folder one cog.
fn is_part(part: &str) -> bool {
    let allowed = |letter: char| matches!(letter, 'a'..='z' | '0'..='9' | '_');
    part.starts_with(|first: char| first.is_ascii_lowercase())
        && part.chars().all(allowed)
        && part.len() <= LONGEST_PART
        && part != "init"
}

/// Refuses a name that is taken, or that lies within another cog's folder.
fn refuse_existing(root: &Path, base: &Path, name: &str) -> Result<(), StartError> {
    let cogs = root.join("lua").join("cogs");
    let same = [
        base.with_extension("luau"),
        base.with_extension("lua"),
        base.join("init.luau"),
        base.join("init.lua"),
    ];
    if let Some(taken) = same.iter().find(|path| path.symlink_metadata().is_ok()) {
        return Err(StartError::Usage(format!(
            "The cog {name} exists already in {}. Choose another name, or remove that file first.",
            taken.display()
        )));
    }
    let folders = base.ancestors().skip(1);
    for folder in folders.take_while(|folder| *folder != cogs) {
        let inits = [folder.join("init.luau"), folder.join("init.lua")];
        if let Some(init) = inits.iter().find(|path| path.exists()) {
            return Err(StartError::Usage(format!(
                "{} makes its folder one cog, so {name} would be a module of that cog and not a cog. \
                 Choose another name.",
                init.display()
            )));
        }
    }
    Ok(())
}

fn failed(path: &Path, error: &std::io::Error) -> StartError {
    StartError::File {
        path: path.display().to_string(),
        action: "created",
        reason: error.to_string(),
    }
}

/// The source of the new cog.
fn template(name: &str) -> String {
    let command = name.rsplit('.').next().unwrap_or(name);
    include_str!("new_cog.luau")
        .replace("NAME", name)
        .replace("COMMAND", command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_compiles_and_names_the_cog_and_its_command() {
        let source = template("fun.dice");
        mlua::chunk::Compiler::new().compile(&source).unwrap();
        assert!(source.starts_with("--!strict\n-- fun.dice: "));
        assert!(source.contains("name = \"dice\""));
    }

    #[test]
    fn names_are_safe_as_paths_and_as_commands() {
        for good in ["ping", "fun.dice", "a1_b", "a.b.c"] {
            assert!(good.split('.').all(is_part), "{good}");
        }
        let long = "a".repeat(33);
        let bad = [
            "", ".", "a.", ".a", "a..b", "Ping", "1a", "_a", "a-b", "a b", "../a", "a/b", "a\\b",
            "init", "fun.init", "é", "a\0", &long,
        ];
        for bad in bad {
            assert!(!bad.split('.').all(is_part), "{bad:?}");
        }
    }

    #[test]
    fn nothing_that_exists_is_touched() {
        let root = tempfile::tempdir().unwrap();
        let path = create(root.path(), "fun.dice").unwrap();
        assert_eq!(path, root.path().join("lua/cogs/fun/dice.luau"));
        fs::write(&path, "mine").unwrap();
        assert!(create(root.path(), "fun.dice").is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");

        // `fun` may be a cog beside the folder, but not within it: then `fun.dice` would end.
        assert!(create(root.path(), "fun").is_ok());
        fs::create_dir(root.path().join("lua/cogs/shop")).unwrap();
        fs::write(root.path().join("lua/cogs/shop/init.lua"), "").unwrap();
        assert!(create(root.path(), "shop").is_err());
        assert!(create(root.path(), "shop.till").is_err());
        assert!(!root.path().join("lua/cogs/shop/till.luau").exists());
    }
}

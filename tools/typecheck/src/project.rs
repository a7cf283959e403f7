//! The files of a bot: its modules below `lua/` and `spec/`, the types of the host's modules, and what `.luaurc` says.

use jsonc_parser::{ParseOptions, parse_to_serde_value};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use walkdir::{DirEntry, WalkDir};

/// Where modules are, from the bot's folder.
const LUA: &str = "lua";
const SPEC: &str = "spec";

/// The alias of the host's modules.
const HOST: &str = "cogsmith";

/// The largest module that is read, in bytes. The bot's own limit is the same.
const LARGEST: u64 = 1 << 20;

/// What is read of a `.luaurc`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Luaurc {
    aliases: BTreeMap<String, String>,
    globals: Vec<String>,
}

/// The files of a bot. A module's name is its path from the bot's folder, with `/`: `lua/cogs/ping.luau`.
#[derive(Debug, Default)]
pub(crate) struct Project {
    /// What is checked: the bot's modules, and the types of the host's.
    pub(crate) modules: Vec<String>,
    /// How many of these are the bot's.
    pub(crate) own: usize,
    /// Names that are there without a declaration, as any value.
    pub(crate) globals: Vec<String>,
    /// Of `lua` and `spec` the aliases in lower case, each with its path from the bot's folder.
    aliases: BTreeMap<&'static str, BTreeMap<String, String>>,
    /// All modules by name, those of the host's types included.
    files: BTreeMap<String, PathBuf>,
}

impl Project {
    /// Looks for the files of a bot.
    pub(crate) fn open(folder: &Path) -> Result<Self, String> {
        let mut project = Self::default();
        for area in [LUA, SPEC] {
            let inside = folder.join(area);
            if !inside.is_dir() {
                continue;
            }
            let luaurc = luaurc(&inside.join(".luaurc"))?;
            project.globals.extend(luaurc.globals);
            let aliases = luaurc.aliases.into_iter();
            let aliases =
                aliases.map(|(name, path)| (name.to_ascii_lowercase(), below(area, &path)));
            project.aliases.insert(area, aliases.collect());
            project.add(folder, area)?;
        }
        project.own = project.files.len();
        if project.own == 0 {
            let folder = folder.display();
            return Err(format!(
                "there is no module in {folder}/lua; give the folder of config.json"
            ));
        }
        let types = project.alias("lua/", HOST).unwrap_or("types").to_owned();
        if !folder.join(&types).is_dir() {
            return Err(format!(
                "there is no folder {}, where the types of the host's modules belong; `cogsmith types --write` writes it",
                folder.join(types).display()
            ));
        }
        project.add(folder, &types)?;
        project.modules = project.files.keys().cloned().collect();
        Ok(project)
    }

    /// The path from the bot's folder for which an alias stands in the module `from`.
    pub(crate) fn alias(&self, from: &str, name: &str) -> Option<&str> {
        let area = from.split('/').next()?;
        let aliases = self.aliases.get(area)?;
        aliases.get(&name.to_ascii_lowercase()).map(String::as_str)
    }

    /// Whether there is a module of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }

    /// The text of a module.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        let path = self.files.get(name)?;
        let bytes = fs::read(path).ok()?;
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        Some(String::from_utf8_lossy(text).into_owned())
    }

    /// Adds the modules in a folder. What a symlink leads to outside of it is left out: a cog's author must not have
    /// others' files quoted.
    fn add(&mut self, folder: &Path, area: &str) -> Result<(), String> {
        let unreadable = |error: &dyn std::fmt::Display| format!("{area}/ cannot be read: {error}");
        let root = folder.join(area);
        let real = root.canonicalize().map_err(|error| unreadable(&error))?;
        let entries = WalkDir::new(&root).follow_links(true).sort_by_file_name();
        let visible = |entry: &DirEntry| entry.depth() == 0 || !is_hidden(entry);
        for entry in entries.into_iter().filter_entry(visible) {
            // A link to nowhere, or to a folder that it is in.
            let Ok(entry) = entry else { continue };
            let path = entry.path();
            let known = path
                .extension()
                .is_some_and(|it| it == "luau" || it == "lua");
            let fits = entry
                .metadata()
                .is_ok_and(|it| it.is_file() && it.len() <= LARGEST);
            let inside = path
                .canonicalize()
                .is_ok_and(|path| path.starts_with(&real));
            if known && fits && inside {
                let name = path.strip_prefix(&root).unwrap_or(path);
                let name = name.to_string_lossy().replace('\\', "/");
                self.files.insert(format!("{area}/{name}"), path.to_owned());
            }
        }
        Ok(())
    }
}

fn is_hidden(entry: &DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().starts_with(b".")
}

/// Reads a `.luaurc`; without one, nothing is said.
fn luaurc(path: &Path) -> Result<Luaurc, String> {
    let Ok(text) = fs::read_to_string(path) else {
        return Ok(Luaurc::default());
    };
    let value = parse_to_serde_value(&text, &ParseOptions::default());
    value.map_err(|error| format!("{} is not JSON: {error}", path.display()))
}

/// A path in `area` as a path from the bot's folder, without `.` and `..`.
fn below(area: &str, path: &str) -> String {
    let mut names = vec![area];
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    names.join("/")
}

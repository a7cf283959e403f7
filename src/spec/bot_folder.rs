//! The folder in which a bot of a spec's lives: `lua/` with only the cogs that the spec names.

use crate::reload::sources::Snapshot;
use crate::vm::resolve::ModuleId;
use std::fs;
use std::io;
use std::path::Path;
use tempfile::TempDir;

/// Makes the folder from what was read of `lua/`. What a spec does in it changes no file of the project.
pub(super) fn make(lua: &Snapshot, cogs: &[String]) -> Result<TempDir, String> {
    let known = lua.cogs();
    for cog in cogs {
        if !known.contains_key(cog) {
            let near = crate::nearest::nearest(cog, known.keys().map(String::as_str));
            let hint = crate::nearest::hint(near);
            return Err(format!(
                "spec.cogs: there is no cog \"{cog}\" in lua/cogs{hint}"
            ));
        }
    }
    let failed = |error: io::Error| format!("the spec's folder cannot be made: {error}");
    let folder = tempfile::tempdir().map_err(failed)?;
    write(lua, &folder.path().join("lua"), cogs).map_err(failed)?;
    Ok(folder)
}

/// `fun.dice` for `cogs/fun/dice`; nothing for what is not among the cogs.
fn name_in_cogs(id: &ModuleId) -> Option<String> {
    Some(id.as_str().strip_prefix("cogs/")?.replace('/', "."))
}

/// Whether the file belongs to one of `cogs`, or to none at all (its name begins with `_`).
fn is_wanted(name: &str, cogs: &[String]) -> bool {
    let of_cog = |cog: &String| {
        let rest = name.strip_prefix(cog.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    cogs.iter().any(of_cog) || name.split('.').any(|part| part.starts_with('_'))
}

fn write(lua: &Snapshot, to: &Path, cogs: &[String]) -> io::Result<()> {
    fs::create_dir_all(to.join("cogs"))?;
    if !lua.luaurc().is_empty() {
        fs::write(to.join(".luaurc"), lua.luaurc())?;
    }
    for (id, source) in &lua.modules {
        if name_in_cogs(id).is_some_and(|name| !is_wanted(&name, cogs)) {
            continue;
        }
        let path = to.join(id.file());
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, source.text.as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_cogs_are_there() {
        let files = [
            "cogs/a.luau",
            "cogs/b/init.luau",
            "cogs/b/part.luau",
            "cogs/fun/c.lua",
            "utils/u.luau",
        ];
        let lua = Snapshot::of_texts(files.map(|file| (file, "")));
        let folder = make(&lua, &["b", "fun.c"].map(str::to_owned)).unwrap();
        let exists = |file: &str| folder.path().join("lua").join(file).exists();
        assert!(exists("cogs/b/part.luau") && exists("cogs/fun/c.lua") && exists("utils/u.luau"));
        assert!(!exists("cogs/a.luau"));
        let refused = make(&lua, &["fun.d".to_owned()]).unwrap_err();
        assert_eq!(
            refused,
            "spec.cogs: there is no cog \"fun.d\" in lua/cogs; did you mean \"fun.c\"?"
        );
    }
}

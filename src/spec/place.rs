//! The folder in which a bot of a spec's lives: `lua/` with only the cogs that the spec names.

use std::fs;
use std::io;
use std::path::Path;
use tempfile::TempDir;
use walkdir::WalkDir;

/// Makes the folder; `known` are the cogs that there are. It is a copy: what a spec does in it changes no
/// file of the project.
pub(super) fn furnish(lua: &Path, known: &[String], cogs: &[String]) -> Result<TempDir, String> {
    for cog in cogs {
        if !known.contains(cog) {
            let near = crate::discord::nearest(cog, known.iter().map(String::as_str));
            let hint = near.map_or_else(String::new, |it| format!("; did you mean \"{it}\"?"));
            return Err(format!(
                "spec.cogs: there is no cog \"{cog}\" in lua/cogs{hint}"
            ));
        }
    }
    let failed = |error: io::Error| format!("the spec's folder cannot be made: {error}");
    let folder = tempfile::tempdir().map_err(failed)?;
    copy(lua, &folder.path().join("lua"), cogs).map_err(failed)?;
    Ok(folder)
}

fn is_luau(path: &Path) -> bool {
    path.extension()
        .is_some_and(|it| it == "luau" || it == "lua")
}

/// `fun.dice` for `fun/dice.luau`.
fn name_below(root: &Path, path: &Path) -> Option<String> {
    let below = path.strip_prefix(root).ok()?;
    let below = if is_luau(path) {
        below.with_extension("")
    } else {
        below.to_owned()
    };
    Some(below.to_str()?.replace(['/', '\\'], "."))
}

/// Whether the file belongs to one of `cogs`, or to none at all (its name begins with `_`).
fn is_wanted(name: &str, cogs: &[String]) -> bool {
    let of_cog = |cog: &String| {
        let rest = name.strip_prefix(cog.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    cogs.iter().any(of_cog) || name.split('.').any(|part| part.starts_with('_'))
}

fn copy(from: &Path, to: &Path, cogs: &[String]) -> io::Result<()> {
    let root = from.join("cogs");
    for entry in WalkDir::new(from).follow_links(true) {
        let entry = entry?;
        let path = entry.path();
        let target = to.join(path.strip_prefix(from).unwrap_or(path));
        if entry.file_type().is_dir() {
            fs::create_dir_all(target)?;
        } else if name_below(&root, path).is_none_or(|name| is_wanted(&name, cogs)) {
            fs::copy(path, target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_cogs_are_there() {
        let lua = tempfile::tempdir().unwrap();
        for file in [
            "cogs/a.luau",
            "cogs/b/init.luau",
            "cogs/b/part.luau",
            "cogs/fun/c.lua",
            "utils/u.luau",
        ] {
            let path = lua.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let known = ["a", "b", "fun.c"].map(str::to_owned);
        let folder = furnish(lua.path(), &known, &known[1..]).unwrap();
        let exists = |file: &str| folder.path().join("lua").join(file).exists();
        assert!(exists("cogs/b/part.luau") && exists("cogs/fun/c.lua") && exists("utils/u.luau"));
        assert!(!exists("cogs/a.luau"));
        let refused = furnish(lua.path(), &known, &["fun.d".to_owned()]).unwrap_err();
        assert_eq!(
            refused,
            "spec.cogs: there is no cog \"fun.d\" in lua/cogs; did you mean \"fun.c\"?"
        );
    }
}

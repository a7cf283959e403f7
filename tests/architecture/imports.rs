//! What a source file imports of this crate, tests left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Where a module is: `["vm", "raw"]`.
pub(crate) type Module = Vec<String>;

/// All modules below `folder` but those of tests, each with its text without comments and tests.
pub(crate) fn modules(folder: &Path) -> BTreeMap<Module, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "tests" {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") && !name.ends_with("tests.rs") {
                let text = fs::read_to_string(&path).unwrap();
                let place = path.strip_prefix(folder).unwrap().with_extension("");
                let mut module: Module = place
                    .components()
                    .map(|part| part.as_os_str().to_string_lossy().into_owned())
                    .collect();
                module.pop_if(|last| last == "mod");
                found.insert(module, own_code(&text));
            }
        }
    }
    found
}

/// The text without comments, and up to its tests.
fn own_code(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests {").next();
    let lines = code.unwrap_or_default().lines();
    let lines = lines.map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// The modules that `own` names with `crate::` or `super::`, each once.
pub(crate) fn imported(
    own: &Module,
    text: &str,
    modules: &BTreeMap<Module, String>,
) -> BTreeSet<Module> {
    let found = paths(own, text).into_iter();
    let mut found: BTreeSet<Module> = found.filter_map(|path| home(path, modules)).collect();
    found.remove(own);
    found
}

/// The module in which what a path names is at home: not one that hands it on.
fn home(mut path: Module, modules: &BTreeMap<Module, String>) -> Option<Module> {
    // What is handed on more often than this is handed on in a circle.
    for _ in 0..8 {
        let end = (1..=path.len())
            .rev()
            .find(|end| modules.contains_key(&path[..*end]))?;
        let module = path[..end].to_vec();
        let name = path.get(end);
        let behind = name.and_then(|name| handed_on(&module, &modules[&module]).remove(name));
        match behind {
            Some(behind) if behind[..] != path[..] => path = behind,
            _ => return Some(module),
        }
    }
    None
}

/// What a module hands on (`pub use`): the full path behind each name.
fn handed_on(own: &Module, text: &str) -> BTreeMap<String, Module> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("use ") {
        let line = text[..at].rsplit('\n').next().unwrap_or_default().trim();
        if line != "pub" && !(line.starts_with("pub(") && line.ends_with(')')) {
            continue;
        }
        let mut rest = &text[at + "use ".len()..];
        let mut base = own.clone();
        if let Some(after) = rest.strip_prefix("crate::") {
            (base, rest) = (Module::new(), after);
        }
        while let Some(after) = rest.strip_prefix("super::") {
            base.pop();
            rest = after;
        }
        follow(base, rest, &mut found);
    }
    let named = found.into_iter();
    named
        .filter_map(|path| Some((path.last()?.clone(), path)))
        .collect()
}

/// The full paths behind each `crate::` and `super::`, also those in braces.
fn paths(own: &Module, text: &str) -> Vec<Module> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        // `$crate` and names that only end so are something else.
        if !text[..at].ends_with(|last: char| last.is_alphanumeric() || "_$:".contains(last)) {
            follow(Module::new(), &text[at + "crate::".len()..], &mut found);
        }
    }
    for (at, _) in text.match_indices("super::") {
        if text[..at].ends_with(|last: char| last.is_alphanumeric() || "_:".contains(last)) {
            continue;
        }
        let mut rest = &text[at..];
        let mut base = own.clone();
        while let Some(after) = rest.strip_prefix("super::") {
            base.pop();
            rest = after;
        }
        follow(base, rest, &mut found);
    }
    found
}

/// Reads one path that goes on from `base`, and everything in its braces. Returns the text behind it.
fn follow<'a>(mut base: Module, text: &'a str, found: &mut Vec<Module>) -> &'a str {
    let mut rest = text.trim_start();
    loop {
        if let Some(mut group) = rest.strip_prefix('{') {
            loop {
                group = group.trim_start_matches(|it: char| it.is_whitespace() || it == ',');
                if group.is_empty() || group.starts_with('}') {
                    return group.get(1..).unwrap_or_default();
                }
                let after = follow(base.clone(), group, found);
                // Nothing of it is a path.
                if after.len() == group.len() {
                    return after;
                }
                group = after.trim_start();
                if let Some(renamed) = group.strip_prefix("as ") {
                    group =
                        renamed.trim_start_matches(|it: char| it.is_alphanumeric() || it == '_');
                }
            }
        }
        let end = rest.find(|it: char| !it.is_alphanumeric() && it != '_' && it != '*');
        let (name, after) = rest.split_at(end.unwrap_or(rest.len()));
        if !name.is_empty() && name != "self" && name != "*" {
            base.push(name.to_owned());
        }
        match after.strip_prefix("::") {
            Some(after) if !name.is_empty() => rest = after,
            _ => {
                found.push(base);
                return after;
            }
        }
    }
}

#[test]
fn groups_and_paths_are_read() {
    let text = "use crate::{lock::lock, vm::{self, host as h, raw::{a, B}}};\nlet x = crate::json::of(1); \
                my_crate::no(); super::super::c::D; use super::{e, f::*};";
    let own = ["a", "b", "x"].map(str::to_owned).to_vec();
    let found: Vec<String> = paths(&own, text)
        .iter()
        .map(|path| path.join("::"))
        .collect();
    let wanted = [
        "lock::lock",
        "vm",
        "vm::host",
        "vm::raw::a",
        "vm::raw::B",
        "json::of",
        "a::c::D",
        "a::b::e",
        "a::b::f",
    ];
    assert_eq!(found, wanted);
    assert!(own_code("a // crate::b\n#[cfg(test)]\nmod tests {\ncrate::c").ends_with("a "));
}

#[test]
fn what_a_file_hands_on_is_at_home_elsewhere() {
    let module = |path: &str| -> Module { path.split("::").map(str::to_owned).collect() };
    let modules = BTreeMap::from([
        (
            module("a"),
            "mod b;\npub use b::{B, c::C};\npub(crate) use crate::d::D;\nuse b::E;".into(),
        ),
        (module("a::b"), "pub use super::f::F;".into()),
        (module("a::b::c"), String::new()),
        (module("a::f"), String::new()),
        (module("d"), String::new()),
    ]);
    let homes = [
        ("a::B", "a::b"),
        ("a::C", "a::b::c"),
        ("a::D", "d"),
        ("a::E", "a"),
        ("a::b::F", "a::f"),
        ("a::b::new", "a::b"),
    ];
    for (path, wanted) in homes {
        assert_eq!(home(module(path), &modules), Some(module(wanted)), "{path}");
    }
}

//! Luau's require-by-string, as the bot understands it: from the module that asks and the text that it asks with to the
//! name of a module. A pure function of the names that there are.

use crate::project::Project;

/// The module that `request` means in the module `from`. What means none comes back as it is shown.
pub(crate) fn resolve(project: &Project, from: &str, request: &str) -> String {
    let stem = stem(project, from, request);
    let found = stem.as_ref().and_then(|stem| {
        let endings = [".luau", ".lua", "/init.luau", "/init.lua"];
        let mut candidates = endings.iter().map(|ending| format!("{stem}{ending}"));
        candidates.find(|name| project.has(name))
    });
    // In quotes, so that it is never the name of a module.
    found.unwrap_or_else(|| format!("\"{request}\""))
}

/// The path that is meant, without an extension.
fn stem(project: &Project, from: &str, request: &str) -> Option<String> {
    let (base, path) = match request.strip_prefix('@') {
        Some(rest) => {
            let (alias, path) = rest.split_once('/').unwrap_or((rest, "."));
            if alias.eq_ignore_ascii_case("self") {
                (folder_of_init(from)?, path)
            } else {
                (project.alias(from, alias)?, path)
            }
        }
        None if request.starts_with("./") || request.starts_with("../") => {
            // An init file stands for its folder, so what is beside it is what is beside the folder.
            (parent(folder_of_init(from).unwrap_or(from))?, request)
        }
        None => return None,
    };
    let mut names: Vec<&str> = base.split('/').collect();
    for name in path.split('/') {
        match name {
            "" => return None,
            "." => {}
            ".." => drop(names.pop()?),
            name => names.push(name),
        }
    }
    // Cogs reach only what is below lua/, and the host's modules.
    let reaches = from.starts_with("spec/") || !names.starts_with(&["spec"]);
    reaches.then(|| names.join("/"))
}

/// The folder that an init file stands for.
fn folder_of_init(module: &str) -> Option<&str> {
    let stem = module
        .strip_suffix(".luau")
        .or(module.strip_suffix(".lua"))?;
    stem.strip_suffix("/init")
}

fn parent(path: &str) -> Option<&str> {
    path.rsplit_once('/').map(|(parent, _)| parent)
}

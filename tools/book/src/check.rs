//! Looks whether all that the built pages lead to is there, and that they load nothing from elsewhere.

use anyhow::Result;
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

/// The number of pages, and a sentence for each link that leads nowhere.
pub fn check(built: &Path) -> Result<(usize, Vec<String>)> {
    let mut pages = BTreeMap::new();
    read_pages(built, &mut pages)?;
    let ids: BTreeMap<_, _> = pages.iter().map(|(path, text)| (path, ids(text))).collect();
    let mut faults = Vec::new();
    for (path, text) in &pages {
        let shown = path.strip_prefix(built).unwrap_or(path).display();
        for (name, target) in targets(text) {
            if target.contains("://") || target.starts_with("//") {
                if name == "src" {
                    faults.push(format!("{shown} loads {target} from elsewhere"));
                }
                continue;
            }
            if target.is_empty() || target.starts_with("data:") || target.starts_with("javascript:")
            {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let wanted = match file {
                "" => path.clone(),
                file => normal(&path.parent().unwrap_or(built).join(file)),
            };
            if !wanted.exists() {
                faults.push(format!("{shown}: there is no {target}"));
            } else if !anchor.is_empty()
                && ids.get(&wanted).is_some_and(|ids| !ids.contains(anchor))
            {
                faults.push(format!("{shown}: nothing is called {target}"));
            }
        }
    }
    Ok((pages.len(), faults))
}

fn read_pages(folder: &Path, pages: &mut BTreeMap<PathBuf, String>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            read_pages(&path, pages)?;
        } else if path.extension().is_some_and(|it| it == "html") {
            // Shown by a server for what is not there, so its links begin at the top.
            if !path.ends_with("404.html") {
                pages.insert(path.clone(), std::fs::read_to_string(&path)?);
            }
        }
    }
    Ok(())
}

/// The values of an attribute.
fn values<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    let parts = text
        .split(&format!(" {name}=\""))
        .skip(1)
        .collect::<Vec<_>>();
    parts
        .into_iter()
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

fn ids(text: &str) -> HashSet<&str> {
    values(text, "id").into_iter().collect()
}

fn targets(text: &str) -> Vec<(&'static str, &str)> {
    let of = |name: &'static str| {
        values(text, name)
            .into_iter()
            .map(move |value| (name, value))
    };
    of("href").chain(of("src")).collect()
}

/// A path without `..` in it.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for step in path.components() {
        if step.as_os_str() == ".." {
            normal.pop();
        } else {
            normal.push(step);
        }
    }
    normal
}

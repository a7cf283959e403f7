//! The existing module that an author most likely meant.

use super::{ModuleId, Modules, allowed};
use crate::nearest::nearest_by;

/// From which likeness on a name is worth proposing (0 is nothing in common, 1 is equal).
const ENOUGH: f64 = 0.6;

/// Names longer than this are no slip of the pen, and comparing them costs their square.
const LONGEST: usize = 100;

/// How `from` would ask for the module whose name is nearest to `stem`.
pub(super) fn module<M: Modules + ?Sized>(
    modules: &M,
    from: &ModuleId,
    stem: &str,
) -> Option<String> {
    if stem.len() > LONGEST {
        return None;
    }
    let others = modules
        .ids()
        .filter(|id| *id != from && id.as_str().len() <= LONGEST);
    let nearest = nearest_by(others, |id| {
        let likeness = likeness(stem, id.without_init());
        let may_be_meant = likeness >= ENOUGH && allowed(modules, from, id).is_ok();
        may_be_meant.then_some((1.0 - likeness, *id))
    })?;
    Some(request_for(from, nearest))
}

/// The request with the defined alias whose name is nearest to `name`.
pub(super) fn alias<M: Modules + ?Sized>(modules: &M, request: &str, name: &str) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    let nearest = nearest_by(modules.alias_names(), |alias| {
        let likeness = strsim::normalized_damerau_levenshtein(&lower, alias);
        (likeness >= ENOUGH).then_some(1.0 - likeness)
    })?;
    let rest = request.split_once('/').map(|(_, rest)| rest);
    Some(match rest {
        Some(rest) if rest.len() <= LONGEST => format!("@{nearest}/{rest}"),
        Some(_) => return None,
        None => format!("@{nearest}"),
    })
}

/// 1 for the same name in other letter case, nearly 1 for the same file name in another folder.
fn likeness(asked: &str, existing: &str) -> f64 {
    if asked.to_lowercase() == existing.to_lowercase() {
        return 1.0;
    }
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_lowercase();
    let whole = strsim::normalized_damerau_levenshtein(asked, existing);
    if name(asked) == name(existing) {
        whole.max(0.9)
    } else {
        whole
    }
}

/// The path by which `from` requires `target`.
pub(super) fn request_for(from: &ModuleId, target: &ModuleId) -> String {
    let target = target.without_init();
    let inside = |folder: &str| {
        target
            .strip_prefix(folder)
            .and_then(|rest| rest.strip_prefix('/'))
    };
    if let Some(rest) = from.is_init().then(|| inside(from.folder())).flatten() {
        return format!("@self/{rest}");
    }
    let mut base = if from.is_init() {
        super::parent(from.folder()).unwrap_or("")
    } else {
        from.folder()
    };
    let mut up = String::new();
    loop {
        let rest = if base.is_empty() {
            Some(target)
        } else {
            inside(base)
        };
        match rest {
            Some(rest) if up.is_empty() => return format!("./{rest}"),
            Some(rest) => return format!("{up}{rest}"),
            None => {
                up.push_str("../");
                base = super::parent(base).unwrap_or("");
            }
        }
    }
}

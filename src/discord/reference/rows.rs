//! One row for each field of a table, over all the kinds that Discord distinguishes of it.

use super::words::{CLEARS, takes};
use crate::discord::schema::fields;

/// How much a field is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Always,
    /// By some of the kinds.
    Sometimes,
    Never,
}

impl Need {
    pub(super) fn of(required: bool) -> Self {
        if required { Self::Always } else { Self::Never }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Always => "required",
            Self::Sometimes => "required for some kinds",
            Self::Never => "",
        }
    }
}

/// A field.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) need: Need,
    /// What it takes in each kind, joined.
    pub(super) takes: String,
}

/// The fields of these schemas, in order. `tables` is the page of the tables.
pub(super) fn rows(schemas: &[&str], tables: &str) -> Vec<Row> {
    let kinds: Vec<_> = schemas.iter().filter_map(|name| fields(name)).collect();
    let mut found: Vec<(&'static str, Vec<String>, usize)> = Vec::new();
    for (name, field) in kinds.iter().copied().flatten() {
        let takes = takes(name, field, tables);
        let asked = usize::from(field.required);
        match found.iter_mut().find(|(known, _, _)| known == name) {
            Some((_, known, times)) => {
                *times += asked;
                if !knows(known, &takes) {
                    known.push(takes);
                }
            }
            None => found.push((name, vec![takes], asked)),
        }
    }
    let need = |times: usize| match times {
        0 => Need::Never,
        times if times == kinds.len() => Need::Always,
        _ => Need::Sometimes,
    };
    let rows = found.into_iter().map(|(name, takes, times)| Row {
        name,
        need: need(times),
        takes: takes.join("; or "),
    });
    rows.collect()
}

/// Whether the same is there already, perhaps with `null`.
fn knows(known: &[String], takes: &str) -> bool {
    let bare = |text: &str| text.trim_end_matches(CLEARS).to_owned();
    known.iter().any(|known| bare(known) == bare(takes))
}

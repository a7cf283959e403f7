//! The tables that stand inside of arguments, each with its fields.

use super::rows::rows;
use super::{open, put};
use crate::discord::types::{input_name, schemas_inside};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// All of them in order of name, under the names that `types/model.luau` has for them.
pub(super) fn tables() -> String {
    let mut groups: BTreeMap<String, Vec<&'static str>> = BTreeMap::new();
    for schema in schemas_inside(open()) {
        groups.entry(input_name(schema)).or_default().push(schema);
    }
    let mut text = String::new();
    for (name, schemas) in groups {
        put!(text, "## {name}\n");
        if schemas.len() > 1 {
            put!(
                text,
                "One of {} kinds that Discord has of it; not each has every field.\n",
                schemas.len()
            );
        }
        let rows = rows(&schemas, "");
        if rows.is_empty() {
            put!(text, "It has no fields.\n");
            continue;
        }
        put!(text, "| field | | takes |\n|---|---|---|");
        for row in rows {
            put!(
                text,
                "| `{}` | {} | {} |",
                row.name,
                row.need.words(),
                row.takes
            );
        }
        text.push('\n');
    }
    text
}

//! What is different between two tables of operations, a line each.

use super::{CLOSED, operation};
use serde_json::{Map, Value};

/// Additions, removals and changes: of operations first, then of schemas.
pub(super) fn report(former: &Value, table: &Value) -> Vec<String> {
    let mut report = of_operations(former, table);
    let none = Map::new();
    let (was, is) = (&former["schemas"], &table["schemas"]);
    let (was, is) = (
        was.as_object().unwrap_or(&none),
        is.as_object().unwrap_or(&none),
    );
    let new = is.keys().filter(|name| !was.contains_key(*name));
    report.extend(new.map(|name| format!("+ schema {name}")));
    let gone = was.keys().filter(|name| !is.contains_key(*name));
    report.extend(gone.map(|name| format!("- schema {name}")));
    for (name, schema) in is {
        let changes = was.get(name).map(|was| changes_of_schema(was, schema));
        if let Some(changes) = changes.filter(|changes| !changes.is_empty()) {
            report.push(format!("~ schema {name}: {}", changes.join(", ")));
        }
    }
    report
}

fn of_operations(former: &Value, table: &Value) -> Vec<String> {
    let all = |table: &Value| table["operations"].as_array().cloned().unwrap_or_default();
    let id = |operation: &Value| operation["id"].as_str().unwrap_or_default().to_owned();
    let (was, is) = (all(former), all(table));
    let mut report = Vec::new();
    for new in is.iter().filter(|it| operation(former, &id(it)).is_none()) {
        let text = |name: &str| new[name].as_str().unwrap_or_default();
        let needs = match text("capability") {
            CLOSED => closed(&id(new), new, &was),
            capability => format!("needs {capability}"),
        };
        let (method, path) = (text("method"), text("path"));
        report.push(format!("+ operation {}: {method} {path}, {needs}", id(new)));
    }
    let gone = was.iter().filter(|it| operation(table, &id(it)).is_none());
    report.extend(gone.map(|it| format!("- operation {}", id(it))));
    for operation in &is {
        let Some(former) = self::operation(former, &id(operation)) else {
            continue;
        };
        let mut changes = Vec::new();
        for name in ["capability", "method", "path"] {
            changes.extend(change(name, &former[name], &operation[name]));
        }
        for place in ["params", "query", "body", "returns"] {
            changes.extend(changes_of_fields(place, &former[place], &operation[place]));
        }
        if !changes.is_empty() {
            report.push(format!(
                "~ operation {}: {}",
                id(operation),
                changes.join(", ")
            ));
        }
    }
    report
}

/// What to do about a new operation: the one with the most of its path may tell what it should need.
fn closed(id: &str, new: &Value, known: &[Value]) -> String {
    let path = new["path"].as_str().unwrap_or_default();
    let shared = |other: &Value| {
        let steps = other["path"].as_str().unwrap_or_default().split('/');
        steps
            .zip(path.split('/'))
            .take_while(|(a, b)| a == b)
            .count()
    };
    let open = known.iter().filter(|it| it["capability"] != CLOSED);
    let same_method = |other: &Value| usize::from(other["method"] == new["method"]);
    // Something in front of the first slash is shared by all.
    let like = open
        .filter(|other| shared(other) > 1)
        .max_by_key(|other| (shared(other), same_method(other)));
    let like = like.map(|like| {
        let text = |name: &str| like[name].as_str().unwrap_or_default();
        let (other, capability) = (text("id"), text("capability"));
        format!(" ({other}, which is like it, needs {capability})")
    });
    let like = like.unwrap_or_default();
    format!("closed to cogs: open it with --open {id}=CAPABILITY{like}")
}

fn changes_of_schema(was: &Value, is: &Value) -> Vec<String> {
    for (name, of) in [("fields", "field"), ("values", "value")] {
        if was.get(name).is_some() && is.get(name).is_some() {
            return changes_of_fields(of, &was[name], &is[name]);
        }
    }
    change("type", was, is).into_iter().collect()
}

fn changes_of_fields(of: &str, was: &Value, is: &Value) -> Vec<String> {
    let names = |value: &Value| -> Vec<String> {
        let names = value.as_object().map(|fields| fields.keys().cloned());
        names.into_iter().flatten().collect()
    };
    let mut all = names(was);
    all.extend(names(is));
    all.sort();
    all.dedup();
    let changes = all
        .iter()
        .filter_map(|name| match (was.get(name), is.get(name)) {
            (Some(was), Some(is)) => change(&format!("{of} {name}"), was, is),
            (Some(_), None) => Some(format!("{of} {name} is gone")),
            (None, _) => Some(format!("{of} {name} is new")),
        });
    changes.collect()
}

fn change(what: &str, was: &Value, is: &Value) -> Option<String> {
    // In what order the parts of a field are does not matter.
    let (was, is) = (shown(was), shown(is));
    (was != is).then(|| format!("{what}: {was} -> {is}"))
}

/// A field as its type and its limits.
fn shown(value: &Value) -> String {
    match value {
        Value::Object(field) => {
            let kind = field.get("type").and_then(Value::as_str);
            let mut rest: Vec<String> = field
                .iter()
                .filter(|(name, _)| *name != "type")
                .map(|(name, value)| format!("{name} {value}"))
                .collect();
            rest.sort();
            rest.insert(0, kind.unwrap_or_default().to_owned());
            rest.join(" ")
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

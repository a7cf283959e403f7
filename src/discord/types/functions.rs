//! The operations as functions: `discord.luau`.

use super::luau::{Properties, Property, WIDTH, Way, function, merged, optional, table, text};
use super::names;
use crate::discord::operations::{Operation, operations};
use crate::discord::paging::paged;
use crate::discord::schema::Shape;

fn open() -> impl Iterator<Item = &'static Operation> {
    operations().filter(|operation| operation.open_to_cogs())
}

/// The table of arguments of each operation.
pub(super) fn arguments() -> String {
    let mut sorted: Vec<_> = open().collect();
    sorted.sort_by_key(|operation| operation.id);
    let types = sorted.into_iter().map(|operation| {
        let name = names::pascal(operation.id);
        table(&name, &properties(operation), &[], Way::Input)
    });
    types.collect()
}

fn properties(operation: &Operation) -> Properties {
    let fields = operation.params.iter().chain(&operation.query);
    let own = fields.map(|(name, field)| {
        let mut property = Property::new(name, field, Way::Input);
        // In a path or a query there is nothing to clear.
        property.nullable = false;
        ((*name).to_owned(), prefixed(property))
    });
    let mut properties: Properties = own.collect();
    if operation.takes_whole_body() {
        let body = operation.body.map(Shape::parse);
        let body = body.map(|body| text(&body, Way::Input));
        let body = Property::plain(&body.unwrap_or_default(), false);
        properties.push(("body".into(), prefixed(body)));
    } else if let Some(body) = operation.body {
        let schemas = Shape::parse(body).names();
        let body = merged(&schemas, None, Way::Input).into_iter();
        let body = body.filter(|(name, _)| operation.file_field != Some(name));
        properties.extend(body.map(|(name, property)| (name, prefixed(property))));
    }
    if let Some(file) = operation.file_field {
        let property = Property::plain("string | model.File", !operation.form_only);
        properties.push((file.into(), property));
    } else if operation.multipart {
        properties.push(("files".into(), Property::plain("{ model.File }", true)));
    }
    if operation.method != "GET" {
        properties.push(("reason".into(), Property::plain("string", true)));
    }
    properties
}

/// Each function, with its route and the capability that it needs.
pub(super) fn functions() -> String {
    let mut sorted: Vec<_> = open().collect();
    sorted.sort_by_key(|operation| operation.id);
    let functions = sorted.into_iter().map(|operation| {
        let Operation {
            id,
            method,
            path,
            capability,
            ..
        } = operation;
        let comment = format!("    --- {method} {path}: needs `{capability}`\n");
        let name = names::pascal(id);
        let needed = properties(operation)
            .iter()
            .any(|(_, property)| !property.optional);
        let name = if needed { name } else { optional(&name) };
        comment + &function(id, &format!("arguments: {name}"), &result(operation))
    });
    functions.collect()
}

/// The fields in which answers have the lists that `each` goes through; "" where the answer is the list.
fn lists() -> Vec<&'static str> {
    let mut lists: Vec<&str> = paged().map(|paging| paging.list).collect();
    lists.sort_unstable();
    lists.dedup();
    lists
}

fn each_of(list: &str) -> String {
    let list = if list.is_empty() { "list" } else { list };
    format!("EachOf{}", names::pascal(list))
}

/// What `each` is for each kind of answer.
pub(super) fn each_types() -> String {
    let types = lists().into_iter().map(|list| {
        let answer = match list {
            "" => "{ T }".to_owned(),
            list => format!("{{ read {list}: {{ T }} }}"),
        };
        let name = each_of(list);
        let flat = format!("type {name} = <A, T>(operation: (A) -> {answer}, arguments: A) -> () -> T?\n");
        if flat.len() <= WIDTH {
            return flat;
        }
        format!("type {name} = <A, T>(\n    operation: (A) -> {answer},\n    arguments: A\n) -> () -> T?\n")
    });
    types.collect()
}

/// `each`, for all kinds of answers.
pub(super) fn each() -> String {
    let all: Vec<String> = lists().into_iter().map(each_of).collect();
    format!("    read each: {},\n", all.join("\n        & "))
}

fn result(operation: &Operation) -> String {
    let Some(returns) = operation.returns else {
        return "nil".into();
    };
    let text = prefix(&text(&Shape::parse(returns), Way::Object));
    if operation.may_be_empty {
        return optional(&text);
    }
    text
}

fn prefixed(mut property: Property) -> Property {
    property.text = prefix(&property.text);
    property
}

/// Names of types, all of which begin with a capital letter, get their module in front.
fn prefix(text: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for letter in text.chars() {
        if !inside && letter.is_ascii_uppercase() {
            out.push_str("model.");
        }
        inside = letter.is_ascii_alphanumeric() || letter == '_';
        out.push(letter);
    }
    out
}

//! A call of an operation, made of values that pass the checks of its arguments: what is required, and what makes
//! it a sensible call.

use crate::discord::operations::Operation;
use crate::discord::schema::{Field, Fields, Schema, Shape, fields, schema};
use crate::discord::types::object_text;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// The widest line.
const WIDTH: usize = 90;

/// How deep tables inside of tables are made.
const DEEPEST: usize = 6;

/// Fields of a body that asks for none, in the order in which one is chosen.
const TELLING: [&str; 14] = [
    "content",
    "name",
    "nick",
    "description",
    "topic",
    "enabled",
    "status",
    "suppress",
    "metadata",
    "max_age",
    "delete_message_seconds",
    "reason",
    "mode",
    "channel_id",
];

/// What fields are in an example, whatever operation they belong to: the name, a value, and Luau for it.
const KNOWN: [(&str, &str, Option<&str>); 14] = [
    ("channel_id", "1100000000000000001", Some("ctx.channel_id")),
    ("guild_id", "1100000000000000002", Some("ctx.guild_id")),
    ("user_id", "1100000000000000003", Some("ctx.author.id")),
    (
        "application_id",
        "1100000000000000004",
        Some("cog.bot().id"),
    ),
    ("emoji_name", "👍", None),
    ("content", "Hello!", None),
    ("name", "tea-room", None),
    ("nick", "Tea drinker", None),
    ("topic", "All about tea", None),
    ("title", "Tea", None),
    ("description", "Tea for everybody", None),
    ("code", "tea123", None),
    ("webhook_token", "token", None),
    ("query", "ann", None),
];

/// Values where an operation has rules that its description does not tell.
const OWN: [(&str, &str, &str); 3] = [
    ("create_guild_emoji", "name", r#""tea""#),
    ("create_application_emoji", "name", r#""tea""#),
    (
        "bulk_delete_messages",
        "messages",
        r#"["1100000000000000005", "1100000000000000006"]"#,
    ),
];

/// The arguments of the example.
pub(super) fn arguments(operation: &Operation) -> Map<String, Value> {
    let mut arguments = Map::new();
    for (name, field) in operation.params.iter().chain(&operation.query) {
        if field.required || operation.params.contains_key(name) {
            arguments.insert((*name).to_owned(), value(name, field, 0));
        }
    }
    if let (true, Some(shape)) = (operation.takes_whole_body(), operation.body_shape()) {
        let mut body = value("body", &Field::plain(shape.clone()), 0);
        if let Some(items) = body.as_array_mut().filter(|items| items.is_empty()) {
            items.extend(item(shape));
        }
        arguments.insert("body".into(), body);
    } else {
        body(operation, &mut arguments);
    }
    if let Some(file) = operation.file_field.filter(|_| operation.form_only) {
        let content = json!({ "filename": format!("{file}.png"), "content": "…" });
        arguments.insert(file.to_owned(), content);
    }
    for (id, name, text) in OWN {
        if operation.id == id {
            let value = serde_json::from_str(text).unwrap_or_default();
            arguments.insert(name.to_owned(), value);
        }
    }
    arguments
}

/// The fields of the body: those that its first kind asks for, or else one that shows what the call is for.
fn body(operation: &Operation, arguments: &mut Map<String, Value>) {
    let names = operation.body_shape().map(Shape::names);
    let kinds: Vec<&Fields> = names
        .unwrap_or_default()
        .into_iter()
        .filter_map(fields)
        .collect();
    let Some(first) = kinds.first() else { return };
    let is_file = |name: &str| operation.file_field == Some(name);
    let before = arguments.len();
    for (name, field) in required(first) {
        if !is_file(name) {
            arguments.insert(name.to_owned(), value(name, field, 0));
        }
    }
    if arguments.len() == before && !operation.form_only {
        let known = |name: &&&str| kinds.iter().any(|fields| fields.contains_key(**name));
        let telling = TELLING.iter().find(known).copied();
        let field =
            telling.and_then(|name| kinds.iter().find_map(|fields| fields.get_key_value(name)));
        let any = || first.iter().find(|(name, _)| !is_file(name));
        if let Some((name, field)) = field.or_else(any) {
            arguments.insert((*name).to_owned(), value(name, field, 0));
        }
    }
}

fn required(fields: &'static Fields) -> impl Iterator<Item = (&'static str, &'static Field)> {
    let fields = fields.iter().map(|(name, field)| (*name, field));
    fields.filter(|(_, field)| field.required)
}

/// One item of a body that is a list.
fn item(shape: &Shape) -> Option<Value> {
    let mut parts = shape.alternatives().iter();
    parts.find_map(|part| match part {
        Shape::List(item) => Some(value("body", &Field::plain((**item).clone()), 0)),
        _ => None,
    })
}

/// A value that a field takes.
fn value(name: &str, field: &Field, depth: usize) -> Value {
    if let Some(choice) = field.choices.first() {
        return choice.clone();
    }
    let shape = field
        .shape
        .alternatives()
        .iter()
        .find(|part| **part != Shape::Null);
    match shape {
        None | Some(Shape::Null | Shape::Any) => json!("tea"),
        Some(Shape::Boolean) => json!(true),
        Some(Shape::Integer | Shape::Number) => number(field),
        Some(Shape::DateTime) => json!("2030-12-31T18:00:00Z"),
        Some(Shape::Uri) => json!("https://example.com/tea"),
        Some(Shape::Snowflake) => json!(known(name).map_or("1100000000000000005", |it| it.1)),
        Some(Shape::String) => text(name, field),
        Some(Shape::Object) => json!({}),
        Some(Shape::Map(_)) => json!({ "tea": "green" }),
        Some(Shape::List(item)) => list(name, item, field, depth),
        Some(Shape::All(parts) | Shape::Union(parts)) => {
            let first = parts.first().cloned().unwrap_or(Shape::Any);
            value(name, &field.with_shape(first), depth)
        }
        Some(Shape::Named(schema)) => named(name, schema, field, depth),
    }
}

fn named(name: &str, wanted: &str, field: &Field, depth: usize) -> Value {
    match schema(wanted) {
        Some(Schema::Choices(values)) => values.values().next().cloned().unwrap_or_default(),
        Some(Schema::Alias(alias)) => {
            let limits = if field.limits_anything() {
                field
            } else {
                &**alias
            };
            value(name, &limits.with_shape(alias.shape.clone()), depth)
        }
        Some(Schema::Object(fields)) if depth < DEEPEST => {
            let values = required(fields)
                .map(|(name, field)| (name.to_owned(), value(name, field, depth + 1)));
            let mut object: Map<_, _> = values.collect();
            let telling = TELLING.iter().find(|name| fields.contains_key(**name));
            if let (true, Some(name)) = (object.is_empty(), telling) {
                object.insert((*name).to_owned(), value(name, &fields[*name], depth + 1));
            }
            object.into()
        }
        _ => json!({}),
    }
}

fn number(field: &Field) -> Value {
    let least = field.min.filter(|min| *min > 1.0);
    let most = field.max.filter(|max| *max < 1.0);
    let number = least.or(most).unwrap_or(1.0);
    // The limits of the facts are whole numbers.
    format!("{number:.0}")
        .parse::<i64>()
        .map_or(json!(1), |number| json!(number))
}

fn text(name: &str, field: &Field) -> Value {
    if field
        .pattern
        .is_some_and(|pattern| pattern.starts_with("^#"))
    {
        return json!("#aa00bb");
    }
    let mut text = known(name).map_or("tea", |known| known.1).to_owned();
    while field
        .min_length
        .is_some_and(|min| text.chars().count() < min)
    {
        text.push('!');
    }
    if let Some(most) = field.max_length {
        text = text.chars().take(most).collect();
    }
    json!(text)
}

fn list(name: &str, item: &Shape, field: &Field, depth: usize) -> Value {
    let each = field.of_items(item.clone());
    let count = field.min_items.unwrap_or(0).max(1);
    let singular = name.strip_suffix('s').unwrap_or(name);
    Value::Array(vec![value(singular, &each, depth + 1); count])
}

fn known(name: &str) -> Option<(&'static str, &'static str, Option<&'static str>)> {
    KNOWN.iter().find(|known| known.0 == name).copied()
}

/// The example in Luau, formatted as `StyLua` would.
pub(super) fn call(operation: &Operation) -> String {
    let arguments = arguments(operation);
    let start = match operation.returns {
        Some(returns) => {
            let kind = object_text(&Shape::parse(returns));
            format!("local {} = discord.{}", variable(&kind), operation.id)
        }
        None => format!("discord.{}", operation.id),
    };
    if arguments.is_empty() {
        return format!("{start} {{}}\n");
    }
    let table = Value::Object(arguments);
    let flat = format!("{start} {}", luau("", &table, None));
    if flat.chars().count() <= WIDTH {
        return flat + "\n";
    }
    format!("{start} {}\n", luau("", &table, Some(0)))
}

/// What the result is called: `messages` for a list of messages.
fn variable(kind: &str) -> &'static str {
    let item = kind
        .strip_prefix("List<")
        .map(|rest| rest.trim_end_matches('?'));
    let item = item.and_then(|rest| rest.strip_suffix('>'));
    let known = [
        ("Message", ["message", "messages"]),
        ("Channel", ["channel", "channels"]),
        ("Member", ["member", "members"]),
        ("User", ["user", "users"]),
        ("Role", ["role", "roles"]),
        ("Thread", ["thread", "threads"]),
        ("Guild", ["guild", "guilds"]),
        ("Emoji", ["emoji", "emojis"]),
        ("Invite", ["invite", "invites"]),
        ("Webhook", ["webhook", "webhooks"]),
    ];
    let bare = item.unwrap_or(kind).trim_end_matches('?');
    let found = known.iter().find(|(name, _)| *name == bare);
    found.map_or("result", |(_, names)| names[usize::from(item.is_some())])
}

/// A value as Luau writes it; on several lines with an indentation.
fn luau(name: &str, value: &Value, indent: Option<usize>) -> String {
    match value {
        Value::String(text) => match known(name).filter(|known| known.1 == text) {
            Some((_, _, Some(expression))) => expression.to_owned(),
            _ => format!("{text:?}"),
        },
        Value::Array(items) => {
            let singular = name.strip_suffix('s').unwrap_or(name);
            let items = items
                .iter()
                .map(|item| (String::new(), luau(singular, item, None)));
            braces(items.collect(), None)
        }
        Value::Object(fields) => {
            let deeper = indent.map(|indent| indent + 1);
            let fields = fields.iter().map(|(name, value)| {
                let flat = luau(name, value, None);
                let too_wide = flat.chars().count() + name.len() + 12 > WIDTH;
                let text = if too_wide {
                    luau(name, value, deeper)
                } else {
                    flat
                };
                (format!("{name} = "), text)
            });
            braces(fields.collect(), indent)
        }
        Value::Null => "discord.null".into(),
        other => other.to_string(),
    }
}

fn braces(parts: Vec<(String, String)>, indent: Option<usize>) -> String {
    if parts.is_empty() {
        return "{}".into();
    }
    let Some(indent) = indent else {
        let parts: Vec<_> = parts.into_iter().map(|(name, text)| name + &text).collect();
        return format!("{{ {} }}", parts.join(", "));
    };
    let mut out = "{\n".to_owned();
    for (name, text) in parts {
        let _written = writeln!(out, "{}{name}{text},", "    ".repeat(indent + 1)).is_ok();
    }
    out + &"    ".repeat(indent) + "}"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::operations::operations;
    use crate::discord::prepare;

    #[test]
    fn every_example_passes_the_checks() {
        let mut refused = Vec::new();
        for operation in operations().filter(|it| it.open_to_cogs()) {
            if let Err(error) = prepare(operation, arguments(operation).into()) {
                refused.push(error.to_string());
            }
        }
        assert!(refused.is_empty(), "{refused:#?}");
    }

    #[test]
    fn an_example_is_luau() {
        let create = crate::discord::operation("create_message").unwrap();
        assert_eq!(
            call(create),
            "local message = discord.create_message { channel_id = ctx.channel_id, content = \"Hello!\" }\n"
        );
        let pin = crate::discord::operation("create_pin").unwrap();
        assert!(call(pin).starts_with("discord.create_pin {"));
    }
}

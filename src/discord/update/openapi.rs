//! Discord's `openapi.json` in the notation of the facts.

use serde_json::{Map, Value, json};

/// The methods of a path, in the order of a description.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// `OpenAPI`'s names of limits, and ours.
const LIMITS: [(&str, &str); 7] = [
    ("minimum", "min"),
    ("maximum", "max"),
    ("minLength", "min_length"),
    ("maxLength", "max_length"),
    ("minItems", "min_items"),
    ("maxItems", "max_items"),
    ("pattern", "pattern"),
];

/// Reads the operations that a bot may call, and all schemas.
pub(super) fn read(document: &Value) -> Result<Value, String> {
    let mut reader = Reader::default();
    let schemas = document.pointer("/components/schemas");
    let schemas = schemas
        .and_then(Value::as_object)
        .ok_or("it has no schemas")?;
    for (name, schema) in schemas {
        reader.schema(name, schema);
    }
    let paths = document["paths"].as_object().ok_or("it has no paths")?;
    let mut operations = Vec::new();
    for (path, methods) in paths {
        let shared = methods["parameters"].as_array();
        for method in METHODS {
            let Some(operation) = methods.get(method).filter(|it| is_for_bots(it)) else {
                continue;
            };
            operations.push(reader.operation(path, method, operation, shared));
        }
    }
    let mut schemas: Vec<_> = reader.schemas.into_iter().collect();
    schemas.sort_by(|a, b| a.0.cmp(&b.0));
    let schemas: Map<_, _> = schemas.into_iter().collect();
    Ok(json!({ "api_version": 10, "operations": operations, "schemas": schemas }))
}

/// Whether the bot's token, or none at all, is enough.
fn is_for_bots(operation: &Value) -> bool {
    let Some(ways) = operation["security"].as_array() else {
        return true;
    };
    let suffices = |way: &Value| {
        let names = way.as_object();
        names.is_some_and(|names| names.is_empty() || names.contains_key("BotToken"))
    };
    ways.iter().any(suffices)
}

#[derive(Default)]
struct Reader {
    schemas: Map<String, Value>,
}

/// A type, and the limits of its values.
type Typed = (String, Map<String, Value>);

impl Reader {
    fn operation(
        &mut self,
        path: &str,
        method: &str,
        operation: &Value,
        shared: Option<&Vec<Value>>,
    ) -> Value {
        let id = operation["operationId"].as_str().unwrap_or_default();
        let prefix = pascal(id);
        let (mut params, mut query) = (Map::new(), Map::new());
        let own = operation["parameters"].as_array();
        for parameter in shared.into_iter().chain(own).flatten() {
            let name = parameter["name"].as_str().unwrap_or_default();
            let required = parameter["required"] == true;
            let kind = self.kind(&parameter["schema"], &format!("{prefix}{}", pascal(name)));
            let place = match parameter["in"].as_str() {
                Some("path") => &mut params,
                _ => &mut query,
            };
            place.insert(name.to_owned(), field(kind, required));
        }
        let mut body = Map::new();
        let content = operation.pointer("/requestBody/content");
        for (kind, content) in content.and_then(Value::as_object).into_iter().flatten() {
            let (text, _) = self.kind(&content["schema"], &format!("{prefix}Body"));
            body.insert(kind.clone(), text.into());
        }
        let mut returns = Map::new();
        let answers = operation["responses"].as_object().into_iter().flatten();
        for (status, answer) in answers.filter(|(status, _)| status.starts_with('2')) {
            let content = answer["content"].as_object();
            let content = content.and_then(|content| content.values().next());
            let text = content.map(|content| {
                let name = format!("{prefix}Response");
                self.kind(&content["schema"], &name).0
            });
            returns.insert(status.clone(), text.into());
        }
        json!({
            "id": id, "method": method.to_uppercase(), "path": path,
            "params": params, "query": query, "body": body, "returns": returns,
        })
    }

    /// A schema with a name.
    fn schema(&mut self, name: &str, schema: &Value) {
        let made = if let Some(properties) = schema["properties"].as_object() {
            let required = schema["required"].as_array();
            let is_required = |field: &str| {
                let mut names = required.into_iter().flatten();
                names.any(|name| name == field)
            };
            let mut fields = Map::new();
            for (field_name, property) in properties {
                let kind = self.kind(property, &format!("{name}{}", pascal(field_name)));
                fields.insert(field_name.clone(), field(kind, is_required(field_name)));
            }
            json!({ "fields": fields })
        } else if let Some(values) = choices(schema) {
            json!({ "values": values })
        } else {
            field(self.kind(schema, &format!("{name}Value")), false)
        };
        self.schemas.insert(name.to_owned(), made);
    }

    /// A type. A table that has no name of its own becomes a schema called `name`.
    fn kind(&mut self, schema: &Value, name: &str) -> Typed {
        let mut limits = Map::new();
        if let Some(choices) = schema.get("enum") {
            limits.insert("enum".to_owned(), choices.clone());
        }
        if let Some(reference) = schema["$ref"].as_str() {
            let known = reference.rsplit('/').next().unwrap_or_default();
            return (known.to_owned(), limits);
        }
        if let Some(parts) = schema["allOf"].as_array() {
            let parts = parts.iter().enumerate();
            let parts = parts.map(|(place, part)| match place {
                0 => self.kind(part, name).0,
                place => self.kind(part, &format!("{name}{place}")).0,
            });
            return (parts.collect::<Vec<_>>().join("&"), limits);
        }
        let several = schema.get("oneOf").or_else(|| schema.get("anyOf"));
        if let Some(parts) = several.and_then(Value::as_array) {
            let parts = parts.iter().enumerate();
            let parts =
                parts.map(|(place, part)| self.kind(part, &format!("{name}{}", place + 1)).0);
            return (joined(parts.collect()), Map::new());
        }
        for (theirs, ours) in LIMITS {
            if let Some(limit) = schema.get(theirs) {
                limits.insert(ours.to_owned(), limit.clone());
            }
        }
        let kinds = match &schema["type"] {
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            Value::String(kind) => vec![kind.as_str()],
            _ => vec!["any"],
        };
        let kinds = kinds.into_iter();
        let parts = kinds.map(|kind| self.simple(kind, schema, name, &mut limits));
        (joined(parts.collect()), limits)
    }

    fn simple(
        &mut self,
        kind: &str,
        schema: &Value,
        name: &str,
        limits: &mut Map<String, Value>,
    ) -> String {
        match kind {
            "array" => {
                let (item, of_items) = self.kind(&schema["items"], &format!("{name}Item"));
                for (limit, value) in of_items {
                    limits.insert(format!("item_{limit}"), value);
                }
                format!("[{item}]")
            }
            "object" if schema.get("properties").is_some() => {
                self.schema(name, schema);
                name.to_owned()
            }
            "object" if schema["additionalProperties"].is_object() => {
                let values = &schema["additionalProperties"];
                format!("{{{}}}", self.kind(values, &format!("{name}Value")).0)
            }
            kind => match schema["format"].as_str().filter(|_| kind != "null") {
                Some(format) => format!("{kind}:{format}"),
                None => kind.to_owned(),
            },
        }
    }
}

/// A union; each part is there once.
fn joined(parts: Vec<String>) -> String {
    let mut once: Vec<String> = Vec::new();
    for part in parts {
        if !once.contains(&part) {
            once.push(part);
        }
    }
    once.join("|")
}

fn field((kind, limits): Typed, required: bool) -> Value {
    let mut field = Map::new();
    field.insert("type".to_owned(), kind.into());
    if required {
        field.insert("required".to_owned(), true.into());
    }
    field.extend(limits);
    field.into()
}

/// The values of a schema that is one of several constants, by their names.
fn choices(schema: &Value) -> Option<Map<String, Value>> {
    let parts = schema["oneOf"].as_array()?;
    let choice = |part: &Value| {
        let name = part["title"].as_str()?;
        Some((name.to_owned(), part.get("const")?.clone()))
    };
    parts.iter().map(choice).collect()
}

/// `create_message` as `CreateMessage`.
fn pascal(snake: &str) -> String {
    let words = snake.split('_').map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    });
    words.collect()
}

//! A newer table of Discord's operations, from Discord's own description of its API:
//!
//! ```text
//! openapi.json ─ openapi (into the notation of the facts) ─ corrections ─ here (capabilities stay) ─ operations.json
//!                                                                         └ difference (what is added, changed and removed)
//! ```
//!
//! A table in the notation of the facts is taken as well.

mod corrections;
mod difference;
mod openapi;

use serde_json::{Map, Value};

/// What the file cannot be used for.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpdateError {
    /// Neither an `OpenAPI` document nor a table of the facts.
    #[error("this is neither Discord's openapi.json nor a table of operations: {0}")]
    Unknown(String),
    /// `--open` names an operation that there is not.
    #[error("--open {0}: there is no such operation")]
    NoOperation(String),
}

/// A newer table.
#[derive(Debug)]
pub struct Update {
    /// The text of `operations.json`.
    pub table: String,
    /// What is added, changed and removed, a line each; empty if nothing is.
    pub report: Vec<String>,
}

/// What a new operation needs until somebody has decided: no cog may call it.
const CLOSED: &str = "host";

/// Makes a newer table of `text`. `former` is the present one: operations keep their capabilities. `open` gives some a
/// capability: an operation's name and the capability.
pub fn update(
    former: &Value,
    text: &str,
    open: &[(String, String)],
) -> Result<Update, UpdateError> {
    let unknown = |why: String| UpdateError::Unknown(why);
    let document: Value = serde_json::from_str(text).map_err(|error| unknown(error.to_string()))?;
    let mut table = if document.get("openapi").is_some() {
        openapi::read(&document).map_err(unknown)?
    } else if document.get("operations").is_some_and(Value::is_array) {
        document
    } else {
        let why = "it has neither \"openapi\" nor \"operations\"";
        return Err(unknown(why.to_owned()));
    };
    corrections::apply(&mut table);
    let opened = open.iter().map(|(name, _)| name);
    for name in opened {
        if operation(&table, name).is_none() {
            return Err(UpdateError::NoOperation(name.clone()));
        }
    }
    set_capabilities(&mut table, former, open);
    Ok(Update {
        report: difference::report(former, &table),
        table: table.to_string() + "\n",
    })
}

/// Each operation has the capability that it is given, that it had, or none that a cog could have.
fn set_capabilities(table: &mut Value, former: &Value, open: &[(String, String)]) {
    let Some(Value::Array(operations)) = table.get_mut("operations") else {
        return;
    };
    for operation in operations {
        let id = operation["id"].as_str().unwrap_or_default().to_owned();
        let given = open.iter().find(|(name, _)| *name == id);
        let given = given.map(|(_, capability)| capability.as_str());
        let had = self::operation(former, &id).and_then(|it| it["capability"].as_str());
        let own = operation["capability"].as_str();
        let capability = given.or(own).or(had).unwrap_or(CLOSED).to_owned();
        if let Value::Object(fields) = operation {
            // In second place, where it has always been.
            let mut ordered = Map::new();
            ordered.insert("id".to_owned(), Value::from(id));
            ordered.insert("capability".to_owned(), Value::from(capability));
            let rest = std::mem::take(fields).into_iter();
            ordered.extend(rest.filter(|(name, _)| name != "id" && name != "capability"));
            *fields = ordered;
        }
    }
}

/// The operation of that name in a table.
fn operation<'t>(table: &'t Value, id: &str) -> Option<&'t Value> {
    let operations = table["operations"].as_array()?;
    operations.iter().find(|operation| operation["id"] == id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const OPENAPI: &str = r##"{
        "openapi": "3.1.0",
        "paths": {
            "/teas/{tea_id}": {
                "parameters": [{ "name": "tea_id", "in": "path", "required": true, "schema": { "$ref": "#/components/schemas/SnowflakeType" } }],
                "get": {
                    "operationId": "get_tea",
                    "parameters": [{ "name": "limit", "in": "query", "schema": { "type": "integer", "minimum": 1, "maximum": 100 } }],
                    "responses": { "200": { "content": { "application/json": { "schema": { "type": ["array", "null"], "items": { "$ref": "#/components/schemas/Tea" } } } } }, "4XX": {} },
                    "security": [{ "BotToken": [] }]
                },
                "post": {
                    "operationId": "pour_tea",
                    "requestBody": { "content": {
                        "application/json": { "schema": { "type": "object", "properties": { "name": { "type": ["string", "null"], "maxLength": 5 }, "kind": { "type": "integer", "enum": [1], "allOf": [{ "$ref": "#/components/schemas/Kind" }] } }, "required": ["kind"] } },
                        "multipart/form-data": { "schema": { "allOf": [{ "$ref": "#/components/schemas/Tea" }, { "type": "object", "properties": { "file": { "type": "string" } } }] } }
                    } },
                    "responses": { "204": {} },
                    "security": [{}, { "BotToken": [] }]
                },
                "delete": {
                    "operationId": "drink_my_tea",
                    "responses": { "204": {} },
                    "security": [{ "OAuth2": ["tea"] }]
                }
            }
        },
        "components": { "schemas": {
            "Kind": { "type": "integer", "oneOf": [{ "title": "GREEN", "const": 1 }, { "title": "BLACK", "const": 2 }] },
            "SnowflakeType": { "type": "string", "pattern": "^[0-9]+$" },
            "Tea": { "type": "object", "properties": {
                "leaves": { "type": "array", "items": { "type": "string", "maxLength": 9 }, "maxItems": 3 },
                "kind": { "oneOf": [{ "type": "null" }, { "$ref": "#/components/schemas/Kind" }] },
                "names": { "type": "object", "additionalProperties": { "type": "string" } },
                "made": { "type": "string", "format": "date-time" }
            }, "required": ["made"] }
        } }
    }"##;

    fn empty() -> Value {
        json!({ "api_version": 10, "operations": [], "schemas": {} })
    }

    #[test]
    fn discords_description_becomes_a_table() {
        let update = update(&empty(), OPENAPI, &[]).unwrap();
        let table: Value = serde_json::from_str(&update.table).unwrap();
        let expected = json!({
            "api_version": 10,
            "operations": [
                {
                    "id": "get_tea", "capability": "host", "method": "GET", "path": "/teas/{tea_id}",
                    "params": { "tea_id": { "type": "SnowflakeType", "required": true } },
                    "query": { "limit": { "type": "integer", "min": 1, "max": 100 } },
                    "body": {},
                    "returns": { "200": "[Tea]|null" }
                },
                {
                    "id": "pour_tea", "capability": "host", "method": "POST", "path": "/teas/{tea_id}",
                    "params": { "tea_id": { "type": "SnowflakeType", "required": true } },
                    "query": {},
                    "body": { "application/json": "PourTeaBody", "multipart/form-data": "Tea&PourTeaBody1" },
                    "returns": { "204": null }
                }
            ],
            "schemas": {
                "Kind": { "values": { "GREEN": 1, "BLACK": 2 } },
                "PourTeaBody": { "fields": {
                    "name": { "type": "string|null", "max_length": 5 },
                    "kind": { "type": "Kind", "required": true, "enum": [1] }
                } },
                "PourTeaBody1": { "fields": { "file": { "type": "string" } } },
                "SnowflakeType": { "type": "string", "pattern": "^[0-9]+$" },
                "Tea": { "fields": {
                    "leaves": { "type": "[string]", "max_items": 3, "item_max_length": 9 },
                    "kind": { "type": "null|Kind" },
                    "names": { "type": "{string}" },
                    "made": { "type": "string:date-time", "required": true }
                } }
            }
        });
        assert_eq!(table, expected);
        assert_eq!(update.report.len(), 7, "{:#?}", update.report);
    }

    #[test]
    fn what_is_different_is_told() {
        let before = update(&empty(), OPENAPI, &[]).unwrap();
        let former: Value = serde_json::from_str(&before.table).unwrap();
        assert_eq!(update(&former, OPENAPI, &[]).unwrap().report, [""; 0]);
        let later = OPENAPI
            .replace("\"maximum\": 100", "\"maximum\": 50")
            .replace("\"BLACK\"", "\"DARK\"")
            .replace("\"leaves\"", "\"leafs\"")
            .replace("pour_tea", "serve_tea");
        let open = [("serve_tea".to_owned(), "tea.send".to_owned())];
        let later = update(&former, &later, &open).unwrap();
        assert_eq!(
            later.report,
            [
                "+ operation serve_tea: POST /teas/{tea_id}, needs tea.send",
                "- operation pour_tea",
                "~ operation get_tea: query limit: integer max 100 min 1 -> integer max 50 min 1",
                "+ schema ServeTeaBody",
                "+ schema ServeTeaBody1",
                "- schema PourTeaBody",
                "- schema PourTeaBody1",
                "~ schema Kind: value BLACK is gone, value DARK is new",
                "~ schema Tea: field leafs is new, field leaves is gone",
            ]
        );
        let table: Value = serde_json::from_str(&later.table).unwrap();
        assert_eq!(
            operation(&table, "serve_tea").unwrap()["capability"],
            "tea.send"
        );
        // A table is taken as it is.
        let again = update(&former, &later.table, &[]).unwrap();
        assert_eq!(again.table, later.table);
    }

    #[test]
    fn a_new_operation_is_closed_and_one_like_it_is_named() {
        let former = json!({ "operations": [
            { "id": "drink_tea", "capability": "tea.drink", "method": "POST", "path": "/teas/{tea_id}/drink" },
        ], "schemas": {} });
        let update = update(&former, OPENAPI, &[]).unwrap();
        let line = &update.report[1];
        assert_eq!(
            line,
            "+ operation pour_tea: POST /teas/{tea_id}, closed to cogs: open it with --open pour_tea=CAPABILITY (drink_tea, which is like it, needs tea.drink)"
        );
    }

    #[test]
    fn what_is_no_table_is_refused() {
        let refused = |text: &str| update(&empty(), text, &[]).unwrap_err().to_string();
        assert!(refused("{}").contains("neither"));
        assert!(refused("[").contains("EOF"));
        let open = [("none".to_owned(), "x".to_owned())];
        let error = update(&empty(), OPENAPI, &open).unwrap_err();
        assert_eq!(error, UpdateError::NoOperation("none".to_owned()));
    }

    /// Writing and reading is the same.
    #[test]
    fn the_present_table_is_its_own_update() {
        let text = include_str!("../operations.json");
        let former: Value = serde_json::from_str(text).unwrap();
        let update = update(&former, text, &[]).unwrap();
        assert_eq!(update.report, [""; 0]);
        assert_eq!(update.table.trim_end(), text.trim_end());
    }
}

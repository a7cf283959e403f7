//! Converts Luau values to JSON, without ever calling into Luau: metamethods, which may be hostile, are not called. The
//! other direction is in `object`.

use super::not_json::{NotJson, number_to_json};
use super::object::Object;
use super::state::{Handle, tree_to_json};
use crate::json::{JsonRef, Node};
use crate::vm::host::{
    GREATEST_EXACT, HostError, HostResult, describe, in_time, is_object, shown_name,
};
use mlua::{Table, Value};
use serde_json::{Map, Value as JsonValue};

/// How deep a value may nest: as deep as texts are read (`json.decode`).
const DEEPEST: usize = 127;
/// How many values a tree may hold: two hundred times what Discord accepts in one message.
const MOST_VALUES: usize = 200_000;
/// Bytes of a tree's texts: enough for the largest picture that Discord accepts, in base64. Luau counts a string once
/// however often a table holds it, so its own limit does not bound what is copied here.
const MOST_BYTES: usize = 16 << 20;

/// Room for the fields of most calls and for what the host adds to them, such as a nonce.
pub const USUAL_FIELDS: usize = 8;

/// Turns a Luau value into JSON. `path` names it in errors (`content.embeds`).
pub fn to_json(function: &str, path: &str, value: &Value) -> HostResult<JsonValue> {
    Converter::default().read(function, path, value)
}

/// Counts down what a tree may still hold: one for all fields of a table, however many there are.
pub struct Converter {
    values: usize,
    bytes: usize,
}

impl Default for Converter {
    fn default() -> Self {
        Self {
            values: MOST_VALUES,
            bytes: MOST_BYTES,
        }
    }
}

impl Converter {
    /// Turns one more value into JSON. `path` names it in errors.
    pub fn read(&mut self, function: &str, path: &str, value: &Value) -> HostResult<JsonValue> {
        self.convert(value, 0)
            .map_err(|wrong| wrong.into_failure(function, path))
    }

    /// The name of a field, or nothing where a key is not a string. `path` names the table in errors.
    fn name(&mut self, function: &str, path: &str, key: &Value) -> HostResult<Option<String>> {
        let Value::String(name) = key else {
            return Ok(None);
        };
        self.count(name.as_bytes().len())
            .map_err(|wrong| wrong.into_failure(function, path))?;
        Ok(Some(name.to_string_lossy()))
    }

    /// The fields of a table that is sent, as JSON. `path` names the table in errors. Those of which `is_sent` says no
    /// are left out.
    pub fn fields(
        &mut self,
        function: &str,
        path: &str,
        table: &Table,
        mut is_sent: impl FnMut(&str) -> HostResult<bool>,
    ) -> HostResult<Map<String, JsonValue>> {
        let mut fields = Map::with_capacity(USUAL_FIELDS);
        for pair in table.pairs::<Value, Value>() {
            let (key, value) = pair?;
            still_in_time(table)?;
            // The table that a call gets has no name of its own.
            let what = if path.is_empty() { "the fields" } else { path };
            let Some(name) = self.name(function, what, &key)? else {
                let expected = "fields with names";
                return Err(HostError::argument(function, path, expected, &describe(&key)).into());
            };
            if is_sent(&name)? {
                let value = self.read(function, &shown_name(&name), &value)?;
                fields.insert(name, value);
            }
        }
        Ok(fields)
    }

    fn count(&mut self, bytes: usize) -> Result<(), NotJson> {
        self.values = self
            .values
            .checked_sub(1)
            .ok_or_else(|| NotJson::new(format!("holds more than {MOST_VALUES} values")))?;
        self.bytes = self
            .bytes
            .checked_sub(bytes)
            .ok_or_else(|| NotJson::new(format!("holds more than {} MB", MOST_BYTES >> 20)))?;
        Ok(())
    }

    fn convert(&mut self, value: &Value, depth: usize) -> Result<JsonValue, NotJson> {
        if depth > DEEPEST {
            return Err(NotJson::new("nests too deep, or contains itself"));
        }
        match value {
            Value::String(text) => {
                let bytes = text.as_bytes();
                self.count(bytes.len())?;
                match std::str::from_utf8(&bytes) {
                    Ok(text) => Ok(JsonValue::String(text.to_owned())),
                    Err(_) => Err(NotJson::new("is not valid UTF-8")),
                }
            }
            Value::Table(table) => {
                self.count(0)?;
                self.table(table, depth)
            }
            Value::UserData(data) => self.userdata(data, value),
            scalar => {
                self.count(0)?;
                convert_scalar(scalar)
            }
        }
    }

    fn userdata(&mut self, data: &mlua::AnyUserData, value: &Value) -> Result<JsonValue, NotJson> {
        if let Ok(object) = data.borrow::<Object>() {
            return self.json(object.json().view());
        }
        if let Ok(handle) = data.borrow::<Handle>() {
            let lua = data.weak_lua().try_upgrade();
            let entries = lua.and_then(|lua| handle.entries(&lua).ok());
            let entries =
                entries.ok_or_else(|| NotJson::new("is a part of the state that was removed"))?;
            self.count(entries.bytes())?;
            return tree_to_json(&entries);
        }
        Err(NotJson::new(format!("{} cannot be sent", describe(value))))
    }

    /// A part of an object, which takes far more room in this form.
    fn json(&mut self, json: JsonRef<'_>) -> Result<JsonValue, NotJson> {
        self.count(json.as_str().map_or(0, str::len))?;
        Ok(match json.node() {
            Node::Array(items) => {
                let items = items.map(|item| self.json(item));
                JsonValue::Array(items.collect::<Result<_, _>>()?)
            }
            Node::Object(fields) => {
                let fields = fields.map(|(name, value)| {
                    self.count(name.len())?;
                    Ok((name.to_owned(), self.json(value)?))
                });
                JsonValue::Object(fields.collect::<Result<_, NotJson>>()?)
            }
            _ => JsonValue::from(json),
        })
    }

    /// A table with a first element is an array, and so is an empty one unless it is marked as an object; any other
    /// is an object.
    fn table(&mut self, table: &Table, depth: usize) -> Result<JsonValue, NotJson> {
        still_in_time(table)?;
        let length = table.raw_len();
        if length > 0 {
            return self.array(table, length, depth);
        }
        let mut fields = Map::new();
        for pair in table.pairs::<Value, Value>() {
            let (key, value) = pair?;
            still_in_time(table)?;
            let Value::String(name) = &key else {
                let key = describe(&key);
                return Err(NotJson::new(format!("{key} cannot be the name of a field")));
            };
            self.count(name.as_bytes().len())?;
            let Ok(name) = name.to_str().map(|name| name.to_owned()) else {
                let name = describe(&key);
                return Err(NotJson::new(format!("the name {name} is not valid UTF-8")));
            };
            let value = self
                .convert(&value, depth + 1)
                .map_err(|wrong| wrong.at(format!(".{}", shown_name(&name))))?;
            fields.insert(name, value);
        }
        if fields.is_empty() && !is_object(table) {
            return Ok(JsonValue::Array(Vec::new()));
        }
        Ok(JsonValue::Object(fields))
    }

    fn array(&mut self, table: &Table, length: usize, depth: usize) -> Result<JsonValue, NotJson> {
        let mut items = Vec::new();
        for index in 1..=length {
            still_in_time(table)?;
            let item: Value = table.raw_get(index)?;
            let item = self.convert(&item, depth + 1);
            items.push(item.map_err(|wrong| wrong.at(format!("[{index}]")))?);
        }
        // A list that also has names or holes would silently lose values.
        for pair in table.pairs::<Value, Value>() {
            let (key, _) = pair?;
            still_in_time(table)?;
            let index = crate::vm::host::number(&key);
            if !index.is_some_and(|index| (1.0..=whole(length)).contains(&index)) {
                let message = format!("is a list, and also holds something at {}", describe(&key));
                return Err(NotJson::new(message));
            }
        }
        Ok(JsonValue::Array(items))
    }
}

/// Refuses once the running slice's time is over: copying texts takes long, too.
fn still_in_time(table: &Table) -> mlua::Result<()> {
    match table.weak_lua().try_upgrade() {
        Some(lua) => in_time(&lua),
        None => Ok(()),
    }
}

#[allow(clippy::cast_precision_loss, reason = "the length of a table")]
fn whole(length: usize) -> f64 {
    length as f64
}

#[allow(clippy::cast_precision_loss, reason = "it was made of such a number")]
fn convert_scalar(value: &Value) -> Result<JsonValue, NotJson> {
    match value {
        Value::Nil => Ok(JsonValue::Null),
        Value::LightUserData(pointer) if pointer.0.is_null() => Ok(JsonValue::Null),
        Value::Boolean(value) => Ok(JsonValue::Bool(*value)),
        // Luau has floats alone, and those that are whole come as integers.
        Value::Integer(number) if number.unsigned_abs() > GREATEST_EXACT => {
            number_to_json(*number as f64)
        }
        Value::Integer(number) => Ok(JsonValue::from(*number)),
        Value::Number(number) => number_to_json(*number),
        other => Err(NotJson::new(format!("{} cannot be sent", describe(other)))),
    }
}

/// Bytes of a tree's texts, roughly what a request with it weighs.
pub fn weight(value: &JsonValue) -> usize {
    match value {
        JsonValue::String(text) => text.len() + 16,
        JsonValue::Array(items) => 16 + items.iter().map(weight).sum::<usize>(),
        JsonValue::Object(fields) => {
            let fields = fields.iter();
            16 + fields
                .map(|(key, value)| key.len() + weight(value))
                .sum::<usize>()
        }
        _ => 16,
    }
}

//! Values between Luau and JSON, without ever calling into Luau: hostile metamethods are not asked.

use super::object::Object;
use super::state::Handle;
use crate::vm::host::{HostError, HostResult, describe};
use mlua::{Table, Value};
use serde_json::{Map, Value as JsonValue};

/// How deep a value may nest.
const DEEPEST: usize = 64;
/// How many values a tree may hold: two hundred times what Discord takes in one message.
const MOST_VALUES: usize = 200_000;

/// Turns a Luau value into JSON. `path` names it in errors (`content.embeds`).
pub fn to_json(function: &str, path: &str, value: &Value) -> HostResult<JsonValue> {
    Converter {
        function,
        left: MOST_VALUES,
    }
    .convert(path, value, 0)
}

struct Converter<'a> {
    function: &'a str,
    left: usize,
}

impl Converter<'_> {
    fn wrong(&self, path: &str, message: &str) -> crate::vm::host::Failure {
        HostError::new("argument", format!("{}: {path}: {message}", self.function)).into()
    }

    fn convert(&mut self, path: &str, value: &Value, depth: usize) -> HostResult<JsonValue> {
        if depth > DEEPEST {
            return Err(self.wrong(path, "nests too deep, or contains itself"));
        }
        self.left = self
            .left
            .checked_sub(1)
            .ok_or_else(|| self.wrong(path, "is too large"))?;
        match value {
            Value::Nil => Ok(JsonValue::Null),
            Value::LightUserData(pointer) if pointer.0.is_null() => Ok(JsonValue::Null),
            Value::Boolean(value) => Ok(JsonValue::Bool(*value)),
            Value::Integer(number) => Ok(JsonValue::from(*number)),
            Value::Number(number) => self.number(path, *number),
            Value::String(text) => match text.to_str() {
                Ok(text) => Ok(JsonValue::String(text.to_owned())),
                Err(_) => Err(self.wrong(path, "is not valid UTF-8")),
            },
            Value::Table(table) => self.table(path, table, depth),
            Value::UserData(data) => {
                if let Ok(object) = data.borrow::<Object>() {
                    return Ok(JsonValue::from(object.json()));
                }
                if let Ok(handle) = data.borrow::<Handle>() {
                    return handle
                        .to_json()
                        .ok_or_else(|| self.wrong(path, "is a part of the state that is gone"));
                }
                Err(self.wrong(path, &format!("{} cannot be sent", describe(value))))
            }
            other => Err(self.wrong(path, &format!("{} cannot be sent", describe(other)))),
        }
    }

    #[allow(
        clippy::cast_possible_truncation,
        reason = "checked to be a whole number within ±2^53"
    )]
    fn number(&self, path: &str, number: f64) -> HostResult<JsonValue> {
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if number.fract() == 0.0 && number.abs() <= EXACT {
            return Ok(JsonValue::from(number as i64));
        }
        serde_json::Number::from_f64(number)
            .map(JsonValue::Number)
            .ok_or_else(|| self.wrong(path, "is not a finite number"))
    }

    /// A table with a first element, or an empty one, is an array; any other is an object.
    fn table(&mut self, path: &str, table: &Table, depth: usize) -> HostResult<JsonValue> {
        let length = table.raw_len();
        if length > 0 {
            let mut items = Vec::new();
            for index in 1..=length {
                let item: Value = table.raw_get(index)?;
                items.push(self.convert(&format!("{path}[{index}]"), &item, depth + 1)?);
            }
            return Ok(JsonValue::Array(items));
        }
        let mut fields = Map::new();
        for pair in table.pairs::<Value, Value>() {
            let (key, value) = pair?;
            let Value::String(name) = &key else {
                let message = format!("{} cannot be the name of a field", describe(&key));
                return Err(self.wrong(path, &message));
            };
            let name = name.to_string_lossy();
            let value = self.convert(&format!("{path}.{name}"), &value, depth + 1)?;
            fields.insert(name, value);
        }
        if fields.is_empty() {
            return Ok(JsonValue::Array(Vec::new()));
        }
        Ok(JsonValue::Object(fields))
    }
}

/// Reads the fields of a table that an author gave, and complains in one voice.
pub struct Fields<'a> {
    /// What errors begin with (`cog.command "rank"`).
    pub function: String,
    table: &'a Table,
}

impl<'a> Fields<'a> {
    /// The fields of `table`, raw.
    pub fn of(function: impl Into<String>, table: &'a Table) -> Self {
        Self {
            function: function.into(),
            table,
        }
    }

    /// Refuses fields that are not in `known`.
    pub fn only(&self, known: &[&str]) -> HostResult<()> {
        for pair in self.table.pairs::<Value, Value>() {
            let (key, _) = pair?;
            let name = match &key {
                Value::String(name) => name.to_string_lossy(),
                other => describe(other),
            };
            if !known.contains(&name.as_str()) {
                let nearest = crate::discord::nearest(&name, known.iter().copied());
                let hint =
                    nearest.map_or_else(String::new, |it| format!("; did you mean \"{it}\"?"));
                let message = format!("{}: there is no field \"{name}\"{hint}", self.function);
                return Err(HostError::new("argument", message).into());
            }
        }
        Ok(())
    }

    /// The raw value of a field.
    pub fn value(&self, name: &str) -> HostResult<Value> {
        Ok(self.table.raw_get(name)?)
    }

    /// The error for a field.
    pub fn wrong(&self, name: &str, expected: &str, got: &Value) -> crate::vm::host::Failure {
        HostError::argument(&self.function, name, expected, &describe(got)).into()
    }

    fn optional<T>(
        &self,
        name: &str,
        expected: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> HostResult<Option<T>> {
        let value = self.value(name)?;
        if value.is_nil() {
            return Ok(None);
        }
        match read(&value) {
            Some(read) => Ok(Some(read)),
            None => Err(self.wrong(name, expected, &value)),
        }
    }

    /// A string field.
    pub fn string(&self, name: &str) -> HostResult<Option<String>> {
        self.optional(name, "a string", |value| match value {
            Value::String(text) => Some(text.to_string_lossy()),
            _ => None,
        })
    }

    /// A string field that must be there.
    pub fn required_string(&self, name: &str) -> HostResult<String> {
        self.string(name)?
            .ok_or_else(|| self.wrong(name, "a string", &Value::Nil))
    }

    /// A boolean field.
    pub fn boolean(&self, name: &str) -> HostResult<Option<bool>> {
        self.optional(name, "true or false", Value::as_boolean)
    }

    /// A number field.
    pub fn number(&self, name: &str) -> HostResult<Option<f64>> {
        self.optional(name, "a number", crate::vm::host::number)
    }

    /// A field with a whole number from 0 to 2^32-1.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be in the range"
    )]
    pub fn count(&self, name: &str) -> HostResult<Option<u32>> {
        self.optional(name, "a whole number", |value| {
            let number = crate::vm::host::number(value)?;
            (number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number))
                .then_some(number as u32)
        })
    }

    /// A duration field.
    pub fn duration(&self, name: &str) -> HostResult<Option<std::time::Duration>> {
        self.optional(
            name,
            crate::vm::host::EXPECTED_DURATION,
            crate::vm::host::duration,
        )
    }

    /// A function field.
    pub fn function(&self, name: &str) -> HostResult<Option<mlua::Function>> {
        self.optional(name, "a function", |value| value.as_function().cloned())
    }

    /// A table field.
    pub fn table(&self, name: &str) -> HostResult<Option<Table>> {
        self.optional(name, "a table", |value| value.as_table().cloned())
    }

    /// The items of a field that is a list of tables or anything else.
    pub fn list(&self, name: &str) -> HostResult<Vec<Value>> {
        let Some(table) = self.table(name)? else {
            return Ok(Vec::new());
        };
        let length = table.raw_len();
        (1..=length)
            .map(|index| Ok(table.raw_get(index)?))
            .collect()
    }

    /// A field that is a list of strings.
    pub fn strings(&self, name: &str) -> HostResult<Vec<String>> {
        let items = self.list(name)?;
        items
            .iter()
            .map(|item| match item {
                Value::String(text) => Ok(text.to_string_lossy()),
                other => Err(self.wrong(name, "a list of strings", other)),
            })
            .collect()
    }
}

//! Values between Luau and JSON, without ever calling into Luau: hostile metamethods are not asked.

use super::object::Object;
use super::state::Handle;
use crate::vm::host::{
    GREATEST_EXACT, HostError, HostFailure, HostResult, describe, in_time, is_object, shown_name,
};
use mlua::{Table, Value};
use serde_json::{Map, Value as JsonValue};
use std::cell::Cell;

/// How deep a value may nest: as deep as texts are read (`json.decode`).
const DEEPEST: usize = 127;
/// How many values a tree may hold: two hundred times what Discord takes in one message.
const MOST_VALUES: usize = 200_000;
/// Bytes of a tree's texts: the largest picture that Discord takes, in base64, and more. Luau counts a string
/// once however often a table holds it, so its own limit does not bound what is copied here.
const MOST_BYTES: usize = 16 << 20;
/// Items of a list in a declaration.
const MOST_ITEMS: usize = 1_000;
/// Bytes of a string in a declaration.
const LONGEST_STRING: usize = 10_000;
/// Bytes of all texts of one declaration: Discord takes 8,000 characters in a command and its subcommands.
const MOST_TEXT: usize = 64 << 10;
/// What a text costs besides its bytes: without it, empty ones would cost nothing.
const EACH_TEXT: usize = 16;
/// Bytes of a character, at most.
const CHARACTER: usize = 4;

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

/// What is wrong, and the steps that lead to it, innermost first: nobody pays for the path of a good value.
pub(super) struct Wrong {
    steps: Vec<String>,
    cause: HostFailure,
}

impl Wrong {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            steps: Vec::new(),
            cause: HostError::new("argument", message).into(),
        }
    }

    pub(super) fn at(mut self, step: String) -> Self {
        self.steps.push(step);
        self
    }

    fn into_failure(self, function: &str, path: &str) -> HostFailure {
        let HostFailure::Host(error) = self.cause else {
            return self.cause;
        };
        let mut place = path.to_owned();
        for step in self.steps.into_iter().rev() {
            place.push_str(&step);
        }
        HostError::new(
            "argument",
            format!("{function}: {place}: {}", error.message),
        )
        .into()
    }
}

impl From<mlua::Error> for Wrong {
    fn from(error: mlua::Error) -> Self {
        Self {
            steps: Vec::new(),
            cause: error.into(),
        }
    }
}

impl Converter {
    /// Turns one more value into JSON. `path` names it in errors.
    pub fn read(&mut self, function: &str, path: &str, value: &Value) -> HostResult<JsonValue> {
        self.convert(value, 0)
            .map_err(|wrong| wrong.into_failure(function, path))
    }

    /// The name of a field, or nothing where a key is no string. `path` names the table in errors.
    pub fn name(&mut self, function: &str, path: &str, key: &Value) -> HostResult<Option<String>> {
        let Value::String(name) = key else {
            return Ok(None);
        };
        self.count(name.as_bytes().len())
            .map_err(|wrong| wrong.into_failure(function, path))?;
        Ok(Some(name.to_string_lossy()))
    }

    fn count(&mut self, bytes: usize) -> Result<(), Wrong> {
        self.values = self
            .values
            .checked_sub(1)
            .ok_or_else(|| Wrong::new(format!("holds more than {MOST_VALUES} values")))?;
        self.bytes = self
            .bytes
            .checked_sub(bytes)
            .ok_or_else(|| Wrong::new(format!("holds more than {} MB", MOST_BYTES >> 20)))?;
        Ok(())
    }

    fn convert(&mut self, value: &Value, depth: usize) -> Result<JsonValue, Wrong> {
        if depth > DEEPEST {
            return Err(Wrong::new("nests too deep, or contains itself"));
        }
        match value {
            Value::String(text) => {
                let bytes = text.as_bytes();
                self.count(bytes.len())?;
                match std::str::from_utf8(&bytes) {
                    Ok(text) => Ok(JsonValue::String(text.to_owned())),
                    Err(_) => Err(Wrong::new("is not valid UTF-8")),
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

    fn userdata(&mut self, data: &mlua::AnyUserData, value: &Value) -> Result<JsonValue, Wrong> {
        if let Ok(object) = data.borrow::<Object>() {
            self.count(object.json().bytes())?;
            return Ok(JsonValue::from(object.json()));
        }
        if let Ok(handle) = data.borrow::<Handle>() {
            let lua = data.weak_lua().try_upgrade();
            let entries = lua.and_then(|lua| handle.entries(&lua).ok());
            let entries =
                entries.ok_or_else(|| Wrong::new("is a part of the state that is gone"))?;
            self.count(entries.bytes())?;
            return super::state::tree_to_json(&entries);
        }
        Err(Wrong::new(format!("{} cannot be sent", describe(value))))
    }

    /// A table with a first element is an array, and so is an empty one unless it is marked as an object; any other
    /// is an object.
    fn table(&mut self, table: &Table, depth: usize) -> Result<JsonValue, Wrong> {
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
                return Err(Wrong::new(format!("{key} cannot be the name of a field")));
            };
            self.count(name.as_bytes().len())?;
            let Ok(name) = name.to_str().map(|name| name.to_owned()) else {
                let name = describe(&key);
                return Err(Wrong::new(format!("the name {name} is not valid UTF-8")));
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

    fn array(&mut self, table: &Table, length: usize, depth: usize) -> Result<JsonValue, Wrong> {
        let mut items = Vec::new();
        for index in 1..=length {
            still_in_time(table)?;
            let item: Value = table.raw_get(index)?;
            let item = self.convert(&item, depth + 1);
            items.push(item.map_err(|wrong| wrong.at(format!("[{index}]")))?);
        }
        // A list that also has names or holes would lose what they hold without a word.
        for pair in table.pairs::<Value, Value>() {
            let (key, _) = pair?;
            still_in_time(table)?;
            let index = crate::vm::host::number(&key);
            if !index.is_some_and(|index| (1.0..=whole(length)).contains(&index)) {
                let message = format!("is a list, and also holds something at {}", describe(&key));
                return Err(Wrong::new(message));
            }
        }
        Ok(JsonValue::Array(items))
    }
}

/// Refuses once the running slice's time is over: copying texts takes long, too.
pub fn still_in_time(table: &Table) -> mlua::Result<()> {
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
fn convert_scalar(value: &Value) -> Result<JsonValue, Wrong> {
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
        other => Err(Wrong::new(format!("{} cannot be sent", describe(other)))),
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "checked to be a whole number within ±2^53"
)]
pub(super) fn number_to_json(number: f64) -> Result<JsonValue, Wrong> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        return Ok(JsonValue::from(number as i64));
    }
    serde_json::Number::from_f64(number)
        .map(JsonValue::Number)
        .ok_or_else(|| Wrong::new("is not a finite number"))
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

/// Counts down what the texts of one declaration may still hold. Luau counts a string once however often a
/// table holds it, so its own limit does not bound what is copied here.
#[derive(Debug)]
pub struct TextBudget(Cell<usize>);

impl Default for TextBudget {
    fn default() -> Self {
        Self(Cell::new(MOST_TEXT))
    }
}

impl TextBudget {
    /// What the texts that were read so far hold.
    pub fn used(&self) -> usize {
        MOST_TEXT - self.0.get()
    }

    fn take(&self, function: &str, bytes: usize) -> HostResult<()> {
        let Some(left) = self.0.get().checked_sub(bytes.saturating_add(EACH_TEXT)) else {
            let most = MOST_TEXT >> 10;
            let message = format!("{function}: all its texts together may have {most} KB");
            return Err(HostError::new("limit", message).into());
        };
        self.0.set(left);
        Ok(())
    }
}

/// Reads the fields of a table that an author gave, and complains in one voice.
pub struct Fields<'a> {
    /// What errors begin with (`cog.command "rank"`).
    pub function: String,
    table: &'a Table,
    budget: Option<&'a TextBudget>,
}

impl<'a> Fields<'a> {
    /// The fields of `table`, raw.
    pub fn of(function: impl Into<String>, table: &'a Table) -> Self {
        Self {
            function: function.into(),
            table,
            budget: None,
        }
    }

    /// The same, and every text that is read is taken from `budget`.
    #[must_use]
    pub fn within(mut self, budget: &'a TextBudget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Takes a text of `bytes` from the budget, if there is one.
    pub fn count_text(&self, bytes: usize) -> HostResult<()> {
        self.budget
            .map_or(Ok(()), |budget| budget.take(&self.function, bytes))
    }

    /// Refuses fields that are not in `known`.
    pub fn only(&self, known: &[&str]) -> HostResult<()> {
        for pair in self.table.pairs::<Value, Value>() {
            let (key, _) = pair?;
            let name = match &key {
                Value::String(name) => shown_name(&name.to_string_lossy()),
                other => describe(other),
            };
            if !known.contains(&name.as_str()) {
                let nearest = crate::nearest::nearest(&name, known.iter().copied());
                let hint = crate::nearest::hint(nearest);
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
    pub fn wrong(&self, name: &str, expected: &str, got: &Value) -> crate::vm::host::HostFailure {
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
        let value = self.value(name)?;
        match (&value, short_text(&value)) {
            (Value::Nil, _) => Ok(None),
            (Value::String(_), None) => {
                let expected = format!("a string of at most {LONGEST_STRING} characters");
                Err(self.wrong(name, &expected, &value))
            }
            (_, None) => Err(self.wrong(name, "a string", &value)),
            (_, Some(text)) => {
                self.count_text(text.len())?;
                Ok(Some(text))
            }
        }
    }

    /// A string field that must be there.
    pub fn required_string(&self, name: &str) -> HostResult<String> {
        self.string(name)?
            .ok_or_else(|| self.wrong(name, "a string", &Value::Nil))
    }

    /// A string field that must be there, and that may have so many characters.
    pub fn required_short(&self, name: &str, characters: usize) -> HostResult<String> {
        self.only_short(name, &self.value(name)?, characters)?;
        self.required_string(name)
    }

    /// Refuses a string that cannot have as few characters as that, before it is copied.
    pub fn only_short(&self, name: &str, value: &Value, characters: usize) -> HostResult<()> {
        match value {
            Value::String(text) if text.as_bytes().len() > CHARACTER * characters => {
                let expected = format!("a string of at most {characters} characters");
                Err(self.wrong(name, &expected, value))
            }
            _ => Ok(()),
        }
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
        self.list_of(name, MOST_ITEMS)
    }

    /// The items of a list that may have `most`.
    pub fn list_of(&self, name: &str, most: usize) -> HostResult<Vec<Value>> {
        let value = self.value(name)?;
        let table = match &value {
            Value::Nil => return Ok(Vec::new()),
            Value::Table(table) => table,
            other => return Err(self.wrong(name, "a list", other)),
        };
        let length = table.raw_len();
        if length > most {
            let expected = format!("a list of at most {most} items");
            let got = format!("one of {length}");
            return Err(HostError::argument(&self.function, name, &expected, &got).into());
        }
        if length == 0 && table.pairs::<Value, Value>().next().is_some() {
            return Err(self.wrong(name, "a list", &value));
        }
        (1..=length)
            .map(|index| Ok(table.raw_get(index)?))
            .collect()
    }

    /// A field that is a list of strings.
    pub fn strings(&self, name: &str) -> HostResult<Vec<String>> {
        self.strings_of(name, MOST_ITEMS)
    }

    /// A list of strings that may have `most`.
    pub fn strings_of(&self, name: &str, most: usize) -> HostResult<Vec<String>> {
        let items = self.list_of(name, most)?;
        items
            .iter()
            .map(|item| {
                let text = short_text(item);
                let text = text.ok_or_else(|| self.wrong(name, "a list of strings", item))?;
                self.count_text(text.len())?;
                Ok(text)
            })
            .collect()
    }
}

/// The text of a string that is not unreasonably long.
pub fn short_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text.as_bytes().len() <= LONGEST_STRING => {
            Some(text.to_string_lossy())
        }
        _ => None,
    }
}

//! Reads the fields of an author's table, raw, with errors in one form.

use crate::nearest::{hint, nearest};
use crate::vm::host::{
    self, EXPECTED_DURATION, HostError, HostFailure, HostResult, describe, shown_name,
};
use mlua::{Function, Table, Value};
use std::cell::Cell;
use std::time::Duration;

/// Items of a list in a declaration.
const MOST_ITEMS: usize = 1_000;
/// Bytes of a string in a declaration.
const LONGEST_STRING: usize = 10_000;
/// Bytes of all texts of one declaration: Discord takes 8,000 characters in a command and its subcommands.
const MOST_TEXT: usize = 64 << 10;
/// What a text counts in addition to its bytes: otherwise empty texts would be free.
const EACH_TEXT: usize = 16;
/// Bytes of a character, at most.
const CHARACTER: usize = 4;

/// Digits of an id or of permissions, which are numbers of 64 bits.
pub(super) const LONGEST_ID: usize = 20;
const EXPECTED_ID: &str = "an id, which is a string of digits";

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
    /// Bytes of the texts that were read so far.
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

/// Reads the fields of an author's table, with errors in one form.
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
    pub(super) fn count_text(&self, bytes: usize) -> HostResult<()> {
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
                let nearest = nearest(&name, known.iter().copied());
                let hint = hint(nearest);
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
    pub fn wrong(&self, name: &str, expected: &str, got: &Value) -> HostFailure {
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
    pub(super) fn required_short(&self, name: &str, characters: usize) -> HostResult<String> {
        self.only_short(name, &self.value(name)?, characters)?;
        self.required_string(name)
    }

    /// Refuses a string that cannot have as few characters as that, before it is copied.
    pub(super) fn only_short(
        &self,
        name: &str,
        value: &Value,
        characters: usize,
    ) -> HostResult<()> {
        match value {
            Value::String(text) if text.as_bytes().len() > CHARACTER * characters => {
                let expected = format!("a string of at most {characters} characters");
                Err(self.wrong(name, &expected, value))
            }
            _ => Ok(()),
        }
    }

    /// A string field that may have so many characters.
    pub(super) fn short(&self, name: &str, most: usize) -> HostResult<Option<String>> {
        let value = self.value(name)?;
        self.only_short(name, &value, most)?;
        let text = self.string(name)?;
        if text
            .as_ref()
            .is_some_and(|text| text.chars().count() > most)
        {
            let expected = format!("a string of at most {most} characters");
            return Err(self.wrong(name, &expected, &value));
        }
        Ok(text)
    }

    /// A field with an id: its text and its number.
    pub(super) fn id(&self, name: &str) -> HostResult<Option<(String, u64)>> {
        self.optional(name, EXPECTED_ID, id_of)
    }

    /// The same for one that must be there.
    pub(super) fn required_id(&self, name: &str) -> HostResult<(String, u64)> {
        self.id(name)?
            .ok_or_else(|| self.wrong(name, EXPECTED_ID, &Value::Nil))
    }

    /// A boolean field.
    pub fn boolean(&self, name: &str) -> HostResult<Option<bool>> {
        self.optional(name, "true or false", Value::as_boolean)
    }

    /// A number field.
    pub fn number(&self, name: &str) -> HostResult<Option<f64>> {
        self.optional(name, "a number", host::number)
    }

    /// A field with a whole number from 0 to 2^32-1.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be in the range"
    )]
    pub fn count(&self, name: &str) -> HostResult<Option<u32>> {
        self.optional(name, "a whole number", |value| {
            let number = host::number(value)?;
            (number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number))
                .then_some(number as u32)
        })
    }

    /// A duration field.
    pub fn duration(&self, name: &str) -> HostResult<Option<Duration>> {
        self.optional(name, EXPECTED_DURATION, host::duration)
    }

    /// A function field.
    pub fn function(&self, name: &str) -> HostResult<Option<Function>> {
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
    pub(super) fn list_of(&self, name: &str, most: usize) -> HostResult<Vec<Value>> {
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
    pub(super) fn strings_of(&self, name: &str, most: usize) -> HostResult<Vec<String>> {
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
fn short_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text.as_bytes().len() <= LONGEST_STRING => {
            Some(text.to_string_lossy())
        }
        _ => None,
    }
}

/// The text and the number of an id.
pub(super) fn id_of(value: &Value) -> Option<(String, u64)> {
    let text = value.as_string()?;
    let bytes = text.as_bytes();
    if bytes.len() > LONGEST_ID || !bytes.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let text = text.to_string_lossy();
    let number = text.parse().ok()?;
    Some((text, number))
}

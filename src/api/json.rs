//! `@cogsmith/json`: `encode, decode, null`.

use super::convert::to_json;
use crate::vm::host::{Arguments, Host, HostError, HostResult, in_time, one};
use mlua::{Lua, LuaString, Table, Value};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::cell::RefCell;
use std::fmt;

/// Bytes of a text that is decoded.
const LONGEST_TEXT: usize = 4 << 20;

/// Values of a list or an object that are made until the deadline is asked for.
const MADE_AT_ONCE: usize = 1_000;

/// Makes the module.
pub fn module(lua: &Lua, host: &Host) -> mlua::Result<Value> {
    let json = lua.create_table()?;
    json.raw_set("encode", host.function(lua, "json.encode", encode)?)?;
    json.raw_set("decode", host.function(lua, "json.decode", decode)?)?;
    json.raw_set("null", Value::NULL)?;
    json.set_readonly(true);
    Ok(Value::Table(json))
}

fn encode(lua: &Lua, arguments: &Arguments) -> HostResult<Value> {
    let value = to_json("json.encode", "the value", &arguments.value(0))?;
    one(lua, value.to_string())
}

fn decode(lua: &Lua, arguments: &Arguments) -> HostResult<Value> {
    match arguments.value(0) {
        Value::String(text) => parse(lua, arguments.function(), "the text", &text),
        other => Err(arguments.wrong("the text", "a string", &other)),
    }
}

/// JSON as Luau's values. `what` is how errors call the text.
pub fn parse(lua: &Lua, function: &str, what: &str, text: &LuaString) -> HostResult<Value> {
    if text.as_bytes().len() > LONGEST_TEXT {
        let message = format!(
            "{function}: {what} is longer than {} MB",
            LONGEST_TEXT >> 20
        );
        return Err(HostError::new("argument", message).into());
    }
    let bytes = text.as_bytes();
    // Values are made as the text is read: a tree in between would take up to fifty times what the text does, where
    // no limit counts it.
    let failure = RefCell::new(None);
    let text = String::from_utf8_lossy(&bytes);
    let mut reader = serde_json::Deserializer::from_str(&text);
    let maker = Maker {
        lua,
        failure: &failure,
    };
    let value = maker.deserialize(&mut reader);
    let value = value.and_then(|value| reader.end().map(|()| value));
    value.map_err(|error| {
        if let Some(failure) = failure.take() {
            return failure.into();
        }
        let message = format!("{function}: {what} is not JSON: {error}");
        HostError::new("argument", message).into()
    })
}

/// Makes Luau's values of what is read.
#[derive(Clone, Copy)]
struct Maker<'a> {
    lua: &'a Lua,
    /// Why a value could not be made.
    failure: &'a RefCell<Option<mlua::Error>>,
}

impl Maker<'_> {
    /// What Luau says to a value, as an error of the reader's.
    fn made<T, E: serde::de::Error>(&self, result: mlua::Result<T>) -> Result<T, E> {
        result.map_err(|error| {
            self.failure.replace(Some(error));
            E::custom("the value cannot be made")
        })
    }
}

impl Maker<'_> {
    /// A list of so many items, some of them nil: its length is theirs only where it was made for as many.
    fn sized(&self, list: &Table, count: usize) -> mlua::Result<Table> {
        let table = self.lua.create_table_with_capacity(count, 0)?;
        for index in 1..=count {
            if index % MADE_AT_ONCE == 0 {
                in_time(self.lua)?;
            }
            table.raw_set(index, list.raw_get::<Value>(index)?)?;
        }
        Ok(table)
    }
}

impl<'de> DeserializeSeed<'de> for Maker<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Maker<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Nil)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Boolean(value))
    }

    #[allow(clippy::cast_precision_loss, reason = "Luau has no other numbers")]
    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number as f64))
    }

    #[allow(clippy::cast_precision_loss, reason = "Luau has no other numbers")]
    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        self.made(self.lua.create_string(text)).map(Value::String)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let table = self.made(self.lua.create_table())?;
        let (mut count, mut has_holes) = (0, false);
        while let Some(item) = items.next_element_seed(self)? {
            if count % MADE_AT_ONCE == 0 {
                self.made(in_time(self.lua))?;
            }
            count += 1;
            has_holes |= item.is_nil();
            self.made(table.raw_set(count, item))?;
        }
        let table = if has_holes {
            self.made(self.sized(&table, count))?
        } else {
            table
        };
        Ok(Value::Table(table))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let table = self.made(self.lua.create_table())?;
        let mut count = 0;
        while let Some(key) = fields.next_key::<Box<str>>()? {
            if count % MADE_AT_ONCE == 0 {
                self.made(in_time(self.lua))?;
            }
            count += 1;
            let value = fields.next_value_seed(self)?;
            self.made(table.raw_set(&*key, value))?;
        }
        Ok(Value::Table(table))
    }
}

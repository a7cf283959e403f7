//! One table that is built: what its author has written becomes Discord's fields, and is checked as a whole.

use crate::api::convert::Converter;
use crate::api::fields::Fields;
use crate::discord::arguments::push_step;
use crate::discord::composition::{
    check_component, check_embed, check_modal, is_misplaced, shown_place,
};
use crate::discord::schema::{self, Shape, Violation, check_body, meant};
use crate::nearest::{hint, nearest};
use crate::vm::host::{Arguments, HostError, HostFailure, HostResult, describe, shown_name};
use mlua::{Lua, Table, Value};
use serde_json::{Map, Value as JsonValue};

/// Items of a list; what Discord takes of them is far less.
const MOST_ITEMS: usize = 1_000;

/// Values that are looked at for unknown names; of all that Discord takes in a message there are fewer.
const MOST_LOOKED_AT: usize = 5_000;

/// The fields of a builder: as authors call them, and where Discord has them (`media.url`).
pub(super) type Names = &'static [(&'static str, &'static str)];

/// What is built, in the form for Luau and in the form in which it is checked.
pub(super) struct Part<'a> {
    pub(super) lua: &'a Lua,
    pub(super) function: &'static str,
    pub(super) given: &'a Table,
    names: Names,
    converter: Converter,
    made: Table,
    json: Map<String, JsonValue>,
}

impl<'a> Part<'a> {
    /// Begins with an author's table, which has no other fields than `names`.
    pub(super) fn of(
        lua: &'a Lua,
        function: &'static str,
        given: &'a Table,
        names: Names,
    ) -> HostResult<Self> {
        let part = Self::empty(lua, function, given, names)?;
        part.refuse_discords_names()?;
        let known: Vec<&str> = names.iter().map(|(own, _)| *own).collect();
        part.fields().only(&known)?;
        Ok(part)
    }

    /// The same for a component of one of Discord's types.
    pub(super) fn component_of(
        lua: &'a Lua,
        arguments: &Arguments,
        given: &'a Table,
        names: Names,
        number: u32,
    ) -> HostResult<Self> {
        let mut part = Self::of(lua, arguments.function(), given, names)?;
        part.put_number("type", number)?;
        Ok(part)
    }

    /// The same for a table that is read by the builder itself.
    pub(super) fn empty(
        lua: &'a Lua,
        function: &'static str,
        given: &'a Table,
        names: Names,
    ) -> HostResult<Self> {
        Ok(Self {
            lua,
            function,
            given,
            names,
            converter: Converter::default(),
            made: lua.create_table()?,
            json: Map::new(),
        })
    }

    /// Who knows Discord's fields is told what they are called here.
    fn refuse_discords_names(&self) -> HostResult<()> {
        for (own, discord) in self.names {
            let is_own = self.names.iter().any(|(name, _)| name == discord);
            if is_own || self.given.raw_get::<Value>(*discord)?.is_nil() {
                continue;
            }
            let function = self.function;
            let message =
                format!("{function}: there is no field \"{discord}\"; here it is called \"{own}\"");
            return Err(HostError::new("argument", message).into());
        }
        Ok(())
    }

    pub(super) fn fields(&self) -> Fields<'a> {
        Fields::of(self.function, self.given)
    }

    /// The raw value of a field.
    pub(super) fn value(&self, own: &str) -> HostResult<Value> {
        Ok(self.given.raw_get(own)?)
    }

    /// The error for a field.
    pub(super) fn wrong(&self, place: &str, expected: &str, got: &Value) -> HostFailure {
        HostError::argument(self.function, place, expected, &describe(got)).into()
    }

    /// A value as JSON. `place` names it in errors.
    pub(super) fn json(&mut self, place: &str, value: &Value) -> HostResult<JsonValue> {
        self.converter.read(self.function, place, value)
    }

    /// Sets one of Discord's fields.
    pub(super) fn put(&mut self, name: &str, json: JsonValue, value: &Value) -> HostResult<()> {
        self.made.raw_set(name, value)?;
        self.json.insert(name.to_owned(), json);
        Ok(())
    }

    /// Sets one of Discord's fields to a number.
    pub(super) fn put_number(&mut self, name: &str, number: u32) -> HostResult<()> {
        self.put(name, number.into(), &Value::Number(number.into()))
    }

    /// Sets one of Discord's fields to a text.
    pub(super) fn put_text(&mut self, name: &str, text: &str) -> HostResult<()> {
        let value = Value::String(self.lua.create_string(text)?);
        self.put(name, text.into(), &value)
    }

    /// Takes fields as they are, under Discord's names.
    pub(super) fn copy(&mut self, own: &[&str]) -> HostResult<()> {
        for name in own {
            let value = self.value(name)?;
            if value.is_nil() {
                continue;
            }
            let mut known = self.names.iter();
            let discord = known.find(|(known, _)| known == name);
            let discord = discord.map_or(*name, |(_, discord)| *discord);
            let json = self.json(name, &value)?;
            self.put(discord, json, &value)?;
        }
        Ok(())
    }

    /// Sets one of Discord's fields to a list. `turn` makes of each of an author's values, with its place, what the
    /// list has.
    pub(super) fn put_list(
        &mut self,
        name: &str,
        place: &str,
        values: &[Value],
        turn: impl Fn(&mut Self, &str, &Value) -> HostResult<(Value, JsonValue)>,
    ) -> HostResult<()> {
        let list = self.lua.create_table_with_capacity(values.len(), 0)?;
        let mut json = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            let place = format!("{place}[{}]", index + 1);
            let (made, checked) = turn(self, &place, value)?;
            list.raw_push(made)?;
            json.push(checked);
        }
        self.put(name, json.into(), &Value::Table(list))
    }

    /// Sets one of Discord's fields to a list of components.
    pub(super) fn put_components(
        &mut self,
        name: &str,
        place: &str,
        components: &[Value],
    ) -> HostResult<()> {
        self.put_list(name, place, components, |part, place, component| {
            Ok((component.clone(), part.component(place, component)?))
        })
    }

    /// A component as JSON.
    pub(super) fn component(&mut self, place: &str, component: &Value) -> HostResult<JsonValue> {
        let expected = match component {
            Value::Table(_) | Value::UserData(_) => {
                let json = self.json(place, component)?;
                if json.is_object() {
                    return Ok(json);
                }
                "a component"
            }
            Value::String(_) => "a component, such as ui.text(…)",
            _ => "a component",
        };
        Err(self.wrong(place, expected, component))
    }

    /// The component, if it is one that Discord takes.
    pub(super) fn finish(self, schema: &'static str) -> HostResult<(Table, JsonValue)> {
        self.checked(schema, check_component)
    }

    /// The component as a call's result.
    pub(super) fn built(self, schema: &'static str) -> HostResult<Value> {
        Ok(Value::Table(self.finish(schema)?.0))
    }

    /// The embed, if it is one that Discord takes.
    pub(super) fn built_embed(self) -> HostResult<Value> {
        Ok(Value::Table(self.checked("RichEmbed", check_embed)?.0))
    }

    /// The modal, if it is one that Discord takes. Its id may be missing: whoever opens it gives it one.
    pub(super) fn built_modal(mut self) -> HostResult<Value> {
        let id = self.json.entry("custom_id");
        id.or_insert_with(|| "set when it is opened".into());
        let check = |json: &JsonValue| json.as_object().map(check_modal).unwrap_or_default();
        let schema = "ModalInteractionCallbackRequestData";
        Ok(Value::Table(self.checked(schema, check)?.0))
    }

    fn checked(
        mut self,
        schema: &'static str,
        rules: impl Fn(&JsonValue) -> Vec<Violation>,
    ) -> HostResult<(Table, JsonValue)> {
        let json = JsonValue::Object(std::mem::take(&mut self.json));
        let faults = rules(&json);
        // Of a component in a wrong place no field is known.
        if let Some(fault) = faults.iter().find(|fault| is_misplaced(fault)) {
            return Err(self.violated(fault.clone()));
        }
        if let Some((path, nearest)) = Unknown::of(schema, &json) {
            let (function, field) = (self.function, shown_name(&self.place(&path)));
            let message = format!("{function}: there is no field \"{field}\"{nearest}");
            return Err(HostError::new("argument", message).into());
        }
        let by_itself = check_body(schema, &json).into_iter();
        match by_itself.chain(faults).next() {
            Some(fault) => Err(self.violated(fault)),
            None => Ok((self.made, json)),
        }
    }

    fn violated(&self, fault: Violation) -> HostFailure {
        let fault = shown_place(fault);
        let place = self.place(&fault.path);
        // Who wants nothing in a field leaves it out.
        let expected = fault.expected.replace(" or null", "");
        HostError::argument(self.function, &place, &expected, &fault.got).into()
    }

    /// Where an author has written what is at `path`.
    fn place(&self, path: &[String]) -> String {
        let under = |discord: &str| {
            let steps = discord.split('.');
            let count = steps.clone().count();
            let fits = path.len() >= count && path.iter().zip(steps).all(|(is, step)| is == step);
            fits.then_some(count)
        };
        let mut places = self.names.iter();
        let known = places.find_map(|(own, discord)| Some((*own, under(discord)?)));
        let (own, steps) = known.unwrap_or(("", 0));
        let mut place = own.to_owned();
        for step in path.iter().skip(steps) {
            push_step(&mut place, step);
        }
        place
    }
}

/// The items of a list. `place` names it in errors.
pub(super) fn items(
    function: &str,
    place: &str,
    expected: &str,
    value: &Value,
) -> HostResult<Vec<Value>> {
    let wrong =
        |got: &str| -> HostFailure { HostError::argument(function, place, expected, got).into() };
    let Value::Table(table) = value else {
        return Err(wrong(&describe(value)));
    };
    let length = table.raw_len();
    if length > MOST_ITEMS {
        return Err(wrong(&format!("a list of {length} items")));
    }
    if length == 0 && table.pairs::<Value, Value>().next().is_some() {
        return Err(wrong("a table that is no list"));
    }
    (1..=length)
        .map(|index| Ok(table.raw_get(index)?))
        .collect()
}

/// The one argument of a builder that takes a table.
pub(super) fn table(arguments: &Arguments) -> HostResult<Table> {
    arguments.table(0, "")
}

/// Looks for a field that Discord does not have.
struct Unknown {
    path: Vec<String>,
    /// How many values are still looked at: there may be very many.
    left: usize,
}

impl Unknown {
    /// The path of the first one, and which field was probably meant.
    fn of(schema: &'static str, json: &JsonValue) -> Option<(Vec<String>, String)> {
        let mut looking = Self {
            path: Vec::new(),
            left: MOST_LOOKED_AT,
        };
        let nearest = looking.look(&Shape::Named(schema), json)?;
        Some((looking.path, nearest))
    }

    /// Whether there is one in this value; then the path leads to it.
    fn look(&mut self, shape: &Shape, json: &JsonValue) -> Option<String> {
        self.left = self.left.checked_sub(1)?;
        let parts = match shape {
            Shape::Union(parts) => parts.as_slice(),
            other => std::slice::from_ref(other),
        };
        match json {
            JsonValue::Array(items) => {
                let mut lists = parts.iter();
                let item = lists.find_map(|part| match part {
                    Shape::List(item) => Some(item),
                    _ => None,
                })?;
                let mut items = items.iter().enumerate();
                items.find_map(|(index, json)| self.within(item, json, index.to_string()))
            }
            JsonValue::Object(fields) => {
                let schemas = meant(parts, json).into_iter();
                let schemas: Vec<_> = schemas.filter_map(schema::fields).collect();
                if schemas.is_empty() {
                    return None;
                }
                fields.iter().find_map(|(name, json)| {
                    let mut known = schemas.iter();
                    let known = known.find_map(|fields| fields.get(name.as_str()));
                    if let Some(field) = known {
                        return self.within(&field.shape, json, name.clone());
                    }
                    self.path.push(name.clone());
                    let names = schemas.iter().flat_map(|fields| fields.keys().copied());
                    Some(hint(nearest(name, names)))
                })
            }
            _ => None,
        }
    }

    fn within(&mut self, shape: &Shape, json: &JsonValue, step: String) -> Option<String> {
        self.path.push(step);
        let found = self.look(shape, json);
        if found.is_none() {
            self.path.pop();
        }
        found
    }
}

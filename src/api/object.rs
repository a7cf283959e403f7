//! Discord's objects as authors see them: read-only, with Discord's own field names, made on demand.
//!
//! An object shares the document of the event or answer that it came from, and keeps all of it. What Luau holds of
//! such documents is counted for each cog, because Luau's own memory limit does not see it.

use super::answer::CallAnswer;
use super::context::CogContext;
use super::method_table::MethodTable;
use crate::charge::Charge;
use crate::discord::schema::{Kind, field_kind, kind_of};
use crate::json::{Json, JsonRef, Node, Walk};
use crate::vm::host::{HostResult, plain};
use mlua::{Lua, MetaMethod, UserDataRef, UserDataRegistry, Value};
use std::sync::Arc;

/// A part of an event or of an answer.
#[derive(Clone, Debug)]
pub struct Object {
    part: CallAnswer,
    /// The name of its schema in Discord's description, if it is known (`MessageResponse`).
    schema: Option<&'static str>,
    charge: Arc<Charge>,
}

impl Object {
    /// The part.
    pub fn json(&self) -> &Json {
        self.part.json()
    }

    /// What it is, as far as methods go.
    pub fn kind(&self) -> Option<Kind> {
        self.schema.map(kind_of).filter(|kind| *kind != Kind::Plain)
    }

    fn field(&self, lua: &Lua, name: &str) -> mlua::Result<Value> {
        match self.json().get(name) {
            Some(value) => {
                let schema = self.schema.and_then(|schema| field_kind(schema, name));
                to_lua(lua, value, schema, &self.charge)
            }
            None if name == "table" => MethodTable::of(lua)?.shared(name),
            None => match self.kind() {
                Some(kind) => MethodTable::of(lua)?.get(kind, name),
                None => Ok(Value::Nil),
            },
        }
    }

    fn item(&self, lua: &Lua, index: usize) -> mlua::Result<Value> {
        let at = index.checked_sub(1);
        match at.and_then(|at| self.json().items().nth(at)) {
            // The items of an array have the schema that the array's field names.
            Some(item) => to_lua(lua, item, self.schema, &self.charge),
            None => Ok(Value::Nil),
        }
    }

    fn len(&self) -> usize {
        self.json().items().len().max(self.json().fields().len())
    }

    /// A function that returns the next item or field, and its place or name, at each call.
    fn iterate(&self, lua: &Lua) -> mlua::Result<mlua::Function> {
        let Self { schema, charge, .. } = self.clone();
        let mut walk = Walk::over(self.json());
        let mut place = 0;
        lua.create_function_mut(move |lua, _: mlua::MultiValue| {
            let Some((name, value)) = walk.step() else {
                return Ok((Value::Nil, Value::Nil));
            };
            let Some(name) = name else {
                place += 1;
                // The items of an array have the schema that the array's field names. A null in a list is nil, and
                // does not end it.
                return Ok((whole(place), to_lua(lua, value, schema, &charge)?));
            };
            let key = Value::String(lua.create_string(name)?);
            let schema = schema.and_then(|schema| field_kind(schema, name));
            Ok((key, to_lua(lua, value, schema, &charge)?))
        })
    }
}

#[allow(
    clippy::cast_precision_loss,
    reason = "an index into a list that fits into memory"
)]
fn whole(index: usize) -> Value {
    Value::Number(index as f64)
}

/// JSON as a Luau value: scalars as such, the rest as objects. `null` is nil.
pub fn to_lua(
    lua: &Lua,
    json: JsonRef<'_>,
    schema: Option<&'static str>,
    charge: &Arc<Charge>,
) -> mlua::Result<Value> {
    Ok(match json.node() {
        Node::Array(_) | Node::Object(_) => {
            let object = Object {
                part: CallAnswer::Read(json.to_json()),
                schema,
                charge: Arc::clone(charge),
            };
            Value::UserData(lua.create_any_userdata(object)?)
        }
        _ => plain(lua, json)?,
    })
}

/// JSON that the cog has just received.
pub fn receive(
    lua: &Lua,
    cog: &CogContext,
    json: &Json,
    schema: Option<&'static str>,
) -> HostResult<Value> {
    let charge = cog.charges.of_json(lua, json)?;
    Ok(to_lua(lua, json.view(), schema, &charge)?)
}

/// What Discord has answered.
pub(super) fn receive_answer(
    lua: &Lua,
    cog: &CogContext,
    answer: CallAnswer,
    schema: Option<&'static str>,
) -> HostResult<Value> {
    if let CallAnswer::Read(json) = &answer {
        return receive(lua, cog, json, schema);
    }
    let charge = cog.charges.of_bytes(lua, answer.bytes())?;
    let object = Object {
        part: answer,
        schema,
        charge,
    };
    Ok(Value::UserData(lua.create_any_userdata(object)?))
}

/// Makes the type known to the VM, so that no object is ever the first of its type under a memory limit.
pub(super) fn register(lua: &Lua, refuse_write: mlua::Function) -> mlua::Result<()> {
    lua.register_userdata_type::<Object>(move |registry: &mut UserDataRegistry<Object>| {
        use mlua::{UserDataFields, UserDataMethods};
        registry.add_meta_field("__type", "object");
        registry.add_meta_field_with(MetaMethod::NewIndex.name(), move |_| Ok(refuse_write));
        registry.add_meta_method(
            MetaMethod::Index.name(),
            |lua, this, key: Value| match &key {
                Value::String(name) => match name.to_str() {
                    Ok(name) => this.field(lua, &name),
                    Err(_) => Ok(Value::Nil),
                },
                other => match crate::vm::host::number(other) {
                    #[allow(
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        reason = "checked to be a small whole number"
                    )]
                    Some(index) if index.fract() == 0.0 && (1.0..=1e9).contains(&index) => {
                        this.item(lua, index as usize)
                    }
                    _ => Ok(Value::Nil),
                },
            },
        );
        registry.add_meta_method(MetaMethod::Len.name(), |_, this, ()| Ok(this.len()));
        registry.add_meta_method(MetaMethod::Iter.name(), |lua, this, ()| this.iterate(lua));
        registry.add_meta_method(MetaMethod::Eq.name(), |_, this, other: Value| {
            let Value::UserData(other) = other else {
                return Ok(false);
            };
            let other: mlua::Result<UserDataRef<Object>> = other.borrow();
            Ok(other.is_ok_and(|other| this.is_same(&other)))
        });
        registry.add_meta_method(MetaMethod::ToString.name(), |_, this, ()| {
            let schema = this.schema.unwrap_or("object");
            let id = this.json().str("id").unwrap_or_default();
            Ok(format!("{schema} {id}").trim_end().to_owned())
        });
    })
}

impl Object {
    /// The same part of the same document, or the same thing by id.
    fn is_same(&self, other: &Self) -> bool {
        match (self.json().str("id"), other.json().str("id")) {
            (Some(a), Some(b)) => a == b && self.kind() == other.kind(),
            _ => self.json() == other.json(),
        }
    }

    /// A plain, writable copy.
    pub fn copy(&self, lua: &Lua) -> mlua::Result<Value> {
        plain(lua, self.json().view())
    }
}

//! What was entered into a modal, by the custom ids of its components: `ctx.fields`.

use super::{CallOrigin, Invocation};
use crate::api::context::CogContext;
use crate::api::object;
use crate::json::JsonRef;
use crate::vm::host::{HostResult, plain};
use mlua::{Lua, Table, Value};

/// Discord's type of a component that takes files.
const FILES: i64 = 19;
/// How deep components are looked for: Discord's stand two deep.
const DEEPEST: usize = 8;

/// The fields, read-only.
pub(super) fn fields(lua: &Lua, cog: &CogContext, call: &Invocation) -> HostResult<Table> {
    let fields = lua.create_table()?;
    if let CallOrigin::Interaction(interaction) = &call.origin {
        let data = interaction.data();
        let resolved = data.get("resolved").unwrap_or(JsonRef::NULL);
        let reading = Reading {
            lua,
            cog,
            files: resolved.get("attachments").unwrap_or(JsonRef::NULL),
            fields: &fields,
        };
        reading.all(data.list("components"), 0)?;
    }
    fields.set_readonly(true);
    Ok(fields)
}

struct Reading<'a> {
    lua: &'a Lua,
    cog: &'a CogContext,
    /// The files that were sent, by id.
    files: JsonRef<'a>,
    fields: &'a Table,
}

impl<'a> Reading<'a> {
    fn all(&self, components: impl Iterator<Item = JsonRef<'a>>, depth: usize) -> HostResult<()> {
        if depth > DEEPEST {
            return Ok(());
        }
        for component in components {
            if let Some(id) = component.str("custom_id") {
                self.fields.raw_set(id, self.value(component)?)?;
            }
            self.all(component.list("components"), depth + 1)?;
            self.all(component.get("component").into_iter(), depth + 1)?;
        }
        Ok(())
    }

    /// A text, a list, or whether it is checked; nil where nothing was entered.
    fn value(&self, component: JsonRef<'a>) -> HostResult<Value> {
        if component.get("values").is_none() {
            return Ok(match component.get("value").filter(|it| !it.is_null()) {
                Some(value) => plain(self.lua, value)?,
                None => Value::Nil,
            });
        }
        let list = self.lua.create_table()?;
        let are_files = component.i64("type") == Some(FILES);
        for value in component.list("values").filter_map(JsonRef::as_str) {
            if !are_files {
                list.raw_push(value)?;
            } else if let Some(file) = self.files.get(value) {
                let schema = Some("MessageAttachmentResponse");
                list.raw_push(object::receive(
                    self.lua,
                    self.cog,
                    &file.to_json(),
                    schema,
                )?)?;
            }
        }
        list.set_readonly(true);
        Ok(Value::Table(list))
    }
}

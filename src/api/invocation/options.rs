//! The values of a call's options, as its handler has them.

use super::Invocation;
use crate::api::object::{self, Object};
use crate::commands::argument::Argument;
use crate::commands::definition::OptionKind;
use crate::discord::missing_fields::found_in_guild;
use crate::json::Json;
use crate::lock::lock;
use crate::vm::host::HostResult;
use mlua::{Lua, Value};
use serde_json::json;

/// What the caller has given for an option.
#[derive(Clone, Debug)]
pub(super) enum OptionValue {
    /// As the handler has it.
    Value(Value),
    /// The same for a list, and what it was made of.
    List(Value, Argument),
    /// What a list was made of whose call is over.
    Ended(Argument),
}

impl OptionValue {
    /// What became of an argument; `value` is how the handler has it.
    fn of(argument: Argument, value: Value) -> Self {
        match argument {
            Argument::List(_) => Self::List(value, argument),
            _ => Self::Value(value),
        }
    }

    /// What is left once the call is over: nothing that the cog's code has made, or may have changed.
    fn ended(self) -> Option<Self> {
        match self {
            Self::Value(Value::UserData(data)) if !data.is::<Object>() => None,
            Self::Value(Value::Table(_) | Value::Function(_) | Value::Thread(_)) => None,
            Self::List(_, list) => Some(Self::Ended(list)),
            other => Some(other),
        }
    }
}

impl Invocation {
    /// Sets the options' values: the name of each, what was given, and how the handler has it.
    pub fn set_options(&self, options: Vec<(String, Argument, Value)>) {
        let options = options.into_iter();
        *lock(&self.values) = options
            .map(|(name, argument, value)| (name, OptionValue::of(argument, value)))
            .collect();
    }

    /// The value of an option as its handler sees it.
    #[allow(clippy::cast_precision_loss, reason = "integers are within ±2^53")]
    pub fn to_lua(&self, lua: &Lua, argument: &Argument) -> HostResult<Value> {
        Ok(match argument {
            Argument::String(text) | Argument::Unread { text, .. } => {
                Value::String(lua.create_string(text)?)
            }
            Argument::Integer(number) => Value::Number(*number as f64),
            Argument::Number(number) | Argument::Duration(number) | Argument::Time(number) => {
                Value::Number(*number)
            }
            Argument::Boolean(value) => Value::Boolean(*value),
            Argument::Object(kind, json) => {
                let schema = schema_of(*kind);
                let json = match &self.guild_id {
                    Some(guild) => found_in_guild(json.clone(), schema, guild),
                    None => json.clone(),
                };
                object::receive(lua, &self.cog, &json, schema)?
            }
            Argument::Emoji(emoji) => {
                let json = Json::from(&json!({
                    "id": emoji.id, "name": emoji.name, "animated": emoji.animated,
                }));
                object::receive(lua, &self.cog, &json, Some("EmojiResponse"))?
            }
            Argument::List(items) => {
                let list = lua.create_table()?;
                for item in items {
                    list.raw_push(self.to_lua(lua, item)?)?;
                }
                Value::Table(list)
            }
            Argument::Missing => Value::Nil,
        })
    }

    /// The value of an option; nothing if there is none (any more).
    pub(super) fn value(&self, lua: &Lua, name: &str) -> HostResult<Option<Value>> {
        let value = lock(&self.begun().values).get(name).cloned();
        Ok(match value {
            None => None,
            Some(OptionValue::Value(value) | OptionValue::List(value, _)) => Some(value),
            Some(OptionValue::Ended(list)) => Some(self.to_lua(lua, &list)?),
        })
    }

    /// The names of the options that have a value.
    pub(super) fn option_names(&self) -> Vec<String> {
        lock(&self.begun().values).keys().cloned().collect()
    }

    /// Drops the values that the cog's code has made.
    pub(super) fn end_values(&self) {
        let mut values = lock(&self.values);
        let ended = std::mem::take(&mut *values).into_iter();
        let ended = ended.filter_map(|(name, value)| Some((name, value.ended()?)));
        *values = ended.collect();
    }
}

fn schema_of(kind: OptionKind) -> Option<&'static str> {
    Some(match kind {
        OptionKind::User => "UserResponse",
        OptionKind::Member => "GuildMemberResponse",
        OptionKind::Channel => "GuildChannelResponse",
        OptionKind::Role => "GuildRoleResponse",
        OptionKind::Message => "MessageResponse",
        OptionKind::Attachment => "MessageAttachmentResponse",
        _ => return None,
    })
}

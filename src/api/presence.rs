//! What Discord shows of the bot: what the operator has chosen, or the cog that has called `cog.presence` last.

use super::context::CogContext;
use super::fields::Fields;
use super::phase::may_act;
use super::presence_choice::PresenceChoice;
use crate::config::{Activity, Presence, Status};
use crate::vm::host::{Arguments, HostResult};
use mlua::{Lua, Value};

/// Activities that Discord takes of one presence.
const MOST_ACTIVITIES: usize = 5;
/// Characters of an activity's name, and of its state.
const LONGEST_TEXT: usize = 128;
/// Characters of an activity's address.
const LONGEST_URL: usize = 512;
/// Discord's type of an activity that is shown as its state alone. It has a name, which nobody sees.
const CUSTOM: u32 = 4;

const STATUSES: [(&str, Status); 4] = [
    ("online", Status::Online),
    ("idle", Status::Idle),
    ("dnd", Status::Dnd),
    ("invisible", Status::Invisible),
];

/// `cog.presence { status?, activities? }`
pub(super) fn set(lua: &Lua, cog: &CogContext, arguments: &Arguments) -> HostResult<Value> {
    may_act(lua, "cog.presence")?;
    let table = arguments.table(0, "")?;
    let fields = Fields::of("cog.presence", &table);
    fields.only(&["status", "activities"])?;
    let presence = Presence {
        status: status(&fields)?,
        activities: fields
            .list_of("activities", MOST_ACTIVITIES)?
            .iter()
            .enumerate()
            .map(|(index, item)| activity(&fields, index + 1, item))
            .collect::<HostResult<_>>()?,
    };
    cog.capabilities.require("cog.presence", "presence")?;
    let choice: &PresenceChoice = &cog.services.presence;
    choice.choose(&cog.name, presence);
    Ok(Value::Nil)
}

fn status(fields: &Fields<'_>) -> HostResult<Status> {
    let value = fields.value("status")?;
    if value.is_nil() {
        return Ok(Status::default());
    }
    let text = value.as_string().map(mlua::LuaString::to_string_lossy);
    let known = STATUSES
        .iter()
        .find(|(name, _)| text.as_deref() == Some(name));
    known.map(|(_, status)| *status).ok_or_else(|| {
        let expected = "one of \"online\", \"idle\", \"dnd\", \"invisible\"";
        fields.wrong("status", expected, &value)
    })
}

fn activity(all: &Fields<'_>, number: usize, item: &Value) -> HostResult<Activity> {
    let place = format!("activities[{number}]");
    let Some(table) = item.as_table() else {
        return Err(all.wrong(&place, "a table like { name = \"chess\" }", item));
    };
    let fields = Fields::of(format!("cog.presence: {place}"), table);
    fields.only(&["name", "type", "state", "url"])?;
    let kind = fields.count("type")?.unwrap_or(0);
    let Some(small) = u8::try_from(kind).ok().filter(|kind| *kind <= 5) else {
        let expected = "one of Discord's types, from 0 to 5";
        return Err(fields.wrong("type", expected, &fields.value("type")?));
    };
    let state = fields.short("state", LONGEST_TEXT)?;
    let name = match fields.short("name", LONGEST_TEXT)? {
        None if kind == CUSTOM && state.is_some() => "Custom Status".to_owned(),
        Some(name) if !name.trim().is_empty() => name,
        _ => {
            let expected = "a string of 1 to 128 characters";
            return Err(fields.wrong("name", expected, &fields.value("name")?));
        }
    };
    Ok(Activity {
        name,
        kind: small,
        state,
        url: fields.short("url", LONGEST_URL)?,
    })
}

//! `@cogsmith/ui`: builders of embeds, components and modals. Each returns Discord's own table, and raises what is wrong
//! with it at the line where it is built:
//!
//! ```text
//! embed, message (components of messages), modal ─ options, words ─ part (one table: read, checked, made)
//! ```
//!
//! What Discord takes is in `discord/schema/` and `discord/composition/`; here are the names that authors write instead.
//! Nothing is kept of what was built.

mod embed;
mod message;
mod modal;
mod options;
mod part;
mod words;

use crate::vm::host::{Arguments, Host, HostResult};
use mlua::{Lua, Value};

/// How a value is made of a call's arguments.
type Build = fn(&Lua, &Arguments) -> HostResult<Value>;

const BUILDERS: [(&str, &str, Build); 20] = [
    ("embed", "ui.embed", embed::embed),
    ("button", "ui.button", message::button),
    ("link", "ui.link", message::link),
    ("premium", "ui.premium", message::premium),
    ("select", "ui.select", message::select),
    ("row", "ui.row", message::row),
    ("container", "ui.container", message::container),
    ("section", "ui.section", message::section),
    ("text", "ui.text", message::text),
    ("thumbnail", "ui.thumbnail", message::thumbnail),
    ("gallery", "ui.gallery", message::gallery),
    ("file", "ui.file", message::file),
    ("separator", "ui.separator", message::separator),
    ("modal", "ui.modal", modal::modal),
    ("label", "ui.label", modal::label),
    ("text_input", "ui.text_input", modal::text_input),
    ("file_upload", "ui.file_upload", modal::file_upload),
    ("radio_group", "ui.radio_group", modal::radio_group),
    ("checkbox_group", "ui.checkbox_group", modal::checkbox_group),
    ("checkbox", "ui.checkbox", modal::checkbox),
];

/// Makes the module.
pub(super) fn module(lua: &Lua, host: &Host) -> mlua::Result<Value> {
    let ui = lua.create_table()?;
    for (key, name, build) in BUILDERS {
        ui.raw_set(key, host.function(lua, name, build)?)?;
    }
    ui.set_readonly(true);
    Ok(Value::Table(ui))
}

//! What can be chosen in a select, a radio group or a group of checkboxes.

use super::part::{Part, items};
use super::words::read_emoji;
use crate::api::fields::Fields;
use crate::vm::host::HostResult;
use mlua::{Table, Value};
use serde_json::{Map, Value as JsonValue};

/// The fields of an option, and of one that may have an emoji.
const PLAIN: &[&str] = &["label", "value", "description", "default"];
const WITH_EMOJI: &[&str] = &["label", "value", "description", "default", "emoji"];

impl Part<'_> {
    /// The options: each a text, which is shown and comes back, or a table.
    pub(super) fn take_options(&mut self, with_emoji: bool) -> HostResult<()> {
        let value = self.value("options")?;
        let expected = "a list of options, each a string or a table";
        let options = items(self.function, "options", expected, &value)?;
        self.put_list("options", "options", &options, |part, place, option| {
            let (made, checked) = match option {
                Value::String(_) => part.option_of_text(place, option)?,
                Value::Table(table) => part.option_of_table(place, table, with_emoji)?,
                other => return Err(part.wrong(place, "a string or a table", other)),
            };
            Ok((Value::Table(made), checked))
        })
    }

    fn option_of_text(&mut self, place: &str, text: &Value) -> HostResult<(Table, JsonValue)> {
        let json = self.json(place, text)?;
        let made = self.lua.create_table()?;
        let mut checked = Map::new();
        for name in ["label", "value"] {
            made.raw_set(name, text)?;
            checked.insert(name.to_owned(), json.clone());
        }
        Ok((made, checked.into()))
    }

    fn option_of_table(
        &mut self,
        place: &str,
        table: &Table,
        with_emoji: bool,
    ) -> HostResult<(Table, JsonValue)> {
        let known = if with_emoji { WITH_EMOJI } else { PLAIN };
        let function = format!("{}: {place}", self.function);
        Fields::of(function, table).only(known)?;
        let made = self.lua.create_table()?;
        let mut checked = Map::new();
        for name in known {
            let mut value: Value = table.raw_get(*name)?;
            if value.is_nil() && *name == "value" {
                value = table.raw_get("label")?;
            }
            if value.is_nil() {
                continue;
            }
            let place = format!("{place}.{name}");
            let json = if *name == "emoji" && value.is_string() {
                let (emoji, json) = read_emoji(self.lua, self.function, &place, &value)?;
                value = Value::Table(emoji);
                json
            } else {
                self.json(&place, &value)?
            };
            made.raw_set(*name, value)?;
            checked.insert((*name).to_owned(), json);
        }
        Ok((made, checked.into()))
    }
}

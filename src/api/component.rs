//! `cog.component`, `cog.modal` and `cog.id`: what handles buttons, menus and modals, by templates of their custom ids.

use super::command::read_check_list;
use super::context::CogContext;
use super::declarations::{CogChecks, Component, MOST_DECLARED, Staged, Use, caller, room_for};
use super::fields::{Fields, TextBudget};
use crate::commands::custom_id::{LONGEST_TEMPLATE, OF_THE_BOT, Template};
use crate::vm::host::{Arguments, HostError, HostFailure, HostResult, number, one, shown_name};
use mlua::{Lua, Value};
use std::sync::Arc;

/// What a template counts in addition to its bytes: its parts are kept, too.
const EACH_TEMPLATE: usize = 64;
/// Numbers beyond this are no longer exact in Luau.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// `cog.component(template, handler, { checks? })`
pub(super) fn component(lua: &Lua, cog: &CogContext, arguments: &Arguments) -> HostResult<Value> {
    let budget = TextBudget::default();
    let mut checks = CogChecks::default();
    if let Some(how) = arguments.optional_table(2, "how")? {
        let fields = Fields::of(arguments.function(), &how).within(&budget);
        fields.only(&["checks"])?;
        checks = read_check_list(&fields, &budget)?;
    }
    declare(lua, cog, arguments, (Use::Component, checks), budget.used())
}

/// `cog.modal(template, handler)`
pub(super) fn modal(lua: &Lua, cog: &CogContext, arguments: &Arguments) -> HostResult<Value> {
    let checks = CogChecks::default();
    declare(lua, cog, arguments, (Use::Modal, checks), 0)
}

fn declare(
    lua: &Lua,
    cog: &CogContext,
    arguments: &Arguments,
    (used, checks): (Use, CogChecks),
    bytes: usize,
) -> HostResult<Value> {
    let function = arguments.function();
    let template = template(arguments)?;
    let handler = arguments.callback(1, "the handler")?;
    if template.first_part() == OF_THE_BOT {
        let message = format!(
            "{function}: the template: custom ids that begin with \"{OF_THE_BOT}\" are the bot's own; take another name"
        );
        return Err(HostError::new("argument", message).into());
    }
    let (declared, texts) = cog
        .declaring
        .declared(|staged| (staged.components().count(), staged.texts()));
    cog.declaring
        .declared(|staged| only_once(function, staged, used, &template))?;
    let place = caller(lua).map(|place| (place.file, place.line));
    cog.declaring.declare(lua, function, |declarations| {
        room_for(function, declared, MOST_DECLARED)?;
        let bytes = bytes + template.text().len() + EACH_TEMPLATE;
        declarations.count_texts(function, texts, bytes)?;
        declarations.components.push(Arc::new(Component {
            template,
            used,
            handler,
            checks,
            place,
        }));
        Ok(Value::Nil)
    })
}

/// Refuses a template that matches the same custom ids as another one.
fn only_once(
    function: &str,
    staged: &Staged,
    used: Use,
    template: &Template,
) -> Result<(), HostFailure> {
    let mut same = staged.components().filter(|it| it.used == used);
    let Some(first) = same.find(|it| it.template.is_like(template)) else {
        return Ok(());
    };
    let place = first.place.as_ref();
    let place = place.map_or_else(String::new, |(file, line)| format!(" at {file}:{line}"));
    let message = format!(
        "{function}: the template: \"{template}\" matches the same custom ids as \"{}\"{place}",
        first.template
    );
    Err(HostError::new("argument", message).into())
}

/// The first argument as a template.
fn template(arguments: &Arguments) -> HostResult<Template> {
    let text = arguments.short_string(0, "the template", LONGEST_TEMPLATE)?;
    Template::parse(&text).map_err(|why| {
        let (function, text) = (arguments.function(), shown_name(&text));
        HostError::new(
            "argument",
            format!("{function}: the template \"{text}\": {why}"),
        )
        .into()
    })
}

/// `cog.id(template, values)`: the custom id of a template.
pub(super) fn id(lua: &Lua, _cog: &CogContext, arguments: &Arguments) -> HostResult<Value> {
    let template = template(arguments)?;
    let mut values = Vec::new();
    if let Some(table) = arguments.optional_table(1, "values")? {
        // What is wrong with the first is said, however many there are.
        for pair in table.pairs::<Value, Value>().take(LONGEST_TEMPLATE) {
            let (name, value) = pair?;
            let Value::String(name) = &name else {
                return Err(arguments.wrong("values", "values by name", &name));
            };
            let name = name.to_string_lossy();
            let value = text_of(&value).ok_or_else(|| {
                let what = format!("values: {}", shown_name(&name));
                arguments.wrong(
                    &what,
                    "a string of at most 100 characters or a whole number",
                    &value,
                )
            })?;
            values.push((name, value));
        }
    }
    let id = template
        .fill(&values)
        .map_err(|why| HostError::new("argument", format!("{}: {why}", arguments.function())))?;
    one(lua, id)
}

/// A value as it goes into a custom id.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text.as_bytes().len() <= LONGEST_TEMPLATE => {
            Some(text.to_str().ok()?.to_owned())
        }
        Value::String(_) => None,
        other => number(other)
            .filter(|number| number.fract() == 0.0 && number.abs() <= EXACT)
            .map(|number| format!("{number:.0}")),
    }
}

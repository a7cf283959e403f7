//! What a person enters into a slash command, typed and checked by the command's options.

use super::refused;
use super::resolve::{Resolved, require_type};
use crate::sim::errors::{ApiError, UNKNOWN_COMMAND};
use crate::sim::ids::id_of;
use crate::sim::world::World;
use serde_json::{Value, json};

const SUBCOMMAND: u64 = 1;
const GROUP: u64 = 2;
/// Discord takes numbers up to 2^53, positive and negative.
const LARGEST_NUMBER: f64 = 9_007_199_254_740_992.0;

/// What is entered.
pub(super) struct Entered<'a> {
    pub(super) world: &'a World,
    /// By name.
    pub(super) options: &'a Value,
    /// The option that is still being typed.
    pub(super) focused: Option<&'a str>,
}

impl Entered<'_> {
    /// The `options` of the interaction's data, below the named subcommands.
    pub(super) fn read(
        &self,
        part: &Value,
        subcommands: &[&str],
        resolved: &mut Resolved<'_>,
    ) -> Result<Vec<Value>, ApiError> {
        let known = part["options"].as_array().cloned().unwrap_or_default();
        let kind = |option: &Value| option["type"].as_u64().unwrap_or(0);
        if let Some((name, rest)) = subcommands.split_first() {
            let mut nested = known.iter();
            let nested =
                nested.find(|one| matches!(kind(one), SUBCOMMAND | GROUP) && one["name"] == *name);
            let nested = nested.ok_or(UNKNOWN_COMMAND)?;
            let inside = self.read(nested, rest, resolved)?;
            return Ok(vec![
                json!({"name": name, "type": kind(nested), "options": inside}),
            ]);
        }
        // A command with subcommands cannot be called without one.
        if known
            .iter()
            .any(|one| matches!(kind(one), SUBCOMMAND | GROUP))
        {
            return Err(UNKNOWN_COMMAND.into());
        }
        self.refuse_unknown(&known)?;
        self.require_completion(&known)?;
        let mut entered = Vec::new();
        for option in &known {
            let name = option["name"].as_str().unwrap_or_default();
            match self.options.get(name).filter(|value| !value.is_null()) {
                Some(value) => entered.push(self.option(option, name, value, resolved)?),
                None if option["required"] == true && self.focused.is_none() => {
                    return Err(refused(name, "This option is required. Specify a value."));
                }
                None => {}
            }
        }
        Ok(entered)
    }

    fn refuse_unknown(&self, known: &[Value]) -> Result<(), ApiError> {
        let mut names = self
            .options
            .as_object()
            .into_iter()
            .flat_map(|map| map.keys());
        let unknown = names.find(|name| !known.iter().any(|one| one["name"] == name.as_str()));
        match unknown {
            Some(name) => Err(refused(name, "The command has no such option.")),
            None => Ok(()),
        }
    }

    /// Discord asks the bot only about options with autocompletion.
    fn require_completion(&self, known: &[Value]) -> Result<(), ApiError> {
        let Some(name) = self.focused else {
            return Ok(());
        };
        let mut known = known.iter();
        if known.any(|one| one["name"] == name && one["autocomplete"] == true) {
            Ok(())
        } else {
            Err(refused(name, "The option has no autocompletion."))
        }
    }

    fn option(
        &self,
        option: &Value,
        name: &str,
        value: &Value,
        resolved: &mut Resolved<'_>,
    ) -> Result<Value, ApiError> {
        let kind = option["type"].as_u64().unwrap_or(0);
        if self.focused == Some(name) {
            // What is still being typed is sent as it stands.
            return Ok(json!({"name": name, "type": kind, "value": value, "focused": true}));
        }
        let value = match kind {
            3 => text(option, name, value)?,
            4 | 10 => number(option, name, value, kind == 4)?,
            5 => flag(name, value)?,
            _ => self.reference(option, (name, kind), value, resolved)?,
        };
        check_choice(option, name, &value)?;
        Ok(json!({"name": name, "type": kind, "value": value}))
    }

    /// The options whose values are ids.
    fn reference(
        &self,
        option: &Value,
        (name, kind): (&str, u64),
        value: &Value,
        resolved: &mut Resolved<'_>,
    ) -> Result<Value, ApiError> {
        let id = id_of(value).ok_or_else(|| refused(name, "The value is no id."))?;
        let world = self.world;
        match kind {
            6 => resolved.user(world, id)?,
            7 => {
                require_type(world, option, id)?;
                resolved.channel(world, id)?;
            }
            8 => resolved.role(world, id)?,
            9 => resolved.mentionable(world, id)?,
            _ => resolved.attachment(world, id)?,
        }
        Ok(id.to_string().into())
    }
}

fn text(option: &Value, name: &str, value: &Value) -> Result<Value, ApiError> {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
    // Nothing is no value, whatever the shortest one is.
    let least = option["min_length"].as_u64().unwrap_or(0).max(1);
    let most = option["max_length"].as_u64().unwrap_or(6_000);
    if (least..=most).contains(&length) {
        Ok(text.into())
    } else {
        Err(refused(
            name,
            format!("Must be between {least} and {most} in length."),
        ))
    }
}

fn number(option: &Value, name: &str, value: &Value, whole: bool) -> Result<Value, ApiError> {
    let value = match value {
        Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
        other => other.clone(),
    };
    let fits_kind = if whole {
        value.is_i64() || value.is_u64()
    } else {
        value.is_number()
    };
    let Some(number) = value.as_f64().filter(|_| fits_kind) else {
        return Err(refused(name, "The value is no number of the right kind."));
    };
    let bound = |field: &str, furthest: f64| option[field].as_f64().unwrap_or(furthest);
    let (least, most) = (
        bound("min_value", -LARGEST_NUMBER),
        bound("max_value", LARGEST_NUMBER),
    );
    if !(least..=most).contains(&number) {
        return Err(refused(
            name,
            format!("The value must be between {least} and {most}."),
        ));
    }
    Ok(value)
}

fn flag(name: &str, value: &Value) -> Result<Value, ApiError> {
    match value {
        Value::Bool(_) => Ok(value.clone()),
        Value::String(text) if text == "true" || text == "false" => Ok((text == "true").into()),
        _ => Err(refused(name, "The value is neither true nor false.")),
    }
}

fn check_choice(option: &Value, name: &str, value: &Value) -> Result<(), ApiError> {
    let choices = option["choices"].as_array();
    match choices.filter(|choices| !choices.is_empty()) {
        Some(choices) if !choices.iter().any(|choice| choice["value"] == *value) => {
            Err(refused(name, "The value is none of the choices."))
        }
        _ => Ok(()),
    }
}

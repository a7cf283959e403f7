//! Modals: what a person enters into one, and what Discord makes of it.

use super::resolve::Resolved;
use super::{NOT_THERE, Parts, refused};
use crate::sim::errors::ApiError;
use crate::sim::ids::Id;
use crate::sim::world::{Channel, OpenModal, World, collect_components};
use serde_json::{Map, Value, json};
use std::collections::HashSet;

const STRING_MENU: u64 = 3;
const TEXT_INPUT: u64 = 4;
const FILE_UPLOAD: u64 = 19;
const RADIO_GROUP: u64 = 21;
const CHECKBOX_GROUP: u64 = 22;
const CHECKBOX: u64 = 23;

/// What was entered, by the `custom_id` of each input.
pub(super) type Fields = [(String, Value)];

/// Sends the modal that stands open in front of the user.
pub(super) fn submit(
    world: &mut World,
    user: Id,
    place: &Channel,
    custom_id: &str,
    fields: &Fields,
) -> Result<Parts, ApiError> {
    let modal = world.modals.get(&user);
    let modal = modal.filter(|modal| modal.custom_id == custom_id && modal.channel == place.id);
    let modal: OpenModal = modal.ok_or(NOT_THERE)?.clone();
    refuse_unknown(&modal, fields)?;
    let mut resolved = Resolved::new((user, place), modal.application);
    let filled = fill(world, &modal.components, fields, &mut resolved)?;
    world.modals.remove(&user);
    let mut data = json!({"custom_id": custom_id, "components": filled});
    resolved.write(&mut data);
    Ok(Parts {
        message: modal.message,
        metadata: Map::from_iter([("triggering_interaction_metadata".into(), modal.opened_by)]),
        ..Parts::of(modal.application, 5, data)
    })
}

fn refuse_unknown(modal: &OpenModal, fields: &Fields) -> Result<(), ApiError> {
    let mut all = Vec::new();
    collect_components(&modal.components, &mut all);
    let known = |name: &str| all.iter().any(|one| one["custom_id"] == name);
    match fields.iter().find(|(name, _)| !known(name)) {
        Some((name, _)) => Err(refused(name, "The modal has no such field.")),
        None => Ok(()),
    }
}

/// Turns the modal's components into what Discord sends back: ids, types and what was entered.
fn fill(
    world: &World,
    tree: &Value,
    fields: &Fields,
    resolved: &mut Resolved<'_>,
) -> Result<Value, ApiError> {
    if let Value::Array(items) = tree {
        let filled = items.iter().map(|item| fill(world, item, fields, resolved));
        return filled.collect();
    }
    let mut filled = json!({"type": tree["type"], "id": tree["id"]});
    if let Some(name) = tree["custom_id"].as_str() {
        let entered = fields.iter().find(|(field, _)| field == name);
        let input = Input {
            name,
            kind: tree["type"].as_u64().unwrap_or(0),
            component: tree,
            entered: entered.map(|(_, value)| value),
        };
        filled["custom_id"] = name.into();
        let (key, value) = input.read(world, resolved)?;
        filled[key] = value;
    }
    for name in ["components", "component"] {
        if let Some(inner) = tree.get(name) {
            filled[name] = fill(world, inner, fields, resolved)?;
        }
    }
    Ok(filled)
}

/// One input of a modal, and what was entered into it.
struct Input<'a> {
    name: &'a str,
    kind: u64,
    component: &'a Value,
    /// Nothing: it was left as it was.
    entered: Option<&'a Value>,
}

impl Input<'_> {
    /// The name of the field in which Discord sends it, and the value.
    fn read(
        &self,
        world: &World,
        resolved: &mut Resolved<'_>,
    ) -> Result<(&'static str, Value), ApiError> {
        match self.kind {
            TEXT_INPUT => self.text().map(|text| ("value", text.into())),
            CHECKBOX => self.checkbox().map(|checked| ("value", checked.into())),
            RADIO_GROUP => {
                let chosen = self.chosen(1)?.pop();
                Ok(("value", chosen.map_or(Value::Null, Value::String)))
            }
            _ => {
                let chosen = self.chosen(self.most())?;
                self.resolve(world, &chosen, resolved)?;
                Ok(("values", json!(chosen)))
            }
        }
    }

    fn refused(&self, message: impl Into<String>) -> ApiError {
        refused(self.name, message)
    }

    /// An input must be answered unless it says otherwise.
    fn is_required(&self) -> bool {
        self.component["required"] != false
    }

    fn text(&self) -> Result<String, ApiError> {
        let preset = self.component["value"].as_str().unwrap_or_default();
        let text = match self.entered {
            None => preset,
            Some(Value::String(text)) => text,
            Some(_) => return Err(self.refused("The value is no text.")),
        };
        let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
        if length == 0 && self.is_required() {
            return Err(self.refused("This field is required."));
        }
        let least = self.component["min_length"].as_u64().unwrap_or(0);
        let most = self.component["max_length"].as_u64().unwrap_or(4_000);
        if length > 0 && !(least..=most).contains(&length) {
            let message = format!("Must be between {least} and {most} in length.");
            return Err(self.refused(message));
        }
        Ok(text.to_owned())
    }

    fn checkbox(&self) -> Result<bool, ApiError> {
        match self.entered {
            None => Ok(self.component["default"] == true),
            Some(Value::Bool(checked)) => Ok(*checked),
            Some(Value::String(text)) if text == "true" || text == "false" => Ok(text == "true"),
            Some(_) => Err(self.refused("The value is neither true nor false.")),
        }
    }

    /// How many values may be chosen.
    fn most(&self) -> u64 {
        let options = self.component["options"].as_array().map_or(1, Vec::len);
        let default = match self.kind {
            CHECKBOX_GROUP => u64::try_from(options).unwrap_or(u64::MAX),
            _ => 1,
        };
        self.component["max_values"].as_u64().unwrap_or(default)
    }

    fn chosen(&self, most: u64) -> Result<Vec<String>, ApiError> {
        let chosen = match self.entered {
            None => self.preset(),
            Some(entered) => texts(entered).ok_or_else(|| self.refused("The value is no list."))?,
        };
        let count = u64::try_from(chosen.len()).unwrap_or(u64::MAX);
        if count == 0 && !self.is_required() {
            return Ok(chosen);
        }
        let least = self.component["min_values"].as_u64().unwrap_or(1);
        let least = if self.is_required() {
            least.max(1)
        } else {
            least
        };
        if !(least..=most).contains(&count) {
            let message = format!("Between {least} and {most} values must be chosen.");
            return Err(self.refused(message));
        }
        if let Some(twice) = first_repeated(&chosen) {
            return Err(self.refused(format!("\"{twice}\" is chosen twice.")));
        }
        match chosen.iter().find(|value| !self.offers(value)) {
            Some(value) => Err(self.refused(format!("\"{value}\" is not offered."))),
            None => Ok(chosen),
        }
    }

    /// What is chosen before anybody chooses.
    fn preset(&self) -> Vec<String> {
        let options = self.component["options"].as_array().into_iter().flatten();
        let options = options
            .filter(|option| option["default"] == true)
            .map(|it| &it["value"]);
        let values = self.component["default_values"].as_array();
        let values = values.into_iter().flatten().map(|value| &value["id"]);
        options.chain(values).filter_map(text_of).collect()
    }

    fn offers(&self, value: &str) -> bool {
        let is_listed = matches!(self.kind, STRING_MENU | RADIO_GROUP | CHECKBOX_GROUP);
        let mut options = self.component["options"].as_array().into_iter().flatten();
        !is_listed || options.any(|option| option["value"] == value)
    }

    /// Adds the objects that the chosen ids name.
    fn resolve(
        &self,
        world: &World,
        chosen: &[String],
        resolved: &mut Resolved<'_>,
    ) -> Result<(), ApiError> {
        for value in chosen {
            let id = || {
                value
                    .parse()
                    .map_err(|_| self.refused("The value is no id."))
            };
            match self.kind {
                5..=8 => resolved.choice(world, self.component, id()?)?,
                FILE_UPLOAD => resolved.attachment(world, id()?)?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// Several values: a list, or a text with commas in between.
fn texts(entered: &Value) -> Option<Vec<String>> {
    match entered {
        Value::Null => Some(Vec::new()),
        Value::String(text) if text.is_empty() => Some(Vec::new()),
        Value::String(text) => Some(text.split(',').map(ToOwned::to_owned).collect()),
        Value::Array(items) => items.iter().map(text_of).collect(),
        _ => None,
    }
}

fn text_of(value: &Value) -> Option<String> {
    value.as_str().map(ToOwned::to_owned)
}

/// The first value that comes a second time.
pub(super) fn first_repeated(values: &[String]) -> Option<&String> {
    let mut seen = HashSet::new();
    values.iter().find(|value| !seen.insert(*value))
}

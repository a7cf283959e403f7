//! Fields of one component that depend on each other.

use super::kinds::{
    BUTTON, CHECKBOX_GROUP, FILE_UPLOAD, RADIO_GROUP, SELECTS, STRING_SELECT, TEXT_INPUT, kind,
};
use super::{MOST_FAULTS, violation};
use crate::discord::schema::{Violation, got};
use crate::hash::HashSet;
use serde_json::Value;

/// Discord's styles of buttons that call nothing of the bot's.
const LINK: u64 = 5;
const PREMIUM: u64 = 6;

const REQUIRED: (&str, &str) = ("BASE_TYPE_REQUIRED", "This field is required");

/// Whether it is a select.
pub(super) fn is_select(component: &Value) -> bool {
    kind(component).is_some_and(|kind| SELECTS.contains(&kind.id))
}

/// What is wrong with the fields of one component, without what is in it.
pub(super) fn check_fields(kind: u64, in_label: bool, component: &Value) -> Vec<Violation> {
    let mut faults = Vec::new();
    match kind {
        BUTTON => check_button(component, &mut faults),
        TEXT_INPUT => check_text_input(in_label, component, &mut faults),
        RADIO_GROUP => check_options(component, &mut faults),
        STRING_SELECT | CHECKBOX_GROUP => {
            check_options(component, &mut faults);
            check_range(component, &mut faults);
        }
        FILE_UPLOAD => check_range(component, &mut faults),
        _ if SELECTS.contains(&kind) => {
            check_range(component, &mut faults);
            check_default_values(component, &mut faults);
        }
        _ => {}
    }
    let is_disabled = component.get("disabled").and_then(Value::as_bool);
    if in_label && is_disabled == Some(true) {
        let message = "Components in a modal cannot be disabled";
        let expected = "nothing: what is in a modal cannot be disabled";
        let code = "COMPONENT_DISABLED_IN_MODAL";
        faults.push(violation("disabled", code, message, expected, "true"));
    }
    faults
}

fn has(component: &Value, name: &str) -> bool {
    component.get(name).is_some_and(|value| match value {
        Value::String(text) => !text.is_empty(),
        other => !other.is_null(),
    })
}

fn check_button(button: &Value, faults: &mut Vec<Violation>) {
    let needs = |name: &str, expected: &str, faults: &mut Vec<Violation>| {
        if !has(button, name) {
            let (code, message) = REQUIRED;
            faults.push(violation(name, code, message, expected, "nothing"));
        }
    };
    let excludes = |name: &str, why: &str, faults: &mut Vec<Violation>| {
        if let Some(value) = button.get(name).filter(|_| has(button, name)) {
            let message = format!("The field '{name}' cannot be used with this style");
            let code = "BUTTON_COMPONENT_FIELD_EXCLUDED";
            faults.push(violation(
                name,
                code,
                message,
                format!("nothing: {why}"),
                got(value),
            ));
        }
    };
    match button.get("style").and_then(Value::as_u64) {
        Some(LINK) => {
            needs("url", "the URL that it opens", faults);
            excludes("custom_id", "a link has a URL instead", faults);
        }
        Some(PREMIUM) => {
            needs("sku_id", "the id of what is sold", faults);
            for name in ["custom_id", "url", "label", "emoji"] {
                excludes(name, "Discord shows what is sold", faults);
            }
            return;
        }
        Some(_) => {
            needs("custom_id", "the id that a click brings back", faults);
            excludes("url", "a button with a URL is a link", faults);
        }
        // The schema misses the style.
        None => return,
    }
    if !has(button, "label") && !has(button, "emoji") {
        let (code, message) = REQUIRED;
        let expected = "a label, an emoji or both";
        faults.push(violation("label", code, message, expected, "nothing"));
    }
}

fn check_text_input(in_label: bool, input: &Value, faults: &mut Vec<Violation>) {
    if in_label && let Some(value) = input.get("label").filter(|value| !value.is_null()) {
        let message = "The field 'label' cannot be used inside of a label";
        let expected = "nothing: the label around it has the text";
        let code = "TEXT_INPUT_LABEL_EXCLUDED";
        faults.push(violation("label", code, message, expected, got(value)));
    }
    let count = |name: &str| input.get(name).and_then(Value::as_u64);
    if let (Some(least), Some(most)) = (count("min_length"), count("max_length"))
        && least > most
    {
        faults.push(above("min_length", least, most, "max_length"));
    }
}

/// A number that must not be above another one.
fn above(name: &str, value: u64, most: u64, other: &str) -> Violation {
    let message = format!("int value should be less than or equal to {most}.");
    let expected = format!("at most {most}, which is {other}");
    violation(
        name,
        "NUMBER_TYPE_MAX",
        message,
        expected,
        value.to_string(),
    )
}

/// The least and the most that may be chosen.
fn range(component: &Value) -> (u64, u64) {
    let count = |name: &str| component.get(name).and_then(Value::as_u64);
    let least = count("min_values").unwrap_or(1);
    let all = component.get("options").and_then(Value::as_array);
    // Of a checkbox group all may be chosen, of the others one, unless they say something else.
    let all = all.filter(|_| kind(component).is_some_and(|kind| kind.id == CHECKBOX_GROUP));
    let all = all.map_or(1, |all| u64::try_from(all.len()).unwrap_or(u64::MAX));
    (least, count("max_values").unwrap_or(all))
}

fn check_range(component: &Value, faults: &mut Vec<Violation>) {
    let (least, most) = range(component);
    if component.get("min_values").is_some() && least > most {
        faults.push(above("min_values", least, most, "max_values"));
    }
    let Some(options) = component.get("options").and_then(Value::as_array) else {
        return;
    };
    let there = u64::try_from(options.len()).unwrap_or(u64::MAX);
    if there < most && component.get("max_values").is_some_and(|it| !it.is_null()) {
        let code = "BASE_TYPE_BAD_LENGTH";
        let message = format!("Must be between {most} and 25 in length.");
        let expected = format!("at least {most} options, as max_values says");
        faults.push(violation(
            "options",
            code,
            message,
            expected,
            there.to_string(),
        ));
    }
}

fn check_default_values(select: &Value, faults: &mut Vec<Violation>) {
    let (_, most) = range(select);
    let chosen = select.get("default_values").and_then(Value::as_array);
    let chosen = chosen.map_or(0, |chosen| u64::try_from(chosen.len()).unwrap_or(u64::MAX));
    if chosen > most {
        let code = "BASE_TYPE_MAX_LENGTH";
        let message = format!("Must be {most} or fewer in length.");
        let expected = format!("at most {most}, which is max_values");
        faults.push(violation(
            "default_values",
            code,
            message,
            expected,
            chosen.to_string(),
        ));
    }
}

/// No two options have one value.
fn check_options(component: &Value, faults: &mut Vec<Violation>) {
    let options = component.get("options").and_then(Value::as_array);
    let mut seen = HashSet::default();
    for (index, option) in options.into_iter().flatten().enumerate() {
        if faults.len() >= MOST_FAULTS {
            return;
        }
        let Some(value) = option.get("value").and_then(Value::as_str) else {
            continue;
        };
        if !seen.insert(value) {
            let code = "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED";
            let message = "The specified option value is already used";
            let found = format!("{} again", got(&value.into()));
            let path = format!("options.{index}");
            faults.push(violation(&path, code, message, "a value of its own", found));
        }
    }
}

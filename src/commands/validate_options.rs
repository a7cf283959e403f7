//! What is wrong with the options of a definition.

use super::complaint::Visit;
use super::definition::{
    ChoiceValue, CommandDefinition, LONGEST_CHOICE, MOST_CHOICES, OptionDefinition, OptionKind,
};
use super::escape::length;
use super::name_key::name_key;
use super::validate_names::{description, name};
use super::values::MAX_INTEGER;
use std::collections::HashSet;

/// Discord's limit. Every typed line is held against all options, so it binds every command.
pub(super) const MAX_OPTIONS: usize = 25;
/// Discord's limit for the length of a string option.
const MAX_STRING: u32 = 6_000;
/// Discord's types of channel that a guild has.
const CHANNEL_TYPES: [u8; 11] = [0, 2, 4, 5, 10, 11, 12, 13, 14, 15, 16];

pub(super) fn options(definition: &CommandDefinition, visit: &mut Visit<'_>) {
    let options = &definition.options;
    if options.len() > MAX_OPTIONS {
        let count = options.len();
        visit.complain(
            "options",
            format!("must be at most {MAX_OPTIONS}, and are {count}"),
        );
    }
    order(options, visit);
    let mut known = HashSet::new();
    for option in options {
        let at = format!("options.{}", option.name);
        if !known.insert(name_key(&option.name)) {
            visit.complain(
                "options",
                format!("has two with the name \"{}\"", option.name),
            );
        }
        name(&format!("{at}.name"), &option.name, visit);
        description(
            &format!("{at}.description"),
            option.description.as_deref(),
            visit,
        );
        range(option, &at, visit);
        lengths(option, &at, visit);
        choices(option, &at, visit);
        extras(option, &at, visit);
    }
}

fn order(options: &[OptionDefinition], visit: &mut Visit<'_>) {
    let takes_words = |option: &&OptionDefinition| option.kind != OptionKind::Attachment;
    let mut optional: Option<&str> = None;
    for (index, option) in options.iter().enumerate() {
        let at = format!("options.{}", option.name);
        if option.must_be_given()
            && visit.slash
            && let Some(before) = optional
        {
            visit.complain(
                at.clone(),
                format!("is required and must stand before \"{before}\", which is optional"),
            );
        }
        if !option.must_be_given() {
            optional = optional.or(Some(&option.name));
        }
        let follows = options[index + 1..].iter().find(takes_words);
        for (set, field) in [(option.rest, "rest"), (option.many, "many")] {
            if let Some(after) = follows.filter(|_| set && takes_words(&option)) {
                visit.complain(
                    format!("{at}.{field}"),
                    format!(
                        "is for the last option: nothing would be left for \"{}\"",
                        after.name
                    ),
                );
            }
        }
    }
}

fn range(option: &OptionDefinition, at: &str, visit: &mut Visit<'_>) {
    let kind = option.kind;
    let measurable = matches!(
        kind,
        OptionKind::Integer | OptionKind::Number | OptionKind::Duration
    );
    for (limit, field) in [(option.min, "min"), (option.max, "max")] {
        let Some(limit) = limit else { continue };
        let field = format!("{at}.{field}");
        if !measurable {
            let kind = kind.name();
            visit.complain(
                field,
                format!(
                    "is for integers, numbers and durations, and this one is of the kind {kind}"
                ),
            );
        } else if !limit.is_finite() {
            visit.complain(field, "must be a finite number");
        } else if kind == OptionKind::Integer && !is_integer(limit) {
            visit.complain(
                field,
                format!("must be a whole number from -2^53 to 2^53, and is {limit}"),
            );
        } else if kind == OptionKind::Duration && limit < 0.0 {
            visit.complain(field, format!("must not be negative, and is {limit}"));
        }
    }
    if let (Some(min), Some(max)) = (option.min, option.max)
        && min > max
    {
        visit.complain(
            format!("{at}.min"),
            format!("must not be greater than `max`, {max}, and is {min}"),
        );
    }
}

#[allow(clippy::cast_precision_loss, reason = "2^53 is exact")]
fn is_integer(number: f64) -> bool {
    number.fract() == 0.0 && number.abs() <= MAX_INTEGER as f64
}

fn lengths(option: &OptionDefinition, at: &str, visit: &mut Visit<'_>) {
    let limits = [
        (option.min_length, "min_length", 0),
        (option.max_length, "max_length", 1),
    ];
    for (limit, field, least) in limits {
        let Some(limit) = limit else { continue };
        let field = format!("{at}.{field}");
        if option.kind != OptionKind::String {
            let kind = option.kind.name();
            visit.complain(
                field,
                format!("is for strings, and this one is of the kind {kind}"),
            );
        } else if !(least..=MAX_STRING).contains(&limit) {
            visit.complain(
                field,
                format!("must be {least} to {MAX_STRING}, and is {limit}"),
            );
        }
    }
    if let (Some(min), Some(max)) = (option.min_length, option.max_length)
        && min > max
    {
        visit.complain(
            format!("{at}.min_length"),
            format!("must not be greater than `max_length`, {max}, and is {min}"),
        );
    }
}

fn choices(option: &OptionDefinition, at: &str, visit: &mut Visit<'_>) {
    if option.choices.is_empty() {
        return;
    }
    let field = format!("{at}.choices");
    let count = option.choices.len();
    if count > MOST_CHOICES {
        visit.complain(
            field.clone(),
            format!("must be at most {MOST_CHOICES}, and are {count}"),
        );
    }
    if !matches!(
        option.kind,
        OptionKind::String | OptionKind::Integer | OptionKind::Number
    ) {
        let kind = option.kind.name();
        visit.complain(
            field,
            format!("is for strings, integers and numbers, and this one is of the kind {kind}"),
        );
        return;
    }
    let mut known = HashSet::new();
    for choice in &option.choices {
        let name = &choice.name;
        if !known.insert(name_key(name)) {
            visit.complain(field.clone(), format!("has two with the name \"{name}\""));
        }
        let count = length(name);
        if count == 0 || count > LONGEST_CHOICE {
            visit.complain(
                field.clone(),
                format!("has the name \"{name}\", which must have 1 to {LONGEST_CHOICE} characters and has {count}"),
            );
        }
        if let Some(says) = bad_value(option.kind, &choice.value) {
            visit.complain(field.clone(), format!("has \"{name}\", whose value {says}"));
        }
    }
}

fn bad_value(kind: OptionKind, value: &ChoiceValue) -> Option<String> {
    match (kind, value) {
        (OptionKind::String, ChoiceValue::String(value)) => {
            let count = length(value);
            (count > LONGEST_CHOICE)
                .then(|| format!("must have at most {LONGEST_CHOICE} characters and has {count}"))
        }
        (OptionKind::Integer, ChoiceValue::Integer(value)) => (value.unsigned_abs()
            > MAX_INTEGER.unsigned_abs())
        .then(|| format!("must be from -2^53 to 2^53 and is {value}")),
        (OptionKind::Number, ChoiceValue::Number(value)) => {
            (!value.is_finite()).then(|| "must be a finite number".to_owned())
        }
        _ => Some(format!("must be of the option's kind, {}", kind.name())),
    }
}

fn extras(option: &OptionDefinition, at: &str, visit: &mut Visit<'_>) {
    visit.complain_if(
        option.rest && option.many,
        &format!("{at}.rest"),
        "must not be set together with `many`: one takes the line whole, the other word by word",
    );
    visit.complain_if(
        option.rest && option.kind == OptionKind::Attachment,
        &format!("{at}.rest"),
        "is for options that are typed, and this one is an attachment",
    );
    let field = format!("{at}.channel_types");
    if option.kind != OptionKind::Channel && !option.channel_types.is_empty() {
        let kind = option.kind.name();
        visit.complain(
            field,
            format!("is for channels, and this one is of the kind {kind}"),
        );
    } else if let Some(unknown) = option
        .channel_types
        .iter()
        .find(|number| !CHANNEL_TYPES.contains(number))
    {
        visit.complain(
            field,
            format!("has {unknown}, which is no type of channel in a guild"),
        );
    }
    let field = format!("{at}.autocomplete");
    if option.autocompletes && !matches!(option.slash_type(), 3 | 4 | 10) {
        let kind = option.kind.name();
        visit.complain(
            field,
            format!("is for what is typed, and Discord itself completes the kind {kind}"),
        );
    } else if option.autocompletes && !option.choices.is_empty() {
        visit.complain(field, "must not be set together with `choices`");
    }
}

//! Whether what the simulator gives is what Discord describes: each answer by the table of operations, each event by
//! the table of events.
//!
//! Stricter than the check of what bots send, where Discord takes digits for numbers: a client that is written in a
//! typed language reads nothing but what is described.

use crate::discord::schema::{Field, Fields, Schema, Shape, schema};
use crate::discord::{Operation, event};
use serde_json::Value;
use std::collections::BTreeSet;

/// How deep an object is looked into.
const DEEPEST: usize = 24;
/// How many different faults are kept.
const KEPT: usize = 200;

/// Fields that a schema has as required, and that Discord leaves out in some places: by the place and
/// the fields. Each is described in Discord's documentation of that object.
const LEFT_OUT: &[(&str, &[&str])] = &[
    // "The member properties for this message's author": a partial member, without its user.
    ("MESSAGE_CREATE.member", &["user"]),
    ("MESSAGE_UPDATE.member", &["user"]),
];

/// Fields that Discord sends and that no schema has: by the place and the fields.
const BESIDE: &[(&str, &[&str])] = &[
    // What the gateway has always sent and only user accounts use; libraries look for some of it.
    (
        "READY",
        &[
            "_trace",
            "presences",
            "private_channels",
            "relationships",
            "session_type",
            "user_settings",
        ],
    ),
    (
        "READY.user",
        &["email", "locale", "mfa_enabled", "verified"],
    ),
    // "Inner payload is a user object": the bot's own, as in READY.
    (
        "USER_UPDATE",
        &["email", "locale", "mfa_enabled", "verified"],
    ),
    ("RESUMED", &["_trace"]),
    // "total permissions of the member in the channel …, returned when in the interaction object".
    ("INTERACTION_CREATE.member", &["permissions"]),
    // Without it, discord.js (MessageCreateAction) makes no direct channel of a message in one that it does not know.
    ("MESSAGE_CREATE", &["channel_type"]),
    ("MESSAGE_UPDATE", &["channel_type"]),
    // "users specifically mentioned in the message", in events each "with an additional partial member field".
    ("MESSAGE_CREATE.mentions[]", &["member"]),
    ("MESSAGE_UPDATE.mentions[]", &["member"]),
    // "Start Thread in Forum or Media Channel … Returns a channel, with a nested message object".
    ("create_thread", &["message"]),
    // "Inner payload is an integration object with user included and the following additional fields".
    (
        "INTEGRATION_CREATE",
        &["account", "application", "scopes", "user"],
    ),
    // Discord documents the whole scheduled event, and describes less of it.
    ("GUILD_CREATE.guild_scheduled_events[]", OF_EVENTS),
    ("GUILD_SCHEDULED_EVENT_CREATE", OF_EVENTS),
    ("GUILD_SCHEDULED_EVENT_UPDATE", OF_EVENTS),
    ("GUILD_SCHEDULED_EVENT_DELETE", OF_EVENTS),
];

/// What events hold of scheduled events beyond their description.
const OF_EVENTS: &[&str] = &[
    "entity_metadata",
    "guild_scheduled_event_exceptions",
    "image",
    "recurrence_rule",
];

/// Events that are documented, and that no table describes.
const DOCUMENTED: &[&str] = &["VOICE_CHANNEL_STATUS_UPDATE"];

/// What did not conform so far.
#[derive(Debug, Default)]
pub(crate) struct Conformity {
    is_on: bool,
    found: BTreeSet<String>,
}

impl Conformity {
    /// Looks at everything, or at nothing.
    pub(crate) fn new(is_on: bool) -> Self {
        Self {
            is_on,
            found: BTreeSet::new(),
        }
    }

    /// What did not conform, a line each, without repetitions.
    pub(crate) fn found(&self) -> Vec<String> {
        self.found.iter().cloned().collect()
    }

    /// Looks at an answer that is no error; `body` is none without content.
    pub(crate) fn answer(&mut self, operation: &Operation, status: u16, body: Option<&Value>) {
        if !self.is_on {
            return;
        }
        let id = operation.id;
        if !operation.statuses.contains(&status) {
            let known = &operation.statuses;
            self.note(format!("{id}: the status is {status}, and not {known:?}"));
        }
        match (body, operation.returns) {
            (Some(body), Some(returns)) => self.look(id, &Shape::parse(returns), body),
            (Some(_), None) => self.note(format!("{id}: there is content")),
            // A file is no JSON.
            (None, Some("string")) => {}
            (None, Some(_)) if !operation.may_be_empty => {
                self.note(format!("{id}: there is no content"));
            }
            (None, _) => {}
        }
    }

    /// Looks at the data of an event.
    pub(crate) fn event(&mut self, name: &str, data: &Value) {
        if !self.is_on {
            return;
        }
        match event(name) {
            Some(event) => self.look(name, &Shape::Named(event.gateway_name), data),
            None if DOCUMENTED.contains(&name) => {}
            None => self.note(format!("{name}: there is no such event")),
        }
    }

    fn look(&mut self, place: &str, shape: &Shape, value: &Value) {
        let mut faults = Vec::new();
        check(shape, None, value, place, 0, &mut faults);
        for fault in faults {
            self.note(fault);
        }
    }

    fn note(&mut self, fault: String) {
        if self.found.len() < KEPT {
            self.found.insert(fault);
        }
    }
}

/// Adds what is wrong with a value at a place; `limits` are those of the field that it is in.
fn check(
    shape: &Shape,
    limits: Option<&Field>,
    value: &Value,
    place: &str,
    depth: usize,
    faults: &mut Vec<String>,
) {
    if depth > DEEPEST {
        return;
    }
    let inside = depth + 1;
    match shape {
        Shape::Any => {}
        Shape::Union(parts) => union(parts, limits, value, place, inside, faults),
        Shape::All(parts) => {
            for part in parts {
                check(part, limits, value, place, inside, faults);
            }
        }
        Shape::List(item) => match value.as_array() {
            Some(items) => {
                let place = format!("{place}[]");
                for value in items {
                    check(item, None, value, &place, inside, faults);
                }
            }
            None => faults.push(unlike(place, "a list", value)),
        },
        Shape::Map(inner) => match value.as_object() {
            Some(values) => {
                let place = format!("{place}{{}}");
                for value in values.values() {
                    check(inner, None, value, &place, inside, faults);
                }
            }
            None => faults.push(unlike(place, "an object", value)),
        },
        Shape::Named(name) => match schema(name) {
            Some(Schema::Object(fields)) => object(fields, value, place, inside, faults),
            Some(Schema::Alias(alias)) => {
                check(&alias.shape, Some(alias), value, place, inside, faults);
            }
            Some(Schema::Choices(choices)) => {
                let few = limits.filter(|limits| !limits.choices.is_empty());
                let is_one = match few {
                    Some(few) => few.choices.contains(value),
                    None => choices.values().any(|choice| choice == value),
                };
                if !is_one {
                    faults.push(unlike(place, &format!("one of {name}"), value));
                }
            }
            None => {}
        },
        scalar => {
            if let Some(expected) = unlike_scalar(scalar, value) {
                faults.push(unlike(place, expected, value));
            }
        }
    }
}

/// What a value that is neither list nor object would have to be, when it is not.
fn unlike_scalar(shape: &Shape, value: &Value) -> Option<&'static str> {
    let (fits, expected) = match shape {
        Shape::Null => (value.is_null(), "null"),
        Shape::Object => (value.is_object(), "an object"),
        Shape::Boolean => (value.is_boolean(), "true or false"),
        Shape::Integer => (value.is_i64() || value.is_u64(), "a whole number"),
        Shape::Number => (value.is_number(), "a number"),
        Shape::Snowflake => {
            let digits = value.as_str().unwrap_or_default();
            (digits.parse::<u64>().is_ok(), "an id in a string")
        }
        Shape::DateTime => {
            let time = value.as_str().map(str::parse::<jiff::Timestamp>);
            (time.is_some_and(|time| time.is_ok()), "a time")
        }
        Shape::Uri => {
            let text = value.as_str().unwrap_or_default();
            (text.contains("://"), "a URL")
        }
        _ => (value.is_string(), "a string"),
    };
    (!fits).then_some(expected)
}

fn unlike(place: &str, expected: &str, value: &Value) -> String {
    let text = value.to_string();
    let shown: String = text.chars().take(60).collect();
    format!("{place}: not {expected}, but {shown}")
}

fn object(fields: &Fields, value: &Value, place: &str, depth: usize, faults: &mut Vec<String>) {
    let Some(object) = value.as_object() else {
        faults.push(unlike(place, "an object", value));
        return;
    };
    for (name, field) in fields {
        match object.get(*name) {
            Some(value) => {
                let place = format!("{place}.{name}");
                check(&field.shape, Some(field), value, &place, depth, faults);
            }
            None if field.required && !is_listed(LEFT_OUT, place, name) => {
                faults.push(format!("{place}: {name} is missing"));
            }
            None => {}
        }
    }
    let unknown = object.keys().filter(|name| {
        let is_known = fields.contains_key(name.as_str());
        !is_known && !is_listed(BESIDE, place, name)
    });
    for name in unknown {
        faults.push(format!("{place}: Discord describes no {name}"));
    }
}

fn is_listed(list: &[(&str, &[&str])], place: &str, name: &str) -> bool {
    let mut places = list.iter();
    places.any(|(of, names)| *of == place && names.contains(&name))
}

/// One of several: the one that is most like it decides.
fn union(
    parts: &[Shape],
    limits: Option<&Field>,
    value: &Value,
    place: &str,
    depth: usize,
    faults: &mut Vec<String>,
) {
    let mut best: Option<Vec<String>> = None;
    for part in parts.iter().filter(|part| may_be(part, value)) {
        let mut own = Vec::new();
        check(part, limits, value, place, depth, &mut own);
        if best.as_ref().is_none_or(|best| own.len() < best.len()) {
            best = Some(own);
        }
    }
    match best {
        Some(own) => faults.extend(own),
        None => faults.push(unlike(place, &format!("one of {parts:?}"), value)),
    }
}

/// Whether a value can be meant as this part of a union: its class is the same, and its `type`.
fn may_be(part: &Shape, value: &Value) -> bool {
    match part {
        Shape::Any => true,
        Shape::List(_) => value.is_array(),
        Shape::Map(_) | Shape::Object | Shape::All(_) => value.is_object(),
        Shape::Union(parts) => parts.iter().any(|part| may_be(part, value)),
        Shape::Named(name) => match schema(name) {
            Some(Schema::Object(fields)) => {
                let kind = fields.get("type").filter(|it| !it.choices.is_empty());
                let fits = |kind: &Field| {
                    value
                        .get("type")
                        .is_some_and(|it| kind.choices.contains(it))
                };
                value.is_object() && kind.is_none_or(fits)
            }
            Some(Schema::Alias(alias)) => may_be(&alias.shape, value),
            _ => !value.is_object() && !value.is_array() && !value.is_null(),
        },
        scalar => unlike_scalar(scalar, value).is_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn deviations(name: &str, data: &Value) -> Vec<String> {
        let mut conformity = Conformity::new(true);
        conformity.event(name, data);
        conformity.found()
    }

    #[test]
    fn what_is_described_passes() {
        let data = json!({"channel_id": "1", "user_id": "2", "timestamp": 3});
        assert_eq!(deviations("TYPING_START", &data), [""; 0]);
        let pins = json!({"channel_id": "1", "last_pin_timestamp": null});
        assert_eq!(deviations("CHANNEL_PINS_UPDATE", &pins), [""; 0]);
    }

    #[test]
    fn every_kind_of_deviation_is_told_with_its_place() {
        let data = json!({"channel_id": 1, "timestamp": "3", "member": {"roles": [5]}, "tea": 1});
        let found = deviations("TYPING_START", &data);
        for expected in [
            "TYPING_START.channel_id: not an id in a string, but 1",
            "TYPING_START: user_id is missing",
            "TYPING_START.timestamp: not a whole number, but \"3\"",
            "TYPING_START.member.roles[]: not an id in a string, but 5",
            "TYPING_START.member: joined_at is missing",
            "TYPING_START: Discord describes no tea",
        ] {
            assert!(
                found.iter().any(|one| one == expected),
                "{expected}: {found:#?}"
            );
        }
        let none = deviations("TEA", &data);
        assert_eq!(none, ["TEA: there is no such event"]);
    }

    #[test]
    fn an_answer_has_the_status_and_the_content_that_are_described() {
        let operation = |id| crate::discord::operation(id).unwrap();
        let mut conformity = Conformity::new(true);
        conformity.answer(operation("trigger_typing_indicator"), 204, None);
        conformity.answer(
            operation("get_gateway"),
            200,
            Some(&json!({"url": "ws://x"})),
        );
        assert_eq!(conformity.found(), [""; 0]);
        conformity.answer(operation("get_gateway"), 201, None);
        let expected = [
            "get_gateway: the status is 201, and not [200]",
            "get_gateway: there is no content",
        ];
        assert_eq!(conformity.found(), expected);
    }
}

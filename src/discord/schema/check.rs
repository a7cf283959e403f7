//! Checks a body against its schema, with Discord's own codes and messages.

use super::words::{expected, got};
use super::{Field, Fields, Schema, Shape, scalars, schema, shape_of_known};
use serde_json::{Map, Value};
use smallvec::SmallVec;
use std::borrow::Cow;

/// How deep a body is looked into: nothing that Discord knows is half as deep.
const DEEPEST: usize = 32;

/// After so many faults a body is not looked at any further.
const MOST: usize = 50;

/// Something in a body that Discord would refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The fields and positions (from 0) that lead to it: `["embeds", "0", "title"]`.
    pub path: Vec<String>,
    /// Discord's code for the fault (`BASE_TYPE_REQUIRED`).
    pub code: &'static str,
    /// Discord's sentence for it (`This field is required`).
    pub message: String,
    /// What was expected, in our words (`a string of at most 256 characters`).
    pub expected: String,
    /// What is there (`nothing`, `the number 5`, `a string of 300 characters`).
    pub got: String,
}

/// What is wrong with `body`, in order; empty if nothing is. `schema` is a schema's name or any type
/// in the notation of the facts (`A|B`, `[A]|null`); of an unknown one everything is right. Unknown
/// fields are no fault: Discord ignores them.
pub fn check_body(schema: &str, body: &Value) -> Vec<Violation> {
    check_field(&Field::plain(shape_of_known(schema)), body)
}

/// What is wrong with the value of one field.
pub(crate) fn check_field(field: &Field, value: &Value) -> Vec<Violation> {
    let mut check = Check::default();
    check.value(&field.shape, field, value);
    check.violations
}

#[derive(Default)]
struct Check<'a> {
    path: Vec<Cow<'a, str>>,
    violations: Vec<Violation>,
}

impl<'a> Check<'a> {
    fn value(&mut self, shape: &Shape, limits: &Field, value: &'a Value) {
        if self.path.len() > DEEPEST || self.violations.len() >= MOST {
            return;
        }
        match shape {
            Shape::Any => {}
            Shape::Union(parts) => self.union(parts, limits, value),
            Shape::All(parts) => {
                for part in parts {
                    self.value(part, limits, value);
                }
            }
            Shape::Null if value.is_null() => {}
            _ if value.is_null() => self.missing(limits),
            Shape::List(item) => self.list(item, limits, value),
            Shape::Map(inner) => self.map(inner, limits, value),
            Shape::Object => {
                self.dictionary(limits, value);
            }
            Shape::Named(name) => self.named(name, limits, value),
            scalar => {
                if let Some((code, message)) = scalars::fault(scalar, limits, value) {
                    self.fault(code, message, limits, value);
                }
            }
        }
    }

    fn named(&mut self, name: &str, limits: &Field, value: &'a Value) {
        match schema(name) {
            Some(Schema::Object(fields)) => self.object(fields, limits, value),
            Some(Schema::Alias(alias)) => self.value(&alias.shape, alias, value),
            Some(Schema::Choices(values)) => {
                let few = !limits.choices.is_empty();
                let fault = if few {
                    scalars::choice(limits.choices.iter(), value)
                } else {
                    scalars::choice(values.values(), value)
                };
                if let Some((code, message)) = fault {
                    self.fault(code, message, limits, value);
                }
            }
            None => {}
        }
    }

    fn object(&mut self, fields: &'static Fields, limits: &Field, value: &'a Value) {
        let Some(object) = value.as_object() else {
            let message = "Only dictionaries may be used in a ModelType".into();
            return self.fault("MODEL_TYPE_CONVERT", message, limits, value);
        };
        for (name, field) in fields {
            let value = value_of(object, name);
            if value.is_none() && !field.required {
                continue;
            }
            self.path.push(Cow::Borrowed(name));
            match value {
                Some(value) => self.value(&field.shape, field, value),
                None => self.missing(field),
            }
            self.path.pop();
        }
    }

    fn dictionary(&mut self, limits: &Field, value: &'a Value) -> Option<&'a Map<String, Value>> {
        let object = value.as_object();
        if object.is_none() {
            let message = "Only dictionaries may be used in a DictType".into();
            self.fault("DICT_TYPE_CONVERT", message, limits, value);
        }
        object
    }

    fn map(&mut self, inner: &Shape, limits: &Field, value: &'a Value) {
        let Some(object) = self.dictionary(limits, value) else {
            return;
        };
        let plain = Field::plain(inner.clone());
        for (name, value) in object {
            self.path.push(Cow::Borrowed(name));
            self.value(inner, &plain, value);
            self.path.pop();
        }
    }

    fn list(&mut self, item: &Shape, limits: &Field, value: &'a Value) {
        let Some(items) = value.as_array() else {
            let message = "Only iterables may be used in a ListType".into();
            return self.fault("LIST_TYPE_CONVERT", message, limits, value);
        };
        let bounds = (limits.min_items, limits.max_items);
        if let Some((code, message)) = scalars::length(bounds, items.len()) {
            return self.fault(code, message, limits, value);
        }
        let each = limits.of_items(item.clone());
        for (position, value) in items.iter().enumerate() {
            self.path.push(Cow::Owned(position.to_string()));
            self.value(item, &each, value);
            self.path.pop();
        }
    }

    fn union(&mut self, parts: &[Shape], limits: &Field, value: &'a Value) {
        if value.is_null() {
            if !parts.iter().any(Shape::takes_null) {
                self.missing(limits);
            }
            return;
        }
        let real: Shapes<'_> = parts.iter().filter(|part| **part != Shape::Null).collect();
        if let [only] = real.as_slice() {
            return self.value(only, limits, value);
        }
        match variants(&real, value) {
            Variants::Fit(fitting) => self.best(&fitting, limits, value),
            Variants::Type(types) => {
                let listed = types.iter().map(ToString::to_string).collect::<Vec<_>>();
                let listed = listed.join(", ");
                self.path.push(Cow::Borrowed("type"));
                let message = format!("Value of field \"type\" must be one of ({listed}).");
                self.violations.push(Violation {
                    path: self.place(),
                    code: "UNION_TYPE_CHOICES",
                    message,
                    expected: super::words::one_of(types),
                    got: got(value.get("type").unwrap_or(&Value::Null)),
                });
                self.path.pop();
            }
        }
    }

    /// Reports the faults of the variant that was meant: the one that knows most of the fields and,
    /// among those, has the fewest faults.
    fn best(&mut self, variants: &[&Shape], limits: &Field, value: &'a Value) {
        let mut best: Option<(usize, Vec<Violation>)> = None;
        for variant in variants {
            let unknown = unknown_fields(variant, value);
            let mut check = Check {
                path: self.path.clone(),
                violations: Vec::new(),
            };
            check.value(variant, limits, value);
            let better = best.as_ref().is_none_or(|(least, faults)| {
                (unknown, check.violations.len()) < (*least, faults.len())
            });
            if better {
                best = Some((unknown, check.violations));
            }
        }
        if let Some((_, faults)) = best {
            self.violations.extend(faults);
        }
    }

    fn missing(&mut self, field: &Field) {
        let message = "This field is required".into();
        self.fault("BASE_TYPE_REQUIRED", message, field, &Value::Null);
    }

    fn fault(&mut self, code: &'static str, message: String, limits: &Field, value: &Value) {
        self.violations.push(Violation {
            path: self.place(),
            code,
            message,
            expected: expected(limits),
            got: got(value),
        });
    }

    fn place(&self) -> Vec<String> {
        self.path.iter().map(ToString::to_string).collect()
    }
}

/// Alternatives of a union: most have few.
type Shapes<'s> = SmallVec<[&'s Shape; 4]>;

/// The value of a field. A few of them are looked through more quickly than a name is hashed.
fn value_of<'v>(object: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    const FEW: usize = 8;
    if object.len() > FEW {
        return object.get(name);
    }
    let mut fields = object.iter();
    fields.find_map(|(key, value)| (key == name).then_some(value))
}

/// The schemas of the objects as which a value can be meant, of those in `parts`.
pub(crate) fn meant(parts: &[Shape], value: &Value) -> SmallVec<[&'static str; 4]> {
    let named = |part: &&Shape| matches!(part, Shape::Named(_));
    let named: Shapes<'_> = parts.iter().filter(named).collect();
    let fitting = match variants(&named, value) {
        Variants::Fit(fitting) => fitting,
        // The check will say that it can be meant as none of them.
        Variants::Type(_) => named,
    };
    let mut schemas = SmallVec::new();
    for shape in fitting {
        shape.each_name(&mut |name| schemas.push(name));
    }
    schemas
}

/// Which alternatives of a union a value can be meant as.
enum Variants<'s> {
    /// These; at least one.
    Fit(Shapes<'s>),
    /// None: its `type` would have to be one of these.
    Type(Vec<&'static Value>),
}

fn variants<'s>(parts: &[&'s Shape], value: &Value) -> Variants<'s> {
    let same_class = |part: &&'s Shape| scalars::same_class(part, value);
    let fitting: Shapes<'s> = parts.iter().copied().filter(same_class).collect();
    if fitting.is_empty() {
        return Variants::Fit(parts.into());
    }
    if fitting.len() == 1 {
        return Variants::Fit(fitting);
    }
    let types: Option<Vec<_>> = fitting.iter().map(|part| types_of(part)).collect();
    let Some(types) = types else {
        return Variants::Fit(fitting);
    };
    let given = value.get("type").unwrap_or(&Value::Null);
    let takes = |types: &&[Value]| types.iter().any(|choice| scalars::equal(choice, given));
    let matching = fitting.iter().zip(&types).filter(|(_, types)| takes(types));
    let matching: Shapes<'s> = matching.map(|(part, _)| *part).collect();
    if matching.is_empty() {
        return Variants::Type(types.into_iter().flatten().collect());
    }
    Variants::Fit(matching)
}

/// The values of the field `type` that tell an object schema from its siblings.
fn types_of(shape: &Shape) -> Option<&'static [Value]> {
    let Shape::Named(name) = shape else {
        return None;
    };
    let field = super::fields(name)?.get("type")?;
    let telling = field.required && !field.choices.is_empty();
    telling.then_some(field.choices.as_slice())
}

fn unknown_fields(shape: &Shape, value: &Value) -> usize {
    let (Shape::Named(name), Some(object)) = (shape, value.as_object()) else {
        return 0;
    };
    let Some(fields) = super::fields(name) else {
        return 0;
    };
    let unknown = |key: &&String| !fields.contains_key(key.as_str());
    object.keys().filter(unknown).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn faults(schema: &str, body: &Value) -> Vec<(String, &'static str, String)> {
        let violations = check_body(schema, body).into_iter();
        violations
            .map(|fault| (fault.path.join("."), fault.code, fault.message))
            .collect()
    }

    fn codes(schema: &str, body: &Value) -> Vec<(String, &'static str)> {
        let faults = faults(schema, body).into_iter();
        faults.map(|(path, code, _)| (path, code)).collect()
    }

    #[test]
    fn a_good_body_has_no_faults() {
        let body = json!({
            "content": "hello", "nonce": 5, "unknown": true, "poll": null,
            "embeds": [{ "title": "x", "color": 16_777_215, "timestamp": "2024-01-01T00:00:00Z" }],
            "components": [{ "type": 1, "components": [
                { "type": 2, "style": 1, "label": "Press", "custom_id": "a" },
            ]}],
            "allowed_mentions": { "parse": ["users"] },
            "message_reference": { "message_id": "1" },
        });
        assert_eq!(faults("MessageCreateRequest", &body), []);
    }

    #[test]
    fn faults_have_discords_words() {
        let body =
            json!({ "content": "x".repeat(4001), "tts": "yes", "embeds": [{ "color": -1 }] });
        let found = faults("MessageCreateRequest", &body);
        let long = "Must be 4000 or fewer in length.";
        assert_eq!(
            found[0],
            ("content".into(), "BASE_TYPE_MAX_LENGTH", long.into())
        );
        let color = "int value should be greater than or equal to 0.";
        assert_eq!(
            found[1],
            ("embeds.0.color".into(), "NUMBER_TYPE_MIN", color.into())
        );
        assert_eq!(found[2].1, "BOOLEAN_TYPE_CONVERT");
    }

    #[test]
    fn what_is_required_is_missed() {
        let expected = vec![("name".to_owned(), "BASE_TYPE_REQUIRED")];
        assert_eq!(codes("CreateGuildChannelRequest", &json!({})), expected);
        let body = json!({ "name": null });
        assert_eq!(codes("CreateGuildChannelRequest", &body), expected);
        let body = json!({ "name": "" });
        let expected = vec![("name".to_owned(), "BASE_TYPE_BAD_LENGTH")];
        assert_eq!(codes("CreateGuildChannelRequest", &body), expected);
    }

    #[test]
    fn the_variant_that_was_meant_is_the_one_checked() {
        let body =
            json!({ "components": [{ "type": 1, "components": [{ "type": 2 }] }, { "type": 99 }] });
        let found = codes("MessageCreateRequest", &body);
        let style = (
            "components.0.components.0.style".to_owned(),
            "BASE_TYPE_REQUIRED",
        );
        assert!(found.contains(&style), "{found:?}");
        assert!(found.contains(&("components.1.type".to_owned(), "UNION_TYPE_CHOICES")));

        let channel = crate::discord::operations::operation("update_channel").unwrap();
        let body = json!({ "name": "x", "topic": "x".repeat(5000) });
        let expected = vec![("topic".to_owned(), "BASE_TYPE_BAD_LENGTH")];
        assert_eq!(codes(channel.body.unwrap(), &body), expected);
    }

    #[test]
    fn numbers_may_come_as_digits_and_ids_as_numbers() {
        let role = json!({ "permissions": "1099511627776", "color": "12" });
        assert_eq!(codes("CreateRoleRequest", &role), []);
        let role = json!({ "permissions": "many" });
        let expected = vec![("permissions".to_owned(), "NUMBER_TYPE_COERCE")];
        assert_eq!(codes("CreateRoleRequest", &role), expected);
        assert_eq!(
            codes("CreatePrivateChannelRequest", &json!({ "recipient_id": 5 })),
            []
        );
        let body = json!({ "recipient_id": "x" });
        let expected = vec![("recipient_id".to_owned(), "NUMBER_TYPE_COERCE")];
        assert_eq!(codes("CreatePrivateChannelRequest", &body), expected);
    }

    #[test]
    fn lists_maps_and_choices_are_looked_into() {
        let list = "[UpdateRolePositionsRequest]";
        assert_eq!(codes(list, &json!({}))[0].1, "LIST_TYPE_CONVERT");
        assert_eq!(
            codes(list, &json!([5]))[0],
            ("0".into(), "MODEL_TYPE_CONVERT")
        );
        assert_eq!(codes("{string}", &json!({ "a": 5 }))[0].0, "a");
        let body = json!({ "name": "x", "default_auto_archive_duration": 61 });
        let found = codes("CreateGuildChannelRequest", &body);
        let expected = (
            "default_auto_archive_duration".to_owned(),
            "BASE_TYPE_CHOICES",
        );
        assert_eq!(found, [expected]);
    }

    #[test]
    fn a_hostile_body_is_not_followed_for_ever() {
        let mut body = json!({});
        for _ in 0..100 {
            body = json!({ "type": 1, "components": [body], "options": [{ "type": 2, "options": [] }] });
        }
        assert!(
            check_body("MessageCreateRequest", &json!({ "components": [body] })).len() <= MOST + 1
        );
        let embeds =
            json!({ "embeds": vec![json!(5); 10], "sticker_ids": vec![json!({}); 100_000] });
        assert!(check_body("MessageCreateRequest", &embeds).len() <= MOST + 1);
    }
}

//! The facts about Discord, read once: `operations.json` and `events.json` become typed tables of operations, events
//! and schemas, whose shapes name each other. They are data: `operations`, `events` and `schema` look things up in them.
//!
//! A schema is read when it is first looked up, and so is what an operation takes and answers: of the hundreds that
//! there are, a bot needs some dozens.
//!
//! Both files are parts of the program, so their names live as long as it does and are never copied.
//! That they can be read is a test, not a question at run time.

mod event;
mod operation;
mod schema;
mod shape;

use crate::hash::{HashMap, IndexMap};
use operation::RawOperation;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::ops::Deref;
use std::sync::LazyLock;

pub use event::EventDefinition;
pub use operation::Operation;
pub use schema::{Field, Fields, Limits, Schema};
pub use shape::Shape;

/// Every operation that a bot may call, and every schema that they use.
#[derive(Debug, Default)]
pub(super) struct Operations {
    pub(super) by_id: IndexMap<&'static str, Operation>,
    pub(super) schemas: IndexMap<&'static str, LazySchema>,
}

/// A part of the facts that is read when it is first looked at.
type Lazy<T> = LazyLock<T, Box<dyn FnOnce() -> T + Send + Sync>>;

pub(super) type LazySchema = Lazy<Schema>;

/// Every dispatch event and every intent.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// By name in `snake_case`.
    pub(super) by_name: IndexMap<&'static str, EventDefinition>,
    /// What each event's data looks like, by gateway name.
    pub(super) objects: HashMap<&'static str, LazySchema>,
    /// Bit and whether Discord has to allow it, by name.
    pub(super) intents: IndexMap<&'static str, RawIntent>,
}

pub(super) static OPERATIONS: LazyLock<Operations> =
    LazyLock::new(|| read_operations().unwrap_or_default());

pub(super) static EVENTS: LazyLock<Events> = LazyLock::new(|| read_events().unwrap_or_default());

#[derive(Deserialize)]
struct RawOperations {
    operations: Vec<RawOperation>,
    #[serde(borrow = "'static")]
    schemas: IndexMap<&'static str, &'static RawValue>,
}

#[derive(Deserialize)]
struct RawEvents {
    #[serde(borrow = "'static")]
    intents: IndexMap<&'static str, RawIntent>,
    events: IndexMap<&'static str, RawEvent>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RawIntent {
    pub(super) bit: u8,
    pub(super) privileged: bool,
}

#[derive(Deserialize)]
struct RawEvent {
    intents: Vec<&'static str>,
    schema: Option<&'static str>,
    fields: Fields,
}

fn read_operations() -> serde_json::Result<Operations> {
    let raw: RawOperations = serde_json::from_str(include_str!("operations.json"))?;
    let schemas = raw.schemas.into_iter();
    let schemas: IndexMap<_, _> = schemas
        .map(|(name, raw)| {
            let read = move || Schema::read(raw.get()).unwrap_or_else(|_| Schema::of_anything());
            let lazy: LazySchema = LazyLock::new(Box::new(read));
            (name, lazy)
        })
        .collect();
    let operations = raw.operations.into_iter();
    let operations = operations
        .map(|raw| (raw.id, Operation::from(raw)))
        .collect();
    Ok(Operations {
        by_id: operations,
        schemas,
    })
}

fn read_events() -> serde_json::Result<Events> {
    let raw: RawEvents = serde_json::from_str(include_str!("events.json"))?;
    let mut events = Events {
        intents: raw.intents,
        ..Events::default()
    };
    for (name, mut event) in raw.events {
        // One small allocation an event, once a process: the gateway's name for it.
        let gateway_name: &'static str = Box::leak(name.to_uppercase().into_boxed_str());
        for (field, definition) in &mut event.fields {
            if let Some(known) = known_object(field, &definition.shape) {
                definition.shape = known;
            }
        }
        let object =
            move || Schema::Object(EVENTS.by_name.get(name).map(fields_of).unwrap_or_default());
        let object: LazySchema = LazyLock::new(Box::new(object));
        events.objects.insert(gateway_name, object);
        let definition = EventDefinition {
            name,
            gateway_name,
            intents: event.intents,
            schema: event.schema,
            fields: event.fields,
        };
        events.by_name.insert(name, definition);
    }
    Ok(events)
}

/// All fields of an event: those of its schema and those that only the gateway sends.
fn fields_of(event: &EventDefinition) -> Fields {
    let inherited = event.schema.and_then(|name| OPERATIONS.schemas.get(name));
    let mut fields = match inherited.map(Deref::deref) {
        Some(Schema::Object(fields)) => fields.iter().map(like).collect(),
        _ => Fields::default(),
    };
    fields.extend(event.fields.iter().map(like));
    fields
}

fn like((name, field): (&&'static str, &Field)) -> (&'static str, Field) {
    (name, field.without_limits())
}

/// Fields that the gateway's documentation calls "partial … object", where the REST schema fits.
fn known_object(field: &str, shape: &Shape) -> Option<Shape> {
    let schema = match field {
        "emoji" => "MessageReactionEmojiResponse",
        "guild_scheduled_events" => "ScheduledEventResponse",
        _ => return None,
    };
    let known = |part: &Shape| match part {
        Shape::Object => Shape::Named(schema),
        Shape::List(item) if **item == Shape::Object => Shape::List(Box::new(Shape::Named(schema))),
        other => other.clone(),
    };
    Some(match shape {
        Shape::Union(parts) => Shape::Union(parts.iter().map(known).collect()),
        other => known(other),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// In JSON these take two bytes each. With `COGSMITH_WRITE_NAMES` set the file is written.
    #[test]
    fn the_names_of_all_fields_are_in_their_file() {
        let schemas = OPERATIONS.schemas.values().chain(EVENTS.objects.values());
        let schemas = schemas.map(Deref::deref);
        let fields = schemas.filter_map(|schema| match schema {
            Schema::Object(fields) => Some(fields.keys().copied()),
            _ => None,
        });
        let names: BTreeSet<_> = fields.flatten().collect();
        let names: Vec<_> = names.into_iter().collect();
        if std::env::var_os("COGSMITH_WRITE_NAMES").is_some() {
            let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/json/names.txt");
            std::fs::write(file, names.join("\n") + "\n").unwrap();
        }
        assert!(*crate::json::NAMES == names, "write src/json/names.txt");
    }

    #[test]
    fn the_facts_can_be_read() {
        let operations = read_operations().unwrap();
        assert_eq!(operations.by_id.len(), 237);
        assert_eq!(operations.schemas.len(), 582);
        let raw: RawOperations = serde_json::from_str(include_str!("operations.json")).unwrap();
        for (name, schema) in raw.schemas {
            assert!(Schema::read(schema.get()).is_ok(), "{name}");
        }
        for operation in raw.operations {
            assert!(operation.signature().is_ok(), "{}", operation.id);
        }
        let events = read_events().unwrap();
        assert_eq!(events.by_name.len(), 76);
        assert_eq!(events.intents.len(), 21);
    }

    #[test]
    fn every_name_in_the_facts_is_a_schema() {
        let schemas = OPERATIONS.schemas.values().map(Deref::deref);
        let in_schemas = schemas.flat_map(|schema| match schema {
            Schema::Object(fields) => fields.values().collect::<Vec<_>>(),
            Schema::Alias(field) => vec![field.as_ref()],
            Schema::Choices(_) => Vec::new(),
        });
        let in_operations = OPERATIONS
            .by_id
            .values()
            .flat_map(|operation| operation.params.values().chain(operation.query.values()));
        let in_events = EVENTS
            .by_name
            .values()
            .flat_map(|event| event.fields.values());
        let shapes = in_schemas.chain(in_operations).chain(in_events);
        let mut names: Vec<_> = shapes.flat_map(|field| field.shape.names()).collect();
        names.extend(EVENTS.by_name.values().filter_map(|event| event.schema));
        for operation in OPERATIONS.by_id.values() {
            let texts = operation.body.iter().chain(&operation.returns);
            names.extend(texts.flat_map(|text| Shape::parse(text).names()));
        }
        for name in names {
            assert!(OPERATIONS.schemas.contains_key(name), "{name}");
        }
    }
}

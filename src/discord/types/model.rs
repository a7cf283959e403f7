//! The objects that Discord sends and the tables that cogs send: `model.luau`.

use super::luau::{Properties, Property, Way, grouped, merged, table, texts};
use super::names;
use crate::discord::events::{EventDefinition, events};
use crate::discord::operations::{Operation, operations};
use crate::discord::permissions;
use crate::discord::schema::{Shape, fields};
use std::collections::BTreeSet;

/// Fields that the gateway or the host adds to an object of the API: name, type.
const ADDED: [(&str, &[(&str, &str)]); 3] = [
    (
        "Guild",
        &[
            ("joined_at", "string"),
            ("large", "boolean"),
            ("member_count", "number"),
            ("unavailable", "boolean"),
        ],
    ),
    (
        "Member",
        &[("guild_id", "string"), ("permissions", "string")],
    ),
    ("Message", &[("guild_id", "string"), ("member", "Member")]),
];

/// Fields of events of which Discord's facts say only that they are objects: event, field, type.
const OF_EVENTS: [(&str, &str, &str); 18] = [
    (
        "auto_moderation_action_execution",
        "action",
        "AutoModerationAction",
    ),
    (
        "auto_moderation_rule_create",
        "trigger_metadata",
        "AutoModerationTriggerMetadata",
    ),
    (
        "auto_moderation_rule_create",
        "actions",
        "List<AutoModerationAction>",
    ),
    (
        "auto_moderation_rule_delete",
        "trigger_metadata",
        "AutoModerationTriggerMetadata",
    ),
    (
        "auto_moderation_rule_delete",
        "actions",
        "List<AutoModerationAction>",
    ),
    (
        "auto_moderation_rule_update",
        "trigger_metadata",
        "AutoModerationTriggerMetadata",
    ),
    (
        "auto_moderation_rule_update",
        "actions",
        "List<AutoModerationAction>",
    ),
    ("guild_create", "voice_states", "List<VoiceStateUpdate>"),
    ("guild_create", "presences", "List<Presence>"),
    ("guild_members_chunk", "presences", "List<Presence>"),
    ("interaction_create", "data", "InteractionData"),
    ("interaction_create", "guild", "InteractionGuild"),
    ("interaction_create", "channel", "Channel"),
    (
        "interaction_create",
        "authorizing_integration_owners",
        "{ [string]: string }",
    ),
    ("presence_update", "user", "PresenceUser"),
    ("presence_update", "activities", "List<PresenceActivity>"),
    ("presence_update", "client_status", "ClientStatus"),
    ("ready", "guilds", "List<UnavailableGuild>"),
];

/// The kinds of channel; each has the fields of all, so that it fits wherever any channel does.
const CHANNELS: [&str; 3] = ["GuildChannel", "PrivateChannel", "Thread"];

/// The schemas of all kinds of channel.
const CHANNEL_SCHEMAS: [&str; 4] = [
    "GuildChannelResponse",
    "PrivateChannelResponse",
    "PrivateGroupChannelResponse",
    "ThreadResponse",
];

/// The methods of a type, as fields.
fn methods(name: &str) -> Vec<String> {
    let own: &[&str] = match name {
        "Message" => &[
            "reply: (self: Message, content: Content) -> Message",
            "edit: (self: Message, content: Content) -> Message",
            "delete: (self: Message, reason: string?) -> ()",
            "react: (self: Message, emoji: string | Emoji) -> ()",
            "pin: (self: Message, reason: string?) -> ()",
        ],
        "Member" => &[
            "add_role: (self: Member, role_id: string, reason: string?) -> ()",
            "remove_role: (self: Member, role_id: string, reason: string?) -> ()",
            "timeout: (self: Member, duration: number | string, reason: string?) -> ()",
            "kick: (self: Member, reason: string?) -> ()",
            "ban: (self: Member, reason: string?) -> ()",
            "send: (self: Member, content: Content) -> Message",
        ],
        "User" => &["send: (self: User, content: Content) -> Message"],
        "Channel" => &[
            "send: (self: Channel, content: Content) -> Message",
            "typing: (self: Channel) -> ()",
            "delete: (self: Channel, reason: string?) -> ()",
        ],
        "Attachment" => &["read: (self: Attachment) -> string"],
        "Role" => &["delete: (self: Role, reason: string?) -> ()"],
        _ if CHANNELS.contains(&name) => return methods("Channel"),
        _ => &[],
    };
    let own = own.iter().map(|method| (*method).to_owned());
    own.collect()
}

/// The types of all objects that answers and events hold, in order of name.
pub(super) fn objects() -> String {
    let answers = operations().filter(|operation| operation.open_to_cogs());
    let mut shapes: Vec<Shape> = answers
        .filter_map(|one| one.returns.map(Shape::parse))
        .collect();
    for event in events() {
        shapes.extend(event.schema.map(Shape::Named));
        shapes.extend(event.fields.values().map(|field| field.shape.clone()));
    }
    let reached = reachable(&shapes);
    let groups = grouped(reached.iter().copied(), names::object);
    let mut types: Vec<(String, String)> = Vec::new();
    for (name, schemas) in &groups {
        let mut properties = merged(schemas, names::base(name), Way::Object);
        if CHANNELS.contains(&name.as_str()) {
            complete_channel(&mut properties);
        }
        add(name, &mut properties);
        types.push((name.clone(), object(name, &properties, name)));
    }
    let channel = merged(&CHANNEL_SCHEMAS, None, Way::Object);
    types.push(("Channel".into(), object("Channel", &channel, "Channel")));
    for event in events() {
        if let Some((name, text)) = event_type(event) {
            types.push((name, text));
        }
    }
    types.sort();
    types.into_iter().map(|(_, text)| text).collect()
}

fn object(name: &str, properties: &Properties, kind: &str) -> String {
    let mut methods = methods(kind);
    // A variant takes the place of its kind only if its methods ask for no more than the kind.
    let own = match kind {
        "" => name,
        _ if CHANNELS.contains(&kind) => "Channel",
        kind => kind,
    };
    methods.push(format!("table: (self: {own}) -> any"));
    table(name, properties, &methods, Way::Object)
}

fn add(name: &str, properties: &mut Properties) {
    let added = ADDED.iter().find(|(known, _)| *known == name);
    for (field, text) in added.map_or(&[][..], |(_, fields)| fields) {
        if !properties.iter().any(|(known, _)| known == field) {
            properties.push(((*field).to_owned(), Property::plain(text, true)));
        }
    }
}

fn complete_channel(properties: &mut Properties) {
    for (name, mut property) in merged(&CHANNEL_SCHEMAS, None, Way::Object) {
        if !properties.iter().any(|(known, _)| *known == name) {
            property.optional = true;
            properties.push((name, property));
        }
    }
}

/// An event's own type; nothing when the type of its schema says it all.
fn event_type(event: &EventDefinition) -> Option<(String, String)> {
    let schema = event.schema.map(names::object);
    let mut properties = match event.schema {
        Some(schema) => merged(&[schema], None, Way::Object),
        None => Vec::new(),
    };
    if let Some(schema) = &schema {
        if CHANNELS.contains(&schema.as_str()) {
            complete_channel(&mut properties);
        }
        add(schema, &mut properties);
    }
    let mut more = false;
    for (name, field) in &event.fields {
        let mut property = Property::new(name, field, Way::Object);
        let known = OF_EVENTS
            .iter()
            .find(|(of, known, _)| (*of, *known) == (event.name, *name));
        if let Some((_, _, text)) = known {
            (*text).clone_into(&mut property.text);
        }
        if let Some((_, known)) = properties.iter_mut().find(|(known, _)| known == name) {
            more |= known.optional && !property.optional;
            known.optional &= property.optional;
        } else {
            more = true;
            properties.push(((*name).to_owned(), property));
        }
    }
    if !more && schema.is_some() {
        return None;
    }
    let name = names::event(event.name);
    let kind = schema.unwrap_or_default();
    Some((name.clone(), object(&name, &properties, &kind)))
}

/// What the data of an event is called.
pub(super) fn event_name(event: &EventDefinition) -> String {
    match event_type(event) {
        Some((name, _)) => name,
        None => event.schema.map(names::object).unwrap_or_default(),
    }
}

/// The names of all permissions.
pub(super) fn permission() -> String {
    texts("Permission", permissions::all_names())
}

/// The types of all tables inside arguments, in order of name.
pub(super) fn inputs() -> String {
    let open = operations().filter(|operation| operation.open_to_cogs());
    let mut shapes: Vec<Shape> = vec![
        Shape::Named("ModalInteractionCallbackRequestData"),
        Shape::Named("MessageAllowedMentionsRequest"),
    ];
    shapes.extend(inside(open));
    let groups = grouped(reachable(&shapes), names::input);
    let types = groups.iter().map(|(name, schemas)| {
        let properties = merged(schemas, None, Way::Input);
        table(name, &properties, &[], Way::Input)
    });
    types.collect()
}

/// What the arguments of operations hold.
pub(super) fn inside(operations: impl Iterator<Item = &'static Operation>) -> Vec<Shape> {
    let mut shapes = Vec::new();
    for operation in operations {
        let body = operation.body.map(Shape::parse);
        if operation.takes_whole_body() {
            shapes.extend(body);
            continue;
        }
        // The body's own fields are arguments; objects inside of them need a name.
        let schemas = body.iter().flat_map(Shape::names).filter_map(fields);
        let inside = schemas.flat_map(|fields| fields.values());
        shapes.extend(inside.map(|field| field.shape.clone()));
    }
    shapes
}

/// The object schemas that values of these shapes can hold, at any depth.
pub(super) fn reachable(shapes: &[Shape]) -> BTreeSet<&'static str> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&'static str> = shapes.iter().flat_map(Shape::names).collect();
    while let Some(name) = open.pop() {
        let Some(fields) = fields(name) else {
            continue;
        };
        if reached.insert(name) {
            open.extend(fields.values().flat_map(|field| field.shape.names()));
        }
    }
    reached
}

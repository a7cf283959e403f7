//! Which objects have methods in a cog, and which objects their fields contain.

use super::{Shape, fields};
use crate::discord::events::event;
use crate::discord::operations::Operation;

/// A kind of object that has methods of its own in a cog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Kind {
    Message,
    User,
    Member,
    Channel,
    Role,
    Guild,
    Attachment,
    Emoji,
    /// Everything else: fields, and no methods.
    Plain,
}

/// The kind of the object that the schema or event called `name` describes.
pub fn kind_of(name: &str) -> Kind {
    match name {
        "MessageResponse" | "BasicMessageResponse" | "SearchMessageResponse" => Kind::Message,
        "UserResponse" | "UserPIIResponse" => Kind::User,
        "GuildMemberResponse" | "PrivateGuildMemberResponse" | "BasicGuildMemberResponse" => {
            Kind::Member
        }
        "GuildChannelResponse"
        | "ThreadResponse"
        | "CreatedThreadResponse"
        | "PrivateChannelResponse"
        | "PrivateGroupChannelResponse" => Kind::Channel,
        "GuildRoleResponse" => Kind::Role,
        "GuildResponse" | "GuildWithCountsResponse" => Kind::Guild,
        "MessageAttachmentResponse" | "AttachmentResponse" => Kind::Attachment,
        "EmojiResponse" | "MessageReactionEmojiResponse" => Kind::Emoji,
        _ => match event(name).and_then(|event| event.schema) {
            // A schema is never named like an event, so this goes one step deep.
            Some(schema) if schema != name => kind_of(schema),
            _ => Kind::Plain,
        },
    }
}

/// The schema of the object in a field, or of the items if it is a list or map. If several schemas are possible, the
/// first: they are of one kind.
pub fn field_kind(schema: &str, field: &str) -> Option<&'static str> {
    item_kind(&fields(schema)?.get(field)?.shape)
}

/// The schema of an operation's answer, or of the items of one that is a list.
pub fn answer_kind(operation: &'static Operation) -> Option<&'static str> {
    *operation
        .answer_kind
        .get_or_init(|| item_kind(&Shape::parse(operation.returns?)))
}

/// The first object schema that a value of `shape` (or an item of it) can have.
pub fn item_kind(shape: &Shape) -> Option<&'static str> {
    shape.find_name(&mut |name| fields(name).map(|_| name))
}

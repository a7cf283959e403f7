//! The ids of what an event is about: where it happened, who did it and with which message.

use super::event::{Event, Member, WithId, who};
use super::events::EventDefinition;
use super::schema::fields;
use serde::Deserialize;

/// What a wait may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdKind {
    /// A channel or a thread.
    Channel,
    /// Who did it, or whom it is about.
    User,
    /// A message.
    Message,
}

impl IdKind {
    /// Whether the data of an event can have such an id.
    pub fn is_in(self, event: &EventDefinition) -> bool {
        let known = fields(event.gateway_name);
        let has = |names: &[&str]| {
            known.is_some_and(|known| names.iter().any(|name| known.contains_key(name)))
        };
        match self {
            Self::Channel => is_of_channel(event.name) || has(&["channel_id"]),
            Self::User => is_of_user(event.name) || has(&["user_id", "user", "author", "member"]),
            Self::Message => is_of_message(event.name) || has(&["message_id", "message"]),
        }
    }
}

/// Whether the `id` of an event's data is that of a channel or a thread.
fn is_of_channel(event: &str) -> bool {
    event.starts_with("channel_") || event.starts_with("thread_")
}

/// Whether it is that of a user.
fn is_of_user(event: &str) -> bool {
    event == "user_update"
}

/// Whether it is that of a message.
fn is_of_message(event: &str) -> bool {
    matches!(
        event,
        "message_create" | "message_update" | "message_delete" | "message_delete_bulk"
    )
}

/// The ids in an event's data.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct EventIds {
    /// The channel, and of a thread also the channel that it belongs to.
    pub channels: Vec<u64>,
    /// Who did it, or whom it is about.
    pub user: Option<u64>,
    /// The message, or all that were deleted at once.
    pub messages: Vec<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Data<'a> {
    #[serde(borrow)]
    id: Option<&'a str>,
    ids: Vec<&'a str>,
    channel_id: Option<&'a str>,
    parent_id: Option<&'a str>,
    user_id: Option<&'a str>,
    message_id: Option<&'a str>,
    author: Option<WithId<'a>>,
    user: Option<WithId<'a>>,
    member: Option<Member<'a>>,
    message: Option<WithId<'a>>,
}

impl EventIds {
    /// Those of an event. Nothing is known where its data is no object with ids as Discord writes them.
    pub fn of(event: &Event) -> Self {
        serde_json::from_str(event.raw())
            .map_or_else(|_| Self::default(), |it| read(&event.name, it))
    }
}

fn read(event: &str, data: Data<'_>) -> EventIds {
    let own = |is_of: fn(&str) -> bool| data.id.filter(|_| is_of(event));
    let threads_channel = data.parent_id.filter(|_| event.starts_with("thread_"));
    let channels = [data.channel_id, own(is_of_channel), threads_channel];
    let user = data.user_id.or(own(is_of_user));
    let user = who(user, data.author, data.user, data.member);
    let message = number(data.message_id.or(own(is_of_message)));
    let messages = data.ids.into_iter().filter(|_| is_of_message(event));
    EventIds {
        channels: channels.into_iter().filter_map(number).collect(),
        user: number(user),
        messages: message
            .or_else(|| number(data.message.and_then(|it| it.id)))
            .into_iter()
            .chain(messages.filter_map(|id| id.parse().ok()))
            .collect(),
    }
}

fn number(id: Option<&str>) -> Option<u64> {
    id?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::event;
    use serde_json::{Value, json};

    #[test]
    fn an_event_says_what_it_is_about() {
        type Case<'a> = (&'a str, Value, &'a [u64], Option<u64>, &'a [u64]);
        let cases: &[Case<'_>] = &[
            (
                "message_create",
                json!({"id": "1", "channel_id": "2", "author": {"id": "3"}, "member": {}}),
                &[2],
                Some(3),
                &[1],
            ),
            (
                "message_reaction_add",
                json!({"message_id": "1", "channel_id": "2", "user_id": "3", "member": {"user": {"id": "4"}}}),
                &[2],
                Some(3),
                &[1],
            ),
            (
                "message_delete_bulk",
                json!({"ids": ["1", "5"], "channel_id": "2"}),
                &[2],
                None,
                &[1, 5],
            ),
            (
                "interaction_create",
                json!({"id": "9", "channel_id": "2", "member": {"user": {"id": "3"}}, "message": {"id": "1"}}),
                &[2],
                Some(3),
                &[1],
            ),
            (
                "thread_create",
                json!({"id": "2", "parent_id": "4", "owner_id": "3"}),
                &[2, 4],
                None,
                &[],
            ),
            (
                "channel_update",
                json!({"id": "2", "parent_id": "4"}),
                &[2],
                None,
                &[],
            ),
            (
                "guild_member_add",
                json!({"user": {"id": "3"}, "guild_id": "7"}),
                &[],
                Some(3),
                &[],
            ),
            ("user_update", json!({"id": "3"}), &[], Some(3), &[]),
            ("guild_update", json!({"id": "3"}), &[], None, &[]),
            ("message_create", json!({"id": 1}), &[], None, &[]),
            (
                "message_create",
                json!({"id": "x", "channel_id": "-1"}),
                &[],
                None,
                &[],
            ),
            ("resumed", Value::Null, &[], None, &[]),
        ];
        for (name, data, channels, user, messages) in cases {
            let ids = EventIds::of(&Event::new(name, 0, 1, data.to_string()));
            assert_eq!(ids.channels, *channels, "{name} {data}");
            assert_eq!(ids.user, *user, "{name} {data}");
            assert_eq!(ids.messages, *messages, "{name} {data}");
        }
    }

    #[test]
    fn what_an_event_cannot_have_is_known() {
        use IdKind::{Channel, Message, User};
        let cases: &[(&str, &[IdKind])] = &[
            ("message_create", &[Channel, User, Message]),
            ("message_delete", &[Channel, Message]),
            ("interaction_create", &[Channel, User, Message]),
            ("thread_update", &[Channel, User]),
            ("guild_member_add", &[User]),
            ("user_update", &[User]),
            ("guild_role_create", &[]),
            ("ready", &[User]),
            ("resumed", &[]),
        ];
        for (name, expected) in cases {
            let event = event(name).unwrap();
            let mut kinds = vec![Channel, User, Message];
            kinds.retain(|kind| kind.is_in(event));
            assert_eq!(kinds, *expected, "{name}");
        }
    }
}

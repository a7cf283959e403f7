//! The gateway's dispatch events and intents.

use super::facts::EVENTS;
pub use super::facts::EventDefinition;
use crate::nearest::nearest;

/// The event called `name`, in `snake_case` or as on the wire.
pub fn event(name: &str) -> Option<&'static EventDefinition> {
    EVENTS.by_name.get(name).or_else(|| {
        // Only the wire's spelling, so that `Message_Create` stays unknown.
        let wire = !name.bytes().any(|byte| byte.is_ascii_lowercase());
        wire.then(|| EVENTS.by_name.get(name.to_ascii_lowercase().as_str()))?
    })
}

/// All events, in Discord's order.
pub fn events() -> impl ExactSizeIterator<Item = &'static EventDefinition> {
    EVENTS.by_name.values()
}

/// The event whose name is most like `name`, if one is like it at all.
pub fn nearest_event(name: &str) -> Option<&'static str> {
    nearest(name, EVENTS.by_name.keys().copied())
}

/// Names of intents and the bits they stand for.
pub mod intents {
    use super::EVENTS;
    use crate::nearest::nearest;

    /// The bit of the intent called `name` (`guild_messages` is `1 << 9`).
    pub fn bit(name: &str) -> Option<u64> {
        EVENTS.intents.get(name).map(|intent| 1 << intent.bit)
    }

    /// The bits of all `names`; the first unknown name otherwise.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<u64, &'a str> {
        names
            .into_iter()
            .try_fold(0, |bits, name| bit(name).map(|bit| bits | bit).ok_or(name))
    }

    /// The names of the intents in `bits`; unknown bits have none.
    pub fn names(bits: u64) -> Vec<&'static str> {
        let set = |name: &&&'static str| bit(name).is_some_and(|bit| bits & bit != 0);
        EVENTS.intents.keys().filter(set).copied().collect()
    }

    /// The bits of all privileged intents.
    pub fn privileged() -> u64 {
        let privileged = EVENTS.intents.values().filter(|intent| intent.privileged);
        privileged.fold(0, |bits, intent| bits | (1 << intent.bit))
    }

    /// The intent whose name is most like `name`, if one is like it at all.
    pub fn nearest_intent(name: &str) -> Option<&'static str> {
        nearest(name, EVENTS.intents.keys().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::schema::{Kind, field_kind, kind_of};

    #[test]
    fn an_event_is_found_by_both_of_its_names() {
        let create = event("message_create").unwrap();
        assert_eq!(event("MESSAGE_CREATE").unwrap().name, create.name);
        assert!(event("Message_Create").is_none());
        assert_eq!(create.schema, Some("MessageResponse"));
        assert_eq!(create.intents, ["guild_messages", "direct_messages"]);
        assert_eq!(nearest_event("mesage_create"), Some("message_create"));
    }

    #[test]
    fn what_an_event_holds_has_a_kind() {
        assert_eq!(kind_of("MESSAGE_CREATE"), Kind::Message);
        assert_eq!(field_kind("MESSAGE_CREATE", "author"), Some("UserResponse"));
        assert_eq!(
            field_kind("MESSAGE_CREATE", "member"),
            Some("GuildMemberResponse")
        );
        assert_eq!(
            field_kind("GUILD_CREATE", "channels"),
            Some("GuildChannelResponse")
        );
        assert_eq!(field_kind("MESSAGE_CREATE", "content"), None);
    }

    #[test]
    fn intents_are_bits() {
        assert_eq!(intents::of(["guilds", "message_content"]), Ok(1 | 1 << 15));
        assert_eq!(intents::of(["guilds", "guild"]), Err("guild"));
        assert_eq!(intents::names(1 | 1 << 15), ["guilds", "message_content"]);
        assert_eq!(intents::privileged(), 1 << 1 | 1 << 8 | 1 << 15);
        assert_eq!(intents::bit("guild_members"), Some(1 << 1));
    }
}

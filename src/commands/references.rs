//! The forms in which users and authors refer to something: mentions, ids, links, names.
//!
//! Anybody can give a role, a channel or themselves a name of digits, or one that looks like a mention. So what
//! can be an id is never compared with a name, and a name is never compared with an id.

use super::emoji::is_custom;
use super::escape::is_invisible;
use super::marks::{id_of, is_id, leading_brackets};

/// A number with fewer digits is a name or a count, not an id: those of 2015 have 17 digits.
const SHORTEST_ID: usize = 15;

/// Whether a text refers to something without its name: a mention or an id.
pub(super) fn is_reference(text: &str) -> bool {
    !matches!(Reference::of(text), Reference::Name(_))
}

/// The forms in which something can be referred to.
pub(super) enum Reference<'a> {
    /// `<@id>` or `<@!id>`
    User(&'a str),
    /// `<@&id>`
    Role(&'a str),
    /// `<#id>`
    Channel(&'a str),
    /// An id alone.
    Id(&'a str),
    /// Everything else.
    Name(&'a str),
}

impl<'a> Reference<'a> {
    /// What a text refers to.
    pub(super) fn of(text: &'a str) -> Self {
        let inside = text
            .strip_prefix('<')
            .and_then(|text| text.strip_suffix('>'));
        let mention = |mark| {
            let id: &str = inside?.strip_prefix(mark)?;
            is_id(id).then_some(id)
        };
        if let Some(id) = mention("@").or_else(|| mention("@!")) {
            Self::User(id)
        } else if let Some(id) = mention("@&") {
            Self::Role(id)
        } else if let Some(id) = mention("#") {
            Self::Channel(id)
        } else if is_whole_id(text.trim_start_matches(MARKS)) {
            Self::Id(text.trim_start_matches(MARKS))
        } else {
            Self::Name(text)
        }
    }
}

/// The character in front of a name that is typed like a mention. A number after it is still an id.
const MARKS: [char; 2] = ['@', '#'];

/// Whether a text can be nothing but an id.
fn is_whole_id(text: &str) -> bool {
    is_id(text) && text.len() >= SHORTEST_ID
}

/// The id of a user who is mentioned, or of whom the id is given: also of one who has left.
pub fn user_id(text: &str) -> Option<u64> {
    // Invisible characters may have been copied with it.
    let seen: String = text.chars().filter(|it| !is_invisible(*it)).collect();
    match Reference::of(seen.trim()) {
        Reference::User(id) | Reference::Id(id) => id_of(id),
        _ => None,
    }
}

/// Which role an author means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleKey {
    /// The one with this id, whatever it is called.
    Id(u64),
    /// Those with this name, in whatever letter case.
    Name(String),
}

impl From<&str> for RoleKey {
    fn from(text: &str) -> Self {
        // Invisible characters may have been copied with the id.
        let seen: String = text.chars().filter(|it| !is_invisible(*it)).collect();
        let id = match Reference::of(seen.trim()) {
            Reference::Role(id) | Reference::Id(id) => id_of(id),
            _ => None,
        };
        id.map_or_else(|| Self::Name(text.trim().to_owned()), Self::Id)
    }
}

impl RoleKey {
    /// Whether a role with this id and this name is meant.
    pub fn fits(&self, id: &str, name: &str) -> bool {
        match self {
            Self::Id(wanted) => id_of(id) == Some(*wanted),
            Self::Name(_) if self.is_of_other_kind() => false,
            Self::Name(wanted) => name.to_lowercase() == wanted.to_lowercase(),
        }
    }

    /// Whether it is a mention, and not of a role: no role's name is meant by it.
    pub(super) fn is_of_other_kind(&self) -> bool {
        let Self::Name(name) = self else {
            return false;
        };
        let seen: String = name.chars().filter(|it| !is_invisible(*it)).collect();
        is_reference(seen.trim())
    }

    /// The id or the name.
    pub fn text(&self) -> String {
        match self {
            Self::Id(id) => id.to_string(),
            Self::Name(name) => name.clone(),
        }
    }
}

/// The mark in angle brackets with which a text begins: a mention of somebody or something, a custom
/// emoji, a time. `<@1>` in `<@1>, hello`.
pub(super) fn leading_mark(text: &str) -> Option<&str> {
    let mark = leading_brackets(text)?;
    let is_mark = is_reference(mark) || is_custom(mark) || mark.starts_with("<t:");
    is_mark.then_some(mark)
}

/// The channel and the message of a link, of `channel-message`, or of an id alone.
pub(super) fn message_reference<'a>(text: &'a str, here: &'a str) -> Option<(&'a str, &'a str)> {
    let text = text.trim_start_matches('<').trim_end_matches('>');
    if let Some((_, path)) = text.split_once("/channels/") {
        let mut parts = path.split('/');
        let (_guild, channel, id) = (parts.next()?, parts.next()?, parts.next()?);
        let id = id.split(['?', '#']).next()?;
        return (is_discord(text) && is_id(channel) && is_id(id)).then_some((channel, id));
    }
    match text.split_once('-') {
        Some((channel, id)) => (is_id(channel) && is_id(id)).then_some((channel, id)),
        None => is_whole_id(text).then_some((here, text)),
    }
}

fn is_discord(link: &str) -> bool {
    let Some(rest) = link.strip_prefix("https://") else {
        return false;
    };
    let host = rest.split('/').next().unwrap_or_default();
    let host = ["ptb.", "canary.", "www."]
        .iter()
        .find_map(|part| host.strip_prefix(part))
        .unwrap_or(host);
    matches!(host, "discord.com" | "discordapp.com")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: &str = "950000000000000001";

    #[test]
    fn what_can_be_an_id_is_no_name() {
        let mention = format!("<@&{ID}>");
        let spaced = format!(" {ID} ");
        let unseen = format!("\u{200b}{ID}\u{2060}");
        let zero = format!("0{ID}");
        for text in [ID, &mention, &spaced, &unseen, &zero, &format!("@{ID}")] {
            let key = RoleKey::from(text);
            assert!(key.fits(ID, "anything"), "{text}");
            assert!(!key.fits("1", ID), "{text}");
            assert!(!key.fits("1", text), "{text}");
        }
        // A mention of somebody or of a channel is not a role, whatever a role is called.
        for kind in ["@", "@!", "#"] {
            let text = format!("<{kind}{ID}>");
            let key = RoleKey::from(text.as_str());
            assert!(key.is_of_other_kind(), "{text}");
            assert!(!key.fits("1", &text) && !key.fits(ID, "x"), "{text}");
        }
        // Neither a year nor a number of more than 64 bits is an id.
        for text in [
            "2024",
            "99999999999999999999",
            "Mods",
            "+950000000000000001",
        ] {
            let key = RoleKey::from(text);
            assert!(key.fits("1", &text.to_uppercase()), "{text}");
            assert!(!key.fits(text, "anything"), "{text}");
            assert!(!key.fits(ID, "anything"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_key_fits_by_its_own_kind_alone(text in "[@<&># 0-9a-z]{0,24}|[0-9]{1,21}", id in any::<u64>()) {
            let key = RoleKey::from(text.as_str());
            let by_name = key.fits("none", text.trim());
            let by_id = key.fits(&id.to_string(), "another");
            let number = text.trim().trim_start_matches(MARKS);
            if matches!(key, RoleKey::Id(_)) {
                prop_assert!(!by_name);
            } else {
                prop_assert!(by_name != is_reference(text.trim()) && !by_id && !key.fits(number, "another"));
            }
            let key = RoleKey::from(id.to_string().as_str());
            prop_assert!(key.fits(&id.to_string(), "x") || id < 100_000_000_000_000);
        }
    }

    #[test]
    fn a_mark_ends_where_its_bracket_closes() {
        for mark in [
            "<@1>", "<@!1>", "<@&1>", "<#1>", "<:ab:1>", "<a:ab:1>", "<t:1:R>",
        ] {
            for rest in ["", ",", "x", "<@2>", " >"] {
                assert_eq!(leading_mark(&format!("{mark}{rest}")), Some(mark));
            }
        }
        let long = format!("<@{}1>", "0".repeat(200));
        for other in ["", "<", "x<@1>", "<@x>", "<b>", "<é>", "<@1", &long] {
            assert_eq!(leading_mark(other), None, "{other}");
        }
    }

    #[test]
    fn messages_are_referred_to_by_link_pair_or_id() {
        let of = |text| message_reference(text, "1");
        let id = "400000000000000001";
        assert_eq!(of(id), Some(("1", id)));
        assert_eq!(of("2-3"), Some(("2", "3")));
        for host in ["discord.com", "ptb.discord.com", "www.discordapp.com"] {
            assert_eq!(
                message_reference(&format!("https://{host}/channels/@me/2/3"), "1"),
                Some(("2", "3"))
            );
            assert_eq!(
                message_reference(&format!("<https://{host}/channels/9/2/3?x>"), "1"),
                Some(("2", "3"))
            );
        }
        for wrong in [
            "3",
            "",
            "-",
            "2-x",
            "https://discord.com/channels/9/2",
            "https://discord.com.evil.com/channels/9/2/3",
        ] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}

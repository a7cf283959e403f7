//! The forms in which users refer to something: mentions, ids, links.

/// A number with fewer digits is a name or a count, not an id: those of 2015 have 17 digits.
const SHORTEST_ID: usize = 15;

/// Whether a text can be one of Discord's ids: up to 20 digits, which hold 64 bits.
pub(super) fn is_id(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

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
        } else if is_id(text) && text.len() >= SHORTEST_ID {
            Self::Id(text)
        } else {
            Self::Name(text)
        }
    }
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
        None => (is_id(text) && text.len() >= SHORTEST_ID).then_some((here, text)),
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

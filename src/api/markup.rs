//! `discord.escape`, `discord.clean`, `discord.emoji_key`: texts and emoji as Discord writes them.

use super::context::CogContext;
use super::fields::LONGEST_ID;
use crate::commands::emoji::{custom_emoji_id, parse_emoji};
use crate::commands::markup::{Names, clean, escape};
use crate::json::JsonRef;
use crate::vm::host::Host;
use mlua::{Lua, Table, Value};
use std::sync::Arc;

/// Bytes of a text: several times what fits into any message.
const LONGEST_TEXT: usize = 64 << 10;
/// Bytes of an emoji as it is written: a custom one has up to 60.
const LONGEST_EMOJI: usize = 100;

/// Puts the functions into the table from which the module is made.
pub(super) fn install(
    lua: &Lua,
    host: &Host,
    cog: &Arc<CogContext>,
    raw: &Table,
) -> mlua::Result<()> {
    let escaped = host.function(lua, "discord.escape", |_, arguments| {
        Ok(escape(&arguments.short_string(
            0,
            "the text",
            LONGEST_TEXT,
        )?))
    })?;
    raw.raw_set("escape", escaped)?;
    let owner = Arc::clone(cog);
    let cleaned = host.function(lua, "discord.clean", move |_, arguments| {
        let text = arguments.short_string(0, "the text", LONGEST_TEXT)?;
        let guild = match arguments.value(1) {
            Value::Nil => None,
            _ => Some(arguments.short_string(1, "the guild's id", LONGEST_ID)?),
        };
        let names = KnownNames { cog: &owner, guild };
        Ok(clean(&text, &names))
    })?;
    raw.raw_set("clean", cleaned)?;
    let key = host.function(lua, "discord.emoji_key", |_, arguments| {
        let text = arguments.short_string(0, "the emoji", LONGEST_EMOJI)?;
        emoji_key(&text).ok_or_else(|| {
            let expected = "an emoji, or one of Discord's objects for emoji";
            arguments.wrong("the emoji", expected, &arguments.value(0))
        })
    })?;
    raw.raw_set("emoji_key", key)
}

/// The id of a custom emoji, which stays when it is renamed; and the one form of a Unicode emoji.
fn emoji_key(text: &str) -> Option<String> {
    custom_emoji_id(text).map(str::to_owned).or_else(|| {
        let emoji = parse_emoji(text)?;
        Some(emoji.id.unwrap_or(emoji.name))
    })
}

/// The names that the bot knows.
struct KnownNames<'a> {
    cog: &'a CogContext,
    guild: Option<String>,
}

impl Names for KnownNames<'_> {
    fn user(&self, id: &str) -> Option<String> {
        let member = self.cog.services.cache.member(self.guild.as_deref()?, id)?;
        let user = member.get("user");
        let names = [
            member.str("nick"),
            user.and_then(|user| user.str("global_name")),
            user.and_then(|user| user.str("username")),
        ];
        names.into_iter().flatten().next().map(str::to_owned)
    }

    fn role(&self, id: &str) -> Option<String> {
        let role = self.cog.services.cache.role(self.guild.as_deref()?, id)?;
        role.str("name").map(str::to_owned)
    }

    fn channel(&self, id: &str) -> Option<String> {
        let channel = self.cog.services.cache.channel(id)?;
        let of = channel.get("guild_id").and_then(JsonRef::as_str);
        let is_meant = self.guild.is_none() || of.is_none() || of == self.guild.as_deref();
        channel.str("name").filter(|_| is_meant).map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::emoji_key;

    #[test]
    fn an_emoji_has_one_key_wherever_it_comes_from() {
        let table = [
            ("<:wave:1234567890>", Some("1234567890")),
            ("<a:wave:1234567890>", Some("1234567890")),
            ("wave:1234567890", Some("1234567890")),
            ("1234567890", Some("1234567890")),
            ("👍", Some("👍")),
            ("❤", Some("❤\u{fe0f}")),
            ("❤\u{fe0f}", Some("❤\u{fe0f}")),
            ("1\u{20e3}", Some("1\u{fe0f}\u{20e3}")),
            ("", None),
            ("word", None),
            ("<:wave:x>", None),
            ("wave:", None),
        ];
        for (text, key) in table {
            assert_eq!(emoji_key(text).as_deref(), key, "{text}");
        }
    }
}

//! The bot's token. It comes from the environment alone and never leaves in a message.

use std::fmt;

/// The bot's token, without `Bot ` in front. Neither `Debug` nor `Display` shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// Why Discord may refuse a token, and what to do about it.
pub const TOKEN_ADVICE: &str = "Likely it was reset, was copied incompletely, or is not this bot's: \
     a user's token, a client secret or another application's do not work. Open \
     https://discord.com/developers/applications, choose the application, then Bot and Reset Token, \
     set DISCORD_TOKEN to the new token (in the environment if it is set there, else in the file .env \
     beside config.json), and start the bot again";

/// A token as Discord's portal shows it: without the space, the quotes and the `Bot ` with which it may have been
/// copied.
pub(super) fn bare_token(text: &str) -> &str {
    let mut text = text.trim();
    // They may be nested in any order.
    while let Some(inner) = unquoted(text).or_else(|| without_kind(text)) {
        text = inner.trim();
    }
    text
}

fn unquoted(text: &str) -> Option<&str> {
    let mut quotes = ['"', '\'', '`'].into_iter();
    quotes.find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))
}

fn without_kind(text: &str) -> Option<&str> {
    let (kind, rest) = text.split_once(char::is_whitespace)?;
    kind.eq_ignore_ascii_case("bot").then_some(rest)
}

impl Token {
    /// The token as Discord's portal shows it; surrounding space, quotes and a leading `Bot ` are left out.
    pub fn new(token: &str) -> Self {
        Self(bare_token(token).to_owned())
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The token in `text`; none if there is nothing in it, and a sentence if it cannot be one.
    pub(super) fn parse(text: &str) -> Result<Option<Self>, String> {
        let text = bare_token(text);
        if text.is_empty() || text == "Bot" {
            return Ok(None);
        }
        // What is not visible ASCII cannot be sent in an HTTP header.
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(
                "the token has a character that no token has (a space, a line break, a letter \
                 outside ASCII): copy it again from Discord's developer portal"
                    .to_owned(),
            );
        }
        Ok(Some(Self(text.to_owned())))
    }

    /// The token itself: for the `Authorization` header and the gateway's identify, nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(hidden)")
    }
}

impl fmt::Display for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_what_the_portal_shows_however_it_was_copied() {
        for copied in [
            "a.b-c.d",
            " a.b-c.d\n",
            "\"a.b-c.d\"",
            "'a.b-c.d'",
            "`a.b-c.d`",
            "Bot a.b-c.d",
            "bot  a.b-c.d",
            "\"Bot a.b-c.d\"",
            "' a.b-c.d '",
            "Bot \"a.b-c.d\"",
            "Bot\ta.b-c.d",
            "'\"Bot  `a.b-c.d`\"'\r\n",
        ] {
            assert_eq!(Token::new(copied).expose(), "a.b-c.d", "{copied}");
            let parsed = Token::parse(copied).unwrap().unwrap();
            assert_eq!(parsed.expose(), "a.b-c.d", "{copied}");
        }
        for empty in ["", " ", "\"\"", "Bot", "Bot "] {
            assert_eq!(Token::parse(empty), Ok(None), "{empty}");
        }
        assert_eq!(bare_token("\"a"), "\"a");
        assert_eq!(bare_token("\""), "\"");
    }
}

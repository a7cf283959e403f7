//! How to reach Discord. The token comes from the environment alone and never leaves in a message.

use super::environment::Environment;
use super::problem::{ConfigErrors, Problem};
use axum::http::Uri;
use std::fmt;

/// The bot's token, without `Bot ` in front. Neither `Debug` nor `Display` shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// How to reach Discord.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    /// From `DISCORD_TOKEN`.
    pub token: Option<Token>,
    /// From `DISCORD_API_URL`: another server that speaks Discord's API, without a slash at its end.
    pub api_url: Option<String>,
    /// From `DISCORD_GATEWAY_URL`: where the gateway is, whatever the API says.
    pub gateway_url: Option<String>,
}

impl Connection {
    /// Reads `DISCORD_TOKEN`, `DISCORD_API_URL` and `DISCORD_GATEWAY_URL`.
    pub fn from_environment(environment: &Environment) -> Result<Self, ConfigErrors> {
        let mut problems = Vec::new();
        let mut note = |name: &str, message: String| {
            problems.push(Problem::of_variable(name, message));
        };
        let token = environment.get("DISCORD_TOKEN").map(Token::parse);
        let token = token.unwrap_or(Ok(None)).unwrap_or_else(|message| {
            note("DISCORD_TOKEN", message);
            None
        });
        let api_url = environment
            .get("DISCORD_API_URL")
            .map(|text| url(text, &API));
        let api_url = api_url.unwrap_or(Ok(None)).unwrap_or_else(|message| {
            note("DISCORD_API_URL", message);
            None
        });
        let gateway_url = environment.get("DISCORD_GATEWAY_URL");
        let gateway_url = gateway_url.map(|text| url(text, &GATEWAY));
        let gateway_url = gateway_url.unwrap_or(Ok(None)).unwrap_or_else(|message| {
            note("DISCORD_GATEWAY_URL", message);
            None
        });
        if problems.is_empty() {
            Ok(Self {
                token,
                api_url,
                gateway_url,
            })
        } else {
            Err(problems.into())
        }
    }
}

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
    // In whatever order they are around each other.
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
    fn parse(text: &str) -> Result<Option<Self>, String> {
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

/// What an address must be like.
struct UrlKind {
    schemes: [&'static str; 2],
    /// What may not be in it.
    without: &'static [char],
    example: &'static str,
}

const API: UrlKind = UrlKind {
    schemes: ["http", "https"],
    without: &['?', '#'],
    example: "http://127.0.0.1:8080",
};

/// The address of a gateway may have a query.
const GATEWAY: UrlKind = UrlKind {
    schemes: ["ws", "wss"],
    without: &['#'],
    example: "ws://127.0.0.1:7878",
};

/// The address in `text` without slashes at its end; none if there is nothing in it. The sentence
/// about a wrong one does not repeat it, for it may hold a password.
fn url(text: &str, kind: &UrlKind) -> Result<Option<String>, String> {
    let text = text.trim().trim_end_matches('/');
    if text.is_empty() {
        return Ok(None);
    }
    let fault = url_fault(text, kind.schemes).or_else(|| {
        let without: Vec<String> = kind.without.iter().map(char::to_string).collect();
        let has_more = text.contains(kind.without);
        has_more.then(|| format!("it has something after {}", without.join(" or ")))
    });
    let Some(fault) = fault else {
        return Ok(Some(text.to_owned()));
    };
    let ([plain, secure], example) = (kind.schemes, kind.example);
    Err(format!(
        "the address must be of {plain} or {secure}, such as {example}, but {fault}"
    ))
}

fn url_fault(text: &str, schemes: [&str; 2]) -> Option<String> {
    let Ok(uri) = text.parse::<Uri>() else {
        return Some("it is no address at all".to_owned());
    };
    let has_scheme = uri.scheme_str().is_some_and(|it| schemes.contains(&it));
    let authority = uri.authority();
    if !has_scheme {
        let [plain, secure] = schemes;
        Some(format!("it does not begin with {plain}:// or {secure}://"))
    } else if authority.is_none_or(|authority| authority.host().is_empty()) {
        Some("it names no host".to_owned())
    } else if authority.is_some_and(|authority| authority.as_str().contains('@')) {
        Some("it holds a user name or password".to_owned())
    } else {
        None
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

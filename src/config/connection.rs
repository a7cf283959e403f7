//! How to reach Discord: what the environment says about it.

use super::environment::Environment;
use super::problem::{ConfigErrors, Problem};
use super::token::Token;
use axum::http::Uri;

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

/// The address in `text` without slashes at its end; none if there is nothing in it. The error about a wrong one does
/// not repeat it, because it may contain a password.
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
        return Some("it is not a URL".to_owned());
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

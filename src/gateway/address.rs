//! Where the gateway is, and at which address a session may be resumed.

use super::GatewayError;
use axum::http::Uri;
use std::time::Duration;

/// What `GET /gateway/bot` answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayAddress {
    /// `ws://` or `wss://`, host and port, with no query.
    pub url: String,
    /// The number of shards to run, at least 1.
    pub shards: u32,
    /// How many shards may identify in the same five seconds; 0 means that the server does not
    /// limit it.
    pub max_concurrency: u16,
    /// What remains of the day's identifies, where the server says so.
    pub identifies_left: Option<IdentifiesLeft>,
}

/// What remains of the number of new sessions that Discord allows in a day. A bot that exceeds it
/// loses its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdentifiesLeft {
    /// Identifies in a day.
    pub total: u32,
    /// Identifies that are left.
    pub remaining: u32,
    /// The time after which the full number is there again.
    pub reset_after: Duration,
}

impl GatewayAddress {
    /// One shard at `url`, and no limit on identifying.
    pub fn single(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            shards: 1,
            max_concurrency: 0,
            identifies_left: None,
        }
    }
}

/// The address as `twilight-gateway` wants it: it appends `/?v=10&…` by itself, and panics on a URL
/// that cannot be parsed.
pub(super) fn base(url: &str) -> Result<String, GatewayError> {
    let refuse = |reason: &str| {
        Err(GatewayError::Address {
            url: url.to_owned(),
            reason: reason.to_owned(),
        })
    };
    let base = url.trim().trim_end_matches('/');
    if base.contains(['?', '#']) {
        return refuse("it must have no query");
    }
    let Ok(uri) = format!("{base}/?v=10&encoding=json&compress=zstd-stream").parse::<Uri>() else {
        return refuse("it is not a URL");
    };
    if !matches!(uri.scheme_str(), Some("ws" | "wss")) {
        return refuse("it must begin with ws:// or wss://");
    }
    if uri.host().is_none_or(str::is_empty) {
        return refuse("it names no host");
    }
    Ok(base.to_owned())
}

/// The address at which a session that the server at `configured` opened may be resumed, given the
/// one that the server `offered`. Nothing when it must be resumed at `configured` itself: another
/// server's session never goes to Discord (a proxy may pass Discord's own address through), and the
/// token never leaves TLS.
pub(super) fn resume_base(configured: &str, offered: &str) -> Option<String> {
    let offered = base(offered).ok()?;
    let secure = |url: &str| url.starts_with("wss://");
    let strays = is_discord(&offered) && !is_discord(configured);
    let exposes = secure(configured) && !secure(&offered);
    (!strays && !exposes).then_some(offered)
}

/// Whether the URL is one of Discord's own.
pub(super) fn is_discord(url: &str) -> bool {
    const DOMAINS: [&str; 4] = [
        "discord.gg",
        "discord.com",
        "discordapp.com",
        "discord.media",
    ];
    let uri = url.parse::<Uri>().ok();
    let Some(host) = uri.as_ref().and_then(Uri::host) else {
        return false;
    };
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    DOMAINS.iter().any(|domain| {
        host.strip_suffix(domain)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_checked_before_anything_connects() {
        assert_eq!(base("ws://127.0.0.1:80/").unwrap(), "ws://127.0.0.1:80");
        assert_eq!(base("wss://a.b/gateway").unwrap(), "wss://a.b/gateway");
        for bad in [
            "",
            "http://a",
            "wss://",
            "ws://a b",
            "ws://a/?v=9",
            "a",
            "ws:///x",
        ] {
            let message = base(bad).unwrap_err().to_string();
            assert!(message.contains("cannot be used"), "{message}");
        }
    }

    #[test]
    fn a_session_stays_with_its_server() {
        let discord = "wss://gateway.discord.gg";
        let near = "wss://gateway-us-east1-b.discord.gg";
        assert_eq!(resume_base(discord, near).as_deref(), Some(near));
        assert_eq!(resume_base("ws://127.0.0.1:7", near), None);
        assert_eq!(
            resume_base("wss://proxy.example", "wss://GATEWAY.discord.GG."),
            None
        );
        assert_eq!(
            resume_base("wss://proxy.example", "ws://proxy.example"),
            None
        );
        assert_eq!(resume_base("ws://127.0.0.1:7", "not a url"), None);
        let own = "ws://127.0.0.1:8";
        assert_eq!(resume_base("ws://127.0.0.1:7", own).as_deref(), Some(own));
        assert!(!is_discord("wss://notdiscord.gg"));
    }
}

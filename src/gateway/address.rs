//! Where the gateway is, and at which address a session may be resumed.

use super::GatewayError;
use axum::http::Uri;
use std::time::Duration;

/// What `GET /gateway/bot` answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayAddress {
    /// `ws://` or `wss://`, host and port; it may have a query.
    pub url: String,
    /// Whether sessions are resumed there, too, whatever address READY names.
    pub is_fixed: bool,
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
            is_fixed: false,
            shards: 1,
            max_concurrency: 0,
            identifies_left: None,
        }
    }
}

/// What `twilight-gateway` appends to an address.
const SUFFIX: &str = "/?v=10&encoding=json&compress=zstd-stream";

/// The names of the parameters in it.
const OWN_PARAMETERS: [&str; 3] = ["v", "encoding", "compress"];

/// The address as `twilight-gateway` wants it: it appends `/?v=10&…` by itself, and panics on a URL that cannot be
/// parsed. For an address with its own query, the result already contains the whole query and ends with `#`, so that
/// what twilight appends is a fragment, which is never sent.
pub(super) fn base(url: &str) -> Result<String, GatewayError> {
    let refuse = |reason: &str| {
        Err(GatewayError::Address {
            url: url.to_owned(),
            reason: reason.to_owned(),
        })
    };
    let text = url.trim();
    let text = text.strip_suffix('#').unwrap_or(text);
    if text.contains('#') {
        return refuse("it must have nothing after a #");
    }
    let (place, query) = split_query(text);
    let place = place.trim_end_matches('/');
    let own: Vec<_> = query.split('&').filter(|it| !is_twilights(it)).collect();
    let base = if own.is_empty() {
        place.to_owned()
    } else {
        let suffix = SUFFIX.trim_start_matches("/?");
        format!("{place}/?{}&{suffix}#", own.join("&"))
    };
    let Ok(uri) = format!("{base}{SUFFIX}").parse::<Uri>() else {
        return refuse("it is not a URL");
    };
    if !matches!(uri.scheme_str(), Some("ws" | "wss")) {
        return refuse("it must begin with ws:// or wss://");
    }
    if uri.host().is_none_or(str::is_empty) {
        return refuse("it names no host");
    }
    Ok(base)
}

/// Whether a part of a query is empty, or is for twilight to say.
fn is_twilights(parameter: &str) -> bool {
    let name = parameter.split('=').next().unwrap_or_default();
    name.is_empty() || OWN_PARAMETERS.contains(&name)
}

/// An address and its query, which may hold a secret.
pub(crate) fn split_query(url: &str) -> (&str, &str) {
    url.split_once('?').unwrap_or((url, ""))
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
            "ws://a/#b",
            "ws:///?b=c",
            "a",
            "ws:///x",
        ] {
            let message = base(bad).unwrap_err().to_string();
            assert!(message.contains("cannot be used"), "{message}");
        }
    }

    #[test]
    fn a_query_is_merged_with_twilights_and_twice_makes_no_difference() {
        let cases = [
            ("ws://a/", "/?v=10&encoding=json&compress=zstd-stream"),
            ("ws://a?", "/?v=10&encoding=json&compress=zstd-stream"),
            (
                "ws://a/?v=9&encoding=etf",
                "/?v=10&encoding=json&compress=zstd-stream",
            ),
            (
                "ws://a/b?key=x%20y&v=9",
                "/b/?key=x%20y&v=10&encoding=json&compress=zstd-stream",
            ),
            (
                "ws://a/?key=x&&compress=no&vv=1",
                "/?key=x&vv=1&v=10&encoding=json&compress=zstd-stream",
            ),
        ];
        for (given, sent) in cases {
            let once = base(given).unwrap();
            assert_eq!(base(&once).unwrap(), once, "{given}");
            assert_eq!(resume_base(&once, &once).as_deref(), Some(&*once));
            let uri: Uri = format!("{once}{SUFFIX}").parse().unwrap();
            assert_eq!(uri.path_and_query().unwrap(), sent, "{given}");
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

//! Keeps other web pages out: the studio acts as the bot's owner, so it answers its own page only.

use super::actions::refusal;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use std::sync::Arc;

const HEADERS: [(header::HeaderName, &str); 6] = [
    (header::CACHE_CONTROL, "no-cache"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        header::HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        header::HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
];

/// Nothing but the page's own files, and the simulator's for pictures; nothing inline, nothing from
/// elsewhere, in nobody's frame.
pub(super) fn content_security_policy(files: &str) -> HeaderValue {
    let policy = format!(
        "default-src 'self'; img-src 'self' {files}; object-src 'none'; base-uri 'none'; \
         form-action 'self'; frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'self'"))
}

/// The names under which this server is reached from its own machine.
#[derive(Clone)]
pub(super) struct OwnAddresses(Arc<[String]>);

impl OwnAddresses {
    /// `localhost`, `127.0.0.1` and `[::1]` with this port, and without one when it is HTTP's own.
    pub(super) fn new(port: u16) -> Self {
        let names = ["localhost", "127.0.0.1", "[::1]"];
        let mut own: Vec<_> = names.iter().map(|name| format!("{name}:{port}")).collect();
        if port == 80 {
            own.extend(names.map(str::to_owned));
        }
        Self(own.into())
    }

    fn contains(&self, host: &str) -> bool {
        self.0.iter().any(|own| own.eq_ignore_ascii_case(host))
    }
}

/// Refuses a request for another host (DNS rebinding) or from another page.
pub(super) async fn check(
    State(own): State<OwnAddresses>,
    request: Request,
    next: Next,
) -> Response {
    // A proxy's form of the request line (`GET http://host/ HTTP/1.1`) names a host, too.
    let host = request.uri().authority().map_or_else(
        || only(request.headers(), &header::HOST),
        |authority| Some(authority.as_str()),
    );
    if !host.is_some_and(|host| own.contains(host)) {
        return refusal(
            StatusCode::MISDIRECTED_REQUEST,
            "This is the studio of a bot on this machine. Open it by the address that the bot \
             printed, which begins with http://127.0.0.1 or http://localhost.",
        );
    }
    if is_foreign(request.headers(), &own) {
        return refusal(
            StatusCode::FORBIDDEN,
            "Only the studio's own page may ask this; the request came from another web page.",
        );
    }
    next.run(request).await
}

fn is_foreign(headers: &HeaderMap, own: &OwnAddresses) -> bool {
    if headers.contains_key(header::ORIGIN) {
        return !only(headers, &header::ORIGIN)
            .and_then(|origin| origin.strip_prefix("http://"))
            .is_some_and(|host| own.contains(host));
    }
    // A page elsewhere can load a script or a picture from here without an Origin, but a link to
    // the page itself is welcome.
    let navigates = headers
        .get("sec-fetch-mode")
        .is_some_and(|mode| mode == "navigate");
    headers
        .get("sec-fetch-site")
        .is_some_and(|site| site != "same-origin" && site != "none")
        && !navigates
}

/// The value of a header that is there exactly once.
fn only<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    values
        .next()
        .is_none()
        .then(|| first.to_str().ok())
        .flatten()
}

/// Adds what tells the browser to keep the page shut.
pub(super) async fn add_headers(
    State(policy): State<HeaderValue>,
    mut response: Response,
) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_addresses_are_this_machine_with_this_port() {
        let own = OwnAddresses::new(7878);
        for host in [
            "localhost:7878",
            "LOCALHOST:7878",
            "127.0.0.1:7878",
            "[::1]:7878",
        ] {
            assert!(own.contains(host), "{host}");
        }
        for host in [
            "localhost",
            "127.0.0.1:80",
            "localhost.evil.example:7878",
            "evil.example",
            "",
        ] {
            assert!(!own.contains(host), "{host}");
        }
        assert!(OwnAddresses::new(80).contains("localhost"));
    }
}

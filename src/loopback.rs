//! Keeps web pages from elsewhere out of a server on this machine. A browser sends requests to it for any page
//! that its user opens: under another name that leads here (DNS rebinding), with the page's own address as
//! `Origin`, or without one for pictures and scripts.

use axum::http::header::{self, HeaderMap, HeaderName};
use axum::http::uri::Uri;
use std::net::SocketAddr;
use std::sync::Arc;

/// The names under which a server is reached from its own machine.
#[derive(Clone, Debug)]
pub(crate) struct OwnAddresses(Arc<[String]>);

impl OwnAddresses {
    /// `localhost`, `127.0.0.1`, `[::1]` and the listener's own address with its port, and without one when it is
    /// HTTP's own.
    pub(crate) fn of(listener: SocketAddr) -> Self {
        let port = listener.port();
        let names = ["localhost", "127.0.0.1", "[::1]"];
        let mut own: Vec<_> = names.iter().map(|name| format!("{name}:{port}")).collect();
        own.push(listener.to_string());
        if port == 80 {
            own.extend(names.map(str::to_owned));
        }
        Self(own.into())
    }

    /// Whether a request names this server, by `Host` or in its first line.
    pub(crate) fn are_meant(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        // A proxy's form of the request line (`GET http://host/ HTTP/1.1`) names a host, too.
        let host = uri.authority().map_or_else(
            || only(headers, &header::HOST),
            |authority| Some(authority.as_str()),
        );
        host.is_some_and(|host| self.contains(host))
    }

    /// Whether a request that has an `Origin` comes from another server's page.
    pub(crate) fn are_not_the_origin(&self, headers: &HeaderMap) -> bool {
        headers.contains_key(header::ORIGIN)
            && !only(headers, &header::ORIGIN)
                .and_then(|origin| origin.strip_prefix("http://"))
                .is_some_and(|host| self.contains(host))
    }

    fn contains(&self, host: &str) -> bool {
        self.0.iter().any(|own| own.eq_ignore_ascii_case(host))
    }
}

/// Whether a browser says that another page asks for a part of it, such as a script or a picture: such a request
/// may have no `Origin`. A link to this server is none of these.
pub(crate) fn is_part_of_another_page(headers: &HeaderMap) -> bool {
    let navigates = headers
        .get("sec-fetch-mode")
        .is_some_and(|mode| mode == "navigate");
    headers
        .get("sec-fetch-site")
        .is_some_and(|site| site != "same-origin" && site != "none")
        && !navigates
}

/// The value of a header that is there exactly once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    values
        .next()
        .is_none()
        .then(|| first.to_str().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_addresses_are_this_machine_with_this_port() {
        let own = OwnAddresses::of(SocketAddr::from(([127, 0, 0, 1], 7878)));
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
        let configured = OwnAddresses::of(SocketAddr::from(([127, 0, 0, 5], 80)));
        assert!(configured.contains("127.0.0.5:80") && configured.contains("localhost"));
        assert!(!configured.contains("127.0.0.6:80"));
    }
}

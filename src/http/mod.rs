//! Requests of cogs to other servers: only to hosts that the operator allows, and never to a private address.
//!
//! ```text
//! host on the list? ─ address public? (at each connection, so that no name can lead elsewhere) ─ request ─ redirect: again
//! ```
//!
//! - `hosts.rs`: which hosts the operator allows
//! - `address.rs`: which addresses cogs may reach: those of the public internet
//! - here: the client, its requests and redirects

mod address;
mod hosts;

use crate::requests::{OpenOfCog, OpenRequests};
use crate::secrets;
use address::{NotPublic, PublicAddresses, is_public};
pub use hosts::is_allowed;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Client, Method, Response, StatusCode, Url};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Redirects that are followed.
const MOST_REDIRECTS: usize = 5;

/// A connection that is not there by then never will be.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

const USER_AGENT: &str = concat!("cogsmith/", env!("CARGO_PKG_VERSION"));

/// Hosts with fixed addresses, as in `/etc/hosts`; these addresses may be private.
pub type KnownHosts = BTreeMap<String, IpAddr>;

/// Where a request may go.
#[derive(Clone, Copy, Debug)]
pub struct Reach<'a> {
    /// The hosts that are allowed (see [`is_allowed`]), where they have public addresses.
    pub hosts: &'a [String],
    /// A server that is allowed wherever it is: one that the operator has named.
    pub server: Option<&'a Url>,
}

impl<'a> Reach<'a> {
    /// These hosts and no other server.
    pub fn of(hosts: &'a [String]) -> Self {
        Self {
            hosts,
            server: None,
        }
    }

    fn is_server(&self, url: &Url) -> bool {
        let same = |server: &&Url| server.origin() == url.origin();
        self.server.as_ref().is_some_and(same)
    }
}

/// Sends requests. Clones share connections.
#[derive(Clone, Debug)]
pub struct HttpClient {
    client: Client,
    open: OpenRequests,
}

/// One request.
#[derive(Clone, Debug)]
pub struct HttpRequest {
    /// GET, POST …
    pub method: Method,
    /// With its query.
    pub url: Url,
    /// What is sent along.
    pub headers: HeaderMap,
    /// Nothing for a request without one.
    pub body: Option<Vec<u8>>,
    /// For everything, redirects included.
    pub timeout: Duration,
    /// Bytes that the answer's body may have.
    pub most: usize,
}

/// One answer, read to its end.
#[derive(Clone, Debug)]
pub struct HttpResponse {
    /// 200, 404 …
    pub status: StatusCode,
    /// What came along.
    pub headers: HeaderMap,
    /// As it came.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum HttpError {
    /// The address cannot be requested.
    #[error("{0}")]
    Address(&'static str),
    /// The operator does not allow the host.
    #[error("config.json does not allow the host \"{0}\" (http.allow)")]
    NotAllowed(String),
    /// The host is in a private network, or is this machine.
    #[error("\"{0}\" is at a private address, which no cog may reach")]
    Private(String),
    /// The answer is longer than it may be.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    /// It took too long.
    #[error("there was no answer within {0} s")]
    TooLate(f64),
    /// It was led from one address to the next.
    #[error("more than {MOST_REDIRECTS} redirects")]
    Redirects,
    /// There was no connection, or it broke.
    #[error("no answer from \"{host}\": {why}")]
    Network {
        /// Who did not answer.
        host: String,
        /// What happened, in one line.
        why: String,
    },
}

impl HttpClient {
    /// Connects nothing yet. An error says why requests cannot be made at all.
    pub fn new(hosts: KnownHosts) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .user_agent(USER_AGENT)
            .redirect(reqwest::redirect::Policy::none())
            // A proxy would look names up by itself.
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            // A connection ends with its request: those that wait for a next one would be counted nowhere.
            .pool_max_idle_per_host(0)
            // What is counted as it comes must not become more afterwards.
            .no_gzip()
            .no_brotli()
            .no_deflate()
            .no_zstd()
            .dns_resolver(Arc::new(PublicAddresses::new(hosts)))
            .build()?;
        let open = OpenRequests::default();
        Ok(Self { client, open })
    }

    /// Sends a request within `reach`, and follows redirects there. It
    /// waits while the cog whose requests `cog` counts, or all cogs together, have too many open.
    pub async fn send(
        &self,
        request: HttpRequest,
        reach: Reach<'_>,
        cog: &OpenOfCog,
    ) -> Result<HttpResponse, HttpError> {
        let timeout = request.timeout;
        let request = request.without_secrets()?;
        let sending = async {
            let _open = self.open.open(cog).await;
            self.follow(request, reach).await
        };
        let answered = tokio::time::timeout(timeout, sending).await;
        answered.unwrap_or(Err(HttpError::TooLate(timeout.as_secs_f64())))
    }

    async fn follow(
        &self,
        mut request: HttpRequest,
        reach: Reach<'_>,
    ) -> Result<HttpResponse, HttpError> {
        for _ in 0..=MOST_REDIRECTS {
            let host = check(&request.url, reach)?;
            let sending = self
                .client
                .request(request.method.clone(), request.url.clone())
                .headers(request.headers.clone());
            let sending = match &request.body {
                Some(body) => sending.body(body.clone()),
                None => sending,
            };
            let response = sending
                .send()
                .await
                .map_err(|error| network(&host, &error))?;
            match redirection(&response) {
                Some(target) => request.redirect(response.status(), &target)?,
                None => return read(response, &host, request.most).await,
            }
        }
        Err(HttpError::Redirects)
    }
}

impl HttpRequest {
    /// The same without secrets of the process, should the cog have come by one.
    fn without_secrets(mut self) -> Result<Self, HttpError> {
        let wrong = HttpError::Address("the address contains a secret of the bot");
        let url = secrets::hide_text(self.url.as_str());
        self.url = Url::parse(&url).map_err(|_| wrong)?;
        for value in self.headers.values_mut() {
            let shown = HeaderValue::from_bytes(&secrets::hide(value.as_bytes()));
            // The text that replaces a secret is allowed in a header.
            *value = shown.unwrap_or(HeaderValue::from_static(""));
        }
        self.body = self.body.map(|body| secrets::hide(&body).into_owned());
        Ok(self)
    }

    /// Continues to `target`, as browsers do. Data for one server is not sent to another: the author named only the
    /// first one, and the first one names the second.
    fn redirect(&mut self, status: StatusCode, target: &str) -> Result<(), HttpError> {
        let wrong = |_| HttpError::Address("the redirect leads to something that is not a URL");
        let next = self.url.join(target).map_err(wrong)?;
        if becomes_get(status, &self.method) {
            self.method = Method::GET;
            self.body = None;
            self.headers.remove(CONTENT_TYPE);
        }
        if next.origin() != self.url.origin() {
            // The type of a body is kept only with the body.
            let kind = self.headers.remove(CONTENT_TYPE);
            self.headers.clear();
            if let (Some(kind), Some(_)) = (kind, &self.body) {
                self.headers.insert(CONTENT_TYPE, kind);
            }
        }
        self.url = next;
        Ok(())
    }
}

/// Whether a redirected request is continued as GET, without its body (Fetch Standard, "HTTP-redirect fetch").
fn becomes_get(status: StatusCode, method: &Method) -> bool {
    match status {
        StatusCode::SEE_OTHER => !matches!(*method, Method::GET | Method::HEAD),
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => *method == Method::POST,
        _ => false,
    }
}

/// The host of an address that may be requested.
fn check(url: &Url, reach: Reach<'_>) -> Result<String, HttpError> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(HttpError::Address(
            "the address must begin with https:// or http://",
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(HttpError::Address(
            "the address must be without user and password; send them as a header",
        ));
    }
    let host = url.host_str().unwrap_or_default().to_owned();
    if reach.is_server(url) {
        return Ok(host);
    }
    if !is_allowed(&host, reach.hosts) {
        return Err(HttpError::NotAllowed(host));
    }
    // A name is looked up for each connection; an address is one already.
    let literal = host.trim_matches(['[', ']']).parse::<IpAddr>();
    if literal.is_ok_and(|address| !is_public(address)) {
        return Err(HttpError::Private(host));
    }
    Ok(host)
}

/// Where an answer leads, if it is a redirect.
fn redirection(response: &Response) -> Option<String> {
    let leads = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let target = response.headers().get(LOCATION).filter(|_| leads)?;
    target.to_str().ok().map(str::to_owned)
}

async fn read(mut response: Response, host: &str, most: usize) -> Result<HttpResponse, HttpError> {
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| network(host, &error))?
    {
        if body.len() + chunk.len() > most {
            return Err(HttpError::TooLong(most));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(HttpResponse {
        status: response.status(),
        headers: std::mem::take(response.headers_mut()),
        body,
    })
}

/// What happened, without the URL, which may contain a key.
fn network(host: &str, error: &reqwest::Error) -> HttpError {
    let mut cause: &dyn std::error::Error = error;
    loop {
        if cause.is::<NotPublic>() {
            return HttpError::Private(host.to_owned());
        }
        match cause.source() {
            Some(source) => cause = source,
            None => break,
        }
    }
    HttpError::Network {
        host: host.to_owned(),
        why: cause.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::COOKIE;

    #[test]
    fn a_request_takes_no_secret_along() {
        let secret = "secret-for-no-other-server";
        let _keeper = secrets::keep(secret);
        let request = HttpRequest {
            method: Method::POST,
            url: Url::parse(&format!("https://example.org/{secret}?q={secret}")).unwrap(),
            headers: HeaderMap::from_iter([(COOKIE, HeaderValue::from_static(secret))]),
            body: Some(format!("a {secret}").into_bytes()),
            timeout: Duration::from_secs(1),
            most: 1,
        };
        let sent = request.without_secrets().unwrap();
        assert_eq!(sent.url.as_str(), "https://example.org/(hidden)?q=(hidden)");
        assert_eq!(sent.headers[COOKIE], "(hidden)");
        assert_eq!(sent.body.as_deref(), Some("a (hidden)".as_bytes()));
    }
}

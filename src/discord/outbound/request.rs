//! One request on the wire. Whatever a cog or an author's file put into it, no secret leaves in it.

use super::answer::{ApiResponse, Broken, CallError, Unread};
use super::connections::{Body, Connections};
use super::form::Form;
use super::repeat::AttemptFailure;
use super::{OutboundError, OutboundOptions};
use crate::charge::Charge;
use crate::discord::arguments::{File, Prepared, percent};
use crate::secrets;
use hyper::body::Bytes;
use hyper::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue,
    USER_AGENT,
};
use hyper::http::uri::{InvalidUri, PathAndQuery};
use hyper::{Method, Request, Uri};
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;
use serde_json::Value;
use std::borrow::Cow;
use std::error::Error;
use std::time::Duration;

/// Where Discord is when no other server is configured.
const DISCORD: &str = "https://discord.com";

/// The version of the API that the facts describe.
const VERSION: &str = "/api/v10";

const JSON: &str = "application/json";

const BOT: &str = concat!("DiscordBot (cogsmith, ", env!("CARGO_PKG_VERSION"), ")");

static REASON: HeaderName = HeaderName::from_static("x-audit-log-reason");

/// Sends requests to one server and to no other.
pub(super) struct Client {
    connections: Connections,
    /// Without a slash at its end.
    base: String,
    /// What of that belongs to each path.
    prefix: String,
    /// The server, if it is not Discord's.
    other_server: Option<Url>,
    host: HeaderValue,
    authorization: HeaderValue,
}

/// A request, written once for all attempts.
pub(super) struct Encoded {
    request: Request<Body>,
    /// How long its body is.
    bytes: usize,
}

impl Client {
    pub(super) fn new(options: &OutboundOptions) -> Result<Self, OutboundError> {
        let given = options.api_url.as_deref().unwrap_or(DISCORD);
        let wrong = || OutboundError::Address(given.to_owned());
        let url = Url::parse(given).map_err(|_| wrong())?;
        let has_user = !url.username().is_empty() || url.password().is_some();
        let plain = url.query().is_none() && url.fragment().is_none() && !has_user;
        if !matches!(url.scheme(), "http" | "https") || !plain {
            return Err(wrong());
        }
        let host = match (url.host_str(), url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (Some(host), None) => host.to_owned(),
            (None, _) => return Err(wrong()),
        };
        let server = Uri::try_from(format!("{}://{host}/", url.scheme())).map_err(|_| wrong())?;
        let token = format!("Bot {}", options.token.expose());
        let mut authorization = HeaderValue::from_str(&token).map_err(|_| OutboundError::Token)?;
        authorization.set_sensitive(true);
        let proxy = match options.api_url {
            None => Matcher::from_env().intercept(&server),
            // A server that is named explicitly is reached directly, without the system's proxy.
            Some(_) => None,
        };
        Ok(Self {
            connections: Connections::new(server, proxy)?,
            base: format!("{}{VERSION}", given.trim_end_matches('/')),
            prefix: format!("{}{VERSION}", url.path().trim_end_matches('/')),
            other_server: options.api_url.is_some().then_some(url),
            host: HeaderValue::try_from(host).map_err(|_| wrong())?,
            authorization,
        })
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    pub(super) fn other_server(&self) -> Option<&Url> {
        self.other_server.as_ref()
    }

    /// Whether nobody on the way to the server can read along.
    pub(super) fn is_secure(&self) -> bool {
        self.base.starts_with("https://")
    }
}

impl Encoded {
    /// Roughly how many bytes will be sent.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Client {
    /// Writes a request. Whatever comes from outside is searched for secrets.
    pub(super) fn encode(&self, prepared: &Prepared) -> Result<Encoded, CallError> {
        let uri = self.uri(prepared).map_err(|error| CallError::Network {
            operation: prepared.operation.id,
            message: format!("the request cannot be sent ({error})"),
        })?;
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(HOST, self.host.clone());
        headers.insert(USER_AGENT, HeaderValue::from_static(BOT));
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        if !prepared.operation.carries_its_token() {
            headers.insert(AUTHORIZATION, self.authorization.clone());
        }
        // It is percent-encoded, so it always can be a header's value; and so can the boundary of a form.
        let header = |text: &str| HeaderValue::from_str(text).ok();
        if let Some(reason) = &prepared.reason {
            let reason = header(&secrets::hide_text(reason));
            headers.extend(reason.map(|reason| (REASON.clone(), reason)));
        }
        let mut body = Bytes::new();
        if prepared.operation.form_only || !prepared.files.is_empty() {
            let (kind, form) = form(prepared);
            headers.extend(header(&kind).map(|kind| (CONTENT_TYPE, kind)));
            body = form.into();
        } else if let Some(fields) = &prepared.body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
            body = json(fields).into();
        } else if matches!(prepared.method, "POST" | "PUT" | "PATCH") {
            // Discord answers 411 without it.
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let bytes = body.len();
        let mut request = Request::new(Body::new(body));
        *request.method_mut() = Method::from_bytes(prepared.method.as_bytes()).unwrap_or_default();
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok(Encoded { request, bytes })
    }

    /// The path and the query. A token is made of letters that no path encodes.
    fn uri(&self, prepared: &Prepared) -> Result<Uri, InvalidUri> {
        let path = secrets::hide_text(&prepared.path);
        let mut uri = String::with_capacity(self.prefix.len() + path.len());
        uri.push_str(&self.prefix);
        uri.push_str(&path);
        for (position, (name, value)) in prepared.query.iter().enumerate() {
            uri.push(if position == 0 { '?' } else { '&' });
            uri.push_str(name);
            uri.push('=');
            uri.push_str(&percent(&secrets::hide_text(value)));
        }
        PathAndQuery::try_from(uri).map(Uri::from)
    }

    /// Sends a request once; `left` is the time that is left for it. `charge` grows by what the answer takes.
    pub(super) async fn send(
        &self,
        encoded: &Encoded,
        left: Duration,
        charge: &mut Charge,
    ) -> Result<ApiResponse, NoAnswer> {
        let until = tokio::time::Instant::now() + left;
        let answer = self.connections.send(&encoded.request, until, charge).await;
        answer.map_err(NoAnswer)
    }
}

/// The text of a body, without secrets.
fn json(body: &Value) -> Vec<u8> {
    // A tree of JSON values with keys that are strings can always be written.
    let text = serde_json::to_vec(body).unwrap_or_default();
    match secrets::hide(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(hidden) => hidden,
    }
}

/// The type of the form in which files are sent, and the form.
fn form(prepared: &Prepared) -> (String, Vec<u8>) {
    let mut form = Form::new();
    if prepared.operation.form_only {
        let fields = prepared.body.as_ref().and_then(Value::as_object);
        for (name, value) in fields.into_iter().flatten() {
            let text = match value {
                Value::Null => continue,
                Value::String(text) => Cow::Borrowed(text.as_str()),
                other => Cow::Owned(other.to_string()),
            };
            form.part(name, None, None, secrets::hide_text(&text).as_bytes());
        }
    } else {
        let body = prepared.body.as_ref().map(json).unwrap_or_default();
        form.part("payload_json", None, Some(JSON), &body);
    }
    for (position, file) in prepared.files.iter().enumerate() {
        let name = match file.part {
            Some(name) => Cow::Borrowed(name),
            None => Cow::Owned(format!("files[{position}]")),
        };
        let filename = secrets::hide_text(&file.filename);
        let content = secrets::hide(&file.content);
        form.part(&name, Some(&filename), Some(&kind_of(file)), &content);
    }
    form.finish()
}

/// The type of a file's content, by its name.
fn kind_of(file: &File) -> String {
    let kind = mime_guess::from_path(&file.filename).first_or_octet_stream();
    match kind.type_() {
        // Discord shows a text only if it knows how it is encoded.
        mime_guess::mime::TEXT => format!("{kind}; charset=utf-8"),
        _ => kind.to_string(),
    }
}

/// A request that got no complete answer.
pub(super) struct NoAnswer(Unread);

impl NoAnswer {
    /// What happened to the request.
    pub(super) fn failure(&self) -> AttemptFailure {
        match &self.0 {
            Unread::Broken(Broken::NoConnection(_)) | Unread::BrokenRefusal(_) => {
                AttemptFailure::NotDone
            }
            Unread::Broken(_) => AttemptFailure::MaybeDone,
            Unread::TooLong | Unread::Full => AttemptFailure::Final,
        }
    }

    /// The network's problem, in two or three words.
    pub(super) fn in_short(&self) -> &'static str {
        match &self.0 {
            Unread::Broken(Broken::NoConnection(_)) => "no connection",
            Unread::Broken(Broken::Late) => "no answer",
            _ => "the connection breaks",
        }
    }

    /// What happened, without the URL, which may contain a webhook's token.
    pub(super) fn told(&self, operation: &'static str, limit: Duration) -> CallError {
        match &self.0 {
            Unread::Broken(error) | Unread::BrokenRefusal(error) => broken(error, operation, limit),
            Unread::TooLong => CallError::TooLong { operation },
            Unread::Full => CallError::Memory { operation },
        }
    }
}

fn broken(broken: &Broken, operation: &'static str, limit: Duration) -> CallError {
    let (what, mut cause): (_, &dyn Error) = match broken {
        Broken::Late => {
            return CallError::Deadline {
                operation,
                // No more digits than anybody reads.
                seconds: (limit.as_secs_f64() * 10.0).round() / 10.0,
                why: "there was no answer in time".into(),
            };
        }
        Broken::NoConnection(cause) => ("no connection to Discord", cause.as_ref()),
        Broken::Lost(cause) => ("the connection to Discord broke", cause),
    };
    while let Some(source) = cause.source() {
        cause = source;
    }
    CallError::Network {
        operation,
        message: format!("{what} ({cause})"),
    }
}

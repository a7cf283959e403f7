//! One request on the wire. Whatever a cog or an author's file put into it, no secret leaves in it.

use super::answer::{ApiResponse, CallError, Unread};
use super::repeat::AttemptFailure;
use super::{OutboundError, OutboundOptions};
use crate::charge::Charge;
use crate::discord::arguments::{File, Prepared};
use crate::secrets;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder, Url};
use serde_json::Value;
use std::time::Duration;

/// Where Discord is when no other server is configured.
const DISCORD: &str = "https://discord.com";

/// The version of the API that the facts describe.
const VERSION: &str = "/api/v10";

const USER_AGENT: &str = concat!("DiscordBot (cogsmith, ", env!("CARGO_PKG_VERSION"), ")");

/// A connection that is not there by then never will be.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections that are kept for the next requests.
const MOST_IDLE: usize = 8;

/// Sends requests to one server and to no other.
pub(super) struct Client {
    http: reqwest::Client,
    /// Without a slash at its end.
    base: String,
    authorization: HeaderValue,
}

/// A JSON body, made once for all attempts.
pub(super) struct Encoded {
    body: Vec<u8>,
    /// The size of the files beside it.
    files: usize,
}

impl Client {
    pub(super) fn new(options: &OutboundOptions) -> Result<Self, OutboundError> {
        let given = options.api_url.as_deref().unwrap_or(DISCORD);
        let wrong = || OutboundError::Address(given.to_owned());
        let url = Url::parse(given).map_err(|_| wrong())?;
        let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        if !matches!(url.scheme(), "http" | "https") || !plain || url.host_str().is_none() {
            return Err(wrong());
        }
        let token = format!("Bot {}", options.token.expose());
        let mut authorization = HeaderValue::from_str(&token).map_err(|_| OutboundError::Token)?;
        authorization.set_sensitive(true);
        // A redirect would lead to another server.
        let mut http = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_max_idle_per_host(MOST_IDLE)
            // The bytes are counted as they arrive, so they must not grow afterwards by decompression.
            .no_gzip()
            .no_brotli()
            .no_deflate()
            .no_zstd()
            .redirect(reqwest::redirect::Policy::none());
        if options.api_url.is_some() {
            // A server that is named explicitly is reached directly, without the system's proxy.
            http = http.no_proxy();
        }
        Ok(Self {
            http: http
                .build()
                .map_err(|error| OutboundError::Client(error.to_string()))?,
            base: format!("{}{VERSION}", given.trim_end_matches('/')),
            authorization,
        })
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Whether nobody on the way to the server can read along.
    pub(super) fn is_secure(&self) -> bool {
        self.base.starts_with("https://")
    }
}

impl Encoded {
    pub(super) fn of(prepared: &Prepared) -> Self {
        let body = prepared.body.as_ref();
        // A tree of JSON values with keys that are strings can always be written.
        let body = body.map_or_else(Vec::new, |body| {
            serde_json::to_vec(body).unwrap_or_default()
        });
        let files = prepared.files.iter();
        Self {
            body: secrets::hide(&body).into_owned(),
            files: files.map(|file| file.content.len()).sum(),
        }
    }

    /// Roughly how many bytes will be sent.
    pub(super) fn bytes(&self) -> usize {
        self.body.len() + self.files
    }
}

impl Client {
    /// Sends a request once; `left` is the time that is left for it. `charge` grows by what the answer takes.
    pub(super) async fn send(
        &self,
        prepared: &Prepared,
        encoded: &Encoded,
        left: Duration,
        charge: &mut Charge,
    ) -> Result<ApiResponse, NoAnswer> {
        let request = self.build(prepared, encoded).timeout(left);
        let response = request.send().await.map_err(Unread::Broken);
        let answer = match response {
            Ok(response) => ApiResponse::read(response, charge).await,
            Err(broken) => Err(broken),
        };
        answer.map_err(NoAnswer)
    }

    fn build(&self, prepared: &Prepared, encoded: &Encoded) -> RequestBuilder {
        let method = Method::from_bytes(prepared.method.as_bytes()).unwrap_or(Method::GET);
        // A token is made of letters that no path encodes.
        let address = format!("{}{}", self.base, secrets::hide_text(&prepared.path));
        let mut request = self.http.request(method, address);
        if !prepared.query.is_empty() {
            let query = prepared.query.iter();
            let query = query.map(|(name, value)| (*name, secrets::hide_text(value)));
            request = request.query(&query.collect::<Vec<_>>());
        }
        if !prepared.operation.carries_its_token() {
            request = request.header(AUTHORIZATION, self.authorization.clone());
        }
        if let Some(reason) = &prepared.reason {
            let reason = secrets::hide_text(reason);
            request = request.header("X-Audit-Log-Reason", reason.as_ref());
        }
        if prepared.operation.form_only || !prepared.files.is_empty() {
            return request.multipart(form(prepared, encoded));
        }
        if prepared.body.is_some() {
            return request
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .body(encoded.body.clone());
        }
        if matches!(prepared.method, "POST" | "PUT" | "PATCH") {
            // Discord answers 411 without it.
            request = request.header(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        request
    }
}

fn form(prepared: &Prepared, encoded: &Encoded) -> Form {
    let mut form = Form::new();
    if prepared.operation.form_only {
        let fields = prepared.body.as_ref().and_then(Value::as_object);
        for (name, value) in fields.into_iter().flatten() {
            let text = match value {
                Value::Null => continue,
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            form = form.text(name.clone(), secrets::hide_text(&text).into_owned());
        }
    } else {
        form = form.part(
            "payload_json",
            typed(Part::bytes(encoded.body.clone()), "application/json"),
        );
    }
    for (position, file) in prepared.files.iter().enumerate() {
        let name = match file.part {
            Some(name) => name.to_owned(),
            None => format!("files[{position}]"),
        };
        form = form.part(name, part(file));
    }
    form
}

fn part(file: &File) -> Part {
    let content = secrets::hide(&file.content).into_owned();
    let part = Part::bytes(content).file_name(secrets::hide_text(&file.filename).into_owned());
    let kind = mime_guess::from_path(&file.filename).first_or_octet_stream();
    let kind = match kind.type_() {
        // Discord shows a text only if it knows how it is encoded.
        mime_guess::mime::TEXT => format!("{kind}; charset=utf-8"),
        _ => kind.to_string(),
    };
    typed(part, &kind)
}

fn typed(part: Part, kind: &str) -> Part {
    let mut headers = reqwest::header::HeaderMap::new();
    // A type of media is always a header's value.
    headers.extend(
        HeaderValue::from_str(kind)
            .ok()
            .map(|kind| (CONTENT_TYPE, kind)),
    );
    part.headers(headers)
}

/// A request that got no complete answer.
pub(super) struct NoAnswer(Unread);

impl NoAnswer {
    /// What happened to the request.
    pub(super) fn failure(&self) -> AttemptFailure {
        match &self.0 {
            Unread::Broken(error) if error.is_connect() => AttemptFailure::NotDone,
            Unread::BrokenRefusal(_) => AttemptFailure::NotDone,
            Unread::Broken(error) if error.is_builder() => AttemptFailure::Final,
            Unread::Broken(_) => AttemptFailure::MaybeDone,
            Unread::TooLong | Unread::Full => AttemptFailure::Final,
        }
    }

    fn is_late(&self) -> bool {
        matches!(&self.0, Unread::Broken(error) if error.is_timeout())
    }

    /// The network's problem, in two or three words.
    pub(super) fn in_short(&self) -> &'static str {
        match self.failure() {
            AttemptFailure::NotDone if !matches!(self.0, Unread::BrokenRefusal(_)) => {
                "no connection"
            }
            _ if self.is_late() => "no answer",
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

fn broken(error: &reqwest::Error, operation: &'static str, limit: Duration) -> CallError {
    if error.is_timeout() && !error.is_connect() {
        return CallError::Deadline {
            operation,
            // No more digits than anybody reads.
            seconds: (limit.as_secs_f64() * 10.0).round() / 10.0,
            why: "there was no answer in time".into(),
        };
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let what = if error.is_connect() {
        "no connection to Discord"
    } else {
        "the connection to Discord broke"
    };
    CallError::Network {
        operation,
        message: format!("{what} ({cause})"),
    }
}

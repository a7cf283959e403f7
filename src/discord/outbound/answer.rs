//! The response of a request, and what it means.
//!
//! However much a server sends, no more than [`LONGEST`] of it is read, and all of it is charged to the caller before
//! it is kept: the text while it arrives, and the document while it is made.

use super::sent_message::SentMessage;
use crate::charge::{Charge, Full};
use crate::discord::arguments::ArgumentError;
use crate::discord::operations::{Operation, operation};
use crate::discord::schema::answer_kind;
use crate::json::{Json, JsonRef, Node, Unreadable};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures_util::FutureExt as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName};
use hyper::{Response, StatusCode};
use std::fmt;
use std::time::Duration;
use tokio::time::Instant;

/// How many faults of a body are told in one line.
const TOLD: usize = 3;

/// Bytes of an answer. The longest that Discord gives, 1,000 members of a guild with all the roles that they can
/// have, has about 6 MB.
pub(super) const LONGEST: usize = 8 << 20;

/// Bytes of an answer that says no. Longer ones are not read: their status says enough.
const LONGEST_REFUSAL: usize = 256 << 10;

/// The headers of answers that a rate-limiting proxy gives without asking Discord.
static OF_A_PROXY: [HeaderName; 2] = [
    HeaderName::from_static("generated-by-proxy"),
    HeaderName::from_static("x-sent-by-proxy"),
];

/// Discord's code for a channel's slow mode.
const SLOW_MODE: i64 = 20_016;

/// An answer, read to its end.
pub(super) struct ApiResponse {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// The text of a success.
    text: Vec<u8>,
    /// What a refusal says, if it is JSON.
    pub(super) refusal: Json,
}

/// Why an answer was not read to its end.
#[derive(Debug)]
pub(super) enum Unread {
    /// The connection broke, or it took too long.
    Broken(Broken),
    /// The same, in the middle of an answer whose status says that nothing was done.
    BrokenRefusal(Broken),
    /// It is longer than [`LONGEST`].
    TooLong,
    /// Whoever asked may not hold as much.
    Full,
}

/// What of the network failed.
#[derive(Debug)]
pub(super) enum Broken {
    /// There was no connection, so nothing was sent.
    NoConnection(Box<dyn std::error::Error + Send + Sync>),
    /// It took too long.
    Late,
    /// The connection broke.
    Lost(hyper::Error),
}

impl From<Full> for Unread {
    fn from(_: Full) -> Self {
        Self::Full
    }
}

impl ApiResponse {
    /// Reads an answer, which must be complete by `until`; `charge` grows by what of it is held.
    pub(super) async fn read(
        response: Response<Incoming>,
        until: Instant,
        charge: &mut Charge,
    ) -> Result<Self, Unread> {
        let (head, body) = response.into_parts();
        let mut answer = Self {
            status: head.status,
            headers: head.headers,
            text: Vec::new(),
            refusal: Json::NULL,
        };
        if answer.is_success() {
            answer.text = read_body(body, LONGEST, until, charge).await?;
            return Ok(answer);
        }
        // Whatever else is wrong with a refusal, it is one.
        match read_body(body, LONGEST_REFUSAL, until, charge).await {
            Ok(text) => answer.refusal = Json::parse(&text, charge).unwrap_or(Json::NULL),
            // The headers say when to come back.
            Err(Unread::Broken(_)) if answer.status == StatusCode::TOO_MANY_REQUESTS => {}
            Err(Unread::Broken(error)) => return Err(answer.broken(error)),
            Err(_) => {}
        }
        Ok(answer)
    }

    fn broken(&self, error: Broken) -> Unread {
        if self.status.is_client_error() && self.status != StatusCode::REQUEST_TIMEOUT {
            Unread::BrokenRefusal(error)
        } else {
            Unread::Broken(error)
        }
    }

    pub(super) fn is_success(&self) -> bool {
        self.status.is_success()
    }

    /// Whether a proxy between the bot and Discord made this response itself: nirn-proxy and similar ones say so.
    pub(super) fn is_of_a_proxy(&self) -> bool {
        let mut headers = OF_A_PROXY.iter();
        headers.any(|name| self.headers.contains_key(name))
    }

    /// Whether the channel is in slow mode: a 429 that is about its people and not about requests.
    pub(super) fn is_slow_mode(&self) -> bool {
        self.refusal.i64("code") == Some(SLOW_MODE)
    }

    /// What a success holds. A message that was sent is not read yet.
    pub(super) fn body(
        mut self,
        operation: &'static Operation,
        charge: &mut Charge,
    ) -> Result<AnswerBody, CallError> {
        let sends = operation.method == "POST" && answer_kind(operation) == Some("MessageResponse");
        if sends && self.is_json() {
            match SentMessage::of(self.text) {
                Ok(message) => return Ok(AnswerBody::Sent(message)),
                Err(text) => self.text = text,
            }
        }
        let json = self.json(operation.id, charge)?;
        Ok(json.map_or(AnswerBody::Empty, AnswerBody::Read))
    }

    fn kind(&self) -> &str {
        let kind = self.headers.get(CONTENT_TYPE);
        kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default()
    }

    fn is_json(&self) -> bool {
        let kind = self.kind();
        kind.is_empty() || kind.contains("json")
    }

    /// The content of a success: JSON, and where Discord answers with something else, a text as a string and the
    /// rest as a `data:` URL. `charge` is then for that alone.
    fn json(self, operation: &'static str, charge: &mut Charge) -> Result<Option<Json>, CallError> {
        let text = charge.bytes();
        let json = self.read_json(operation, charge);
        drop(self.text);
        charge.shrink(text);
        json
    }

    fn read_json(
        &self,
        operation: &'static str,
        charge: &mut Charge,
    ) -> Result<Option<Json>, CallError> {
        if self.text.is_empty() || self.status == StatusCode::NO_CONTENT {
            return Ok(None);
        }
        let kind = self.kind();
        if self.is_json() {
            let tree = Json::parse(&self.text, charge);
            let tree = tree.map_err(|error| match error {
                Unreadable::TooLarge => CallError::Memory { operation },
                Unreadable::Syntax(_) => no_json(operation),
            })?;
            let is_whole = matches!(tree.node(), Node::Object(_) | Node::Array(_) | Node::Null);
            return if is_whole || answers_text(operation) {
                Ok(Some(tree))
            } else {
                Err(no_json(operation))
            };
        }
        // The page of somebody in between, for one.
        if !answers_text(operation) {
            return Err(no_json(operation));
        }
        // In base64 it has a third more.
        let grown = charge.grow(kind.len() + 2 * self.text.len());
        grown.map_err(|_| CallError::Memory { operation })?;
        let text = match std::str::from_utf8(&self.text) {
            Ok(text) => text.to_owned(),
            Err(_) => format!("data:{kind};base64,{}", BASE64.encode(&self.text)),
        };
        Ok(Some(Json::string(&text)))
    }

    pub(super) fn error(&self, operation: &'static str) -> DiscordError {
        let tree = &self.refusal;
        let reason = self.status.canonical_reason().unwrap_or("unknown status");
        DiscordError {
            status: self.status.as_u16(),
            code: tree.i64("code").unwrap_or(0),
            message: tree.str("message").unwrap_or(reason).to_owned(),
            operation: operation.to_owned(),
            errors: tree.get("errors").map(JsonRef::detached),
            may_be_done: false,
        }
    }
}

/// Whether Discord answers an operation with a text or a picture.
fn answers_text(id: &str) -> bool {
    let returns = operation(id).and_then(|operation| operation.returns);
    returns.is_some_and(|returns| returns.split('|').any(|part| part == "string"))
}

fn no_json(id: &'static str) -> CallError {
    let asks = operation(id).is_some_and(|operation| operation.method == "GET");
    let message = if asks {
        "the answer is not JSON"
    } else {
        "the answer is not JSON, so nobody knows whether this was carried out"
    };
    CallError::Foreign {
        operation: id,
        message: message.into(),
    }
}

/// What has come by `until`.
pub(super) fn in_time<T>(
    until: Instant,
    coming: impl Future<Output = T>,
) -> impl Future<Output = Result<T, Unread>> {
    let come = tokio::time::timeout_at(until, coming);
    come.map(|come| come.map_err(|_| Unread::Broken(Broken::Late)))
}

/// Reads a body piece by piece, and no more than `most` bytes of it.
async fn read_body(
    mut incoming: Incoming,
    most: usize,
    until: Instant,
    charge: &mut Charge,
) -> Result<Vec<u8>, Unread> {
    let mut body = Vec::new();
    while let Some(frame) = in_time(until, incoming.frame()).await? {
        let frame = frame.map_err(|error| Unread::Broken(Broken::Lost(error)))?;
        // What comes behind the body says nothing.
        let Ok(chunk) = frame.into_data() else {
            continue;
        };
        if body.len() + chunk.len() > most {
            return Err(Unread::TooLong);
        }
        // Twice, as a list that grows has room for more, or is moved.
        charge.grow(2 * chunk.len())?;
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What an answer that says yes holds.
#[derive(Debug)]
pub enum AnswerBody {
    /// Nothing.
    Empty,
    /// Anything.
    Read(Json),
    /// A message that was sent, of which most callers want to know no more than its id.
    Sent(SentMessage),
}

impl AnswerBody {
    /// The id of what is answered.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Empty => None,
            Self::Read(json) => json.str("id"),
            Self::Sent(message) => Some(message.id()),
        }
    }

    /// What it is, read.
    pub fn into_json(self) -> Option<Json> {
        match self {
            Self::Empty => None,
            Self::Read(json) => Some(json),
            Self::Sent(message) => Some(message.read()),
        }
    }
}

/// An answer of Discord that says no.
#[derive(Clone, Debug, PartialEq)]
pub struct DiscordError {
    /// The HTTP status (403).
    pub status: u16,
    /// Discord's own code (50013, Missing Permissions); 0: none.
    pub code: i64,
    /// Discord's sentence.
    pub message: String,
    /// The operation's name (`create_message`).
    pub operation: String,
    /// What is wrong with each field, as Discord nests it.
    pub errors: Option<Json>,
    /// Whether Discord may have carried out the call anyway, so that it was not repeated.
    pub may_be_done: bool,
}

/// Whether a status says that the bot may not do this: such answers count against it.
pub(super) fn is_forbidden(status: u16) -> bool {
    matches!(status, 401 | 403)
}

impl DiscordError {
    /// Whether Discord says that the bot may not do this.
    pub fn is_forbidden(&self) -> bool {
        is_forbidden(self.status)
    }

    /// Whether Discord does not accept the bot's token, whatever status it gives that. An interaction or a webhook has
    /// a token of its own, in the address: that one is refused when it has expired.
    pub fn refuses_token(&self) -> bool {
        // Unauthorized, and invalid authentication token (Discord's documentation, "JSON Error Codes").
        let is_refusal = matches!((self.status, self.code), (_, 40_001 | 50_014) | (401, 0));
        is_refusal && !has_own_token(&self.operation)
    }

    /// The faults of single fields: where (`embeds[1].title`) and Discord's sentence.
    pub fn faults(&self) -> Vec<(String, String)> {
        let mut faults = Vec::new();
        if let Some(errors) = &self.errors {
            collect(errors.view(), "", &mut faults, 0);
        }
        faults
    }
}

/// Whether an operation is not authorized by the bot's token alone.
pub(super) fn has_own_token(id: &str) -> bool {
    operation(id).is_none_or(|operation| operation.path.contains("token"))
}

fn collect(errors: JsonRef<'_>, path: &str, faults: &mut Vec<(String, String)>, depth: usize) {
    if depth > 32 {
        return;
    }
    for (name, inner) in errors.fields() {
        if name == "_errors" {
            let messages = inner.items().filter_map(|item| item.str("message"));
            faults.extend(messages.map(|message| (path.to_owned(), message.to_owned())));
            continue;
        }
        let mut path = path.to_owned();
        crate::discord::arguments::push_step(&mut path, name);
        collect(inner, &path, faults, depth + 1);
    }
}

impl fmt::Display for DiscordError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            status,
            code,
            message,
            operation,
            ..
        } = self;
        let message = message.replace(['\r', '\n'], " ");
        write!(formatter, "discord.{operation}: {message} (status {status}")?;
        if *code != 0 {
            write!(formatter, ", code {code}")?;
        }
        formatter.write_str(")")?;
        if self.may_be_done {
            formatter.write_str(MAY_BE_DONE)?;
        }
        let faults = self.faults();
        for (place, fault) in faults.iter().take(TOLD) {
            let fault = fault.replace(['\r', '\n'], " ");
            write!(formatter, "; {place}: {fault}")?;
        }
        if faults.len() > TOLD {
            write!(formatter, "; and {} more", faults.len() - TOLD)?;
        }
        Ok(())
    }
}

impl std::error::Error for DiscordError {}

/// Added to an error when it is unknown whether the request was carried out.
const MAY_BE_DONE: &str = "; it may have been carried out, so it was not sent again";

/// Why a call has no result.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CallError {
    /// The arguments are wrong; nothing was sent.
    #[error(transparent)]
    Arguments(#[from] ArgumentError),
    /// Discord refused, or kept failing until the deadline.
    #[error(transparent)]
    Discord(#[from] DiscordError),
    /// The deadline passed, or the rate limit lasts longer than it.
    #[error("discord.{operation}: gave up after {seconds} s: {why}")]
    Deadline {
        /// The operation's name.
        operation: &'static str,
        /// The deadline that was given.
        seconds: f64,
        /// What it waited for.
        why: String,
    },
    /// Nothing was sent: Discord has refused so much that it would block the bot.
    #[error(
        "discord.{operation}: not sent: Discord has refused {count} requests of this bot within ten minutes, and blocks it after 10,000"
    )]
    Refused {
        /// The operation's name.
        operation: &'static str,
        /// How many answers were refusals.
        count: usize,
    },
    /// The answer is none that Discord would give.
    #[error("discord.{operation}: {message}; is DISCORD_API_URL right?")]
    Foreign {
        /// The operation's name.
        operation: &'static str,
        /// What is strange about it, in one line.
        message: String,
    },
    /// The answer is longer than any of Discord's.
    #[error("discord.{operation}: the answer is longer than {} MB, and Discord's answers are never that long", LONGEST >> 20)]
    TooLong {
        /// The operation's name.
        operation: &'static str,
    },
    /// Whoever called may not hold as much as the answer takes.
    #[error("discord.{operation}: the answer takes more memory than is left for it")]
    Memory {
        /// The operation's name.
        operation: &'static str,
    },
    /// The bot itself failed.
    #[error(
        "discord.{operation}: the bot itself failed while it made this call; its log says where"
    )]
    Failed {
        /// The operation's name.
        operation: &'static str,
    },
    /// There was no connection, or it broke before the answer was complete.
    #[error("discord.{operation}: {message}")]
    Network {
        /// The operation's name.
        operation: &'static str,
        /// What happened, in one line.
        message: String,
    },
}

impl CallError {
    /// Whether the server does not know the operation at all, as a proxy may that passes on only some of them.
    pub fn is_unknown_route(&self) -> bool {
        matches!(self, Self::Discord(error) if matches!(error.status, 404 | 405 | 501))
    }

    /// The same, of a request that is not sent again because it may have been carried out.
    pub(super) fn of_what_may_be_done(mut self) -> Self {
        match &mut self {
            Self::Discord(error) => error.may_be_done = true,
            Self::Network { message: told, .. } | Self::Deadline { why: told, .. } => {
                told.push_str(MAY_BE_DONE);
            }
            _ => {}
        }
        self
    }

    pub(super) fn limited(operation: &'static str, deadline: Duration, wait: Duration) -> Self {
        Self::Deadline {
            operation,
            seconds: deadline.as_secs_f64(),
            why: format!(
                "Discord's rate limit lasts {:.1} s more",
                wait.as_secs_f64()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charge::Allowance;
    use hyper::header::HeaderValue;

    #[test]
    fn a_refused_token_is_known_by_code_or_status_and_is_the_bots_own() {
        let refuses = |status, code, operation: &str| {
            let error = DiscordError {
                status,
                code,
                message: String::new(),
                operation: operation.to_owned(),
                errors: None,
                may_be_done: false,
            };
            error.refuses_token()
        };
        for operation in ["get_my_user", "get_bot_gateway", "create_message"] {
            assert!(refuses(401, 0, operation) && refuses(401, 40_001, operation));
            assert!(refuses(400, 40_001, operation) && refuses(403, 50_014, operation));
            assert!(!refuses(403, 50_013, operation) && !refuses(400, 0, operation));
            assert!(!refuses(401, 40_002, operation) && !refuses(404, 0, operation));
        }
        let with_tokens = ["create_interaction_response", "execute_webhook"];
        for operation in with_tokens {
            assert!(!refuses(401, 0, operation) && !refuses(401, 40_001, operation));
        }
    }

    #[test]
    fn an_answer_that_is_no_text_is_a_data_url() {
        let kind = HeaderValue::from_static("image/png");
        let answer = ApiResponse {
            status: StatusCode::OK,
            headers: HeaderMap::from_iter([(CONTENT_TYPE, kind)]),
            text: vec![0xFF, 0xFE],
            refusal: Json::NULL,
        };
        let mut charge = Allowance::alone(1 << 20).take(4).unwrap();
        let json = answer.json("get_guild_widget_png", &mut charge).unwrap();
        assert_eq!(json, Some(Json::string("data:image/png;base64,//4=")));
    }
    #[test]
    fn a_proxy_is_known_by_its_headers() {
        for (name, expected) in [
            ("generated-by-proxy", true),
            ("x-sent-by-proxy", true),
            ("via", false),
        ] {
            let value = HeaderValue::from_static("true");
            let answer = ApiResponse {
                status: StatusCode::TOO_MANY_REQUESTS,
                headers: HeaderMap::from_iter([(name.parse().unwrap(), value)]),
                text: Vec::new(),
                refusal: Json::NULL,
            };
            assert_eq!(answer.is_of_a_proxy(), expected, "{name}");
        }
    }
}

//! Injected faults: what Discord and networks do when they fail.

use super::errors::{ApiError, Known};
use super::limits::{same_template, too_many};
use crate::discord::operation;
use std::time::Duration;

/// A fault to inject.
#[derive(Clone, Debug)]
pub enum InjectedFault {
    /// The next matching requests fail.
    Rest(RestFault),
    /// The gateway misbehaves now.
    Gateway(GatewayFault),
}

/// Requests that fail.
#[derive(Clone, Debug)]
pub struct RestFault {
    /// `POST`; none matches every method.
    pub method: Option<String>,
    /// A path template (`/channels/{channel_id}/messages`), a path without its `/api/v10`, or `*`.
    pub path: String,
    /// How many requests are hit.
    pub times: usize,
    /// What happens to them.
    pub kind: RestFaultKind,
}

/// What happens to a request.
#[derive(Clone, Debug)]
pub enum RestFaultKind {
    /// An error answer; nothing is done.
    Status {
        /// The HTTP status.
        status: u16,
        /// Discord's code; 0 for none.
        code: u64,
        /// Discord's words.
        message: String,
        /// Seconds, for status 429.
        retry_after: Option<f64>,
    },
    /// The request is done late, by the system's time.
    Delay(Duration),
    /// The connection breaks before anything is done.
    Drop,
    /// Everything is done, and then the connection breaks before the answer.
    DropAnswer,
    /// A proxy between the client and Discord answers by itself, with the header `generated-by-proxy`.
    Proxy {
        /// The HTTP status.
        status: u16,
        /// Whether everything was done before, and only Discord's answer was lost.
        done: bool,
        /// Seconds, for status 429.
        retry_after: Option<f64>,
    },
}

/// What the gateway does wrong, to one shard or to all that are connected.
#[derive(Clone, Debug)]
pub struct GatewayFault {
    /// None: every shard.
    pub shard: Option<u32>,
    /// What happens.
    pub kind: GatewayFaultKind,
}

/// What happens to a gateway connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatewayFaultKind {
    /// Closed with a code, 4000 for "unknown error".
    Close(u16),
    /// Op 7: asks the client to reconnect and resume.
    Reconnect,
    /// Op 9. When not resumable, the session is forgotten.
    InvalidSession {
        /// Whether the client may try to resume.
        resumable: bool,
    },
    /// The connection ends without a close frame.
    Drop,
    /// The session is forgotten while the connection is dropped: the next resume fails.
    LoseSession,
    /// The next heartbeats get no answer.
    SwallowHeartbeatAcks(usize),
    /// Op 1: asks the client to send a heartbeat at once.
    RequestHeartbeat,
}

impl InjectedFault {
    /// Requests to a path template fail once with a status, Discord's code and words.
    pub fn status(method: &str, path: &str, status: u16, code: u64, message: &str) -> Self {
        let kind = RestFaultKind::Status {
            status,
            code,
            message: message.into(),
            retry_after: None,
        };
        Self::rest(method, path, kind)
    }

    /// Requests to a path template meet a fault once.
    pub fn rest(method: &str, path: &str, kind: RestFaultKind) -> Self {
        Self::Rest(RestFault {
            method: Some(method.into()),
            path: path.into(),
            times: 1,
            kind,
        })
    }

    /// Calls of one of Discord's operations (`create_message`) meet a fault once; none when there
    /// is no such operation.
    pub fn operation(id: &str, kind: RestFaultKind) -> Option<Self> {
        let operation = operation(id)?;
        Some(Self::rest(operation.method, operation.path, kind))
    }

    /// All connected shards meet a fault.
    pub fn gateway(kind: GatewayFaultKind) -> Self {
        Self::Gateway(GatewayFault { shard: None, kind })
    }

    /// The same fault for several requests.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        if let Self::Rest(fault) = &mut self {
            fault.times = times;
        }
        self
    }

    /// The same fault with a time after which the client may come again, in seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: f64) -> Self {
        if let Self::Rest(fault) = &mut self
            && let RestFaultKind::Status { retry_after, .. }
            | RestFaultKind::Proxy { retry_after, .. } = &mut fault.kind
        {
            *retry_after = Some(seconds);
        }
        self
    }
}

impl RestFaultKind {
    /// The answer that this fault gives, if it gives one.
    pub(crate) fn answer(&self) -> Option<ApiError> {
        match self {
            Self::Status {
                status,
                code,
                message,
                retry_after,
            } => Some(refusal(*status, *code, message, *retry_after)),
            Self::Proxy {
                status,
                retry_after,
                ..
            } => Some(refusal(*status, 0, "", *retry_after)),
            Self::Delay(_) | Self::Drop | Self::DropAnswer => None,
        }
    }
}

fn refusal(status: u16, code: u64, message: &str, retry_after: Option<f64>) -> ApiError {
    if status == 429 {
        let wait = Duration::try_from_secs_f64(retry_after.unwrap_or(0.05));
        return ApiError {
            code,
            ..too_many(wait.unwrap_or_default(), "user")
        };
    }
    ApiError {
        message: message.to_owned(),
        ..Known(status, code, "").into()
    }
}

/// The faults that wait for their requests.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    waiting: Vec<RestFault>,
}

impl Faults {
    /// One more fault.
    pub(crate) fn add(&mut self, fault: RestFault) {
        if fault.times > 0 {
            self.waiting.push(fault);
        }
    }

    /// What happens to this request, if anything: how long it is held up, and what becomes of it. Of each, the oldest
    /// fault comes first.
    pub(crate) fn take(
        &mut self,
        method: &str,
        template: &str,
        path: &str,
    ) -> (Option<Duration>, Option<RestFaultKind>) {
        let matches = |fault: &RestFault| {
            fault.method.as_deref().is_none_or(|one| one == method)
                && (fault.path == "*" || fault.path == path || same_template(&fault.path, template))
        };
        let mut take = |delays: bool| {
            let is_meant = |fault: &&mut RestFault| {
                matches!(fault.kind, RestFaultKind::Delay(_)) == delays && matches(fault)
            };
            let fault = self.waiting.iter_mut().find(is_meant)?;
            fault.times -= 1;
            Some(fault.kind.clone())
        };
        let delay = match take(true) {
            Some(RestFaultKind::Delay(delay)) => Some(delay),
            _ => None,
        };
        let kind = take(false);
        self.waiting.retain(|fault| fault.times > 0);
        (delay, kind)
    }

    /// Whether no fault waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

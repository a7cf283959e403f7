//! One connection of `twilight-gateway`, as a series of events.
//!
//! A twilight shard would reconnect by itself, silently where the stream just ends, at once, at the
//! address that READY named and with pauses of its own. Here it lives for one connection only:
//! whenever it is about to reconnect, [`Connection::next`] says that the connection is over, and
//! `task.rs` decides when and where the next one goes.

use super::frame::{Frame, Frames};
use super::identify::IdentifyQueue;
use crate::discord::event::Event;
use crate::secrets;
use futures_util::Stream;
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;
use tokio_websockets::{Error as WebSocketError, upgrade};
use tracing::warn;
use twilight_gateway::error::{ReceiveMessageError, ReceiveMessageErrorType};
use twilight_gateway::{CloseFrame, Config, Message, Session, Shard, ShardId, ShardState};

/// The time within which a server must accept the connection and say hello. Twilight itself allows
/// ten seconds for connecting and any time for hello.
const HELLO_WITHIN: Duration = Duration::from_secs(20);

/// The time within which a server must answer once the bot has said who it is, on the gateway's clock. Twilight waits
/// for ever.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// As many times may a connection that is not open yet be woken. One needs fewer than ten; with a server that accepts
/// the connection and closes it at once, twilight would connect again and again without a pause or a log line.
const WAKES_TO_OPEN: u32 = 64;

/// The time that a server is given to answer a close frame.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// What has happened on a connection.
#[derive(Debug)]
pub(super) enum ConnectionEvent {
    /// The server said hello; twilight resumes or waits for its turn to identify.
    Hello,
    /// An event.
    Dispatch(Event),
    /// The server answered a heartbeat after this time.
    Latency(Duration),
    /// The server asks for a new connection (op 7).
    Reconnect,
    /// The server refuses the session, or has forgotten it (op 9).
    Invalid { resumable: bool },
    /// The server closed the connection.
    Closed { code: Option<u16>, reason: String },
    /// The connection is gone without a word.
    Lost(String),
    /// No connection came about: there is no network, or nobody listens.
    Unreachable(String),
    /// What stands before the server says that there were too many attempts.
    Limited(String),
    /// The server has not answered after the bot had said who it is.
    Silent(String),
}

/// A connection, from connecting to its end. Dropping it closes the socket.
#[derive(Debug)]
pub(super) struct Connection {
    shard: Shard<IdentifyQueue>,
    frames: Frames,
    /// Whether the socket has been open.
    opened: bool,
    wakes: u32,
    /// Whether it begins with a session to resume.
    resumes: bool,
    /// Whether the server said hello.
    greeted: bool,
    /// Ends when the server has taken too long to say hello, or to answer when the bot has said who it is; nothing once
    /// it has.
    limit: Option<Limit>,
    /// Until when the server may answer our close frame, once there is one.
    close_by: Option<Instant>,
}

/// A time limit.
struct Limit(Pin<Box<dyn Future<Output = ()> + Send>>);

impl fmt::Debug for Limit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Limit")
    }
}

/// What twilight hands over.
enum Received {
    Text(String),
    /// What twilight cannot read, and why.
    Unread {
        text: String,
        why: String,
    },
    Over(ConnectionEvent),
}

impl Connection {
    /// Will connect when polled, and resume if the configuration has a session.
    pub(super) fn new(id: ShardId, config: Config<IdentifyQueue>) -> Self {
        let shard = Shard::with_config(id, config);
        Self {
            resumes: shard.session().is_some(),
            shard,
            frames: Frames::new(id.number()),
            opened: false,
            wakes: 0,
            greeted: false,
            limit: Some(Limit(Box::pin(tokio::time::sleep(HELLO_WITHIN)))),
            close_by: None,
        }
    }

    /// The session that READY opened, and the address at which the server wants it resumed.
    pub(super) fn session(&self) -> Option<(&Session, Option<&str>)> {
        Some((self.shard.session()?, self.shard.resume_url()))
    }

    /// The intents with which this connection identifies.
    pub(super) fn intents(&self) -> u64 {
        self.shard.config().intents().bits()
    }

    /// Whether the server said hello on this connection.
    pub(super) fn greeted(&self) -> bool {
        self.greeted
    }

    /// Queues a command; twilight sends it within Discord's limit of 120 a minute.
    pub(super) fn send(&self, json: String) {
        let hidden = match secrets::hide_text(&json) {
            Cow::Owned(hidden) => Some(hidden),
            Cow::Borrowed(_) => None,
        };
        self.shard.send(hidden.unwrap_or(json));
    }

    /// The next thing that happens. Frames that cannot be read are logged and skipped. May be
    /// dropped and called again without loss.
    pub(super) async fn next(&mut self) -> ConnectionEvent {
        loop {
            let text = match self.receive().await {
                Received::Text(text) => text,
                Received::Unread { text, why } => {
                    if let Some(event) = self.reread(text) {
                        return event;
                    }
                    self.skip(&why);
                    continue;
                }
                Received::Over(event) => return event,
            };
            match self.frames.read(text) {
                Ok(Frame::Dispatch(event)) => {
                    self.limit = None;
                    return ConnectionEvent::Dispatch(event);
                }
                Ok(Frame::Control { op, is_true }) => {
                    if let Some(event) = self.control(op, is_true) {
                        return event;
                    }
                }
                Err(error) => self.skip(&error),
            }
        }
    }

    /// Asks the server to close, unless the closing is under way. Code 4000 leaves the session
    /// resumable, 1000 ends it.
    pub(super) fn close(&mut self, frame: CloseFrame<'static>) {
        self.close_by = Some(Instant::now() + CLOSE_WITHIN);
        if !self.disconnected() {
            self.shard.close(frame);
        }
    }

    /// The next event that still arrives after [`Connection::close`]; none once the server has answered, or the time
    /// for it is over.
    pub(super) async fn next_while_closing(&mut self) -> Option<Event> {
        let close_by = self.close_by.filter(|_| self.opened)?;
        loop {
            match tokio::time::timeout_at(close_by, self.next()).await {
                Ok(ConnectionEvent::Dispatch(event)) => return Some(event),
                Ok(
                    ConnectionEvent::Latency(_)
                    | ConnectionEvent::Reconnect
                    | ConnectionEvent::Invalid { .. },
                ) => {}
                Ok(_) | Err(_) => return None,
            }
        }
    }

    /// Twilight refuses an event without a sequence, a READY without an address and a refusal without data, which
    /// say enough to be acted on. It has not acted on them itself.
    fn reread(&mut self, text: String) -> Option<ConnectionEvent> {
        match self.frames.read(text) {
            Ok(Frame::Dispatch(event)) => {
                self.limit = None;
                Some(ConnectionEvent::Dispatch(event))
            }
            Ok(Frame::Control { op: 9, is_true }) => self.control(9, is_true),
            Ok(Frame::Control { .. }) | Err(_) => None,
        }
    }

    fn control(&mut self, op: u8, is_true: bool) -> Option<ConnectionEvent> {
        match op {
            7 => Some(ConnectionEvent::Reconnect),
            9 => Some(ConnectionEvent::Invalid { resumable: is_true }),
            10 => {
                self.greeted = true;
                self.limit = Some(self.limit_of_answer());
                Some(ConnectionEvent::Hello)
            }
            11 => self
                .shard
                .latency()
                .recent()
                .first()
                .copied()
                .map(ConnectionEvent::Latency),
            _ => None,
        }
    }

    fn skip(&self, error: &str) {
        let shard = self.shard.id().number();
        warn!(shard, error, "Skipped a gateway frame that cannot be read");
    }

    fn disconnected(&self) -> bool {
        matches!(self.shard.state(), ShardState::Disconnected { .. })
    }

    async fn receive(&mut self) -> Received {
        poll_fn(|context| match self.poll(context) {
            Poll::Pending if self.is_overdue(context) => {
                Poll::Ready(Received::Over(self.overdue()))
            }
            polled => polled,
        })
        .await
    }

    fn is_overdue(&mut self, context: &mut Context<'_>) -> bool {
        let limit = self.limit.as_mut();
        limit.is_some_and(|limit| limit.0.as_mut().poll(context).is_ready())
    }

    /// The time to answer begins when the bot says who it is: at once where it resumes, and when it is its turn where
    /// it identifies.
    fn limit_of_answer(&self) -> Limit {
        let (resumes, queue) = (self.resumes, self.shard.config().queue().clone());
        Limit(Box::pin(async move {
            if !resumes {
                queue.admitted().await;
            }
            queue.clock().sleep(ANSWER_WITHIN).await;
        }))
    }

    fn overdue(&self) -> ConnectionEvent {
        if self.greeted {
            let (what, seconds) = (self.asked(), ANSWER_WITHIN.as_secs());
            return ConnectionEvent::Silent(format!(
                "the server did not answer within {seconds} s when the bot {what}"
            ));
        }
        let seconds = HELLO_WITHIN.as_secs();
        ConnectionEvent::Lost(format!("the server did not say hello within {seconds} s"))
    }

    fn asked(&self) -> &'static str {
        if self.resumes {
            "resumed its session"
        } else {
            "identified"
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Received> {
        // Twilight panics on some messages of a broken server, such as a heartbeat interval of 0. The shard is not used
        // again after that.
        let polled = catch_unwind(AssertUnwindSafe(|| {
            Pin::new(&mut self.shard).poll_next(context)
        }));
        match polled {
            Ok(Poll::Ready(Some(Ok(Message::Text(text))))) => {
                self.opened = true;
                Poll::Ready(Received::Text(text))
            }
            Ok(Poll::Ready(Some(Ok(Message::Close(frame))))) => {
                Poll::Ready(Received::Over(closed(frame)))
            }
            Ok(Poll::Ready(Some(Err(error)))) => Poll::Ready(failed(error)),
            Ok(Poll::Ready(None)) => Poll::Ready(lost("the connection is closed".to_owned())),
            Ok(Poll::Pending) if self.opened && self.disconnected() && self.close_by.is_none() => {
                Poll::Ready(lost("the connection ended".to_owned()))
            }
            Ok(Poll::Pending) => {
                self.opened |= !self.disconnected();
                self.wakes = self.wakes.saturating_add(1);
                if !self.opened && self.wakes > WAKES_TO_OPEN {
                    return Poll::Ready(lost(
                        "the server accepts the connection and closes it at once".to_owned(),
                    ));
                }
                Poll::Pending
            }
            Err(_panic) => Poll::Ready(lost("the server broke the protocol".to_owned())),
        }
    }
}

fn lost(why: String) -> Received {
    Received::Over(ConnectionEvent::Lost(why))
}

fn closed(frame: Option<CloseFrame<'static>>) -> ConnectionEvent {
    match frame {
        // Twilight's own code for a connection that broke, or whose heartbeats went unanswered.
        Some(frame) if frame.code == 1006 => {
            ConnectionEvent::Lost("the connection broke".to_owned())
        }
        Some(frame) => ConnectionEvent::Closed {
            code: Some(frame.code),
            reason: frame.reason.into_owned(),
        },
        None => ConnectionEvent::Closed {
            code: None,
            reason: String::new(),
        },
    }
}

fn failed(error: ReceiveMessageError) -> Received {
    let why = causes(&error);
    let (is_network, is_limit) = (is_network(&error), is_limit(&error));
    match error.into_parts().0 {
        ReceiveMessageErrorType::Deserializing { event: text } => Received::Unread { text, why },
        ReceiveMessageErrorType::Compression => lost(format!("a frame did not decompress: {why}")),
        _ if is_network => Received::Over(ConnectionEvent::Unreachable(why)),
        _ if is_limit => Received::Over(ConnectionEvent::Limited(why)),
        _ => lost(why),
    }
}

/// Whether the network is at fault, and no answer of a server.
fn is_network(error: &ReceiveMessageError) -> bool {
    caused_by(error, |cause| {
        let unresolved = matches!(
            cause.downcast_ref(),
            Some(WebSocketError::CannotResolveHost)
        );
        unresolved || cause.is::<std::io::Error>() || cause.is::<tokio::time::error::Elapsed>()
    })
}

/// Whether something between the bot and the gateway allows it no more attempts for now.
fn is_limit(error: &ReceiveMessageError) -> bool {
    caused_by(error, |cause| {
        let status = cause.downcast_ref::<upgrade::Error>();
        matches!(status, Some(upgrade::Error::DidNotSwitchProtocols(429)))
    })
}

fn caused_by(error: &dyn Error, wanted: impl Fn(&(dyn Error + 'static)) -> bool) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if wanted(error) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// What an error was caused by, the last cause last. The error itself is left out: it repeats the
/// whole frame.
fn causes(error: &dyn Error) -> String {
    let mut causes: Vec<String> = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        // Many errors repeat their cause.
        if !causes.iter().any(|before| before.contains(&text)) {
            causes.push(text);
        }
        cause = error.source();
    }
    causes.join(": ")
}

//! A gateway that does what a test tells it to, down to single frames.

use crate::support::bound;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Message, http};
use zstd::stream::raw::{Encoder, InBuffer, Operation, OutBuffer};

/// Op 9.
const INVALID: &str = r#"{"t":null,"s":null,"op":9,"d":false}"#;

/// What clients did, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// A socket was opened, with this query.
    Connect(String),
    /// Op 2: token, intents and shard number.
    Identify(String, u64, u64),
    /// Op 6: session and sequence.
    Resume(String, u64),
    /// A close frame.
    Close(u16),
    /// Any other operation.
    Other(Value),
}

/// How the server behaves.
#[derive(Clone, Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is something that servers do or do not"
)]
pub struct Behaviour {
    pub heartbeat_ms: u64,
    pub acknowledges: bool,
    /// The code with which an identify is refused.
    pub refuses: Option<u16>,
    /// The code with which a resume is refused.
    pub closes_resumes: Option<u16>,
    /// Whether an identify is answered with op 9.
    pub invalidates: bool,
    /// What READY names as the address for resuming; nothing: the server's own.
    pub resume_url: Option<String>,
    /// Whether READY names no such address.
    pub names_no_url: bool,
    /// Whether it breaks off after having accepted the socket.
    pub hangs_up: bool,
    /// The HTTP status with which it refuses to become a gateway.
    pub status: Option<u16>,
    /// Whether it says nothing after its greeting.
    pub is_silent: bool,
    /// Whether it has forgotten every session that is to be resumed.
    pub resumes_nothing: bool,
    /// Whether a resumed session brings all of its events again.
    pub repeats: bool,
    /// What READY has as its number, as JSON; nothing: `first`.
    pub odd: Option<&'static str>,
    /// The number of READY; the events after it are counted from there, or from 1.
    pub first: Option<u64>,
    /// The number of RESUMED.
    pub resumed: Resumed,
}

/// How a server numbers RESUMED.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Resumed {
    /// As any other event.
    Counted,
    /// With `null`.
    Null,
    /// With the number of the event before it.
    Last,
    /// With 0.
    Zero,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            heartbeat_ms: 41_250,
            acknowledges: true,
            refuses: None,
            closes_resumes: None,
            invalidates: false,
            resume_url: None,
            names_no_url: false,
            hangs_up: false,
            status: None,
            is_silent: false,
            resumes_nothing: false,
            repeats: false,
            odd: None,
            first: Some(1),
            resumed: Resumed::Counted,
        }
    }
}

#[derive(Default)]
struct State {
    behaviour: Behaviour,
    seen: Vec<Seen>,
    sessions: BTreeMap<String, Session>,
    opened: usize,
}

#[derive(Default)]
struct Session {
    shard: u64,
    /// The number of the last event.
    sequence: u64,
    /// The events that are told again.
    events: Vec<(u64, String)>,
    connection: Option<mpsc::UnboundedSender<Out>>,
}

#[derive(Clone)]
enum Out {
    Text(String),
    Close(u16),
    /// The socket ends without a word.
    Drop,
}

#[derive(Clone)]
pub struct FakeGateway {
    pub url: String,
    state: Arc<Mutex<State>>,
    changed: watch::Sender<usize>,
    listening: Arc<Mutex<Option<JoinHandle<()>>>>,
    /// Holds the port while nobody listens there, so that no other test gets it.
    left: Arc<Mutex<Option<TcpSocket>>>,
}

impl FakeGateway {
    pub async fn start() -> Self {
        let mut server = Self {
            url: String::new(),
            state: Arc::default(),
            changed: watch::Sender::new(0),
            listening: Arc::default(),
            left: Arc::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        server.listen(listener);
        server
    }

    /// Another address of the same server, with the same sessions.
    pub async fn elsewhere(&self) -> Self {
        let mut other = Self {
            listening: Arc::default(),
            left: Arc::default(),
            ..self.clone()
        };
        other.listen(TcpListener::bind("127.0.0.1:0").await.unwrap());
        other
    }

    fn listen(&mut self, listener: TcpListener) {
        self.url = format!("ws://{}", listener.local_addr().unwrap());
        let accepting = self.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(accepting.clone().serve(socket));
            }
        });
        *self.listening.lock().unwrap() = Some(accepting);
    }

    /// Nobody listens at the address any more, and what was connected breaks.
    pub async fn leave(&self) {
        let accepting = self.listening.lock().unwrap().take().unwrap();
        accepting.abort();
        drop(accepting.await);
        *self.left.lock().unwrap() = Some(bound(self.address()));
        self.drop_all();
    }

    /// Somebody listens there again.
    pub fn come_back(&mut self) {
        let socket = self.left.lock().unwrap().take().unwrap();
        socket.set_reuseaddr(true).unwrap();
        self.listen(socket.listen(64).unwrap());
    }

    fn address(&self) -> SocketAddr {
        self.url.trim_start_matches("ws://").parse().unwrap()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn behave(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.lock().behaviour);
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.lock().seen.clone()
    }

    pub fn count(&self, wanted: impl Fn(&Seen) -> bool) -> usize {
        self.lock().seen.iter().filter(|seen| wanted(seen)).count()
    }

    /// Waits until clients have done `wanted` that many times.
    pub async fn wait_for(&self, times: usize, wanted: impl Fn(&Seen) -> bool) {
        let mut changed = self.changed.subscribe();
        let done = changed.wait_for(|_| self.count(&wanted) >= times);
        tokio::time::timeout(crate::support::PATIENCE, done)
            .await
            .unwrap_or_else(|_| panic!("not seen: {:?}", self.seen()))
            .unwrap();
    }

    fn note(&self, seen: Seen) {
        self.lock().seen.push(seen);
        self.changed.send_modify(|count| *count += 1);
    }

    /// Dispatches an event to every session, connected or not.
    pub fn emit(&self, name: &str, data: &Value) {
        for session in self.lock().sessions.values_mut() {
            session.push(name, &data.to_string());
        }
    }

    /// Dispatches an event to the sessions of one shard.
    pub fn emit_to(&self, shard: u64, name: &str, data: &Value) {
        let mut state = self.lock();
        let sessions = state.sessions.values_mut();
        for session in sessions.filter(|session| session.shard == shard) {
            session.push(name, &data.to_string());
        }
    }

    /// Dispatches a message with this number as its id and content.
    pub fn say(&self, number: u64) {
        let message = json!({
            "id": number.to_string(), "channel_id": "2", "content": number.to_string(),
            "author": {"id": "4"},
        });
        self.emit("MESSAGE_CREATE", &message);
    }

    /// Sends a text frame as it is to every connection.
    pub fn raw(&self, text: &str) {
        self.order(&Out::Text(text.to_owned()));
    }

    pub fn close_all(&self, code: u16) {
        self.order(&Out::Close(code));
    }

    pub fn drop_all(&self) {
        self.order(&Out::Drop);
    }

    pub fn forget_sessions(&self) {
        self.lock().sessions.clear();
    }

    /// Ends all sessions with op 9, which also the client hears.
    pub fn forget_sessions_and_say_so(&self) {
        self.raw(INVALID);
        self.forget_sessions();
    }

    /// From now on the events of each session are counted from 1 again.
    pub fn count_anew(&self) {
        for session in self.lock().sessions.values_mut() {
            session.sequence = 0;
            session.events.clear();
        }
    }

    pub fn sessions(&self) -> usize {
        self.lock().sessions.len()
    }

    fn order(&self, out: &Out) {
        for session in self.lock().sessions.values() {
            session.order(out.clone());
        }
    }

    async fn serve(self, socket: TcpStream) {
        let mut query = String::new();
        let status = self.lock().behaviour.status;
        let accepted = tokio_tungstenite::accept_hdr_async(
            socket,
            #[allow(
                clippy::result_large_err,
                reason = "the callback's type is tungstenite's"
            )]
            |request: &Request, response: Response| {
                query.push_str(request.uri().query().unwrap_or_default());
                match status {
                    Some(status) => {
                        Err(http::Response::builder().status(status).body(None).unwrap())
                    }
                    None => Ok(response),
                }
            },
        );
        let Ok(mut socket) = accepted.await else {
            return;
        };
        let mut compressor = query
            .contains("compress=zstd-stream")
            .then(|| Encoder::new(3).unwrap());
        self.note(Seen::Connect(query));
        if self.lock().behaviour.hangs_up {
            return;
        }
        let (sender, mut outbox) = mpsc::unbounded_channel();
        let heartbeat_ms = self.lock().behaviour.heartbeat_ms;
        let hello = json!({"t":null,"s":null,"op":10,"d":{"heartbeat_interval":heartbeat_ms}});
        sender.send(Out::Text(hello.to_string())).unwrap();
        loop {
            tokio::select! {
                biased;
                out = outbox.recv() => match out.unwrap() {
                    Out::Text(text) => {
                        let message = match &mut compressor {
                            Some(compressor) => Message::binary(compress(compressor, &text)),
                            None => Message::text(text),
                        };
                        if socket.send(message).await.is_err() {
                            return;
                        }
                    }
                    Out::Close(code) => {
                        let frame = CloseFrame { code: code.into(), reason: "told to".into() };
                        drop(socket.close(Some(frame)).await);
                    }
                    Out::Drop => return,
                },
                message = socket.next() => match message {
                    Some(Ok(Message::Text(text))) => {
                        self.hear(&serde_json::from_str(&text).unwrap(), &sender);
                    }
                    Some(Ok(Message::Close(frame))) => {
                        self.note(Seen::Close(frame.map_or(1005, |frame| frame.code.into())));
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return,
                },
            }
        }
    }

    fn hear(&self, command: &Value, sender: &mpsc::UnboundedSender<Out>) {
        let data = &command["d"];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let seen = match command["op"].as_u64().unwrap() {
            1 => {
                if self.lock().behaviour.acknowledges {
                    let ack = r#"{"t":null,"s":null,"op":11,"d":null}"#;
                    drop(sender.send(Out::Text(ack.to_owned())));
                }
                return;
            }
            2 => {
                let intents = data["intents"].as_u64().unwrap();
                let shard = data["shard"][0].as_u64().unwrap();
                let behaviour = self.lock().behaviour.clone();
                match behaviour.refuses {
                    _ if behaviour.is_silent => {}
                    Some(code) => drop(sender.send(Out::Close(code))),
                    None if behaviour.invalidates => {
                        drop(sender.send(Out::Text(INVALID.to_owned())));
                    }
                    None => self.open(shard, sender),
                }
                Seen::Identify(text(&data["token"]), intents, shard)
            }
            6 => {
                let (id, sequence) = (text(&data["session_id"]), data["seq"].as_u64().unwrap());
                self.resume(&id, sequence, sender);
                Seen::Resume(id, sequence)
            }
            _ => Seen::Other(command.clone()),
        };
        self.note(seen);
    }

    fn open(&self, shard: u64, sender: &mpsc::UnboundedSender<Out>) {
        let mut state = self.lock();
        state.opened += 1;
        let id = format!("session{}", state.opened);
        let behaviour = state.behaviour.clone();
        let mut ready = json!({"session_id": id});
        if !behaviour.names_no_url {
            ready["resume_gateway_url"] = behaviour.resume_url.unwrap_or(self.url.clone()).into();
        }
        let mut session = Session {
            shard,
            sequence: behaviour.first.unwrap_or(0),
            events: Vec::new(),
            connection: Some(sender.clone()),
        };
        let ready = match behaviour.odd {
            Some(odd) => format!(r#"{{"t":"READY","s":{odd},"op":0,"d":{ready}}}"#),
            None => event("READY", behaviour.first, &ready.to_string()),
        };
        session
            .events
            .extend(behaviour.first.map(|first| (first, ready.clone())));
        session.order(Out::Text(ready));
        state.sessions.insert(id, session);
    }

    fn resume(&self, id: &str, sequence: u64, sender: &mpsc::UnboundedSender<Out>) {
        let mut state = self.lock();
        let (resumed, repeats) = (state.behaviour.resumed, state.behaviour.repeats);
        if state.behaviour.is_silent {
            return;
        }
        if state.behaviour.resumes_nothing {
            drop(sender.send(Out::Text(INVALID.to_owned())));
            return;
        }
        if let Some(code) = state.behaviour.closes_resumes {
            drop(sender.send(Out::Close(code)));
            return;
        }
        let Some(session) = state.sessions.get_mut(id) else {
            drop(sender.send(Out::Text(INVALID.to_owned())));
            return;
        };
        session.connection = Some(sender.clone());
        for (_, event) in session
            .events
            .iter()
            .filter(|(number, _)| repeats || *number > sequence)
        {
            session.order(Out::Text(event.clone()));
        }
        let number = match resumed {
            Resumed::Counted => return session.push("RESUMED", "null"),
            Resumed::Null => None,
            Resumed::Last => Some(session.sequence),
            Resumed::Zero => Some(0),
        };
        session.order(Out::Text(event("RESUMED", number, "null")));
    }
}

impl Session {
    fn push(&mut self, name: &str, data: &str) {
        self.sequence += 1;
        let event = event(name, Some(self.sequence), data);
        self.events.push((self.sequence, event.clone()));
        self.order(Out::Text(event));
    }

    fn order(&self, out: Out) {
        if let Some(connection) = &self.connection {
            // The connection may have ended.
            drop(connection.send(out));
        }
    }
}

fn event(name: &str, sequence: Option<u64>, data: &str) -> String {
    let sequence = json!(sequence);
    format!(r#"{{"t":"{name}","s":{sequence},"op":0,"d":{data}}}"#)
}

/// One message of a stream that is compressed as a whole.
fn compress(encoder: &mut Encoder<'_>, text: &str) -> Vec<u8> {
    let mut compressed = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut input = InBuffer::around(text.as_bytes());
    loop {
        let mut output = OutBuffer::around(&mut buffer[..]);
        encoder.run(&mut input, &mut output).unwrap();
        let rest = if input.pos() == text.len() {
            encoder.flush(&mut output).unwrap()
        } else {
            1
        };
        compressed.extend_from_slice(output.as_slice());
        if rest == 0 {
            return compressed;
        }
    }
}

//! A gateway that does what a test tells it to, down to single frames.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use zstd::stream::raw::{Encoder, InBuffer, Operation, OutBuffer};

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
pub struct Behaviour {
    pub heartbeat_ms: u64,
    pub acknowledges: bool,
    /// The code with which an identify is refused.
    pub refuses: Option<u16>,
    /// What READY names as the address for resuming; nothing: the server's own.
    pub resume_url: Option<String>,
    /// Whether it breaks off after having accepted the socket.
    pub hangs_up: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            heartbeat_ms: 41_250,
            acknowledges: true,
            refuses: None,
            resume_url: None,
            hangs_up: false,
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
    events: Vec<String>,
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
pub struct Server {
    pub url: String,
    state: Arc<Mutex<State>>,
    changed: watch::Sender<usize>,
}

impl Server {
    pub async fn start() -> Self {
        Self::at("127.0.0.1:0").await
    }

    pub async fn at(address: &str) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let server = Self {
            url: format!("ws://{}", listener.local_addr().unwrap()),
            state: Arc::default(),
            changed: watch::Sender::new(0),
        };
        let accepting = server.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(accepting.clone().serve(socket));
            }
        });
        server
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
        tokio::time::timeout(super::PATIENCE, done)
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
        let accepted = tokio_tungstenite::accept_hdr_async(
            socket,
            #[allow(
                clippy::result_large_err,
                reason = "the callback's type is tungstenite's"
            )]
            |request: &Request, response: Response| {
                query.push_str(request.uri().query().unwrap_or_default());
                Ok(response)
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
                let refuses = self.lock().behaviour.refuses;
                match refuses {
                    Some(code) => drop(sender.send(Out::Close(code))),
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
        let resume_url = state.behaviour.resume_url.clone();
        let ready = json!({
            "session_id": id, "resume_gateway_url": resume_url.unwrap_or(self.url.clone()),
        });
        let mut session = Session {
            shard,
            events: Vec::new(),
            connection: Some(sender.clone()),
        };
        session.push("READY", &ready.to_string());
        state.sessions.insert(id, session);
    }

    fn resume(&self, id: &str, sequence: u64, sender: &mpsc::UnboundedSender<Out>) {
        let mut state = self.lock();
        let Some(session) = state.sessions.get_mut(id) else {
            let invalid = r#"{"t":null,"s":null,"op":9,"d":false}"#;
            drop(sender.send(Out::Text(invalid.to_owned())));
            return;
        };
        session.connection = Some(sender.clone());
        for event in &session.events[usize::try_from(sequence).unwrap()..] {
            session.order(Out::Text(event.clone()));
        }
        session.push("RESUMED", "null");
    }
}

impl Session {
    fn push(&mut self, name: &str, data: &str) {
        let sequence = self.events.len() + 1;
        let event = format!(r#"{{"t":"{name}","s":{sequence},"op":0,"d":{data}}}"#);
        self.events.push(event.clone());
        self.order(Out::Text(event));
    }

    fn order(&self, out: Out) {
        if let Some(connection) = &self.connection {
            // The connection may have ended.
            drop(connection.send(out));
        }
    }
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

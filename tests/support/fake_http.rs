//! A server over HTTP that answers as a test tells it to, in place of Discord's API or of any other.
#![allow(dead_code, reason = "each program of tests uses its part")]

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Response, Uri};
use futures_util::stream::{self, StreamExt};
use serde_json::Value;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Serves this on a port of its own, for as long as the test lasts.
pub async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Seen {
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).map(|value| value.to_str().unwrap());
        value.unwrap_or_default()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What a request is answered with.
#[derive(Clone, Debug)]
pub struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Content,
}

#[derive(Clone, Debug)]
enum Content {
    Whole(String),
    /// The connection ends behind this.
    BreaksOff(&'static str),
    /// This again and again.
    Endless(&'static [u8]),
}

/// An answer in JSON.
pub fn json_of(status: u16, body: &Value) -> Answer {
    text_of(status, &body.to_string()).with("content-type", "application/json")
}

/// An answer with status 200 in JSON.
pub fn ok(body: &Value) -> Answer {
    json_of(200, body)
}

/// An answer that does not say of what kind its text is.
pub fn text_of(status: u16, body: &str) -> Answer {
    Answer {
        status,
        headers: Vec::new(),
        body: Content::Whole(body.to_owned()),
    }
}

static BRACKETS: [u8; 1 << 16] = [b'['; 1 << 16];

/// An answer whose body does not end.
pub fn endless(status: u16) -> Answer {
    Answer {
        status,
        headers: Vec::new(),
        body: Content::Endless(&BRACKETS),
    }
}

/// An answer in the middle of whose body the connection ends.
pub fn breaking_off(status: u16) -> Answer {
    Answer {
        status,
        headers: vec![("content-length", "100".to_owned())],
        body: Content::BreaksOff("{}"),
    }
}

impl Answer {
    /// With this header.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn response(self) -> Response<Body> {
        let mut response = Response::builder().status(self.status);
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        let body = match self.body {
            Content::Whole(text) => Body::from(text),
            Content::BreaksOff(text) => {
                let end = async {
                    // What has been said so far is sent first.
                    tokio::task::yield_now().await;
                    Err(std::io::Error::other("as the test wants it"))
                };
                Body::from_stream(stream::iter([Ok(text)]).chain(stream::once(end)))
            }
            Content::Endless(part) => {
                Body::from_stream(stream::repeat_with(move || Ok::<_, std::io::Error>(part)))
            }
        };
        response.body(body).unwrap()
    }
}

/// A server that gives its answers one after the other, and keeps the requests.
#[derive(Clone)]
pub struct FakeHttp {
    state: Arc<Mutex<Script>>,
    count: watch::Sender<usize>,
    hold: watch::Sender<bool>,
}

struct Script {
    seen: Vec<Seen>,
    answers: VecDeque<Answer>,
    /// What comes when these have been given.
    last: Answer,
}

impl FakeHttp {
    /// One that gives these answers, and `{}` to all requests after them; and its address.
    pub async fn start(answers: impl IntoIterator<Item = Answer>) -> (Self, String) {
        Self::with(answers, ok(&Value::Object(serde_json::Map::new()))).await
    }

    /// One that always answers with this.
    pub async fn always(answer: Answer) -> (Self, String) {
        Self::with([], answer).await
    }

    async fn with(answers: impl IntoIterator<Item = Answer>, last: Answer) -> (Self, String) {
        let server = Self {
            state: Arc::new(Mutex::new(Script {
                seen: Vec::new(),
                answers: answers.into_iter().collect(),
                last,
            })),
            count: watch::Sender::new(0),
            hold: watch::Sender::new(false),
        };
        let router = Router::new().fallback(answer).with_state(server.clone());
        let address = serve(router).await;
        (server, format!("http://{address}"))
    }

    /// The requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.state.lock().unwrap().seen.clone()
    }

    /// Returns when so many requests have come.
    pub async fn until(&self, count: usize) {
        let mut counts = self.count.subscribe();
        counts.wait_for(|seen| *seen >= count).await.unwrap();
    }

    /// From now on requests wait for their answers.
    pub fn hold(&self) {
        self.hold.send_replace(true);
    }

    /// All of them are answered.
    pub fn let_go(&self) {
        self.hold.send_replace(false);
    }
}

async fn answer(
    State(server): State<FakeHttp>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    server.state.lock().unwrap().seen.push(Seen {
        method,
        uri,
        headers,
        body,
    });
    server.count.send_modify(|count| *count += 1);
    let mut hold = server.hold.subscribe();
    hold.wait_for(|hold| !hold).await.unwrap();
    let mut script = server.state.lock().unwrap();
    let next = script.answers.pop_front();
    next.unwrap_or_else(|| script.last.clone()).response()
}

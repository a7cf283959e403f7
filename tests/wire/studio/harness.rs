//! A studio, its pages, and what tests put into it.

use cogsmith::problem::Problem;
use cogsmith::reload::report::{CogOutcome, CogReport, Outcome, Report, ReportLog, Trigger};
use cogsmith::sim::{Id, Sim, SimOptions};
use cogsmith::studio::{self, BotView, CogView, Project, StudioError, StudioOptions};
use cogsmith::typecheck::TypeFeed;
use futures_util::{SinkExt, StreamExt};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Studio {
    pub(crate) address: SocketAddr,
    pub(crate) reports: ReportLog,
    pub(crate) types: TypeFeed,
    pub(crate) cogs: Arc<Mutex<Vec<CogView>>>,
    pub(crate) client: Client,
    pub(crate) stop: oneshot::Sender<()>,
    pub(crate) served: JoinHandle<Result<(), StudioError>>,
}

impl Studio {
    pub(crate) async fn start(chat: Option<Sim>) -> Self {
        Self::start_in(chat, None).await
    }

    /// With a folder for specs.
    pub(crate) async fn start_in(chat: Option<Sim>, project: Option<Project>) -> Self {
        let listener = studio::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let reports = ReportLog::new();
        let types = TypeFeed::new();
        let cogs = Arc::new(Mutex::new(vec![cog("ping", 1)]));
        let shown = Arc::clone(&cogs);
        let online = chat.is_none();
        let options = StudioOptions {
            bot: Arc::new(move || BotView {
                name: "Cogsmith".into(),
                prefix: Some("!".into()),
                online,
            }),
            chat,
            reports: reports.clone(),
            versions: None,
            project,
            types: types.clone(),
            cogs: Arc::new(move || shown.lock().unwrap().clone()),
        };
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(studio::serve(listener, options, async {
            let _asked = stopped.await.is_ok();
        }));
        let client = Client::builder()
            .no_proxy()
            .timeout(PATIENCE)
            .build()
            .unwrap();
        Self {
            address,
            reports,
            types,
            cogs,
            client,
            stop,
            served,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        self.client
            .post(self.url(path))
            .json(body)
            .send()
            .await
            .unwrap()
    }

    pub(crate) async fn page(&self) -> Page {
        Page::open(self.address, &[]).await.unwrap()
    }
}

/// A page's live feed.
pub(crate) struct Page {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// What came before a frame that was waited for, oldest first.
    passed: Vec<Value>,
}

impl Page {
    pub(crate) async fn open(
        address: SocketAddr,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, tungstenite::Error> {
        let mut request = format!("ws://{address}/control/live")
            .into_client_request()
            .unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        connect_async(request).await.map(|(socket, _)| Self {
            socket,
            passed: Vec::new(),
        })
    }

    /// The next frame of this kind. Frames of other kinds are kept for who asks for them: which of
    /// two kinds is told first is left open by the feed.
    pub(crate) async fn next(&mut self, kind: &str) -> Value {
        if let Some(at) = self.passed.iter().position(|frame| frame["type"] == kind) {
            return self.passed.remove(at);
        }
        let found = async {
            loop {
                let message = self.socket.next().await.unwrap().unwrap();
                if let Message::Text(text) = message {
                    let frame: Value = serde_json::from_str(&text).unwrap();
                    if frame["type"] == kind {
                        return frame;
                    }
                    self.passed.push(frame);
                }
            }
        };
        timeout(PATIENCE, found)
            .await
            .unwrap_or_else(|_| panic!("no frame of the kind {kind}"))
    }

    pub(crate) async fn ask(&mut self, channel: &str) -> Value {
        self.ask_for(json!({ "open": channel })).await
    }

    /// The messages that such a frame asks for.
    pub(crate) async fn ask_for(&mut self, ask: Value) -> Value {
        self.send(ask).await;
        self.next("messages").await
    }

    /// Sends a frame of any kind.
    pub(crate) async fn send(&mut self, frame: Value) {
        let text = frame.to_string();
        self.socket.send(Message::Text(text.into())).await.unwrap();
    }
}

pub(crate) fn cog(name: &str, version: u64) -> CogView {
    CogView {
        guard: None,
        name: name.into(),
        version,
        state: "running".into(),
        loaded_at: 1_000.5,
        commands: vec![name.into()],
        slash_commands: vec![name.into()],
        problem: None,
        undone: None,
        trial: None,
        limits: Vec::new(),
    }
}

pub(crate) fn failure(id: u64) -> Report {
    Report {
        id,
        at: 1_000.0,
        trigger: Trigger::Files,
        changed: vec!["lua/cogs/ping.luau".into()],
        outcome: Outcome::Failed,
        cogs: vec![CogReport {
            name: "ping".into(),
            outcome: CogOutcome::Kept,
            version: 1,
            executed: Vec::new(),
            undone: None,
            trial: None,
        }],
        problems: vec![Problem {
            message: "<script>alert(1)</script>".into(),
            ..Problem::default()
        }],
        took_ms: 1.5,
    }
}

async fn simulator() -> Sim {
    Sim::start(SimOptions::default()).await.unwrap()
}

impl Studio {
    pub(crate) async fn with_chat() -> (Self, Sim, String) {
        let chat = simulator().await;
        let general = chat.channel("general").unwrap().to_string();
        (Self::start(Some(chat.clone())).await, chat, general)
    }

    pub(crate) async fn say(&self, user: Id, channel: &str, content: &str) -> Response {
        let body = json!({"user": user.to_string(), "channel": channel, "content": content});
        self.post("/control/say", &body).await
    }
}

pub(crate) async fn error_of(response: Response) -> String {
    let body: Value = response.json().await.unwrap();
    body["error"].as_str().unwrap().to_owned()
}

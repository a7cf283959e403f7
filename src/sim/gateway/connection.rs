//! One client's connection, from hello to close.

use super::close::{self, Close};
use super::codec::Codec;
use super::session::Control;
use super::{identify, opening};
use crate::host_tasks::{self, Task};
use crate::sim::faults::GatewayFaultKind;
use crate::sim::hub::Hub;
use crate::sim::ids::id_in;
use crate::sim::server::Kill;
use crate::sim::world::{Presence, Switches};
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use serde_json::{Value, json};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tracing::{debug, warn};

/// The largest message that Discord takes from a client, in bytes.
const LARGEST_MESSAGE: usize = 4_096;
/// How many messages Discord takes from a client in a minute.
const MESSAGES_A_MINUTE: usize = 120;
/// How many events are taken from the session at once.
const BATCH: usize = 64;
/// How long a closing client may take to read the close frame.
const CLOSING: Duration = Duration::from_millis(200);

/// Why a connection ends.
enum End {
    /// With a close frame.
    Close(Close),
    /// Without one.
    Drop,
    /// The client closed, with this code.
    Left(Option<u16>),
}

/// Whether the connection stays open, or why it ends.
type Flow = ControlFlow<End>;

struct Connection {
    hub: Arc<Hub>,
    socket: WebSocket,
    codec: Codec,
    number: u64,
    orders: (mpsc::Sender<Control>, mpsc::Receiver<Control>),
    /// The session's id and its wake-up channel, once identified or resumed.
    session: Option<(String, watch::Receiver<u64>)>,
    /// The number of the last event that was sent.
    cursor: u64,
    swallow_acks: usize,
    last_heartbeat: Instant,
    /// When the messages of the last minute came.
    received: Vec<Instant>,
}

/// Serves one client until either side ends it. `query` is that of the gateway's address.
pub(crate) async fn serve(hub: Arc<Hub>, socket: WebSocket, query: String, kill: Kill) {
    let parameter = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let codec = match Codec::named(parameter("compress")) {
        Ok(codec) => codec,
        Err(error) => {
            warn!(%error, "The simulator's gateway could not begin to compress");
            return;
        }
    };
    let bad_version = parameter("v").is_some_and(|version| version != "10" && version != "9");
    let bad_encoding = parameter("encoding").is_some_and(|encoding| encoding != "json");
    let mut stop = hub.stop.subscribe();
    let mut connection = Connection {
        number: hub.change(|state| state.sessions.new_connection()),
        hub,
        socket,
        codec,
        orders: mpsc::channel(16),
        session: None,
        cursor: 0,
        swallow_acks: 0,
        last_heartbeat: Instant::now(),
        received: Vec::new(),
    };
    let end = if bad_version || bad_encoding {
        End::Close(close::INVALID_VERSION)
    } else {
        tokio::select! {
            end = connection.run() => end,
            _ = stop.wait_for(|stop| *stop) => End::Close(close::GOING_AWAY),
        }
    };
    connection.finish(end, &kill).await;
}

/// Whether Discord can read a presence: all four fields are there, each activity with a name and a type.
fn is_presence(data: &Value) -> bool {
    let statuses = ["online", "dnd", "idle", "invisible", "offline"];
    let since = data.get("since");
    let has_since = since.is_some_and(|since| since.is_null() || since.is_u64());
    let is_status = data["status"]
        .as_str()
        .is_some_and(|it| statuses.contains(&it));
    let activities = data["activities"].as_array();
    let are_activities = activities.is_some_and(|activities| {
        activities.iter().all(|activity| {
            let name = activity["name"].as_str().unwrap_or_default();
            (1..=128).contains(&name.chars().count()) && activity["type"].as_u64().is_some()
        })
    });
    has_since && is_status && are_activities && data["afk"].is_boolean()
}

impl Connection {
    async fn run(&mut self) -> End {
        let interval = self.hub.options.heartbeat_interval_ms;
        let hello = json!({
            "t": null, "s": null, "op": 10,
            "d": {"heartbeat_interval": interval, "_trace": ["[\"gateway-sim\",{\"micros\":0}]"]},
        });
        if let ControlFlow::Break(end) = self.send(&hello.to_string()).await {
            return end;
        }
        loop {
            host_tasks::point(Task::SimulatorGateway);
            let silence =
                (self.last_heartbeat + self.patience()).saturating_duration_since(Instant::now());
            let wake = self.session.as_mut().map(|(_, wake)| wake);
            let step = tokio::select! {
                message = self.socket.recv() => match message {
                    Some(Ok(message)) => self.receive(message).await,
                    Some(Err(_)) | None => ControlFlow::Break(End::Left(None)),
                },
                () = woken(wake) => self.pump().await,
                Some(order) = self.orders.1.recv() => self.obey(order).await,
                () = tokio::time::sleep(silence) => ControlFlow::Break(End::Close(close::TIMED_OUT)),
            };
            if let ControlFlow::Break(end) = step {
                return end;
            }
        }
    }

    /// How long a client may be silent: Discord gives it some grace over its interval.
    fn patience(&self) -> Duration {
        let interval = self.hub.options.heartbeat_interval_ms;
        Duration::from_millis(interval.saturating_mul(2).max(1_000))
    }

    async fn send(&mut self, text: &str) -> Flow {
        let frame = match self.codec.frame(text) {
            Ok(frame) => frame,
            Err(error) => {
                warn!(%error, "The simulator's gateway could not compress a message");
                return ControlFlow::Break(End::Close(close::UNKNOWN_ERROR));
            }
        };
        match tokio::time::timeout(self.patience(), self.socket.send(frame)).await {
            Ok(Ok(())) => ControlFlow::Continue(()),
            Ok(Err(_)) => ControlFlow::Break(End::Left(None)),
            // The client does not read.
            Err(_) => ControlFlow::Break(End::Drop),
        }
    }

    /// Sends the events that the session has and the client has not.
    async fn pump(&mut self) -> Flow {
        let Some((id, _)) = self.session.clone() else {
            return ControlFlow::Continue(());
        };
        loop {
            let cursor = self.cursor;
            let batch = self
                .hub
                .look(|state| state.sessions.after(&id, cursor, BATCH));
            let Some(batch) = batch else {
                debug!("A gateway client fell too far behind, and its session is lost");
                self.hub.change(|state| state.sessions.forget(&id));
                return ControlFlow::Break(End::Close(close::UNKNOWN_ERROR));
            };
            let Some((last, _)) = batch.last() else {
                return ControlFlow::Continue(());
            };
            let last = *last;
            for (_, text) in &batch {
                self.send(text).await?;
            }
            self.cursor = last;
            self.hub.change(|state| {
                if let Some(session) = state.sessions.get_mut(&id) {
                    session.written = session.written.max(last);
                }
            });
        }
    }

    async fn receive(&mut self, message: Message) -> Flow {
        let text = match &message {
            Message::Text(text) => text.as_str(),
            Message::Binary(bytes) => std::str::from_utf8(bytes).unwrap_or_default(),
            Message::Close(frame) => {
                let code = frame.as_ref().map(|frame| frame.code);
                return ControlFlow::Break(End::Left(code));
            }
            Message::Ping(_) | Message::Pong(_) => return ControlFlow::Continue(()),
        };
        let now = Instant::now();
        self.received
            .retain(|at| now.duration_since(*at) < Duration::from_secs(60));
        self.received.push(now);
        if self.received.len() > MESSAGES_A_MINUTE {
            return ControlFlow::Break(End::Close(close::RATE_LIMITED));
        }
        if text.len() > LARGEST_MESSAGE {
            return ControlFlow::Break(End::Close(close::DECODE_ERROR));
        }
        let Ok(payload) = serde_json::from_str::<Value>(text) else {
            return ControlFlow::Break(End::Close(close::DECODE_ERROR));
        };
        let data = &payload["d"];
        match (payload["op"].as_u64(), self.session.is_some()) {
            (Some(1), _) => self.heartbeat(data).await,
            (Some(2 | 6), true) => ControlFlow::Break(End::Close(close::ALREADY_AUTHENTICATED)),
            (Some(2), false) => self.identify(data).await,
            (Some(6), false) => self.resume(data).await,
            (Some(3 | 4 | 8 | 31), false) => {
                ControlFlow::Break(End::Close(close::NOT_AUTHENTICATED))
            }
            (Some(8), true) => {
                self.request_members(data);
                ControlFlow::Continue(())
            }
            (Some(3), true) => self.show(data),
            (Some(4), true) => {
                self.change_voice(data);
                ControlFlow::Continue(())
            }
            (Some(31), true) => {
                self.request_sounds(data);
                ControlFlow::Continue(())
            }
            _ => ControlFlow::Break(End::Close(close::UNKNOWN_OPCODE)),
        }
    }

    async fn heartbeat(&mut self, data: &Value) -> Flow {
        self.last_heartbeat = Instant::now();
        if let Some((id, _)) = &self.session {
            self.hub.change(|state| {
                if let Some(session) = state.sessions.get_mut(id) {
                    session.beat(data.as_u64());
                }
            });
        }
        if self.swallow_acks > 0 {
            self.swallow_acks -= 1;
            return ControlFlow::Continue(());
        }
        self.send(r#"{"t":null,"s":null,"op":11,"d":null}"#).await
    }

    async fn identify(&mut self, data: &Value) -> Flow {
        let identity = match identify::check(&self.hub, data) {
            Ok(checked) => checked,
            Err(close) => return ControlFlow::Break(End::Close(close)),
        };
        let order = self.orders.0.clone();
        let (number, authority) = (self.number, self.hub.authority.clone());
        let opened = self.hub.change(|state| {
            let id = state.world.new_id();
            if let Some(own) = state.world.applications.get_mut(&identity.application) {
                own.sessions_begun += 1;
            }
            let mut session = state.sessions.begin(id, identity);
            session.presence = data["presence"].clone();
            let presence = Presence::read(&data["presence"]);
            state.world.set_presence(session.application, presence);
            opening::open(state, &authority, &mut session);
            session.connection = Some((number, order));
            let opened = (session.id.clone(), session.wake.subscribe());
            state.sessions.keep(session);
            opened
        });
        self.session = Some(opened);
        self.cursor = 0;
        self.pump().await
    }

    async fn resume(&mut self, data: &Value) -> Flow {
        let application = match identify::application(&self.hub, data) {
            Ok(application) => application,
            Err(close) => return ControlFlow::Break(End::Close(close)),
        };
        let id = data["session_id"].as_str().unwrap_or_default().to_owned();
        let seen = data["seq"].as_u64().unwrap_or(0);
        let connection = (self.number, self.orders.0.clone());
        let resumed = self.hub.change(|state| {
            let session = state.sessions.get_mut(&id)?;
            if session.application != application {
                return None;
            }
            if seen > session.newest {
                return Some(Err(close::INVALID_SEQUENCE));
            }
            if !session.reaches_back_to(seen) {
                state.sessions.forget(&id);
                return None;
            }
            if let Some((_, former)) = session.connection.replace(connection) {
                // The former connection is gone already when this fails.
                let _told = former.try_send(Control::Replaced).is_ok();
            }
            session.resumes += 1;
            session.push(
                "RESUMED",
                &json!({"_trace": ["[\"gateway-sim\",{\"micros\":0}]"]}),
            );
            Some(Ok(session.wake.subscribe()))
        });
        match resumed {
            None => self.send(r#"{"t":null,"s":null,"op":9,"d":false}"#).await,
            Some(Err(close)) => ControlFlow::Break(End::Close(close)),
            Some(Ok(wake)) => {
                self.session = Some((id, wake));
                self.cursor = seen;
                self.pump().await
            }
        }
    }

    /// Takes a presence. Discord closes the connection for one that it cannot read.
    fn show(&self, data: &Value) -> Flow {
        if !is_presence(data) {
            return ControlFlow::Break(End::Close(close::DECODE_ERROR));
        }
        if let Some((id, _)) = &self.session {
            self.hub.change(|state| {
                if let Some(session) = state.sessions.get_mut(id) {
                    session.presence = data.clone();
                    session.presence_updates += 1;
                    let user = session.application;
                    state.world.set_presence(user, Presence::read(data));
                }
            });
        }
        ControlFlow::Continue(())
    }

    /// Connects the bot to a voice channel, or disconnects it. Discord says nothing to a bot that may not.
    fn change_voice(&self, data: &Value) {
        let Some((id, _)) = &self.session else { return };
        let Some(guild) = id_in(data, "guild_id") else {
            return;
        };
        self.hub.change(|state| {
            let Some(bot) = state.sessions.get_mut(id).map(|it| it.application) else {
                return;
            };
            let Some(channel) = id_in(data, "channel_id") else {
                state.world.leave_voice(guild, bot);
                return;
            };
            let world = &mut state.world;
            let switches = Switches {
                self_mute: data["self_mute"] == true,
                self_deaf: data["self_deaf"] == true,
                ..Switches::default()
            };
            let is_there = world.guild_of(channel) == Some(guild);
            if is_there && world.enter_voice(bot, channel, switches).is_ok() {
                let server = json!({
                    "token": world.token_of("voice", channel),
                    "guild_id": guild.to_string(),
                    "endpoint": self.hub.authority,
                });
                world.tell_application(bot, "VOICE_SERVER_UPDATE", (Some(guild), server));
            }
        });
    }

    /// Tells the sounds of the guilds that a client asks for.
    fn request_sounds(&self, data: &Value) {
        let Some((id, _)) = &self.session else { return };
        self.hub.change(|state| {
            if let Some(session) = state.sessions.get_mut(id) {
                opening::sounds(&state.world, session, data);
            }
        });
    }

    fn request_members(&self, data: &Value) {
        let Some((id, _)) = &self.session else { return };
        self.hub.change(|state| {
            if let Some(session) = state.sessions.get_mut(id) {
                opening::members(&state.world, &mut state.conformity, session, data);
            }
        });
    }

    async fn obey(&mut self, order: Control) -> Flow {
        let fault = match order {
            Control::Replaced => return ControlFlow::Break(End::Drop),
            Control::Removed => {
                return ControlFlow::Break(End::Close(close::AUTHENTICATION_FAILED));
            }
            Control::Fault(fault) => fault,
        };
        match fault {
            GatewayFaultKind::Close(code) => ControlFlow::Break(End::Close(Close(code, ""))),
            GatewayFaultKind::Drop => ControlFlow::Break(End::Drop),
            GatewayFaultKind::LoseSession => {
                self.lose_session();
                ControlFlow::Break(End::Drop)
            }
            GatewayFaultKind::Reconnect => {
                self.send(r#"{"t":null,"s":null,"op":7,"d":null}"#).await
            }
            GatewayFaultKind::RequestHeartbeat => {
                self.send(r#"{"t":null,"s":null,"op":1,"d":null}"#).await
            }
            GatewayFaultKind::SwallowHeartbeatAcks(count) => {
                self.swallow_acks += count;
                ControlFlow::Continue(())
            }
            GatewayFaultKind::InvalidSession { resumable } => {
                if !resumable {
                    self.lose_session();
                }
                let text = format!(r#"{{"t":null,"s":null,"op":9,"d":{resumable}}}"#);
                self.send(&text).await
            }
        }
    }

    fn lose_session(&mut self) {
        if let Some((id, _)) = self.session.take() {
            self.hub.change(|state| state.sessions.forget(&id));
        }
    }

    /// Releases the session and the socket. A client that closes with 1000 or 1001 ends its session by that, as at
    /// Discord.
    async fn finish(mut self, end: End, kill: &Kill) {
        let ends_session = matches!(end, End::Left(Some(1000 | 1001)));
        let number = self.number;
        self.hub.change(|state| {
            let Some((id, _)) = &self.session else { return };
            let Some(session) = state.sessions.get_mut(id) else {
                return;
            };
            if session
                .connection
                .as_ref()
                .is_none_or(|(one, _)| *one != number)
            {
                return;
            }
            session.connection = None;
            if ends_session {
                state.sessions.forget(id);
            }
        });
        if let End::Close(Close(code, reason)) = end {
            let frame = CloseFrame {
                code,
                reason: reason.into(),
            };
            let farewell = async {
                self.socket.send(Message::Close(Some(frame))).await.ok();
                while let Some(Ok(_)) = self.socket.recv().await {}
            };
            // A client that does not read is cut off.
            let _read = tokio::time::timeout(CLOSING, farewell).await.is_ok();
        }
        kill.kill();
    }
}

async fn woken(wake: Option<&mut watch::Receiver<u64>>) {
    match wake {
        // A session that was forgotten wakes nobody any more.
        Some(wake) => {
            if wake.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
        None => std::future::pending().await,
    }
}

//! The live feed of one open page: first everything, then what changes.

use super::actions::refusal;
use super::conversation::Recording;
use super::frame::{self, Frame, Page};
use super::{CogView, StudioState};
use crate::host_tasks::{self, Task};
use crate::reload::report::Report;
use crate::secrets;
use crate::sim::{Dispatch, Sim};
use crate::typecheck::TypeReport;
use axum::extract::State;
use axum::extract::ws::{
    Message, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection,
};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};
use tracing::debug;

/// What a page may ask for fits easily.
const REQUEST_BYTES: usize = 4 * 1024;

/// How often the cogs are looked at: a cog's state also changes without a reload.
const COGS_EVERY: Duration = Duration::from_secs(1);

/// A page that takes nothing for this long is gone.
const SEND: Duration = Duration::from_secs(10);

/// Opens the feed.
pub(super) async fn open(
    State(shared): State<StudioState>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    match upgrade {
        Ok(upgrade) => upgrade
            .max_message_size(REQUEST_BYTES)
            .on_upgrade(|socket| async {
                // A page whose feed has ended opens another.
                host_tasks::caught(Task::Page, run(socket, shared)).await;
            })
            .into_response(),
        Err(_) => refusal(
            StatusCode::BAD_REQUEST,
            "This is the studio's live feed; it is opened as a WebSocket, by the page at /.",
        ),
    }
}

/// Why a feed ends: the page has gone.
struct Gone;

/// What a page asks for over its feed.
#[derive(Deserialize)]
struct Ask {
    /// The channel whose messages it wants.
    open: String,
    /// Which of them.
    #[serde(flatten)]
    page: Page,
}

struct Feed {
    socket: WebSocket,
    shared: StudioState,
    reports: broadcast::Receiver<Arc<Report>>,
    types: watch::Receiver<Option<Arc<TypeReport>>>,
    dispatches: Option<broadcast::Receiver<Arc<Dispatch>>>,
    refused: Option<watch::Receiver<u64>>,
    /// The number of the newest refusal that the page knows.
    newest_refusal: u64,
    /// Whether the world has changed since it was sent.
    is_world_stale: bool,
    cogs: Vec<CogView>,
    commands: Vec<Value>,
    recording: Option<Recording>,
    look: Interval,
}

async fn run(socket: WebSocket, shared: StudioState) {
    let mut look = interval(COGS_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stopping = shared.stopping.clone();
    // Subscribed before the state is read: events in between are sent twice rather than lost.
    let mut feed = Feed {
        reports: shared.options.reports.subscribe(),
        types: shared.options.types.subscribe(),
        dispatches: shared.options.chat.as_ref().map(Sim::subscribe),
        refused: shared.options.chat.as_ref().map(Sim::refused),
        newest_refusal: 0,
        is_world_stale: false,
        cogs: Vec::new(),
        commands: Vec::new(),
        recording: None,
        look,
        socket,
        shared,
    };
    if feed.hello().await.is_err() {
        return;
    }
    while feed.step(&mut stopping).await.is_ok() {}
    debug!("A studio page has gone");
}

impl Feed {
    /// Sends everything that the page shows.
    async fn hello(&mut self) -> Result<(), Gone> {
        self.cogs = (self.shared.options.cogs)();
        let chat = self.shared.options.chat.as_ref();
        self.commands = chat.map(Sim::all_commands).unwrap_or_default();
        let hello = frame::hello(&self.shared.options, &self.cogs);
        if let Frame::Hello { refusals, .. } = &hello {
            self.newest_refusal = frame::newest(refusals).unwrap_or(0);
        }
        let hello = text_of(&hello)?;
        self.send(hello).await?;
        self.recording = None;
        self.tell_recording().await
    }

    /// Waits for the next event, and sends it to the page.
    async fn step(&mut self, stopping: &mut watch::Receiver<bool>) -> Result<(), Gone> {
        tokio::select! {
            report = self.reports.recv() => match report {
                Ok(report) => {
                    self.send(text_of(&Frame::Report { report: &report })?).await?;
                    self.tell_cogs().await
                }
                Err(RecvError::Lagged(_)) => self.hello().await,
                Err(RecvError::Closed) => Err(Gone),
            },
            dispatch = next(&mut self.dispatches) => match dispatch {
                Ok(dispatch) => self.tell(&dispatch).await,
                Err(RecvError::Lagged(_)) => self.hello().await,
                Err(RecvError::Closed) => {
                    self.dispatches = None;
                    Ok(())
                }
            },
            () = refused(&mut self.refused) => self.tell_refusals().await,
            // The other side is in the options, too, and so stays.
            Ok(()) = self.types.changed() => {
                let newest = self.types.borrow_and_update().clone();
                match newest {
                    Some(types) => self.send(text_of(&Frame::Types { types })?).await,
                    None => Ok(()),
                }
            },
            asked = self.socket.recv() => match asked {
                Some(Ok(Message::Text(text))) => self.answer(&text).await,
                Some(Ok(Message::Close(_)) | Err(_)) | None => Err(Gone),
                Some(Ok(_)) => Ok(()),
            },
            _ = self.look.tick() => {
                self.tell_cogs().await?;
                self.tell_recording().await?;
                self.tell_commands().await
            }
            () = stopped(stopping) => Err(Gone),
        }
    }

    async fn tell(&mut self, dispatch: &Dispatch) -> Result<(), Gone> {
        let Some(chat) = self.shared.options.chat.clone() else {
            return Ok(());
        };
        if let Some(frame) = frame::of_dispatch(&chat, dispatch) {
            self.send(text_of(&frame)?).await?;
        }
        self.is_world_stale |= frame::changes_world(&dispatch.name);
        // Of many changes at once the last one tells all of them.
        let more = self.dispatches.as_ref().is_some_and(|it| !it.is_empty());
        if !self.is_world_stale || more {
            return Ok(());
        }
        self.is_world_stale = false;
        let world = frame::World::of(&chat);
        self.send(text_of(&Frame::World { world })?).await
    }

    async fn tell_refusals(&mut self) -> Result<(), Gone> {
        let chat = self.shared.options.chat.as_ref();
        let refusals = chat.map(|chat| frame::refusals(chat, self.newest_refusal));
        let refusals = refusals.unwrap_or_default();
        let Some(newest) = frame::newest(&refusals) else {
            return Ok(());
        };
        self.newest_refusal = newest;
        self.send(text_of(&Frame::Refusals { refusals })?).await
    }

    async fn tell_cogs(&mut self) -> Result<(), Gone> {
        let cogs = (self.shared.options.cogs)();
        if cogs == self.cogs {
            return Ok(());
        }
        self.cogs = cogs;
        self.send(text_of(&Frame::Cogs { cogs: &self.cogs })?).await
    }

    /// Discord's list follows the cogs some time after they have changed, and nothing is dispatched.
    async fn tell_commands(&mut self) -> Result<(), Gone> {
        let chat = self.shared.options.chat.as_ref();
        let commands = chat.map(Sim::all_commands).unwrap_or_default();
        if commands == self.commands {
            return Ok(());
        }
        self.commands = commands;
        let frame = Frame::Commands {
            commands: &self.commands,
        };
        self.send(text_of(&frame)?).await
    }

    async fn tell_recording(&mut self) -> Result<(), Gone> {
        let recording = self.shared.desk.recording();
        if recording == self.recording {
            return Ok(());
        }
        self.recording = recording;
        self.send(text_of(&Frame::Recording { recording })?).await
    }

    async fn answer(&mut self, text: &str) -> Result<(), Gone> {
        let asked = || {
            let chat = self.shared.options.chat.as_ref()?;
            let ask: Ask = serde_json::from_str(text).ok()?;
            frame::messages(chat, ask.open.parse().ok()?, ask.page)
        };
        match asked() {
            Some(messages) => self.send(text_of(&messages)?).await,
            // Nothing that this page's own script sends.
            None => Ok(()),
        }
    }

    async fn send(&mut self, text: String) -> Result<(), Gone> {
        let text = secrets::hide_text(&text).into_owned();
        match timeout(SEND, self.socket.send(Message::Text(text.into()))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Gone),
        }
    }
}

fn text_of(frame: &Frame<'_>) -> Result<String, Gone> {
    serde_json::to_string(frame).map_err(|_| Gone)
}

/// Returns when the bot stops.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // The sender goes when the server goes, which is a stop, too.
    let _told = stopping.wait_for(|stopping| *stopping).await.is_ok();
}

/// Returns when a request was refused; never, while the bot is on Discord itself.
async fn refused(refused: &mut Option<watch::Receiver<u64>>) {
    let changed = match refused {
        Some(refused) => refused.changed().await.is_ok(),
        None => false,
    };
    if !changed {
        std::future::pending::<()>().await;
    }
}

/// The next dispatch; never, while the bot is on Discord itself.
async fn next(
    dispatches: &mut Option<broadcast::Receiver<Arc<Dispatch>>>,
) -> Result<Arc<Dispatch>, RecvError> {
    match dispatches {
        Some(dispatches) => dispatches.recv().await,
        None => std::future::pending().await,
    }
}

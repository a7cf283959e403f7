//! Recent events: the bots' requests, a transcript for failed waits, and all of it for whoever records it.

use super::errors::Lacking;
use super::ids::{Id, timestamp};
use super::world::Event;
use serde_json::{Value, json};
use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// How many lines a failed wait shows.
const SHOWN: usize = 40;

/// The longest text of a body in the transcript, in characters.
const BODY_SHOWN: usize = 300;

/// How many refused requests are kept beside the others.
const REFUSALS: usize = 50;

/// One request of the bot.
#[derive(Clone, Debug)]
pub struct RequestRecord {
    /// Counts up from 1.
    pub number: u64,
    /// The application that asked; the first one for a request without a bot's token.
    pub application: Id,
    /// `POST`
    pub method: String,
    /// Discord's name of what was asked for (`ban_user_from_guild`); none for what Discord does not have.
    pub operation: Option<&'static str>,
    /// The path without `/api/v10`, with its query: `/channels/1/messages?limit=5`.
    pub path: String,
    /// The JSON body; null when there was none.
    pub body: Value,
    /// The names of the files that came with it.
    pub files: Vec<String>,
    /// The status of the answer; 0 when the connection was broken instead.
    pub status: u16,
    /// The JSON body of the answer; null when there was none.
    pub answer: Value,
    /// The audit log reason.
    pub reason: Option<String>,
    /// What was missing for it to be permitted, which the answer does not say.
    pub lacking: Option<Lacking>,
    /// When it was answered, since the Unix epoch, on the simulator's clock.
    pub at: Duration,
}

impl RequestRecord {
    /// The request as JSON.
    pub fn show(&self) -> Value {
        let mut shown = json!({
            "kind": "request", "number": self.number, "at": timestamp(self.at),
            "application": self.application.to_string(), "method": self.method,
            "path": self.path, "body": self.body, "files": self.files, "reason": self.reason,
            "status": self.status, "answer": self.answer,
        });
        if let Some(lacking) = &self.lacking {
            shown["lacking"] = lacking.show();
        }
        shown
    }

    /// Whether Discord would not do what was asked, and asking again does not help.
    fn is_refusal(&self) -> bool {
        matches!(self.status, 400 | 403)
    }
}

/// Keeps the last requests and dispatches.
#[derive(Debug)]
pub(crate) struct Records {
    kept: usize,
    count: u64,
    requests: VecDeque<RequestRecord>,
    refusals: VecDeque<RequestRecord>,
    lines: VecDeque<String>,
    unimplemented: BTreeSet<String>,
    /// Where everything goes, and the texts that are taken out of it.
    recording: Option<(Recording, Vec<String>)>,
}

/// Takes every request and event, each as a line of JSON.
#[derive(Clone, Debug)]
pub struct Recording(SyncSender<String>);

/// How many lines may wait to be written. What comes while so many wait is lost.
const WAITING: usize = 65_536;

impl Recording {
    /// A recording, and the lines that come of it, without the ends of lines.
    pub fn new() -> (Self, Receiver<String>) {
        let (sender, lines) = sync_channel(WAITING);
        (Self(sender), lines)
    }

    /// Tells whoever writes that nothing more comes.
    pub fn end(&self) {
        // Whoever is gone needs not be told.
        let _told = self.0.send(String::new()).is_ok();
    }

    /// Whether nothing more comes: no line of JSON is empty.
    pub fn is_end(line: &str) -> bool {
        line.is_empty()
    }

    /// Whoever writes may be gone, and nobody waits for a slow disk.
    fn take(&self, line: &Value, hidden: &[String]) {
        let line = hidden
            .iter()
            .fold(line.to_string(), |line, text| line.replace(text, "…"));
        let _taken = self.0.try_send(line).is_ok();
    }
}

impl Records {
    /// Keeps the last `kept` of each kind.
    pub(crate) fn new(kept: usize, recording: Option<(Recording, Vec<String>)>) -> Self {
        Self {
            kept: kept.max(1),
            count: 0,
            requests: VecDeque::new(),
            refusals: VecDeque::new(),
            lines: VecDeque::new(),
            unimplemented: BTreeSet::new(),
            recording,
        }
    }

    /// Takes a text out of what is recorded from now on.
    pub(crate) fn hide(&mut self, text: &str) {
        if let Some((_, hidden)) = &mut self.recording {
            hidden.push(text.to_owned());
        }
    }

    /// Keeps a request.
    pub(crate) fn request(&mut self, mut record: RequestRecord) {
        self.count += 1;
        record.number = self.count;
        let mut line = format!("bot: {} {}", record.method, record.path);
        // Writing into a string cannot fail.
        if !record.body.is_null() {
            let _written = write!(line, " {}", shortened(&record.body)).is_ok();
        }
        let _written = write!(line, " → {}", record.status).is_ok();
        if record.status >= 400 {
            let _written = write!(line, " {}", shortened(&record.answer)).is_ok();
        }
        self.line(line);
        if let Some((recording, hidden)) = &self.recording {
            recording.take(&record.show(), hidden);
        }
        if record.is_refusal() {
            if self.refusals.len() >= REFUSALS {
                self.refusals.pop_front();
            }
            self.refusals.push_back(record.clone());
        }
        if self.requests.len() >= self.kept {
            self.requests.pop_front();
        }
        self.requests.push_back(record);
    }

    /// Keeps a line of the transcript.
    pub(crate) fn line(&mut self, line: String) {
        if self.lines.len() >= SHOWN {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// Notes a dispatch.
    pub(crate) fn dispatch(&mut self, event: &Event) {
        let (name, data) = (event.name, &event.data);
        if let Some((recording, hidden)) = &self.recording {
            let line = json!({
                "kind": "event", "name": name,
                "guild": event.guild.map(|id| id.to_string()),
                "channel": event.channel.map(|id| id.to_string()), "data": data,
            });
            recording.take(&line, hidden);
        }
        let mut line = format!("dispatch: {name}");
        for field in ["id", "channel_id", "content", "custom_id"] {
            if let Some(value) = data.get(field) {
                let _written = write!(line, " {field}={}", shortened(value)).is_ok();
            }
        }
        self.line(line);
    }

    /// Notes a route that is missing here; true the first time.
    pub(crate) fn unimplemented(&mut self, route: String) -> bool {
        self.unimplemented.insert(route)
    }

    /// The routes that were asked for and are missing here.
    pub(crate) fn missing_routes(&self) -> Vec<String> {
        self.unimplemented.iter().cloned().collect()
    }

    /// The last requests, the oldest first.
    pub(crate) fn requests(&self) -> Vec<RequestRecord> {
        self.requests.iter().cloned().collect()
    }

    /// The last requests that were refused, the oldest first.
    pub(crate) fn refusals(&self) -> impl DoubleEndedIterator<Item = &RequestRecord> {
        self.refusals.iter()
    }

    /// The last lines, the oldest first.
    pub(crate) fn transcript(&self) -> String {
        let lines: Vec<&str> = self.lines.iter().map(String::as_str).collect();
        lines.join("\n")
    }

    /// Forgets the requests that were kept.
    pub(crate) fn clear(&mut self) {
        self.requests.clear();
        self.refusals.clear();
        self.lines.clear();
    }
}

fn shortened(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(BODY_SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

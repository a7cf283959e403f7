//! Conversations on the page: one is recorded, written down as a spec or as JSON, saved, and played again.

use super::StudioState;
use super::actions::{Body, Named, on_discord, refusal};
use super::people::guild_of;
use crate::conversation::{
    Conversation, Kind, Recorder, Replay, SaveError, SpecOptions, Step, StepOutcome, commands,
    load, needs_all, save, saved, spec,
};
use crate::lock::lock;
use crate::secrets;
use crate::sim::Id;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// How many replays may be under way; the oldest gives way.
const REPLAYS: usize = 4;

/// The project that the bot runs, as far as conversations are saved in it.
#[derive(Clone)]
pub struct Project {
    /// The folder of its specs.
    pub specs: PathBuf,
    /// The cog that has written a message, if that is known.
    pub author: Arc<dyn Fn(Id) -> Option<String> + Send + Sync>,
}

/// What is recorded and played at the moment, for all pages.
#[derive(Debug, Default)]
pub(super) struct Desk {
    recorder: Mutex<Option<Recorder>>,
    replays: Mutex<Replays>,
}

#[derive(Debug, Default)]
struct Replays {
    begun: u64,
    /// By number; nothing while one of its steps is played.
    all: BTreeMap<u64, Option<Replay>>,
}

/// A recording that runs, as pages show it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Recording {
    /// What people have done so far.
    steps: usize,
}

impl Desk {
    /// The recording that runs.
    pub(super) fn recording(&self) -> Option<Recording> {
        let recorder = lock(&self.recorder);
        recorder.as_ref().map(|it| Recording { steps: it.steps() })
    }

    fn begin(&self, replay: Replay) -> u64 {
        let mut replays = lock(&self.replays);
        if replays.all.len() >= REPLAYS {
            replays.all.pop_first();
        }
        replays.begun += 1;
        let number = replays.begun;
        replays.all.insert(number, Some(replay));
        number
    }

    fn take(&self, number: u64) -> Option<Replay> {
        lock(&self.replays).all.get_mut(&number)?.take()
    }

    /// Puts a replay back, unless it has ended meanwhile.
    fn put(&self, number: u64, replay: Replay) {
        if let Some(place) = lock(&self.replays).all.get_mut(&number) {
            *place = Some(replay);
        }
    }

    fn end(&self, number: u64) -> Option<Replay> {
        lock(&self.replays).all.remove(&number)?
    }
}

/// The answer, without secrets.
fn told(answer: &Value) -> Response {
    let answer = secrets::hide_text(&answer.to_string()).into_owned();
    ([(CONTENT_TYPE, "application/json")], answer).into_response()
}

fn refuse_save(error: &SaveError) -> Response {
    let (status, exists) = match error {
        SaveError::Exists(_) => (StatusCode::CONFLICT, true),
        SaveError::Name(_) => (StatusCode::BAD_REQUEST, false),
        SaveError::File { .. } => (StatusCode::INTERNAL_SERVER_ERROR, false),
    };
    let sentence = secrets::hide_text(&error.to_string()).into_owned();
    (status, Json(json!({ "error": sentence, "exists": exists }))).into_response()
}

#[derive(Deserialize)]
pub(super) struct Record {
    /// The server in which it is recorded; otherwise it is the first one.
    guild: Option<Named>,
}

/// Begins to record.
pub(super) async fn record(
    State(shared): State<StudioState>,
    Body(body): Body<Record>,
) -> Response {
    let Some(chat) = &shared.options.chat else {
        return on_discord();
    };
    let guild = match guild_of(chat, body.guild.as_ref()) {
        Ok(guild) => guild,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let mut recorder = lock(&shared.desk.recorder);
    if recorder.is_some() {
        let sentence = "A conversation is being recorded already, perhaps by another page.";
        return refusal(StatusCode::CONFLICT, sentence);
    }
    *recorder = Some(Recorder::start(chat, guild));
    told(&json!({}))
}

/// Ends the recording, and tells what was recorded.
pub(super) async fn stop(State(shared): State<StudioState>) -> Response {
    let Some(recorder) = lock(&shared.desk.recorder).take() else {
        return refusal(StatusCode::CONFLICT, "Nothing is being recorded.");
    };
    let end = recorder.finish();
    let mut conversation = end.conversation;
    conversation.cogs = cogs_of(&shared, &conversation, &end.written);
    let steps: Vec<String> = conversation.steps.iter().map(Step::told).collect();
    told(&json!({ "conversation": conversation, "steps": steps, "is_cut": end.is_cut }))
}

/// Ends the recording, and forgets it.
pub(super) async fn discard(State(shared): State<StudioState>) -> Response {
    drop(lock(&shared.desk.recorder).take());
    told(&json!({}))
}

/// The cogs that took part: those whose commands were used, and those that wrote something. All of them where something
/// was done that any of them may have done.
fn cogs_of(shared: &StudioState, conversation: &Conversation, written: &[Id]) -> Vec<String> {
    let Some(project) = &shared.options.project else {
        return Vec::new();
    };
    let views = (shared.options.cogs)();
    let running: Vec<_> = views.iter().filter(|it| it.version > 0).collect();
    let all = || running.iter().map(|cog| cog.name.clone()).collect();
    let prefix = (shared.options.bot)().prefix.unwrap_or_default();
    if needs_all(conversation, &prefix) {
        return all();
    }
    let used = commands(conversation, &prefix);
    let mut part: BTreeSet<String> = written
        .iter()
        .filter_map(|id| (project.author)(*id))
        .collect();
    for cog in &running {
        let mut names = cog.commands.iter().chain(&cog.slash_commands);
        if names.any(|name| used.contains(name)) {
            part.insert(cog.name.clone());
        }
    }
    part.retain(|name| running.iter().any(|cog| cog.name == *name));
    if part.is_empty() {
        return all();
    }
    part.into_iter().collect()
}

#[derive(Deserialize)]
pub(super) struct Write {
    conversation: Conversation,
    name: String,
    /// Whether the spec's clock goes on between steps.
    #[serde(default)]
    pauses: bool,
    /// What is written.
    kind: Written,
    /// Whether a file that is there may be replaced.
    #[serde(default)]
    overwrite: bool,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Written {
    Spec,
    Json,
}

impl Write {
    fn text(mut self) -> (String, Kind, String) {
        // The name of a file is no sentence, and that of a test is.
        self.conversation.name = match self.kind {
            Written::Spec => self.name.replace('_', " "),
            Written::Json => self.name.clone(),
        };
        let options = SpecOptions {
            keeps_pauses: self.pauses,
        };
        let (kind, text) = match self.kind {
            Written::Spec => (Kind::Spec, spec(&self.conversation, options)),
            Written::Json => (Kind::Json, self.conversation.text()),
        };
        (self.name, kind, text)
    }
}

/// Writes a conversation as a spec or as JSON.
pub(super) async fn write(Body(body): Body<Write>) -> Response {
    let (_, _, text) = body.text();
    told(&json!({ "text": text }))
}

/// Saves a spec or JSON in the folder of specs.
pub(super) async fn save_file(
    State(shared): State<StudioState>,
    Body(body): Body<Write>,
) -> Response {
    let Some(project) = project(&shared) else {
        return no_folder();
    };
    let overwrite = body.overwrite;
    let (name, kind, text) = body.text();
    match save(&project.specs, &name, (kind, &text), overwrite) {
        Ok(file) => told(&json!({ "file": file })),
        Err(error) => refuse_save(&error),
    }
}

/// The project, while the bot is in the simulator: on Discord, the page only shows.
fn project(shared: &StudioState) -> Option<&Project> {
    let project = shared.options.project.as_ref();
    project.filter(|_| shared.options.chat.is_some())
}

fn no_folder() -> Response {
    refusal(
        StatusCode::CONFLICT,
        "There is no folder of specs here. Download the file instead.",
    )
}

/// The names of what is saved.
pub(super) async fn list(State(shared): State<StudioState>) -> Response {
    let project = project(&shared);
    let names = project.map(|project| saved(&project.specs));
    told(&json!({ "names": names.clone().unwrap_or_default(), "can_save": names.is_some() }))
}

/// A conversation that is saved.
pub(super) async fn one(State(shared): State<StudioState>, Path(name): Path<String>) -> Response {
    let Some(project) = project(&shared) else {
        return no_folder();
    };
    match load(&project.specs, &name) {
        Ok(conversation) => told(&json!(conversation)),
        Err(error) => refuse_save(&error),
    }
}

#[derive(Deserialize)]
pub(super) struct Begin {
    /// The JSON, as it is in a file.
    conversation: Value,
    /// Whether there are the same pauses between steps as in the recording.
    #[serde(default)]
    pauses: bool,
    /// The server like which that of the replay is made; otherwise it is the first one.
    guild: Option<Named>,
}

/// Makes a server for a replay.
pub(super) async fn begin(State(shared): State<StudioState>, Body(body): Body<Begin>) -> Response {
    let Some(chat) = &shared.options.chat else {
        return on_discord();
    };
    let conversation = match Conversation::read(&body.conversation.to_string()) {
        Ok(conversation) => conversation,
        Err(why) => {
            let sentence = format!("This is no recorded conversation: {why}.");
            return refusal(StatusCode::BAD_REQUEST, &sentence);
        }
    };
    let steps: Vec<String> = conversation.steps.iter().map(Step::told).collect();
    let like = match guild_of(chat, body.guild.as_ref()) {
        Ok(like) => like,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    match Replay::begin(chat, conversation, like, body.pauses).await {
        Ok(replay) => {
            let number = shared.desk.begin(replay);
            told(&json!({ "replay": number, "steps": steps }))
        }
        Err(why) => refusal(StatusCode::BAD_REQUEST, &why),
    }
}

#[derive(Deserialize)]
pub(super) struct Which {
    replay: u64,
}

/// Plays the next step.
pub(super) async fn step(State(shared): State<StudioState>, Body(body): Body<Which>) -> Response {
    let Some(mut replay) = shared.desk.take(body.replay) else {
        let sentence = "This replay has ended, or its last step is still under way.";
        return refusal(StatusCode::CONFLICT, sentence);
    };
    let outcome: Option<StepOutcome> = replay.step().await;
    shared.desk.put(body.replay, replay);
    told(&json!({ "outcome": outcome }))
}

/// Ends a replay, and tells how the conversation went this time.
pub(super) async fn end(State(shared): State<StudioState>, Body(body): Body<Which>) -> Response {
    let replay = shared.desk.end(body.replay);
    told(&json!({ "conversation": replay.map(|it| it.as_played()) }))
}

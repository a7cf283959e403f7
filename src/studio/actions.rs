//! The actions of the page's user, as JSON over POST.

use super::StudioState;
use crate::host_tasks::{self, Task};
use crate::secrets;
use crate::sim::{Id, Sim, SimError, sentences};
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

/// An answer that says in one sentence why not.
pub(super) fn refusal(status: StatusCode, sentence: &str) -> Response {
    let sentence = secrets::hide_text(sentence);
    (status, Json(json!({ "error": sentence }))).into_response()
}

/// Answers also where the bot itself fails meanwhile.
pub(super) async fn answer_panics(request: Request, next: Next) -> Response {
    let answering = async {
        host_tasks::point(Task::Page);
        next.run(request).await
    };
    let answered = host_tasks::caught(Task::Page, answering).await;
    answered.unwrap_or_else(|| {
        refusal(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The bot itself failed while it did this. The details are in its log.",
        )
    })
}

/// A body of JSON, or a refusal in the page's own form.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        match Json::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(rejection) => Err(refuse_body(&rejection)),
        }
    }
}

fn refuse_body(rejection: &JsonRejection) -> Response {
    let status = rejection.status();
    let sentence = match status {
        StatusCode::PAYLOAD_TOO_LARGE => {
            "This is too large; a message has at most 2,000 characters."
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            "The body must be JSON (Content-Type: application/json)."
        }
        _ => "The body is not what this address expects; reload the page if you came from it.",
    };
    refusal(status, sentence)
}

/// A snowflake, which travels as a string.
#[derive(Clone, Copy)]
pub(super) struct Snowflake(pub(super) Id);

impl<'de> Deserialize<'de> for Snowflake {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

/// A person or a channel: by its id, or by its name.
#[derive(Deserialize)]
pub(super) struct Named(pub(super) String);

#[derive(Deserialize)]
pub(super) struct Say {
    user: Named,
    channel: Named,
    content: String,
    /// The message that this one answers.
    reply: Option<Snowflake>,
    /// Files that were uploaded before.
    #[serde(default)]
    files: Vec<SentFile>,
}

/// Writes a message.
pub(super) async fn say(State(shared): State<StudioState>, Body(body): Body<Say>) -> Response {
    act(&shared, |chat| {
        let Say {
            user,
            channel,
            content,
            reply,
            files,
        } = body;
        let mut body = json!({ "content": content });
        if let Some(Snowflake(message)) = reply {
            body["message_reference"] = json!({ "message_id": message.to_string() });
        }
        let files = describe(&files, &mut body);
        let (user, channel) = place(chat, &user, &channel)?;
        chat.send_uploaded(user, channel, body, &files)
    })
}

/// A file that goes out with a message.
#[derive(Deserialize)]
#[serde(untagged)]
enum SentFile {
    /// The id of an upload.
    Plain(Snowflake),
    /// With a text for those who do not see it.
    Described { id: Snowflake, description: String },
}

/// Writes what describes the files into the body of a message, and returns their ids.
fn describe(files: &[SentFile], body: &mut Value) -> Vec<Id> {
    let mut described = Vec::new();
    let ids = files.iter().enumerate().map(|(place, file)| match file {
        SentFile::Plain(id) => id.0,
        SentFile::Described { id, description } => {
            described.push(json!({ "id": place.to_string(), "description": description }));
            id.0
        }
    });
    let ids = ids.collect();
    if !described.is_empty() {
        body["attachments"] = described.into();
    }
    ids
}

/// Who does something where.
pub(super) fn place(chat: &Sim, user: &Named, channel: &Named) -> Result<(Id, Id), SimError> {
    Ok((chat.find_user(&user.0)?, chat.find_channel(&channel.0)?))
}

#[derive(Deserialize)]
pub(super) struct React {
    user: Named,
    channel: Named,
    message: Snowflake,
    /// The emoji itself, or `name:id`.
    emoji: String,
    /// Whether the reaction is added or taken away.
    on: bool,
}

/// Adds or takes away a reaction.
pub(super) async fn react(State(shared): State<StudioState>, Body(body): Body<React>) -> Response {
    act(&shared, |chat| {
        let (user, channel) = place(chat, &body.user, &body.channel)?;
        let message = body.message.0;
        if body.on {
            chat.react_as(user, channel, message, &body.emoji)?;
        } else {
            chat.unreact_as(user, channel, message, &body.emoji)?;
        }
        Ok(json!({}))
    })
}

#[derive(Deserialize)]
pub(super) struct Changed {
    user: Named,
    channel: Named,
    message: Snowflake,
    change: Change,
}

/// What is done with a message.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Change {
    Edit { content: String },
    Delete,
    Pin,
    Unpin,
}

/// Edits, deletes or pins a message.
pub(super) async fn change(
    State(shared): State<StudioState>,
    Body(body): Body<Changed>,
) -> Response {
    act(&shared, |chat| {
        let (user, channel) = place(chat, &body.user, &body.channel)?;
        let message = body.message.0;
        let pin = format!("/channels/{channel}/messages/pins/{message}");
        match body.change {
            Change::Edit { content } => {
                let body = json!({ "content": content });
                chat.edit_as(user, channel, message, body)?;
            }
            Change::Delete => chat.delete_as(user, channel, message)?,
            Change::Pin => drop(chat.call_as(user, "PUT", &pin, Value::Null)?),
            Change::Unpin => drop(chat.call_as(user, "DELETE", &pin, Value::Null)?),
        }
        Ok(json!({}))
    })
}

#[derive(Deserialize)]
pub(super) struct Language {
    user: Named,
    /// `id`, `en-US`
    locale: String,
}

/// Sets the language of somebody's client.
pub(super) async fn locale(
    State(shared): State<StudioState>,
    Body(body): Body<Language>,
) -> Response {
    act(&shared, |chat| {
        chat.set_locale(chat.find_user(&body.user.0)?, &body.locale)?;
        Ok(json!({}))
    })
}

#[derive(Deserialize)]
pub(super) struct Vote {
    user: Named,
    channel: Named,
    message: Snowflake,
    /// All answers that are the user's from now on.
    answers: Vec<u64>,
}

/// Votes in a poll, or takes the vote back.
pub(super) async fn vote(State(shared): State<StudioState>, Body(body): Body<Vote>) -> Response {
    act(&shared, |chat| {
        let (user, channel) = place(chat, &body.user, &body.channel)?;
        let message = body.message.0;
        chat.vote_as(user, channel, message, &body.answers)?;
        Ok(json!({}))
    })
}

#[derive(Deserialize)]
pub(super) struct Direct {
    user: Named,
    /// The first one, if it is not said.
    bot: Option<Named>,
}

/// Opens the direct messages between somebody and a bot.
pub(super) async fn direct(
    State(shared): State<StudioState>,
    Body(body): Body<Direct>,
) -> Response {
    act(&shared, |chat| {
        let user = chat.find_user(&body.user.0)?;
        let bot = body.bot.map(|bot| chat.find_user(&bot.0)).transpose()?;
        let channel = chat.direct_channel_with(user, bot.unwrap_or_else(|| chat.bot_user()))?;
        Ok(json!({ "channel": channel.to_string() }))
    })
}

/// Does something in the simulated Discord, or says in its words why that is not possible.
pub(super) fn act(
    shared: &StudioState,
    action: impl FnOnce(&Sim) -> Result<Value, SimError>,
) -> Response {
    let Some(chat) = &shared.options.chat else {
        return on_discord();
    };
    answer(action(chat))
}

/// The refusal while there is no simulated Discord.
pub(super) fn on_discord() -> Response {
    refusal(
        StatusCode::CONFLICT,
        "The bot is on Discord itself, so there is nothing to write to here; talk to it there.",
    )
}

/// What was done, or in Discord's words why not.
pub(super) fn answer(result: Result<Value, SimError>) -> Response {
    match result {
        Ok(answer) => {
            let answer = answer.to_string();
            let kind = [(CONTENT_TYPE, "application/json")];
            (kind, secrets::hide_text(&answer).into_owned()).into_response()
        }
        Err(error) => refuse(&error),
    }
}

/// In Discord's words why not, and for each field that is wrong what is wrong with it.
fn refuse(error: &SimError) -> Response {
    let mut fields = Map::new();
    if let SimError::Refused(error) = error
        && let Some(errors) = &error.errors
    {
        collect_fields(errors, "", &mut fields);
    }
    let mut answer = json!({ "error": in_discords_words(error), "fields": fields });
    if let SimError::Refused(error) = error
        && let Some(lacking) = &error.lacking
    {
        answer["lacking"] = lacking.show();
    }
    let answer = answer.to_string();
    let kind = [(CONTENT_TYPE, "application/json")];
    let answer = secrets::hide_text(&answer).into_owned();
    (StatusCode::BAD_REQUEST, kind, answer).into_response()
}

/// The sentences of nested errors by the path of the field that each is about.
fn collect_fields(errors: &Value, path: &str, found: &mut Map<String, Value>) {
    for (name, inner) in errors.as_object().into_iter().flatten() {
        if name == "_errors" {
            found.insert(path.into(), sentences(inner).join(" ").into());
        } else if path.is_empty() {
            collect_fields(inner, name, found);
        } else {
            collect_fields(inner, &format!("{path}.{name}"), found);
        }
    }
}

/// What Discord's own client would show: the sentences about the fields, or the error's own.
fn in_discords_words(error: &SimError) -> String {
    let SimError::Refused(error) = error else {
        return error.to_string();
    };
    let mut words = error.errors.as_deref().map(sentences).unwrap_or_default();
    if words.is_empty() {
        words.push(error.message.as_str());
    }
    let words = words.join(" ");
    match &error.lacking {
        Some(lacking) => format!("{}: {}", words.trim_end_matches('.'), lacking.why),
        None => words,
    }
}

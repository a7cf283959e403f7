//! Actions of people. They all go through the same handlers as the bot's requests, so people cannot do anything that
//! Discord would refuse.

use super::Sim;
use crate::sim::errors::{Invalid, SimError};
use crate::sim::follow::{ActionFile, ActionKind};
use crate::sim::ids::Id;
use crate::sim::rest::{RestCall, keep_upload, perform};
use crate::sim::world::Upload;
use serde_json::{Value, json};

impl Sim {
    /// Calls any route of the API as a user, under Discord's path without `/api/v10`
    /// (`PUT /guilds/1/bans/2`). Returns the answer's body; null when there is none.
    ///
    /// # Errors
    ///
    /// What Discord would answer, when it would refuse.
    pub fn call_as(
        &self,
        user: Id,
        method: &str,
        path: &str,
        body: Value,
    ) -> Result<Value, SimError> {
        self.call_with_files(user, (method, path), body, Vec::new())
    }

    fn call_with_files(
        &self,
        user: Id,
        (method, path): (&str, &str),
        body: Value,
        files: Vec<Upload>,
    ) -> Result<Value, SimError> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        };
        let call = RestCall {
            actor: user,
            query: query.split('&').filter_map(pair).collect(),
            body,
            files,
            ..RestCall::default()
        };
        let answer = self.hub().change(|state| {
            state.world.user(user)?;
            let done = (method != "GET" && state.followers.are_there()).then(|| {
                let files = call.files.iter().map(|file| ActionFile {
                    filename: file.filename.clone(),
                    bytes: file.bytes.clone(),
                });
                (call.body.clone(), files.collect())
            });
            let answer = perform(state, method, path, call);
            if let Some((body, files)) = done {
                let shown = answer.as_ref().ok().and_then(|it| it.body().cloned());
                let kind = ActionKind::Call {
                    method: method.to_owned(),
                    path: path.to_owned(),
                    body,
                    files,
                    answer: shown.unwrap_or_default(),
                };
                state.tell_action(user, kind, answer.as_ref().err().cloned());
            }
            if let Err(error) = &answer {
                let line = format!("user {user}: {method} {path} was refused: {error}");
                state.records.line(line);
            }
            answer
        })?;
        Ok(answer.body().cloned().unwrap_or_default())
    }

    /// Sends a message with a text. Returns the message.
    ///
    /// # Errors
    ///
    /// What Discord would answer, when it would refuse: the user may not speak there, the text is
    /// empty or longer than 2,000 characters.
    pub fn say(&self, user: Id, channel: Id, content: &str) -> Result<Value, SimError> {
        self.send_as(user, channel, json!({"content": content}))
    }

    /// Sends a message with Discord's own body. Files are `files = [{filename, content}]` in it,
    /// their content a text. Returns the message.
    ///
    /// # Errors
    ///
    /// What Discord would answer, when it would refuse.
    pub fn send_as(&self, user: Id, channel: Id, mut body: Value) -> Result<Value, SimError> {
        let files = body
            .as_object_mut()
            .and_then(|body| body.shift_remove("files"));
        let listed = files.as_ref().and_then(Value::as_array);
        let uploads = listed
            .into_iter()
            .flatten()
            .enumerate()
            .map(|(index, file)| Upload {
                number: u64::try_from(index).unwrap_or(0),
                filename: file["filename"].as_str().unwrap_or("file").into(),
                content_type: file["content_type"].as_str().map(Into::into),
                bytes: file["content"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
                    .into(),
                ahead: None,
            });
        let uploads = uploads.collect();
        let path = format!("/channels/{channel}/messages");
        self.call_with_files(user, ("POST", &path), body, uploads)
    }

    /// Keeps a file that a user sends later: with a message, as the value of an option, or in a modal. Returns its
    /// attachment's id.
    ///
    /// # Errors
    ///
    /// For a user that does not exist, and for a file that is larger than Discord takes.
    pub fn upload(
        &self,
        user: Id,
        filename: &str,
        content_type: Option<&str>,
        bytes: axum::body::Bytes,
    ) -> Result<Id, SimError> {
        let file = Upload {
            number: 0,
            filename: filename.into(),
            content_type: content_type.map(Into::into),
            bytes,
            ahead: Some(user),
        };
        self.hub().change(|state| {
            state.world.user(user)?;
            Ok(keep_upload(&mut state.world, file)?)
        })
    }

    /// Sends a message with Discord's own body and files that the same user has uploaded before; the body's `attachments`
    /// may describe them by their places. Returns the message, which has the files from then on.
    ///
    /// # Errors
    ///
    /// What Discord would answer, when it would refuse; and when the user has no such file, or not any more.
    pub fn send_uploaded(
        &self,
        user: Id,
        channel: Id,
        body: Value,
        uploaded: &[Id],
    ) -> Result<Value, SimError> {
        let files = self.hub().look(|state| {
            let files = uploaded.iter();
            let files = files.map(|id| state.world.sent_ahead(user, *id).cloned());
            files.collect::<Option<Vec<Upload>>>()
        });
        let files = files.ok_or_else(|| {
            Invalid::one(
                "attachments",
                "CLIENT_VALIDATION",
                "A file is not there any more. Choose it again.",
            )
        })?;
        let files = (0..)
            .zip(files)
            .map(|(number, file)| Upload { number, ..file });
        let path = format!("/channels/{channel}/messages");
        let sent = self.call_with_files(user, ("POST", &path), body, files.collect())?;
        self.hub().change(|state| {
            for id in uploaded {
                state.world.files.shift_remove(id);
            }
        });
        Ok(sent)
    }

    /// Edits a message with Discord's own body. Returns the message.
    ///
    /// # Errors
    ///
    /// What Discord would answer, when it would refuse.
    pub fn edit_as(
        &self,
        user: Id,
        channel: Id,
        message: Id,
        body: Value,
    ) -> Result<Value, SimError> {
        let path = format!("/channels/{channel}/messages/{message}");
        self.call_as(user, "PATCH", &path, body)
    }

    /// Deletes a message.
    ///
    /// # Errors
    ///
    /// What Discord would answer, when it would refuse.
    pub fn delete_as(&self, user: Id, channel: Id, message: Id) -> Result<(), SimError> {
        let path = format!("/channels/{channel}/messages/{message}");
        self.call_as(user, "DELETE", &path, Value::Null).map(drop)
    }

    /// Reacts with an emoji: `👍`, or `name:id` for a guild's own.
    ///
    /// # Errors
    ///
    /// What Discord would answer, when it would refuse.
    pub fn react_as(
        &self,
        user: Id,
        channel: Id,
        message: Id,
        emoji: &str,
    ) -> Result<(), SimError> {
        let path = format!("/channels/{channel}/messages/{message}/reactions/{emoji}/@me");
        self.call_as(user, "PUT", &path, Value::Null).map(drop)
    }

    /// Takes a reaction back.
    ///
    /// # Errors
    ///
    /// What Discord would answer, when it would refuse.
    pub fn unreact_as(
        &self,
        user: Id,
        channel: Id,
        message: Id,
        emoji: &str,
    ) -> Result<(), SimError> {
        let path = format!("/channels/{channel}/messages/{message}/reactions/{emoji}/@me");
        self.call_as(user, "DELETE", &path, Value::Null).map(drop)
    }

    /// Votes in a poll: the ids of all answers that are the user's from now on, none to take the vote back.
    ///
    /// # Errors
    ///
    /// What Discord would answer, when it would refuse.
    pub fn vote_as(
        &self,
        user: Id,
        channel: Id,
        message: Id,
        answers: &[u64],
    ) -> Result<(), SimError> {
        let path = format!("/channels/{channel}/polls/{message}/answers/@me");
        let body = json!({ "answer_ids": answers });
        self.call_as(user, "PUT", &path, body).map(drop)
    }

    /// Shows that a user is typing.
    ///
    /// # Errors
    ///
    /// What Discord would answer, when it would refuse.
    pub fn typing_as(&self, user: Id, channel: Id) -> Result<(), SimError> {
        let path = format!("/channels/{channel}/typing");
        self.call_as(user, "POST", &path, Value::Null).map(drop)
    }

    /// The direct channel between a user and the bot; made when there is none. 0 for a user that
    /// does not exist.
    pub fn direct_channel(&self, user: Id) -> Id {
        self.hub().change(|state| {
            let bot = state.world.bot;
            state.world.direct_channel(user, bot).unwrap_or(0)
        })
    }
}

//! What answers a call: `ctx:reply`, `send`, `edit`, `delete` and `typing`.

use super::Invocation;
use crate::api::call::{call, known, make, open_direct_channel, prepare};
use crate::api::content::Content;
use crate::api::deletion::{Deletion, MessagePlace, delete, delete_later};
use crate::discord::reply_to;
use crate::json::Json;
use crate::lock::lock;
use crate::vm::host::{HostError, HostResult};
use serde_json::Map;
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Invocation {
    /// Answers the call: in the channel, as a reply to the caller's message, or to the caller alone.
    pub async fn reply(
        self: &Arc<Self>,
        function: &'static str,
        mut content: Content,
    ) -> HostResult<Option<Json>> {
        if let Some(id) = self.caller_message()
            && !self.goes_to_caller(&content)
            && lock(&self.answer).is_none()
        {
            let reference = content.body.entry("message_reference");
            reference.or_insert_with(|| reply_to(id));
        }
        self.send(function, content).await
    }

    /// Whether a message is for the caller alone, and the call came from where others read.
    fn goes_to_caller(&self, content: &Content) -> bool {
        content.ephemeral.unwrap_or(self.called.ephemeral) && self.guild_id.is_some()
    }

    /// Sends a message to where the call came from, or to the caller alone.
    pub(super) async fn send(
        self: &Arc<Self>,
        function: &'static str,
        content: Content,
    ) -> HostResult<Option<Json>> {
        let cog = &self.cog;
        let to_caller = self.goes_to_caller(&content);
        let deletion = Deletion::of(cog, function, content.delete_after)?;
        let mut body = content.body;
        body.insert("channel_id".to_owned(), self.channel_id.as_str().into());
        let operation = known("create_message")?;
        // What is wrong with it is found before a channel is opened for it.
        let again = to_caller.then(|| (body.clone(), content.files.clone()));
        let heard = self.caller_message();
        let mut call = prepare(cog, function, operation, body, content.files, heard)?.needing(None);
        // Every call of a command is owed one answer, however many users call at once.
        let is_first = !self.answered.swap(true, Ordering::Relaxed);
        if !is_first {
            cog.limits.wait_to_call(function).await?;
        }
        if let Some((mut body, files)) = again {
            let channel = open_direct_channel(
                cog,
                function,
                self.author.str("id").unwrap_or_default().into(),
            )
            .await?;
            body.insert("channel_id".to_owned(), channel.into());
            drop(call);
            call = prepare(cog, function, operation, body, files, heard)?.needing(None);
        }
        let message = make(cog, call).await?;
        if let Some(answer) = message.as_ref().and_then(MessagePlace::of) {
            *lock(&self.answer) = Some(answer.clone());
            delete_later(cog, answer, deletion);
        }
        Ok(message)
    }

    /// The id of the message that called.
    fn caller_message(&self) -> Option<&str> {
        self.message.as_ref()?.str("id")
    }

    /// Edits the last answer.
    pub(super) async fn edit(
        self: &Arc<Self>,
        function: &'static str,
        content: Content,
    ) -> HostResult<Option<Json>> {
        let answer = self.last_answer(function)?;
        let deletion = Deletion::of(&self.cog, function, content.delete_after)?;
        let mut body = content.body;
        answer.add_to(&mut body);
        let edited = call(&self.cog, function, "update_message", body, content.files).await?;
        delete_later(&self.cog, answer, deletion);
        Ok(edited)
    }

    /// Deletes the last answer.
    pub(super) async fn delete(&self, function: &'static str) -> HostResult<()> {
        let answer = self.last_answer(function)?;
        delete(&self.cog, function, &answer).await?;
        lock(&self.answer).take();
        Ok(())
    }

    /// Shows where the call came from that the bot is typing.
    pub(super) async fn typing(&self, function: &'static str) -> HostResult<()> {
        let channel = [("channel_id".to_owned(), self.channel_id.as_str().into())];
        let (id, channel) = ("trigger_typing_indicator", Map::from_iter(channel));
        call(&self.cog, function, id, channel, Vec::new()).await?;
        Ok(())
    }

    fn last_answer(&self, function: &str) -> HostResult<MessagePlace> {
        lock(&self.answer).clone().ok_or_else(|| {
            let message = format!("{function}: there is no answer yet; call ctx:reply first");
            HostError::new("argument", message).into()
        })
    }
}

//! What answers a call: `ctx:reply`, `send`, `edit`, `delete`, `update`, `defer` and `typing`.

use super::{CallOrigin, Invocation};
use crate::api::answer::CallAnswer;
use crate::api::call::{self, known, open_direct_channel, prepare};
use crate::api::content::Content;
use crate::api::deletion::{Deletion, MessagePlace, delete, delete_later};
use crate::api::interaction::Interaction;
use crate::discord::reply_to;
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
    ) -> HostResult<Option<CallAnswer>> {
        if let Some(interaction) = self.interaction(function)? {
            return self.respond(interaction, function, content).await;
        }
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
    ) -> HostResult<Option<CallAnswer>> {
        if let Some(interaction) = self.interaction(function)? {
            return self.respond(interaction, function, content).await;
        }
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
        let message = call::answer(cog, call).await?;
        if let Some(ids) = message.as_ref().and_then(CallAnswer::place) {
            let answer = MessagePlace::of(ids);
            *lock(&self.answer) = Some(answer.clone());
            delete_later(cog, answer, deletion);
        }
        Ok(message)
    }

    /// Answers an interaction: first the answer that Discord waits for, then follow-ups.
    async fn respond(
        self: &Arc<Self>,
        interaction: &Arc<Interaction>,
        function: &'static str,
        content: Content,
    ) -> HostResult<Option<CallAnswer>> {
        let cog = &self.cog;
        let ephemeral = content.ephemeral.unwrap_or(self.called.ephemeral);
        let deletion = Deletion::of(cog, function, content.delete_after)?;
        let is_first = !self.answered.swap(true, Ordering::Relaxed);
        if !is_first {
            cog.limits.wait_to_call(function).await?;
        }
        let responding = interaction.respond(cog, function, content, ephemeral);
        let message = Box::pin(responding).await?;
        if let Some(ids) = message.as_ref().and_then(CallAnswer::place) {
            let answer = MessagePlace::of_answer(ids, interaction);
            *lock(&self.answer) = Some(answer.clone());
            delete_later(cog, answer, deletion);
        }
        Ok(message)
    }

    /// The interaction that is to be answered, if the call came by one. While an option is completed there is nothing
    /// that could be answered.
    pub(super) fn interaction(&self, function: &str) -> HostResult<Option<&Arc<Interaction>>> {
        match &self.origin {
            CallOrigin::Message(_) => Ok(None),
            CallOrigin::Interaction(interaction) => Ok(Some(interaction)),
            CallOrigin::Completion(_) => {
                let message = format!(
                    "{function}: the user is still typing; return the choices from `autocomplete`"
                );
                Err(HostError::new("phase", message).into())
            }
        }
    }

    /// Puts the answer off: Discord waits for it longer. A typed command has no deadline.
    pub(super) async fn defer(
        &self,
        function: &'static str,
        ephemeral: Option<bool>,
    ) -> HostResult<()> {
        let Some(interaction) = self.interaction(function)? else {
            return Ok(());
        };
        let ephemeral = match ephemeral {
            None if interaction.is_on_message() => None,
            other => Some(other.unwrap_or(self.called.ephemeral)),
        };
        interaction.defer(&self.cog, function, ephemeral).await
    }

    /// Edits the message that the component sits on which was used.
    pub(super) async fn update(
        self: &Arc<Self>,
        function: &'static str,
        content: Content,
    ) -> HostResult<()> {
        let CallOrigin::Interaction(interaction) = &self.origin else {
            let message = format!(
                "{function}: only in a component, on whose message it works; ctx:edit changes the last answer"
            );
            return Err(HostError::new("phase", message).into());
        };
        if content.ephemeral.is_some() {
            let message =
                format!("{function}: ephemeral: who sees a message cannot be changed any more");
            return Err(HostError::new("argument", message).into());
        }
        let cog = &self.cog;
        let deletion = Deletion::of(cog, function, content.delete_after)?;
        let is_first = !self.answered.swap(true, Ordering::Relaxed);
        if !is_first {
            cog.limits.wait_to_call(function).await?;
        }
        let edit = (content.body, content.files);
        let updating = interaction.update(cog, function, edit);
        if let Some(place) = Box::pin(updating).await? {
            delete_later(cog, place, deletion);
        }
        Ok(())
    }

    /// The id of the message that called.
    fn caller_message(&self) -> Option<&str> {
        match &self.origin {
            CallOrigin::Message(message) => message.str("id"),
            CallOrigin::Interaction(_) | CallOrigin::Completion(_) => None,
        }
    }

    /// Edits the last answer.
    pub(super) async fn edit(
        self: &Arc<Self>,
        function: &'static str,
        content: Content,
    ) -> HostResult<Option<CallAnswer>> {
        let answer = self.last_answer(function)?;
        let deletion = Deletion::of(&self.cog, function, content.delete_after)?;
        let mut body = content.body;
        answer.add_to(&mut body);
        let edited =
            call::call(&self.cog, function, answer.edited_by(), body, content.files).await?;
        delete_later(&self.cog, answer, deletion);
        Ok(edited.map(CallAnswer::Read))
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
        if self.interaction(function)?.is_some() {
            return self.defer(function, None).await;
        }
        let channel = [("channel_id".to_owned(), self.channel_id.as_str().into())];
        let (id, channel) = ("trigger_typing_indicator", Map::from_iter(channel));
        call::call(&self.cog, function, id, channel, Vec::new()).await?;
        Ok(())
    }

    fn last_answer(&self, function: &str) -> HostResult<MessagePlace> {
        lock(&self.answer).clone().ok_or_else(|| {
            let message = format!("{function}: there is no answer yet; call ctx:reply first");
            HostError::new("argument", message).into()
        })
    }
}

//! `ctx:run`: another command, as the same author.

use super::{CallOrigin, Invocation};
use crate::api::lines::Line;
use crate::commands::help::nearest_command;
use crate::commands::name_key::name_key;
use crate::commands::parse::{split_name, strip_prefix};
use crate::discord::event::Event;
use crate::vm::host::{HostError, HostFailure, HostResult, shown_name};
use crate::vm::slice::waiting;
use mlua::Lua;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Lines that one call may run.
const MOST_LINES: usize = 20;
/// What it takes to call commands of other cogs: they may do what this one may not.
const OF_OTHERS: &str = "commands.run";

impl Invocation {
    /// Carries out a line as the call's author. Returns whether a command ran to its end; why one did not, the author
    /// is told as if they had typed it.
    pub(super) async fn run(
        &self,
        lua: &Lua,
        function: &'static str,
        text: &str,
    ) -> HostResult<bool> {
        let (event, line, answered) = self.prepare_line(function, text)?;
        self.cog.limits.wait_to_call(function).await?;
        let services = Arc::clone(&self.cog.services);
        let busy = services.activity.begin();
        let posted = async move {
            if let Some(runner) = services.lines.get() {
                runner.post(event, line);
            }
            drop(busy);
            answered.await
        };
        // The line's own handler may wait for the clock or for a user.
        let ended = waiting(lua, posted).await;
        Ok(ended.is_ok_and(|(is_done, _busy)| is_done))
    }

    fn prepare_line(
        &self,
        function: &'static str,
        text: &str,
    ) -> HostResult<(Arc<Event>, Arc<Line>, crate::api::lines::Answered)> {
        let interaction = self.interaction(function)?.cloned();
        if self.called.is_run {
            let message = format!(
                "{function}: \"{}\" was itself called by ctx:run, and may not call another command",
                shown_name(&self.called.name)
            );
            return Err(HostError::new("phase", message).into());
        }
        if self.lines_run.fetch_add(1, Ordering::Relaxed) >= MOST_LINES {
            let message = format!("{function}: at most {MOST_LINES} commands in one call");
            return Err(HostError::new("limit", message).into());
        }
        let services = &self.cog.services;
        let prefix = services.config.load().bot.prefix.clone();
        let identity = services.identity.load();
        let rest = strip_prefix(text, &prefix, identity.id()).unwrap_or(text);
        let (name, arguments) = split_name(rest);
        let event = Arc::new(Event::made("message_create", self.said(text)));
        let guild = event.origin().guild;
        let owner = services
            .lines
            .get()
            .and_then(|it| it.owner(&name_key(name), guild));
        let owner = owner.ok_or_else(|| self.no_such_command(function, name))?;
        if owner != self.cog.name {
            let function = format!(
                "{function}: the command \"{}\" of the cog \"{owner}\"",
                shown_name(name)
            );
            self.cog.capabilities.require(&function, OF_OTHERS)?;
        }
        let begins = text.len() - arguments.len();
        let (line, answered) = Line::new(name, begins, &prefix, interaction);
        Ok((event, line, answered))
    }

    fn no_such_command(&self, function: &str, name: &str) -> HostFailure {
        let known = self.cog.services.shown_names.load();
        let near = nearest_command(name, known.iter().map(String::as_str));
        let hint = crate::nearest::hint(near);
        let name = shown_name(name);
        let message = format!("{function}: there is no command \"{name}\"{hint}");
        HostError::new("argument", message).into()
    }

    /// The message that the author would have sent.
    fn said(&self, text: &str) -> String {
        let mut said = match &self.origin {
            CallOrigin::Message(message) => Value::from(message),
            CallOrigin::Interaction(interaction) | CallOrigin::Completion(interaction) => {
                Value::from(&interaction.caller())
            }
        };
        said["content"] = text.into();
        said.to_string()
    }
}

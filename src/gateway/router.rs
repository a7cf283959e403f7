//! From an event to the mailboxes of the cogs that asked for it. Runs on the gateway's own threads, so it
//! never waits and never enters a VM.

use super::event::Event;
use crate::admin::{Admin, AdminCall};
use crate::cogs::actor::{Work, complete};
use crate::cogs::command::Call;
use crate::cogs::host::{ADMIN_COMMANDS, Cogs};
use crate::commands::conflicts::Claim;
use crate::commands::parse::{name_key, split_name, strip_prefix};
use std::sync::Arc;

/// Events that tell what the cache keeps. Messages are left out: their members are learned when a cog asks
/// for the message.
fn is_cached(name: &str) -> bool {
    ["guild_", "channel_", "thread_", "user_", "ready"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// Routes events.
#[derive(Clone, Debug)]
pub struct Router {
    cogs: Arc<Cogs>,
    admin: Admin,
}

impl Router {
    /// Routes to `cogs` and, for the bot's own commands, to `admin`.
    pub fn new(cogs: Arc<Cogs>, admin: Admin) -> Self {
        Self { cogs, admin }
    }

    /// Takes one event.
    pub fn route(&self, event: &Arc<Event>) {
        // Whoever waits for the bot to settle is woken by this.
        let _busy = self.cogs.services.activity.begin();
        let name = event.name.as_ref();
        if is_cached(name) {
            self.cogs.services.cache.apply(name, event.data());
        }
        if name == "message_create" {
            self.route_command(event);
        }
        let routes = self.cogs.routes();
        for cog in routes.listeners(name) {
            // Events for a cog that was unloaded meanwhile are nobody's.
            let _unloaded = cog.post(Work::Event(Arc::clone(event))).is_some();
        }
    }

    /// Looks whether a message calls a command, without parsing more of it than that needs.
    fn route_command(&self, event: &Arc<Event>) {
        let Some(peek) = event.peek_message() else {
            return;
        };
        if peek.author_bot || peek.webhook_id.is_some() {
            return;
        }
        let services = &self.cogs.services;
        let config = services.config.load();
        let identity = services.identity.load();
        let Some(rest) = strip_prefix(&peek.content, &config.bot.prefix, identity.id()) else {
            return;
        };
        let (name, arguments) = split_name(rest);
        let key = name_key(name);
        let is_admin = ADMIN_COMMANDS.contains(&key.as_str());
        let routes = self.cogs.routes();
        let claim = Claim::Typed(key);
        let cog = routes.owner(&claim);
        if !is_admin && cog.is_none() {
            return;
        }
        let data = complete("message_create", event.data());
        services.cache.apply("message_create", &data);
        if is_admin {
            self.admin.call(AdminCall {
                name: claim.name().to_owned(),
                arguments: arguments.trim().to_owned(),
                channel_id: peek.channel_id.to_owned(),
                message_id: peek.id.to_owned(),
                author_id: peek.author_id.to_owned(),
            });
        } else if let Some(cog) = cog {
            let unloaded = cog.post(Work::Command(Box::new(Call {
                content: peek.content.to_string(),
                name: name.to_owned(),
                arguments: peek.content.len() - arguments.len(),
                prefix: config.bot.prefix.clone(),
                message: data,
            })));
            // The routes changed at this very moment: another cog may have the command now.
            if let Some(work) = unloaded
                && let Some(cog) = self.cogs.routes().owner(&claim)
            {
                let _nobody = cog.post(work).is_some();
            }
        }
    }
}

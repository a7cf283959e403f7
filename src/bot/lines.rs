//! Lines that are given to cogs: those of `ctx:run`, and those that call no command.

use super::allowed;
use crate::activity::Busy;
use crate::admin;
use crate::api::lines::{Line, Runner};
use crate::api::locale::{language, locale_in};
use crate::cogs::command::{CallForm, WaitingCall};
use crate::cogs::host::Cogs;
use crate::cogs::mailbox::Work;
use crate::commands::conflicts::Claim;
use crate::commands::cooldown::ScopeIds;
use crate::commands::definition::{Cooldown, CooldownScope};
use crate::commands::help;
use crate::commands::name_key::name_key;
use crate::discord::event::Event;
use crate::guild_settings::Verdict;
use crate::json::JsonRef;
use crate::supervisor::Ticket;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// A cog that has not said by then whether it knows what to do with a line does not.
const PATIENCE: Duration = Duration::from_secs(10);
/// What is counted when somebody is told of a command that they may have meant; no command has this name.
const SUGGESTION: &str = "suggested\n";
/// A user is told so rarely: others may share the bot's prefix.
const BETWEEN_SUGGESTIONS: Duration = Duration::from_secs(10);

/// Carries out the lines of `ctx:run`.
#[derive(Debug)]
pub(super) struct Lines(Weak<Cogs>);

impl Lines {
    pub(super) fn new(cogs: &Arc<Cogs>) -> Self {
        Self(Arc::downgrade(cogs))
    }
}

impl Runner for Lines {
    fn owner(&self, name: &str, guild: u64) -> Option<Arc<str>> {
        let routes = self.0.upgrade()?.routes();
        let owner = routes
            .in_guild(guild)
            .owner(&Claim::Typed(name.to_owned()))?;
        Some(Arc::clone(&owner.name))
    }

    fn post(&self, event: Arc<Event>, line: Arc<Line>) {
        let claim = Claim::Typed(name_key(&line.name));
        let form = CallForm::Run(line);
        let Some(cogs) = self.0.upgrade() else {
            return;
        };
        let routes = cogs.routes();
        if let Some(cog) = routes.here(&event).owner(&claim)
            && allowed::verdict(&cogs, cog, &claim, &event) == Verdict::Usable
        {
            let call = Box::new(WaitingCall { event, form });
            // With a cog that was unloaded at this very moment, the line is dropped, as where a server does not allow it.
            let _unloaded = cog.post(Work::Command(call, Ticket::default()));
        }
    }
}

/// A typed line that calls no command.
#[derive(Debug)]
pub(super) struct Unknown {
    pub(super) event: Arc<Event>,
    pub(super) name: String,
    pub(super) arguments: usize,
    pub(super) prefix: String,
}

/// Asks the cogs that have declared `cog.on_unknown_command`, in order of name, until one knows what to do with it.
/// Otherwise the user may be told which command they have probably meant.
pub(super) async fn offer(cogs: &Cogs, unknown: &Unknown, ticket: Ticket, begun: Busy) {
    let mut ticket = Some(ticket);
    let routes = cogs.routes();
    let mut busy = Some(begun);
    let settings = allowed::settings(cogs, &unknown.event);
    let is_off = |cog: &str| settings.as_ref().is_some_and(|it| it.is_cog_off(cog));
    let asked = routes.here(&unknown.event).asked_of_unknown();
    for cog in asked.filter(|cog| !is_off(&cog.name)) {
        let (line, answered) =
            Line::new::<()>(&unknown.name, unknown.arguments, &unknown.prefix, None);
        let call = WaitingCall {
            event: Arc::clone(&unknown.event),
            form: CallForm::Unknown(line),
        };
        let ticket = ticket.take().unwrap_or_default();
        if cog.post(Work::Command(Box::new(call), ticket)).is_some() {
            continue;
        }
        // The bot is busy with it in the cog's mailbox.
        busy = None;
        tokio::select! {
            answered = answered => match answered {
                Ok((true, _)) => return,
                Ok((false, with)) => busy = Some(with),
                Err(_) => {}
            },
            () = cogs.services.clock.sleep(PATIENCE) => {}
        }
    }
    if cogs.services.config.load().bot.suggest_commands {
        suggest(cogs, unknown).await;
    }
    drop((busy, ticket));
}

/// Tells the user which command has nearly this name, if one has.
async fn suggest(cogs: &Cogs, unknown: &Unknown) {
    let services = &cogs.services;
    let known = services.shown_names.load();
    let known = known.iter().map(String::as_str);
    let Some(nearest) = help::nearest_command(&unknown.name, known) else {
        return;
    };
    let message = unknown.event.data();
    let text = |path: &[&str]| {
        message
            .at(path)
            .and_then(JsonRef::as_str)
            .unwrap_or_default()
    };
    let ids = ScopeIds {
        user: text(&["author", "id"]),
        channel: text(&["channel_id"]),
        guild: message.str("guild_id"),
    };
    let seldom = [Cooldown {
        uses: 1,
        per: BETWEEN_SUGGESTIONS,
        scope: CooldownScope::User,
    }];
    let now = services.clock.now();
    if services
        .cooldowns
        .take(SUGGESTION, &ids, &seldom, now)
        .is_err()
    {
        return;
    }
    let language = language(services, &locale_in(services, ids.guild));
    let told = help::unknown_command(&unknown.name, [nearest], &unknown.prefix, language);
    admin::reply(services, ids.channel, text(&["id"]), &told).await;
}

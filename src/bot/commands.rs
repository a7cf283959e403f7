//! Makes Discord's list of commands, of slash commands and those of context menus, follow what the cogs declare.
//!
//! ```text
//! the commands may have changed ─ quiet time ─ other ones than last time? ─ GET ─ other ones than Discord's? ─ PUT
//! ```
//!
//! Nothing of it holds up a start or a reload. If it fails, it is tried again.

use crate::activity::Busy;
use crate::backoff::Backoff;
use crate::cogs::host::Cogs;
use crate::commands::conflicts::Claim;
use crate::commands::definition::CommandKind;
use crate::commands::slash::{application_command, differ, kept_as_it_is, localize};
use crate::discord::operation;
use crate::discord::outbound::CallError;
use crate::host_tasks::{self, Task};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tracing::{debug, error, info, warn};

/// Changes wait for so long for further ones: Discord allows few of them.
const QUIET_TIME: Duration = Duration::from_secs(2);
/// The pause after a failure; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// The longest pause.
const MAXIMUM_PAUSE: Duration = Duration::from_secs(600);
/// How long one request may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// Where commands are listed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Guild(String),
    Everywhere,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everywhere => formatter.write_str("everywhere"),
            Self::Guild(id) => write!(formatter, "in the server {id} (bot.dev_guilds)"),
        }
    }
}

/// What Discord was told last.
struct Listed {
    commands: Vec<Value>,
    /// Whether commands of cogs that do not run were left in the list.
    has_others: bool,
}

/// Keeps the list up to date.
pub(super) struct Follower {
    cogs: Arc<Cogs>,
    listed: BTreeMap<Place, Listed>,
    backoff: Backoff,
    /// What went wrong last, so that each kind of trouble is logged once.
    told: Option<String>,
    /// The bot is busy until the list has been looked at for the first time.
    begun: Option<Busy>,
}

impl Follower {
    pub(super) fn new(cogs: &Arc<Cogs>) -> Self {
        cogs.command_list.follow();
        Self {
            begun: Some(cogs.services.activity.begin()),
            cogs: Arc::clone(cogs),
            listed: BTreeMap::new(),
            backoff: Backoff::new(FIRST_PAUSE, MAXIMUM_PAUSE),
            told: None,
        }
    }

    /// Follows the cogs until it is aborted.
    pub(super) async fn follow(&mut self) {
        loop {
            host_tasks::point(Task::CommandList);
            let is_done = self.update().await;
            let services = Arc::clone(&self.cogs.services);
            let pause = (!is_done).then(|| self.backoff.pause());
            let alarm = pause.map(|pause| services.clock.alarm(pause));
            let again = async {
                match alarm {
                    Some(alarm) => alarm.await,
                    None => std::future::pending().await,
                }
            };
            self.begun = None;
            tokio::select! {
                busy = self.cogs.command_list.changed() => {
                    self.begun = busy;
                    self.wait_for_quiet().await;
                }
                woken = again => {
                    self.begun = Some(services.activity.begin());
                    drop(woken);
                }
            }
        }
    }

    /// Waits until nothing has changed for a while. A clock that stands still belongs to somebody who waits for each
    /// step.
    async fn wait_for_quiet(&mut self) {
        let clock = &self.cogs.services.clock;
        while !clock.is_paused() {
            tokio::select! {
                _ = self.cogs.command_list.changed() => {}
                () = clock.sleep(QUIET_TIME) => return,
            }
        }
    }

    /// Whether Discord's lists are as they should be.
    async fn update(&mut self) -> bool {
        let mut trouble = None;
        for (place, commands) in self.wanted() {
            if let Err(error) = self.list(&place, commands).await {
                trouble = Some((place, error));
            }
        }
        let Some((place, error)) = trouble else {
            self.backoff.reset();
            self.told = None;
            return true;
        };
        if place == Place::Everywhere && error.is_unknown_route() {
            self.tell(
                "The server does not support slash commands, so commands can only be typed"
                    .to_owned(),
            );
            return true;
        }
        let hint = match &error {
            CallError::Discord(error) if matches!(error.status, 403 | 404) => {
                "; add the bot to it, or take it out of bot.dev_guilds"
            }
            _ => "",
        };
        self.tell(format!(
            "The bot's slash commands could not be listed {place}: {error}{hint}. Trying again later"
        ));
        false
    }

    fn tell(&mut self, trouble: String) {
        if self.told.as_ref() == Some(&trouble) {
            debug!("{trouble}");
        } else {
            warn!("{trouble}");
            self.told = Some(trouble);
        }
    }

    /// The commands that should be listed in each place.
    fn wanted(&self) -> Vec<(Place, Vec<Value>)> {
        let config = self.cogs.services.config.load();
        let guilds = &config.bot.dev_guilds;
        let is_global = guilds.is_empty();
        let commands = self.declared(is_global);
        // Of guilds that are not in the list any more, the commands go.
        let former = self.listed.keys().filter_map(|place| match place {
            Place::Guild(id) if !guilds.contains(id) => Some((place.clone(), Vec::new())),
            _ => None,
        });
        let in_guilds = guilds
            .iter()
            .map(|id| (Place::Guild(id.clone()), commands.clone()));
        let everywhere = if is_global {
            commands.clone()
        } else {
            Vec::new()
        };
        let everywhere = (Place::Everywhere, everywhere);
        in_guilds.chain([everywhere]).chain(former).collect()
    }

    /// The commands of all cogs that have a version.
    fn declared(&self, is_global: bool) -> Vec<Value> {
        let mut commands = Vec::new();
        for cog in self.cogs.all() {
            if cog.has_version() {
                cog.peek(|status| {
                    let all = status.offer.commands.iter();
                    let all = all.filter_map(|it| application_command(&it.definition, is_global));
                    let texts = &*status.offer.texts;
                    commands.extend(all.map(|mut command| {
                        localize(&mut command, texts);
                        command
                    }));
                });
            }
        }
        for kind in CommandKind::ALL {
            leave_out(&mut commands, kind);
        }
        commands
    }

    /// Brings one of Discord's lists up to date.
    async fn list(&mut self, place: &Place, commands: Vec<Value>) -> Result<(), CallError> {
        let is_global = *place == Place::Everywhere;
        if let Some(listed) = self.listed.get(place)
            && !listed.has_others
            && !differ(&commands, &listed.commands, is_global)
        {
            return Ok(());
        }
        let at_discord = self.at_discord(place).await?;
        let others: Vec<Value> = at_discord
            .iter()
            .filter(|command| self.stays(command, &commands))
            .map(kept_as_it_is)
            .collect();
        let all: Vec<Value> = commands.iter().chain(&others).cloned().collect();
        if differ(&all, &at_discord, is_global) {
            self.overwrite(place, &all).await?;
            let count = commands.len();
            info!("Discord now lists {count} commands of the bot {place}");
        }
        let listed = Listed {
            commands,
            has_others: !others.is_empty(),
        };
        self.listed.insert(place.clone(), listed);
        Ok(())
    }

    /// Whether a command that no cog declares now stays in the list: it is Discord's own, or its cog does not run only
    /// because of a mistake. With a command, servers would lose what they have set for it.
    fn stays(&self, command: &Value, declared: &[Value]) -> bool {
        if command["type"] == 4 {
            return true;
        }
        let name = command["name"].as_str().unwrap_or_default();
        let kind = command["type"].as_u64().unwrap_or(1);
        let is_declared = declared
            .iter()
            .any(|it| it["name"] == name && it["type"] == kind);
        let claim = Claim::listed(kind, name);
        let owner = claim.and_then(|claim| self.cogs.names.owner(&claim));
        let cog = owner.and_then(|owner| self.cogs.get(&owner));
        !is_declared && cog.is_some_and(|cog| !cog.has_version())
    }

    async fn at_discord(&self, place: &Place) -> Result<Vec<Value>, CallError> {
        let id = match place {
            Place::Everywhere => "list_application_commands",
            Place::Guild(_) => "list_guild_application_commands",
        };
        let listed = self.call(id, place, None).await?;
        Ok(listed.as_array().cloned().unwrap_or_default())
    }

    async fn overwrite(&self, place: &Place, commands: &[Value]) -> Result<(), CallError> {
        let id = match place {
            Place::Everywhere => "bulk_set_application_commands",
            Place::Guild(_) => "bulk_set_guild_application_commands",
        };
        self.call(id, place, Some(commands)).await.map(drop)
    }

    async fn call(
        &self,
        id: &'static str,
        place: &Place,
        body: Option<&[Value]>,
    ) -> Result<Value, CallError> {
        let services = &self.cogs.services;
        let operation = operation(id).ok_or(CallError::Failed { operation: id })?;
        let identity = services.identity.load();
        let mut arguments = json!({ "application_id": identity.application_id });
        if let Place::Guild(guild) = place {
            arguments["guild_id"] = guild.as_str().into();
        }
        match body {
            Some(body) => arguments["body"] = body.into(),
            None => arguments["with_localizations"] = true.into(),
        }
        let answer = services
            .outbound
            .call(operation, arguments, DEADLINE)
            .await?;
        Ok(answer.map_or(Value::Null, |json| Value::from(&json)))
    }
}

/// Takes out what Discord would not list: of each kind it has room for so many.
fn leave_out(commands: &mut Vec<Value>, kind: CommandKind) {
    let is_of_kind = |command: &Value| command["type"] == kind.discord_type();
    let count = commands
        .iter()
        .filter(|command| is_of_kind(command))
        .count();
    let most = kind.most();
    if count <= most {
        return;
    }
    let mut left_out = Vec::new();
    let mut seen = 0;
    commands.retain(|command| {
        seen += usize::from(is_of_kind(command));
        let stays = !is_of_kind(command) || seen <= most;
        if !stays {
            left_out.extend(command["name"].as_str().map(str::to_owned));
        }
        stays
    });
    let left_out = left_out.join(", ");
    let (what, hint) = match kind {
        CommandKind::Chat => (
            "slash commands",
            "Put some into groups, or set `slash = false` where typing is enough",
        ),
        CommandKind::User => ("commands in the menu of a user", "Take some out"),
        CommandKind::Message => ("commands in the menu of a message", "Take some out"),
    };
    error!(
        "The cogs have {count} {what}, and Discord lists {most} of one bot: these are left out: {left_out}. {hint}"
    );
}

//! Makes Discord's list of commands, of slash commands and those of context menus, follow what the cogs declare, beside the bot's own.
//!
//! ```text
//! the commands may have changed ─ quiet time ─ other ones than last time? ─ GET ─ other ones than Discord's? ─ PUT
//! ```
//!
//! Nothing of it holds up a start or a reload. If it fails, it is tried again.

mod places;

use crate::activity::Busy;
use crate::admin::slash;
use crate::backoff::Backoff;
use crate::cogs::host::Cogs;
use crate::commands::conflicts::Claim;
use crate::commands::definition::CommandKind;
use crate::commands::slash::{application_command, differ, kept_as_it_is, localize};
use crate::discord::operation;
use crate::discord::outbound::CallError;
use crate::host_tasks::{self, Task};
use places::Places;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
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
    places: Places,
    backoff: Backoff,
    /// What went wrong last, so that each kind of trouble is logged once.
    told: Option<String>,
    /// Which commands Discord did not like last.
    blamed: String,
    /// Which commands were left out last.
    left_out: String,
    /// The bot is busy until the list has been looked at for the first time.
    begun: Option<Busy>,
}

impl Follower {
    /// `record`: where the servers are kept that have lists of their own.
    pub(super) fn new(cogs: &Arc<Cogs>, record: Option<PathBuf>) -> Self {
        cogs.command_list.follow();
        Self {
            begun: Some(cogs.services.activity.begin()),
            cogs: Arc::clone(cogs),
            listed: BTreeMap::new(),
            places: Places::open(record),
            backoff: Backoff::new(FIRST_PAUSE, MAXIMUM_PAUSE),
            told: None,
            blamed: String::new(),
            left_out: String::new(),
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
        self.blamed.clear();
        for (place, commands) in self.wanted() {
            let guilds = self.cogs.services.config.load().bot.dev_guilds.clone();
            let (guild, is_former) = match &place {
                Place::Guild(id) => (Some(id.clone()), !guilds.contains(id)),
                Place::Everywhere => (None, false),
            };
            if let Some(guild) = guild.as_deref().filter(|_| !is_former) {
                self.places.add(guild);
            }
            match (self.list(&place, commands).await, guild) {
                (Ok(()), Some(guild)) if is_former => self.forget(&place, &guild),
                // The bot is not there any more.
                (Err(CallError::Discord(error)), Some(guild))
                    if is_former && matches!(error.status, 403 | 404) =>
                {
                    self.forget(&place, &guild);
                }
                (Ok(()), _) => {}
                (Err(error), _) => trouble = Some((place, error)),
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
        let blamed = &self.blamed;
        self.tell(format!(
            "The bot's slash commands could not be listed {place}: {error}{hint}.{blamed} Trying again later; what can be typed goes on working"
        ));
        false
    }

    /// A server has none of the bot's own commands for it any more.
    fn forget(&mut self, place: &Place, guild: &str) {
        self.listed.remove(place);
        self.places.remove(guild);
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
    fn wanted(&mut self) -> Vec<(Place, Vec<Value>)> {
        let guilds = self.cogs.services.config.load().bot.dev_guilds.clone();
        let is_global = guilds.is_empty();
        let commands = self.declared(is_global);
        // Of guilds that are not in the list any more, the commands go.
        let former = self.places.former(&guilds).into_iter();
        let former = former.map(|id| (Place::Guild(id), Vec::new()));
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

    /// The bot's own commands, and those of all cogs that have a version.
    fn declared(&mut self, is_global: bool) -> Vec<Value> {
        // The bot's own come first: they are never too many.
        let own = slash::commands(is_global).into_iter();
        let mut commands: Vec<_> = own.map(|command| (command, String::new())).collect();
        for cog in self.cogs.all() {
            if cog.has_version() {
                cog.peek(|status| {
                    let texts = &*status.offer.texts;
                    for definition in status.offer.commands.iter().map(|it| &it.definition) {
                        let Some(mut command) = application_command(definition, is_global) else {
                            continue;
                        };
                        localize(&mut command, texts);
                        let place = definition.place.as_ref();
                        let place = place.map(|(file, line)| format!(" ({file}:{line})"));
                        let place = place.unwrap_or_default();
                        let name = &definition.name;
                        let whose = format!("\"{name}\" of the cog \"{}\"{place}", cog.name);
                        commands.push((command, whose));
                    }
                });
            }
        }
        let left_out = CommandKind::ALL.map(|kind| leave_out(&mut commands, kind));
        let left_out = left_out.into_iter().flatten().collect::<Vec<_>>().join(" ");
        if !left_out.is_empty() && left_out != self.left_out {
            error!("{left_out}");
        }
        self.left_out = left_out;
        commands.into_iter().map(|(command, _)| command).collect()
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
            if let Err(error) = self.overwrite(place, &all).await {
                self.blamed = self.blame(&error, &all);
                return Err(error);
            }
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

    /// The commands to which Discord objects, with their cogs: it names them by their places in the list.
    fn blame(&self, error: &CallError, sent: &[Value]) -> String {
        let routes = self.cogs.routes();
        let named = objected_to(error).filter_map(|index| {
            let command = sent.get(index)?;
            let name = command["name"].as_str()?;
            let claim = Claim::listed(command["type"].as_u64()?, name)?;
            let owner = routes.owner(&claim);
            let cog = owner.map_or_else(String::new, |cog| format!(" of the cog \"{}\"", cog.name));
            Some(format!("\"{name}\"{cog}"))
        });
        let named: Vec<String> = named.collect();
        if named.is_empty() {
            return String::new();
        }
        format!(" It is about {}.", named.join(", "))
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

/// The places in the list of what Discord objects to.
fn objected_to(error: &CallError) -> impl Iterator<Item = usize> {
    let errors = match error {
        CallError::Discord(error) => error.errors.as_ref().map(Value::from),
        _ => None,
    };
    let places = match errors {
        Some(Value::Object(errors)) => errors.into_iter().map(|(place, _)| place).collect(),
        _ => Vec::new(),
    };
    places.into_iter().filter_map(|place| place.parse().ok())
}

/// Takes out what Discord would not list: of each kind it has room for so many. Returns what there is to say about that.
fn leave_out(commands: &mut Vec<(Value, String)>, kind: CommandKind) -> Option<String> {
    let most = kind.most();
    let mut count = 0;
    let mut left_out = Vec::new();
    commands.retain(|(command, whose)| {
        if command["type"] != kind.discord_type() {
            return true;
        }
        count += 1;
        if count > most {
            left_out.push(whose.clone());
        }
        count <= most
    });
    if left_out.is_empty() {
        return None;
    }
    let left_out = left_out.join(", ");
    let (what, hint) = match kind {
        CommandKind::Chat => (
            "slash commands",
            "They can still be typed. Put some into groups, or set `slash = false` where typing is enough.",
        ),
        CommandKind::User => (
            "commands in the menu of a user",
            "Take out some of `cog.user_command`.",
        ),
        CommandKind::Message => (
            "commands in the menu of a message",
            "Take out some of `cog.message_command`.",
        ),
    };
    Some(format!(
        "There are {count} {what}, with the bot's own, and Discord lists {most} of one bot. These are left out: {left_out}. {hint}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::outbound::DiscordError;
    use crate::json::Json;

    #[test]
    fn discord_names_commands_by_their_places() {
        let errors = json!({
            "3": { "name": { "_errors": [{ "code": "APPLICATION_COMMAND_INVALID_NAME", "message": "m" }] } },
            "17": { "options": {} },
            "_errors": [],
        });
        let error = CallError::Discord(DiscordError {
            status: 400,
            code: 50_035,
            message: "Invalid Form Body".into(),
            operation: "bulk_set_application_commands".into(),
            errors: Some(Json::from(&errors)),
            may_be_done: false,
        });
        let mut places: Vec<usize> = objected_to(&error).collect();
        places.sort_unstable();
        assert_eq!(places, [3, 17]);
        assert_eq!(
            objected_to(&CallError::Failed { operation: "x" }).count(),
            0
        );
    }
}

//! Shows what exists and what has happened.

use super::Sim;
use crate::sim::errors::{SimError, UNKNOWN_CHANNEL, UNKNOWN_USER};
use crate::sim::follow::{Dispatch, Follower};
use crate::sim::gateway::SessionView;
use crate::sim::ids::Id;
use crate::sim::record::RequestRecord;
use crate::sim::world::{Guild, Message, User, World};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{broadcast, watch};

impl Sim {
    /// The first guild, Cogsmith.
    pub fn guild(&self) -> Id {
        self.hub()
            .look(|state| state.world.guilds.keys().next().copied().unwrap_or(0))
    }

    /// The oldest channel of this name, with or without `#`, in any guild.
    pub fn channel(&self, name: &str) -> Option<Id> {
        let name = name.trim_start_matches('#');
        self.hub().look(|state| {
            let mut channels = state.world.channels.values();
            let found = channels.find(|channel| channel.name == name && !channel.is_direct());
            found.map(|channel| channel.id)
        })
    }

    /// The oldest user of this name.
    pub fn user(&self, name: &str) -> Option<Id> {
        self.hub().look(|state| {
            let mut users = state.world.users.values();
            users.find(|user| user.name == name).map(|user| user.id)
        })
    }

    /// The user with this id or name.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn find_user(&self, text: &str) -> Result<Id, SimError> {
        let known = |id: &Id| self.hub().look(|state| state.world.users.contains_key(id));
        let by_id = text.parse().ok().filter(known);
        let found = by_id.or_else(|| self.user(text));
        found.ok_or_else(|| UNKNOWN_USER.into())
    }

    /// The channel with this id, or the oldest of this name.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn find_channel(&self, text: &str) -> Result<Id, SimError> {
        let known = |id: &Id| {
            self.hub()
                .look(|state| state.world.channels.contains_key(id))
        };
        let by_id = text.parse().ok().filter(known);
        let found = by_id.or_else(|| self.channel(text));
        found.ok_or_else(|| UNKNOWN_CHANNEL.into())
    }

    /// The first role of this name in a guild.
    pub fn role(&self, guild: Id, name: &str) -> Option<Id> {
        self.hub().look(|state| {
            let mut roles = state.world.guilds.get(&guild)?.roles.values();
            roles.find(|role| role.name == name).map(|role| role.id)
        })
    }

    /// The bot's user, which is also the application's id.
    pub fn bot_user(&self) -> Id {
        self.hub().look(|state| state.world.bot)
    }

    /// The owner of the application and of the first guild.
    pub fn owner(&self) -> Id {
        self.hub().look(|state| state.world.owner)
    }

    /// Everything but messages; users have their `locale`, too: `{guilds: [{id, name, owner_id, channels, roles, members,
    /// voice_states, bans}], users, direct_channels, presences, bot}`, in Discord's own shapes; `bans` are ids of users.
    /// Without a presence a person is online, and a bot is offline.
    pub fn world(&self) -> Value {
        self.hub().look(|state| {
            let world = &state.world;
            let direct = world
                .channels
                .values()
                .filter(|channel| channel.is_direct());
            let users = world.users.keys();
            let changed = users.filter(|id| world.presences.contains_key(*id));
            json!({
                "guilds": world.guilds.values().map(|it| show_guild(world, it)).collect::<Vec<_>>(),
                "users": world.users.values().map(show_person).collect::<Vec<_>>(),
                "direct_channels": direct
                    .map(|channel| json!({
                        "id": channel.id.to_string(),
                        "type": channel.kind,
                        "recipients": channel.recipients.iter()
                            .map(|id| world.show_user(*id)).collect::<Vec<_>>(),
                    }))
                    .collect::<Vec<_>>(),
                "presences": changed.map(|id| world.show_presence(*id)).collect::<Vec<_>>(),
                "bot": world.show_user(world.bot),
                "owner_id": world.owner.to_string(),
            })
        })
    }

    /// The messages of a channel, the oldest first, as the bot would see them; ephemeral ones too
    /// (flag 64, `interaction_metadata.user` is their reader).
    pub fn messages(&self, channel: Id) -> Vec<Value> {
        self.hub().look(|state| {
            let messages = state.world.messages.get(&channel);
            let messages = messages.into_iter().flat_map(|all| all.values());
            messages
                .map(|message| message.show(state.world.bot))
                .collect()
        })
    }

    /// How many messages of a channel there are: cheaper than looking at them.
    pub fn message_count(&self, channel: Id) -> usize {
        self.hub().look(|state| {
            let messages = state.world.messages.get(&channel);
            messages.map_or(0, std::collections::BTreeMap::len)
        })
    }

    /// One message as the bot would see it.
    pub fn message(&self, channel: Id, id: Id) -> Option<Value> {
        self.hub().look(|state| {
            let message: &Message = state.world.messages.get(&channel)?.get(&id)?;
            Some(message.show(state.world.bot))
        })
    }

    /// The registered application commands as Discord shows them; those of a guild, or the global.
    pub fn commands(&self, guild: Option<Id>) -> Vec<Value> {
        self.hub().look(|state| {
            let commands = state.world.commands.values();
            let own = commands.filter(|command| command.guild == guild);
            own.map(|command| command.shown.clone()).collect()
        })
    }

    /// All registered application commands as Discord shows them.
    pub fn all_commands(&self) -> Vec<Value> {
        self.hub().look(|state| {
            let commands = state.world.commands.values();
            commands.map(|command| command.shown.clone()).collect()
        })
    }

    /// What `user` may do in a channel, as Discord's permission bits.
    pub fn permissions_in(&self, user: Id, channel: Id) -> u64 {
        self.hub().look(|state| {
            let channel = state.world.channels.get(&channel);
            channel.map_or(0, |channel| {
                crate::sim::permissions::in_channel(&state.world, channel, user)
            })
        })
    }

    /// Every dispatch from now on, before intents decide who receives it. A receiver that lags
    /// more than 8,192 dispatches behind misses the oldest.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Dispatch>> {
        self.hub().subscribe()
    }

    /// Changes whenever a request was refused: the number of the newest that was.
    pub fn refused(&self) -> watch::Receiver<u64> {
        self.hub().refused.subscribe()
    }

    /// Follows what people do and what is dispatched, in one order, from now on.
    pub fn follow(&self) -> Follower {
        self.hub().change(|state| state.followers.follow())
    }

    /// The time on the simulator's clock, since the Unix epoch.
    pub fn now(&self) -> std::time::Duration {
        self.hub().look(|state| state.world.clock.now())
    }

    /// The modal that stands open in front of a user: `{custom_id, components}`.
    pub fn open_modal(&self, user: Id) -> Option<Value> {
        self.hub().look(|state| {
            let modal = state.world.modals.get(&user)?;
            let (custom_id, components) = (&modal.custom_id, &modal.components);
            Some(json!({ "custom_id": custom_id, "components": components }))
        })
    }

    /// What the bot requested, the oldest first; the last `SimOptions::requests_kept`.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.hub().look(|state| state.records.requests())
    }

    /// What bots asked for that was refused with status 400 or 403, the newest last, at most 50: those whose number is
    /// above `after`.
    pub fn refusals(&self, after: u64) -> Vec<RequestRecord> {
        self.hub().look(|state| {
            let refusals = state.records.refusals();
            refusals.filter(|one| one.number > after).cloned().collect()
        })
    }

    /// Forgets the requests and the transcript so far.
    pub fn clear_requests(&self) {
        self.hub().change(|state| state.records.clear());
    }

    /// Requests that were received and not answered yet.
    pub fn requests_in_flight(&self) -> usize {
        self.hub().look(|state| state.in_flight)
    }

    /// Discord's operations that were asked for and that the simulator does not have.
    pub fn unimplemented_routes(&self) -> Vec<String> {
        self.hub().look(|state| state.records.missing_routes())
    }

    /// What was given so far and is not as Discord describes it, a line each: the operation or the event, the place
    /// in it and what is wrong. Empty unless `SimOptions::checks_conformity` is set.
    pub fn deviations(&self) -> Vec<String> {
        self.hub().look(|state| state.conformity.found())
    }

    /// The last requests and dispatches, one a line, the newest last.
    pub fn transcript(&self) -> String {
        self.hub().look(|state| state.records.transcript())
    }

    /// All gateway sessions, also those that nobody is connected to.
    pub fn sessions(&self) -> Vec<SessionView> {
        self.hub().look(|state| state.sessions.views())
    }

    /// When the last heartbeats came: for each session, also those that nobody is connected to, the oldest
    /// first.
    pub fn heartbeats(&self) -> Vec<Vec<Instant>> {
        self.hub().look(|state| state.sessions.heartbeats())
    }

    /// For each connected session: its id, its shard, and the number of its newest event. A bot
    /// that has handled an event with that number on each shard has seen everything.
    pub fn sent_sequences(&self) -> Vec<(String, u32, u64)> {
        let sessions = self.sessions().into_iter();
        let connected = sessions.filter(|session| session.connected);
        connected
            .map(|session| (session.id, session.shard, session.newest))
            .collect()
    }
}

/// A user with the language of their client, which Discord tells nobody but in their interactions.
fn show_person(user: &User) -> Value {
    let mut shown = user.show();
    shown["locale"] = user.locale.as_str().into();
    shown
}

fn show_guild(world: &World, guild: &Guild) -> Value {
    let channels = world.channels.values();
    let channels = channels.filter(|channel| channel.guild == Some(guild.id));
    let mut channels: Vec<_> = channels.collect();
    channels.sort_by_key(|channel| (channel.position, channel.id));
    let shown: Vec<Value> = channels
        .into_iter()
        .map(|channel| world.show_channel(channel, world.bot))
        .collect();
    let members = guild.members.values();
    let members: Vec<Value> = members.map(|member| world.show_member(member)).collect();
    let mut whole = guild.show();
    whole["channels"] = json!(shown);
    whole["members"] = json!(members);
    whole["voice_states"] = world.show_voices(guild.id);
    whole["bans"] = guild.bans.keys().map(ToString::to_string).collect();
    whole
}

//! What people do beside of messages: they come and go, join voice channels, show what they do, upload emoji.

use super::Sim;
use crate::sim::blueprint::preset;
use crate::sim::errors::Lacking;
use crate::sim::errors::{
    ApiError, BANNED, Invalid, SimError, TOO_MANY_GUILDS, UNKNOWN_GUILD, UNKNOWN_INVITE,
    UNKNOWN_USER,
};
use crate::sim::follow::ActionKind;
use crate::sim::ids::{Id, id_in};
use crate::sim::lacking;
use crate::sim::world::{Presence, Switches, World};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// In how many guilds somebody is at most, as at Discord without Nitro.
const MOST_GUILDS: usize = 100;

/// How many users there are at most.
const MOST_USERS: usize = 10_000;

impl Sim {
    /// A new person, in no guild. Those who look at the world are told.
    ///
    /// # Errors
    ///
    /// What Discord would answer for a username or a display name that it would not take, or one that is taken.
    pub fn new_person(&self, name: &str, display_name: Option<&str>) -> Result<Id, SimError> {
        self.hub().change(|state| {
            let world = &mut state.world;
            check_names(world, name, display_name)?;
            let id = world.add_user(name, false);
            if let Some(user) = world.users.get_mut(&id) {
                user.global_name = display_name.map(Into::into);
            }
            world.show_people(id);
            Ok(id)
        })
    }

    /// A new guild like the first one of a preset. Its owner and all bots are in it. To the bots this dispatches
    /// `GUILD_CREATE`.
    ///
    /// # Errors
    ///
    /// When there is no such owner or preset, for a name that Discord would not take, and for somebody who is in 100
    /// guilds already.
    pub fn found_guild(&self, owner: Id, name: &str, like: &str) -> Result<Id, SimError> {
        let blueprint = preset(like).and_then(|preset| preset.guilds.into_iter().next());
        let blueprint = blueprint.ok_or_else(|| {
            let message = format!("There is no preset {like}.");
            Invalid::one("preset", "CLIENT_VALIDATION", message)
        })?;
        if !(2..=100).contains(&name.trim().chars().count()) {
            let message = "Must be between 2 and 100 in length.";
            return Err(Invalid::one("name", "BASE_TYPE_BAD_LENGTH", message).into());
        }
        Ok(self.hub().change(|state| {
            require_room(&state.world, owner)?;
            state.world.found_guild(owner, name.trim(), blueprint)
        })?)
    }

    /// Lets somebody into a guild as if they had found it.
    ///
    /// # Errors
    ///
    /// When one of them does not exist, for somebody who is banned there, and for one who is in 100 guilds already.
    pub fn join_as(&self, user: Id, guild: Id) -> Result<(), SimError> {
        Ok(self.hub().change(|state| {
            let entered = enter(&mut state.world, user, guild);
            state.tell_action(
                user,
                ActionKind::Join(guild),
                entered.as_ref().err().cloned(),
            );
            entered
        })?)
    }

    /// Lets somebody into a guild by an invite: its code, or the link that ends with it. Returns the guild.
    ///
    /// # Errors
    ///
    /// As for `join_as`, and when there is no such invite or it was used as often as it may be.
    pub fn accept_invite(&self, user: Id, invite: &str) -> Result<Id, SimError> {
        let code = invite.trim().trim_end_matches('/');
        let code = code.rsplit('/').next().unwrap_or_default();
        Ok(self.hub().change(|state| {
            let world = &mut state.world;
            let guild = world.invites.get(code).ok_or(UNKNOWN_INVITE)?.guild;
            let home = world.guilds.get(&guild).ok_or(UNKNOWN_INVITE)?;
            if home.members.contains_key(&user) {
                return Ok(guild);
            }
            enter(world, user, guild)?;
            if let Some(invite) = world.invites.get_mut(code) {
                invite.uses += 1;
                if invite.max_uses > 0 && invite.uses >= invite.max_uses {
                    world.invites.shift_remove(code);
                }
            }
            state.tell_action(user, ActionKind::Join(guild), None);
            Ok::<Id, ApiError>(guild)
        })?)
    }

    /// The guild with this id, or the oldest of this name.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn find_guild(&self, text: &str) -> Result<Id, SimError> {
        self.hub().look(|state| {
            let guilds = &state.world.guilds;
            let by_id = text.parse().ok().filter(|id| guilds.contains_key(id));
            let named = || guilds.values().find(|guild| guild.name == text);
            let found = by_id.or_else(|| named().map(|guild| guild.id));
            found.ok_or_else(|| UNKNOWN_GUILD.into())
        })
    }

    /// The direct channel between a user and a bot; made when there is none.
    ///
    /// # Errors
    ///
    /// When one of them does not exist, or the other one is no bot.
    pub fn direct_channel_with(&self, user: Id, bot: Id) -> Result<Id, SimError> {
        self.hub().change(|state| {
            let world = &mut state.world;
            if !world.is_application(bot) || user == bot {
                return Err(SimError::from(UNKNOWN_USER));
            }
            Ok(world.direct_channel(user, bot)?)
        })
    }

    /// Connects a user to a voice channel, or changes what they have switched on there. Nobody is told of what is as
    /// it was.
    ///
    /// # Errors
    ///
    /// As for `join_voice`, and when the user may not show a screen or a camera there.
    pub fn connect_voice(&self, user: Id, channel: Id, switches: Switches) -> Result<(), SimError> {
        Ok(self.hub().change(|state| {
            let entered = state.world.enter_voice(user, channel, switches);
            state.tell_action(
                user,
                ActionKind::JoinVoice(channel),
                entered.as_ref().err().cloned(),
            );
            entered
        })?)
    }

    /// Connects a user to a voice or stage channel; one who is in another one of that guild changes over.
    ///
    /// # Errors
    ///
    /// When the user may not connect there, or the channel is full or is none for voice.
    pub fn join_voice(&self, user: Id, channel: Id) -> Result<(), SimError> {
        self.connect_voice(user, channel, Switches::default())
    }

    /// Disconnects a user from voice in a guild.
    pub fn leave_voice(&self, user: Id, guild: Id) {
        self.hub().change(|state| {
            state.world.leave_voice(guild, user);
            state.tell_action(user, ActionKind::LeaveVoice(guild), None);
        });
    }

    /// What a user shows: the status (`online`, `idle`, `dnd`, `invisible`, `offline`), and activities in Discord's
    /// shape.
    ///
    /// # Errors
    ///
    /// When there is no such user.
    pub fn set_presence(
        &self,
        user: Id,
        status: &str,
        activities: &[Value],
    ) -> Result<(), SimError> {
        let presence = Presence::read(&json!({"status": status, "activities": activities}));
        self.hub().change(|state| {
            state.world.user(user)?;
            state.world.set_presence(user, presence);
            state.tell_action(
                user,
                ActionKind::Presence(status.to_owned(), activities.to_vec()),
                None,
            );
            Ok(())
        })
    }

    /// The same as somebody's client has it: an activity has an id and the time at which it began.
    ///
    /// # Errors
    ///
    /// When there is no such user.
    pub fn show_presence_as(
        &self,
        user: Id,
        status: &str,
        activities: &[Value],
    ) -> Result<(), SimError> {
        let now = self.hub().look(|state| state.world.clock.now());
        let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        let whole = activities.iter().map(|activity| {
            let mut whole = activity.clone();
            whole["created_at"] = now.into();
            whole["id"] = if activity["type"] == 4 { "custom" } else { "0" }.into();
            whole
        });
        self.set_presence(user, status, &whole.collect::<Vec<_>>())
    }

    /// Whether a member is interested in a scheduled event from now on.
    ///
    /// # Errors
    ///
    /// When the guild, the member or the event does not exist.
    pub fn set_interest(
        &self,
        user: Id,
        (guild, event): (Id, Id),
        is_interested: bool,
    ) -> Result<(), SimError> {
        let set = |state: &mut crate::sim::hub::SimState| {
            let world = &mut state.world;
            world.set_interest((guild, event), user, is_interested)
        };
        Ok(self.hub().change(set)?)
    }

    /// Uploads a picture as an emoji of a guild. Returns the emoji's id.
    ///
    /// # Errors
    ///
    /// What Discord would answer, when it would refuse: the user may not make emoji, the bytes are no picture.
    pub fn upload_emoji(
        &self,
        user: Id,
        guild: Id,
        name: &str,
        picture: &[u8],
    ) -> Result<Id, SimError> {
        let image = format!("data:image/png;base64,{}", STANDARD.encode(picture));
        let path = format!("/guilds/{guild}/emojis");
        let emoji = self.call_as(user, "POST", &path, json!({"name": name, "image": image}))?;
        Ok(id_in(&emoji, "id").unwrap_or(0))
    }
}

/// Whether Discord would take these names for a new user.
fn check_names(world: &World, name: &str, display_name: Option<&str>) -> Result<(), ApiError> {
    let mut invalid = Invalid::default();
    let is_plain = |letter: char| {
        letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, '_' | '.')
    };
    if !(2..=32).contains(&name.chars().count()) {
        let message = "Must be between 2 and 32 in length.";
        invalid.at("name", "BASE_TYPE_BAD_LENGTH", message);
    } else if !name.chars().all(is_plain) || name.contains("..") {
        let message = "Please only use numbers, letters, underscores _, or periods.";
        invalid.at("name", "USERNAME_INVALID_CONTAINS", message);
    } else if world.users.values().any(|user| user.name == name) {
        let message = format!("Username is unavailable: there is already somebody called {name}.");
        invalid.at("name", "USERNAME_ALREADY_TAKEN", message);
    } else if world.users.len() >= MOST_USERS {
        let message = format!("There are {MOST_USERS} users already.");
        invalid.at("name", "CLIENT_VALIDATION", message);
    }
    let length = display_name.map_or(1, |name| name.chars().count());
    if !(1..=32).contains(&length) {
        let message = "Must be between 1 and 32 in length.";
        invalid.at("display_name", "BASE_TYPE_BAD_LENGTH", message);
    }
    invalid.check()
}

/// Fails for somebody who is in as many guilds as Discord allows.
fn require_room(world: &World, user: Id) -> Result<(), ApiError> {
    world.user(user)?;
    let own = world.guilds.values();
    let own = own.filter(|guild| guild.members.contains_key(&user));
    if own.count() < MOST_GUILDS {
        Ok(())
    } else {
        Err(TOO_MANY_GUILDS.into())
    }
}

fn enter(world: &mut World, user: Id, guild: Id) -> Result<(), ApiError> {
    let home = world.guilds.get(&guild).ok_or(UNKNOWN_GUILD)?;
    if home.members.contains_key(&user) {
        return Ok(());
    }
    if let Some(reason) = home.bans.get(&user) {
        let reason = reason.as_ref().map(|reason| format!(" ({reason})"));
        let who = lacking::name(world, user);
        let why = format!(
            "{who} is banned from {}{}.",
            home.name,
            reason.unwrap_or_default()
        );
        return Err(Lacking::other(why).refuse(BANNED));
    }
    require_room(world, user)?;
    world.join(guild, user)
}

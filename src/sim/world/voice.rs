//! Who is in which voice channel. There is no voice: only what Discord tells of it.

use super::{Switches, VoiceState, World, kind};
use crate::sim::errors::{
    ApiError, MISSING_ACCESS, UNKNOWN_CHANNEL, UNKNOWN_GUILD, VOICE_IS_FULL, WRONG_CHANNEL_TYPE,
};
use crate::sim::ids::Id;
use crate::sim::permissions::{
    CONNECT, MOVE_MEMBERS, MUTE_MEMBERS, SPEAK, STREAM, in_channel, require_in_channel,
};
use serde_json::{Value, json};

impl World {
    /// The channel that a member is connected to.
    pub(crate) fn voice_channel(&self, guild: Id, user: Id) -> Option<Id> {
        let states = &self.guilds.get(&guild)?.collections.voice;
        states.get(&user).map(|state| state.channel)
    }

    /// A member's voice state as Discord shows it; `None` for one who is not connected.
    pub(crate) fn show_voice(&self, guild: Id, user: Id) -> Option<Value> {
        let home = self.guilds.get(&guild)?;
        let state = home.collections.voice.get(&user)?;
        let member = home.members.get(&user)?;
        Some(json!({
            "guild_id": guild.to_string(),
            "channel_id": state.channel.to_string(),
            "user_id": user.to_string(),
            "member": self.show_member(member),
            "session_id": state.session,
            "deaf": member.deaf,
            "mute": member.mute,
            "self_deaf": state.switches.self_deaf,
            "self_mute": state.switches.self_mute,
            "self_stream": state.switches.self_stream,
            "self_video": state.switches.self_video,
            "suppress": state.suppress,
            "request_to_speak_timestamp": state.asked_to_speak,
        }))
    }

    /// All voice states of a guild, as `GUILD_CREATE` has them.
    pub(crate) fn show_voices(&self, guild: Id) -> Value {
        let home = self.guilds.get(&guild);
        let users = home
            .into_iter()
            .flat_map(|home| home.collections.voice.keys());
        let shown = users.filter_map(|user| {
            let mut shown = self.show_voice(guild, *user)?;
            if let Some(fields) = shown.as_object_mut() {
                fields.shift_remove("guild_id");
            }
            Some(shown)
        });
        shown.collect()
    }

    /// Tells the guild of a member's voice state; of one who has left, that there is none.
    pub(crate) fn tell_voice(&mut self, guild: Id, user: Id, former: Option<Value>) {
        let now = self.show_voice(guild, user);
        let data = now.or_else(|| {
            let mut left = former?;
            left["channel_id"] = Value::Null;
            Some(left)
        });
        if let Some(data) = data {
            self.tell_guild(guild, "VOICE_STATE_UPDATE", data);
        }
    }

    /// Connects a member to a voice channel of theirs, by what they may do there; or moves them.
    pub(crate) fn enter_voice(
        &mut self,
        user: Id,
        channel: Id,
        switches: Switches,
    ) -> Result<(), ApiError> {
        let place = self.channel(channel)?;
        let guild = place.guild.ok_or(UNKNOWN_CHANNEL)?;
        let shows = switches.self_stream || switches.self_video;
        let needed = if shows { CONNECT | STREAM } else { CONNECT };
        require_in_channel(self, place, user, needed)?;
        let (is_stage, held) = (place.kind == kind::STAGE, in_channel(self, place, user));
        let was_there = self.voice_channel(guild, user) == Some(channel);
        let most = place.fields.get("user_limit").and_then(Value::as_u64);
        let most = most.filter(|most| *most > 0 && held & MOVE_MEMBERS == 0);
        if self.is_full(guild, channel, user, most) {
            return Err(VOICE_IS_FULL.into());
        }
        self.place_in_voice(guild, user, channel)?;
        if let Some(state) = self.voice_mut(guild, user) {
            state.switches = switches;
            let is_listener = if is_stage {
                held & MUTE_MEMBERS == 0
            } else {
                held & SPEAK == 0
            };
            if !was_there && is_listener {
                state.suppress = true;
            }
        }
        self.tell_voice(guild, user, None);
        Ok(())
    }

    fn is_full(&self, guild: Id, channel: Id, user: Id, most: Option<u64>) -> bool {
        let Some(most) = most else { return false };
        let home = self.guilds.get(&guild);
        let states = home.into_iter().flat_map(|home| &home.collections.voice);
        let others = states.filter(|(one, state)| **one != user && state.channel == channel);
        others.count() >= usize::try_from(most).unwrap_or(usize::MAX)
    }

    /// Puts a member into a voice channel, whatever they may do there.
    pub(crate) fn place_in_voice(
        &mut self,
        guild: Id,
        user: Id,
        channel: Id,
    ) -> Result<(), ApiError> {
        let place = self.channel(channel)?;
        if place.guild != Some(guild) {
            return Err(UNKNOWN_CHANNEL.into());
        }
        if !matches!(place.kind, kind::VOICE | kind::STAGE) {
            return Err(WRONG_CHANNEL_TYPE.into());
        }
        let session = format!("{:032x}", u128::from(self.new_id()));
        let home = self.guilds.get_mut(&guild).ok_or(UNKNOWN_GUILD)?;
        if !home.members.contains_key(&user) {
            return Err(MISSING_ACCESS.into());
        }
        let states = &mut home.collections.voice;
        let state = states.entry(user).or_insert(VoiceState {
            channel,
            session,
            switches: Switches::default(),
            suppress: false,
            asked_to_speak: None,
        });
        if state.channel != channel {
            state.channel = channel;
            state.suppress = false;
            state.asked_to_speak = None;
            state.switches.self_stream = false;
        }
        Ok(())
    }

    /// A member's voice state for a change.
    pub(crate) fn voice_mut(&mut self, guild: Id, user: Id) -> Option<&mut VoiceState> {
        self.guilds
            .get_mut(&guild)?
            .collections
            .voice
            .get_mut(&user)
    }

    /// Disconnects a member from voice.
    pub(crate) fn leave_voice(&mut self, guild: Id, user: Id) {
        let former = self.show_voice(guild, user);
        if let Some(home) = self.guilds.get_mut(&guild) {
            home.collections.voice.shift_remove(&user);
        }
        self.tell_voice(guild, user, former);
    }

    /// Disconnects everybody who is in a channel: it is deleted.
    pub(crate) fn empty_voice(&mut self, channel: Id) {
        let Some(guild) = self.guild_of(channel) else {
            return;
        };
        let home = self.guilds.get(&guild);
        let states = home.into_iter().flat_map(|home| &home.collections.voice);
        let inside = states.filter(|(_, state)| state.channel == channel);
        for user in inside.map(|(user, _)| *user).collect::<Vec<_>>() {
            self.leave_voice(guild, user);
        }
    }
}

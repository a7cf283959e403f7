//! What people do beside of messages: they join voice channels, show what they do, upload emoji.

use super::Sim;
use crate::sim::errors::SimError;
use crate::sim::ids::{Id, id_in};
use crate::sim::world::Presence;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

impl Sim {
    /// Connects a user to a voice or stage channel; one who is in another one of that guild changes over.
    ///
    /// # Errors
    ///
    /// When the user may not connect there, or the channel is full or is none for voice.
    pub fn join_voice(&self, user: Id, channel: Id) -> Result<(), SimError> {
        let enter = |state: &mut crate::sim::hub::SimState| {
            let world = &mut state.world;
            world.enter_voice(user, channel, (false, false))
        };
        Ok(self.hub().change(enter)?)
    }

    /// Disconnects a user from voice in a guild.
    pub fn leave_voice(&self, user: Id, guild: Id) {
        self.hub()
            .change(|state| state.world.leave_voice(guild, user));
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
            Ok(())
        })
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

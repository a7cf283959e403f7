//! The world that a simulator starts with, as JSON: bots, people, and servers with their channels.
//!
//! ```text
//! preset or file ─ shape (its JSON schema, in src/config/) ─ faults (names that nothing has) ─ world/start.rs
//! ```
//!
//! `presets/` has the worlds that have names.

mod faults;
mod presets;

pub use presets::{PRESETS, preset};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A world for `cogsmith sim --world`: the bots, people and servers that are there from the start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Blueprint {
    /// The bots that can connect, each with an application and a token of its own. Each is a member of all servers.
    /// Without any there is one, `cogsmith`.
    pub bots: Vec<BotBlueprint>,
    /// The people. The first of them owns the bots. Without any there is one, `owner`.
    pub users: Vec<UserBlueprint>,
    /// The servers.
    pub guilds: Vec<GuildBlueprint>,
}

/// A bot that can connect.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BotBlueprint {
    /// The name of its user.
    pub name: String,
    /// The name of its application; that of the user if there is none.
    pub application: Option<String>,
    /// Its token. Without one, another is made for each start. Of a token in Discord's form, the id in it becomes the
    /// application's.
    pub token: Option<String>,
    /// What its role in each server allows; what a moderating bot needs if there is no list.
    pub permissions: Option<Vec<String>>,
    /// The privileged intents that it may use; all three if there is no list.
    pub privileged_intents: Option<Vec<PrivilegedIntent>>,
}

/// An intent that has to be switched on for an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PrivilegedIntent {
    /// Who joins and leaves.
    GuildMembers,
    /// Who is online.
    GuildPresences,
    /// The texts of messages.
    MessageContent,
}

impl PrivilegedIntent {
    /// Its bit in the gateway's intents.
    pub(crate) fn bit(self) -> u64 {
        match self {
            Self::GuildMembers => 1 << 1,
            Self::GuildPresences => 1 << 8,
            Self::MessageContent => 1 << 15,
        }
    }
}

/// A person.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UserBlueprint {
    /// The name, by which the rest of the world means this person.
    pub name: String,
    /// The name that is shown instead.
    pub display_name: Option<String>,
    /// The language of their client, such as `id` or `en-GB`; `en-US` if there is none.
    pub locale: Option<String>,
    /// Whether bots cannot send them direct messages.
    pub closed_to_bots: bool,
}

/// A server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GuildBlueprint {
    /// Its name.
    pub name: String,
    /// The name of its owner; the first person if there is none.
    pub owner: Option<String>,
    /// What everybody may do; what Discord allows in a new server if there is no list.
    pub everyone: Option<Vec<String>>,
    /// The language of the server, such as `en-US`.
    pub locale: Option<String>,
    /// Discord's features of the server, such as `COMMUNITY`.
    pub features: Vec<String>,
    /// The name of the channel with the rules; a community has one.
    pub rules_channel: Option<String>,
    /// The name of the channel in which Discord tells moderators of news; a community has one.
    pub updates_channel: Option<String>,
    /// Its roles, the lowest first.
    pub roles: Vec<RoleBlueprint>,
    /// Who is in it, beside its owner and the bots.
    pub members: Vec<MemberBlueprint>,
    /// Its channels, from top to bottom.
    pub channels: Vec<ChannelBlueprint>,
}

/// A role.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RoleBlueprint {
    /// Its name.
    pub name: String,
    /// What it allows, such as `kick_members`.
    pub permissions: Vec<String>,
    /// Its colour as a number: 0xff0000, red, is 16711680.
    #[schemars(range(min = 0, max = 16_777_215))]
    pub color: u32,
    /// Whether its members are listed apart.
    pub hoist: bool,
    /// Whether everybody may mention it.
    pub mentionable: bool,
}

/// Somebody in a server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MemberBlueprint {
    /// The name of a person.
    pub user: String,
    /// What they are called there.
    pub nick: Option<String>,
    /// The names of their roles.
    pub roles: Vec<String>,
}

/// A channel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ChannelBlueprint {
    /// Its name.
    pub name: String,
    /// What kind of channel it is.
    #[serde(rename = "type")]
    pub kind: ChannelKind,
    /// The name of the category that it is in, which stands above it.
    pub category: Option<String>,
    /// What it is about.
    pub topic: Option<String>,
    /// Whether it is for adults only.
    pub nsfw: bool,
    /// How many seconds a person waits between two messages.
    #[schemars(range(min = 0, max = 21_600))]
    pub slow_mode: u32,
    /// The tags of a forum.
    pub tags: Vec<String>,
    /// Who may do what here that is not what their roles say.
    pub overwrites: Vec<OverwriteBlueprint>,
    /// The messages that are there already, the oldest first.
    pub messages: Vec<MessageBlueprint>,
}

/// The kind of a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    /// For text.
    #[default]
    Text,
    /// For voice, with a chat beside it.
    Voice,
    /// A heading above other channels.
    Category,
    /// For announcements that other servers can follow.
    Announcement,
    /// A stage.
    Stage,
    /// For posts with answers.
    Forum,
    /// For posts with pictures.
    Media,
}

impl ChannelKind {
    /// Discord's number.
    pub(crate) fn number(self) -> u64 {
        match self {
            Self::Text => 0,
            Self::Voice => 2,
            Self::Category => 4,
            Self::Announcement => 5,
            Self::Stage => 13,
            Self::Forum => 15,
            Self::Media => 16,
        }
    }
}

/// What a role or a person may do in one channel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OverwriteBlueprint {
    /// The name of a role, or `everyone`.
    pub role: Option<String>,
    /// The name of a person or a bot.
    pub user: Option<String>,
    /// What they may do beyond their roles.
    pub allow: Vec<String>,
    /// What they may not do in spite of them.
    pub deny: Vec<String>,
}

/// A message that is there already.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MessageBlueprint {
    /// The name of a person or a bot.
    pub author: String,
    /// Its text.
    pub content: String,
}

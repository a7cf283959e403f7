//! The one table of permissions: bits, names, and whether a channel can grant them.

/// Where a permission holds, by the table in Discord's documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PermissionScope {
    /// In the guild alone: a channel's overwrites neither grant nor take it.
    Guild,
    /// In channels, too.
    Channel,
    /// In channels, too, and there only for those who are connected to voice.
    Voice,
}

/// One permission.
#[derive(Clone, Copy, Debug)]
pub struct Permission {
    /// Its one bit.
    pub bit: u64,
    /// Its name in Discord's documents, in `snake_case`.
    pub name: &'static str,
    /// What Discord's settings call it.
    pub label: &'static str,
    /// Where it holds.
    pub scope: PermissionScope,
}

macro_rules! permissions {
    ($($position:literal $constant:ident $name:literal $label:literal $scope:ident;)*) => {
        $(
            #[doc = concat!("The bit of *", $label, "*.")]
            pub const $constant: u64 = 1 << $position;
        )*

        /// All permissions, in the order of their bits.
        pub(super) const PERMISSIONS: &[Permission] = &[
            $(Permission {
                bit: $constant,
                name: $name,
                label: $label,
                scope: PermissionScope::$scope,
            },)*
        ];

        #[cfg(test)]
        pub(super) const CONSTANTS: &[&str] = &[$(stringify!($constant),)*];
    };
}

permissions! {
    0 CREATE_INSTANT_INVITE "create_instant_invite" "Create Invite" Channel;
    1 KICK_MEMBERS "kick_members" "Kick Members" Guild;
    2 BAN_MEMBERS "ban_members" "Ban Members" Guild;
    3 ADMINISTRATOR "administrator" "Administrator" Guild;
    4 MANAGE_CHANNELS "manage_channels" "Manage Channels" Channel;
    5 MANAGE_GUILD "manage_guild" "Manage Server" Guild;
    6 ADD_REACTIONS "add_reactions" "Add Reactions" Channel;
    7 VIEW_AUDIT_LOG "view_audit_log" "View Audit Log" Guild;
    8 PRIORITY_SPEAKER "priority_speaker" "Priority Speaker" Voice;
    9 STREAM "stream" "Video" Voice;
    10 VIEW_CHANNEL "view_channel" "View Channel" Channel;
    11 SEND_MESSAGES "send_messages" "Send Messages" Channel;
    12 SEND_TTS_MESSAGES "send_tts_messages" "Send Text-to-Speech Messages" Channel;
    13 MANAGE_MESSAGES "manage_messages" "Manage Messages" Channel;
    14 EMBED_LINKS "embed_links" "Embed Links" Channel;
    15 ATTACH_FILES "attach_files" "Attach Files" Channel;
    16 READ_MESSAGE_HISTORY "read_message_history" "Read Message History" Channel;
    17 MENTION_EVERYONE "mention_everyone" "Mention @everyone, @here and All Roles" Channel;
    18 USE_EXTERNAL_EMOJIS "use_external_emojis" "Use External Emoji" Channel;
    19 VIEW_GUILD_INSIGHTS "view_guild_insights" "View Server Insights" Guild;
    20 CONNECT "connect" "Connect" Voice;
    21 SPEAK "speak" "Speak" Voice;
    22 MUTE_MEMBERS "mute_members" "Mute Members" Voice;
    23 DEAFEN_MEMBERS "deafen_members" "Deafen Members" Voice;
    24 MOVE_MEMBERS "move_members" "Move Members" Voice;
    25 USE_VAD "use_vad" "Use Voice Activity" Voice;
    26 CHANGE_NICKNAME "change_nickname" "Change Nickname" Guild;
    27 MANAGE_NICKNAMES "manage_nicknames" "Manage Nicknames" Guild;
    28 MANAGE_ROLES "manage_roles" "Manage Roles" Channel;
    29 MANAGE_WEBHOOKS "manage_webhooks" "Manage Webhooks" Channel;
    30 MANAGE_GUILD_EXPRESSIONS "manage_guild_expressions" "Manage Expressions" Guild;
    31 USE_APPLICATION_COMMANDS "use_application_commands" "Use Application Commands" Channel;
    32 REQUEST_TO_SPEAK "request_to_speak" "Request to Speak" Voice;
    33 MANAGE_EVENTS "manage_events" "Manage Events" Channel;
    34 MANAGE_THREADS "manage_threads" "Manage Threads" Channel;
    35 CREATE_PUBLIC_THREADS "create_public_threads" "Create Public Threads" Channel;
    36 CREATE_PRIVATE_THREADS "create_private_threads" "Create Private Threads" Channel;
    37 USE_EXTERNAL_STICKERS "use_external_stickers" "Use External Stickers" Channel;
    38 SEND_MESSAGES_IN_THREADS "send_messages_in_threads" "Send Messages in Threads" Channel;
    39 USE_EMBEDDED_ACTIVITIES "use_embedded_activities" "Use Activities" Voice;
    40 MODERATE_MEMBERS "moderate_members" "Timeout Members" Guild;
    41 VIEW_CREATOR_MONETIZATION_ANALYTICS "view_creator_monetization_analytics" "View Creator Monetization Analytics" Guild;
    42 USE_SOUNDBOARD "use_soundboard" "Use Soundboard" Voice;
    43 CREATE_GUILD_EXPRESSIONS "create_guild_expressions" "Create Expressions" Guild;
    44 CREATE_EVENTS "create_events" "Create Events" Channel;
    45 USE_EXTERNAL_SOUNDS "use_external_sounds" "Use External Sounds" Voice;
    46 SEND_VOICE_MESSAGES "send_voice_messages" "Send Voice Messages" Channel;
    48 SET_VOICE_CHANNEL_STATUS "set_voice_channel_status" "Set Voice Channel Status" Voice;
    49 SEND_POLLS "send_polls" "Create Polls" Channel;
    50 USE_EXTERNAL_APPS "use_external_apps" "Use External Apps" Channel;
    51 PIN_MESSAGES "pin_messages" "Pin Messages" Channel;
    52 BYPASS_SLOWMODE "bypass_slowmode" "Bypass Slowmode" Channel;
}

/// Every permission that has a name.
pub const ALL: u64 = bits_of(&[
    PermissionScope::Guild,
    PermissionScope::Channel,
    PermissionScope::Voice,
]);

/// What a channel's overwrites can grant and take. Discord stores other bits there, too, and they mean nothing.
pub(super) const OF_CHANNELS: u64 = bits_of(&[PermissionScope::Channel, PermissionScope::Voice]);

/// What takes a connection to a voice channel.
pub(super) const OF_VOICE: u64 = bits_of(&[PermissionScope::Voice]);

const fn bits_of(scopes: &[PermissionScope]) -> u64 {
    let mut bits = 0;
    let mut at = 0;
    while at < PERMISSIONS.len() {
        let mut scope = 0;
        while scope < scopes.len() {
            if PERMISSIONS[at].scope as u8 == scopes[scope] as u8 {
                bits |= PERMISSIONS[at].bit;
            }
            scope += 1;
        }
        at += 1;
    }
    bits
}

//! What a cog declares about one command: the same for a typed line and for a slash command. A command of a context
//! menu is one, too, that can be called by neither.

use std::time::Duration;

pub use super::references::RoleKey;

/// A command, or a group of commands when it has `subcommands`.
#[derive(Clone, Debug, PartialEq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a field of its own in the author's table"
)]
pub struct CommandDefinition {
    /// What the user types after the prefix; for a subcommand only its own word.
    pub name: String,
    /// Where Discord shows it.
    pub kind: CommandKind,
    /// Further names, for typed lines only.
    pub aliases: Vec<String>,
    /// One line for help and for Discord's list of slash commands.
    pub description: Option<String>,
    /// In the order in which they are typed.
    pub options: Vec<OptionDefinition>,
    /// All must pass; those of its groups also apply to a subcommand.
    pub checks: Vec<Check>,
    /// All must have a use left.
    pub cooldowns: Vec<Cooldown>,
    /// How many may run at once.
    pub max_concurrent: Option<Concurrency>,
    /// Where the command may be called.
    pub contexts: Contexts,
    /// For whom Discord offers its slash command.
    pub installs: Installs,
    /// Whether the answer is seen by the caller alone.
    pub ephemeral: bool,
    /// Whether help leaves it out.
    pub hidden: bool,
    /// Whether it can be typed.
    pub prefix: bool,
    /// Whether Discord knows it as a slash command.
    pub slash: bool,
    /// What follows the command's name in an example of its use (`@anna 2h`).
    pub examples: Vec<String>,
    /// What a group holds.
    pub subcommands: Vec<CommandDefinition>,
    /// Whether it has a handler of its own; a group may have none.
    pub runs: bool,
    /// The name of the slash subcommand for a group's own handler; by default the group's name.
    pub slash_name_of_run: Option<String>,
    /// File (relative to the folder of `config.json`) and line, counted from 1, of its declaration.
    pub place: Option<(String, u32)>,
}

impl CommandDefinition {
    /// A command with a handler, callable in guilds in both ways, and nothing else.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind: CommandKind::Chat,
            aliases: Vec::new(),
            description: None,
            options: Vec::new(),
            checks: Vec::new(),
            cooldowns: Vec::new(),
            max_concurrent: None,
            contexts: Contexts::default(),
            installs: Installs::default(),
            ephemeral: false,
            hidden: false,
            prefix: true,
            slash: true,
            examples: Vec::new(),
            subcommands: Vec::new(),
            runs: true,
            slash_name_of_run: None,
            place: None,
        }
    }

    /// A command of a context menu.
    pub fn in_menu(kind: CommandKind, name: impl Into<String>) -> Self {
        Self {
            kind,
            prefix: false,
            slash: false,
            ..Self::new(name)
        }
    }

    /// The name of the slash subcommand for a group's own handler, if it has both.
    pub fn slash_name_of_run(&self) -> Option<&str> {
        (self.runs && !self.subcommands.is_empty())
            .then(|| self.slash_name_of_run.as_deref().unwrap_or(&self.name))
    }
}

/// Where Discord shows a command. Names of different kinds do not conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CommandKind {
    /// Where people write: a typed command, a slash command, or both.
    Chat,
    /// In the context menu of a user.
    User,
    /// In the context menu of a message.
    Message,
}

impl CommandKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Chat, Self::User, Self::Message];

    /// Discord's `ApplicationCommandType`.
    pub fn discord_type(self) -> u64 {
        match self {
            Self::Chat => 1,
            Self::User => 2,
            Self::Message => 3,
        }
    }

    /// The kind with this number of Discord's.
    pub fn of_discord_type(number: u64) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|kind| kind.discord_type() == number)
    }

    /// How many of them Discord lists of one bot.
    pub fn most(self) -> usize {
        match self {
            Self::Chat => 100,
            Self::User | Self::Message => 15,
        }
    }

    /// What a command of this kind is called by in what is counted for it: two kinds may share a name.
    pub fn key(self, name: &str) -> String {
        match self {
            Self::Chat => name.to_owned(),
            Self::User => format!("user menu\n{name}"),
            Self::Message => format!("message menu\n{name}"),
        }
    }
}

/// Where a command may be called, in the terms of Discord's interaction contexts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contexts {
    /// In a guild (`guild`).
    pub guild: bool,
    /// In a direct message with the bot (`bot_dm`).
    pub bot_dm: bool,
    /// In a direct message between others, or a group's (`private_channel`); slash commands only.
    pub private_channel: bool,
}

impl Default for Contexts {
    fn default() -> Self {
        Self {
            guild: true,
            bot_dm: false,
            private_channel: false,
        }
    }
}

/// For whom a slash command is there, in the terms of Discord's integration types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Installs {
    /// In the guilds that have added the bot (`guild`).
    pub guild: bool,
    /// For the users who have added it, wherever they are (`user`).
    pub user: bool,
}

impl Default for Installs {
    fn default() -> Self {
        Self {
            guild: true,
            user: false,
        }
    }
}

/// One option of a command.
#[derive(Clone, Debug, PartialEq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a field of its own in the author's table"
)]
pub struct OptionDefinition {
    /// As users see it, and as `ctx.options` names it.
    pub name: String,
    /// What may be given.
    pub kind: OptionKind,
    /// One line for help and for Discord.
    pub description: Option<String>,
    /// Whether the command cannot run without it.
    pub required: bool,
    /// The least value of an integer or number, or of a duration in seconds.
    pub min: Option<f64>,
    /// The greatest value of an integer or number, or of a duration in seconds.
    pub max: Option<f64>,
    /// The least length of a string in Unicode code points.
    pub min_length: Option<u32>,
    /// The greatest length of a string in Unicode code points.
    pub max_length: Option<u32>,
    /// The only values that may be given; empty for any.
    pub choices: Vec<Choice>,
    /// The only types of channel that may be given, in Discord's numbers; empty for any.
    pub channel_types: Vec<u8>,
    /// Takes the rest of the line unchanged.
    pub rest: bool,
    /// Takes all further words.
    pub many: bool,
    /// Whether the host has a default value or function for it.
    pub default: bool,
    /// Whether a function of the cog turns the text into the value: the text then arrives unread.
    pub converts: bool,
    /// Whether a function of the cog completes what is typed in a slash command.
    pub autocompletes: bool,
}

impl OptionDefinition {
    /// A required option without limits.
    pub fn new(name: impl Into<String>, kind: OptionKind) -> Self {
        Self {
            name: name.into(),
            kind,
            description: None,
            required: true,
            min: None,
            max: None,
            min_length: None,
            max_length: None,
            choices: Vec::new(),
            channel_types: Vec::new(),
            rest: false,
            many: false,
            default: false,
            converts: false,
            autocompletes: false,
        }
    }

    /// Discord's `ApplicationCommandOptionType`. Several values, and what a function of the cog
    /// converts, are typed as a string there; only a string, integer or number has choices.
    pub(super) fn slash_type(&self) -> u8 {
        let is_file = self.kind == OptionKind::Attachment;
        if (self.many || self.converts) && !is_file {
            return OptionKind::String.slash_type();
        }
        self.kind.slash_type()
    }

    /// Whether Discord's option has the values of this one: all others are text there, which our own reader reads.
    pub(super) fn is_same_in_discord(&self) -> bool {
        let is_read = self.many || self.converts;
        !is_read && (self.kind == OptionKind::String || self.kind.slash_type() != 3)
    }

    /// Whether the user must give it: required, and the host has no default for it.
    pub(super) fn must_be_given(&self) -> bool {
        self.required && !self.default
    }
}

/// How many choices Discord takes for one option, whether they are declared or completed. A typed word is compared with
/// each, so it binds every command.
pub const MOST_CHOICES: usize = 25;
/// Discord's limit for the name of a choice, and for a value that is a text, in characters.
pub const LONGEST_CHOICE: usize = 100;

/// One of the values that an option allows.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// What the user sees and types.
    pub name: String,
    /// What the handler gets.
    pub value: ChoiceValue,
}

/// The value of a choice; its kind is that of the option.
#[derive(Clone, Debug, PartialEq)]
pub enum ChoiceValue {
    /// For an option of kind string.
    String(String),
    /// For an option of kind integer.
    Integer(i64),
    /// For an option of kind number.
    Number(f64),
}

/// What an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OptionKind {
    /// Text.
    String,
    /// A whole number between -2^53 and 2^53.
    Integer,
    /// Any finite number.
    Number,
    /// Yes or no.
    Boolean,
    /// A span of time, in seconds.
    Duration,
    /// A point in time, in Unix seconds.
    Time,
    /// A user, in the guild or not.
    User,
    /// A member of the guild.
    Member,
    /// A channel of the guild.
    Channel,
    /// A role of the guild.
    Role,
    /// A message.
    Message,
    /// A member, a user or a role.
    Mentionable,
    /// A file sent with the command.
    Attachment,
    /// A Unicode emoji or one of Discord's custom ones.
    Emoji,
}

/// Every kind, in the order of the list that authors read.
const KINDS: [(&str, OptionKind); 14] = [
    ("string", OptionKind::String),
    ("integer", OptionKind::Integer),
    ("number", OptionKind::Number),
    ("boolean", OptionKind::Boolean),
    ("duration", OptionKind::Duration),
    ("time", OptionKind::Time),
    ("user", OptionKind::User),
    ("member", OptionKind::Member),
    ("channel", OptionKind::Channel),
    ("role", OptionKind::Role),
    ("message", OptionKind::Message),
    ("mentionable", OptionKind::Mentionable),
    ("attachment", OptionKind::Attachment),
    ("emoji", OptionKind::Emoji),
];

impl OptionKind {
    /// The kind that authors call `name` (`integer`, `member`).
    pub fn of_name(name: &str) -> Option<Self> {
        KINDS
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, kind)| *kind)
    }

    /// What authors call it.
    pub fn name(self) -> &'static str {
        KINDS
            .iter()
            .find(|(_, kind)| *kind == self)
            .map_or("string", |(name, _)| name)
    }

    /// The names of all kinds.
    pub fn names() -> impl Iterator<Item = &'static str> {
        KINDS.iter().map(|(name, _)| *name)
    }

    /// Discord's `ApplicationCommandOptionType` for a slash command. What Discord has no type for
    /// is typed there as a string and read by [`super::arguments::parse_value`].
    pub(super) fn slash_type(self) -> u8 {
        match self {
            Self::String | Self::Duration | Self::Time | Self::Message | Self::Emoji => 3,
            Self::Integer => 4,
            Self::Boolean => 5,
            Self::User | Self::Member => 6,
            Self::Channel => 7,
            Self::Role => 8,
            Self::Mentionable => 9,
            Self::Number => 10,
            Self::Attachment => 11,
        }
    }
}

/// One condition for running a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Check {
    /// Only the bot's owners.
    Owner,
    /// Only in channels marked for adults, and in direct messages.
    Nsfw,
    /// The caller has all of these permission bits in the channel.
    Permissions(u64),
    /// The bot has all of these permission bits in the channel.
    BotPermissions(u64),
    /// The caller has this role.
    Role(RoleKey),
    /// At least one passes.
    Any(Vec<Check>),
    /// Each passes.
    All(Vec<Check>),
    /// The cog's handler with this index decides.
    Custom(u32),
}

/// So many uses in any window of a length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cooldown {
    /// At least 1.
    pub uses: u32,
    /// The length of the window.
    pub per: Duration,
    /// Who shares the uses.
    pub scope: CooldownScope,
}

/// How many calls of a command may run at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concurrency {
    /// At least 1.
    pub limit: u32,
    /// Who shares the limit.
    pub scope: CooldownScope,
}

/// Who shares a cooldown or a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CooldownScope {
    /// One user, wherever they are.
    User,
    /// One user in one guild.
    Member,
    /// Everybody in one channel.
    Channel,
    /// Everybody in one guild.
    Guild,
    /// Everybody.
    Global,
}

impl CooldownScope {
    /// The scope that authors call `name`.
    pub fn of_name(name: &str) -> Option<Self> {
        match name {
            "user" => Some(Self::User),
            "member" => Some(Self::Member),
            "channel" => Some(Self::Channel),
            "guild" => Some(Self::Guild),
            "global" => Some(Self::Global),
            _ => None,
        }
    }
}

//! The world that every simulator starts with: the guild Cogsmith, its people and its channels.

use super::{
    Application, ApplicationCollections, Channel, Guild, GuildCollections, Overwrite, Role, World,
    kind,
};
use crate::sim::ids::{Id, Snowflakes};
use crate::sim::options::SimOptions;
use crate::sim::permissions as may;
use indexmap::IndexMap;
use std::collections::{BTreeSet, HashMap};

/// The first id is made on 1 January 2025, 00:00 UTC, in Unix milliseconds: the start world's ids
/// are the same in every run.
const FIRST_MS: u64 = 1_735_689_600_000;

/// What the bot's own role allows.
const BOT: u64 = may::EVERYONE
    | may::KICK_MEMBERS
    | may::BAN_MEMBERS
    | may::MANAGE_CHANNELS
    | may::MANAGE_GUILD
    | may::VIEW_AUDIT_LOG
    | may::MANAGE_MESSAGES
    | may::MENTION_EVERYONE
    | may::MANAGE_NICKNAMES
    | may::MANAGE_ROLES
    | may::MANAGE_WEBHOOKS
    | may::MANAGE_THREADS
    | may::MODERATE_MEMBERS
    | may::PIN_MESSAGES
    | may::MOVE_MEMBERS
    | may::MUTE_MEMBERS
    | may::DEAFEN_MEMBERS
    | may::SET_VOICE_CHANNEL_STATUS
    | may::CREATE_EVENTS
    | may::MANAGE_EVENTS
    | may::CREATE_GUILD_EXPRESSIONS
    | may::MANAGE_GUILD_EXPRESSIONS;

/// What the moderators' role allows.
const MODERATORS: u64 = may::KICK_MEMBERS
    | may::BAN_MEMBERS
    | may::MANAGE_MESSAGES
    | may::MANAGE_NICKNAMES
    | may::MODERATE_MEMBERS
    | may::PIN_MESSAGES
    | may::VIEW_AUDIT_LOG;

impl World {
    /// The start world. `address` is the simulator's own, with scheme and port.
    pub(crate) fn new(options: &SimOptions, address: String) -> Self {
        let mut world = Self {
            clock: options.clock.clone(),
            address,
            secret: String::new(),
            users: IndexMap::new(),
            presences: HashMap::new(),
            guilds: IndexMap::new(),
            channels: IndexMap::new(),
            messages: HashMap::new(),
            commands: IndexMap::new(),
            interactions: IndexMap::new(),
            modals: HashMap::new(),
            webhooks: IndexMap::new(),
            invites: IndexMap::new(),
            files: IndexMap::new(),
            applications: IndexMap::new(),
            bot: 0,
            owner: 0,
            messages_kept: options.messages_kept,
            interaction_deadline: options.interaction_deadline,
            shards: options.shards,
            max_concurrency: options.max_concurrency,
            outbox: Vec::new(),
            injected: Vec::new(),
            open_polls: BTreeSet::default(),
            snowflakes: Snowflakes::starting_at(FIRST_MS),
            nonces: super::nonces::Nonces::default(),
        };
        world.furnish(options);
        world.outbox.clear();
        world
    }

    fn furnish(&mut self, options: &SimOptions) {
        // A clock of its own: ids of the start world do not depend on when it is made.
        let clock = std::mem::replace(
            &mut self.clock,
            crate::clock::Clock::paused(FIRST_MS / 1_000),
        );
        self.bot = self.add_application(("cogsmith", "Cogsmith"), options);
        self.owner = self.add_user("owner", false);
        let anna = self.add_user("anna", false);
        let ben = self.add_user("ben", false);
        for (id, name) in [(self.owner, "Owner"), (anna, "Anna"), (ben, "Ben")] {
            if let Some(user) = self.users.get_mut(&id) {
                user.global_name = Some(name.into());
            }
        }
        let guild = self.add_guild("Cogsmith", self.owner);
        let moderators = self.add_role(guild, "moderators", MODERATORS);
        self.install(guild, self.bot);
        for user in [anna, ben] {
            // Both were made above.
            let _joined = self.join(guild, user).is_ok();
        }
        self.furnish_channels(guild, moderators);
        for bot in &options.more_bots {
            let id = self.add_application((&bot.name, &bot.name), options);
            self.install(guild, id);
        }
        self.clock = clock;
    }

    /// Makes an application with its bot: the name of the bot's user, and that of the application.
    fn add_application(&mut self, (user, name): (&str, &str), options: &SimOptions) -> Id {
        let id = self.add_user(user, true);
        let application = Application {
            id,
            name: name.into(),
            team: options.team.clone(),
            privileged_intents: options.allowed_privileged_intents,
            sessions_begun: 0,
            collections: ApplicationCollections::default(),
        };
        self.applications.insert(id, application);
        id
    }

    /// Lets a bot into a guild, with a role of its own.
    pub(crate) fn install(&mut self, guild: Id, bot: Id) {
        let name = self.users.get(&bot).map(|user| user.name.clone());
        let own = self.add_role(guild, &name.unwrap_or_default(), BOT);
        // The caller has made both.
        let _joined = self.join(guild, bot).is_ok();
        let Some(home) = self.guilds.get_mut(&guild) else {
            return;
        };
        if let Some(role) = home.roles.get_mut(&own) {
            role.bot = Some(bot);
        }
        if let Some(member) = home.members.get_mut(&bot) {
            member.roles.push(own);
        }
    }

    fn furnish_channels(&mut self, guild: Id, moderators: Id) {
        let category = self.add_channel(guild, "Text", kind::CATEGORY, None);
        self.add_channel(guild, "general", kind::TEXT, Some(category));
        self.add_channel(guild, "playground", kind::TEXT, Some(category));
        let hidden = self.add_channel(guild, "moderators", kind::TEXT, Some(category));
        self.add_channel(guild, "Voice", kind::VOICE, None);
        let overwrite = |id, allow, deny| Overwrite {
            id,
            for_member: false,
            allow,
            deny,
        };
        if let Some(channel) = self.channels.get_mut(&hidden) {
            channel.overwrites = vec![
                overwrite(guild, 0, may::VIEW_CHANNEL),
                overwrite(moderators, may::VIEW_CHANNEL, 0),
            ];
        }
    }

    /// Makes a guild whose owner is its only member.
    pub(crate) fn add_guild(&mut self, name: &str, owner: Id) -> Id {
        let id = self.new_id();
        let mut guild = Guild {
            id,
            name: name.into(),
            owner,
            roles: IndexMap::new(),
            members: IndexMap::new(),
            bans: IndexMap::new(),
            collections: GuildCollections::default(),
            fields: Guild::default_fields(),
            audit: Vec::new(),
        };
        guild
            .roles
            .insert(id, Role::new(id, "@everyone", 0, may::EVERYONE));
        self.guilds.insert(id, guild);
        // The owner is a user, or the caller's answer is an unknown user anyway.
        let _joined = self.join(id, owner).is_ok();
        id
    }

    /// Makes a role above all other roles of the guild.
    pub(crate) fn add_role(&mut self, guild: Id, name: &str, permissions: u64) -> Id {
        let id = self.new_id();
        if let Some(home) = self.guilds.get_mut(&guild) {
            let top = home.roles.values().map(|role| role.position).max();
            let role = Role::new(id, name, top.unwrap_or(0) + 1, permissions);
            home.roles.insert(id, role);
        }
        id
    }

    /// Makes a channel at the end of its guild.
    pub(crate) fn add_channel(
        &mut self,
        guild: Id,
        name: &str,
        kind: u64,
        parent: Option<Id>,
    ) -> Id {
        let id = self.new_id();
        let mut channel = Channel::in_guild(id, guild, kind, name);
        let others = self
            .channels
            .values()
            .filter(|one| one.guild == Some(guild));
        let count = others.filter(|one| one.thread.is_none()).count();
        channel.position = i64::try_from(count).unwrap_or(0);
        channel.parent = parent;
        self.channels.insert(id, channel);
        id
    }
}

impl Role {
    /// A role with nothing set but this.
    pub(crate) fn new(id: Id, name: &str, position: i64, permissions: u64) -> Self {
        Self {
            id,
            name: name.into(),
            position,
            permissions,
            color: 0,
            hoist: false,
            mentionable: false,
            bot: None,
            emoji: None,
        }
    }
}

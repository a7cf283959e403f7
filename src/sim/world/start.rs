//! From a blueprint to the world that a simulator starts with.

use super::{
    Application, ApplicationCollections, Channel, Guild, GuildCollections, Overwrite, Pictures,
    Role, World,
};
use crate::discord::permissions;
use crate::sim::blueprint::{
    Blueprint, BotBlueprint, ChannelBlueprint, ChannelKind, GuildBlueprint, UserBlueprint,
};
use crate::sim::errors::ApiError;
use crate::sim::ids::{Id, Snowflakes};
use crate::sim::options::SimOptions;
use crate::sim::permissions as may;
use crate::sim::token;
use indexmap::IndexMap;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};

/// The first id is made on 1 January 2025, 00:00 UTC, in Unix milliseconds: the start world's ids
/// are the same in every run.
const FIRST_MS: u64 = 1_735_689_600_000;

/// What a bot's own role allows, unless the blueprint says something else.
pub(super) const BOT: u64 = may::EVERYONE
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

/// A message that is there already: its author, its channel, its text.
pub(crate) type FirstMessage = (Id, Id, String);

/// The bits of permissions by their names, which the blueprint's check has looked at.
pub(super) fn bits(names: &[String]) -> u64 {
    let bits = names.iter().filter_map(|name| permissions::bit(name));
    bits.fold(0, |all, bit| all | bit)
}

impl World {
    /// The start world, and what has been said in it. `address` is the simulator's own, with scheme and port.
    pub(crate) fn new(options: &SimOptions, address: String) -> (Self, Vec<FirstMessage>) {
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
            pictures: Pictures::default(),
            applications: IndexMap::new(),
            bot: 0,
            owner: 0,
            messages_kept: options.messages_kept,
            interaction_deadline: options.interaction_deadline,
            shards: options.shards,
            max_concurrency: options.max_concurrency,
            outbox: Vec::new(),
            injected: Vec::new(),
            answers: HashMap::new(),
            open_polls: BTreeSet::default(),
            snowflakes: Snowflakes::starting_at(FIRST_MS),
            nonces: super::nonces::Nonces::default(),
        };
        let messages = world.furnish(options);
        world.outbox.clear();
        (world, messages)
    }

    /// Makes what the blueprint describes. Returns the messages that are there already.
    fn furnish(&mut self, options: &SimOptions) -> Vec<FirstMessage> {
        // A clock of its own: ids of the start world do not depend on when it is made.
        let clock = std::mem::replace(
            &mut self.clock,
            crate::clock::Clock::paused(FIRST_MS / 1_000),
        );
        let described = &options.world;
        for bot in &described.bots {
            self.add_application(bot, options);
        }
        if described.bots.is_empty() {
            let bot = BotBlueprint {
                name: "cogsmith".into(),
                ..BotBlueprint::default()
            };
            self.add_application(&bot, options);
        }
        self.bot = self.applications.keys().next().copied().unwrap_or(0);
        for person in &described.users {
            self.add_person(person);
        }
        let mut people = self.users.values().filter(|user| !user.bot);
        let first = people.next().map(|user| user.id);
        self.owner = first.unwrap_or_else(|| self.add_user("owner", false));
        let mut messages = Vec::new();
        for guild in &described.guilds {
            self.furnish_guild(guild, described, &mut messages);
        }
        self.clock = clock;
        messages
    }

    /// Makes an application with its bot. Returns its id.
    pub(super) fn add_application(&mut self, bot: &BotBlueprint, options: &SimOptions) -> Id {
        let intents = bot.privileged_intents.as_ref().map(|intents| {
            let bits = intents.iter().map(|intent| intent.bit());
            bits.fold(0, |all, bit| all | bit)
        });
        let given = match options.token.as_str() {
            token if self.applications.is_empty() && !token.is_empty() => Some(token),
            _ => bot.token.as_deref(),
        };
        let id = match given.and_then(token::application_in) {
            Some(id) if !self.users.contains_key(&id) => {
                self.keep_user(id, &bot.name, true);
                id
            }
            _ => self.add_user(&bot.name, true),
        };
        let application = Application {
            id,
            name: bot.application.as_ref().unwrap_or(&bot.name).clone(),
            team: options.team.clone(),
            privileged_intents: options.allowed_privileged_intents & intents.unwrap_or(u64::MAX),
            sessions_begun: 0,
            collections: ApplicationCollections::default(),
        };
        self.applications.insert(id, application);
        id
    }

    fn add_person(&mut self, person: &UserBlueprint) {
        let id = self.add_user(&person.name, false);
        let Some(user) = self.users.get_mut(&id) else {
            return;
        };
        user.global_name.clone_from(&person.display_name);
        user.closed_to_messages = person.closed_to_bots;
        if let Some(locale) = &person.locale {
            user.locale.clone_from(locale);
        }
    }

    fn named(&self, name: &str) -> Option<Id> {
        let mut users = self.users.values();
        users.find(|user| user.name == name).map(|user| user.id)
    }

    fn furnish_guild(
        &mut self,
        described: &GuildBlueprint,
        world: &Blueprint,
        messages: &mut Vec<FirstMessage>,
    ) -> Id {
        let owner = described.owner.as_deref().and_then(|name| self.named(name));
        let id = self.add_guild(&described.name, owner.unwrap_or(self.owner));
        let mut roles = HashMap::from([("everyone", id)]);
        for role in &described.roles {
            let made = self.add_role(id, &role.name, bits(&role.permissions));
            roles.insert(role.name.as_str(), made);
            let home = self.guilds.get_mut(&id);
            if let Some(kept) = home.and_then(|home| home.roles.get_mut(&made)) {
                kept.color = role.color.into();
                (kept.hoist, kept.mentionable) = (role.hoist, role.mentionable);
            }
        }
        let bots: Vec<Id> = self.applications.keys().copied().collect();
        let told = world.bots.iter().map(|bot| bot.permissions.as_deref());
        let told = told.chain(std::iter::repeat(None));
        for (bot, permissions) in bots.into_iter().zip(told) {
            self.install(id, bot, permissions.map_or(BOT, bits));
        }
        for member in &described.members {
            let Some(user) = self.named(&member.user) else {
                continue;
            };
            // Both were made above.
            let _joined = self.join(id, user).is_ok();
            let home = self.guilds.get_mut(&id);
            if let Some(kept) = home.and_then(|home| home.members.get_mut(&user)) {
                kept.nick.clone_from(&member.nick);
                let held = member.roles.iter();
                kept.roles = held
                    .filter_map(|name| roles.get(name.as_str()).copied())
                    .collect();
            }
        }
        if let Some(home) = self.guilds.get_mut(&id) {
            let everyone = home.roles.get_mut(&id);
            if let (Some(everyone), Some(allowed)) = (everyone, &described.everyone) {
                everyone.permissions = bits(allowed);
            }
            let features = described.features.as_slice();
            home.fields.insert("features".into(), features.into());
            if let Some(locale) = &described.locale {
                let locale = locale.as_str();
                home.fields.insert("preferred_locale".into(), locale.into());
            }
        }
        let mut categories = HashMap::new();
        for channel in &described.channels {
            let category = channel.category.as_deref();
            let parent = category.and_then(|name| categories.get(name).copied());
            let made = self.furnish_channel((id, parent), channel, &roles);
            if channel.kind == ChannelKind::Category {
                categories.insert(channel.name.as_str(), made);
            }
            for (field, named) in [
                ("rules_channel_id", &described.rules_channel),
                ("public_updates_channel_id", &described.updates_channel),
            ] {
                let home = self.guilds.get_mut(&id);
                if named.as_deref() == Some(channel.name.as_str())
                    && let Some(home) = home
                {
                    home.fields.insert(field.into(), made.to_string().into());
                }
            }
            for message in &channel.messages {
                if let Some(author) = self.named(&message.author) {
                    messages.push((author, made, message.content.clone()));
                }
            }
        }
        id
    }

    /// Makes a guild as it is described, for this owner, and tells the bots, which are all in it.
    pub(crate) fn found_guild(
        &mut self,
        owner: Id,
        name: &str,
        described: GuildBlueprint,
    ) -> Result<Id, ApiError> {
        let described = GuildBlueprint {
            name: name.into(),
            owner: Some(self.user(owner)?.name.clone()),
            members: Vec::new(),
            ..described
        };
        let told = self.outbox.len();
        let guild = self.furnish_guild(&described, &Blueprint::default(), &mut Vec::new());
        // Nobody has to be told of its parts who is told of the whole.
        self.outbox.truncate(told);
        let bots: Vec<Id> = self.applications.keys().copied().collect();
        for bot in bots {
            let home = self.guilds.get(&guild);
            let shown = home.map(|home| self.show_guild_whole(home, bot, false));
            let shown = shown.unwrap_or_default();
            self.tell_application(bot, "GUILD_CREATE", (Some(guild), shown));
        }
        Ok(guild)
    }

    fn furnish_channel(
        &mut self,
        (guild, parent): (Id, Option<Id>),
        described: &ChannelBlueprint,
        roles: &HashMap<&str, Id>,
    ) -> Id {
        let id = self.add_channel(guild, &described.name, described.kind.number(), parent);
        let overwrites = described.overwrites.iter().filter_map(|one| {
            let role = one
                .role
                .as_deref()
                .and_then(|name| roles.get(name).copied());
            let user = one.user.as_deref().and_then(|name| self.named(name));
            Some(Overwrite {
                id: role.or(user)?,
                for_member: role.is_none(),
                allow: bits(&one.allow),
                deny: bits(&one.deny),
            })
        });
        let overwrites = overwrites.collect();
        let tags: Vec<Value> = described
            .tags
            .iter()
            .map(|name| {
                json!({
                    "id": self.new_id().to_string(), "name": name, "moderated": false,
                    "emoji_id": null, "emoji_name": null,
                })
            })
            .collect();
        let Some(channel) = self.channels.get_mut(&id) else {
            return id;
        };
        channel.overwrites = overwrites;
        let fields = &mut channel.fields;
        // Only kinds of channels that have such a field have it.
        let mut set = |name: &str, value: Value| {
            if let Some(field) = fields.get_mut(name) {
                *field = value;
            }
        };
        set("topic", json!(described.topic));
        set("nsfw", described.nsfw.into());
        set("rate_limit_per_user", described.slow_mode.into());
        set("available_tags", tags.into());
        id
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
            icon: None,
        }
    }
}

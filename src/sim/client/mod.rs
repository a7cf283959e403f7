//! What Discord's client does when a person uses a command, a button, a menu or a modal: it checks
//! what they may do and enter, and Discord sends the interaction to the bot.
//!
//! `options.rs` types the options of slash commands, `resolve.rs` adds the objects that ids name,
//! `component.rs` is for buttons and menus, `modal.rs` for modals.

mod component;
mod modal;
mod options;
mod resolve;

use super::errors::{ApiError, Invalid, Known, UNKNOWN_COMMAND};
use super::ids::{Id, id_of};
use super::lacking;
use super::permissions::{self, ADMINISTRATOR, USE_APPLICATION_COMMANDS, require_in_channel};
use super::world::{CalledCommand, Channel, Command, Interaction, Stage, World};
use resolve::Resolved;
use serde_json::{Map, Value, json};

/// How many interactions are kept.
const KEPT: usize = 2_000;

// Discord's types of commands in context menus.
const USER_MENU: u64 = 2;
const MESSAGE_MENU: u64 = 3;

/// Something that a person uses.
#[derive(Clone, Debug)]
pub enum InteractionRequest {
    /// A slash command: its name with its subcommand (`tag add`), and its options by name. Users,
    /// channels, roles and attachments are given by their ids.
    Slash {
        /// `rank`, `tag add`
        name: String,
        /// `{"who": "123"}`
        options: Value,
    },
    /// Typing into an option with autocompletion.
    Autocomplete {
        /// As for a slash command.
        name: String,
        /// What is entered so far, the focused option included.
        options: Value,
        /// The option that is being typed.
        focused: String,
    },
    /// A command in the context menu of a user.
    User {
        /// The command's name.
        name: String,
        /// The user.
        target: Id,
    },
    /// A command in the context menu of a message in the same channel.
    Message {
        /// The command's name.
        name: String,
        /// The message.
        target: Id,
    },
    /// A click on a button, or a choice in a menu.
    Component {
        /// The message with the component.
        message: Id,
        /// The component's `custom_id`.
        custom_id: String,
        /// For menus: what is chosen; ids for users, roles and channels.
        values: Vec<String>,
    },
    /// Sending the modal that stands open in front of the user.
    Modal {
        /// The modal's `custom_id`.
        custom_id: String,
        /// What is entered, by the `custom_id` of each input: a text, a list of texts, or a boolean
        /// for a checkbox. An input that is not named is left as the bot has set it.
        fields: Vec<(String, Value)>,
    },
}

/// What an interaction is made of.
struct Parts {
    /// The application that answers it.
    application: Id,
    /// Discord's interaction type.
    kind: u64,
    data: Value,
    /// The message that a component sits on.
    message: Option<Id>,
    /// The command that is called.
    command: Option<CalledCommand>,
    /// What `interaction_metadata` has beside what all interactions have in it.
    metadata: Map<String, Value>,
}

impl Parts {
    fn of(application: Id, kind: u64, data: Value) -> Self {
        Self {
            application,
            kind,
            data,
            message: None,
            command: None,
            metadata: Map::new(),
        }
    }
}

/// Lets `user` use something in `channel`; the interaction that comes of it is dispatched.
///
/// Several bots may have a command of the same name: `application` says whose is meant, or else it is that of the
/// first bot that has one.
pub(crate) fn begin(
    world: &mut World,
    user: Id,
    channel: Id,
    (request, application): (&InteractionRequest, Option<Id>),
) -> Result<Id, ApiError> {
    world.user(user)?;
    let place = world.channel(channel)?.clone();
    require_in_channel(world, &place, user, 0)?;
    // Whoever is timed out may read, and use nothing.
    if permissions::is_timed_out(world, &place, user) {
        return Err(lacking::while_timed_out(world, &place, user));
    }
    let parts = match request {
        InteractionRequest::Slash { name, options } => {
            slash(world, (user, &place, application), (name, options, None))?
        }
        InteractionRequest::Autocomplete {
            name,
            options,
            focused,
        } => slash(
            world,
            (user, &place, application),
            (name, options, Some(focused)),
        )?,
        InteractionRequest::User { name, target } => menu(
            world,
            (user, &place, application),
            (name, USER_MENU, *target),
        )?,
        InteractionRequest::Message { name, target } => menu(
            world,
            (user, &place, application),
            (name, MESSAGE_MENU, *target),
        )?,
        InteractionRequest::Component {
            message,
            custom_id,
            values,
        } => component::click(world, user, &place, *message, (custom_id, values))?,
        InteractionRequest::Modal { custom_id, fields } => {
            modal::submit(world, user, &place, custom_id, fields)?
        }
    };
    Ok(dispatch(world, user, &place, &parts))
}

/// Who uses a command, where, and of which application if they say so.
type Use<'a> = (Id, &'a Channel, Option<Id>);

/// The command that `user` means; those of the guild come before the global.
fn find(
    world: &World,
    (user, place, application): Use<'_>,
    (name, kind): (&str, u64),
) -> Result<Command, ApiError> {
    let named = |guild: Option<Id>| {
        let mut commands = world.commands.values().filter(|one| one.guild == guild);
        commands.find(|one| {
            one.kind() == kind
                && one.name() == name
                && application.is_none_or(|id| id == one.application)
                && is_installed(world, one.application, place)
        })
    };
    let own = place.guild.and_then(|guild| named(Some(guild)));
    let command = own.or_else(|| named(None)).ok_or(UNKNOWN_COMMAND)?;
    if !is_offered(&command.shown, place) {
        return Err(UNKNOWN_COMMAND.into());
    }
    require_allowed(world, user, place, &command.shown)?;
    Ok(command.clone())
}

/// Whether a bot is in a channel's guild, or the direct channel is one with it.
fn is_installed(world: &World, application: Id, place: &Channel) -> bool {
    match world.home(place) {
        Some(guild) => guild.members.contains_key(&application),
        None => place.recipients.contains(&application),
    }
}

/// Whether a command exists in guilds, or in the direct channel with the bot. One for adults is only in channels for
/// adults.
fn is_offered(command: &Value, place: &Channel) -> bool {
    let is_for_adults = place.fields.get("nsfw").is_some_and(|nsfw| nsfw == true);
    if command["nsfw"] == true && !place.is_direct() && !is_for_adults {
        return false;
    }
    let context = u64::from(place.is_direct());
    match command["contexts"].as_array() {
        Some(contexts) => contexts.iter().any(|one| one.as_u64() == Some(context)),
        None => !place.is_direct() || command["dm_permission"] != false,
    }
}

fn require_allowed(
    world: &World,
    user: Id,
    place: &Channel,
    command: &Value,
) -> Result<(), ApiError> {
    if place.is_direct() {
        return Ok(());
    }
    require_in_channel(world, place, user, USE_APPLICATION_COMMANDS)?;
    let held = permissions::in_channel(world, place, user);
    let needed = match &command["default_member_permissions"] {
        Value::Null => return Ok(()),
        // "0": administrators alone.
        value => id_of(value)
            .filter(|bits| *bits != 0)
            .unwrap_or(ADMINISTRATOR),
    };
    if held & ADMINISTRATOR != 0 || held & needed == needed {
        Ok(())
    } else {
        let name = command["name"].as_str().unwrap_or_default();
        let is_slash = command["type"].as_u64().is_none_or(|kind| kind == 1);
        let command = format!("{}{name}", if is_slash { "/" } else { "" });
        Err(lacking::for_others(
            world,
            (place, user),
            (&command, needed),
        ))
    }
}

fn slash(
    world: &World,
    (user, place, application): Use<'_>,
    (path, options, focused): (&str, &Value, Option<&String>),
) -> Result<Parts, ApiError> {
    let mut words = path.trim_start_matches('/').split_whitespace();
    let name = words.next().unwrap_or_default();
    let command = find(world, (user, place, application), (name, 1))?;
    let subcommands: Vec<&str> = words.collect();
    let mut resolved = Resolved::new((user, place), command.application);
    let entered = options::Entered {
        world,
        options,
        focused: focused.map(String::as_str),
    };
    let options = entered.read(&command.shown, &subcommands, &mut resolved)?;
    let mut data = command_data(&command);
    if !options.is_empty() {
        data["options"] = options.into();
    }
    resolved.write(&mut data);
    let path: Vec<&str> = [command.name()].into_iter().chain(subcommands).collect();
    Ok(Parts {
        command: Some(CalledCommand {
            name: path.join(" "),
            kind: 1,
        }),
        ..Parts::of(
            command.application,
            if focused.is_some() { 4 } else { 2 },
            data,
        )
    })
}

fn command_data(command: &Command) -> Value {
    let mut data = json!({
        "id": command.shown["id"],
        "name": command.name(),
        "type": command.kind(),
    });
    if let Some(guild) = command.guild {
        data["guild_id"] = guild.to_string().into();
    }
    data
}

/// A command of a context menu: `kind` 2 is for users, 3 for messages.
fn menu(
    world: &World,
    (user, place, application): Use<'_>,
    (name, kind, target): (&str, u64, Id),
) -> Result<Parts, ApiError> {
    let command = find(world, (user, place, application), (name, kind))?;
    let mut resolved = Resolved::new((user, place), command.application);
    if kind == USER_MENU {
        resolved.user(world, target)?;
    } else {
        resolved.message(world, target, user)?;
    }
    let mut data = command_data(&command);
    data["target_id"] = target.to_string().into();
    resolved.write(&mut data);
    let about = if kind == USER_MENU {
        ("target_user".into(), world.show_user(target))
    } else {
        ("target_message_id".into(), target.to_string().into())
    };
    Ok(Parts {
        command: Some(CalledCommand {
            name: name.into(),
            kind,
        }),
        metadata: Map::from_iter([about]),
        ..Parts::of(command.application, 2, data)
    })
}

/// Keeps the interaction and dispatches it.
fn dispatch(world: &mut World, user: Id, place: &Channel, parts: &Parts) -> Id {
    let id = world.new_id();
    let token = world.token_of("interaction", id);
    let event = show(world, user, place, parts, (id, &token));
    let mut metadata = json!({
        "id": id.to_string(),
        "type": parts.kind,
        "user": world.show_user(user),
        "authorizing_integration_owners": {"0": place.guild.unwrap_or(0).to_string()},
    });
    for (name, value) in &parts.metadata {
        metadata[name.as_str()] = value.clone();
    }
    if world.interactions.len() >= KEPT {
        world.interactions.shift_remove_index(0);
    }
    let interaction = Interaction {
        id,
        application: parts.application,
        token,
        kind: parts.kind,
        user,
        channel: place.id,
        message: parts.message,
        command: parts.command.clone(),
        focused: focused_type(&parts.data),
        metadata,
        created: world.clock.now(),
        stage: Stage::Waiting,
        answer: None,
        answer_data: Value::Null,
        original: None,
        follow_ups: Vec::new(),
    };
    world.interactions.insert(id, interaction);
    let told = (place.guild, event);
    world.tell_application(parts.application, "INTERACTION_CREATE", told);
    id
}

/// The type of the option that is typed, wherever it is below the subcommands.
fn focused_type(data: &Value) -> Option<u64> {
    let options = data["options"].as_array()?;
    options.iter().find_map(|option| {
        if option["focused"] == true {
            option["type"].as_u64()
        } else {
            focused_type(option)
        }
    })
}

fn show(world: &World, user: Id, place: &Channel, parts: &Parts, (id, token): (Id, &str)) -> Value {
    let bot = parts.application;
    let locale = world
        .users
        .get(&user)
        .map_or("en-US", |user| user.locale.as_str());
    let mut shown = json!({
        "id": id.to_string(),
        "application_id": bot.to_string(),
        "type": parts.kind,
        "data": parts.data,
        "channel_id": place.id.to_string(),
        "channel": world.show_channel(place, bot),
        "token": token,
        "version": 1,
        "app_permissions": permissions::in_channel(world, place, bot).to_string(),
        "locale": locale,
        "entitlements": [],
        "authorizing_integration_owners": {"0": place.guild.unwrap_or(0).to_string()},
        "context": u64::from(place.is_direct()),
        "attachment_size_limit": 10_485_760,
    });
    match world.home(place) {
        Some(guild) => {
            shown["guild_id"] = guild.id.to_string().into();
            shown["guild"] = json!({
                "id": guild.id.to_string(), "locale": "en-US",
                "features": guild.fields.get("features"),
            });
            shown["guild_locale"] = "en-US".into();
            let member = guild.members.get(&user);
            let mut member = member.map(|it| world.show_member(it)).unwrap_or_default();
            let held = permissions::in_channel(world, place, user);
            member["permissions"] = held.to_string().into();
            shown["member"] = member;
        }
        None => shown["user"] = world.show_user(user),
    }
    let message = parts
        .message
        .and_then(|id| world.message(place.id, id, user).ok());
    if let Some(message) = message {
        shown["message"] = message.show(bot);
    }
    shown
}

/// The client itself refuses such an entry; no request would be sent.
fn refused(path: &str, message: impl Into<String>) -> ApiError {
    Invalid::one(path, "CLIENT_VALIDATION", message)
}

/// The client shows nothing of the kind.
const NOT_THERE: Known = Known(404, 0, "There is no such component, or it is disabled");

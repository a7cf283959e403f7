//! Webhooks: those of channels, and the ones that every interaction has.

use super::call::{Outcome, RestAnswer, RestCall, required};
use super::draft::Draft;
use super::message_rules as rules;
use super::post;
use super::route::{Route, open, route};
use super::{images, interactions};
use crate::sim::errors::{
    ApiError, INVALID_TOKEN, Invalid, NOT_IN_A_DM, TOO_MANY_WEBHOOKS, UNKNOWN_MESSAGE,
    UNKNOWN_WEBHOOK,
};
use crate::sim::ids::Id;
use crate::sim::permissions::{MANAGE_WEBHOOKS, require_in_channel, require_in_guild};
use crate::sim::world::{Audited, Webhook, World, without_creator};
use serde_json::{Value, json};

/// The largest picture that Discord takes, in bytes.
const LARGEST_AVATAR: usize = 10 << 20;

/// How many webhooks a channel has room for.
pub(super) const IN_CHANNEL: usize = 15;

const TOKEN: &str = "/webhooks/{webhook_id}/{webhook_token}";
const MESSAGE: &str = "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}";

pub(super) const ROUTES: &[Route] = &[
    route("POST", "/channels/{channel_id}/webhooks", create),
    route("GET", "/channels/{channel_id}/webhooks", list_channel),
    route("GET", "/guilds/{guild_id}/webhooks", list_guild),
    route("GET", "/webhooks/{webhook_id}", get),
    route("PATCH", "/webhooks/{webhook_id}", update),
    route("DELETE", "/webhooks/{webhook_id}", delete),
    open("GET", TOKEN, get_by_token),
    open("POST", TOKEN, execute),
    open("PATCH", TOKEN, update_by_token),
    open("DELETE", TOKEN, delete_by_token),
    open("GET", MESSAGE, get_message),
    open("PATCH", MESSAGE, update_message),
    open("DELETE", MESSAGE, delete_message),
];

pub(super) fn shown(world: &World, hook: &Webhook, with_token: bool) -> Value {
    let mut shown = json!({
        "id": hook.id.to_string(),
        "type": 1,
        "name": hook.name,
        "avatar": hook.avatar,
        "channel_id": hook.channel.to_string(),
        "guild_id": hook.guild.to_string(),
        "application_id": world.is_application(hook.creator).then(|| hook.creator.to_string()),
        "user": world.show_user(hook.creator),
    });
    if let Some(source) = hook.follows {
        shown["type"] = 2.into();
        if let Some(channel) = world.channels.get(&source) {
            let home = world.home(channel);
            shown["source_channel"] = json!({"id": source.to_string(), "name": channel.name});
            shown["source_guild"] = home
                .map(|home| {
                    let icon = home.fields.get("icon");
                    json!({"id": home.id.to_string(), "name": home.name, "icon": icon})
                })
                .into();
        }
        return shown;
    }
    if with_token {
        let id = hook.id;
        shown["token"] = hook.token.as_str().into();
        shown["url"] = format!("{}/api/webhooks/{id}/{}", world.address, hook.token).into();
    }
    shown
}

/// The name in the body.
fn name(call: &RestCall) -> Result<Option<String>, ApiError> {
    let Some(name) = call.string("name").map(str::trim) else {
        return Ok(None);
    };
    if !(1..=80).contains(&name.chars().count()) {
        let message = "Must be between 1 and 80 in length.";
        return Err(Invalid::one("name", "BASE_TYPE_BAD_LENGTH", message));
    }
    Ok(Some(name.to_owned()))
}

/// The avatar in the body, under which Discord keeps it; nothing where it is null.
fn avatar(world: &mut World, call: &RestCall) -> Result<Option<String>, ApiError> {
    match call.field("avatar") {
        Some(avatar) => images::keep(world, "avatar", avatar, LARGEST_AVATAR),
        None => Ok(None),
    }
}

/// Changes what everybody may change who knows the token.
fn rename(world: &mut World, call: &RestCall, hook: &mut Webhook) -> Result<(), ApiError> {
    if let Some(name) = name(call)? {
        hook.name = name;
    }
    if call.field("avatar").is_some() {
        hook.avatar = avatar(world, call)?;
    }
    Ok(())
}

fn create(world: &mut World, call: &RestCall) -> Outcome {
    let channel = world.channel(call.id("channel_id")?)?;
    let guild = channel.guild.ok_or(NOT_IN_A_DM)?;
    require_in_channel(world, channel, call.actor, MANAGE_WEBHOOKS)?;
    let channel = channel.id;
    let name = name(call)?.ok_or_else(|| required("name"))?;
    let avatar = avatar(world, call)?;
    let of_channel = world.webhooks.values();
    if of_channel.filter(|hook| hook.channel == channel).count() >= IN_CHANNEL {
        return Err(TOO_MANY_WEBHOOKS.into());
    }
    let id = world.new_id();
    let hook = Webhook {
        id,
        token: world.token_of("webhook", id),
        name,
        channel,
        guild,
        creator: call.actor,
        avatar,
        follows: None,
    };
    let answer = shown(world, &hook, true);
    let told = Audited::of(50, Some(id)).changed(&Value::Null, &audited(&hook));
    world.webhooks.insert(id, hook);
    tell(world, guild, channel);
    world.write_audit(guild, call.who_and_why(), told);
    Ok(RestAnswer::Ok(answer))
}

/// A webhook as the audit log tells of it.
pub(super) fn audited(hook: &Webhook) -> Value {
    json!({
        "name": hook.name, "type": if hook.follows.is_some() { 2 } else { 1 },
        "channel_id": hook.channel.to_string(), "avatar_hash": hook.avatar,
    })
}

/// Tells that the webhooks of a channel are not as before.
pub(super) fn tell(world: &mut World, guild: Id, channel: Id) {
    let data = json!({"guild_id": guild.to_string(), "channel_id": channel.to_string()});
    world.tell_channel(channel, "WEBHOOKS_UPDATE", data);
}

fn list_channel(world: &mut World, call: &RestCall) -> Outcome {
    let channel = world.channel(call.id("channel_id")?)?;
    require_in_channel(world, channel, call.actor, MANAGE_WEBHOOKS)?;
    let id = channel.id;
    let own = world.webhooks.values().filter(|hook| hook.channel == id);
    Ok(RestAnswer::Ok(
        own.map(|hook| shown(world, hook, true)).collect(),
    ))
}

fn list_guild(world: &mut World, call: &RestCall) -> Outcome {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?;
    require_in_guild(world, guild, call.actor, MANAGE_WEBHOOKS)?;
    let id = guild.id;
    let own = world.webhooks.values().filter(|hook| hook.guild == id);
    Ok(RestAnswer::Ok(
        own.map(|hook| shown(world, hook, true)).collect(),
    ))
}

/// The webhook, when the caller may manage it.
fn managed(world: &World, call: &RestCall) -> Result<Webhook, ApiError> {
    let hook = world
        .webhooks
        .get(&call.id("webhook_id")?)
        .ok_or(UNKNOWN_WEBHOOK)?;
    let channel = world.channel(hook.channel)?;
    require_in_channel(world, channel, call.actor, MANAGE_WEBHOOKS)?;
    Ok(hook.clone())
}

/// The webhook that the path names with its token.
pub(super) fn by_token(world: &World, call: &RestCall) -> Result<Webhook, ApiError> {
    let hook = world
        .webhooks
        .get(&call.id("webhook_id")?)
        .ok_or(UNKNOWN_WEBHOOK)?;
    if hook.token == call.text("webhook_token") {
        Ok(hook.clone())
    } else {
        Err(INVALID_TOKEN.into())
    }
}

fn get(world: &mut World, call: &RestCall) -> Outcome {
    let hook = managed(world, call)?;
    Ok(RestAnswer::Ok(shown(world, &hook, true)))
}

fn get_by_token(world: &mut World, call: &RestCall) -> Outcome {
    let hook = by_token(world, call)?;
    Ok(RestAnswer::Ok(without_creator(&shown(world, &hook, true))))
}

fn update(world: &mut World, call: &RestCall) -> Outcome {
    let mut hook = managed(world, call)?;
    let before = audited(&hook);
    rename(world, call, &mut hook)?;
    if call.field("channel_id").is_some() {
        let channel = world.channel(call.required_id("channel_id")?)?;
        require_in_channel(world, channel, call.actor, MANAGE_WEBHOOKS)?;
        hook.channel = channel.id;
    }
    let answer = shown(world, &hook, true);
    let (guild, channel) = (hook.guild, hook.channel);
    let told = Audited::of(51, Some(hook.id)).changed(&before, &audited(&hook));
    world.webhooks.insert(hook.id, hook);
    tell(world, guild, channel);
    if told.has_changes() {
        world.write_audit(guild, call.who_and_why(), told);
    }
    Ok(RestAnswer::Ok(answer))
}

fn update_by_token(world: &mut World, call: &RestCall) -> Outcome {
    let mut hook = by_token(world, call)?;
    rename(world, call, &mut hook)?;
    let answer = without_creator(&shown(world, &hook, true));
    let (guild, channel) = (hook.guild, hook.channel);
    world.webhooks.insert(hook.id, hook);
    tell(world, guild, channel);
    Ok(RestAnswer::Ok(answer))
}

fn delete(world: &mut World, call: &RestCall) -> Outcome {
    let hook = managed(world, call)?;
    world.webhooks.shift_remove(&hook.id);
    tell(world, hook.guild, hook.channel);
    let told = Audited::of(52, Some(hook.id)).changed(&audited(&hook), &Value::Null);
    world.write_audit(hook.guild, call.who_and_why(), told);
    Ok(RestAnswer::Nothing)
}

fn delete_by_token(world: &mut World, call: &RestCall) -> Outcome {
    let hook = by_token(world, call)?;
    world.webhooks.shift_remove(&hook.id);
    tell(world, hook.guild, hook.channel);
    Ok(RestAnswer::Nothing)
}

/// Whether the path is that of an interaction: the application's id stands for the webhook's.
fn is_interaction(world: &World, call: &RestCall) -> bool {
    call.id("webhook_id")
        .is_ok_and(|id| world.is_application(id))
}

fn execute(world: &mut World, call: &RestCall) -> Outcome {
    if is_interaction(world, call) {
        return interactions::follow_up(world, call);
    }
    let hook = by_token(world, call)?;
    send(world, call, &hook, &call.body)
}

/// Sends a message with a webhook.
pub(super) fn send(world: &mut World, call: &RestCall, hook: &Webhook, body: &Value) -> Outcome {
    rules::check(body, &call.files)?;
    rules::check_not_empty(body, &call.files)?;
    let channel = call.query_id("thread_id")?.unwrap_or(hook.channel);
    world.channel(channel)?;
    let draft = Draft {
        webhook: Some(hook.id),
        ..Draft::plain(hook.id, channel, body, &call.files)
    };
    let id = post::post(world, draft)?;
    if call.query_flag("wait") {
        Ok(RestAnswer::Ok(
            world.message(channel, id, hook.id)?.show(hook.id),
        ))
    } else {
        Ok(RestAnswer::Nothing)
    }
}

/// The place of a message that the webhook sent.
fn own_message(world: &World, call: &RestCall) -> Result<(Id, Id), ApiError> {
    let hook = by_token(world, call)?;
    let channel = call.query_id("thread_id")?.unwrap_or(hook.channel);
    let message = world.message(channel, call.id("message_id")?, hook.id)?;
    if message.webhook == Some(hook.id) {
        Ok((channel, message.id))
    } else {
        Err(UNKNOWN_MESSAGE.into())
    }
}

fn get_message(world: &mut World, call: &RestCall) -> Outcome {
    if is_interaction(world, call) {
        return interactions::get(world, call);
    }
    let (channel, id) = own_message(world, call)?;
    Ok(RestAnswer::Ok(
        world.message(channel, id, 0)?.show(call.actor),
    ))
}

fn update_message(world: &mut World, call: &RestCall) -> Outcome {
    if is_interaction(world, call) {
        return interactions::update_message(world, call);
    }
    let (channel, id) = own_message(world, call)?;
    rules::check_edit(&call.body, &call.files)?;
    post::edit(world, (channel, id), &call.body, &call.files)?;
    Ok(RestAnswer::Ok(
        world.message(channel, id, 0)?.show(call.actor),
    ))
}

fn delete_message(world: &mut World, call: &RestCall) -> Outcome {
    if is_interaction(world, call) {
        return interactions::delete(world, call);
    }
    let (channel, id) = own_message(world, call)?;
    world.remove_message(channel, id);
    Ok(RestAnswer::Nothing)
}

//! Integrations of guilds: the bots that are in them.

use super::call::{Outcome, RestAnswer, RestCall};
use super::route::{Route, route};
use crate::sim::errors::{ApiError, UNKNOWN_INTEGRATION};
use crate::sim::ids::Id;
use crate::sim::permissions::{MANAGE_GUILD, require_in_guild};
use crate::sim::world::{Application, World};
use serde_json::{Value, json};

pub(super) const ROUTES: &[Route] = &[
    route("GET", "/guilds/{guild_id}/integrations", list),
    route(
        "DELETE",
        "/guilds/{guild_id}/integrations/{integration_id}",
        delete,
    ),
];

/// The guild, when the caller may manage its integrations.
fn managed(world: &World, call: &RestCall) -> Result<Id, ApiError> {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?;
    require_in_guild(world, guild, call.actor, MANAGE_GUILD)?;
    Ok(guild.id)
}

fn shown(world: &World, own: &Application) -> Value {
    json!({
        "id": own.id.to_string(),
        "name": own.name,
        "type": "discord",
        "enabled": true,
        "account": {"id": own.id.to_string(), "name": own.name},
        "scopes": ["bot", "applications.commands"],
        "user": world.show_user(world.owner),
        "application": {
            "id": own.id.to_string(), "name": own.name, "icon": null, "description": "",
            "type": null, "bot": world.show_user(own.id),
        },
    })
}

fn list(world: &mut World, call: &RestCall) -> Outcome {
    let guild = managed(world, call)?;
    let home = world.guild_for(guild, call.actor)?;
    let all = world.applications.values();
    let own = all.filter(|own| home.members.contains_key(&own.id));
    Ok(RestAnswer::Ok(own.map(|own| shown(world, own)).collect()))
}

/// Takes an integration away, with its bot and its webhooks.
fn delete(world: &mut World, call: &RestCall) -> Outcome {
    let guild = managed(world, call)?;
    let id = call.id("integration_id")?;
    let home = world.guild_for(guild, call.actor)?;
    if !world.is_application(id) || !home.members.contains_key(&id) {
        return Err(UNKNOWN_INTEGRATION.into());
    }
    let data = json!({
        "id": id.to_string(), "guild_id": guild.to_string(), "application_id": id.to_string(),
    });
    world.tell_guild(guild, "INTEGRATION_DELETE", data);
    let data = json!({"guild_id": guild.to_string()});
    world.tell_guild(guild, "GUILD_INTEGRATIONS_UPDATE", data);
    world
        .webhooks
        .retain(|_, hook| hook.guild != guild || hook.creator != id);
    world.audit(guild, call.who_and_why(), 82, Some(id));
    world.leave(guild, id)?;
    Ok(RestAnswer::Nothing)
}

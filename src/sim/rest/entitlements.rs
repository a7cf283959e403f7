//! What users and guilds have bought of an application: entitlements, and subscriptions. Nothing is paid: test
//! entitlements are made by the bot, as at Discord.

use super::call::{Outcome, RestAnswer, RestCall};
use super::route::{Route, route};
use crate::sim::errors::{ApiError, UNKNOWN_ENTITLEMENT, UNKNOWN_GUILD, UNKNOWN_SUBSCRIPTION};
use crate::sim::ids::{Id, id_in, parse_timestamp};
use crate::sim::world::{ApplicationCollections, World};
use serde_json::{Value, json};

const ALL: &str = "/applications/{application_id}/entitlements";
const ONE: &str = "/applications/{application_id}/entitlements/{entitlement_id}";

pub(super) const ROUTES: &[Route] = &[
    route("GET", ALL, list),
    route("POST", ALL, create),
    route("GET", ONE, get),
    route("DELETE", ONE, delete),
    route(
        "POST",
        "/applications/{application_id}/entitlements/{entitlement_id}/consume",
        consume,
    ),
    route("GET", "/skus/{sku_id}/subscriptions", subscriptions),
    route(
        "GET",
        "/skus/{sku_id}/subscriptions/{subscription_id}",
        subscription,
    ),
];

/// The type that entitlements have which a bot makes to test (`APPLICATION_SUBSCRIPTION`).
const TEST: u64 = 8;

/// What the caller's own application, which the path names, has.
fn own<'a>(
    world: &'a mut World,
    call: &RestCall,
) -> Result<&'a mut ApplicationCollections, ApiError> {
    let own = call.own_application(world)?;
    world.own_collections(own)
}

fn is_over(entitlement: &Value, now: std::time::Duration) -> bool {
    let end = entitlement["ends_at"].as_str().and_then(parse_timestamp);
    end.is_some_and(|end| end <= now)
}

fn list(world: &mut World, call: &RestCall) -> Outcome {
    let limit = call.query_count("limit", 100, (1, 100))?;
    let (user, guild) = (call.query_id("user_id")?, call.query_id("guild_id")?);
    let (before, after) = (call.query_id("before")?, call.query_id("after")?);
    let skus = call
        .query
        .iter()
        .filter(|(name, _)| name.starts_with("sku_ids"));
    let skus = skus.flat_map(|(_, value)| value.split(','));
    let skus: Vec<Id> = skus.filter_map(|id| id.trim().parse().ok()).collect();
    let now = world.clock.now();
    let wanted = |one: &&Value| {
        let id = id_in(one, "id").unwrap_or(0);
        user.is_none_or(|user| id_in(one, "user_id") == Some(user))
            && guild.is_none_or(|guild| id_in(one, "guild_id") == Some(guild))
            && before.is_none_or(|before| id < before)
            && after.is_none_or(|after| id > after)
            && (skus.is_empty() || id_in(one, "sku_id").is_some_and(|sku| skus.contains(&sku)))
            && !(call.query_flag("exclude_ended") && is_over(one, now))
            && (call.query("exclude_deleted") == Some("false") || one["deleted"] != true)
    };
    let all = own(world, call)?.entitlements.all();
    let found: Vec<&Value> = if after.is_some() {
        all.filter(wanted).take(limit).collect()
    } else {
        // The newest, in the order of time.
        let mut newest: Vec<&Value> = all.rev().filter(wanted).take(limit).collect();
        newest.reverse();
        newest
    };
    Ok(RestAnswer::Ok(json!(found)))
}

fn create(world: &mut World, call: &RestCall) -> Outcome {
    let application = call.own_application(world)?;
    let (sku, owner) = (call.required_id("sku_id")?, call.required_id("owner_id")?);
    let is_guild = call.body["owner_type"] == 1;
    if is_guild {
        world.guilds.get(&owner).ok_or(UNKNOWN_GUILD)?;
    } else {
        world.user(owner)?;
    }
    let id = world.new_id();
    let user = if is_guild { call.actor } else { owner };
    let entitlement = json!({
        "id": id.to_string(),
        "sku_id": sku.to_string(),
        "application_id": application.to_string(),
        "user_id": user.to_string(),
        "guild_id": is_guild.then(|| owner.to_string()),
        "deleted": false,
        "starts_at": null,
        "ends_at": null,
        "type": TEST,
        "consumed": false,
    });
    own(world, call)?.entitlements.keep(id, entitlement.clone());
    let data = (None, entitlement.clone());
    world.tell_application(application, "ENTITLEMENT_CREATE", data);
    Ok(RestAnswer::Ok(entitlement))
}

fn get(world: &mut World, call: &RestCall) -> Outcome {
    let id = call.id("entitlement_id")?;
    let found = own(world, call)?
        .entitlements
        .find(id, UNKNOWN_ENTITLEMENT)?;
    Ok(RestAnswer::Ok(found.clone()))
}

fn delete(world: &mut World, call: &RestCall) -> Outcome {
    let (application, id) = (call.own_application(world)?, call.id("entitlement_id")?);
    let removed = own(world, call)?.entitlements.remove(id);
    let mut entitlement = removed.ok_or(UNKNOWN_ENTITLEMENT)?;
    entitlement["deleted"] = true.into();
    world.tell_application(application, "ENTITLEMENT_DELETE", (None, entitlement));
    Ok(RestAnswer::Nothing)
}

fn consume(world: &mut World, call: &RestCall) -> Outcome {
    let (application, id) = (call.own_application(world)?, call.id("entitlement_id")?);
    let entitlements = &mut own(world, call)?.entitlements;
    let mut entitlement = entitlements.find(id, UNKNOWN_ENTITLEMENT)?.clone();
    entitlement["consumed"] = true.into();
    entitlements.keep(id, entitlement.clone());
    world.tell_application(application, "ENTITLEMENT_UPDATE", (None, entitlement));
    Ok(RestAnswer::Nothing)
}

/// Nobody subscribes here.
fn subscriptions(_: &mut World, call: &RestCall) -> Outcome {
    call.id("sku_id")?;
    call.query_count("limit", 50, (1, 100))?;
    Ok(RestAnswer::Ok(json!([])))
}

fn subscription(_: &mut World, call: &RestCall) -> Outcome {
    call.id("sku_id")?;
    call.id("subscription_id")?;
    Err(UNKNOWN_SUBSCRIPTION.into())
}

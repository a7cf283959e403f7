//! The application of a bot.

use super::call::{Outcome, RestAnswer, RestCall};
use super::images;
use super::route::{Route, route};
use crate::sim::errors::UNKNOWN_APPLICATION;
use crate::sim::world::{Application, World};
use serde_json::{Map, Value, json};

pub(super) const ROUTES: &[Route] = &[
    route("GET", "/applications/@me", get),
    route("PATCH", "/applications/@me", update),
    route("GET", "/applications/{application_id}", get),
    route("PATCH", "/applications/{application_id}", update),
    route("GET", "/oauth2/applications/@me", get),
];

/// The application's flags: which privileged intents it may use (`GATEWAY_PRESENCE_LIMITED`,
/// `GATEWAY_GUILD_MEMBERS_LIMITED`, `GATEWAY_MESSAGE_CONTENT_LIMITED`).
pub(crate) fn application_flags(privileged_intents: u64) -> u64 {
    let pairs = [(1 << 8, 1 << 13), (1 << 1, 1 << 15), (1 << 15, 1 << 19)];
    let allowed = pairs
        .iter()
        .filter(|(intent, _)| privileged_intents & intent != 0);
    allowed.fold(0, |flags, (_, flag)| flags | flag)
}

fn get(world: &mut World, call: &RestCall) -> Outcome {
    let own = world.application(call.actor)?;
    if !matches!(call.text("application_id"), "") && call.id("application_id")? != own.id {
        return Err(UNKNOWN_APPLICATION.into());
    }
    Ok(RestAnswer::Ok(shown(world, own)))
}

/// The largest picture, in bytes.
const LARGEST_IMAGE: usize = 10 << 20;
/// Fields that are kept as they come.
const PLAIN: [&str; 7] = [
    "custom_install_url",
    "role_connections_verification_url",
    "install_params",
    "integration_types_config",
    "tags",
    "event_webhooks_url",
    "event_webhooks_types",
];

/// Changes the application. Nothing is delivered to the addresses that it names.
fn update(world: &mut World, call: &RestCall) -> Outcome {
    let own = world.application(call.actor)?.id;
    if !matches!(call.text("application_id"), "") && call.id("application_id")? != own {
        return Err(UNKNOWN_APPLICATION.into());
    }
    let mut fields = Map::new();
    call.copy_fields(&PLAIN, &mut fields);
    call.copy_fields(
        &["interactions_endpoint_url", "event_webhooks_status"],
        &mut fields,
    );
    for name in [
        "install_params",
        "custom_install_url",
        "tags",
        "event_webhooks_types",
    ] {
        // Discord leaves out what was taken away.
        if fields.get(name).is_some_and(Value::is_null) {
            fields.shift_remove(name);
            world.own_collections(own)?.fields.shift_remove(name);
        }
    }
    if let Some(description) = call.field("description") {
        let text = description["default"].as_str().or(description.as_str());
        fields.insert("description".into(), text.unwrap_or_default().into());
    }
    for name in ["icon", "cover_image"] {
        if let Some(image) = call.field(name) {
            let hash = images::keep(world, name, image, LARGEST_IMAGE)?;
            fields.insert(name.into(), hash.into());
        }
    }
    world.own_collections(own)?.fields.extend(fields);
    let own = world.application(own)?;
    Ok(RestAnswer::Ok(shown(world, own)))
}

/// The application as its bot sees it, with what was changed of it.
fn shown(world: &World, own: &Application) -> Value {
    let mut shown = plain(world, own);
    for (name, value) in &own.collections.fields {
        shown[name.as_str()] = value.clone();
    }
    if shown["cover_image"].is_null()
        && let Some(fields) = shown.as_object_mut()
    {
        fields.shift_remove("cover_image");
    }
    shown
}

fn plain(world: &World, own: &Application) -> Value {
    let guilds = world.guilds.values();
    let joined = guilds.filter(|guild| guild.members.contains_key(&own.id));
    let flags = application_flags(own.privileged_intents);
    json!({
        "id": own.id.to_string(),
        "name": own.name,
        "icon": null,
        "description": "",
        "type": null,
        "bot": world.show_user(own.id),
        "bot_public": false,
        "bot_require_code_grant": false,
        "verify_key": "0".repeat(64),
        "owner": world.show_user(world.owner),
        "team": own.team,
        "flags": flags,
        "flags_new": flags.to_string(),
        "redirect_uris": [],
        "rpc_origins": [],
        "interactions_endpoint_url": null,
        "role_connections_verification_url": null,
        "integration_types_config": {
            "0": {"oauth2_install_params": {"scopes": ["applications.commands", "bot"], "permissions": "0"}},
        },
        "explicit_content_filter": 0,
        "eligible_oauth2_scopes": ["applications.commands", "bot"],
        "approximate_guild_count": joined.count(),
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
    })
}

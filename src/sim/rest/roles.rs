//! Roles, and who has them.

use super::call::{Outcome, RestAnswer, RestCall, permissions_in};
use super::images;
use super::route::{Route, route};
use crate::sim::errors::{ApiError, INVALID_ROLE, Invalid, MISSING_BOOSTS};
use crate::sim::ids::{Id, id_in};
use crate::sim::lacking;
use crate::sim::permissions::{
    ADMINISTRATOR, MANAGE_ROLES, in_guild, require_above_position, require_above_role,
    require_in_guild,
};
use crate::sim::world::{Audited, Guild, Role, World};
use serde_json::{Value, json};

pub(super) const ROUTES: &[Route] = &[
    route("GET", "/guilds/{guild_id}/roles", list),
    route("POST", "/guilds/{guild_id}/roles", create),
    route("PATCH", "/guilds/{guild_id}/roles", reorder),
    route("GET", "/guilds/{guild_id}/roles/{role_id}", get),
    route("PATCH", "/guilds/{guild_id}/roles/{role_id}", update),
    route("DELETE", "/guilds/{guild_id}/roles/{role_id}", delete),
    route("GET", "/guilds/{guild_id}/roles/member-counts", counts),
    route(
        "PUT",
        "/guilds/{guild_id}/members/{user_id}/roles/{role_id}",
        give,
    ),
    route(
        "DELETE",
        "/guilds/{guild_id}/members/{user_id}/roles/{role_id}",
        take,
    ),
];

fn list(world: &mut World, call: &RestCall) -> Outcome {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?;
    Ok(RestAnswer::Ok(
        guild.roles.values().map(Role::show).collect(),
    ))
}

fn get(world: &mut World, call: &RestCall) -> Outcome {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?;
    Ok(RestAnswer::Ok(guild.role(call.id("role_id")?)?.show()))
}

fn counts(world: &mut World, call: &RestCall) -> Outcome {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?;
    let count = |role: &Id| {
        let members = guild.members.values();
        members.filter(|member| member.roles.contains(role)).count()
    };
    let roles = guild.roles.keys().filter(|role| **role != guild.id);
    let counts = roles.map(|role| (role.to_string(), json!(count(role))));
    Ok(RestAnswer::Ok(Value::Object(counts.collect())))
}

/// The guild, when the caller may manage its roles.
fn managed(world: &World, call: &RestCall) -> Result<Id, ApiError> {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?;
    require_in_guild(world, guild, call.actor, MANAGE_ROLES)?;
    Ok(guild.id)
}

/// The permissions of the body, when the caller holds all of them.
fn granted(world: &World, guild: Id, call: &RestCall) -> Result<Option<u64>, ApiError> {
    let Some(asked) = permissions_in(&call.body, "permissions")? else {
        return Ok(None);
    };
    let home = world.guild_for(guild, call.actor)?;
    let held = in_guild(world, home, call.actor);
    if held & ADMINISTRATOR != 0 || asked & !held == 0 {
        Ok(Some(asked))
    } else {
        let missing = asked & !held;
        Err(lacking::in_whole_guild(world, home, call.actor, missing))
    }
}

/// The largest icon of a role, in bytes.
const LARGEST_ICON: usize = 256 << 10;

fn create(world: &mut World, call: &RestCall) -> Outcome {
    let guild = managed(world, call)?;
    let permissions = granted(world, guild, call)?;
    let icon = icon(world, guild, call, None)?;
    let everyone = world.guild_mut(guild)?.role(guild)?.permissions;
    let id = world.new_id();
    let home = world.guild_mut(guild)?;
    if home.roles.len() >= 250 {
        return Err(Invalid::one(
            "",
            "MAX_ROLES",
            "Maximum number of guild roles reached (250)",
        ));
    }
    // A new role begins at the bottom, right above @everyone.
    let mut shifted = Vec::new();
    for role in home.roles.values_mut().filter(|role| role.position >= 1) {
        role.position += 1;
        shifted.push(role.clone());
    }
    let mut role = Role::new(id, "new role", 1, permissions.unwrap_or(everyone));
    role.icon = icon;
    apply(call, &mut role);
    home.roles.insert(id, role.clone());
    tell(world, guild, "GUILD_ROLE_CREATE", &role);
    for role in &shifted {
        tell(world, guild, "GUILD_ROLE_UPDATE", role);
    }
    let told = Audited::of(30, Some(id)).changed(&Value::Null, &role.show());
    world.write_audit(guild, call.who_and_why(), told);
    Ok(RestAnswer::Ok(role.show()))
}

/// The hash of the picture in the body, which is kept, or the present one. A guild needs boosts for it.
fn icon(
    world: &mut World,
    guild: Id,
    call: &RestCall,
    present: Option<String>,
) -> Result<Option<String>, ApiError> {
    let Some(icon) = call.field("icon") else {
        return Ok(present);
    };
    let features = world.guild_mut(guild)?.fields.get("features");
    let mut features = features.and_then(Value::as_array).into_iter().flatten();
    if !icon.is_null() && !features.any(|one| *one == "ROLE_ICONS") {
        return Err(MISSING_BOOSTS.into());
    }
    images::keep(world, "icon", icon, LARGEST_ICON)
}

fn apply(call: &RestCall, role: &mut Role) {
    if let Some(name) = call.string("name") {
        role.name = name.into();
    }
    let color = call.field("color").and_then(Value::as_u64);
    let colors = call
        .field("colors")
        .and_then(|it| it["primary_color"].as_u64());
    if let Some(color) = color.or(colors) {
        role.color = color;
    }
    if let Some(hoist) = call.field("hoist").and_then(Value::as_bool) {
        role.hoist = hoist;
    }
    if let Some(mentionable) = call.field("mentionable").and_then(Value::as_bool) {
        role.mentionable = mentionable;
    }
    if let Some(emoji) = call.field("unicode_emoji") {
        role.emoji = emoji.as_str().map(Into::into);
    }
}

fn tell(world: &mut World, guild: Id, name: &'static str, role: &Role) {
    let data = json!({"guild_id": guild.to_string(), "role": role.show()});
    world.tell_guild(guild, name, data);
}

fn update(world: &mut World, call: &RestCall) -> Outcome {
    let guild = managed(world, call)?;
    let id = call.id("role_id")?;
    let home = world.guild_for(guild, call.actor)?;
    let mut role = home.role(id)?.clone();
    let before = role.show();
    require_above_role(world, home, call.actor, id)?;
    if let Some(permissions) = granted(world, guild, call)? {
        role.permissions = permissions;
    }
    role.icon = icon(world, guild, call, role.icon)?;
    apply(call, &mut role);
    world.guild_mut(guild)?.roles.insert(id, role.clone());
    tell(world, guild, "GUILD_ROLE_UPDATE", &role);
    let told = Audited::of(31, Some(id)).changed(&before, &role.show());
    if told.has_changes() {
        world.write_audit(guild, call.who_and_why(), told);
    }
    Ok(RestAnswer::Ok(role.show()))
}

fn delete(world: &mut World, call: &RestCall) -> Outcome {
    let guild = managed(world, call)?;
    let id = call.id("role_id")?;
    let home = world.guild_for(guild, call.actor)?;
    let role = home.role(id)?;
    if id == guild || role.bot.is_some() {
        return Err(INVALID_ROLE.into());
    }
    require_above_role(world, home, call.actor, id)?;
    let before = role.show();
    let home = world.guild_mut(guild)?;
    home.roles.shift_remove(&id);
    let mut had = Vec::new();
    for member in home.members.values_mut() {
        if member.roles.contains(&id) {
            member.roles.retain(|role| *role != id);
            had.push(member.user);
        }
    }
    let data = json!({"guild_id": guild.to_string(), "role_id": id.to_string()});
    world.tell_guild(guild, "GUILD_ROLE_DELETE", data);
    for user in had {
        world.tell_member(guild, user);
    }
    let told = Audited::of(32, Some(id)).changed(&before, &Value::Null);
    world.write_audit(guild, call.who_and_why(), told);
    Ok(RestAnswer::Nothing)
}

fn reorder(world: &mut World, call: &RestCall) -> Outcome {
    let guild = managed(world, call)?;
    let wanted = call.body.as_array().cloned().unwrap_or_default();
    let home = world.guild_for(guild, call.actor)?;
    let mut moved = Vec::new();
    for one in &wanted {
        let role = home.role(id_in(one, "id").unwrap_or(0))?;
        let position = one.get("position").and_then(Value::as_i64);
        // Clients send all roles: those that stay where they are need no permission.
        let Some(position) = position.filter(|position| *position != role.position) else {
            continue;
        };
        // @everyone is below all others, and stays there.
        if role.id == guild || position < 1 {
            return Err(INVALID_ROLE.into());
        }
        require_above_role(world, home, call.actor, role.id)?;
        // Nobody lifts a role to their own highest one, or above it.
        require_above_position(world, home, call.actor, position)?;
        moved.push((role.id, position));
    }
    for (id, position) in moved {
        let home = world.guild_mut(guild)?;
        if let Some(role) = home.roles.get_mut(&id) {
            let before = role.show();
            role.position = position;
            let role = role.clone();
            tell(world, guild, "GUILD_ROLE_UPDATE", &role);
            let told = Audited::of(31, Some(id)).changed(&before, &role.show());
            world.write_audit(guild, call.who_and_why(), told);
        }
    }
    list(world, call)
}

/// The guild, the member and the role, when the caller may move that role.
fn assignable(world: &World, call: &RestCall) -> Result<(Id, Id, Id), ApiError> {
    let guild = managed(world, call)?;
    let (user, role) = (call.id("user_id")?, call.id("role_id")?);
    let home = world.guild_for(guild, call.actor)?;
    home.member(user)?;
    require_assignable(world, guild, call.actor, role)?;
    Ok((guild, user, role))
}

/// Fails unless `actor` may give and take this role.
pub(super) fn require_assignable(
    world: &World,
    guild: Id,
    actor: Id,
    role: Id,
) -> Result<(), ApiError> {
    let home = world.guild_for(guild, actor)?;
    if home.role(role)?.bot.is_some() || role == guild {
        return Err(INVALID_ROLE.into());
    }
    require_above_role(world, home, actor, role)
}

fn give(world: &mut World, call: &RestCall) -> Outcome {
    let (guild, user, role) = assignable(world, call)?;
    let home = world.guild_mut(guild)?;
    if let Some(member) = home.members.get_mut(&user)
        && !member.roles.contains(&role)
    {
        member.roles.push(role);
        world.tell_member(guild, user);
        let told = roles_changed(world.guild_for(guild, call.actor)?, user, &[], &[role]);
        world.write_audit(guild, call.who_and_why(), told);
    }
    Ok(RestAnswer::Nothing)
}

fn take(world: &mut World, call: &RestCall) -> Outcome {
    let (guild, user, role) = assignable(world, call)?;
    let home = world.guild_mut(guild)?;
    if let Some(member) = home.members.get_mut(&user)
        && member.roles.contains(&role)
    {
        member.roles.retain(|one| *one != role);
        world.tell_member(guild, user);
        let told = roles_changed(world.guild_for(guild, call.actor)?, user, &[role], &[]);
        world.write_audit(guild, call.who_and_why(), told);
    }
    Ok(RestAnswer::Nothing)
}

/// The entry for a member whose roles are not those of before.
pub(super) fn roles_changed(guild: &Guild, user: Id, had: &[Id], has: &[Id]) -> Audited {
    let listed = |ids: &[Id], others: &[Id]| -> Option<Value> {
        let ids = ids.iter().filter(|id| !others.contains(id));
        let roles = ids.filter_map(|id| guild.roles.get(id));
        let shown: Vec<Value> = roles
            .map(|role| json!({"id": role.id.to_string(), "name": role.name}))
            .collect();
        (!shown.is_empty()).then(|| shown.into())
    };
    let mut told = Audited::of(25, Some(user));
    for (key, roles) in [("$add", listed(has, had)), ("$remove", listed(had, has))] {
        if roles.is_some() {
            told = told.change(key, None, roles.as_ref());
        }
    }
    told
}

//! The objects that the ids in an interaction's options and values name.

use crate::sim::errors::{ApiError, UNKNOWN_CHANNEL, UNKNOWN_ROLE};
use crate::sim::ids::Id;
use crate::sim::permissions;
use crate::sim::rest::found_out;
use crate::sim::world::{Channel, World};
use serde_json::{Map, Value, json};

/// `resolved`, as it grows.
pub(super) struct Resolved<'a> {
    place: &'a Channel,
    /// Who uses it.
    user: Id,
    /// The application to which it is shown.
    application: Id,
    /// `users`, `members`, `roles`, `channels`, `messages`, `attachments`.
    kinds: Map<String, Value>,
}

impl<'a> Resolved<'a> {
    /// Nothing yet.
    pub(super) fn new((user, place): (Id, &'a Channel), application: Id) -> Self {
        Self {
            place,
            user,
            application,
            kinds: Map::new(),
        }
    }

    /// Writes what was resolved into an interaction's data.
    pub(super) fn write(self, data: &mut Value) {
        if !self.kinds.is_empty() {
            data["resolved"] = Value::Object(self.kinds);
        }
    }

    fn add(&mut self, kind: &str, id: Id, value: Value) {
        let entries = self.kinds.entry(kind).or_insert_with(|| json!({}));
        entries[id.to_string().as_str()] = value;
    }

    /// A user, and the member when there is one.
    pub(super) fn user(&mut self, world: &World, id: Id) -> Result<(), ApiError> {
        let user = world.user(id)?.show();
        self.add("users", id, user);
        let home = world.home(self.place);
        if let Some(member) = home.and_then(|home| home.members.get(&id)) {
            let mut shown = member.show_alone();
            // A resolved member has permissions, and neither its user nor deaf and mute.
            let held = permissions::in_channel(world, self.place, id);
            shown["permissions"] = held.to_string().into();
            if let Some(fields) = shown.as_object_mut() {
                fields.shift_remove("deaf");
                fields.shift_remove("mute");
            }
            self.add("members", id, shown);
        }
        Ok(())
    }

    /// A role of the guild.
    pub(super) fn role(&mut self, world: &World, id: Id) -> Result<(), ApiError> {
        let home = world.home(self.place).ok_or(UNKNOWN_ROLE)?;
        let role = home.role(id)?.show();
        self.add("roles", id, role);
        Ok(())
    }

    /// A channel of the guild that `user` sees.
    pub(super) fn channel(&mut self, world: &World, id: Id) -> Result<(), ApiError> {
        let channel = world.channel(id)?;
        if channel.guild != self.place.guild {
            return Err(UNKNOWN_CHANNEL.into());
        }
        let mut shown = world.show_channel(channel, self.application);
        let held = permissions::in_channel(world, channel, self.application);
        shown["permissions"] = held.to_string().into();
        self.add("channels", id, shown);
        Ok(())
    }

    /// A user or a role.
    pub(super) fn mentionable(&mut self, world: &World, id: Id) -> Result<(), ApiError> {
        if world.users.contains_key(&id) {
            self.user(world, id)
        } else {
            self.role(world, id)
        }
    }

    /// What is chosen in a menu of users (5), roles (6), both (7) or channels (8).
    pub(super) fn choice(&mut self, world: &World, menu: &Value, id: Id) -> Result<(), ApiError> {
        match menu["type"].as_u64() {
            Some(5) => self.user(world, id),
            Some(6) => self.role(world, id),
            Some(7) => self.mentionable(world, id),
            _ => {
                require_type(world, menu, id)?;
                self.channel(world, id)
            }
        }
    }

    /// A message of the channel that `viewer` sees.
    pub(super) fn message(&mut self, world: &World, id: Id, viewer: Id) -> Result<(), ApiError> {
        let message = world.message(self.place.id, id, viewer)?;
        self.add("messages", id, message.show(self.application));
        Ok(())
    }

    /// A file that the user has sent before, by its attachment's id.
    pub(super) fn attachment(&mut self, world: &World, id: Id) -> Result<(), ApiError> {
        let missing = || super::refused("attachments", "There is no attachment with this id.");
        let file = world.sent_ahead(self.user, id).ok_or_else(missing)?;
        let address = format!(
            "{}/attachments/{}/{id}/{}",
            world.address, self.place.id, file.filename
        );
        let (content_type, size) = found_out(file);
        let mut shown = json!({
            "id": id.to_string(), "filename": file.filename, "size": file.bytes.len(),
            "url": address, "proxy_url": address, "ephemeral": true,
        });
        if let Some(content_type) = content_type {
            shown["content_type"] = content_type.into();
        }
        if let Some((width, height)) = size {
            shown["width"] = width.into();
            shown["height"] = height.into();
        }
        self.add("attachments", id, shown);
        Ok(())
    }
}

/// Fails unless the channel is of one of the types that an option or a menu takes.
pub(super) fn require_type(world: &World, taker: &Value, id: Id) -> Result<(), ApiError> {
    let kind = world.channel(id)?.kind;
    let kinds = taker["channel_types"].as_array();
    let fits = |kinds: &Vec<Value>| kinds.iter().any(|one| one.as_u64() == Some(kind));
    if kinds.is_none_or(|kinds| kinds.is_empty() || fits(kinds)) {
        return Ok(());
    }
    let name = taker["name"].as_str().unwrap_or("values");
    Err(super::refused(
        name,
        "A channel of this type cannot be chosen.",
    ))
}

//! The tags of forums, and of the posts in them.

use super::call::RestCall;
use crate::sim::errors::{ApiError, Invalid, MISSING_PERMISSIONS};
use crate::sim::ids::{Id, id_in, ids_in};
use crate::sim::lacking;
use crate::sim::permissions::{MANAGE_THREADS, in_channel};
use crate::sim::world::{Channel, World};
use serde_json::{Value, json};

/// `REQUIRE_TAG`: a flag of forums.
const REQUIRE_TAG: u64 = 1 << 4;
/// How many tags a forum may have.
const MOST: usize = 20;
/// The longest name of a tag, in characters.
const NAME: usize = 20;

/// Whether each post of the forum needs a tag.
pub(super) fn are_required(forum: &Channel) -> bool {
    let flags = forum.fields.get("flags").and_then(Value::as_u64);
    flags.unwrap_or(0) & REQUIRE_TAG != 0
}

/// The tags that a request gives to a post, as ids in texts; nothing when it says nothing of them.
pub(super) fn chosen(
    world: &World,
    forum: &Channel,
    call: &RestCall,
) -> Result<Option<Vec<String>>, ApiError> {
    if !call.field("applied_tags").is_some_and(Value::is_array) {
        return Ok(None);
    }
    let offered = forum.fields.get("available_tags").and_then(Value::as_array);
    let may_moderate = in_channel(world, forum, call.actor) & MANAGE_THREADS != 0;
    let mut tags = Vec::new();
    for id in ids_in(&call.body, "applied_tags") {
        let mut offered = offered.into_iter().flatten();
        let Some(tag) = offered.find(|tag| id_in(tag, "id") == Some(id)) else {
            let message = "Unknown forum tag";
            return Err(Invalid::one("applied_tags", "FORUM_TAG_INVALID", message));
        };
        if tag["moderated"] == true && !may_moderate {
            let (who, needed) = (call.actor, MANAGE_THREADS);
            return Err(lacking::in_one_channel(
                world,
                forum,
                who,
                needed,
                MISSING_PERMISSIONS,
            ));
        }
        tags.push(id.to_string());
    }
    Ok(Some(tags))
}

/// Makes the tags of a forum those of a request: each has an id, and those that were there keep theirs.
pub(super) fn offer(
    world: &mut World,
    call: &RestCall,
    forum: &mut Channel,
) -> Result<(), ApiError> {
    let Some(asked) = call.field("available_tags").and_then(Value::as_array) else {
        return Ok(());
    };
    let mut invalid = Invalid::default();
    if asked.len() > MOST {
        let message = format!("Must be {MOST} or fewer in length.");
        invalid.at("available_tags", "BASE_TYPE_MAX_LENGTH", message);
    }
    for (index, tag) in asked.iter().enumerate() {
        let name = tag["name"].as_str().unwrap_or_default();
        if name.chars().count() > NAME {
            let path = format!("available_tags.{index}.name");
            let message = format!("Must be {NAME} or fewer in length.");
            invalid.at(&path, "BASE_TYPE_MAX_LENGTH", message);
        }
    }
    invalid.check()?;
    let former = forum.fields.get("available_tags").cloned();
    let is_known = |id: Id| {
        let mut former = former.iter().filter_map(Value::as_array).flatten();
        former.any(|tag| id_in(tag, "id") == Some(id))
    };
    let tags = asked.iter().map(|tag| {
        let id = id_in(tag, "id").filter(|id| is_known(*id));
        let id = id.unwrap_or_else(|| world.new_id());
        json!({
            "id": id.to_string(),
            "name": tag["name"],
            "moderated": tag["moderated"] == true,
            "emoji_id": tag["emoji_id"],
            "emoji_name": tag["emoji_name"],
        })
    });
    let tags: Vec<Value> = tags.collect();
    forum.fields.insert("available_tags".into(), json!(tags));
    Ok(())
}

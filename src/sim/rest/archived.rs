//! Threads in the archive.

use super::call::{Outcome, RestAnswer, RestCall};
use super::route::{Route, route};
use crate::sim::errors::Invalid;
use crate::sim::ids::parse_timestamp;
use crate::sim::permissions::{
    MANAGE_THREADS, READ_MESSAGE_HISTORY, in_channel, require_in_channel,
};
use crate::sim::world::{Channel, Thread, World, kind};
use serde_json::{Value, json};
use std::time::Duration;

pub(super) const ROUTES: &[Route] = &[
    route(
        "GET",
        "/channels/{channel_id}/threads/archived/public",
        public,
    ),
    route(
        "GET",
        "/channels/{channel_id}/threads/archived/private",
        private,
    ),
    route(
        "GET",
        "/channels/{channel_id}/users/@me/threads/archived/private",
        my_private,
    ),
];

fn public(world: &mut World, call: &RestCall) -> Outcome {
    list(world, call, 0, |thread, _| {
        thread.kind != kind::PRIVATE_THREAD
    })
}

fn private(world: &mut World, call: &RestCall) -> Outcome {
    list(world, call, MANAGE_THREADS, |thread, _| {
        thread.kind == kind::PRIVATE_THREAD
    })
}

fn my_private(world: &mut World, call: &RestCall) -> Outcome {
    let actor = call.actor;
    list(world, call, 0, |thread, state| {
        let mut members = state.members.iter();
        thread.kind == kind::PRIVATE_THREAD && members.any(|(member, _)| *member == actor)
    })
}

/// The archived threads of a channel, those that were archived last first.
fn list(
    world: &World,
    call: &RestCall,
    needed: u64,
    is_wanted: impl Fn(&Channel, &Thread) -> bool,
) -> Outcome {
    let channel = world.channel(call.id("channel_id")?)?;
    require_in_channel(world, channel, call.actor, READ_MESSAGE_HISTORY | needed)?;
    let limit = call.query_count("limit", 50, (2, 100))?;
    let before = match call.query("before") {
        None => Duration::MAX,
        Some(text) => parse_timestamp(text).ok_or_else(|| {
            let message = "Could not parse the given time.";
            Invalid::one("before", "DATE_TIME_TYPE_PARSE", message)
        })?,
    };
    let archived_at =
        |thread: &Thread| parse_timestamp(&thread.archive_timestamp).unwrap_or_default();
    let all = world
        .channels
        .values()
        .filter(|one| one.parent == Some(channel.id));
    let mut found: Vec<(Duration, &Channel)> = all
        .filter_map(|one| one.thread.as_ref().map(|thread| (one, thread)))
        .filter(|(one, thread)| thread.archived && is_wanted(one, thread))
        .filter(|(one, _)| in_channel(world, one, call.actor) != 0)
        .map(|(one, thread)| (archived_at(thread), one))
        .filter(|(at, _)| *at < before)
        .collect();
    found.sort_by_key(|(at, one)| (std::cmp::Reverse(*at), one.id));
    let has_more = found.len() > limit;
    let shown = found.iter().take(limit);
    let shown: Vec<Value> = shown
        .map(|(_, one)| world.show_channel(one, call.actor))
        .collect();
    let own = shown.iter().filter_map(|one| one.get("member").cloned());
    let own: Vec<Value> = own.collect();
    Ok(RestAnswer::Ok(
        json!({"threads": shown, "members": own, "has_more": has_more}),
    ))
}

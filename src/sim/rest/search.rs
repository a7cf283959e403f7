//! Searches: messages of a guild, and threads of a channel.

use super::call::{Outcome, RestAnswer, RestCall};
use super::messages::shown;
use super::route::{Route, route};
use crate::sim::ids::{Id, id_in};
use crate::sim::permissions::{READ_MESSAGE_HISTORY, VIEW_CHANNEL, in_channel, require_in_channel};
use crate::sim::world::{Channel, Message, World};
use serde_json::{Value, json};

pub(super) const ROUTES: &[Route] = &[
    route("GET", "/guilds/{guild_id}/messages/search", messages),
    route("GET", "/channels/{channel_id}/threads/search", threads),
];

/// How many are given back at most.
const MOST: usize = 25;
/// How many can be passed over.
const FURTHEST: usize = 9_975;

/// The ids of a parameter that may come several times.
fn ids(call: &RestCall, name: &str) -> Vec<Id> {
    let named = call.query.iter().filter(|(key, _)| key == name);
    named.filter_map(|(_, value)| value.parse().ok()).collect()
}

fn messages(world: &mut World, call: &RestCall) -> Outcome {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?.id;
    let limit = call.query_count("limit", MOST, (1, MOST))?;
    let offset = call.query_count("offset", 0, (0, FURTHEST))?;
    let (least, most) = (call.query_id("min_id")?, call.query_id("max_id")?);
    let (authors, places) = (ids(call, "author_id"), ids(call, "channel_id"));
    let mentioned = ids(call, "mentions");
    let content = call.query("content").unwrap_or_default().to_lowercase();
    let pinned = call.query("pinned").map(|value| value == "true");
    let needed = VIEW_CHANNEL | READ_MESSAGE_HISTORY;
    let is_readable = |channel: &&Channel| {
        channel.guild == Some(guild)
            && (places.is_empty() || places.contains(&channel.id))
            && in_channel(world, channel, call.actor) & needed == needed
    };
    let is_wanted = |message: &&Message| {
        let text = message.fields.get("content").and_then(Value::as_str);
        let mentions = message.fields.get("mentions").and_then(Value::as_array);
        let mut mentions = mentions.into_iter().flatten();
        message.only_for.is_none()
            && least.is_none_or(|least| message.id > least)
            && most.is_none_or(|most| message.id < most)
            && (authors.is_empty() || authors.contains(&message.author))
            && (mentioned.is_empty()
                || mentions.any(|user| id_in(user, "id").is_some_and(|id| mentioned.contains(&id))))
            && pinned.is_none_or(|pinned| message.pinned_at.is_some() == pinned)
            && text.unwrap_or_default().to_lowercase().contains(&content)
    };
    let channels = world.channels.values().filter(is_readable);
    let all = channels.filter_map(|channel| world.messages.get(&channel.id));
    let mut found: Vec<&Message> = all.flat_map(|all| all.values()).filter(is_wanted).collect();
    found.sort_by_key(|message| std::cmp::Reverse(message.id));
    if call.query("sort_order") == Some("asc") {
        found.reverse();
    }
    let total = found.len();
    let page = found.into_iter().skip(offset).take(limit).map(|message| {
        let mut shown = shown(world, message, call.actor);
        shown["hit"] = true.into();
        json!([shown])
    });
    Ok(RestAnswer::Ok(json!({
        "messages": page.collect::<Vec<_>>(),
        "doing_deep_historical_index": false,
        "total_results": total,
        "threads": [],
        "members": [],
    })))
}

fn threads(world: &mut World, call: &RestCall) -> Outcome {
    let channel = world.channel(call.id("channel_id")?)?;
    require_in_channel(world, channel, call.actor, READ_MESSAGE_HISTORY)?;
    let limit = call.query_count("limit", MOST, (1, MOST))?;
    let offset = call.query_count("offset", 0, (0, FURTHEST))?;
    let (least, most) = (call.query_id("min_id")?, call.query_id("max_id")?);
    let name = call.query("name").unwrap_or_default().to_lowercase();
    let archived = call.query("archived").map(|value| value == "true");
    let tags: Vec<String> = ids(call, "tag").iter().map(ToString::to_string).collect();
    let all_tags = call.query("tag_setting") == Some("match_all");
    let is_wanted = |one: &&Channel| {
        let Some(thread) = &one.thread else {
            return false;
        };
        let applied = one.fields.get("applied_tags").and_then(Value::as_array);
        let has = |tag: &String| applied.is_some_and(|all| all.iter().any(|it| it == tag));
        let fits = if all_tags {
            tags.iter().all(has)
        } else {
            tags.is_empty() || tags.iter().any(has)
        };
        one.parent == Some(channel.id)
            && in_channel(world, one, call.actor) & VIEW_CHANNEL != 0
            && archived.is_none_or(|archived| thread.archived == archived)
            && least.is_none_or(|least| one.id > least)
            && most.is_none_or(|most| one.id < most)
            && one.name.to_lowercase().contains(&name)
            && fits
    };
    let mut found: Vec<&Channel> = world.channels.values().filter(is_wanted).collect();
    found.sort_by_key(|one| std::cmp::Reverse(one.last_message.unwrap_or(one.id)));
    if call.query("sort_order") == Some("asc") {
        found.reverse();
    }
    let total = found.len();
    let page: Vec<Value> = found
        .into_iter()
        .skip(offset)
        .take(limit)
        .map(|one| world.show_channel(one, call.actor))
        .collect();
    let own = page.iter().filter_map(|one| one.get("member").cloned());
    let own: Vec<Value> = own.collect();
    Ok(RestAnswer::Ok(json!({
        "has_more": offset + page.len() < total,
        "threads": page,
        "members": own,
        "total_results": total,
    })))
}

//! Polls: what makes one, votes, and the end.

use super::call::{Outcome, RestAnswer, RestCall};
use super::route::{Route, route};
use crate::sim::errors::{
    ApiError, FOR_PEOPLE, Invalid, NOT_YOUR_MESSAGE, POLL_EXPIRED, UNKNOWN_MESSAGE,
};
use crate::sim::ids::Id;
use crate::sim::permissions::{READ_MESSAGE_HISTORY, require_in_channel};
use crate::sim::world::{Poll, World};
use serde_json::{Value, json};

pub(super) const ROUTES: &[Route] = &[
    route(
        "GET",
        "/channels/{channel_id}/polls/{message_id}/answers/{answer_id}",
        voters,
    ),
    // No operation of bots: what Discord's client does for people.
    route(
        "PUT",
        "/channels/{channel_id}/polls/{message_id}/answers/@me",
        vote,
    ),
    route(
        "POST",
        "/channels/{channel_id}/polls/{message_id}/expire",
        expire,
    ),
];

/// The longest answer, in characters.
const ANSWER: usize = 55;
/// The longest question, in characters.
const QUESTION: usize = 300;

/// Checks the poll of a new message.
pub(super) fn check(body: &Value, invalid: &mut Invalid) {
    let Some(poll) = body.get("poll").filter(|poll| poll.is_object()) else {
        return;
    };
    check_text(&poll["question"], "poll.question.text", QUESTION, invalid);
    let answers = poll["answers"].as_array();
    for (index, answer) in answers.into_iter().flatten().enumerate() {
        let path = format!("poll.answers.{index}.poll_media.text");
        check_text(&answer["poll_media"], &path, ANSWER, invalid);
    }
}

fn check_text(media: &Value, path: &str, most: usize, invalid: &mut Invalid) {
    let text = media["text"].as_str().unwrap_or_default();
    if text.trim().is_empty() {
        invalid.at(path, "BASE_TYPE_REQUIRED", "This field is required");
    } else if text.chars().count() > most {
        let message = format!("Must be {most} or fewer in length.");
        invalid.at(path, "BASE_TYPE_MAX_LENGTH", message);
    }
}

/// The place of the message in the path, when the caller may see it, and its poll.
fn found<'a>(world: &'a World, call: &RestCall) -> Result<((Id, Id), &'a Poll), ApiError> {
    let channel = world.channel(call.id("channel_id")?)?;
    require_in_channel(world, channel, call.actor, READ_MESSAGE_HISTORY)?;
    let message = world.message(channel.id, call.id("message_id")?, call.actor)?;
    let poll = message.poll.as_ref().ok_or(UNKNOWN_MESSAGE)?;
    Ok(((channel.id, message.id), poll))
}

fn voters(world: &mut World, call: &RestCall) -> Outcome {
    let limit = call.query_count("limit", 25, (1, 100))?;
    let after = call.query_id("after")?.unwrap_or(0);
    let (_, poll) = found(world, call)?;
    let voters = poll.voters(call.id("answer_id")?).ok_or_else(no_answer)?;
    let mut voters: Vec<Id> = voters.iter().copied().filter(|id| *id > after).collect();
    voters.sort_unstable();
    let shown = voters.iter().take(limit).map(|id| world.show_user(*id));
    Ok(RestAnswer::Ok(json!({"users": shown.collect::<Vec<_>>()})))
}

fn no_answer() -> ApiError {
    Invalid::one(
        "answer_ids",
        "POLL_ANSWER_INVALID",
        "The poll has no such answer.",
    )
}

fn vote(world: &mut World, call: &RestCall) -> Outcome {
    if world.user(call.actor)?.bot {
        return Err(FOR_PEOPLE.into());
    }
    let (place, poll) = found(world, call)?;
    if poll.is_over {
        return Err(POLL_EXPIRED.into());
    }
    let asked = call.field("answer_ids").and_then(Value::as_array);
    let number = |value: &Value| match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    };
    let chosen = asked.into_iter().flatten().map(number);
    let chosen: Option<Vec<u64>> = chosen.collect();
    let chosen = chosen.unwrap_or_default();
    if chosen.iter().any(|answer| poll.voters(*answer).is_none()) {
        return Err(no_answer());
    }
    if chosen.len() > 1 && !poll.takes_several {
        let message = "The poll takes one answer.";
        return Err(Invalid::one("answer_ids", "POLL_ONE_ANSWER", message));
    }
    let message = world.message_mut(place.0, place.1)?;
    let changed = message
        .poll
        .as_mut()
        .map(|poll| poll.vote(call.actor, &chosen));
    let (added, taken) = changed.unwrap_or_default();
    for (name, answers) in [
        ("MESSAGE_POLL_VOTE_REMOVE", taken),
        ("MESSAGE_POLL_VOTE_ADD", added),
    ] {
        for answer in answers {
            let mut data = json!({
                "user_id": call.actor.to_string(), "channel_id": place.0.to_string(),
                "message_id": place.1.to_string(), "answer_id": answer,
            });
            if let Some(guild) = world.guild_of(place.0) {
                data["guild_id"] = guild.to_string().into();
            }
            world.tell_channel(place.0, name, data);
        }
    }
    Ok(RestAnswer::Nothing)
}

fn expire(world: &mut World, call: &RestCall) -> Outcome {
    let (place, poll) = found(world, call)?;
    let is_over = poll.is_over;
    let message = world.message(place.0, place.1, call.actor)?;
    if message.author != call.actor {
        return Err(NOT_YOUR_MESSAGE.into());
    }
    if is_over {
        return Err(POLL_EXPIRED.into());
    }
    world.end_poll(place.0, place.1);
    let message = world.message(place.0, place.1, call.actor)?;
    Ok(RestAnswer::Ok(message.show(call.actor)))
}

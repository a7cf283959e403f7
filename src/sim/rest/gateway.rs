//! `GET /gateway` and `GET /gateway/bot`.

use super::call::{Outcome, RestAnswer, RestCall};
use super::route::{Route, open, route};
use crate::sim::world::World;
use serde_json::json;

pub(super) const ROUTES: &[Route] = &[
    open("GET", "/gateway", address),
    route("GET", "/gateway/bot", for_bots),
];

fn websocket(world: &World) -> String {
    world.address.replacen("http", "ws", 1)
}

#[allow(clippy::unnecessary_wraps, reason = "every handler has this form")]
fn address(world: &mut World, _: &RestCall) -> Outcome {
    Ok(RestAnswer::Ok(json!({"url": websocket(world)})))
}

fn for_bots(world: &mut World, call: &RestCall) -> Outcome {
    let begun = world.application(call.actor)?.sessions_begun;
    Ok(RestAnswer::Ok(json!({
        "url": websocket(world),
        "shards": world.shards,
        "session_start_limit": {
            "total": 1_000,
            "remaining": 1_000 - begun.min(1_000),
            "reset_after": 14_400_000,
            "max_concurrency": world.max_concurrency,
        },
    })))
}

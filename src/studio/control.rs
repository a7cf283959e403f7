//! What programs that test a bot ask for, beside what the page's reader does.

use super::StudioState;
use super::actions::{Body, Named, act};
use crate::sim::{InjectedFault, RequestRecord};
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

/// Everything that there is but messages, and the application commands.
pub(super) async fn world(State(shared): State<StudioState>) -> Response {
    act(&shared, |chat| {
        let mut world = chat.world();
        let bots = chat.bots().into_iter();
        world["bots"] = bots.map(|(id, _)| id.to_string()).collect();
        world["commands"] = chat.all_commands().into();
        Ok(world)
    })
}

/// The messages of a channel, the oldest first.
pub(super) async fn messages(
    State(shared): State<StudioState>,
    Path(channel): Path<String>,
) -> Response {
    act(&shared, |chat| {
        let channel = chat.find_channel(&channel)?;
        Ok(chat.messages(channel).into())
    })
}

/// The last requests of the bots, the oldest first.
pub(super) async fn requests(State(shared): State<StudioState>) -> Response {
    act(&shared, |chat| {
        let requests = chat.requests();
        Ok(requests.iter().map(RequestRecord::show).collect())
    })
}

#[derive(Deserialize)]
pub(super) struct Call {
    user: Named,
    method: String,
    /// Discord's path without `/api/v10`.
    path: String,
    #[serde(default)]
    body: Value,
}

/// Calls a route of Discord's API as a person: what a moderator does with clicks.
pub(super) async fn call(State(shared): State<StudioState>, Body(body): Body<Call>) -> Response {
    act(&shared, |chat| {
        let user = chat.find_user(&body.user.0)?;
        chat.call_as(user, &body.method, &body.path, body.body)
    })
}

#[derive(Deserialize)]
pub(super) struct Fault {
    /// As for `cogsmith sim --faults`.
    fault: String,
}

/// Lets something go wrong.
pub(super) async fn fault(State(shared): State<StudioState>, Body(body): Body<Fault>) -> Response {
    act(&shared, |chat| {
        let fault: InjectedFault = body.fault.parse()?;
        chat.fault(fault);
        Ok(json!({}))
    })
}

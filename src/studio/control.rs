//! What programs that test a bot ask for, beside what the page's reader does.

use super::StudioState;
use super::actions::{Body, Named, act, answer, on_discord};
use crate::secrets;
use crate::sim::{InjectedFault, RequestRecord};
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
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

/// The whole world as a file, for `cogsmith sim --world`.
pub(super) async fn saved_world(State(shared): State<StudioState>) -> Response {
    let Some(chat) = &shared.options.chat else {
        return on_discord();
    };
    match chat.save() {
        Ok(text) => {
            let text = secrets::hide_text(&text).into_owned();
            let headers = [
                (CONTENT_TYPE, "application/json"),
                (CONTENT_DISPOSITION, "attachment; filename=\"world.json\""),
            ];
            (headers, text).into_response()
        }
        Err(error) => answer(Err(error)),
    }
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

//! A click that ends the trial of a version in one server.

use super::StudioState;
use super::actions::Body;
use super::history::order;
use crate::reload::controller::Ask;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Ended {
    cog: String,
    end: End,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum End {
    /// All servers run it.
    Keep,
    /// None does.
    Drop,
}

/// Ends a trial.
pub(super) async fn end(State(shared): State<StudioState>, Body(body): Body<Ended>) -> Response {
    let ask = match body.end {
        End::Keep => Ask::Keep(body.cog),
        End::Drop => Ask::Drop(body.cog),
    };
    order(&shared, ask).await
}

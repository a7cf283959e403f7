//! What a cog has run, and a click that goes back to it.

use super::StudioState;
use super::actions::{Body, refusal};
use crate::cogs::host::Cogs;
use crate::escape::capitalized;
use crate::history::HistoryError;
use crate::reload::controller::{Ask, Refused, Reload, Request};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// Who goes back when somebody does it on the page.
const BY: &str = "the page";

/// What the cogs have run, and who puts it back.
#[derive(Clone, Debug)]
pub struct Versions {
    /// The cogs.
    pub cogs: Arc<Cogs>,
    /// Hot reload.
    pub reload: Reload,
}

/// The versions of a cog.
pub(super) async fn of(State(shared): State<StudioState>, Path(cog): Path<String>) -> Response {
    let Some(versions) = &shared.options.versions else {
        return unavailable();
    };
    match versions.cogs.history_of(&cog).await {
        Ok(history) => Json(history).into_response(),
        Err(error) => refused(&Refused::History(error)),
    }
}

#[derive(Deserialize)]
pub(super) struct Undo {
    cog: String,
    /// The version that is put back; nothing for what the files say.
    version: Option<u32>,
    /// Whether it is the version before that is put back.
    #[serde(default)]
    before: bool,
}

/// Puts a version back, or what the files say.
pub(super) async fn undo(State(shared): State<StudioState>, Body(body): Body<Undo>) -> Response {
    let ask = match body.version {
        None if body.before => Ask::Undo(body.cog, None),
        Some(version) => Ask::Undo(body.cog, Some(version)),
        None => Ask::Redo(body.cog),
    };
    order(&shared, ask).await
}

/// Has hot reload do what somebody has clicked.
pub(super) async fn order(shared: &StudioState, ask: Ask) -> Response {
    // On Discord the page only shows: whoever can open it on this machine is not yet the bot's owner.
    let versions = shared.options.versions.as_ref();
    let Some(versions) = versions.filter(|_| shared.options.chat.is_some()) else {
        return unavailable();
    };
    let by = BY.to_owned();
    match versions
        .reload
        .ask(Request {
            ask,
            by,
            asker: None,
        })
        .await
    {
        Ok(report) => Json(json!({ "report": report })).into_response(),
        Err(error) => refused(&error),
    }
}

fn unavailable() -> Response {
    refusal(
        StatusCode::NOT_FOUND,
        "Here the page cannot choose what a cog runs; `!reload` in chat can.",
    )
}

fn refused(error: &Refused) -> Response {
    let status = match error {
        Refused::Unknown { .. }
        | Refused::History(HistoryError::Unknown(_) | HistoryError::Off) => StatusCode::NOT_FOUND,
        Refused::Failed | Refused::ShuttingDown | Refused::History(HistoryError::Disk(_)) => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
        _ => StatusCode::CONFLICT,
    };
    refusal(status, &format!("{}.", capitalized(&error.to_string())))
}

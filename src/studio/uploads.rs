//! Files that people send ahead: for a message, an option or a modal.

use super::StudioState;
use super::actions::{Named, act, refusal};
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
pub(super) struct Upload {
    user: Named,
    filename: String,
}

/// Keeps a file that is sent later: with a message, as an option, or in a modal.
pub(super) async fn upload(
    State(shared): State<StudioState>,
    about: Result<Query<Upload>, QueryRejection>,
    headers: HeaderMap,
    bytes: Result<Bytes, BytesRejection>,
) -> Response {
    let Ok(Query(about)) = about else {
        let sentence = "Whose file it is and what it is called belongs into the address.";
        return refusal(StatusCode::BAD_REQUEST, sentence);
    };
    let Ok(bytes) = bytes else {
        let sentence = "The file is too large: Discord takes 10 MB from people without Nitro.";
        return refusal(StatusCode::PAYLOAD_TOO_LARGE, sentence);
    };
    let kind = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    act(&shared, |chat| {
        let id = chat.upload(chat.find_user(&about.user.0)?, &about.filename, kind, bytes)?;
        Ok(json!({ "id": id.to_string() }))
    })
}

//! Attachments: kept in memory, served under their own address.

use super::file_types;
use super::message_rules::LARGEST_FILE;
use crate::sim::errors::{ApiError, TOO_LARGE};
use crate::sim::hub::Hub;
use crate::sim::ids::Id;
use crate::sim::world::{Upload, World};
use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{
    CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// How many bytes of files are kept; the oldest go first.
const KEPT_BYTES: usize = 128 << 20;

/// Answers `/attachments/{channel}/{attachment}/{filename}`; with the query `download`, a browser saves the file instead of showing it.
pub(super) fn serve(hub: &Hub, path: &str, query: Option<&str>) -> Response {
    let mut parts = path.split('/').skip(1);
    let id: Option<Id> = parts.next().and_then(|id| id.parse().ok());
    let file = hub.look(|state| id.and_then(|id| state.world.files.get(&id).cloned()));
    let Some(file) = file else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut response = Response::new(Body::from(file.bytes));
    let content_type = file.content_type.as_deref();
    let content_type = content_type.and_then(|it| HeaderValue::try_from(it).ok());
    let fallback = HeaderValue::from_static("application/octet-stream");
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type.unwrap_or(fallback));
    // A file may be a web page: it may run no scripts, and has no origin.
    let alone = HeaderValue::from_static("default-src 'none'; sandbox");
    headers.insert(CONTENT_SECURITY_POLICY, alone);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if query == Some("download") {
        let disposition = HeaderValue::from_static("attachment");
        headers.insert(CONTENT_DISPOSITION, disposition);
    }
    response
}

/// Keeps a file and shows it as Discord shows an attachment. `described` is its entry in the
/// body's `attachments`.
pub(super) fn keep(world: &mut World, channel: Id, file: &Upload, described: &Value) -> Value {
    let id = world.new_id();
    let filename = described["filename"].as_str().unwrap_or(&file.filename);
    let filename = safe_name(filename);
    let address = format!("{}/attachments/{channel}/{id}/{filename}", world.address);
    let mut shown = json!({
        "id": id.to_string(),
        "filename": filename,
        "size": file.bytes.len(),
        "url": address,
        "proxy_url": address,
    });
    for name in ["title", "description", "duration_secs", "waveform"] {
        if let Some(value) = described.get(name).filter(|value| !value.is_null()) {
            shown[name] = value.clone();
        }
    }
    let (content_type, size) = found_out(file);
    if let Some(content_type) = &content_type {
        shown["content_type"] = content_type.as_str().into();
    }
    if let Some((width, height)) = size {
        shown["width"] = width.into();
        shown["height"] = height.into();
    }
    let file = Upload {
        content_type,
        ahead: None,
        ..file.clone()
    };
    store(world, id, file);
    shown
}

/// The content type of a file, and the size of a picture in pixels.
pub(crate) fn found_out(file: &Upload) -> (Option<String>, Option<(u32, u32)>) {
    let given = file.content_type.as_deref();
    // What a client says when it does not know.
    let given = given.filter(|kind| *kind != "application/octet-stream");
    let found = file_types::content_type(&file.filename, &file.bytes);
    (
        given.map(ToOwned::to_owned).or(found),
        file_types::size(&file.bytes),
    )
}

/// Keeps a file that its `ahead` sends later, and gives its attachment's id.
pub(crate) fn keep_upload(world: &mut World, file: Upload) -> Result<Id, ApiError> {
    if file.bytes.len() > LARGEST_FILE {
        return Err(TOO_LARGE.into());
    }
    let id = world.new_id();
    let filename = safe_name(&file.filename);
    let (content_type, _) = found_out(&file);
    let file = Upload {
        filename,
        content_type,
        ..file
    };
    store(world, id, file);
    Ok(id)
}

/// Stores a file; the oldest give way when there are too many.
fn store(world: &mut World, id: Id, file: Upload) {
    world.files.insert(id, file);
    let size = |world: &World| {
        let files = world.files.values();
        files.map(|file| file.bytes.len()).sum::<usize>()
    };
    while size(world) > KEPT_BYTES && world.files.len() > 1 {
        world.files.shift_remove_index(0);
    }
}

/// The name in a form that a URL can contain: Discord also replaces other characters.
fn safe_name(name: &str) -> String {
    let kept = |one: char| {
        if one.is_alphanumeric() || "._-".contains(one) {
            one
        } else {
            '_'
        }
    };
    let name: String = name
        .chars()
        .take(255)
        .filter(char::is_ascii)
        .map(kept)
        .collect();
    if name.is_empty() {
        "unknown".into()
    } else {
        name
    }
}

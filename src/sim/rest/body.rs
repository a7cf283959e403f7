//! Reads the body of a request: JSON, a form, or multipart with files.

use super::route::decoded;
use crate::sim::errors::{ApiError, INVALID_JSON, Invalid, TOO_LARGE};
use crate::sim::world::Upload;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

/// The largest request that is read at all, in bytes: Discord's 25 MB for a message, and some.
pub(crate) const LARGEST_REQUEST: usize = 30 << 20;

/// What a request carried.
#[derive(Debug, Default)]
pub(super) struct Received {
    pub(super) body: Value,
    pub(super) files: Vec<Upload>,
}

/// Reads the whole body.
pub(super) async fn read(request: Request) -> Result<Received, ApiError> {
    let kind = content_type(request.headers());
    if kind.starts_with("multipart/form-data") {
        return read_multipart(request).await;
    }
    let is_form = kind.starts_with("application/x-www-form-urlencoded");
    let bytes = axum::body::to_bytes(request.into_body(), LARGEST_REQUEST).await;
    let bytes = bytes.map_err(|_| TOO_LARGE)?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Received::default());
    }
    let body = if is_form {
        read_form(&bytes)?
    } else {
        serde_json::from_slice(&bytes).map_err(|_| INVALID_JSON)?
    };
    Ok(Received {
        body,
        files: Vec::new(),
    })
}

/// A form (`payload_json=…`, or the fields themselves), as clients send it that have no file for multipart.
fn read_form(bytes: &[u8]) -> Result<Value, ApiError> {
    let text = std::str::from_utf8(bytes).map_err(|_| INVALID_JSON)?;
    let mut fields = Map::new();
    for pair in text.trim().split('&') {
        let (name, value) = pair.split_once('=').ok_or(INVALID_JSON)?;
        let [name, value] = [name, value].map(|part| decoded(&part.replace('+', " ")));
        if name == "payload_json" {
            return serde_json::from_str(&value).map_err(|_| INVALID_JSON.into());
        }
        fields.insert(name, value.into());
    }
    Ok(fields.into())
}

fn content_type(headers: &HeaderMap) -> &str {
    let value = headers.get(CONTENT_TYPE);
    value.and_then(|value| value.to_str().ok()).unwrap_or("")
}

async fn read_multipart(request: Request) -> Result<Received, ApiError> {
    let malformed = || Invalid::one("", "CONTENT_TYPE_INVALID", "Malformed multipart body.");
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|_| malformed())?;
    let mut received = Received::default();
    let mut fields = Map::new();
    while let Some(part) = form.next_field().await.map_err(|_| malformed())? {
        let name = part.name().unwrap_or_default().to_owned();
        let filename = part.file_name().map(ToOwned::to_owned);
        let content_type = part.content_type().map(ToOwned::to_owned);
        let bytes = part.bytes().await.map_err(|_| TOO_LARGE)?;
        if let Some(filename) = filename {
            received.files.push(Upload {
                number: number_of(&name, received.files.len()),
                filename,
                content_type,
                bytes,
                ahead: None,
            });
        } else if name == "payload_json" {
            received.body = serde_json::from_slice(&bytes).map_err(|_| INVALID_JSON)?;
        } else {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            fields.insert(name, text.into());
        }
    }
    if received.body.is_null() {
        received.body = Value::Object(fields);
    }
    Ok(received)
}

/// The number of `files[n]`; files without one count up.
fn number_of(name: &str, index: usize) -> u64 {
    let inside = name
        .strip_prefix("files[")
        .and_then(|rest| rest.strip_suffix(']'));
    let number = inside.and_then(|number| number.parse().ok());
    number.unwrap_or_else(|| u64::try_from(index).unwrap_or(0))
}

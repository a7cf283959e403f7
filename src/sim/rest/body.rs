//! Reads the body of a request: JSON, or multipart with files.

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
    if content_type(request.headers()).starts_with("multipart/form-data") {
        return read_multipart(request).await;
    }
    let bytes = axum::body::to_bytes(request.into_body(), LARGEST_REQUEST).await;
    let bytes = bytes.map_err(|_| TOO_LARGE)?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Received::default());
    }
    let body = serde_json::from_slice(&bytes).map_err(|_| INVALID_JSON)?;
    Ok(Received {
        body,
        files: Vec::new(),
    })
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

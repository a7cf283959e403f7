//! Keeps other web pages out: the studio acts as the bot's owner, so it answers its own page only.

use super::actions::refusal;
use crate::loopback::{OwnAddresses, is_part_of_another_page};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

const HEADERS: [(header::HeaderName, &str); 6] = [
    (header::CACHE_CONTROL, "no-cache"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        header::HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        header::HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
];

/// Only the page's own files, and for pictures the simulator's and those that the reader has chosen to send; nothing inline, nothing from elsewhere, and no other
/// page may show it in a frame.
pub(super) fn content_security_policy(files: &str) -> HeaderValue {
    let policy = format!(
        "default-src 'self'; img-src 'self' blob: {files}; object-src 'none'; base-uri 'none'; \
         form-action 'self'; frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'self'"))
}

/// Refuses a request for another host (DNS rebinding) or from another page.
pub(super) async fn check(
    State(own): State<OwnAddresses>,
    request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    if !own.are_meant(request.uri(), headers) {
        return refusal(
            StatusCode::MISDIRECTED_REQUEST,
            "This is the studio of a bot on this machine. Open it by the address that the bot \
             printed, which begins with http://127.0.0.1 or http://localhost.",
        );
    }
    let is_own_page = headers.contains_key(header::ORIGIN) || !is_part_of_another_page(headers);
    if own.are_not_the_origin(headers) || !is_own_page {
        return refusal(
            StatusCode::FORBIDDEN,
            "Only the studio's own page may ask this; the request came from another web page.",
        );
    }
    next.run(request).await
}

/// Adds the headers that make the browser protect the page.
pub(super) async fn add_headers(
    State(policy): State<HeaderValue>,
    mut response: Response,
) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

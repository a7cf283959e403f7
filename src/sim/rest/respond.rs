//! The answer as HTTP: status, body, and the headers about rate limits.

use super::call::{Outcome, RestAnswer};
use crate::sim::errors::ApiError;
use crate::sim::limits::Standing;
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, VIA};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::Value;
use std::time::{SystemTime, UNIX_EPOCH};

impl RestAnswer {
    /// The HTTP status.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Ok(_) | Self::File(..) => 200,
            Self::Created(_) => 201,
            Self::Nothing => 204,
        }
    }

    /// The JSON body.
    pub(crate) fn body(&self) -> Option<&Value> {
        match self {
            Self::Ok(body) | Self::Created(body) => Some(body),
            Self::File(..) | Self::Nothing => None,
        }
    }
}

/// The whole answer.
pub(crate) fn respond(outcome: &Outcome, standing: Option<&Standing>) -> Response {
    let (status, body) = match outcome {
        Ok(RestAnswer::File(_, bytes)) => (200, Some(bytes.clone())),
        Ok(answer) => (
            answer.status(),
            answer.body().map(|body| body.to_string().into_bytes()),
        ),
        Err(error) => (error.status, Some(error.body().to_string().into_bytes())),
    };
    let mut response = Response::new(body.map_or_else(Body::empty, Body::from));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    // By this header clients know an answer of Discord's from one of a proxy.
    headers.insert(VIA, HeaderValue::from_static("1.1 google"));
    if status != 204 {
        let content_type = match outcome {
            Ok(RestAnswer::File(content_type, _)) => *content_type,
            _ => "application/json",
        };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    if let Err(error) = outcome {
        add_refusal(headers, error);
    }
    if let Some(standing) = standing {
        add_standing(headers, standing);
    }
    response
}

fn add_refusal(headers: &mut HeaderMap, error: &ApiError) {
    let Some(retry_after) = error.retry_after else {
        return;
    };
    // The header counts whole seconds, so that it is never too short.
    add(
        headers,
        RETRY_AFTER.as_str(),
        &format!("{}", retry_after.ceil()),
    );
    let scope = error.scope.unwrap_or("user");
    add(headers, "x-ratelimit-scope", scope);
    if scope == "global" {
        add(headers, "x-ratelimit-global", "true");
    }
}

fn add_standing(headers: &mut HeaderMap, standing: &Standing) {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let reset = (now + standing.reset_after).as_secs_f64();
    add(headers, "x-ratelimit-limit", &standing.limit.to_string());
    add(
        headers,
        "x-ratelimit-remaining",
        &standing.remaining.to_string(),
    );
    add(headers, "x-ratelimit-reset", &format!("{reset:.3}"));
    let reset_after = standing.reset_after.as_secs_f64();
    add(
        headers,
        "x-ratelimit-reset-after",
        &format!("{reset_after:.3}"),
    );
    add(headers, "x-ratelimit-bucket", &standing.bucket);
}

fn add(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
        headers.insert(name, value);
    }
}

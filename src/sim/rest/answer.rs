//! One request of a bot, from its first byte to the answer's headers.

use super::body::{self, Received};
use super::call::{Outcome, RestCall};
use super::respond::respond;
use super::route::{self, Route};
use super::routes::{self, Match};
use super::{absent, files, operations, pictures};
use crate::sim::errors::Lacking;
use crate::sim::errors::{ApiError, Known, METHOD_NOT_ALLOWED, NOT_FOUND, UNAUTHORIZED};
use crate::sim::faults::RestFaultKind;
use crate::sim::hub::{Hub, SimState};
use crate::sim::ids::Id;
use crate::sim::limits::{Bucket, Standing};
use crate::sim::record::RequestRecord;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, HeaderValue};
use axum::response::Response;
use serde_json::Value;
use std::sync::Arc;
use tracing::warn;

/// What first answers to interactions begin with.
const INTERACTIONS: &str = "/interactions/";

/// Where files are.
pub(crate) const ATTACHMENTS: &str = "/attachments/";

/// Answers a request; none if its connection should break instead.
pub(crate) async fn answer(hub: Arc<Hub>, request: Request) -> Option<Response> {
    let path = request.uri().path().to_owned();
    if let Some(file) = path.strip_prefix(ATTACHMENTS) {
        return Some(files::serve(&hub, file, request.uri().query()));
    }
    if pictures::is_picture(&path) {
        return Some(pictures::serve(&hub, &path));
    }
    let _busy = InFlight::begin(&hub);
    let asked = match Asked::read(&hub, &path, request).await {
        Ok(asked) => asked,
        Err(error) => return Some(respond(&Err(error), None)),
    };
    match asked.meet_fault(&hub).await {
        Met::Nothing => {
            let (outcome, standing) = asked.execute(&hub);
            Some(respond(&outcome, standing.as_ref()))
        }
        Met::RestAnswer(error, sender) => {
            let outcome = Err(error);
            hub.change(|state| asked.record(state, &outcome));
            Some(sender.sign(respond(&outcome, None)))
        }
        Met::AnswerAfter(error, sender) => {
            let _lost = asked.execute(&hub);
            Some(sender.sign(respond(&Err(error), None)))
        }
        Met::Break => {
            hub.change(|state| asked.note(state, (0, Value::Null), None));
            None
        }
        Met::BreakAfter => {
            let _lost = asked.execute(&hub);
            None
        }
    }
}

/// What was asked, read and routed.
struct Asked {
    method: String,
    /// Without `/api/v10`.
    path: String,
    query: String,
    found: Option<Match>,
    /// The application whose token came with it.
    application: Option<Id>,
    call: RestCall,
}

enum Met {
    Nothing,
    /// Another answer instead of the requested one.
    RestAnswer(ApiError, Sender),
    /// Another answer, once it has been done.
    AnswerAfter(ApiError, Sender),
    Break,
    BreakAfter,
}

/// Who gives an answer.
enum Sender {
    Discord,
    Proxy,
}

impl Sender {
    fn sign(self, mut response: Response) -> Response {
        if matches!(self, Self::Proxy) {
            let (name, value) = ("generated-by-proxy", HeaderValue::from_static("true"));
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl Asked {
    async fn read(hub: &Hub, path: &str, request: Request) -> Result<Self, ApiError> {
        let path = without_version(path).ok_or(NOT_FOUND)?.to_owned();
        let method = request.method().as_str().to_owned();
        let query = request.uri().query().unwrap_or_default().to_owned();
        let application = token(request.headers()).and_then(|token| hub.application(token));
        let reason = header(request.headers(), "x-audit-log-reason").map(route::decoded);
        let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(request.uri());
        let Received { body, files } = body::read(request).await?;
        let found = routes::find(&method, &path);
        let call = RestCall {
            actor: application.unwrap_or_else(|| hub.look(|state| state.world.bot)),
            parameters: found.as_ref().map(|(_, it)| it.clone()).unwrap_or_default(),
            query: pairs.map(|pairs| pairs.0).unwrap_or_default(),
            body,
            files,
            reason,
        };
        Ok(Self {
            method,
            path,
            query,
            found,
            application,
            call,
        })
    }

    async fn meet_fault(&self, hub: &Hub) -> Met {
        let template = self.found.as_ref().map_or("", |(route, _)| route.template);
        if hub.look(|state| state.faults.is_empty()) {
            return Met::Nothing;
        }
        let (delay, fault) =
            hub.change(|state| state.faults.take(&self.method, template, &self.path));
        if let Some(delay) = delay {
            tokio::time::sleep(delay).await;
        }
        match fault {
            None => Met::Nothing,
            Some(RestFaultKind::Drop) => Met::Break,
            Some(RestFaultKind::DropAnswer) => Met::BreakAfter,
            Some(fault) => {
                let Some(error) = fault.answer() else {
                    return Met::Nothing;
                };
                match fault {
                    RestFaultKind::Proxy { done: true, .. } => {
                        Met::AnswerAfter(error, Sender::Proxy)
                    }
                    RestFaultKind::Proxy { .. } => Met::RestAnswer(error, Sender::Proxy),
                    _ => Met::RestAnswer(error, Sender::Discord),
                }
            }
        }
    }

    /// Does what was asked, and records it.
    fn execute(&self, hub: &Hub) -> (Outcome, Option<Standing>) {
        hub.change(|state| {
            let (outcome, standing) = self.decide(state);
            self.record(state, &outcome);
            (outcome, standing)
        })
    }

    fn decide(&self, state: &mut SimState) -> (Outcome, Option<Standing>) {
        let Some((route, _)) = &self.found else {
            return (Err(self.missing(state)), None);
        };
        if route.needs_token && self.application.is_none() {
            return (Err(UNAUTHORIZED.into()), None);
        }
        let bucket = Bucket {
            application: self.call.actor,
            method: route.method,
            template: route.template,
            major: self.major(),
            counts_globally: route.needs_token,
        };
        // Discord counts everything but the first answers to interactions.
        let is_counted = !route.template.starts_with(INTERACTIONS);
        let standing = is_counted.then(|| state.limiter.take(&state.rate_limits, &bucket));
        let refused = standing.as_ref().and_then(|it| it.refused.clone());
        if let Some(refused) = refused {
            return (Err(refused), standing);
        }
        (run(state, route, &self.call), standing)
    }

    /// The parameter that separates the buckets of a route; of webhooks also the token, without which all interactions
    /// of an application would share one.
    fn major(&self) -> &str {
        let parameters = || self.call.parameters.iter();
        let majors = ["channel_id", "guild_id", "webhook_token", "webhook_id"];
        let found = majors
            .iter()
            .find_map(|major| parameters().find(|(name, _)| name == major));
        found.map_or("", |(_, value)| value.as_str())
    }

    /// The error for a route that is not here: it may exist at Discord.
    fn missing(&self, state: &mut SimState) -> ApiError {
        let (method, path) = (&self.method, &self.path);
        let Some(operation) = operations::named_by(method, path) else {
            let known = routes::exists_otherwise(path);
            return if known { METHOD_NOT_ALLOWED } else { NOT_FOUND }.into();
        };
        let name = format!("{method} {} ({})", operation.path, operation.id);
        if state.records.unimplemented(name) {
            let operation = &operation.id;
            warn!(%operation, %method, %path, "The simulator does not have this route; answered 501");
        }
        ApiError {
            message: format!(
                "501: the simulator does not have {method} {}: {}",
                operation.path,
                absent::absence(operation).unwrap_or_default()
            ),
            ..Known(501, 0, "").into()
        }
    }

    fn record(&self, state: &mut SimState, outcome: &Outcome) {
        match outcome {
            Ok(answer) => {
                let body = answer.body().cloned().unwrap_or_default();
                self.note(state, (answer.status(), body), None);
            }
            Err(error) => {
                let lacking = error.lacking.as_deref().cloned();
                self.note(state, (error.status, error.body()), lacking);
            }
        }
    }

    fn note(&self, state: &mut SimState, (status, answer): (u16, Value), lacking: Option<Lacking>) {
        let path = match self.query.as_str() {
            "" => self.path.clone(),
            query => format!("{}?{query}", self.path),
        };
        let files = self.call.files.iter();
        let found = self.found.as_ref();
        let operation = found.and_then(|(it, _)| operations::of_route(it.method, it.template));
        state.records.request(RequestRecord {
            number: 0,
            application: self.call.actor,
            method: self.method.clone(),
            operation: operation.map(|it| it.id),
            path,
            body: self.call.body.clone(),
            files: files.map(|file| file.filename.clone()).collect(),
            status,
            answer,
            reason: self.call.reason.clone(),
            lacking,
            at: state.world.clock.now(),
        });
    }
}

/// Performs an action of a user other than the bot, by the same rules, without rate limits and faults.
pub(crate) fn perform(
    state: &mut SimState,
    method: &str,
    path: &str,
    mut call: RestCall,
) -> Outcome {
    let (route, parameters) = routes::find(method, path).ok_or(NOT_FOUND)?;
    call.parameters = parameters;
    run(state, route, &call)
}

/// Has a route answer a call whose body is what Discord's table says.
fn run(state: &mut SimState, route: &Route, call: &RestCall) -> Outcome {
    operations::check_body(route, call)?;
    let answer = (route.handler)(&mut state.world, call)?;
    if let Some(operation) = operations::of_route(route.method, route.template) {
        state
            .conformity
            .answer(operation, answer.status(), answer.body());
    }
    Ok(answer)
}

/// `/channels/1` of `/api/v10/channels/1`; versions 9 and 10, and none, are served.
fn without_version(path: &str) -> Option<&str> {
    let path = path.strip_prefix("/api")?;
    let versioned = path
        .strip_prefix("/v10")
        .or_else(|| path.strip_prefix("/v9"));
    versioned
        .or(Some(path))
        .filter(|path| path.starts_with('/'))
}

fn token(headers: &HeaderMap) -> Option<&str> {
    header(headers, AUTHORIZATION.as_str())?.strip_prefix("Bot ")
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Counts a request as in flight until it is dropped.
struct InFlight<'a>(&'a Hub);

impl<'a> InFlight<'a> {
    fn begin(hub: &'a Hub) -> Self {
        hub.change(|state| state.in_flight += 1);
        Self(hub)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0
            .change(|state| state.in_flight = state.in_flight.saturating_sub(1));
    }
}

//! A call to Discord that a cog's code makes: checked before anything is sent, charged to the cog, with errors as
//! authors meet them. The functions of `@cogsmith/discord`, the methods of objects and `ctx` all make their calls here.

use super::answer::{AnswerView, CallAnswer};
use super::context::CogContext;
use super::convert::weight;
use super::hidden_content::Veil;
use super::own_messages::Tie;
use super::reach::{self, Need, Subject};
use crate::charge::Charge;
use crate::discord::arguments::{self, File, Prepared};
use crate::discord::operations::{Operation, operation};
use crate::discord::outbound::CallError;
use crate::json::Json;
use crate::vm::host::{Field, HostError, HostFailure, HostResult};
use serde_json::{Map, Value as JsonValue};
use std::sync::Arc;
use std::time::Duration;

/// The kind of errors for calls without a response from Discord.
pub const UNREACHABLE: &str = "unreachable";

/// How long one call may take, rate limits and repetitions included.
const DEADLINE: Duration = Duration::from_secs(120);

/// One call of an operation, checked and ready to be sent.
pub struct PreparedCall {
    function: &'static str,
    prepared: Prepared,
    /// Which guild the call names.
    guild: Option<String>,
    /// How a message that it makes will be the cog's.
    tie: Tie,
    /// The charge for its memory, until its response is there.
    _charge: Arc<Charge>,
}

impl PreparedCall {
    /// Sets the capability with which the resulting message is sent; none if it answers a call.
    #[must_use]
    pub(super) fn needing(mut self, need: Need) -> Self {
        self.tie = reach::tie_of(need);
        self
    }
}

/// Checks a call's arguments before anything is sent. `heard` is the message that the cog has been given, which
/// it may refer to.
pub fn prepare(
    cog: &CogContext,
    function: &'static str,
    operation: &'static Operation,
    arguments: Map<String, JsonValue>,
    files: Vec<File>,
    heard: Option<&str>,
) -> HostResult<PreparedCall> {
    let files_weigh: usize = files.iter().map(|file| file.content.len()).sum();
    let named = |name| arguments.get(name).and_then(JsonValue::as_str);
    let guild = named("guild_id").map(str::to_owned);
    let changed = named("message_id").map(str::to_owned);
    let arguments = JsonValue::Object(arguments);
    let bytes = files_weigh + weight(&arguments);
    let prepared = arguments::prepare_with(operation, arguments, files).map_err(|error| {
        let message = error.to_string();
        let own = format!("discord.{}", operation.id);
        let rest = message.strip_prefix(&own).unwrap_or(&message);
        HostError::new("argument", format!("{function}{rest}"))
    })?;
    let changed = changed.as_deref();
    reach::check(cog, function, &prepared, Subject { heard, changed })?;
    Ok(PreparedCall {
        function,
        prepared,
        guild,
        tie: Tie::Sent(operation.capability),
        _charge: cog.charges.of_request(function, bytes)?,
    })
}

/// Sends a call for a cog: after its writes are safe, with errors as authors meet them.
pub async fn make(cog: &CogContext, call: PreparedCall) -> HostResult<Option<Json>> {
    Ok(answer(cog, call).await?.map(CallAnswer::into_json))
}

/// The same, with an answer that may not have been read yet.
pub(super) async fn answer(cog: &CogContext, call: PreparedCall) -> HostResult<Option<CallAnswer>> {
    let function = call.function;
    let sent = send(cog, call).await?;
    sent.map_err(|error| call_error(cog, function, &error))
}

/// The same, with what went wrong on the way to Discord and back as the client has it.
pub(super) async fn send(
    cog: &CogContext,
    call: PreparedCall,
) -> HostResult<Result<Option<CallAnswer>, CallError>> {
    let PreparedCall {
        prepared,
        guild,
        tie,
        _charge,
        ..
    } = call;
    let operation = prepared.operation;
    let makes_message = makes_message(&prepared);
    cog.state.writes_committed().await?;
    let outbound = &cog.services.outbound;
    let (caller, patience) = (cog.caller(), cog.patience());
    let sent = outbound.send_with_patience(prepared, Some(caller), DEADLINE, patience);
    let answer = match sent.await {
        Ok(answer) => answer,
        Err(error) => {
            if matches!(&error, CallError::Discord(error) if error.is_forbidden()) {
                cog.limits.count_refusal();
            }
            return Ok(Err(error));
        }
    };
    let made = answer.body.id().filter(|_| makes_message);
    if let Some(id) = made {
        cog.services.own_messages.note(&cog.name, id, tie);
    }
    let view = AnswerView {
        operation,
        veil: Veil::of(cog, made),
        guild,
    };
    Ok(Ok(CallAnswer::of(answer.body, view)))
}

/// Whether the answer has the id of a message that was sent. A forum's thread has that of its first message.
fn makes_message(request: &Prepared) -> bool {
    match request.operation.id {
        "create_message" | "execute_webhook" | "create_lobby_message" => true,
        "create_thread" => request
            .body
            .as_ref()
            .is_some_and(|it| it["message"].is_object()),
        _ => false,
    }
}

/// The operation with this id.
pub(super) fn known(id: &str) -> HostResult<&'static Operation> {
    operation(id).ok_or_else(|| HostError::new("discord", format!("no operation {id}")).into())
}

/// Opens the channel of the direct messages with a user. Returns its id.
pub(super) async fn open_direct_channel(
    cog: &CogContext,
    function: &'static str,
    user: JsonValue,
) -> HostResult<String> {
    let fields = Map::from_iter([("recipient_id".to_owned(), user)]);
    let call = prepare(cog, function, known("create_dm")?, fields, Vec::new(), None)?;
    let channel = make(cog, call).await?;
    let id = channel.as_ref().and_then(|it| it.str("id"));
    id.map(str::to_owned).ok_or_else(|| {
        HostError::new(
            "discord",
            format!("{function}: Discord did not open a direct message channel with the user"),
        )
        .into()
    })
}

/// Prepares a call of the operation with this id, waits for its turn and makes it.
pub(super) async fn call(
    cog: &CogContext,
    function: &'static str,
    id: &'static str,
    arguments: Map<String, JsonValue>,
    files: Vec<File>,
) -> HostResult<Option<Json>> {
    let call = prepare(cog, function, known(id)?, arguments, files, None)?;
    cog.limits.wait_to_call(function).await?;
    make(cog, call).await
}

pub(super) fn call_error(cog: &CogContext, function: &str, error: &CallError) -> HostFailure {
    let error = match error {
        CallError::Discord(error) => error,
        CallError::Memory { .. } => return cog.charges.too_many_request_bytes(function).into(),
        CallError::TooLong { .. } => {
            return HostError::new("limit", format!("{function}: {error}")).into();
        }
        _ => return HostError::new(UNREACHABLE, format!("{function}: {error}")).into(),
    };
    let mut table = HostError::new("discord", error.to_string())
        .with("status", Field::Integer(i64::from(error.status)))
        .with("code", Field::Integer(error.code))
        .with("operation", Field::Text(error.operation.clone()));
    if let Some(errors) = &error.errors {
        table = table.with("errors", Field::Json(errors.clone()));
    }
    table.into()
}

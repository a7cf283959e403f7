//! Calls to Discord's API, or to whichever server stands in for it:
//!
//! ```text
//! arguments (a request) ─ limits (its turn) ─ request (on the wire) ─ answer (JSON, or what went wrong)
//!                            └───── mod: again, if that can help (see repeat) ──────┘
//! ```
//!
//! - `limits.rs`: the rate limiter, in the buckets that Discord names; `queue.rs`: who is next in a bucket
//! - `request.rs`: a request as bytes, and why an attempt failed; `form.rs`: files; `connections.rs`: one attempt on the
//!   wire; `answer.rs`: what the server said, bounded and charged; `sent_message.rs`: of a message that was sent, the ids
//! - `begun.rs`: a call begins on the thread of whoever calls, and goes on in the runtime
//! - `repeat.rs`: which request is sent again after which failure
//! - `refusals.rs`: stops cogs before Discord blocks the bot for its refused requests
//! - `waiting.rs`: which calls wait, and for what
//! - `identity.rs`: what the bot asks about itself; `caller.rs`: the cog that calls; `options.rs`: what the client is
//!   told once
//!
//! All operations go to the one configured address, wait without holding anything, and on the bot's
//! clock. That is why no client of others is used: see "Outbound calls are our own" in
//! `ARCHITECTURE.md`.

mod answer;
mod begun;
mod caller;
mod connections;
mod form;
mod identity;
mod limits;
mod options;
mod queue;
mod refusals;
mod repeat;
mod request;
mod sent_message;
mod waiting;

pub use crate::config::Token;
pub use answer::{AnswerBody, CallError, DiscordError};
pub use caller::CogCaller;
pub use identity::{Application, GatewayBot};
pub use options::{OutboundError, OutboundOptions};
pub use refusals::COUNTED as REFUSALS_COUNT;
pub use sent_message::SentMessage;
pub use waiting::{WaitingCall, WaitingCalls, WaitsFor};

use super::arguments::{Prepared, prepare};
use super::operations::Operation;
use crate::activity::{Activity, Busy};
use crate::backoff::exponential;
use crate::charge::{Allowance, Charge};
use crate::clock::Clock;
use crate::host_tasks;
use crate::json::Json;
use crate::requests::{Open, OpenRequests};
use answer::ApiResponse;
use begun::{Beginner, Begun};
use futures_util::future::Either;
use limits::{Limits, Observed, Permit, SendDecision, Wait, Waiter};
use queue::Caller;
use refusals::Refusals;
use repeat::{AttemptFailure, Effect};
use reqwest::Url;
use serde_json::Value;
use std::future::{Future, ready};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tracing::{debug, info, warn};
use waiting::{TOLD_AFTER, WaitingList};

/// The pause before the first repetition; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The longest pause between two attempts.
const MAXIMUM_PAUSE: Duration = Duration::from_secs(8);

/// How often a request is repeated after a fault of the server or the network.
const REPETITIONS: u32 = 6;

/// For how long a request is tried, unless its caller says.
const PATIENCE: Duration = Duration::from_secs(16);

/// An attempt has at least this long, however late it begins.
const SHORTEST_ATTEMPT: Duration = Duration::from_secs(1);

/// Bytes that a slow connection sends in a second: larger requests have more time.
const SLOW_LINE: usize = 64 << 10;

/// How many bytes a response to the bot itself may take.
const MOST_OF_OWN: usize = 64 << 20;

/// Calls Discord's API. Clones share connections and rate limits.
#[derive(Clone)]
pub struct Outbound {
    shared: Arc<Shared>,
}

struct Shared {
    client: request::Client,
    limits: Limits,
    refusals: Refusals,
    /// Changes whenever a request was answered.
    answered: watch::Sender<()>,
    /// The cogs' requests that are on the wire.
    open: OpenRequests,
    waiting: WaitingList,
    clock: Clock,
    activity: Activity,
    /// What begins the calls, and drives them.
    beginner: Beginner,
}

impl Outbound {
    /// Connects nothing yet. To be made in the runtime that is to drive the calls. Fails when the address is not a URL or the token cannot be a header.
    pub fn new(options: OutboundOptions) -> Result<Self, OutboundError> {
        let client = request::Client::new(&options)?;
        // Other servers, such as rate-limiting proxies, have a global limit of their own.
        let limits = Limits::new(options.api_url.is_none());
        Ok(Self {
            shared: Arc::new(Shared {
                client,
                limits,
                refusals: Refusals::default(),
                answered: watch::Sender::new(()),
                open: OpenRequests::default(),
                waiting: WaitingList::default(),
                clock: options.clock,
                activity: options.activity,
                beginner: Beginner::here(),
            }),
        })
    }

    /// The server that is called in place of Discord's, if one was named.
    pub fn other_server(&self) -> Option<&Url> {
        self.shared.client.other_server()
    }

    /// Changes whenever the server has answered a request, and not to say that it cannot.
    pub fn answers(&self) -> watch::Receiver<()> {
        self.shared.answered.subscribe()
    }

    /// Calls an operation for the bot itself, with one flat table of arguments. Nothing when Discord answers
    /// without content. `deadline` is for everything: waiting for the rate limit, repetitions, the answer.
    pub async fn call(
        &self,
        operation: &'static Operation,
        arguments: Value,
        deadline: Duration,
    ) -> Result<Option<Json>, CallError> {
        let answered = self.send(prepare(operation, arguments)?, None, deadline);
        Ok(answered.await?.body.into_json())
    }

    /// Sends a prepared request for a cog, or for the bot itself. Callers take turns where they have to wait.
    /// Dropping the future takes the request out of the queue; if it is under way already, Discord may have
    /// received it.
    pub fn send(
        &self,
        prepared: Prepared,
        cog: Option<CogCaller>,
        deadline: Duration,
    ) -> impl Future<Output = Result<Answered, CallError>> + use<> {
        self.send_with_patience(prepared, cog, deadline, PATIENCE)
    }

    /// The same; while Discord fails or does not answer, the request is tried for no longer than `patience`.
    pub fn send_with_patience(
        &self,
        prepared: Prepared,
        cog: Option<CogCaller>,
        deadline: Duration,
        patience: Duration,
    ) -> impl Future<Output = Result<Answered, CallError>> + use<> {
        let shared = &self.shared;
        if cog.is_some() && shared.refusals.are_too_many(shared.clock.now()) {
            return Either::Left(ready(Err(CallError::Refused {
                operation: prepared.operation.id,
                count: refusals::MOST,
            })));
        }
        let times = Times {
            deadline,
            patience,
            repetitions: REPETITIONS,
        };
        Either::Right(self.send_within(prepared, cog, times))
    }

    /// The calls of a cog that wait, by what they wait for.
    pub fn waiting_of(&self, cog: &str) -> Vec<WaitingCalls> {
        self.shared.waiting.of(cog)
    }

    /// A cog's call waits for `limits.discord_calls_per_10s` until what this returns is dropped.
    pub fn waits_for_own_limit(&self, cog: &Arc<str>) -> WaitingCall {
        let (waiting, now) = (&self.shared.waiting, self.shared.clock.now());
        waiting.begin(Some(cog), WaitsFor::OwnLimit, now)
    }

    /// Other calls wait until its turn is over, but its caller may be stuck, or never poll it again: it goes on by itself.
    fn send_within(
        &self,
        mut prepared: Prepared,
        cog: Option<CogCaller>,
        times: Times,
    ) -> Begun<Result<Answered, CallError>> {
        let shared = Arc::clone(&self.shared);
        repeat::make_unique(&mut prepared);
        // Calls take their places in the queue in the order in which they are made.
        let caller = cog.as_ref().map_or_else(Caller::default, |cog| Caller {
            name: Some(Arc::clone(&cog.name)),
            version: cog.version,
        });
        let operation = prepared.operation.id;
        let mut waiter = shared
            .limits
            .waiter(prepared.operation, prepared.major, &caller);
        let first = waiter.step(shared.clock.now());
        let mut call = OutboundCall {
            until: shared.clock.now() + times.deadline,
            times,
            busy: Some(shared.activity.begin()),
            prepared,
            caller,
            cog,
            failing: None,
            tried_since: None,
            limited_since: None,
            place: Some((waiter, first)),
            shared,
        };
        self.shared.beginner.begin(async move {
            let ended = host_tasks::caught(host_tasks::Task::DiscordCall, call.run()).await;
            ended.unwrap_or(Err(CallError::Failed { operation }))
        })
    }
}

/// Discord's response. The caller is charged for it until this is dropped.
#[derive(Debug)]
pub struct Answered {
    /// What it holds.
    pub body: AnswerBody,
    /// What that takes.
    pub charge: Charge,
}

impl std::fmt::Debug for Outbound {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Outbound({})", self.shared.client.base())
    }
}

/// How long a call may take, and how often it may be repeated.
#[derive(Clone, Copy)]
struct Times {
    /// For everything.
    deadline: Duration,
    /// From the first attempt to the last one.
    patience: Duration,
    repetitions: u32,
}

/// One call from its turn to its end.
struct OutboundCall {
    shared: Arc<Shared>,
    prepared: Prepared,
    caller: Caller,
    /// Nothing: the bot itself calls.
    cog: Option<CogCaller>,
    /// When the call must have ended, since the epoch.
    until: Duration,
    times: Times,
    /// Nothing: no attempt has failed yet.
    failing: Option<Failing>,
    /// When its first attempt began; nothing: it has not been its turn yet.
    tried_since: Option<Duration>,
    /// Since when it waits for a rate limit; nothing: it has not had to.
    limited_since: Option<Duration>,
    /// Released while the call waits for the clock.
    busy: Option<Busy>,
    /// Its place in the queue and the last decision, from before its first turn.
    place: Option<(Waiter, SendDecision)>,
}

/// A call whose attempts fail.
struct Failing {
    /// When the first one did.
    since: Duration,
    /// How often it was repeated.
    repetitions: u32,
    /// Whether one of them may have been carried out.
    may_be_done: bool,
    /// Shown to the bot's admins meanwhile.
    waiting: WaitingCall,
    /// Whether the log has been told.
    is_told: bool,
}

impl OutboundCall {
    async fn run(&mut self) -> Result<Answered, CallError> {
        let encoded = self.shared.client.encode(&self.prepared)?;
        loop {
            host_tasks::point(host_tasks::Task::DiscordCall);
            let permit = self.turn().await?;
            let open = self.open().await?;
            let mut charge = self.charge()?;
            let limit = self.attempt_time(encoded.bytes());
            let sent = self.send(&encoded, limit, &mut charge).await;
            let failed = match sent {
                Ok(answer) => match self.judge(permit, &answer)? {
                    Verdict::Done => {
                        let body = answer.body(self.prepared.operation, &mut charge)?;
                        return Ok(Answered { body, charge });
                    }
                    // The limit knows when: the next turn waits for it.
                    Verdict::Limited => {
                        self.tried_since = None;
                        continue;
                    }
                    Verdict::Failed(failed) => failed,
                },
                Err(unanswered) => {
                    drop(permit);
                    Failed {
                        failure: unanswered.failure(),
                        in_short: unanswered.in_short().to_owned(),
                        error: unanswered.told(self.prepared.operation.id, limit),
                    }
                }
            };
            drop((open, charge));
            let pause = self.again(failed)?;
            self.pause(pause).await;
        }
    }

    /// How long the next attempt may take: a server that accepts requests and never answers must not use up the
    /// caller's limits for all of its calls.
    fn attempt_time(&mut self, bytes: usize) -> Duration {
        let now = self.shared.clock.now();
        let since = *self.tried_since.get_or_insert(now);
        let seconds = u64::try_from(bytes / SLOW_LINE).unwrap_or(u64::MAX);
        let patience = (since + self.times.patience).saturating_sub(now);
        let attempt = patience.max(SHORTEST_ATTEMPT);
        let attempt = attempt.saturating_add(Duration::from_secs(seconds));
        attempt.min(self.until.saturating_sub(now))
    }

    /// Sends the request once. While it waits, a missing response is reported, and so is a repetition.
    async fn send(
        &self,
        encoded: &request::Encoded,
        limit: Duration,
        charge: &mut Charge,
    ) -> Result<ApiResponse, request::NoAnswer> {
        let shared = &self.shared;
        let began = shared.clock.now();
        let mut answer = std::pin::pin!(shared.client.send(encoded, limit, charge));
        // A request on the wire takes real time, whatever the bot's clock does.
        if let Ok(answer) = tokio::time::timeout(TOLD_AFTER, &mut answer).await {
            return answer;
        }
        let why = "no answer yet";
        let since = self.failing.as_ref().map_or(began, |failing| failing.since);
        let _waiting = self.failing.is_none().then(|| {
            let waits_for = WaitsFor::Discord(why.to_owned());
            shared
                .waiting
                .begin(self.caller.name.as_ref(), waits_for, since)
        });
        self.tell(
            why,
            TOLD_AFTER.max(shared.clock.now().saturating_sub(since)),
        );
        answer.await
    }

    /// After which pause the request is sent again; the error if it is not.
    fn again(&mut self, failed: Failed) -> Result<Duration, CallError> {
        let Failed {
            failure,
            in_short,
            error,
        } = failed;
        if !failure.is_repeated(Effect::of(&self.prepared)) {
            return Err(match failure {
                AttemptFailure::MaybeDone => error.of_what_may_be_done(),
                _ => error,
            });
        }
        let now = self.shared.clock.now();
        let before = self.failing.take();
        let since = before.as_ref().map_or(now, |before| before.since);
        let repetitions = before.as_ref().map_or(0, |before| before.repetitions);
        let pause = exponential(FIRST_PAUSE, repetitions, MAXIMUM_PAUSE);
        let tried_since = self.tried_since.unwrap_or(since);
        let end = self.until.min(tried_since + self.times.patience);
        if repetitions == self.times.repetitions || now + pause >= end {
            return Err(error);
        }
        debug!(operation = self.prepared.operation.id, %error, "Repeating a call");
        let waiting = &self.shared.waiting;
        self.failing = Some(Failing {
            since,
            repetitions: repetitions + 1,
            may_be_done: failure == AttemptFailure::MaybeDone
                || before.as_ref().is_some_and(|before| before.may_be_done),
            waiting: waiting.begin(
                self.caller.name.as_ref(),
                WaitsFor::Discord(in_short),
                since,
            ),
            is_told: before.is_some_and(|before| before.is_told),
        });
        Ok(pause)
    }

    /// A cog's call waits until there is a connection for it.
    async fn open(&self) -> Result<Option<Open>, CallError> {
        let Some(cog) = &self.cog else {
            return Ok(None);
        };
        let left = self.until.saturating_sub(self.shared.clock.now());
        let open = tokio::time::timeout(left, self.shared.open.open(&cog.open));
        open.await.map(Some).map_err(|_| CallError::Deadline {
            operation: self.prepared.operation.id,
            seconds: self.times.deadline.as_secs_f64(),
            why: "too many calls wait for their answers".into(),
        })
    }

    /// The response is charged to this.
    fn charge(&self) -> Result<Charge, CallError> {
        let own = || Allowance::alone(MOST_OF_OWN);
        let cog = self.cog.as_ref();
        let allowance = cog.map_or_else(own, |cog| cog.allowance.clone());
        allowance.take(0).map_err(|_| CallError::Memory {
            operation: self.prepared.operation.id,
        })
    }

    /// Waits until the rate limits let the request go.
    async fn turn(&mut self) -> Result<Permit, CallError> {
        let operation = self.prepared.operation;
        let (mut waiter, mut step) = self.place.take().unwrap_or_else(|| {
            let limits = &self.shared.limits;
            let mut waiter = limits.waiter(operation, self.prepared.major, &self.caller);
            let step = waiter.step(self.shared.clock.now());
            (waiter, step)
        });
        loop {
            match step {
                SendDecision::Go(permit) => return Ok(permit),
                SendDecision::At(time) if time >= self.until => {
                    let wait = time.saturating_sub(self.shared.clock.now());
                    return Err(CallError::limited(operation.id, self.times.deadline, wait));
                }
                SendDecision::At(time) => {
                    self.busy = None;
                    let now = self.shared.clock.now();
                    let wait = time.saturating_sub(now);
                    let waiting = &self.shared.waiting;
                    let since = *self.limited_since.get_or_insert(now);
                    let _waiting =
                        waiting.begin(self.caller.name.as_ref(), WaitsFor::RateLimit, since);
                    tokio::select! {
                        () = self.shared.clock.sleep(wait) => {}
                        () = waiter.changed() => {}
                    }
                    self.busy = Some(self.shared.activity.begin());
                }
                // Another request is in flight, which takes real time: waiting does not use the clock.
                SendDecision::Behind => {
                    let now = self.shared.clock.now();
                    let since = *self.limited_since.get_or_insert(now);
                    let waiting = &self.shared.waiting;
                    let _waiting =
                        waiting.begin(self.caller.name.as_ref(), WaitsFor::RateLimit, since);
                    let left = self.until.saturating_sub(now);
                    let changed = tokio::time::timeout(left, waiter.changed()).await;
                    changed.map_err(|_| CallError::Deadline {
                        operation: operation.id,
                        seconds: self.times.deadline.as_secs_f64(),
                        why: "a call before it has no answer yet".into(),
                    })?;
                }
            }
            step = waiter.step(self.shared.clock.now());
        }
    }

    fn judge(&self, permit: Permit, answer: &ApiResponse) -> Result<Verdict, CallError> {
        let operation = self.prepared.operation.id;
        let now = self.shared.clock.now();
        let observed = Observed::of(answer, now);
        if !answer.status.is_server_error() {
            let _is_waited_for = self.shared.answered.send(()).is_ok();
        }
        if let Some(wait) = observed.retry_after {
            let global = observed.global;
            match wait {
                Wait::Told(wait) => {
                    let wait_ms = wait.as_millis();
                    warn!(operation, global, wait_ms, "Discord asks to wait");
                }
                Wait::Untold => warn!(
                    operation,
                    global, "Discord asks to wait, but does not say how long"
                ),
            }
        }
        permit.done(&observed, now);
        let status = answer.status.as_u16();
        self.shared.refusals.note(status, &observed, now);
        if observed.retry_after.is_some() {
            return Ok(Verdict::Limited);
        }
        if answer.is_success() || self.has_deleted(answer) {
            self.shared.refusals.accepted(operation);
            return Ok(Verdict::Done);
        }
        let error = answer.error(operation);
        let _told = self.shared.refusals.refused(&error);
        let error = CallError::Discord(error);
        match AttemptFailure::of_status(answer.status) {
            AttemptFailure::Final => Err(error),
            failure => Ok(Verdict::Failed(Failed {
                failure,
                in_short: answer.status.as_u16().to_string(),
                error,
            })),
        }
    }

    /// Whether the object is gone because an earlier attempt deleted it and its response was lost.
    fn has_deleted(&self, answer: &ApiResponse) -> bool {
        let failing = self.failing.as_ref();
        self.prepared.method == "DELETE"
            && answer.status.as_u16() == 404
            && failing.is_some_and(|failing| failing.may_be_done)
    }

    async fn pause(&mut self, pause: Duration) {
        self.busy = None;
        let clock = self.shared.clock.clone();
        let end = clock.now() + pause;
        if let Some(failing) = self.failing.as_mut().filter(|failing| !failing.is_told)
            && failing.since + TOLD_AFTER <= end
        {
            clock
                .sleep((failing.since + TOLD_AFTER).saturating_sub(clock.now()))
                .await;
            failing.is_told = true;
            let (why, since) = (failing.waiting.why(), failing.since);
            self.tell(&why, clock.now().saturating_sub(since));
        }
        clock.sleep(end.saturating_sub(clock.now())).await;
        self.busy = Some(self.shared.activity.begin());
    }

    /// Logs that calls wait for Discord.
    fn tell(&self, why: &str, waited: Duration) {
        let now = self.shared.clock.now();
        if let Some(count) = self.shared.waiting.to_be_told(now) {
            let operation = self.prepared.operation.id;
            let cog = self.caller.name.as_deref().unwrap_or("the bot itself");
            let for_s = waited.as_secs();
            info!(
                operation,
                %cog, count, %why, for_s, "Requests wait because Discord fails"
            );
        }
    }
}

/// An attempt that failed.
struct Failed {
    failure: AttemptFailure,
    /// The status, or what the network does.
    in_short: String,
    error: CallError,
}

enum Verdict {
    /// It is the answer.
    Done,
    /// Too early: once more, when the limit allows it.
    Limited,
    /// The server is at fault: once more, perhaps, after a pause.
    Failed(Failed),
}

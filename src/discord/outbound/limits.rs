//! The rate limiter for Discord's limits: which request may go, and when.
//!
//! Requests are counted in buckets, as Discord calls them: so many requests in a window, which starts again when its
//! time is over. At first an operation is its own bucket (for each channel, guild
//! or webhook) and only one request probes it; the answer names the bucket and its size. Who waits,
//! waits in order (see `queue`), holds no lock meanwhile, and leaves the queue when its future is dropped.

use super::answer::ApiResponse;
use super::queue::{Caller, Queue};
use crate::backoff::exponential;
use crate::discord::operations::Operation;
use crate::hash::HashMap;
use crate::lock::lock;
use crate::untrusted_numbers;
use hyper::header::{DATE, HeaderName, RETRY_AFTER};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::watch;

/// Requests a second that Discord allows a bot in all.
const GLOBAL: u32 = 50;

/// When so many buckets are known, unused ones are forgotten.
const MANY: usize = 4096;

/// When so many are known that are needed, a server makes names up: those are forgotten, too, that are needed only
/// because their window has not ended.
const TOO_MANY: usize = 16 * MANY;

/// Two resets that lie closer than this are one.
const SAME_WINDOW: Duration = Duration::from_millis(500);

/// The pause if the server does not say when to come back, or says something implausible. Each further time it is twice
/// as long.
const FIRST_UNTOLD: Duration = Duration::from_secs(1);

/// The longest of these waits.
const MAXIMUM_UNTOLD: Duration = Duration::from_secs(32);

static BUCKET: HeaderName = HeaderName::from_static("x-ratelimit-bucket");
static LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
static REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
static RESET_AFTER: HeaderName = HeaderName::from_static("x-ratelimit-reset-after");
static SCOPE: HeaderName = HeaderName::from_static("x-ratelimit-scope");
static IS_GLOBAL: HeaderName = HeaderName::from_static("x-ratelimit-global");

/// Headers of answers that Discord itself gives.
static OF_DISCORD: [&HeaderName; 3] = [&BUCKET, &LIMIT, &SCOPE];

/// What a response says about its bucket.
#[derive(Debug, Default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a header of its own, and any of them may be there"
)]
pub(super) struct Observed {
    bucket: Option<u64>,
    limit: Option<u32>,
    remaining: Option<u32>,
    reset_after: Option<Duration>,
    /// Set when the request came too early (status 429).
    pub(super) retry_after: Option<Wait>,
    /// Whether it is the bot as a whole that came too early.
    pub(super) global: bool,
    /// Whether others than this bot have used up what there was.
    pub(super) shared: bool,
    /// Whether a proxy says it, without having asked Discord.
    pub(super) of_a_proxy: bool,
    success: bool,
}

/// How long to wait after a request that came too early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// As long as the server says.
    Told(Duration),
    /// It does not say.
    Untold,
}

impl Wait {
    /// `untold`: how often in a row it was not said before; counted on.
    fn length(self, untold: &mut u32) -> Duration {
        match self {
            Self::Told(wait) => {
                *untold = 0;
                wait
            }
            Self::Untold => {
                let wait = exponential(FIRST_UNTOLD, *untold, MAXIMUM_UNTOLD);
                *untold = untold.saturating_add(1);
                wait
            }
        }
    }
}

impl Observed {
    /// What a response that arrived at `now` says.
    pub(super) fn of(answer: &ApiResponse, now: Duration) -> Self {
        let header = |name: &HeaderName| {
            let value = answer.headers.get(name);
            value.and_then(|value| value.to_str().ok())
        };
        let seconds = |name| header(name).and_then(untrusted_numbers::seconds_in_text);
        let count = |name| header(name).and_then(|text| text.parse::<u32>().ok());
        let mut observed = Self {
            bucket: header(&BUCKET).map(hash),
            limit: count(&LIMIT),
            remaining: count(&REMAINING),
            reset_after: seconds(&RESET_AFTER),
            success: answer.is_success(),
            shared: header(&SCOPE) == Some("shared"),
            of_a_proxy: answer.is_of_a_proxy(),
            ..Self::default()
        };
        if answer.status.as_u16() == 429 && !answer.is_slow_mode() {
            // The body's number has a fraction, the header's is rounded up.
            let told = answer.refusal.get("retry_after");
            let told = told.and_then(untrusted_numbers::seconds_in_json);
            let told = told.or_else(|| seconds(&RETRY_AFTER));
            let told = told.or_else(|| {
                let date = header(&RETRY_AFTER)?;
                untrusted_numbers::seconds_until_date(date, header(&DATE), now)
            });
            observed.retry_after = Some(told.map_or(Wait::Untold, Wait::Told));
            let is_global = answer.refusal.is_true("global");
            // If a server in front of Discord refuses without a message for bots, it means all requests from the bot's
            // address.
            let is_of_discord = OF_DISCORD.iter().any(|name| header(name).is_some());
            let is_shut_out = answer.refusal.is_null() && !is_of_discord;
            observed.global =
                is_global || header(&IS_GLOBAL).is_some() || (is_shut_out && !observed.of_a_proxy);
        }
        observed
    }
}

fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// The rate limiter of one bot, for all of Discord's limits.
#[derive(Clone)]
pub(super) struct Limits(Arc<Mutex<RateLimitTable>>);

struct RateLimitTable {
    /// What is known about an operation.
    routes: HashMap<&'static str, Route>,
    /// By name of the bucket and major parameter.
    buckets: HashMap<(u64, u64), Arc<Bucket>>,
    global: Global,
    sweep_at: usize,
}

#[derive(Clone, Copy)]
enum Route {
    /// Its answers say nothing about limits.
    Unlimited,
    /// It counts in this bucket, of this size.
    Bucket(u64, Option<u32>),
}

struct Global {
    /// Nothing may be sent before this time.
    until: Duration,
    /// Whether `GLOBAL` is kept without being told.
    counted: bool,
    second: Duration,
    used: u32,
    /// How often in a row it was not said when to come back.
    untold: u32,
}

#[derive(Default)]
struct Bucket {
    state: Mutex<BucketState>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct BucketState {
    /// Nothing: not known yet.
    limit: Option<u32>,
    /// Requests that may be sent in this window.
    remaining: u32,
    /// When the window ends. Nothing: it begins with the next request.
    reset: Option<Duration>,
    in_flight: u32,
    waiting: Queue,
    /// How often in a row it was not said when to come back.
    untold: u32,
    /// Set when probing requests have found out in which bucket they count: those that waited here wait there.
    moved_to: Option<Arc<Bucket>>,
}

/// Whether a request may go.
pub(super) enum SendDecision {
    /// It may, now.
    Go(Permit),
    /// Not before this time.
    At(Duration),
    /// When a request that is running has come back, or an earlier one has gone.
    Behind,
}

impl Limits {
    /// `counted`: whether to keep Discord's global limit without headers that say so.
    pub(super) fn new(counted: bool) -> Self {
        Self(Arc::new(Mutex::new(RateLimitTable {
            routes: HashMap::default(),
            buckets: HashMap::default(),
            global: Global {
                until: Duration::ZERO,
                counted,
                second: Duration::ZERO,
                used: 0,
                untold: 0,
            },
            sweep_at: MANY,
        })))
    }

    pub(super) fn waiter(
        &self,
        operation: &'static Operation,
        major: u64,
        caller: &Caller,
    ) -> Waiter {
        Waiter {
            limits: self.clone(),
            operation,
            major,
            caller: caller.clone(),
            place: None,
        }
    }

    fn table(&self) -> MutexGuard<'_, RateLimitTable> {
        lock(&self.0)
    }
}

impl RateLimitTable {
    /// The bucket in which a request counts; nothing: it is not limited.
    fn bucket(
        &mut self,
        operation: &'static Operation,
        major: u64,
        now: Duration,
    ) -> Option<Arc<Bucket>> {
        let (name, limit) = match self.routes.get(operation.id) {
            Some(Route::Unlimited) => return None,
            Some(Route::Bucket(name, limit)) => (*name, *limit),
            None => (hash(operation.id), None),
        };
        if self.buckets.len() >= self.sweep_at {
            self.buckets.retain(|_, bucket| bucket.needed(now));
            if self.buckets.len() >= TOO_MANY {
                self.buckets.retain(|_, bucket| bucket.is_used());
            }
            self.sweep_at = MANY.max(self.buckets.len() * 2);
        }
        let bucket = self.buckets.entry((name, major)).or_insert_with(|| {
            let state = BucketState {
                limit,
                remaining: limit.unwrap_or(0),
                ..BucketState::default()
            };
            Arc::new(Bucket {
                state: Mutex::new(state),
                changed: watch::Sender::default(),
            })
        });
        Some(Arc::clone(bucket))
    }
}

impl Global {
    /// When the next request may go; nothing: now.
    fn wait(&mut self, now: Duration) -> Option<Duration> {
        if self.until > now {
            return Some(self.until);
        }
        if !self.counted {
            return None;
        }
        if now >= self.second + Duration::from_secs(1) {
            self.second = now;
            self.used = 0;
        }
        (self.used >= GLOBAL).then(|| self.second + Duration::from_secs(1))
    }
}

impl Bucket {
    fn state(&self) -> MutexGuard<'_, BucketState> {
        lock(&self.state)
    }

    /// Has those that wait here look at it again. Mostly nobody does, and then nobody is told.
    fn tell(&self) {
        let _is_waited_for = self.changed.send(()).is_ok();
    }

    /// Does something with the state of the bucket to which the queue has moved; returns that bucket.
    fn in_use(self: Arc<Self>, change: impl FnOnce(&mut BucketState)) -> Arc<Self> {
        let mut bucket = self;
        loop {
            let mut state = bucket.state();
            let Some(next) = state.moved_to.clone() else {
                change(&mut state);
                drop(state);
                return bucket;
            };
            drop(state);
            bucket = next;
        }
    }

    /// Moves those that wait here to `other`.
    fn move_to(&self, other: &Arc<Self>) {
        // Under both locks: a request that leaves meanwhile must be found in one of them.
        let mut state = self.state();
        let mut target = other.state();
        target.waiting.absorb(std::mem::take(&mut state.waiting));
        state.moved_to = Some(Arc::clone(other));
    }

    fn needed(&self, now: Duration) -> bool {
        let is_open = self.state().reset.is_some_and(|reset| reset > now);
        is_open || self.is_used()
    }

    /// Whether requests wait here or are under way.
    fn is_used(&self) -> bool {
        let state = self.state();
        state.in_flight > 0 || !state.waiting.is_empty()
    }
}

impl BucketState {
    /// Nothing when a request may be sent.
    fn obstacle(&mut self, now: Duration) -> Option<Obstacle> {
        if self.reset.is_some_and(|reset| now >= reset) {
            self.reset = None;
            // Requests in flight may count in the new window.
            self.remaining = self.limit.unwrap_or(0).saturating_sub(self.in_flight);
        }
        match (self.reset, self.limit) {
            (Some(reset), _) if self.remaining == 0 => Some(Obstacle::Until(reset)),
            (None, Some(_)) if self.remaining == 0 && self.in_flight > 0 => {
                Some(Obstacle::InFlight)
            }
            (_, None) if self.in_flight > 0 => Some(Obstacle::InFlight),
            _ => None,
        }
    }
}

enum Obstacle {
    Until(Duration),
    InFlight,
}

/// A request that waits for its turn.
pub(super) struct Waiter {
    limits: Limits,
    operation: &'static Operation,
    major: u64,
    caller: Caller,
    place: Option<QueueTicket>,
}

/// A request's ticket for a bucket's queue, which it leaves when this is dropped.
struct QueueTicket {
    bucket: Arc<Bucket>,
    ticket: u64,
    changes: watch::Receiver<()>,
}

/// The number of the last ticket that was given out, of all queues.
static LAST_TICKET: AtomicU64 = AtomicU64::new(0);

impl QueueTicket {
    fn take(bucket: Arc<Bucket>, caller: &Caller) -> Self {
        let ticket = LAST_TICKET.fetch_add(1, Ordering::Relaxed) + 1;
        let bucket = bucket.in_use(|state| state.waiting.join(caller, ticket));
        Self {
            changes: bucket.changed.subscribe(),
            bucket,
            ticket,
        }
    }

    /// Goes with the queue, if that has moved.
    fn follow(&mut self) {
        let bucket = Arc::clone(&self.bucket).in_use(|_| ());
        if !Arc::ptr_eq(&bucket, &self.bucket) {
            self.changes = bucket.changed.subscribe();
            self.bucket = bucket;
        }
    }
}

impl Drop for QueueTicket {
    fn drop(&mut self) {
        let bucket = Arc::clone(&self.bucket);
        let bucket = bucket.in_use(|state| state.waiting.leave(self.ticket));
        bucket.tell();
    }
}

/// The result of looking at the limits.
enum Look {
    Step(SendDecision),
    /// There is a queue, which the request must join first.
    Queue(Arc<Bucket>),
}

impl Waiter {
    /// Takes the turn if it has come; otherwise waits in the queue.
    pub(super) fn step(&mut self, now: Duration) -> SendDecision {
        loop {
            // Whatever changes after this look is seen by `changed`.
            if let Some(place) = &mut self.place {
                place.follow();
                place.changes.mark_unchanged();
            }
            match self.look(now) {
                Look::Step(step) => return step,
                Look::Queue(bucket) => self.place = Some(QueueTicket::take(bucket, &self.caller)),
            }
        }
    }

    fn look(&mut self, now: Duration) -> Look {
        let mut table = self.limits.table();
        let exempt = self.operation.carries_its_token();
        if let Some(at) = table.global.wait(now).filter(|_| !exempt) {
            return Look::Step(SendDecision::At(at));
        }
        let bucket = table.bucket(self.operation, self.major, now);
        if let Some(bucket) = &bucket {
            let mut state = bucket.state();
            let obstacle = state.obstacle(now);
            let first = state.waiting.first();
            let place = self.place.as_ref();
            let place = place.filter(|place| Arc::ptr_eq(&place.bucket, bucket));
            let first_is_own = first.is_none() || first == place.map(|place| place.ticket);
            match obstacle {
                None if first_is_own => {}
                _ if place.is_none() => return Look::Queue(Arc::clone(bucket)),
                Some(Obstacle::Until(time)) => return Look::Step(SendDecision::At(time)),
                _ => return Look::Step(SendDecision::Behind),
            }
            state.remaining = state.remaining.saturating_sub(1);
            state.in_flight += 1;
        }
        table.global.used += u32::from(!exempt);
        drop(table);
        self.place = None;
        Look::Step(SendDecision::Go(Permit {
            limits: self.limits.clone(),
            operation: self.operation,
            major: self.major,
            bucket,
        }))
    }

    /// Returns when it is worth another look.
    pub(super) async fn changed(&mut self) {
        let gone = match &mut self.place {
            Some(place) => place.changes.changed().await.is_err(),
            None => true,
        };
        if gone {
            std::future::pending::<()>().await;
        }
    }
}

/// A request that may be sent, and counts as under way until this is dropped.
pub(super) struct Permit {
    limits: Limits,
    operation: &'static Operation,
    major: u64,
    bucket: Option<Arc<Bucket>>,
}

impl Permit {
    /// Learns from the answer.
    pub(super) fn done(self, observed: &Observed, now: Duration) {
        let mut table = self.limits.table();
        if observed.global {
            // Several that were under way are one time.
            if table.global.until <= now || observed.retry_after != Some(Wait::Untold) {
                let wait = observed.retry_after.unwrap_or(Wait::Untold);
                let until = now + wait.length(&mut table.global.untold);
                table.global.until = table.global.until.max(until);
            }
            return;
        }
        if observed.retry_after.is_none() {
            table.global.untold = 0;
        }
        let id = self.operation.id;
        let told = observed.limit.is_some() || observed.retry_after.is_some();
        if !told {
            if let Some(own) = &self.bucket {
                own.state().untold = 0;
            }
            if observed.success {
                table.routes.insert(id, Route::Unlimited);
            }
            return;
        }
        let name = observed.bucket.unwrap_or_else(|| hash(id));
        table.routes.insert(id, Route::Bucket(name, observed.limit));
        let bucket = table.bucket(self.operation, self.major, now);
        let probed = table.buckets.get(&(hash(id), self.major)).cloned();
        if let (Some(bucket), Some(probed)) = (&bucket, probed)
            && !Arc::ptr_eq(bucket, &probed)
        {
            // Under the table's lock, so that no request overtakes those that wait.
            probed.move_to(bucket);
            table.buckets.remove(&(hash(id), self.major));
        }
        drop(table);
        if let Some(bucket) = bucket {
            let own = self.bucket.as_ref();
            let own = own.is_some_and(|own| Arc::ptr_eq(own, &bucket));
            bucket.state().learn(observed, now, own);
            bucket.tell();
        }
    }
}

impl BucketState {
    /// `own`: the request that was answered is among those that this bucket has under way.
    fn learn(&mut self, observed: &Observed, now: Duration, own: bool) {
        self.limit = observed.limit.or(self.limit);
        if let Some(wait) = observed.retry_after {
            self.remaining = 0;
            self.reset = Some(now + wait.length(&mut self.untold));
            return;
        }
        self.untold = 0;
        let (Some(remaining), Some(reset_after)) = (observed.remaining, observed.reset_after)
        else {
            return;
        };
        let reset = now + reset_after;
        match self.reset {
            // Requests under way are taken off already; the answer may not know of them.
            Some(known) if reset <= known + SAME_WINDOW => {
                self.remaining = self.remaining.min(remaining);
                self.reset = Some(known.max(reset));
            }
            _ => {
                let others = self.in_flight.saturating_sub(u32::from(own));
                self.remaining = remaining.saturating_sub(others);
                self.reset = Some(reset);
            }
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(bucket) = &self.bucket {
            let mut state = bucket.state();
            state.in_flight = state.in_flight.saturating_sub(1);
            drop(state);
            bucket.tell();
        }
    }
}

//! What the shards of one gateway share, and what is known of each.

use super::GatewayError;
use super::address::{GatewayAddress, base, resume_base};
use super::identify::IdentifyQueue;
use super::options::Refresh;
use super::shard_state::ShardState;
use super::store::{Contents, Stored};
use crate::clock::Clock;
use crate::config::Token;
use crate::discord::event::Event;
use crate::host_tasks;
use crate::lock::lock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tracing::{debug, info, warn};
use twilight_gateway::{Config, ConfigBuilder, Intents, Session, ShardId};
use twilight_model::gateway::payload::outgoing::identify::IdentifyProperties;
use twilight_model::gateway::payload::outgoing::update_presence::UpdatePresencePayload;

/// Where events go.
pub(super) type Sink = Box<dyn Fn(Arc<Event>) + Send + Sync>;

/// Everything that the tasks of one gateway share.
pub(super) struct GatewayShared {
    pub(super) token: Token,
    pub(super) clock: Clock,
    pub(super) sink: Sink,
    pub(super) queue: IdentifyQueue,
    pub(super) states: watch::Sender<Vec<ShardState>>,
    pub(super) slots: Vec<Slot>,
    /// A session was opened or lost: worth saving at once.
    pub(super) changed: Notify,
    /// With which presence sessions begin.
    pub(super) presence: Mutex<Option<UpdatePresencePayload>>,
    refresh: Option<Refresh>,
    /// When a shard has asked for the address last.
    asked_at: tokio::sync::Mutex<Option<Instant>>,
    /// Whether the last attempt to ask for the address failed, and was told.
    unanswered: AtomicBool,
    answers: Option<watch::Receiver<()>>,
    /// The server's address as twilight wants it.
    base: Mutex<String>,
    /// Whether sessions are resumed there, too, whatever the server says.
    is_fixed: bool,
    /// The configuration for `intents`, so that shards share one TLS context.
    config: Config<IdentifyQueue>,
    intents: u64,
    /// The intents that were asked for last and not refused: a shard without a session opens one with them.
    pub(super) asked: AtomicU64,
}

/// What is known of one shard.
#[derive(Debug, Default)]
pub(super) struct Slot {
    /// One more than the sequence of the last event that was handed to the sink; 0 before the first.
    next: AtomicU64,
    /// Microseconds; 0 while unknown.
    latency: AtomicU64,
    /// Whether what arrives may have reached a process that was killed.
    repeating: AtomicBool,
    /// Written by the shard's task alone.
    session: Mutex<Option<Held>>,
}

/// A session that may be resumed.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) id: String,
    /// Where to resume it, if not at the server's own address.
    pub(super) resume_url: Option<String>,
    pub(super) intents: u64,
}

/// Shards ask for the address at most this often.
const ASK_EVERY: Duration = Duration::from_secs(5);

/// The least time between two attempts at a gateway that is away.
const LEAST_PAUSE: Duration = Duration::from_secs(1);

/// The time that the caller's `refresh` may take.
const REFRESH_WITHIN: Duration = Duration::from_secs(15);

impl GatewayShared {
    /// `url` is already in twilight's form.
    pub(super) fn new(options: super::GatewayOptions, url: String, sink: Sink) -> Self {
        let queue = IdentifyQueue::new(options.clock.clone());
        let address = &options.address;
        queue.update(address.max_concurrency, address.identifies_left);
        let shards = address.shards;
        Self {
            config: config(&options.token, options.intents, queue.clone()),
            intents: options.intents,
            asked: AtomicU64::new(options.intents),
            token: options.token,
            clock: options.clock,
            sink,
            queue,
            states: watch::Sender::new((0..shards).map(|_| ShardState::Connecting).collect()),
            slots: (0..shards).map(|_| Slot::default()).collect(),
            changed: Notify::new(),
            presence: Mutex::default(),
            refresh: options.refresh,
            asked_at: tokio::sync::Mutex::default(),
            unanswered: AtomicBool::new(false),
            answers: options.answers,
            base: Mutex::new(url),
            is_fixed: options.address.is_fixed,
        }
    }

    /// The number of shards.
    pub(super) fn shards(&self) -> u32 {
        u32::try_from(self.slots.len()).unwrap_or(u32::MAX)
    }

    /// The server's address.
    pub(super) fn base(&self) -> String {
        lock(&self.base).clone()
    }

    /// Where a session of this server's may be resumed that has `offered` an address for it; nothing: at the server's
    /// own address.
    pub(super) fn resume_at(&self, offered: &str) -> Option<String> {
        let base = self.base();
        let at = resume_base(&base, offered);
        at.filter(|at| !self.is_fixed || *at == base)
    }

    /// The configuration of a connection that resumes `held`, or identifies without one.
    pub(super) fn config(&self, intents: u64, held: Option<(Held, u64)>) -> Config<IdentifyQueue> {
        let config = if intents == self.intents {
            self.config.clone()
        } else {
            config(&self.token, intents, self.queue.clone())
        };
        // Twilight goes to Discord when it has neither of the two addresses.
        let mut builder = ConfigBuilder::from(config)
            .proxy_url(self.base())
            .queue(self.queue.of_connection());
        if let Some(presence) = lock(&self.presence).clone() {
            builder = builder.presence(presence);
        }
        if let Some((held, sequence)) = held {
            builder = builder.session(Session::new(sequence, held.id));
            if let Some(url) = held.resume_url {
                builder = builder.resume_url(url);
            }
        }
        builder.build()
    }

    /// Asks the caller again where the gateway is. Another server is not followed to Discord.
    async fn refresh(&self) {
        let Some(refresh) = &self.refresh else {
            return;
        };
        let answer = tokio::time::timeout(REFRESH_WITHIN, refresh()).await;
        let answer = answer.unwrap_or_else(|_| Err("there was no answer in time".to_owned()));
        match answer.and_then(|address| self.relocate(&address).map_err(|e| e.to_string())) {
            Ok(()) => self.unanswered.store(false, Ordering::Relaxed),
            Err(error) if self.unanswered.swap(true, Ordering::Relaxed) => {
                debug!(error, "The gateway's address still cannot be requested");
            }
            Err(error) => warn!(
                error,
                "The gateway's address cannot be requested; the bot keeps the one that it knows"
            ),
        }
    }

    /// Asks where the gateway is, before a new identify or while a session cannot be resumed; one shard asks for all
    /// of them. Without an answer the address stays.
    pub(super) async fn ask(&self) {
        let mut asked_at = self.asked_at.lock().await;
        if asked_at.is_none_or(|at| at.elapsed() >= ASK_EVERY) {
            self.refresh().await;
            *asked_at = Some(Instant::now());
        }
    }

    /// Asks where the gateway is, and returns when that is another address than before.
    pub(super) async fn moved(self: &Arc<Self>) {
        let (address, shared) = (self.base(), Arc::clone(self));
        // Whoever waits for this pauses only for a while, and the answer may take longer.
        let asking = host_tasks::errand(async move { shared.ask().await });
        let _asked = asking.await.is_ok();
        if self.base() == address {
            std::future::pending::<()>().await;
        }
        info!("The gateway is at another address now");
    }

    /// Returns when somebody at the server's other address has answered a request, so that there is a network: not
    /// at once, as the gateway alone may be away.
    pub(super) async fn network_is_back(&self) {
        let Some(mut answers) = self.answers.clone() else {
            return std::future::pending().await;
        };
        answers.mark_unchanged();
        self.clock.sleep(LEAST_PAUSE).await;
        if answers.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    fn relocate(&self, address: &GatewayAddress) -> Result<(), GatewayError> {
        let mut current = lock(&self.base);
        let new = base(&address.url)?;
        *current = resume_base(&current, &new).ok_or_else(|| GatewayError::Address {
            url: new,
            reason: "it leads from another server to Discord, or out of TLS".to_owned(),
        })?;
        self.queue
            .update(address.max_concurrency, address.identifies_left);
        Ok(())
    }

    /// Publishes what a shard does now.
    pub(super) fn set_state(&self, shard: u32, state: ShardState) {
        self.states.send_if_modified(|states| {
            let place = usize::try_from(shard)
                .ok()
                .and_then(|shard| states.get_mut(shard));
            match place {
                Some(place) if *place != state => {
                    *place = state;
                    true
                }
                _ => false,
            }
        });
    }

    /// What to store; `stopped` when nothing more will arrive in this process.
    pub(super) fn snapshot(&self, stopped: bool) -> Contents {
        let slots = (0..).zip(&self.slots);
        let sessions = slots.filter_map(|(shard, slot)| slot.snapshot(shard, stopped));
        Contents {
            sessions: sessions.collect(),
            budget: self.queue.budget(),
        }
    }

    /// The intents that the sessions of all shards have, or will have.
    pub(super) fn session_intents(&self) -> u64 {
        let asked = self.asked.load(Ordering::Relaxed);
        let intents = self
            .slots
            .iter()
            .map(|slot| slot.intents().unwrap_or(asked));
        intents.fold(u64::MAX, |all, some| all & some)
    }
}

/// A new configuration, with a TLS context of its own.
fn config(token: &Token, intents: u64, queue: IdentifyQueue) -> Config<IdentifyQueue> {
    // Intents that this version of twilight does not know are Discord's to judge.
    let intents = Intents::from_bits_retain(intents);
    ConfigBuilder::new(token.expose().to_owned(), intents)
        .identify_properties(IdentifyProperties::new(
            "cogsmith",
            "cogsmith",
            std::env::consts::OS,
        ))
        .queue(queue)
        .build()
}

impl Slot {
    /// The sequence of the last event that was handed to the sink; 0 before the first.
    pub(super) fn sequence(&self) -> u64 {
        self.next.load(Ordering::Acquire).saturating_sub(1)
    }

    /// Whether an event with this sequence was handed to the sink, or one after it.
    pub(super) fn has_seen(&self, sequence: u64) -> bool {
        sequence < self.next.load(Ordering::Acquire)
    }

    /// An event with this sequence was handed to the sink. A server may begin to count again, but 0 is not a number to
    /// resume from once there was another.
    pub(super) fn reached(&self, sequence: u64) {
        let next = sequence.saturating_add(1);
        if sequence > 0 {
            self.next.store(next, Ordering::Release);
        } else {
            self.next.fetch_max(next, Ordering::AcqRel);
        }
    }

    pub(super) fn latency(&self) -> Option<Duration> {
        let micros = self.latency.load(Ordering::Relaxed);
        (micros > 0).then(|| Duration::from_micros(micros))
    }

    pub(super) fn measured(&self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.latency.store(micros.max(1), Ordering::Relaxed);
    }

    pub(super) fn repeating(&self) -> bool {
        self.repeating.load(Ordering::Relaxed)
    }

    pub(super) fn set_repeating(&self, repeating: bool) {
        self.repeating.store(repeating, Ordering::Relaxed);
    }

    /// The open session and its sequence.
    pub(super) fn held(&self) -> Option<(Held, u64)> {
        let held = self.lock();
        held.clone().map(|held| (held, self.sequence()))
    }

    pub(super) fn intents(&self) -> Option<u64> {
        self.lock().as_ref().map(|held| held.intents)
    }

    /// A session is open. Everything up to this sequence was handed to the sink; nothing: no event was.
    pub(super) fn open(&self, held: Held, sequence: Option<u64>) {
        let mut session = self.lock();
        let next = sequence.map_or(0, |sequence| sequence.saturating_add(1));
        self.next.store(next, Ordering::Release);
        *session = Some(held);
    }

    /// The session is no more. Whether there was one.
    pub(super) fn forget(&self) -> bool {
        self.set_repeating(false);
        self.lock().take().is_some()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Held>> {
        lock(&self.session)
    }

    fn snapshot(&self, shard: u32, stopped: bool) -> Option<Stored> {
        let (held, sequence) = self.held()?;
        Some(Stored {
            shard,
            session_id: held.id,
            sequence,
            resume_url: held.resume_url,
            intents: held.intents,
            exact: stopped && !self.repeating(),
        })
    }

    /// Takes over what a former process left behind.
    pub(super) fn restore(&self, stored: Stored) {
        self.set_repeating(!stored.exact);
        let held = Held {
            id: stored.session_id,
            resume_url: stored.resume_url,
            intents: stored.intents,
        };
        self.open(held, Some(stored.sequence));
    }
}

/// A shard's place among its siblings.
pub(super) fn shard_id(shard: u32, shards: u32) -> ShardId {
    ShardId::new_checked(shard, shards).unwrap_or(ShardId::ONE)
}

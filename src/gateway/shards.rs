//! The handle on the gateway: one task a shard.

use super::GatewayError;
use super::address::base;
use super::options::GatewayOptions;
use super::sender::GatewaySender;
use super::shard_state::ShardState;
use super::shared::GatewayShared;
use super::store::{Contents, SAVE_INTERVAL, SessionOwner, Store};
use super::task::{Command, Task};
use super::token::{fingerprint, install_tls_provider};
use crate::discord::event::Event;
use crate::host_tasks;
use crate::supervisor::deliveries;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tracing::warn;

/// The connection to the gateway. Dropping it ends the shards, but does not wait for them: prefer
/// [`Gateway::shutdown`].
pub struct Gateway {
    shared: Arc<GatewayShared>,
    commands: Vec<mpsc::Sender<Command>>,
    tasks: Vec<JoinHandle<()>>,
    saver: Option<Saver>,
    /// Held while the intents change.
    changing: Mutex<()>,
}

struct Saver {
    store: Store,
    task: JoinHandle<()>,
}

/// Shards of one process. Each is a connection, and stands for some thousand guilds.
const MOST_SHARDS: u32 = 1_024;

/// Commands that may wait for a shard.
const COMMANDS: usize = 256;

impl Gateway {
    /// Starts the shards on the current runtime, and resumes the sessions that a former process
    /// stored. `sink` is called for every event, on the shard's task: it must not block.
    ///
    /// What only the server can find wrong, such as the token, shows in [`Gateway::ready`] and
    /// [`Gateway::state`].
    ///
    /// # Errors
    /// Without a token, a usable address or a runtime.
    pub fn start(
        options: GatewayOptions,
        sink: impl Fn(Arc<Event>) + Send + Sync + 'static,
    ) -> Result<Self, GatewayError> {
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(GatewayError::NoRuntime);
        }
        if options.token.is_empty() {
            return Err(GatewayError::NoToken);
        }
        let url = base(&options.address.url)?;
        let shards = options.address.shards;
        if !(1..=MOST_SHARDS).contains(&shards) {
            let reason = format!(
                "it comes with {shards} shards, and one process runs 1 to {MOST_SHARDS} of them"
            );
            return Err(GatewayError::Address { url, reason });
        }
        install_tls_provider();

        let store = options.session_store.clone().map(|path| {
            let token = fingerprint(&options.token);
            Store::new(
                path,
                SessionOwner {
                    url: url.clone(),
                    token,
                    shards,
                },
            )
        });
        let intents = options.intents;
        let shared = Arc::new(GatewayShared::new(options, url, Box::new(sink)));
        let saver = store.map(|store| Saver::start(store, &shared));
        let mut commands = Vec::new();
        let mut tasks = Vec::new();
        for shard in 0..shards {
            let (command, inbox) = mpsc::channel(COMMANDS);
            commands.push(command);
            let task = Task::new(shared.clone(), shard, inbox, intents);
            let name = host_tasks::Task::Shard;
            tasks.push(host_tasks::spawn(name, task, |task, again| {
                if again {
                    task.begin_anew();
                }
                Box::pin(task.run())
            }));
        }
        Ok(Self {
            shared,
            commands,
            tasks,
            saver,
            changing: Mutex::new(()),
        })
    }

    /// What each shard does, by its number.
    pub fn state(&self) -> watch::Receiver<Vec<ShardState>> {
        self.shared.states.subscribe()
    }

    /// Returns when every shard is ready.
    ///
    /// # Errors
    /// When a shard is refused, or after `timeout` (of the system's time); the shards keep trying
    /// then.
    pub async fn ready(&self, timeout: Duration) -> Result<(), GatewayError> {
        let mut states = self.state();
        let settled = states.wait_for(|states| {
            let all = states.iter().all(|state| *state == ShardState::Ready);
            all || refusal(states).is_some()
        });
        match tokio::time::timeout(timeout, settled).await {
            Ok(Ok(states)) => refusal(&states).map_or(Ok(()), Err),
            Ok(Err(_)) => Err(GatewayError::Stopped),
            Err(_) => Err(GatewayError::NotReady {
                seconds: timeout.as_secs(),
                states: unready(&self.shared.states.borrow()),
            }),
        }
    }

    /// The sequence of the last event of `shard` that was handed to the sink; 0 before the first.
    pub fn sequence(&self, shard: u32) -> u64 {
        let slot = usize::try_from(shard)
            .ok()
            .and_then(|shard| self.shared.slots.get(shard));
        slot.map_or(0, super::shared::Slot::sequence)
    }

    /// Whether `shard` is on this session and has handed everything up to `sequence` to the sink. While one session
    /// replaces another, this is about the first.
    pub fn has_seen(&self, shard: u32, session: &str, sequence: u64) -> bool {
        let slots = &self.shared.slots;
        let slot = usize::try_from(shard).ok().and_then(|it| slots.get(it));
        let held = slot.and_then(super::shared::Slot::held);
        held.is_some_and(|(held, seen)| held.id == session && seen >= sequence)
    }

    /// The time between a heartbeat and its answer, on average over the shards; nothing before the
    /// first answer.
    pub fn latency(&self) -> Option<Duration> {
        let known = self
            .shared
            .slots
            .iter()
            .filter_map(super::shared::Slot::latency);
        let (sum, count) = known.fold((Duration::ZERO, 0_u32), |(sum, count), latency| {
            (sum + latency, count + 1)
        });
        sum.checked_div(count)
    }

    /// The intents that the sessions of all shards have, or will have when they are open.
    pub fn intents(&self) -> u64 {
        self.shared.session_intents()
    }

    /// When the intents may be changed next, on the gateway's clock: the pause grows when they are changed again and
    /// again, and the second half of a day's identifies is kept for reconnects.
    pub fn next_change(&self) -> Duration {
        self.shared.queue.next_change(self.shared.shards())
    }

    /// Changes the intents, shard by shard, and returns when all have a session with them. Each shard opens its new
    /// session beside the old one and switches to it without losing or repeating an event. Nothing happens if the
    /// intents are the same.
    ///
    /// A shard that is not connected switches when it is connected again; use a timeout if that may take too long: the
    /// change then continues without the caller. Callers that change intents often should ask [`Gateway::next_change`]
    /// first.
    ///
    /// # Errors
    /// If the server refuses the intents or the new session, or too few identifies are left of the day; the shard
    /// that met it, and those after it, keep the old one.
    pub async fn set_intents(&self, bits: u64) -> Result<(), GatewayError> {
        let _one_at_a_time = self.changing.lock().await;
        self.pay_for_change(bits)?;
        for command in &self.commands {
            let (answer, answered) = oneshot::channel();
            let change = Command::Intents(bits, answer);
            command
                .send(change)
                .await
                .map_err(|_| GatewayError::Stopped)?;
            answered.await.map_err(|_| GatewayError::Stopped)??;
        }
        self.shared.asked.store(bits, Ordering::Relaxed);
        Ok(())
    }

    /// Counts a change to these intents, if there is one.
    fn pay_for_change(&self, bits: u64) -> Result<(), GatewayError> {
        let slots = self.shared.slots.iter();
        let others = slots.filter(|slot| slot.intents().is_some_and(|intents| intents != bits));
        let Some(shards) = u32::try_from(others.count())
            .ok()
            .filter(|count| *count > 0)
        else {
            return Ok(());
        };
        if !self.shared.queue.change(shards) {
            let reason = "Discord allows the bot few more new sessions today, and they are kept for reconnects";
            return Err(GatewayError::IntentsUnchanged {
                reason: reason.to_owned(),
            });
        }
        // The next process must know of it, whatever happens to this one.
        self.shared.changed.notify_one();
        Ok(())
    }

    /// Sends a command on a shard; see [`GatewaySender::send`].
    ///
    /// # Errors
    /// If the shard is not connected, or the text is not a command that a bot may send by itself.
    pub fn send(&self, shard: u32, json: String) -> Result<(), GatewayError> {
        self.sender().send(shard, json)
    }

    /// Sends commands for those who do not hold the gateway.
    pub fn sender(&self) -> GatewaySender {
        GatewaySender::new(&self.shared, &self.commands)
    }

    /// Closes the connections so that the sessions can be resumed, and stores them. Events that are
    /// still on their way reach the sink before this returns, which takes at most a few seconds.
    pub async fn shutdown(mut self) {
        for command in self.commands.drain(..) {
            // A shard whose task is gone has nothing to close.
            let _gone = command.send(Command::Stop).await.is_err();
        }
        for task in self.tasks.drain(..) {
            // Nobody else ends it.
            let _ended = task.await.is_ok();
        }
        if let Some(saver) = self.saver.take() {
            saver.finish(self.shared.snapshot(true)).await;
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if let Some(saver) = &self.saver {
            saver.task.abort();
        }
    }
}

impl Saver {
    /// Restores the stored sessions and begins to store what becomes of them.
    fn start(store: Store, shared: &Arc<GatewayShared>) -> Self {
        let Contents { sessions, budget } = store.load();
        shared.queue.restore(budget);
        for mut stored in sessions {
            let exact = deliveries()
                .and_then(|it| it.resume(stored.shard, &stored.session_id, stored.sequence));
            if let Some(sequence) = exact {
                (stored.sequence, stored.exact) = (sequence, true);
            }
            let slot = usize::try_from(stored.shard).ok();
            if let Some(slot) = slot.and_then(|slot| shared.slots.get(slot)) {
                let offered = stored.resume_url.take();
                stored.resume_url = offered.and_then(|offered| shared.resume_at(&offered));
                slot.restore(stored);
            }
        }
        // From here on the file must say that it is not exact, whatever happens to the process.
        let contents = shared.snapshot(false);
        let failing = save(&store, contents.clone(), false);
        let saving = Saving {
            store: store.clone(),
            shared: shared.clone(),
            saved: contents,
            failing,
        };
        let name = host_tasks::Task::SessionSaver;
        let task = host_tasks::spawn(name, saving, |saving, _| Box::pin(saving.run()));
        Self { store, task }
    }

    async fn finish(self, contents: Contents) {
        self.task.abort();
        // A save that is under way must not overwrite the last one.
        let _aborted = self.task.await.is_err();
        let saved = tokio::task::spawn_blocking(move || save(&self.store, contents, false));
        if let Err(error) = saved.await {
            warn!(%error, "The gateway sessions were not stored");
        }
    }
}

/// What is stored, and what was.
struct Saving {
    store: Store,
    shared: Arc<GatewayShared>,
    saved: Contents,
    failing: bool,
}

impl Saving {
    /// Stores the sessions whenever they have changed, at most once in [`SAVE_INTERVAL`].
    async fn run(&mut self) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(SAVE_INTERVAL) => {}
                () = self.shared.changed.notified() => {}
            }
            host_tasks::point(host_tasks::Task::SessionSaver);
            let contents = self.shared.snapshot(false);
            if contents != self.saved {
                self.failing = save(&self.store, contents.clone(), self.failing);
                self.saved = contents;
            }
        }
    }
}

/// Whether it failed; said once, until it succeeds again. A small file without a flush to the disk:
/// quicker than handing it to another thread, and never half done when the task is ended.
fn save(store: &Store, contents: Contents, failing: bool) -> bool {
    match store.save(contents) {
        Ok(()) => false,
        Err(error) => {
            if !failing {
                warn!(%error, "The gateway sessions cannot be stored: after a restart the bot opens new ones");
            }
            true
        }
    }
}

fn refusal(states: &[ShardState]) -> Option<GatewayError> {
    states.iter().find_map(|state| match state {
        ShardState::Refused(error) => Some(error.clone()),
        _ => None,
    })
}

fn unready(states: &[ShardState]) -> String {
    let unready = (0..)
        .zip(states)
        .filter(|(_, state)| **state != ShardState::Ready);
    let words: Vec<String> = unready
        .take(3)
        .map(|(shard, state): (u32, _)| format!("shard {shard} is {state}"))
        .collect();
    words.join("; ")
}

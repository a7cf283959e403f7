//! Keeps one shard connected: connect, serve, pause, again.

use super::GatewayError;
use super::backoff::{Backoff, Ending};
use super::connection::Connection;
use super::deduplicator::Deduplicator;
use super::shard_state::ShardState;
use super::shared::{GatewayShared, Held, Slot, shard_id};
use crate::host_tasks;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tracing::{debug, info, warn};
use twilight_gateway::CloseFrame;

/// What the handle asks of a shard.
pub(super) enum Command {
    /// Change over to a session with these intents, and say when it is open.
    Intents(u64, IntentsReply),
    /// Send this.
    Send(String),
    /// Close, and end the task.
    Stop,
}

type IntentsReply = oneshot::Sender<Result<(), GatewayError>>;

/// Why a connection is over.
pub(super) enum End {
    /// The shard stops.
    Stop,
    /// A new connection at once, at another address: the session is open, but this connection would resume it
    /// elsewhere, or the one that READY named does not answer.
    Detour,
    /// A new connection, after this pause.
    Again {
        pause: Duration,
        ending: Ending,
        why: String,
    },
    /// No new connection.
    Refused(GatewayError),
}

/// After each so many connections in a row that did not come to a session, the server's address is asked for again.
const ASKS_AFTER: u32 = 2;

/// How often the server is asked again while no session may be opened.
const ASKS_WHILE_SPENT: Duration = Duration::from_secs(60 * 60);

fn asks_after(failures: u32) -> bool {
    failures > 0 && failures.is_multiple_of(ASKS_AFTER)
}

/// At which of its two addresses a session is resumed.
#[derive(Debug, Default)]
pub(super) struct Route {
    /// Whether the current connection goes to the address that READY named, and not to the server's.
    pub(super) at_own: bool,
    /// Whether the next connection goes to the server's address, whatever READY named.
    pub(super) avoids_own: bool,
    pub(super) detour: Detour,
}

/// How a session gets on that READY did not tell enough of: it is resumed at once, on another connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Detour {
    #[default]
    None,
    /// The current connection is to resume it.
    UnderWay,
    /// The server refuses that: a session stays on the connection that opened it.
    Refused,
}

/// One shard.
pub(super) struct Task {
    pub(super) shared: Arc<GatewayShared>,
    pub(super) number: u32,
    pub(super) commands: mpsc::Receiver<Command>,
    /// The intents that a new session gets.
    pub(super) wanted: u64,
    /// Who waits for a session with the wanted intents.
    answer: Option<IntentsReply>,
    /// Whether the current connection resumes a session: then the server may repeat events.
    pub(super) resumes: bool,
    /// Recognises what a new session repeats of the former one.
    pub(super) deduplicator: Option<Deduplicator>,
    pub(super) backoff: Backoff,
    /// Connections in a row that ended before a session was open.
    pub(super) failures: u32,
    /// Connections in a row that the server closed right after the bot had identified.
    pub(super) refused_identifies: u32,
    /// Attempts to resume the session that the server has ended, in a row.
    pub(super) refused_resumes: u32,
    pub(super) route: Route,
    /// Since when the current connection receives events.
    pub(super) ready_since: Option<Instant>,
    /// The trouble that was logged last, until the shard is ready again.
    pub(super) trouble: Option<String>,
    /// Whether this shard has identified: the next new session asks for the address again.
    identified: bool,
}

impl Task {
    pub(super) fn new(
        shared: Arc<GatewayShared>,
        number: u32,
        commands: mpsc::Receiver<Command>,
        intents: u64,
    ) -> Self {
        Self {
            shared,
            number,
            commands,
            wanted: intents,
            answer: None,
            resumes: false,
            deduplicator: None,
            backoff: Backoff::default(),
            failures: 0,
            refused_identifies: 0,
            refused_resumes: 0,
            route: Route::default(),
            ready_since: None,
            trouble: None,
            identified: false,
        }
    }

    /// Forgets what a connection has left behind that ended in a panic: the session is resumed.
    pub(super) fn begin_anew(&mut self) {
        self.deduplicator = None;
        self.ready_since = None;
    }

    /// Runs until the handle is gone.
    pub(super) async fn run(&mut self) {
        loop {
            let end = if self.before_identify().await {
                self.set_state(ShardState::Connecting);
                let connection = self.open();
                self.serve(connection).await
            } else {
                End::Stop
            };
            let goes_on = match end {
                End::Stop => false,
                End::Detour => true,
                End::Again { pause, ending, why } => self.pause(pause, ending, why).await,
                End::Refused(error) => self.refused(error).await,
            };
            if !goes_on {
                return;
            }
        }
    }

    pub(super) fn slot(&self) -> &Slot {
        // There is one slot for every task.
        &self.shared.slots[self.number as usize]
    }

    pub(super) fn set_state(&self, state: ShardState) {
        self.shared.set_state(self.number, state);
    }

    /// A connection that resumes the open session, or identifies.
    fn open(&mut self) -> Connection {
        let mut held = self.slot().held();
        self.resumes = held.is_some();
        self.route.at_own = false;
        if let Some((held, _)) = &mut held {
            if self.route.avoids_own {
                held.resume_url = None;
            }
            let url = held.resume_url.as_ref();
            self.route.at_own = url.is_some_and(|url| *url != self.shared.base());
        }
        let intents = held.as_ref().map_or(self.wanted, |(held, _)| held.intents);
        self.connection(intents, held)
    }

    pub(super) fn connection(&self, intents: u64, held: Option<(Held, u64)>) -> Connection {
        let id = shard_id(self.number, self.shared.shards());
        Connection::new(id, self.shared.config(intents, held))
    }

    /// Before a new session: asks where the server is, and waits while no session may be opened. False if the
    /// shard is to stop.
    async fn before_identify(&mut self) -> bool {
        if self.slot().held().is_some() {
            return true;
        }
        let mut again = std::mem::replace(&mut self.identified, true);
        loop {
            let shared = self.shared.clone();
            if again && !self.while_unconnected(shared.ask()).await {
                return false;
            }
            let Err(until) = shared.queue.claim() else {
                return true;
            };
            let why = if shared.queue.exhausted_until().is_some() {
                "the bot has opened as many sessions today as Discord allows"
            } else {
                "the bot has opened nearly as many sessions today as Discord allows, and spreads the last ones"
            };
            self.complain(why);
            // The server may know better by then, or the clock has been set.
            let until = until.min(shared.clock.now() + ASKS_WHILE_SPENT);
            if !self.wait_until(until, why.to_owned()).await {
                return false;
            }
            again = true;
        }
    }

    /// Receives until the connection is over.
    async fn serve(&mut self, mut connection: Connection) -> End {
        self.ready_since = None;
        loop {
            host_tasks::point(host_tasks::Task::Shard);
            if self.is_to_change() {
                match self.hand_over(connection).await {
                    Ok(current) => connection = current,
                    Err(end) => return end,
                }
            }
            tokio::select! {
                biased;
                command = self.commands.recv() => match command {
                    None | Some(Command::Stop) => {
                        self.leave(connection, CloseFrame::RESUME).await;
                        return End::Stop;
                    }
                    Some(Command::Send(json)) => connection.send(json),
                    Some(Command::Intents(bits, answer)) => self.want(bits, answer),
                },
                event = connection.next() => {
                    if let Some(end) = self.take(event, &mut connection).await {
                        return end;
                    }
                }
            }
        }
    }

    /// Whether somebody waits for a session with other intents. A session of a former process keeps its own until
    /// somebody asks: a process that is restarted again and again opens no new ones.
    fn is_to_change(&self) -> bool {
        let waits = self.ready_since.is_some() && self.answer.is_some();
        waits && self.slot().intents() != Some(self.wanted)
    }

    /// Takes on other intents; `serve` and `open` see to them.
    pub(super) fn want(&mut self, bits: u64, answer: IntentsReply) {
        self.wanted = bits;
        self.answer = Some(answer);
        if self.ready_since.is_some() && self.slot().intents() == Some(bits) {
            self.answer(Ok(()));
        }
    }

    pub(super) fn answer(&mut self, result: Result<(), GatewayError>) {
        if let Some(answer) = self.answer.take() {
            // Whoever asked may have stopped waiting.
            let _unheard = answer.send(result).is_err();
        }
    }

    /// Says what is wrong, once.
    fn complain(&mut self, why: &str) {
        if self.trouble.as_deref() != Some(why) {
            let shard = self.number;
            warn!(
                shard,
                why, "The shard is not connected; trying again with growing pauses"
            );
            self.trouble = Some(why.to_owned());
        }
    }

    /// False if the shard is to stop.
    async fn pause(&mut self, pause: Duration, ending: Ending, why: String) -> bool {
        self.ready_since = None;
        if pause.is_zero() {
            let shard = self.number;
            info!(shard, why, "The shard reconnects");
            return true;
        }
        self.complain(&why);
        let until = self.shared.clock.now() + pause;
        self.set_state(ShardState::Waiting { until, why });
        let (shared, address) = (self.shared.clone(), self.shared.base());
        let is_away = ending == Ending::Unreachable;
        let asks = self.slot().held().is_some() && asks_after(self.failures);
        let goes_on = self.while_unconnected(async move {
            tokio::select! {
                () = shared.clock.sleep(pause) => {}
                () = shared.network_is_back(), if is_away => {}
                () = shared.moved(), if asks => {}
            }
        });
        let goes_on = goes_on.await;
        // The server is elsewhere now, and READY has named what it was then.
        self.route.avoids_own |= self.shared.base() != address;
        goes_on
    }

    /// Waits on the gateway's clock. False if the shard is to stop.
    async fn wait_until(&mut self, until: Duration, why: String) -> bool {
        self.set_state(ShardState::Waiting { until, why });
        let clock = self.shared.clock.clone();
        let pause = until.saturating_sub(clock.now());
        self.while_unconnected(clock.sleep(pause)).await
    }

    /// Handles commands while `work` runs. False if the shard should stop.
    async fn while_unconnected(&mut self, work: impl Future<Output = ()>) -> bool {
        tokio::pin!(work);
        loop {
            tokio::select! {
                () = &mut work => return true,
                command = self.commands.recv() => match command {
                    None | Some(Command::Stop) => return false,
                    Some(Command::Send(_)) => {}
                    Some(Command::Intents(bits, answer)) => self.want(bits, answer),
                },
            }
        }
    }

    /// Waits for other intents, the only thing that may help. False if the shard is to stop.
    async fn refused(&mut self, refusal: GatewayError) -> bool {
        let shard = self.number;
        // Whoever holds the gateway is told, and tells its operator.
        debug!(shard, "{refusal}");
        self.ready_since = None;
        self.answer(Err(refusal.clone()));
        self.set_state(ShardState::Refused(refusal));
        loop {
            match self.commands.recv().await {
                None | Some(Command::Stop) => return false,
                Some(Command::Send(_)) => {}
                Some(Command::Intents(bits, answer)) => {
                    self.slot().forget();
                    self.want(bits, answer);
                    return true;
                }
            }
        }
    }
}

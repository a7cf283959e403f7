//! One task for each cog: it owns the cog's VM, takes work from the mailbox and runs handlers until they end. Handlers
//! of one cog begin in the order in which their work arrived, and others run only while one waits.
//!
//! ```text
//! control ─ tasks to begin ─ what runs ─ jobs, timers ─ mailbox ─ what older versions have left
//! ```
//!
//! In this order the task looks for something to do. `running` holds what runs, `work` begins handlers, `tasks` what
//! cogs spawn, `versions` swaps one version for the next, `trial` runs another version for one guild, `migrate` brings
//! the state to a version, `alarm` waits for timers and jobs.

mod alarm;
mod migrate;
mod running;
mod tasks;
mod trial;
mod versions;
mod work;

use super::jobs::Jobs;
use super::live::{Live, Offer};
use super::mailbox::Mailbox;
use super::prepare::{self, PrepareRequest};
use super::timers::Timers;
use crate::activity::Busy;
use crate::api::context::CogContext;
use crate::api::declarations::Staged;
use crate::api::spawner::Spawn;
use crate::host_tasks;
use crate::vm::fair_share::Boost;
use crate::vm::life::Life;
use crate::vm::load_trace::LoadTrace;
use crate::vm::require::PrepareFailure;
use crate::vm::trace::Fault;
use alarm::{Alarm, ring};
use futures_util::FutureExt as _;
use running::RunningSet;
use std::collections::BTreeMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;
use tasks::Spawned;
use tokio::sync::{mpsc, oneshot};
use trial::{Tried, ended_early};

/// How many handlers of one version may run at once; more work waits in the mailbox. `api::versions` limits what still
/// runs of older versions.
const MOST_RUNNING: usize = 1_000;

/// What the host can ask an actor to do.
pub enum Control {
    /// Make the next generation, and keep it ready.
    Prepare(
        Box<PrepareRequest>,
        oneshot::Sender<Result<Offer, PrepareFailure>>,
    ),
    /// Run what was prepared from now on, in the guild for which it was prepared or everywhere.
    Commit(oneshot::Sender<Committed>),
    /// Forget what was prepared.
    Abort(oneshot::Sender<()>),
    /// Run the current version in the guild, too, which tries another one.
    EndTrial(oneshot::Sender<()>),
    /// Start nothing any more; the actor ends when the running handlers have ended.
    Unload(&'static str, Busy, oneshot::Sender<()>),
}

/// What runs after a commit.
#[derive(Debug)]
pub struct Committed {
    /// What is running.
    pub live: Live,
    /// The life of what ran before.
    pub former: Option<Arc<Life>>,
}

type Ended = Box<dyn FnOnce(&mut Actor) + Send>;

/// What the next commit swaps in.
struct Prepared {
    live: Live,
    /// Why.
    reason: &'static str,
    /// The guild that alone is to run it; nothing: all.
    guild: Option<u64>,
}

/// A cog's task.
pub struct Actor {
    cog: Arc<CogContext>,
    current: Option<Live>,
    /// What one guild runs instead. It ends with the current version.
    trial: Option<Tried>,
    prepared: Option<Prepared>,
    /// What each generation declared whose code may still run, by its number.
    declared: Vec<(u64, Weak<Staged>)>,
    /// Counts prepared generations.
    generations: u64,
    timers: Timers,
    jobs: Jobs,
    /// What runs of the current version, or belongs to no version.
    running: RunningSet,
    /// What runs of the version on trial.
    tried: RunningSet,
    /// What still runs of older versions. It runs when nothing else has anything to do.
    leftovers: RunningSet,
    /// Whether the mailbox comes before running handlers: handlers that end again and again must not keep work waiting.
    owes_work: bool,
    /// Stops spawned functions, by numbers in order.
    spawned: BTreeMap<u64, Spawned>,
    /// The number of the last one.
    last_spawned: u64,
    /// Held by each refusal that is being sent.
    refusals: Arc<()>,
    /// Held until everything that the last turn started is running or waits for the clock.
    turn: Option<Busy>,
    /// Answered when nothing runs any more.
    unloading: Option<oneshot::Sender<()>>,
    /// Whether the host itself failed in this task, and no version was committed since.
    has_failed: bool,
}

/// The receiving ends of an actor's channels. What goes through them is in boxes, as a channel has room for 32 entries from
/// its beginning, and most cogs seldom use theirs.
pub struct Inbox {
    /// Work.
    pub mailbox: Arc<Mailbox>,
    /// Requests of the host's.
    pub control: mpsc::UnboundedReceiver<Box<(Control, Boost)>>,
    /// Functions that the cog wants to run.
    pub spawns: mpsc::UnboundedReceiver<Box<Spawn>>,
}

impl Actor {
    /// An actor that has loaded nothing yet.
    pub fn new(cog: Arc<CogContext>) -> Self {
        Self {
            cog,
            current: None,
            trial: None,
            prepared: None,
            declared: Vec::new(),
            generations: 0,
            timers: Timers::default(),
            jobs: Jobs::default(),
            running: RunningSet::default(),
            tried: RunningSet::default(),
            leftovers: RunningSet::default(),
            owes_work: false,
            spawned: BTreeMap::new(),
            last_spawned: 0,
            refusals: Arc::default(),
            turn: None,
            unloading: None,
            has_failed: false,
        }
    }

    /// Runs until the cog is unloaded and its last handler has ended, or the host is gone.
    pub async fn run(&mut self, inbox: &mut Inbox) {
        let cog = Arc::clone(&self.cog);
        let mut alarm: Option<Alarm> = None;
        loop {
            host_tasks::point(host_tasks::Task::Cog);
            if self.running.is_empty()
                && self.tried.is_empty()
                && self.leftovers.is_empty()
                && inbox.spawns.is_empty()
                && let Some(done) = self.unloading.take()
            {
                // What the last handlers have chosen goes with them.
                cog.services.presence.release(&cog.name);
                // Whoever waits for the end may have given up.
                let _told = done.send(()).is_ok();
                return;
            }
            let takes_work = self.takes_work();
            if std::mem::take(&mut self.owes_work)
                && takes_work
                && let Some((work, busy)) = inbox.mailbox.try_take()
            {
                self.take(work, busy);
            }
            // Incoming work must not keep the thread for ever: other cogs wait to run.
            if cog.fair_share.is_time_slice_over() && !cog.fair_share.is_boosted() {
                tokio::task::yield_now().await;
            }
            let due = self.next_due();
            if alarm.as_ref().map(|alarm| alarm.due) != due {
                alarm = due.map(|due| Alarm::new(&cog, due));
            }
            let trial = self.trial.as_ref().map(Tried::life);
            tokio::select! {
                biased;
                control = inbox.control.recv() => match control {
                    Some(control) => {
                        let (control, _boost) = *control;
                        self.control(control, inbox);
                    }
                    None => return,
                },
                // Before handlers that end, so that a task that one of them spawned is not lost at the end.
                Some(spawn) = inbox.spawns.recv() => self.spawn(*spawn),
                Some(ended) = self.running.next(), if !self.running.is_empty() => {
                    self.owes_work = true;
                    ended(self);
                    self.collect_ended();
                }
                () = cog.spawner.cancel_notice.notified() => self.stop_cancelled(),
                // Another one may be the next now.
                () = cog.jobs_changed.notified() => {}
                () = cog.condition.quarantined.notified() => self.keep_away(),
                () = cog.budget.pressed.notified() => self.give_way(),
                why = ended_early(trial.as_ref()) => self.stop_trial(&why.to_string()),
                woken = ring(alarm.as_mut()), if alarm.is_some() => {
                    alarm = None;
                    self.run_jobs();
                    self.run_timers(woken);
                }
                Some(ended) = self.tried.next(), if !self.tried.is_empty() => {
                    self.owes_work = true;
                    ended(self);
                    self.collect_ended();
                }
                (work, busy) = inbox.mailbox.take(), if takes_work => self.take(work, busy),
                Some(ended) = self.leftovers.next(), if !self.leftovers.is_empty() => {
                    ended(self);
                    self.collect_ended();
                }
                // Everything that the last turn started is running now, or waits for the clock.
                () = std::future::ready(()), if self.turn.is_some() => self.turn = None,
            }
        }
    }

    /// Whether there is room for one more handler. Tasks have a limit of their own: a cog with many of them still
    /// answers.
    fn takes_work(&self) -> bool {
        if let Some(live) = &self.current {
            return live.generation.life.handlers() < MOST_RUNNING;
        }
        let refusals = Arc::strong_count(&self.refusals) - 1;
        (self.has_failed || self.cog.is_quarantined()) && refusals < MOST_RUNNING
    }

    fn control(&mut self, control: Control, inbox: &mut Inbox) {
        self.turn = Some(self.cog.services.activity.begin());
        // An answer that nobody waits for any more is dropped.
        match control {
            Control::Prepare(request, answer) => {
                self.generations += 1;
                let prepared = self.prepare(&request);
                let _told = answer
                    .send(prepared.map(|(live, offer)| {
                        let PrepareRequest { reason, guild, .. } = *request;
                        self.prepared = Some(Prepared {
                            live,
                            reason,
                            guild,
                        });
                        offer
                    }))
                    .is_ok();
            }
            Control::Commit(answer) => {
                if let Some(prepared) = self.prepared.take() {
                    let _told = answer.send(self.commit_prepared(prepared, inbox)).is_ok();
                }
            }
            Control::EndTrial(answer) => {
                self.end_trial();
                let _told = answer.send(()).is_ok();
            }
            Control::Abort(answer) => {
                if self.prepared.take().is_some() {
                    self.cog.discard_state();
                }
                let _told = answer.send(()).is_ok();
            }
            Control::Unload(reason, _busy_until_it_is_taken, answer) => {
                self.unload(reason, inbox);
                self.unloading = Some(answer);
            }
        }
    }

    fn commit_prepared(&mut self, prepared: Prepared, inbox: &Inbox) -> Committed {
        let Prepared {
            live,
            reason,
            guild,
        } = prepared;
        let former = if guild.is_some() {
            self.trial.as_ref().map(Tried::life)
        } else {
            let former = self.current.as_ref();
            former.map(|former| Arc::clone(&former.generation.life))
        };
        if let Some(guild) = guild {
            self.commit_trial(guild, &live);
        } else {
            self.commit(&live, reason, inbox);
        }
        Committed { live, former }
    }

    /// Makes the next generation; a panic in the host only fails the attempt.
    fn prepare(&mut self, request: &PrepareRequest) -> Result<(Live, Offer), PrepareFailure> {
        let (cog, current, number) = (&self.cog, self.current.as_ref(), self.generations);
        let attempt = || prepare::prepare(cog, current, number, request);
        cog.limits.set_preparing(true);
        let prepared = catch_unwind(AssertUnwindSafe(attempt));
        cog.limits.set_preparing(false);
        prepared.unwrap_or_else(|_| {
            cog.discard_state();
            cog.declaring.take();
            Err(PrepareFailure {
                fault: Fault::Panic,
                trace: LoadTrace::default(),
            })
        })
    }

    /// Adds work of the version with this life, or of none. A panic in the host ends only this work of the cog.
    fn enlist(
        &mut self,
        life: Option<&Arc<Life>>,
        work: impl Future<Output = Ended> + Send + 'static,
    ) {
        let name = Arc::clone(&self.cog.name);
        let work = host_tasks::caught(host_tasks::Task::Cog, work).map(move |ended| {
            ended.unwrap_or_else(|| {
                tracing::error!(cog = %name, "The host failed while it worked for this cog");
                Box::new(|_: &mut Self| {})
            })
        });
        let Some(life) = life else {
            return self.running.push(Box::pin(work));
        };
        let lane = if life.is_retired() {
            &self.leftovers
        } else if life.is_on_trial() {
            &self.tried
        } else {
            &self.running
        };
        lane.push(Box::pin(OfVersion {
            cog: Arc::clone(&self.cog),
            life: Arc::clone(life),
            work: Box::pin(work),
        }));
    }

    fn handler_limit(&self) -> Duration {
        let seconds = self.cog.services.config.load().limits.handler_seconds;
        Duration::from_secs(seconds.into())
    }
}

/// Work of one version. The processor time of one that has been replaced, or is on trial, is charged to it, including
/// the host's part.
struct OfVersion<F> {
    cog: Arc<CogContext>,
    life: Arc<Life>,
    work: Pin<Box<F>>,
}

impl<F: Future> Future for OfVersion<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Self { cog, life, work } = self.get_mut();
        cog.work_for(life, || work.as_mut().poll(context))
    }
}

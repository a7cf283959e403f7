//! One cog from outside: the mailbox through which work reaches it, the orders that its actor takes, and what is known of it.

use super::actor::{Committed, Control};
use super::live::{Live, Offer, Status, Trial};
use super::mailbox::{Mailbox, Work};
use super::prepare::PrepareRequest;
use crate::api::condition::{Condition, Transition};
use crate::api::context::CogContext;
use crate::guard::Notice;
use crate::history::Undone;
use crate::host_tasks;
use crate::lock::lock;
use crate::problem::Problem;
use crate::vm::fair_share::Boost;
use crate::vm::load_trace::{LoadTrace, Seen};
use crate::vm::require::PrepareFailure;
use crate::vm::resolve::ModuleId;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::mpsc::error::SendError;
use tokio::sync::{mpsc, oneshot};

/// One cog from outside.
#[derive(Debug)]
pub struct CogHandle {
    /// Its name.
    pub name: Arc<str>,
    /// What its functions know.
    pub context: Arc<CogContext>,
    mailbox: Arc<Mailbox>,
    control: mpsc::UnboundedSender<Box<(Control, Boost)>>,
    status: Mutex<Status>,
}

impl CogHandle {
    /// The handle of a cog whose actor has been started: work reaches it through `mailbox`, orders through `control`.
    pub(super) fn new(
        context: Arc<CogContext>,
        mailbox: Arc<Mailbox>,
        control: mpsc::UnboundedSender<Box<(Control, Boost)>>,
        entry: ModuleId,
    ) -> Self {
        Self {
            name: Arc::clone(&context.name),
            context,
            mailbox,
            control,
            status: Mutex::new(Status::new(entry)),
        }
    }

    /// Puts work into the mailbox, which drops entries when it is full. Events for a cog that has to pause are skipped
    /// and counted; if the cog was unloaded meanwhile, the work is returned.
    pub fn post(&self, work: Work) -> Option<Work> {
        if matches!(work, Work::Event(..)) && self.context.limits.pauses() {
            return None;
        }
        self.mailbox.post(work)
    }

    /// How much work was dropped so far.
    pub fn dropped(&self) -> u64 {
        self.context.limits.shed()
    }

    /// What is known of it.
    pub fn status(&self) -> Status {
        self.lock().clone()
    }

    /// How it stands.
    pub fn condition(&self) -> Condition {
        self.context.condition.now()
    }

    /// What is known of it and how it stands, both of one moment.
    pub fn known(&self) -> (Status, Condition) {
        let status = self.lock();
        (status.clone(), self.condition())
    }

    /// What is wrong with it: why it is in quarantine, or why it does not run its newest version.
    pub fn problem(&self) -> Option<Problem> {
        self.condition().problem().cloned()
    }

    /// Whether a version of it was committed: it has commands and names, also in quarantine.
    pub fn has_version(&self) -> bool {
        self.context.condition.is(Condition::has_version)
    }

    /// Reads what is known of it, without a copy.
    pub fn peek<R>(&self, look: impl FnOnce(&Status) -> R) -> R {
        look(&self.lock())
    }

    /// Whether its task is gone: it was unloaded.
    pub fn has_ended(&self) -> bool {
        self.control.is_closed()
    }

    /// Notes that it runs a version from now on.
    pub fn note_commit(&self, live: &Live, offer: &Offer, undone: Option<Arc<Undone>>, at: f64) {
        let mut status = self.lock();
        let (version, _) = self.context.budget.guard.version();
        let guard = status.guard.take().filter(|(of, _)| *of == version);
        *status = Status {
            guard,
            loaded_at: at,
            offer: offer.clone(),
            generation: Some(Arc::clone(&live.generation)),
            undone,
            ..Status::new(live.generation.entry().clone())
        };
        self.context.condition.pass(Transition::Committed);
    }

    /// Notes what the guard has to say about what runs now.
    pub fn note_guard(&self, notice: Arc<Notice>) {
        let mut status = self.lock();
        let (version, _) = self.context.budget.guard.version();
        status.guard = Some((version, notice));
    }

    /// What the guard has to say about what runs.
    pub fn guard_notice(&self) -> Option<Arc<Notice>> {
        let guard = self.peek(|status| status.guard.clone());
        guard.map(|(_, notice)| notice)
    }

    /// Notes why its newest text could not be loaded, which sources that attempt has seen, and what its load has read,
    /// if it came that far. Returns its new condition.
    pub fn note_attempt(
        &self,
        why: Transition,
        attempted: Seen,
        trace: Option<LoadTrace>,
    ) -> Condition {
        let mut status = self.lock();
        let condition = self.context.condition.pass(why);
        status.attempted = attempted;
        // What answers is compared with the sources by what runs.
        if let Some(trace) = trace.filter(|_| !condition.answers()) {
            status.trace = trace;
        }
        condition
    }

    /// Notes that the sources are again what it runs: the last attempt no longer matters.
    pub fn note_mended(&self) {
        let mut status = self.lock();
        self.context.condition.pass(Transition::Cleared);
        status.attempted.clear();
    }

    /// Notes which guild tries another version of it, if one does. Returns what was noted before.
    pub fn note_trial(&self, trial: Option<Trial>) -> Option<Arc<Trial>> {
        std::mem::replace(&mut self.lock().trial, trial.map(Arc::new))
    }

    /// The version that one guild tries.
    pub fn trial(&self) -> Option<Arc<Trial>> {
        self.lock().trial.clone()
    }

    /// Notes that it is to run an earlier version than its files, which it does already; or its files again.
    pub fn note_undone(&self, undone: Option<Arc<Undone>>) {
        self.lock().undone = undone;
    }

    /// Reads what it offers in a guild, or outside of any.
    pub fn peek_in<R>(&self, guild: Option<u64>, look: impl FnOnce(&Offer) -> R) -> R {
        let status = self.lock();
        let trial = status.trial.as_ref();
        let trial = trial.filter(|trial| Some(trial.guild) == guild);
        look(trial.map_or(&status.offer, |trial| &trial.offer))
    }

    fn lock(&self) -> MutexGuard<'_, Status> {
        lock(&self.status)
    }

    fn tell(&self, control: Control) -> Result<(), SendError<Box<(Control, Boost)>>> {
        let boost = self.context.fair_share.boost();
        self.control.send(Box::new((control, boost)))
    }

    async fn ask<R>(&self, control: impl FnOnce(oneshot::Sender<R>) -> Control) -> Option<R> {
        let (answer, answered) = oneshot::channel();
        self.tell(control(answer)).ok()?;
        answered.await.ok()
    }

    /// Makes the next generation. None if the actor has ended.
    pub async fn prepare(&self, request: PrepareRequest) -> Option<Result<Offer, PrepareFailure>> {
        self.ask(|answer| Control::Prepare(Box::new(request), answer))
            .await
    }

    /// Runs what was prepared from now on.
    pub async fn commit(&self) -> Option<Committed> {
        self.ask(Control::Commit).await
    }

    /// Forgets what was prepared.
    pub async fn abort(&self) {
        self.ask(Control::Abort).await;
    }

    /// The same without waiting: it happens after earlier requests, and before later ones.
    pub fn begin_abort(&self) {
        let (answer, _unheard) = oneshot::channel();
        // An actor that is gone has forgotten it.
        let _told = self.tell(Control::Abort(answer)).is_ok();
    }

    /// The guild that tries another version of it runs the current one again.
    pub async fn end_trial(&self) {
        self.ask(Control::EndTrial).await;
    }

    /// Ends it. Returns when its last handler has ended.
    pub async fn unload(&self, reason: &'static str) {
        let busy = self.context.services.activity.begin();
        self.ask(|answer| Control::Unload(reason, busy, answer))
            .await;
    }

    /// The same without waiting: its handlers may go on for a while.
    pub fn begin_unload(self: Arc<Self>, reason: &'static str) {
        let busy = self.context.services.activity.begin();
        host_tasks::errand(async move {
            self.ask(|answer| Control::Unload(reason, busy, answer))
                .await;
        });
    }
}

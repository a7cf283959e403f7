//! A cog's state as its code sees it: committed code one thing, code that is prepared another, whose writes wait for the
//! commit.

use super::job_store::JobStore;
use super::lane::Lane;
use super::nearly_full::NearlyFull;
use super::services::Services;
use super::state::space::Space;
use crate::lock::lock;
use crate::state::{Namespace, StateError, View};
use crate::vm::generation::{Generation, Phase};
use crate::vm::host::{HostError, HostResult};
use crate::vm::life::Life;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// A cog's state as one generation sees it.
#[derive(Clone, Debug)]
pub struct StateViews {
    /// What is stored.
    pub stored: View,
    /// What lives in memory only, and survives reloads.
    pub session: View,
    /// The jobs that are to run.
    pub jobs: JobStore,
    /// What cogs share, by name: kept here because a view has its own defaults.
    shared: Arc<Mutex<BTreeMap<Arc<str>, View>>>,
}

impl StateViews {
    fn of(services: &Services, cog: &str) -> Self {
        let namespace = Namespace::cog(cog);
        let stored = services.store.view(&namespace);
        let session = stored.session_beside(&namespace);
        let jobs = JobStore::new(stored.beside(&Namespace::jobs(cog)));
        Self {
            stored,
            session,
            jobs,
            shared: Arc::default(),
        }
    }

    /// The view of one space.
    pub fn view(&self, space: &Space) -> View {
        match space {
            Space::Own => self.stored.clone(),
            Space::Session => self.session.clone(),
            Space::Shared(name) => lock(&self.shared)
                .entry(Arc::clone(name))
                .or_insert_with(|| self.stored.beside(&Namespace::shared(name)))
                .clone(),
        }
    }
}

/// How a cog's own state is called among those that may be nearly full: shared states have names.
const OWN: &str = "";

/// Bytes in megabytes, with one digit behind the point.
fn shown(bytes: usize) -> String {
    let tenths = bytes.saturating_mul(10) >> 20;
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// The views of one cog's state.
#[derive(Debug)]
pub struct OwnState {
    cog: Arc<str>,
    services: Arc<Services>,
    /// The state that committed code sees.
    live: Mutex<StateViews>,
    /// The state that a version on trial sees: the same, with that version's own defaults.
    on_trial: Mutex<Option<StateViews>>,
    /// Whose work is done now.
    lane: Arc<Lane>,
    /// The state that a generation sees while it is prepared: its writes wait for the commit.
    staged: Mutex<Option<StateViews>>,
    nearly_full: Mutex<NearlyFull>,
}

impl OwnState {
    pub(super) fn new(cog: &Arc<str>, services: &Arc<Services>, lane: &Arc<Lane>) -> Self {
        Self {
            cog: Arc::clone(cog),
            services: Arc::clone(services),
            live: Mutex::new(StateViews::of(services, cog)),
            on_trial: Mutex::default(),
            lane: Arc::clone(lane),
            staged: Mutex::default(),
            nearly_full: Mutex::default(),
        }
    }

    /// The state as the code of `generation` sees it now.
    pub fn of(&self, generation: &Generation) -> StateViews {
        if generation.phase() != Phase::Live
            && let Some(staged) = lock(&self.staged).as_ref()
        {
            return staged.clone();
        }
        self.of_version(&generation.life)
    }

    /// The state as committed code of the version with this life sees it.
    pub(super) fn of_version(&self, life: &Life) -> StateViews {
        self.with(life.is_on_trial(), StateViews::clone)
    }

    /// Looks at the state as that committed code sees it which is on trial, or is not.
    fn with<R>(&self, is_on_trial: bool, look: impl FnOnce(&StateViews) -> R) -> R {
        if is_on_trial && let Some(views) = lock(&self.on_trial).as_ref() {
            return look(views);
        }
        look(&lock(&self.live))
    }

    /// The state as the code of the current version sees it.
    pub fn live(&self) -> StateViews {
        lock(&self.live).clone()
    }

    /// The state of the generation that is being prepared.
    pub fn staged(&self) -> Option<StateViews> {
        lock(&self.staged).clone()
    }

    /// Keeps back what a generation writes while it is prepared.
    pub(super) fn stage(&self) {
        let views = StateViews::of(&self.services, &self.cog);
        views.stored.stage();
        *lock(&self.staged) = Some(views);
    }

    /// Ends staging: what was written takes effect.
    pub(super) fn commit(&self) {
        if let Some(views) = lock(&self.staged).take() {
            views.stored.commit();
            views.stored.flush();
            *lock(&self.live) = views;
        }
    }

    /// The same for a version on trial.
    pub(super) fn commit_trial(&self) {
        if let Some(views) = lock(&self.staged).take() {
            views.stored.commit();
            views.stored.flush();
            *lock(&self.on_trial) = Some(views);
        }
    }

    /// No version is on trial any more.
    pub(super) fn end_trial(&self) {
        if let Some(views) = lock(&self.on_trial).take() {
            views.stored.flush();
        }
    }

    /// Ends staging: nothing remains.
    pub(super) fn discard(&self) {
        if let Some(views) = lock(&self.staged).take() {
            views.stored.discard();
        }
    }

    /// Hands the writes since the last yield to the disk, as one.
    pub fn flush(&self) {
        self.with(self.lane.is_on_trial(), |views| {
            views.stored.flush();
            self.look_at_room(views);
        });
    }

    /// Warns when what the cog has stored, or a shared state that it uses, comes near its limit.
    fn look_at_room(&self, live: &StateViews) {
        let mut nearly_full = lock(&self.nearly_full);
        let (used, limit) = (live.stored.used(), live.stored.room());
        if nearly_full.note(OWN, used, limit) {
            tracing::warn!(
                cog = %self.cog,
                "The state of this cog is nearly full: it has {} of {} MB (limits.state_mb); beyond that its writes fail",
                shown(used), limit >> 20
            );
        }
        for (name, view) in lock(&live.shared).iter() {
            let used = view.usage();
            if nearly_full.note(name, used, limit) {
                tracing::warn!(
                    cog = %self.cog, state = %name,
                    "A state that cogs share is nearly full: it has {} of {} MB (limits.state_mb); beyond that writes to it fail",
                    shown(used), limit >> 20
                );
            }
        }
    }

    /// Returns once every write that the cog made so far is safe on disk: no user sees an answer that a
    /// crash then forgets.
    pub(super) async fn writes_committed(&self) -> HostResult<()> {
        let is_on_trial = self.lane.is_on_trial();
        let written = self.with(is_on_trial, |views| views.stored.flush());
        written.committed().await.map_err(|error| {
            // The writer tells the log why, once until it goes well again. No author is told where the files are.
            let message = match error {
                StateError::Closed => error.to_string(),
                _ => "the state could not be written to disk; the log says why".to_owned(),
            };
            HostError::new("state", message).into()
        })
    }
}

//! One guild tries another version of the cog, beside the current one, in a VM of its own: what happens in that guild is
//! that version's work, and everything else stays the current one's: other guilds, direct messages, timers and jobs.
//!
//! Both have one task, one mailbox and one state, so the cog has no more than it had. Where there is not enough for
//! both, the version on trial gives way.

use super::Actor;
use crate::activity::Busy;
use crate::cogs::live::Live;
use crate::cogs::mailbox::Work;
use crate::vm::life::Life;
use crate::vm::memory::pressure::Pressure;
use std::sync::Arc;

/// What one guild runs.
pub(super) struct Tried {
    guild: u64,
    live: Live,
}

impl Tried {
    pub(super) fn life(&self) -> Arc<Life> {
        Arc::clone(&self.live.generation.life)
    }
}

/// Returns when a trial has to give way, with the reason; never without one.
pub(super) async fn ended_early(trial: Option<&Arc<Life>>) -> Pressure {
    match trial {
        Some(life) => life.ended().await,
        None => std::future::pending().await,
    }
}

impl Actor {
    /// A guild runs another version from now on.
    pub(super) fn commit_trial(&mut self, guild: u64, live: &Live) {
        self.end_trial();
        live.generation.go_on_trial();
        self.cog.begin_trial(&live.generation, &live.vm);
        self.cog
            .capabilities
            .grant_trial(live.info.capabilities.clone());
        let _shown = live.vm.loader().publish(&live.generation).is_ok();
        self.note_declared(live);
        self.trial = Some(Tried {
            guild,
            live: live.clone(),
        });
        self.cog.note_memory(&live.vm);
    }

    /// The guild runs the current version again. What runs of the other one is work of an older version from here on.
    pub(super) fn end_trial(&mut self) {
        let Some(trial) = self.trial.take() else {
            return;
        };
        trial.live.generation.retire(self.cog.services.clock.now());
        self.end_delays(Life::is_on_trial);
        self.leftovers.append(std::mem::take(&mut self.tried));
        self.cog.end_trial();
    }

    /// The same because of something that nobody asked for, which is told.
    pub(super) fn stop_trial(&mut self, why: &str) {
        if self.trial.is_some() {
            self.end_trial();
            self.cog
                .services
                .ended_trials
                .add(&self.cog.name, why.to_owned());
        }
    }

    /// The version whose work this is.
    pub(super) fn version_for(&self, work: &Work) -> Option<Live> {
        let trial = self.trial.as_ref();
        let trial = trial.filter(|trial| work.event().origin().guild == trial.guild);
        let live = trial.map(|trial| &trial.live).or(self.current.as_ref());
        live.cloned()
    }

    /// Whether a version on trial has so much under way that it takes no more: the others do not wait for that. The work
    /// is dropped then, with a word to whoever waits for an answer.
    pub(super) fn is_too_much(version: &Live) -> bool {
        let life = &version.generation.life;
        life.is_on_trial() && life.handlers() >= super::MOST_RUNNING
    }

    /// Drops work of a version on trial, of which there is too much.
    pub(super) fn shed(&mut self, work: Work, busy: Busy) {
        let origin = work.event().origin();
        let (guild, channel, user) = (origin.guild, origin.channel, origin.user);
        self.cog.limits.count_shed(guild, channel, user);
        if let Work::Command(call, ticket) = work
            && self.cog.limits.may_refuse()
        {
            self.refuse(&call, ticket, busy);
        }
    }
}

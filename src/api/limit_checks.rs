//! Where a cog uses something of its limits: it is counted here, and refused where there is no more.

use super::budget::Budget;
use super::lane::Lane;
use super::limits::{Limit, at_most, megabytes};
use super::services::Services;
use super::usage::{MailboxLimits, TaskSlot, Usage};
use crate::charge::Charge;
use crate::discord::event::Event;
use crate::lock::lock;
use crate::problem::SourceLocation;
use crate::vm::host::{HostError, HostResult};
use crate::vm::memory::held::Memory;
use crate::vm::memory::pressure::Pressure;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Commands within ten seconds that are told that the mailbox is full.
const MOST_REFUSALS: u32 = 5;

/// How many calls to Discord of one cog may wait in its queue.
const MOST_WAITING_CALLS: usize = 1_000;

/// Requests for members within a minute.
const MOST_MEMBER_REQUESTS: u32 = 20;

/// The limits of one cog, with what it uses of them.
#[derive(Debug)]
pub struct LimitChecks {
    /// The cog's name.
    cog: Arc<str>,
    pub(super) services: Arc<Services>,
    /// What is counted by the cog's name.
    budget: Arc<Budget>,
    /// Whose work is done now.
    pub(super) lane: Arc<Lane>,
    usage: Usage,
    is_preparing: AtomicBool,
}

impl LimitChecks {
    /// Nothing is used yet but what the cog's name has used.
    pub(super) fn new(
        cog: &Arc<str>,
        services: &Arc<Services>,
        budget: &Arc<Budget>,
        lane: &Arc<Lane>,
    ) -> Self {
        Self {
            cog: Arc::clone(cog),
            services: Arc::clone(services),
            budget: Arc::clone(budget),
            lane: Arc::clone(lane),
            usage: Usage::default(),
            is_preparing: AtomicBool::new(false),
        }
    }

    /// Counts that a limit was met once more, and tells the guard; returns how often it was by now. `error` tells what
    /// met it.
    pub fn meet(&self, limit: Limit, error: impl FnOnce() -> Option<String>) -> u64 {
        let times = self.budget.limit_hits.count(limit);
        let is_of_another = self.lane.is_older() || self.is_preparing.load(Ordering::Relaxed);
        // That all cogs together have too much says nothing about this one.
        if !is_of_another && limit != Limit::TotalMemory {
            let now = self.services.clock.now();
            let met = (limit as usize, limit.key());
            let alarm = self.budget.guard.met(now, met, Limit::of_use(), error);
            if let Some(alarm) = alarm {
                self.services.raise(&self.cog, alarm);
            }
        }
        times
    }

    /// The next version is prepared, or no longer: what it meets is not met by the one that answers.
    pub fn set_preparing(&self, is_preparing: bool) {
        self.is_preparing.store(is_preparing, Ordering::Relaxed);
    }

    /// The error of `function` for a limit that was met, which is counted.
    pub fn at_limit(&self, limit: Limit, message: String) -> HostError {
        self.meet(limit, || Some(message.clone()));
        HostError::new("limit", message)
    }

    /// Returns when one more call to Discord may be made: those beyond `limits.discord_calls_per_10s` wait in a queue.
    /// Raises when too many wait, and when Discord has refused too many.
    pub(super) async fn wait_to_call(&self, function: &str) -> HostResult<()> {
        self.may_be_refused(function)?;
        let uses = || self.services.config.load().limits.discord_calls_per_10s;
        let version = self.lane.version();
        let Some(slot) = self.budget.spent.calls.join(version, MOST_WAITING_CALLS) else {
            let message = format!(
                "{function}: {MOST_WAITING_CALLS} calls to Discord of this cog wait for their turn already (limits.discord_calls_per_10s); wait until some of them have been made"
            );
            return Err(self.at_limit(Limit::DiscordCalls, message).into());
        };
        if slot.take_or_wait_time(uses()).is_none() {
            return Ok(());
        }
        let times = self.meet(Limit::DiscordCalls, || None);
        if times.is_power_of_two() {
            tracing::info!(
                cog = %self.cog, times,
                "A cog's calls to Discord wait for their turn, because it has used up its calls for these 10 seconds (limits.discord_calls_per_10s)"
            );
        }
        let waiting = self.services.outbound.waits_for_own_limit(&self.cog);
        slot.wait(uses).await;
        drop(waiting);
        // Those before may have been refused meanwhile.
        self.may_be_refused(function)
    }

    /// Raises when Discord has refused too many calls of this cog for another one.
    fn may_be_refused(&self, function: &str) -> HostResult<()> {
        let limit = self
            .services
            .config
            .load()
            .limits
            .discord_refusals_per_10min;
        if self.refused_calls() < at_most(limit) {
            return Ok(());
        }
        let message = format!(
            "{function}: Discord has refused {limit} calls of this cog within ten minutes (limits.discord_refusals_per_10min), so it may make no more for now: check which permissions the bot lacks"
        );
        Err(self.at_limit(Limit::DiscordRefusals, message).into())
    }

    /// Counts one request for members to the gateway, where few commands may be sent.
    pub(super) fn count_member_request(&self, function: &str) -> HostResult<()> {
        if self.budget.spent.member_requests.take(MOST_MEMBER_REQUESTS) {
            return Ok(());
        }
        let message = format!(
            "{function}: a cog may ask for members {MOST_MEMBER_REQUESTS} times a minute; for one member use discord.get_guild_member"
        );
        Err(HostError::new("limit", message).into())
    }

    /// Counts one request to another server against `limits.http_calls_per_10s`.
    pub(super) fn count_http(&self, function: &str) -> HostResult<()> {
        let limit = self.services.config.load().limits.http_calls_per_10s;
        if self.budget.spent.requests.take(limit) {
            return Ok(());
        }
        let message = format!(
            "{function}: this cog has used up its {limit} requests for these 10 seconds (limits.http_calls_per_10s)"
        );
        Err(self.at_limit(Limit::HttpCalls, message).into())
    }

    /// Counts a call that Discord has refused.
    pub fn count_refusal(&self) {
        lock(&self.budget.spent.refused_calls).add(self.services.clock.now());
    }

    /// The calls that Discord has refused within ten minutes.
    pub(super) fn refused_calls(&self) -> usize {
        lock(&self.budget.spent.refused_calls).count(self.services.clock.now())
    }

    /// A slot for one more message that is to be deleted later; raises when there are too many tasks.
    pub(super) fn count_deletion(&self, function: &str) -> HostResult<TaskSlot> {
        let (current, on_trial) = (self.current_tasks(), self.tasks_on_trial());
        let deletions = &self.usage.deletions;
        if self.lane.is_on_trial() {
            self.count_among(function, deletions, current + on_trial, 0)
        } else {
            self.count_among(function, deletions, current, on_trial)
        }
    }

    /// A slot for one more task of a version whose tasks are counted in `tasks`; raises when there are too many.
    /// What an older version has begun leaves the next one its slots. The current version and one on trial share theirs,
    /// and where these do not suffice for the current one, the trial ends.
    pub(super) fn count_task(
        &self,
        function: &str,
        tasks: &Arc<AtomicUsize>,
    ) -> HostResult<TaskSlot> {
        let deletions = self.usage.deletions.load(Ordering::Relaxed);
        if self.lane.is_on_trial() {
            self.count_among(function, tasks, deletions + self.current_tasks(), 0)
        } else if self.lane.is_older() {
            self.count_among(function, tasks, deletions, 0)
        } else {
            self.count_among(function, tasks, deletions, self.tasks_on_trial())
        }
    }

    /// Counts one more in `count`, beside `others`, and beside `giving_way` tasks of a version that is ended where there
    /// are too many with them.
    fn count_among(
        &self,
        function: &str,
        count: &Arc<AtomicUsize>,
        others: usize,
        giving_way: usize,
    ) -> HostResult<TaskSlot> {
        let limit = self.services.config.load().limits.tasks;
        let most = at_most(limit);
        let slot = TaskSlot(Arc::clone(count));
        let before = count.fetch_add(1, Ordering::Relaxed) + others;
        if before < most {
            if before + giving_way >= most {
                self.budget.versions.end_trial(Pressure::Tasks(limit));
            }
            return Ok(slot);
        }
        let message = format!(
            "{function}: this cog already has {limit} tasks (limits.tasks); wait until some of them have ended"
        );
        Err(self.at_limit(Limit::Tasks, message).into())
    }

    /// Tasks of the current version and of one on trial which have not ended.
    pub fn tasks(&self) -> usize {
        let deletions = self.usage.deletions.load(Ordering::Relaxed);
        self.current_tasks() + self.tasks_on_trial() + deletions
    }

    fn current_tasks(&self) -> usize {
        lock(&self.usage.tasks).load(Ordering::Relaxed)
    }

    fn tasks_on_trial(&self) -> usize {
        lock(&self.usage.tasks_on_trial).load(Ordering::Relaxed)
    }

    /// Another version answers, with tasks of its own.
    pub(super) fn set_tasks(&self, tasks: &Arc<AtomicUsize>) {
        *lock(&self.usage.tasks) = Arc::clone(tasks);
    }

    /// A guild tries a version with tasks of its own, or none any more.
    pub(super) fn set_tasks_on_trial(&self, tasks: Option<&Arc<AtomicUsize>>) {
        *lock(&self.usage.tasks_on_trial) = tasks.map(Arc::clone).unwrap_or_default();
    }

    /// Counts one more coroutine of a VM, whose are counted in `coroutines`. `count` collects garbage and tells how many
    /// there are; it is asked when there seem to be too many.
    pub(super) fn count_coroutine(
        &self,
        function: &str,
        coroutines: &AtomicUsize,
        count: impl FnOnce() -> mlua::Result<usize>,
    ) -> HostResult<()> {
        let limit = self.services.config.load().limits.coroutines;
        let most = at_most(limit);
        if coroutines.load(Ordering::Relaxed) >= most {
            coroutines.store(count()?, Ordering::Relaxed);
        }
        let before = coroutines.fetch_add(1, Ordering::Relaxed);
        if before < most || before < 2 * most && self.older_ones_give_way() {
            return Ok(());
        }
        coroutines.fetch_sub(1, Ordering::Relaxed);
        let message = format!(
            "{function}: this cog already has {limit} coroutines (limits.coroutines); wait until some of them have ended"
        );
        Err(self.at_limit(Limit::Coroutines, message).into())
    }

    /// Whether older versions are being given up for the one that runs: as soon as it waits they are gone.
    fn older_ones_give_way(&self) -> bool {
        let versions = &self.budget.versions;
        !self.lane.is_older() && (versions.make_all_room() || versions.are_ending())
    }

    /// Coroutines, and those that are garbage by now.
    pub fn coroutines(&self) -> usize {
        lock(&self.usage.coroutines).load(Ordering::Relaxed)
    }

    /// A fresh VM has no coroutines. Where they are counted.
    pub(super) fn begin_coroutines(&self) -> Arc<AtomicUsize> {
        let coroutines = Arc::default();
        *lock(&self.usage.coroutines) = Arc::clone(&coroutines);
        coroutines
    }

    /// Notes how many timers the committed generation has.
    pub fn set_timers(&self, count: usize) {
        self.usage.timers.store(count, Ordering::Relaxed);
    }

    /// Timers of the committed generation.
    pub fn timers(&self) -> usize {
        self.usage.timers.load(Ordering::Relaxed)
    }

    /// What may wait in the mailbox.
    pub fn mailbox_limits(&self) -> MailboxLimits {
        let limits = &self.services.config.load().limits;
        MailboxLimits {
            count: at_most(limits.mailbox),
            bytes: megabytes(limits.mailbox_mb),
        }
    }

    /// Notes what waits in the mailbox.
    pub fn note_waiting(&self, count: usize, bytes: usize) {
        self.usage.waiting.store(count, Ordering::Relaxed);
        self.usage.waiting_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Room in a wait's line for an event of so many bytes: as much as the mailbox may have.
    pub(super) fn room_for_awaited(&self, held: &Arc<Memory>, bytes: usize) -> Option<Charge> {
        let most = self.mailbox_limits().bytes;
        held.allowance(most).take(bytes).ok()
    }

    /// Counts an event for which a wait had no room, and tells the log from time to time.
    pub(super) fn count_unheard(&self, event: &Event) {
        let times = self.meet(Limit::MailboxSize, || None);
        if times.is_power_of_two() {
            tracing::warn!(
                cog = %self.cog, times, event = %event.name,
                "A wait missed an event, because too many events that it has not looked at wait for it (limits.mailbox_mb): its `where` is too slow"
            );
        }
    }

    /// Counts work that was taken out of a full mailbox, and tells the log from time to time who had most waiting.
    pub fn count_shed(&self, guild: u64, channel: u64, user: u64) {
        let is_full = self.waiting() >= self.mailbox_limits().count;
        let limit = if is_full {
            Limit::Mailbox
        } else {
            Limit::MailboxSize
        };
        let times = self.meet(limit, || None);
        if times.is_power_of_two() {
            tracing::warn!(
                cog = %self.cog, times, key = limit.key(), guild, channel, user,
                "A cog's mailbox is full (limits.mailbox_mb, limits.mailbox): the newest events of the user with the most waiting events are dropped, this time of this guild, channel and user. Admin commands are kept"
            );
        }
    }

    /// Whether the cog has to pause, because the current version has used up its processor time of this minute. To be asked before
    /// each thing that is left out then: it is counted.
    pub fn pauses(&self) -> bool {
        let limit = self.services.config.load().limits.cpu_seconds_per_minute;
        if self.lane.cpu_meter.used(Instant::now()) < Duration::from_secs(limit.into()) {
            return false;
        }
        let times = self.meet(Limit::CpuPerMinute, || None);
        if times.is_power_of_two() {
            tracing::warn!(
                cog = %self.cog, times,
                "A cog has to pause: its events and timers are skipped, because it has used {limit} s of processor time within a minute (limits.cpu_seconds_per_minute)"
            );
        }
        true
    }

    /// Work in the mailbox.
    pub fn waiting(&self) -> usize {
        self.usage.waiting.load(Ordering::Relaxed)
    }

    /// Bytes of it.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.usage.waiting_bytes.load(Ordering::Relaxed)
    }

    /// How much work was taken out of the mailbox because it was full.
    pub fn shed(&self) -> u64 {
        self.budget.limit_hits.times(Limit::Mailbox)
            + self.budget.limit_hits.times(Limit::MailboxSize)
    }

    /// Whether one more user may be told that the mailbox is full.
    pub fn may_refuse(&self) -> bool {
        self.budget.spent.refusals.take(MOST_REFUSALS)
    }

    /// Whether one more line of this cog's may go to the log, with the texts that `texts` makes for it. They are not
    /// made when there are too many lines, and are cut where they are too long. `place` tells where the line is
    /// written.
    pub fn may_log<const N: usize>(
        &self,
        place: impl FnOnce() -> Option<SourceLocation>,
        texts: impl FnOnce() -> [String; N],
    ) -> Option<[String; N]> {
        let config = self.services.config.load();
        let log = &self.budget.spent.log;
        match log.take_line(&config.limits, &self.services.log, texts) {
            Ok(texts) => {
                if let Some(lines) = log.end_of_flood() {
                    tracing::warn!(cog = %self.cog, lines, "Lines of a cog were left out of the log");
                }
                Some(texts)
            }
            Err(flood) => {
                self.meet(flood.limit(), || None);
                if log.leave_out() {
                    let place = place().map(|place| format!("{}:{}", place.file, place.line));
                    tracing::warn!(cog = %self.cog, place, "{}", flood.sentence());
                }
                None
            }
        }
    }
}

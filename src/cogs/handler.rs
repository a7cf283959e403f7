//! One run of an author's function, from its call to its end, with its limits of time.

use super::live::Live;
use super::{quarantine, watched};
use crate::api::context::CogContext;
use crate::clock::Woken;
use crate::vm::life::Turn;
use crate::vm::run::Run;
use crate::vm::trace::Fault;
use mlua::{Function, IntoLuaMulti, MultiValue};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::{Duration, Instant};

/// The longest time of a handler, including all waiting.
const LONGEST_HANDLER: Duration = Duration::from_secs(3_600);

/// Calls a function and awaits its end. Whenever it waits, its writes go to the disk as one batch.
pub(super) async fn run(
    cog: &Arc<CogContext>,
    live: &Live,
    function: &Function,
    arguments: impl IntoLuaMulti,
    limit: Duration,
) -> Result<MultiValue, Fault> {
    let run = Run::new(&cog.services.activity);
    run_as(&run, cog, live, function, arguments, limit).await
}

/// The same for a run that has begun already: the bot counts as busy since then.
pub(super) async fn run_as(
    run: &Arc<Run>,
    cog: &Arc<CogContext>,
    live: &Live,
    function: &Function,
    arguments: impl IntoLuaMulti,
    limit: Duration,
) -> Result<MultiValue, Fault> {
    run_in_turn(None, run, cog, live, function, arguments, limit).await
}

/// The same for a run that begins after those that were started before it: a cog that has used up its time slice lets
/// several wait for the next one, which must not change their order.
pub(super) async fn run_in_turn(
    mut turn: Option<Turn>,
    run: &Arc<Run>,
    cog: &Arc<CogContext>,
    live: &Live,
    function: &Function,
    arguments: impl IntoLuaMulti,
    limit: Duration,
) -> Result<MultiValue, Fault> {
    live.generation.life.tally.begin();
    // Dropped after the handler.
    let mut leftovers = Leftovers::of(cog, live);
    let mut handler = pin!(live.vm.run(&live.generation, run, function, arguments));
    let handler = poll_fn(|context| {
        let is_early = turn.as_ref().is_some_and(|turn| !turn.has_come());
        if is_early || cog.fair_share.is_time_slice_over() {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        // A coroutine that it has begun may wait, and so have the run count as waiting, while the run goes on.
        let busy = cog.services.activity.begin();
        let polled = handler.as_mut().poll(context);
        // It has begun: the next one may.
        turn = None;
        cog.state.flush();
        cog.note_memory(&live.vm);
        drop(busy);
        polled
    });
    let result = tokio::select! {
        biased;
        result = within(cog, run, limit, handler) => result,
        (fault, woken) = outlived(cog, live, limit) => {
            run.cut_off();
            drop(woken);
            Err(fault)
        }
    };
    leftovers.note(&result);
    watched::ran(cog, live);
    if let Err(fault) = &result {
        quarantine::note(cog, live, fault);
    }
    result
}

/// Returns when the time of a handler of an old version is over: `limit` after the new version was committed, but no
/// later than the last handler that began before that commit may run. Handlers that the old version starts after the
/// commit extend neither limit. From then on nothing of the old version runs. Returns sooner when others need its
/// memory.
async fn outlived(cog: &CogContext, live: &Live, limit: Duration) -> (Fault, Option<Woken>) {
    let since = live.generation.retired().await;
    let services = &cog.services;
    let whole = Duration::from_secs(services.config.load().limits.handler_seconds.into());
    let left = (since + whole.max(limit)).saturating_sub(services.clock.now());
    tokio::select! {
        biased;
        why = live.generation.life.ended() => (Fault::GaveWay(why), None),
        woken = services.clock.alarm(limit.min(left)) => {
            if limit >= left {
                live.generation.close();
            }
            (Fault::Outlived { limit }, Some(woken))
        }
    }
}

/// Releases what a stopped handler would leave in the VM's garbage: locks that it held, and coroutines that still wait
/// for the clock or for an event.
pub(super) struct Leftovers<'a> {
    cog: &'a CogContext,
    live: &'a Live,
    /// Whether it was stopped from outside.
    cut_off: bool,
    failed: bool,
}

impl<'a> Leftovers<'a> {
    pub(super) fn of(cog: &'a CogContext, live: &'a Live) -> Self {
        Self {
            cog,
            live,
            cut_off: true,
            failed: true,
        }
    }

    pub(super) fn note(&mut self, result: &Result<MultiValue, Fault>) {
        self.failed = result.is_err();
        self.cut_off = matches!(
            result,
            Err(Fault::Outlived { .. } | Fault::GaveWay(_) | Fault::Timeout { .. } | Fault::Closed)
        );
    }
}

impl Drop for Leftovers<'_> {
    fn drop(&mut self) {
        let holds = self.failed && self.cog.holds.load(Ordering::Relaxed) > 0;
        if (self.cut_off || holds) && self.live.generation.life.is_worth_collecting() {
            self.live.vm.collect();
        }
    }
}

/// Awaits `handler` for as long as `limit`, not counting the time in which it waits by itself.
async fn within(
    cog: &CogContext,
    run: &Run,
    limit: Duration,
    handler: impl Future<Output = Result<MultiValue, Fault>>,
) -> Result<MultiValue, Fault> {
    let began = Instant::now();
    let mut handler = pin!(handler);
    let mut left = limit;
    loop {
        tokio::select! {
            biased;
            result = &mut handler => return result,
            () = cog.services.clock.sleep(left) => {}
        }
        let passed = began.elapsed();
        let active = passed.saturating_sub(run.waited());
        if active >= limit || passed >= LONGEST_HANDLER {
            return Err(Fault::Timeout { limit });
        }
        left = limit.saturating_sub(active).max(Duration::from_millis(10));
    }
}

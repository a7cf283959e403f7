//! One run of an author's function, from its call to its end, with its limits of time.

use super::fault;
use super::live::Live;
use crate::api::context::CogContext;
use crate::clock::Woken;
use crate::vm::slice::Run;
use crate::vm::trace::Fault;
use mlua::{Function, IntoLuaMulti, MultiValue};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::{Duration, Instant};

/// A handler lasts at most this long, however much of it is waiting.
const LONGEST_HANDLER: Duration = Duration::from_secs(3_600);

/// Calls a function and awaits its end. Its writes go to the disk, as one, whenever it waits.
pub async fn run(
    cog: &Arc<CogContext>,
    live: &Live,
    function: &Function,
    arguments: impl IntoLuaMulti,
    limit: Duration,
) -> Result<MultiValue, Fault> {
    let run = Run::new(&cog.services.activity);
    run_as(&run, cog, live, function, arguments, limit).await
}

/// The same as a run that has begun already, so that the bot is busy from then on.
pub async fn run_as(
    run: &Arc<Run>,
    cog: &Arc<CogContext>,
    live: &Live,
    function: &Function,
    arguments: impl IntoLuaMulti,
    limit: Duration,
) -> Result<MultiValue, Fault> {
    // Dropped after the handler.
    let mut leftovers = Leftovers::of(cog, live);
    let mut handler = pin!(live.vm.run(&live.generation, run, function, arguments));
    let handler = poll_fn(|context| {
        if cog.fair_share.is_time_slice_over() {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let polled = handler.as_mut().poll(context);
        cog.flush_state();
        cog.note_memory(&live.vm);
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
    if let Err(fault) = &result {
        fault::note(cog, live, fault);
    }
    result
}

/// Returns when the code's successor has been running for `limit`, and at the latest when a handler that began
/// before it had its time: what old code begins meanwhile gets no time of its own. Then nothing of it runs any
/// more. Sooner when others need its room.
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

/// What a handler leaves in the VM's garbage when it does not come to its own end: locks that it held, and
/// coroutines with places on the clock.
pub(super) struct Leftovers<'a> {
    cog: &'a CogContext,
    live: &'a Live,
    /// It was ended from outside.
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
        let holds_locks = self.failed && self.cog.locks.load(Ordering::Relaxed) > 0;
        if (self.cut_off || holds_locks) && self.live.generation.life.is_worth_collecting() {
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

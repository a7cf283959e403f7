//! One run of an author's function, from its call to its end, with its limits of time.

use super::live::Live;
use crate::api::context::CogContext;
use crate::vm::slice::Run;
use crate::vm::trace::Fault;
use mlua::{Function, IntoLuaMulti, MultiValue};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
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
    let mut handler = pin!(live.vm.run(&live.generation, &run, function, arguments));
    let handler = poll_fn(|context| {
        let polled = handler.as_mut().poll(context);
        cog.flush_state();
        polled
    });
    within(cog, &run, limit, handler).await
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

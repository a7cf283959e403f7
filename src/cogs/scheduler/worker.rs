//! The threads on which cogs run.

use super::SchedulerState;
use super::run_queue::Lane;
use crate::vm::cpu_usage::ThreadTime;
use crate::vm::raw::ThreadId;
use crate::vm::watchdog;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar};
use std::time::Duration;

/// A cog's Luau may call Rust which calls Luau again: the C stack must hold the deepest of it.
const STACK: usize = 8 << 20;
/// All threads of cogs stand back behind the bot's own, so that no heartbeat and no reload is late for what cogs do.
const QUICK_NICENESS: i32 = 5;
/// How much farther those stand back on which slices are long. A quick thread goes before them at once, and gets
/// three times as much where it has something to do for long. Not farther: on a machine with other work they must not
/// be stopped for long, as they may hold a lock.
const PATIENT_NICENESS: i32 = 5;
/// A slice that has used so much on a quick thread is not a quick one.
const LONG: Duration = Duration::from_millis(5);
/// Threads that may have stepped aside at the same time.
pub(super) const MOST_ASIDE: usize = 64;

/// Lets the calling thread go after those of the bot's own.
pub(super) fn step_back() {
    ThreadId::current().step_back(QUICK_NICENESS);
}

/// Starts a thread that serves a lane until the scheduler stops.
pub(super) fn start(shared: &Arc<SchedulerState>, lane: Lane) -> io::Result<()> {
    let shared = Arc::clone(shared);
    std::thread::Builder::new()
        .name("cogsmith-cogs".to_owned())
        .stack_size(STACK)
        .spawn(move || serve(&shared, lane))?;
    Ok(())
}

fn serve(shared: &Arc<SchedulerState>, lane: Lane) {
    step_back();
    let is_aside = Arc::new(Aside::default());
    match lane {
        Lane::Quick => step_aside_when_long(shared, &is_aside),
        Lane::Patient => ThreadId::current().step_back(PATIENT_NICENESS),
    }
    let _context = shared.runtime.as_ref().map(tokio::runtime::Runtime::enter);
    let mut time = ThreadTime::of_this_thread();
    let arrival = Arc::new(Condvar::new());
    shared.queue.begin(lane);
    while !is_aside.is_replaced.load(Ordering::Acquire)
        && let Some(task) = shared.queue.pop(lane, &arrival)
    {
        let goes_on = watchdog::time_slice(|| task.run(&mut time));
        let is_long = is_aside.is_long.swap(false, Ordering::AcqRel);
        let is_replaced = is_aside.is_replaced.load(Ordering::Acquire);
        if is_long && !is_replaced {
            shared.queue.come_back(lane);
        }
        if goes_on {
            task.go_on((!is_replaced).then_some(lane));
        }
    }
    if is_aside.is_replaced.load(Ordering::Acquire) {
        shared.give_place_back();
    }
    if shared.queue.is_stopped() {
        shared.end_tasks();
    }
}

/// How a thread of quick cogs stands while its slice is long.
#[derive(Debug, Default)]
struct Aside {
    /// It does not count among the threads that run.
    is_long: AtomicBool,
    /// Another one has taken its place.
    is_replaced: AtomicBool,
}

/// Once a slice on this thread is long, the thread becomes as nice as those where long ones are expected. It cannot
/// come back from there: another thread takes its place at once, and it ends with its time slice.
fn step_aside_when_long(shared: &Arc<SchedulerState>, is_aside: &Arc<Aside>) {
    let thread = ThreadId::current();
    let (shared, is_aside) = (Arc::clone(shared), Arc::clone(is_aside));
    // While this is done the slice is under way, and the thread with it.
    watchdog::when_a_time_slice_is_long(LONG, move || {
        if is_aside.is_replaced.load(Ordering::Acquire) {
            return;
        }
        if !is_aside.is_long.swap(true, Ordering::AcqRel) {
            shared.queue.step_aside(Lane::Quick);
        }
        if !shared.take_place_aside() {
            return;
        }
        if start(&shared, Lane::Quick).is_err() {
            shared.give_place_back();
            return;
        }
        is_aside.is_replaced.store(true, Ordering::Release);
        thread.step_back(PATIENT_NICENESS);
    });
}

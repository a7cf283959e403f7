//! Stops Luau that runs for too long. One thread looks at all worker threads; a VM pays for it only with
//! an uncontended lock at each entry.
//!
//! Time is the worker thread's CPU time, so that a busy machine does not make a cog look guilty. Once a
//! limit is passed the VM's interrupt is armed, and stays so until the slice has ended: every loop edge
//! and call raises, so that no `pcall` outlives it, and every host function refuses (see `Guard::check`).

use super::raw::allocator;
pub use super::raw::allocator::HeapBudget;
use super::raw::{InterruptCell, cpu_time, limit_call_depth, thread_clock};
use crate::host_tasks::{self, Task};
use crate::lock::lock;
use crate::supervisor::ThreadSlot;
use mlua::{Lua, VmState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, Weak};
use std::time::Duration;

/// How often running VMs are looked at.
const TICK: Duration = Duration::from_millis(5);
/// A slice that has used the processor for so long is taken for busy, should the process die of it.
const BUSY: Duration = Duration::from_millis(20);
/// How often the watchdog looks whether anything runs at all.
const IDLE_TICK: Duration = Duration::from_millis(25);

/// One VM's side of the watchdog.
#[derive(Debug)]
pub struct Guard {
    call_depth: u32,
    /// The VM's interrupt; taken away before the VM is dropped.
    cell: Mutex<Option<InterruptCell>>,
    expired: AtomicBool,
    /// Where the code was when it was stopped: a traceback.
    stopped_at: Mutex<Option<String>>,
    /// CPU time of its slices, in microseconds: whoever runs on a thread when the watchdog looks is charged with
    /// all that the thread has used since the last look. Over many looks that evens out.
    cpu_micros: AtomicU64,
}

/// What runs on one worker thread.
struct Slot {
    clock: Option<libc::clockid_t>,
    /// What is done when a time slice on this thread has used that much.
    when_long: OnceLock<(Duration, WhenLong)>,
    time_slice: Mutex<Option<TimeSlice>>,
    running: Mutex<Option<Running>>,
    /// The thread's CPU time at the watchdog's last look, in microseconds.
    looked_at: AtomicU64,
    /// Where the supervisor sees what runs here.
    shown: Option<ThreadSlot>,
}

type WhenLong = Box<dyn Fn() + Send + Sync>;

impl Slot {
    fn of_this_thread() -> Self {
        Self {
            clock: thread_clock(),
            when_long: OnceLock::new(),
            time_slice: Mutex::default(),
            running: Mutex::default(),
            // The time that the thread used before is charged to no cog.
            looked_at: AtomicU64::new(u64::MAX),
            shown: ThreadSlot::of_this_thread(),
        }
    }
}

/// One turn of a task on a thread of the cogs.
#[derive(Default)]
struct TimeSlice {
    /// The thread's CPU time when the watchdog first saw it.
    seen_at: Option<Duration>,
}

#[derive(Debug)]
struct Running {
    guard: Arc<Guard>,
    budget: Duration,
    /// The thread's CPU time when the watchdog first saw this slice.
    seen_at: Option<Duration>,
}

struct Watchdog {
    slots: Mutex<Vec<Weak<Slot>>>,
}

static WATCHDOG: LazyLock<Option<Watchdog>> = LazyLock::new(|| {
    let started = host_tasks::thread(Task::Watchdog, "cogsmith-watchdog", watch);
    started.is_ok().then(|| Watchdog {
        slots: Mutex::default(),
    })
});

thread_local! {
    static SLOT: Arc<Slot> = {
        let slot = Arc::new(Slot::of_this_thread());
        if let Some(watchdog) = WATCHDOG.as_ref() {
            lock(&watchdog.slots).push(Arc::downgrade(&slot));
        }
        slot
    };
}

/// Runs a time slice of the calling thread: code of VMs, and what the host does for it.
pub fn time_slice<R>(run: impl FnOnce() -> R) -> R {
    SLOT.with(|slot| {
        *lock(&slot.time_slice) = Some(TimeSlice::default());
        let result = run();
        lock(&slot.time_slice).take();
        result
    })
}

/// From now on, when a time slice of the calling thread has used `long` of processor time and is still under way, the
/// watchdog does this, once for each look at it. It must not take long.
pub fn when_a_time_slice_is_long(long: Duration, act: impl Fn() + Send + Sync + 'static) {
    SLOT.with(|slot| {
        // Nobody asks twice on one thread.
        let _set = slot.when_long.set((long, Box::new(act))).is_ok();
    });
}

/// Whether the watchdog's thread could be started; without it no VM may run.
pub fn is_running() -> bool {
    WATCHDOG.is_some()
}

fn watch() {
    loop {
        // The thread may be faster than the initialisation that started it: `force` waits for that.
        let Some(watchdog) = LazyLock::force(&WATCHDOG) else {
            return;
        };
        host_tasks::point(Task::Watchdog);
        let mut slots = lock(&watchdog.slots);
        slots.retain(|slot| slot.strong_count() > 0);
        let slots_now: Vec<_> = slots.iter().filter_map(Weak::upgrade).collect();
        drop(slots);
        let busy = slots_now.iter().filter(|slot| look_at(slot)).count();
        std::thread::sleep(if busy > 0 { TICK } else { IDLE_TICK });
    }
}

/// Sets the interrupt of the code that runs on `slot` if its time is over. Returns whether anything runs there.
fn look_at(slot: &Slot) -> bool {
    let is_slice = look_at_time_slice(slot);
    let mut running = lock(&slot.running);
    let Some(now) = slot.clock.and_then(cpu_time) else {
        return is_slice || running.is_some();
    };
    let micros = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
    let since_last = micros.saturating_sub(slot.looked_at.swap(micros, Ordering::Relaxed));
    let Some(running) = running.as_mut() else {
        return is_slice;
    };
    let charged = &running.guard.cpu_micros;
    charged.fetch_add(since_last, Ordering::Relaxed);
    let used = now.saturating_sub(*running.seen_at.get_or_insert(now));
    if let Some(shown) = slot.shown.filter(|_| used >= BUSY) {
        shown.is_busy();
    }
    if used >= running.budget {
        running.guard.expire();
    }
    true
}

/// Acts if the time slice on `slot` is long. Returns whether there is one.
fn look_at_time_slice(slot: &Slot) -> bool {
    // The slice does not end while this is held.
    let mut time_slice = lock(&slot.time_slice);
    let Some(time_slice) = time_slice.as_mut() else {
        return false;
    };
    if let Some((long, act)) = slot.when_long.get()
        && let Some(now) = slot.clock.and_then(cpu_time)
        && now.saturating_sub(*time_slice.seen_at.get_or_insert(now)) >= *long
    {
        act();
    }
    true
}

impl Guard {
    /// Installs a guard in a new VM, in which calls may nest `call_depth` deep.
    pub fn install(lua: &Lua, call_depth: u32) -> Arc<Self> {
        let guard = Arc::new(Self {
            call_depth,
            cell: Mutex::new(None),
            expired: AtomicBool::new(false),
            stopped_at: Mutex::default(),
            cpu_micros: AtomicU64::new(0),
        });
        let in_vm = Arc::downgrade(&guard);
        let cell = InterruptCell::install(lua, call_depth, move |lua| match in_vm.upgrade() {
            Some(guard) if guard.is_expired() => {
                let mut stopped_at = lock(&guard.stopped_at);
                if stopped_at.is_none() {
                    *stopped_at = lua
                        .traceback(None, 0)
                        .ok()
                        .map(|trace| trace.to_string_lossy());
                }
                Err(mlua::Error::runtime(EXPIRED))
            }
            _ => Ok(VmState::Continue),
        });
        *lock(&guard.cell) = Some(cell);
        guard
    }

    /// Runs `run` as code of `lua` with a budget of CPU time, and what it may use of the heap. Returns its result,
    /// and what it spent.
    pub fn run<R>(
        self: &Arc<Self>,
        lua: &Lua,
        budget: Duration,
        heap: HeapBudget,
        run: impl FnOnce() -> R,
    ) -> (R, Spent) {
        SLOT.with(|slot| {
            *lock(&slot.running) = Some(Running {
                guard: Arc::clone(self),
                budget,
                seen_at: None,
            });
            limit_call_depth(self.call_depth);
            let before = self.cpu_time();
            let target = lock(&self.cell).as_ref().map(InterruptCell::target);
            let result = allocator::within(lua, heap, target, run);
            // The watchdog arms under this lock, so that it can never be late.
            lock(&slot.running).take();
            let expired = self.expired.swap(false, Ordering::AcqRel).then(|| {
                if let Some(cell) = lock(&self.cell).as_ref() {
                    cell.disarm();
                }
                Expired {
                    traceback: lock(&self.stopped_at).take(),
                }
            });
            let used = self.cpu_time().saturating_sub(before);
            (result, Spent { used, expired })
        })
    }

    /// Whether the running slice's time is over: host functions and metamethods must not act any more.
    pub fn is_expired(&self) -> bool {
        self.expired.load(Ordering::Relaxed)
    }

    /// CPU time that its slices have used, as far as the watchdog has sampled it.
    pub(super) fn cpu_time(&self) -> Duration {
        Duration::from_micros(self.cpu_micros.load(Ordering::Relaxed))
    }

    fn expire(&self) {
        if let Some(cell) = lock(&self.cell).as_ref() {
            self.expired.store(true, Ordering::Release);
            cell.arm();
        }
    }

    /// Forgets the VM: to be called before it is dropped.
    pub fn retire(&self) {
        lock(&self.cell).take();
    }
}

/// The message of the error that the interrupt raises; `trace` replaces it by one that names the limit.
pub(super) const EXPIRED: &str = "cogsmith: the time limit was reached";

/// What one slice spent.
#[derive(Clone, Debug)]
pub struct Spent {
    /// CPU time, as the watchdog has sampled it.
    pub used: Duration,
    /// That its time ran out.
    pub expired: Option<Expired>,
}

/// A slice ran out of time.
#[derive(Clone, Debug)]
pub struct Expired {
    /// Where it was stopped, if it was stopped in Luau.
    pub traceback: Option<String>,
}

use super::*;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

/// A cog as the scheduler sees it.
#[derive(Default)]
struct Cog {
    fair_share: Arc<FairShare>,
    cpu_meter: Arc<CpuMeter>,
}

impl Cog {
    fn that_used(used: Duration) -> Self {
        let cog = Self::default();
        cog.fair_share.charge(used);
        cog
    }

    /// Makes it say its name once, as soon as it runs.
    fn say(&self, scheduler: &Scheduler, name: &'static str, said: &Sender<&'static str>) {
        let said = said.clone();
        scheduler.spawn(&self.fair_share, &self.cpu_meter, async move {
            said.send(name).unwrap();
        });
    }
}

fn next<T>(said: &Receiver<T>) -> T {
    said.recv_timeout(PATIENCE).unwrap()
}

/// Holds a thread of the lane that this cog is in, until the sender is dropped.
fn hold(scheduler: &Scheduler, cog: &Cog) -> Sender<()> {
    let (release, released) = channel();
    let (begun, begins) = channel();
    scheduler.spawn(&cog.fair_share, &cog.cpu_meter, async move {
        begun.send(()).unwrap();
        let _released: Result<(), _> = released.recv();
    });
    next(&begins);
    release
}

fn many_seconds() -> Cog {
    Cog::that_used(Duration::from_secs(3))
}

#[test]
fn whoever_has_used_least_goes_first() {
    let scheduler = Scheduler::with_threads((1, 1), 1).unwrap();
    let release = hold(&scheduler, &many_seconds());
    let (say, said) = channel();
    // The more somebody has used, the earlier it asks.
    for (name, used) in [("third", 2_000), ("second", 1_000), ("first", 500)] {
        Cog::that_used(Duration::from_millis(used)).say(&scheduler, name, &say);
    }
    drop(release);
    let order: Vec<_> = (0..3).map(|_| next(&said)).collect();
    assert_eq!(order, ["first", "second", "third"]);
    scheduler.stop();
}

#[test]
fn whoever_has_used_little_does_not_wait_for_others() {
    let scheduler = Scheduler::with_threads((1, 1), 1).unwrap();
    let release = hold(&scheduler, &many_seconds());
    let (say, said) = channel();
    many_seconds().say(&scheduler, "patient", &say);
    Cog::default().say(&scheduler, "quick", &say);
    assert_eq!(next(&said), "quick");
    drop(release);
    assert_eq!(next(&said), "patient");
    scheduler.stop();
}

/// It yields again and again, and none of its time slices is long.
#[test]
fn all_that_turns_use_is_charged() {
    let scheduler = Scheduler::with_threads((1, 1), 1).unwrap();
    let cog = Cog::default();
    let used = Arc::new(AtomicU64::new(0));
    let (done, is_done) = channel();
    let counted = Arc::clone(&used);
    scheduler.spawn(&cog.fair_share, &cog.cpu_meter, async move {
        for _ in 0..2_000 {
            let mut time = crate::vm::cpu_usage::ThreadTime::of_this_thread();
            std::hint::black_box((0..2_000).map(std::hint::black_box).sum::<u64>());
            let lap = u64::try_from(time.lap().as_nanos()).unwrap();
            counted.fetch_add(lap, Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
        done.send(()).unwrap();
    });
    next(&is_done);
    // The last time slice, which is charged when it is over, is not waited for.
    let used = Duration::from_nanos(used.load(Ordering::Relaxed));
    let charged = cog.cpu_meter.used(Instant::now());
    assert!(charged >= used * 9 / 10, "{charged:?} of {used:?}");
    scheduler.stop();
}

#[test]
fn a_panic_ends_one_task_and_no_thread() {
    let scheduler = Scheduler::with_threads((1, 1), 1).unwrap();
    let cog = Cog::default();
    scheduler.spawn(&cog.fair_share, &cog.cpu_meter, async {
        panic!("on purpose")
    });
    let (say, said) = channel();
    cog.say(&scheduler, "well", &say);
    assert_eq!(next(&said), "well");
    scheduler.stop();
}

/// Tells when it is dropped.
struct Held(Sender<()>);

impl Drop for Held {
    fn drop(&mut self) {
        let _heard = self.0.send(()).is_ok();
    }
}

#[test]
fn the_end_drops_what_waits_and_what_comes_later() {
    let scheduler = Scheduler::with_threads((1, 1), 1).unwrap();
    let cog = Cog::default();
    let (dropped, is_dropped) = channel();
    for _ in 0..2 {
        let held = Held(dropped.clone());
        scheduler.spawn(&cog.fair_share, &cog.cpu_meter, async move {
            let _held = held;
            std::future::pending::<()>().await;
        });
        scheduler.stop();
        next(&is_dropped);
    }
}

#[test]
fn a_burst_wakes_no_more_threads_than_may_run_and_all_of_it_runs() {
    let scheduler = Scheduler::with_threads((6, 2), 1).unwrap();
    let at_once = Arc::new(AtomicU64::new(0));
    let (done, is_done) = channel();
    let cogs: Vec<Cog> = (0..200).map(|_| Cog::default()).collect();
    for cog in &cogs {
        let (at_once, done) = (Arc::clone(&at_once), done.clone());
        scheduler.spawn(&cog.fair_share, &cog.cpu_meter, async move {
            let running = at_once.fetch_add(1, Ordering::SeqCst) + 1;
            std::hint::black_box((0..2_000).map(std::hint::black_box).sum::<u64>());
            at_once.fetch_sub(1, Ordering::SeqCst);
            done.send(running).unwrap();
        });
    }
    let most = (0..200).map(|_| next(&is_done)).max();
    assert!(most <= Some(2), "{most:?}");
    scheduler.stop();
}

#[test]
fn long_slices_on_all_threads_that_may_run_hold_up_nobody() {
    let scheduler = Scheduler::with_threads((6, 2), 1).unwrap();
    let is_over = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (begun, begins) = channel();
    for _ in 0..2 {
        let (is_over, begun) = (Arc::clone(&is_over), begun.clone());
        let cog = Cog::default();
        scheduler.spawn(&cog.fair_share, &cog.cpu_meter, async move {
            begun.send(()).unwrap();
            while !is_over.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        });
    }
    next(&begins);
    next(&begins);
    let (say, said) = channel();
    for _ in 0..3 {
        Cog::default().say(&scheduler, "quick", &say);
    }
    for _ in 0..3 {
        assert_eq!(next(&said), "quick");
    }
    is_over.store(true, Ordering::Relaxed);
    // Those that were long are as quick as before.
    for _ in 0..50 {
        Cog::default().say(&scheduler, "after", &say);
        assert_eq!(next(&said), "after");
    }
    scheduler.stop();
}

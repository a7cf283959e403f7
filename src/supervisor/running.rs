//! Records which cog runs on each thread, with two stores at the beginning and two at the end of a time slice.

use super::child::record;
use super::raw;
use super::record::{Record, THREADS, tag};
use crate::lock::lock;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

/// The slots that threads have taken.
static TAKEN: Mutex<BTreeSet<usize>> = Mutex::new(BTreeSet::new());

thread_local! {
    static OWN: RefCell<Option<Own>> = const { RefCell::new(None) };
}

/// A thread's slot, given back when the thread ends.
#[derive(Debug)]
struct Own(ThreadSlot);

/// A thread's slot in the record, where it notes which cog it runs.
#[derive(Clone, Copy, Debug)]
pub struct ThreadSlot {
    record: &'static Record,
    number: usize,
}

impl ThreadSlot {
    /// The calling thread's slot. None without a supervisor, or when all slots are taken.
    pub fn of_this_thread() -> Option<Self> {
        let record = record()?;
        OWN.try_with(|own| {
            let mut own = own.try_borrow_mut().ok()?;
            if own.is_none() {
                *own = Self::take(record).map(Own);
            }
            own.as_ref().map(|own| own.0)
        })
        .ok()?
    }

    fn take(record: &'static Record) -> Option<Self> {
        let mut taken = lock(&TAKEN);
        let number = (0..THREADS).find(|number| !taken.contains(number))?;
        taken.insert(number);
        raw::set_place(Some(number));
        Some(Self { record, number })
    }

    /// Notes that the cog on this thread uses the processor without waiting.
    pub fn is_busy(self) {
        let is_busy = self.record.thread(self.number).is_busy;
        is_busy.store(1, Ordering::Relaxed);
    }

    fn show(self, tag: u64) {
        let thread = self.record.thread(self.number);
        thread.is_busy.store(0, Ordering::Relaxed);
        thread.tag.store(tag, Ordering::Relaxed);
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.0.show(0);
        raw::set_place(None);
        lock(&TAKEN).remove(&self.0.number);
    }
}

/// Runs a cog's task, and notes in the record on which thread it runs.
pub fn running<F: Future>(cog: &str, task: F) -> Shown<F> {
    Shown {
        tag: tag(cog),
        task: Box::pin(task),
    }
}

/// What [`running`] returns.
#[derive(Debug)]
pub struct Shown<F> {
    tag: u64,
    task: Pin<Box<F>>,
}

impl<F: Future> Future for Shown<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(place) = ThreadSlot::of_this_thread() else {
            return self.task.as_mut().poll(context);
        };
        place.show(self.tag);
        let _end = End(place);
        self.task.as_mut().poll(context)
    }
}

/// Notes, when dropped, that nothing runs on the thread any more.
struct End(ThreadSlot);

impl Drop for End {
    fn drop(&mut self) {
        self.0.show(0);
    }
}

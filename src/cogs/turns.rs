//! Who runs when there is more to do than processors can: a cog that keeps to its share runs at once, and the
//! greedy ones take turns for half of the processors.
//!
//! So however many cogs do their worst, the other processors and almost all of the cogs' threads are free for
//! those that do not. A turn lasts 10 ms, or as long as the slice that it ends with.

use crate::vm::turn::Turn;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// The turns of all greedy cogs of a bot.
#[derive(Debug)]
pub struct Turns(Arc<Semaphore>);

impl Turns {
    /// Half of this machine's processors, and at least one.
    pub fn of_this_machine() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self::of((processors / 2).max(1))
    }

    fn of(count: usize) -> Self {
        Self(Arc::new(Semaphore::new(count)))
    }

    fn place(&self) -> Place {
        Place {
            turns: Arc::clone(&self.0),
            waiting: None,
        }
    }

    /// Runs a cog's task: whenever the cog is greedy it waits for its turn first. Greedy cogs are served in the
    /// order in which they ask.
    pub fn take<F: Future>(
        &self,
        turn: Arc<Turn>,
        task: F,
    ) -> impl Future<Output = F::Output> + use<F> {
        let mut place = self.place();
        async move {
            let mut task = pin!(task);
            poll_fn(|context| {
                let permit = ready!(place.poll(turn.is_greedy(), context));
                turn.begin();
                let polled = task.as_mut().poll(context);
                drop(permit);
                polled
            })
            .await
        }
    }
}

type Acquired = Result<OwnedSemaphorePermit, AcquireError>;

/// One cog's place in the queue.
struct Place {
    turns: Arc<Semaphore>,
    waiting: Option<Pin<Box<dyn Future<Output = Acquired> + Send>>>,
}

impl Place {
    /// Ready with what to hold during the turn: nothing if no turn is needed.
    fn poll(
        &mut self,
        is_greedy: bool,
        context: &mut Context<'_>,
    ) -> Poll<Option<OwnedSemaphorePermit>> {
        if !is_greedy {
            self.waiting = None;
            return Poll::Ready(None);
        }
        let turns = &self.turns;
        let waiting = self
            .waiting
            .get_or_insert_with(|| Box::pin(Arc::clone(turns).acquire_owned()));
        let acquired = ready!(waiting.as_mut().poll(context));
        self.waiting = None;
        // The semaphore is never closed.
        Poll::Ready(acquired.ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::task::noop_waker_ref;

    fn ask(place: &mut Place, is_greedy: bool) -> Poll<Option<OwnedSemaphorePermit>> {
        place.poll(is_greedy, &mut Context::from_waker(noop_waker_ref()))
    }

    #[test]
    fn greedy_cogs_take_turns_in_the_order_in_which_they_ask() {
        let turns = Turns::of(1);
        let (mut first, mut second, mut third) = (turns.place(), turns.place(), turns.place());
        let Poll::Ready(Some(turn)) = ask(&mut first, true) else {
            panic!("the first one has to wait");
        };
        assert!(ask(&mut second, true).is_pending());
        assert!(ask(&mut third, true).is_pending());
        drop(turn);
        // Who has just had a turn comes last.
        assert!(ask(&mut first, true).is_pending());
        assert!(ask(&mut third, true).is_pending());
        let Poll::Ready(Some(turn)) = ask(&mut second, true) else {
            panic!("the second one has to wait");
        };
        drop(turn);
        assert!(ask(&mut third, true).is_ready());
        assert!(ask(&mut first, true).is_ready());
    }

    #[test]
    fn a_cog_that_is_not_greedy_does_not_wait() {
        let turns = Turns::of(1);
        let (mut greedy, mut other) = (turns.place(), turns.place());
        let turn = ask(&mut greedy, true);
        assert!(ask(&mut other, true).is_pending());
        // It has made up for what it used.
        assert!(matches!(ask(&mut other, false), Poll::Ready(None)));
        drop(turn);
        // And it holds up nobody by having asked.
        assert!(ask(&mut greedy, true).is_ready());
    }
}

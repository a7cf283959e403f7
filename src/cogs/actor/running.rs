//! What runs of a cog at once.

use super::Ended;
use futures_util::StreamExt as _;
use futures_util::stream::{FuturesUnordered, Next};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

type Work = Pin<Box<dyn Future<Output = Ended> + Send>>;

/// Handlers and tasks that have not ended.
///
/// The set of `futures_util` wakes its own task once it has polled as many futures as it has: with one handler that
/// waits for Discord, that is a time slice in which there is nothing to do. So there is one more in it, which is never
/// woken.
#[derive(Default)]
pub(super) struct RunningSet(FuturesUnordered<Member>);

/// Nothing: the one that is never woken.
pub(super) struct Member(Option<Work>);

impl RunningSet {
    pub(super) fn is_empty(&self) -> bool {
        self.0.len() <= 1
    }

    pub(super) fn push(&self, work: Work) {
        if self.0.is_empty() {
            self.0.push(Member(None));
        }
        self.0.push(Member(Some(work)));
    }

    /// Adds all that is in another set.
    pub(super) fn append(&mut self, other: Self) {
        if self.is_empty() {
            *self = other;
            return;
        }
        let work = other.0.into_iter().filter(|member| member.0.is_some());
        self.0.extend(work);
    }

    /// What ends next. To be asked only while there is something.
    pub(super) fn next(&mut self) -> Next<'_, FuturesUnordered<Member>> {
        self.0.next()
    }
}

impl Future for Member {
    type Output = Ended;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Ended> {
        self.0
            .as_mut()
            .map_or(Poll::Pending, |work| work.as_mut().poll(context))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Wake, Waker};
    use tokio::sync::oneshot;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A set, and how often its task was woken since this was asked last.
    struct Stage {
        set: RunningSet,
        wakes: Arc<Wakes>,
    }

    impl Stage {
        fn new() -> Self {
            Self {
                set: RunningSet::default(),
                wakes: Arc::default(),
            }
        }

        fn push(&self) -> oneshot::Sender<()> {
            let (end, ends) = oneshot::channel::<()>();
            self.set.push(Box::pin(async move {
                let _ended = ends.await;
                Box::new(|_: &mut super::super::Actor| {}) as Ended
            }));
            end
        }

        fn has_ended(&mut self) -> bool {
            let waker = Waker::from(Arc::clone(&self.wakes));
            let next = Pin::new(&mut self.set.0);
            let polled = futures_util::Stream::poll_next(next, &mut Context::from_waker(&waker));
            polled.is_ready()
        }

        fn wakes(&self) -> usize {
            self.wakes.0.swap(0, Ordering::Relaxed)
        }
    }

    #[test]
    fn what_waits_wakes_nobody() {
        let mut stage = Stage::new();
        let first = stage.push();
        assert!(!stage.has_ended());
        stage.wakes();
        let second = stage.push();
        for end in [first, second] {
            assert!(!stage.has_ended());
            assert_eq!(stage.wakes(), 0);
            end.send(()).unwrap();
            assert_eq!(stage.wakes(), 1);
            assert!(stage.has_ended());
        }
        assert!(stage.set.is_empty());
        let third = stage.push();
        assert!(!stage.set.is_empty() && !stage.has_ended());
        assert_eq!(stage.wakes(), 0);
        drop(third);
    }

    #[test]
    fn sets_are_put_together() {
        let (mut all, mut others) = (Stage::new(), [Stage::new(), Stage::new()]);
        let mut ends = Vec::new();
        for other in &mut others {
            ends.push(other.push());
            assert!(!other.has_ended());
            all.set.append(std::mem::take(&mut other.set));
            assert!(other.set.is_empty());
        }
        for end in ends {
            assert!(!all.set.is_empty() && !all.has_ended());
            end.send(()).unwrap();
            assert!(all.has_ended());
        }
        assert!(all.set.is_empty());
    }
}

//! Waits on the clock for a cog's next timer.

use crate::api::context::CogContext;
use crate::clock::Woken;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// The alarm for the next timer. It stays set while other work is done.
pub(super) struct Alarm {
    pub(super) due: Duration,
    ringing: Pin<Box<dyn Future<Output = Woken> + Send>>,
}

impl Alarm {
    pub(super) fn new(cog: Arc<CogContext>, due: Duration) -> Self {
        let ringing = Box::pin(async move {
            let clock = &cog.services.clock;
            clock.alarm(due.saturating_sub(clock.now())).await
        });
        Self { due, ringing }
    }
}

/// Returns when the alarm goes off.
pub(super) async fn ring(alarm: Option<&mut Alarm>) -> Woken {
    match alarm {
        Some(alarm) => alarm.ringing.as_mut().await,
        None => std::future::pending().await,
    }
}

//! Waits on the clock for a cog's next timer.

use crate::api::context::CogContext;
use crate::clock::Woken;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// The alarm for the next timer. It stays set while other work is done.
pub(super) struct Alarm {
    pub(super) due: Duration,
    ringing: Pin<Box<dyn Future<Output = Woken> + Send>>,
}

impl Alarm {
    pub(super) fn new(cog: &CogContext, due: Duration) -> Self {
        // It is set at once, not with the first poll: until then the bot would seem to wait for nothing.
        let ringing = Box::pin(cog.services.clock.alarm_at(due));
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

//! A handler that waits for an interaction; see `expected.rs`. It belongs to a handler or a task, so there are no more
//! of them than of these, and it ends with it.

use super::context::CogContext;
use super::expected::{Expectation, Key};
use super::interaction::Interaction;
use crate::charge::Charge;
use crate::commands::text::Text;
use crate::vm::host::HostResult;
use crate::vm::slice::waiting;
use mlua::Lua;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::runtime::Handle;

/// Bytes that a wait is charged for.
const EACH_WAIT: usize = 1 << 10;

/// A wait, for as long as it is held.
pub(super) struct Waiting {
    cog: Arc<CogContext>,
    key: Key,
    expectation: Arc<Expectation>,
    _charge: Arc<Charge>,
}

impl Waiting {
    /// Waits from now on for what `user` does; an answer that is put off is for them alone if `is_alone` says so.
    pub(super) fn begin(
        lua: &Lua,
        cog: &Arc<CogContext>,
        key: Key,
        (user, is_alone): (u64, bool),
    ) -> HostResult<Self> {
        let charge = cog.charges.of_bytes(lua, EACH_WAIT)?;
        let expectation = Expectation::new(user, is_alone, &cog.services.activity);
        cog.services.expected.add(key.clone(), &expectation);
        cog.holds.fetch_add(1, Ordering::Relaxed);
        Ok(Self {
            cog: Arc::clone(cog),
            key,
            expectation,
            _charge: charge,
        })
    }

    /// The next use; nothing when the time is over.
    pub(super) async fn next(&self, lua: &Lua, timeout: Duration) -> Option<Arc<Interaction>> {
        self.expectation.set_listened_to(true);
        // Set before the run counts as waiting: whoever moves the clock then finds it.
        let alarm = self.cog.services.clock.alarm(timeout);
        let heard = waiting(lua, async {
            tokio::select! {
                biased;
                used = self.expectation.arrived() => Ok(used),
                woken = alarm => Err(woken),
            }
        });
        // What says that the bot is busy is held until the run counts as busy again.
        let heard = heard.await;
        self.expectation.set_listened_to(false);
        let (used, _busy) = heard.ok()?;
        used.downcast().ok()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.cog.holds.fetch_sub(1, Ordering::Relaxed);
        let expected = &self.cog.services.expected;
        expected.remove(&self.key, &self.expectation);
        // Whoever has used it meanwhile is told that it is over.
        for used in self.expectation.close() {
            let cog = Arc::clone(&self.cog);
            later(&self.cog, async move {
                if let Ok(interaction) = used.downcast::<Interaction>() {
                    let text = Text::ComponentGone {};
                    interaction.tell(&cog.services, text).await;
                }
            });
        }
    }
}

/// Does something without waiting for it, unless the process is about to end.
pub(super) fn later(cog: &CogContext, work: impl Future<Output = ()> + Send + 'static) {
    if Handle::try_current().is_err() {
        return;
    }
    cog.services.errand(work);
}

//! What is stored for older versions of a cog is brought to the one that runs, in the background: a slice of some
//! milliseconds, then its commit, then whatever else the cog has to do, then the next slice.

use super::{Actor, Ended};
use crate::api::state::migrate::{Done, read_slice, slice_of};
use crate::cogs::fault;
use crate::cogs::live::Live;
use crate::vm::run::Run;
use crate::vm::trace::{Fault, Raised};
use std::sync::Arc;

impl Actor {
    /// Begins that, if the version that begins to run has said how.
    pub(super) fn migrate(&mut self, live: &Live) {
        if live.declarations.migrations().next().is_none() {
            return;
        }
        let Some(slice) = slice_of(live.vm.lua()) else {
            return;
        };
        let (cog, live) = (Arc::clone(&self.cog), live.clone());
        let run = Run::new(&cog.services.activity);
        let version = Arc::clone(&live.generation.life);
        self.enlist(Some(&version), async move {
            // The next version begins anew, with what is left.
            while !live.generation.is_retired() {
                match live.vm.call(&live.generation, &slice, ()) {
                    Ok(results) => {
                        // The writes of a slice are on the disk before the next one: they keep no answer waiting.
                        // What the disk refuses is kept in memory, and tried again by its writer.
                        let _kept = cog.state.live().stored.flush().committed().await.is_ok();
                        if let Some(done) = read_slice(&results) {
                            if let Some(fault) = told(&done) {
                                fault::report(&cog, &live, &fault, None).await;
                            } else if done.migrated > 0 {
                                let entries = done.migrated;
                                tracing::info!(cog = %cog.name, entries, "What was stored has been brought to this version of the cog");
                            }
                            break;
                        }
                    }
                    Err(fault) => {
                        fault::report(&cog, &live, &fault, None).await;
                        break;
                    }
                }
                tokio::task::yield_now().await;
            }
            Box::new(move |_: &mut Self| drop(run)) as Ended
        });
    }
}

/// What is said about entries that could not be migrated.
fn told(done: &Done) -> Option<Fault> {
    let why = done.first_failure.as_ref()?;
    let message = format!(
        "{} of what is stored could not be brought to this version, and stay as they were; reading them raises this error. The first: {why}",
        done.failed
    );
    Some(Fault::Raised(Box::new(Raised {
        kind: Some("state".to_owned()),
        message,
        ..Raised::default()
    })))
}

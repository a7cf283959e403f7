//! What a cog asks for, and what config.json grants it.

use super::lane::Lane;
use super::services::Services;
use crate::lock::lock;
use crate::vm::host::{HostError, HostResult};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// What every cog may do: read guilds, channels and roles.
const FREE: &str = "guild.read";

/// The capabilities of one cog.
#[derive(Debug)]
pub struct Capabilities {
    cog: Arc<str>,
    services: Arc<Services>,
    /// What the committed generation asks for.
    granted: Mutex<BTreeSet<String>>,
    /// What the generation on trial asks for.
    granted_on_trial: Mutex<BTreeSet<String>>,
    /// Whose work is done now.
    lane: Arc<Lane>,
    /// What the generation that is prepared asks for, once its files have run.
    asked: Mutex<Option<BTreeSet<String>>>,
}

impl Capabilities {
    pub(super) fn new(cog: &Arc<str>, services: &Arc<Services>, lane: &Arc<Lane>) -> Self {
        Self {
            cog: Arc::clone(cog),
            services: Arc::clone(services),
            granted: Mutex::default(),
            granted_on_trial: Mutex::default(),
            lane: Arc::clone(lane),
            asked: Mutex::default(),
        }
    }

    /// Notes what the prepared generation asks for, before its declarations are taken.
    pub fn stage(&self, asked: BTreeSet<String>) {
        *lock(&self.asked) = Some(asked);
    }

    /// No generation is prepared any more, or the files of the next one have yet to run.
    pub(super) fn unstage(&self) {
        *lock(&self.asked) = None;
    }

    /// Sets what the committed generation may do.
    pub fn grant(&self, capabilities: BTreeSet<String>) {
        *lock(&self.granted) = capabilities;
    }

    /// Sets what the generation on trial may do.
    pub fn grant_trial(&self, capabilities: BTreeSet<String>) {
        *lock(&self.granted_on_trial) = capabilities;
    }

    /// Whether the generation whose work is done now has asked for `capability`.
    fn is_asked(&self, capability: &str) -> bool {
        let granted = if self.lane.is_on_trial() {
            &self.granted_on_trial
        } else {
            &self.granted
        };
        lock(granted).contains(capability)
    }

    /// What the committed generation may do.
    pub fn granted(&self) -> BTreeSet<String> {
        lock(&self.granted).clone()
    }

    /// Raises unless the cog asked for `capability` and config.json grants it now.
    pub fn require(&self, function: &str, capability: &str) -> HostResult<()> {
        if capability == FREE {
            return Ok(());
        }
        self.check(function, capability, self.is_asked(capability))
    }

    /// The same for the generation that is prepared. `is_declared` says what its files have declared so far.
    pub(super) fn require_staged(
        &self,
        function: &str,
        capability: &str,
        is_declared: impl FnOnce() -> bool,
    ) -> HostResult<()> {
        let is_asked = match lock(&self.asked).as_ref() {
            Some(asked) => asked.contains(capability),
            None => is_declared(),
        };
        self.check(function, capability, is_asked)
    }

    /// Whether the cog asked for `capability` and config.json grants it now.
    pub fn has(&self, capability: &str) -> bool {
        self.is_asked(capability) && self.services.config.load().grants(&self.cog, capability)
    }

    fn check(&self, function: &str, capability: &str, is_asked: bool) -> HostResult<()> {
        let message = if is_asked {
            if self.services.config.load().grants(&self.cog, capability) {
                return Ok(());
            }
            format!(
                "{function}: needs the capability \"{capability}\", which config.json does not grant this cog"
            )
        } else {
            format!(
                "{function}: needs the capability \"{capability}\": add it to cog.info {{ capabilities = {{ \"{capability}\" }} }}"
            )
        };
        Err(HostError::new("capability", message).into())
    }
}

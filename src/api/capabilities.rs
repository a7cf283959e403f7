//! What a cog asks for, and what config.json grants it.

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
    /// What the generation that is prepared asks for, once its files have run.
    asked: Mutex<Option<BTreeSet<String>>>,
}

impl Capabilities {
    pub(super) fn new(cog: &Arc<str>, services: &Arc<Services>) -> Self {
        Self {
            cog: Arc::clone(cog),
            services: Arc::clone(services),
            granted: Mutex::default(),
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

    /// What the committed generation may do.
    pub fn granted(&self) -> BTreeSet<String> {
        lock(&self.granted).clone()
    }

    /// Raises unless the cog asked for `capability` and config.json grants it now.
    pub fn require(&self, function: &str, capability: &str) -> HostResult<()> {
        if capability == FREE {
            return Ok(());
        }
        let is_asked = lock(&self.granted).contains(capability);
        self.check(function, capability, is_asked)
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
        lock(&self.granted).contains(capability)
            && self.services.config.load().grants(&self.cog, capability)
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

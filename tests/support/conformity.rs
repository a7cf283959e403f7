//! What a simulator has given is as Discord describes it.

use cogsmith::sim::{Sim, SimOptions};
use std::ops::Deref;

/// Fails a test, when it ends, whose simulator has given anything else.
pub struct Conforming(pub Sim);

impl Conforming {
    /// A simulator that is looked at.
    pub async fn start(options: SimOptions) -> Self {
        let options = SimOptions {
            checks_conformity: true,
            ..options
        };
        Self(Sim::start(options).await.unwrap())
    }
}

impl Deref for Conforming {
    type Target = Sim;

    fn deref(&self) -> &Sim {
        &self.0
    }
}

impl Drop for Conforming {
    fn drop(&mut self) {
        let deviations = self.0.deviations();
        assert!(
            std::thread::panicking() || deviations.is_empty(),
            "The simulator gave what Discord would not:\n{}",
            deviations.join("\n")
        );
    }
}

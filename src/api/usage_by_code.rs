//! The processor time that the versions of one cog have used, by the code of each: new code begins with its full time
//! for a minute, and code that was there before continues with the time that it had left. So a file that changes back
//! and forth gets no more time than its versions have.

use crate::lock::lock;
use crate::vm::cpu_usage::CpuUsage;
use crate::vm::resolve::{ContentHash, ModuleId};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// So many versions are known at most. Whoever saves more different ones within a minute may have the time.
const MOST: usize = 64;

/// The modules of a version, with the hashes of their sources.
type Code = BTreeMap<ModuleId, ContentHash>;

/// One usage for each version, with those that answered last at the end.
#[derive(Debug, Default)]
pub(super) struct UsageByCode(Mutex<Vec<(Code, Arc<CpuUsage>)>>);

impl UsageByCode {
    /// The usage of a version that answers from `now` on, and whether its code is new.
    pub(super) fn of(&self, code: Code, now: Instant) -> (Arc<CpuUsage>, bool) {
        let mut versions = lock(&self.0);
        let known = versions.iter().position(|(known, _)| *known == code);
        let is_new = known.is_none();
        let usage = known.map(|at| versions.remove(at).1).unwrap_or_default();
        // What was used more than a minute ago no longer counts.
        versions.retain(|(_, usage)| !usage.used(now).is_zero());
        if versions.len() >= MOST {
            versions.remove(0);
        }
        versions.push((code, Arc::clone(&usage)));
        (usage, is_new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn code(text: &str) -> Code {
        BTreeMap::from([(ModuleId::new("cogs/t"), ContentHash::of(text))])
    }

    #[test]
    fn new_code_begins_with_nothing_and_known_code_goes_on() {
        let versions = UsageByCode::default();
        let now = Instant::now();
        let used = |text| versions.of(code(text), now).0.used(now).as_secs();
        versions
            .of(code("a"), now)
            .0
            .charge(Duration::from_secs(9), now);
        assert_eq!(used("b"), 0);
        assert_eq!(used("a"), 9);
        for number in 0..2 * MOST {
            let (usage, _) = versions.of(code(&number.to_string()), now);
            usage.charge(Duration::from_secs(1), now);
        }
        assert_eq!(lock(&versions.0).len(), MOST);
        let later = now + Duration::from_secs(100);
        assert!(versions.of(code("b"), later).0.used(later).is_zero());
        assert_eq!(
            lock(&versions.0).len(),
            1,
            "the others have used nothing by then"
        );
    }
}

//! The accounts of processor time of one cog, by what its files say: a version that says something new begins with
//! nothing on its account, and one that comes back goes on where it was. So a file that changes to and fro brings no
//! more time than its versions have.

use crate::lock::lock;
use crate::vm::account::CpuAccount;
use crate::vm::resolve::{ContentHash, ModuleId};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// So many versions are known at most. Whoever saves more different ones within a minute may have the time.
const MOST: usize = 64;

/// The modules of a version, with the hashes of their sources.
type Code = BTreeMap<ModuleId, ContentHash>;

/// The accounts, those that were used last at the end.
#[derive(Debug, Default)]
pub(super) struct CodeAccounts(Mutex<Vec<(Code, Arc<CpuAccount>)>>);

impl CodeAccounts {
    /// The account of a version that answers from `now` on, and whether it is a new one.
    pub(super) fn of(&self, code: Code, now: Instant) -> (Arc<CpuAccount>, bool) {
        let mut accounts = lock(&self.0);
        let known = accounts.iter().position(|(known, _)| *known == code);
        let is_new = known.is_none();
        let account = known.map(|at| accounts.remove(at).1).unwrap_or_default();
        // After a minute nothing is left on an account.
        accounts.retain(|(_, account)| !account.used(now).is_zero());
        if accounts.len() >= MOST {
            accounts.remove(0);
        }
        accounts.push((code, Arc::clone(&account)));
        (account, is_new)
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
        let accounts = CodeAccounts::default();
        let now = Instant::now();
        let used = |text| accounts.of(code(text), now).0.used(now).as_secs();
        accounts
            .of(code("a"), now)
            .0
            .charge(Duration::from_secs(9), now);
        assert_eq!(used("b"), 0);
        assert_eq!(used("a"), 9);
        for number in 0..2 * MOST {
            let (account, _) = accounts.of(code(&number.to_string()), now);
            account.charge(Duration::from_secs(1), now);
        }
        assert_eq!(lock(&accounts.0).len(), MOST);
        let later = now + Duration::from_secs(100);
        assert!(accounts.of(code("b"), later).0.used(later).is_zero());
        assert_eq!(lock(&accounts.0).len(), 1, "the others are empty by then");
    }
}

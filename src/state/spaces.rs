//! The namespaces, and what each cog has in them.

use super::account::Account;
use super::tree::Space;
use super::{Namespace, StateLimits};
use crate::lock::lock;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// The namespaces by whether they are stored, and name.
#[derive(Clone, Debug)]
pub(super) struct Spaces(Arc<Mutex<Known>>);

#[derive(Debug)]
struct Known {
    spaces: BTreeMap<(bool, Namespace), Arc<Space>>,
    /// The accounts of cogs, by their own namespace.
    accounts: BTreeMap<Namespace, Arc<Account>>,
    /// Whether there is a disk to which anything goes.
    has_disk: bool,
    limits: StateLimits,
}

impl Known {
    fn account(&mut self, own: &Namespace) -> Arc<Account> {
        let new = || Arc::new(Account::new(own.clone()));
        let account = self.accounts.entry(own.clone()).or_insert_with(new);
        Arc::clone(account)
    }
}

impl Spaces {
    /// None yet.
    pub(super) fn new(limits: StateLimits, has_disk: bool) -> Self {
        let (spaces, accounts) = (BTreeMap::new(), BTreeMap::new());
        Self(Arc::new(Mutex::new(Known {
            spaces,
            accounts,
            has_disk,
            limits,
        })))
    }

    /// A namespace, made if it is not known yet.
    pub(super) fn get(&self, namespace: &Namespace, is_stored: bool) -> Arc<Space> {
        let mut known = lock(&self.0);
        let (id, limits) = (known.spaces.len() as u64, known.limits);
        let key = (is_stored, namespace.clone());
        if let Some(space) = known.spaces.get(&key) {
            return Arc::clone(space);
        }
        let owner = (!namespace.is_shared()).then(|| known.account(&namespace.payer()));
        let has_disk = known.has_disk && is_stored;
        let space = Space::new(id, namespace.clone(), is_stored, has_disk, limits, owner);
        let space = Arc::new(space);
        known.spaces.insert(key, Arc::clone(&space));
        space
    }

    /// Changes the limits of the namespaces that are made from now on.
    pub(super) fn set_limits(&self, limits: StateLimits) {
        lock(&self.0).limits = limits;
    }

    /// What the cog with this namespace has.
    pub(super) fn account(&self, own: &Namespace) -> Arc<Account> {
        lock(&self.0).account(own)
    }

    /// A namespace that is stored, if it is known.
    pub(super) fn find(&self, namespace: &Namespace) -> Option<Arc<Space>> {
        let known = lock(&self.0);
        known.spaces.get(&(true, namespace.clone())).cloned()
    }

    /// All of them, in the order in which several are locked.
    pub(super) fn all(&self) -> Vec<Arc<Space>> {
        let mut spaces: Vec<_> = lock(&self.0).spaces.values().cloned().collect();
        spaces.sort_unstable_by_key(|space| space.id);
        spaces
    }
}

//! What a new configuration changes in a bot that runs.

use super::key_path::KeyPath;
use super::keys::Config;
use serde_json::Value;
use std::collections::BTreeMap;

/// The sections that are read only when the bot starts.
const READ_AT_START: [&str; 3] = ["state", "studio", "metrics"];

impl Config {
    /// The keys whose values differ in `newer`, in order: first those that can be applied at once,
    /// then those that need a restart.
    pub fn changed_keys(&self, newer: &Self) -> (Vec<String>, Vec<String>) {
        let (before, after) = (leaves(self), leaves(newer));
        let mut keys: Vec<&String> = before.keys().chain(after.keys()).collect();
        keys.sort_unstable();
        keys.dedup();
        keys.into_iter()
            .filter(|key| before.get(*key) != after.get(*key))
            .cloned()
            .partition(|key| {
                let section = key.split('.').next().unwrap_or_default();
                !READ_AT_START.contains(&section)
            })
    }
}

/// Every key by its path, with its value; a list is one value.
fn leaves(config: &Config) -> BTreeMap<String, Value> {
    let mut leaves = BTreeMap::new();
    let tree = serde_json::to_value(config).unwrap_or_default();
    collect(&KeyPath::default(), tree, &mut leaves);
    leaves
}

fn collect(path: &KeyPath, value: Value, leaves: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                collect(&path.key(&name), value, leaves);
            }
        }
        other => {
            leaves.insert(path.shown.clone(), other);
        }
    }
}

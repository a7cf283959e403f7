//! The place of a value in the configuration.

/// A key's path in two forms: as it is shown, and as rules know it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct KeyPath {
    /// As it is shown: `hot_reload.watch_directories[2]`, `capabilities["fun.dice"][0]`.
    pub(super) shown: String,
    /// With `[]` for every item and `{}` for every key of the operator's own:
    /// `hot_reload.watch_directories[]`, `capabilities{}[]`.
    pub(super) pattern: String,
}

impl KeyPath {
    /// The key `name` of a section.
    pub(super) fn key(&self, name: &str) -> Self {
        Self {
            shown: joined(&self.shown, name),
            pattern: joined(&self.pattern, name),
        }
    }

    /// The key `name`, which the operator chose.
    pub(super) fn entry(&self, name: &str) -> Self {
        Self {
            shown: joined(&self.shown, name),
            pattern: format!("{}{{}}", self.pattern),
        }
    }

    /// An item of a list, counted from 0.
    pub(super) fn item(&self, index: usize) -> Self {
        Self {
            shown: format!("{}[{index}]", self.shown),
            pattern: format!("{}[]", self.pattern),
        }
    }
}

/// `path.name`, or `path["na.me"]` where the name itself would be mistaken for a path.
fn joined(path: &str, name: &str) -> String {
    let is_plain = !name.is_empty()
        && name
            .chars()
            .all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '$' | '*'));
    match (is_plain, path) {
        (true, "") => name.to_owned(),
        (true, _) => format!("{path}.{name}"),
        (false, _) => format!("{path}[{name:?}]"),
    }
}

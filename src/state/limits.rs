//! How much may be stored.

use super::encode::encoded_bytes;
use super::{Key, StateError, StateTable, Value};

/// How an error names a path.
pub(super) type Render<'a> = &'a dyn Fn(&[Key]) -> String;

/// The limits of each namespace and of each cog. Sizes are counted as in [`StateTable::bytes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateLimits {
    /// All of a namespace (`limits.state_mb`), in bytes; as much for a cog's own namespace and its session together,
    /// and as much for all that it writes to shared namespaces.
    pub namespace_bytes: usize,
    /// One value that is written, in bytes.
    pub value_bytes: usize,
    /// One key, in bytes.
    pub key_bytes: usize,
    /// All keys from a scope to an entry, in bytes as they are on disk, where every entry has all of them.
    pub path_bytes: usize,
    /// Keys from a scope to the deepest entry. Code that builds a [`Value`] must also keep this limit: a value that is
    /// nested too deep would exhaust the stack before it arrives here.
    pub depth: usize,
    /// Entries changed by one transaction, or while staged; scopes that one looks at.
    pub changes: usize,
    /// What each cog may write to the disk (`limits.state_write_kb_per_s`), in bytes a second; eight times as much at
    /// once.
    pub write_bytes_per_second: usize,
}

impl Default for StateLimits {
    fn default() -> Self {
        Self {
            namespace_bytes: 10 * 1024 * 1024,
            value_bytes: 1024 * 1024,
            key_bytes: 256,
            path_bytes: 512,
            depth: 32,
            changes: 100_000,
            write_bytes_per_second: 1024 * 1024,
        }
    }
}

impl StateLimits {
    /// Whether `value` may be stored at `path`, apart from the room that the namespace has left.
    pub(super) fn check(
        &self,
        render: Render<'_>,
        path: &[Key],
        value: &Value,
    ) -> Result<(), StateError> {
        self.check_keys(render, path)?;
        match value {
            // The common case, without a copy of the path.
            Value::Bool(_) | Value::String(_) if path.len() <= self.depth => {}
            Value::Number(number) if !number.is_nan() && path.len() <= self.depth => {}
            _ => self.check_inside(render, &mut path.to_vec(), value)?,
        }
        let got = value.bytes();
        // A whole scope is bounded by the namespace alone.
        if got > self.value_bytes && !path.is_empty() {
            return Err(StateError::ValueSize {
                path: render(path),
                limit: self.value_bytes,
                got,
            });
        }
        Ok(())
    }

    /// The last key alone, and all of them together.
    fn check_keys(&self, render: Render<'_>, path: &[Key]) -> Result<(), StateError> {
        if let Some(Key::Str(text)) = path.last()
            && text.len() > self.key_bytes
        {
            return Err(StateError::KeyLength {
                path: render(path),
                limit: self.key_bytes,
                got: text.len(),
            });
        }
        let got: usize = path.iter().map(|key| encoded_bytes(key.as_ref())).sum();
        if got > self.path_bytes {
            return Err(StateError::PathLength {
                path: render(path),
                limit: self.path_bytes,
                got,
            });
        }
        Ok(())
    }

    fn check_inside(
        &self,
        render: Render<'_>,
        path: &mut Vec<Key>,
        value: &Value,
    ) -> Result<(), StateError> {
        if path.len() > self.depth {
            return Err(StateError::Depth {
                path: render(path),
                limit: self.depth,
            });
        }
        match value {
            Value::Number(number) if number.is_nan() => {
                Err(StateError::NotANumber { path: render(path) })
            }
            Value::Table(table) => self.check_entries(render, path, table),
            _ => Ok(()),
        }
    }

    fn check_entries(
        &self,
        render: Render<'_>,
        path: &mut Vec<Key>,
        table: &StateTable,
    ) -> Result<(), StateError> {
        for (key, value) in table.iter() {
            path.push(key.to_key());
            self.check_keys(render, path)?;
            self.check_inside(render, path, value)?;
            path.pop();
        }
        Ok(())
    }
}

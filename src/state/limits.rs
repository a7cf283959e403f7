//! How much may be stored.

use super::{Key, StateError, Table, Value};

/// How an error names a path.
pub(super) type Render<'a> = &'a dyn Fn(&[Key]) -> String;

/// The limits of a namespace. Sizes are counted as in [`Table::bytes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateLimits {
    /// All of a namespace (`limits.state_mb`), in bytes.
    pub namespace_bytes: usize,
    /// One value that is written, in bytes.
    pub value_bytes: usize,
    /// One key, in bytes.
    pub key_bytes: usize,
    /// Keys from a scope to the deepest entry. Whoever builds a [`Value`] keeps to it as well: values that are
    /// nested without bounds exhaust the stack before they arrive here.
    pub depth: usize,
    /// Entries changed by one transaction, or while staged.
    pub changes: usize,
}

impl Default for StateLimits {
    fn default() -> Self {
        Self {
            namespace_bytes: 10 * 1024 * 1024,
            value_bytes: 1024 * 1024,
            key_bytes: 256,
            depth: 32,
            changes: 100_000,
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
        if let Some(key) = path.last() {
            self.check_key(render, path, key)?;
        }
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

    fn check_key(&self, render: Render<'_>, path: &[Key], key: &Key) -> Result<(), StateError> {
        match key {
            Key::Str(text) if text.len() > self.key_bytes => Err(StateError::KeyLength {
                path: render(path),
                limit: self.key_bytes,
                got: text.len(),
            }),
            _ => Ok(()),
        }
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
        table: &Table,
    ) -> Result<(), StateError> {
        for (key, value) in table.iter() {
            path.push(key.to_key());
            if let Some(key) = path.last() {
                self.check_key(render, path, key)?;
            }
            self.check_inside(render, path, value)?;
            path.pop();
        }
        Ok(())
    }
}

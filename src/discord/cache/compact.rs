//! Objects that are kept for long share the names of their fields.

use crate::discord::facts::{EVENTS, OPERATIONS};
use crate::discord::schema::Schema;
use crate::json::Json;
use std::collections::HashMap;
use std::sync::Arc;

/// The names of all fields that the facts know, each once.
pub(super) struct Names(HashMap<&'static str, Arc<str>>);

impl Default for Names {
    fn default() -> Self {
        let schemas = OPERATIONS.schemas.values().chain(EVENTS.objects.values());
        let fields = schemas.filter_map(|schema| match schema {
            Schema::Object(fields) => Some(fields.keys()),
            _ => None,
        });
        Self(
            fields
                .flatten()
                .map(|name| (*name, Arc::from(*name)))
                .collect(),
        )
    }
}

impl Names {
    /// The same object; the names of its fields take no room of their own.
    pub(super) fn share(&self, json: &Json) -> Json {
        match json {
            Json::Array(items) => Json::Array(items.iter().map(|item| self.share(item)).collect()),
            Json::Object(fields) => {
                let shared = fields.iter().map(|(name, value)| {
                    let known = self.0.get(name.as_ref());
                    (known.unwrap_or(name).clone(), self.share(value))
                });
                Json::Object(shared.collect())
            }
            other => other.clone(),
        }
    }
}

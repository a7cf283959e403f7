//! Which events of a new session the former one has delivered already.

use crate::discord::event::Event;
use serde::Deserialize;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;
use tokio::time::Instant;

/// How long after the change the second session may still repeat something.
const REPEATS_FOR: Duration = Duration::from_secs(10);

/// Counts the events that the first session delivers, and recognises as many of the second's as duplicates.
#[derive(Debug, Default)]
pub(super) struct Deduplicator {
    counts: HashMap<u64, u32>,
    /// Until when they are expected; nothing while they are still collected.
    until: Option<Instant>,
}

impl Deduplicator {
    /// Collects the event, or says whether it repeats a collected one.
    pub(super) fn is_duplicate(&mut self, event: &Event) -> bool {
        let key = key(event);
        if self.until.is_none() {
            *self.counts.entry(key).or_default() += 1;
            return false;
        }
        let Some(count) = self.counts.get_mut(&key) else {
            return false;
        };
        *count -= 1;
        if *count == 0 {
            self.counts.remove(&key);
        }
        true
    }

    /// Nothing more is collected: from now on what was collected may be repeated.
    pub(super) fn stop_collecting(&mut self) {
        self.until = Some(Instant::now() + REPEATS_FOR);
    }

    /// Whether nothing more will be repeated.
    pub(super) fn is_done(&self) -> bool {
        let over = |until| self.counts.is_empty() || Instant::now() >= until;
        self.until.is_some_and(over)
    }
}

/// What makes an event the same one in two sessions. A message's fields depend on the intents, so
/// that what is created is known by its id; everything else by its text.
fn key(event: &Event) -> u64 {
    #[derive(Deserialize)]
    struct Created<'a> {
        id: &'a str,
    }
    let mut hasher = DefaultHasher::new();
    event.name.hash(&mut hasher);
    let created = match &*event.name {
        "message_create" | "interaction_create" => serde_json::from_str(event.raw()).ok(),
        _ => None,
    };
    match created {
        Some(Created { id }) => id.hash(&mut hasher),
        None => event.raw().hash(&mut hasher),
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_a_duplicate_as_often_as_it_was_delivered() {
        let event = |data: &str| Event::new("message_create", 0, 1, data.to_owned());
        let typing = Event::new("typing_start", 0, 1, r#"{"timestamp":1}"#.to_owned());
        let mut deduplicator = Deduplicator::default();
        assert!(!deduplicator.is_duplicate(&event(r#"{"id":"1","content":""}"#)));
        assert!(!deduplicator.is_duplicate(&typing) && !deduplicator.is_duplicate(&typing));
        assert!(!deduplicator.is_done());
        deduplicator.stop_collecting();
        assert!(deduplicator.is_duplicate(&event(r#"{"id":"1","content":"now readable"}"#)));
        assert!(!deduplicator.is_duplicate(&event(r#"{"id":"2","content":""}"#)));
        assert!(deduplicator.is_duplicate(&typing) && deduplicator.is_duplicate(&typing));
        assert!(!deduplicator.is_duplicate(&typing));
        assert!(deduplicator.is_done());
    }
}

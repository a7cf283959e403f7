//! Who waits for which event: each is given those with the ids that it wants. `wait.rs` is who waits.

use crate::discord::event::Event;
use crate::discord::event_ids::EventIds;
use crate::hash::HashMap;
use crate::lock::lock;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Somebody who waits for an event.
pub(super) trait Awaiting: Debug + Send + Sync {
    /// An event that fits has come.
    fn give(&self, event: &Arc<Event>);
}

/// All waits of a bot.
#[derive(Debug, Default)]
pub struct Waits {
    by_event: Mutex<HashMap<&'static str, Filed>>,
    /// How many there are: where there is none, an event costs one look at this.
    count: AtomicUsize,
    /// The number of the last one.
    last: AtomicUsize,
}

/// The waits for one event, each below the id that says most: an event is compared only with those that it may fit.
type Filed = HashMap<Key, BTreeMap<usize, Entry>>;

#[derive(Clone, Debug)]
struct Entry {
    filter: IdFilter,
    wait: Arc<dyn Awaiting>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    Message(u64),
    User(u64),
    Channel(u64),
    Any,
}

/// Where a wait is filed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    event: &'static str,
    key: Key,
    number: usize,
}

impl Waits {
    /// Gives an event to those that wait for it. Returns whether anybody does.
    pub fn hear(&self, event: &Arc<Event>) -> bool {
        if self.count.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let name = event.name.as_ref();
        if !lock(&self.by_event).contains_key(name) {
            return false;
        }
        // Not under the lock: it takes as long as the event is large.
        let ids = EventIds::of(event);
        let fitting = self.fitting(name, &ids);
        for wait in &fitting {
            wait.give(event);
        }
        !fitting.is_empty()
    }

    fn fitting(&self, event: &str, ids: &EventIds) -> Vec<Arc<dyn Awaiting>> {
        let by_event = lock(&self.by_event);
        let Some(filed) = by_event.get(event) else {
            return Vec::new();
        };
        let messages = ids.messages.iter().copied().map(Key::Message);
        let channels = ids.channels.iter().copied().map(Key::Channel);
        let user = ids.user.into_iter().map(Key::User);
        let keys = messages.chain(channels).chain(user).chain([Key::Any]);
        let entries = keys.filter_map(|key| filed.get(&key));
        let entries = entries.flat_map(BTreeMap::values);
        let fitting = entries.filter(|entry| entry.filter.fits(ids));
        fitting.map(|entry| Arc::clone(&entry.wait)).collect()
    }

    /// Has a wait hear events with these ids.
    pub(super) fn add(
        &self,
        event: &'static str,
        filter: IdFilter,
        wait: Arc<dyn Awaiting>,
    ) -> Place {
        let place = Place {
            event,
            key: filter.key(),
            number: self.last.fetch_add(1, Ordering::Relaxed),
        };
        let mut by_event = lock(&self.by_event);
        let filed = by_event.entry(event).or_default();
        let same = filed.entry(place.key).or_default();
        same.insert(place.number, Entry { filter, wait });
        self.count.fetch_add(1, Ordering::Relaxed);
        place
    }

    /// It hears nothing any more.
    pub(super) fn remove(&self, place: Place) {
        let mut by_event = lock(&self.by_event);
        let Some(filed) = by_event.get_mut(place.event) else {
            return;
        };
        let Some(same) = filed.get_mut(&place.key) else {
            return;
        };
        let removed = same.remove(&place.number);
        if same.is_empty() {
            filed.remove(&place.key);
        }
        if filed.is_empty() {
            by_event.remove(place.event);
        }
        drop(by_event);
        if removed.is_some() {
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }
}

/// The ids that an event must have.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct IdFilter {
    pub(super) channel: Option<u64>,
    pub(super) user: Option<u64>,
    pub(super) message: Option<u64>,
}

impl IdFilter {
    fn key(&self) -> Key {
        let channel = || self.channel.map_or(Key::Any, Key::Channel);
        let user = || self.user.map_or_else(channel, Key::User);
        self.message.map_or_else(user, Key::Message)
    }

    fn fits(&self, ids: &EventIds) -> bool {
        self.channel.is_none_or(|id| ids.channels.contains(&id))
            && self.message.is_none_or(|id| ids.messages.contains(&id))
            && self.user.is_none_or(|id| ids.user == Some(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default)]
    struct Heard(Mutex<Vec<Arc<str>>>);

    impl Awaiting for Heard {
        fn give(&self, event: &Arc<Event>) {
            lock(&self.0).push(event.raw().into());
        }
    }

    #[test]
    fn a_wait_hears_only_events_with_its_ids_and_nothing_once_it_is_removed() {
        let waits = Waits::default();
        let of = |channel, user, message| IdFilter {
            channel,
            user,
            message,
        };
        let filters = [
            of(None, None, None),
            of(Some(1), None, None),
            of(None, Some(2), None),
            of(Some(1), Some(2), None),
            of(Some(1), Some(2), Some(3)),
            of(Some(9), None, Some(3)),
        ];
        let added = filters.map(|filter| {
            let heard = Arc::new(Heard::default());
            let place = waits.add("message_create", filter, Arc::clone(&heard) as _);
            (heard, place)
        });
        let say = |event: &str, channel: u64, user: u64, message: u64| {
            let data = format!(
                r#"{{"id":"{message}","channel_id":"{channel}","author":{{"id":"{user}"}}}}"#
            );
            waits.hear(&Arc::new(Event::new(event, 0, 1, data)));
        };
        let counts = || {
            let mut counts = Vec::new();
            for (heard, _) in &added {
                counts.push(std::mem::take(&mut *lock(&heard.0)).len());
            }
            counts
        };
        say("message_create", 1, 2, 3);
        assert_eq!(counts(), [1, 1, 1, 1, 1, 0]);
        say("message_create", 1, 7, 3);
        assert_eq!(counts(), [1, 1, 0, 0, 0, 0]);
        say("message_create", 8, 2, 3);
        assert_eq!(counts(), [1, 0, 1, 0, 0, 0]);
        say("message_update", 1, 2, 3);
        assert_eq!(counts(), [0; 6]);
        for (_, place) in &added {
            waits.remove(*place);
            waits.remove(*place);
        }
        assert_eq!(waits.count(), 0);
        assert!(lock(&waits.by_event).is_empty());
        say("message_create", 1, 2, 3);
        assert_eq!(counts(), [0; 6]);
    }
}

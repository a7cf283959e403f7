//! The frame around everything that the gateway sends.

use crate::discord::event::Event;
use crate::hash::HashMap;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::ops::Range;
use std::sync::Arc;

/// A frame's envelope, in any order and spacing.
#[derive(Deserialize)]
struct Envelope<'a> {
    op: u8,
    #[serde(borrow, default)]
    t: Option<&'a str>,
    #[serde(borrow, default)]
    s: Option<&'a RawValue>,
    #[serde(borrow, default)]
    d: Option<&'a RawValue>,
}

/// What a frame turned out to be.
#[derive(Debug)]
pub(super) enum Frame {
    /// An event (op 0).
    Dispatch(Event),
    /// Any other operation; its data is `true` for a session that may be resumed (op 9).
    Control { op: u8, is_true: bool },
}

/// Reads frames of one shard, and remembers the names of events.
#[derive(Debug)]
pub(super) struct Frames {
    shard: u32,
    names: HashMap<Box<str>, Arc<str>>,
}

/// Discord has 76 names; a server that invents more of them than this pays with an allocation each.
const MOST_NAMES: usize = 256;

impl Frames {
    pub(super) fn new(shard: u32) -> Self {
        Self {
            shard,
            names: HashMap::default(),
        }
    }

    /// Reads a frame's envelope; its data stays text. The error says what is wrong with the frame.
    pub(super) fn read(&mut self, text: String) -> Result<Frame, String> {
        if let Some((name, sequence, data)) = usual(&text) {
            let name = self.name(name);
            let sequence = Some(sequence);
            return Ok(Frame::Dispatch(Event::at(
                name, self.shard, sequence, text, data,
            )));
        }
        let envelope: Envelope<'_> = serde_json::from_str(&text).map_err(|e| e.to_string())?;
        if envelope.op != 0 {
            return Ok(Frame::Control {
                op: envelope.op,
                is_true: envelope.d.is_some_and(|data| data.get() == "true"),
            });
        }
        // What cannot be a number of an event tells as much as none.
        let sequence = envelope.s.map(|s| s.get().trim_matches('"'));
        let sequence = sequence.and_then(|s| s.parse().ok());
        let Some(name) = envelope.t else {
            return Err("an event without a name".to_owned());
        };
        let data = envelope.d.map_or(0..0, |data| {
            // `data` is borrowed from `text`, so the distance of their addresses is its place there.
            let start = data.get().as_ptr().addr() - text.as_ptr().addr();
            start..start + data.get().len()
        });
        let name = self.name(name);
        Ok(Frame::Dispatch(Event::at(
            name, self.shard, sequence, text, data,
        )))
    }

    fn name(&mut self, shouted: &str) -> Arc<str> {
        if let Some(name) = self.names.get(shouted) {
            return name.clone();
        }
        let name: Arc<str> = shouted.to_ascii_lowercase().into();
        if self.names.len() < MOST_NAMES {
            self.names.insert(shouted.into(), name.clone());
        }
        name
    }
}

/// Name, sequence and place of the data of an event in the form in which Discord writes it:
/// `{"t":"NAME","s":1,"op":0,"d":{…}}`. Nothing for any other form, which `Envelope` reads.
///
/// The data is not looked at: most events are asked for by nobody, and reading past the data of a
/// message of 1 KB costs 1.5 µs, more than everything else that happens to it here.
fn usual(text: &str) -> Option<(&str, u64, Range<usize>)> {
    let (name, rest) = text.strip_prefix(r#"{"t":""#)?.split_once('"')?;
    let (sequence, rest) = rest.strip_prefix(r#","s":"#)?.split_once(',')?;
    let data = rest.strip_prefix(r#""op":0,"d":"#)?.strip_suffix('}')?;
    let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let whole = data.len() > 1 && data.starts_with('{') && data.ends_with('}');
    if !whole || !name.bytes().all(plain) {
        return None;
    }
    let end = text.len() - 1;
    Some((name, sequence.parse().ok()?, end - data.len()..end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Json;

    fn event(text: &str) -> Event {
        match Frames::new(3).read(text.to_owned()) {
            Ok(Frame::Dispatch(event)) => event,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_event_is_its_text_and_its_tree_is_made_once() {
        let event = event(r#"{"t":"NEVER_SEEN_EVENT","s":7,"op":0,"d":{"a":[1,"é"]}}"#);
        assert_eq!(&*event.name, "never_seen_event");
        assert_eq!((event.shard, event.sequence), (3, Some(7)));
        assert_eq!(event.raw(), r#"{"a":[1,"é"]}"#);
        assert_eq!(
            event
                .data()
                .get("a")
                .unwrap()
                .items()
                .nth(1)
                .unwrap()
                .as_str(),
            Some("é")
        );
        assert!(std::ptr::eq(event.data(), event.data()));
    }

    #[test]
    fn the_order_of_the_envelope_does_not_matter_and_data_may_be_missing() {
        let text = r#"{ "t":"X", "s":3, "op":0, "d": {"a":1} }"#;
        assert_eq!(event(text).raw(), r#"{"a":1}"#);
        let text = r#"{"op":0,"d":{"op":9,"s":1,"t":"X"},"s":2,"t":"RESUMED"}"#;
        assert_eq!(event(text).raw(), r#"{"op":9,"s":1,"t":"X"}"#);
        assert_eq!(
            event(r#"{"t":"RESUMED","s":2,"op":0,"d":null}"#).raw(),
            "null"
        );
        assert_eq!(event(r#"{"t":"RESUMED","s":2,"op":0}"#).data(), &Json::NULL);
    }

    #[test]
    fn an_event_has_the_number_that_the_server_gives_it_or_none() {
        let numbered = |s: &str| event(&format!(r#"{{"t":"X",{s}"op":0,"d":{{}}}}"#)).sequence;
        assert_eq!(numbered(r#""s":0,"#), Some(0));
        assert_eq!(numbered(r#""s":null,"#), None);
        assert_eq!(numbered(""), None);
        assert_eq!(numbered(r#""s":"7","#), Some(7));
        for odd in [
            "-1",
            "1e3",
            "7.5",
            "99999999999999999999",
            "true",
            "{}",
            r#""x""#,
        ] {
            assert_eq!(numbered(&format!(r#""s":{odd},"#)), None, "{odd}");
        }
    }

    #[test]
    fn what_is_no_frame_is_an_error_in_words() {
        let mut frames = Frames::new(0);
        for bad in [
            "",
            "[]",
            "{",
            r#"{"op":0}"#,
            r#"{"op":900}"#,
            r#"{"t":"X","s":9,"op":0,"d":{}"#,
            r#"{"t":"X","s":9,"op":0,"d":{"a":}"#,
        ] {
            assert!(!frames.read(bad.to_owned()).unwrap_err().is_empty());
        }
        let invalid = frames.read(r#"{"op":9,"d":true,"t":null,"s":null}"#.to_owned());
        assert!(matches!(
            invalid,
            Ok(Frame::Control {
                op: 9,
                is_true: true
            })
        ));
    }
}

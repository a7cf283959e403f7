//! The answer to a message that was sent: of most of them nobody wants to know more than the ids.

use crate::json::Json;
use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};
use std::fmt;

/// The text of a message that was sent, of which only this has been read.
#[derive(Debug)]
pub struct SentMessage {
    text: Vec<u8>,
    id: String,
    channel_id: String,
}

/// What is read of it: its two ids, and nothing that comes after them.
#[derive(Default)]
struct Place {
    id: Option<String>,
    channel_id: Option<String>,
}

impl<'de> Visitor<'de> for &mut Place {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while self.id.is_none() || self.channel_id.is_none() {
            match fields.next_key()? {
                Some("id") => self.id = Some(fields.next_value()?),
                Some("channel_id") => self.channel_id = Some(fields.next_value()?),
                Some(_) => {
                    fields.next_value::<IgnoredAny>()?;
                }
                None => return Ok(()),
            }
        }
        // The rest is not read, which ends the reading with an error.
        Ok(())
    }
}

impl SentMessage {
    /// The text itself, if it is none.
    pub(super) fn of(text: Vec<u8>) -> Result<Self, Vec<u8>> {
        let mut place = Place::default();
        let mut json = serde_json::Deserializer::from_slice(&text);
        let _read_to_its_end = json.deserialize_map(&mut place).is_ok();
        match place {
            Place {
                id: Some(id),
                channel_id: Some(channel_id),
            } => Ok(Self {
                text,
                id,
                channel_id,
            }),
            _ => Err(text),
        }
    }

    /// The message's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The id of the channel that it is in.
    pub fn channel_id(&self) -> &str {
        &self.channel_id
    }

    /// What it takes, with the document that is made of it: of a message, which is made of texts, that is no longer.
    pub fn bytes(&self) -> usize {
        2 * self.text.len()
    }

    /// The whole message. Where the text turns out to be no JSON after all, it is null.
    pub fn read(&self) -> Json {
        serde_json::from_slice(&self.text).unwrap_or(Json::NULL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_was_sent_is_read_when_it_is_asked_for() {
        let message = |text: &str| SentMessage::of(text.as_bytes().to_vec());
        let sent = message(r#"{"content":"a \"b\"","id":"1","channel_id":"2"}"#).unwrap();
        assert_eq!((sent.id(), sent.channel_id()), ("1", "2"));
        let content = sent.read();
        assert_eq!(content.str("content"), Some("a \"b\""));
        assert!(content.bytes() <= sent.bytes());
        for other in [
            "",
            "{}",
            "[]",
            "null",
            r#"{"id":"1"}"#,
            r#"{"id":1,"channel_id":"2"}"#,
        ] {
            assert!(message(other).is_err(), "{other}");
        }
        // What comes behind the ids is not read before.
        let broken = message(r#"{"id":"1","channel_id":"2","content":}"#).unwrap();
        assert_eq!((broken.id(), broken.read()), ("1", Json::NULL));
        // JSON, but of a number that nobody can hold.
        let strange = r#"{"id":"1","channel_id":"2","nonce":1e999}"#;
        assert_eq!(message(strange).unwrap().read(), Json::NULL);
    }
}

//! A text becomes a document, charged to somebody while it is made.

use super::Json;
use super::format::{ARRAY, OBJECT};
use super::writer::Writer;
use crate::charge::Charge;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// What a document takes while it grows, for each of its bytes: itself, a former self that it was moved out of, and
/// room for more.
const WHILE_IT_GROWS: usize = 3;

/// Bytes that are charged at once.
const BLOCK: usize = 8 << 10;

/// Why a text does not become a document.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It is not JSON.
    #[error(transparent)]
    Syntax(serde_json::Error),
    /// Its document needs more memory than allowed.
    #[error("its values need more memory than there is")]
    TooLarge,
}

impl Json {
    /// The document of a text, which takes up to three times what the text does: it is charged as it is made, with
    /// what is needed on the way. Afterwards `charge` has grown by [`Json::bytes`], or not at all.
    pub fn parse(text: &[u8], charge: &mut Charge) -> Result<Self, Unreadable> {
        let before = charge.bytes();
        let read = Self::parse_charged(text, charge);
        charge.shrink(charge.bytes() - before);
        let json = read?;
        let grown = charge.grow(json.bytes());
        grown.map_err(|_| Unreadable::TooLarge)?;
        Ok(json)
    }

    fn parse_charged(text: &[u8], charge: &mut Charge) -> Result<Self, Unreadable> {
        // Most documents take no more than their text, and are never moved.
        let grown = charge.grow(text.len());
        grown.map_err(|_| Unreadable::TooLarge)?;
        let mut reading = Reading {
            writer: Writer::with_capacity(text.len()),
            charged: 0,
            charge: Some(charge),
            is_full: false,
        };
        // Of a text that is UTF-8 no string needs to be looked at again.
        let read = match std::str::from_utf8(text) {
            Ok(text) => reading.read(serde_json::Deserializer::from_str(text)),
            // It says where.
            Err(_) => reading.read(serde_json::Deserializer::from_slice(text)),
        };
        match read {
            Ok(()) => Ok(reading.writer.into()),
            Err(_) if reading.is_full => Err(Unreadable::TooLarge),
            Err(error) => Err(Unreadable::Syntax(error)),
        }
    }
}

/// A document that is being made, and what it may cost.
struct Reading<'a> {
    writer: Writer,
    /// Bytes that are charged for it.
    charged: usize,
    /// Nothing: whatever it costs.
    charge: Option<&'a mut Charge>,
    is_full: bool,
}

impl Reading<'_> {
    /// Reads a whole text.
    fn read<'de>(
        &mut self,
        mut text: serde_json::Deserializer<impl serde_json::de::Read<'de>>,
    ) -> serde_json::Result<()> {
        Value(self).deserialize(&mut text)?;
        text.end()
    }

    /// Charges for what has been written.
    fn grown<E: Error>(&mut self) -> Result<(), E> {
        let wanted = WHILE_IT_GROWS * self.writer.len();
        if wanted <= self.charged {
            return Ok(());
        }
        let missing = wanted - self.charged;
        let block = missing.max(BLOCK);
        // The last block may be a small one.
        let taken = [block, missing].into_iter().find(|bytes| {
            let charge = self.charge.as_mut();
            charge.is_none_or(|charge| charge.grow(*bytes).is_ok())
        });
        // The lengths inside of a document have four bytes.
        let taken = taken.filter(|_| u32::try_from(self.writer.len()).is_ok());
        let Some(taken) = taken else {
            self.is_full = true;
            return Err(E::custom(Unreadable::TooLarge));
        };
        self.charged += taken;
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut reading = Reading {
            writer: Writer::default(),
            charged: 0,
            charge: None,
            is_full: false,
        };
        Value(&mut reading).deserialize(deserializer)?;
        Ok(reading.writer.into())
    }
}

/// Writes the next value.
struct Value<'a, 'b>(&'a mut Reading<'b>);

impl Value<'_, '_> {
    fn write<E: Error>(self, write: impl FnOnce(&mut Writer)) -> Result<(), E> {
        write(&mut self.0.writer);
        self.0.grown()
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.write(Writer::null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.write(|writer| writer.bool(value))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.write(|writer| writer.integer(number))
    }

    #[allow(
        clippy::cast_precision_loss,
        reason = "a Luau number could not hold it either"
    )]
    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        match i64::try_from(number) {
            Ok(number) => self.visit_i64(number),
            Err(_) => self.visit_f64(number as f64),
        }
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        self.write(|writer| writer.number(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.write(|writer| writer.string(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self(reading) = self;
        let array = reading.writer.open(ARRAY);
        while items.next_element_seed(Value(reading))?.is_some() {}
        reading.writer.close(array);
        reading.grown()
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let Self(reading) = self;
        let object = reading.writer.open(OBJECT);
        while fields.next_key_seed(Name(&mut reading.writer))?.is_some() {
            fields.next_value_seed(Value(reading))?;
        }
        reading.writer.close(object);
        reading.grown()
    }
}

/// Writes the next field's name. Its value comes at once, and both are charged then.
struct Name<'a>(&'a mut Writer);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name of a field")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<(), E> {
        self.0.name(name);
        Ok(())
    }
}

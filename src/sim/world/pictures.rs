//! The pictures that were uploaded as emoji, stickers, avatars, icons, banners …

use axum::body::Bytes;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// How many bytes of pictures are kept; the oldest go first.
const KEPT_BYTES: usize = 64 << 20;

/// Pictures by the names that Discord has for them: a hash, or the id of an emoji or a sticker.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Pictures(IndexMap<String, Picture>);

#[derive(Debug, Serialize, Deserialize)]
struct Picture(#[serde(with = "super::saved::base64")] Bytes);

impl Pictures {
    /// Keeps a picture.
    pub(crate) fn keep(&mut self, name: String, bytes: Vec<u8>) {
        self.0.insert(name, Picture(bytes.into()));
        let size = |pictures: &IndexMap<String, Picture>| -> usize {
            pictures.values().map(|picture| picture.0.len()).sum()
        };
        while size(&self.0) > KEPT_BYTES {
            self.0.shift_remove_index(0);
        }
    }

    /// The bytes of a picture.
    pub(crate) fn get(&self, name: &str) -> Option<Bytes> {
        self.0.get(name).map(|picture| picture.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_pictures_go_when_there_are_too_many() {
        let mut pictures = Pictures::default();
        for name in ["a", "b", "c"] {
            pictures.keep(name.into(), vec![0; KEPT_BYTES / 2]);
        }
        assert!(pictures.get("a").is_none() && pictures.get("c").is_some());
    }
}

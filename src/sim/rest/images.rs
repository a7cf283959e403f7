//! Pictures in bodies: `data:image/png;base64,…`, as emoji, avatars and icons come.

use crate::sim::errors::{ApiError, FILE_TOO_LARGE, INVALID_FILE, Invalid};
use crate::sim::world::World;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A picture that was sent.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) is_animated: bool,
    /// The name under which Discord keeps it: 32 hexadecimal digits, behind `a_` when it is animated.
    pub(super) hash: String,
    pub(super) bytes: Vec<u8>,
}

/// The kinds of pictures that Discord takes, by their first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Png,
    Jpeg,
    Gif,
    Webp,
    Avif,
}

/// The picture in a field; nothing when it is null. `most` is the size that Discord takes, in bytes.
pub(super) fn read(name: &str, value: &Value, most: usize) -> Result<Option<Image>, ApiError> {
    let Some(text) = value.as_str() else {
        return Ok(None);
    };
    let encoded = text
        .strip_prefix("data:image/")
        .and_then(|rest| rest.split_once(";base64,"));
    let bytes = encoded.and_then(|(_, data)| STANDARD.decode(data.trim_end()).ok());
    let Some(bytes) = bytes else {
        let message =
            "Invalid image data: expected data:image/png;base64,… (or jpeg, gif, webp, avif).";
        return Err(Invalid::one(name, "IMAGE_INVALID", message));
    };
    if bytes.len() > most {
        let kib = most / 1_024;
        let message = format!("File cannot be larger than {kib}.0 kb.");
        return Err(Invalid::one(name, "BINARY_TYPE_MAX_SIZE", message));
    }
    let format = format(&bytes).ok_or(INVALID_FILE)?;
    let is_animated = is_animated(format, &bytes);
    Ok(Some(Image {
        is_animated,
        hash: hash(&bytes, is_animated),
        bytes,
    }))
}

/// Keeps the picture in a field under its hash, and gives that back; null when the field is.
pub(super) fn keep(
    world: &mut World,
    name: &str,
    value: &Value,
    most: usize,
) -> Result<Option<String>, ApiError> {
    let image = read(name, value, most)?;
    Ok(image.map(|image| {
        world.pictures.keep(image.hash.clone(), image.bytes);
        image.hash
    }))
}

/// Fails unless a text is a sound: `data:audio/mpeg;base64,…`, an MP3 or Ogg of at most `most` bytes.
pub(super) fn check_sound(name: &str, text: &str, most: usize) -> Result<(), ApiError> {
    let encoded = text
        .strip_prefix("data:audio/")
        .and_then(|rest| rest.split_once(";base64,"));
    let bytes = encoded.and_then(|(_, data)| STANDARD.decode(data.trim_end()).ok());
    let Some(bytes) = bytes else {
        let message =
            "Invalid sound data: expected data:audio/mpeg;base64,… or data:audio/ogg;base64,….";
        return Err(Invalid::one(name, "SOUND_INVALID", message));
    };
    if bytes.len() > most {
        return Err(FILE_TOO_LARGE.into());
    }
    let starts: [&[u8]; 5] = [b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"OggS"];
    if starts.into_iter().any(|start| bytes.starts_with(start)) {
        Ok(())
    } else {
        Err(INVALID_FILE.into())
    }
}

/// What picture a file is, by its first bytes.
pub(super) fn format(bytes: &[u8]) -> Option<Format> {
    let begins = |start: &[u8]| bytes.starts_with(start);
    let within = |at: usize, part: &[u8]| bytes.get(at..).is_some_and(|it| it.starts_with(part));
    if begins(b"\x89PNG\r\n\x1a\n") {
        Some(Format::Png)
    } else if begins(b"\xff\xd8\xff") {
        Some(Format::Jpeg)
    } else if begins(b"GIF87a") || begins(b"GIF89a") {
        Some(Format::Gif)
    } else if begins(b"RIFF") && within(8, b"WEBP") {
        Some(Format::Webp)
    } else if within(4, b"ftypavi") {
        Some(Format::Avif)
    } else {
        None
    }
}

/// Whether there is more than one picture in it.
fn is_animated(format: Format, bytes: &[u8]) -> bool {
    let count = |part: &[u8]| {
        let windows = bytes.windows(part.len());
        windows.filter(|window| *window == part).take(2).count()
    };
    match format {
        // Each picture of a GIF has a block that tells how long it is shown.
        Format::Gif => count(b"\x21\xf9\x04") > 1,
        Format::Webp => count(b"ANIM") > 0,
        Format::Avif => count(b"ftypavis") > 0,
        // Of an animated PNG, Discord keeps the first picture.
        Format::Png | Format::Jpeg => false,
    }
}

/// The name under which Discord keeps a picture.
pub(super) fn hash(bytes: &[u8], is_animated: bool) -> String {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, bytes).hash(&mut hasher);
        hasher.finish()
    };
    let prefix = if is_animated { "a_" } else { "" };
    format!("{prefix}{:016x}{:016x}", half(0), half(1))
}

/// The number that Discord has for the format of a sticker's file (1 PNG, 2 animated PNG, 3 Lottie, 4 GIF).
pub(super) fn sticker_format(bytes: &[u8]) -> Option<u64> {
    match format(bytes) {
        Some(Format::Png) => {
            let is_animated = bytes.windows(4).any(|part| part == b"acTL");
            Some(if is_animated { 2 } else { 1 })
        }
        Some(Format::Gif) => Some(4),
        Some(_) => None,
        None => {
            let lottie: Value = serde_json::from_slice(bytes).ok()?;
            (lottie["layers"].is_array() && lottie["v"].is_string()).then_some(3)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read_bytes(bytes: &[u8]) -> Result<Option<Image>, ApiError> {
        let text = format!("data:image/png;base64,{}", STANDARD.encode(bytes));
        read("image", &json!(text), 1_024)
    }

    #[test]
    fn what_a_picture_is_follows_from_its_bytes() {
        let still = read_bytes(b"\x89PNG\r\n\x1a\n....").unwrap().unwrap();
        assert!(!still.is_animated && still.hash.len() == 32);
        let frames = [b"GIF89a".as_slice(), b"\x21\xf9\x04..", b"\x21\xf9\x04.."].concat();
        let animated = read_bytes(&frames).unwrap().unwrap();
        assert!(animated.is_animated && animated.hash.starts_with("a_"));
        let one_frame = [b"GIF89a".as_slice(), b"\x21\xf9\x04.."].concat();
        assert!(!read_bytes(&one_frame).unwrap().unwrap().is_animated);
        assert_eq!(read_bytes(b"text").unwrap_err().code, 50046);
        assert_eq!(read_bytes(&[b'G'; 1_025]).unwrap_err().code, 50035);
        let plain = read("image", &json!("https://example.com/a.png"), 1_024);
        assert_eq!(plain.unwrap_err().code, 50035);
        assert!(read("image", &Value::Null, 1_024).unwrap().is_none());
    }

    #[test]
    fn the_format_of_a_sticker_is_told_by_its_file() {
        assert_eq!(sticker_format(b"\x89PNG\r\n\x1a\n...."), Some(1));
        assert_eq!(sticker_format(b"\x89PNG\r\n\x1a\n..acTL"), Some(2));
        assert_eq!(sticker_format(br#"{"v": "5.5.2", "layers": []}"#), Some(3));
        assert_eq!(sticker_format(b"GIF89a"), Some(4));
        assert_eq!(sticker_format(b"\xff\xd8\xff"), None);
        assert_eq!(sticker_format(b"{}"), None);
    }
}

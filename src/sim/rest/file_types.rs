//! What a file is, by its first bytes or its name, and how large a picture is.

use super::images::{Format, format};
use mime_guess::MimeGuess;

/// The content type that Discord finds out for a file.
pub(super) fn content_type(filename: &str, bytes: &[u8]) -> Option<String> {
    let picture = format(bytes).map(|format| match format {
        Format::Png => "image/png",
        Format::Jpeg => "image/jpeg",
        Format::Gif => "image/gif",
        Format::Webp => "image/webp",
        Format::Avif => "image/avif",
    });
    if let Some(picture) = picture {
        return Some(picture.to_owned());
    }
    let guess = MimeGuess::from_path(filename).first()?;
    let is_text = guess.type_() == mime_guess::mime::TEXT;
    Some(if is_text {
        format!("{guess}; charset=utf-8")
    } else {
        guess.to_string()
    })
}

/// Width and height of a picture, in pixels. An AVIF's are too deep inside of it.
pub(super) fn size(bytes: &[u8]) -> Option<(u32, u32)> {
    match format(bytes)? {
        Format::Png => Some((big(bytes, 16)?, big(bytes, 20)?)),
        Format::Gif => Some((little(bytes, 6, 2)?, little(bytes, 8, 2)?)),
        Format::Jpeg => jpeg(bytes),
        Format::Webp => webp(bytes),
        Format::Avif => None,
    }
}

/// Four bytes, the most significant first.
fn big(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(four.try_into().ok()?))
}

/// Up to four bytes, the least significant first.
fn little(bytes: &[u8], at: usize, count: usize) -> Option<u32> {
    let some = bytes.get(at..at.checked_add(count)?)?.iter().rev();
    Some(some.fold(0, |number, byte| (number << 8) | u32::from(*byte)))
}

/// A JPEG is a chain of segments; one of those that begin a frame has the size.
fn jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2_usize;
    loop {
        let marker = *bytes.get(at.checked_add(1)?)?;
        if *bytes.get(at)? != 0xff {
            return None;
        }
        if marker == 0xff {
            at = at.checked_add(1)?;
            continue;
        }
        let pair = |at: usize| {
            let two = bytes.get(at..at.checked_add(2)?)?;
            Some(u32::from(u16::from_be_bytes(two.try_into().ok()?)))
        };
        if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
            return Some((pair(at.checked_add(7)?)?, pair(at.checked_add(5)?)?));
        }
        let length = usize::try_from(pair(at.checked_add(2)?)?).ok()?;
        at = at.checked_add(2)?.checked_add(length.max(2))?;
    }
}

fn webp(bytes: &[u8]) -> Option<(u32, u32)> {
    const FOURTEEN_BITS: u32 = 0x3fff;
    match bytes.get(12..16)? {
        b"VP8X" => Some((little(bytes, 24, 3)? + 1, little(bytes, 27, 3)? + 1)),
        b"VP8L" => {
            let bits = little(bytes, 21, 4)?;
            Some((
                (bits & FOURTEEN_BITS) + 1,
                ((bits >> 14) & FOURTEEN_BITS) + 1,
            ))
        }
        b"VP8 " => {
            let side = |at| Some(little(bytes, at, 2)? & FOURTEEN_BITS);
            Some((side(26)?, side(28)?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pictures_tell_their_size() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\x02\0\0\0\x40\x08\x06";
        assert_eq!(size(png), Some((258, 64)));
        assert_eq!(size(b"GIF89a\x05\0\x06\x01"), Some((5, 262)));
        let jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x11\x08\0\x10\0\x20\x03";
        assert_eq!(size(jpeg), Some((32, 16)));
        let webp = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x09\0\0\x13\0\0";
        assert_eq!(size(webp), Some((10, 20)));
        assert_eq!(size(b"hello"), None);
        assert_eq!(size(b"\x89PNG\r\n\x1a\n"), None);
    }

    #[test]
    fn a_type_is_found_by_content_and_by_name() {
        let found = |name: &str, bytes: &[u8]| content_type(name, bytes).unwrap_or_default();
        assert_eq!(found("cat.txt", b"GIF89a"), "image/gif");
        assert_eq!(found("notes.txt", b"hello"), "text/plain; charset=utf-8");
        assert_eq!(found("data.json", b"{}"), "application/json");
        assert_eq!(found("nothing", b"x"), "");
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(start in 0_usize..5, rest: Vec<u8>) {
            let starts: [&[u8]; 5] = [b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8\xff", b"RIFF0000WEBPVP8X", b""];
            let bytes = [starts[start], rest.as_slice()].concat();
            let _size = size(&bytes);
        }
    }
}

//! Pictures, at the paths that Discord's CDN has for them below this address: what was uploaded, or one that is made
//! of the name.

use super::file_types::content_type;
use crate::sim::hub::Hub;
use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use axum::response::{IntoResponse, Response};
use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write as _;

/// What the paths of Discord's CDN begin with,
/// <https://docs.discord.com/developers/reference#image-formatting-cdn-endpoints>; and the avatars of widgets.
const PLACES: &[&str] = &[
    "app-assets",
    "app-icons",
    "avatar-decoration-presets",
    "avatars",
    "banners",
    "discovery-splashes",
    "embed",
    "emojis",
    "guild-events",
    "guild-tag-badges",
    "guilds",
    "icons",
    "role-icons",
    "splashes",
    "stickers",
    "team-icons",
    "widget-avatars",
];

/// Width and height of a picture that is made, in pixels, and of each of its squares.
const SIDE: usize = 120;
const SQUARE: usize = SIDE / 5;

/// Whether a path is one of the CDN's.
pub(crate) fn is_picture(path: &str) -> bool {
    let place = path
        .strip_prefix('/')
        .and_then(|path| path.split('/').next());
    place.is_some_and(|place| PLACES.contains(&place) && path.len() > place.len() + 2)
}

/// Answers such a path, whatever the format and the size that are asked for.
pub(super) fn serve(hub: &Hub, path: &str) -> Response {
    let file = path.rsplit('/').next().unwrap_or_default();
    let name = file.split_once('.').map_or(file, |(name, _)| name);
    let known = hub.look(|state| state.world.pictures.get(name));
    let (kind, bytes) = match known {
        // A sticker may be an animation in JSON.
        Some(bytes) => match content_type("", &bytes) {
            Some(kind) => (kind, bytes),
            None => ("application/json".to_owned(), bytes),
        },
        None => match made(name) {
            Some(bytes) => ("image/png".to_owned(), bytes.into()),
            None => return StatusCode::NOT_FOUND.into_response(),
        },
    };
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    if let Ok(kind) = HeaderValue::try_from(kind) {
        headers.insert(CONTENT_TYPE, kind);
    }
    let cache = HeaderValue::from_static("public, max-age=31536000");
    headers.insert(CACHE_CONTROL, cache);
    response
}

/// A PNG of squares, the same for the same name: the left half is that of a hash, the right one its mirror.
fn made(name: &str) -> Option<Vec<u8>> {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    let hash = hasher.finish();
    let [red, green, blue, ..] = hash.to_le_bytes();
    let is_set = |column: usize, row: usize| (hash >> (24 + row * 3 + column.min(4 - column))) & 1;
    let mut pixels = Vec::new();
    for y in 0..SIDE {
        // No filter.
        pixels.push(0);
        for x in 0..SIDE {
            pixels.push(u8::from(is_set(x / SQUARE, y / SQUARE) == 1));
        }
    }
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
    packed.write_all(&pixels).ok()?;
    let packed = packed.finish().ok()?;
    let side = u32::try_from(SIDE).ok()?.to_be_bytes();
    // Eight bits for each pixel, which choose from a palette.
    let header = [&side[..], &side, &[8, 3, 0, 0, 0]].concat();
    let palette = [236, 236, 240, red / 2 + 40, green / 2 + 40, blue / 2 + 40];
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in [
        (b"IHDR", header.as_slice()),
        (b"PLTE", &palette),
        (b"IDAT", &packed),
        (b"IEND", &[]),
    ] {
        png.extend(u32::try_from(data.len()).ok()?.to_be_bytes());
        let mut sum = Crc::new();
        sum.update(kind);
        sum.update(data);
        png.extend(kind);
        png.extend(data);
        png.extend(sum.sum().to_be_bytes());
    }
    Some(png)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paths_of_the_cdn_are_known() {
        for path in ["/avatars/1/a.png", "/embed/avatars/0.png", "/emojis/5.webp"] {
            assert!(is_picture(path), "{path}");
        }
        for path in [
            "/",
            "/avatars",
            "/avatars/",
            "/js/avatars/x.js",
            "/icon.svg",
            "/control/world",
        ] {
            assert!(!is_picture(path), "{path}");
        }
    }

    #[test]
    fn each_name_has_a_picture_of_its_own() {
        let picture = made("a").unwrap();
        assert_eq!(super::super::file_types::size(&picture), Some((120, 120)));
        assert_eq!(made("a").unwrap(), picture);
        assert_ne!(made("b").unwrap(), picture);
    }
}

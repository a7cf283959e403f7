//! How messages are put into WebSocket frames: as text, or as one compressed stream a connection.

use axum::body::Bytes;
use axum::extract::ws::Message;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use std::io::{self, Write};

/// The encoder of one connection. Compressed, all messages are one continuous stream that is
/// flushed after each, so that the client can read every message when it has come.
pub(super) enum Codec {
    Plain,
    Zlib(Box<ZlibEncoder<Vec<u8>>>),
    Zstd(Box<zstd::stream::write::Encoder<'static, Vec<u8>>>),
}

impl Codec {
    /// The encoder for the `compress` parameter of the gateway's address.
    pub(super) fn named(name: Option<&str>) -> io::Result<Self> {
        Ok(match name {
            Some("zlib-stream") => {
                Self::Zlib(Box::new(ZlibEncoder::new(Vec::new(), Compression::fast())))
            }
            Some("zstd-stream") => {
                // Level 1: a loopback gains nothing from more.
                let encoder = zstd::stream::write::Encoder::new(Vec::new(), 1)?;
                Self::Zstd(Box::new(encoder))
            }
            _ => Self::Plain,
        })
    }

    /// One message as a frame.
    pub(super) fn frame(&mut self, text: &str) -> io::Result<Message> {
        let bytes = match self {
            Self::Plain => return Ok(Message::Text(text.into())),
            Self::Zlib(encoder) => {
                encoder.write_all(text.as_bytes())?;
                encoder.flush()?;
                std::mem::take(encoder.get_mut())
            }
            Self::Zstd(encoder) => {
                encoder.write_all(text.as_bytes())?;
                encoder.flush()?;
                std::mem::take(encoder.get_mut())
            }
        };
        Ok(Message::Binary(Bytes::from(bytes)))
    }
}

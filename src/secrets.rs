//! The secrets of the process, and how they are removed from all data that leaves it.
//!
//! No secret is passed to a cog. If one gets into a text anyway (a file that is replaced at the wrong moment, a library
//! that logs too much), it must not leave the process: the log, requests to Discord and to other servers, the page and
//! all output go through [`hide`], just before their bytes are sent.

use crate::lock::lock;
use aho_corasick::{AhoCorasick, packed};
use arc_swap::ArcSwapOption;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, Mutex};

/// The text that replaces a secret.
const HIDDEN: &[u8] = b"(hidden)";

/// The shortest text that counts as a secret: shorter ones occur in too many words.
const SHORTEST: usize = 8;

/// So many consecutive bytes of a token are also removed: a line that was cut contains only a part of it.
const SHORTEST_PART: usize = 16;

/// Length of the pieces that are searched for. A part of a secret that has `SHORTEST_PART` bytes has a whole piece.
const PIECE: usize = 8;

/// The secrets whose keepers exist, each once for every keeper.
static KEPT: Mutex<Vec<Arc<Secret>>> = Mutex::new(Vec::new());

/// Finds them; none as long as there are no secrets.
static FINDER: ArcSwapOption<Finder> = ArcSwapOption::const_empty();

/// Hides a secret until it is dropped.
#[derive(Debug)]
#[must_use = "the secret is hidden until this is dropped"]
pub struct Keeper(Vec<Arc<Secret>>);

/// One secret.
#[derive(PartialEq, Eq)]
struct Secret {
    text: Vec<u8>,
    /// Where the private part begins. The text before it is hidden only together with the private part.
    private: usize,
    /// How many consecutive bytes of the private part are hidden.
    enough: usize,
}

/// Hides `text` from now on. A Discord token is also hidden without its first part, which is the bot's public id, and
/// so are long parts of it.
pub fn keep(text: &str) -> Keeper {
    let mut secrets = vec![Secret::of(text)];
    // In JSON it may look different.
    let escaped = serde_json::Value::from(text).to_string();
    let escaped = &escaped[1..escaped.len() - 1];
    if escaped != text {
        secrets.push(Secret::of(escaped));
    }
    let secrets: Vec<Arc<Secret>> = secrets.into_iter().flatten().map(Arc::new).collect();
    let mut kept = lock(&KEPT);
    kept.extend(secrets.iter().cloned());
    FINDER.store(Finder::of(&kept));
    Keeper(secrets)
}

/// Hides `text` until the process ends.
pub fn keep_for_good(text: &str) {
    std::mem::forget(keep(text));
}

/// The bytes without secrets, and without long parts of them.
pub fn hide(bytes: &[u8]) -> Cow<'_, [u8]> {
    match &*FINDER.load() {
        Some(finder) => finder.hide(bytes),
        None => Cow::Borrowed(bytes),
    }
}

/// The text without secrets, and without long parts of them.
pub fn hide_text(text: &str) -> Cow<'_, str> {
    match hide(text.as_bytes()) {
        Cow::Borrowed(_) => Cow::Borrowed(text),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let mut kept = lock(&KEPT);
        for secret in &self.0 {
            if let Some(at) = kept.iter().position(|it| Arc::ptr_eq(it, secret)) {
                kept.swap_remove(at);
            }
        }
        FINDER.store(Finder::of(&kept));
    }
}

impl Secret {
    fn of(text: &str) -> Option<Self> {
        let private = private_part(text);
        (text.len() >= SHORTEST).then(|| Self {
            text: text.as_bytes().to_owned(),
            private: private.unwrap_or_default(),
            enough: private.map_or(text.len(), |_| SHORTEST_PART),
        })
    }

    /// The pieces of its private part, with the place of each.
    fn pieces(&self) -> impl Iterator<Item = (&[u8], usize)> {
        let pieces = self.text[self.private..].chunks_exact(PIECE);
        let places = (self.private..).step_by(PIECE);
        pieces.zip(places)
    }

    /// What is to be hidden of `bytes`, where the piece at `place` of this secret was found at `at`.
    fn around(&self, bytes: &[u8], at: usize, place: usize) -> Option<Range<usize>> {
        let before = bytes[..at].iter().rev();
        let before = before.zip(self.text[..place].iter().rev());
        let before = before.take_while(|(one, other)| one == other).count();
        let after = bytes[at..].iter().zip(&self.text[place..]);
        let after = after.take_while(|(one, other)| one == other).count();
        let private = place + after - (place - before).max(self.private);
        (private >= self.enough).then(|| at - before..at + after)
    }
}

/// Where the private part of a token of Discord's begins (`ID.TIME.SIGNATURE`). Parts of other secrets may be words.
fn private_part(text: &str) -> Option<usize> {
    let parts: Vec<&str> = text.split('.').collect();
    let [id, time, signature] = parts[..] else {
        return None;
    };
    let is_random = time.len() + signature.len() >= SHORTEST_PART;
    (!id.is_empty() && is_random).then_some(id.len() + 1)
}

/// Only how long it is.
impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Secret({} bytes)", self.text.len())
    }
}

/// Searches for all secrets at once.
struct Finder {
    searcher: AhoCorasick,
    /// Tells more quickly that there is none; nothing where the processor or the secrets do not allow it.
    quick: Option<packed::Searcher>,
    /// Which secret each piece is of, and where in it.
    places: Vec<(Arc<Secret>, usize)>,
}

impl Finder {
    fn of(kept: &[Arc<Secret>]) -> Option<Arc<Self>> {
        let mut distinct: Vec<&Arc<Secret>> = Vec::new();
        for secret in kept {
            if !distinct.contains(&secret) {
                distinct.push(secret);
            }
        }
        let pieces = || {
            let pieces = distinct.iter().flat_map(|secret| secret.pieces());
            pieces.map(|(piece, _)| piece)
        };
        // Building fails only with more pieces than memory has room for.
        let quick = packed::Searcher::new(pieces());
        let searcher = AhoCorasick::new(pieces()).ok()?;
        let places = distinct.iter().flat_map(|secret| {
            secret
                .pieces()
                .map(|(_, place)| (Arc::clone(secret), place))
        });
        let places: Vec<_> = places.collect();
        (!places.is_empty()).then(|| {
            Arc::new(Self {
                searcher,
                quick,
                places,
            })
        })
    }

    fn hide<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let ranges = self.ranges(bytes);
        if ranges.is_empty() {
            return Cow::Borrowed(bytes);
        }
        let mut shown: Vec<u8> = Vec::with_capacity(bytes.len());
        let mut done = 0;
        for range in ranges {
            shown.extend_from_slice(&bytes[done..range.start]);
            shown.extend_from_slice(HIDDEN);
            done = range.end;
        }
        shown.extend_from_slice(&bytes[done..]);
        Cow::Owned(shown)
    }

    /// What is to be hidden, in order, none of it twice.
    fn ranges(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        let mut ranges: Vec<Range<usize>> = Vec::new();
        let is_clean = |quick: &packed::Searcher| quick.find(bytes).is_none();
        if self.quick.as_ref().is_some_and(is_clean) {
            return ranges;
        }
        for found in self.searcher.find_overlapping_iter(bytes) {
            let (secret, place) = &self.places[found.pattern().as_usize()];
            let Some(mut range) = secret.around(bytes, found.start(), *place) else {
                continue;
            };
            // Two secrets may begin alike, and a secret is found once for each of its pieces.
            while let Some(last) = ranges.pop_if(|last| range.start < last.end) {
                range = range.start.min(last.start)..range.end.max(last.end);
            }
            ranges.push(range);
        }
        ranges
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "MTA0NzE4NDk2.GxAbCd.q2w3e4r5t6-y7u8i9o0p_a1s2d3f4g5h6j7k8";

    fn hidden_by(secret: &str, text: &str) -> String {
        let secret = Arc::new(Secret::of(secret).unwrap());
        let finder = Finder::of(&[secret]).unwrap();
        String::from_utf8(finder.hide(text.as_bytes()).into_owned()).unwrap()
    }

    #[test]
    fn a_token_is_taken_out_wherever_it_stands() {
        let hidden = |text: &str| hidden_by(TOKEN, text);
        assert_eq!(hidden(TOKEN), "(hidden)");
        let line = format!("Bot {TOKEN}, again {TOKEN}{TOKEN}\n");
        assert_eq!(hidden(&line), "Bot (hidden), again (hidden)(hidden)\n");
        assert_eq!(hidden("nothing to hide"), "nothing to hide");
        assert_eq!(
            hidden_by("MTA0.secret-token", "x MTA0.secret-token"),
            "x (hidden)"
        );
    }

    #[test]
    fn so_are_the_token_without_its_public_part_and_long_parts_of_it() {
        let hidden = |text: &str| hidden_by(TOKEN, text);
        let (id, private) = TOKEN.split_once('.').unwrap();
        assert_eq!(hidden(&format!("a {private} b")), "a (hidden) b");
        assert_eq!(hidden(id), id, "the bot's id is public");
        for cut in SHORTEST_PART..private.len() {
            assert_eq!(hidden(&private[..cut]), "(hidden)", "{cut}");
            assert_eq!(hidden(&private[private.len() - cut..]), "(hidden)", "{cut}");
        }
        let (first, second) = TOKEN.split_at(38);
        assert_eq!(
            hidden(&format!("{first}…\n  {second}")),
            "(hidden)…\n  (hidden)"
        );
        assert_eq!(hidden("q2w3e4r5"), "q2w3e4r5", "few letters are no secret");
    }

    #[test]
    fn a_secret_is_hidden_as_long_as_somebody_keeps_it() {
        let secret = "kept-for-a-while \"0123456789";
        let text = format!("a {secret} b {}", serde_json::Value::from(secret));
        let (one, other) = (keep(secret), keep(secret));
        assert_eq!(hide_text(&text), "a (hidden) b \"(hidden)\"");
        drop(one);
        assert_eq!(hide_text(&text), "a (hidden) b \"(hidden)\"");
        drop(other);
        assert_eq!(hide_text(&text), text);
        drop(keep("short"));
    }
}

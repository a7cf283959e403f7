//! The known name that a user probably meant.

use super::name_key::name_key;
use crate::nearest::nearest_by;

/// Longer words than this are not names but hostile or pasted text, and comparing them costs time.
const LONGEST: usize = 40;

/// The candidate nearest to `given`: one that begins with it, or differs from it in at most a third
/// of its letters. The first of equals.
pub(super) fn nearest<'a>(
    given: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let given = name_key(given);
    let length = given.chars().count();
    if length == 0 || length > LONGEST {
        return None;
    }
    let allowed = (length / 3).max(1);
    nearest_by(candidates, |candidate| {
        let key = name_key(candidate);
        let distance = if length >= 3 && key.starts_with(&given) {
            1
        } else {
            strsim::damerau_levenshtein(&given, &key)
        };
        // A one-letter name is at distance 1 of every other.
        let fits = distance <= allowed && distance < key.chars().count().min(length).max(1);
        (distance == 0 || fits).then_some(distance)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_its_name() {
        let commands = ["ban", "rank", "leaderboard", "p"];
        assert_eq!(nearest("rnak", commands), Some("rank"));
        assert_eq!(nearest("RANKS", commands), Some("rank"));
        assert_eq!(nearest("leader", commands), Some("leaderboard"));
        assert_eq!(nearest("x", commands), None);
        assert_eq!(nearest("weather", commands), None);
        assert_eq!(nearest(&"a".repeat(4_000), commands), None);
    }
}

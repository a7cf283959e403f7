//! Whatever looks like a name of the bot's own is refused.

use super::why_reserved;
use crate::cogs::host::ADMIN_COMMANDS;
use crate::commands::likeness::unseen;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use unicode_security::confusable_detection::skeleton;

/// The characters that Unicode says are taken for each letter.
static CONFUSABLES: LazyLock<BTreeMap<char, Vec<char>>> = LazyLock::new(|| {
    let mut confusables: BTreeMap<char, Vec<char>> = BTreeMap::new();
    for character in '\u{21}'..=char::MAX {
        let mut prototype = character.encode_utf8(&mut [0; 4]).to_owned();
        prototype = skeleton(&prototype).collect();
        let mut letters = prototype.chars();
        if let (Some(letter), None) = (letters.next(), letters.next()) {
            confusables.entry(letter).or_default().push(character);
        }
    }
    confusables
});

/// Characters that nobody sees, one of each kind.
const UNSEEN: [char; 5] = ['\u{200b}', '\u{ad}', '\u{3164}', '\u{202e}', '\u{e0061}'];

/// A name of the bot's own in which letters are replaced by others that look like them.
fn lookalike() -> impl Strategy<Value = (&'static str, String)> {
    let letters = prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 12);
    (prop::sample::select(ADMIN_COMMANDS.to_vec()), letters).prop_map(|(name, choices)| {
        let letters =
            name.chars()
                .zip(choices)
                .map(|(letter, (choice, replace))| {
                    match CONFUSABLES.get(&letter).filter(|_| replace) {
                        Some(others) => *choice.get(others),
                        None => letter,
                    }
                });
        (name, letters.collect())
    })
}

proptest! {
    #[test]
    fn whatever_looks_like_a_name_of_the_bots_own_is_refused((name, other) in lookalike()) {
        prop_assert!(why_reserved(&other).is_some(), "{} {}", name, other);
    }

    #[test]
    fn so_is_a_name_with_what_nobody_sees(
        (_, name) in lookalike(),
        at in any::<prop::sample::Index>(),
        hidden in prop::sample::select(UNSEEN.to_vec()),
    ) {
        let mut letters: Vec<char> = name.chars().collect();
        letters.insert(at.index(letters.len() + 1), hidden);
        let name: String = letters.into_iter().collect();
        prop_assert_eq!(unseen(&name), Some(hidden));
        prop_assert!(why_reserved(&name).is_some());
    }
}

#[test]
fn other_names_are_nobodys() {
    for name in [
        "rank",
        "relog",
        "muat-ulang",
        "перезагрузка",
        "再読み込み",
        "reloading",
        "loud",
    ] {
        assert_eq!(why_reserved(name), None);
    }
    let message = why_reserved("r\u{435}load").unwrap();
    insta::assert_snapshot!(message, @r#"the command name "rеload" (with U+0435) looks like "reload", which belongs to the bot itself; take another"#);
}

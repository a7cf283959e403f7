//! Which of several things a name means. An exact user name comes first, as Discord has each only once; then whatever
//! is called exactly so; then whatever is called so in another letter case. What stands on one step together is
//! ambiguous, and nothing else decides: not what is known already, nor what was made first.

use super::escape::quoted;
use super::name_key::name_key;
use crate::json::Json;
use unicode_normalization::UnicodeNormalization;

/// What names have in common that differ in letter case, in what nobody sees, and in how Unicode composes a letter.
fn folded(name: &str) -> String {
    name_key(name).nfc().collect()
}

/// The same without the marks that may stand before a name: whatever fits a typed name has this in common with it.
pub fn loose(name: &str) -> String {
    folded(name.trim_start_matches(MARKS))
}

/// What may stand before a name where it is typed as a mention.
const MARKS: [char; 2] = ['@', '#'];

/// A name as it was typed, with and without the mark (`@`, `#`, `:`) that may stand around it.
pub(super) struct Wanted {
    typed: String,
    bare: String,
}

/// How well something fits a name; the least is the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// It is the user name, letter by letter.
    UserName,
    /// It is called so, letter by letter.
    Exact,
    /// It is called so, in another letter case or another form of the same letters.
    Folded,
}

impl Wanted {
    pub(super) fn new(typed: &str) -> Self {
        let bare = typed.trim_start_matches(MARKS);
        let emoji = bare.strip_prefix(':').and_then(|it| it.strip_suffix(':'));
        Self {
            typed: typed.to_owned(),
            bare: emoji.unwrap_or(bare).trim().to_owned(),
        }
    }

    /// The name without marks.
    pub(super) fn bare(&self) -> &str {
        &self.bare
    }

    /// How well the object fits, if it does.
    pub(super) fn fit(&self, object: &Json) -> Option<Fit> {
        let is = |name: &str| name == self.typed || name == self.bare;
        if user_names(object).any(|name| is(&name)) {
            return Some(Fit::UserName);
        }
        if names_of(object).any(|name| is(&name)) {
            return Some(Fit::Exact);
        }
        let keys = [folded(&self.typed), folded(&self.bare)];
        let is_folded = names_of(object).any(|name| keys.contains(&folded(&name)));
        is_folded.then_some(Fit::Folded)
    }

    /// Those that fit best, each once, and how well.
    pub(super) fn best<'j>(&self, found: &'j [Json]) -> (Option<Fit>, Vec<&'j Json>) {
        let fits = || found.iter().filter_map(|it| Some((self.fit(it)?, it)));
        let best = fits().map(|(fit, _)| fit).min();
        let mut meant: Vec<&Json> = Vec::new();
        for (fit, object) in fits() {
            let is_new = !meant.iter().any(|known| id_of(known) == id_of(object));
            if Some(fit) == best && is_new {
                meant.push(object);
            }
        }
        meant.sort_by_key(|object| id_of(object).map(|id| (id.len(), id.to_owned())));
        (best, meant)
    }
}

/// The names of a member (user name, display name, nickname), a channel, a role or an emoji.
pub fn names_of(object: &Json) -> impl Iterator<Item = String> {
    let user = object.get("user");
    let others = [
        object.str("name"),
        user.and_then(|user| user.str("global_name")),
        object.str("nick"),
    ];
    let others: Vec<String> = others.into_iter().flatten().map(str::to_owned).collect();
    user_names(object).chain(others)
}

/// The user name of a member; before the discriminators went, also with its number.
fn user_names(object: &Json) -> impl Iterator<Item = String> {
    let user = object.get("user");
    let name = user.and_then(|user| user.str("username"));
    let number = user.and_then(|user| user.str("discriminator"));
    let tag = number
        .filter(|number| *number != "0")
        .and_then(|number| Some(format!("{}#{number}", name?)));
    name.map(str::to_owned).into_iter().chain(tag)
}

pub(super) fn id_of(object: &Json) -> Option<&str> {
    object
        .str("id")
        .or_else(|| object.at(&["user", "id"])?.as_str())
}

/// A name and an id between which the user may choose. Of two members with one nickname, the user names differ.
pub(super) fn candidate(object: &Json) -> String {
    let name = names_of(object).next().unwrap_or_default();
    format!(
        "{} ({})",
        quoted(&name),
        quoted(id_of(object).unwrap_or_default())
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;
    use std::slice;

    fn member(id: &str, username: &str, nick: Option<&str>) -> Json {
        Json::from(&json!({ "user": { "id": id, "username": username }, "nick": nick }))
    }

    fn ids(wanted: &str, found: &[Json]) -> Vec<String> {
        let (_, meant) = Wanted::new(wanted).best(found);
        let ids = meant.into_iter().filter_map(id_of);
        ids.map(str::to_owned).collect()
    }

    #[test]
    fn a_user_name_comes_before_a_nick_and_exact_before_folded() {
        let found = [
            member("1", "bob", None),
            member("2", "robert", Some("Bob")),
            member("3", "bobby", Some("Bob")),
            member("4", "else", Some("BOB")),
            member("5", "thief", Some("bob")),
        ];
        assert_eq!(ids("bob", &found), ["1"]);
        assert_eq!(ids("@bob", &found), ["1"]);
        assert_eq!(ids("Bob", &found), ["2", "3"]);
        assert_eq!(ids("BOB", &found), ["4"]);
        assert_eq!(ids("bOb", &found), ["1", "2", "3", "4", "5"]);
        assert!(ids("bo", &found).is_empty());
    }

    #[test]
    fn a_letter_is_the_same_however_it_is_composed() {
        let role = |id: &str, name: &str| Json::from(&json!({ "id": id, "name": name }));
        let found = [role("1", "Caf\u{e9}"), role("2", "CAFE\u{301}")];
        assert_eq!(ids("Caf\u{e9}", &found), ["1"]);
        assert_eq!(ids("CAFE\u{301}", &found), ["2"]);
        assert_eq!(ids("cafe\u{301}", &found), ["1", "2"]);
        assert_eq!(ids("@caf\u{e9}", &found), ["1", "2"]);
        // A wide letter is another one.
        assert!(ids("\u{ff23}afe\u{301}", &found).is_empty());
        assert_eq!(loose("@@Caf\u{e9}"), loose("#cafe\u{301}"));
    }

    #[test]
    fn marks_may_belong_to_the_name() {
        let everyone = Json::from(&json!({ "id": "1", "name": "@everyone" }));
        let plain = Json::from(&json!({ "id": "2", "name": "everyone" }));
        assert_eq!(ids("@everyone", slice::from_ref(&everyone)), ["1"]);
        assert!(ids("everyone", slice::from_ref(&everyone)).is_empty());
        assert_eq!(ids("@everyone", &[everyone, plain]), ["1", "2"]);
        let wave = Json::from(&json!({ "id": "3", "name": "wave" }));
        assert_eq!(ids(":wave:", &[wave]), ["3"]);
    }

    proptest! {
        #[test]
        fn the_order_in_which_they_come_decides_nothing(
            names in proptest::collection::vec(("[bB][oO]{1,2}", proptest::option::of("[bB][oO]{1,2}")), 0..8),
            wanted in "[bB][oO]{1,2}",
        ) {
            let found: Vec<Json> = names
                .iter()
                .enumerate()
                .map(|(index, (name, nick))| member(&index.to_string(), name, nick.as_deref()))
                .collect();
            let turned: Vec<Json> = found.iter().rev().chain(&found).cloned().collect();
            prop_assert_eq!(ids(&wanted, &found), ids(&wanted, &turned));
            let exact = names.iter().filter(|(name, _)| *name == wanted).count();
            if exact > 0 {
                prop_assert_eq!(ids(&wanted, &found).len(), exact);
            }
        }
    }
}

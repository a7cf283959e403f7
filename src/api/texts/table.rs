//! The texts of a cog by locale and key, and which of them is meant.

use crate::commands::slash::Translations;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Discord's locales.
pub(super) const LOCALES: [&str; 32] = [
    "id", "da", "de", "en-GB", "en-US", "es-ES", "es-419", "fr", "hr", "it", "lt", "hu", "nl",
    "no", "pl", "pt-BR", "ro", "fi", "sv-SE", "vi", "tr", "cs", "el", "bg", "ru", "uk", "hi", "th",
    "zh-CN", "ja", "zh-TW", "ko",
];

/// Texts by locale and key.
#[derive(Clone, Debug, Default)]
pub struct Texts(pub(super) BTreeMap<String, BTreeMap<String, Arc<str>>>);

impl Texts {
    /// All texts of a cog; each is in one of them only.
    pub fn merged<'t>(all: impl Iterator<Item = &'t Self>) -> Self {
        let mut merged = Self::default();
        for (locale, texts) in all.flat_map(|texts| &texts.0) {
            let into = merged.0.entry(locale.clone()).or_default();
            into.extend(
                texts
                    .iter()
                    .map(|(key, text)| (key.clone(), Arc::clone(text))),
            );
        }
        merged
    }

    /// Whether there is a text of this key in this locale.
    pub(super) fn has(&self, locale: &str, key: &str) -> bool {
        let texts = self.0.get(locale);
        texts.is_some_and(|texts| texts.contains_key(key))
    }

    /// The text of a key in the first of these languages that has it, or else in any.
    pub(super) fn find(&self, key: &str, wanted: &[&str]) -> Option<&Arc<str>> {
        let language = |locale: &str| locale.split('-').next().unwrap_or_default().to_owned();
        for wanted in wanted {
            if let Some(text) = self.0.get(*wanted).and_then(|texts| texts.get(key)) {
                return Some(text);
            }
            let same = |locale: &str| language(locale) == language(wanted);
            let mut related = self.0.iter().filter(|(locale, _)| same(locale));
            if let Some(text) = related.find_map(|(_, texts)| texts.get(key)) {
                return Some(text);
            }
        }
        self.0.values().find_map(|texts| texts.get(key))
    }

    /// Whether any of them may be the name of a command or of something in one.
    pub fn name_commands(&self) -> bool {
        let mut keys = self.0.values().flat_map(BTreeMap::keys);
        keys.any(|key| {
            ["commands.", "user_commands.", "message_commands."]
                .iter()
                .any(|start| key.starts_with(start))
        })
    }

    /// All keys.
    pub(super) fn keys(&self) -> BTreeSet<&str> {
        let keys = self.0.values().flat_map(BTreeMap::keys);
        keys.map(String::as_str).collect()
    }
}

impl Translations for Texts {
    fn of_key(&self, key: &str) -> BTreeMap<&'static str, &str> {
        let text = |locale: &str| self.0.get(locale).and_then(|texts| texts.get(key));
        let found = LOCALES.iter().filter_map(|locale| {
            let language = locale.split('-').next().unwrap_or_default();
            let text = text(locale).or_else(|| text(language))?;
            Some((*locale, &**text))
        });
        found.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(all: &[(&str, &str, &str)]) -> Texts {
        let mut texts = Texts::default();
        for (locale, key, text) in all {
            let into = texts.0.entry((*locale).to_owned()).or_default();
            into.insert((*key).to_owned(), (*text).into());
        }
        texts
    }

    #[test]
    fn the_nearest_language_is_found() {
        let texts = texts(&[
            ("en", "a", "en"),
            ("id", "a", "id"),
            ("pt-BR", "a", "pt-BR"),
            ("en-GB", "a", "en-GB"),
            ("en", "b", "b en"),
            ("id", "c", "c id"),
            ("fr", "d", "d fr"),
        ]);
        for (key, wanted, expected) in [
            ("a", ["id", "en", "en"], Some("id")),
            ("a", ["en-GB", "id", "en"], Some("en-GB")),
            ("a", ["en-US", "id", "en"], Some("en")),
            ("a", ["pt", "id", "en"], Some("pt-BR")),
            ("a", ["de", "id", "en"], Some("id")),
            ("b", ["de", "id", "en"], Some("b en")),
            ("c", ["de", "en", "en"], Some("c id")),
            ("d", ["de", "id", "en"], Some("d fr")),
            ("e", ["de", "id", "en"], None),
        ] {
            let found = texts.find(key, &wanted).map(|text| &**text);
            assert_eq!(found, expected, "{key} {wanted:?}");
        }
    }
}

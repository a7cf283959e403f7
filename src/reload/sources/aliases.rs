//! `lua/.luaurc`: the aliases that a require may begin with.
//!
//! Luau's own reader takes `//` comments and trailing commas, and so does this one. Everything but
//! `aliases` is for other tools.

use super::ModuleId;
use crate::vm::resolve::{ContentHash, HOST_ALIAS, SELF_ALIAS};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The aliases of one snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aliases {
    /// Names in lower case with the folder below `lua/` for which each stands (`""` is `lua/`).
    targets: BTreeMap<String, String>,
    /// What is wrong with the file: what comes after "lua/.luaurc ".
    pub(super) problems: Vec<String>,
}

impl Aliases {
    /// The path below `lua/` for which `name` (in lower case) stands.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.targets.get(name).map(String::as_str)
    }

    /// All names, in lower case.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.targets.keys().map(String::as_str)
    }

    /// What the node of an alias stands for, as a hash.
    pub(super) fn hash(&self, node: &ModuleId) -> Option<ContentHash> {
        let name = node.as_str().strip_prefix('@')?;
        self.get(name).map(ContentHash::of)
    }

    /// The nodes of the aliases that differ from those of `other`.
    pub(super) fn differences(&self, other: &Self) -> BTreeSet<ModuleId> {
        let names: BTreeSet<&str> = self.names().chain(other.names()).collect();
        names
            .into_iter()
            .filter(|name| self.get(name) != other.get(name))
            .map(ModuleId::of_alias)
            .collect()
    }

    /// Reads the file's text. If it cannot be understood, the aliases of `before` stay.
    pub(super) fn parse(text: &str, before: &Self) -> Self {
        match serde_json::from_str::<Value>(&to_json(text)) {
            Ok(Value::Object(fields)) => match fields.get("aliases") {
                None => Self::default(),
                Some(Value::Object(aliases)) => Self::check(aliases),
                Some(_) => before.with_problem("has \"aliases\" that are no object; write { \"aliases\": { \"name\": \"folder\" } }"),
            },
            Ok(_) => before.with_problem("is no object; write { \"aliases\": { \"name\": \"folder\" } }"),
            Err(error) => {
                let words = error.to_string();
                before.with_problem(&format!("is not JSON: {words}; the former aliases stay"))
            }
        }
    }

    /// The same aliases, and one thing that is wrong.
    pub(super) fn with_problem(&self, problem: &str) -> Self {
        Self {
            targets: self.targets.clone(),
            problems: vec![problem.to_owned()],
        }
    }

    fn check(aliases: &serde_json::Map<String, Value>) -> Self {
        let mut checked = Self::default();
        for (name, value) in aliases {
            let key = name.to_ascii_lowercase();
            // The types of the host's modules have this alias, for editors; the host answers it.
            if key == HOST_ALIAS {
                continue;
            }
            match target(name, value) {
                Ok(_) if checked.targets.contains_key(&key) => checked.problems.push(format!(
                    "defines the alias \"{name}\" twice; letter case makes no difference"
                )),
                Ok(target) => {
                    checked.targets.insert(key, target);
                }
                Err(problem) => checked.problems.push(problem),
            }
        }
        checked
    }
}

/// The folder below `lua/` that an alias stands for, or what is wrong with it.
fn target(name: &str, value: &Value) -> Result<String, String> {
    if name.eq_ignore_ascii_case(SELF_ALIAS) {
        return Err(format!(
            "defines the alias \"{name}\", which always is the folder of an init file; choose another name"
        ));
    }
    let possible = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
    if name.is_empty() || name.starts_with('.') || !name.chars().all(possible) {
        return Err(format!(
            "defines the alias \"{}\"; a name is made of letters, digits, \"_\", \"-\" and \".\"",
            name.escape_debug()
        ));
    }
    let Some(path) = value.as_str() else {
        return Err(format!(
            "defines the alias \"{name}\" as something that is no string"
        ));
    };
    inside(path).ok_or_else(|| {
        format!(
            "lets the alias \"{name}\" stand for \"{}\"; it has to be a folder inside lua/, like \"utils\"",
            path.escape_debug()
        )
    })
}

/// The path without `.` and `..`, if it stays below `lua/`.
fn inside(path: &str) -> Option<String> {
    if path.is_empty() || path.starts_with(['/', '@', '~']) || path.contains('\\') {
        return None;
    }
    let mut names = Vec::new();
    for name in path.trim_end_matches('/').split('/') {
        match name {
            "" => return None,
            "." => {}
            ".." => {
                names.pop()?;
            }
            name if name.contains(char::is_control) => return None,
            name => names.push(name),
        }
    }
    Some(names.join("/"))
}

/// Blanks out comments and trailing commas, so that errors keep their line and column.
fn to_json(text: &str) -> String {
    let mut json = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    let mut comma = None;
    let mut in_string = false;
    while let Some(letter) = letters.next() {
        if in_string {
            json.push(letter);
            match letter {
                '\\' => json.extend(letters.next()),
                '"' => in_string = false,
                _ => {}
            }
            continue;
        }
        if letter == '/' && letters.peek() == Some(&'/') {
            while letters.next_if(|letter| *letter != '\n').is_some() {}
            continue;
        }
        match letter {
            '}' | ']' => {
                if let Some(at) = comma.take() {
                    json.replace_range(at..=at, " ");
                }
            }
            ',' => comma = Some(json.len()),
            '"' => (in_string, comma) = (true, None),
            letter if !letter.is_whitespace() => comma = None,
            _ => {}
        }
        json.push(letter);
    }
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Aliases {
        Aliases::parse(text, &Aliases::default())
    }

    #[test]
    fn aliases_are_read_with_comments_and_trailing_commas() {
        let aliases = parse(
            r#"{
                // for luau-lsp, "too"
                "languageMode": "strict",
                "globals": ["package",],
                "aliases": {
                    "Utils": "./utils/", // letter case makes no difference
                    "lua": ".", "deep": "services/../data/tables",
                    "cogsmith": "../types",
                },
            }"#,
        );
        assert_eq!(aliases.problems, [""; 0]);
        assert_eq!(aliases.get("utils"), Some("utils"));
        assert_eq!(aliases.get("lua"), Some(""));
        assert_eq!(aliases.get("deep"), Some("data/tables"));
        assert_eq!(aliases.get("cogsmith"), None);
    }

    #[test]
    fn what_leads_outside_or_is_reserved_is_told_and_the_rest_stays() {
        let aliases = parse(
            r#"{"aliases": {"ok": "utils", "SELF": "utils", "up": "../x", "root": "/etc", "a/b": "x",
                "other": "@ok", "OK": "data", "n": 1, "url": "http://x"}}"#,
        );
        assert_eq!(aliases.names().collect::<Vec<_>>(), ["ok"]);
        assert_eq!(aliases.get("ok"), Some("utils"));
        assert_eq!(aliases.problems.len(), 8, "{:#?}", aliases.problems);
    }

    #[test]
    fn a_broken_file_leaves_the_former_aliases() {
        let before = parse(r#"{"aliases": {"utils": "utils"}}"#);
        for text in ["{", "[]", r#"{"aliases": 1}"#, "", "{]"] {
            let after = Aliases::parse(text, &before);
            assert_eq!(after.get("utils"), Some("utils"), "{text}");
            assert_eq!(after.problems.len(), 1, "{text}");
        }
    }
}

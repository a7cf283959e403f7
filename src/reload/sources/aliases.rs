//! `lua/.luaurc`: the aliases that a require may begin with.
//!
//! Luau's own reader takes `//` comments and trailing commas, and so does this one. Everything but
//! `aliases` is for other tools.

use super::ModuleId;
use crate::vm::resolve::{ContentHash, HOST_ALIAS, SELF_ALIAS};
use jsonc_parser::ast::{Comment, ObjectProp, Value};
use jsonc_parser::{
    CollectOptions, CommentCollectionStrategy, CommentMap, ParseOptions, parse_to_ast,
};
use std::collections::{BTreeMap, BTreeSet};

/// The limit of Luau's own reader; it also bounds how deep values may be nested.
const OF_LUAU: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_trailing_commas: true,
    allow_loose_object_property_names: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// What to write instead.
const FORM: &str = "write { \"aliases\": { \"name\": \"folder\" } }";

/// The aliases of one snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aliases {
    /// Names in lower case, each with its folder below `lua/` (`""` is `lua/`).
    targets: BTreeMap<String, String>,
    /// What is wrong with the file: the text after "lua/.luaurc ".
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

    /// The folder of an alias's node, as a hash.
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
        match definitions(text) {
            Ok(definitions) => Self::check(&definitions),
            Err(problem) => before.with_problem(&problem),
        }
    }

    /// The same aliases, and one thing that is wrong.
    pub(super) fn with_problem(&self, problem: &str) -> Self {
        Self {
            targets: self.targets.clone(),
            problems: vec![problem.to_owned()],
        }
    }

    fn check(definitions: &[ObjectProp]) -> Self {
        let mut checked = Self::default();
        for ObjectProp { name, value, .. } in definitions {
            let name = name.as_str();
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

/// All that `"aliases"` defines, in the order of the file, or what is wrong with the file.
fn definitions(text: &str) -> Result<Vec<ObjectProp<'_>>, String> {
    let collect = CollectOptions {
        comments: CommentCollectionStrategy::Separate,
        tokens: false,
    };
    let is_none = |why: &str| format!("is not JSON: {why}; the former aliases stay");
    let parsed =
        parse_to_ast(text, &collect, &OF_LUAU).map_err(|error| is_none(&error.to_string()))?;
    if let Some(line) = parsed.comments.and_then(|all| line_of_block(text, &all)) {
        return Err(is_none(&format!(
            "Luau knows no comment in /* */ like that in line {line}, so begin each of its lines with //"
        )));
    }
    let Some(Value::Object(root)) = parsed.value else {
        return Err(format!("is not an object; {FORM}"));
    };
    let mut all = Vec::new();
    for property in root.properties {
        match property.value {
            Value::Object(aliases) if property.name.as_str() == "aliases" => {
                all.extend(aliases.properties);
            }
            _ if property.name.as_str() == "aliases" => {
                return Err(format!("has \"aliases\" that are not an object; {FORM}"));
            }
            _ => {}
        }
    }
    Ok(all)
}

/// The line of the first comment in `/* */`, counted from 1.
fn line_of_block(text: &str, comments: &CommentMap) -> Option<usize> {
    let all = comments.values().flat_map(|all| all.iter());
    let blocks = all.filter_map(|comment| match comment {
        Comment::Block(block) => Some(block.range.start),
        Comment::Line(_) => None,
    });
    let before = text.get(..blocks.min()?)?;
    Some(before.matches('\n').count() + 1)
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
    let Some(path) = value.as_string_lit().map(|literal| literal.value.as_ref()) else {
        return Err(format!(
            "defines the alias \"{name}\" as something that is not a string"
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
    fn problem(text: &str) -> String {
        let aliases = parse(text);
        assert_eq!(aliases.problems.len(), 1, "{text}: {:?}", aliases.problems);
        aliases.problems.into_iter().collect()
    }

    #[test]
    fn what_luau_does_not_read_is_told_with_its_place() {
        let rows = [
            ("{\n  \"aliases\": {\"a\" \"b\"}}", "on line 2 column 19"),
            ("{\n// é\n'aliases': {}}", "on line 3 column 1"),
            ("{aliases: {}}", "on line 1 column 2"),
            ("{\"a\": 1 \"b\": 2}", "on line 1 column 8"),
            ("{\"a\": +1}", "on line 1 column 7"),
            ("{\"a\": [1,, 2]}", "on line 1 column 10"),
            ("{} {}", "on line 1 column 4"),
            ("{\"a\": \"b", "on line 1 column 7"),
            ("{\n // 1\n\"a\": /* 2 */ 1} /* 3 */", "in line 3"),
            ("/* never ends", "on line 1 column 1"),
        ];
        for (text, place) in rows {
            let problem = problem(text);
            assert!(problem.starts_with("is not JSON: "), "{text}: {problem}");
            assert!(problem.contains(place), "{text}: {problem}");
        }
        for text in ["", " // nothing", "null", "[{}]", "{\"aliases\": []}"] {
            assert!(problem(text).ends_with(FORM), "{text}");
        }
    }

    #[test]
    fn a_name_is_defined_once() {
        let rows = [
            r#"{"aliases": {"a": "x", "a": "y"}}"#,
            r#"{"aliases": {"a": "x", "A": "y"}}"#,
            r#"{"aliases": {"a": "x"}, "aliases": {"a": "y"}}"#,
        ];
        for text in rows {
            assert!(problem(text).contains("twice"), "{text}");
            assert_eq!(parse(text).get("a"), Some("x"), "{text}");
        }
    }

    #[test]
    fn values_in_values_without_end_are_refused() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"aliases\":", "}]")] {
            for close in ["", close] {
                let depth = 100_000;
                let value = format!("{}1{}", open.repeat(depth), close.repeat(depth));
                let text = format!("{{\"globals\": {value}}}");
                assert!(problem(&text).contains("nesting depth"), "{open} {close}");
            }
        }
        let deep = format!("{{\"globals\": {}{}}}", "[".repeat(100), "]".repeat(100));
        assert_eq!(parse(&deep).problems, [""; 0]);
    }
}

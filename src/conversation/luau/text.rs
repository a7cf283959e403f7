//! Texts as Luau writes them. Whatever a text contains, what comes of it is one string and no code.

use crate::escape::{is_invisible, is_unfit};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// A part of a text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    /// These characters.
    Text(String),
    /// What this expression is, as text.
    Code(String),
    /// Digits that are others each time.
    Digits,
}

/// A text in Luau.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    /// An expression for the text itself.
    Exact(String),
    /// An expression for a pattern that it matches.
    Pattern(String),
}

/// Writes the parts of a text as one expression.
pub(super) fn literal(parts: &[Part]) -> Literal {
    let is_pattern = parts.contains(&Part::Digits);
    let has_code = parts.iter().any(|part| matches!(part, Part::Code(_)));
    let mut inner = String::new();
    for part in parts {
        match part {
            Part::Text(text) if is_pattern => escape(&mut inner, &pattern(text), has_code),
            Part::Text(text) => escape(&mut inner, text, has_code),
            // Nothing that ids and numbers are written with has a meaning in patterns.
            Part::Code(code) => {
                let _always = write!(inner, "{{{code}}}").is_ok();
            }
            Part::Digits => inner.push_str("%d+"),
        }
    }
    let inner = if is_pattern {
        format!("^{inner}$")
    } else {
        inner
    };
    let quoted = if has_code {
        format!("`{inner}`")
    } else {
        format!("\"{inner}\"")
    };
    if is_pattern {
        Literal::Pattern(quoted)
    } else {
        Literal::Exact(quoted)
    }
}

/// The text as a string in double quotes.
pub(super) fn quoted(text: &str) -> String {
    let mut inner = String::new();
    escape(&mut inner, text, false);
    format!("\"{inner}\"")
}

fn escape(into: &mut String, text: &str, is_interpolated: bool) {
    for c in text.chars() {
        match c {
            '\\' => into.push_str("\\\\"),
            '\n' => into.push_str("\\n"),
            '\r' => into.push_str("\\r"),
            '\t' => into.push_str("\\t"),
            '"' if !is_interpolated => into.push_str("\\\""),
            '`' | '{' if is_interpolated => {
                into.push('\\');
                into.push(c);
            }
            // What is not seen is written so that it is.
            c if is_unfit(c) || is_invisible(c) => {
                let _always = write!(into, "\\u{{{:x}}}", u32::from(c)).is_ok();
            }
            c => into.push(c),
        }
    }
}

/// The text as a pattern that matches it alone.
fn pattern(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_punctuation() {
            escaped.push('%');
        }
        escaped.push(c);
    }
    // What is easier to read needs no escape.
    for plain in [
        "<", ">", "@", "#", ",", "!", ":", "/", "'", "\"", "=", "_", "&", ";", "`", "~", "{", "}",
        "|", "\\",
    ] {
        escaped = escaped.replace(&format!("%{plain}"), plain);
    }
    escaped
}

/// Words of Luau and names of its libraries, and what a spec's own lines use.
const TAKEN: &[&str] = &[
    "and",
    "break",
    "continue",
    "do",
    "else",
    "elseif",
    "end",
    "export",
    "false",
    "for",
    "function",
    "if",
    "in",
    "local",
    "nil",
    "not",
    "or",
    "repeat",
    "return",
    "then",
    "true",
    "type",
    "typeof",
    "until",
    "while",
    "assert",
    "bit32",
    "buffer",
    "coroutine",
    "debug",
    "error",
    "getmetatable",
    "ipairs",
    "math",
    "next",
    "newproxy",
    "os",
    "pairs",
    "pcall",
    "print",
    "rawequal",
    "rawget",
    "rawlen",
    "rawset",
    "require",
    "select",
    "setmetatable",
    "string",
    "table",
    "tonumber",
    "tostring",
    "unpack",
    "utf8",
    "vector",
    "xpcall",
    "spec",
    "world",
    "self",
    "game",
    "script",
    "package",
];

/// The longest name.
const LONGEST: usize = 24;

/// A name for a variable that is like this text, and like no other in `used`.
pub(super) fn variable(text: &str, otherwise: &str, used: &mut BTreeSet<String>) -> String {
    let mut name = String::new();
    for c in text.to_lowercase().chars() {
        if c.is_ascii_alphanumeric() && name.len() < LONGEST {
            name.push(c);
        } else if !name.is_empty() && !name.ends_with('_') && name.len() < LONGEST {
            name.push('_');
        }
    }
    let name = name.trim_end_matches('_');
    let name = name.trim_start_matches(|c: char| c == '_' || c.is_ascii_digit());
    let name = if name.is_empty() { otherwise } else { name };
    let candidates = (1..).map(|number| match number {
        1 => name.to_owned(),
        number => format!("{name}{number}"),
    });
    let mut free = candidates.filter(|it| !TAKEN.contains(&it.as_str()) && !used.contains(it));
    let found = free.next().unwrap_or_else(|| otherwise.to_owned());
    used.insert(found.clone());
    found
}

/// Whether the text can be a key without brackets.
pub(super) fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    let is_first = |c: char| c.is_ascii_alphabetic() || c == '_';
    characters.next().is_some_and(is_first)
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !TAKEN[..22].contains(&text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlua::Lua;
    use proptest::prelude::*;

    fn evaluated(expression: &str) -> Vec<u8> {
        let lua = Lua::new();
        lua.globals().set("id", "123").unwrap();
        // More than an expression, or less, is refused.
        let text: mlua::LuaString = lua.load(format!("return ({expression})")).eval().unwrap();
        text.as_bytes().to_vec()
    }

    fn hostile() -> impl Strategy<Value = String> {
        let pieces = prop::sample::select(vec![
            "]]",
            "--[[",
            "\"",
            "'",
            "`",
            "\\",
            "{",
            "}",
            "{id}",
            "\n",
            "\r",
            "\0",
            "\u{200b}",
            "\u{202e}",
            "%",
            "%d",
            "^",
            "$",
            "os.exit()",
            " end) error('x') --",
            "\u{2028}",
            "👍",
            "\\u{41}",
            "é",
            "1",
        ]);
        let words =
            prop::collection::vec(prop_oneof![pieces.prop_map(str::to_owned), ".{0,8}"], 0..12);
        words.prop_map(|words| words.concat())
    }

    proptest! {
        #[test]
        fn a_text_becomes_that_text(text in hostile()) {
            prop_assert_eq!(evaluated(&quoted(&text)), text.as_bytes());
            let Literal::Exact(exact) = literal(&[Part::Text(text.clone())]) else { panic!() };
            prop_assert_eq!(evaluated(&exact), text.as_bytes());
            prop_assert!(!exact.contains('\n'));
        }

        #[test]
        fn what_is_in_between_is_the_only_code(before in hostile(), after in hostile()) {
            let parts = [Part::Text(before.clone()), Part::Code("id".into()), Part::Text(after.clone())];
            let Literal::Exact(exact) = literal(&parts) else { panic!() };
            prop_assert_eq!(evaluated(&exact), format!("{before}123{after}").into_bytes());
        }

        #[test]
        fn a_pattern_matches_its_text(before in hostile(), after in hostile(), number: u32) {
            let parts = [Part::Text(before.clone()), Part::Digits, Part::Code("id".into()), Part::Text(after.clone())];
            let Literal::Pattern(pattern) = literal(&parts) else { panic!() };
            let lua = Lua::new();
            lua.globals().set("id", "123").unwrap();
            lua.globals().set("text", format!("{before}{number}123{after}")).unwrap();
            let matches: bool = lua.load(format!("return string.match(text, {pattern}) ~= nil")).eval().unwrap();
            prop_assert!(matches, "{}", pattern);
        }

        #[test]
        fn a_variable_is_a_name(text in hostile()) {
            let name = variable(&text, "somebody", &mut BTreeSet::new());
            let assigned: bool = Lua::new().load(format!("local {name} = true return {name}")).eval().unwrap();
            prop_assert!(assigned);
        }
    }

    #[test]
    fn texts_are_as_a_person_writes_them() {
        assert_eq!(quoted("a \"b\"\n"), r#""a \"b\"\n""#);
        assert_eq!(quoted("\u{200b}"), r#""\u{200b}""#);
        let thread = [
            Part::Text("Your ticket is <#".into()),
            Part::Digits,
            Part::Text(">.".into()),
        ];
        assert_eq!(
            literal(&thread),
            Literal::Pattern(r#""^Your ticket is <#%d+>%.$""#.into())
        );
        let mut used = BTreeSet::new();
        let mut name = |text: &str| variable(text, "user", &mut used);
        assert_eq!(name("Anna"), "anna");
        assert_eq!(name("anna"), "anna2");
        assert_eq!(name("end"), "end2");
        assert_eq!(name("👍"), "user");
        assert_eq!(name("mod-log"), "mod_log");
    }
}

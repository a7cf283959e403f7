//! Error messages for writes to read-only values.
//!
//! Luau only says "attempt to modify a readonly table". For the host's own tables the host raises a [`sentence`]
//! itself; for all others, and for existing keys of a host table, [`explain`] reads the line at which Luau raised its
//! own.

mod line;

use crate::state::ScopeKind;
use line::{Chain, Origin, origin_of};

/// Luau's own words.
const READONLY: &str = "attempt to modify a readonly table";
/// Luau's words before the key if a function is used like a table.
const OF_FUNCTION: &str = "attempt to index function with ";

/// Luau's words for arithmetic with nil, and for nil in a text.
const MISSING: [&str; 2] = [
    "attempt to perform arithmetic",
    "attempt to concatenate nil",
];

/// Luau's libraries, which all modules of a cog share.
pub const LIBRARIES: [&str; 10] = [
    "bit32",
    "buffer",
    "coroutine",
    "debug",
    "math",
    "os",
    "string",
    "table",
    "utf8",
    "vector",
];

const OF_STATE: &str = "nothing can be stored in the state itself: write to a part of it, such as state.global{key}, state.guild(guild_id){key} or state.user(user_id){key}";
const OF_SESSION: &str = "nothing can be stored in the session itself: write to a part of it, such as state.session.global{key} or state.session.user(user_id){key}";
const OF_HOST: &str = "objects of the host cannot be changed: keep your own values in a local variable or in the state";
const OF_LIBRARY: &str = "Luau's libraries cannot be changed: put your own functions into a local variable or into a module";
const OF_OBJECT: &str = "what Discord has said cannot be changed by writing to it: call an operation of @cogsmith/discord to change it there, or change a copy, `:table()`";
const OF_MODULE: &str = "what a module returns is frozen: keep values that change in a local variable of that module, and return functions that change them";
const OF_GLOBALS: &str = "globals belong to the file in which they are set: write the name alone, or require a module that has it";
const OF_LOADED: &str = "it only shows what is loaded: to change that, save the module's file";
const OF_OTHERS: &str = "it is frozen: change a copy, such as one made by table.clone";

/// What to do instead of setting a key, by table. `{key}` is replaced by the key with its dot.
const ADVICE: [(&str, &str, &str); 8] = [
    (
        "cog",
        "name",
        "a cog is named after its file: rename the file",
    ),
    ("state", "", OF_STATE),
    ("state.session", "", OF_SESSION),
    (
        "ctx",
        "",
        "the context of a call cannot be changed: keep your own values in a local variable",
    ),
    ("object", "", OF_OBJECT),
    ("_G", "", OF_GLOBALS),
    ("package", "", OF_LOADED),
    ("package.loaded", "", OF_LOADED),
];

/// Globals that are neither libraries nor modules.
const GLOBALS: [&str; 2] = ["_G", "package"];

/// The error for setting `key` in a table of the host or of Luau: `state`, `cog.check`, `string`.
pub fn sentence(table: &str, key: &str) -> String {
    let found = ADVICE
        .iter()
        .find(|(of, only, _)| *of == table && (only.is_empty() || *only == key));
    let general = if LIBRARIES.contains(&table) {
        OF_LIBRARY
    } else {
        OF_HOST
    };
    let advice = found.map_or(general, |(_, _, advice)| advice);
    told(&format!("{table}{}", with_dot(key)), key, advice)
}

/// The error for setting `key` in a Discord object.
pub fn sentence_of_object(key: &str) -> String {
    told(key, key, OF_OBJECT)
}

fn told(written: &str, key: &str, advice: &str) -> String {
    // A part of the state is not a key to write in another one.
    let is_part = key == "session" || ScopeKind::from_name(key).is_some();
    let shown = with_dot(if is_part { "key" } else { key });
    let advice = advice.replace("{key}", &shown);
    format!("{READONLY}: `{written}` cannot be set; {advice}")
}

/// The key as it is written after a table's name.
fn with_dot(key: &str) -> String {
    if line::is_name(key) {
        format!(".{key}")
    } else {
        "[…]".to_owned()
    }
}

/// More than Luau's own message about the line `number` (from 1) of a source, if there is more to say.
pub fn explain(message: &str, source: &str, number: u32) -> Option<String> {
    let number = usize::try_from(number).ok()?;
    let code = source.lines().nth(number.checked_sub(1)?)?;
    if message == READONLY {
        let target = line::target(code)?;
        return Some(of_target(&target, source, number));
    }
    if MISSING.iter().any(|words| message.starts_with(words)) {
        return of_missing(&line::target(code)?, source, number);
    }
    let key = message.strip_prefix(OF_FUNCTION)?.trim_matches('\'');
    let chains = line::chains(code);
    let mut used = chains.iter().filter_map(|chain| chain.before(key));
    used.find_map(|function| of_function(&function, key, source, number))
}

fn of_target(target: &Chain, source: &str, number: usize) -> String {
    let (table, key) = target.split();
    match origin_of(&table, source, number) {
        Origin::Known(name) => sentence(&name, key),
        Origin::Module => told(&target.shown(), key, OF_MODULE),
        Origin::Unknown => told(&target.shown(), key, OF_OTHERS),
    }
}

/// `state.coins += 5` fails already when it reads.
fn of_missing(target: &Chain, source: &str, number: usize) -> Option<String> {
    let (table, key) = target.split();
    match origin_of(&table, source, number) {
        Origin::Known(name) if name == "state" || name == "state.session" => {
            let advice = if name == "state" {
                OF_STATE
            } else {
                OF_SESSION
            };
            let advice = advice.replace("{key}", &with_dot(key));
            Some(format!("`{name}{}` is nil; {advice}", with_dot(key)))
        }
        _ => None,
    }
}

/// `state.user.coins` instead of `state.user(user_id).coins`.
fn of_function(function: &Chain, key: &str, source: &str, number: usize) -> Option<String> {
    let Origin::Known(name) = origin_of(function, source, number) else {
        return None;
    };
    let scope = name
        .strip_prefix("state.session.")
        .or_else(|| name.strip_prefix("state."))?;
    let ids = ScopeKind::from_name(scope)?.ids().join(", ");
    let key = with_dot(key);
    Some(format!(
        "`{name}` is a function: say whose part of the state you mean, as in {name}({ids}){key}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "local cog, task = require(\"@cogsmith/cog\"), require(\"@cogsmith/task\")
local state = require('@cogsmith/state')
local levels = require(\"../services/levels\")
local session = state.session
local own = table.freeze {}
";

    fn told_of(code: &str) -> String {
        explain(READONLY, &format!("{HEAD}{code}"), 6).unwrap_or_default()
    }

    #[test]
    fn a_write_names_the_table_and_what_to_write_instead() {
        for (code, wanted) in [
            (
                "state.coins = 5",
                "`state.coins` cannot be set; nothing can be stored in the state itself: write to a part of it, such as state.global.coins, state.guild(guild_id).coins",
            ),
            ("    state.coins += 5 -- more", "state.user(user_id).coins"),
            (
                "if true then state.session.x = 1 end",
                "`state.session.x` cannot be set; nothing can be stored in the session itself",
            ),
            ("session.x = 1", "`state.session.x` cannot be set"),
            ("own['a b'] = 1", "`own[…]` cannot be set"),
            ("state[\"two words\"] = 1", "`state[…]` cannot be set"),
            ("cog.name = \"x = y\"", "a cog is named after its file"),
            (
                "cog.command = nil",
                "`cog.command` cannot be set; objects of the host",
            ),
            ("function cog.greet(who) end", "`cog.greet` cannot be set"),
            (
                "function string.trim(text)",
                "`string.trim` cannot be set; Luau's libraries",
            ),
            ("string.format ..= 1", "`string.format` cannot be set"),
            (
                "levels.list[1].xp = 2",
                "`levels.list[1].xp` cannot be set; what a module returns",
            ),
            (
                "table.insert(levels.list, 1)",
                "`levels.list[…]` cannot be set; what a module returns",
            ),
            ("rawset(levels, 'a', 1)", "`levels[…]` cannot be set"),
            ("own.x, own.y = 1, 2", "`own.x` cannot be set; it is frozen"),
            ("print(state.x == 1) own.x = 1", "`own.x`"),
            (
                "state.global = {}",
                "`state.global` cannot be set; nothing can be stored in the state itself: write to a part of it, such as state.global.key",
            ),
            (
                "_G.x = 1",
                "`_G.x` cannot be set; globals belong to the file",
            ),
            (
                "package.loaded.x = 1",
                "`package.loaded.x` cannot be set; it only shows what is loaded",
            ),
            (
                "task.wait = nil",
                "`task.wait` cannot be set; objects of the host",
            ),
            (
                "pcall(rawset, state, \"global\", 5)",
                "`state[…]` cannot be set; nothing can be stored in the state itself",
            ),
        ] {
            let told = told_of(code);
            assert!(told.contains(wanted), "{code}: {told}");
            assert!(told.starts_with(READONLY), "{code}: {told}");
        }
    }

    #[test]
    fn a_function_that_is_used_like_a_table_is_told_with_its_arguments() {
        for (code, key, wanted) in [
            (
                "state.user.coins = 5",
                "coins",
                "`state.user` is a function: say whose part of the state you mean, as in state.user(user_id).coins",
            ),
            (
                "print(state.member.xp)",
                "xp",
                "state.member(guild_id, user_id).xp",
            ),
            (
                "session.guild.open = true",
                "open",
                "state.session.guild(guild_id).open",
            ),
        ] {
            let message = format!("{OF_FUNCTION}'{key}'");
            let told = explain(&message, &format!("{HEAD}{code}"), 6).unwrap_or_default();
            assert!(told.contains(wanted), "{code}: {told}");
        }
        let other = format!("{HEAD}print(print.x)");
        assert_eq!(
            explain("attempt to index function with 'x'", &other, 6),
            None
        );
    }

    #[test]
    fn a_part_of_the_state_that_is_counted_with_is_told_as_one_that_is_set() {
        for (code, message, wanted) in [
            (
                "state.coins += 5",
                "attempt to perform arithmetic (add) on nil and number",
                "`state.coins` is nil; nothing can be stored in the state itself: write to a part of it, such as state.global.coins",
            ),
            (
                "session.text ..= \"x\"",
                "attempt to concatenate nil with string",
                "`state.session.text` is nil; nothing can be stored in the session itself",
            ),
        ] {
            let told = explain(message, &format!("{HEAD}{code}"), 6).unwrap_or_default();
            assert!(told.contains(wanted), "{code}: {told}");
        }
        for code in ["own.x += 1", "local x = state.a + 1", "state.global.x += 1"] {
            let message = "attempt to perform arithmetic (add) on nil and number";
            assert_eq!(
                explain(message, &format!("{HEAD}{code}"), 6),
                None,
                "{code}"
            );
        }
    }

    #[test]
    fn what_the_line_does_not_say_is_left_to_luau() {
        for code in [
            "",
            "f()",
            "-- state.x = 1",
            "print(\"state.x = 1\")",
            "local x = 1",
        ] {
            assert_eq!(told_of(code), "", "{code}");
        }
        assert_eq!(explain(READONLY, HEAD, 0), None);
        assert_eq!(explain(READONLY, HEAD, 99), None);
        assert_eq!(explain("another error", HEAD, 1), None);
    }

    proptest::proptest! {
        #[test]
        fn no_line_is_too_strange(code in ".{0,60}|[a-c.=\\[\\](){}:\"'`,+ -]{0,60}") {
            let source = format!("local a = {code}\n{code}");
            for number in [1, 2] {
                let _told = explain(READONLY, &source, number);
                let _told = explain("attempt to index function with 'a'", &source, number);
            }
        }
    }
}

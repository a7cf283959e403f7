//! Expressions for any value that an author could pass: see `prelude.luau` for the functions in them.

use super::choices::Choices;
use std::fmt::Write as _;

const PLAIN: [&str; 12] = [
    "nil",
    "true",
    "false",
    "a",
    "b",
    "c",
    "d",
    "ctx",
    "print",
    "discord.null",
    "coroutine.running()",
    "buffer.create(8)",
];

const NUMBERS: [&str; 20] = [
    "0", "1", "-1", "2", "0.5", "-0", "7", "60", "100", "255", "65536", "2^31", "-2^31", "2^53",
    "2^63", "1e308", "-1e308", "1/0", "-1/0", "0/0",
];

const STRINGS: [&str; 34] = [
    r#""""#,
    r#""x""#,
    r#""1""#,
    r#""-1""#,
    r#""0""#,
    r#""18446744073709551616""#,
    r#""a\0b""#,
    r#""\xff\xfe""#,
    r#""\u{202e}\n\27[31m""#,
    r#""5m""#,
    r#""250ms""#,
    r#""1e999""#,
    r#""%""#,
    r#""[""#,
    r#""(()""#,
    r#""%b()""#,
    r#""*""#,
    r#""{}""#,
    r#"'[{"a":[1,null]}]'"#,
    r#""@everyone""#,
    r#""general""#,
    r#""fuzz:{id}""#,
    r#""user""#,
    r#""member""#,
    r#""guild""#,
    r#""message_create""#,
    r#""2026-02-30T25:61:00Z""#,
    r#"string.rep("x", 101)"#,
    r#"string.rep("x", 2001)"#,
    r#"string.rep("x", 300000)"#,
    r#"string.rep("[", 5000)"#,
    "id(ctx, 1)",
    "id(ctx, 2)",
    "id(ctx, 3)",
];

const OBJECTS: [&str; 17] = [
    "{}",
    "thing(ctx, 1)",
    "thing(ctx, 2)",
    "thing(ctx, 3)",
    "thing(ctx, 4)",
    "thing(ctx, 5)",
    "thing(ctx, 6)",
    "thing(ctx, 7)",
    "cyclic()",
    "deep(10)",
    "deep(200)",
    "wide(1000)",
    "hostile(1)",
    "hostile(2)",
    "hostile(3)",
    "hostile(4)",
    "table.freeze({ 1, 2 })",
];

const FUNCTIONS: [&str; 9] = [
    "function(...) return ... end",
    "function() end",
    "function() return true, 1, {} end",
    "function() raise(\"from a callback\") end",
    "function() raise(nil) end",
    "function() coroutine.yield(1) end",
    "function() task.wait(0) end",
    "function(...) return hostile(1), ... end",
    "coroutine.create(function(...) coroutine.yield(...) end)",
];

/// Names of fields that functions of the host's look for.
const FIELDS: [&str; 42] = [
    "name",
    "description",
    "run",
    "options",
    "type",
    "required",
    "choices",
    "min",
    "max",
    "default",
    "rest",
    "many",
    "autocomplete",
    "convert",
    "aliases",
    "checks",
    "cooldown",
    "uses",
    "per",
    "scope",
    "commands",
    "content",
    "embeds",
    "files",
    "filename",
    "allowed_mentions",
    "components",
    "ephemeral",
    "channel_id",
    "guild_id",
    "user_id",
    "message_id",
    "where",
    "limit",
    "sort",
    "capabilities",
    "intents",
    "id",
    "user",
    "value",
    "timeout",
    "reason",
];

/// An expression, at most so deep. `fields` are the names that tables prefer.
pub fn value(choices: &mut Choices<'_>, depth: usize, fields: &[&str]) -> String {
    match choices.below(if depth == 0 { 9 } else { 14 }) {
        0 | 1 => choices.pick(&PLAIN).to_owned(),
        2 | 3 => choices.pick(&NUMBERS).to_owned(),
        4..=6 => choices.pick(&STRINGS).to_owned(),
        7 => choices.pick(&OBJECTS).to_owned(),
        8 => choices.pick(&FUNCTIONS).to_owned(),
        _ => table(choices, depth - 1, fields),
    }
}

/// A table constructor.
pub fn table(choices: &mut Choices<'_>, depth: usize, fields: &[&str]) -> String {
    let mut text = "{ ".to_owned();
    for _ in 0..choices.below(7) {
        match choices.below(8) {
            0 => {}
            1 => {
                let key = value(choices, 0, fields);
                // Neither nil nor NaN can be a key.
                write!(text, "[key({key})] = ").unwrap();
            }
            2..=4 if !fields.is_empty() => {
                write!(text, "{} = ", choices.pick(fields)).unwrap();
            }
            _ => write!(text, "{} = ", choices.pick(&FIELDS)).unwrap(),
        }
        write!(text, "{}, ", value(choices, depth, fields)).unwrap();
    }
    text + "}"
}

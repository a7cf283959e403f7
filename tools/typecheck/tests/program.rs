//! The program as it is called: what it checks, what it says, how it ends.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, also in its helpers"
)]

mod support;

use std::fs;
use support::{bot, lines, problems, run, write};

const PING: &str = "local cog = require(\"@cogsmith/cog\")
cog.command { name = \"ping\", run = function(ctx) ctx:reply(\"pong\") end }
";

#[test]
fn right_types_are_told_with_the_number_of_files() {
    let bot = bot(&[("lua/cogs/ping.luau", PING)]);
    let output = run(bot.path(), &["--background"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said, "The types of 1 file are right.\n");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_wrong_type_is_told_with_its_place_and_line() {
    let text = "local cog = require(\"@cogsmith/cog\")
local shown = \"ünder\" .. 1; local number: number = cog.name
print(shown, number)
";
    let bot = bot(&[("lua/cogs/wrong.luau", text)]);
    let output = run(bot.path(), &[]);
    let said = String::from_utf8(output.stdout).unwrap();
    let expected = "\
lua/cogs/wrong.luau:2:52: Expected this to be 'number', but got 'string'
  > 2 | local shown = \"ünder\" .. 1; local number: number = cog.name

1 type error in 1 file.
";
    assert_eq!(said, expected);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn nothing_that_authors_write_reaches_the_terminal_as_a_command() {
    let bot = bot(&[(
        "lua/cogs/wrong.luau",
        "local a: number = \"\u{1b}[2J\" return a",
    )]);
    let said = String::from_utf8(run(bot.path(), &[]).stdout).unwrap();
    assert!(
        said.contains("> 1 | local a: number = \"\u{fffd}[2J\""),
        "{said}"
    );
    assert!(!said.contains('\u{1b}'), "{said}");
}

#[test]
fn a_list_that_is_made_elsewhere_is_told_with_what_to_do() {
    let text = "local cog = require(\"@cogsmith/cog\")
local rows = {}
for number = 1, 3 do
    table.insert(rows, { type = 1, components = {} })
end
cog.on.message_create(function(message)
    message:reply { components = rows }
end)
";
    let bot = bot(&[("lua/cogs/wrong.luau", text)]);
    let said = String::from_utf8(run(bot.path(), &[]).stdout).unwrap();
    assert!(
        said.contains("such as `local rows: { cog.Component } = {}`"),
        "{said}"
    );
}

/// Types are computed by functions of the author's, too.
#[test]
fn functions_of_types_that_do_not_end_are_ended() {
    let memory = "type function big() local text = \"x\" while true do text ..= text end end
local big: big<> = 1 return big";
    let wrong = "local a: number = \"\" return a";
    let bot = bot(&[
        ("lua/cogs/big.luau", memory),
        ("lua/cogs/wrong.luau", wrong),
    ]);
    let output = run(bot.path(), &["--background"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("lua/cogs/big.luau:"), "{said}");
    assert!(said.contains("lua/cogs/wrong.luau:1:19: "), "{said}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn programs_get_places_and_a_code() {
    let text =
        "local unused = 1\nlocal cog = require(\"@cogsmith/cog\")\ncog.info { titel = \"x\" }\n";
    let bot = bot(&[("lua/cogs/wrong.luau", text)]);
    let [unused, titel] = &problems(bot.path())[..] else {
        panic!("two problems expected");
    };
    assert_eq!(
        (unused.severity.as_str(), unused.code.as_str()),
        ("warning", "LocalUnused")
    );
    assert_eq!(
        (titel.severity.as_str(), titel.code.as_str()),
        ("error", "UnknownField")
    );
    assert_eq!(titel.file, "lua/cogs/wrong.luau");
    let place = (titel.line, titel.column, titel.end_line, titel.end_column);
    assert_eq!(place, (3, 12, 3, 17));
    assert_eq!(
        titel.message,
        "\"titel\" is not a field of Info; did you mean \"title\"?"
    );
}

#[test]
fn a_warning_alone_is_no_failure() {
    let bot = bot(&[("lua/cogs/unused.luau", "local unused = 1\n")]);
    let output = run(bot.path(), &[]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.ends_with("The types of 1 file are right; 1 warning.\n"),
        "{said}"
    );
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn requires_are_those_of_the_bot() {
    let folder = bot(&[
        (
            "lua/.luaurc",
            "{ // a comment\n \"aliases\": { \"cogsmith\": \"../types\", \"Util\": \"utils\", },\n}",
        ),
        (
            "lua/utils/text.lua",
            "return { upper = function(text: string): string return text end }",
        ),
        (
            "lua/services/bank/init.luau",
            "return { limit = require(\"@self/limit\") }",
        ),
        ("lua/services/bank/limit.luau", "return 5"),
        (
            "lua/cogs/shop/init.luau",
            "local bank = require(\"../services/bank\")
local text = require(\"@util/text\")
local price = require(\"@self/price\")
local a: number, b: number = bank.limit, price
local c: boolean = text.upper(bank.limit)
print(a, b, c)",
        ),
        ("lua/cogs/shop/price.luau", "return require(\"./price_of\")"),
        ("lua/cogs/shop/price_of.luau", "return \"much\""),
        (
            "spec/shop_spec.luau",
            "local text = require(\"../lua/utils/text\")\ntext.lower(\"a\")",
        ),
    ]);
    assert_eq!(
        lines(folder.path()),
        [
            "lua/cogs/shop/init.luau:4:42: Expected this to be 'number', but got 'string'",
            "lua/cogs/shop/init.luau:5:20: Expected this to be 'boolean', but got 'string'",
            "lua/cogs/shop/init.luau:5:31: Expected this to be 'string', but got 'number'",
            "spec/shop_spec.luau:2:1: Key 'lower' not found in table '{ upper: (string) -> string }'",
        ]
    );
}

#[test]
fn what_cannot_be_required_is_told() {
    let folder = bot(&[
        ("lua/services/bank.luau", "return 1"),
        ("spec/bank_spec.luau", "return 1"),
        (
            "lua/cogs/shop.luau",
            "require(\"../services/bnak\")
require(\"lua/services/bank.luau\")
require(\"@nobody/bank\")
require(\"@self/bank\")
require(\"../../../../etc/passwd\")
require(\"../../spec/bank_spec\")
require(\"@cogsmith/nothing\")",
        ),
    ]);
    assert_eq!(
        lines(folder.path()),
        [
            "lua/cogs/shop.luau:1:1: Unknown require: \"../services/bnak\"",
            "lua/cogs/shop.luau:2:1: Unknown require: \"lua/services/bank.luau\"",
            "lua/cogs/shop.luau:3:1: Unknown require: \"@nobody/bank\"",
            "lua/cogs/shop.luau:4:1: Unknown require: \"@self/bank\"",
            "lua/cogs/shop.luau:5:1: Unknown require: \"../../../../etc/passwd\"",
            "lua/cogs/shop.luau:6:1: Unknown require: \"../../spec/bank_spec\"",
            "lua/cogs/shop.luau:7:1: Unknown require: \"@cogsmith/nothing\"",
        ]
    );
}

#[test]
fn modules_are_strict_unless_they_say_otherwise() {
    let folder = bot(&[
        ("lua/utils/strict.luau", "return nothing"),
        ("lua/utils/unchecked.luau", "--!nocheck\nreturn 1 .. nil"),
        ("lua/utils/not_luau.luau", "return return"),
    ]);
    assert_eq!(
        lines(folder.path()),
        [
            "lua/utils/not_luau.luau:1:8: Expected identifier when parsing expression, got 'return'",
            "lua/utils/strict.luau:1:8: Unknown global 'nothing'; consider assigning to it first",
        ]
    );
}

#[cfg(unix)]
#[test]
fn files_of_others_are_not_quoted() {
    let elsewhere = tempfile::tempdir().unwrap();
    write(elsewhere.path(), "secret.luau", "TOKEN=abc");
    let folder = bot(&[("lua/cogs/ping.luau", PING)]);
    let inside = folder.path().join("lua/services");
    fs::create_dir(&inside).unwrap();
    std::os::unix::fs::symlink(
        elsewhere.path().join("secret.luau"),
        inside.join("link.luau"),
    )
    .unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), inside.join("folder")).unwrap();
    std::os::unix::fs::symlink(&inside, inside.join("circle")).unwrap();
    assert_eq!(lines(folder.path()), [""; 0]);
}

#[test]
fn texts_that_are_hard_to_check_end_all_the_same() {
    let deep = format!("return {}1{}", "(".repeat(100_000), ")".repeat(100_000));
    let long = format!("return {}1", "1 + ".repeat(20_000));
    let tables = format!("return {}{}", "{".repeat(900), "}".repeat(900));
    let folder = bot(&[
        ("lua/utils/deep.luau", &deep),
        ("lua/utils/long.luau", &long),
        ("lua/utils/tables.luau", &tables),
        ("lua/utils/cycle.luau", "return require(\"./cycle\")"),
    ]);
    fs::write(
        folder.path().join("lua/utils/bytes.luau"),
        b"return '\xff\x00'",
    )
    .unwrap();
    let lines = lines(folder.path());
    assert!(
        lines.iter().any(|line| line.contains("deep.luau:1:")),
        "{lines:#?}"
    );
}

#[test]
fn what_is_not_there_is_said_with_what_to_do() {
    let nothing = tempfile::tempdir().unwrap();
    let complaint = |folder: &std::path::Path, arguments: &[&str]| {
        let output = run(folder, arguments);
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty());
        String::from_utf8(output.stderr).unwrap()
    };
    let said = complaint(nothing.path(), &[]);
    assert!(
        said.contains("/lua; give the folder of config.json"),
        "{said}"
    );
    write(nothing.path(), "lua/cogs/ping.luau", PING);
    let said = complaint(nothing.path(), &[]);
    assert!(
        said.ends_with("`cogsmith types --write` writes it\n"),
        "{said}"
    );
    write(nothing.path(), "lua/.luaurc", "{ aliases }");
    let said = complaint(nothing.path(), &[]);
    assert!(said.contains("lua/.luaurc is not JSON: "), "{said}");
    let said = complaint(nothing.path(), &["--fast"]);
    assert_eq!(said, "Error: invalid option '--fast'; see --help\n");
    let said = complaint(nothing.path(), &["--format", "xml"]);
    assert_eq!(
        said,
        "Error: --format is text or json, not \"xml\"; see --help\n"
    );
}

#[test]
fn help_names_every_option() {
    let output = run(std::path::Path::new("."), &["--help"]);
    let said = String::from_utf8(output.stdout).unwrap();
    for option in ["--format text|json", "--background", "--help"] {
        assert!(said.contains(option), "{said}");
    }
    assert_eq!(output.status.code(), Some(0));
}

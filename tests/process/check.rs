//! `cogsmith check` as its users meet it: people, continuous integration and other programs.

use super::cli::{cogsmith, folder};
use insta::assert_snapshot;
use serde_json::{Value, json};

#[test]
fn check_accepts_a_good_tree_also_from_elsewhere() {
    let here = folder(&[
        ("config.json", "{}"),
        ("lua/cogs/ping.luau", "return 1"),
        ("lua/utils/text.lua", "local t = {}\nreturn t\n"),
        ("lua/.git/broken.luau", "local local"),
        ("lua/notes.txt", "local local"),
    ]);
    let elsewhere = folder(&[]);
    let path = here.path().display().to_string();
    let from_elsewhere = cogsmith(elsewhere.path(), &["check", "--config", &path], &[]);
    assert_snapshot!(from_elsewhere, @r"
    exit 0
    -- stdout
    The configuration is valid, and everything loads: 1 cog, 0 commands, 2 Luau files; 1 warning.
    -- stderr
    lua/utils/text.lua:1: warning: this file is no cog, and no cog or spec requires it (FileUnused)
      > 1 | local t = {}
        2 | return t
    ");
    assert_eq!(cogsmith(here.path(), &["check"], &[]), from_elsewhere);
}

#[test]
fn check_shows_every_file_that_does_not_compile() {
    let here = folder(&[
        ("config.json", "{}"),
        (
            "lua/cogs/broken.luau",
            "local cog = 1\n\nlocal x = = 2\nreturn x\n-- end\n",
        ),
        ("lua/cogs/good.luau", "return 1"),
        ("lua/services/open.luau", "local function f()\n"),
        ("lua/services/empty.luau", ""),
    ]);
    assert_snapshot!(cogsmith(here.path(), &["check"], &[]), @r"
    exit 1
    -- stdout
    -- stderr
    lua/cogs/broken.luau:3: syntax error: Expected identifier when parsing expression, got '='
        1 | local cog = 1
        2 |
      > 3 | local x = = 2
        4 | return x
        5 | -- end
    lua/services/empty.luau:1: warning: this file is no cog, and no cog or spec requires it (FileUnused)
    lua/services/open.luau:2: syntax error: Expected 'end' (to close 'function' at line 1), got <eof>
        1 | local function f()
      > 2 |
    2 problems, 1 warning; 1 of 2 cogs would not load.
    ");
}

#[test]
fn check_loads_every_cog_and_tells_each_problem_once() {
    let asking = |lines: &str| format!("local cog = require(\"@cogsmith/cog\")\n{lines}\n");
    let here = folder(&[
        (
            "config.json",
            r#"{ "capabilities": { "*": ["messages.send"] } }"#,
        ),
        (
            "lua/cogs/bans.luau",
            &asking("cog.info { capabilities = { \"members.ban\" } }"),
        ),
        (
            "lua/cogs/events.luau",
            &asking("cog.on(\"mesage_create\", function() end)"),
        ),
        (
            "lua/cogs/one.luau",
            &asking(
                "require(\"../services/shared\")\ncog.command { name = \"rank\", run = function() end }",
            ),
        ),
        (
            "lua/cogs/two.luau",
            &asking(
                "require(\"../services/shared\")\ncog.command { name = \"level\", run = function() end }",
            ),
        ),
        (
            "lua/cogs/rank.luau",
            &asking("cog.command { name = \"rank\", run = function() end }"),
        ),
        (
            "lua/cogs/rank2.luau",
            &asking("\ncog.command { name = \"RANK\", slash = false, run = function() end }"),
        ),
        ("lua/services/shared.luau", "local t = nil\nreturn t.x\n"),
        ("lua/services/a.luau", "return require(\"./b\")"),
        ("lua/services/b.luau", "return require(\"./a\")"),
        ("lua/cogs/cycle.luau", "require(\"../services/a\")"),
        ("lua/cogs/twice.luau", ""),
        ("lua/cogs/twice.lua", ""),
        (
            "lua/cogs/send.luau",
            &asking(
                "require(\"@cogsmith/discord\").create_message { channel_id = \"1\", content = \"x\" }",
            ),
        ),
        (
            "lua/cogs/ready.luau",
            &asking("cog.on_ready(function() error(\"it must not run\") end)"),
        ),
    ]);
    assert_snapshot!(cogsmith(here.path(), &["check"], &[]), @r#"
    exit 1
    -- stdout
    -- stderr
    lua/cogs/twice.lua and lua/cogs/twice.luau would be the same module; remove or rename all but one
    bans: this cog asks for capabilities that config.json does not grant it: members.ban
    lua/cogs/bans.luau:2: warning: nothing here needs the capability "members.ban"; take it out of cog.info (CapabilityUnused)
        1 | local cog = require("@cogsmith/cog")
      > 2 | cog.info { capabilities = { "members.ban" } }
          |                             ^^^^^^^^^^^^^
    lua/cogs/events.luau:2: cog.on: there is no event "mesage_create"; did you mean "message_create"?
        1 | local cog = require("@cogsmith/cog")
      > 2 | cog.on("mesage_create", function() end)
      in the top level at lua/cogs/events.luau:2
    lua/cogs/rank2.luau:3: the command name "rank" is taken twice: by the cog "rank" (lua/cogs/rank.luau:2) and by the cog "rank2" (lua/cogs/rank2.luau:3); rename one of them
        1 | local cog = require("@cogsmith/cog")
        2 |
      > 3 | cog.command { name = "RANK", slash = false, run = function() end }
    lua/cogs/send.luau:1: warning: the module `cog` is never used; take it out, or let its name begin with `_` (ImportUnused)
      > 1 | local cog = require("@cogsmith/cog")
          |       ^^^
        2 | require("@cogsmith/discord").create_message { channel_id = "1", content = "x" }
    lua/cogs/send.luau:2: discord.create_message: not while loading: move this into cog.on_ready
        1 | local cog = require("@cogsmith/cog")
      > 2 | require("@cogsmith/discord").create_message { channel_id = "1", content = "x" }
      in the top level at lua/cogs/send.luau:2
    lua/services/b.luau:1: a cycle of requires: services.a → services.b → services.a
      > 1 | return require("./a")
      in the top level at lua/services/b.luau:1
      in the top level at lua/services/a.luau:1
      in the top level at lua/cogs/cycle.luau:1
      required by cogs.cycle → services.a → services.b
    lua/services/shared.luau:2: attempt to index nil with 'x'
        1 | local t = nil
      > 2 | return t.x
      in the top level at lua/services/shared.luau:2
      in the top level at lua/cogs/one.luau:2
      required by cogs.one → services.shared
      the same problem keeps these cogs from loading: two
    7 problems, 2 warnings; 7 of 9 cogs would not load.
    "#);
}

#[test]
fn check_tells_examples_that_are_no_calls_of_their_command() {
    let here = folder(&[(
        "lua/cogs/tea.luau",
        r#"local cog = require("@cogsmith/cog")
local when = cog.option.duration { name = "when" }
cog.command {
    name = "tea",
    options = { when },
    examples = {
        "10 minutes",
        "tea 10m",
        "soon",
    },
    run = function() end,
}
cog.group {
    name = "pot",
    commands = { { name = "fill", examples = { "up" }, run = function() end } },
}
"#,
    )]);
    let told = cogsmith(here.path(), &["check"], &[]);
    for line in [
        "lua/cogs/tea.luau:8: the example \"tea 10m\" is not a valid call of its own command \"tea\": help would show `!tea tea 10m`: leave the command's name out of it",
        ">  8 |         \"tea 10m\",",
        "lua/cogs/tea.luau:9: the example \"soon\" is not a valid call of its own command \"tea\": `soon` is not a duration",
        "lua/cogs/tea.luau:15: the example \"up\" is not a valid call of its own command \"pot fill\": There are too many arguments: the command does not take `up` or anything after it.",
        "3 problems, 1 warning; 1 cog would still load.",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
    assert!(!told.contains("10 minutes\" is"), "{told}");
}

/// A cog with a mistake of each kind that its text alone shows, a module that nobody requires, and a spec.
const CARELESS: [(&str, &str); 4] = [
    ("config.json", "{}"),
    (
        "lua/cogs/careless.luau",
        r#"local cog = require("@cogsmith/cog")
local discord = require("@cogsmith/discord")
local http = require("@cogsmith/http")
cog.info { capabilities = { "messages.send", "members.ban" } }
local who = cog.option.string { name = "who" }
cog.on.guild_member_add(function(member)
    discord.creat_message { channel_id = "1", content = member.user.username }
end)
cog.command {
    name = "careless",
    options = { who },
    run = function(ctx)
        total = 1
        discord.create_message { channel_id = "1", content = tostring(total) }
        local name = ctx.author.username
        do
            local name = `{name}!`
            cog.fail(name)
            ctx:reply(nmae)
        end
        discord.deprecated_list_pins { channel_id = "1" }
        cog.wait.typing_start { timeout = 1 }
    end,
}
"#,
    ),
    ("lua/services/forgotten.luau", "return {}"),
    (
        "spec/careless_spec.luau",
        "local spec = require(\"@cogsmith/spec\")\nlocal unused = spec",
    ),
];

#[test]
fn check_warns_of_what_is_probably_not_meant_so() {
    let here = folder(&CARELESS);
    assert_snapshot!(cogsmith(here.path(), &["check"], &[]), @r#"
    exit 1
    -- stdout
    -- stderr
    lua/cogs/careless.luau:3: warning: the module `http` is never used; take it out, or let its name begin with `_` (ImportUnused)
        1 | local cog = require("@cogsmith/cog")
        2 | local discord = require("@cogsmith/discord")
      > 3 | local http = require("@cogsmith/http")
          |       ^^^^
        4 | cog.info { capabilities = { "messages.send", "members.ban" } }
        5 | local who = cog.option.string { name = "who" }
    lua/cogs/careless.luau:4: warning: nothing here needs the capability "members.ban"; take it out of cog.info (CapabilityUnused)
        2 | local discord = require("@cogsmith/discord")
        3 | local http = require("@cogsmith/http")
      > 4 | cog.info { capabilities = { "messages.send", "members.ban" } }
          |                                              ^^^^^^^^^^^^^
        5 | local who = cog.option.string { name = "who" }
        6 | cog.on.guild_member_add(function(member)
    lua/cogs/careless.luau:5: warning: no handler reads the option "who": read it with ctx:get(option) or as ctx.options.who, or take it out (OptionUnused)
        3 | local http = require("@cogsmith/http")
        4 | cog.info { capabilities = { "messages.send", "members.ban" } }
      > 5 | local who = cog.option.string { name = "who" }
          |                                        ^^^^^
        6 | cog.on.guild_member_add(function(member)
        7 |     discord.creat_message { channel_id = "1", content = member.user.username }
    lua/cogs/careless.luau:6: warning: cog.on.guild_member_add needs the privileged intent "guild_members": add it to intents of cog.info, and have the operator switch it on (IntentMissing)
        4 | cog.info { capabilities = { "messages.send", "members.ban" } }
        5 | local who = cog.option.string { name = "who" }
      > 6 | cog.on.guild_member_add(function(member)
          |        ^^^^^^^^^^^^^^^^
        7 |     discord.creat_message { channel_id = "1", content = member.user.username }
        8 | end)
    lua/cogs/careless.luau:7: there is no discord.creat_message; did you mean "discord.create_message"?
         5 | local who = cog.option.string { name = "who" }
         6 | cog.on.guild_member_add(function(member)
      >  7 |     discord.creat_message { channel_id = "1", content = member.user.username }
           |             ^^^^^^^^^^^^^
         8 | end)
         9 | cog.command {
    lua/cogs/careless.luau:13: warning: `total` is assigned without `local`, so it is a global of this file; write `local total` where it begins (GlobalAssigned)
        11 |     options = { who },
        12 |     run = function(ctx)
      > 13 |         total = 1
           |         ^^^^^
        14 |         discord.create_message { channel_id = "1", content = tostring(total) }
        15 |         local name = ctx.author.username
    lua/cogs/careless.luau:17: warning: `name` hides the variable of line 15; give one of them another name (LocalShadow)
        15 |         local name = ctx.author.username
        16 |         do
      > 17 |             local name = `{name}!`
           |                   ^^^^
        18 |             cog.fail(name)
        19 |             ctx:reply(nmae)
    lua/cogs/careless.luau:19: warning: this is never reached, because what begins in line 18 never goes on (UnreachableCode)
        17 |             local name = `{name}!`
        18 |             cog.fail(name)
      > 19 |             ctx:reply(nmae)
           |             ^^^^^^^^^^^^^^^
        20 |         end
        21 |         discord.deprecated_list_pins { channel_id = "1" }
    lua/cogs/careless.luau:19: warning: there is no variable "nmae" here; did you mean "name"? (UnknownGlobal)
        17 |             local name = `{name}!`
        18 |             cog.fail(name)
      > 19 |             ctx:reply(nmae)
           |                       ^^^^
        20 |         end
        21 |         discord.deprecated_list_pins { channel_id = "1" }
    lua/cogs/careless.luau:21: warning: this is never reached, because what begins in line 16 never goes on (UnreachableCode)
        19 |             ctx:reply(nmae)
        20 |         end
      > 21 |         discord.deprecated_list_pins { channel_id = "1" }
           |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        22 |         cog.wait.typing_start { timeout = 1 }
        23 |     end,
    lua/cogs/careless.luau:21: warning: discord.deprecated_list_pins is deprecated; use discord.list_pins (DeprecatedApi)
        19 |             ctx:reply(nmae)
        20 |         end
      > 21 |         discord.deprecated_list_pins { channel_id = "1" }
           |                 ^^^^^^^^^^^^^^^^^^^^
        22 |         cog.wait.typing_start { timeout = 1 }
        23 |     end,
    lua/cogs/careless.luau:22: warning: cog.wait.typing_start needs an intent that this cog does not ask for: add "guild_message_typing" or "direct_message_typing" to intents of cog.info (IntentMissing)
        20 |         end
        21 |         discord.deprecated_list_pins { channel_id = "1" }
      > 22 |         cog.wait.typing_start { timeout = 1 }
           |                  ^^^^^^^^^^^^
        23 |     end,
        24 | }
    lua/services/forgotten.luau:1: warning: this file is no cog, and no cog or spec requires it (FileUnused)
      > 1 | return {}
    spec/careless_spec.luau:2: warning: the variable `unused` is never used; take it out, or let its name begin with `_` (LocalUnused)
        1 | local spec = require("@cogsmith/spec")
      > 2 | local unused = spec
          |       ^^^^^^
    1 problem, 13 warnings; 1 cog would still load.
    "#);
}

#[test]
fn check_passes_with_warnings_unless_they_are_denied() {
    let here = folder(&[
        ("config.json", "{}"),
        ("lua/cogs/a.luau", "local unused = 1"),
    ]);
    let warned = cogsmith(here.path(), &["check"], &[]);
    assert!(warned.starts_with("exit 0\n"), "{warned}");
    assert!(
        warned.contains("0 commands, 1 Luau file; 1 warning."),
        "{warned}"
    );
    assert_snapshot!(cogsmith(here.path(), &["check", "--deny-warnings", "--format", "github"], &[]), @r"
    exit 1
    -- stdout
    ::warning file=lua/cogs/a.luau,line=1,col=7,endColumn=12,title=LocalUnused::the variable `unused` is never used; take it out, or let its name begin with `_`
    -- stderr
    1 warning, and --deny-warnings allows none; 1 cog would still load.
    ");
}

#[test]
fn check_tells_programs_what_it_has_found() {
    let here = folder(&CARELESS);
    let told = cogsmith(here.path(), &["check", "--format=json"], &[]);
    let (_, rest) = told.split_once("-- stdout\n").unwrap();
    let (document, errors) = rest.split_once("-- stderr\n").unwrap();
    assert!(told.starts_with("exit 1\n"), "{told}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    let document: Value = serde_json::from_str(document).unwrap();
    let problems = document["problems"].as_array().unwrap();
    assert_eq!(document["version"], 1);
    assert_eq!(document["errors"], 1);
    assert_eq!(document["warnings"], problems.len() - 1);
    let unknown = problems
        .iter()
        .find(|it| it["rule"] == "UnknownFunction")
        .unwrap();
    let text = "    discord.creat_message { channel_id = \"1\", content = member.user.username }";
    assert_eq!(unknown["excerpt"][2], text);
    let mut unknown = unknown.clone();
    unknown["excerpt"] = Value::Null;
    assert_eq!(
        unknown,
        json!({
            "severity": "error",
            "rule": "UnknownFunction",
            "message": "there is no discord.creat_message; did you mean \"discord.create_message\"?",
            "file": "lua/cogs/careless.luau",
            "line": 7,
            "column": 13,
            "end_column": 26,
            "cog": null,
            "hint": null,
            "excerpt": null,
            "excerpt_from": 5,
            "trace": [],
            "requires": [],
        })
    );
}

#[test]
fn check_tells_programs_what_is_wrong_with_the_configuration() {
    let here = folder(&[("config.json", "{\n  \"bot\": { \"prefx\": \"!\" }\n}\n")]);
    let variables = [("COGSMITH_LIMITS__CPU_MS", "0")];
    assert_snapshot!(cogsmith(here.path(), &["check", "--format", "github"], &variables), @r"
    exit 2
    -- stdout
    ::error file=config.json,line=2,title=LoadError::unknown key `bot.prefx`, did you mean `bot.prefix`?
    ::error title=LoadError::COGSMITH_LIMITS__CPU_MS: `limits.cpu_ms` must be a whole number from 1 to 60000, but is 0
    -- stderr
    The configuration has 2 problems:
      config.json:2: unknown key `bot.prefx`, did you mean `bot.prefix`?
      COGSMITH_LIMITS__CPU_MS: `limits.cpu_ms` must be a whole number from 1 to 60000, but is 0
    ");
    let told = cogsmith(here.path(), &["check", "--format", "json"], &variables);
    assert!(told.starts_with("exit 2\n"), "{told}");
    assert!(
        told.contains("\"file\": \"config.json\",\n      \"line\": 2"),
        "{told}"
    );
}

#[test]
fn the_shipped_cogs_have_no_warnings() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let told = cogsmith(here, &["check", "--deny-warnings"], &[]);
    assert!(told.starts_with("exit 0\n"), "{told}");
}

#[test]
fn without_a_type_checker_the_command_is_told_that_builds_it() {
    let here = folder(&[("config.json", "{}"), ("lua/cogs/ping.luau", "return 1")]);
    assert_snapshot!(cogsmith(here.path(), &["check", "--types"], &[]), @r"
    exit 2
    -- stdout
    -- stderr
    The type checker is not there. Build it with: cargo build --manifest-path tools/typecheck/Cargo.toml
    ");
}

/// A program in the place of the type checker.
#[cfg(unix)]
fn checker(here: &std::path::Path, script: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = here.join("tools/typecheck/target/debug");
    std::fs::create_dir_all(&folder).unwrap();
    let program = folder.join("cogsmith-typecheck");
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[cfg(unix)]
#[test]
fn wrong_types_are_errors_like_others() {
    let here = folder(&[
        ("config.json", "{}"),
        (
            "lua/cogs/ping.luau",
            "local one = 1\nlocal two: string = one\nreturn two\n",
        ),
    ]);
    // It says what it was called with, and that it knows nothing of the environment.
    checker(
        here.path(),
        r#"cat <<END
[{ "file": "lua/cogs/ping.luau", "line": 2, "column": 21, "end_line": 2, "end_column": 24, "severity": "error",
   "code": "TypeError", "message": "got $1 $2 $3, and ${DISCORD_TOKEN:-no token}", "because": ["of that"] },
 { "file": "lua/cogs/ping.luau", "line": 1, "column": 1, "end_line": 1, "end_column": 2, "severity": "warning",
   "code": "LocalUnused", "message": "told by cogsmith itself" }]
END
exit 1"#,
    );
    let variables = [("DISCORD_TOKEN", "a.secret.token")];
    assert_snapshot!(cogsmith(here.path(), &["check", "--types"], &variables), @r"
    exit 1
    -- stdout
    -- stderr
    lua/cogs/ping.luau:2: got --background --format json, and no token
        1 | local one = 1
      > 2 | local two: string = one
          |                     ^^^
        3 | return two
      of that
    1 problem; 1 cog would still load.
    ");
    let told = cogsmith(here.path(), &["check", "--types", "--format=json"], &[]);
    assert!(told.contains(r#""rule": "TypeError""#), "{told}");
}

#[cfg(unix)]
#[test]
fn a_type_checker_that_fails_is_told_of() {
    let here = folder(&[("config.json", "{}"), ("lua/cogs/ping.luau", "return 1")]);
    checker(
        here.path(),
        "echo 'Error: there is no folder types' >&2; exit 2",
    );
    assert_snapshot!(cogsmith(here.path(), &["check", "--types"], &[]), @r"
    exit 1
    -- stdout
    -- stderr
    The type checker has failed: there is no folder types
    ");
    checker(here.path(), "echo nonsense");
    assert_snapshot!(cogsmith(here.path(), &["check", "--types"], &[]), @r"
    exit 1
    -- stdout
    -- stderr
    The type checker has failed: it gave no answer
    ");
}

//! The checks on small projects.

use super::*;
use std::collections::BTreeSet;

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// A host with a few of the real names.
fn host() -> HostNames {
    let option = Names::flat(["string", "integer", "maybe"]);
    let cog = [
        ("info", Names::Any),
        ("command", Names::Any),
        ("fail", Names::Any),
        ("option", option),
        (
            "on",
            Names::flat(["message_create", "guild_member_add", "raw"]),
        ),
        ("wait", Names::flat(["message_create", "typing_start"])),
    ];
    let discord = ["create_message", "list_pins", "deprecated_list_pins"];
    let modules = [
        (
            "cog",
            Names::Of(cog.map(|(name, it)| (name.to_owned(), it)).into()),
        ),
        ("discord", Names::flat(discord)),
        ("state", Names::flat(["shared", "guild"])),
        ("http", Names::flat(["get"])),
    ];
    let by_capability = [
        ("messages.send", names(&["create_message", "reply", "send"])),
        ("messages.read", names(&["list_pins"])),
        ("http", names(&[])),
        ("reactions.add", names(&["react"])),
        ("commands.run", names(&["run"])),
        ("presence", names(&["presence"])),
    ];
    HostNames {
        modules: modules.map(|(name, it)| (name.to_owned(), it)).into(),
        globals: names(&["require", "error", "print", "table", "tostring"]),
        by_capability: by_capability.map(|(name, it)| (name.to_owned(), it)).into(),
    }
}

/// What is found in these files, a line each: rule, place, message.
fn found_in(files: &[(&str, &str)]) -> Vec<String> {
    let host = host();
    let all: Vec<File> = files
        .iter()
        .map(|(path, text)| File {
            path: (*path).to_owned(),
            text: (*text).to_owned(),
            is_spec: path.starts_with("spec/"),
            is_module: !path.starts_with("lua/away/"),
        })
        .collect();
    let cogs: Vec<CogFile> = all
        .iter()
        .filter(|file| file.path.starts_with("lua/cogs/"))
        .map(|file| CogFile {
            entry: file.path.clone(),
            intents: Some(0),
        })
        .collect();
    let resolve = |_: &str, request: &str| {
        let name = request.rsplit('/').next()?;
        let suffix = format!("/{name}.luau");
        let found = files.iter().find(|(path, _)| path.ends_with(&suffix));
        found.map(|(path, _)| (*path).to_owned())
    };
    let findings = lint(Project {
        files: &all,
        cogs: &cogs,
        resolve: &resolve,
        host: &host,
    });
    findings
        .iter()
        .map(|finding| {
            let place = finding.problem.place.as_ref().unwrap();
            let columns = place
                .columns
                .map_or(String::new(), |(from, to)| format!(":{from}-{to}"));
            let file = place.file.trim_start_matches("lua/cogs/");
            let message = &finding.problem.message;
            format!(
                "{} {file}:{}{columns} {message}",
                finding.rule.name(),
                place.line
            )
        })
        .collect()
}

/// The same for one cog, behind `local cog = require("@cogsmith/cog")` and the like in the first line.
fn found(text: &str) -> String {
    let head = "local cog, discord, state = require(\"@cogsmith/cog\"), require(\"@cogsmith/discord\"), require(\"@cogsmith/state\") print(cog, discord, state)";
    found_in(&[("lua/cogs/a.luau", &format!("{head}\n{text}"))]).join("\n")
}

#[test]
fn variables_that_nobody_reads_are_told() {
    let text = "local used, unused, _silent = 1, 2, 3
print(used)
local function never() end
local function again() again() end
local text = require(\"@cogsmith/http\")
for index, value in { 1 } do print(index) end
local assigned = 1
assigned = 2
local http = require(\"@cogsmith/http\")
type Answer = http.Response
local shape = { a = 1 }
type Shape = typeof(shape)
local function typed(given: http.Response): http.Response return given end
return typed";
    insta::assert_snapshot!(found(text), @r"
    LocalUnused a.luau:2:13-19 the variable `unused` is never used; take it out, or let its name begin with `_`
    FunctionUnused a.luau:4:16-21 the function `never` is never used; take it out, or let its name begin with `_`
    ImportUnused a.luau:6:7-11 the module `text` is never used; take it out, or let its name begin with `_`
    LocalUnused a.luau:8:7-15 the variable `assigned` is never used; take it out, or let its name begin with `_`
    ");
}

#[test]
fn hidden_variables_are_told_within_one_function() {
    let text = "local name = 1
do
    local name = name + 1
    print(name)
end
local function inner(name) print(name) end
for name = 1, 2 do print(name) end
if local name = inner then print(name) end
print(name)";
    insta::assert_snapshot!(found(text), @r"
    LocalShadow a.luau:4:11-15 `name` hides the variable of line 2; give one of them another name
    LocalShadow a.luau:8:5-9 `name` hides the variable of line 2; give one of them another name
    LocalShadow a.luau:9:10-14 `name` hides the variable of line 2; give one of them another name
    ");
}

#[test]
fn globals_are_told_once() {
    let text = "count = 0
count = 1
function helper() return count end
print(helper, prnt, prnt, cuont)
table.insert = nil
tostring = 1";
    insta::assert_snapshot!(found(text), @r#"
    GlobalAssigned a.luau:2:1-6 `count` is assigned without `local`, so it is a global of this file; write `local count` where it begins
    GlobalAssigned a.luau:4:10-16 `helper` is assigned without `local`, so it is a global of this file; write `local helper` where it begins
    UnknownGlobal a.luau:5:15-19 there is no variable "prnt" here; did you mean "print"?
    UnknownGlobal a.luau:5:27-32 there is no variable "cuont" here
    "#);
}

#[test]
fn code_that_is_never_reached_is_told() {
    let text = "local function a(x)
    if x then error(\"no\") else cog.fail(\"no\") end
    print(1)
    print(2)
end
local function b()
    cog.fail(\"no\")
    return nil
end
local function c()
    while true do print(1) end
    print(2)
end
local function d()
    while true do if c then break end end
    while true do while c do break end end
    print(2)
end
local e = function() do error(1) end print(2) end
print(a, b, c, d, e)";
    insta::assert_snapshot!(found(text), @r"
    UnreachableCode a.luau:4:5-13 this is never reached, because what begins in line 3 never goes on
    UnreachableCode a.luau:13:5-13 this is never reached, because what begins in line 12 never goes on
    UnreachableCode a.luau:18:5-13 this is never reached, because what begins in line 17 never goes on
    UnreachableCode a.luau:20:38-46 this is never reached, because what begins in line 20 never goes on
    ");
}

#[test]
fn names_that_the_host_does_not_have_are_errors() {
    let text = "cog.command { name = \"a\", run = function(ctx)
    discord.creat_message { channel_id = \"1\", content = \"x\" }
    ctx:reply(cog.optoin)
    cog.wait.mesage_create { timeout = 1 }
    cog.option.strng { name = \"x\" }
    discord[\"zzzz\"]()
    discord.deprecated_list_pins {}
    table.foreach({}, print)
    local fail = cog.fail
    fail(\"x\")
    discord.create_message.nothing()
end }
do
    local discord = { mine = 1 }
    print(discord.mine)
end";
    insta::assert_snapshot!(found(text), @r#"
    UnknownFunction a.luau:3:13-26 there is no discord.creat_message; did you mean "discord.create_message"?
    UnknownFunction a.luau:4:19-25 there is no cog.optoin; did you mean "cog.option"?
    UnknownFunction a.luau:5:14-27 there is no cog.wait.mesage_create; did you mean "cog.wait.message_create"?
    UnknownFunction a.luau:6:16-21 there is no cog.option.strng; did you mean "cog.option.string"?
    UnknownFunction a.luau:7:13-19 there is no discord.zzzz
    DeprecatedApi a.luau:8:13-33 discord.deprecated_list_pins is deprecated; use discord.list_pins
    DeprecatedApi a.luau:9:11-18 table.foreach is deprecated; use a `for` loop
    UnreachableCode a.luau:12:5-37 this is never reached, because what begins in line 11 never goes on
    LocalShadow a.luau:15:11-18 `discord` hides the variable of line 1; give one of them another name
    "#);
}

#[test]
fn options_that_no_handler_reads_are_told() {
    let text = "local read = cog.option.string { name = \"read\" }
local never = cog.option.string { name = \"never\" }
local maybe = cog.option.maybe(cog.option.integer { name = \"maybe\" })
local by_name = cog.option.string { name = \"by_name\" }
local passed = cog.option.string { name = \"passed\" }
print(passed)
cog.command {
    name = \"a\",
    options = { read, never, cog.option.maybe(maybe), by_name, passed, cog.option.string { name = \"inline\" }, { name = \"plain\", type = \"string\" } },
    run = function(ctx) ctx:reply(ctx:get(read) .. ctx.options.by_name .. ctx.options[\"other\"]) end,
}";
    insta::assert_snapshot!(found(text), @r#"
    OptionUnused a.luau:3:42-49 no handler reads the option "never": read it with ctx:get(option) or as ctx.options.never, or take it out
    OptionUnused a.luau:4:60-67 no handler reads the option "maybe": read it with ctx:get(option) or as ctx.options.maybe, or take it out
    OptionUnused a.luau:10:99-107 no handler reads the option "inline": read it with ctx:get(option) or as ctx.options.inline, or take it out
    OptionUnused a.luau:10:120-127 no handler reads the option "plain": read it with ctx:get(option) or as ctx.options.plain, or take it out
    "#);
    let whole = format!("{text}\nfunction all(ctx) for name in ctx.options do print(name) end end");
    assert!(!found(&whole).contains("OptionUnused"));
}

#[test]
fn capabilities_that_nothing_needs_are_told() {
    let text = "cog.info { capabilities = {
    \"messages.send\", \"messages.read\", \"http\", \"shared:bank\", \"shared:shop\", \"reactions.add\", \"commands.run\", \"unknown\",
} }
state.shared(\"bank\")
cog.on.message_create(function(message) message:react(\"x\") end)
cog.command { name = \"a\", run = function(ctx) ctx:reply(\"x\") ctx:run(\"b\") end }";
    insta::assert_snapshot!(found(text), @r#"
    CapabilityUnused a.luau:3:5-20 nothing here needs the capability "messages.send"; take it out of cog.info
    CapabilityUnused a.luau:3:22-37 nothing here needs the capability "messages.read"; take it out of cog.info
    CapabilityUnused a.luau:3:39-45 nothing here needs the capability "http"; take it out of cog.info
    CapabilityUnused a.luau:3:62-75 nothing here needs the capability "shared:shop"; take it out of cog.info
    "#);
    let any = format!(
        "{text}\nprint(discord[tostring(1)], state.shared(tostring(1)), require(\"@cogsmith/http\"))"
    );
    assert!(!found(&any).contains("CapabilityUnused"));
    let presence = "cog.info { capabilities = { \"presence\" } }";
    assert!(found(presence).contains("CapabilityUnused"));
    let used =
        format!("{presence}\ncog.on_ready(function() cog.presence {{ status = \"idle\" }} end)");
    assert!(!found(&used).contains("CapabilityUnused"));
    let service = (
        "lua/services/pins.luau",
        "return require(\"@cogsmith/discord\").list_pins",
    );
    let cog = "local cog = require(\"@cogsmith/cog\")
cog.info { capabilities = { \"messages.read\" } }
return require(\"../services/pins\")";
    assert!(found_in(&[("lua/cogs/a.luau", cog), service]).is_empty());
}

#[test]
fn missing_intents_are_told() {
    let text = "cog.on.message_create(function(message)
    if message.author.bot then return end
    print(message.content)
end)
cog.on.guild_member_add(function() end)
cog.on(\"guild_member_remove\", function() end)
cog.command { name = \"a\", run = function()
    cog.wait.typing_start { timeout = 1 }
    cog.wait.message_create { timeout = 1, where = function(message) return message.embeds end }
end }";
    insta::assert_snapshot!(found(text), @r#"
    IntentMissing a.luau:4:19-26 `content` of messages is empty without the intent "message_content": add it to intents of cog.info
    IntentMissing a.luau:6:8-24 cog.on.guild_member_add needs the privileged intent "guild_members": add it to intents of cog.info, and have the operator switch it on
    IntentMissing a.luau:7:8-29 cog.on.guild_member_remove needs the privileged intent "guild_members": add it to intents of cog.info, and have the operator switch it on
    IntentMissing a.luau:9:14-26 cog.wait.typing_start needs an intent that this cog does not ask for: add "guild_message_typing" or "direct_message_typing" to intents of cog.info
    IntentMissing a.luau:10:14-28 cog.wait.message_create needs an intent that this cog does not ask for: add "guild_messages" or "direct_messages" to intents of cog.info
    IntentMissing a.luau:10:85-91 `embeds` of messages is empty without the intent "message_content": add it to intents of cog.info
    "#);
    let named = format!(
        "cog.info {{ intents = {{ \"guild_members\", \"guild_messages\", \"message_content\", \"direct_message_typing\" }} }}\n{text}"
    );
    assert_eq!(found(&named), "");
    let computed = format!("cog.info {{ intents = {{ tostring(1) }} }}\n{text}");
    assert_eq!(found(&computed), "");
}

#[test]
fn files_that_nobody_requires_are_told() {
    let files = [
        ("lua/away/notes.luau", "return 1"),
        ("lua/cogs/a.luau", "return require(\"../services/used\")"),
        ("lua/services/spec_only.luau", "return 1"),
        ("lua/services/unused.luau", "return require(\"./used\")"),
        (
            "lua/services/used.luau",
            "return function() return require(\"./late\") end",
        ),
        ("lua/services/late.luau", "return 1"),
        (
            "spec/a_spec.luau",
            "return require(\"../lua/services/spec_only\")",
        ),
    ];
    insta::assert_snapshot!(found_in(&files).join("\n"), @r"
    FileUnused lua/away/notes.luau:1 this file is in none of the folders of cogs and modules (hot_reload.watch_directories), so nothing can require it
    FileUnused lua/services/unused.luau:1 this file is no cog, and no cog or spec requires it
    ");
    let mut computed = files.to_vec();
    computed.push(("lua/cogs/b.luau", "return require(tostring(1))"));
    assert!(found_in(&computed).is_empty());
}

#[test]
fn a_file_may_switch_warnings_off() {
    let text = "local unused = 1\nnothing = unused2";
    let cog = |head: &str| found_in(&[("lua/cogs/a.luau", &format!("{head}\n{text}"))]).len();
    assert_eq!(cog("--!strict"), 3);
    assert_eq!(cog("--!strict\n--!nolint LocalUnused"), 2);
    assert_eq!(cog("-- a title\n--!nolint"), 0);
}

#[test]
fn what_is_nested_deep_is_read() {
    let deep = |depth: usize| format!("return {}1{}", "(".repeat(depth), ")".repeat(depth));
    assert!(found_in(&[("lua/cogs/a.luau", &deep(900))]).is_empty());
}

#[test]
fn all_of_luaus_syntax_is_read() {
    let text = r#"--!strict
export type Pair<T, U...> = { read left: T, right: (T) -> (U...) }
type function Id(of) return of end
local const_like: { [string]: number }? = nil
@native
local function f<T>(x: T, ...: number): (T, ...number)
    local text = `{x} and {if x then 1 else 2}`
    local total = 0
    total += 1
    for index, value: number in { 1, 2, [3] = 4 } do
        if index == 1 then continue end
        total //= value
    end
    repeat local done = true until done
    return x, (total :: any) :: number
end
return { f, const_like, 0b1010, 0xFF, 1_000, "\u{1F600}", [[long]] }
"#;
    let errors = full_moon::parse_fallible(text, full_moon::LuaVersion::luau());
    let errors: Vec<_> = errors.errors().iter().map(ToString::to_string).collect();
    assert_eq!(errors, Vec::<String>::new());
}

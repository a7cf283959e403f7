//! What the runner of specs finds wrong, and how it says so: every way in which a spec fails.

use cogsmith::config::{Environment, load};
use cogsmith::spec::{Case, cases};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// A project with these files, and a spec that begins with the cogs `a`.
fn project(files: &[(&str, &str)], spec: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let spec = format!("local spec = require(\"@cogsmith/spec\")\nspec.cogs {{ \"a\" }}\n{spec}");
    let all = files
        .iter()
        .copied()
        .chain([("spec/a_spec.luau", spec.as_str())]);
    for (name, text) in all {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn cases_of(folder: &Path) -> Vec<Case> {
    let environment: Environment = std::iter::empty::<(&str, &str)>().collect();
    cases(&load(&folder.join("config.json"), &environment).unwrap()).unwrap()
}

const COG: &str = r#"local cog = require("@cogsmith/cog")
local task = require("@cogsmith/task")
cog.info { capabilities = { "messages.send", "guild.manage" } }
cog.command { name = "hi", run = function(ctx) ctx:reply("hello") end }
cog.command { name = "slow", run = function(ctx)
    task.wait(60)
    ctx:reply("at last")
end }
cog.command { name = "broken", run = function(ctx)
    local nothing = nil
    nothing.field = 1
end }
local ticks = 0
cog.every("1m", function() ticks += 1 end)
cog.command { name = "ticks", run = function(ctx) ctx:reply(tostring(ticks)) end }
"#;

/// The message of the only test of a project whose cog is [`COG`]; nothing if it passes.
fn outcome(spec: &str) -> Option<String> {
    let folder = project(&[("lua/cogs/a.luau", COG)], spec);
    let cases = cases_of(folder.path());
    assert_eq!(cases.len(), 1);
    cases[0].run().err().map(|failure| failure.to_string())
}

#[track_caller]
fn passes(spec: &str) {
    let failure = outcome(spec);
    assert!(failure.is_none(), "{}", failure.unwrap());
}

#[track_caller]
fn fails(spec: &str, parts: &[&str]) {
    let failure = outcome(spec).expect("the spec fails");
    for part in parts {
        assert!(failure.contains(part), "no {part:?} in:\n{failure}");
    }
}

#[test]
fn tests_are_named_by_file_describe_and_it() {
    let folder = project(
        &[
            ("lua/cogs/a.luau", COG),
            (
                "spec/fun/b_spec.luau",
                "require(\"@cogsmith/spec\").it(\"c\", function() end)",
            ),
            ("spec/helpers.luau", "error(\"no spec\")"),
        ],
        "spec.describe(\"x\", function()
            spec.it(\"1\", function() end)
            spec.describe(\"y\", function() spec.it(\"2\", function() end) end)
        end)
        spec.it(\"3\", function() end)",
    );
    let names: Vec<_> = cases_of(folder.path())
        .into_iter()
        .map(|case| case.name)
        .collect();
    assert_eq!(names, ["a: x: 1", "a: x: y: 2", "a: 3", "fun.b: c"]);
}

#[test]
fn an_expectation_that_is_not_met_shows_its_line_and_what_happened() {
    fails(
        "spec.it(\"x\", function(world)
    local anna = world:user { name = \"anna\" }
    spec.expect(anna:says(\"!hi\").content):equals(\"good\\nbye\")
end)",
        &[
            "spec/a_spec.luau:5: expected \"good\\nbye\", got \"hello\"",
            "> 5 |     spec.expect",
            "dispatch: MESSAGE_CREATE",
            "bot: POST /channels/",
        ],
    );
}

#[test]
fn long_texts_are_shown_from_where_they_differ() {
    fails(
        "spec.it(\"x\", function()
    local same = string.rep(\"é\", 400)
    spec.expect(same .. \"one\"):equals(same .. \"two\")
end)",
        &["éétwo\", got …\"éé"],
    );
}

#[test]
fn a_handler_that_fails_fails_the_test_unless_the_test_looks_at_it() {
    let spec = "spec.it(\"x\", function(world)
        world:user { name = \"anna\" }:says(\"!broken\")
        LOOK
    end)";
    fails(
        &spec.replace("LOOK", ""),
        &["a handler failed: lua/cogs/a.luau:11: attempt to index nil with 'field'"],
    );
    passes(&spec.replace(
        "LOOK",
        "spec.expect(world:errors()[1]):contains(\"index nil\")",
    ));
}

#[test]
fn time_stands_still_until_it_is_advanced() {
    passes(
        "spec.it(\"x\", function(world)
        local anna = world:user { name = \"anna\" }
        local before = world:now()
        spec.expect(anna:says(\"!slow\")):is_nil()
        world:advance(\"59s\")
        spec.expect(world:messages()):has_length(1)
        world:advance(1)
        spec.expect(world:messages()[2].content):equals(\"at last\")
        spec.expect(anna:says(\"!ticks\").content):equals(\"1\")
        world:advance(\"10h\")
        spec.expect(anna:says(\"!ticks\").content):equals(\"601\")
        spec.expect(world:now() - before):equals(36060)
    end)",
    );
}

#[test]
fn what_the_bot_does_not_answer_is_said_loudly() {
    fails(
        "spec.it(\"x\", function(world)
        world:user { name = \"anna\" }:runs(\"/nothing\")
    end)",
        &["user:runs: Discord refuses: ", "spec/a_spec.luau:4"],
    );
    fails(
        "spec.it(\"x\", function(world)
        world:user { name = \"anna\" }:submits { field = \"text\" }
    end)",
        &["user:submits: no modal is open"],
    );
    fails(
        "spec.it(\"x\", function(world)
        local anna = world:user { name = \"anna\" }
        anna:clicks(anna:says(\"!hi\"), \"Close\")
    end)",
        &[
            "user:clicks: the message does not have the component",
            "(\"Close\")",
        ],
    );
}

#[test]
fn wrong_arguments_are_the_authors_own_line() {
    fails(
        "spec.it(\"x\", function(world)
        world:user { nmae = \"anna\" }
    end)",
        &["spec/a_spec.luau:4: world:user: there is no field \"nmae\"; did you mean \"name\"?"],
    );
    fails(
        "spec.it(\"x\", function(world)
        world:user { permissions = { \"ban_member\" } }
    end)",
        &["there is no permission \"ban_member\"; did you mean \"ban_members\"?"],
    );
    fails(
        "spec.it(\"x\", function(world)
        world:fault { operation = \"create_mesage\", status = 500 }
    end)",
        &["there is no operation \"create_mesage\"; did you mean \"create_message\"?"],
    );
    fails(
        "spec.it(\"x\", function() spec.it(\"y\", function() end) end)",
        &["spec.it: not inside of an it"],
    );
}

#[test]
fn faults_hit_the_operations_that_they_name() {
    passes(
        "spec.it(\"x\", function(world)
        local anna = world:user { name = \"anna\" }
        world:fault { operation = \"create_message\", status = 403, code = 50013, times = 2 }
        anna:says(\"!hi\")
        spec.expect(world:errors()[1]):contains(\"403\")
        spec.expect(anna:says(\"!hi\").content):equals(\"hello\")
        local calls = world:calls(\"create_message\")
        spec.expect(calls[1].status):equals(403)
        spec.expect(calls[#calls].body.content):equals(\"hello\")
    end)",
    );
}

#[test]
fn every_test_has_a_world_of_its_own() {
    let folder = project(
        &[("lua/cogs/a.luau", COG)],
        "for index = 1, 2 do
            spec.it(tostring(index), function(world)
                spec.expect(world:messages()):equals {}
                world:user { name = \"anna\" }:says(\"!hi\")
            end)
        end",
    );
    for case in cases_of(folder.path()) {
        case.run().unwrap();
    }
}

#[test]
fn a_cog_that_cannot_be_loaded_fails_every_test_of_it() {
    let spec = "spec.it(\"x\", function() end)";
    let folder = project(&[("lua/cogs/a.luau", "local x = = 1")], spec);
    let failure = cases_of(folder.path())[0].run().unwrap_err().to_string();
    assert!(
        failure.contains("the cogs cannot be loaded: lua/cogs/a.luau:1: syntax error"),
        "{failure}"
    );
    let folder = project(&[("lua/cogs/b.luau", COG)], spec);
    let failure = cases_of(folder.path())[0].run().unwrap_err().to_string();
    assert_eq!(failure, "spec.cogs: there is no cog \"a\" in lua/cogs");
}

#[test]
fn a_spec_that_cannot_be_loaded_is_a_test_that_fails() {
    let folder = project(&[("lua/cogs/a.luau", COG)], "local x = = 1");
    let cases = cases_of(folder.path());
    assert_eq!(cases[0].name, "a: loads");
    let failure = cases[0].run().unwrap_err().to_string();
    assert!(
        failure.starts_with("spec/a_spec.luau:3: syntax error"),
        "{failure}"
    );
}

#[test]
fn only_specs_can_require_the_module() {
    let folder = project(
        &[("lua/cogs/a.luau", "require(\"@cogsmith/spec\")")],
        "spec.it(\"x\", function() end)",
    );
    let failure = cases_of(folder.path())[0].run().unwrap_err().to_string();
    assert!(failure.contains("there is no @cogsmith/spec"), "{failure}");
}

#[test]
fn expectations_tell_right_from_wrong() {
    passes(
        "spec.it(\"x\", function()
        local expect = spec.expect
        local function raises() error(\"a reason\") end
        expect({ 1, { a = 2 } }):equals { 1, { a = 2 } }
        expect({ 1, 2, 3 }):contains(2)
        expect({ 1 }):differs_from { 1, 2 }
        expect(\"a.b\"):contains(\".\")
        expect(\"abc\"):matches(\"^a%l+$\")
        expect(\"abc\"):has_length(3)
        expect(2):is_greater_than(1)
        expect(1):is_less_than(2)
        expect(nil):is_nil()
        expect(false):exists()
        expect(false):is_false()
        expect(true):is_true()
        expect(raises):fails(\"a reason\")
        local wrong = {
            function() expect({ 1 }):equals { 2 } end,
            function() expect({ a = 1 }):equals {} end,
            function() expect({}):equals { a = 1 } end,
            function() expect(\"1\"):equals(1) end,
            function() expect(1):differs_from(1) end,
            function() expect({ 1 }):contains(2) end,
            function() expect(nil):contains(\"a\") end,
            function() expect(\"ab\"):lacks(\"b\") end,
            function() expect(\"abc\"):matches(\"^b\") end,
            function() expect(1):is_greater_than(1) end,
            function() expect(\"2\"):is_less_than(3) end,
            function() expect({}):has_length(1) end,
            function() expect(1):is_nil() end,
            function() expect(nil):exists() end,
            function() expect(1):is_true() end,
            function() expect(nil):is_false() end,
            function() expect(function() end):fails() end,
            function() expect(raises):fails(\"another\") end,
        }
        for index, function_that_raises in wrong do
            expect(function_that_raises):fails(\"expected\")
        end
    end)",
    );
}

/// A cog that tells what it hears, and offers what fits.
const EARS: &str = r#"local cog = require("@cogsmith/cog")
cog.info { intents = { "guild_members", "message_content" } }
local told: { string } = {}
for _, event in { "message_update", "message_delete", "message_reaction_add", "message_reaction_remove",
    "message_poll_vote_add", "message_poll_vote_remove", "guild_member_add", "guild_member_remove",
    "channel_delete", "guild_role_delete" } do
    cog.on(event, function(data)
        table.insert(told, `{event}:{data.content or data.answer_id or ""}`)
    end)
end
cog.command { name = "told", slash = false, run = function(ctx) ctx:reply(table.concat(told, "\n")) end }
local name = cog.option.string {
    name = "name",
    autocomplete = function(ctx, typed)
        return { typed .. "llo", { name = "Kind", value = ctx.options.kind or "none" } }
    end,
}
local kind = cog.option.maybe(cog.option.string { name = "kind" })
local plain = cog.option.maybe(cog.option.string { name = "plain" })
cog.group { name = "tag", commands = { {
    name = "get",
    options = { name, kind, plain },
    run = function(ctx) ctx:reply(ctx:get(name)) end,
} } }
cog.command { name = "ask", run = function(ctx)
    ctx:reply { poll = { question = { text = "Tea?" }, answers = {
        { poll_media = { text = "Yes" } }, { poll_media = { text = "No" } },
    } } }
end }
"#;

/// What a spec of [`EARS`] says; nothing if it passes.
fn heard(spec: &str) -> Option<String> {
    let folder = project(&[("lua/cogs/a.luau", EARS)], spec);
    let failure = cases_of(folder.path())[0].run().err();
    failure.map(|failure| failure.to_string())
}

#[test]
fn people_do_all_that_events_tell_of() {
    let failure = heard(
        "spec.it(\"x\", function(world)
        local anna = world:user { name = \"anna\" }
        local mod = world:user { name = \"mod\", permissions = { \"manage_messages\" } }
        local role, place = world:role { name = \"r\" }, world:channel { name = \"c\" }
        anna:says(\"one\")
        local said = world:messages()[1]
        anna:edits(said, \"two\")
        spec.expect(world:message(said).content):equals(\"two\")
        spec.expect(function() mod:edits(said, \"x\") end):fails(\"Discord refuses\")
        anna:reacts(said, \"👍\")
        anna:unreacts(said, \"👍\")
        mod:deletes(said)
        spec.expect(world:message(said)):is_nil()
        local asked = anna:says(\"!ask\")
        spec.expect(asked.poll.question.text):equals(\"Tea?\")
        anna:votes(asked, 1)
        anna:votes(asked, \"No\")
        anna:votes(asked, {})
        spec.expect(function() anna:votes(asked, \"Maybe\") end):fails('the poll has no answer \"Maybe\"')
        spec.expect(function() anna:votes(asked, { 1, 2 }) end):fails(\"Discord refuses\")
        world:delete(asked)
        spec.expect(world:message(asked)):is_nil()
        mod:leaves()
        spec.expect(world:member(mod)):is_nil()
        mod:joins()
        spec.expect(world:member(mod)):exists()
        world:delete(role)
        world:delete(place)
        spec.expect(anna:says(\"!told\").content):equals(table.concat({
            \"guild_member_add:\", \"guild_member_add:\", \"message_update:two\", \"message_reaction_add:\", \"message_reaction_remove:\",
            \"message_delete:\", \"message_poll_vote_add:1\", \"message_poll_vote_remove:1\", \"message_poll_vote_add:2\",
            \"message_poll_vote_remove:2\", \"message_delete:\", \"guild_member_remove:\", \"guild_member_add:\",
            \"guild_role_delete:\", \"channel_delete:\",
        }, \"\\n\"))
    end)",
    );
    assert_eq!(failure, None, "{}", failure.as_deref().unwrap_or_default());
}

#[test]
fn what_is_offered_while_somebody_types_is_seen() {
    let failure = heard(
        "spec.it(\"x\", function(world)
        local anna = world:user { name = \"anna\" }
        spec.expect(anna:completes(\"/tag get\", { name = \"he\" })):equals {
            { name = \"hello\", value = \"hello\" }, { name = \"Kind\", value = \"none\" },
        }
        spec.expect(anna:completes(\"tag get\", { name = \"he\", kind = \"k\" }, \"name\")[2].value):equals(\"k\")
        spec.expect(function() anna:completes(\"/tag get\", { name = \"he\", kind = \"k\" }) end)
            :fails(\"user:completes: say which option is typed\")
        spec.expect(function() anna:completes(\"/tag get\", { plain = \"he\" }) end):fails(\"no autocompletion\")
        spec.expect(function() anna:completes(\"/tag got\", { name = \"he\" }) end):fails(\"Discord refuses\")
    end)",
    );
    assert_eq!(failure, None, "{}", failure.as_deref().unwrap_or_default());
}

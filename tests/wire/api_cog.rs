//! What a cog declares, and what its commands and handlers get: over the wire, as users type it.

use crate::support::cases::{self, answers, case, check};
use crate::support::{Stage, answering, setup};

fn cog(body: &str) -> String {
    format!(
        "local cog = require(\"@cogsmith/cog\")\nlocal task = require(\"@cogsmith/task\")\nlocal state = require(\"@cogsmith/state\")\nlocal discord = require(\"@cogsmith/discord\")\n{body}"
    )
}

async fn one_cog(body: &str) -> Stage {
    cases::show_log();
    setup(&[("cogs/t.luau", &cog(body))]).start().await
}

/// The texts of the bot's messages in a channel.
fn texts(stage: &Stage, channel: crate::support::Id) -> Vec<String> {
    let bot = stage.sim.bot_user().to_string();
    let messages = stage.sim.messages(channel);
    let own = messages
        .iter()
        .filter(|it| it["author"]["id"] == bot.as_str());
    own.map(|it| it["content"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declaration_that_is_wrong_fails_the_load_at_its_own_line() {
    let mut stage = setup(&[("cogs/t.luau", &answering("t", "t"))])
        .start()
        .await;
    let run = "run = function() end";
    let wrong = [
        ("cog.command(5)".to_owned(), "cog.command: expected a table, got the number 5"),
        ("cog.command {}".to_owned(), "cog.command: name: expected a string, got nil"),
        ("cog.command { name = \"x\" }".to_owned(), "cog.command \"x\": run: expected a function, got nil"),
        (format!("cog.command {{ name = \"x\", {run}, descripton = \"y\" }}"), "cog.command \"x\": there is no field \"descripton\"; did you mean \"description\"?"),
        (format!("cog.command {{ name = \"x\", {run}, aliases = \"y\" }}"), "cog.command \"x\": aliases: expected a list, got the string \"y\""),
        (format!("cog.command {{ name = \"x\", {run}, aliases = {{ 5 }} }}"), "cog.command \"x\": aliases: expected a list of strings, got the number 5"),
        (format!("cog.command {{ name = \"x\", {run}, aliases = {{ y = 5 }} }}"), "cog.command \"x\": aliases: expected a list, got a table"),
        (format!("cog.command {{ name = \"x\", {run}, cooldown = {{ uses = 1 }} }}"), "cog.command \"x\": cooldown: per: expected a duration, got nil"),
        (format!("cog.command {{ name = \"x\", {run}, cooldown = {{ per = \"1s\", scope = \"planet\" }} }}"), "cog.command \"x\": cooldown: scope: expected \"user\", \"member\", \"channel\", \"guild\" or \"global\", got \"planet\""),
        (format!("cog.command {{ name = \"x\", {run}, contexts = {{ \"moon\" }} }}"), "cog.command \"x\": contexts: expected \"guild\", \"bot_dm\" or \"private_channel\", got \"moon\""),
        (format!("cog.command {{ name = \"x\", {run}, checks = {{ {{ check = \"magic\" }} }} }}"), "cog.command \"x\": there is no check \"magic\""),
        (format!("cog.command {{ name = \"x\", {run}, checks = {{ cog.check.permissions(\"fly\") }} }}"), "cog.command \"x\": there is no permission \"fly\""),
        (format!("cog.command {{ name = \"x\", {run}, checks = {{ 5 }} }}"), "cog.command \"x\": checks: expected a list of checks, got the number 5"),
        (format!("local t = {{ check = \"any\" }} t.value = {{ t }} cog.command {{ name = \"x\", {run}, checks = {{ t }} }}"), "cog.command \"x\": checks: at most 200, nested at most 16 deep"),
        (format!("local c = cog.check.owner for i = 1, 10000 do c = cog.check.all(c) end cog.command {{ name = \"x\", {run}, checks = {{ c }} }}"), "cog.command \"x\": checks: at most 200, nested at most 16 deep"),
        ("local g = { name = \"g\" } g.commands = { g } cog.group(g)".to_owned(), "cog.group \"g\": a group may contain groups of commands, but nothing deeper, and 651 commands in all"),
        (format!("cog.command {{ name = (\"x\"):rep(1e6), {run} }}"), "cog.command: name: expected a string of at most 32 characters, got the string \"xxxx"),
        (format!("cog.command {{ name = \"x\", {run}, options = {{ {{ name = \"a\", type = \"planet\" }} }} }}"), "cog.option \"a\": there is no type \"planet\""),
        ("cog.option.string(5)".to_owned(), "cog.option.string: expected a table, got the number 5"),
        ("cog.option.string { name = 5 }".to_owned(), "cog.option: name: expected a string, got the number 5"),
        ("cog.option.integer { name = \"a\", choices = { \"x\" } }".to_owned(), "cog.option \"a\": choices: expected values of the option's type, got the string \"x\""),
        ("cog.option.integer { name = \"a\", min = \"x\" }".to_owned(), "cog.option \"a\": min: expected a number, got the string \"x\""),
        ("cog.option.channel { name = \"a\", channel_types = { \"moon\" } }".to_owned(), "cog.option \"a\": channel_types: expected Discord's types of channel, got the string \"moon\""),
        ("cog.option.maybe(5)".to_owned(), "cog.option.maybe: the option: expected a table, got the number 5"),
        ("cog.check.custom(5)".to_owned(), "cog.check.custom: the function: expected a function, got the number 5"),
        ("cog.on.message_crate(function() end)".to_owned(), "cog.on: there is no event \"message_crate\"; did you mean \"message_create\"?"),
        ("cog.on(\"nothing_like_it\", function() end)".to_owned(), "cog.on: there is no event \"nothing_like_it\""),
        ("cog.on.message_create(5)".to_owned(), "cog.on: the handler: expected a function, got the number 5"),
        ("cog.every(\"soon\", function() end)".to_owned(), "cog.every: the interval: expected a duration"),
        ("cog.every(0.01, function() end)".to_owned(), "cog.every: the interval: expected at least 100 ms"),
        ("cog.every(1, 5)".to_owned(), "cog.every: the function: expected a function, got the number 5"),
        ("cog.every(1, function() end, 5)".to_owned(), "cog.every: how: expected a table, got the number 5"),
        ("local f = function() end cog.every(1, f, { name = \"a\" }) cog.every(1, f, { name = \"a\" })".to_owned(), "cog.every: name: there is already a timer \"a\""),
        ("cog.cron(5, print)".to_owned(), "cog.cron: the expression: expected a string of at most 1000 characters, got the number 5"),
        ("cog.cron(\"0 25 * * *\", print)".to_owned(), "cog.cron: the expression: the hour \"25\": expected 0 to 23"),
        ("cog.cron(\"0 0 30 2 *\", print)".to_owned(), "cog.cron: the expression: it is never due"),
        ("cog.cron(\"@daily\", 5)".to_owned(), "cog.cron: the function: expected a function, got the number 5"),
        ("cog.cron(\"@daily\", print, { zone = \"UTC\" })".to_owned(), "cog.cron: there is no field \"zone\""),
        ("cog.cron(\"@daily\", print, { timezone = \"Mars/Base\" })".to_owned(), "cog.cron: timezone: expected a time zone like \"Asia/Jakarta\", got \"Mars/Base\""),
        ("cog.cron(\"@daily\", print, { name = \"a\" }) cog.every(1, print, { name = \"a\" })".to_owned(), "cog.every: name: there is already a timer \"a\""),
        ("cog.on_ready(5)".to_owned(), "cog.on_ready: the handler: expected a function, got the number 5"),
        ("cog.info { api = 2 }".to_owned(), "cog.info: api: this cog asks for contract 2, and this bot has contract 1"),
        ("cog.info { intents = { \"mesages\" } }".to_owned(), "cog.info: intents: there is no intent \"mesages\""),
        ("cog.info { capabilities = { \"mesages.send\" } }".to_owned(), "cog.info: capabilities: there is no capability \"mesages.send\"; did you mean \"messages.send\"?"),
        ("cog.info { colour = 1 }".to_owned(), "cog.info: there is no field \"colour\""),
        ("cog.info {} cog.info {}".to_owned(), "cog.info: this file has already called it; put everything into one call"),
        ("for i = 1, 5000 do cog.on_ready(function() end) end".to_owned(), "cog.on_ready: a cog may call it 10 times at most"),
        ("for i = 1, 5000 do cog.on.ready(function() end) end".to_owned(), "cog.on: a cog may call it 1000 times at most"),
    ];
    for (source, expected) in wrong {
        // The reload is by hand: quicker than the watcher, and the report is the same.
        stage.save(
            "cogs/t.luau",
            &format!("local cog = require(\"@cogsmith/cog\")\n\n{source}"),
        );
        let report = stage.failed().await;
        let problem = &report.problems[0];
        assert!(
            problem.message.starts_with(expected),
            "{source}\n{problem:#?}"
        );
        let place = problem.place.as_ref().unwrap();
        assert_eq!(
            (place.file.as_str(), place.line),
            ("lua/cogs/t.luau", 3),
            "{source}\n{problem:#?}"
        );
    }
    assert_eq!(stage.ask("!t").await, "t");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_table_is_read_without_asking_it() {
    let stage = one_cog(
        r#"local hostile = { __index = function() error("asked") end, __iter = function() error("asked") end, __len = function() error("asked") end, __tostring = function() error("asked") end, __eq = function() error("asked") end }
cog.command(setmetatable({
    name = "t",
    aliases = setmetatable({ "tt" }, hostile),
    options = setmetatable({ setmetatable({ name = "a", type = "string", required = false }, hostile) }, hostile),
    checks = setmetatable({ setmetatable({ check = "all", value = {} }, hostile) }, hostile),
    cooldown = setmetatable({ uses = 100, per = "1s" }, hostile),
    run = function(ctx)
        ctx:reply(setmetatable({ content = "fine", embeds = setmetatable({}, hostile) }, hostile))
        local ok, err = pcall(ctx.reply, ctx, setmetatable({}, hostile))
        ctx:send(tostring(ok) .. tostring(err.kind))
        state.global.x = setmetatable({ a = 1 }, hostile)
        ctx:send(`{state.global.x.a}`)
        ctx:send(tostring(pcall(cog.fail, setmetatable({}, hostile))))
        ctx:send(tostring(pcall(ctx.get, ctx, setmetatable({}, hostile))))
    end,
}, hostile))"#,
    )
    .await;
    let answers: Vec<_> = stage.says("owner", "!tt").await;
    let texts: Vec<_> = answers
        .iter()
        .map(|it| it["content"].as_str().unwrap())
        .collect();
    assert_eq!(texts, ["fine", "falsediscord", "1", "false", "false"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn ctx_has_its_fields_and_methods() {
    let opt =
        r#"local who = cog.option.maybe(cog.option.member { name = "who", description = "w" })"#;
    let stage = one_cog(&format!(
        r#"{opt}
cog.command {{ name = "fields", aliases = {{ "f" }}, options = {{ who }}, run = function(ctx)
    local member = ctx:get(who) or ctx.member
    ctx:reply(table.concat({{ ctx.author.username, member.user.username, tostring(ctx.in_guild), ctx.command, ctx.prefix, ctx.locale,
        tostring(ctx.guild_id == member.guild_id), tostring(ctx.channel_id == ctx.message.channel_id), tostring(ctx.nothing), tostring(ctx), typeof(ctx),
        tostring(ctx.options.who and ctx.options.who.user.username), tostring(pcall(function() ctx.options.x = 1 end)), tostring(pcall(function() ctx.x = 1 end)) }}, " "))
end }}
cog.command {{ name = "life", run = function(ctx)
    ctx:typing()
    ctx:defer()
    local message = ctx:reply("one")
    ctx:edit("two")
    ctx:reply {{ content = "three", files = {{ {{ filename = "a.txt", content = "inside" }} }} }}
    ctx:delete()
    ctx:send("four " .. message.id)
    message:reply("five")
end }}
cog.command {{ name = "wrong", run = function(ctx)
    local function why(...) local _, err = pcall(...) return err.message end
    ctx:reply(table.concat({{ why(ctx.edit, ctx, "x"), why(ctx.reply), why(ctx.reply, ctx, 5), why(ctx.reply, ctx, {{ contents = "x" }}),
        why(ctx.reply, ctx, {{ embeds = {{ {{ title = 5 }} }} }}), why(ctx.reply, ctx, {{ channel_id = "1" }}), why(ctx.reply, ctx, {{ files = {{ {{}} }} }}),
        why(ctx.reply, ctx, {{ files = {{ {{ filename = "a/b", content = "" }} }} }}), why(ctx.get, ctx, "nope"), why(ctx.get, ctx), why(ctx.finally, ctx, 5),
        why(ctx.typing), why(ctx.reply, ctx, {{ ephemeral = "yes" }}), why(ctx.reply, ctx, {{ delete_after = "soon" }}) }}, "\n"))
end }}"#
    ))
    .await;
    assert_eq!(
        stage.ask("!f").await,
        "owner owner true fields ! en true true nil ctx of fields ctx nil false false"
    );
    assert_eq!(
        stage.ask("!fields anna").await,
        "owner anna true fields ! en true true nil ctx of fields ctx anna false false"
    );
    let messages = stage.says("owner", "!life").await;
    let texts: Vec<_> = messages
        .iter()
        .map(|it| it["content"].as_str().unwrap())
        .collect();
    assert_eq!(texts.len(), 3, "{texts:?}");
    assert_eq!((texts[0], texts[2]), ("two", "five"));
    assert!(messages[0]["message_reference"].is_object());
    assert_eq!(
        messages[2]["message_reference"]["message_id"],
        messages[0]["id"]
    );
    let wrong = stage.ask("!wrong").await;
    let lines: Vec<_> = wrong.lines().collect();
    let expected = [
        "ctx:edit: there is no answer yet; call ctx:reply first",
        "ctx:reply: called on nil; write a colon, as in `ctx:reply(…)`",
        "ctx:reply: content: expected a string or a table of message fields, got the number 5",
        "ctx:reply has no field \"contents\"; did you mean \"content\"?",
        "ctx:reply: embeds[1].title: expected a string",
        "ctx:reply: there is no field \"channel_id\"",
        "ctx:reply: files: filename: expected a string, got nil",
        "ctx:reply: files: filename: expected a name without slashes and line breaks, got the string \"a/b\"",
        "ctx:get: the command \"wrong\" has no option \"nope\"; list it in its options",
        "ctx:get: the option: expected an option, got nil",
        "ctx:finally: the function: expected a function, got the number 5",
        "ctx:typing: called on nil; write a colon, as in `ctx:typing(…)`",
        "ctx:reply: ephemeral: expected true or false, got the string \"yes\"",
        "ctx:reply: delete_after: expected a duration",
    ];
    assert_eq!(lines.len(), expected.len(), "{wrong}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line}\n{expected}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ephemeral_answer_to_a_typed_command_goes_to_the_callers_dm() {
    let stage = one_cog(
        r#"cog.command { name = "a", ephemeral = true, run = function(ctx) ctx:reply("secret") ctx:send("more") ctx:reply { content = "open", ephemeral = false } end }
cog.command { name = "b", run = function(ctx) ctx:reply { content = "hidden", ephemeral = true } end }
cog.command { name = "dm", contexts = { "bot_dm" }, run = function(ctx) ctx:reply(`{ctx.in_guild} {pcall(function() return ctx.member end)} {pcall(function() return ctx.guild_id end)}`) end }"#,
    )
    .await;
    let open = stage.says("anna", "!a").await;
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!(open[0]["content"], "open");
    assert!(stage.says("anna", "!b").await.is_empty());
    let dm = stage.sim.direct_channel(stage.sim.user("anna").unwrap());
    assert_eq!(texts(&stage, dm), ["secret", "more", "hidden"]);
    stage
        .sim
        .say(stage.sim.user("anna").unwrap(), dm, "!dm")
        .unwrap();
    stage.settled().await;
    assert_eq!(texts(&stage, dm)[3], "false false false");
    stage
        .sim
        .say(stage.sim.user("anna").unwrap(), dm, "!b")
        .unwrap();
    stage.settled().await;
    assert_eq!(
        texts(&stage, dm).len(),
        5,
        "a command for guilds is refused in a DM, with a sentence"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fail_errors_and_hooks_answer_once() {
    let stage = one_cog(
        r#"local heard = {}
cog.on_error(function(ctx, err) table.insert(heard, `{ctx and ctx.command} {err.kind} {err.message} {err.line}`) end)
cog.command { name = "told", run = function() cog.fail("You cannot.\nReally.") end }
cog.command { name = "boom", run = function() error("inside") end }
cog.command { name = "tab", run = function() error({ kind = "mine", message = "m" }) end }
cog.command { name = "nothing", run = function() error() end }
cog.command { name = "late", run = function(ctx) ctx:reply("first") error("then") end }
cog.command { name = "empty", run = function() cog.fail("") end }
cog.command { name = "long", run = function() cog.fail(("x"):rep(5000)) end }
cog.command { name = "caught", run = function(ctx) local ok, err = pcall(cog.fail, "x") ctx:reply(`{ok} {err.kind} {err}`) end }
cog.command { name = "heard", run = function(ctx) ctx:reply(table.concat(heard, "|")) end }
cog.on_denied(function(ctx, denial) ctx:reply(`no: {denial.kind}`) end)
cog.command { name = "owner", checks = { cog.check.owner }, run = function(ctx) ctx:reply("yes") end }
cog.command { name = "custom", checks = { function(ctx) return ctx.author.username == "anna", "not you" end }, run = function(ctx) ctx:reply("yes") end }
cog.command { name = "cool", cooldown = { uses = 1, per = "1h" }, run = function(ctx) ctx:reply("yes") end }"#,
    )
    .await;
    assert_eq!(stage.ask("!told").await, "You cannot.\nReally.");
    for command in ["!boom", "!tab", "!nothing"] {
        let answer = stage.ask(command).await;
        assert!(answer.contains("The log has the rest under `"), "{answer}");
    }
    let late = stage.says("owner", "!late").await;
    assert_eq!(late.len(), 2);
    assert!(!stage.ask("!empty").await.is_empty());
    assert_eq!(stage.ask("!long").await, "x".repeat(2000));
    assert_eq!(stage.ask("!caught").await, "false fail x");
    let heard = stage.ask("!heard").await;
    assert_eq!(
        heard,
        "boom nil inside 8|tab mine m 9|nothing nil raised nil instead of a message 10|late nil then 11|empty argument cog.fail: the text: expected a sentence, got the string \"\" 12"
    );
    assert_eq!(
        stage.says("anna", "!owner").await[0]["content"],
        "no: owner"
    );
    assert_eq!(stage.ask("!owner").await, "yes");
    assert_eq!(stage.ask("!custom").await, "no: custom");
    assert_eq!(stage.ask("!cool").await, "yes");
    assert_eq!(stage.ask("!cool").await, "no: cooldown");
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_cooldowns_and_concurrency_hold() {
    let stage = one_cog(
        r#"cog.command { name = "mods", checks = { cog.check.role("moderators") }, run = function(ctx) ctx:reply("yes") end }
cog.command { name = "roles", checks = { cog.check.role("nobody", "moderators") }, run = function(ctx) ctx:reply("yes") end }
cog.command { name = "either", checks = { cog.check.any(cog.check.owner, cog.check.custom(function(ctx) return ctx.author.username == "anna" end)) }, run = function(ctx) ctx:reply("yes") end }
cog.command { name = "ban", checks = { cog.check.permissions("ban_members") }, run = function(ctx) ctx:reply("yes") end }
cog.command { name = "admin", checks = { cog.check.bot_permissions("administrator") }, run = function(ctx) ctx:reply("yes") end }
cog.command { name = "broken", checks = { function() error("check") end }, run = function(ctx) ctx:reply("yes") end }
cog.command { name = "odd", checks = { function() return {}, {} end }, run = function(ctx) ctx:reply("yes") end }
cog.command { name = "no", checks = { function() return nil, {} end }, run = function(ctx) ctx:reply("yes") end }
cog.command { name = "twice", cooldown = { { uses = 2, per = "1h" }, { uses = 3, per = "2h", scope = "global" } }, run = function(ctx) ctx:reply("yes") end }
cog.command { name = "back", cooldown = { uses = 1, per = "1h" }, run = function(ctx) ctx:refund() ctx:reply("yes") end }
cog.command { name = "one", max_concurrent = { limit = 1, scope = "global" }, run = function(ctx) task.wait(0.05) ctx:reply("done") end }
cog.command { name = "who", run = function(ctx) ctx:reply(tostring(cog.has_command("ONE")) .. tostring(cog.has_command("two")) .. cog.bot().username) end }"#,
    )
    .await;
    let says = async |user: &str, line: &str| {
        let messages = stage.says(user, line).await;
        assert_eq!(messages.len(), 1, "{line}: {messages:?}");
        messages[0]["content"].as_str().unwrap().to_owned()
    };
    assert_ne!(says("anna", "!mods").await, "yes");
    assert_ne!(says("anna", "!roles").await, "yes");
    assert_eq!(says("anna", "!either").await, "yes");
    assert_eq!(says("owner", "!either").await, "yes");
    assert_ne!(says("ben", "!either").await, "yes");
    assert_ne!(says("ben", "!ban").await, "yes");
    assert_eq!(says("owner", "!ban").await, "yes");
    assert_ne!(says("owner", "!admin").await, "yes");
    assert!(
        says("owner", "!broken")
            .await
            .contains("The log has the rest")
    );
    assert_eq!(says("owner", "!odd").await, "yes");
    assert_ne!(says("owner", "!no").await, "yes");
    for expected in [true, true, false] {
        assert_eq!(says("anna", "!twice").await == "yes", expected);
    }
    assert_eq!(says("ben", "!twice").await, "yes");
    assert_ne!(says("ben", "!twice").await, "yes");
    assert_eq!(says("anna", "!back").await, "yes");
    assert_eq!(says("anna", "!back").await, "yes");
    stage.says("anna", "!one").await;
    let second = stage.says("ben", "!one").await;
    assert_ne!(second[0]["content"], "done");
    assert_eq!(
        answers(&stage, "!who").await.last().unwrap(),
        "truefalsecogsmith"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_and_hooks_of_a_cog_are_for_all_of_its_commands() {
    let source = cog(r#"
require("../utils/more")
local lines = {}
cog.checks { function(ctx) return ctx.author.username ~= "ben", "not you" end }
cog.before(function(ctx)
    table.insert(lines, `before {ctx.command}`)
    if ctx.command == "closed" then cog.fail("closed today") end
end)
cog.after(function(ctx, failure)
    table.insert(lines, `after {ctx.command} {failure and failure.message}`)
end)
local refused = cog.check.custom(function() return false, "never" end)
cog.command { name = "open", run = function(ctx) table.insert(lines, "open") ctx:reply("open") end }
cog.command { name = "closed", run = function(ctx) ctx:reply("never") end }
cog.command { name = "fails", run = function() cog.fail("failed") end }
cog.command { name = "refused", checks = { refused }, run = function(ctx) ctx:reply("never") end }
cog.command { name = "lines", run = function(ctx) ctx:reply(table.concat(lines, ", ")) end }
"#);
    let more = r#"local cog = require("@cogsmith/cog")
cog.checks { cog.check.any(cog.check.owner, function(ctx) return ctx.author.username == "ben" end) }
cog.command { name = "elsewhere", run = function(ctx) ctx:reply("elsewhere") end }
return {}
"#;
    let stage = setup(&[("cogs/t.luau", &source), ("utils/more.luau", more)])
        .start()
        .await;
    assert_eq!(stage.ask("!open").await, "open");
    assert_eq!(stage.ask("!elsewhere").await, "elsewhere");
    assert_eq!(stage.ask("!closed").await, "closed today");
    assert_eq!(stage.ask("!fails").await, "failed");
    assert_eq!(stage.ask("!refused").await, "never");
    for (user, line) in [("ben", "!elsewhere"), ("ben", "!open")] {
        let told = stage.says(user, line).await;
        assert_eq!(told[0]["content"], "not you", "{line}");
    }
    let told = stage.says("anna", "!open").await;
    assert!(told.len() == 1 && told[0]["content"] != "open", "{told:?}");
    assert_eq!(
        stage.ask("!lines").await,
        "before open, open, after open nil, before elsewhere, after elsewhere nil, before closed, before fails, after fails failed, before lines"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_s_name_is_for_one_timer_in_all_files_of_a_cog() {
    let timer = "require(\"@cogsmith/cog\").every(\"1s\", function() end, { name = \"save\" })\n";
    let module = format!("{timer}return true");
    let entry = format!("require(\"../utils/saving\")\n{timer}");
    let files = [
        ("utils/saving.luau", module.as_str()),
        ("cogs/x.luau", entry.as_str()),
    ];
    let mut stage = setup(&files).start().await;
    let problem = stage.bot.cogs.get("x").unwrap().problem().unwrap();
    let words = "lua/cogs/x.luau:2: cog.every: name: there is already a timer \"save\"";
    assert!(problem.to_string().starts_with(words), "{problem}");
    // Who runs again may take its own names again.
    stage.save("cogs/x.luau", "require(\"../utils/saving\")");
    stage.applied().await;
    stage.save("utils/saving.luau", &format!("-- again\n{module}"));
    stage.applied().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_reads_what_the_caller_has_given_also_when_the_call_is_over() {
    let stage = one_cog(
        r#"local task = require("@cogsmith/task")
local who = cog.option.member { name = "who", description = "w" }
local words = cog.option.string { name = "words", description = "w", many = true }
local over = false
cog.command { name = "later", options = { who, words }, run = function(ctx)
    table.remove(ctx:get(words), 1)
    ctx:finally(function() over = true end)
    task.spawn(function()
        while not over do task.wait(0) end
        ctx:send(`{ctx:get(who).user.username} {table.concat(ctx:get(words), ",")} {#ctx.options.words}`)
    end)
end }"#,
    )
    .await;
    assert_eq!(stage.ask("!later anna a \"b c\"").await, "anna a,b c 2");
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_options_and_finally() {
    let stage = one_cog(
        r#"local many = cog.option.string { name = "words", description = "w", many = true }
local rest = cog.option.maybe(cog.option.string { name = "text", description = "t", rest = true })
local count = cog.option.integer { name = "count", description = "c", min = 1, max = 5, default = function(ctx) return #ctx.author.username end }
local pick = cog.option.string { name = "pick", description = "p", choices = { "red", { name = "Blue", value = "b" } } }
local hex = cog.option.string { name = "hex", description = "h", convert = function(ctx, text) local n = tonumber(text, 16) if n then return n end return nil, "That is no number." end }
cog.group { name = "g", description = "g", run = function(ctx) ctx:reply("root") end, commands = {
    { name = "many", options = { many }, run = function(ctx) ctx:reply(`{#ctx:get(many)} {ctx:get(many)[2]} {ctx.command}`) end },
    { name = "rest", options = { count, rest }, run = function(ctx) ctx:reply(`{ctx:get(count)} {ctx:get(rest)} {ctx.options.text}`) end },
    { name = "pick", options = { pick }, run = function(ctx) ctx:reply(ctx:get(pick)) end },
    { name = "hex", options = { hex }, run = function(ctx) ctx:reply(`{ctx:get(hex)}`) end },
    { name = "deep", commands = { { name = "er", run = function(ctx) ctx:reply(ctx.command) end } } },
} }
local order = {}
cog.command { name = "fin", run = function(ctx)
    ctx:finally(function() table.insert(order, "a") end)
    ctx:finally(function() table.insert(order, "b") error("in finally") end)
    error("x")
end }
cog.command { name = "order", run = function(ctx) ctx:reply(table.concat(order)) end }
cog.command { name = "loop", run = function(ctx) local function again() ctx:finally(again) end ctx:finally(again) ctx:reply("over") end }
cog.command { name = "helpme", description = "About help", run = function(ctx) ctx:help() end }"#,
    )
    .await;
    assert_eq!(stage.ask("!g").await, "root");
    assert_eq!(stage.ask("!g many a \"b c\" d").await, "3 b c g many");
    assert_eq!(
        stage.ask("!g rest 3 some  text").await,
        "3 some  text some  text"
    );
    assert_eq!(stage.ask("!g rest").await, "5 nil nil");
    assert_ne!(stage.ask("!g rest 9 x").await, "9 x x");
    assert_eq!(stage.ask("!g pick Blue").await, "b");
    assert!(stage.ask("!g pick green").await.contains("pick"));
    assert_eq!(stage.ask("!g hex ff").await, "255");
    assert!(stage.ask("!g hex zz").await.contains("That is no number."));
    assert_eq!(stage.ask("!g deep er").await, "g deep er");
    assert!(stage.ask("!fin").await.contains("The log has the rest"));
    assert_eq!(stage.ask("!order").await, "ba");
    assert_eq!(stage.ask("!loop").await, "over");
    assert!(stage.ask("!helpme").await.contains("About help"));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_timers_and_the_life_cycle() {
    let source = cog(r#"
cog.info { capabilities = { "messages.send" } }
local general = state.global
cog.on_load(function(reason) state.session.global.load = reason end)
cog.on_ready(function(reason)
    state.session.global.ready = reason
    local ok, err = pcall(cog.command, { name = "late", run = print })
    state.session.global.late = err.message
end)
cog.on_unload(function(reason) state.session.global.unload = reason end)
cog.on.message_create(function(message)
    if message.author.bot or not message.content:find("^say ") then return end
    message:reply(`{message.author.username} {message.member.user.username} {message.channel_id == message:table().channel_id}`)
end)
cog.on("message_reaction_add", function(event) state.session.global.emoji = event.emoji.name end)
cog.every("100ms", function() state.session.global.ticks = (state.session.global.ticks or 0) + 1 if state.session.global.ticks == 2 then error("tick") end end, { immediately = true })
cog.command { name = "t", run = function(ctx)
    local s = state.session.global
    ctx:reply(`{s.load} {s.ready} {s.unload} {s.emoji} {s.late}`)
end }
cog.command { name = "ticks", run = function(ctx) ctx:reply(tostring((state.session.global.ticks or 0) >= 3)) end }
"#);
    cases::show_log();
    let mut stage = setup(&[("cogs/t.luau", &source)]).start().await;
    assert!(stage.ask("!t").await.starts_with(
        "start start nil nil cog.command: only while the file loads: move this to its top level"
    ));
    let heard = stage.says("anna", "say hello").await;
    assert_eq!(heard[0]["content"], "anna anna true");
    stage.save("cogs/t.luau", &format!("{source}\n"));
    stage.applied().await;
    stage.settled().await;
    assert!(
        stage
            .ask("!t")
            .await
            .starts_with("reload reload reload nil")
    );
    stage.ask("!unload t").await;
    stage.ask("!load t").await;
    stage.settled().await;
    let told = stage.ask("!t").await;
    assert!(
        told.starts_with("load load unload nil") || told.starts_with("load load nil nil"),
        "{told}"
    );
    let mut ticks = String::new();
    for _ in 0..2_000 {
        ticks = stage.ask("!ticks").await;
        if ticks == "true" {
            break;
        }
    }
    assert_eq!(ticks, "true");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_users_type_gets_one_answer_and_pings_nobody() {
    let stage = one_cog(
        r#"local text = cog.option.maybe(cog.option.string { name = "text", description = "t", rest = true })
local word = cog.option.string { name = "word", description = "w" }
local number = cog.option.number { name = "n", description = "n" }
cog.command { name = "echo", options = { text }, run = function(ctx) ctx:reply(ctx:get(text) or "nothing") end }
cog.command { name = "word", options = { word }, run = function(ctx) ctx:reply(ctx:get(word)) end }
cog.command { name = "number", options = { number }, run = function(ctx) ctx:reply(`{ctx:get(number)}`) end }
cog.command { name = "ask", run = function(ctx) ctx:reply { content = "@everyone", allowed_mentions = { parse = { "everyone" } } } end }"#,
    )
    .await;
    let anna = stage.sim.user("anna").unwrap();
    for line in [
        "!echo @everyone @here".to_owned(),
        format!("!echo <@{anna}>"),
        "!echo 😀👍🏽👨‍👩‍👧".to_owned(),
        "!word \u{200b}\u{200b}x".to_owned(),
        "!word \"unbalanced".to_owned(),
        "!word 'a b\"".to_owned(),
        "!word @everyone".to_owned(),
        "!word".to_owned(),
        "!word a b c".to_owned(),
        "!number @everyone".to_owned(),
        "!number nan".to_owned(),
        "!number 1e999".to_owned(),
        format!("!number {}", "9".repeat(3900)),
        format!("!word {}", "@everyone ".repeat(390)),
        format!("!echo {}", "x".repeat(1900)),
        format!("!echo {}", "x".repeat(3900)),
        format!("!word {}", "\"".repeat(3900)),
        format!("!number {}", "😀".repeat(3900)),
        format!("!{}", "x".repeat(1000)),
        "!ask".to_owned(),
        "!echo \u{202e}reversed".to_owned(),
        "!echo\necho".to_owned(),
    ] {
        let answers = says_at_length(&stage, &line).await;
        let head: String = line.chars().take(40).collect();
        // An unknown command is nobody's: the bot stays silent.
        let expected = usize::from(!line.starts_with("!xxx"));
        assert_eq!(answers.len(), expected, "{head}: {answers:?}");
        for answer in answers {
            assert_eq!(answer["mention_everyone"], false, "{head}");
            assert_eq!(
                answer["mentions"].as_array().map(Vec::len),
                Some(0),
                "{head}: {answer}"
            );
            assert!(!answer["content"].as_str().unwrap().is_empty());
        }
    }
}

/// Says something as anna, who may write twice as much as the simulator's people: 4,000 characters.
async fn says_at_length(stage: &Stage, line: &str) -> Vec<serde_json::Value> {
    if line.chars().count() <= 2_000 {
        return stage.says("anna", line).await;
    }
    let said = stage.says("anna", "x").await;
    assert!(said.is_empty());
    let channel = stage.general();
    let mut message = stage.sim.messages(channel).pop().unwrap();
    let guild = stage.sim.guild();
    message["content"] = line.into();
    message["guild_id"] = guild.to_string().into();
    message["member"] = serde_json::json!({ "roles": [], "joined_at": "2025-01-01T00:00:00Z", "deaf": false, "mute": false });
    let before = stage.sim.messages(channel).len();
    stage.sim.dispatch("MESSAGE_CREATE", Some(guild), message);
    stage.settled().await;
    stage.sim.messages(channel).split_off(before)
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_know_the_authors_own_line() {
    check(&[
        case(
            r#"local ok, err = pcall(function()
    local x = 1
    time.parse(x)
end)
return `{err.file} {err.line - debug.traceback():match(":(%d+)")}`"#,
            "lua/cogs/cases.luau -2",
        ),
        case(
            r#"local ok, err = pcall(discord.create_message, { channel_id = 5 })
return `{err.kind} {err.file} {debug.traceback():match(":(%d+)") - err.line}`"#,
            "argument lua/cogs/cases.luau 1",
        ),
        case(
            r#"local ok, err = pcall(function() state.user("1").x = print end)
return `{err.kind} {err.line == tonumber(debug.traceback():match(":(%d+)")) - 1} {err}`"#,
            r#"state true state.user["1"].x: a function cannot be stored"#,
        ),
        case(
            r#"local step = coroutine.wrap(function() task.wait("x") end)
local ok, err = pcall(step)
return `{err.line == tonumber(debug.traceback():match(":(%d+)")) - 2}`"#,
            "true",
        ),
    ])
    .await;
}

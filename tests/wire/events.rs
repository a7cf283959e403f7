//! Events: every one under its name, all of them with `cog.on.raw`, and those that a handler waits for.

use crate::support::cases::{case, check, show_log};
use crate::support::{Id, Stage, setup};
use cogsmith::clock::Clock;
use cogsmith::discord::events;
use cogsmith::discord::schema::{Shape, fields};
use cogsmith::sim::{GatewayFault, GatewayFaultKind, InjectedFault};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::time::Duration;

/// A moment for paused clocks: November 2023.
const NOW: u64 = 1_700_000_000;

const HEAD: &str = r#"local cog = require("@cogsmith/cog")
local state = require("@cogsmith/state")
local task = require("@cogsmith/task")
local said = state.session.global
"#;

fn cog(body: &str) -> String {
    format!("{HEAD}{body}")
}

/// A value as Discord would send it for a field of this shape.
fn sample(name: &str, shape: &Shape) -> Value {
    match shape {
        Shape::Boolean => json!(true),
        Shape::Integer => json!(3),
        Shape::Number => json!(1.5),
        Shape::DateTime => json!("2026-01-01T00:00:00.000000+00:00"),
        Shape::String if name == "id" || name.ends_with("_id") => json!("17"),
        Shape::String => json!("text"),
        Shape::Snowflake => json!("17"),
        Shape::Uri => json!("https://example.org"),
        Shape::List(_) => json!([]),
        Shape::Object | Shape::Map(_) => json!({}),
        Shape::Union(shapes) => {
            let mut others = shapes.iter().filter(|it| !matches!(it, Shape::Null));
            others
                .next()
                .map_or(Value::Null, |shape| sample(name, shape))
        }
        Shape::Null | Shape::Any | Shape::Named(_) | Shape::All(_) => json!({ "id": "17" }),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_heard_under_its_name_with_all_of_its_fields() {
    show_log();
    // The gateway's own two come by what the connection does.
    let of_the_session = ["ready", "resumed"];
    let mut lists = String::new();
    let mut samples = Vec::new();
    for event in events() {
        let known = fields(event.gateway_name).into_iter().flatten();
        let mut data: Map<String, Value> = known
            .map(|(name, field)| ((*name).to_owned(), sample(name, &field.shape)))
            .collect();
        let names: Vec<_> = data.keys().map(|name| format!("{name:?}")).collect();
        writeln!(lists, "    {} = {{ {} }},", event.name, names.join(", ")).unwrap();
        data.insert("added_later".to_owned(), json!({ "deep": [event.name] }));
        samples.push((event.name, event.gateway_name, Value::Object(data)));
    }
    assert_eq!(samples.len(), 76);
    let source = cog(&format!(
        r#"
local fields = {{
{lists}}}
local is_of_the_session = {{ ready = true, resumed = true }}
local function note(name, what)
    said[name] = (said[name] or "") .. what
end
cog.on.raw(function(name, data)
    if fields[name] and (is_of_the_session[name] or data.added_later) then
        note(name, "raw ")
    elseif name == "added_by_discord" then
        note(name, `{{data.what.it[2]}}`)
    end
end)
for name, names in fields do
    cog.on(name, function(event)
        if is_of_the_session[name] then
            note(name, "heard ")
            return
        elseif not event.added_later then
            return
        end
        local missing = {{}}
        for _, field in names do
            if event[field] == nil then
                table.insert(missing, field)
            end
        end
        note(name, if missing[1] then `without {{table.concat(missing, ", ")}} ` else "whole ")
        note(name, `{{event.added_later.deep[1] == name}} {{event.no_such_field}} `)
    end)
    cog.on[name](function(event)
        if is_of_the_session[name] or event.added_later then
            note(name, "again")
        end
    end)
end
cog.command {{ name = "odd", run = function(ctx)
    local odd = {{}}
    for name in fields do
        local expected = if is_of_the_session[name] then "raw heard again" else "raw whole true nil again"
        if said[name] ~= expected then
            table.insert(odd, `{{name}}: {{said[name]}}`)
        end
    end
    ctx:reply(if odd[1] then table.concat(odd, "\n") else "none")
end }}
cog.command {{ name = "new", run = function(ctx) ctx:reply(tostring(said.added_by_discord)) end }}
"#
    ));
    let stage = setup(&[("cogs/t.luau", &source)]).start().await;
    let guild = Some(stage.sim.guild());
    for (name, gateway_name, data) in samples {
        if !of_the_session.contains(&name) {
            stage.sim.dispatch(gateway_name, guild, data);
        }
    }
    stage.sim.fault(InjectedFault::Gateway(GatewayFault {
        shard: None,
        kind: GatewayFaultKind::Reconnect,
    }));
    stage.sim.dispatch(
        "ADDED_BY_DISCORD",
        None,
        json!({ "what": { "it": [1, 2] } }),
    );
    crate::support::until(|| stage.sim.sessions().iter().any(|it| it.connected)).await;
    stage.settled().await;
    assert_eq!(stage.ask("!odd").await, "none");
    assert_eq!(stage.ask("!new").await, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_is_wrong_says_so_at_once() {
    check(&[
        case(
            r#"return why(function() return cog.wait.mesage_create end)"#,
            r#"argument: cog.wait: there is no event "mesage_create"; did you mean "message_create"?"#,
        ),
        case(r#"return why(cog.wait, "raw", {})"#, r#"argument: cog.wait: there is no event "raw"…"#),
        case(
            r#"return why(cog.wait.message_create)"#,
            "argument: cog.wait.message_create: expected a table, got nil",
        ),
        case(
            r#"return why(cog.wait.message_create, {})"#,
            "argument: cog.wait.message_create: timeout: expected a duration…",
        ),
        case(
            r#"return why(cog.wait.message_create, { timeout = "16m" })"#,
            "limit: cog.wait.message_create: timeout: a wait lasts at most 15 minutes…",
        ),
        case(
            r#"return why(cog.wait.message_create, { timeout = 1, chanel_id = "1" })"#,
            r#"argument: cog.wait.message_create: there is no field "chanel_id"; did you mean "channel_id"?"#,
        ),
        case(
            r#"return why(cog.wait.message_create, { timeout = 1, channel_id = 5 })"#,
            "argument: cog.wait.message_create: channel_id: expected an id, which is a string of digits, got the number 5",
        ),
        case(
            r#"return why(cog.wait.message_create, { timeout = 1, user_id = "anna" })"#,
            r#"argument: cog.wait.message_create: user_id: expected an id, which is a string of digits, got the string "anna""#,
        ),
        case(
            r#"return why(cog.wait.message_create, { timeout = 1, where = "yes" })"#,
            r#"argument: cog.wait.message_create: where: expected a function, got the string "yes""#,
        ),
        case(
            r#"return why(cog.wait.guild_role_create, { timeout = 1, message_id = "1" })"#,
            "argument: cog.wait.guild_role_create: message_id: no guild_role_create says this id…",
        ),
        case(
            r#"return why(cog.wait.typing_start, { timeout = 1 })"#,
            "intents: cog.wait.typing_start: the connection does not have the intent that this event needs (guild_message_typing or direct_message_typing): put it into intents of cog.info…",
        ),
        case(
            r#"return why(table.sort, { 2, 1 }, function() return cog.wait.message_create { timeout = 1 } end)"#,
            "phase: cog.wait: cannot wait here…",
        ),
        case(
            r#"return tostring(cog.wait.message_create { timeout = 0 })"#,
            "nil",
        ),
        case(
            r#"return tostring(cog.wait("message_create", { timeout = "10ms", channel_id = "1" }))"#,
            "nil",
        ),
    ])
    .await;
}

/// Somebody's message in #general, without waiting for what it leads to; returns its id.
fn say(stage: &Stage, user: &str, text: &str) -> Id {
    let user = stage.sim.user(user).unwrap();
    let said = stage.sim.say(user, stage.general(), text).unwrap();
    said["id"].as_str().unwrap().parse().unwrap()
}

/// The texts that the bot has written in #general.
fn written(stage: &Stage) -> Vec<String> {
    let messages = stage.written_since(stage.general(), 0);
    let text = |it: &Value| it["content"].as_str().unwrap().to_owned();
    messages.iter().map(text).collect()
}

async fn started(body: &str) -> Stage {
    show_log();
    setup(&[("cogs/t.luau", &cog(body))])
        .clock(Clock::paused(NOW))
        .start()
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_goes_on_with_the_event_that_it_waits_for_or_with_nothing_after_the_timeout() {
    let stage = started(
        r#"
cog.command { name = "ask", run = function(ctx)
    local answer = cog.wait.message_create {
        channel_id = ctx.channel_id,
        user_id = ctx.author.id,
        timeout = "10m",
        where = function(message) return message.content ~= "what?" end,
    }
    ctx:send(if answer then `{answer.author.username} says {answer.content}` else "silence")
end }
cog.command { name = "react", run = function(ctx)
    local event = cog.wait.message_reaction_add { message_id = ctx.message.id, timeout = 60 }
    ctx:send(if event then `{event.emoji.name} by {event.member.user.username}` else "no reaction")
end }
cog.info { intents = { "guild_message_reactions" } }
"#,
    )
    .await;
    let waits = || stage.bot.services.waits.count();
    assert_eq!(stage.says("anna", "!ask").await.len(), 0);
    assert_eq!(waits(), 1);
    // Neither somebody else's nor one that is not wanted, of several that come at once.
    say(&stage, "ben", "me!");
    say(&stage, "anna", "what?");
    say(&stage, "anna", "yes");
    say(&stage, "anna", "no");
    stage.settled().await;
    assert_eq!(written(&stage), ["anna says yes"]);
    assert_eq!(waits(), 0);

    stage.says("anna", "!ask").await;
    stage.advance(Duration::from_secs(599)).await;
    assert_eq!(written(&stage).len(), 1);
    stage.advance(Duration::from_secs(1)).await;
    assert_eq!(written(&stage).last().unwrap(), "silence");
    assert_eq!(waits(), 0);

    let asked = say(&stage, "anna", "!react");
    let other = say(&stage, "anna", "hm");
    stage.settled().await;
    let ben = stage.sim.user("ben").unwrap();
    for message in [other, asked] {
        stage
            .sim
            .react_as(ben, stage.general(), message, "👍")
            .unwrap();
        stage.settled().await;
    }
    assert_eq!(written(&stage).last().unwrap(), "👍 by ben");
    assert_eq!((written(&stage).len(), waits()), (3, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_belongs_to_the_handler_that_waits() {
    let stage = started(
        r#"
cog.command { name = "fails", run = function(ctx)
    local ok, err = pcall(cog.wait.message_create, { timeout = 60, where = function() error({ kind = "mine", message = "oh" }) end })
    ctx:send(`{ok} {err.kind}`)
end }
cog.command { name = "loops", run = function(ctx)
    cog.wait.message_create { timeout = 60, where = function() while true do end end }
    ctx:send("never")
end }
cog.command { name = "thinks", run = function(ctx)
    local count = 0
    local event = cog.wait.message_create { timeout = 60, where = function(message)
        task.wait(10)
        count += 1
        return message.content == "three"
    end }
    ctx:send(`{event and event.content} {count}`)
end }
"#,
    )
    .await;
    stage.says("anna", "!fails").await;
    stage.says("anna", "x").await;
    assert_eq!(written(&stage), ["false mine"]);
    // What comes while `where` thinks is looked at afterwards, in order.
    stage.says("anna", "!thinks").await;
    for text in ["one", "two", "three", "four"] {
        say(&stage, "anna", text);
    }
    stage.advance(Duration::from_secs(29)).await;
    assert_eq!(written(&stage).len(), 1);
    stage.advance(Duration::from_secs(1)).await;
    assert_eq!(written(&stage).last().unwrap(), "three 3");
    // One that never comes to an end is stopped, and its user is told.
    stage.says("anna", "!loops").await;
    stage.says("anna", "x").await;
    let told = written(&stage);
    assert!(
        told.len() == 3 && !told.contains(&"never".to_owned()),
        "{told:?}"
    );
    assert_eq!(stage.bot.services.waits.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_may_wait_for_longer_than_it_may_take() {
    let source = r#"
cog.command { name = "slow", run = function(ctx)
    for _ = 1, 3 do
        cog.wait.message_create { timeout = "500ms", user_id = "1", where = function() return true end }
    end
    ctx:send("done")
end }
"#;
    let stage = setup(&[("cogs/t.luau", &cog(source))])
        .config(r#"{ "limits": { "handler_seconds": 1 } }"#)
        .start()
        .await;
    stage.says("anna", "!slow").await;
    crate::support::until(|| !written(&stage).is_empty()).await;
    assert_eq!(written(&stage), ["done"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_ends_with_whatever_waits() {
    let body = r#"
cog.command { name = "tasks", run = function(ctx)
    local function wait()
        cog.wait.message_create { timeout = "15m", where = function(message) return message.content == "go" end }
        said.count = (said.count or 0) + 1
    end
    local cancelled = task.spawn(wait)
    local closed = coroutine.create(wait)
    coroutine.resume(closed)
    task.spawn(wait)
    task.spawn(function() pcall(task.timeout, "1s", wait) end)
    task.wait(2)
    task.cancel(cancelled)
    coroutine.close(closed)
    ctx:send("cancelled")
end }
cog.command { name = "count", run = function(ctx) ctx:send(tostring(said.count)) end }
"#;
    let mut stage = started(body).await;
    let waits = |stage: &Stage| stage.bot.services.waits.count();
    stage.says("anna", "!tasks").await;
    assert_eq!(waits(&stage), 4);
    stage.advance(Duration::from_secs(2)).await;
    assert_eq!(written(&stage), ["cancelled"]);
    assert_eq!(waits(&stage), 1);
    stage.says("anna", "go").await;
    stage.says("anna", "!count").await;
    assert_eq!(written(&stage).last().unwrap(), "1");
    // Of an older version: it still hears, and ends with its handler.
    for text in ["!tasks", "go"] {
        stage.says("anna", text).await;
        if text == "!tasks" {
            stage.save("cogs/t.luau", &cog(&format!("{body}\n-- again")));
            stage.applied().await;
            stage.settled().await;
            assert_eq!(waits(&stage), 4);
        }
    }
    stage.says("anna", "!count").await;
    assert_eq!(written(&stage).last().unwrap(), "5");
    stage.says("anna", "!tasks").await;
    assert_eq!(waits(&stage), 4);
    stage.save("cogs/t.luau", &cog("-- nothing"));
    stage.applied().await;
    stage.advance(Duration::from_secs(31)).await;
    // The last thing that happens when a task is stopped.
    crate::support::until(|| waits(&stage) == 0).await;
    stage.says("anna", "go").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_have_not_looked_at_is_bounded() {
    let stage = setup(&[(
        "cogs/t.luau",
        &cog(r#"
cog.command { name = "wait", run = function(ctx)
    local count = 0
    cog.wait.message_create { timeout = "10m", where = function(message)
        count += 1
        if message.content == "first" then task.wait(60) end
        return message.content == "last"
    end }
    ctx:send(`{count > 2} {count < 900}`)
end }
"#),
    )])
    .config(r#"{ "limits": { "mailbox_mb": 1 } }"#)
    .clock(Clock::paused(NOW))
    .start()
    .await;
    stage.says("anna", "!wait").await;
    stage.says("anna", "first").await;
    let text = "x".repeat(2_000);
    let channel = stage.general().to_string();
    for number in 0..1_000 {
        let data = json!({ "id": number.to_string(), "channel_id": channel, "content": text,
            "author": { "id": "5", "bot": true } });
        stage
            .sim
            .dispatch("MESSAGE_CREATE", Some(stage.sim.guild()), data);
    }
    stage.settled().await;
    stage.advance(Duration::from_secs(60)).await;
    stage.says("anna", "last").await;
    assert_eq!(written(&stage), ["true true"]);
}

//! Modals: opened by commands and components, waited for or handled by their custom ids.

use super::{begin, click, follow_ups, message_of, one_cog, said, shown};
use crate::support::Stage;
use cogsmith::sim::{Interaction, InteractionRequest, InteractionView};
use serde_json::{Value, json};
use std::time::Duration;

const FORM: &str = r#"
local function form(id)
    return { custom_id = id, title = "A form", components = { { type = 18, label = "Why?", component = { type = 4, style = 1, custom_id = "why", required = false } } } }
end
"#;

fn slash(stage: &Stage, user: &str, name: &str) -> Interaction {
    let request = InteractionRequest::Slash {
        name: name.to_owned(),
        options: json!({}),
    };
    let user = stage.sim.user(user).unwrap();
    stage.sim.interact(user, stage.general(), request).unwrap()
}

fn submit(stage: &Stage, user: &str, view: &InteractionView, fields: Value) -> Interaction {
    let Value::Object(fields) = fields else {
        panic!("{fields} are no fields");
    };
    let request = InteractionRequest::Modal {
        custom_id: view.modal.as_ref().unwrap()["custom_id"]
            .as_str()
            .unwrap()
            .to_owned(),
        fields: fields.into_iter().collect(),
    };
    let user = stage.sim.user(user).unwrap();
    stage.sim.interact(user, stage.general(), request).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_waits_for_what_is_entered_wherever_the_modal_was_opened() {
    let stage = one_cog(&format!(
        r#"{FORM}
local who = cog.option.maybe(cog.option.string {{ name = "who" }})
cog.command {{ name = "ask", ephemeral = true, options = {{ who }}, run = function(ctx)
    local answer = ctx:modal(form(nil))
    if not answer then return ctx:reply("too late") end
    answer:finally(function() ctx:reply("finally") end)
    answer:reply(`{{answer.fields.why}} {{answer.author.username}} {{answer.command}} {{tostring(answer:get(who))}} {{tostring(answer.message)}}`)
    ctx:reply("from ctx")
end }}
cog.command {{ name = "named", run = function(ctx)
    local answer = ctx:modal(form("own:id"), {{ timeout = "1m" }})
    if answer then answer:reply(answer.fields.why) end
end }}
cog.command {{ name = "show", run = function(ctx) ctx:reply {{ content = "before", components = {{ button("open"), button("silent") }} }} end }}
cog.component("open", function(ctx)
    local answer = ctx:modal(form(nil))
    if answer then answer:update(`{{answer.message.content}} {{answer.fields.why}}`) end
end)
cog.component("silent", function(ctx) ctx:modal(form(nil)) end)
cog.command {{ name = "quiet", run = function(ctx) ctx:modal(form(nil)) end }}
cog.command {{ name = "slow", run = function(ctx) local answer = ctx:modal(form(nil)) task.wait(5) answer:reply("there") end }}
cog.command {{ name = "fails", run = function(ctx) ctx:modal(form(nil)) error("oh") end }}
"#
    ))
    .start()
    .await;
    let opened = slash(&stage, "anna", "ask");
    stage.settled().await;
    assert_eq!(opened.state().response_type, Some(9));
    let sent = submit(&stage, "anna", &opened.state(), json!({ "why": "so" }));
    stage.settled().await;
    assert_eq!(shown(&sent.state()), "so anna ask nil nil (alone)");
    assert_eq!(
        follow_ups(&opened.state()),
        ["from ctx (alone)", "finally (alone)"]
    );
    let opened = slash(&stage, "anna", "named");
    stage.settled().await;
    let sent = submit(&stage, "anna", &opened.state(), json!({ "why": "so" }));
    stage.settled().await;
    assert_eq!(shown(&sent.state()), "so");
    let message = message_of(&stage, "!show").await;
    let opened = begin(&stage, "anna", message, "open", &[]);
    stage.settled().await;
    let sent = submit(&stage, "anna", &opened.state(), json!({ "why": "after" }));
    stage.settled().await;
    assert_eq!(sent.state().response_type, Some(7));
    assert_eq!(super::text_of(&stage, message), "before after");
    // Whoever submits is never left waiting.
    let opened = begin(&stage, "anna", message, "silent", &[]);
    stage.settled().await;
    let sent = submit(&stage, "anna", &opened.state(), json!({}));
    stage.settled().await;
    assert_eq!(sent.state().response_type, Some(6));
    let opened = slash(&stage, "anna", "quiet");
    stage.settled().await;
    let sent = submit(&stage, "anna", &opened.state(), json!({}));
    stage.settled().await;
    assert_eq!(shown(&sent.state()), "Done. (alone)");
    let opened = slash(&stage, "anna", "slow");
    stage.settled().await;
    let sent = submit(&stage, "anna", &opened.state(), json!({}));
    stage.advance(Duration::from_secs(3)).await;
    assert_eq!(sent.state().response_type, Some(5));
    stage.advance(Duration::from_secs(3)).await;
    assert_eq!(shown(&sent.state()), "there");
    let opened = slash(&stage, "anna", "fails");
    stage.settled().await;
    let sent = submit(&stage, "anna", &opened.state(), json!({}));
    stage.settled().await;
    let failed = shown(&sent.state());
    assert!(
        failed.starts_with("Something went wrong") && failed.ends_with("(alone)"),
        "{failed}"
    );
    // One that is never submitted is waited for until its time is over.
    let opened = slash(&stage, "anna", "ask");
    stage.advance(Duration::from_secs(14 * 60)).await;
    assert_eq!(follow_ups(&opened.state()), [""; 0]);
    assert_eq!(stage.bot.services.expected.count(), 1);
    let named = slash(&stage, "ben", "named");
    stage.advance(Duration::from_secs(61)).await;
    let late = submit(&stage, "ben", &named.state(), json!({}));
    stage.settled().await;
    assert_eq!(
        shown(&late.state()),
        "Nobody handles this any more. (alone)"
    );
    assert_eq!(stage.bot.services.expected.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn cog_modal_handles_a_modal_by_its_custom_id_also_after_a_reload() {
    let body = format!(
        r#"{FORM}
cog.command {{ name = "ask", run = function(ctx)
    local answer = ctx:modal(form(cog.id("form:{{kind}}", {{ kind = "a:b" }})))
    ctx:reply {{ content = tostring(answer), ephemeral = true }}
end }}
cog.modal("form:{{kind}}", function(ctx, args)
    ctx:reply(`first {{args.kind}} {{ctx.fields.why}} {{ctx.command}}`)
end)
"#
    );
    let mut stage = one_cog(&body).start().await;
    let opened = slash(&stage, "anna", "ask");
    stage.settled().await;
    assert_eq!(follow_ups(&opened.state()), ["nil (alone)"]);
    stage.save("cogs/t.luau", &super::cog(&body.replace("first", "second")));
    stage.applied().await;
    let sent = submit(&stage, "anna", &opened.state(), json!({ "why": "so" }));
    stage.settled().await;
    assert_eq!(shown(&sent.state()), "second a:b so form:{kind}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_component_of_a_modal_has_its_value() {
    let stage = one_cog(
        r#"
local options = { { label = "A", value = "a" }, { label = "B", value = "b" } }
local inputs = {
    text = { type = 4, style = 2 },
    menu = { type = 3, options = options, max_values = 2 },
    users = { type = 5, max_values = 2 },
    roles = { type = 6 },
    anyone = { type = 7 },
    channels = { type = 8 },
    files = { type = 19 },
    radio = { type = 21, options = options },
    group = { type = 22, options = options },
    check = { type = 23 },
}
cog.command { name = "show", run = function(ctx)
    local rows = {}
    for name in inputs do
        table.insert(rows, button(`ask:{name}`))
    end
    ctx:reply { content = "1", components = { rows[1], rows[2], rows[3], rows[4], rows[5] } }
    ctx:reply { content = "2", components = { rows[6], rows[7], rows[8], rows[9], rows[10] } }
end }
cog.component("ask:{name}", function(ctx, args)
    local input = table.clone(inputs[args.name])
    input.custom_id = "it"
    input.required = if args.name == "check" then nil else false
    local answer = ctx:modal { title = "x", components = { { type = 10, content = "Hello" }, { type = 18, label = "x", component = input } } }
    if not answer then return end
    local it = answer.fields.it
    local text = type(it)
    if type(it) == "table" then
        for _, value in it do
            local shown = if type(value) == "userdata" then "file " .. value.filename else value
            local user = answer.resolved.users[value]
            text ..= ` {if user then user.username else shown}`
        end
    else
        text ..= ` <{tostring(it)}>`
    end
    answer:reply(text)
end)
"#,
    )
    .start()
    .await;
    let general = stage.general();
    let (anna, guild) = (stage.sim.user("anna").unwrap(), stage.sim.guild());
    let role = stage.sim.add_role(guild, "moderator", 0).unwrap();
    let shown_messages = stage.says("owner", "!show").await;
    for (name, value, expected) in [
        ("text", json!("a, b"), "string <a, b>".to_owned()),
        ("text", json!(null), "string <>".into()),
        ("menu", json!(["a", "b"]), "table a b".into()),
        ("menu", json!([]), "table".into()),
        ("users", json!([anna.to_string()]), "table anna".into()),
        ("roles", json!([role.to_string()]), format!("table {role}")),
        ("anyone", json!([anna.to_string()]), "table anna".into()),
        (
            "channels",
            json!([general.to_string()]),
            format!("table {general}"),
        ),
        ("files", json!([]), "table".into()),
        ("radio", json!("b"), "string <b>".into()),
        ("radio", json!(null), "nil <nil>".into()),
        ("group", json!(["b"]), "table b".into()),
        ("check", json!(true), "boolean <true>".into()),
        ("check", json!(null), "boolean <false>".into()),
    ] {
        let custom_id = format!("ask:{name}");
        let on = shown_messages
            .iter()
            .find(|message| message["components"].to_string().contains(&custom_id));
        let message = on.unwrap()["id"].as_str().unwrap().parse().unwrap();
        let opened = begin(&stage, "anna", message, &custom_id, &[]);
        stage.settled().await;
        let fields = if value.is_null() {
            json!({})
        } else {
            json!({ "it": value })
        };
        let sent = submit(&stage, "anna", &opened.state(), fields);
        stage.settled().await;
        assert_eq!(shown(&sent.state()), expected, "{name} {value}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_opened_says_why() {
    let stage = one_cog(&format!(
        r#"{FORM}
local function why(...)
    local ok, problem = pcall(...)
    return if ok then "no error" else tostring(problem)
end
cog.command {{ name = "late", run = function(ctx) ctx:defer() ctx:reply(why(ctx.modal, ctx, form(nil))) end }}
cog.command {{ name = "slow", run = function(ctx) task.wait(3) ctx:reply(why(ctx.modal, ctx, form(nil))) end }}
cog.command {{ name = "typed", run = function(ctx) ctx:reply(why(ctx.modal, ctx, form(nil))) end }}
cog.command {{ name = "wrong", run = function(ctx)
    ctx:reply(table.concat({{
        why(ctx.modal, ctx),
        why(ctx.modal, ctx, {{ title = "x" }}),
        why(ctx.modal, ctx, {{ title = "x", components = {{}}, id = "x" }}),
        why(ctx.modal, ctx, form(nil), {{ timeout = "16m" }}),
        why(ctx.modal, ctx, {{ title = string.rep("x", 46), components = form("x").components }}),
    }}, "\n"))
end }}
cog.command {{ name = "again", run = function(ctx)
    local answer = ctx:modal(form(nil))
    if answer then answer:reply(why(answer.modal, answer, form(nil))) end
end }}
"#
    ))
    .start()
    .await;
    let late = slash(&stage, "anna", "late");
    let slow = slash(&stage, "anna", "slow");
    stage.advance(Duration::from_secs(4)).await;
    for one in [late, slow] {
        assert!(shown(&one.state()).contains("open modals first"));
    }
    let typed = stage.ask("!typed").await;
    assert!(
        typed.contains("a typed command cannot open a modal"),
        "{typed}"
    );
    let wrong = slash(&stage, "anna", "wrong");
    stage.settled().await;
    let told = shown(&wrong.state());
    let lines: Vec<_> = told.lines().collect();
    for (line, part) in lines.iter().zip([
        "ctx:modal: the modal: expected a table, got nil",
        "components",
        "ctx:modal: there is no field \"id\"",
        "ctx:modal: timeout: a wait lasts at most 15 minutes",
        "title",
    ]) {
        assert!(line.contains(part), "{line}\n{part}");
    }
    assert_eq!(lines.len(), 5);
    let opened = slash(&stage, "anna", "again");
    stage.settled().await;
    let sent = submit(&stage, "anna", &opened.state(), json!({}));
    stage.settled().await;
    assert!(shown(&sent.state()).contains("a modal cannot open another one"));
    assert_eq!(stage.bot.services.expected.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_is_the_callers_and_the_buttons_go() {
    let stage = one_cog(
        r#"
cog.command { name = "drop", run = function(ctx)
    ctx:reply(tostring(ctx:confirm("Really?", { timeout = "1m" })))
end }
cog.command { name = "keep", run = function(ctx)
    local row = button("mine", "Mine")
    ctx:send(tostring(ctx:confirm({ content = "Really?", components = { row }, ephemeral = true }, { default = true })))
end }
cog.component("mine", function(ctx) ctx:reply("mine") end)
"#,
    )
    .start()
    .await;
    for (label, expected) in [(0, "true"), (1, "false")] {
        let before = stage.sim.message_count(stage.general());
        let message = message_of(&stage, "!drop").await;
        let asked = stage.sim.message(stage.general(), message).unwrap();
        let buttons = &asked["components"][0]["components"];
        assert_eq!(
            (&buttons[0]["label"], &buttons[1]["label"]),
            (&json!("Yes"), &json!("No"))
        );
        let id = buttons[label]["custom_id"].as_str().unwrap();
        let others = begin(&stage, "anna", message, id, &[]);
        stage.settled().await;
        assert_eq!(
            shown(&others.state()),
            "Only the one who was asked can use this. (alone)"
        );
        click(&stage, message, id).await;
        let asked = stage.sim.message(stage.general(), message).unwrap();
        assert_eq!(asked["components"], json!([]));
        let told = stage.written_since(stage.general(), before + 1);
        assert_eq!(said(told.last().unwrap()), expected);
        assert_eq!(stage.bot.services.expected.count(), 0);
    }
    let message = message_of(&stage, "!drop").await;
    let before = stage.sim.message_count(stage.general());
    stage.advance(Duration::from_secs(59)).await;
    assert_eq!(stage.written_since(stage.general(), before).len(), 0);
    stage.advance(Duration::from_secs(2)).await;
    let told = stage.written_since(stage.general(), before);
    assert_eq!(said(&told[0]), "false");
    let asked = stage.sim.message(stage.general(), message).unwrap();
    assert_eq!(asked["components"], json!([]));
    let asked = slash(&stage, "anna", "keep");
    stage.advance(Duration::from_secs(181)).await;
    let view = asked.state();
    assert_eq!(shown(&view), "Really? (alone)");
    let left = view.message.unwrap()["components"].clone();
    assert_eq!(left[0]["components"][0]["custom_id"], "mine");
    assert_eq!(left.as_array().unwrap().len(), 1);
    assert_eq!(follow_ups(&asked.state()), ["true"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_turned_by_the_caller_until_the_time_is_over() {
    let stage = one_cog(
        r#"
cog.command { name = "pages", run = function(ctx)
    ctx:paginate({ "one", { embeds = { { title = "two" } } }, { content = "three", components = { button("mine") } } }, { timeout = "1m" })
    ctx:send("over")
end }
cog.command { name = "single", run = function(ctx) ctx:paginate { "one" } end }
local function why(...)
    local ok, problem = pcall(...)
    return if ok then "no error" else tostring(problem)
end
cog.command { name = "wrong", run = function(ctx)
    ctx:send(table.concat({
        why(ctx.paginate, ctx, {}),
        why(ctx.paginate, ctx, "x"),
        why(ctx.paginate, ctx, { content = "x" }),
        why(ctx.paginate, ctx, { "x", 5 }),
        why(ctx.paginate, ctx, { "x", { content = "y", ephemeral = true } }),
        why(ctx.confirm, ctx),
    }, "\n"))
end }
"#,
    )
    .start()
    .await;
    let message = message_of(&stage, "!pages").await;
    let now = || stage.sim.message(stage.general(), message).unwrap();
    let id = |what: usize| {
        let rows = now()["components"].as_array().unwrap().clone();
        let row = &rows.last().unwrap()["components"];
        assert_eq!(row[0]["disabled"] == true, row[1]["label"] == "1 / 3");
        assert_eq!(row[2]["disabled"] == true, row[1]["label"] == "3 / 3");
        row[what]["custom_id"].as_str().unwrap().to_owned()
    };
    assert_eq!(now()["content"], "one");
    click(&stage, message, &id(2)).await;
    assert_eq!(
        (&now()["content"], &now()["embeds"][0]["title"]),
        (&json!(""), &json!("two"))
    );
    let others = begin(&stage, "anna", message, &id(2), &[]);
    stage.settled().await;
    assert!(shown(&others.state()).contains("Only the one who was asked"));
    click(&stage, message, &id(2)).await;
    assert_eq!(
        (&now()["content"], &now()["embeds"]),
        (&json!("three"), &json!([]))
    );
    stage.advance(Duration::from_secs(50)).await;
    click(&stage, message, &id(0)).await;
    assert_eq!(now()["embeds"][0]["title"], "two");
    click(&stage, message, &id(2)).await;
    let before = stage.sim.message_count(stage.general());
    stage.advance(Duration::from_secs(61)).await;
    let told = stage.written_since(stage.general(), before);
    assert_eq!(said(&told[0]), "over");
    let left = now()["components"].clone();
    assert_eq!(left.as_array().unwrap().len(), 1, "{left}");
    assert_eq!(left[0]["components"][0]["custom_id"], "mine");
    let single = message_of(&stage, "!single").await;
    let single = stage.sim.message(stage.general(), single).unwrap();
    let rows = single["components"].as_array();
    assert!(rows.is_none_or(Vec::is_empty), "{single}");
    let told = stage.ask("!wrong").await;
    let lines: Vec<_> = told.lines().collect();
    for (line, part) in lines.iter().zip([
        "ctx:paginate: the pages: expected a list of 1 to 500 pages, got one of 0",
        "ctx:paginate: the pages: expected a table",
        "one page stands in a list, too",
        "ctx:paginate: content: expected a string or a table",
        "ctx:paginate: page 2: ephemeral",
        "ctx:confirm: content: expected a string or a table",
    ]) {
        assert!(line.contains(part), "{line}\n{part}");
    }
    assert_eq!(lines.len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_outlives_a_reload_and_its_buttons_go_with_its_handler() {
    let body = r#"
cog.command { name = "ask", run = function(ctx) ctx:send("VERSION " .. tostring(ctx:confirm("Really?"))) end }
"#;
    let mut stage = one_cog(&body.replace("VERSION", "old")).start().await;
    let (first, second) = (
        message_of(&stage, "!ask").await,
        message_of(&stage, "!ask").await,
    );
    stage.save("cogs/t.luau", &super::cog(&body.replace("VERSION", "new")));
    stage.applied().await;
    let asked = stage.sim.message(stage.general(), first).unwrap();
    let id = asked["components"][0]["components"][0]["custom_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let before = stage.sim.message_count(stage.general());
    click(&stage, first, &id).await;
    let told = stage.written_since(stage.general(), before);
    assert_eq!(said(told.last().unwrap()), "old true");
    // The handler of the other one is stopped when the time of the old version is over.
    stage.advance(Duration::from_secs(40)).await;
    let asked = stage.sim.message(stage.general(), second).unwrap();
    assert_eq!(asked["components"], json!([]));
    assert_eq!(stage.bot.services.expected.count(), 0);
    // A deleted cog takes its questions with it, too.
    let third = message_of(&stage, "!ask").await;
    stage.delete("cogs/t.luau");
    stage.applied().await;
    stage.advance(Duration::from_secs(40)).await;
    let asked = stage.sim.message(stage.general(), third).unwrap();
    assert_eq!(asked["components"], json!([]));
}

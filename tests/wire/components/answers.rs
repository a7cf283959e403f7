//! What answers a click, and in time.

use super::{begin, click, follow_ups, message_of, one_cog, text_of, uses};
use std::time::Duration;

const BUTTONS: &str = r#"
local slow = { ["slow:update"] = true, ["slow:reply"] = true, ["slow:alone"] = true, ["slow:nothing"] = true, ["slow:fails"] = true }
cog.command { name = "show", run = function(ctx)
    ctx:reply { content = "before", components = { button(ctx.options.id) } }
end, options = { cog.option.string { name = "id" } } }
cog.command { name = "alone", ephemeral = true, prefix = false, run = function(ctx)
    ctx:reply { content = "before", components = { button(ctx.options.id) } }
end, options = { cog.option.string { name = "id" } } }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn each_way_to_answer_does_what_it_says() {
    let stage = one_cog(&format!(
        r#"{BUTTONS}
local does = {{
    update = function(ctx) ctx:update {{ content = "after", components = {{}} }} end,
    text = function(ctx) ctx:update("after") end,
    twice = function(ctx) ctx:update("one") ctx:update("two") end,
    reply = function(ctx) ctx:reply("hi") end,
    alone = function(ctx) ctx:reply {{ content = "hi", ephemeral = true }} end,
    both = function(ctx) ctx:update("after") ctx:reply("hi") ctx:reply {{ content = "ho", ephemeral = true }} ctx:update("at last") end,
    reversed = function(ctx) ctx:reply("hi") ctx:update("after") ctx:update("at last") end,
    edit = function(ctx) ctx:reply("hi") ctx:edit("ho") end,
    delete = function(ctx) ctx:reply("hi") ctx:delete() end,
    thinks = function(ctx) ctx:defer {{ ephemeral = true }} ctx:update("after") ctx:reply {{ content = "hi", ephemeral = true }} end,
    defers = function(ctx) ctx:defer() ctx:reply("hi") ctx:update("after") end,
    types = function(ctx) ctx:typing() ctx:update("after") end,
    nothing = function() end,
    gone = function(ctx) ctx:update {{ content = "bye", delete_after = 5 }} end,
    file = function(ctx) ctx:update {{ content = "after", files = {{ {{ filename = "a.txt", content = "x" }} }} }} end,
    pings = function(ctx) ctx:update("@everyone") end,
}}
cog.component("do:{{what}}", function(ctx, args) does[args.what](ctx) end)
"#
    ))
    .start()
    .await;
    // What it does, the type of the first answer, what its message says then, and what was sent besides.
    for (what, answer, message, more) in [
        ("update", 7, "after", &[][..]),
        ("text", 7, "after", &[]),
        ("twice", 7, "two", &[]),
        ("reply", 4, "before", &["hi"]),
        ("alone", 4, "before", &["hi (alone)"]),
        ("both", 7, "at last", &["hi", "ho (alone)"]),
        ("reversed", 4, "at last", &["hi"]),
        ("edit", 4, "before", &["ho"]),
        ("delete", 4, "before", &[]),
        ("thinks", 5, "after", &["hi (alone)"]),
        ("defers", 6, "after", &["hi"]),
        ("types", 6, "after", &[]),
        ("nothing", 6, "before", &[]),
        ("file", 7, "after", &[]),
        ("pings", 7, "@everyone", &[]),
    ] {
        let id = message_of(&stage, &format!("!show do:{what}")).await;
        let before = stage.sim.message_count(stage.general());
        let view = uses(&stage, "anna", id, &format!("do:{what}"), &[]).await;
        assert_eq!(view.response_type, Some(answer), "{what}");
        assert_eq!(text_of(&stage, id), message, "{what}");
        let sent = stage.written_since(stage.general(), before);
        let sent: Vec<_> = sent.iter().map(super::said).collect();
        assert_eq!(sent, more, "{what}");
        let shown = stage.sim.message(stage.general(), id).unwrap();
        assert_eq!(shown["mention_everyone"], false);
        let buttons = shown["components"].as_array().unwrap().len();
        assert_eq!(buttons, usize::from(what != "update"), "{what}");
        let files = shown["attachments"].as_array().unwrap().len();
        assert_eq!(files, usize::from(what == "file"), "{what}");
    }
    let id = message_of(&stage, "!show do:gone").await;
    uses(&stage, "anna", id, "do:gone", &[]).await;
    assert_eq!(text_of(&stage, id), "bye");
    stage.advance(Duration::from_secs(6)).await;
    assert!(stage.sim.message(stage.general(), id).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_puts_an_answer_off_without_showing_anything() {
    let stage = one_cog(&format!(
        r#"{BUTTONS}
cog.component("slow:{{what}}", function(ctx, args)
    task.wait(10)
    if args.what == "update" then ctx:update("after")
    elseif args.what == "reply" then ctx:reply("hi") ctx:reply("ho")
    elseif args.what == "alone" then ctx:reply {{ content = "hi", ephemeral = true }}
    elseif args.what == "fails" then error("oh") end
end)
cog.component("task:{{what}}", function(ctx, args)
    task.delay(if args.what == "soon" then 1 else 10, function() ctx:update(args.what) end)
end)
cog.component("checked", function(ctx) ctx:reply("hi") end, {{ checks = {{ function() task.wait(5) return true end }} }})
"#
    ))
    .start()
    .await;
    for (what, message, more) in [
        ("slow:update", "after", &[][..]),
        ("slow:reply", "before", &["hi", "ho"]),
        ("slow:alone", "before", &["hi (alone)"]),
        ("slow:nothing", "before", &[]),
        ("task:late", "late", &[]),
        ("checked", "before", &["hi"]),
    ] {
        let id = message_of(&stage, &format!("!show {what}")).await;
        let used = begin(&stage, "anna", id, what, &[]);
        stage.advance(Duration::from_millis(1_900)).await;
        assert_eq!(used.state().response_type, None, "{what}");
        stage.advance(Duration::from_millis(200)).await;
        assert_eq!(used.state().response_type, Some(6), "{what}");
        assert_eq!(text_of(&stage, id), "before", "{what}");
        stage.advance(Duration::from_secs(10)).await;
        assert_eq!(text_of(&stage, id), message, "{what}");
        assert_eq!(follow_ups(&used.state()), more, "{what}");
    }
    let id = message_of(&stage, "!show slow:fails").await;
    let used = begin(&stage, "anna", id, "slow:fails", &[]);
    stage.advance(Duration::from_secs(12)).await;
    let told = follow_ups(&used.state());
    assert!(
        told[0].starts_with("Something went wrong here.") && told[0].ends_with("(alone)"),
        "{told:?}"
    );
    let id = message_of(&stage, "!show task:soon").await;
    let used = begin(&stage, "anna", id, "task:soon", &[]);
    stage.advance(Duration::from_secs(3)).await;
    assert_eq!(used.state().response_type, Some(7));
    assert_eq!(text_of(&stage, id), "soon");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_for_one_alone_is_updated_too() {
    let stage = one_cog(&format!(
        r#"{BUTTONS}
cog.component("do:{{what}}", function(ctx, args)
    if args.what == "late" then ctx:reply {{ content = "hi", ephemeral = true }} end
    local ok, problem = pcall(ctx.update, ctx, "after")
    if not ok then ctx:reply {{ content = tostring(problem), ephemeral = true }} end
    ctx:reply {{ content = `{{ctx.message.content}}`, ephemeral = true }}
end)
"#
    ))
    .start()
    .await;
    let alone = |what: &str| cogsmith::sim::InteractionRequest::Slash {
        name: "alone".into(),
        options: serde_json::json!({ "id": what }),
    };
    let (anna, general) = (stage.sim.user("anna").unwrap(), stage.general());
    for (what, answer) in [("do:now", 7), ("do:late", 4)] {
        let shown = stage.sim.interact(anna, general, alone(what)).unwrap();
        stage.settled().await;
        let message = shown.state().message.unwrap();
        let id = message["id"].as_str().unwrap().parse().unwrap();
        let view = uses(&stage, "anna", id, what, &[]).await;
        assert_eq!(view.response_type, Some(answer));
        if what == "do:now" {
            assert_eq!(super::shown(&view), "after (alone)");
            assert_eq!(follow_ups(&view), ["before (alone)"]);
        } else {
            let told = follow_ups(&view);
            assert!(told[0].contains("call ctx:update first"), "{told:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_at_the_line_that_is_wrong() {
    let stage = one_cog(
        r#"
cog.command { name = "show", run = function(ctx) ctx:reply { content = "x", components = { button("wrong") } } end }
local function why(...)
    local ok, problem = pcall(...)
    return if ok then "no error" else tostring(problem)
end
cog.component("wrong", function(ctx)
    local told = {
        why(ctx.update, ctx, { content = string.rep("x", 2001) }),
        why(ctx.update, ctx, { content = "x", ephemeral = true }),
        why(ctx.update, ctx),
        why(ctx.edit, ctx, "x"),
        why(ctx.get, ctx, "x"),
        why(function() cog.component("a", print) end),
    }
    ctx:reply(table.concat(told, "\n"))
end)
cog.command { name = "typed", run = function(ctx) ctx:reply(why(ctx.update, ctx, "x")) end }
local ids = {}
local function try(...)
    table.insert(ids, why(cog.id, ...))
end
try("a:{x}")
try("a:{x}", { x = 1, y = 2 })
try("a:{x}", { x = {} })
try("a:{x}", { x = 0.5 })
try("a:{x}", { [1] = "x" })
try("a:{x}", { x = string.rep("y", 99) })
try("{x}", { x = 1 })
try("a:{x", { x = 1 })
try("a:{x}", "x")
try(nil)
try("a", {})
cog.command { name = "ids", run = function(ctx) ctx:reply(table.concat(ids, "\n")) end }
"#,
    )
    .start()
    .await;
    let message = message_of(&stage, "!show").await;
    let told = click(&stage, message, "wrong").await;
    let lines: Vec<_> = told.lines().collect();
    for (line, part) in lines.iter().zip([
        "ctx:update: content",
        "ctx:update: ephemeral: who sees a message cannot be changed",
        "ctx:update: content: expected a string or a table of message fields, got nil",
        "ctx:edit: there is no answer yet",
        "has no option \"x\"",
        "cog.component: only while the file loads",
    ]) {
        assert!(line.contains(part), "{line}\n{part}");
    }
    assert_eq!(lines.len(), 6);
    let typed = stage.ask("!typed").await;
    assert!(typed.contains("ctx:update: only in a component"), "{typed}");
    let told = stage.ask("!ids").await;
    let lines: Vec<_> = told.lines().collect();
    for (line, part) in lines.iter().zip([
        "cog.id: values: x is missing, which \"a:{x}\" needs",
        "cog.id: values: \"a:{x}\" has no {y}",
        "cog.id: values: x: expected a string of at most 100 characters or a whole number, got a table",
        "got the number 0.5",
        "cog.id: values: expected values by name, got the number 1",
        "cog.id: the custom id has 101 characters, and Discord takes 100",
        "cog.id: the template \"{x}\": it must begin with a fixed name",
        "cog.id: the template \"a:{x\": it has a \"{\" without a \"}\"",
        "cog.id: values: expected a table, got the string \"x\"",
        "cog.id: the template: expected a string",
        "no error",
    ]) {
        assert!(line.contains(part), "{line}\n{part}");
    }
    assert_eq!(lines.len(), 11);
}

//! Which handler runs, and with which values.

use super::{click, message_of, one_cog, shown, uses};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_click_reaches_the_most_exact_template_with_the_values_of_its_id() {
    let stage = one_cog(
        r#"
cog.command { name = "show", run = function(ctx)
    local ids = {
        cog.id("poll:{vote}:{by}", { vote = "a:b%", by = 5 }),
        cog.id("poll:close"),
        cog.id("poll:page{n}", { n = 7 }),
        cog.id("poll:{what}", { what = "" }),
        cog.id("refresh", {}),
        "poll:1:2:3",
    }
    local rows = {}
    for _, id in ids do table.insert(rows, button(id)) end
    ctx:reply { content = "poll", components = { rows[1], rows[2], rows[3], rows[4], rows[5] } }
    ctx:reply { content = "more", components = { rows[6] } }
end }
local function answer(name)
    return function(ctx, args)
        local words = {}
        for key, value in args do table.insert(words, `{key}={value}`) end
        table.sort(words)
        ctx:reply(`{name} {table.concat(words, " ")} {ctx.command} {#ctx.values} {tostring(table.isfrozen(args))}`)
    end
end
cog.component("poll:{what}", answer("any"))
cog.component("poll:{vote}:{by}", answer("vote"))
cog.component("poll:page{n}", answer("page"))
cog.component("poll:close", answer("close"))
cog.component("refresh", answer("refresh"))
"#,
    )
    .start()
    .await;
    let answers = stage.says("owner", "!show").await;
    let id = |index: usize| answers[index]["id"].as_str().unwrap().parse().unwrap();
    for (message, custom_id, expected) in [
        (0, "poll:a%3Ab%25:5", "vote by=5 vote=a:b% poll:{vote}:{by}"),
        (0, "poll:close", "close  poll:close"),
        (0, "poll:page7", "page n=7 poll:page{n}"),
        (0, "poll:", "any what= poll:{what}"),
        (0, "refresh", "refresh  refresh"),
    ] {
        let answer = click(&stage, id(message), custom_id).await;
        assert_eq!(answer, format!("{expected} 0 true"), "{custom_id}");
    }
    let nobodys = click(&stage, id(1), "poll:1:2:3").await;
    assert_eq!(nobodys, "Nobody handles this any more. (alone)");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_menu_has_its_values_and_the_objects_that_they_name() {
    let stage = one_cog(
        r#"
cog.command { name = "show", run = function(ctx)
    local rows = {}
    for kind = 5, 8 do
        table.insert(rows, { type = 1, components = { { type = kind, custom_id = `pick:{kind}`, min_values = 0, max_values = 5 } } })
    end
    table.insert(rows, 1, { type = 1, components = { { type = 3, custom_id = "pick:3", max_values = 2, options = {
        { label = "A", value = "a" }, { label = "B", value = "b" },
    } } } })
    ctx:reply { content = "menus", components = rows }
end }
cog.component("pick:{kind}", function(ctx)
    local words = {}
    for _, value in ctx.values do
        local found = ctx.resolved
        local member, user = found.members[value], found.users[value]
        local role, channel = found.roles[value], found.channels[value]
        local text = type(value)
        if member then text ..= ` member {member.user.username} {member.guild_id == ctx.guild_id}` end
        if user then text ..= ` user {user.username}` end
        if role then text ..= ` role {role.name}` end
        if channel then text ..= ` channel {channel.name}` end
        if not (member or user or role or channel) then text ..= ` {value}` end
        table.insert(words, text)
    end
    ctx:reply(if #words == 0 then "nothing" else table.concat(words, ", "))
end)
cog.command { name = "typed", run = function(ctx)
    ctx:reply(`{#ctx.values} {tostring(next(ctx.resolved.users))} {tostring(pcall(function() ctx.values[1] = "x" end))}`)
end }
"#,
    )
    .start()
    .await;
    let menus = message_of(&stage, "!show").await;
    let guild = stage.sim.guild();
    let anna = stage.sim.user("anna").unwrap().to_string();
    let role = stage.sim.add_role(guild, "moderator", 0).unwrap();
    let role = role.to_string();
    let general = stage.general().to_string();
    for (custom_id, values, expected) in [
        ("pick:3", vec!["a", "b"], "string a, string b"),
        ("pick:5", vec![&*anna], "string member anna true user anna"),
        ("pick:5", vec![], "nothing"),
        ("pick:6", vec![&*role], "string role moderator"),
        (
            "pick:7",
            vec![&*role, &*anna],
            "string role moderator, string member anna true user anna",
        ),
        ("pick:8", vec![&*general], "string channel general"),
    ] {
        let view = uses(&stage, "anna", menus, custom_id, &values).await;
        assert_eq!(shown(&view), expected, "{custom_id} {values:?}");
    }
    assert_eq!(stage.ask("!typed").await, "0 nil false");
}

#[tokio::test(flavor = "multi_thread")]
async fn ctx_knows_who_clicked_where_on_what() {
    let stage = one_cog(
        r#"
cog.command { name = "show", contexts = { "guild", "bot_dm" }, run = function(ctx) ctx:reply { content = "here", components = { button("who") } } end }
cog.component("who", function(ctx)
    local place = if ctx.in_guild then ctx.member.user.username else "direct"
    ctx:reply(`{ctx.author.username} {place} {ctx.message.content} {ctx.interaction.data.custom_id} {tostring(ctx.prefix)} {ctx.channel_id == ctx.message.channel_id}`)
end)
"#,
    )
    .start()
    .await;
    let message = message_of(&stage, "!show").await;
    let view = uses(&stage, "anna", message, "who", &[]).await;
    assert_eq!(shown(&view), "anna anna here who nil true");
    let direct = stage.sim.direct_channel(stage.sim.owner());
    stage.sim.say(stage.sim.owner(), direct, "!show").unwrap();
    stage.settled().await;
    let messages = stage.sim.messages(direct);
    let message = messages.last().unwrap()["id"].as_str().unwrap();
    let request = cogsmith::sim::InteractionRequest::Component {
        message: message.parse().unwrap(),
        custom_id: "who".into(),
        values: Vec::new(),
    };
    let used = stage.sim.interact(stage.sim.owner(), direct, request);
    stage.settled().await;
    assert_eq!(
        shown(&used.unwrap().state()),
        "owner direct here who nil true"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_and_failures_are_told_to_the_user_alone() {
    let stage = one_cog(
        r#"
cog.command { name = "show", run = function(ctx)
    ctx:reply { content = "x", components = { button("c:owner"), button("c:custom"), button("c:fails"), button("c:says"), button("c:late") } }
end }
local done = function(ctx) ctx:reply("done") end
local never = function(ctx) return false, `Not you, {ctx.author.username}.` end
cog.component("c:owner", done, { checks = { cog.check.owner } })
cog.component("c:custom", done, { checks = { cog.check.any(cog.check.owner, cog.check.custom(never)) } })
cog.component("c:fails", function() error("oh") end)
cog.component("c:says", function(ctx) ctx:finally(function() ctx:reply("finally") end) cog.fail("So it is.") end)
cog.component("c:late", function(ctx) ctx:reply("first") error("oh") end)
"#,
    )
    .start()
    .await;
    let message = message_of(&stage, "!show").await;
    for (user, custom_id, expected) in [
        ("owner", "c:owner", "done"),
        (
            "anna",
            "c:owner",
            "Only the bot's owner may do this. (alone)",
        ),
        ("owner", "c:custom", "done"),
    ] {
        let view = uses(&stage, user, message, custom_id, &[]).await;
        assert_eq!(shown(&view), expected, "{user} {custom_id}");
    }
    let custom = shown(&uses(&stage, "anna", message, "c:custom", &[]).await);
    assert!(
        custom.contains("Not you, anna.") && custom.ends_with("(alone)"),
        "{custom}"
    );
    let failed = click(&stage, message, "c:fails").await;
    assert!(
        failed.starts_with("Something went wrong here.") && failed.ends_with("(alone)"),
        "{failed}"
    );
    let view = uses(&stage, "owner", message, "c:says", &[]).await;
    assert_eq!(shown(&view), "finally");
    assert_eq!(super::follow_ups(&view), ["So it is. (alone)"]);
    let view = uses(&stage, "owner", message, "c:late", &[]).await;
    assert_eq!(shown(&view), "first");
    assert!(super::follow_ups(&view)[0].starts_with("Something went wrong here."));
}

#[tokio::test(flavor = "multi_thread")]
async fn on_denied_hears_of_a_refused_click() {
    let stage = one_cog(
        r#"
cog.command { name = "show", run = function(ctx) ctx:reply { content = "x", components = { button("c:owner") } } end }
cog.component("c:owner", function() end, { checks = { cog.check.owner } })
cog.on_denied(function(ctx, denial) ctx:reply { content = `{denial.kind}: {ctx.command}`, ephemeral = true } end)
"#,
    )
    .start()
    .await;
    let message = message_of(&stage, "!show").await;
    let view = uses(&stage, "anna", message, "c:owner", &[]).await;
    assert_eq!(shown(&view), "owner: c:owner (alone)");
    assert_eq!(super::follow_ups(&view), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_that_a_handler_waits_for_is_accepted_and_not_refused() {
    let stage = one_cog(
        r#"
cog.command { name = "ask", run = function(ctx)
    local sent = ctx:reply { content = "Sure?", components = { button("yes") } }
    local click = cog.wait.interaction_create { message_id = sent.id, timeout = "1m" }
    ctx:send(if click then `{click.member.user.username} said {click.data.custom_id}` else "nobody")
end }
"#,
    )
    .start()
    .await;
    let message = message_of(&stage, "!ask").await;
    let before = stage.sim.message_count(stage.general());
    let view = uses(&stage, "anna", message, "yes", &[]).await;
    assert_eq!(view.response_type, Some(6));
    let told = stage.written_since(stage.general(), before);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["content"], json!("anna said yes"));
    // Now nobody waits for it.
    let again = click(&stage, message, "yes").await;
    assert_eq!(again, "Nobody handles this any more. (alone)");
}

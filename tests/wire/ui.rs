//! `@cogsmith/ui`: what its builders return, what they refuse, and what becomes of it in messages.

use crate::support::cases::{case, check_in, cog_of};
use crate::support::log::{listen, logged};
use crate::support::{Stage, setup};
use cogsmith::sim::InteractionRequest;
use serde_json::{Value, json};

/// JSON with its names in order: Luau's tables have none.
const SHOW: &str = r#"local json = require("@cogsmith/json")
local function show(value)
    if type(value) ~= "table" or value[1] == nil and next(value) == nil then
        return json.encode(value)
    end
    local parts = {}
    if value[1] ~= nil then
        for _, item in value do table.insert(parts, show(item)) end
        return "[" .. table.concat(parts, ",") .. "]"
    end
    for name, item in value do table.insert(parts, `{name}={show(item)}`) end
    table.sort(parts)
    return "{" .. table.concat(parts, " ") .. "}"
end
return show
"#;

/// Each case is an expression, and what it is, or how its error reads.
async fn check(cases: &[(&str, &str)]) {
    let cases: Vec<_> = cases
        .iter()
        .map(|(body, expected)| {
            let head = "local ui = require('@cogsmith/ui') local show = require('../utils/show')";
            case(
                &format!("{head} return why(function() error({{ kind = 'is', message = show({body}) }}) end)"),
                expected,
            )
        })
        .collect();
    let stage = setup(&[
        ("cogs/cases.luau", &cog_of(&cases)),
        ("utils/show.luau", SHOW),
    ]);
    check_in(stage, &cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn builders_return_discords_own_tables() {
    check(&[
        (r#"ui.button { id = "a", label = "Yes" }"#, r#"is: {custom_id="a" label="Yes" style=2 type=2}"#),
        (r#"ui.button { id = "a", style = "danger", emoji = "🎉", disabled = true }"#, r#"is: {custom_id="a" disabled=true emoji={name="🎉"} style=4 type=2}"#),
        (r#"ui.button { id = "a", emoji = "<a:wave:123456789012345678>" }"#, r#"is: {custom_id="a" emoji={id="123456789012345678" name="wave"} style=2 type=2}"#),
        (r#"ui.button { id = "a", emoji = { name = "x", id = "12" } }"#, r#"is: {custom_id="a" emoji={id="12" name="x"} style=2 type=2}"#),
        (r#"ui.link { url = "https://x.example", label = "x" }"#, r#"is: {label="x" style=5 type=2 url="https://x.example"}"#),
        (r#"ui.premium { sku_id = "123" }"#, r#"is: {sku_id="123" style=6 type=2}"#),
        (r#"ui.select { id = "s", options = { "a", { label = "b", value = "2", emoji = "🎉", default = true } }, placeholder = "p", min = 1, max = 2 }"#, r#"is: {custom_id="s" max_values=2 min_values=1 options=[{label="a" value="a"},{default=true emoji={name="🎉"} label="b" value="2"}] placeholder="p" type=3}"#),
        (r#"ui.select { id = "s", type = "user", defaults = { "12" } }"#, r#"is: {custom_id="s" default_values=[{id="12" type="user"}] type=5}"#),
        (r#"ui.select { id = "s", type = "mentionable", defaults = { { id = "12", type = "role" } } }"#, r#"is: {custom_id="s" default_values=[{id="12" type="role"}] type=7}"#),
        (r#"ui.select { id = "s", type = "channel", channel_types = { 0, 5 } }"#, r#"is: {channel_types=[0,5] custom_id="s" type=8}"#),
        (r#"ui.row { ui.button { id = "a", label = "A" }, ui.link { url = "https://x.example", label = "x" } }"#, r#"is: {components=[{custom_id="a" label="A" style=2 type=2},{label="x" style=5 type=2 url="https://x.example"}] type=1}"#),
        (r#"ui.container { color = 0xff0000, spoiler = true, components = { ui.text("hi"), ui.separator() } }"#, r#"is: {accent_color=16711680 components=[{content="hi" type=10},{type=14}] spoiler=true type=17}"#),
        (r#"ui.section { text = { "a", "b" }, accessory = ui.thumbnail("https://x.example/a.png") }"#, r#"is: {accessory={media={url="https://x.example/a.png"} type=11} components=[{content="a" type=10},{content="b" type=10}] type=9}"#),
        (r#"ui.section { text = "a", accessory = ui.button { id = "b", label = "B" } }.components"#, r#"is: [{content="a" type=10}]"#),
        (r#"ui.thumbnail { url = "attachment://a.png", description = "d", spoiler = true }"#, r#"is: {description="d" media={url="attachment://a.png"} spoiler=true type=11}"#),
        (r#"ui.gallery { "https://x.example/a.png", { url = "https://x.example/b.png", description = "b" } }"#, r#"is: {items=[{media={url="https://x.example/a.png"}},{description="b" media={url="https://x.example/b.png"}}] type=12}"#),
        (r#"ui.file("a.txt")"#, r#"is: {file={url="attachment://a.txt"} type=13}"#),
        (r#"ui.file { filename = "attachment://a.txt", spoiler = true }"#, r#"is: {file={url="attachment://a.txt"} spoiler=true type=13}"#),
        (r#"ui.separator { divider = false, large = true }"#, r#"is: {divider=false spacing=2 type=14}"#),
        (r#"ui.embed { title = "t", author = "a", footer = "f", image = "https://x.example/i.png", thumbnail = { url = "https://x.example/t.png" }, timestamp = 0, color = 255, fields = { { name = "n", value = "v", inline = true } } }"#, r#"is: {author={name="a"} color=255 fields=[{inline=true name="n" value="v"}] footer={text="f"} image={url="https://x.example/i.png"} thumbnail={url="https://x.example/t.png"} timestamp="1970-01-01T00:00:00Z" title="t"}"#),
        (r#"ui.embed { description = "x", timestamp = "2024-01-01T00:00:00Z" }.timestamp"#, r#"is: "2024-01-01T00:00:00Z""#),
        (r#"ui.modal { id = "m", title = "T", components = { ui.text("hi"), ui.text_input { id = "t", label = "L", description = "D", style = "paragraph", min_length = 1, max_length = 9 } } }"#, r#"is: {components=[{content="hi" type=10},{component={custom_id="t" max_length=9 min_length=1 style=2 type=4} description="D" label="L" type=18}] custom_id="m" title="T"}"#),
        (r#"ui.modal { title = "T", components = { ui.checkbox { id = "c", label = "C", default = true } } }"#, r#"is: {components=[{component={custom_id="c" default=true type=23} label="C" type=18}] title="T"}"#),
        (r#"ui.label { label = "L", component = ui.select { id = "s", options = { "a" } } }"#, r#"is: {component={custom_id="s" options=[{label="a" value="a"}] type=3} label="L" type=18}"#),
        (r#"ui.select { id = "s", options = { "a" }, label = "L", required = false }"#, r#"is: {component={custom_id="s" options=[{label="a" value="a"}] required=false type=3} label="L" type=18}"#),
        (r#"ui.label { label = "L", component = ui.file_upload { id = "f", max = 3 } }"#, r#"is: {component={custom_id="f" max_values=3 type=19} label="L" type=18}"#),
        (r#"ui.radio_group { id = "r", label = "R", options = { "a", { label = "b", description = "B" } } }.component"#, r#"is: {custom_id="r" options=[{label="a" value="a"},{description="B" label="b" value="b"}] type=21}"#),
        (r#"ui.checkbox_group { id = "g", options = { "a", "b" }, min = 0 }"#, r#"is: {custom_id="g" min_values=0 options=[{label="a" value="a"},{label="b" value="b"}] type=22}"#),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_names_function_field_expected_and_what_came() {
    check(&[
        ("ui.button()", "argument: ui.button: expected a table, got nil"),
        (r#"ui.button { label = "x" }"#, "argument: ui.button: id: expected the id that a click brings back, got nothing"),
        (r#"ui.button { id = "a" }"#, "argument: ui.button: label: expected a label, an emoji or both, got nothing"),
        (r#"ui.button { id = ("x"):rep(101), label = "x" }"#, "argument: ui.button: id: expected a string of 1 to 100 characters, got a string of 101 characters"),
        (r#"ui.button { id = "a", label = ("ä"):rep(81) }"#, "argument: ui.button: label: expected a string of at most 80 characters, got a string of 81 characters"),
        (r#"ui.button { custom_id = "a", label = "x" }"#, "argument: ui.button: there is no field \"custom_id\"; here it is called \"id\""),
        (r#"ui.button { id = "a", lable = "x" }"#, "argument: ui.button: there is no field \"lable\"; did you mean \"label\"?"),
        (r#"ui.button { id = "a", label = "x", style = "red" }"#, "argument: ui.button: style: expected one of \"primary\", \"secondary\", \"success\", \"danger\", got the string \"red\""),
        (r#"ui.button { id = "a", emoji = "smile" }"#, "argument: ui.button: emoji: expected an emoji like \"🎉\" or \"<:name:id>\", got the string \"smile\""),
        (r#"ui.button { id = "a", emoji = { nme = "x" } }"#, "argument: ui.button: there is no field \"emoji.nme\"; did you mean \"name\"?"),
        (r#"ui.link { url = "x.example", label = "x" }"#, "argument: ui.link: url: expected a URL of at most 512 characters, got the string \"x.example\""),
        (r#"ui.select { id = "s" }"#, "argument: ui.select: options: expected a list of options, each a string or a table, got nil"),
        (r#"ui.select { id = "s", options = {} }"#, "argument: ui.select: options: expected a list of 1 to 25 items, got a list of 0 items"),
        (r#"ui.select { id = "s", options = table.create(26, "a") }"#, "argument: ui.select: options: expected a list of 1 to 25 items, got a list of 26 items"),
        (r#"ui.select { id = "s", options = { "a", "a" } }"#, "argument: ui.select: options[2]: expected a value of its own, got the string \"a\" again"),
        (r#"ui.select { id = "s", options = { "a" }, max = 2 }"#, "argument: ui.select: options: expected at least 2 options, as max_values says, got 1"),
        (r#"ui.select { id = "s", options = { "a", "b" }, min = 2 }"#, "argument: ui.select: min: expected at most 1, which is max_values, got 2"),
        (r#"ui.select { id = "s", options = { { lable = "a" } } }"#, "argument: ui.select: options[1]: there is no field \"lable\"; did you mean \"label\"?"),
        (r#"ui.select { id = "s", options = { { label = ("a"):rep(101), value = "a" } } }"#, "argument: ui.select: options[1].label: expected a string of 1 to 100 characters, got a string of 101 characters"),
        (r#"ui.select { id = "s", options = { 5 } }"#, "argument: ui.select: options[1]: expected a string or a table, got the number 5"),
        (r#"ui.select { id = "s", type = "user", options = { "a" } }"#, "argument: ui.select: options: expected nothing: Discord lists what a select of type \"user\" offers, got a table"),
        (r#"ui.select { id = "s", type = "users" }"#, "argument: ui.select: type: expected one of \"string\", \"user\", \"role\", \"mentionable\", \"channel\", got the string \"users\""),
        (r#"ui.select { id = "s", type = "role", channel_types = { 0 } }"#, "argument: ui.select: channel_types: expected nothing: they are for the type \"channel\", got a table"),
        (r#"ui.select { id = "s", type = "role", defaults = { 5 } }"#, "argument: ui.select: defaults[1]: expected an id, got the number 5"),
        (r#"ui.select { id = "s", type = "role", defaults = { "1", "2" } }"#, "argument: ui.select: defaults: expected at most 1, which is max_values, got 2"),
        ("ui.row {}", "argument: ui.row: expected a list of 1 to 5 items, got a list of 0 items"),
        (r#"ui.row("x")"#, "argument: ui.row: expected a list of buttons, or of one select, got the string \"x\""),
        (r#"ui.row { ui.button { id = "a", label = "x" }, ui.button { id = "a", label = "y" } }"#, "argument: ui.row: [2].custom_id: expected an id of its own, got the string \"a\", which components[1] has, too"),
        (r#"ui.row { ui.button { id = "a", label = "x" }, ui.select { id = "s", options = { "a" } } }"#, "argument: ui.row: expected up to 5 buttons, or one select alone, got 2 components, a select among them"),
        (r#"ui.row { ui.text("x") }"#, "argument: ui.row: [1]: expected a button or a select, got a text"),
        (r#"ui.row { "x" }"#, "argument: ui.row: [1]: expected a component, such as ui.text(…), got the string \"x\""),
        (r#"ui.row { { type = 2, style = 1, label = "x", custom_id = "a", colour = 5 } }"#, "argument: ui.row: there is no field \"[1].colour\"…"),
        (r#"ui.container { components = { ui.container { components = { ui.text("x") } } } }"#, "argument: ui.container: components[1]: expected a row, a text, a section, a gallery, a file or a separator, got a container"),
        (r#"ui.container { components = { ui.text("x") }, color = 2 ^ 24 }"#, "argument: ui.container: color: expected an integer from 0 to 16777215, got the number 16777216"),
        (r#"ui.container { components = table.create(40, ui.separator()) }"#, "argument: ui.container: expected at most 40 components, with those inside of others, got 41"),
        (r#"ui.container { components = { ui.text(("x"):rep(4000)), ui.text("y") } }"#, "argument: ui.container: expected at most 4000 characters in all texts together, got 4001"),
        (r#"ui.section { text = { "1", "2", "3", "4" }, accessory = ui.thumbnail("https://x.example") }"#, "argument: ui.section: text: expected a list of 1 to 3 items, got a list of 4 items"),
        (r#"ui.section { text = "x" }"#, "argument: ui.section: accessory: expected a component, got nil"),
        (r#"ui.section { text = "x", accessory = ui.text("y") }"#, "argument: ui.section: accessory: expected a button or a thumbnail, got a text"),
        (r#"ui.section { text = { "a", "" }, accessory = ui.thumbnail("https://x.example") }"#, "argument: ui.section: text[2].content: expected a string of 1 to 4000 characters, got the string \"\""),
        (r#"ui.text("")"#, "argument: ui.text: expected a string of 1 to 4000 characters, got the string \"\""),
        (r#"ui.text("\xff")"#, "argument: ui.text: the text: is not valid UTF-8"),
        ("ui.text(5)", "argument: ui.text: expected a string, got the number 5"),
        ("ui.gallery {}", "argument: ui.gallery: expected a list of 1 to 10 items, got a list of 0 items"),
        (r#"ui.gallery { "nowhere" }"#, "argument: ui.gallery: [1].media.url: expected a URL of at most 2048 characters, got the string \"nowhere\""),
        (r#"ui.gallery { { urls = "x" } }"#, "argument: ui.gallery: [1]: there is no field \"urls\"; did you mean \"url\"?"),
        (r#"ui.thumbnail { media = "x" }"#, "argument: ui.thumbnail: there is no field \"media\"; here it is called \"url\""),
        ("ui.separator { large = 2 }", "argument: ui.separator: large: expected true or false, got the number 2"),
        ("ui.embed {}", "argument: ui.embed: description: expected something to show: a title, a description, fields, an image …, got nothing"),
        (r#"ui.embed { title = ("x"):rep(257) }"#, "argument: ui.embed: title: expected a string of at most 256 characters, got a string of 257 characters"),
        (r#"ui.embed { title = "x", colour = 5 }"#, "argument: ui.embed: there is no field \"colour\"; did you mean \"color\"?"),
        (r#"ui.embed { title = "x", author = { nam = "x" } }"#, "argument: ui.embed: there is no field \"author.nam\"; did you mean \"name\"?"),
        (r#"ui.embed { title = "x", footer = ("x"):rep(2049) }"#, "argument: ui.embed: footer.text: expected a string of at most 2048 characters, got a string of 2049 characters"),
        (r#"ui.embed { fields = { { name = "n" } } }"#, "argument: ui.embed: fields[1].value: expected a string of at most 1024 characters, got nothing"),
        (r#"ui.embed { fields = { { name = "n", value = " " } } }"#, "argument: ui.embed: fields[1].value: expected a text that is not empty, got an empty one"),
        (r#"ui.embed { fields = table.create(26, { name = "n", value = "v" }) }"#, "argument: ui.embed: fields: expected a list of at most 25 items, got a list of 26 items"),
        (r#"ui.embed { fields = table.create(6, { name = "n", value = ("v"):rep(1000) }) }"#, "argument: ui.embed: expected at most 6000 characters in all texts of an embed together, got 6006"),
        (r#"ui.embed { fields = { "x" } }"#, "argument: ui.embed: fields[1]: expected a table { name, value, inline? }, got the string \"x\""),
        (r#"ui.embed { title = "x", timestamp = 1e300 }"#, "argument: ui.embed: timestamp: expected a time (ISO 8601, or Unix seconds), got the number…"),
        (r#"ui.embed { title = "x", timestamp = "now" }"#, "argument: ui.embed: timestamp: expected a time (ISO 8601, or Unix seconds), got the string \"now\""),
        (r#"ui.embed { title = "x", image = "x" }"#, "argument: ui.embed: image.url: expected a URL of at most 2048 characters, got the string \"x\""),
        (r#"ui.modal { title = ("x"):rep(46), components = { ui.text("x") } }"#, "argument: ui.modal: title: expected a string of 1 to 45 characters, got a string of 46 characters"),
        (r#"ui.modal { title = "x", components = {} }"#, "argument: ui.modal: components: expected a list of 1 to 40 items, got a list of 0 items"),
        (r#"ui.modal { title = "x", components = table.create(6, ui.text("x")) }"#, "argument: ui.modal: components: expected 1 to 5 components, got 6"),
        (r#"ui.modal { title = "x", components = { ui.text_input { id = "a" } } }"#, "argument: ui.modal: components[1]: expected a label, a text or a row, got a text input"),
        (r#"ui.text_input { id = "a", label = ("x"):rep(46) }"#, "argument: ui.text_input: label: expected a string of 1 to 45 characters, got a string of 46 characters"),
        (r#"ui.text_input { id = "a", label = "x", min_length = 5, max_length = 4 }"#, "argument: ui.text_input: min_length: expected at most 4, which is max_length, got 5"),
        (r#"ui.text_input { id = "a", description = "x" }"#, "argument: ui.text_input: description: expected nothing without a label, got the string \"x\""),
        (r#"ui.label { label = "x", component = ui.button { id = "a", label = "x" } }"#, "argument: ui.label: component: expected a text input, a select, a file upload, a radio group, a checkbox group or a checkbox, got a button"),
        (r#"ui.radio_group { id = "r", options = { "a" } }"#, "argument: ui.radio_group: options: expected a list of 2 to 10 items, got a list of 1 item"),
        (r#"ui.radio_group { id = "r", options = { { label = "a", emoji = "🎉" }, "b" } }"#, "argument: ui.radio_group: options[1]: there is no field \"emoji\"…"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_tables_are_errors() {
    check(&[
        ("(function() local t = {} t[1] = t return ui.row(t) end)()", "argument: ui.row: [1]…"),
        ("(function() local t = { type = 17 } t.components = { t } return ui.container(t) end)()", "argument: ui.container: there is no field \"type\"…"),
        ("(function() local t = { type = 17 } t.components = { t } return ui.container { components = { t } } end)()", "argument: ui.container: components[1].components[1]…"),
        ("(function() local t = { type = 1, components = {} } for _ = 1, 50 do t = { type = 1, components = { t } } end return ui.row { t } end)()", "argument: ui.row: [1]: expected a button or a select, got a row"),
        ("ui.row(setmetatable({}, { __index = error, __len = error, __iter = error }))", "argument: ui.row: expected a list of 1 to 5 items, got a list of 0 items"),
        ("ui.row(table.create(100000, 1))", "argument: ui.row: expected a list of buttons, or of one select, got a list of 100000 items"),
        ("ui.row { nil, ui.button { id = 'a', label = 'x' } }", "argument: ui.row: [1]: expected a component, got nil"),
        ("ui.row { [2] = 5 }", "argument: ui.row: expected a list of buttons, or of one select, got a table that is no list"),
        ("ui.text(('x'):rep(17 * 2 ^ 20))", "argument: ui.text: the text: holds more than 16 MB"),
        ("ui.embed { title = ('x'):rep(2 ^ 20) }", "argument: ui.embed: title: expected a string of at most 256 characters, got a string of 1048576 characters"),
        ("ui.embed { title = print }", "argument: ui.embed: title: a function cannot be sent"),
        ("ui.select { id = 's', options = { [1] = 'a', x = 1 } }.options", "is: [{label=\"a\" value=\"a\"}]"),
    ])
    .await;
}

/// The error is at the line where the part is built, not where it is sent.
#[tokio::test(flavor = "multi_thread")]
async fn an_error_is_at_the_authors_line() {
    let stage = one_cog(
        r#"cog.command { name = "a", run = function(ctx)
    local ok, problem = pcall(function()
        return ui.row {
            ui.button { id = "a" },
        }
    end)
    ctx:reply(`{problem.file}:{problem.line} {problem.kind}`)
end }
cog.command { name = "b", run = function(ctx)
    local ok, problem = pcall(function()
        ctx:reply { components = { { type = 10, content = "x" } }, content = "y" }
    end)
    ctx:reply(`{problem.file}:{problem.line} {problem.message}`)
end }
"#,
    )
    .await;
    assert_eq!(stage.ask("!a").await, "lua/cogs/t.luau:6 argument");
    assert_eq!(
        stage.ask("!b").await,
        "lua/cogs/t.luau:13 ctx:reply: content: expected nothing beside a text (put the text into ui.text), got the string \"y\""
    );
}

async fn one_cog(body: &str) -> Stage {
    let head = "local cog = require(\"@cogsmith/cog\") local discord = require(\"@cogsmith/discord\")\nlocal ui = require(\"@cogsmith/ui\") cog.info { capabilities = { \"messages.send\", \"messages.read\", \"threads.manage\" } }\n";
    setup(&[("cogs/t.luau", &format!("{head}{body}"))])
        .start()
        .await
}

const V2: u64 = 1 << 15;

fn types(message: &Value) -> Vec<u64> {
    let components = message["components"].as_array().unwrap().iter();
    components.map(|it| it["type"].as_u64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_built_can_be_sent_everywhere_and_the_host_sets_the_flag() {
    let stage = one_cog(
        r#"
local box = ui.container { components = { ui.text("in a box"), ui.row { ui.button { id = "a", label = "A" } } } }
cog.command { name = "box", run = function(ctx) ctx:reply { components = { box } } end }
cog.command { name = "quiet", run = function(ctx) ctx:reply { components = { box }, ephemeral = true } end }
cog.command { name = "old", run = function(ctx)
    ctx:reply { content = "pick", embeds = { ui.embed { title = "E" } }, components = { ui.row { ui.button { id = "a", label = "A" } } } }
end }
cog.command { name = "made", run = function(ctx)
    local message = discord.create_message { channel_id = ctx.channel_id, components = { box }, flags = 4096 }
    ctx:reply(tostring(message.flags))
end }
cog.command { name = "changes", run = function(ctx)
    ctx:reply { content = "before", embeds = { ui.embed { title = "E" } } }
    ctx:edit { components = { ui.text("after") } }
end }
cog.command { name = "again", run = function(ctx)
    local message = ctx:reply { components = { ui.text("before") } }
    message:edit { components = { ui.text("after"), box } }
end }
"#,
    )
    .await;
    let box_of = |message: &Value| {
        assert_eq!(types(message), [17]);
        assert_eq!(
            message["components"][0]["components"][0]["content"],
            "in a box"
        );
        message["flags"].as_u64().unwrap()
    };
    let typed = stage.says("anna", "!box").await;
    assert_eq!(box_of(&typed[0]) & V2, V2);
    let anna = stage.sim.user("anna").unwrap();
    for (name, flags) in [("box", V2), ("quiet", V2 | 64)] {
        let request = InteractionRequest::Slash {
            name: name.to_owned(),
            options: json!({}),
        };
        let call = stage.sim.interact(anna, stage.general(), request).unwrap();
        stage.settled().await;
        assert_eq!(box_of(&call.state().message.unwrap()), flags, "{name}");
    }
    let old = &stage.says("anna", "!old").await[0];
    assert_eq!(
        (types(old), old["flags"].as_u64().unwrap() & V2),
        (vec![1], 0)
    );
    assert_eq!(old["embeds"][0]["title"], "E");
    let made = stage.says("anna", "!made").await;
    assert_eq!(made[1]["content"], (V2 | 4096).to_string());
    // What cannot stand beside them goes.
    let changed = &stage.says("anna", "!changes").await[0];
    assert_eq!(
        (types(changed), &changed["content"]),
        (vec![10], &json!(""))
    );
    assert_eq!(changed["embeds"], json!([]));
    let again = &stage.says("anna", "!again").await[0];
    assert_eq!(types(again), [10, 17]);
}

#[tokio::test(flavor = "multi_thread")]
async fn raw_tables_are_checked_before_they_are_sent() {
    let stage = one_cog(
        r#"
local function why(body)
    return function(ctx)
        local ok, problem = pcall(body, ctx)
        ctx:reply(if ok then "sent" else problem.message)
    end
end
local function button(id) return { type = 2, style = 1, label = "x", custom_id = id } end
local long = { description = ("x"):rep(3500) }
cog.command { name = "twice", run = why(function(ctx) ctx:reply { components = { { type = 1, components = { button("a"), button("a") } } } } end) }
cog.command { name = "long", run = why(function(ctx) discord.create_message { channel_id = ctx.channel_id, embeds = { long, long } } end) }
cog.command { name = "nested", run = why(function(ctx) ctx:reply { components = { { type = 17, components = { button("a") } } } } end) }
cog.command { name = "bare", run = why(function(ctx) ctx:reply { content = "x", components = { button("a") } } end) }
cog.command { name = "thread", run = why(function(ctx) discord.create_thread { channel_id = ctx.channel_id, name = "n", message = { embeds = { {} } } } end) }
cog.command { name = "poll", run = why(function(ctx) ctx:reply { components = { ui.text("x") }, poll = { question = { text = "q" }, answers = { { poll_media = { text = "a" } } } } } end) }
"#,
    )
    .await;
    stage.sim.clear_requests();
    for (command, expected) in [
        (
            "!twice",
            "ctx:reply: components[1].components[2].custom_id: expected an id of its own, got the string \"a\", which components[1].components[1] has, too",
        ),
        (
            "!long",
            "discord.create_message: embeds: expected at most 6000 characters in all texts of all embeds together, got 7000",
        ),
        (
            "!nested",
            "ctx:reply: components[1].components[1]: expected a row, a text, a section, a gallery, a file or a separator, got a button",
        ),
        (
            "!bare",
            "ctx:reply: components[1]: expected a row, got a button",
        ),
        (
            "!thread",
            "discord.create_thread: message.embeds[1].description: expected something to show: a title, a description, fields, an image …, got nothing",
        ),
        (
            "!poll",
            "ctx:reply: poll: expected nothing beside a text (send it as a message of its own), got a table with named fields",
        ),
    ] {
        assert_eq!(stage.ask(command).await, expected, "{command}");
    }
    // Nothing but the answers was sent.
    let sent = stage.sim.requests().len();
    assert_eq!(sent, 6, "{:#?}", stage.sim.requests());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_prints_as_what_it_is() {
    listen();
    let stage = setup(&[(
        "cogs/printer_of_parts.luau",
        r#"local cog = require("@cogsmith/cog") local ui = require("@cogsmith/ui")
cog.command { name = "show", run = function(ctx) print(ui.button { id = "press-me", label = "Press" }) ctx:reply("done") end }"#,
    )])
    .start()
    .await;
    assert_eq!(stage.ask("!show").await, "done");
    let lines = logged(&[
        "printer_of_parts",
        "\"custom_id\":\"press-me\"",
        "\"type\":2",
    ]);
    assert_eq!(lines.len(), 1, "{lines:?}");
}

/// Who does not go through the host meets the same rules, in Discord's form.
#[tokio::test(flavor = "multi_thread")]
async fn the_simulator_refuses_the_same_with_discords_words() {
    let stage = setup(&[]).start().await;
    let owner = stage.sim.owner();
    let path = format!("/channels/{}/messages", stage.general());
    let button = json!({ "type": 2, "style": 1, "label": "x", "custom_id": "a" });
    for (body, place, code) in [
        (
            json!({ "embeds": vec![json!({ "description": "x".repeat(3_001) }); 2] }),
            "/embeds",
            "MAX_EMBED_SIZE_EXCEEDED",
        ),
        (
            json!({ "embeds": [{ "color": 1 }] }),
            "/embeds/0/description",
            "BASE_TYPE_REQUIRED",
        ),
        (
            json!({ "content": "x", "components": [{ "type": 1, "components": [button, button] }] }),
            "/components/0/components/1/custom_id",
            "COMPONENT_CUSTOM_ID_DUPLICATED",
        ),
        (
            json!({ "components": [{ "type": 10, "content": "x" }] }),
            "/components/0/type",
            "UNION_TYPE_CHOICES",
        ),
        (
            json!({ "flags": V2, "components": [{ "type": 10, "content": "x" }], "content": "y" }),
            "/content",
            "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
        ),
        (
            json!({ "flags": V2, "components": vec![json!({ "type": 10, "content": "x".repeat(2_001) }); 2] }),
            "/components",
            "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED",
        ),
        (
            json!({ "flags": V2, "components": [{ "type": 17, "components": vec![json!({ "type": 14 }); 40] }] }),
            "/components",
            "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED",
        ),
    ] {
        let refused = stage.sim.call_as(owner, "POST", &path, body).unwrap_err();
        let cogsmith::sim::SimError::Refused(refused) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!((refused.status, refused.code), (400, 50_035));
        let errors = refused.body()["errors"].clone();
        let found = errors.pointer(&format!("{place}/_errors/0/code"));
        assert_eq!(found, Some(&json!(code)), "{errors}");
    }
}

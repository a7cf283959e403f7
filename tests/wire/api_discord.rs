//! `@cogsmith/discord` and Discord's objects, over the wire.

use crate::support::cases::{Case, case, check, check_in, cog_of};
use crate::support::setup;

#[tokio::test(flavor = "multi_thread")]
async fn operations_take_discords_fields_and_give_its_answers() {
    check(&[
        case(
            r#"local m = discord.create_message { channel_id = ctx.channel_id, content = "made" }
local edited = discord.update_message { channel_id = ctx.channel_id, message_id = m.id, content = "edited" }
local read = discord.get_message { channel_id = ctx.channel_id, message_id = m.id }
discord.delete_message { channel_id = ctx.channel_id, message_id = m.id }
local gone, err = discord.try(discord.get_message, { channel_id = ctx.channel_id, message_id = m.id })
return `{m.content} {edited.content} {read.content} {read.author.username} {gone} {err.status} {err.code} {err.operation}`"#,
            "made edited edited cogsmith nil 404 10008 get_message",
        ),
        case(
            r#"local m = discord.create_message { channel_id = ctx.channel_id, content = "x", embeds = { { title = "t", fields = { { name = "n", value = "v" } }, timestamp = 0 } } }
return `{#m.embeds} {m.embeds[1].fields[1].name} {m.embeds[1].timestamp:sub(1, 10)} {m.embeds[2]} {#m.attachments}`"#,
            "1 n 1970-01-01 nil 0",
        ),
        case(
            r#"local m = discord.create_message { channel_id = ctx.channel_id, files = { { filename = "a.txt", content = "\0\255bytes" }, { filename = "b.txt", content = buffer.fromstring("b") } } }
return `{#m.attachments} {m.attachments[1].filename} {m.attachments[1].size} {m.attachments[2].size}`"#,
            "2 a.txt 7 1",
        ),
        case(
            r#"local names = {} for _, m in discord.list_guild_members { guild_id = ctx.guild_id, limit = 10 } do table.insert(names, m.user.username .. tostring(m.guild_id == ctx.guild_id)) end
table.sort(names) return table.concat(names, " ")"#,
            "annatrue bentrue cogsmithtrue ownertrue",
        ),
        case(
            r#"local anna for _, m in discord.list_guild_members { guild_id = ctx.guild_id, limit = 10 } do if m.user.username == "anna" then anna = m end end
local role = discord.create_guild_role { guild_id = ctx.guild_id, name = "new", permissions = { "send_messages" }, reason = "a test" }
anna:add_role(role.id, "why")
local after = discord.get_guild_member { guild_id = ctx.guild_id, user_id = anna.user.id }
anna:remove_role(role.id)
anna:timeout("5m")
local timed = discord.get_guild_member { guild_id = ctx.guild_id, user_id = anna.user.id }
role:delete()
return `{#after.roles} {after.roles[1] == role.id} {timed.communication_disabled_until ~= nil} {role.permissions}`"#,
            "1 true true 2048",
        ),
        case(
            r#"local m = ctx:reply("react to me")
m:react("👍")
local r = discord.get_message { channel_id = ctx.channel_id, message_id = m.id }.reactions[1]
m:pin()
m:edit { content = "edited" }
local pinned = discord.get_message { channel_id = ctx.channel_id, message_id = m.id }.pinned
m:delete()
ctx:reply("done")
return `{r.count} {r.emoji.name} {pinned}`"#,
            "1 👍 true",
        ),
        case(r#"local c = discord.get_channel { channel_id = ctx.channel_id } local m = c:send("sent") c:typing() return m.content .. c.name"#, "sentgeneral"),
        case(r#"local m = ctx.author:send("to you") return m.content .. tostring(m.channel_id ~= ctx.channel_id) .. ctx.member:send { content = "again" }.content"#, "to youtrueagain"),
        case(r#"return why(discord.update_message, { channel_id = ctx.channel_id, message_id = ctx.message.id, content = "x" })"#, "discord: …"),
        case(r#"discord.update_channel { channel_id = ctx.channel_id, topic = "t" } local before = discord.get_channel { channel_id = ctx.channel_id }.topic discord.update_channel { channel_id = ctx.channel_id, topic = discord.null } return before .. tostring(discord.get_channel { channel_id = ctx.channel_id }.topic)"#, "tnil"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_before_anything_is_sent() {
    let cases = [
        case(
            r#"return why(function() return discord.create_mesage end)"#,
            r#"argument: discord: there is no operation "create_mesage"; did you mean "create_message"?"#,
        ),
        case(
            r#"return why(function() return discord[5] end)"#,
            "argument: discord: the operation: expected a string of at most 100 characters, got the number 5",
        ),
        case(
            r#"return why(function() return discord[("x"):rep(1e6)] end)"#,
            "argument: discord: the operation: expected a string of at most 100 characters, got the string …",
        ),
        case(
            r#"return why(function() return discord.create_interaction_response end)"#,
            "capability: discord.create_interaction_response: only the host may call this operation",
        ),
        case(
            r#"return why(function() discord.create_message = 1 end)"#,
            "readonly: attempt to modify a readonly table: `discord.create_message` cannot be set…",
        ),
        case(
            r#"return why(discord.create_message)"#,
            "argument: discord.create_message: channel_id: expected …",
        ),
        case(
            r#"return why(discord.create_message, 5)"#,
            "argument: discord.create_message: expected a table, got the number 5",
        ),
        case(
            r#"return why(discord.create_message, { "x" })"#,
            "argument: discord.create_message: expected fields with names, got the number 1",
        ),
        case(
            r#"return why(discord.create_message, { channel_id = 5, content = "x" })"#,
            "argument: discord.create_message: channel_id: expected …",
        ),
        case(
            r#"return why(discord.create_message, { channel_id = "x", content = "x" })"#,
            "argument: discord.create_message: channel_id: expected …",
        ),
        case(
            r#"return why(discord.create_message, { channel_id = "1/../2", content = "x" })"#,
            "argument: discord.create_message: channel_id: expected …",
        ),
        case(
            r#"return why(discord.create_message, { channel_id = "1", contnt = "x" })"#,
            r#"argument: discord.create_message has no field "contnt"; did you mean "content"?"#,
        ),
        case(
            r#"return why(discord.create_message, { channel_id = "1", content = {} })"#,
            "argument: discord.create_message: content: expected …",
        ),
        case(
            r#"return why(discord.create_message, { channel_id = "1", content = ("x"):rep(4001) })"#,
            "argument: discord.create_message: content: expected …",
        ),
        case(
            r#"return why(discord.create_message, { channel_id = "1", content = print })"#,
            "argument: discord.create_message: content: a function cannot be sent",
        ),
        case(
            r#"return why(discord.create_message, { channel_id = "1", embeds = { { color = "red" } } })"#,
            "argument: discord.create_message: embeds[1].color: expected …",
        ),
        case(
            r#"return why(discord.create_message, { channel_id = "1", embeds = { { tittle = "x" } } })"#,
            r#"argument: discord.create_message has no field "embeds[1].tittle"; did you mean "title"?"#,
        ),
        case(
            r#"return why(discord.create_message, { channel_id = "1", content = "\xff" })"#,
            "argument: discord.create_message: content: is not valid UTF-8",
        ),
        case(
            r#"return why(discord.create_message, { channel_id = "1", files = { 5 } })"#,
            "argument: discord.create_message: files: expected a list of { filename, content }, got the number 5",
        ),
        case(
            r#"return why(discord.create_message, { channel_id = "1", files = { { filename = "x", content = 5 } } })"#,
            "argument: discord.create_message: files: content: expected a string or a buffer, got the number 5",
        ),
        case(
            r#"local s = ("x"):rep(5e6) local f = {} for i = 1, 10 do f[i] = { filename = "x", content = s } end return why(discord.create_message, { channel_id = "1", files = f })"#,
            "argument: discord.create_message: files: more than 25 MB",
        ),
        case(
            r#"local s, t = ("x"):rep(1e6), {} for i = 1, 100 do t[i] = s end return why(discord.create_message, { channel_id = "1", embeds = t })"#,
            "argument: discord.create_message: embeds[17]: holds more than 16 MB",
        ),
        case(
            r#"local e = ctx.message local t = {} for i = 1, 2e5 do t[i] = e end return why(discord.create_message, { channel_id = "1", embeds = t })"#,
            "argument: discord.create_message: embeds[…",
        ),
        case(
            r#"return why(discord.get_channel, { channel_id = "1", files = { { filename = "x", content = "" } } })"#,
            r#"argument: discord.get_channel has no field "files"…"#,
        ),
        case(
            r#"return why(discord.create_guild_role, { guild_id = ctx.guild_id, permissions = { "fly" } })"#,
            "argument: discord.create_guild_role: permissions…",
        ),
        case(r#"return why(discord.create_guild, {})"#, "…"),
        case(
            r#"return why(discord.update_guild, { guild_id = ctx.guild_id, name = "x" })"#,
            "capability: discord.update_guild: needs the capability …",
        ),
        case(
            r#"return why(discord.create_message, { channel_id = "1", content = "x", allowed_mentions = { parse = { "everyone" } } })"#,
            r#"capability: discord.create_message: needs the capability "mentions.everyone"…"#,
        ),
        case(
            r#"return why(ctx.reply, ctx, { content = "x", allowed_mentions = { parse = { "everyone" } } })"#,
            r#"capability: ctx:reply: needs the capability "mentions.everyone"…"#,
        ),
        case(
            r#"return why(discord.try, 5)"#,
            "argument: discord.try: the operation: expected a function, got the number 5",
        ),
        case(
            r#"return why(discord.try, discord.create_message, { contnt = "x" })"#,
            "argument: discord.create_message…",
        ),
        case(
            r#"return why(ctx.message.reply)"#,
            "argument: message:reply: called on nil; write a colon, as in `message:reply(…)`",
        ),
        case(
            r#"return why(ctx.message.reply, ctx)"#,
            "argument: message:reply: called on a userdata; write a colon, as in `message:reply(…)`",
        ),
        case(
            r#"return why(ctx.message.reply, ctx.message, 5)"#,
            "argument: message:reply: content: expected a string or a table of message fields, got the number 5",
        ),
        case(
            r#"return why(ctx.message.reply, ctx.message, { content = "x", ephemeral = true })"#,
            "argument: message:reply: ephemeral: only ctx:reply and ctx:send accept it",
        ),
        case(
            r#"return why(ctx.message.react, ctx.message, 5)"#,
            "argument: message:react: the emoji: expected a string or an emoji, got the number 5",
        ),
        case(
            r#"return why(ctx.member.add_role, ctx.member, 5)"#,
            "argument: member:add_role: the role's id: expected a string, got the number 5",
        ),
        case(
            r#"return why(ctx.member.timeout, ctx.member, {})"#,
            "argument: member:timeout: the duration: expected a duration: …",
        ),
        case(
            r#"return why(ctx.author.send, ctx.author, { contents = "x" })"#,
            r#"argument: user:send has no field "contents"; did you mean "content"?"#,
        ),
        case(
            r#"return why(discord.permissions.of, "x")"#,
            r#"argument: discord.permissions.of: the names: expected a table, got the string "x""#,
        ),
        case(
            r#"return why(discord.permissions.of, { 5 })"#,
            "argument: discord.permissions.of: the names: expected a list of strings, got the number 5",
        ),
        case(
            r#"return why(discord.permissions.of, { "ban_member" })"#,
            r#"argument: discord.permissions.of: there is no permission "ban_member"; did you mean "ban_members"?"#,
        ),
        case(
            r#"return why(discord.permissions.has, "x", "ban_members")"#,
            r#"argument: discord.permissions.has: the permissions: expected a decimal string, got the string "x""#,
        ),
        case(
            r#"return why(discord.cache.guild, 5)"#,
            "argument: discord.cache.guild: the guild's id: expected a string of at most 20 characters, got the number 5",
        ),
    ];
    // Without optimisation 16 MB of objects take their time.
    let setup = setup(&[("cogs/cases.luau", &cog_of(&cases))])
        .config(r#"{ "limits": { "cpu_ms": 5000 } }"#);
    let stage = check_in(setup, &cases).await;
    let posts = stage.sim.requests();
    let posts = posts
        .iter()
        .filter(|it| it.method == "POST" && it.path.ends_with("/messages"));
    assert_eq!(
        posts.count(),
        cases.len(),
        "only the answers themselves were sent"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_are_read_only_and_read_on_demand() {
    check(&[
        case(r#"return why(function() ctx.message.content = "x" end):match("attempt to .*") or "no""#, "attempt to …"),
        case(r#"return tostring(ctx.message.nothing) .. tostring(ctx.message[1]) .. typeof(ctx.message) .. type(ctx.message)"#, "nilnilobjectuserdata"),
        case(r#"local t = ctx.message:table() t.content = "mine" t.author.x = 1 return type(t) .. t.content .. ctx.message.content"#, "tablemine!c2"),
        case(r#"return tostring(ctx.message == ctx.message) .. tostring(ctx.author == ctx.message.author) .. tostring(ctx.author == ctx.member.user) .. tostring(ctx.author == ctx.message)"#, "truetruetruefalse"),
        case(r#"local seen = {} for key in ctx.author do table.insert(seen, key) end return tostring(table.find(seen, "username") ~= nil)"#, "true"),
        case(r#"return tostring(#ctx.message.attachments) .. tostring(ctx.message.attachments[1]) .. tostring(ctx.message.attachments[0/0]) .. tostring(ctx.message[{}])"#, "0nilnilnil"),
        case(r#"return tostring(ctx.author):match("^(%w+) %d+$") or tostring(ctx.author)"#, "UserResponse"),
        case(r#"return json.encode(ctx.author):match('"username":"owner"') or "no""#, r#""username":"owner""#),
        case(r#"return why(ctx.author.table, 5)"#, "argument: object:table: called on the number 5; write a colon, as in `object:table(…)`"),
        case(r#"return why(setmetatable, ctx.author, {})"#, "invalid argument #1 to 'setmetatable' (table expected, got object)"),
        case(r#"return tostring(getmetatable(ctx.author)) .. tostring(getmetatable(ctx))"#, "falsefalse"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_attachments_are_read() {
    let sent = r#"local m = ctx:send { content = "x", files = { { filename = "a.bin", content = "\0\255tea" } } }
local file = m.attachments[1]
"#;
    let of = |rest: &str, expected: &str| case(&format!("{sent}{rest}"), expected);
    let cases = [
        of(
            r#"return tostring(file:read() == "\0\255tea") .. #file:read()"#,
            "true5",
        ),
        of(
            r#"local copy = file:table() copy.url = "http://127.0.0.1/" return tostring(copy.read) .. why(file.read, copy)"#,
            "nilargument: attachment:read: called on a table; write a colon, as in `attachment:read(…)`",
        ),
        case(
            r#"local m = ctx:send { content = "x", files = { { filename = "a.bin", content = ("x"):rep(20000) } } }
return why(m.attachments[1].read, m.attachments[1])"#,
            "limit: attachment:read: the answer is longer than 10 KB (limits.http_kb)",
        ),
    ];
    // No server is on the list, and none needs to be.
    let setup =
        setup(&[("cogs/cases.luau", &cog_of(&cases))]).config(r#"{ "limits": { "http_kb": 10 } }"#);
    check_in(setup, &cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cache_knows_without_asking() {
    check(&[
        case(r#"return discord.cache.guild(ctx.guild_id).name .. discord.cache.channel(ctx.channel_id).name .. tostring(discord.cache.guild("1")) .. tostring(discord.cache.channel("x"))"#, "Cogsmithgeneralnilnil"),
        case(r#"local r = discord.cache.role(ctx.guild_id, ctx.guild_id) return r.name .. tostring(r.guild_id == ctx.guild_id) .. tostring(discord.cache.role("1", "2"))"#, "@everyonetruenil"),
        case(r#"local m = discord.cache.member(ctx.guild_id, ctx.author.id) return m and `{m.user.username} {m.guild_id == ctx.guild_id}` or "unknown""#, "owner true"),
        case(r#"return discord.permissions.of { "ban_members", "kick_members" }"#, "6"),
        case(r#"return tostring(discord.permissions.has("6", "ban_members")) .. tostring(discord.permissions.has("6", "ban_members", "administrator"))"#, "truefalse"),
        case(r#"return tostring(discord.permissions.has(discord.permissions.in_channel(ctx.channel_id, ctx.author.id), "administrator"))"#, "true"),
        case(r#"return tostring(discord.permissions.outranks(ctx.guild_id, ctx.author.id, cog.bot().id)) .. tostring(discord.permissions.outranks(ctx.guild_id, cog.bot().id, ctx.author.id))"#, "truefalse"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mentions_are_off_unless_they_are_asked_for() {
    check(&[
        case(r#"local m = ctx:reply(`<@{ctx.author.id}> @everyone`) return `{#m.mentions} {m.mention_everyone}`"#, "0 false"),
        case(r#"local m = ctx:send { content = `<@{ctx.author.id}>`, allowed_mentions = { parse = { "users" } } } return `{#m.mentions}`"#, "1"),
        case(r#"local m = ctx:reply("x") local e = m:edit(`<@{ctx.author.id}> @everyone`) return `{#e.mentions} {e.mention_everyone}`"#, "0 false"),
        case(r#"local m = discord.create_message { channel_id = ctx.channel_id, content = `<@{ctx.author.id}>` } return `{#m.mentions}`"#, "0"),
    ])
    .await;
}

const FIVE: &str = r#"local first
for i = 1, 5 do local m = ctx:send("m" .. i) first = first or m end
local seen = {}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_gone_through_page_by_page() {
    let five = |rest: &str| case(&format!("{FIVE}{rest}"), "");
    let of = |case: Case, expected: &str| Case {
        expected: expected.to_owned(),
        ..case
    };
    check(&[
        of(five(r#"for m in discord.each(discord.list_messages, { channel_id = ctx.channel_id, limit = 2 }) do
    table.insert(seen, m.content)
    if #seen == 5 then break end
end
return table.concat(seen, " ")"#), "m5 m4 m3 m2 m1"),
        of(five(r#"for m in discord.each(discord.list_messages, { channel_id = ctx.channel_id, limit = 2, after = first.id }) do
    table.insert(seen, m.content)
end
return table.concat(seen, " ")"#), "m2 m3 m4 m5"),
        of(five(r#"for m in discord.each(discord.list_messages, { channel_id = ctx.channel_id, before = first.id }) do
    table.insert(seen, m.content)
    if #seen == 2 then break end
end
return seen[1]:sub(1, 2) .. tostring(#seen)"#), "!c2"),
        of(five(r#"for m in discord.each(discord.list_messages, { channel_id = ctx.channel_id, limit = 3, after = first.id }) do
    if #seen < 3 then m:pin() end
    table.insert(seen, m.id)
end
local pins = {}
for pin in discord.each(discord.list_pins, { channel_id = ctx.channel_id, limit = 2 }) do table.insert(pins, pin.message.content) end
table.sort(pins)
return table.concat(pins, " ")"#), "m2 m3 m4"),
        case(
            r#"local names = {} for m in discord.each(discord.list_guild_members, { guild_id = ctx.guild_id, limit = 1 }) do table.insert(names, m.user.username) end
table.sort(names) return table.concat(names, " ")"#,
            "anna ben cogsmith owner",
        ),
        case(
            r#"local roles = 0 for role in discord.each(discord.list_guild_roles, { guild_id = ctx.guild_id }) do roles += if role.name then 1 else 0 end
return tostring(roles == #discord.list_guild_roles { guild_id = ctx.guild_id })"#,
            "true",
        ),
        case(
            r#"local m = ctx:send("react") m:react("👍")
local who = {} for user in discord.each(discord.list_message_reactions_by_emoji, { channel_id = ctx.channel_id, message_id = m.id, emoji_name = "👍", limit = 1 }) do table.insert(who, user.username) end
for user in discord.each(discord.list_message_reactions_by_emoji, { channel_id = ctx.channel_id, message_id = m.id, emoji_name = "👎" }) do table.insert(who, user.username) end
return table.concat(who, " ")"#,
            "cogsmith",
        ),
        case(
            r#"local ids = {} for m in discord.each(discord.list_messages, { channel_id = ctx.channel_id, limit = 1 }) do table.insert(ids, m.id) end
local twice = 0 table.sort(ids) for i = 2, #ids do if ids[i] == ids[i - 1] then twice += 1 end end
return `{#ids > 20} {twice}`"#,
            "true 0",
        ),
        case(
            r#"return why(discord.each, 5)"#,
            "argument: discord.each: the operation: expected a function of @cogsmith/discord, got the number 5",
        ),
        case(
            r#"return why(discord.each, discord.get_guild, { guild_id = ctx.guild_id })"#,
            "argument: discord.each: get_guild returns no list",
        ),
        case(
            r#"return why(discord.each, discord.list_messages, { channel_id = ctx.channel_id, around = ctx.message.id })"#,
            "argument: discord.each: around: pages follow before or after",
        ),
        case(
            r#"return why(discord.each, discord.list_messages, 5)"#,
            "argument: discord.each: the arguments: expected a table, got the number 5",
        ),
        case(
            r#"return why(discord.each(discord.list_messages, { channel_id = ctx.channel_id, limit = "x" }))"#,
            "argument: discord.list_messages: limit…",
        ),
        case(
            r#"return why(discord.each(discord.list_messages, { channel = ctx.channel_id }))"#,
            "argument: discord.list_messages…",
        ),
    ])
    .await;
}

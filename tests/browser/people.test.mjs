// Servers, people, voice, presence, what people do with messages, and refusals, with a real bot that hears of all of it.
// `node --test people.test.mjs`

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { messages, picture, speakAs } from "./browser.mjs";
import { closeStage, openStage } from "./stage.mjs";

const BINARY = process.env.COGSMITH_BIN;
/** Says in #general of each server what it hears. */
const LISTENER = `local cog = require("@cogsmith/cog")
local discord = require("@cogsmith/discord")

cog.info {
    description = "Says what it hears",
    intents = { "guild_members", "guild_presences", "guild_voice_states", "message_content" },
    capabilities = { "messages.send", "members.moderate", "guild.read", "presence" },
}

local function say(guild_id: string, text: string)
    for _, channel in discord.list_guild_channels { guild_id = guild_id } do
        if channel.name == "general" then
            discord.create_message { channel_id = channel.id, content = text }
        end
    end
end

cog.on("guild_member_add", function(event: any) say(event.guild_id, \`hears: joined \${event.user.username}\`) end)
cog.on("guild_member_remove", function(event: any) say(event.guild_id, \`hears: left \${event.user.username}\`) end)
cog.on("presence_update", function(event: any)
    local first = event.activities and event.activities[1]
    say(event.guild_id, \`hears: \${event.status} \${if first then tostring(first.state) else "-"}\`)
end)
cog.on("voice_state_update", function(event: any)
    say(event.guild_id, \`hears: voice \${if event.channel_id then "in" else "out"} \${tostring(event.self_mute)} \${tostring(event.self_video)}\`)
end)
cog.on("message_update", function(event: any)
    if event.author and not event.author.bot then
        say(event.guild_id, \`hears: edited \${event.content}\`)
    end
end)
cog.on("message_delete", function(event: any) say(event.guild_id, "hears: deleted") end)
cog.on("typing_start", function(event: any) say(event.guild_id, "hears: typing") end)
cog.command {
    name = "boot", description = "Kicks the owner",
    run = function(ctx)
        local _, problem = discord.try(discord.delete_guild_member, { guild_id = ctx.guild_id, user_id = ctx.author.id })
        ctx:reply(if problem then \`kick: \${problem.message}\` else "kicked")
    end,
}
cog.command { name = "secret", description = "For few", checks = { cog.check.permissions("ban_members") }, run = function(ctx) ctx:reply("told") end }
cog.command {
    name = "play", description = "Shows a game",
    run = function() cog.presence { status = "idle", activities = { { name = "chess", type = 0 } } } end,
}
`.replaceAll("\\`", "`").replaceAll("\\$", "$").replaceAll("${", "{");

describe("servers and people on the page", { skip: BINARY ? false : "COGSMITH_BIN is not set" }, () => {
    let stage;
    let page;

    before(async () => {
        stage = await openStage(BINARY, { "lua/cogs/listener.luau": LISTENER });
        ({ page } = stage);
    });

    after(() => closeStage(stage));

    const input = () => page.locator("#input");
    const member = (name) => page.locator("#members .member", { hasText: name });

    async function write(text) {
        await input().fill(text);
        await input().press("Enter");
        await page.waitForFunction(() => document.getElementById("input").value === "");
    }

    const hears = (text) => messages(page, `hears: ${text}`).first().waitFor();

    /** Chooses entries of menus, one after the other. */
    async function choose(opener, ...labels) {
        await opener.click();
        for (const label of labels) {
            await page.locator("#context-menu").getByRole("menuitem", { name: label }).click();
        }
    }

    it("has a new member come with one click, whom the cog greets", async () => {
        await page.locator("#toggle-members").click();
        await page.getByRole("button", { name: "A new member joins" }).click();
        await member("Cleo").waitFor();
        await hears("joined cleo");
        await picture(page, "people-members");
    });

    it("adds a person by name, who leaves, and joins again", async () => {
        await page.getByRole("button", { name: "Add a person…" }).click();
        await page.locator("#ask").getByLabel("Name").fill("Rin Ito");
        await page.locator("#ask").getByRole("button", { name: "Add" }).click();
        await hears("joined rin_ito");
        await choose(member("Rin Ito"), "Leave Cogsmith");
        await hears("left rin_ito");
        await page.getByRole("button", { name: "Join as Rin Ito" }).click();
        await messages(page, "hears: joined rin_ito").nth(1).waitFor();
    });

    it("says why a person is not added", async () => {
        await page.getByRole("button", { name: "Add a person…" }).click();
        await page.locator("#ask").getByLabel("Name").fill("anna");
        await page.locator("#ask").getByRole("button", { name: "Add" }).click();
        await page.locator("#ask .input-error", { hasText: "already somebody called anna" }).waitFor();
        await page.keyboard.press("Escape");
        await page.locator("#ask").waitFor({ state: "hidden" });
    });

    it("gives and takes a role, and changes a nickname", async () => {
        await choose(member("Anna"), "Roles", "moderators");
        await member("Anna").locator(".role", { hasText: "moderators" }).waitFor();
        await choose(member("Anna"), "Roles", "moderators");
        await member("Anna").locator(".role").waitFor({ state: "detached" });
        await choose(member("Ben"), "Change the nickname");
        await page.locator("#ask input").fill("Big Ben");
        await page.keyboard.press("Enter");
        await member("Big Ben").waitFor();
    });

    it("says which permission somebody lacks, and where it would come from", async () => {
        await speakAs(page, "Anna");
        await choose(member("Big Ben"), "Kick Big Ben");
        const notice = page.locator("#notice");
        await notice.filter({ hasText: "Anna lacks Kick Members in Cogsmith: no role of Anna grants it (@everyone)." }).waitFor();
        await input().fill("/secret");
        await page.locator("#suggestions", { hasText: "Anna may not use this command here" }).waitFor();
        await input().press("Enter");
        await page.locator("#input-error", { hasText: "/secret is for members with Ban Members" }).waitFor();
        await picture(page, "people-refused");
        await input().fill("");
        await speakAs(page, "Owner");
    });

    it("shows why a bot's request was refused", async () => {
        await write("!boot");
        const bar = page.locator("#refusals");
        await bar.filter({ hasText: "delete_guild_member" }).waitFor();
        assert.match(await bar.innerText(), /Owner owns Cogsmith/);
        await bar.locator("summary").click();
        await bar.locator(".refusal-list", { hasText: "Missing Permissions (50013)" }).waitFor();
        await picture(page, "people-refusal");
        await bar.getByRole("button", { name: "Put away" }).click();
        await bar.waitFor({ state: "hidden" });
    });

    it("shows a status and what is written beside it, to the cog and in the list", async () => {
        await page.locator("#own-status").click();
        await page.getByRole("menuitem", { name: "Do not disturb" }).click();
        await hears("dnd -");
        await page.locator("#own-status").click();
        await page.getByRole("menuitem", { name: "Set a custom status" }).click();
        await page.locator("#ask input").fill("brewing tea");
        await page.keyboard.press("Enter");
        await hears("dnd brewing tea");
        await member("Owner").filter({ hasText: "brewing tea" }).locator(".status.dnd").waitFor();
        // The bot shows something, too.
        await write("!play");
        await member("cogsmith").filter({ hasText: "Playing chess" }).locator(".status.idle").waitFor();
    });

    it("joins voice, mutes, shows a camera, and leaves", async () => {
        await page.getByRole("button", { name: "Join voice in Voice" }).click();
        await hears("voice in false false");
        const panel = page.locator("#voice-panel");
        await page.locator(".voice-member", { hasText: "Owner" }).waitFor();
        await panel.getByRole("button", { name: "Mute", exact: true }).click();
        await hears("voice in true false");
        await panel.getByRole("button", { name: "Camera" }).click();
        await hears("voice in true true");
        await page.locator(".voice-member", { hasText: "muted" }).waitFor();
        await picture(page, "people-voice");
        await panel.getByRole("button", { name: "Disconnect from voice" }).click();
        await hears("voice out");
        await panel.waitFor({ state: "hidden" });
        await page.locator("#channels .entry", { hasText: "Voice" }).click();
        await write("written beside the voice");
        await messages(page, "written beside the voice").waitFor();
        await page.locator("#channels .entry", { hasText: "general" }).click();
    });

    it("edits with the arrow, deletes, answers, reacts and pins", async () => {
        await write("a first text");
        const said = messages(page, "a first text");
        await said.first().waitFor();
        await input().press("ArrowUp");
        assert.equal(await input().inputValue(), "a first text");
        await write("a better text");
        await hears("edited a better text");
        const better = page.locator("#messages .message:has(.edited)");
        await better.filter({ hasText: "a better text" }).waitFor();
        await better.hover();
        await better.getByRole("button", { name: "Reply" }).click();
        await write("an answer to it");
        const answer = messages(page, "an answer to it").last();
        await answer.locator("button.answered").click();
        await page.locator("#messages .message.found").waitFor();
        await better.hover();
        await better.getByRole("button", { name: "Add a reaction" }).click();
        await better.getByRole("button", { name: "More emoji" }).click();
        await page.locator(".emoji-picker input").fill("unicorn");
        await page.keyboard.press("Enter");
        const reaction = better.locator('.reaction[aria-pressed="true"]', { hasText: "🦄" });
        await reaction.click();
        await reaction.waitFor({ state: "detached" });
        await better.hover();
        await choose(better.getByRole("button", { name: "More", exact: true }), "Pin message");
        await messages(page, "pinned a message").waitFor();
        await page.locator("#open-pins").click();
        await page.getByRole("menuitem", { name: /a better text/ }).click();
        await better.hover();
        await choose(better.getByRole("button", { name: "More", exact: true }), "Delete message");
        await hears("deleted");
        await messages(page, "The original message was deleted").waitFor();
        await hears("typing");
    });

    it("makes a server, with its own channels, members, commands and unread marks", async () => {
        await page.getByRole("button", { name: "Add a server" }).click();
        await page.locator("#ask").getByLabel("Name").fill("Tea");
        await page.locator("#ask").getByRole("button", { name: "Add" }).click();
        await page.locator("#guild-name", { hasText: "Tea" }).waitFor();
        await write("hello in Tea");
        await messages(page, "hello in Tea").waitFor();
        await page.getByRole("button", { name: "A new member joins" }).click();
        await hears("joined");
        assert.equal(await member("Anna").locator("button").innerText(), "Join");
        await page.locator(".server", { hasText: "C" }).first().click();
        await page.locator("#guild-name", { hasText: "Cogsmith" }).waitFor();
        await messages(page, "an answer to it").first().waitFor();
        assert.equal(await messages(page, "hello in Tea").count(), 0);
        // Somebody joins the other server, where the cog says so.
        await fetch(`${stage.bot.link}/control/join`, {
            method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ user: "anna", guild: "Tea" }),
        });
        await page.locator(".server.unread").waitFor();
        await picture(page, "people-servers");
    });

    it("keeps out who is banned, and shows the door", async () => {
        await choose(member("Big Ben"), "Ban Big Ben");
        await hears("left ben");
        await page.locator("#members .member.away", { hasText: "banned" }).waitFor();
        await speakAs(page, "Ben");
        await page.locator(".door", { hasText: "Ben is banned from this server" }).waitFor();
        await picture(page, "people-door");
        await speakAs(page, "Owner");
        await page.getByRole("button", { name: "Lift the ban of Ben" }).click();
        await page.getByRole("button", { name: "Join as Ben" }).click();
        await messages(page, "hears: joined ben").waitFor();
    });

    it("has direct messages as a place of their own", async () => {
        await page.locator(".server").first().click();
        await page.locator("#guild-name", { hasText: "Direct messages" }).waitFor();
        await page.locator("#channels .entry", { hasText: "cogsmith" }).filter({ hasText: "Playing chess" }).waitFor();
        await write("!ping");
        await messages(page).filter({ has: page.locator(".headline .badge") }).first().waitFor();
        await picture(page, "people-direct");
        await page.locator(".server", { hasText: "C" }).first().click();
    });

    it("writes and reads posts of a forum", async () => {
        const world = await (await fetch(`${stage.bot.link}/control/world`)).json();
        const path = `/guilds/${world.guilds[0].id}/channels`;
        await fetch(`${stage.bot.link}/control/call`, {
            method: "POST", headers: { "content-type": "application/json" },
            body: JSON.stringify({ user: "owner", method: "POST", path, body: { name: "help", type: 15, available_tags: [{ name: "open" }] } }),
        });
        await page.locator("#channels .entry", { hasText: "help" }).click();
        await page.getByLabel("Title of a new post").fill("How does it work?");
        await page.getByLabel("Message", { exact: true }).fill("I do not know.");
        await page.getByRole("button", { name: "Post" }).click();
        await messages(page, "I do not know.").waitFor();
        await write("an answer in the post");
        await messages(page, "an answer in the post").waitFor();
        await page.locator("#channels .entry", { hasText: "help" }).first().click();
        await page.locator(".post", { hasText: "How does it work?" }).waitFor();
        await picture(page, "people-forum");
    });

    it("fits a phone, and light and dark", async () => {
        const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        await page.locator("#channels .entry", { hasText: "general" }).click();
        await page.emulateMedia({ colorScheme: "light" });
        await picture(page, "people-light");
        await page.setViewportSize({ width: 400, height: 780 });
        for (const tab of ["places", "members", "chat"]) {
            await page.locator(`#tab-${tab}`).click();
            assert.ok(await overflow() <= 0, tab);
            await picture(page, `people-phone-${tab}`);
        }
    });

    it("asked nobody else for anything, and nothing in it broke", () => {
        assert.deepEqual(stage.foreign, []);
        assert.deepEqual(stage.broken.filter((text) => !/status of 400/.test(text)), []);
    });
});

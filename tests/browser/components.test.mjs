// Buttons, menus, forms, polls and context menus on the page. `node --test components.test.mjs`

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { messages, picture, speakAs } from "./browser.mjs";
import { closeStage, openStage } from "./stage.mjs";

const BINARY = process.env.COGSMITH_BIN;
const PARTS = `--!strict
local cog = require("@cogsmith/cog")

cog.command { name = "parts", description = "Shows components", run = function(ctx)
    ctx:reply { content = "Press something", components = {
        { type = 1, components = {
            { type = 2, style = 1, label = "Count", custom_id = "parts:count:0" },
            { type = 2, style = 4, label = "Locked", custom_id = "parts:locked", disabled = true },
            { type = 2, style = 3, label = "Nobody", custom_id = "parts:nobody" },
            { type = 2, style = 5, label = "Elsewhere", url = "https://example.com/" },
        } },
        { type = 1, components = { { type = 3, custom_id = "parts:menu", placeholder = "Colours", max_values = 2, options = {
            { label = "Red", value = "r", description = "like a rose" }, { label = "Green", value = "g" }, { label = "Blue", value = "b" } } } } },
        { type = 1, components = { { type = 5, custom_id = "parts:who", placeholder = "Who" } } },
    } }
end }

cog.command { name = "layout", description = "Shows a container", run = function(ctx)
    ctx:reply { flags = 32768, components = { { type = 17, accent_color = 0xE8590C, components = {
        { type = 10, content = "## A container\\nwith **text**" },
        { type = 14 },
        { type = 9, components = { { type = 10, content = "A section" } },
            accessory = { type = 2, style = 2, label = "Inside", custom_id = "parts:count:7" } },
        { type = 12, items = { { media = { url = "https://example.com/cat.png" }, description = "a cat" } } },
    } } } }
end }

cog.component("parts:count:{n}", function(ctx, args)
    local n = tonumber(args.n) or 0
    ctx:reply { content = "Counted " .. tostring(n + 1), ephemeral = true }
end)

cog.component("parts:menu", function(ctx)
    ctx:update { content = "Chosen " .. table.concat(ctx.values, "+") }
end)

cog.component("parts:who", function(ctx)
    ctx:reply("Chosen <@" .. ctx.values[1] .. ">")
end)

cog.command { name = "survey", description = "Opens a form", prefix = false, run = function(ctx)
    local answer = ctx:modal { title = "A survey", components = {
        { type = 18, label = "Name", component = { type = 4, custom_id = "name", style = 1, min_length = 2, max_length = 20 } },
        { type = 18, label = "Why", description = "In your own words", component = { type = 4, custom_id = "why", style = 2, required = false } },
        { type = 18, label = "How often", component = { type = 21, custom_id = "often", options = {
            { label = "Daily", value = "d" }, { label = "Weekly", value = "w", default = true } } } },
        { type = 18, label = "Who else", component = { type = 5, custom_id = "who", required = false } },
        { type = 18, label = "Agreed", component = { type = 23, custom_id = "agreed" } },
    } }
    if answer then
        local given = answer.fields
        answer:reply(\`{given.name}, {given.often}, <@{given.who[1]}>, {given.agreed}\`)
    end
end }

cog.user_command { name = "Look at", run = function(ctx, member)
    ctx:reply { content = "That is " .. member.user.username, ephemeral = true }
end }

cog.message_command { name = "Quote", run = function(ctx, message)
    ctx:reply("> " .. message.content)
end }

cog.user_command { name = "Watch closely", checks = { cog.check.permissions("kick_members") }, run = function(ctx) ctx:reply("watched") end }

cog.command { name = "ask", description = "Asks", run = function(ctx)
    ctx:reply { poll = { question = { text = "Tea or coffee?" }, answers = {
        { poll_media = { text = "Tea" } }, { poll_media = { text = "Coffee" } } } } }
end }
`;

describe("components", { skip: BINARY ? false : "COGSMITH_BIN is not set" }, () => {
    let project;
    let bot;
    let browser;
    let page;
    let broken;
    let foreign;

    before(async () => {
        ({ project, bot, browser, page, foreign, broken } = await openStage(BINARY, { "lua/cogs/parts.luau": PARTS }));
        // The list of commands follows the cogs a little later.
        await page.locator("#input").pressSequentially("/parts");
        await page.locator('#suggestions [role="option"]', { hasText: "/parts" }).waitFor();
        await page.locator("#input").fill("");
    });

    after(() => closeStage({ project, bot, browser }));

    const parts = () => messages(page).filter({ has: page.locator(".components") }).last();
    const menu = (name) => parts().getByRole("combobox", { name });
    const option = (name) => page.locator(".menu-popup:popover-open").getByRole("option", { name });

    async function write(text) {
        await page.locator("#input").fill(text);
        await page.locator("#input").press("Enter");
    }

    it("are drawn: buttons, links, menus", async () => {
        await write("!parts");
        await parts().getByRole("button", { name: "Count" }).waitFor();
        assert.equal(await parts().getByRole("button", { name: "Locked" }).isDisabled(), true);
        assert.equal(await parts().getByRole("link", { name: "Elsewhere" }).getAttribute("href"), "https://example.com/");
        await menu("Colours").waitFor();
        await picture(page, "components");
    });

    it("are clicked, and answer", async () => {
        await parts().getByRole("button", { name: "Count" }).click();
        await messages(page, "Counted 1").filter({ hasText: "Only you can see this" }).waitFor();
    });

    it("say that a click failed when nobody answers", async () => {
        await page.route("**/control/interact", (route) => route.fulfill({ json: { answered: false, modal: null, choices: [] } }));
        await parts().getByRole("button", { name: "Nobody" }).click();
        await parts().locator(".failure", { hasText: "This interaction failed" }).waitFor();
        await page.unroute("**/control/interact");
        await parts().getByRole("button", { name: "Count" }).click();
        await parts().locator(".failure").waitFor({ state: "detached" });
    });

    it("take several choices by keyboard, and send them when the list closes", async () => {
        await parts().locator('.components[aria-busy="false"]').waitFor();
        await menu("Colours").focus();
        await page.keyboard.press("ArrowDown");
        await option(/Red/).waitFor();
        await page.keyboard.press("Enter");
        await page.keyboard.press("ArrowDown");
        await page.keyboard.press("ArrowDown");
        await page.keyboard.press("Enter");
        assert.equal(await option(/Blue/).getAttribute("aria-checked"), "true");
        await picture(page, "menu-open");
        await page.keyboard.press("Escape");
        await messages(page, "Chosen r+b").waitFor();
    });

    it("find people by name", async () => {
        await menu("Who").click();
        await page.keyboard.type("be");
        await option(/Ben/).waitFor();
        assert.equal(await option(/Anna/).count(), 0);
        await page.keyboard.press("Enter");
        await messages(page, "Chosen @Ben").waitFor();
    });

    it("are laid out in containers", async () => {
        await write("!layout");
        const container = page.locator(".container.accented").last();
        await container.locator(".heading", { hasText: "A container" }).waitFor();
        await container.locator(".section", { hasText: "A section" }).getByRole("button", { name: "Inside" }).click();
        await messages(page, "Counted 8").waitFor();
        await picture(page, "container");
    });

    it("are in forms that are checked, sent and answered", async () => {
        await page.locator("#input").pressSequentially("/survey ");
        await page.keyboard.press("Enter");
        const dialog = page.getByRole("dialog", { name: "A survey" });
        await dialog.waitFor();
        const name = dialog.getByRole("textbox", { name: "Name" });
        assert.equal(await name.evaluate((node) => node === document.activeElement), true);
        await dialog.getByRole("button", { name: "Submit" }).click();
        await dialog.locator(".field-error", { hasText: "This field is required." }).waitFor();
        await picture(page, "form");
        await name.fill("A");
        await dialog.getByRole("button", { name: "Submit" }).click();
        await dialog.locator(".field-error", { hasText: "At least 2 characters" }).waitFor();
        await name.fill("Anna");
        await dialog.getByRole("radio", { name: "Daily" }).check();
        await dialog.getByRole("checkbox", { name: "Agreed" }).check();
        await dialog.getByRole("combobox", { name: "Who else" }).click();
        await option(/Ben/).click();
        await dialog.getByRole("button", { name: "Submit" }).click();
        await dialog.waitFor({ state: "hidden" });
        await messages(page, "Anna, d, @Ben, true").waitFor();
        // What nobody wants to fill in is closed.
        await page.locator("#input").pressSequentially("/survey ");
        await page.keyboard.press("Enter");
        await dialog.getByRole("button", { name: "Cancel" }).click();
        await dialog.waitFor({ state: "hidden" });
    });

    it("vote in polls, and take the vote back", async () => {
        await write("!ask");
        const poll = messages(page).filter({ has: page.locator(".poll") }).last();
        await poll.getByRole("radio", { name: "Tea" }).check();
        await poll.getByRole("button", { name: "Vote" }).click();
        await poll.locator(".poll-answer.mine", { hasText: "1 · 100%" }).waitFor();
        await speakAs(page, "Anna");
        await poll.getByRole("radio", { name: "Coffee" }).check();
        await poll.getByRole("button", { name: "Vote" }).click();
        await poll.locator(".poll-foot", { hasText: "2 votes" }).waitFor();
        await picture(page, "poll");
        await speakAs(page, "Owner");
        await poll.getByRole("button", { name: "Remove vote" }).click();
        await poll.locator(".poll-foot", { hasText: "1 vote" }).waitFor();
    });

    it("offer the commands of messages and people in their menus", async () => {
        await write("something to quote");
        const message = messages(page, "something to quote").last();
        await message.waitFor();
        await message.hover();
        await message.getByRole("button", { name: "More" }).click();
        const menus = page.getByRole("menu");
        await menus.getByRole("menuitem", { name: "Quote" }).waitFor();
        await picture(page, "context-menu");
        await page.keyboard.press("q");
        await page.keyboard.press("Enter");
        await messages(page, "used Quote").locator("blockquote", { hasText: "something to quote" }).waitFor();
        await page.locator(".person", { hasText: "Ben" }).click({ button: "right" });
        await menus.getByRole("menuitem", { name: "Look at" }).click();
        await messages(page, "That is ben").filter({ hasText: "Only you can see this" }).waitFor();
        await message.locator(".markdown").click({ button: "right" });
        await menus.waitFor();
        await page.keyboard.press("Escape");
        await menus.waitFor({ state: "hidden" });
    });

    it("open these menus by keyboard, and leave out what the speaker may not do", async () => {
        const menu = page.getByRole("menu");
        const item = (name) => menu.getByRole("menuitem", { name });
        await page.locator(".person input").nth(2).focus();
        await page.keyboard.press("Shift+F10");
        await item("Watch closely").waitFor();
        await item("Mention").click();
        assert.match(await page.locator("#input").inputValue(), /^<@\d+> $/);
        await page.locator("#input").fill("");
        await page.locator(".person", { hasText: "Ben" }).hover();
        await page.getByRole("button", { name: "Menu for Ben" }).click();
        await item("Look at").waitFor();
        await page.keyboard.press("Escape");
        const message = messages(page, "something to quote").last();
        await message.focus();
        await page.keyboard.press("ContextMenu");
        await item("Quote").waitFor();
        await item("Pin message").waitFor();
        await page.keyboard.press("Escape");
        assert.equal(await message.evaluate((node) => node === document.activeElement), true);
        await speakAs(page, "Anna");
        await page.locator(".person", { hasText: "Ben" }).click({ button: "right" });
        await item("Look at").waitFor();
        assert.equal(await item("Watch closely").count(), 0);
        await page.keyboard.press("Escape");
        await message.click({ button: "right" });
        await item("Reply").waitFor();
        assert.equal(await item("Pin message").count(), 0);
        assert.equal(await item("Delete message").count(), 0);
        await page.keyboard.press("Escape");
        await speakAs(page, "Owner");
    });

    it("fit a phone", async () => {
        await page.setViewportSize({ width: 390, height: 780 });
        await page.emulateMedia({ colorScheme: "light" });
        const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        assert.ok(await overflow() <= 0);
        await picture(page, "phone");
        await page.setViewportSize({ width: 1280, height: 800 });
    });

    it("broke nothing and asked nobody else", () => {
        assert.deepEqual(foreign, []);
        assert.deepEqual(broken.filter((text) => !/status of 400/.test(text)), []);
    });
});

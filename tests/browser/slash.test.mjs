// Slash commands on the page: picked, filled in, sent, answered. `node --test slash.test.mjs`

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { messages, picture, speakAs } from "./browser.mjs";
import { closeStage, openStage } from "./stage.mjs";

const BINARY = process.env.COGSMITH_BIN;
const KITCHEN = `--!strict
local cog = require("@cogsmith/cog")
local task = require("@cogsmith/task")

local FRUIT = { "apple", "apricot", "banana" }

cog.command {
    name = "order",
    description = "Orders something to eat",
    options = {
        cog.option.string { name = "dish", description = "What to eat", autocomplete = function(_, typed)
            local found = {}
            for _, fruit in FRUIT do
                if string.find(fruit, typed, 1, true) then
                    table.insert(found, fruit)
                end
            end
            return found
        end },
        cog.option.integer { name = "count", description = "How many", min = 1, max = 20 },
        cog.option.string { name = "size", description = "How large", choices = { "small", "large" }, default = "small" },
        cog.option.maybe(cog.option.member { name = "guest", description = "For whom" }),
        cog.option.maybe(cog.option.attachment { name = "receipt", description = "A picture" }),
    },
    run = function(ctx)
        local given = ctx.options
        local guest = if given.guest then given.guest.user.username else "nobody"
        local receipt = if given.receipt then given.receipt.filename else "none"
        ctx:reply(\`{given.count} {given.size} {given.dish}, guest {guest}, receipt {receipt}\`)
    end,
}

cog.group { name = "menu", description = "The menu", commands = {
    { name = "show", description = "Shows it", run = function(ctx) ctx:reply("all of it") end },
} }

cog.command { name = "whisper", description = "For you alone", ephemeral = true, run = function(ctx)
    ctx:reply { content = "psst", ephemeral = true }
end }

cog.command { name = "slow", description = "Takes its time", prefix = false, run = function(ctx)
    task.wait(4)
    ctx:reply("done at last")
end }
`;

describe("slash commands", { skip: BINARY ? false : "COGSMITH_BIN is not set" }, () => {
    let project;
    let bot;
    let browser;
    let page;
    let broken;
    let foreign;

    before(async () => {
        ({ project, bot, browser, page, foreign, broken } = await openStage(BINARY, { "lua/cogs/kitchen.luau": KITCHEN }));
    });

    after(() => closeStage({ project, bot, browser }));

    const input = () => page.locator("#input");
    const choice = (text) => page.locator('#suggestions [role="option"]', { hasText: text });
    const field = (name) => page.getByRole("combobox", { name: new RegExp(`^${name},`) });
    const tail = () => page.getByRole("combobox", { name: /^Further options/ });

    // The list follows the cogs a little later.
    async function pick(text, command) {
        await input().fill("");
        await input().pressSequentially(text);
        await choice(command).first().waitFor();
    }

    it("are listed with what they do, their options and their cog", async () => {
        await pick("/", "/order");
        const list = page.locator("#suggestions");
        await list.locator(".list-heading", { hasText: "kitchen" }).waitFor();
        assert.match(await choice("/order").textContent(), /dish.*count.*size.*Orders something to eat/);
        await choice("/menu show").waitFor();
        await picture(page, "slash-list");
    });

    it("are picked with the keyboard, and ask for their options", async () => {
        await pick("/ord", "/order");
        await page.keyboard.press("Enter");
        await page.locator("#command-form").waitFor();
        assert.equal(await field("dish").evaluate((node) => node === document.activeElement), true);
        assert.equal(await field("dish").getAttribute("aria-required"), "true");
        await page.keyboard.type("ap");
        await choice("apricot").waitFor();
        assert.equal(await choice("banana").count(), 0);
        await picture(page, "slash-completion");
        await page.keyboard.press("ArrowDown");
        await page.keyboard.press("Tab");
        assert.equal(await field("dish").inputValue(), "apricot");
        await page.keyboard.type("3");
        await page.keyboard.press("Tab");
        assert.equal(await tail().evaluate((node) => node === document.activeElement), true);
        await page.keyboard.type("gue");
        await page.keyboard.press("Enter");
        await page.keyboard.type("an");
        await choice("Anna").waitFor();
        await page.keyboard.press("Enter");
        await picture(page, "slash-options");
        await page.keyboard.press("Enter");
        await messages(page, "3 small apricot, guest anna, receipt none").waitFor();
        await messages(page, "used /order").first().waitFor();
        assert.equal(await input().isVisible(), true);
    });

    it("say which option is wrong or missing, and keep the others", async () => {
        await pick("/ord", "/order");
        await page.keyboard.press("Enter");
        await field("dish").fill("cake");
        await field("count").fill("99");
        await page.keyboard.press("Enter");
        await page.locator("#input-error", { hasText: /count.*between 1 and 20/ }).waitFor();
        assert.equal(await field("count").getAttribute("aria-invalid"), "true");
        assert.equal(await field("dish").inputValue(), "cake");
        await field("count").fill("");
        await page.keyboard.press("Enter");
        await page.locator("#input-error", { hasText: "count: This option is required." }).waitFor();
        await field("count").fill("many");
        await page.keyboard.press("Enter");
        await page.locator("#input-error", { hasText: /a whole number was expected/ }).waitFor();
        await page.keyboard.press("Escape");
        await page.keyboard.press("Escape");
        await page.locator("#command-form").waitFor({ state: "hidden" });
    });

    it("take files", async () => {
        await pick("/ord", "/order");
        await page.keyboard.press("Enter");
        await field("dish").fill("fig");
        await field("count").fill("1");
        await tail().focus();
        await choice("receipt").click();
        await page.locator('.option-file input').setInputFiles({ name: "bill.txt", mimeType: "text/plain", buffer: Buffer.from("1 fig") });
        await page.locator(".option-file-name", { hasText: "bill.txt" }).waitFor();
        await page.keyboard.press("Enter");
        await messages(page, "1 small fig, guest nobody, receipt bill.txt").waitFor();
    });

    it("are chosen by writing them out, and left with Backspace", async () => {
        await input().fill("");
        await input().pressSequentially("/menu show ");
        await page.locator(".command-chip", { hasText: "/menu show" }).waitFor();
        await page.keyboard.press("Backspace");
        assert.equal(await input().inputValue(), "/menu show");
        await page.keyboard.type(" ");
        await page.keyboard.press("Enter");
        await messages(page, "all of it").waitFor();
    });

    it("are answered for one person alone, who dismisses it", async () => {
        await input().pressSequentially("/whisper ");
        await page.keyboard.press("Enter");
        const whispered = messages(page, "psst");
        await whispered.filter({ hasText: "Only you can see this" }).waitFor();
        await speakAs(page, "Anna");
        await whispered.waitFor({ state: "detached" });
        await speakAs(page, "Owner");
        await whispered.getByRole("button", { name: "Dismiss message" }).click();
        await whispered.waitFor({ state: "detached" });
    });

    it("show that the bot is thinking, and what it comes to", async () => {
        await input().pressSequentially("/slow ");
        await page.keyboard.press("Enter");
        await messages(page, "Sending command…").waitFor();
        const thinking = messages(page, "is thinking…");
        await thinking.waitFor();
        await picture(page, "slash-thinking");
        await messages(page, "done at last").waitFor();
        assert.equal(await thinking.count(), 0);
        assert.equal(await messages(page, "(edited)").count(), 0);
    });

    it("tell when the bot does not answer", async () => {
        // A cog that keeps its processor busy past the three seconds answers nobody: here the answer is lost.
        await page.route("**/control/interact", (route) => route.fulfill({ json: { answered: false, modal: null, choices: [] } }));
        await input().pressSequentially("/whisper ");
        await page.keyboard.press("Enter");
        const failed = messages(page, "The application did not respond");
        await failed.waitFor();
        await picture(page, "slash-failed");
        await failed.getByRole("button", { name: "Dismiss message" }).click();
        await failed.waitFor({ state: "detached" });
        await page.unroute("**/control/interact");
    });

    it("appear and disappear with their cogs", async () => {
        await project.write("lua/cogs/kitchen.luau", KITCHEN.replace('name = "whisper"', 'name = "murmur"'));
        await page.waitForFunction(() => {
            const input = document.getElementById("input");
            input.value = "/mur";
            input.dispatchEvent(new Event("input"));
            return document.getElementById("suggestions").textContent.includes("/murmur");
        });
        await input().fill("/whis");
        assert.equal(await choice("/whisper").count(), 0);
        await input().fill("");
    });

    it("broke nothing and asked nobody else", () => {
        assert.deepEqual(foreign, []);
        assert.deepEqual(broken.filter((text) => !/status of 400/.test(text)), []);
    });
});

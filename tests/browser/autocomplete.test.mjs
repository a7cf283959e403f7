// Options of commands on the page: what is offered while one types, and every type of option. `node --test autocomplete.test.mjs`

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { messages, picture } from "./browser.mjs";
import { closeStage, openStage } from "./stage.mjs";

const BINARY = process.env.COGSMITH_BIN;
const SHOP = `--!strict
local cog = require("@cogsmith/cog")
local task = require("@cogsmith/task")

local kind = cog.option.string { name = "kind", description = "Of what", choices = { "fruit", "tool" } }
local goods = { fruit = { "apple", "pear" }, tool = { "hammer", "pliers" } }

cog.command {
    name = "buy",
    description = "Buys something",
    prefix = false,
    options = {
        kind,
        cog.option.string { name = "what", description = "What to buy", autocomplete = function(ctx, typed)
            if typed == "slow" then
                task.wait(1)
                return { "an old answer" }
            end
            if typed == "broken" then
                error("no goods")
            end
            local found = {}
            for _, name in goods[ctx:get(kind) or "fruit"] or {} do
                if string.find(name, typed, 1, true) then
                    table.insert(found, { name = "A fine " .. name, value = name })
                end
            end
            return found
        end },
        cog.option.integer { name = "price", description = "In coins", autocomplete = function(_, typed)
            local base = tonumber(typed) or 1
            return { { name = "cheap", value = base }, { name = "dear", value = base * 100 } }
        end },
    },
    run = function(ctx)
        local given = ctx.options
        ctx:reply(\`{given.what} for {given.price + 1} less one, a {given.kind}\`)
    end,
}

cog.group { name = "every", description = "Types", commands = {
    { name = "kind", description = "One of each", options = {
        cog.option.string { name = "text", description = "A text", min_length = 2, max_length = 5 },
        cog.option.integer { name = "whole", description = "A number", min = 1, max = 10 },
        cog.option.maybe(cog.option.number { name = "part", description = "A number" }),
        cog.option.maybe(cog.option.boolean { name = "yes", description = "Yes or no" }),
        cog.option.maybe(cog.option.user { name = "who", description = "Anybody" }),
        cog.option.maybe(cog.option.channel { name = "news", description = "Where", channel_types = { "guild_voice" } }),
        cog.option.maybe(cog.option.role { name = "role", description = "A role" }),
        cog.option.maybe(cog.option.mentionable { name = "any", description = "A person or role" }),
    }, run = function(ctx)
        local given = ctx.options
        ctx:reply(\`{given.text} {given.whole} {given.part} {given.yes} {given.who.username} {given.news.name} {given.role.name} {given.any.name or given.any.username or given.any.user.username}\`)
    end },
} }
`;

describe("options", { skip: BINARY ? false : "COGSMITH_BIN is not set" }, () => {
    let project;
    let bot;
    let browser;
    let page;
    let broken;

    before(async () => {
        ({ project, bot, browser, page, broken } = await openStage(BINARY, { "lua/cogs/shop.luau": SHOP }));
        await page.evaluate(async (link) => {
            const { guilds: [guild] } = await (await fetch(`${link}/control/world`)).json();
            const call = (path, body) => fetch("/control/call", {
                method: "POST", headers: { "content-type": "application/json" },
                body: JSON.stringify({ user: "owner", method: "POST", path, body }),
            });
            await call(`/guilds/${guild.id}/channels`, { name: "lounge", type: 2 });
            await call(`/guilds/${guild.id}/roles`, { name: "brewers", color: 255 });
        }, bot.link);
    });

    after(() => closeStage({ project, bot, browser }));

    const input = () => page.locator("#input");
    const list = () => page.locator("#suggestions");
    const choice = (name) => list().getByRole("option", { name });
    const field = (name) => page.getByRole("combobox", { name: new RegExp(`^${name},`) });
    const tail = () => page.getByRole("combobox", { name: /^Further options/ });
    const status = (text) => page.locator("#suggestions-status", { hasText: text }).waitFor({ state: "attached" });
    const hasFocus = (locator) => locator.evaluate((node) => node === document.activeElement);

    async function open(command) {
        await input().fill("");
        await input().pressSequentially(command);
        await list().locator('[role="option"]', { hasText: command }).first().waitFor();
        await page.keyboard.press("Enter");
        await page.locator("#command-form").waitFor();
    }

    it("are completed by the bot, with names for values, and by what stands in the others", async () => {
        await open("/buy");
        assert.equal(await hasFocus(field("kind")), true);
        await list().locator(".list-heading", { hasText: /kind.*required/ }).waitFor();
        await page.keyboard.type("fr");
        await page.keyboard.press("Enter");
        assert.equal(await hasFocus(field("what")), true);
        await choice("A fine apple").waitFor();
        await choice("A fine pear").waitFor();
        await status("2 choices");
        await field("kind").fill("tool");
        await field("what").focus();
        await choice("A fine hammer").waitFor();
        assert.equal(await choice("A fine apple").count(), 0);
        await picture(page, "autocomplete");
        await page.keyboard.type("pl");
        await choice("A fine hammer").waitFor({ state: "detached" });
        await choice("A fine pliers").waitFor();
        await page.keyboard.press("Enter");
        assert.equal(await field("what").inputValue(), "A fine pliers");
        assert.equal(await hasFocus(field("price")), true);
        await page.keyboard.type("7");
        await choice("dear").waitFor();
        await page.keyboard.press("ArrowDown");
        const active = await field("price").getAttribute("aria-activedescendant");
        assert.equal(await page.locator(`#${active}`).innerText(), "dear");
        await page.keyboard.press("Enter");
        await page.keyboard.press("Enter");
        await messages(page, "pliers for 701 less one, a tool").waitFor();
    });

    it("ask once somebody stops typing, and take no answer to what was typed before", async () => {
        await open("/buy");
        const asked = [];
        page.on("request", (request) => request.url().endsWith("/control/interact") && asked.push(request.postDataJSON().request));
        await field("what").focus();
        await page.keyboard.type("slow");
        await page.waitForRequest((request) => request.postData()?.includes('"slow"'));
        await page.keyboard.press("Control+A");
        await page.keyboard.type("pea");
        await choice("A fine pear").waitFor();
        // The answer to "slow" comes now, and nobody looks at it.
        await page.waitForResponse((response) => response.request().postData()?.includes('"slow"'));
        await choice("A fine pear").waitFor();
        assert.equal(await choice("an old answer").count(), 0);
        const typed = asked.filter((request) => request.kind === "autocomplete").map((request) => request.options.what);
        assert.ok(typed.length <= 4, `asked for ${typed.join(", ")}`);
    });

    it("say when there is nothing, when it fails and when the bot does not answer", async () => {
        await field("what").fill("nothing like it");
        await list().locator(".list-note", { hasText: "No options match what is written." }).waitFor();
        await status("No options match");
        await field("what").fill("broken");
        await list().locator(".list-note", { hasText: "No options match" }).waitFor();
        await page.route("**/control/interact", (route) => route.fulfill({ json: { answered: false, modal: null, choices: [] } }));
        await field("what").fill("late");
        await list().locator(".list-note", { hasText: "the bot did not answer within 3 seconds" }).waitFor();
        await status("Loading options failed");
        await picture(page, "autocomplete-failed");
        await page.unroute("**/control/interact");
        await page.route("**/control/interact", (route) => route.fulfill({ status: 400, json: { error: "Unknown command" } }));
        await field("what").fill("gone");
        await list().locator(".list-note", { hasText: "Loading options failed. Unknown command" }).waitFor();
        await page.unroute("**/control/interact");
        await page.keyboard.press("Escape");
        await page.keyboard.press("Escape");
        await page.locator("#command-form").waitFor({ state: "hidden" });
    });

    it("are of every type, checked where they are entered", async () => {
        await open("/every kind");
        await field("text").fill("a");
        await field("whole").fill("11");
        await page.keyboard.press("Escape");
        await page.keyboard.press("Enter");
        await page.locator("#input-error", { hasText: "text: The text has 1 characters; it must have 2 to 5." }).waitFor();
        await field("text").fill("abc");
        await page.keyboard.press("Enter");
        await page.locator("#input-error", { hasText: "whole: The value must be between 1 and 10." }).waitFor();
        await field("whole").fill("4");
        const further = async (name, typed, chosen) => {
            await tail().focus();
            await page.keyboard.type(name);
            await choice(new RegExp(`^${name}`)).first().waitFor();
            await page.keyboard.press("Enter");
            await page.keyboard.type(typed);
            if (chosen) {
                await choice(chosen).waitFor();
                await page.keyboard.press("Enter");
            }
        };
        await further("part", "-1.5");
        await further("yes", "t", "True");
        await further("who", "ben", /Ben/);
        await further("news", "lou", /lounge/);
        assert.equal(await field("news").inputValue(), "lounge");
        await further("role", "brew", /brewers/);
        await further("any", "ann", /Anna/);
        await picture(page, "options-all");
        await page.keyboard.press("Enter");
        await messages(page, "abc 4 -1.5 true ben lounge brewers anna").waitFor();
    });

    it("offer only what the option takes", async () => {
        await open("/every kind");
        await field("text").fill("ab");
        await field("whole").fill("1");
        await tail().focus();
        await page.keyboard.type("news");
        await page.keyboard.press("Enter");
        await choice(/lounge/).waitFor();
        assert.equal(await choice(/general/).count(), 0);
        await field("news").fill("general");
        await list().locator(".list-note", { hasText: "No options match" }).waitFor();
        await page.keyboard.press("Enter");
        await page.locator("#input-error", { hasText: /news/ }).waitFor();
    });

    it("broke nothing", () => {
        assert.deepEqual(broken.filter((text) => !/status of 400/.test(text)), []);
    });
});

// What a cog has run, on the page: its versions, and the buttons that put one back.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { closeStage, cogEntry, openStage } from "./stage.mjs";

const BINARY = process.env.COGSMITH_BIN;
const PING = "lua/cogs/ping.luau";

describe("the history of a cog", { skip: BINARY ? false : "COGSMITH_BIN is not set" }, () => {
    let project;
    let bot;
    let browser;
    let page;
    let foreign;
    let broken;

    before(async () => {
        ({ project, bot, browser, page, foreign, broken } = await openStage(BINARY));
    });

    after(() => closeStage({ project, bot, browser }));

    const ping = () => cogEntry(page, "ping");
    const versions = () => ping().locator(".cog-history ol li");

    async function answers(text) {
        await page.locator("#input").fill("!ping");
        await page.locator("#input").press("Enter");
        await page.locator("#messages .message", { hasText: text }).last().waitFor();
    }

    it("lists the versions, puts one back, and goes back to the files", async () => {
        const text = await project.read(PING);
        await project.write(PING, text.replace(/ctx:reply\(.*\)/, 'ctx:reply("the second")'));
        await ping().locator(".version", { hasText: "v2" }).waitFor();
        await answers("the second");
        await ping().locator(".cog-history summary").click();
        await versions().nth(1).waitFor();
        assert.match(await versions().first().textContent(), /^2.*cogs\/ping\.luau.*handlers 1.*runs/);
        assert.match(await versions().nth(1).textContent(), /^1.*at a start/);

        await versions().nth(1).locator("button").click();
        await ping().locator(".cog-problem", { hasText: "Runs version 1, not its files" }).waitFor();
        await answers("pong");
        // The list is that of now, without a click.
        await versions().first().filter({ hasText: "version 1 again, by the page" }).waitFor();
        if (process.env.COGSMITH_HISTORY_SCREENSHOT) {
            await page.screenshot({ path: process.env.COGSMITH_HISTORY_SCREENSHOT, animations: "disabled" });
        }

        await ping().locator(".cog-problem button").click();
        await ping().locator(".cog-problem").waitFor({ state: "detached" });
        await answers("the second");
        assert.deepEqual(foreign, []);
        assert.deepEqual(broken, []);
    });
});

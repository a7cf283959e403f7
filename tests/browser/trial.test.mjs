// A version that one server tries, on the page: a mark, and the buttons that end it.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { closeStage, cogEntry, openStage } from "./stage.mjs";

const BINARY = process.env.COGSMITH_BIN;
const PING = "lua/cogs/ping.luau";

describe("a version on trial", { skip: BINARY ? false : "COGSMITH_BIN is not set" }, () => {
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
    const mark = () => ping().locator(".badge.trial");

    async function says(text, answer) {
        await page.locator("#input").fill(text);
        await page.locator("#input").press("Enter");
        await page.locator("#messages .message", { hasText: answer }).last().waitFor();
    }

    async function saves(answer) {
        const text = await project.read(PING);
        await project.write(PING, text.replace(/ctx:reply\(.*\)/, `ctx:reply("${answer}")`));
    }

    it("is marked, follows the files, and is kept or dropped with a click", async () => {
        await says("!reload try ping", "tries another version of ping");
        await mark().waitFor();
        assert.match(await ping().locator(".cog-trial").textContent(), /tries another version since .*All other servers/);
        await saves("the second");
        await page.locator("#feed li", { hasText: "is tried by one server" }).nth(1).waitFor();
        await says("!ping", "the second");
        await ping().locator(".cog-trial button", { hasText: "drop" }).click();
        await mark().waitFor({ state: "detached" });
        await ping().locator(".cog-problem", { hasText: "Runs version 1, not its files" }).waitFor();
        await says("!ping", "pong");

        await says("!reload try ping", "tries another version of ping");
        await mark().waitFor();
        await ping().locator(".cog-trial button", { hasText: "keep" }).click();
        await mark().waitFor({ state: "detached" });
        await ping().locator(".version", { hasText: "v2" }).waitFor();
        await says("!ping", "the second");
        assert.deepEqual(foreign, []);
        assert.deepEqual(broken, []);
    });
});

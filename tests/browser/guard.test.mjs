// A version that is worse than the one before, on the page: what the guard has found, and the button that undoes it.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { messages, picture } from "./browser.mjs";
import { closeStage, cogEntry, openStage } from "./stage.mjs";

const BINARY = process.env.COGSMITH_BIN;
const PING = "lua/cogs/ping.luau";

describe("the guard", { skip: BINARY ? false : "COGSMITH_BIN is not set" }, () => {
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
    const warning = () => ping().locator(".cog-worse");

    /** Calls the command so many times, and waits for as many answers with this text. */
    async function calls(count, answer) {
        const before = await messages(page, answer).count();
        for (let call = 0; call < count; call += 1) {
            await page.locator("#input").fill("!ping");
            await page.locator("#input").press("Enter");
            await messages(page, answer).nth(before + call).waitFor();
        }
    }

    async function saves(line, version) {
        const text = await project.read(PING);
        await project.write(PING, text.replace(/ctx:reply\(.*\)|error\(.*\)/, line));
        await ping().locator(".version", { hasText: version }).waitFor();
    }

    it("warns of a version that fails where the one before did not, and a click puts that one back", async () => {
        await calls(6, "pong");
        assert.equal(await warning().count(), 0);
        await saves('error("no such word")', "v2");
        await calls(3, "Something went wrong");
        await warning().waitFor();
        const told = await warning().textContent();
        assert.match(told, /command "ping" failed in 3 of/);
        assert.match(told, /What to do: /);
        await picture(page, "guard");

        await warning().locator("button", { hasText: "put it back" }).click();
        await ping().locator(".cog-problem", { hasText: "Runs version 1, not its files" }).waitFor();
        await warning().waitFor({ state: "detached" });
        await calls(1, "pong");
        assert.match(await project.read(PING), /no such word/, "the file was touched");

        await saves('ctx:reply("mended")', "v4");
        await ping().locator(".cog-problem").waitFor({ state: "detached" });
        await calls(1, "mended");
        assert.deepEqual(foreign, []);
        assert.deepEqual(broken, []);
    });
});

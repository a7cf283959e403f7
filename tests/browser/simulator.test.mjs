// The page of `cogsmith sim`, beside bots of other programs. `node --test simulator.test.mjs`

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startSimulator } from "./bot.mjs";
import { messages, openPage, picture, speakAs } from "./browser.mjs";

const BINARY = process.env.COGSMITH_BIN;

describe("the simulator's page", { skip: BINARY ? false : "COGSMITH_BIN is not set" }, () => {
    let simulator;
    let bots;
    let browser;
    let page;
    let foreign;
    let broken;

    /** What a bot asks of Discord. */
    async function ask(bot, method, route, body) {
        const response = await fetch(`${simulator.link}/api/v10${route}`, {
            method,
            headers: { authorization: `Bot ${bot.token}`, "content-type": "application/json" },
            body: body && JSON.stringify(body),
        });
        return response.json();
    }

    before(async () => {
        simulator = await startSimulator(BINARY, "--bot", "first", "--bot", "second");
        ({ browser, page, foreign, broken } = await openPage(simulator.link));
        const found = [...simulator.output().matchAll(/application (\d+):\s+DISCORD_TOKEN=(\S+)/g)];
        bots = found.map(([, id, token]) => ({ id, token }));
        for (const bot of bots) {
            await ask(bot, "POST", `/applications/${bot.id}/commands`, { name: "both", description: "Does it" });
        }
    });

    after(async () => {
        await browser?.close();
        await simulator?.stop();
    });

    it("has a chat, and no panels of cogs and reloads", async () => {
        assert.equal(await page.locator("#reloads").isVisible(), false);
        assert.match(await page.locator("#welcome").innerText(), /programs of their own/);
        await picture(page, "simulator");
    });

    it("shows what bots write, with their buttons", async () => {
        await speakAs(page, "Anna");
        await page.locator("#input").fill("hello");
        await page.keyboard.press("Enter");
        await messages(page, "hello").waitFor();
        const [said] = await (await fetch(`${simulator.link}/control/messages/general`)).json();
        const button = { type: 2, style: 1, label: "Press", custom_id: "press" };
        await ask(bots[1], "POST", `/channels/${said.channel_id}/messages`, {
            content: "hi, Anna", components: [{ type: 1, components: [button] }],
        });
        await messages(page, "hi, Anna").getByRole("button", { name: "Press" }).waitFor();
        assert.match(await messages(page, "hi, Anna").innerText(), /second/);
    });

    it("offers the commands of each bot under its name", async () => {
        const list = page.locator("#suggestions");
        // The page hears of commands within a second.
        const input = page.locator("#input");
        let text = "";
        for (let tries = 0; tries < 30 && !text.includes("second"); tries += 1) {
            await input.fill("");
            await input.fill("/both");
            await page.waitForTimeout(100);
            text = await list.innerText();
        }
        assert.match(text, /first\s+\/both[^]*second\s+\/both/);
        await page.locator("#input").fill("");
    });

    it("adds a bot with its token and the lines for its library, and removes it", async () => {
        await page.getByRole("button", { name: "Bots: add and connect" }).click();
        const dialog = page.getByRole("dialog", { name: "Bots" });
        await dialog.getByText("second").waitFor();
        assert.equal(await dialog.getByRole("button", { name: "Remove first" }).count(), 0);
        await dialog.getByLabel("Name of a new bot").fill("second");
        await page.keyboard.press("Enter");
        await dialog.getByText("Somebody is called \"second\" already.").waitFor();
        // The browser tells of each refusal.
        assert.match(broken.splice(0).join(), /status of 400/);
        await dialog.getByLabel("Name of a new bot").fill("third");
        await page.keyboard.press("Enter");
        const token = await dialog.getByLabel("Token of third", { exact: true }).innerText();
        await dialog.getByLabel("How it comes here, with").selectOption("hikari");
        assert.match(await dialog.getByLabel("Lines for this library").innerText(), /rest_url="http:\/\/127/);
        await picture(page, "bots");
        assert.equal((await ask({ token }, "GET", "/users/@me")).username, "third");
        const row = dialog.locator(".bot-row", { hasText: "third" });
        await row.getByText("not connected").waitFor();
        await dialog.getByRole("button", { name: "Remove third" }).click();
        await row.waitFor({ state: "detached" });
        assert.match((await ask({ token }, "GET", "/users/@me")).message, /401/);
        await page.keyboard.press("Escape");
        await dialog.waitFor({ state: "hidden" });
    });

    it("asks nobody else for anything, and nothing breaks", () => {
        assert.deepEqual(foreign, []);
        assert.deepEqual(broken, []);
    });
});

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

    it("asks nobody else for anything, and nothing breaks", () => {
        assert.deepEqual(foreign, []);
        assert.deepEqual(broken, []);
    });
});

// A conversation is recorded on the page, saved as a spec, and played again after a reload.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { messages, picture } from "./browser.mjs";
import { closeStage, openStage } from "./stage.mjs";

const BINARY = process.env.COGSMITH_BIN;
const PING = "lua/cogs/ping.luau";

describe("a conversation", { skip: BINARY ? false : "COGSMITH_BIN is not set" }, () => {
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

    const tool = (name) => page.locator("#conversation-tools").getByRole("button", { name });
    const keep = () => page.locator("#keep");
    const replay = () => page.locator("#replay");

    async function says(text, answer) {
        await page.locator("#input").fill(text);
        await page.locator("#input").press("Enter");
        await messages(page, answer).last().waitFor();
    }

    it("is recorded, and kept as a spec and as JSON", async () => {
        await tool("Record").click();
        await page.locator(".recording").waitFor();
        await says("!ping", "pong");
        await picture(page, "recording");
        await tool("Stop").click();
        await keep().getByRole("heading", { name: "Keep this conversation" }).waitFor();
        await keep().getByLabel("Name", { exact: true }).fill("ping_answers");
        await keep().locator(".keep-text", { hasText: 'spec.expect(owner:says("!ping").content):equals("pong")' }).waitFor();
        await picture(page, "keep");
        await keep().getByRole("button", { name: "Save" }).click();
        await keep().getByText("Saved as spec/ping_answers_spec.luau").waitFor();
        const text = await readFile(path.join(project.folder, "spec/ping_answers_spec.luau"), "utf8");
        assert.match(text, /spec\.cogs \{ "ping" \}/);
        await keep().getByRole("button", { name: "Save" }).click();
        await keep().getByRole("button", { name: "Replace it" }).click();
        await keep().getByText("Saved as").waitFor();
        await keep().getByLabel("JSON, to be played again").check();
        await keep().getByRole("button", { name: "Save" }).click();
        await keep().getByText("Saved as spec/ping_answers.conversation.json").waitFor();
        await page.keyboard.press("Escape");
    });

    it("is played again, and after each reload with what is different", async () => {
        await tool("Replay").click();
        await keep().getByRole("button", { name: "ping_answers" }).click();
        await replay().getByText("1 step, all as recorded").waitFor();
        await replay().getByLabel("After every reload").check();
        const text = await project.read(PING);
        await project.write(PING, text.replace('"pong"', '"pang"'));
        await replay().getByText("1 of 1 step not as recorded").waitFor();
        assert.match(await replay().locator(".replay-line.gone").innerText(), /content: pong/);
        assert.match(await replay().locator(".replay-line.new").innerText(), /content: pang/);
        await picture(page, "replay");
        await page.setViewportSize({ width: 400, height: 800 });
        await picture(page, "replay-narrow");
        await page.emulateMedia({ colorScheme: "light" });
        await page.setViewportSize({ width: 1280, height: 800 });
        await picture(page, "replay-light");
        await project.write(PING, text);
        await replay().getByText("1 step, all as recorded").waitFor();
        // Nothing of it is left where people talk.
        const world = await (await fetch(`${bot.link}/control/world`)).json();
        assert.deepEqual(world.guilds.map((guild) => guild.name), ["Cogsmith"]);
        await replay().getByRole("button", { name: "Close the replay" }).click();
        assert.equal(await replay().isVisible(), false);
        assert.deepEqual(foreign, []);
        // That there is such a file is told with a status of its own.
        assert.deepEqual(broken.filter((text) => !text.includes("409")), []);
    });
});

// The page in a real browser, with a real bot behind it.
//
//   COGSMITH_BIN=../../target/debug/cogsmith node --test
//
// COGSMITH_CHROMIUM names another browser than /usr/bin/chromium, COGSMITH_SCREENSHOT a file for a
// picture of the page with a failed reload.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startBot } from "./bot.mjs";
import { speakAs as speakOn } from "./browser.mjs";
import { closeStage, cogEntry, openStage } from "./stage.mjs";

const BINARY = process.env.COGSMITH_BIN;
const PING = "lua/cogs/ping.luau";
const MENDED = `--!strict
local cog = require("@cogsmith/cog")

cog.command {
    name = "ping",
    description = "Answers",
    run = function(ctx)
        ctx:reply("Mended and answering")
    end,
}
`;

describe("the studio", { skip: BINARY ? false : "COGSMITH_BIN is not set" }, () => {
    let foreign;
    let broken;
    let project;
    let bot;
    let browser;
    let page;

    before(async () => {
        ({ project, bot, browser, page, foreign, broken } = await openStage(BINARY));
    });

    after(() => closeStage({ project, bot, browser }));

    const input = () => page.locator("#input");
    const messages = () => page.locator("#messages .message");
    const answers = (text) => messages().filter({ has: page.locator(".markdown") }).filter({ hasText: text });

    async function write(text) {
        await input().fill(text);
        await input().press("Enter");
        await page.waitForFunction(() => document.getElementById("input").value === "");
    }

    const speakAs = (name) => speakOn(page, name);

    it("answers a command", async () => {
        await write("!ping");
        await messages().filter({ has: page.locator(".headline .badge", { hasText: "Bot" }) }).first().waitFor();
        assert.match(await page.title(), /Studio/);
        assert.ok(await page.locator("#cogs .cog", { hasText: "ping" }).count() > 0);
    });

    it("shows a broken save with file, line and excerpt, and keeps the old code", async () => {
        const before = await project.read(PING);
        await project.write(PING, `${before}\nlocal broken = = 1\n`);
        const line = before.split("\n").length + 1;
        const banner = page.locator("#banner");
        await banner.waitFor();
        await banner.locator(".place", { hasText: `${PING}:` }).waitFor();
        assert.equal(await banner.locator(".place").first().textContent(), `${PING}:${line}`);
        assert.match(await banner.locator(".source-line.marked").first().textContent(), /local broken = = 1/);
        await page.locator("#feed .card.bad", { hasText: PING }).first().waitFor();
        const count = await messages().count();
        await write("!ping");
        await page.waitForFunction((known) => document.querySelectorAll("#messages .message").length >= known + 2, count);
        if (process.env.COGSMITH_SCREENSHOT) {
            await page.screenshot({ path: process.env.COGSMITH_SCREENSHOT, animations: "disabled" });
        }
    });

    it("clears the banner when the fix is live, and the new code answers", async () => {
        await project.write(PING, MENDED);
        await page.locator("#banner").waitFor({ state: "hidden" });
        await page.locator("#feed .card.good", { hasText: PING }).first().waitFor();
        await write("!ping");
        await answers("Mended and answering").last().waitFor();
    });

    it("shows a wrong type beside the reload, which is live all the same", async () => {
        const wrong = MENDED.replace("ctx:reply", "ctx:rply").replace('name = "ping"', 'name = "ping2"');
        const line = wrong.split("\n").findIndex((text) => text.includes("rply")) + 1;
        const checker = "tools/typecheck/target/debug/cogsmith-typecheck";
        await project.program(checker, `#!/bin/sh
echo '[{ "file": "${PING}", "line": ${line}, "column": 9, "end_line": ${line}, "end_column": 17, "severity": "error",
    "code": "TypeError", "message": "there is no rply" }]'
`);
        await project.write(PING, wrong);
        const card = page.locator("#feed .card.good", { has: page.locator(".card-types") });
        await card.waitFor();
        assert.match(await card.locator("summary").textContent(), /1 wrong type, live all the same/);
        assert.equal(await card.locator(".place").textContent(), `${PING}:${line}`);
        assert.match(await card.locator(".source-line.marked").textContent(), /ctx:rply/);
        assert.equal(await page.locator("#banner").isHidden(), true);
        await project.program(checker, "#!/bin/sh\necho '[]'\n");
        await project.write(PING, MENDED);
        await page.locator("#feed .card.good").first().filter({ hasNot: page.locator(".card-types") }).waitFor();
    });

    it("shows what a cog uses of its limits, and why it is in quarantine", async () => {
        const HOG = "lua/cogs/hog.luau";
        const cog = (run) => `local cog = require("@cogsmith/cog")\n\ncog.command { name = "hog", run = ${run} }\n`;
        const config = await project.read("config.json");
        await project.write("config.json", config.replace('"faults_per_10min": 20', '"faults_per_10min": 2'));
        await project.write(HOG, cog("function() while true do end end"));
        const row = cogEntry(page, "hog");
        await row.waitFor();
        await page.locator("#feed .card", { hasText: "config.json" }).first().waitFor();
        const stopped = answers("The log has the rest under");
        for (const count of [1, 2]) {
            await write("!hog");
            await stopped.nth(count - 1).waitFor();
        }
        await row.locator(".cog-problem", { hasText: `is in quarantine: its handlers were stopped 2 times` }).waitFor();
        await row.locator(".cog-state", { hasText: "quarantined" }).waitFor();
        await row.locator(".cog-limits summary").click();
        const met = row.locator(".cog-limits tr.met", { hasText: "cpu_ms" });
        assert.deepEqual(await met.locator("td").allTextContents().then((cells) => cells.slice(1)), ["250", "2"]);
        if (process.env.COGSMITH_SCREENSHOT) {
            const file = process.env.COGSMITH_SCREENSHOT.replace(/\.png$/, "-limits.png");
            await page.screenshot({ path: file, animations: "disabled" });
        }
        await write("!hog");
        await answers("This command is out of order").first().waitFor();
        await project.write(HOG, cog('function(ctx) ctx:reply("a tame hog") end'));
        await row.locator(".cog-problem").waitFor({ state: "detached" });
        await write("!hog");
        await answers("a tame hog").first().waitFor();
    });

    it("speaks as somebody else", async () => {
        await speakAs("Anna");
        await write("hello from somebody else");
        const message = messages().filter({ hasText: "hello from somebody else" }).last();
        await message.waitFor();
        assert.match(await message.locator(".headline .name").textContent(), /Anna/);
    });

    it("toggles a reaction as the person who is chosen", async () => {
        const message = messages().filter({ hasText: "hello from somebody else" }).last();
        await message.hover();
        await message.getByRole("button", { name: "Add a reaction" }).click();
        await message.getByRole("button", { name: "React with 👍" }).click();
        const reaction = message.locator(".reaction");
        await message.locator('.reaction[aria-pressed="true"]').waitFor();
        await speakAs("Owner");
        await message.locator('.reaction[aria-pressed="false"]').waitFor();
        await reaction.click();
        await reaction.filter({ hasText: "2" }).waitFor();
        await reaction.click();
        await reaction.filter({ hasText: "1" }).waitFor();
    });

    it("shows script in a message as text", async () => {
        const script = "<script>window.ran = 1</script><img src=x onerror='window.ran = 1'>";
        await write(script);
        const message = messages().filter({ hasText: "window.ran" }).last();
        await message.waitFor();
        assert.equal(await message.locator(".markdown").textContent(), script);
        assert.equal(await message.locator("script, img").count(), 0);
        assert.equal(await page.evaluate(() => window.ran), undefined);
    });

    it("says why a message cannot be sent, and keeps the text", async () => {
        const long = "x".repeat(2001);
        await input().fill(long);
        await input().press("Enter");
        await page.locator("#input-error:not([hidden])").waitFor();
        assert.match(await page.locator("#input-error").textContent(), /2000/);
        assert.equal(await input().inputValue(), long);
        await input().fill("");
    });

    it("takes a new line with Shift+Enter and recalls with the arrow", async () => {
        await input().fill("one");
        await input().press("Shift+Enter");
        await input().pressSequentially("two");
        await input().press("Enter");
        await messages().filter({ hasText: "one\ntwo" }).last().waitFor();
        await page.waitForFunction(() => document.getElementById("input").value === "");
        await input().press("Control+ArrowUp");
        assert.equal(await input().inputValue(), "one\ntwo");
        await input().fill("");
    });

    it("fits a phone", async () => {
        await page.setViewportSize({ width: 390, height: 780 });
        const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        assert.ok(await overflow() <= 0);
        await page.locator("#tab-reloads").click();
        await page.locator("#feed").waitFor();
        assert.ok(await overflow() <= 0);
        await page.locator("#tab-chat").click();
        await page.setViewportSize({ width: 1280, height: 800 });
    });

    it("asked nobody else for anything, and nothing in it broke", () => {
        assert.deepEqual(foreign, []);
        // A refused message is an answer with an error status, which the browser also logs.
        assert.deepEqual(broken.filter((text) => !/status of 400/.test(text)), []);
    });

    it("says when the bot is gone, and recovers when it is back", async () => {
        await bot.stop();
        await page.locator("#lost").waitFor();
        bot = await startBot(BINARY, project.folder, new URL(bot.link).host);
        await page.locator("#lost").waitFor({ state: "hidden" });
        await write("!ping");
        await answers("Mended and answering").last().waitFor();
    });
});

// A channel with 10,000 messages: scrolled through, jumped in, and written to meanwhile. `node --test messages.test.mjs`
//
// COGSMITH_MEASURE=1 also prints how long frames take; docs/performance.md has these numbers.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startSimulator } from "./bot.mjs";
import { messages, openPage, picture } from "./browser.mjs";

const BINARY = process.env.COGSMITH_BIN;
const COUNT = 10_000;
/** What the page holds at most, see `MOST` in message-window.js. */
const MOST_MESSAGES = 300;
const MOST_NODES = 8_000;
const PNG = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==", "base64");

describe("10,000 messages", { skip: BINARY ? false : "COGSMITH_BIN is not set" }, () => {
    let simulator;
    let bot;
    let general;
    let browser;
    let page;
    let foreign;
    let broken;
    /** The ids of all messages, the oldest first. */
    let ids;

    async function send(body, route = `/channels/${general}/messages`) {
        const response = await fetch(`${simulator.link}/api/v10${route}`, {
            method: "POST",
            headers: { authorization: `Bot ${bot.token}`, ...(body instanceof FormData ? {} : { "content-type": "application/json" }) },
            body: body instanceof FormData ? body : JSON.stringify(body),
        });
        assert.equal(response.status, 200);
        return response.json();
    }

    // Of every kind and height: lines, paragraphs, embeds, pictures, replies to what is far away.
    function body(number, known) {
        const content = `message ${number}${number % 7 === 0 ? `\n${"and more of it ".repeat(12)}\n- a\n- b` : ""}`;
        if (number % 97 === 0) {
            const form = new FormData();
            form.set("payload_json", JSON.stringify({ content }));
            form.set("files[0]", new Blob([PNG], { type: "image/png" }), "dot.png");
            return form;
        }
        return {
            content,
            embeds: number % 11 === 0 ? [{ title: `Embed ${number}`, description: "Some *text*\nin it", color: 0xE8590C,
                fields: [{ name: "a", value: "1", inline: true }, { name: "b", value: "2", inline: true }] }] : [],
            message_reference: number % 13 === 0 && known.length > 50 ? { message_id: known[Math.floor(known.length / 3)] } : undefined,
        };
    }

    before(async () => {
        simulator = await startSimulator(BINARY, "--no-limits", "--bot", "many");
        const [, id, token] = /application (\d+):\s+DISCORD_TOKEN=(\S+)/.exec(simulator.output());
        bot = { id, token };
        const world = await (await fetch(`${simulator.link}/control/world`)).json();
        general = world.guilds[0].channels.find((channel) => channel.name === "general").id;
        ids = [];
        let next = 0;
        const write = async () => {
            while (next < COUNT) {
                next += 1;
                ids.push((await send(body(next, ids))).id);
            }
        };
        await Promise.all([write(), write(), write(), write()]);
        ids = (await (await fetch(`${simulator.link}/control/messages/general`)).json()).map((message) => message.id);
        assert.equal(ids.length, COUNT);
        ({ browser, page, foreign, broken } = await openPage(simulator.link));
    });

    after(async () => {
        await browser?.close();
        await simulator?.stop();
    });

    const jump = () => page.locator("#jump-to-end");
    const shown = () => page.evaluate(() => ({
        ids: [...document.querySelectorAll("#messages .message")].map((node) => node.dataset.id),
        nodes: document.getElementById("messages").getElementsByTagName("*").length,
    }));

    function assertWhole({ ids: drawn, nodes }) {
        assert.ok(drawn.length <= MOST_MESSAGES && nodes <= MOST_NODES, `${drawn.length} messages, ${nodes} elements`);
        const first = ids.indexOf(drawn[0]);
        assert.deepEqual(drawn, ids.slice(first, first + drawn.length), "there is a gap, or the order is wrong");
    }

    it("open at the end at once, with a part of them", async () => {
        await page.locator(`[data-id="${ids.at(-1)}"]`).waitFor();
        const bottom = await page.evaluate(() => {
            const node = document.getElementById("scroller");
            return node.scrollHeight - node.scrollTop - node.clientHeight;
        });
        assert.ok(bottom <= 1, `${bottom} pixels from the end`);
        assert.equal(await jump().isVisible(), false);
        assertWhole(await shown());
        await picture(page, "messages-end");
    });

    // Scrolls by `step` pixels a frame until the page is at the end of all; what was drawn on the way, and how long frames took.
    const scrollThrough = (step, last) => page.evaluate(async ([by, until]) => {
        const scroller = document.getElementById("scroller");
        const list = document.getElementById("messages");
        const seen = new Set();
        const parts = [];
        const jumps = [];
        const frames = [];
        let nodes = 0;
        const tasks = [];
        new PerformanceObserver((found) => tasks.push(...found.getEntries().map((task) => task.duration))).observe({ type: "longtask" });
        const top = (node) => node.getBoundingClientRect().top;
        const frame = () => new Promise((done) => requestAnimationFrame(done));
        let before = await frame();
        for (let idle = 0; idle < 600; idle += 1) {
            const [at, height] = [scroller.scrollTop, scroller.clientHeight];
            const watched = [...list.querySelectorAll(".message")].find((node) => top(node) > scroller.getBoundingClientRect().top + height / 3);
            const place = watched && top(watched);
            scroller.scrollTop += by;
            const moved = scroller.scrollTop - at;
            const now = await frame();
            frames.push(now - before);
            before = now;
            // Whatever was added and taken away meanwhile, what one looks at has moved as far as one has scrolled.
            if (watched?.isConnected) {
                jumps.push(Math.abs(place - moved - top(watched)));
            }
            const drawn = [...list.querySelectorAll(".message")].map((node) => node.dataset.id);
            nodes = Math.max(nodes, list.getElementsByTagName("*").length);
            if (parts.at(-1)?.[0] !== drawn[0] || parts.at(-1)?.length !== drawn.length) {
                parts.push(drawn);
                idle = 0;
            }
            drawn.forEach((id) => seen.add(id));
            if (seen.has(until) && (by < 0 ? scroller.scrollTop === 0 : scroller.scrollHeight - scroller.scrollTop - height < 2)) {
                break;
            }
        }
        frames.sort((left, right) => left - right);
        return { parts, nodes, tasks: tasks.sort((left, right) => right - left), seen: seen.size, jump: Math.max(...jumps), longest: frames.at(-1), usual: frames[Math.floor(frames.length / 2)], frames: frames.length };
    }, [step, last]);

    function tell(what, { frames, longest, usual, nodes, parts, tasks }) {
        if (process.env.COGSMITH_MEASURE) {
            const most = Math.max(...parts.map((part) => part.length));
            console.log(`${what}: ${frames} frames, the longest ${longest.toFixed(0)} ms, half of them within ${usual.toFixed(1)} ms, ${tasks.length} tasks of more than 50 ms, the longest ${(tasks[0] ?? 0).toFixed(0)} ms; at most ${most} messages, ${nodes} elements`);
        }
    }

    it("come while one scrolls up, all of them, in order, and nothing moves under the reader's eyes", async () => {
        const way = await scrollThrough(-700, ids[0]);
        tell("up", way);
        assert.equal(way.seen, COUNT);
        way.parts.forEach((drawn) => assertWhole({ ids: drawn, nodes: way.nodes }));
        assert.ok(way.jump <= 2, `moved by ${way.jump} pixels`);
        await picture(page, "messages-start");
    });

    it("and while one scrolls down again", async () => {
        const way = await scrollThrough(700, ids.at(-1));
        tell("down", way);
        assert.equal(way.seen, COUNT);
        way.parts.forEach((drawn) => assertWhole({ ids: drawn, nodes: way.nodes }));
        assert.ok(way.jump <= 2, `moved by ${way.jump} pixels`);
        await jump().waitFor({ state: "hidden" });
    });

    it("are jumped in: to the message that is answered, and back to the newest", async () => {
        const reply = page.locator("#messages button.answered").last();
        await reply.click();
        const target = page.locator("#messages .message.found");
        await target.waitFor();
        const id = await target.getAttribute("data-id");
        assert.ok(ids.indexOf(id) < COUNT / 2, `${ids.indexOf(id)}`);
        assert.equal(await target.evaluate((node) => node === document.activeElement), true);
        assertWhole(await shown());
        const text = await target.innerText();
        await picture(page, "messages-jumped");
        ids.push((await send({ content: "written meanwhile" })).id, (await send({ content: "and another" })).id);
        await jump().filter({ hasText: "2 new messages" }).waitFor();
        await picture(page, "messages-new");
        assert.equal(await messages(page, "and another").count(), 0);
        assert.equal(await target.or(page.locator(`[data-id="${id}"]`)).innerText(), text);
        await jump().click();
        await messages(page, "and another").waitFor();
        await jump().waitFor({ state: "hidden" });
        assertWhole(await shown());
    });

    it("stay where they are when pictures above them arrive", async () => {
        let arrive;
        const arrived = new Promise((resolve) => { arrive = resolve; });
        await page.route("**/attachments/**", async (route) => {
            await arrived;
            await route.continue();
        });
        const form = new FormData();
        form.set("payload_json", JSON.stringify({ content: "of a size that nobody knows" }));
        form.set("files[0]", new Blob(['<svg xmlns="http://www.w3.org/2000/svg" width="300" height="240"/>'], { type: "image/svg+xml" }), "large.svg");
        ids.push((await send(form)).id);
        for (let line = 0; line < 60; line += 1) {
            ids.push((await send({ content: `below it ${line}` })).id);
        }
        await messages(page, "below it 59").waitFor();
        await page.locator("#scroller").hover();
        await page.mouse.wheel(0, -500);
        await jump().waitFor();
        const line = messages(page, "below it 20");
        await line.evaluate((node) => node.scrollIntoView({ block: "start" }));
        const place = () => line.evaluate((node) => Math.round(node.getBoundingClientRect().top));
        await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
        const before = await place();
        const image = page.locator('img[src$="large.svg"]');
        const small = await image.evaluate((node) => node.offsetHeight);
        await image.evaluate((node) => { node.loading = "eager"; });
        arrive();
        await page.waitForFunction((height) => document.querySelector('img[src$="large.svg"]').offsetHeight > height + 100, small);
        await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
        assert.equal(await place(), before);
        await page.unroute("**/attachments/**");
        await jump().click();
    });

    it("let the reader write and scroll while a bot writes 100 messages a second", async () => {
        await page.evaluate(() => {
            window.frames_ = [];
            let before = performance.now();
            const note = (now) => {
                window.frames_.push(now - before);
                before = now;
                window.noting = requestAnimationFrame(note);
            };
            window.noting = requestAnimationFrame(note);
        });
        const flood = (async () => {
            for (let number = 0; number < 500; number += 1) {
                const due = new Promise((resolve) => { setTimeout(resolve, 10); });
                ids.push((await send({ content: `flood ${number}` })).id);
                await due;
            }
        })();
        await messages(page, "flood 20").first().waitFor();
        await page.locator("#input").pressSequentially("still there");
        assert.equal(await page.locator("#input").inputValue(), "still there");
        await page.locator("#scroller").hover();
        await page.mouse.wheel(0, -900);
        await jump().filter({ hasText: "new messages" }).waitFor();
        assertWhole(await shown());
        await flood;
        await jump().click();
        await messages(page, "flood 499").waitFor();
        const frames = await page.evaluate(() => {
            cancelAnimationFrame(window.noting);
            return window.frames_.sort((left, right) => left - right);
        });
        if (process.env.COGSMITH_MEASURE) {
            console.log(`flood: ${frames.length} frames, the longest ${frames.at(-1).toFixed(0)} ms, half of them within ${frames[Math.floor(frames.length / 2)].toFixed(1)} ms`);
        }
        assertWhole(await shown());
    });

    it("are gone through with the keyboard, and read out as they come", async () => {
        await page.locator("#input").fill("");
        await page.locator("#scroller").focus();
        await page.keyboard.press("Tab");
        const focused = () => page.evaluate(() => document.activeElement.dataset.id);
        assert.equal(await focused(), ids.at(-1));
        await page.keyboard.press("ArrowUp");
        assert.equal(await focused(), ids.at(-2));
        await page.keyboard.press("Shift+F10");
        await page.getByRole("menu", { name: "Menu of the message" }).waitFor();
        await page.keyboard.press("Escape");
        assert.equal(await focused(), ids.at(-2));
        ids.push((await send({ content: "listen to this" })).id);
        await page.locator("#announcer", { hasText: "many: listen to this" }).waitFor({ state: "attached" });
    });

    it("asked nobody else for anything, and nothing broke", () => {
        assert.deepEqual(foreign, []);
        assert.deepEqual(broken, []);
    });
});

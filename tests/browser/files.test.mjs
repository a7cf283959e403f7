// Files on the page: sent with messages, shown, and given to commands. `node --test files.test.mjs`

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { messages, picture, speakAs } from "./browser.mjs";
import { closeStage, openStage } from "./stage.mjs";

const BINARY = process.env.COGSMITH_BIN;
const STUDY = `--!strict
local cog = require("@cogsmith/cog")

cog.info { description = "Looks at files", intents = { "message_content" }, capabilities = { "messages.send" } }

cog.command {
    name = "study",
    description = "Looks at files",
    prefix = false,
    options = {
        cog.option.attachment { name = "file", description = "What to look at" },
        cog.option.maybe(cog.option.attachment { name = "second", description = "Another one" }),
    },
    run = function(ctx)
        local file = ctx.options.file
        local second = if ctx.options.second then ctx.options.second.filename else "none"
        ctx:reply(\`{file.filename}, {file.size} bytes, {file.content_type}, {file.width}x{file.height}, read {#file:read()}, second {second}\`)
    end,
}

cog.command { name = "handin", description = "Asks for a file", prefix = false, run = function(ctx)
    local answer = ctx:modal { title = "Hand in", components = { { type = 18, label = "Work", component = { type = 19, custom_id = "work" } } } }
    if answer then
        answer:reply(\`Handed in {answer.fields.work[1].filename}\`)
    end
end }

cog.command { name = "card", description = "An embed with a picture of its own", run = function(ctx)
    local svg = '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="48"><rect width="64" height="48" fill="teal"/></svg>'
    ctx:reply { embeds = { { title = "A card", image = { url = "attachment://card.svg" } } }, files = { { filename = "card.svg", content = svg } } }
end }

cog.on.message_create(function(message)
    local files = message.attachments
    if #files > 0 and not message.author.bot then
        local told = {}
        for _, file in files do
            table.insert(told, file.filename .. " (" .. (file.description or "nothing said") .. ")")
        end
        message:reply("Got " .. table.concat(told, ", "))
    end
end)
`;
/** A disc, 320 × 180 pixels. */
const PNG = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAUAAAAC0CAMAAADSOgUjAAAACVBMVEUAAAAoPFrvhlLi/0xSAAAB8klEQVR42u3d23FDIQxAQaH+i04DziS2Z64e7KlA7DegOPqqQAAQIECAAggQIEABBAgQoAACBAhQAAECBCiAAAECFECAAAEK4D2A+SqAn9v1VYxReg0NY5peN8OYyNeJMEbqNTKMsXxNCGOyXwfBmMzXgTBm89UTxni/YsGY71crGPP5agljhV+hYOzwqxOMJX5lgrHFr0ow1vgVCcYevxrBWORXIhib/CoEY5VfgWDs8nteEOA0wMxdgrHN72nBWOf3sCDAUYCZ6wQBTgLM3CcYG/2eFAQ4BzBzoyBAgLcAZq4UBDgFMHOnIECAdwBmLhUECPAKwMytggABAgQIcKXfM4IAAQIECBAgQIAAAQIECBAgQIAAAQIECBAgQIAAZwsegAABAgS4AtD9QIAAZwO6pQ8Q4GxAb+UAFgN6LwwQ4GxAv3YALAb0c9EUwQMQYKXgAQiwUvCsBvSLb3fBAxBgpeC5ANA2h76C5xJAG216Cp6LAG316id4LgO02bCX4LkQ0HbXNoSVR7DhejagHevlhNXj1wN+RVg/fAfAM9ivB+CHhC0mbwL4vmGXsfsAvkXYZ+hOgP81bDVxM8C/DbuN2w/wd8WWkzYFnBNAgAABAhRAgAABCiBAgAAFECBAgAIIECBAAQQIEKAAAgQIUC/7AexzDR2hVhAGAAAAAElFTkSuQmCC", "base64");

describe("files", { skip: BINARY ? false : "COGSMITH_BIN is not set" }, () => {
    let project;
    let bot;
    let browser;
    let page;
    let broken;
    let foreign;

    before(async () => {
        ({ project, bot, browser, page, foreign, broken } = await openStage(BINARY, { "lua/cogs/study.luau": STUDY }));
    });

    after(() => closeStage({ project, bot, browser }));

    const input = () => page.locator("#input");
    const card = (name) => page.locator(".file-card", { hasText: name });
    const last = () => messages(page).filter({ has: page.locator(".attachments") }).last();
    const asDropped = (files) => page.evaluateHandle((list) => {
        const data = new DataTransfer();
        list.forEach(({ name, type, text }) => data.items.add(new File([text], name, { type })));
        return data;
    }, files);

    async function drop(files, on = "#messages") {
        const dataTransfer = await asDropped(files);
        await page.dispatchEvent(on, "dragenter", { dataTransfer });
        await page.locator("#drop").waitFor();
        await page.dispatchEvent(on, "drop", { dataTransfer });
        await page.locator("#drop").waitFor({ state: "hidden" });
    }

    async function paste(files) {
        const clipboardData = await asDropped(files);
        await page.evaluate((data) => document.activeElement.dispatchEvent(
            new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true })), clipboardData);
    }

    it("are chosen, dropped and pasted, described, hidden and taken away, and sent together", async () => {
        const chosen = page.waitForEvent("filechooser");
        await page.getByRole("button", { name: "Attach files" }).click();
        await (await chosen).setFiles([{ name: "cat.png", mimeType: "image/png", buffer: PNG }, { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("hello") }]);
        await card("cat.png").locator("img").waitFor();
        await drop([{ name: "secret.txt", type: "text/plain", text: "psst" }]);
        await input().focus();
        await paste([{ name: "image.svg", type: "image/svg+xml", text: '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>' }]);
        await card("image.svg").waitFor();
        await page.getByRole("textbox", { name: /^Description of cat.png/ }).fill("A round cat");
        await page.getByRole("button", { name: "Mark secret.txt as a spoiler" }).click();
        await page.getByRole("button", { name: "Remove image.svg" }).click();
        await card("image.svg").waitFor({ state: "detached" });
        await picture(page, "files-tray");
        await page.setViewportSize({ width: 400, height: 800 });
        await page.emulateMedia({ colorScheme: "light" });
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
        await picture(page, "files-tray-phone");
        await page.setViewportSize({ width: 1280, height: 800 });
        await page.emulateMedia({ colorScheme: "dark" });
        await input().fill("Look at these");
        await input().press("Enter");
        await messages(page, "Got cat.png (A round cat), notes.txt (nothing said), SPOILER_secret.txt (nothing said)").waitFor();
        await page.locator("#files").waitFor({ state: "hidden" });
    });

    it("are shown: pictures with their size and description, others with a link that saves them", async () => {
        const cat = last().getByRole("img", { name: "A round cat" });
        await cat.waitFor();
        assert.equal(await cat.evaluate(async (node) => { await node.decode(); return `${node.naturalWidth}x${node.naturalHeight}`; }), "320x180");
        await last().locator("figcaption", { hasText: /A round cat\s*320 × 180, \d+ bytes/ }).waitFor();
        const save = last().getByRole("link", { name: "Save notes.txt" });
        const download = page.waitForEvent("download");
        await save.click();
        assert.equal((await download).suggestedFilename(), "notes.txt");
        assert.equal(await (await fetch(await save.getAttribute("href"))).text(), "hello");
        await last().locator(".attachment", { hasText: "notes.txt" }).locator(".muted", { hasText: "5 bytes" }).waitFor();
        await picture(page, "files-shown");
    });

    it("are hidden as spoilers until somebody asks for them", async () => {
        const cover = last().getByRole("button", { name: "Spoiler: show SPOILER_secret.txt" });
        const inside = last().locator(".spoiler-inside", { hasText: "SPOILER_secret.txt" });
        assert.equal(await inside.evaluate((node) => node.inert), true);
        await cover.focus();
        await page.keyboard.press("Enter");
        await cover.waitFor({ state: "detached" });
        assert.equal(await inside.evaluate((node) => node.inert), false);
    });

    it("are refused with a sentence when they are too large or too many", async () => {
        await page.locator("#file").setInputFiles({ name: "film.mp4", mimeType: "video/mp4", buffer: Buffer.alloc((10 << 20) + 1) });
        await page.locator("#input-error", { hasText: "film.mp4 is too large: Discord takes files of up to 10 MB." }).waitFor();
        await page.locator("#file").setInputFiles(Array.from({ length: 12 }, (_, number) => ({ name: `${number}.txt`, mimeType: "text/plain", buffer: Buffer.from("x") })));
        await page.locator("#input-error", { hasText: "A message has at most 10 files; 2 were left out." }).waitFor();
        assert.equal(await page.locator(".file-card").count(), 10);
        await input().press("Enter");
        await messages(page, /Got 0\.txt.*9\.txt/).waitFor();
    });

    it("are kept when Discord does not take the message", async () => {
        await page.locator("#file").setInputFiles({ name: "kept.txt", mimeType: "text/plain", buffer: Buffer.from("x") });
        await input().fill("x".repeat(2001));
        await input().press("Enter");
        await page.locator("#input-error", { hasText: /2000/ }).waitFor();
        await card("kept.txt").waitFor();
        await input().fill("shorter");
        await input().press("Enter");
        await messages(page, "Got kept.txt").waitFor();
    });

    it("are in embeds that name them", async () => {
        await input().fill("!card");
        await input().press("Enter");
        const image = messages(page, "A card").locator(".embed img");
        await image.waitFor();
        assert.equal(await image.evaluate(async (node) => { await node.decode(); return node.naturalWidth; }), 64);
        assert.equal(await messages(page, "A card").locator(".attachments").count(), 0);
    });

    async function study() {
        await input().fill("");
        await input().pressSequentially("/study");
        await page.locator('#suggestions [role="option"]', { hasText: "/study" }).waitFor();
        await page.keyboard.press("Enter");
        await page.locator(".option-file").waitFor();
    }
    const option = (name) => page.locator(".option-file", { hasText: name });

    it("are options of commands, of which cogs know type and size, and which they read", async () => {
        await study();
        await page.locator(".option-file input").setInputFiles({ name: "cat.png", mimeType: "image/png", buffer: PNG });
        await option("cat.png").locator("img").waitFor();
        await picture(page, "files-option");
        await page.getByRole("button", { name: "Remove cat.png" }).click();
        await option("Choose, drop or paste a file").waitFor();
        await page.locator(".option-file input").setInputFiles({ name: "cat.png", mimeType: "image/png", buffer: PNG });
        await option("cat.png").waitFor();
        await page.locator(".option-file input").press("Enter");
        await messages(page, new RegExp(`cat.png, ${PNG.length} bytes, image/png, 320x180, read ${PNG.length}, second none`)).waitFor();
    });

    it("are dropped on a command and pasted into it, also for options that have no field yet", async () => {
        await study();
        await drop([{ name: "one.txt", type: "text/plain", text: "1" }, { name: "two.txt", type: "text/plain", text: "22" }, { name: "three.txt", type: "text/plain", text: "333" }]);
        await page.locator("#input-error", { hasText: "There is no option for one of the files." }).waitFor();
        assert.equal(await page.locator(".option-file").count(), 2);
        await option("second").getByRole("button", { name: "Remove two.txt" }).click();
        await paste([{ name: "image.png", type: "image/png", text: "no picture" }]);
        await option("image.png").waitFor();
        await page.getByRole("combobox", { name: /^Further options/ }).focus();
        await page.keyboard.press("Enter");
        await messages(page, "one.txt, 1 bytes, text/plain, nilxnil, read 1, second image.png").waitFor();
        await study();
        await page.keyboard.press("Escape");
        await page.locator(".option-file input").focus();
        await page.keyboard.press("Escape");
        await page.keyboard.press("Escape");
        await page.locator("#command-form").waitFor({ state: "hidden" });
    });

    it("are in forms, unless they are too large", async () => {
        await input().fill("");
        await input().pressSequentially("/handin ");
        await page.keyboard.press("Enter");
        const dialog = page.getByRole("dialog", { name: "Hand in" });
        await dialog.waitFor();
        await dialog.locator("input[type=file]").setInputFiles({ name: "film.mp4", mimeType: "video/mp4", buffer: Buffer.alloc((10 << 20) + 1) });
        await dialog.getByRole("button", { name: "Submit" }).click();
        await dialog.locator(".field-error", { hasText: "film.mp4 is too large" }).waitFor();
        await dialog.locator("input[type=file]").setInputFiles({ name: "work.txt", mimeType: "text/plain", buffer: Buffer.from("done") });
        await dialog.getByRole("button", { name: "Submit" }).click();
        await messages(page, "Handed in work.txt").waitFor();
    });

    it("are not sent where the speaker may not", async () => {
        const { guilds: [guild] } = await (await fetch(`${bot.link}/control/world`)).json();
        const { id } = guild.channels.find((channel) => channel.name === "general");
        const overwrite = (deny) => fetch(`${bot.link}/control/call`, {
            method: "POST", headers: { "content-type": "application/json" },
            body: JSON.stringify({ user: "owner", method: "PUT", path: `/channels/${id}/permissions/${guild.id}`, body: { type: 0, allow: "0", deny } }),
        });
        assert.equal((await overwrite(String(1 << 15))).status, 200);
        await speakAs(page, "Anna");
        await page.locator("#file").setInputFiles({ name: "anna.txt", mimeType: "text/plain", buffer: Buffer.from("x") });
        await input().press("Enter");
        await page.locator("#input-error", { hasText: /permission/i }).waitFor();
        await card("anna.txt").waitFor();
        await overwrite("0");
        await input().press("Enter");
        await messages(page, "Got anna.txt").waitFor();
        await speakAs(page, "Owner");
    });

    it("broke nothing and asked nobody else", () => {
        // The files are at the simulator's own port.
        const others = foreign.filter((url) => !/^http:\/\/127\.0\.0\.1:\d+\/attachments\//.test(url));
        assert.deepEqual(others, []);
        assert.deepEqual(broken.filter((text) => !/status of 400/.test(text)), []);
    });
});

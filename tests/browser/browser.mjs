// Opens the page in a browser, and does on it what its reader does.

import { chromium } from "playwright-core";

const FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

/**
 * Opens the page at `link`: `{ browser, page, foreign, broken }`. `foreign` fills with requests to other hosts,
 * `broken` with errors of the page. COGSMITH_CHROMIUM names another browser than /usr/bin/chromium.
 */
export async function openPage(link) {
    const foreign = [];
    const broken = [];
    const browser = await chromium.launch({
        executablePath: process.env.COGSMITH_CHROMIUM ?? "/usr/bin/chromium",
        args: FLAGS,
    });
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: "dark" });
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    const host = new URL(link).host;
    const own = (url) => url.startsWith("data:") || url.startsWith("blob:") || new URL(url).host === host;
    context.on("request", (request) => own(request.url()) || foreign.push(request.url()));
    page.on("websocket", (socket) => own(socket.url()) || foreign.push(socket.url()));
    page.on("pageerror", (error) => broken.push(error.message));
    page.on("console", (message) => message.type() === "error" && broken.push(message.text()));
    await page.goto(link);
    await page.locator("#people input").first().waitFor({ state: "attached" });
    return { browser, page, foreign, broken };
}

/** Speaks as somebody else from now on. */
export async function speakAs(page, name) {
    await page.locator(".person", { has: page.locator(".name", { hasText: name }) }).click();
    await page.waitForFunction((who) => document.getElementById("input").placeholder.endsWith(` as ${who}`), name);
}

/** The messages that have been drawn, those that contain `text` only. */
export const messages = (page, text = "") => page.locator("#messages .message").filter({ hasText: text });

/** A picture for who looks at it: COGSMITH_SCREENSHOTS names a folder. */
export async function picture(page, name) {
    if (process.env.COGSMITH_SCREENSHOTS) {
        await page.screenshot({ path: `${process.env.COGSMITH_SCREENSHOTS}/${name}.png`, animations: "disabled" });
    }
}

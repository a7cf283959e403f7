// A bot in a copy of the project, and its page: what most of these tests begin with and end.

import { copyProject, startBot } from "./bot.mjs";
import { openPage } from "./browser.mjs";

/** `{ project, bot, browser, page, foreign, broken }`; `files` are written into the project before the bot starts. */
export async function openStage(binary, files = {}) {
    const project = await copyProject();
    let bot;
    try {
        for (const [file, text] of Object.entries(files)) {
            await project.write(file, text);
        }
        bot = await startBot(binary, project.folder);
        return { project, bot, ...await openPage(bot.link) };
    } catch (error) {
        await closeStage({ project, bot });
        throw error;
    }
}

/** Ends whatever of it there is. */
export async function closeStage({ project, bot, browser }) {
    await browser?.close();
    await bot?.stop();
    await project?.remove();
}

/** The entry of a cog on the page. */
export const cogEntry = (page, name) =>
    page.locator("#cogs .cog").filter({ has: page.locator("strong", { hasText: new RegExp(`^${name}$`) }) });

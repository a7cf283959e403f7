// The list of slash commands over the input while one is being written.

import { find } from "./candidates.js";
import { el } from "./dom.js";
import { inLanguage, installed, matching, named, offered, readCommand } from "./slash.js";
import { heldIn, nameOf, ownerOf, store } from "./store.js";

const SHOWN = 100;

// The commands that there are in the place that is open, whoever may use them.
function installedHere() {
    const guild = store.guild ?? null;
    const isThere = (bot) => (guild ? store.members.has(bot) : bot === store.directBot);
    return installed(store.world?.commands ?? [], guild, isThere);
}

/** The commands that Discord offers to the speaker where they are. */
export function offeredHere() {
    const channel = store.channels.get(store.channel);
    const held = store.guild ? heldIn(store.speaker, store.channel) ?? "0" : null;
    const locale = store.users.get(store.speaker)?.locale;
    return inLanguage(offered(installedHere(), held, Boolean(channel?.nsfw)), locale);
}

/** The choices of the list for what is written, below the names of their cogs; none for what is no command. */
export function commandChoices(text) {
    if (!text.startsWith("/") || text.includes("\n")) {
        return [];
    }
    const found = matching(text, offeredHere()).slice(0, SHOWN);
    if (found.length === 0 && readHidden(text, true)) {
        return [{ note: `${nameOf(store.speaker)} may not use this command here. Send it to see what is missing.` }];
    }
    const owners = [...new Set(found.map((command) => ownerOf(command)))];
    return owners.flatMap((owner) => [
        { heading: owner },
        ...found.filter((command) => ownerOf(command) === owner).map((command) => ({
            command, draw: () => drawCommand(command),
        })),
    ]);
}

function drawCommand({ shown, description, options }) {
    return [
        el("span", { class: "command-line" }, el("strong", {}, `/${shown.join(" ")}`),
            options.map((option) => el("span", { class: option.required ? "needed" : "muted" }, option.shown))),
        el("span", { class: "muted" }, description),
    ];
}

/** The command that has just been written out, with a space behind it; null when there is none. */
export function writtenOut(text) {
    return text.startsWith("/") ? named(text, offeredHere()) : null;
}

/** The text as a command of the bot, or null. Throws an Error about a wrong option. */
export function readSlash(text) {
    return readCommand(text, offeredHere(), find);
}

/** The text as a command that is there and is not offered to the speaker, or null; Discord says what they lack. */
export function readHidden(text, isQuick = false) {
    const all = installedHere();
    if (isQuick) {
        return text.length > 1 && matching(text, all).length > 0;
    }
    try {
        return readCommand(text, all, find);
    } catch {
        return null;
    }
}

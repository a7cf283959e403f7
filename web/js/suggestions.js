// The list of slash commands over the input while one is being written.

import { byId, el, fill } from "./dom.js";
import { matching, readCommand, usage } from "./slash.js";
import { people, store } from "./store.js";

const SHOWN = 8;
let found = [];
let chosen = 0;

/** Draws the list that fits the text; none for a text that is no command. */
export function drawSuggestions(text) {
    found = text.startsWith("/") && store.world ? matching(text, store.world.commands).slice(0, SHOWN) : [];
    chosen = Math.min(chosen, Math.max(found.length - 1, 0));
    const list = byId("suggestions");
    list.hidden = found.length === 0;
    const input = byId("input");
    input.setAttribute("aria-activedescendant", found.length > 0 ? `suggestion-${chosen}` : "");
    fill(list, found.map((command, index) => el("li", {
        id: `suggestion-${index}`,
        role: "option",
        "aria-selected": index === chosen,
        on: { mousedown: (event) => { event.preventDefault(); take(index); } },
    }, el("code", {}, usage(command)), el("span", { class: "muted" }, command.description))));
}

/** Handles the keys of the list; true when the key was for it. */
export function onSuggestionKey(event) {
    const isComplete = found.length === 0 || event.target.value.startsWith(`/${found[chosen].path.join(" ")}`);
    if (found.length > 1 && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
        chosen = (chosen + (event.key === "ArrowDown" ? 1 : found.length - 1)) % found.length;
        drawSuggestions(event.target.value);
        return true;
    }
    if (!isComplete && (event.key === "Tab" || (event.key === "Enter" && !event.shiftKey))) {
        take(chosen);
        return true;
    }
    return false;
}

function take(index) {
    const input = byId("input");
    const command = found[index];
    const first = command.options.find((option) => option.required);
    input.value = `/${command.path.join(" ")}${first ? ` ${first.name}:` : ""}`;
    input.dispatchEvent(new Event("input"));
    input.focus();
}

/** The text as a command of the bot, or null. Throws an Error about a wrong option. */
export function readSlash(text) {
    return store.world ? readCommand(text, store.world.commands, find) : null;
}

// The id of what is written as `@anna`, `#general`, `<@1>` or `1`.
function find(kind, written) {
    const bare = written.replace(/^<?[@#][!&]?/, "").replace(/>$/, "");
    const isCalled = (...names) => names.some((name) => name?.toLowerCase() === bare.toLowerCase());
    if (kind === "user") {
        const members = [...people(), ...store.users.values()];
        return members.find((user) =>
            user.id === bare || isCalled(user.username, user.global_name, store.members.get(user.id)?.nick))?.id;
    }
    const things = kind === "role" ? store.roles : store.channels;
    return [...things.values()].find((thing) => thing.id === bare || isCalled(thing.name, thing.name.replace(/^@/, "")))?.id;
}

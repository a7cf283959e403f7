// Has screen readers say what comes to the open channel. The list itself is silent: it also grows by older messages,
// which nobody has written just now.

import { byId, el } from "./dom.js";
import { compareIds } from "./message-window.js";
import { nameOf, store } from "./store.js";

const EVERY_MS = 1000;
const SPOKEN = 4;
const LINES = 20;

let known = null;
let newest = "0";
let waiting = [];
let timer = null;

/** Notes what is new among the messages of the open channel; it is said within a second. */
export function announce(messages) {
    const last = messages.at(-1)?.id ?? "0";
    const held = store.windows.get(store.channel);
    if (known !== held || held?.newer) {
        known = held;
        newest = last;
        waiting = [];
        return;
    }
    const at = messages.findLastIndex((message) => compareIds(message.id, newest) <= 0);
    waiting.push(...messages.slice(at + 1));
    newest = compareIds(last, newest) > 0 ? last : newest;
    timer ??= waiting.length > 0 ? setTimeout(say, EVERY_MS) : null;
}

function say() {
    timer = null;
    const lines = waiting.length > SPOKEN ? [`${waiting.length} new messages`] : waiting.map(spoken);
    waiting = [];
    const log = byId("announcer");
    log.append(...lines.map((line) => el("div", {}, line)));
    while (log.childElementCount > LINES) {
        log.firstChild.remove();
    }
}

function spoken({ author, content, attachments, embeds }) {
    const more = [
        attachments?.length > 0 && (attachments.length === 1 ? "a file" : `${attachments.length} files`),
        ...(embeds ?? []).map((embed) => embed.title ?? embed.description?.slice(0, 200)),
    ];
    return `${nameOf(author.id, author)}: ${[content, ...more].filter(Boolean).join(", ") || "a message without text"}`;
}

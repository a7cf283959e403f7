// The input: Enter sends, Shift+Enter makes a line, arrow up recalls what was sent, Escape ends a reply.

import { say } from "./api.js";
import { byId, el, fill, icon } from "./dom.js";
import { changed, nameOf, store } from "./store.js";
import { use } from "./interactions.js";
import { drawSuggestions, onSuggestionKey, readSlash } from "./suggestions.js";
import { toEnd } from "./chat.js";

const LONGEST = 2000;
const sent = [];
let recalled = 0;

/** Wires the input once. */
export function startComposer() {
    const input = byId("input");
    byId("composer").addEventListener("submit", (event) => {
        event.preventDefault();
        send();
    });
    input.addEventListener("input", () => {
        recalled = 0;
        grow();
        showError("");
        drawSuggestions(input.value);
    });
    input.addEventListener("blur", () => drawSuggestions(""));
    input.addEventListener("keydown", onKey);
    byId("send").append(icon("send"));
}

function onKey(event) {
    if (onSuggestionKey(event)) {
        event.preventDefault();
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        send();
    } else if (event.key === "ArrowUp" && (recalled > 0 || !event.target.value)) {
        recall(event, 1);
    } else if (event.key === "ArrowDown" && recalled > 0) {
        recall(event, -1);
    } else if (event.key === "Escape" && store.replyTo) {
        store.replyTo = null;
        changed("reply");
    }
}

function recall(event, step) {
    const next = Math.min(Math.max(recalled + step, 0), sent.length);
    if (next !== recalled) {
        event.preventDefault();
        recalled = next;
        setText(recalled > 0 ? sent.at(-recalled) : "");
    }
}

async function send() {
    const input = byId("input");
    const content = input.value;
    if (!content.trim() || !store.channel || input.readOnly) {
        return;
    }
    input.readOnly = true;
    try {
        await deliver(content);
        if (sent.at(-1) !== content) {
            sent.push(content);
        }
        recalled = 0;
        setText("");
        showError("");
        store.replyTo = null;
        changed("reply");
        toEnd();
    } catch (error) {
        showError(error.message);
    } finally {
        input.readOnly = false;
        input.focus();
    }
}

// A line that names a slash command is one; everything else is a message.
async function deliver(content) {
    const command = content.startsWith("/") ? readSlash(content) : null;
    if (command) {
        await use(store.channel, { kind: "command", ...command });
    } else {
        await say(store.speaker, store.channel, content, store.replyTo?.id ?? null);
    }
}

/** Puts a command into the input and the reader's focus behind it. */
export function suggest(text) {
    setText(text);
    byId("input").focus();
}

function setText(text) {
    const input = byId("input");
    input.value = text;
    input.setSelectionRange(text.length, text.length);
    grow();
    drawSuggestions(text);
}

function showError(text) {
    const node = byId("input-error");
    node.textContent = text;
    node.hidden = !text;
    byId("input").setAttribute("aria-invalid", text ? "true" : "false");
}

// The input is as high as its text, up to what the style sheet allows; near the limit it counts.
function grow() {
    const input = byId("input");
    input.style.height = "auto";
    input.style.height = `${input.scrollHeight}px`;
    const left = LONGEST - [...input.value].length;
    byId("characters-left").textContent = left < 200 ? String(left) : "";
    byId("characters-left").classList.toggle("bad", left < 0);
}

/** Shows where and as whom the reader writes, and what is being answered. */
export function drawComposer() {
    const channel = store.channels.get(store.channel);
    const place = channel ? `#${channel.name}` : `@${store.bot.name}`;
    const label = `Message ${place} as ${nameOf(store.speaker) ?? "…"}`;
    const input = byId("input");
    input.placeholder = label;
    input.setAttribute("aria-label", label);
    const bar = byId("replying");
    bar.hidden = !store.replyTo;
    if (store.replyTo) {
        fill(bar, el("span", {}, "Replying to ", el("strong", {}, nameOf(store.replyTo.author.id, store.replyTo.author))),
            el("button", {
                type: "button",
                "aria-label": "Do not reply",
                on: { click: () => { store.replyTo = null; changed("reply"); input.focus(); } },
            }, icon("cross")));
        input.focus();
    }
}

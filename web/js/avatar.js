// A round picture made of initials: nothing is fetched from anywhere.

import { el } from "./dom.js";
import { nameOf, store } from "./store.js";

const HUES = [14, 42, 96, 150, 176, 204, 232, 264, 300, 338];

/** The avatar of a user; always the same colour for the same id. */
export function avatar(user) {
    const name = nameOf(user.id, user) ?? "?";
    const initials = name.split(/[\s_.-]+/).filter(Boolean).slice(0, 2).map((word) => [...word][0].toUpperCase());
    const isBot = user.id === store.botUser;
    const node = el("span", { class: isBot ? "avatar bot-avatar" : "avatar", "aria-hidden": "true" }, initials.join("") || "?");
    node.style.setProperty("--hue", HUES[hash(String(user.id)) % HUES.length]);
    return node;
}

function hash(text) {
    let value = 7;
    for (const character of text) {
        value = (value * 31 + character.codePointAt(0)) % 1_000_003;
    }
    return value;
}

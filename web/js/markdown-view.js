// The tree of `markdown.js` as elements, with mentions resolved to names.

import { el } from "./dom.js";
import { parse, parseInline } from "./markdown.js";
import { colourOf, nameOf, store } from "./store.js";
import { timestamp } from "./time.js";
import { highlight } from "./highlight.js";

const SIMPLE = { bold: "strong", italic: "em", underline: "u", strike: "s" };

/** A message's content. A message of nothing but up to 27 emoji shows them large. */
export function markdown(text) {
    const large = /^(?:\p{Extended_Pictographic}\p{Emoji_Modifier}?\uFE0F?|\u200D|\s){1,54}$/u.test(text);
    return el("div", { class: large ? "markdown large-emoji" : "markdown" }, draw(parse(text)));
}

/** A text in which only inline marks count. */
export function inlineMarkdown(text) {
    return draw(parseInline(text));
}

function draw(nodes) {
    return nodes.map((node) => (SIMPLE[node.type]
        ? el(SIMPLE[node.type], {}, draw(node.children))
        : DRAW[node.type](node)));
}

const DRAW = {
    text: ({ text }) => text,
    paragraph: ({ children }) => el("div", { class: "paragraph" }, draw(children)),
    quote: ({ children }) => el("blockquote", {}, draw(children)),
    heading: ({ level, children }) =>
        el("div", { class: `heading heading-${level}`, role: "heading", "aria-level": level + 3 }, draw(children)),
    subtext: ({ children }) => el("div", { class: "subtext" }, draw(children)),
    code: ({ text }) => el("code", {}, text),
    codeblock: ({ language, text }) =>
        el("pre", { tabindex: 0 }, el("code", {}, /^luau?$/i.test(language) ? highlight(text) : text)),
    list({ ordered, start, items }) {
        const rows = items.map((item) => el("li", { class: `indent-${Math.min(item.indent, 3)}` }, draw(item.children)));
        return el(ordered ? "ol" : "ul", { start: ordered ? start : null }, rows);
    },
    spoiler: ({ children }) => spoiler(draw(children)),
    link: ({ url, children }) =>
        el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, draw(children)),
    user({ id }) {
        const name = nameOf(id);
        const mine = id === store.speaker ? " mention-me" : "";
        return el("span", { class: `mention${mine}`, title: `User ${id}` }, `@${name ?? "unknown-user"}`);
    },
    role({ id }) {
        const role = store.roles.get(id);
        return el("span", { class: "mention", title: `Role ${id}` }, `@${role?.name ?? "unknown-role"}`);
    },
    channel({ id }) {
        const channel = store.channels.get(id);
        return el("span", { class: "mention", title: `Channel ${id}` }, `#${channel?.name ?? "unknown"}`);
    },
    everyone: ({ text }) => el("span", { class: "mention" }, text),
    command: ({ name }) => el("span", { class: "mention" }, `/${name}`),
    emoji: ({ name, id }) => el("span", { class: "custom-emoji", title: `Custom emoji ${id}` }, `:${name}:`),
    time({ seconds, style }) {
        const date = new Date(seconds * 1000);
        return el("time", {
            class: "timestamp",
            title: timestamp(seconds, "F"),
            datetime: Number.isNaN(date.getTime()) ? null : date.toISOString(),
            "data-relative": style === "R" ? seconds : null,
        }, timestamp(seconds, style));
    },
};

function spoiler(children) {
    const node = el("span", { class: "spoiler", role: "button", tabindex: 0, "aria-label": "Spoiler, press to show" },
        el("span", {}, children));
    const reveal = () => {
        node.classList.add("revealed");
        ["role", "tabindex", "aria-label"].forEach((name) => node.removeAttribute(name));
    };
    node.addEventListener("click", reveal);
    node.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") {
            event.preventDefault();
            reveal();
        }
    });
    return node;
}

/** Keeps "3 minutes ago" true. */
export function keepTimesFresh() {
    setInterval(() => {
        for (const node of document.querySelectorAll("time[data-relative]")) {
            node.textContent = timestamp(Number(node.dataset.relative), "R");
        }
    }, 10_000);
}

/** A user's name in the colour of their role. */
export function nameTag(user, className = "name") {
    const node = el("span", { class: className }, nameOf(user.id, user) ?? "unknown-user");
    const colour = colourOf(user.id);
    if (colour) {
        node.style.setProperty("--name", colour);
    }
    return node;
}

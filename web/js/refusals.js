// The requests of bots that were refused, with what was missing: over the chat, until the reader puts them away.

import { byId, el, fill, icon } from "./dom.js";
import { changed, nameOf, store } from "./store.js";
import { timestamp } from "./time.js";

let isOpen = false;

/** Draws the bar; it is there while there is something to say. */
export function drawRefusals() {
    const bar = byId("refusals");
    const { refusals } = store;
    bar.hidden = refusals.length === 0;
    if (refusals.length === 0) {
        fill(bar);
        return;
    }
    const newest = refusals.at(-1);
    const details = el("details", { open: isOpen },
        el("summary", { "data-focus": "refusals" }, icon("warning"), el("span", { class: "refusal-line" },
            el("strong", {}, `${nameOf(newest.bot) ?? "A bot"} was refused: `), `${called(newest)}. `, reason(newest)),
        refusals.length > 1 && el("span", { class: "count" }, `${refusals.length}`)),
        el("ol", { class: "refusal-list" }, refusals.toReversed().map(entry)));
    details.addEventListener("toggle", () => { isOpen = details.open; });
    const had = bar.contains(document.activeElement) && document.activeElement.dataset.focus;
    fill(bar, details, el("button", {
        type: "button", class: "refusals-away", "aria-label": "Put away the refused requests", title: "Put away", on: { click: putAway },
    }, icon("cross")));
    if (had) {
        bar.querySelector(`[data-focus="${CSS.escape(had)}"]`)?.focus();
    }
}

const called = ({ operation, method, path }) => operation ?? `${method} ${path}`;
const reason = ({ why, message }) => why ?? message;

function entry(refusal) {
    return el("li", {},
        el("div", {}, el("strong", {}, called(refusal)), el("span", { class: "muted" }, ` ${nameOf(refusal.bot) ?? "a bot"} · `,
            el("time", { datetime: new Date(refusal.at * 1000).toISOString() }, timestamp(refusal.at, "T")))),
        el("div", {}, `${refusal.message} (${refusal.code || refusal.status})`),
        refusal.permissions.length > 0 && el("div", {}, "Missing: ",
            refusal.permissions.map((permission) => el("span", { class: "role" }, permission))),
        refusal.why && el("div", {}, refusal.why),
        el("code", {}, `${refusal.method} ${refusal.path}`));
}

function putAway() {
    store.refusalsSeen = store.refusals.at(-1)?.number ?? 0;
    store.refusals = [];
    isOpen = false;
    changed("refusals");
    byId("input").focus();
}

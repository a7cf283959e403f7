// The list of cogs with version, state and commands.

import { byId, el, reconcile } from "./dom.js";
import { suggest } from "./composer.js";
import { store } from "./store.js";
import { timestamp } from "./time.js";

const STATES = {
    running: ["good", "running"], waiting: ["bad", "waiting for a fix"],
    unloaded: ["off", "unloaded"], quarantined: ["bad", "quarantined"],
};

/** Draws the list. */
export function drawCogs() {
    byId("cog-count").textContent = store.cogs.length > 0 ? String(store.cogs.length) : "";
    byId("cogs-empty").hidden = store.cogs.length > 0;
    reconcile(byId("cogs"), store.cogs.map((cog) => ({
        key: cog.name,
        parts: [JSON.stringify(cog), store.bot.prefix, Boolean(store.world)],
        render: () => row(cog),
    })));
}

function row(cog) {
    const [tone, word] = STATES[cog.state] ?? ["off", cog.state];
    return el("li", { class: "cog" },
        el("div", { class: "cog-head" },
            el("span", { class: `dot ${tone}`, "aria-hidden": "true" }),
            el("strong", {}, cog.name),
            cog.version > 0 && el("span", { class: "version", title: `Live since ${timestamp(cog.loaded_at, "f")}` }, `v${cog.version}`),
            cog.commands.map(command),
            el("span", { class: tone === "good" ? "visually-hidden" : "muted cog-state" }, word)),
        cog.problem && el("p", { class: "cog-problem" }, cog.problem));
}

function command(name) {
    const text = `${store.bot.prefix}${name}`;
    if (!store.world) {
        return el("code", {}, text);
    }
    return el("button", {
        type: "button", title: `Write ${text}`, "data-focus": `command-${name}`, on: { click: () => suggest(text) },
    }, text);
}

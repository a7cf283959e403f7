// The list of cogs with version, state and commands.

import { byId, el, reconcile } from "./dom.js";
import { history, undone, worse } from "./cog-history.js";
import { badge, trial } from "./cog-trial.js";
import { suggest } from "./composer.js";
import { store } from "./store.js";
import { timestamp } from "./time.js";

const STATES = {
    running: ["good", "running"], waiting: ["bad", "waiting for a fix"],
    quarantined: ["bad", "quarantined"],
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
            cog.trial && badge(),
            cog.commands.map(command),
            el("span", { class: tone === "good" ? "visually-hidden" : "muted cog-state" }, word)),
        cog.problem && el("p", { class: "cog-problem" }, cog.problem),
        cog.guard && worse(cog),
        cog.trial ? trial(cog) : cog.undone && undone(cog),
        cog.version > 0 && limits(cog),
        cog.version > 0 && history(cog));
}

/** What the cog uses of each limit; met ones stand out. */
function limits(cog) {
    const met = cog.limits.reduce((sum, limit) => sum + limit.met, 0);
    const near = cog.limits.some((limit) => limit.is_near);
    const opened = openLimits.has(cog.name);
    return el("details", {
        class: "cog-limits", open: opened, on: { toggle: (event) => remember(cog.name, event.target.open) },
    },
        el("summary", { "data-focus": `limits-${cog.name}` }, [met > 0 ? `limits (met ${met} times)` : "limits", near ? ", state nearly full" : ""].join("")),
        el("table", {},
            el("thead", {}, el("tr", {}, ["limit", "used", "allowed", "met"].map((name) => el("th", { scope: "col" }, name)))),
            el("tbody", {}, cog.limits.map((limit) => el("tr", { class: limit.met > 0 || limit.is_near ? "met" : "" },
                el("th", { scope: "row" }, limit.key),
                el("td", {}, limit.used === null ? "–" : shown(limit.used)),
                el("td", {}, String(limit.limit)),
                el("td", {}, String(limit.met)))))));
}

/** The cogs whose limits are unfolded, so that they stay so when the list is drawn anew. */
const openLimits = new Set();

function remember(name, isOpen) {
    if (isOpen) {
        openLimits.add(name);
    } else {
        openLimits.delete(name);
    }
}

function shown(number) {
    return Number.isInteger(number) ? String(number) : number.toFixed(1);
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

// The reload feed, newest first, and the banner over the chat while something is broken.

import { byId, el, fill, icon, reconcile } from "./dom.js";
import { isHurt, openFailures } from "./failures.js";
import { drawProblem } from "./problem.js";
import { store } from "./store.js";
import { duration, timestamp } from "./time.js";

const OUTCOMES = {
    applied: ["check", "good", "Live"], failed: ["cross", "bad", "Failed"], pending: ["pause", "wait", "Waiting for you"],
};
const VERBS = {
    loaded: "loaded", reloaded: "reloaded", unloaded: "unloaded", kept: "keeps its old version",
    tried: "is tried by one server", dropped: "is tried by no server any more", waiting: "waits for its fix",
};
const TRIGGERS = { start: "Start of the bot", files: null, command: "By command" };
const NAMED = 8;

/** Draws the feed. */
export function drawFeed() {
    const open = new Set(openFailures(store.reports));
    byId("feed-empty").hidden = store.reports.length > 0;
    reconcile(byId("feed"), store.reports.toReversed().map((report) => ({
        key: String(report.id),
        parts: [report, open.has(report), store.types.get(report.id)],
        render: () => card(report, open.has(report), store.types.get(report.id)),
    })));
    byId("reload-badge").textContent = open.size > 0 ? String(open.size) : "";
}

function card(report, isOpen, types) {
    const [symbol, tone, word] = OUTCOMES[report.outcome];
    const mended = report.outcome === "failed" && !isOpen;
    return el("li", { class: `card ${tone}${mended ? " mended" : ""}` },
        el("div", { class: "card-head" },
            el("span", { class: "card-outcome" }, icon(symbol), mended ? "Failed, fixed since" : word),
            el("span", { class: "muted" }, duration(report.took_ms), " · ",
                el("time", { datetime: new Date(report.at * 1000).toISOString() }, timestamp(report.at, "T")))),
        el("div", { class: "card-files" }, TRIGGERS[report.trigger], files(report.changed)),
        cogs(report.cogs),
        report.problems.length > 0 && problems(report, isOpen),
        types?.problems.length > 0 && typeErrors(types));
}

// They keep nothing from running, so they are warnings.
function typeErrors({ problems: wrong, more }) {
    const count = wrong.length + more;
    return el("details", { class: "card-types", open: true },
        el("summary", {}, icon("warning"), ` ${count} ${count === 1 ? "wrong type" : "wrong types"}, live all the same`),
        wrong.map(drawProblem),
        more > 0 && el("p", { class: "muted" }, `and ${more} more: cogsmith check --types`));
}

function files(changed) {
    const shown = changed.slice(0, NAMED).map((file) => el("code", { class: "file" }, file));
    const more = changed.length - NAMED;
    return [shown, more > 0 && el("span", { class: "muted" }, `and ${more} more`)];
}

function cogs(list) {
    const rows = list.map((cog) => el("li", { class: isHurt(cog) ? "bad" : "good" },
        el("strong", {}, cog.name), ` ${VERBS[cog.outcome]}`,
        cog.version > 0 && cog.outcome !== "unloaded" && el("span", { class: "version" }, `v${cog.version}`),
        cog.executed.length > 1 && el("span", { class: "muted", title: cog.executed.join(", ") },
            ` ${cog.executed.length} modules`)));
    if (rows.length <= NAMED) {
        return el("ul", { class: "card-cogs" }, rows);
    }
    return el("details", {}, el("summary", {}, `${rows.length} cogs`), el("ul", { class: "card-cogs" }, rows));
}

// An open failure is spread out; a mended one folds itself, and can be opened again.
function problems(report, isOpen) {
    const drawn = report.problems.map(drawProblem);
    if (isOpen) {
        return drawn;
    }
    const label = `${report.problems.length} ${report.problems.length === 1 ? "problem" : "problems"}`;
    return el("details", {}, el("summary", {}, label), drawn);
}

let shown = null;
const folded = new WeakSet();

/** Shows the newest open failure over the chat, until its fix is live. */
export function drawBanner() {
    const open = openFailures(store.reports);
    document.title = `${open.length > 0 ? "✗ " : ""}${store.bot.name} · Studio`;
    const banner = byId("banner");
    banner.hidden = open.length === 0;
    const key = open.map((report) => report.id).join();
    if (shown?.report === open[0] && shown?.key === key) {
        return;
    }
    shown = { report: open[0], key };
    fill(banner, open.length > 0 && bannerOf(open[0], open.length - 1));
}

function bannerOf(report, more) {
    const details = el("details", { open: !folded.has(report) },
        el("summary", {}, icon("cross"), el("span", {}, headline(report)),
            more > 0 && el("span", { class: "muted" }, ` and ${more} more, see Reloads`)),
        el("div", { class: "banner-body" }, report.problems.map(drawProblem)));
    details.addEventListener("toggle", () => folded[details.open ? "delete" : "add"](report));
    return details;
}

function headline(report) {
    const kept = report.cogs.filter((cog) => cog.outcome === "kept").map((cog) => `${cog.name} (version ${cog.version})`);
    const waiting = report.cogs.filter((cog) => cog.outcome === "waiting").map((cog) => cog.name);
    if (kept.length > 0) {
        return `Your last change is not live. The old code keeps answering: ${kept.slice(0, 5).join(", ")}.`;
    }
    return waiting.length > 0
        ? `Not running until it is fixed: ${waiting.slice(0, 5).join(", ")}.`
        : "Your last change is not live.";
}

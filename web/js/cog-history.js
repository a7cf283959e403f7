// What a cog has run: its versions, and a button at each that puts it back.

import * as api from "./api.js";
import { el } from "./dom.js";
import { store } from "./store.js";
import { timestamp } from "./time.js";

/** The cogs whose history is unfolded, with what is known of it, so that it stays when the list is drawn anew. */
const opened = new Map();

/** The history of a cog, folded until somebody wants to see it. */
export function history(cog) {
    const state = opened.get(cog.name);
    const box = el("details", {
        class: "cog-history", open: Boolean(state), on: { toggle: (event) => toggle(cog, event.target) },
    },
        el("summary", { "data-focus": `history-${cog.name}` }, "history"),
        el("div", { class: "cog-versions" }));
    if (state) {
        show(box, cog, state);
        // Another version has gone live since.
        if (state.loadedAt !== cog.loaded_at) {
            load(cog, box);
        }
    }
    return box;
}

function toggle(cog, box) {
    if (!box.open) {
        opened.delete(cog.name);
    } else if (!opened.has(cog.name)) {
        opened.set(cog.name, { versions: [], failed: [] });
        load(cog, box);
    }
}

async function load(cog, box) {
    try {
        const { versions, failed } = await api.history(cog.name);
        opened.set(cog.name, { versions, failed, loadedAt: cog.loaded_at });
    } catch (error) {
        opened.set(cog.name, { versions: [], failed: [], problem: error.message, loadedAt: cog.loaded_at });
    }
    show(box, cog, opened.get(cog.name));
}

function show(box, cog, { versions, failed, problem }) {
    box.querySelector(".cog-versions").replaceChildren(
        ...[
            problem && el("p", { class: "cog-problem", role: "alert" }, problem),
            el("ol", {}, versions.map((version, index) => row(cog, version, index === 0, box))),
            failed.length > 0 && el("p", {}, "Could not be loaded:"),
            el("ul", {}, failed.slice(0, 3).map((attempt) =>
                el("li", {}, `${timestamp(attempt.at, "R")}: ${attempt.problem}`))),
        ].filter(Boolean));
}

function row(cog, version, runs, box) {
    const files = version.differs.map(({ file, change }) => `${change} ${file}`).join("\n");
    const failures = version.failures > 0 ? `, ${version.failures} failed` : "";
    return el("li", { class: runs ? "runs" : "" },
        el("strong", {}, String(version.number)),
        el("span", { title: `${timestamp(version.at, "F")}\n${files}` },
            `${timestamp(version.at, "R")}, ${because(version)}`),
        version.handlers > 0 && el("span", { class: "muted" }, `handlers ${version.handlers}${failures}`),
        runs && el("span", { class: "muted" }, "runs"),
        !runs && version.of === null && store.world && undo(cog, version.number, `Put version ${version.number} of ${cog.name} back`, "put back", box));
}

/** What made the cog run a version. */
function because({ cause, of, differs }) {
    switch (cause.kind) {
        case "start": return "at a start";
        case "files": return names(cause.files.length > 0 ? cause.files : differs.map(({ file }) => file));
        case "undo": return `version ${of} again, by ${cause.by}`;
        case "guard": return `version ${of} again, by the guard: ${cause.why}`;
        case "redo": return `its files again, by ${cause.by}`;
        default: return `reloaded by ${cause.by}`;
    }
}

function names(files) {
    const short = files.slice(0, 2).map((file) => file.replace(/^lua\//, ""));
    return files.length > 2 ? `${short.join(", ")} and ${files.length - 2} more` : short.join(", ");
}

/** That a cog runs an earlier version than its files, with the way back. */
export function undone(cog) {
    const { version, since, by } = cog.undone;
    return el("p", { class: "cog-problem" },
        `Runs version ${version}, not its files, since ${timestamp(since, "t")}, by ${by}. `,
        store.world && undo(cog, null, `Run what the files of ${cog.name} say`, "run its files"));
}

/** What the guard has found, with a way back. */
export function worse(cog) {
    const { message, hint, can_undo: canUndo } = cog.guard;
    return el("div", { class: "cog-problem cog-worse" },
        el("p", {}, message),
        el("p", {}, el("strong", {}, "What to do: "), hint, " ",
            canUndo && store.world && undo(cog, LAST, `Put the version of ${cog.name} before this one back`, "put it back")));
}

/** Stands for the version before the one that runs. */
const LAST = "last";

function undo(cog, version, title, label, box) {
    const button = el("button", {
        type: "button", title, "data-focus": `undo-${cog.name}-${version}`, on: { click: () => act() },
    }, label);
    const act = async () => {
        button.disabled = true;
        try {
            await (version === LAST ? api.undoLast(cog.name) : api.undo(cog.name, version));
        } catch (error) {
            button.disabled = false;
            if (box) {
                show(box, cog, { ...opened.get(cog.name), problem: error.message });
            } else {
                button.replaceWith(error.message);
            }
        }
    };
    return button;
}

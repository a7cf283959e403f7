// Plays a recorded conversation again, each answer beside the recorded one; after every reload, if the reader wants it.

import * as api from "./api.js";
import { byId, el, fill, icon } from "./dom.js";
import { explain } from "./notice.js";
import { store } from "./store.js";

const state = {
    /** The conversation, its name, and what is done in its steps. */
    conversation: null,
    name: "",
    steps: [],
    outcomes: [],
    /** The number of the replay that is under way, or null. */
    replay: null,
    busy: false,
    /** How the conversation went this time. */
    played: null,
    onReload: false,
    pauses: false,
    /** Whether there was a reload while it was played. */
    again: false,
    problem: "",
    saved: false,
    seen: 0,
};

const STATES = { same: ["check", "good", "as recorded"], numbers: ["warning", "wait", "only numbers differ"], different: ["cross", "bad", "not as recorded"] };

/** Asks which conversation is played: one that is saved, or a file. */
export async function chooseReplay() {
    const dialog = byId("keep");
    const { names } = await api.savedConversations().catch(() => ({ names: [] }));
    const told = el("p", { class: "keep-told bad", role: "status" });
    const use = async (find, name) => {
        try {
            const conversation = await find();
            dialog.close();
            await openReplay(conversation, name, names.includes(name));
        } catch (error) {
            told.textContent = error.message;
        }
    };
    const file = el("input", {
        id: "replay-file", type: "file", accept: ".json,application/json",
        on: {
            change: (event) => {
                const [chosen] = event.target.files;
                use(async () => read(await chosen.text()), chosen.name.replace(/(\.conversation)?\.json$/, ""));
            },
        },
    });
    fill(dialog, el("div", { class: "keep" },
        el("div", { class: "keep-head" },
            el("h2", { id: "keep-title" }, "Play a conversation again"),
            el("button", { type: "button", class: "close", "aria-label": "Close", on: { click: () => dialog.close() } }, icon("cross"))),
        el("p", { class: "muted" }, "It is played on a server of its own, which is gone afterwards."),
        names.length > 0 && el("ul", { class: "replay-names" }, names.map((name) => el("li", {},
            el("button", { type: "button", on: { click: () => use(() => api.savedConversation(name), name) } }, icon("chat"), name)))),
        el("label", { for: "replay-file" }, names.length > 0 ? "Or a file:" : "Choose a file that was recorded here:"), file, told));
    dialog.showModal();
}

function read(text) {
    try {
        return JSON.parse(text);
    } catch {
        throw new Error("This file is no JSON.");
    }
}

/** Shows a conversation, and plays it. */
export async function openReplay(conversation, name, saved = false) {
    await endReplay();
    Object.assign(state, { conversation, name, saved, steps: [], outcomes: [], played: null, problem: "" });
    drawReplay();
    await play();
    byId("replay").querySelector("button")?.focus();
}

async function begin() {
    await endReplay();
    Object.assign(state, { outcomes: [], played: null, problem: "" });
    const { replay, steps } = await api.beginReplay(state.conversation, state.pauses, store.guild);
    Object.assign(state, { replay, steps });
}

async function next() {
    const { outcome } = await api.replayStep(state.replay);
    if (outcome) {
        state.outcomes.push(outcome);
    }
    if (!outcome || state.outcomes.length === state.steps.length) {
        await endReplay();
        return false;
    }
    return true;
}

async function endReplay() {
    const { replay } = state;
    state.replay = null;
    if (replay !== null) {
        const { conversation } = await api.endReplay(replay).catch(() => ({}));
        state.played = conversation ?? null;
    }
}

// Runs one of the two below, and says what went wrong with it.
async function run(what) {
    if (state.busy) {
        return;
    }
    state.busy = true;
    drawReplay();
    try {
        await what();
    } catch (error) {
        state.problem = error.message;
        state.replay = null;
    }
    state.busy = false;
    drawReplay();
    if (state.again) {
        state.again = false;
        await play();
    }
}

/** From the first step to the last. */
const play = () => run(async () => {
    await begin();
    drawReplay();
    while (state.conversation && await next()) {
        drawReplay();
    }
});

/** One step; the first, when all have been played. */
const step = () => run(async () => {
    if (state.replay === null) {
        await begin();
    }
    await next();
});

/** Plays it again when a reload has gone live, if the reader wants that. */
export function replayAfterReload() {
    const live = store.reports.filter((report) => report.outcome === "applied");
    const newest = live.at(-1)?.id ?? 0;
    const isNew = newest > state.seen;
    state.seen = Math.max(newest, state.seen);
    if (!isNew || !state.onReload || !state.conversation) {
        return;
    }
    if (state.busy) {
        state.again = true;
    } else {
        play();
    }
}

function close() {
    endReplay();
    Object.assign(state, { conversation: null, outcomes: [], steps: [], onReload: false, again: false });
    drawReplay();
    byId("conversation-tools").querySelector("button")?.focus();
}

// What is answered now is the recording from now on; where it was saved, it is saved.
async function accept() {
    const conversation = state.played;
    try {
        if (state.saved) {
            await api.saveConversation({ conversation, name: state.name, kind: "json", overwrite: true });
        }
        Object.assign(state, { conversation, played: null });
        state.outcomes = state.outcomes.map((outcome) => ({ ...outcome, state: "same", answers: [] }));
        drawReplay();
    } catch (error) {
        explain(error.message);
    }
}

function drawReplay() {
    const box = byId("replay");
    box.hidden = state.conversation === null;
    if (box.hidden) {
        fill(box);
        return;
    }
    const focused = box.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
    const different = state.outcomes.filter((outcome) => outcome.state !== "same");
    const isOver = !state.busy && state.outcomes.length > 0 && state.outcomes.length === state.steps.length;
    const tone = state.problem || different.length > 0 ? "bad" : isOver ? "good" : "";
    box.className = `replay ${tone}`;
    const open = box.querySelector(".replay-steps-box")?.open ?? true;
    fill(box,
        el("div", { class: "replay-head" },
            el("h2", {}, icon("reload"), state.name || "Conversation"),
            el("span", { class: "replay-told", role: "status" }, told(different.length, isOver)),
            el("div", { class: "replay-actions" },
                button("Play", "play", play, state.busy),
                button("Next step", "step", step, state.busy),
                isOver && different.length > 0 && state.played
                    && button("Take these answers as right", "accept", accept, state.busy),
                el("button", { type: "button", class: "close", "aria-label": "Close the replay", "data-focus": "close", on: { click: close } }, icon("cross")))),
        el("div", { class: "replay-options" },
            store.bot.prefix !== null && check("After every reload", "onReload"),
            check("With the pauses", "pauses")),
        el("details", { class: "replay-steps-box", open },
            el("summary", {}, "Steps"),
            el("ol", { class: "replay-steps" }, state.steps.map((words, index) => row(words, state.outcomes[index], index)))));
    if (focused) {
        box.querySelector(`[data-focus="${focused}"]`)?.focus();
    }
}

function told(different, isOver) {
    const count = state.steps.length;
    const steps = `${count} ${count === 1 ? "step" : "steps"}`;
    if (state.problem) {
        return state.problem;
    }
    if (isOver) {
        return different === 0 ? `${steps}, all as recorded` : `${different} of ${steps} not as recorded`;
    }
    return state.outcomes.length > 0 || state.busy ? `Step ${state.outcomes.length} of ${count} …` : "";
}

function button(label, focus, does, disabled) {
    // Disabled in words alone, so that it keeps the focus.
    return el("button", {
        type: "button", class: "tool", "data-focus": focus, "aria-disabled": disabled ? "true" : null,
        on: { click: () => !disabled && does() },
    }, label);
}

function check(label, key) {
    return el("label", {}, el("input", {
        type: "checkbox", checked: state[key], "data-focus": key,
        on: { change: (event) => { state[key] = event.target.checked; } },
    }), label);
}

function row(words, outcome, index) {
    if (!outcome) {
        return el("li", { class: "replay-step" }, el("div", { class: "replay-step-head muted" }, `${index + 1}. ${words}`));
    }
    const [symbol, tone, said] = STATES[outcome.state];
    const isSame = outcome.state === "same";
    const head = [icon(symbol), el("span", { class: "visually-hidden" }, `${said}: `), `${index + 1}. ${words}`];
    return el("li", { class: `replay-step ${tone}` },
        isSame
            ? el("div", { class: "replay-step-head" }, head)
            : el("div", { class: "replay-step-head" }, head, el("span", { class: "muted" }, ` ${said}`)),
        !isSame && outcome.answers.filter((pair) => pair.state !== "same").map(both));
}

function both({ lines }) {
    const column = (title, mark) => el("div", { class: "replay-column" },
        el("h3", { class: "section-title" }, title),
        el("pre", {}, lines.filter((line) => line.mark === " " || line.mark === mark).map((line) =>
            el("span", { class: line.mark === " " ? "" : `replay-line ${mark === "-" ? "gone" : "new"}` }, `${line.text}\n`)),
        lines.every((line) => line.mark !== " " && line.mark !== mark) && el("span", { class: "muted" }, "nothing")));
    return el("div", { class: "replay-both" }, column("Recorded", "-"), column("Now", "+"));
}

// Records what people do and what the bot answers, and keeps it: as a spec, or as JSON that can be played again.

import * as api from "./api.js";
import { byId, el, fill, icon } from "./dom.js";
import { explain } from "./notice.js";
import { chooseReplay, openReplay } from "./replay.js";
import { store } from "./store.js";

const NAME = "[a-z0-9_]{1,60}";

/** Wires the buttons over the chat. */
export function startConversation() {
    drawRecording();
}

/** Draws the buttons over the chat: record, or what is being recorded. */
export function drawRecording() {
    const tools = byId("conversation-tools");
    tools.hidden = !store.world;
    const focused = tools.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
    fill(tools, store.recording ? running(store.recording) : [
        tool("record", "Record", "record", () => act(() => api.recordConversation(store.guild))),
        tool("reload", "Replay", "replay", () => chooseReplay()),
    ]);
    if (focused) {
        (tools.querySelector(`[data-focus="${focused}"]`) ?? tools.querySelector("button"))?.focus();
    }
}

function running({ steps }) {
    return [
        el("span", { class: "recording", role: "status" },
            el("span", { class: "recording-dot", "aria-hidden": "true" }), "Recording",
            el("span", { class: "muted" }, ` ${steps}`), el("span", { class: "visually-hidden" }, " things done")),
        tool("check", "Stop", "record", () => act(stop)),
        tool("cross", "Discard", "discard", () => act(api.discardConversation)),
    ];
}

function tool(symbol, label, focus, does) {
    return el("button", { type: "button", class: "tool", "data-focus": focus, on: { click: does } }, icon(symbol), label);
}

async function act(what) {
    try {
        await what();
    } catch (error) {
        explain(error.message);
    }
}

async function stop() {
    const { conversation, steps, is_cut: isCut } = await api.stopConversation();
    if (conversation.steps.length === 0) {
        explain("Nothing was recorded: nobody did anything on this server meanwhile.");
        return;
    }
    const { can_save: canSave } = await api.savedConversations();
    openKeep({ conversation, steps, isCut, canSave });
}

/** The dialog in which a recorded conversation is named and kept. */
function openKeep(recorded) {
    const dialog = byId("keep");
    const state = { ...recorded, kind: "spec", pauses: true, text: "", sure: false };
    const name = el("input", {
        id: "keep-name", type: "text", required: true, pattern: NAME, maxlength: 60, value: "conversation",
        autocomplete: "off", spellcheck: "false", "aria-describedby": "keep-name-hint",
    });
    const preview = el("pre", { class: "keep-text", tabindex: "0", role: "region", "aria-label": "What is written" });
    const told = el("p", { class: "keep-told", role: "status" });
    const saves = el("button", { type: "submit", class: "primary" }, "Save");
    const written = () => ({
        conversation: state.conversation, name: name.value, pauses: state.pauses, kind: state.kind,
    });

    async function draw() {
        state.sure = false;
        saves.textContent = "Save";
        const file = state.kind === "spec" ? `${name.value}_spec.luau` : `${name.value}.conversation.json`;
        dialog.querySelector("#keep-name-hint").textContent = name.validity.valid
            ? `${state.canSave ? "spec/" : ""}${file}` : "Small letters, digits and _";
        try {
            state.text = (await api.writeConversation(written())).text;
            preview.textContent = state.text;
        } catch (error) {
            told.textContent = error.message;
        }
        state.file = file;
    }

    async function save(event) {
        event.preventDefault();
        if (!state.canSave) {
            download(state.file, state.text);
            return;
        }
        try {
            const { file } = await api.saveConversation({ ...written(), overwrite: state.sure });
            told.textContent = `Saved as ${file}.${state.kind === "spec" ? " Run it with: cogsmith spec" : ""}`;
            told.className = "keep-told good";
            state.sure = false;
            saves.textContent = "Save";
        } catch (error) {
            told.className = "keep-told bad";
            state.sure = Boolean(error.exists);
            told.textContent = error.exists ? `There is such a file. Press again to replace it.` : error.message;
            saves.textContent = error.exists ? "Replace it" : "Save";
        }
    }

    const kind = (value, label) => el("label", {}, el("input", {
        type: "radio", name: "keep-kind", value, checked: state.kind === value,
        on: { change: () => { state.kind = value; draw(); } },
    }), label);
    fill(dialog, el("form", { class: "keep", method: "dialog", on: { submit: save } },
        el("div", { class: "keep-head" },
            el("h2", { id: "keep-title" }, "Keep this conversation"),
            el("button", { type: "button", class: "close", "aria-label": "Close", on: { click: () => dialog.close() } }, icon("cross"))),
        state.isCut && el("p", { class: "keep-told bad" }, "It was too long: the end is missing."),
        el("details", {}, el("summary", {}, `${state.steps.length} ${state.steps.length === 1 ? "step" : "steps"}`),
            el("ol", { class: "keep-steps" }, state.steps.map((step) => el("li", {}, step)))),
        el("label", { class: "keep-name", for: "keep-name" }, "Name"), name,
        el("span", { id: "keep-name-hint", class: "muted" }),
        el("fieldset", { class: "keep-kinds" }, el("legend", { class: "visually-hidden" }, "As"),
            kind("spec", "A spec, which tests the cogs"), kind("json", "JSON, to be played again"),
            el("label", {}, el("input", {
                type: "checkbox", checked: true, on: { change: (event) => { state.pauses = event.target.checked; draw(); } },
            }), "With the pauses in between")),
        preview, told,
        el("div", { class: "keep-actions" },
            el("button", { type: "button", on: { click: () => { dialog.close(); openReplay(state.conversation, name.value); } } },
                icon("reload"), "Replay"),
            el("button", { type: "button", on: { click: () => copy(state.text, told) } }, icon("copy"), "Copy"),
            state.canSave && el("button", { type: "button", on: { click: () => download(state.file, state.text) } }, icon("file"), "Download"),
            saves)));
    saves.hidden = false;
    if (!state.canSave) {
        saves.textContent = "Download";
    }
    name.addEventListener("input", draw);
    dialog.showModal();
    name.select();
    draw();
}

async function copy(text, told) {
    try {
        await navigator.clipboard.writeText(text);
        told.textContent = "Copied.";
    } catch {
        told.textContent = "The browser does not let this page copy. Select the text instead.";
    }
}

/** Hands a text to the reader as a file. */
export function download(file, text) {
    const address = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    el("a", { href: address, download: file }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
}

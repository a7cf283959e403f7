// The message box: Enter sends, Shift+Enter makes a line, arrow up edits the last message, Ctrl and arrow up recall what was
// sent, Escape ends a reply or an edit.
// A slash command that is chosen or written out gets a field for each of its options instead.

import { change, say } from "./api.js";
import {
    closeForm, focusNext, keepForm, markRefused, openCommand, openForm, readForm, restoreForm, startCommandForm, takeChoice, takeFormFiles,
} from "./command-form.js";
import { byId, el, fill, icon } from "./dom.js";
import { startDropping } from "./drop.js";
import { addFiles, clearFiles, countFiles, uploadFiles } from "./file-tray.js";
import { useCommand } from "./interactions.js";
import { listbox } from "./listbox.js";
import { toEnd } from "./scroll.js";
import { changed, isEphemeral, messagesOf, nameOf, placeName, store } from "./store.js";
import { endTyping, noteTyping } from "./presence.js";
import { commandChoices, readHidden, readSlash, writtenOut } from "./suggestions.js";

const LONGEST = 2000;
/** The types of messages that people have written: by themselves, and as an answer. */
const PLAIN = [0, 19];
const sent = [];
let recalled = 0;
let list = null;
/** The message whose text was put into the box, so that it is put there once. */
let edited = null;

/** Wires the message box once. */
export function startComposer() {
    const input = byId("input");
    list = listbox(byId("suggestions"), (item) => (item.command ? choose(item.command) : takeChoice(item)));
    startCommandForm(list, { send, close: leaveCommand, explain: showError });
    byId("composer").addEventListener("submit", (event) => {
        event.preventDefault();
        send();
    });
    input.addEventListener("input", () => {
        recalled = 0;
        noteTyping(input.value);
        grow();
        showError("");
        const command = writtenOut(input.value);
        if (command) {
            choose(command);
        } else {
            suggestCommands();
        }
    });
    input.addEventListener("blur", () => list.hide());
    input.addEventListener("keydown", onKey);
    startDropping(takeFiles, () => (openCommand() ? `Drop it for /${openCommand().shown.join(" ")}` : `Drop files to send them to ${placeName()}`));
    byId("attach").append(icon("plus"));
    byId("attach").addEventListener("click", () => byId("file").click());
    byId("file").addEventListener("change", () => {
        takeFiles(byId("file").files);
        byId("file").value = "";
    });
    byId("send").append(icon("send"));
}

function suggestCommands() {
    const input = byId("input");
    const choices = commandChoices(input.value);
    if (choices.length > 0) {
        list.show(input, choices);
    } else {
        list.hide();
    }
}

function onKey(event) {
    const { key } = event;
    const isOpen = list.isOpen();
    if (isOpen && (key === "ArrowDown" || key === "ArrowUp")) {
        event.preventDefault();
        list.move(key === "ArrowDown" ? 1 : -1);
    } else if (isOpen && list.active() && (key === "Tab" || (key === "Enter" && !event.shiftKey && !event.isComposing)) && !isWholeLine(event.target.value)) {
        event.preventDefault();
        choose(list.active().command);
    } else if (isOpen && key === "Escape") {
        event.preventDefault();
        list.hide();
    } else if (key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        send();
    } else if ((event.ctrlKey || event.altKey) && (key === "ArrowUp" || key === "ArrowDown")) {
        recall(event, key === "ArrowUp" ? 1 : -1);
    } else if (key === "ArrowUp" && !event.target.value && !store.editing && editLast()) {
        event.preventDefault();
    } else if (key === "Escape" && (store.replyTo || store.editing)) {
        stopAnswering();
    }
}

// Edits the speaker's newest message that is here; false when there is none.
function editLast() {
    const own = messagesOf(store.channel).findLast((message) =>
        message.author.id === store.speaker && PLAIN.includes(message.type) && !isEphemeral(message));
    if (own) {
        store.replyTo = null;
        store.editing = own;
        changed("reply");
    }
    return Boolean(own);
}

// Neither replies to a message nor edits one any more.
function stopAnswering() {
    if (store.editing) {
        setText("");
    }
    store.replyTo = null;
    store.editing = null;
    changed("reply");
}

// A line that was pasted or recalled with its options: "/rank who:@anna".
function isWholeLine(text) {
    const command = list.active()?.command;
    return command ? text.startsWith(`/${command.path.join(" ")} `) : false;
}

function choose(command) {
    setText("");
    byId("input").hidden = true;
    byId("attach").hidden = true;
    showError("");
    openForm(command);
}

function leaveCommand(text) {
    closeForm();
    byId("input").hidden = false;
    byId("attach").hidden = false;
    showError("");
    byId("input").focus();
    setText(text);
}

function recall(event, step) {
    const next = Math.min(Math.max(recalled + step, 0), sent.length);
    if (next !== recalled) {
        event.preventDefault();
        recalled = next;
        setText(recalled > 0 ? sent.at(-recalled) : "");
        list.hide();
    }
}

async function send() {
    if (!store.channel) {
        return;
    }
    if (openCommand()) {
        await sendCommand();
    } else {
        await sendText();
    }
}

// The message box is free again at once, as at Discord. What is refused comes back into it.
async function sendCommand() {
    const request = await readForm();
    if (!request) {
        return;
    }
    const kept = keepForm();
    leaveCommand("");
    toEnd();
    try {
        await useCommand(store.channel, { kind: "command", ...request }, request.path.join(" "));
    } catch (error) {
        if (!openCommand() && !byId("input").value) {
            byId("input").hidden = true;
            byId("attach").hidden = true;
            restoreForm(kept);
            if (markRefused(error.fields ?? {})) {
                return;
            }
            focusNext();
        }
        list.hide();
        showError(error.message);
    }
}

async function sendText() {
    const input = byId("input");
    const content = input.value;
    if ((!content.trim() && countFiles() === 0) || input.readOnly) {
        return;
    }
    input.readOnly = true;
    try {
        await deliver(content);
        if (content && sent.at(-1) !== content) {
            sent.push(content);
        }
        recalled = 0;
        endTyping();
        setText("");
        showError("");
        store.replyTo = null;
        store.editing = null;
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
    if (store.editing) {
        await change(store.speaker, store.channel, store.editing.id, { kind: "edit", content });
        return;
    }
    const command = content.startsWith("/") ? readSlash(content) ?? readHidden(content) : null;
    if (command) {
        await useCommand(store.channel, { kind: "command", ...command }, command.path.join(" "));
        return;
    }
    const { speaker, channel, replyTo } = store;
    await say(speaker, channel, content, replyTo?.id ?? null, await uploadFiles(speaker));
    clearFiles();
}

// What is chosen, dropped or pasted: for the command that stands open, or for the message.
function takeFiles(chosen) {
    const fault = openCommand() ? takeFormFiles(chosen) : addFiles(chosen);
    if (!openCommand()) {
        byId("input").focus();
    }
    showError(fault);
}

/** Puts a command into the input and the reader's focus behind it. */
export function suggest(text) {
    if (openCommand()) {
        leaveCommand("");
    }
    byId("input").focus();
    setText(text);
}

/** Writes a text where the cursor is. */
export function insertText(text) {
    if (openCommand()) {
        leaveCommand("");
    }
    const input = byId("input");
    input.setRangeText(text, input.selectionStart, input.selectionEnd, "end");
    grow();
    input.focus();
}

function setText(text) {
    const input = byId("input");
    input.value = text;
    input.setSelectionRange(text.length, text.length);
    grow();
    suggestCommands();
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

/** Gives up what belongs to another channel or another person: a command, an edit. */
export function leaveCommandOf() {
    if (store.editing) {
        stopAnswering();
    }
    if (openCommand()) {
        leaveCommand("");
    }
}

/** Shows where and as whom the reader writes, and what is being answered. */
export function drawComposer() {
    const label = `Message ${placeName()} as ${nameOf(store.speaker) ?? "…"}`;
    const input = byId("input");
    input.placeholder = label;
    input.setAttribute("aria-label", label);
    const bar = byId("replying");
    bar.hidden = !store.replyTo && !store.editing;
    if (bar.hidden) {
        edited = null;
        return;
    }
    const about = store.editing
        ? "Editing a message"
        : ["Replying to ", el("strong", {}, nameOf(store.replyTo.author.id, store.replyTo.author))];
    fill(bar, el("span", {}, about), el("button", {
        type: "button",
        "aria-label": store.editing ? "Do not edit" : "Do not reply",
        on: { click: () => { stopAnswering(); input.focus(); } },
    }, icon("cross")));
    if (store.editing && edited !== store.editing) {
        setText(store.editing.content);
    }
    edited = store.editing;
    input.focus();
}

// A slash command that was chosen: one field for each option, as Discord has them in its message box.

import { interact, upload } from "./api.js";
import { channels, filtered, find, roles, users } from "./candidates.js";
import { byId, el, fill, icon } from "./dom.js";
import { pictureOf, takable } from "./file-tray.js";
import { hint, valueOf } from "./slash.js";
import { store } from "./store.js";
import { bytes } from "./time.js";

const ATTACHMENT = 11;
const BOOLEAN = 5;
const ASK_AFTER_MS = 150;
const CHOOSE = "Choose, drop or paste a file";

let list = null;
let on = null;
let open = null;

/**
 * Wires the form once: `choices` is the list over the message box, `handlers.send()` is called by Enter and
 * `handlers.close(text)` when the command is given up, with what shall be written instead.
 */
export function startCommandForm(choices, handlers) {
    list = choices;
    on = handlers;
}

/** The command that stands open: `{ path, … }`, or null. */
export const openCommand = () => open?.command ?? null;

const nameOf = (command) => command.shown.join(" ");

/** Opens a command; its required options have fields, the others are offered behind them. */
export function openForm(command) {
    const tail = el("input", {
        type: "text", class: "option-tail", role: "combobox", "aria-autocomplete": "list", autocomplete: "off",
        "aria-label": `Further options of /${nameOf(command)}`,
    });
    open = { command, fields: [], tail };
    tail.addEventListener("keydown", onTailKey);
    tail.addEventListener("input", offerOptions);
    tail.addEventListener("focus", offerOptions);
    tail.addEventListener("blur", () => list.hide());
    const node = byId("command-form");
    node.setAttribute("aria-label", `Command /${nameOf(command)}`);
    fill(node, el("span", { class: "command-chip" }, `/${nameOf(command)}`), tail);
    node.hidden = false;
    command.options.filter((option) => option.required).forEach(addField);
    refreshTail();
    focusNext();
}

/** Closes it. */
export function closeForm() {
    open?.fields.forEach(({ picture }) => picture && URL.revokeObjectURL(picture));
    open = null;
    list.hide();
    byId("command-form").hidden = true;
    fill(byId("command-form"));
}

/** Puts the focus where something is missing, or behind the last field. */
export function focusNext() {
    const missing = open.fields.find((field) => field.option.required && isEmpty(field));
    (missing?.input ?? open.tail).focus();
}

const isEmpty = (field) => !field.file && (field.option.type === ATTACHMENT || field.input.value.trim() === "");
const remaining = () => open.command.options.filter((option) => !open.fields.some((field) => field.option === option));

function addField(option) {
    const isFile = option.type === ATTACHMENT;
    const input = el("input", {
        type: isFile ? "file" : "text", autocomplete: "off", spellcheck: "false",
        inputmode: { 4: "numeric", 10: "decimal" }[option.type] ?? null,
        role: isFile ? null : "combobox", "aria-autocomplete": isFile ? null : "list", "aria-expanded": isFile ? null : false,
        "aria-required": Boolean(option.required), "aria-label": `${option.shown}, ${hint(option)}${option.required ? ", required" : ""}`, title: option.explained,
    });
    const node = el("label", { class: isFile ? "option-field option-file" : "option-field" },
        el("span", { class: "option-name", "aria-hidden": "true" }, option.shown), input,
        isFile && el("span", { class: "option-file-name", "aria-live": "polite" }, CHOOSE));
    const field = { option, input, node, chosen: null, file: null, picture: null, asked: 0, question: null, found: null };
    open.fields.push(field);
    input.addEventListener("focus", () => offer(field));
    input.addEventListener("blur", () => { list.hide(); check(field); });
    input.addEventListener("input", () => {
        field.chosen = null;
        mark(field, "");
        resize(field);
        offer(field);
    });
    if (isFile) {
        input.addEventListener("change", () => {
            const { files: [file], fault } = takable(input.files);
            setFile(field, file ?? null);
            mark(field, fault);
        });
    }
    input.addEventListener("keydown", (event) => onFieldKey(event, field));
    byId("command-form").insertBefore(node, open.tail);
    resize(field);
    refreshTail();
    return field;
}

// The file of an attachment option; null for none.
function setFile(field, file) {
    if (field.picture) {
        URL.revokeObjectURL(field.picture);
    }
    field.file = file;
    field.picture = file && pictureOf(file);
    const remove = () => el("button", {
        type: "button", class: "option-file-remove", "aria-label": `Remove ${file.name}`,
        on: { click: (event) => {
            // The button is inside the label, which would open the choice of a file.
            event.preventDefault();
            field.input.value = "";
            setFile(field, null);
            field.input.focus();
        } },
    }, icon("cross"));
    fill(field.node.querySelector(".option-file-name"), file
        ? [field.picture ? el("img", { src: field.picture, alt: "" }) : icon("file"), el("span", {}, file.name), el("span", { class: "muted" }, bytes(file.size)), remove()]
        : CHOOSE);
}

/**
 * Takes files that were dropped or pasted for the command's options: the one that has the focus, then those that are empty, then
 * those that have no field yet. The result is a sentence about what cannot be taken, empty when all can.
 */
export function takeFormFiles(dropped) {
    const { files, fault } = takable(dropped);
    const isFile = ({ option }) => option.type === ATTACHMENT;
    const focused = open.fields.find((field) => isFile(field) && field.input === document.activeElement);
    const places = [
        focused, ...open.fields.filter((field) => isFile(field) && field !== focused && !field.file),
        ...remaining().filter((option) => option.type === ATTACHMENT),
    ].filter(Boolean);
    files.slice(0, places.length).forEach((file, index) => {
        const field = places[index].node ? places[index] : addField(places[index]);
        field.input.value = "";
        setFile(field, file);
        mark(field, "");
    });
    focusNext();
    const left = files.length - places.length;
    const tooMany = left <= 0 ? "" : places.length === 0
        ? `/${nameOf(open.command)} takes no file here.`
        : `There is no option for ${left === 1 ? "one" : left} of the files.`;
    return [fault, tooMany].filter(Boolean).join(" ");
}

function removeField(field) {
    if (field.picture) {
        URL.revokeObjectURL(field.picture);
    }
    open.fields = open.fields.filter((one) => one !== field);
    field.node.remove();
    refreshTail();
}

function refreshTail() {
    const count = remaining().length;
    open.tail.placeholder = count > 0 ? `+${count} optional` : "";
    open.tail.classList.toggle("empty", count === 0);
}

function resize(field) {
    if (field.option.type !== ATTACHMENT) {
        field.input.size = Math.min(Math.max([...field.input.value].length + 1, 4), 40);
    }
}

// What is wrong stands beside the message box, and the field is marked.
function mark(field, sentence) {
    field.node.classList.toggle("bad", Boolean(sentence));
    field.input.setAttribute("aria-invalid", String(Boolean(sentence)));
    on.explain(sentence ? `${field.option.shown}: ${sentence}` : "");
}

function check(field) {
    try {
        read(field);
    } catch {
        field.node.classList.add("bad");
        field.input.setAttribute("aria-invalid", "true");
    }
}

// The value of a field; undefined while nothing is entered.
function read(field) {
    const written = field.input.value.trim();
    if (field.option.type === ATTACHMENT || written === "") {
        return undefined;
    }
    return field.chosen ? field.chosen.value : valueOf(written, field.option, find);
}

/**
 * What is entered, as `{ path, options }`; files are sent first. Null when something is missing or wrong, which then
 * is marked and has the focus.
 */
export async function readForm() {
    const form = open;
    const options = {};
    for (const field of form.fields) {
        try {
            const value = field.file ? await upload(store.speaker, field.file) : read(field);
            if (value !== undefined) {
                options[field.option.name] = value;
            } else if (field.option.required) {
                throw new Error("This option is required.");
            }
        } catch (error) {
            field.input.focus();
            mark(field, error.message);
            return null;
        }
    }
    return { bot: form.command.bot, path: form.command.path, options };
}

/** Shows which fields Discord refuses: `{ name: sentence }`. False when none of them is one of these. */
export function markRefused(fields) {
    const wrong = open?.fields.find((field) => Object.hasOwn(fields, field.option.name));
    if (!wrong) {
        return false;
    }
    wrong.input.focus();
    mark(wrong, fields[wrong.option.name]);
    return true;
}

/** What is entered, to be put back later with `restoreForm`. */
export function keepForm() {
    return { command: open.command, fields: open.fields };
}

/** Opens a command again with what was entered. */
export function restoreForm({ command, fields }) {
    openForm(command);
    for (const former of fields) {
        const field = open.fields.find(({ option }) => option === former.option) ?? addField(former.option);
        if (former.file) {
            setFile(field, former.file);
        } else {
            field.input.value = former.input.value;
            field.chosen = former.chosen;
            resize(field);
        }
    }
    focusNext();
}

// What can be chosen for a field; null when it is written freely.
function choicesOf(field) {
    const { option } = field;
    const written = field.chosen ? "" : field.input.value;
    if (option.choices?.length > 0) {
        return filtered(option.choices.map(({ shown, value }) => ({ label: shown, value })), written);
    }
    switch (option.type) {
        case BOOLEAN: return filtered([{ label: "True", value: true }, { label: "False", value: false }], written);
        case 6: return filtered(users(), written);
        case 7: return filtered(channels(option.channel_types), written);
        case 8: return filtered(roles(), written);
        case 9: return filtered([...users(), ...roles()], written);
        default: return null;
    }
}

function offer(field) {
    if (document.activeElement !== field.input) {
        return;
    }
    const { option } = field;
    const head = { heading: option.shown, aside: el("span", { class: "muted" }, ` ${option.explained ?? ""} · ${hint(option)}, ${option.required ? "required" : "optional"}`) };
    if (option.autocomplete) {
        // What fits may also depend on what stands in the other options.
        const question = JSON.stringify(entered(field));
        if (field.question !== question) {
            field.question = question;
            field.found = null;
            ask(field);
        }
        list.show(field.input, [head, ...(field.found ?? [{ note: "Loading options…" }])], isEmpty(field) ? -1 : 0);
        return;
    }
    const choices = choicesOf(field);
    const none = choices?.length === 0 ? [{ note: "No options match what is written." }] : [];
    list.show(field.input, [head, ...(choices ?? []), ...none], isEmpty(field) && !option.required ? -1 : 0);
}

// Asks the bot what fits, a little after the last key; an answer to an older text is dropped.
function ask(field) {
    field.asked += 1;
    const question = field.asked;
    setTimeout(async () => {
        if (question !== field.asked || !open) {
            return;
        }
        const found = await completions(field);
        if (question === field.asked && open?.fields.includes(field)) {
            field.found = found;
            offer(field);
        }
    }, ASK_AFTER_MS);
}

// What the bot is told while somebody types into `field`.
function entered(field) {
    const options = {};
    for (const other of open.fields) {
        try {
            const value = other === field ? field.input.value : read(other);
            if (value !== undefined) {
                options[other.option.name] = value;
            }
        } catch {
            // What is not entered properly yet is left out.
        }
    }
    return options;
}

async function completions(field) {
    const { bot, path } = open.command;
    const request = { kind: "autocomplete", bot, path, options: entered(field), focused: field.option.name };
    const locale = store.users.get(store.speaker)?.locale;
    try {
        const { answered, choices } = await interact(store.speaker, store.channel, request);
        if (!answered) {
            return [{ note: "Loading options failed: the bot did not answer within 3 seconds." }];
        }
        return choices.length > 0
            ? choices.map(({ name, name_localizations: names, value }) => ({ label: names?.[locale] ?? name, value }))
            : [{ note: "No options match what is written." }];
    } catch (error) {
        return [{ note: `Loading options failed. ${error.message}` }];
    }
}

/** Takes a choice of the list: for the field or, behind the last one, a further option. */
export function takeChoice(item) {
    if (item.option) {
        open.tail.value = "";
        addField(item.option).input.focus();
        return;
    }
    const field = open.fields.find((one) => one.input === document.activeElement);
    if (field) {
        choose(field, item);
        focusAfter(field);
    }
}

function choose(field, item) {
    field.input.value = item.label;
    field.chosen = item;
    mark(field, "");
    resize(field);
    list.hide();
}

function focusAfter(field) {
    const next = open.fields[open.fields.indexOf(field) + 1];
    (next?.input ?? open.tail).focus();
}

function onFieldKey(event, field) {
    const { key } = event;
    const active = field.chosen ? null : list.active();
    if (key === "ArrowDown" || key === "ArrowUp") {
        if (list.move(key === "ArrowDown" ? 1 : -1)) {
            field.chosen = null;
            event.preventDefault();
        }
    } else if (key === "Enter" && !event.isComposing) {
        event.preventDefault();
        if (active) {
            takeChoice(active);
        } else if (field.option.type === ATTACHMENT && !field.file) {
            field.input.click();
        } else {
            on.send();
        }
    } else if (key === "Tab" && !event.shiftKey && active && !isEmpty(field)) {
        event.preventDefault();
        takeChoice(active);
    } else if (key === "Backspace" && isEmpty(field)) {
        event.preventDefault();
        goBack(field);
    } else {
        onCommonKey(event);
    }
}

function onTailKey(event) {
    const { key } = event;
    if (key === "ArrowDown" || key === "ArrowUp") {
        if (list.move(key === "ArrowDown" ? 1 : -1)) {
            event.preventDefault();
        }
    } else if (key === "Enter" && !event.isComposing) {
        event.preventDefault();
        const active = list.active();
        if (active) {
            takeChoice(active);
        } else {
            on.send();
        }
    } else if (key === "Tab" && !event.shiftKey && list.active()) {
        event.preventDefault();
        takeChoice(list.active());
    } else if (key === "Backspace" && open.tail.value === "") {
        event.preventDefault();
        goBack(null);
    } else {
        onCommonKey(event);
    }
}

function onCommonKey(event) {
    if (event.key !== "Escape") {
        return;
    }
    event.preventDefault();
    if (list.isOpen()) {
        list.hide();
    } else {
        on.close("");
    }
}

// Backspace in what is empty: the field goes if it may, and the focus goes one back; from the first into the name.
function goBack(field) {
    const index = field ? open.fields.indexOf(field) : open.fields.length;
    const before = open.fields[index - 1];
    if (field && !field.option.required) {
        removeField(field);
    }
    if (before) {
        before.input.focus();
    } else {
        on.close(`/${nameOf(open.command)}`);
    }
}

// Behind the last field: the options that have none yet.
function offerOptions() {
    const further = remaining().map((option) => ({
        option, label: option.shown, detail: `${option.explained ?? ""} · ${hint(option)}`,
    }));
    const found = filtered(further, open.tail.value);
    if (found.length === 0) {
        list.hide();
        return;
    }
    list.show(open.tail, [{ heading: "Options" }, ...found], open.tail.value ? 0 : -1);
}

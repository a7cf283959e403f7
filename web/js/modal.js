// A form that the bot opened: Discord's modals.

import { upload } from "./api.js";
import { byId, el, fill, icon } from "./dom.js";
import { takable } from "./file-tray.js";
import { markdown } from "./markdown-view.js";
import { menuSettings } from "./menus.js";
import { selectMenu } from "./select.js";
import { store } from "./store.js";
import { bytes } from "./time.js";

const LABEL = 18;
const TEXT_DISPLAY = 10;
const PARAGRAPH = 2;
let counter = 0;

/**
 * Opens a modal. `submit(fields)` sends what is entered, `[custom_id, value]` for each input; its
 * Error is shown in the modal, which then stays open.
 */
export function showModal(modal, submit) {
    const inputs = [];
    const rows = (modal.components ?? []).flatMap((component) => row(component, inputs));
    const error = el("p", { class: "input-error", role: "alert", hidden: true });
    const close = () => byId("modal").close();
    const send = el("button", { type: "submit", class: "component button-primary" }, "Submit");
    const form = el("form", { method: "dialog", novalidate: true },
        el("div", { class: "modal-head" }, el("h2", { id: "modal-title" }, modal.title),
            el("button", { type: "button", class: "modal-close", "aria-label": "Close", on: { click: close } }, icon("cross"))),
        el("div", { class: "modal-rows" }, rows),
        error,
        el("p", { class: "muted" }, `This form is sent to ${store.bot.name}. Do not share passwords or other secrets.`),
        el("div", { class: "modal-buttons" },
            el("button", { type: "button", class: "component button-secondary", on: { click: close } }, "Cancel"), send));
    const say = (sentence) => {
        error.textContent = sentence;
        error.hidden = !sentence;
    };
    form.addEventListener("submit", async (event) => {
        event.preventDefault();
        say("");
        const wrong = inputs.filter((input) => !check(input));
        if (wrong.length > 0) {
            wrong[0].focus();
            return;
        }
        send.disabled = true;
        try {
            const fields = [];
            for (const input of inputs) {
                fields.push([input.name, await input.value()]);
            }
            await submit(fields);
            close();
        } catch (problem) {
            const named = inputs.find((input) => problem.fields?.[input.name]);
            named?.explain(problem.fields[named.name]);
            (named ?? { focus: () => send.focus() }).focus();
            say(named ? "" : problem.isLate ? "Something went wrong. Try again." : problem.message);
        } finally {
            send.disabled = false;
        }
    });
    fill(byId("modal"), form);
    byId("modal").onclose = focusAgain;
    byId("modal").showModal();
    inputs[0]?.focus();
}

// The message box, to which the browser gives the focus back, takes no text after that until it gets it once more.
function focusAgain() {
    const focused = document.activeElement;
    focused?.blur();
    focused?.focus();
}

function check(input) {
    const sentence = input.check();
    input.explain(sentence ?? "");
    return !sentence;
}

// A text, or a label or an older row around one input.
function row(component, inputs) {
    if (component.type === TEXT_DISPLAY) {
        return [markdown(component.content)];
    }
    const inner = component.type === LABEL ? [component.component] : component.components ?? [component];
    return inner.map((data) => field(data, component, inputs));
}

function field(data, around, inputs) {
    counter += 1;
    const ids = { input: `field-${counter}`, help: `field-${counter}-help`, error: `field-${counter}-error` };
    const name = around.label ?? data.label ?? data.placeholder ?? "Answer";
    const isRequired = data.required !== false && data.type !== 23;
    const draw = DRAW[data.type];
    if (!draw) {
        return el("p", { class: "muted" }, `An input of type ${data.type}`);
    }
    const input = draw(data, { ids, name, isRequired });
    const label = [name, isRequired && el("span", { class: "bad", title: "Required" }, " *")];
    const error = el("span", { id: ids.error, class: "field-error", role: "alert", hidden: true });
    inputs.push({
        ...input,
        name: data.custom_id,
        explain(sentence) {
            error.textContent = sentence;
            error.hidden = !sentence;
            input.element.classList.toggle("bad", Boolean(sentence));
        },
    });
    const head = input.isGroup
        ? el("legend", {}, label)
        : el("label", { for: input.isMenu ? null : ids.input }, label);
    return el(input.isGroup ? "fieldset" : "div", { class: "modal-field", "aria-describedby": around.description ? ids.help : null },
        head, around.description && el("span", { id: ids.help, class: "muted" }, around.description), input.element, error);
}

const DRAW = { 3: menu, 4: textInput, 5: menu, 6: menu, 7: menu, 8: menu, 19: files, 21: radios, 22: checkboxes, 23: checkbox };

function textInput(data, { ids, isRequired }) {
    const [least, most] = [data.min_length ?? 0, data.max_length ?? 4000];
    const common = {
        id: ids.input, maxlength: most, placeholder: data.placeholder ?? null, "aria-required": isRequired,
        "aria-describedby": `${ids.help} ${ids.error}`,
    };
    const control = data.style === PARAGRAPH
        ? el("textarea", { ...common, rows: 4 }, data.value ?? "")
        : el("input", { ...common, type: "text", autocomplete: "off", value: data.value ?? null });
    const left = el("span", { class: "muted field-left", "aria-hidden": "true" });
    const count = () => {
        const length = [...control.value].length;
        left.textContent = data.max_length || length > most - 100 ? `${length}/${most}` : "";
    };
    control.addEventListener("input", count);
    count();
    return {
        element: el("div", { class: "field-box" }, control, left),
        focus: () => control.focus(),
        value: () => control.value,
        check() {
            const length = [...control.value].length;
            if (length === 0) {
                return isRequired ? "This field is required." : null;
            }
            return length < least ? `At least ${least} characters, ${length} are there.` : null;
        },
    };
}

function menu(data, { isRequired, name }) {
    const settings = menuSettings(data);
    const least = isRequired ? Math.max(settings.least, 1) : settings.least;
    const picker = selectMenu({ ...settings, label: name, least: isRequired ? least : 0 });
    return {
        element: picker.element,
        isMenu: true,
        focus: () => picker.element.querySelector("button").focus(),
        value: () => picker.values(),
        check: () => countFault(picker.values().length, least, settings.most, isRequired),
    };
}

function countFault(count, least, most, isRequired) {
    if (count === 0) {
        return isRequired ? "This field is required." : null;
    }
    return count < least || count > most ? `Choose ${least === most ? least : `${least} to ${most}`}, ${count} are chosen.` : null;
}

function group(data, type, ids) {
    const boxes = data.options.map((option) => el("input", {
        type, name: ids.input, value: option.value, checked: Boolean(option.default),
    }));
    const element = el("div", { class: "choices" }, data.options.map((option, index) =>
        el("label", { class: "choice" }, boxes[index], el("span", { class: "choice-text" },
            el("span", { class: "choice-name" }, option.label), option.description && el("span", { class: "muted" }, option.description)))));
    return { boxes, element, focus: () => (boxes.find((box) => box.checked) ?? boxes[0])?.focus() };
}

const checked = (boxes) => boxes.filter((box) => box.checked).map((box) => box.value);

function radios(data, { ids, isRequired }) {
    const { boxes, element, focus } = group(data, "radio", ids);
    return {
        element, focus, isGroup: true,
        value: () => checked(boxes)[0] ?? null,
        check: () => (isRequired && checked(boxes).length === 0 ? "This field is required." : null),
    };
}

function checkboxes(data, { ids, isRequired }) {
    const { boxes, element, focus } = group(data, "checkbox", ids);
    const [least, most] = [data.min_values ?? 1, data.max_values ?? data.options.length];
    return {
        element, focus, isGroup: true,
        value: () => checked(boxes),
        check: () => countFault(checked(boxes).length, isRequired ? Math.max(least, 1) : least, most, isRequired),
    };
}

function checkbox(data, { ids }) {
    const box = el("input", { type: "checkbox", id: ids.input, checked: Boolean(data.default) });
    return { element: el("div", { class: "field-check" }, box), focus: () => box.focus(), value: () => box.checked, check: () => null };
}

function files(data, { ids, isRequired }) {
    const [least, most] = [data.min_values ?? 1, data.max_values ?? 1];
    const input = el("input", { type: "file", id: ids.input, multiple: most > 1, "aria-describedby": `${ids.help} ${ids.error}` });
    const list = el("ul", { class: "chosen-files" });
    input.addEventListener("change", () => fill(list, [...input.files].map((file) =>
        el("li", {}, icon("file"), el("span", { class: "attachment-name" }, file.name), el("span", { class: "muted" }, bytes(file.size))))));
    return {
        element: el("div", { class: "field-files" }, input, list),
        focus: () => input.focus(),
        async value() {
            const ids_ = [];
            for (const file of input.files) {
                ids_.push(await upload(store.speaker, file));
            }
            return ids_;
        },
        check: () => takable(input.files).fault || countFault(input.files.length, isRequired ? Math.max(least, 1) : least, most, isRequired),
    };
}

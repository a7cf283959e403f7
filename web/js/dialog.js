// A small form over the page, for a name or a few words.

import { el, fill, icon } from "./dom.js";

const dialog = el("dialog", { id: "ask", "aria-labelledby": "ask-title" });

/**
 * Asks for something. A field is `{ name, label, value, placeholder, longest, required, choices, lines }`; `choices` are pairs of
 * value and text, `lines` makes it a box of several lines. `submit(values)` does it; the sentence of what it throws is
 * shown, and the form stays.
 */
export function askFor({ title, about, fields, button }, submit) {
    const from = document.activeElement;
    const controls = fields.map((field) => control(field));
    const error = el("p", { class: "input-error", role: "alert", hidden: true });
    const close = () => dialog.close();
    const form = el("form", { class: "ask-form" },
        el("div", { class: "modal-head" }, el("h2", { id: "ask-title" }, title),
            el("button", { type: "button", class: "modal-close", "aria-label": "Close", on: { click: close } }, icon("cross"))),
        about && el("p", { class: "muted" }, about),
        fields.map((field, index) => el("label", { class: "ask-field" },
            el("span", {}, field.label), el("span", { class: "field-box" }, controls[index]))),
        error,
        el("div", { class: "modal-buttons" }, el("button", { type: "submit", class: "component button-primary" }, button)));
    form.addEventListener("submit", async (event) => {
        event.preventDefault();
        error.hidden = true;
        try {
            await submit(Object.fromEntries(fields.map((field, index) => [field.name, controls[index].value.trim()])));
            close();
        } catch (refused) {
            error.textContent = refused.message;
            error.hidden = false;
        }
    });
    fill(dialog, form);
    if (!dialog.isConnected) {
        document.body.append(dialog);
    }
    dialog.onclose = () => from?.isConnected && from.focus();
    dialog.showModal();
    controls[0]?.focus();
    controls[0]?.select?.();
}

function control({ name, value, placeholder, longest, required, choices, lines }) {
    const common = { name, autocomplete: "off", maxlength: longest ?? null, required: Boolean(required), placeholder: placeholder ?? null };
    if (choices) {
        return el("select", { name }, choices.map(([key, text]) => el("option", { value: key, selected: key === value }, text)));
    }
    return lines ? el("textarea", { ...common, rows: lines }, value ?? "") : el("input", { ...common, type: "text", value: value ?? null });
}

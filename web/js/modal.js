// A form that the bot opened: Discord's modals.

import { byId, el, fill } from "./dom.js";
import { markdown } from "./markdown-view.js";
import { nameOf, people, store, textChannels } from "./store.js";

/**
 * Opens a modal. `submit(fields)` sends what is entered, `[custom_id, text]` for each input; its
 * Error is shown in the modal, which then stays open.
 */
export function showModal(modal, submit) {
    const fields = [];
    const rows = (modal.components ?? []).map((component) => row(component, fields));
    const error = el("p", { class: "input-error", role: "alert", hidden: true });
    const close = () => byId("modal").close();
    const form = el("form", { method: "dialog" },
        el("h2", { id: "modal-title" }, modal.title), rows, error,
        el("div", { class: "modal-buttons" },
            el("button", { type: "button", class: "component button-secondary", on: { click: close } }, "Cancel"),
            el("button", { type: "submit", class: "component button-primary" }, "Submit")));
    form.addEventListener("submit", async (event) => {
        event.preventDefault();
        try {
            await submit(fields.map((field) => field()));
            close();
        } catch (problem) {
            error.textContent = problem.message;
            error.hidden = false;
        }
    });
    fill(byId("modal"), form);
    byId("modal").showModal();
}

// An action row or a label around one field, or a text.
function row(component, fields) {
    if (component.type === 10) {
        return markdown(component.content);
    }
    const inner = component.component ?? component.components?.[0] ?? component;
    const label = component.label ?? inner.label ?? inner.placeholder ?? "Answer";
    const [control, value] = inner.type === 4 ? textInput(inner) : choice(inner);
    fields.push(() => [inner.custom_id, value()]);
    return el("label", { class: "modal-field" },
        el("span", {}, label, inner.required !== false && el("span", { class: "bad", title: "Required" }, " *")),
        component.description && el("span", { class: "muted" }, component.description), control);
}

function textInput(data) {
    const limits = {
        minlength: data.min_length ?? null,
        maxlength: data.max_length ?? 4000,
        required: data.required !== false,
        placeholder: data.placeholder ?? null,
    };
    const control = data.style === 2
        ? el("textarea", { ...limits, rows: 5 }, data.value ?? "")
        : el("input", { ...limits, type: "text", value: data.value ?? null });
    return [control, () => control.value];
}

function choice(data) {
    const control = el("select", { required: data.required !== false, multiple: (data.max_values ?? 1) > 1 },
        options(data).map((option) => el("option", { value: option.value, selected: Boolean(option.default) }, option.label)));
    return [control, () => [...control.selectedOptions].map((option) => option.value).join(",")];
}

function options(data) {
    const users = people().map((user) => ({ label: nameOf(user.id), value: user.id }));
    const roles = [...store.roles.values()].map((role) => ({ label: `@${role.name}`, value: role.id }));
    const channels = textChannels().map((channel) => ({ label: `#${channel.name}`, value: channel.id }));
    return { 3: data.options, 5: users, 6: roles, 7: [...users, ...roles], 8: channels }[data.type] ?? [];
}

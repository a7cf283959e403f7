// Buttons, selects and the newer layout components of a message.

import { attachment, isWeb, picture } from "./embed.js";
import { el, icon } from "./dom.js";
import { use } from "./interactions.js";
import { markdown } from "./markdown-view.js";
import { hexColour, nameOf, people, store, textChannels } from "./store.js";
import { explain } from "./notice.js";

const BUTTON_STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "link", 6: "premium" };

const DRAW = {
    1: (row, message) => el("div", { class: "action-row" }, all(row.components, message)),
    2: button,
    3: (select, message) => selectMenu(select, message, select.options ?? []),
    5: (select, message) => selectMenu(select, message, userOptions()),
    6: (select, message) => selectMenu(select, message, roleOptions()),
    7: (select, message) => selectMenu(select, message, [...userOptions(), ...roleOptions()]),
    8: (select, message) => selectMenu(select, message, channelOptions(select.channel_types)),
    9: (section, message) => el("div", { class: "section" },
        el("div", {}, all(section.components, message)), section.accessory && one(section.accessory, message)),
    10: (text) => markdown(text.content),
    11: (thumbnail) => picture({ ...thumbnail.media, description: thumbnail.description }, "embed-thumbnail"),
    12: (gallery) => el("div", { class: "gallery" }, (gallery.items ?? []).map((item) =>
        picture({ ...item.media, description: item.description }, "gallery-item"))),
    13: (file) => attachment({ filename: file.name ?? "file", size: file.size, url: file.file?.url }),
    14: (separator) => el("hr", { class: separator.divider === false ? "separator blank" : "separator" }),
    17: container,
};

/** The components of `message` as elements; a kind that is not known is named. */
export function components(message) {
    return all(message.components, message);
}

function all(list, message) {
    return (list ?? []).map((component) => one(component, message));
}

function one(component, message) {
    const draw = DRAW[component.type];
    return draw ? draw(component, message) : el("div", { class: "muted" }, `A component of type ${component.type}`);
}

function container(data, message) {
    const node = el("div", { class: "embed container" },
        el("div", { class: "embed-main" }, all(data.components, message)));
    if (data.accent_color !== null && data.accent_color !== undefined) {
        node.style.setProperty("--bar", hexColour(data.accent_color));
    }
    return data.spoiler ? el("details", { class: "spoiler-box" }, el("summary", {}, "Spoiler"), node) : node;
}

function button(data, message) {
    const style = BUTTON_STYLES[data.style] ?? "secondary";
    const label = [data.emoji && emojiText(data.emoji), data.label && el("span", {}, data.label)];
    if (style === "link") {
        return el("a", {
            class: "component button-link",
            href: isWeb(data.url) ? data.url : null,
            target: "_blank",
            rel: "noopener noreferrer",
        }, label, icon("external"));
    }
    const node = el("button", {
        type: "button",
        class: `component button-${style}`,
        disabled: Boolean(data.disabled),
        "data-focus": `${message.id}:${data.custom_id}`,
    }, label);
    node.addEventListener("click", () => send(node, message, data));
    return node;
}

/** An emoji of a component or a reaction as text. */
export function emojiText(emoji) {
    return emoji.id ? `:${emoji.name}:` : emoji.name;
}

// One choice is a native select; several are check boxes with a button that sends them.
function selectMenu(data, message, options) {
    const label = data.placeholder || "Make a selection";
    const most = Math.min(data.max_values ?? 1, options.length);
    if (most > 1) {
        return severalChoices(data, message, options, label, most);
    }
    const node = el("select", {
        class: "component",
        "aria-label": label,
        disabled: Boolean(data.disabled),
        "data-focus": `${message.id}:${data.custom_id}`,
    }, el("option", { value: "", selected: true, disabled: true }, label), options.map((option) =>
        el("option", { value: option.value, selected: Boolean(option.default) },
            [option.emoji && `${emojiText(option.emoji)} `, option.label, option.description && ` (${option.description})`])));
    node.addEventListener("change", () => send(node, message, data, [node.value]));
    return node;
}

function severalChoices(data, message, options, label, most) {
    const name = `${message.id}:${data.custom_id}`;
    const boxes = options.map((option) => el("input", {
        type: "checkbox", name, value: option.value, checked: Boolean(option.default),
    }));
    const submit = el("button", { type: "submit", class: "component button-primary" }, "Choose");
    const form = el("form", {},
        el("fieldset", { class: "choices", disabled: Boolean(data.disabled) },
            el("legend", {}, `${label} (${data.min_values ?? 1} to ${most})`),
            options.map((option, index) => el("label", {}, boxes[index], " ", option.label)), submit));
    const count = () => boxes.filter((box) => box.checked).length;
    const refresh = () => {
        submit.disabled = count() < (data.min_values ?? 1) || count() > most;
    };
    form.addEventListener("change", refresh);
    form.addEventListener("submit", (event) => {
        event.preventDefault();
        const values = boxes.filter((box) => box.checked).map((box) => box.value);
        send(submit, message, data, values);
    });
    refresh();
    return form;
}

const userOptions = () => people().map((user) => ({ label: nameOf(user.id), value: user.id }));
const roleOptions = () => [...store.roles.values()].map((role) => ({ label: `@${role.name}`, value: role.id }));
const channelOptions = (types) => textChannels()
    .filter((channel) => !types?.length || types.includes(channel.type))
    .map((channel) => ({ label: `#${channel.name}`, value: channel.id }));

async function send(control, message, data, values = []) {
    control.classList.add("busy");
    try {
        await use(message.channel_id, { kind: "component", message: message.id, custom_id: data.custom_id, values });
    } catch (error) {
        explain(error.message);
    } finally {
        control.classList.remove("busy");
    }
}

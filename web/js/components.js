// Buttons, menus and the newer layout components of a message.

import { attachment, isWeb, picture, spoiler } from "./embed.js";
import { el, icon } from "./dom.js";
import { useComponent } from "./interactions.js";
import { markdown } from "./markdown-view.js";
import { emojiText, menuSettings } from "./menus.js";
import { selectMenu } from "./select.js";
import { hexColour, store } from "./store.js";

const BUTTON_STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "link", 6: "premium" };

const DRAW = {
    1: (row, message) => el("div", { class: "action-row" }, all(row.components, message)),
    2: button,
    3: menu,
    5: menu,
    6: menu,
    7: menu,
    8: menu,
    9: (section, message) => el("div", { class: "section" },
        el("div", { class: "section-text" }, all(section.components, message)), section.accessory && one(section.accessory, message)),
    10: (text) => markdown(text.content),
    11: (thumbnail, message) => spoiler(thumbnail.spoiler, media(thumbnail, "thumbnail", message)),
    12: (gallery, message) => el("div", { class: `gallery gallery-${Math.min(gallery.items?.length ?? 1, 4)}` },
        (gallery.items ?? []).map((item) => spoiler(item.spoiler, media(item, "gallery-item", message)))),
    13: (file, message) => spoiler(file.spoiler, fileCard(file, message)),
    14: (separator) => el("hr", {
        class: ["separator", separator.divider === false && "blank", separator.spacing === 2 && "large"].filter(Boolean).join(" "),
    }),
    17: container,
};

/** The components of `message` as elements, and what became of their last use; a kind that is not known is named. */
export function components(message) {
    const use = store.uses.get(message.id);
    return el("div", { class: "components", "aria-busy": Boolean(use?.busy) },
        all(message.components, message),
        use?.failure && el("div", { class: "failure", role: "alert" }, icon("warning"), use.failure));
}

function all(list, message) {
    return (list ?? []).map((component) => one(component, message));
}

function one(component, message) {
    const draw = DRAW[component.type];
    return draw ? draw(component, message) : el("div", { class: "muted" }, `A component of type ${component.type}`);
}

function container(data, message) {
    const node = el("div", { class: "container" }, all(data.components, message));
    if (data.accent_color !== null && data.accent_color !== undefined) {
        node.classList.add("accented");
        node.style.setProperty("--bar", hexColour(data.accent_color));
    }
    return spoiler(data.spoiler, node);
}

function media(data, className, message) {
    return picture({ ...data.media, description: data.description }, className, message.attachments);
}

function fileCard(data, message) {
    const name = data.name ?? data.file?.url?.replace(/^attachment:\/\//, "");
    const known = message.attachments?.find((file) => file.filename === name || file.url === data.file?.url);
    return attachment(known ?? { filename: name ?? "file", size: data.size, url: data.file?.url });
}

function button(data, message) {
    const style = BUTTON_STYLES[data.style] ?? "secondary";
    const emoji = data.emoji && el("span", { class: data.emoji.id ? "custom-emoji" : null }, emojiText(data.emoji));
    const label = [emoji, data.label && el("span", {}, data.label), style === "premium" && el("span", {}, "Premium (not here)")];
    if (style === "link") {
        return el("a", {
            class: data.disabled ? "component button-link off" : "component button-link",
            href: isWeb(data.url) && !data.disabled ? data.url : null,
            "aria-disabled": Boolean(data.disabled),
            target: "_blank",
            rel: "noopener noreferrer",
        }, label, icon("external"));
    }
    const busy = store.uses.get(message.id)?.busy;
    const isBusy = busy !== undefined && busy === data.custom_id;
    const node = el("button", {
        type: "button",
        class: isBusy ? `component button-${style} busy` : `component button-${style}`,
        disabled: Boolean(data.disabled) || Boolean(busy) || style === "premium",
        "aria-label": data.label ? null : data.emoji?.name,
        "data-focus": `${message.id}:${data.custom_id}`,
    }, el("span", { class: "button-face" }, label), isBusy && el("span", { class: "dots", "aria-label": "waiting" }, el("i"), el("i"), el("i")));
    node.addEventListener("click", () => useComponent(message, data));
    return node;
}

function menu(data, message) {
    const use = store.uses.get(message.id);
    const settings = menuSettings(data);
    const chosen = use?.chosen?.[data.custom_id];
    // What was chosen stays in the menu until the bot changes it.
    const isSame = chosen?.of === JSON.stringify(data);
    return selectMenu({
        ...settings,
        chosen: isSame ? chosen.values : settings.chosen,
        disabled: settings.disabled || Boolean(use?.busy),
        focus: `${message.id}:${data.custom_id}`,
        changed: (values) => useComponent(message, data, values),
    }).element;
}

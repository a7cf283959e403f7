// Menus as Discord draws them, in messages and in modals: a button that opens a list, with a search over long ones.

import { filtered } from "./candidates.js";
import { el, fill, icon } from "./dom.js";
import { drawChoice, listbox } from "./listbox.js";
import { popup } from "./popup.js";

const SEARCHED = 10;
let counter = 0;

/**
 * A menu: `{ element, values() }`. `settings` are `{ label, placeholder, options, least, most, chosen, disabled, focus,
 * search, changed(values) }`; `changed` is called when the reader is done: after one choice, or when a list of which several may be
 * chosen closes.
 */
export function selectMenu(settings) {
    const { label, options, least, most } = settings;
    counter += 1;
    const isSeveral = most > 1;
    const search = settings.search || options.length > SEARCHED
        ? el("input", { type: "search", class: "menu-search", role: "combobox", "aria-label": `Search: ${label}`, "aria-autocomplete": "list", placeholder: "Search", autocomplete: "off" })
        : null;
    const list = el("ul", { id: `menu-${counter}`, class: "menu-list", role: "listbox", "aria-label": label, "aria-multiselectable": isSeveral, tabindex: search ? -1 : 0 });
    const note = el("div", { class: "menu-note muted", "aria-live": "polite" });
    const panel = el("div", { class: "menu-popup" }, search, list, note);
    const face = el("span", { class: "menu-face" });
    const button = el("button", {
        type: "button", class: "menu-button", role: "combobox", "aria-haspopup": "listbox", "aria-expanded": false,
        "aria-label": label, disabled: settings.disabled, "data-focus": settings.focus ?? null,
    }, face, icon("chevron"));
    const element = el("div", { class: "menu" }, button, panel);
    panel.hidden = true;
    let chosen = settings.chosen.filter((value) => options.some((option) => option.value === value));
    let before = chosen;
    let shown = null;
    const box = listbox(list, take);

    function drawFace() {
        const picked = chosen.map((value) => options.find((option) => option.value === value));
        fill(face, picked.length === 0
            ? el("span", { class: "muted menu-placeholder" }, settings.placeholder || label)
            : picked.map((option) => el("span", { class: isSeveral ? "menu-chip" : "menu-value" },
                option.emoji && `${option.emoji} `, option.mark === "@" || option.mark === "#" ? option.mark : "", option.label)));
        button.setAttribute("aria-label", picked.length === 0 ? label : `${label}: ${picked.map((option) => option.label).join(", ")}`);
    }

    function drawList() {
        const found = filtered(options, search?.value ?? "");
        const active = found.findIndex((option) => option.value === (box.active()?.value ?? chosen[0]));
        const items = found.map((option) => ({
            ...option,
            checked: chosen.includes(option.value),
            draw: () => [el("span", { class: isSeveral ? "menu-check several" : "menu-check", "aria-hidden": "true" },
                chosen.includes(option.value) && icon("check")), drawChoice(option)],
        }));
        box.show(search ?? list, items.length > 0 ? items : [{ note: "Nothing fits what is written." }], Math.max(active, 0));
        note.textContent = isSeveral ? `${chosen.length} chosen, ${least === most ? least : `${least} to ${most}`} can be` : "";
        note.hidden = !isSeveral;
    }

    function take(item) {
        const has = chosen.includes(item.value);
        if (!isSeveral) {
            // Chosen once more, it is taken back, where nothing may be chosen.
            chosen = has && least === 0 ? [] : [item.value];
            shown.close();
        } else if (has) {
            chosen = chosen.filter((value) => value !== item.value);
        } else if (chosen.length < most) {
            chosen = [...chosen, item.value];
        }
        drawFace();
        if (isSeveral) {
            drawList();
        }
    }

    function open() {
        before = chosen;
        panel.hidden = false;
        if (search) {
            search.value = "";
        }
        shown = popup(panel, button, closed);
        button.setAttribute("aria-expanded", "true");
        drawList();
        shown.place();
        (search ?? list).focus();
    }

    function closed() {
        panel.hidden = true;
        button.setAttribute("aria-expanded", "false");
        if (panel.contains(document.activeElement) || document.activeElement === document.body) {
            button.focus();
        }
        const isSame = before.length === chosen.length && before.every((value) => chosen.includes(value));
        if (chosen.length < least && !(chosen.length === 0 && settings.mayBeEmpty)) {
            chosen = before;
        } else if (!isSame) {
            settings.changed?.(chosen);
        }
        drawFace();
    }

    // A click that closes the list does not open it again.
    let wasOpen = false;
    button.addEventListener("pointerdown", () => { wasOpen = panel.matches(":popover-open"); });
    button.addEventListener("click", () => {
        if (!wasOpen) {
            open();
        }
        wasOpen = false;
    });
    button.addEventListener("keydown", (event) => {
        if (event.key === "ArrowDown" || event.key === "ArrowUp") {
            event.preventDefault();
            open();
        }
    });
    search?.addEventListener("input", drawList);
    panel.addEventListener("keydown", (event) => {
        const { key } = event;
        if (key === "ArrowDown" || key === "ArrowUp") {
            event.preventDefault();
            box.move(key === "ArrowDown" ? 1 : -1);
        } else if ((key === "Enter" || (key === " " && !search)) && box.active()) {
            event.preventDefault();
            take(box.active());
        } else if (key === "Tab" || key === "Escape") {
            // In a dialog, Escape would close that, too.
            event.preventDefault();
            event.stopPropagation();
            shown.close();
        }
    });
    drawFace();
    return { element, values: () => chosen };
}

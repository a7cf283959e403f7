// A list of choices that belongs to an input: drawn here, and moved through with the arrow keys while the
// input keeps the focus.

import { avatar } from "./avatar.js";
import { el, fill } from "./dom.js";

/**
 * Wires a list element; beside it there may be an element with its id and `-status` for screen readers. `take(item)` is called for a choice by mouse. An item is `{ label, detail, mark, user, colour,
 * heading, note }`; one with `heading` or `note` is only text.
 */
export function listbox(list, take) {
    let items = [];
    let input = null;
    let active = -1;
    const choices = () => items.filter((item) => !item.heading && !item.note);

    function draw() {
        let index = -1;
        fill(list, items.map((item) => {
            if (item.heading || item.note) {
                return el("li", { class: item.heading ? "list-heading" : "list-note", role: "presentation" }, item.heading ?? item.note, item.aside);
            }
            index += 1;
            const place = index;
            return el("li", {
                id: `${list.id}-${place}`,
                role: "option",
                "aria-selected": place === active,
                "aria-checked": item.checked ?? null,
                on: {
                    // The input keeps the focus.
                    mousedown: (event) => event.preventDefault(),
                    click: () => take(choices()[place]),
                },
            }, item.draw ? item.draw() : drawChoice(item));
        }));
        list.hidden = items.length === 0;
        tell();
        // Inside a dialog or a page that is not shown there is nothing to scroll.
        list.querySelector('[aria-selected="true"]')?.scrollIntoView?.({ block: "nearest" });
        // Neither a list nor a box of several lines is something that expands.
        if (input && input !== list && input.tagName !== "TEXTAREA") {
            input.setAttribute("aria-expanded", String(!list.hidden));
        }
        input?.setAttribute("aria-activedescendant", active >= 0 ? `${list.id}-${active}` : "");
    }

    // What is in the list is said to those who do not see it: that something loads or failed, and how much there is to choose.
    let told = "";
    function tell() {
        const status = document.getElementById(`${list.id}-status`);
        const notes = items.filter((item) => item.note).map((item) => item.note);
        const count = choices().length;
        const text = notes.length > 0 ? notes.join(" ") : count > 0 ? `${count} ${count === 1 ? "choice" : "choices"}` : "";
        if (status && text !== told) {
            told = text;
            status.textContent = text;
        }
    }

    return {
        /** Shows `next` for `field`; `first` is the one that is active, -1 for none. */
        show(field, next, first = 0) {
            if (input !== field) {
                if (input?.hasAttribute("aria-expanded")) {
                    input.setAttribute("aria-expanded", "false");
                }
                input?.setAttribute("aria-activedescendant", "");
                input = field;
                input.setAttribute("aria-controls", list.id);
            }
            items = next;
            active = Math.min(first, choices().length - 1);
            draw();
        },
        /** Hides the list. */
        hide() {
            items = [];
            active = -1;
            draw();
        },
        /** Moves by `step`; false when there is nothing to move to. */
        move(step) {
            const count = choices().length;
            if (count === 0) {
                return false;
            }
            active = active < 0 ? (step > 0 ? 0 : count - 1) : (active + step + count) % count;
            draw();
            return true;
        },
        /** The active choice; null when there is none. */
        active: () => choices()[active] ?? null,
        /** Whether it can be seen. */
        isOpen: () => !list.hidden,
    };
}

/** A choice with its picture, name and detail. */
export function drawChoice({ label, detail, mark, user, colour, emoji }) {
    const name = el("span", { class: "choice-name" }, label);
    if (colour) {
        name.style.setProperty("--name", colour);
        name.classList.add("name");
    }
    return [
        user ? avatar(user) : mark && el("span", { class: "choice-mark", "aria-hidden": "true" }, mark),
        emoji && el("span", { class: "choice-emoji" }, emoji),
        el("span", { class: "choice-text" }, name, detail && el("span", { class: "muted" }, detail)),
    ];
}

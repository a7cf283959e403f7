// The only place that makes elements. Whatever comes from a message becomes a text node: nothing
// on this page is ever parsed as HTML.

const SVG = "http://www.w3.org/2000/svg";

/**
 * Makes an element. `attributes` are set as attributes, except: `on` (listeners by event name),
 * `class`, and booleans (true sets an empty attribute, false and null leave it out; the states of
 * `aria-` attributes are written out).
 * Children are nodes, strings, or lists of both; null and false are left out.
 */
export function el(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (name === "on") {
            for (const [event, listener] of Object.entries(value)) {
                node.addEventListener(event, listener);
            }
        } else if (name.startsWith("aria-") && typeof value === "boolean") {
            node.setAttribute(name, String(value));
        } else if (value !== null && value !== undefined && value !== false) {
            node.setAttribute(name, value === true ? "" : String(value));
        }
    }
    append(node, children);
    return node;
}

function append(node, children) {
    for (const child of children) {
        if (Array.isArray(child)) {
            append(node, child);
        } else if (child !== null && child !== undefined && child !== false) {
            node.append(child instanceof Node ? child : document.createTextNode(String(child)));
        }
    }
}

/** Replaces everything inside `node`. */
export function fill(node, ...children) {
    node.replaceChildren();
    append(node, children);
}

/** The element of the page with this id. */
export function byId(id) {
    return document.getElementById(id);
}

const PATHS = {
    hash: "M9 3 7 21M17 3l-2 18M4 8h17M3 16h17",
    at: "M16 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0v1.5a2.5 2.5 0 0 0 5 0V12a9 9 0 1 0-4 7.5",
    plus: "M12 5v14M5 12h14",
    eye: "M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12ZM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6Z",
    warning: "M12 4 2.5 20h19ZM12 10v4M12 17v.01",
    more: "M5 12h.01M12 12h.01M19 12h.01",
    edit: "M4 20h4L19 9l-4-4L4 16ZM13 7l4 4",
    pin: "M9 4h6l-1 6 3 3H7l3-3ZM12 13v7",
    copy: "M9 9h11v11H9ZM5 15H4V4h11v1",
    search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM20 20l-4-4",
    reply: "M9 7 4 12l5 5M4 12h10a6 6 0 0 1 6 6v1",
    smile: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM8 14.5s1.5 2 4 2 4-2 4-2M9 9.5v.01M15 9.5v.01",
    record: "M12 19a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM12 14a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z",
    reload: "M20 11a8 8 0 1 0-2.3 6.3M20 4v7h-7",
    check: "m5 13 4 4L19 7",
    cross: "M6 6l12 12M18 6 6 18",
    pause: "M8 5v14M16 5v14",
    chevron: "m6 9 6 6 6-6",
    save: "M12 4v11M7 11l5 5 5-5M5 20h14",
    file: "M6 3h8l4 4v14H6ZM14 3v4h4",
    send: "m4 12 16-8-6 16-3-6Z",
    external: "M14 4h6v6M20 4l-9 9M18 14v6H4V6h6",
    chat: "M4 5h16v11H9l-5 4Z",
    people: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM2.5 20a6.5 6.5 0 0 1 13 0M16 4.5a3.5 3.5 0 0 1 0 6.5M18 14.5a6.5 6.5 0 0 1 3.5 5.5",
    volume: "M4 10v4h4l5 4V6L8 10ZM17 9a4 4 0 0 1 0 6",
    voiceOff: "M4 10v4h4l5 4V6L8 10ZM17 10l4 4M21 10l-4 4",
    mic: "M12 14a3 3 0 0 0 3-3V6a3 3 0 0 0-6 0v5a3 3 0 0 0 3 3ZM5 11a7 7 0 0 0 14 0M12 18v3",
    micOff: "M9 9v2a3 3 0 0 0 5 2M15 10V6a3 3 0 0 0-6-.5M5 11a7 7 0 0 0 11 5.7M19 11a7 7 0 0 1-.5 2.5M12 18v3M3 3l18 18",
    deaf: "M4 15v-3a8 8 0 0 1 13-6M20 12v3M4 14h3v6H4ZM17 14h3v6h-3ZM3 3l18 18",
    headphones: "M4 15v-3a8 8 0 0 1 16 0v3M4 14h3v6H4ZM17 14h3v6h-3Z",
    screen: "M3 5h18v12H3ZM8 21h8",
    camera: "M3 7h12v10H3ZM15 11l6-3v8l-6-3Z",
    leave: "M14 4h5v16h-5M10 8l-4 4 4 4M6 12h9",
    megaphone: "M4 10v4h3l9 4V6l-9 4ZM8 14v5h3v-4",
    forum: "M4 5h12v9H9l-4 3v-3H4ZM19 9v9h-1v3l-4-3H9",
    clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 7v5l3 2",
    lock: "M6 11h12v9H6ZM9 11V8a3 3 0 0 1 6 0v3",
};

/** A decorative icon; the element around it carries the name. */
export function icon(name) {
    const svg = document.createElementNS(SVG, "svg");
    for (const [key, value] of Object.entries({
        class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false",
    })) {
        svg.setAttribute(key, value);
    }
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", PATHS[name] ?? "");
    svg.append(path);
    return svg;
}

/**
 * Makes the children of `list` those of `items`, in order, keeping the nodes whose key and parts
 * are unchanged: focus, selection, scroll position and revealed spoilers survive.
 * An item is `{ key, parts, render }`; `parts` are compared by identity.
 */
export function reconcile(list, items) {
    const kept = list.reconciled ?? new Map();
    const next = new Map();
    const focus = focusInside(list);
    let position = list.firstChild;
    for (const item of items) {
        const former = kept.get(item.key);
        const same = former?.parts.every((part, index) => part === item.parts[index]);
        const node = same ? former.node : item.render();
        next.set(item.key, { node, parts: item.parts });
        if (node === position) {
            position = position.nextSibling;
        } else {
            list.insertBefore(node, position);
        }
    }
    while (position) {
        const following = position.nextSibling;
        position.remove();
        position = following;
    }
    list.reconciled = next;
    focus?.();
}

// Remembers which control inside `list` has the focus, by its `data-focus`; the result restores it.
function focusInside(list) {
    const active = document.activeElement;
    const key = list.contains(active) ? active.dataset.focus : null;
    if (!key) {
        return null;
    }
    return () => {
        if (!list.contains(document.activeElement)) {
            list.querySelector(`[data-focus="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
        }
    };
}

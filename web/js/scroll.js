// Where the reader is in the list of messages, and that they stay there: while older messages come above, pictures
// arrive and others are deleted, what they read does not move.

import { byId } from "./dom.js";
import { askForMore, askForNewest } from "./message-pages.js";
import { messagesOf, store } from "./store.js";

/** How near to the end one follows what comes, in pixels. */
const NEAR_END = 80;
/** The least distance to the end of what is here at which more is asked for, in pixels; else as much as is seen. */
const REACH = 1000;

/** The messages that are seen: `[id, distance from the top of the view]`, and how far the list was scrolled then. */
let anchors = [];
let lastTop = 0;
/** Whether the newest message is drawn; more may be here already and not drawn yet. */
let endIsDrawn = true;

const scroller = () => byId("scroller");
const list = () => byId("messages");
const held = () => store.windows.get(store.channel);
const distanceToEnd = (node) => node.scrollHeight - node.scrollTop - node.clientHeight;

/** Wires the list once; `moved()` is called when the reader leaves the end or comes back to it. */
export function startScrolling(moved) {
    scroller().addEventListener("scroll", () => {
        const node = scroller();
        const isNear = distanceToEnd(node) < NEAR_END && endIsDrawn;
        // What grows below the reader, such as a picture that arrives, does not mean that they have left.
        const follows = isNear || (store.following && node.scrollTop >= lastTop);
        if (follows !== store.following) {
            store.following = follows;
            moved();
        }
        remember();
        reachOut();
    }, { passive: true });
    const settle = new ResizeObserver(() => settleDown());
    settle.observe(scroller());
    settle.observe(list());
}

/** Shows the newest message, and has it sent if it is not here. */
export function toEnd() {
    store.target = null;
    store.following = true;
    store.unseen = 0;
    if (held()?.newer) {
        askForNewest();
    }
    settleDown();
}

/** Puts the reader where they were before the list was drawn, or at the end if they were there. */
export function settleDrawn() {
    endIsDrawn = !held()?.newer;
    settleDown();
}

function settleDown() {
    const node = scroller();
    if (store.following && endIsDrawn) {
        node.scrollTop = node.scrollHeight;
    } else {
        const moved = distanceMoved();
        if (moved !== 0) {
            node.scrollTop += moved;
        }
    }
    remember();
    reachOut();
}

/** Shows the message with this id in the middle, if it is drawn; whether it is. */
export function showMessage(id, behavior = "instant") {
    const node = drawn(id);
    if (!node) {
        return false;
    }
    store.following = false;
    node.scrollIntoView({ block: "center", behavior });
    node.focus({ preventScroll: true });
    node.classList.add("found");
    setTimeout(() => node.classList.remove("found"), 1500);
    remember();
    return true;
}

/** The element of a message. */
export const drawn = (id) => list().reconciled?.get(id)?.node ?? null;

function distanceMoved() {
    const view = scroller();
    const { top } = view.getBoundingClientRect();
    // The reader may have scrolled since, and nobody been told yet. A list that became shorter is no scrolling.
    const scrolled = view.scrollTop - lastTop;
    const byReader = scrolled < 0 && distanceToEnd(view) < 1 ? 0 : scrolled;
    for (const [id, distance] of anchors) {
        const node = drawn(id);
        if (node) {
            return Math.round(node.getBoundingClientRect().top - top - distance + byReader);
        }
    }
    return 0;
}

/** Notes where the reader is; to be called before the list is changed. */
export function remember() {
    const { top, bottom } = scroller().getBoundingClientRect();
    lastTop = scroller().scrollTop;
    anchors = [];
    for (const { id } of messagesOf(store.channel)) {
        const place = drawn(id)?.getBoundingClientRect();
        if (place && place.top > bottom) {
            return;
        }
        if (place && place.bottom > top) {
            anchors.push([id, place.top - top]);
        }
    }
}

// Asks for more before the reader is at the end of what is here.
function reachOut() {
    const node = scroller();
    const reach = Math.max(node.clientHeight, REACH);
    if (node.clientHeight === 0) {
        return;
    }
    if (node.scrollTop < reach) {
        askForMore("older");
    }
    if (distanceToEnd(node) < reach) {
        askForMore("newer");
    }
}

// Asks the feed for the parts of a channel's messages that the reader scrolls or jumps to.

import { missing } from "./message-window.js";
import { store } from "./store.js";

let send = () => {};

/** Wires it once: `ask` sends a frame over the feed. */
export function startPages(ask) {
    send = ask;
}

/** Has the open channel's newest messages sent, unless some of them are here. */
export function askForChannel() {
    if (store.channel && !store.windows.has(store.channel)) {
        send({ open: store.channel });
    }
}

/** Has the newest messages sent instead of those that are here. */
export const askForNewest = () => send({ open: store.channel });

/** Has a message and those around it sent instead of those that are here. */
export function askAround(id) {
    send({ open: store.channel, around: id });
}

/** Has further messages on the `side` "older" or "newer" sent. */
export function askForMore(side) {
    const held = store.windows.get(store.channel);
    const page = held && missing(held, side);
    if (page) {
        held.asked = page;
        send({ open: store.channel, ...page });
    }
}

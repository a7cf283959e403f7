// One line at the edge of the chat for what could not be done, read out by screen readers.

import { byId } from "./dom.js";

let timer = null;

/** Shows `text` for a few seconds. */
export function explain(text) {
    const node = byId("notice");
    node.textContent = text;
    node.hidden = false;
    clearTimeout(timer);
    timer = setTimeout(() => {
        node.hidden = true;
    }, 8000);
}

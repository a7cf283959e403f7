// On a narrow screen one of three columns is shown at a time.

import { byId } from "./dom.js";

const TABS = ["places", "chat", "reloads"];

/** Wires the bar of tabs. */
export function startTabs() {
    for (const name of TABS) {
        byId(`tab-${name}`).addEventListener("click", () => showTab(name));
    }
    showTab("chat");
}

/** Shows one column; on a wide screen all of them are visible anyway. */
export function showTab(name) {
    document.body.dataset.tab = name;
    for (const other of TABS) {
        byId(`tab-${other}`).setAttribute("aria-pressed", String(other === name));
    }
}

// On a narrow screen one of the columns is shown at a time. On a wide one the members stand in the place of the reloads.

import { byId, icon } from "./dom.js";

const TABS = ["places", "chat", "members", "reloads"];

/** Wires the bar of tabs. */
export function startTabs() {
    for (const name of TABS) {
        byId(`tab-${name}`).addEventListener("click", () => showTab(name));
    }
    const toggle = byId("toggle-members");
    toggle.append(icon("people"));
    toggle.addEventListener("click", () => showMembers(document.body.dataset.side !== "members"));
    showMembers(false);
    showTab("chat");
}

function showMembers(are) {
    document.body.dataset.side = are ? "members" : "reloads";
    byId("toggle-members").setAttribute("aria-pressed", String(are));
}

/** Shows one column; on a wide screen all of them are visible anyway. */
export function showTab(name) {
    document.body.dataset.tab = name;
    for (const other of TABS) {
        byId(`tab-${other}`).setAttribute("aria-pressed", String(other === name));
    }
}

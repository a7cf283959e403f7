// That one server tries another version of a cog, and the two ways in which that ends.

import * as api from "./api.js";
import { el } from "./dom.js";
import { store } from "./store.js";
import { timestamp } from "./time.js";

/** A mark beside the cog's name. */
export function badge() {
    return el("span", { class: "badge trial" }, "trial");
}

/** Who tries what, with the buttons. */
export function trial(cog) {
    const { server, since, by, problem } = cog.trial;
    const told = `${server} tries another version since ${timestamp(since, "t")}, by ${by}. All other servers run the one before. `;
    const failed = el("span", { role: "alert" });
    return el("div", { class: "cog-trial" },
        el("p", {}, told,
            store.world && [
                end(cog, "keep", `Give the version of ${cog.name} that ${server} tries to all servers`, failed),
                " ",
                end(cog, "drop", `End the trial of ${cog.name}`, failed),
            ], failed),
        problem && el("p", { class: "cog-problem" }, `Its newest text could not be tried: ${problem}`));
}

function end(cog, how, title, failed) {
    const button = el("button", {
        type: "button", title, "data-focus": `${how}-${cog.name}`, on: { click: () => act() },
    }, how);
    const act = async () => {
        button.disabled = true;
        try {
            await api.endTrial(cog.name, how);
            button.disabled = false;
        } catch (error) {
            button.disabled = false;
            failed.textContent = ` ${error.message}`;
        }
    };
    return button;
}

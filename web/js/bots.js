// The bots of other programs: which there are, how they connect, one more, one less.

import { addBot, bots, removeBot } from "./api.js";
import { byId, el, fill, icon, reconcile } from "./dom.js";

/** How often the open list is asked for anew: bots connect whenever their programs do. */
const EVERY_MS = 1000;

/** The client whose lines are shown, in this browser. */
let client = null;
let timer = null;

/** The button that opens the list. */
export function startBots() {
    byId("open-bots").addEventListener("click", open);
}

function open() {
    const dialog = byId("bots");
    const close = () => dialog.close();
    fill(dialog, el("div", { class: "dialog-body" },
        el("div", { class: "modal-head" }, el("h2", { id: "bots-title" }, "Bots"),
            el("button", { type: "button", class: "modal-close", "aria-label": "Close", on: { click: close } }, icon("cross"))),
        el("ul", { id: "bot-list", class: "bot-list" }),
        addForm(),
        el("div", { id: "bot-clients" }),
        el("div", { class: "bot-client" },
            el("span", { class: "muted" }, "Bots, messages and all the rest: cogsmith sim --world world.json goes on with it."),
            el("a", { class: "small-button", href: "/control/saved-world", download: "world.json" }, "Save the world"))));
    dialog.onclose = () => clearInterval(timer);
    dialog.showModal();
    byId("bot-name").focus();
    draw();
    timer = setInterval(draw, EVERY_MS);
}

function say(sentence) {
    byId("bots-error").textContent = sentence;
    byId("bots-error").hidden = !sentence;
}

async function draw() {
    let known;
    try {
        known = await bots();
    } catch (error) {
        say(error.message);
        return;
    }
    if (!byId("bot-list")) {
        return;
    }
    reconcile(byId("bot-list"), known.bots.map((bot) => ({
        key: bot.id, parts: [bot.connected, bot.token], render: () => row(bot),
    })));
    if (!byId("bot-client")) {
        fill(byId("bot-clients"), clients(known.clients));
    }
}

function row(bot) {
    const state = bot.connected ? "connected" : "not connected";
    return el("li", { class: "bot-row" },
        el("div", { class: "bot-row-head" },
            el("span", { class: `dot ${bot.connected ? "good" : "off"}`, "aria-hidden": "true" }),
            el("strong", {}, bot.name), el("span", { class: "muted" }, state),
            !bot.stays && el("button", {
                type: "button", class: "small-button", "data-focus": `remove-${bot.id}`,
                "aria-label": `Remove ${bot.name}`, on: { click: () => act(() => removeBot(bot.id)) },
            }, "Remove")),
        el("div", { class: "bot-token" },
            el("code", { "aria-label": `Token of ${bot.name}` }, bot.token),
            el("button", {
                type: "button", class: "small-button", "data-focus": `copy-${bot.id}`,
                "aria-label": `Copy the token of ${bot.name}`, on: { click: (event) => copy(bot.token, event.target) },
            }, "Copy")));
}

function addForm() {
    const name = el("input", {
        id: "bot-name", type: "text", autocomplete: "off", maxlength: 32, required: true,
        placeholder: "music", "aria-describedby": "bots-error",
    });
    const form = el("form", { class: "bot-add" },
        el("label", { for: "bot-name" }, "Name of a new bot"),
        el("div", { class: "field-box bot-add-row" }, name,
            el("button", { type: "submit", class: "component button-primary" }, "Add a bot")),
        el("p", { id: "bots-error", class: "input-error", role: "alert", hidden: true }));
    form.addEventListener("submit", async (event) => {
        event.preventDefault();
        if (await act(() => addBot(name.value.trim()))) {
            name.value = "";
        }
        name.focus();
    });
    return form;
}

async function act(change) {
    say("");
    try {
        await change();
    } catch (error) {
        say(error.message);
        return false;
    }
    await draw();
    return true;
}

// How a bot's program comes here instead of to Discord.
function clients(all) {
    const lines = el("pre", { class: "bot-lines", tabindex: "0", "aria-label": "Lines for this library" }, el("code"));
    const show = () => {
        const chosen = all.find((one) => one.name === client) ?? all[0];
        lines.firstChild.textContent = chosen.lines.join("\n");
    };
    const choice = el("select", {
        id: "bot-client", on: { change: (event) => { client = event.target.value; show(); } },
    }, all.map((one) => el("option", { selected: one.name === client }, one.name)));
    show();
    return [
        el("div", { class: "bot-client" }, el("label", { for: "bot-client" }, "How it comes here, with"), choice,
            el("button", {
                type: "button", class: "small-button", "aria-label": "Copy these lines",
                on: { click: (event) => copy(lines.textContent, event.target) },
            }, "Copy")),
        lines,
    ];
}

async function copy(text, button) {
    try {
        await navigator.clipboard.writeText(text);
        button.textContent = "Copied";
        setTimeout(() => { button.textContent = "Copy"; }, 1500);
    } catch {
        say("The browser does not let this page copy it.");
    }
}

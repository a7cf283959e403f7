// The bot, the channels of the chosen server or the direct messages, and who speaks.

import { avatar } from "./avatar.js";
import { channelEntries } from "./channels.js";
import { showMenu, userMenuButton, withUserMenu } from "./context-menu.js";
import { byId, el, fill, icon } from "./dom.js";
import { activityText, statusDot, statusItems, statusName } from "./presence.js";
import { speakAs } from "./speaker.js";
import { allPeople, colourOf, guildHere, isHere, nameOf, store } from "./store.js";

/** From this many people on, there is a field to find them by name; so many are listed at once. */
const SEARCHED = 12;
const SHOWN = 60;

/** Draws the whole column; the control that has the focus keeps it. */
export function drawSidebar() {
    const focus = document.activeElement?.dataset?.focus;
    drawBot();
    byId("guild-name").textContent = store.world ? guildHere()?.name ?? "Direct messages" : "";
    fill(byId("channels"), channelEntries());
    drawPeople();
    drawOwnStatus();
    if (focus) {
        document.querySelector(`#sidebar [data-focus="${CSS.escape(focus)}"]`)?.focus();
    }
}

function drawBot() {
    const { name, online } = store.bot;
    const lost = store.connection === "lost";
    const state = lost ? "not running" : store.world ? "on this machine" : online ? "on Discord" : "starting";
    const activity = !lost && store.world && store.bot.prefix !== null && activityText(store.botUser);
    fill(byId("bot"), avatar({ id: store.botUser ?? "0", username: name }),
        el("div", {}, el("h1", {}, name),
            el("div", { class: "muted bot-state" }, el("span", { class: `dot ${lost ? "bad" : "good"}`, "aria-hidden": "true" }), state),
            activity && el("div", { class: "muted bot-activity" }, activity)));
}

/** Wires the field that finds people. */
export function startSidebar() {
    byId("find-person").addEventListener("input", drawPeople);
}

function drawPeople() {
    const all = allPeople();
    const field = byId("find-person");
    field.hidden = all.length < SEARCHED;
    const typed = field.hidden ? "" : field.value.trim().toLowerCase();
    const found = all.filter((user) => `${nameOf(user.id)} ${user.username}`.toLowerCase().includes(typed));
    const sorted = found.sort((left, right) => rank(left) - rank(right));
    const more = sorted.length - SHOWN;
    fill(byId("people"), sorted.slice(0, SHOWN).map(person), more > 0 && el("p", { class: "muted" }, `and ${more} more`));
}

// Who speaks first, then those who are in the server.
const rank = (user) => (user.id === store.speaker ? 0 : isHere(user.id) ? 1 : 2);

function person(user) {
    const radio = el("input", {
        type: "radio",
        name: "speaker",
        value: user.id,
        checked: user.id === store.speaker,
        "data-focus": `speaker-${user.id}`,
        on: { change: () => speakAs(user.id) },
    });
    const name = el("span", { class: "name" }, nameOf(user.id));
    const colour = colourOf(user.id);
    if (colour) {
        name.style.setProperty("--name", colour);
    }
    const isAway = !isHere(user.id);
    return withUserMenu(el("label", { class: isAway ? "person away" : "person" }, radio,
        el("span", { class: "with-status" }, avatar(user), statusDot(user.id)), name,
        isAway
            ? el("span", { class: "badge owner", title: "Not in this server" }, "away")
            : user.id === store.owner && el("span", { class: "badge owner", title: "May use the bot's admin commands" }, "admin"),
        userMenuButton(user)), user);
}

// The speaker's own status, as a button that opens the choice.
function drawOwnStatus() {
    const button = byId("own-status");
    const user = store.users.get(store.speaker);
    button.hidden = !user;
    if (!user) {
        return;
    }
    fill(button, statusDot(user.id), el("span", { class: "entry-name" }, activityText(user.id) || statusName(user.id)), icon("chevron"));
    button.setAttribute("aria-label", `Status of ${nameOf(user.id)}: ${statusName(user.id)}`);
    button.onclick = () => showMenu(button, "Status", statusItems(user));
}

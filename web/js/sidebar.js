// Channels, the direct message, and who speaks.

import { direct } from "./api.js";
import { avatar } from "./avatar.js";
import { userMenuButton, withUserMenu } from "./context-menu.js";
import { byId, el, fill, icon } from "./dom.js";
import { explain } from "./notice.js";
import { changed, colourOf, findDirectChannel, nameOf, people, sees, store, textChannels } from "./store.js";

/** Draws the whole column; the control that has the focus keeps it. */
export function drawSidebar() {
    const focus = document.activeElement?.dataset?.focus;
    drawBot();
    const guild = store.world?.guilds[0];
    byId("guild-name").textContent = guild?.name ?? "";
    fill(byId("channels"), channelEntries());
    fill(byId("direct"), entry("@direct", "at", `${store.bot.name}`, inDirect(), openDirect));
    fill(byId("people"), people().map(person));
    if (focus) {
        document.querySelector(`#sidebar [data-focus="${CSS.escape(focus)}"]`)?.focus();
    }
}

function drawBot() {
    const { name, online } = store.bot;
    const lost = store.connection === "lost";
    const state = lost ? "not running" : store.world ? "on this machine" : online ? "on Discord" : "starting";
    fill(byId("bot"), avatar({ id: store.botUser ?? "0", username: name }),
        el("div", {}, el("h1", {}, name),
            el("div", { class: "muted bot-state" }, el("span", { class: `dot ${lost ? "bad" : "good"}`, "aria-hidden": "true" }), state)));
}

function channelEntries() {
    const categories = [...store.channels.values()].filter((channel) => channel.type === 4);
    const inside = (parent) => textChannels().filter((channel) => (channel.parent_id ?? null) === parent);
    const known = new Set(categories.map((category) => category.id));
    const loose = textChannels().filter((channel) => !known.has(channel.parent_id ?? ""));
    return [
        loose.map(channelEntry),
        categories.sort((left, right) => (left.position ?? 0) - (right.position ?? 0)).map((category) => [
            el("li", { class: "category" }, category.name), inside(category.id).map(channelEntry)]),
    ];
}

function channelEntry(channel) {
    if (!sees(store.speaker, channel.id)) {
        return null;
    }
    const symbol = !sees(store.botUser, channel.id) ? "lock" : [10, 11, 12].includes(channel.type) ? "reply" : "hash";
    return el("li", {}, entry(channel.id, symbol, channel.name, store.channel === channel.id, () => openChannel(channel.id)));
}

function entry(key, symbol, name, current, open) {
    const unread = store.unread.has(key === "@direct" ? store.directChannel : key) && !current;
    return el("button", {
        type: "button",
        class: unread ? "entry unread" : "entry",
        "aria-current": current ? "page" : null,
        "data-focus": key,
        on: { click: open },
    }, icon(symbol), el("span", {}, name), unread && el("span", { class: "visually-hidden" }, " (unread)"));
}

/** Opens a channel of the guild, or a direct message channel whose id is known. */
export function openChannel(id) {
    store.channel = id;
    store.replyTo = null;
    store.unread.delete(id);
    changed("channel");
}

const inDirect = () => store.channel !== null && store.channel === store.directChannel;

async function openDirect() {
    try {
        store.directChannel ??= await direct(store.speaker);
        openChannel(store.directChannel);
    } catch (error) {
        explain(error.message);
    }
}

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
    return withUserMenu(el("label", { class: "person" }, radio, avatar(user), name,
        user.id === store.owner && el("span", { class: "badge owner", title: "May use the bot's admin commands" }, "admin"),
        userMenuButton(user)), user);
}

async function speakAs(user) {
    const wasInDirect = inDirect();
    store.speaker = user;
    findDirectChannel();
    store.replyTo = null;
    changed("speaker");
    if (wasInDirect) {
        await openDirect();
    } else if (!sees(user, store.channel)) {
        openChannel(textChannels().find((channel) => sees(user, channel.id))?.id ?? store.channel);
    }
}

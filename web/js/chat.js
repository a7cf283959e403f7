// The list of messages: what is shown, and in which order. Where it is scrolled to is in scroll.js.

import { announce } from "./announce.js";
import { avatar } from "./avatar.js";
import { byId, el, fill, icon, reconcile } from "./dom.js";
import { isHurt } from "./failures.js";
import { drawMessage, drawPending, seconds } from "./message.js";
import { explain } from "./notice.js";
import { remember, settleDrawn, showMessage, startScrolling, toEnd } from "./scroll.js";
import { isEphemeral, isForSpeaker, messagesOf, nameOf, placeName, store } from "./store.js";
import { duration, timestamp } from "./time.js";

const GROUP_SECONDS = 420;

let shownChannel = null;

/** Wires the list once. */
export function startChat() {
    startScrolling(drawJump);
    byId("jump-to-end").addEventListener("click", toEnd);
    byId("messages").addEventListener("keydown", onKey);
    byId("messages").addEventListener("focusin", (event) => {
        const message = event.target.closest(".message");
        if (message) {
            makeStop(message);
        }
    });
}

// One message of the list is a stop of the Tab key; arrow keys go from one to the next.
function makeStop(message) {
    for (const other of byId("messages").querySelectorAll('.message[tabindex="0"]')) {
        other.tabIndex = -1;
    }
    message.tabIndex = 0;
}

function onKey(event) {
    const step = { ArrowUp: "previousElementSibling", ArrowDown: "nextElementSibling" }[event.key];
    if (!step || !event.target.matches(".message")) {
        return;
    }
    let next = event.target[step];
    while (next && !next.matches(".message")) {
        next = next[step];
    }
    if (next) {
        event.preventDefault();
        next.focus({ preventScroll: true });
        next.scrollIntoView({ block: "nearest" });
    }
}

/** Draws what changed in the open channel. */
export function drawChat() {
    const held = store.windows.get(store.channel);
    const messages = visibleMessages();
    const list = byId("messages");
    if (shownChannel !== store.channel) {
        shownChannel = store.channel;
        store.following = !held?.newer;
        store.unseen = 0;
        store.target = null;
    }
    const hadFocus = list.contains(document.activeElement);
    remember();
    reconcile(list, entries(messages, held));
    if (hadFocus && !list.contains(document.activeElement)) {
        byId("scroller").focus({ preventScroll: true });
    }
    if (!list.querySelector('.message[tabindex="0"]')) {
        list.querySelector(".message:last-of-type")?.setAttribute("tabindex", "0");
    }
    byId("welcome").hidden = messages.length > 0 || !held || held.older;
    settleDrawn();
    if (store.target && held?.around === store.target) {
        if (!showMessage(store.target)) {
            explain("The message was deleted.");
        }
        store.target = null;
    }
    drawJump();
    announce(messages);
}

function drawJump() {
    const button = byId("jump-to-end");
    const { unseen } = store;
    button.hidden = store.following;
    button.textContent = unseen > 0 ? `${unseen} new ${unseen === 1 ? "message" : "messages"}, jump to the newest` : "Jump to the newest";
}

function visibleMessages() {
    return messagesOf(store.channel).filter((message) => isForSpeaker(message) && !store.dismissed.has(message.id));
}

// What the speaker has used and the bot has not answered.
function pendingHere() {
    return store.pending.filter((entry) => entry.channel === store.channel && entry.user === store.speaker);
}

// Messages and, between them, the reloads that went live: so one sees which code gave which answer.
function entries(messages, held) {
    const result = [];
    const pending = pendingHere();
    const reports = store.reports.filter((report) => report.outcome !== "pending" && report.trigger !== "start"
        && messages.length > 0 && report.at >= seconds(messages[0]));
    let above = null;
    for (const message of messages) {
        while (reports.length > 0 && reports[0].at < seconds(message)) {
            result.push(reloadEntry(reports.shift()));
            above = null;
        }
        while (pending.length > 0 && pending[0].at < seconds(message)) {
            result.push(pendingEntry(pending.shift()));
            above = null;
        }
        // Of the first that is here nobody knows whether it continues another: it is drawn when that is here, too.
        const isContext = above === null && message === messages[0] && messages.length > 1 && held?.older;
        const continued = continues(above, message);
        if (!isContext) {
            result.push({
                key: message.id,
                parts: [message, continued, store.speaker, store.worldVersion, store.uses.get(message.id)],
                render: () => drawMessage(message, continued),
            });
        }
        above = message;
    }
    // What has happened since belongs below messages that are not here.
    return held?.newer ? result : [...result, ...reports.map(reloadEntry), ...pending.map(pendingEntry)];
}

function pendingEntry(entry) {
    return { key: entry.id, parts: [entry, store.worldVersion], render: () => drawPending(entry) };
}

function continues(above, message) {
    return above !== null && above.author.id === message.author.id && ![6, 7, 18, 19].includes(message.type)
        && !message.interaction_metadata && isEphemeral(above) === isEphemeral(message)
        && seconds(message) - seconds(above) < GROUP_SECONDS;
}

function reloadEntry(report) {
    return { key: `report-${report.id}`, parts: [report], render: () => drawReload(report) };
}

function drawReload(report) {
    const failed = report.outcome === "failed";
    const fine = report.cogs.filter((cog) => !isHurt(cog)).map((cog) => {
        switch (cog.outcome) {
            case "unloaded": return `${cog.name} unloaded`;
            case "tried": return `one server tries new code of ${cog.name}`;
            case "dropped": return `no server tries new code of ${cog.name} any more`;
            default: return `${cog.name} is now version ${cog.version}`;
        }
    });
    const hurt = report.cogs.filter(isHurt).map((cog) =>
        (cog.outcome === "kept" ? `${cog.name} stays at version ${cog.version}` : `${cog.name} waits for its fix`));
    const text = [...fine, ...hurt].slice(0, 4).join(", ") || report.changed.join(", ") || "Reload";
    return el("li", { class: `reload-line ${failed ? "bad" : "good"}` },
        el("span", {}, icon(failed ? "cross" : "reload"), " ", text,
            el("span", { class: "muted" }, ` · ${failed ? "reload failed" : duration(report.took_ms)} · `,
                timestamp(report.at, "T"))));
}

/** The first thing a newcomer reads in an empty channel. */
export function drawWelcome() {
    const channel = store.channels.get(store.channel);
    const here = channel ? `#${channel.name}` : `your direct messages with ${placeName().slice(1)}`;
    const { prefix } = store.bot;
    fill(byId("welcome"),
        avatar({ id: store.botUser ?? "0", username: store.bot.name }),
        el("h2", {}, `Welcome to ${here}`),
        prefix === null && el("p", {}, "The bots here are programs of their own. Write a message, or ", el("code", {}, "/"),
            " for the commands that they have registered. Nothing here leaves this machine."),
        prefix !== null && el("p", {}, `${store.bot.name} is listening. Nothing here leaves this machine: the server, the people and `
            + "the messages are simulated."),
        prefix !== null && el("ol", { class: "steps" },
            el("li", {}, "Write ", el("code", {}, `${prefix}ping`), " below, or ", el("code", {}, `${prefix}help`),
                ", or ", el("code", {}, "/"), " for the slash commands."),
            el("li", {}, "Open a file in ", el("code", {}, "lua/cogs/"), ", change a reply, save it."),
            el("li", {}, "Write the command again: the new code answers, and the reload shows up beside the chat.")));
}

/** Says who is typing. */
export function drawTyping() {
    const now = Date.now();
    const signs = [...(store.typing.get(store.channel) ?? [])];
    const names = signs.filter(([user, until]) => until > now && user !== store.speaker)
        .map(([user]) => nameOf(user) ?? "Somebody");
    byId("typing").textContent = names.length > 0 ? `${names.join(", ")} ${names.length > 1 ? "are" : "is"} typing…` : "";
}

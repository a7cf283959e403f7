// The list of messages: what is shown, in which order, and where it is scrolled to.

import { avatar } from "./avatar.js";
import { byId, el, fill, icon, reconcile } from "./dom.js";
import { drawMessage, drawPending, isEphemeral, seconds } from "./message.js";
import { isHurt } from "./failures.js";
import { nameOf, store } from "./store.js";
import { duration, timestamp } from "./time.js";

const GROUP_SECONDS = 420;
const NEAR_END = 80;

let following = true;
let shownChannel = null;

/** Watches where the reader is: new messages pull the view along only while it is at the end. */
export function startChat() {
    const scroller = byId("scroller");
    scroller.addEventListener("scroll", () => {
        following = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_END;
        byId("jump-to-end").hidden = following;
    });
    byId("jump-to-end").addEventListener("click", toEnd);
    // Pictures and a growing input change the height after the messages were drawn.
    new ResizeObserver(() => following && toEnd()).observe(scroller);
    new ResizeObserver(() => following && toEnd()).observe(byId("messages"));
}

/** Scrolls to the newest message. */
export function toEnd() {
    const scroller = byId("scroller");
    scroller.scrollTop = scroller.scrollHeight;
    following = true;
    byId("jump-to-end").hidden = true;
}

/** Draws what changed in the open channel. */
export function drawChat() {
    const messages = visibleMessages();
    reconcile(byId("messages"), entries(messages));
    byId("welcome").hidden = messages.length > 0 || !store.world;
    if (shownChannel !== store.channel) {
        shownChannel = store.channel;
        following = true;
    }
    if (following) {
        toEnd();
    }
}

function visibleMessages() {
    const messages = [...(store.messages.get(store.channel)?.values() ?? [])];
    return messages.filter((message) => !isEphemeral(message)
        || (isForSpeaker(message) && !store.dismissed.has(message.id)));
}

function isForSpeaker(message) {
    const user = message.interaction_metadata?.user ?? message.interaction?.user;
    return !user || user.id === store.speaker;
}

// What the speaker has used and the bot has not answered.
function pendingHere() {
    return store.pending.filter((entry) => entry.channel === store.channel && entry.user === store.speaker);
}

// Messages and, between them, the reloads that went live: so one sees which code gave which answer.
function entries(messages) {
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
        const continued = continues(above, message);
        result.push({
            key: message.id,
            parts: [message, continued, store.speaker, store.worldVersion, store.uses.get(message.id)],
            render: () => drawMessage(message, continued),
        });
        above = message;
    }
    return [...result, ...reports.map(reloadEntry), ...pending.map(pendingEntry)];
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
    const here = channel ? `#${channel.name}` : `your direct messages with ${store.bot.name}`;
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

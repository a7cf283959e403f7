// The list of channels of the chosen server, with threads below theirs and those who are in voice; or of the bots that one
// has direct messages with.

import { avatar } from "./avatar.js";
import { el, icon } from "./dom.js";
import { openUserMenu, withUserMenu } from "./context-menu.js";
import { activityText, statusDot } from "./presence.js";
import { openChannel, openDirect } from "./speaker.js";
import { bots, directWith, nameOf, sees, store } from "./store.js";
import { joinVoice, voiceMarks } from "./voice.js";

const CATEGORY = 4;
const THREADS = [10, 11, 12];
const VOICE = [2, 13];
const SYMBOLS = { 2: "volume", 5: "megaphone", 10: "reply", 11: "reply", 12: "lock", 13: "megaphone", 15: "forum", 16: "forum" };
const KINDS = { 2: "voice channel", 5: "announcements", 10: "thread", 11: "thread", 12: "private thread", 13: "stage", 15: "forum", 16: "forum" };

const byPosition = (left, right) => VOICE.includes(left.type) - VOICE.includes(right.type)
    || (left.position ?? 0) - (right.position ?? 0);

/** The entries of the list. */
export const channelEntries = () => (store.guild === null ? directEntries() : guildEntries());

function directEntries() {
    return bots().map((bot) => {
        const channel = directWith(bot.id);
        const current = store.channel !== null && store.channel === channel?.id;
        const about = activityText(bot.id);
        return el("li", {}, entry(`direct-${bot.id}`, current, store.unread.has(channel?.id), () => openDirect(bot.id),
            el("span", { class: "with-status" }, avatar(bot), statusDot(bot.id)),
            el("span", { class: "entry-text" }, nameOf(bot.id), about && el("span", { class: "muted" }, about))));
    });
}

function guildEntries() {
    const all = [...store.channels.values()];
    const seen = all.filter((channel) => channel.type !== CATEGORY && sees(store.speaker, channel.id));
    const plain = seen.filter((channel) => !THREADS.includes(channel.type)).sort(byPosition);
    const categories = all.filter((channel) => channel.type === CATEGORY).sort(byPosition);
    const known = new Set(categories.map((category) => category.id));
    const threads = seen.filter((channel) => THREADS.includes(channel.type) && !channel.thread_metadata?.archived);
    const draw = (channel) => [channelEntry(channel), threads.filter((one) => one.parent_id === channel.id).map(threadEntry)];
    return [
        plain.filter((channel) => !known.has(channel.parent_id ?? "")).map(draw),
        categories.map((category) => {
            const inside = plain.filter((channel) => channel.parent_id === category.id);
            return inside.length > 0 && [el("li", { class: "category" }, category.name), inside.map(draw)];
        }),
    ];
}

function channelEntry(channel) {
    const symbol = sees(store.botUser, channel.id) ? SYMBOLS[channel.type] ?? "hash" : "lock";
    const open = openEntry(channel, symbol);
    if (!VOICE.includes(channel.type)) {
        return el("li", {}, open);
    }
    const states = [...(store.voice.get(store.guild)?.values() ?? [])].filter((state) => state.channel_id === channel.id);
    const isIn = states.some((state) => state.user_id === store.speaker);
    return el("li", {},
        el("div", { class: "voice-entry" }, open, !isIn && el("button", {
            type: "button", class: "voice-join", "data-focus": `join-${channel.id}`, "aria-label": `Join voice in ${channel.name}`,
            on: { click: () => joinVoice(channel.id) },
        }, "Join")),
        states.length > 0 && el("ul", { class: "voice-members", "aria-label": `In ${channel.name}` }, states.map(voiceMember)));
}

function voiceMember(state) {
    const user = store.users.get(state.user_id) ?? { id: state.user_id };
    const button = el("button", {
        type: "button", class: "voice-member", "aria-haspopup": "menu", "data-focus": `voice-${user.id}`,
        on: { click: (event) => openUserMenu(event.currentTarget, user) },
    }, avatar(user), el("span", { class: "entry-name" }, nameOf(user.id, user)), voiceMarks(state));
    return el("li", {}, withUserMenu(button, user));
}

const threadEntry = (thread) => el("li", { class: "thread" }, openEntry(thread, SYMBOLS[thread.type]));

function openEntry(channel, symbol) {
    const kind = KINDS[channel.type];
    return entry(channel.id, store.channel === channel.id, store.unread.has(channel.id), () => openChannel(channel.id),
        icon(symbol), el("span", { class: "entry-name" }, channel.name), kind && el("span", { class: "visually-hidden" }, `, ${kind}`));
}

function entry(key, current, isUnread, open, ...content) {
    const unread = isUnread && !current;
    return el("button", {
        type: "button",
        class: unread ? "entry unread" : "entry",
        "aria-current": current ? "page" : null,
        "data-focus": key,
        on: { click: open },
    }, content, unread && el("span", { class: "visually-hidden" }, " (unread)"));
}

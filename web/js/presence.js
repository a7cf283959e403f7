// What people show of themselves: the status, a few words, what they do; and that they are typing.

import { setPresence, typing } from "./api.js";
import { askFor } from "./dialog.js";
import { el } from "./dom.js";
import { explain } from "./notice.js";
import { nameOf, presenceOf, store } from "./store.js";

/** The statuses that people choose from. */
export const STATUSES = { online: "Online", idle: "Idle", dnd: "Do not disturb", offline: "Offline" };
const KINDS = { 0: "Playing", 1: "Streaming", 2: "Listening to", 3: "Watching", 5: "Competing in" };
const CUSTOM = 4;

/** How often Discord is told that somebody types. */
const TYPING_MS = 8000;

/** The mark of a user's status. */
export function statusDot(id) {
    const { status } = presenceOf(id);
    return el("span", { class: `status ${status}`, title: STATUSES[status] ?? status, "aria-hidden": "true" });
}

/** The name of a user's status. */
export const statusName = (id) => STATUSES[presenceOf(id).status] ?? presenceOf(id).status;

/** What a user writes about themselves, or does. */
export function activityText(id) {
    const shown = (presenceOf(id).activities ?? []).map((activity) => (activity.type === CUSTOM
        ? activity.state
        : `${KINDS[activity.type] ?? "Playing"} ${activity.name}`));
    return shown.filter(Boolean).join(" · ");
}

const ownWords = (id) => presenceOf(id).activities?.find((activity) => activity.type === CUSTOM)?.state ?? "";

async function show(user, status, words) {
    try {
        await setPresence(user.id, { status, custom_status: words || null });
    } catch (error) {
        explain(error.message);
    }
}

/** The statuses as the items of a menu. */
export function statusItems(user) {
    const { status } = presenceOf(user.id);
    return [
        ...Object.entries(STATUSES).map(([key, label]) => ({
            label, icon: key === status ? "check" : null, run: () => show(user, key, ownWords(user.id)),
        })),
        { label: ownWords(user.id) ? "Change the custom status…" : "Set a custom status…", icon: "edit", run: () => askWords(user) },
    ];
}

function askWords(user) {
    askFor({
        title: "Custom status", button: "Save", about: `What ${nameOf(user.id, user)} shows beside the name. Empty for nothing.`,
        fields: [{ name: "words", label: "A few words", value: ownWords(user.id), longest: 128 }],
    }, ({ words }) => setPresence(user.id, { status: presenceOf(user.id).status, custom_status: words || null }));
}

let told = { key: null, at: 0 };

/** Tells the channel that the speaker is typing, if that is a message. */
export function noteTyping(text) {
    const key = `${store.speaker} ${store.channel}`;
    const now = Date.now();
    if (!text.trim() || text.startsWith("/") || !store.channel || store.editing || (told.key === key && now - told.at < TYPING_MS)) {
        return;
    }
    told = { key, at: now };
    // Whoever may not write there is told so when they send.
    typing(store.speaker, store.channel).catch(() => {});
}

/** After a message the next key counts as a new beginning. */
export function endTyping() {
    told = { key: null, at: 0 };
}

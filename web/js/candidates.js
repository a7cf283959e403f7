// Who and what can be chosen: people, roles and channels, for options of commands and for menus.

import { colourOf, nameOf, people, store } from "./store.js";

const TEXT = 0;
/** How many are offered at once: whoever looks for another writes more of the name. */
const OFFERED = 100;

/** Everybody in the server or the conversation: people first, then bots. */
export function users() {
    const all = [...people(), ...[...store.users.values()].filter((user) => user.bot && store.members.has(user.id))];
    return all.map((user) => ({
        value: user.id, label: nameOf(user.id), detail: user.username, mark: "@", user, colour: colourOf(user.id),
    }));
}

/** The roles of the server, the highest first. */
export function roles() {
    return [...store.roles.values()]
        .sort((left, right) => right.position - left.position)
        .map((role) => ({
            value: role.id, label: role.name.replace(/^@/, ""), detail: "role", mark: "@",
            colour: role.color ? `#${role.color.toString(16).padStart(6, "0")}` : null,
        }));
}

/** The channels that the speaker sees, of the given types; of all types without any. */
export function channels(types) {
    return [...store.channels.values()]
        .filter((channel) => !types?.length || types.includes(channel.type))
        .filter((channel) => store.world?.access[store.speaker]?.[channel.id] !== undefined)
        .sort((left, right) => (left.type === TEXT ? 0 : 1) - (right.type === TEXT ? 0 : 1) || (left.position ?? 0) - (right.position ?? 0))
        .map((channel) => ({ value: channel.id, label: channel.name, detail: CHANNELS[channel.type] ?? "channel", mark: "#" }));
}

const CHANNELS = {
    0: "text channel", 2: "voice channel", 4: "category", 5: "announcements", 10: "thread", 11: "thread",
    12: "private thread", 13: "stage", 15: "forum", 16: "media",
};

/** Those whose label or detail contains what is written, those that begin with it first; not more than one looks through. */
export function filtered(all, written) {
    const typed = written.trim().replace(/^[@#]/, "").toLowerCase();
    const begins = (one) => one.label.toLowerCase().startsWith(typed);
    const contains = (one) => `${one.label} ${one.detail ?? ""}`.toLowerCase().includes(typed);
    return all.filter(contains).sort((left, right) => begins(right) - begins(left)).slice(0, OFFERED);
}

/** The id of what is written as `@anna`, `#general`, `<@1>` or `1`. */
export function find(kind, written) {
    const bare = written.replace(/^<?[@#][!&]?/, "").replace(/>$/, "");
    const isCalled = (...names) => names.some((name) => name?.toLowerCase() === bare.toLowerCase());
    if (kind === "user") {
        const members = [...people(), ...store.users.values()];
        return members.find((user) =>
            user.id === bare || isCalled(user.username, user.global_name, store.members.get(user.id)?.nick))?.id;
    }
    const things = kind === "role" ? store.roles : store.channels;
    return [...things.values()].find((thing) => thing.id === bare || isCalled(thing.name, thing.name.replace(/^@/, "")))?.id;
}

// What the page knows. Frames from the bot change it; views read it and are told when it changed.

import { compareIds, extend, openWindow, put, trim } from "./message-window.js";

const TYPING_SECONDS = 10;
/** Of how many channels messages are held: those that were looked at last. */
const WINDOWS = 8;

export const store = {
    connection: "connecting",
    bot: { name: "Cogsmith", prefix: "!", online: false },
    /** The simulated guild, or null while the bot is on Discord itself. */
    world: null,
    botUser: null,
    owner: null,
    /** Ids of the person who speaks and of the open channel. */
    speaker: null,
    channel: null,
    /** The direct message channel of the speaker, once it is known. */
    directChannel: null,
    users: new Map(),
    members: new Map(),
    channels: new Map(),
    roles: new Map(),
    /** Channel id → the part of its messages that is here, see `openWindow`; the channel that was opened last is the last. */
    windows: new Map(),
    /** Whether the reader is at the end of the open channel, and sees what comes. */
    following: true,
    /** How many messages have come to the open channel since the reader left its end. */
    unseen: 0,
    /** The message of the open channel that the reader jumps to, until it is there. */
    target: null,
    /** Channel id → (user id → milliseconds at which the sign goes away). */
    typing: new Map(),
    /** Counts up whenever names, roles or channels may have changed. */
    worldVersion: 0,
    /** Channels with messages that the reader has not seen, and each channel's newest message. */
    unread: new Set(),
    newest: new Map(),
    reports: [],
    /** What is wrong with types after a reload: number of the report → `{ problems, more }`. */
    types: new Map(),
    cogs: [],
    replyTo: null,
    /** The message that the speaker edits in the message box. */
    editing: null,
    /** Commands that were sent and not answered yet, or never: shown to the speaker alone. */
    pending: [],
    /** What becomes of the use of a message's components: message id → `{ busy, failure, chosen }`. */
    uses: new Map(),
    /** The ids of ephemeral messages that their reader has dismissed. */
    dismissed: new Set(),
};

const listeners = new Set();

/**
 * Calls `listener(what, isFrame)` after each change; `what` names the part that changed, and `isFrame` tells that it came over the
 * feed and not by the reader's hand.
 */
export function watch(listener) {
    listeners.add(listener);
}

/** Tells all views that `what` changed. */
export function changed(what, isFrame = false) {
    for (const listener of listeners) {
        listener(what, isFrame);
    }
}

const APPLY = {
    hello(frame) {
        Object.assign(store, { bot: frame.bot, reports: frame.reports, cogs: frame.cogs });
        store.types = new Map(frame.types ? [[frame.types.report, frame.types]] : []);
        store.windows.clear();
        applyWorld(frame.world);
        return "all";
    },
    world(frame) {
        applyWorld(frame.world);
        return "world";
    },
    messages(frame) {
        const held = store.windows.get(frame.channel);
        frame.messages.forEach(learnAuthor);
        if (frame.before === undefined && frame.after === undefined) {
            holdWindow(frame.channel, openWindow(frame));
            if (!frame.newer) {
                store.newest.set(frame.channel, frame.messages.at(-1)?.id ?? "0");
            }
        } else if (held && extend(held, frame)) {
            trim(held, frame.before === undefined ? "older" : "newer");
        }
        return "messages";
    },
    message({ channel, message }) {
        const held = store.windows.get(channel);
        learnAuthor(message);
        store.typing.get(channel)?.delete(message.author.id);
        if (isNewest(channel, message)) {
            noteNew(channel, message);
        }
        // The messages of a channel that is not open are asked for when it is.
        if (held) {
            put(held, message);
            trim(held, channel === store.channel && !store.following ? "newer" : "older");
        }
        return "messages";
    },
    message_delete({ channel, ids }) {
        ids.forEach((id) => store.windows.get(channel)?.messages.delete(id));
        return "messages";
    },
    typing({ channel, user }) {
        const signs = store.typing.get(channel) ?? new Map();
        store.typing.set(channel, signs.set(user, Date.now() + TYPING_SECONDS * 1000));
        setTimeout(() => changed("typing"), TYPING_SECONDS * 1000 + 50);
        return "typing";
    },
    report({ report }) {
        if (!store.reports.some((known) => known.id === report.id)) {
            store.reports.push(report);
        }
        return "reports";
    },
    types({ types }) {
        store.types.set(types.report, types);
        return "types";
    },
    commands({ commands }) {
        store.world.commands = commands;
        store.worldVersion += 1;
        return "commands";
    },
    cogs({ cogs }) {
        store.cogs = cogs;
        return "cogs";
    },
};

/** Applies one frame of the live feed; unknown kinds are ignored. */
export function apply(frame) {
    const what = Object.hasOwn(APPLY, frame.type) ? APPLY[frame.type](frame) : null;
    if (what) {
        changed(what, true);
    }
    return what;
}

// Whether this is a message that the channel did not have, and no change of an older one.
function isNewest(channel, message) {
    const newest = store.newest.get(channel) ?? "0";
    const isNew = compareIds(message.id, newest) > 0 && !message.edited_timestamp && !message.reactions;
    store.newest.set(channel, isNew ? message.id : newest);
    return isNew;
}

// A message that has come, and not changed.
function noteNew(channel, message) {
    if (!isForSpeaker(message)) {
        return;
    }
    if (channel === store.channel) {
        store.unseen += store.following ? 0 : 1;
    } else if (!store.unread.has(channel)) {
        store.unread.add(channel);
        changed("unread", true);
    }
}

// Those of the channels that were looked at last are kept.
function holdWindow(channel, held) {
    store.windows.delete(channel);
    store.windows.set(channel, held);
    for (const other of [...store.windows.keys()].slice(0, -WINDOWS)) {
        store.windows.delete(other);
    }
}

function applyWorld(world) {
    store.world = world;
    store.worldVersion += 1;
    if (!world) {
        return;
    }
    store.botUser = world.bot.id;
    store.owner = world.owner_id;
    const guild = world.guilds[0] ?? { members: [], roles: [], channels: [] };
    store.users = new Map(world.users.map((user) => [user.id, user]));
    store.members = new Map(guild.members.map((member) => [member.user.id, member]));
    store.roles = new Map(guild.roles.map((role) => [role.id, role]));
    store.channels = new Map(guild.channels.map((channel) => [channel.id, channel]));
    if (!store.users.has(store.speaker)) {
        store.speaker = store.owner;
    }
    findDirectChannel();
    const inDirect = store.channel !== null && store.channel === store.directChannel;
    if (!store.channels.has(store.channel) && !inDirect) {
        store.channel = textChannels()[0]?.id ?? null;
    }
}

/** Looks up the direct messages between the speaker and the bot; null while there are none. */
export function findDirectChannel() {
    const known = (store.world?.direct_channels ?? []).find((channel) =>
        channel.type === 1 && channel.recipients.some((user) => user.id === store.speaker));
    store.directChannel = known?.id ?? null;
}

/** Whether a user sees a channel, as far as the page knows. */
export function sees(user, channel) {
    const seen = store.world?.access[user];
    return seen ? seen[channel] !== undefined : true;
}

function learnAuthor(message) {
    for (const user of [message.author, ...(message.mentions ?? [])]) {
        if (user?.id && !store.users.has(user.id)) {
            store.users.set(user.id, user);
        }
    }
}

const EPHEMERAL = 1 << 6;

/** Whether only one person sees the message. */
export const isEphemeral = (message) => Boolean((message.flags ?? 0) & EPHEMERAL);

/** Whether the speaker sees the message. */
export function isForSpeaker(message) {
    const user = isEphemeral(message) && (message.interaction_metadata?.user ?? message.interaction?.user);
    return !user || user.id === store.speaker;
}

/** The messages of a channel that are here, in their order. */
export const messagesOf = (channel) => [...(store.windows.get(channel)?.messages.values() ?? [])];

/** The guild's channels in which messages are written, in the order of their positions. */
export function textChannels() {
    return [...store.channels.values()]
        .filter((channel) => [0, 5, 10, 11, 12].includes(channel.type))
        .sort((left, right) => (left.position ?? 0) - (right.position ?? 0));
}

/** The people who can speak: everybody who is not a bot, the owner first. */
export function people() {
    return [...store.users.values()]
        .filter((user) => !user.bot && (store.members.has(user.id) || user.id === store.owner))
        .sort((left, right) => (right.id === store.owner) - (left.id === store.owner));
}

/** How a user is called here: nickname, display name, or user name. */
export function nameOf(id, user = store.users.get(id)) {
    return store.members.get(id)?.nick || user?.global_name || user?.username || null;
}

/** The colour of a member's highest coloured role as `#rrggbb`, or null. */
export function colourOf(id) {
    const roles = (store.members.get(id)?.roles ?? []).map((role) => store.roles.get(role)).filter(Boolean);
    const coloured = roles.filter((role) => role.color).sort((left, right) => right.position - left.position);
    return coloured.length > 0 ? hexColour(coloured[0].color) : null;
}

/** Discord's colour number as `#rrggbb`. */
export function hexColour(number) {
    return `#${(Number(number) & 0xffffff).toString(16).padStart(6, "0")}`;
}

/** What a user may do in a channel, as permission bits in a text; undefined for what they do not see. */
export function heldIn(user, channel) {
    return store.world?.access[user]?.[channel];
}

/** The cog that has a slash command, or the bot itself. */
export function ownerOf({ bot, path }) {
    const cog = bot === store.botUser && store.cogs.find((one) => one.slash_commands?.includes(path[0]));
    return (cog || null)?.name ?? store.users.get(bot)?.username ?? store.bot.name;
}

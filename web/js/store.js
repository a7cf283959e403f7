// What the page knows. Frames from the bot change it; views read it and are told when it changed.

import { compareIds, extend, openWindow, put, trim } from "./message-window.js";

const TYPING_SECONDS = 10;
const REFUSALS = 50;
/** Of how many channels messages are held: those that were looked at last. */
const WINDOWS = 8;

export const store = {
    connection: "connecting",
    bot: { name: "Cogsmith", prefix: "!", online: false },
    /** The simulated guild, or null while the bot is on Discord itself. */
    world: null,
    botUser: null,
    owner: null,
    /** Ids of the person who speaks and of the open channel; no channel where the speaker sees none. */
    speaker: null,
    channel: null,
    /** The server that is looked at; null for direct messages. */
    guild: undefined,
    /** Server, or "direct" → the channel that was open there last. */
    places: new Map(),
    /** What is opened as soon as the page knows it: a server or a channel that was just made. */
    wanted: null,
    /** The bot whose direct messages are looked at, and their channel, once it is known. */
    directBot: null,
    directChannel: null,
    /** User → what they show, if it is not what everybody shows at first. */
    presences: new Map(),
    /** Server → (user → where they are in voice). */
    voice: new Map(),
    /** Requests of bots that were refused, the newest last. */
    refusals: [],
    /** The number of the newest of them that the reader has put away. */
    refusalsSeen: 0,
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
    /** What is being recorded: `{ steps }`, or null. */
    recording: null,
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
        // A bot that was started anew counts anew.
        if ((frame.refusals?.at(-1)?.number ?? 0) < store.refusalsSeen) {
            store.refusalsSeen = 0;
        }
        store.refusals = (frame.refusals ?? []).filter((one) => one.number > store.refusalsSeen);
        store.types = new Map(frame.types ? [[frame.types.report, frame.types]] : []);
        store.windows.clear();
        store.recording = null;
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
        const held = store.windows.get(channel)?.messages;
        ids.forEach((id) => held?.delete(id));
        // Answers show what they answer.
        for (const message of held?.values() ?? []) {
            if (ids.includes(message.referenced_message?.id)) {
                held.set(message.id, { ...message, referenced_message: null });
            }
        }
        return "messages";
    },
    refusals({ refusals }) {
        store.refusals = [...store.refusals, ...refusals].slice(-REFUSALS);
        return "refusals";
    },
    presence({ user, presence }) {
        store.presences.set(user, presence);
        return "presence";
    },
    voice({ guild, state }) {
        const states = store.voice.get(guild) ?? new Map();
        store.voice.set(guild, states);
        if (state.channel_id) {
            states.set(state.user_id, state);
        } else {
            states.delete(state.user_id);
        }
        return "voice";
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
    recording({ recording }) {
        store.recording = recording;
        return "recording";
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
    store.users = new Map(world.users.map((user) => [user.id, user]));
    store.presences = new Map(world.presences.map((presence) => [presence.user.id, presence]));
    store.voice = new Map(world.guilds.map((guild) =>
        [guild.id, new Map(guild.voice_states.map((state) => [state.user_id, state]))]));
    if (!store.users.has(store.speaker)) {
        store.speaker = store.owner;
    }
    const isThere = (id) => world.guilds.some((guild) => guild.id === id);
    if (isThere(store.wanted)) {
        store.guild = store.wanted;
        store.wanted = null;
    } else if (store.guild !== null && !isThere(store.guild)) {
        const own = world.guilds.find((guild) => guild.members.some((member) => member.user.id === store.speaker));
        store.guild = (own ?? world.guilds[0])?.id ?? null;
    }
    settle();
}

/** The server that is looked at, with all that is in it; null for direct messages. */
export const guildHere = () => store.world?.guilds.find((guild) => guild.id === store.guild) ?? null;

/** All bots, the first one first. */
export const bots = () => [...store.users.values()].filter((user) => user.bot);

/** Takes over what there is in the chosen server, and opens a channel that the speaker sees, if the open one is none. */
export function settle() {
    const guild = guildHere() ?? { members: [], roles: [], channels: [] };
    store.members = new Map(guild.members.map((member) => [member.user.id, member]));
    store.roles = new Map(guild.roles.map((role) => [role.id, role]));
    store.channels = new Map(guild.channels.map((channel) => [channel.id, channel]));
    store.worldVersion += 1;
    if (!store.users.has(store.directBot)) {
        store.directBot = store.botUser;
    }
    findDirectChannel();
    const before = store.channel;
    store.channel = store.guild === null ? store.directChannel : channelToOpen();
    store.unread.delete(store.channel);
    if (before !== store.channel) {
        store.replyTo = null;
        store.editing = null;
    }
}

// The one that is open, the one that was open here last, or the first.
function channelToOpen() {
    const isOpen = (id) => store.channels.has(id) && sees(store.speaker, id);
    const known = [store.wanted, store.channel, store.places.get(store.guild)].find(isOpen);
    if (known === store.wanted) {
        store.wanted = null;
    }
    return known ?? textChannels().find((channel) => sees(store.speaker, channel.id))?.id ?? null;
}

/** Looks up the direct messages between the speaker and the chosen bot; null while there are none. */
export function findDirectChannel() {
    store.directChannel = directWith(store.directBot)?.id ?? null;
}

/** The direct messages between the speaker and a bot. */
export const directWith = (bot) => (store.world?.direct_channels ?? []).find((channel) => channel.type === 1
    && [store.speaker, bot].every((id) => channel.recipients.some((user) => user.id === id)));

/** How the open place is called: `#general`, or `@cogsmith` for direct messages. */
export function placeName() {
    const channel = store.channels.get(store.channel);
    return channel ? `#${channel.name}` : `@${nameOf(store.directBot) ?? store.bot.name}`;
}

/** What others see of a user: `{ status, activities }`. People are online at first, bots are not. */
export function presenceOf(id) {
    return store.presences.get(id) ?? { status: store.users.get(id)?.bot ? "offline" : "online", activities: [] };
}

/** Where a user is in voice, and in which server; null for nowhere. */
export function voiceOf(user) {
    const found = [...store.voice].find(([, states]) => states.has(user));
    return found ? { guild: found[0], ...found[1].get(user) } : null;
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
        .filter((channel) => [0, 2, 5, 10, 11, 12, 13].includes(channel.type))
        .sort((left, right) => RANKS[left.type] - RANKS[right.type]
            || (left.position ?? 0) - (right.position ?? 0));
}

// Channels for text come before those for voice, and threads come last.
const RANKS = { 0: 0, 5: 0, 2: 1, 13: 1, 10: 2, 11: 2, 12: 2 };

/** Whether somebody is in the chosen server; in direct messages everybody is. */
export const isHere = (id) => store.guild === null || store.members.has(id);

/** The people of the chosen place who can speak, the owner first. */
export function people() {
    return allPeople().filter((user) => isHere(user.id));
}

/** Everybody who is not a bot, wherever they are, the owner first. */
export function allPeople() {
    return [...store.users.values()]
        .filter((user) => !user.bot)
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

// What the page asks the bot to do. Each call resolves with the answer, or throws an Error whose
// message is meant for the reader.

const post = (path, body) => send(path, "application/json", JSON.stringify(body));

const send = (path, type, body) => ask(path, { method: "POST", headers: { "Content-Type": type }, body });

async function ask(path, request = {}) {
    let response;
    try {
        response = await fetch(path, request);
    } catch {
        throw new Error("The bot does not answer. Is it still running? Your text is kept here.");
    }
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) {
        const error = new Error(answer.error ?? `The bot answered with status ${response.status}.`);
        // What is wrong with which field, when Discord says so.
        error.fields = answer.fields ?? {};
        error.exists = answer.exists ?? false;
        throw error;
    }
    return answer;
}

/**
 * Writes a message as `user`; `reply` is the id of the message it answers, or null, `files` are ids of `upload`, or
 * `{ id, description }`.
 */
export const say = (user, channel, content, reply = null, files = []) =>
    post("/control/say", { user, channel, content, reply, files });

/** Sends a file ahead under a name; resolves with the id that stands for it in messages, options and modals. */
export async function upload(user, file, name = file.name) {
    const about = new URLSearchParams({ user, filename: name });
    const type = file.type || "application/octet-stream";
    const bytes = await file.arrayBuffer().catch(() => {
        throw new Error(`${file.name} cannot be read any more. Choose it again.`);
    });
    return (await send(`/control/upload?${about}`, type, bytes)).id;
}

/** Adds (`on` true) or removes the reaction of `user`. */
export const react = (user, channel, message, emoji, on) =>
    post("/control/react", { user, channel, message, emoji, on });

/**
 * Sends an interaction as `user`; resolves with `{ answered, modal, choices }` once the bot has acknowledged
 * it. `request` is `{ kind: "command", path, options }`, `{ kind: "autocomplete", path, options, focused }`,
 * `{ kind: "user" | "message", name, target }`, `{ kind: "component", message, custom_id, values }` or
 * `{ kind: "modal", custom_id, fields }`; of commands also `bot`, whose command it is.
 */
export const interact = (user, channel, { bot, ...request }) =>
    post("/control/interact", { user, channel, bot, request });

/** Changes a message as `user`: `{ kind: "edit", content }`, or the kinds `delete`, `pin`, `unpin`. */
export const change = (user, channel, message, what) =>
    post("/control/change", { user, channel, message, change: what });

/** Sets the language of somebody's client. */
export const setLocale = (user, locale) => post("/control/locale", { user, locale });

/** Makes these answers of a poll the votes of `user`; none take them back. */
export const vote = (user, channel, message, answers) =>
    post("/control/vote", { user, channel, message, answers });

/** What a cog has run: `{ cog, versions, failed }`, the newest first. */
export const history = (cog) => ask(`/control/history/${encodeURIComponent(cog)}`);

/** Puts the version back that a cog ran before this one. */
export const undoLast = (cog) => post("/control/undo", { cog, version: null, before: true });

/** Puts a version of a cog back; `null` for what its files say. */
export const undo = (cog, version) => post("/control/undo", { cog, version });

/** Ends a trial: with "keep" all servers run what one has tried, with "drop" none. */
export const endTrial = (cog, end) => post("/control/trial", { cog, end });

/** The id of the direct message channel between `user` and `bot`. */
export const direct = async (user, bot) => (await post("/control/direct", { user, bot })).channel;

/** Makes a person, who joins `guild` at once; resolves with the id. */
export const addPerson = async (name, shown, guild) =>
    (await post("/control/add-person", { name, display_name: shown, guild })).id;

/** Makes a server that `user` owns, like the first one of a preset; resolves with its id. */
export const addServer = async (user, name, preset) => (await post("/control/add-server", { user, name, preset })).id;

/** Lets `user` into a server: `{ guild }`, or `{ invite }`. */
export const join = (user, where) => post("/control/join", { user, ...where });

/** Has `user` leave a server. */
export const leave = (user, guild) => post("/control/leave", { user, guild });

/** What `user` shows from now on: `{ status, custom_status }`. */
export const setPresence = (user, shown) => post("/control/presence", { user, ...shown });

/** Where `user` is in voice from now on: `{ channel, guild, self_mute, self_deaf, self_stream, self_video }`. */
export const setVoice = (user, state) => post("/control/voice", { user, ...state });

/** Shows that `user` is typing. */
export const typing = (user, channel) => post("/control/typing", { user, channel });

/** Calls a route of Discord's as `user`: what people do with the many menus of its client. */
export const call = (user, method, path, body = null) => post("/control/call", { user, method, path, body });

/** The bots that can connect, with their tokens, and how each client comes here: `{ bots, clients }`. */
export const bots = () => ask("/control/bots");

/** Adds a bot: `{ id, name, token }`. */
export const addBot = (name) => post("/control/add-bot", { name });

/** Takes a bot away. */
export const removeBot = (bot) => post("/control/remove-bot", { bot });

const conversation = (what, body = {}) => post(`/control/conversation/${what}`, body);

/** Begins to record what people do in a server and what bots answer; null for the first server. */
export const recordConversation = (guild) => conversation("record", { guild });

/** Ends the recording: `{ conversation, steps, is_cut }`; `steps` are sentences. */
export const stopConversation = () => conversation("stop");

/** Ends the recording, and forgets it. */
export const discardConversation = () => conversation("discard");

/** The text of `{ conversation, name, kind, pauses }`; `kind` is "spec" or "json". */
export const writeConversation = (what) => conversation("write", what);

/** Saves the same in the folder of specs: `{ file }`. Throws an error with `exists` unless `overwrite` is set. */
export const saveConversation = (what) => conversation("save", what);

/** The conversations in the folder of specs: `{ names, can_save }`. */
export const savedConversations = () => ask("/control/conversation/saved");

export const savedConversation = (name) => ask(`/control/conversation/saved/${encodeURIComponent(name)}`);

/** Makes a server for a replay, like the one with this id: `{ replay, steps }`; null for the first one. */
export const beginReplay = (recorded, pauses, guild) =>
    conversation("replay", { conversation: recorded, pauses, guild });

/** Plays the next step: `{ outcome }`, null when there is none. */
export const replayStep = (replay) => conversation("replay/step", { replay });

/** Ends a replay: `{ conversation }`, as it went this time. */
export const endReplay = (replay) => conversation("replay/end", { replay });

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

/** The id of the direct message channel between `user` and the bot. */
export const direct = async (user) => (await post("/control/direct", { user })).channel;

/** The bots that can connect, with their tokens, and how each client comes here: `{ bots, clients }`. */
export const bots = () => ask("/control/bots");

/** Adds a bot: `{ id, name, token }`. */
export const addBot = (name) => post("/control/add-bot", { name });

/** Takes a bot away. */
export const removeBot = (bot) => post("/control/remove-bot", { bot });

// What the page asks the bot to do. Each call resolves with the answer, or throws an Error whose
// message is meant for the reader.

async function post(path, body) {
    let response;
    try {
        response = await fetch(path, {
            method: "POST",
            headers: { "Content-Type": "application/json" },
            body: JSON.stringify(body),
        });
    } catch {
        throw new Error("The bot does not answer. Is it still running? Your text is kept here.");
    }
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) {
        throw new Error(answer.error ?? `The bot answered with status ${response.status}.`);
    }
    return answer;
}

/** Writes a message as `user`; `reply` is the id of the message it answers, or null. */
export const say = (user, channel, content, reply = null) =>
    post("/api/say", { user, channel, content, reply });

/** Adds (`on` true) or removes the reaction of `user`. */
export const react = (user, channel, message, emoji, on) =>
    post("/api/react", { user, channel, message, emoji, on });

/**
 * Sends an interaction as `user`; resolves with `{ answered, modal }` once the bot has acknowledged
 * it. `request` is `{ kind: "command", path, options }`, `{ kind: "user" | "message", name, target }`,
 * `{ kind: "component", message, custom_id, values }` or `{ kind: "modal", custom_id, fields }`.
 */
export const interact = (user, channel, request) =>
    post("/api/interact", { user, channel, request });

/** The id of the direct message channel between `user` and the bot. */
export const direct = async (user) => (await post("/api/direct", { user })).channel;

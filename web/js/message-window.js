// The messages of a channel that the page holds: a part of them without a gap and of bounded size, whatever the channel
// has. Pure: no DOM, so that it can be tested alone.

/** How many messages of a channel are held at most: some screens of them, also on a large screen. */
export const MOST = 300;

/** How many are kept when there are more, so that this happens once for many messages. */
const KEPT = 250;

/** Orders ids, which are too large for numbers. */
export const compareIds = (left, right) => left.length - right.length || (left < right ? -1 : left > right ? 1 : 0);

/**
 * A window of what a `messages` frame has: `{ messages, low, high, older, newer, asked, around }`. `messages` is a map by ids in
 * their order; from `low` to `high` there is no gap, and `older` and `newer` tell whether there are others on that side.
 * `asked` is the request that is under way, such as `{ before: id }`; `around` the message that was jumped to.
 */
export function openWindow({ messages, older, newer, around = null }) {
    const byIds = new Map(messages.map((message) => [message.id, message]));
    return bound({ messages: byIds, low: null, high: null, older, newer, asked: null, around });
}

function bound(held) {
    const ids = [...held.messages.keys()];
    held.low = ids[0] ?? held.low;
    held.high = ids.at(-1) ?? held.high;
    return held;
}

/** What to ask for to have more on the `side` "older" or "newer"; null when there is nothing to ask for now. */
export function missing(held, side) {
    const end = side === "older" ? held.low : held.high;
    if (!held[side] || held.asked || end === null) {
        return null;
    }
    return side === "older" ? { before: end } : { after: end };
}

/**
 * Adds the page that was asked for. A page that does not join on, because the window has changed meanwhile, is left out.
 * Returns whether it was added.
 */
export function extend(held, { before, after, messages, older, newer }) {
    held.asked = null;
    const pairs = messages.map((message) => [message.id, message]);
    if (before !== undefined && before === held.low) {
        held.messages = new Map([...pairs, ...held.messages]);
        held.low = messages[0]?.id ?? held.low;
        held.older = older;
        return true;
    }
    if (after !== undefined && after === held.high) {
        pairs.forEach(([id, message]) => held.messages.set(id, message));
        held.high = messages.at(-1)?.id ?? held.high;
        held.newer = newer;
        return true;
    }
    return false;
}

/** Puts a message of the live feed where it belongs: one beyond the window's ends is not held. */
export function put(held, message) {
    const { id } = message;
    if (held.messages.has(id)) {
        held.messages.set(id, message);
    } else if (held.high === null || compareIds(id, held.high) > 0) {
        if (held.newer) {
            return;
        }
        held.messages.set(id, message);
        held.high = id;
        held.low ??= id;
    } else if (compareIds(id, held.low) > 0 || !held.older) {
        held.messages = new Map([...held.messages, [id, message]].sort(([left], [right]) => compareIds(left, right)));
        held.low = compareIds(id, held.low) < 0 ? id : held.low;
    }
}

/** Lets go of what is too much, far from the reader: at the `side` "older" or "newer". */
export function trim(held, side) {
    const many = held.messages.size - KEPT;
    if (held.messages.size <= MOST) {
        return;
    }
    const ids = [...held.messages.keys()];
    const gone = side === "older" ? ids.slice(0, many) : ids.slice(-many);
    gone.forEach((id) => held.messages.delete(id));
    held[side] = true;
    bound(held);
}

// Commands, buttons, menus and modals, from the use to the answer.

import { interact } from "./api.js";
import { showModal } from "./modal.js";
import { changed, store } from "./store.js";

/** What Discord says when the bot does not answer a command, a button or a modal. */
export const NO_ANSWER = "The application did not respond";
export const FAILED = "This interaction failed";

/**
 * Uses something in `channel` as the speaker, and opens the modal with which the bot answers.
 * Throws an Error when Discord would refuse, or the bot does not answer in time.
 */
export async function use(channel, request) {
    const user = store.speaker;
    const { answered, modal } = await interact(user, channel, request);
    if (!answered) {
        throw Object.assign(new Error(request.kind === "component" ? FAILED : NO_ANSWER), { isLate: true });
    }
    if (modal && user === store.speaker) {
        showModal(modal, (fields) => use(channel, { kind: "modal", custom_id: modal.custom_id, fields }));
    }
}

let counter = 0;

/**
 * Uses a command; until the bot answers, the chat shows that it was sent, and when it does not, that too. `isMenu` is for
 * those of messages and people, whose names have no slash.
 * Throws an Error when Discord would refuse.
 */
export async function useCommand(channel, request, name, isMenu = false) {
    counter += 1;
    const entry = { id: `pending-${counter}`, channel, user: store.speaker, name, isMenu, at: Date.now() / 1000, failure: null };
    put(entry);
    try {
        await use(channel, request);
        dismiss(entry.id);
    } catch (error) {
        if (!error.isLate) {
            dismiss(entry.id);
            throw error;
        }
        put({ ...entry, failure: error.message });
    }
}

function put(entry) {
    store.pending = [...store.pending.filter((one) => one.id !== entry.id), entry];
    changed("messages");
}

/** Uses a button or a menu of a message, which shows that it waits, and that it failed. */
export async function useComponent(message, data, values = []) {
    const before = store.uses.get(message.id);
    const chosen = { ...before?.chosen, [data.custom_id]: { of: JSON.stringify(data), values } };
    note(message.id, { busy: data.custom_id, failure: null, chosen });
    try {
        await use(message.channel_id, { kind: "component", message: message.id, custom_id: data.custom_id, values });
        note(message.id, { busy: null, failure: null, chosen });
    } catch (error) {
        note(message.id, { busy: null, failure: error.isLate ? FAILED : error.message, chosen: before?.chosen });
    }
}

function note(message, use_) {
    store.uses.set(message, use_);
    changed("messages");
}

/** Takes away what only the speaker sees: a failure, or an ephemeral message. */
export function dismiss(id) {
    store.pending = store.pending.filter((one) => one.id !== id);
    store.dismissed.add(id);
    changed("messages");
}

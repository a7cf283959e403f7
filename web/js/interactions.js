// Commands, buttons, menus and modals, from the use to the answer.

import { interact } from "./api.js";
import { showModal } from "./modal.js";
import { store } from "./store.js";

/**
 * Uses something in `channel` as the speaker, and opens the modal with which the bot answers.
 * Throws an Error when Discord would refuse, or the bot does not answer in time.
 */
export async function use(channel, request) {
    const user = store.speaker;
    const { answered, modal } = await interact(user, channel, request);
    if (!answered) {
        throw new Error(request.kind === "component"
            ? "This interaction failed: the bot did not answer it within 3 seconds."
            : "The application did not respond within 3 seconds.");
    }
    if (modal && user === store.speaker) {
        showModal(modal, (fields) => use(channel, { kind: "modal", custom_id: modal.custom_id, fields }));
    }
}

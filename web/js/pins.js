// The pinned messages of the open channel, as a list to jump from.

import { call } from "./api.js";
import { showMenu } from "./context-menu.js";
import { byId, icon } from "./dom.js";
import { jump } from "./message.js";
import { explain } from "./notice.js";
import { nameOf, store } from "./store.js";

/** Wires the button. */
export function startPins() {
    const button = byId("open-pins");
    button.append(icon("pin"));
    button.addEventListener("click", async () => {
        try {
            const { items } = await call(store.speaker, "GET", `/channels/${store.channel}/messages/pins`);
            showMenu(button, "Pinned messages", items.length > 0
                ? [{ heading: "Pinned messages" }, ...items.map(({ message }) => entry(message))]
                : [{ heading: "Nothing is pinned here" }]);
        } catch (error) {
            explain(error.message);
        }
    });
}

const entry = (message) => ({
    label: `${nameOf(message.author.id, message.author)}: ${message.content.replaceAll(/\s+/g, " ").slice(0, 80) || "a message without text"}`,
    run: () => jump(message.id),
});

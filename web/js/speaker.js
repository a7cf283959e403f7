// Who speaks, and where: going from one person, server or channel to another.

import { direct } from "./api.js";
import { explain } from "./notice.js";
import { changed, findDirectChannel, settle, store } from "./store.js";

/** Opens a channel of the chosen server, or direct messages whose channel is known. */
export function openChannel(id) {
    store.channel = id;
    store.places.set(store.guild, id);
    store.replyTo = null;
    store.unseen = 0;
    store.unread.delete(id);
    changed("channel");
}

/** Opens a channel that was just made, as soon as the page knows it. */
export function openNew(id) {
    if (store.channels.has(id)) {
        openChannel(id);
    } else {
        store.wanted = id;
    }
}

/** Looks at a server, in the channel that was open there last; null for direct messages. */
export function openGuild(id) {
    store.guild = id;
    store.channel = null;
    settle();
    store.unread.delete(store.channel);
    changed("channel");
    if (id === null) {
        openDirect(store.directBot);
    }
}

/** Opens the direct messages between the speaker and a bot. */
export async function openDirect(bot) {
    try {
        store.directBot = bot;
        findDirectChannel();
        store.directChannel ??= await direct(store.speaker, bot);
        if (store.guild === null && store.directBot === bot) {
            openChannel(store.directChannel);
        }
    } catch (error) {
        explain(error.message);
    }
}

/** Speaks as somebody else from now on. */
export function speakAs(user) {
    store.speaker = user;
    store.replyTo = null;
    const before = store.channel;
    settle();
    changed("speaker");
    if (store.guild === null) {
        openDirect(store.directBot);
    } else if (store.channel !== before) {
        changed("channel");
    }
}

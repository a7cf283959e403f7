// One message of the chat.

import { react } from "./api.js";
import { avatar } from "./avatar.js";
import { components } from "./components.js";
import { el, fill, icon } from "./dom.js";
import { attachment, embed } from "./embed.js";
import { isMenuKey, mayReact, mayReply, messageItems, showMenu, withUserMenu } from "./context-menu.js";
import { pickEmoji } from "./emoji-picker.js";
import { dismiss, NO_ANSWER } from "./interactions.js";
import { markdown, nameTag } from "./markdown-view.js";
import { emojiText } from "./menus.js";
import { askAround } from "./message-pages.js";
import { explain } from "./notice.js";
import { poll } from "./poll.js";
import { showMessage } from "./scroll.js";
import { changed, isEphemeral, nameOf, store } from "./store.js";
import { messageTime, timestamp } from "./time.js";

const QUICK = ["👍", "👎", "❤️", "😂", "🎉", "😮", "😢", "🔥", "👀", "✅", "❌", "🚀"];
const LOADING = 1 << 7;
const MENU_ANSWER = 23;
const COMPONENTS_V2 = 1 << 15;
const SYSTEM = {
    6: "pinned a message to this channel.", 7: "joined the server.", 18: "started a thread.", 46: "’s poll is over.",
};

/** Draws a message; `continued` leaves out the author, who is that of the message above. */
export function drawMessage(message, continued) {
    const mentioned = message.mention_everyone || message.mentions?.some((user) => user.id === store.speaker);
    const classes = ["message", continued && "continued", mentioned && "mentions-me", isEphemeral(message) && "ephemeral"];
    const bar = actions(message);
    return withMenu(el("li", { class: classes.filter(Boolean).join(" "), "data-id": message.id, tabindex: -1 },
        answered(message),
        continued
            ? el("span", { class: "side-time", "aria-hidden": "true" }, timestamp(seconds(message), "t"))
            : withUserMenu(avatar(message.author), message.author),
        el("div", { class: "message-body" },
            !continued && headline(message), body(message),
            message.embeds?.map((data) => embed(data, message.attachments)),
            files(message).length > 0 && el("div", { class: "attachments" }, files(message).map(attachment)),
            message.components?.length > 0 && components(message),
            message.poll && poll(message),
            reactions(message),
            isEphemeral(message) && privacyNote(message.id)),
        bar), bar);
}

/** Draws what somebody has used and the bot has not answered: not yet, or not in time. */
export function drawPending({ id, user, name, isMenu, failure }) {
    const bot = store.users.get(store.botUser) ?? { id: store.botUser, username: store.bot.name };
    return el("li", { class: "message ephemeral", "data-id": id },
        usedLine({ id: user, username: nameOf(user) }, isMenu ? name : `/${name}`),
        avatar(bot),
        el("div", { class: "message-body" },
            el("div", { class: "headline" }, nameTag(bot), el("span", { class: "badge" }, "Bot")),
            failure
                ? el("div", { class: "failure", role: "alert" }, icon("warning"), failure)
                : el("div", { class: "muted" }, thinkingDots(), "Sending command…"),
            failure && privacyNote(id)));
}

function usedLine(user, name) {
    return el("div", { class: "answered" }, icon("reply"), avatar(user), nameTag(user),
        " used ", el("span", { class: "mention" }, name));
}

// What only one person sees they can take away; for the bot nothing changes.
function privacyNote(id) {
    return el("div", { class: "privacy subtext" }, icon("eye"), " Only you can see this · ",
        el("button", { type: "button", class: "link", "data-focus": `${id}:dismiss`, on: { click: () => dismiss(id) } }, "Dismiss message"));
}

function thinkingDots() {
    return el("span", { class: "dots", "aria-hidden": "true" }, el("i"), el("i"), el("i"));
}

/** Unix seconds at which a message was written. */
export function seconds(message) {
    return new Date(message.timestamp).getTime() / 1000;
}

function headline(message) {
    const { author } = message;
    return el("div", { class: "headline" }, withUserMenu(nameTag(author), author),
        author.bot && el("span", { class: "badge" }, message.webhook_id && !message.application_id ? "Webhook" : "Bot"),
        el("time", { class: "muted", datetime: message.timestamp, title: timestamp(seconds(message), "F") },
            messageTime(message.timestamp)));
}

function body(message) {
    if (SYSTEM[message.type]) {
        return el("div", { class: "muted" }, SYSTEM[message.type]);
    }
    if ((message.flags ?? 0) & LOADING) {
        return isOverdue(message)
            ? el("div", { class: "failure" }, icon("warning"), NO_ANSWER)
            : el("div", { class: "muted" }, thinkingDots(), `${nameOf(message.author.id, message.author)} is thinking…`);
    }
    const content = message.content && markdown(message.content);
    const edited = message.edited_timestamp && el("span", {
        class: "edited", title: timestamp(new Date(message.edited_timestamp).getTime() / 1000, "F"),
    }, "(edited)");
    return [content, edited].filter(Boolean);
}

// The files that are drawn by themselves: what an embed or a component shows is not shown twice.
function files(message) {
    const all = message.attachments ?? [];
    if ((message.flags ?? 0) & COMPONENTS_V2) {
        return [];
    }
    const drawn = JSON.stringify(message.embeds ?? []);
    return all.filter((file) => !drawn.includes(`attachment://${file.filename}"`) && !drawn.includes(file.url));
}

// The bot may answer for 15 minutes.
function isOverdue(message) {
    return Date.now() / 1000 - seconds(message) > 900;
}

// The line above a message that answers another one, or a command.
function answered(message) {
    const command = message.interaction_metadata ?? message.interaction;
    const name = message.interaction?.name ?? command?.name;
    if (command?.user && name) {
        return usedLine(command.user, message.type === MENU_ANSWER ? name : `/${name}`);
    }
    if (!message.message_reference?.message_id || message.type !== 19) {
        return null;
    }
    const original = message.referenced_message;
    if (!original) {
        return el("div", { class: "answered" }, icon("reply"), el("em", {}, "The original message was deleted"));
    }
    return el("button", { type: "button", class: "answered", "data-focus": `${message.id}:original`, on: { click: () => jump(original.id) } },
        icon("reply"), avatar(original.author), nameTag(original.author),
        el("span", { class: "answered-text" }, excerpt(original)));
}

function excerpt(message) {
    return message.content?.replaceAll(/\s+/g, " ").slice(0, 160) || "a message without text";
}

/** Goes to a message; one that is not here comes with those around it. */
export function jump(id) {
    if (!showMessage(id, "smooth")) {
        store.target = id;
        askAround(id);
    }
}

function reactions(message) {
    if (!message.reactions?.length) {
        return null;
    }
    return el("div", { class: "reactions" }, message.reactions.map((reaction) => {
        const mine = isMine(reaction);
        const name = emojiText(reaction.emoji);
        return el("button", {
            type: "button",
            class: "reaction",
            "aria-pressed": mine,
            "aria-label": `${name}, ${reaction.count}`,
            title: (reaction.users ?? []).map((id) => nameOf(id) ?? id).join(", ") || null,
            "data-focus": `${message.id}:${name}`,
            on: { click: () => toggle(message, reaction.emoji, !mine) },
        }, name, " ", el("span", {}, String(reaction.count)));
    }));
}

// `users` (who reacted) is added by the bot's page server; Discord's own `me` speaks of the bot.
function isMine(reaction) {
    return Boolean(reaction.users?.includes(store.speaker));
}

async function toggle(message, emoji, on) {
    try {
        await react(store.speaker, message.channel_id, message.id, emoji.id ? `${emoji.name}:${emoji.id}` : emoji.name, on);
    } catch (error) {
        explain(error.message);
    }
}

// What can be done with a message: beside it as buttons, and all of it in a menu.
function actions(message) {
    if (isEphemeral(message)) {
        return null;
    }
    const bar = el("div", { class: "message-actions" });
    const reply = () => {
        store.editing = null;
        store.replyTo = message;
        changed("reply");
    };
    const tool = (name, symbol, run, more = {}) => el("button", {
        type: "button", "aria-label": name, title: name, "data-focus": `${message.id}:${symbol}`, on: { click: run }, ...more,
    }, icon(symbol));
    const pick = () => {
        close();
        pickEmoji(bar.firstChild, (emoji) => toggle(message, emoji, true));
    };
    const chooseReaction = () => {
        bar.classList.add("choosing");
        fill(bar, QUICK.map((emoji) => el("button", {
            type: "button",
            "aria-label": `React with ${emoji}`,
            on: { click: () => { close(); toggle(message, { name: emoji }, true); } },
        }, emoji)), el("button", {
            type: "button", "aria-label": "More emoji", title: "More emoji", "aria-haspopup": "dialog", on: { click: pick },
        }, icon("search")));
        bar.firstChild.focus();
    };
    const more = (anchor) => showMenu(anchor, "Menu of the message", messageItems(message, [
        mayReact(message) && { label: "Add a reaction", icon: "smile", run: chooseReaction },
        mayReply(message) && { label: "Reply", icon: "reply", run: reply },
    ]));
    const close = () => {
        bar.classList.remove("choosing");
        fill(bar, mayReact(message) && tool("Add a reaction", "smile", chooseReaction), mayReply(message) && tool("Reply", "reply", reply),
            tool("More", "more", (event) => more(event.currentTarget), { "aria-haspopup": "menu" }));
    };
    bar.addEventListener("keydown", (event) => event.key === "Escape" && close());
    bar.addEventListener("focusout", (event) => !bar.contains(event.relatedTarget) && bar.isConnected && close());
    close();
    bar.openMenu = more;
    return bar;
}

// A right click or the key for menus opens the menu, but on what has a menu of its own: links, fields, text that is
// selected.
function withMenu(node, bar) {
    node.addEventListener("contextmenu", (event) => {
        const isOther = event.target.closest("a, input, textarea, video") || !getSelection().isCollapsed;
        if (bar && !isOther) {
            event.preventDefault();
            bar.openMenu({ x: event.clientX, y: event.clientY });
        }
    });
    node.addEventListener("keydown", (event) => {
        if (bar && event.target === node && isMenuKey(event)) {
            event.preventDefault();
            bar.openMenu(node);
        }
    });
    return node;
}

// One message of the chat.

import { react } from "./api.js";
import { avatar } from "./avatar.js";
import { components, emojiText } from "./components.js";
import { el, fill, icon } from "./dom.js";
import { attachment, embed } from "./embed.js";
import { use } from "./interactions.js";
import { markdown, nameTag } from "./markdown-view.js";
import { explain } from "./notice.js";
import { changed, nameOf, store } from "./store.js";
import { messageTime, timestamp } from "./time.js";

const QUICK = ["👍", "👎", "❤️", "😂", "🎉", "😮", "😢", "🔥", "👀", "✅", "❌", "🚀"];
const EPHEMERAL = 1 << 6;
const SYSTEM = { 6: "pinned a message to this channel.", 7: "joined the server.", 18: "started a thread." };

/** Draws a message; `continued` leaves out the author, who is that of the message above. */
export function drawMessage(message, continued) {
    const mentioned = message.mention_everyone || message.mentions?.some((user) => user.id === store.speaker);
    const classes = ["message", continued && "continued", mentioned && "mentions-me", isEphemeral(message) && "ephemeral"];
    return el("li", { class: classes.filter(Boolean).join(" "), "data-id": message.id },
        answered(message),
        continued ? el("span", { class: "side-time", "aria-hidden": "true" }, timestamp(seconds(message), "t")) : avatar(message.author),
        el("div", { class: "message-body" },
            !continued && headline(message), body(message),
            message.embeds?.map((data) => embed(data, message.attachments)),
            message.attachments?.length > 0 && el("div", { class: "attachments" }, message.attachments.map(attachment)),
            message.components?.length > 0 && el("div", { class: "components" }, components(message)),
            reactions(message),
            isEphemeral(message) && el("div", { class: "subtext" }, "Only you can see this")),
        actions(message));
}

/** Whether only one person sees the message. */
export function isEphemeral(message) {
    return Boolean((message.flags ?? 0) & EPHEMERAL);
}

/** Unix seconds at which a message was written. */
export function seconds(message) {
    return new Date(message.timestamp).getTime() / 1000;
}

function headline(message) {
    const { author } = message;
    return el("div", { class: "headline" }, nameTag(author),
        author.bot && el("span", { class: "badge" }, message.webhook_id && !message.application_id ? "Webhook" : "Bot"),
        el("time", { class: "muted", datetime: message.timestamp, title: timestamp(seconds(message), "F") },
            messageTime(message.timestamp)));
}

function body(message) {
    if (SYSTEM[message.type]) {
        return el("div", { class: "muted" }, SYSTEM[message.type]);
    }
    const thinking = (message.flags ?? 0) & (1 << 7);
    const content = message.content ? markdown(message.content) : thinking && el("div", { class: "muted" }, "is thinking…");
    const edited = message.edited_timestamp && el("span", {
        class: "edited", title: timestamp(new Date(message.edited_timestamp).getTime() / 1000, "F"),
    }, "(edited)");
    return [content, edited].filter(Boolean);
}

// The line above a message that answers another one, or a command.
function answered(message) {
    const command = message.interaction_metadata ?? message.interaction;
    const name = message.interaction?.name ?? command?.name;
    if (command?.user && name) {
        return el("div", { class: "answered" }, icon("reply"), avatar(command.user), nameTag(command.user),
            " used ", el("span", { class: "mention" }, `/${name}`));
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

function jump(id) {
    const node = document.querySelector(`.message[data-id="${CSS.escape(id)}"]`);
    node?.scrollIntoView({ block: "center", behavior: "smooth" });
    node?.classList.add("found");
    setTimeout(() => node?.classList.remove("found"), 1500);
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

// The application's commands for messages and for people, which Discord keeps in context menus.
function contextCommands(message) {
    const commands = store.world?.commands ?? [];
    const of = (type, kind, target) => commands.filter((command) => command.type === type)
        .map(({ name }) => [name, { kind, name, target }]);
    return [...of(3, "message", message.id), ...(message.webhook_id ? [] : of(2, "user", message.author.id))].slice(0, 5);
}

async function useCommand(message, request) {
    try {
        await use(message.channel_id, request);
    } catch (error) {
        explain(error.message);
    }
}

function actions(message) {
    if (isEphemeral(message)) {
        return null;
    }
    const reply = () => {
        store.replyTo = message;
        changed("reply");
    };
    const bar = el("div", { class: "message-actions" });
    const choose = el("button", { type: "button", "aria-label": "Add a reaction", title: "Add a reaction", "data-focus": `${message.id}:react` }, icon("smile"));
    const answer = el("button", { type: "button", "aria-label": "Reply", title: "Reply", "data-focus": `${message.id}:reply`, on: { click: reply } }, icon("reply"));
    const menu = contextCommands(message).map(([name, request]) => el("button", {
        type: "button", class: "text", title: `Use the command ${name}`, on: { click: () => useCommand(message, request) },
    }, name));
    const close = () => fill(bar, menu, choose, answer);
    choose.addEventListener("click", () => {
        fill(bar, QUICK.map((emoji) => el("button", {
            type: "button",
            "aria-label": `React with ${emoji}`,
            on: { click: () => { close(); toggle(message, { name: emoji }, true); } },
        }, emoji)));
        bar.firstChild.focus();
    });
    bar.addEventListener("keydown", (event) => event.key === "Escape" && close());
    bar.addEventListener("focusout", (event) => !bar.contains(event.relatedTarget) && close());
    close();
    return bar;
}

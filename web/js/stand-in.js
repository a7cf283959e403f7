// What stands in the place of messages where there are none to read: the posts of a forum, and the door of a server that the
// speaker is not in.

import { call, join } from "./api.js";
import { byId, el, fill, icon } from "./dom.js";
import { attempt } from "./person-menu.js";
import { openChannel, openNew } from "./speaker.js";
import { guildHere, isHere, nameOf, sees, store } from "./store.js";

const FORUMS = [15, 16];
let drawn = null;

/** Draws it, or takes it away. */
export function drawStandIn() {
    const place = byId("stand-in");
    const channel = store.channels.get(store.channel);
    const isForum = FORUMS.includes(channel?.type);
    const isShut = store.guild !== null && store.channel === null && store.world !== null;
    byId("chat").classList.toggle("standing-in", isForum || isShut);
    place.hidden = !isForum && !isShut;
    // A post that is being written stays.
    const key = isForum ? `${channel.id} ${store.speaker}` : null;
    if (key === null || key !== drawn) {
        fill(place, isForum ? forum(channel) : isShut && door(guildHere()));
    }
    drawn = key;
    if (isForum) {
        fill(byId("posts"), posts(channel));
    }
}

function door(guild) {
    const who = nameOf(store.speaker);
    if (isHere(store.speaker)) {
        return el("div", { class: "door" }, el("h2", {}, guild.name), el("p", {}, `${who} sees no channel of this server.`));
    }
    const isBanned = guild.bans.includes(store.speaker);
    return el("div", { class: "door" }, el("h2", {}, guild.name),
        el("p", {}, isBanned
            ? `${who} is banned from this server. Speak as somebody who may ban, and lift the ban in the list of members.`
            : `${who} is not in this server.`),
        !isBanned && el("button", {
            type: "button", class: "component button-primary", on: { click: () => attempt(() => join(store.speaker, { guild: guild.id })) },
        }, `Join as ${who}`));
}

function posts(forum_) {
    const found = [...store.channels.values()].filter((thread) => thread.parent_id === forum_.id && sees(store.speaker, thread.id))
        .sort((left, right) => (BigInt(right.last_message_id ?? right.id) > BigInt(left.last_message_id ?? left.id) ? 1 : -1));
    if (found.length === 0) {
        return el("li", { class: "muted" }, "No posts yet.");
    }
    const names = new Map((forum_.available_tags ?? []).map((tag) => [tag.id, tag.name]));
    return found.map((thread) => el("li", {}, el("button", {
        type: "button", class: store.unread.has(thread.id) ? "post unread" : "post", on: { click: () => openChannel(thread.id) },
    },
    el("span", { class: "post-tags" }, (thread.applied_tags ?? []).map((id) => el("span", { class: "role" }, names.get(id) ?? "tag"))),
    el("strong", {}, thread.name),
    el("span", { class: "muted" }, `${nameOf(thread.owner_id) ?? "somebody"} · ${thread.message_count} answers`,
        thread.thread_metadata?.archived && " · archived"))));
}

function forum(channel) {
    const title = el("input", { type: "text", id: "post-title", maxlength: 100, required: true, autocomplete: "off" });
    const text = el("textarea", { id: "post-text", rows: 3, maxlength: 4000, required: true });
    const tags = (channel.available_tags ?? []).map((tag) => [tag, el("input", { type: "checkbox", value: tag.id })]);
    const error = el("p", { class: "input-error", role: "alert", hidden: true });
    const form = el("form", { class: "post-form", "aria-label": "New post" },
        el("label", { for: "post-title" }, "Title of a new post"), el("span", { class: "field-box" }, title),
        el("label", { for: "post-text" }, "Message"), el("span", { class: "field-box" }, text),
        tags.length > 0 && el("div", { class: "post-tags" }, tags.map(([tag, box]) => el("label", { class: "choice" }, box, tag.name))),
        error,
        el("button", { type: "submit", class: "component button-primary" }, icon("send"), " Post"));
    form.addEventListener("submit", async (event) => {
        event.preventDefault();
        error.hidden = true;
        try {
            const post = await call(store.speaker, "POST", `/channels/${channel.id}/threads`, {
                name: title.value, message: { content: text.value },
                applied_tags: tags.filter(([, box]) => box.checked).map(([tag]) => tag.id),
            });
            form.reset();
            openNew(post.id);
        } catch (refused) {
            error.textContent = refused.message;
            error.hidden = false;
        }
    });
    return el("div", { class: "forum" }, form, el("h3", { class: "section-title" }, "Posts"), el("ul", { id: "posts", class: "posts" }));
}

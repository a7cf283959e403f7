// The rail of servers: direct messages, each server, and one more.

import { addServer, join } from "./api.js";
import { askFor } from "./dialog.js";
import { byId, el, fill, icon } from "./dom.js";
import { openGuild } from "./speaker.js";
import { nameOf, sees, store } from "./store.js";

const PRESETS = [["default", "Text, voice and a moderators’ channel"], ["empty", "One channel"], ["large", "50 channels"]];

/** Draws the rail. */
export function drawServers() {
    const guilds = store.world?.guilds ?? [];
    const directs = (store.world?.direct_channels ?? []).filter((channel) =>
        channel.recipients.some((user) => user.id === store.speaker));
    fill(byId("servers"),
        el("li", {}, entry(null, "Direct messages", icon("at"), directs)),
        guilds.map((guild) => el("li", {}, entry(guild.id, guild.name, initials(guild.name),
            guild.channels.filter((channel) => sees(store.speaker, channel.id)), !isMember(guild)))),
        el("li", {}, el("button", {
            type: "button", class: "server server-add", title: "Add a server", "aria-label": "Add a server",
            "data-focus": "server-add", on: { click: askServer },
        }, icon("plus"))));
}

const isMember = (guild) => guild.members.some((member) => member.user.id === store.speaker);

function entry(id, name, symbol, channels, isAway = false) {
    const current = store.guild === id;
    const unread = channels.some((channel) => store.unread.has(channel.id) && channel.id !== store.channel);
    const about = [name, unread && "unread", isAway && `${nameOf(store.speaker)} is not in it`].filter(Boolean).join(", ");
    return el("button", {
        type: "button", class: ["server", unread && "unread", isAway && "away"].filter(Boolean).join(" "),
        title: name, "aria-label": about, "aria-current": current ? "page" : null,
        "data-focus": `server-${id}`, on: { click: () => openGuild(id) },
    }, symbol);
}

function initials(name) {
    const words = name.split(/\s+/).filter(Boolean);
    return el("span", { "aria-hidden": "true" }, words.slice(0, 3).map((word) => [...word][0]).join(""));
}

function askServer() {
    askFor({
        title: "Add a server", button: "Add", about: `${nameOf(store.speaker)} owns it, and all bots are in it.`,
        fields: [
            { name: "name", label: "Name", required: true, longest: 100, placeholder: "Tea house" },
            { name: "preset", label: "What is in it", choices: PRESETS, value: "default" },
        ],
    }, async ({ name, preset }) => show(await addServer(store.speaker, name, preset)));
}

// Opens a server now, or as soon as the page hears of it.
function show(guild) {
    if (store.world.guilds.some((one) => one.id === guild)) {
        openGuild(guild);
    } else {
        store.wanted = guild;
    }
}

/** Asks for an invite, and joins. */
export function askInvite() {
    askFor({
        title: "Join by invite", button: "Join", about: `${nameOf(store.speaker)} joins the server that the invite is for.`,
        fields: [{ name: "invite", label: "Invite", required: true, longest: 200, placeholder: "https://discord.gg/…" }],
    }, async ({ invite }) => show((await join(store.speaker, { invite })).guild));
}

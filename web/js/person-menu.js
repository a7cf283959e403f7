// What the speaker does with a person or a bot of the server, and what people do for themselves.

import { call, join, leave } from "./api.js";
import { askFor } from "./dialog.js";
import { explain } from "./notice.js";
import { statusItems, statusName } from "./presence.js";
import { guildHere, nameOf, store } from "./store.js";
import { speakAs } from "./speaker.js";

const TIMEOUT_MINUTES = 10;

/** Does something, and says why not if it is refused. */
export async function attempt(action) {
    try {
        await action();
    } catch (error) {
        explain(error.message);
    }
}

/** The entries of a person's menu; `openMenu(label, items)` opens a further one. */
export function personItems(user, openMenu) {
    const guild = guildHere();
    return [
        !user.bot && user.id !== store.speaker && { label: `Speak as ${nameOf(user.id, user)}`, icon: "chat", run: () => speakAs(user.id) },
        !user.bot && {
            label: `Status: ${statusName(user.id)}`, icon: "chevron", run: () => openMenu("Status", statusItems(user)),
        },
        ...(guild ? inServer(guild, user, openMenu) : []),
    ].filter(Boolean);
}

function inServer(guild, user, openMenu) {
    const member = store.members.get(user.id);
    const as = store.speaker;
    const path = `/guilds/${guild.id}/members/${user.id}`;
    const name = nameOf(user.id, user);
    if (!member) {
        return comeBack(guild, user);
    }
    const isOther = user.id !== store.speaker;
    const isTimedOut = new Date(member.communication_disabled_until ?? 0) > Date.now();
    const until = () => new Date(Date.now() + TIMEOUT_MINUTES * 60_000).toISOString();
    return [
        { label: "Roles", icon: "chevron", run: () => openMenu("Roles", roleItems(guild, user)) },
        { label: "Change the nickname…", icon: "edit", run: () => rename(guild, user) },
        ...voiceItems(guild, user, path),
        isOther && { label: `Kick ${name}`, icon: "leave", run: () => attempt(() => call(as, "DELETE", path)) },
        isOther && { label: `Ban ${name}`, icon: "cross", run: () => attempt(() => call(as, "PUT", `/guilds/${guild.id}/bans/${user.id}`, {})) },
        isOther && {
            label: isTimedOut ? "End the time-out" : `Time out for ${TIMEOUT_MINUTES} minutes`, icon: "clock",
            run: () => attempt(() => call(as, "PATCH", path, { communication_disabled_until: isTimedOut ? null : until() })),
        },
        !user.bot && { label: `Leave ${guild.name}`, icon: "leave", run: () => attempt(() => leave(user.id, guild.id)) },
    ];
}

// What can be done for somebody who is not in the server.
function comeBack(guild, user) {
    if (user.bot) {
        return [];
    }
    return guild.bans.includes(user.id)
        ? [{ label: "Lift the ban", icon: "check", run: () => attempt(() => call(store.speaker, "DELETE", `/guilds/${guild.id}/bans/${user.id}`)) }]
        : [{ label: `Join ${guild.name}`, icon: "plus", run: () => attempt(() => join(user.id, { guild: guild.id })) }];
}

function roleItems(guild, user) {
    const held = store.members.get(user.id)?.roles ?? [];
    const roles = guild.roles.filter((role) => role.id !== guild.id && !role.managed)
        .sort((left, right) => right.position - left.position);
    if (roles.length === 0) {
        return [{ heading: `${guild.name} has no roles to give` }];
    }
    return roles.map((role) => {
        const has = held.includes(role.id);
        const path = `/guilds/${guild.id}/members/${user.id}/roles/${role.id}`;
        return { label: role.name, icon: has ? "check" : null, run: () => attempt(() => call(store.speaker, has ? "DELETE" : "PUT", path)) };
    });
}

function rename(guild, user) {
    const own = user.id === store.speaker;
    askFor({
        title: `Nickname of ${user.global_name ?? user.username}`, button: "Save", about: "Empty for none.",
        fields: [{ name: "nick", label: "Nickname", value: store.members.get(user.id)?.nick, longest: 32 }],
    }, ({ nick }) => call(store.speaker, "PATCH", `/guilds/${guild.id}/members/${own ? "@me" : user.id}`, { nick }));
}

function voiceItems(guild, user, path) {
    const state = store.voice.get(guild.id)?.get(user.id);
    if (!state || user.id === store.speaker) {
        return [];
    }
    const own = store.voice.get(guild.id)?.get(store.speaker)?.channel_id;
    const change = (body) => attempt(() => call(store.speaker, "PATCH", path, body));
    return [
        { label: state.mute ? "Let them speak in voice" : "Mute in voice", icon: "micOff", run: () => change({ mute: !state.mute }) },
        own && own !== state.channel_id && { label: "Move to my voice channel", icon: "volume", run: () => change({ channel_id: own }) },
        { label: "Disconnect from voice", icon: "leave", run: () => change({ channel_id: null }) },
    ].filter(Boolean);
}


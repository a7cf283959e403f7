// The members of the chosen server, by their roles; those who are not in it; and one more person.

import { addPerson, call, join } from "./api.js";
import { avatar } from "./avatar.js";
import { openUserMenu, withUserMenu } from "./context-menu.js";
import { askFor } from "./dialog.js";
import { byId, el, fill, icon } from "./dom.js";
import { attempt } from "./person-menu.js";
import { activityText, statusDot, statusName } from "./presence.js";
import { askInvite } from "./servers.js";
import { allPeople, colourOf, guildHere, nameOf, presenceOf, store } from "./store.js";

/** How many of one group are listed. */
const SHOWN = 100;
/** The names of people who come with one click. */
const NAMES = ["Cleo", "Dara", "Eko", "Finn", "Gita", "Hugo", "Ines", "Joko", "Kim", "Lena", "Milo", "Nia", "Omar", "Pia", "Rin", "Sari"];

/** Draws the column. */
export function drawMembers() {
    const column = byId("members");
    const focus = column.contains(document.activeElement) && document.activeElement.dataset.focus;
    const guild = guildHere();
    fill(column, guild ? ofServer(guild) : el("p", { class: "muted" }, "Direct messages have no members but the two."));
    if (focus) {
        column.querySelector(`[data-focus="${CSS.escape(focus)}"]`)?.focus();
    }
}

function ofServer(guild) {
    const away = allPeople().filter((user) => !store.members.has(user.id));
    return [
        el("div", { class: "member-tools" },
            tool("person-new", "A new member joins", "plus", () => attempt(newMember)),
            tool("person-add", "Add a person…", "people", () => askPerson(guild)),
            tool("invite", "Join by invite…", "external", askInvite)),
        groups(guild).map(([name, members]) => group(name, members.map(({ user }) => row(guild, user)))),
        group("Not in this server", away.map((user) => awayRow(guild, user))),
    ];
}

const tool = (key, label, symbol, run) => el("button", { type: "button", class: "small-button", "data-focus": key, on: { click: run } }, icon(symbol), " ", label);

function group(name, rows) {
    if (rows.length === 0) {
        return null;
    }
    const more = rows.length - SHOWN;
    return el("section", { class: "member-group", "aria-label": name },
        el("h3", { class: "section-title" }, `${name} — ${rows.length}`),
        el("ul", {}, rows.slice(0, SHOWN)),
        more > 0 && el("p", { class: "muted" }, `and ${more} more`));
}

// As Discord has it: those who are there below the highest of their roles that is shown apart, then those who are not.
function groups(guild) {
    const apart = guild.roles.filter((role) => role.hoist && role.id !== guild.id).sort((left, right) => right.position - left.position);
    const found = new Map([...apart.map((role) => [role.name, []]), ["Online", []], ["Offline", []]]);
    for (const member of guild.members) {
        const isThere = presenceOf(member.user.id).status !== "offline";
        const role = apart.find((one) => member.roles.includes(one.id));
        found.get(isThere ? role?.name ?? "Online" : "Offline").push(member);
    }
    const byName = (left, right) => nameOf(left.user.id).localeCompare(nameOf(right.user.id));
    return [...found].map(([name, members]) => [name, members.sort(byName)]);
}

function row(guild, user) {
    const about = activityText(user.id);
    const name = el("span", { class: "name" }, nameOf(user.id, user));
    const colour = colourOf(user.id);
    if (colour) {
        name.style.setProperty("--name", colour);
    }
    const isOut = new Date(store.members.get(user.id)?.communication_disabled_until ?? 0) > Date.now();
    const button = el("button", {
        type: "button", class: "member", "aria-haspopup": "menu", "data-focus": `member-${user.id}`,
        on: { click: (event) => openUserMenu(event.currentTarget, user) },
    },
    el("span", { class: "with-status" }, avatar(user), statusDot(user.id)),
    el("span", { class: "member-text" },
        el("span", { class: "member-name" }, name,
            user.bot && el("span", { class: "badge" }, "Bot"),
            guild.owner_id === user.id && el("span", { class: "badge owner" }, "owner"),
            isOut && el("span", { class: "badge owner" }, "timed out")),
        roles(user), about && el("span", { class: "muted member-about" }, about)),
    el("span", { class: "visually-hidden" }, `, ${statusName(user.id)}`));
    return el("li", {}, withUserMenu(button, user));
}

function roles(user) {
    const held = (store.members.get(user.id)?.roles ?? []).map((id) => store.roles.get(id)).filter((role) => role && !role.managed);
    return held.length > 0 && el("span", { class: "member-roles" }, held.slice(0, 4).map((role) => el("span", { class: "role" }, role.name)));
}

function awayRow(guild, user) {
    const isBanned = guild.bans.includes(user.id);
    const act = isBanned
        ? () => call(store.speaker, "DELETE", `/guilds/${guild.id}/bans/${user.id}`)
        : () => join(user.id, { guild: guild.id });
    return el("li", { class: "member away" },
        el("span", { class: "with-status" }, avatar(user)),
        el("span", { class: "member-text" }, el("span", { class: "name" }, nameOf(user.id, user)),
            isBanned && el("span", { class: "muted" }, "banned")),
        el("button", {
            type: "button", class: "small-button", "data-focus": `away-${user.id}`,
            "aria-label": `${isBanned ? "Lift the ban of" : "Join as"} ${nameOf(user.id, user)}`, on: { click: () => attempt(act) },
        }, isBanned ? "Lift the ban" : "Join"));
}

// Somebody comes whose name is not taken.
async function newMember() {
    const taken = new Set([...store.users.values()].map((user) => user.username));
    for (let round = 1; ; round += 1) {
        const name = NAMES.map((one) => (round === 1 ? one : `${one} ${round}`)).find((one) => !taken.has(username(one)));
        if (name) {
            await addPerson(username(name), name, store.guild);
            return;
        }
    }
}

const username = (name) => name.toLowerCase().normalize("NFKD").replaceAll(/[^a-z0-9_.\s]/g, "").trim().replaceAll(/\s+/g, "_").replaceAll(/\.{2,}/g, ".");

function askPerson(guild) {
    askFor({
        title: "Add a person", button: "Add", about: `Who joins ${guild.name} at once. Bots hear of it as of everybody who joins.`,
        fields: [{ name: "name", label: "Name", required: true, longest: 32, placeholder: "Rin" }],
    }, async ({ name }) => {
        // A name in another script has no letters that a username may have.
        const own = username(name);
        await addPerson(own.length >= 2 ? own : `person_${store.users.size}`, name, guild.id);
    });
}

// The menus of messages and of people, with the application's own commands for them.

import { change, setLocale } from "./api.js";
import { insertText } from "./composer.js";
import { el, fill, icon } from "./dom.js";
import { useCommand } from "./interactions.js";
import { explain } from "./notice.js";
import { personItems } from "./person-menu.js";
import { popup } from "./popup.js";
import { changed, heldIn, nameOf, store } from "./store.js";
import { offeredHere } from "./suggestions.js";

const USER = 2;
const MESSAGE = 3;
const menu = el("div", { class: "context-menu", role: "menu", id: "context-menu" });

/**
 * Opens a menu of `items` beside an element or a point. An item is `{ label, icon, run }` or `{ heading }`.
 * `from` has the focus again when it closes.
 */
export function showMenu(anchor, label, items, from = document.activeElement) {
    let shown = null;
    const buttons = [];
    menu.setAttribute("aria-label", label);
    fill(menu, items.map((item) => {
        if (item.heading) {
            return el("div", { class: "menu-heading", role: "presentation" }, item.heading);
        }
        const button = el("button", {
            type: "button", role: "menuitem", tabindex: -1,
            on: { click: () => { shown.close(); item.run(); } },
        }, el("span", {}, item.label), item.icon && icon(item.icon));
        buttons.push(button);
        return button;
    }));
    shown = popup(menu, anchor, () => {
        if (menu.contains(document.activeElement) || document.activeElement === document.body) {
            from?.focus?.();
        }
    });
    menu.onkeydown = (event) => onKey(event, buttons, shown);
    buttons[0]?.focus();
}

function onKey(event, buttons, shown) {
    const at = buttons.indexOf(document.activeElement);
    const count = buttons.length;
    const next = { ArrowDown: (at + 1) % count, ArrowUp: (at - 1 + count) % count, Home: 0, End: count - 1 }[event.key];
    if (next !== undefined) {
        event.preventDefault();
        buttons[next].focus();
    } else if (event.key === "Tab") {
        event.preventDefault();
        shown.close();
    } else if (event.key.length === 1 && event.key !== " ") {
        // A letter goes to the next entry that begins with it.
        const letter = event.key.toLowerCase();
        const order = [...buttons.slice(at + 1), ...buttons.slice(0, at + 1)];
        order.find((button) => button.textContent.toLowerCase().startsWith(letter))?.focus();
    }
}

const commandsOf = (type) => offeredHere().filter((command) => command.type === type)
    .sort((left, right) => left.shown.localeCompare(right.shown));

async function use(request) {
    try {
        await useCommand(store.channel, request, request.name, true);
    } catch (error) {
        explain(error.message);
    }
}

const copy = async (text, what) => {
    try {
        await navigator.clipboard.writeText(text);
    } catch {
        explain(`The browser does not let this page copy the ${what}.`);
    }
};

const localeOf = (user) => store.users.get(user.id)?.locale ?? "en-US";
const languageName = (locale) => new Intl.DisplayNames("en", { type: "language" }).of(locale) ?? locale;

// The languages that make a difference: those that the commands are translated into.
function languages(user) {
    const found = new Set(["en-US", "id", localeOf(user)]);
    const collect = (part) => {
        Object.keys({ ...part.name_localizations, ...part.description_localizations }).forEach((locale) => found.add(locale));
        part.options?.forEach(collect);
    };
    store.world?.commands.forEach(collect);
    return [...found].sort((left, right) => languageName(left).localeCompare(languageName(right)));
}

async function speak(user, locale) {
    try {
        await setLocale(user.id, locale);
        store.users.set(user.id, { ...store.users.get(user.id), locale });
        changed("commands");
    } catch (error) {
        explain(error.message);
    }
}

// The application's commands for a person.
function userCommands(user) {
    const commands = commandsOf(USER).map(({ application_id: bot, name, shown }) => ({ label: shown, run: () => use({ kind: "user", bot, name, target: user.id }) }));
    return commands.length > 0 ? [{ heading: `Apps, for ${nameOf(user.id, user) ?? "this person"}` }, ...commands] : [];
}

/** What can be done with a person; `anchor` is where further menus stand. */
export function userItems(user, anchor) {
    return [
        ...userCommands(user),
        { heading: nameOf(user.id, user) ?? "Person" },
        ...personItems(user, (label, items) => showMenu(anchor, label, items)),
        !user.bot && {
            label: `Language: ${languageName(localeOf(user))}`, icon: "chevron",
            run: () => showMenu(anchor, "Language", languages(user).map((locale) => ({
                label: languageName(locale), icon: locale === localeOf(user) ? "check" : null, run: () => speak(user, locale),
            }))),
        },
        { label: "Mention", icon: "at", run: () => insertText(`<@${user.id}> `) },
        { label: "Copy user ID", icon: "hash", run: () => copy(user.id, "id") },
    ].filter(Boolean);
}

const MANAGE_MESSAGES = 1n << 13n;
const PIN_MESSAGES = 1n << 51n;
const ADMINISTRATOR = 1n << 3n;

// What the speaker may do with a message beside answering it.
function changes(message) {
    const isDirect = !store.channels.has(message.channel_id);
    const may = (bits) => mayIn(message.channel_id, bits);
    const isOwn = message.author.id === store.speaker;
    const apply = async (what) => {
        try {
            await change(store.speaker, message.channel_id, message.id, what);
        } catch (error) {
            explain(error.message);
        }
    };
    const edit = () => {
        store.replyTo = null;
        store.editing = message;
        changed("reply");
    };
    return [
        isOwn && { label: "Edit message", icon: "edit", run: edit },
        may(MANAGE_MESSAGES | PIN_MESSAGES) && {
            label: message.pinned ? "Unpin message" : "Pin message", icon: "pin",
            run: () => apply({ kind: message.pinned ? "unpin" : "pin" }),
        },
        (isOwn || (!isDirect && may(MANAGE_MESSAGES))) && { label: "Delete message", icon: "cross", run: () => apply({ kind: "delete" }) },
    ];
}

const SEND_MESSAGES = 1n << 11n;
const SEND_MESSAGES_IN_THREADS = 1n << 38n;
const ADD_REACTIONS = 1n << 6n;

// Whether the speaker has one of these permissions there.
function mayIn(channel, bits) {
    return !store.channels.has(channel) || (BigInt(heldIn(store.speaker, channel) ?? 0) & (bits | ADMINISTRATOR)) !== 0n;
}

/** Whether the speaker may answer a message. */
export const mayReply = (message) => mayIn(message.channel_id, SEND_MESSAGES | SEND_MESSAGES_IN_THREADS);

/** Whether the speaker may react to a message with what nobody has reacted with yet. */
export const mayReact = (message) => mayIn(message.channel_id, ADD_REACTIONS);

/** What can be done with a message, and with who wrote it; `own` are the entries of the message itself. */
export function messageItems(message, own) {
    const commands = commandsOf(MESSAGE).map(({ application_id: bot, name, shown }) => ({ label: shown, run: () => use({ kind: "message", bot, name, target: message.id }) }));
    const isWebhook = message.webhook_id && !message.application_id;
    return [
        ...own,
        message.content && { label: "Copy text", icon: "copy", run: () => copy(message.content, "text") },
        ...changes(message),
        { label: "Copy message ID", icon: "hash", run: () => copy(message.id, "id") },
        commands.length > 0 && { heading: "Apps" }, ...commands,
        ...(isWebhook ? [] : userCommands(message.author)),
    ].filter(Boolean);
}

/** Whether a key asks for the menu of what has the focus. */
export const isMenuKey = (event) => event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey);

/** Opens the menu of a person beside an element or a point. */
export function openUserMenu(anchor, user) {
    showMenu(anchor, `Menu for ${nameOf(user.id, user)}`, userItems(user, anchor));
}

/** A button that opens the menu of a person, for those who have neither a mouse nor the key for menus. */
export function userMenuButton(user) {
    const name = `Menu for ${nameOf(user.id, user)}`;
    const button = el("button", { type: "button", class: "person-menu", "aria-label": name, title: name, "aria-haspopup": "menu" }, icon("more"));
    button.addEventListener("click", (event) => {
        event.preventDefault();
        openUserMenu(button, user);
    });
    return button;
}

/** Lets `node` open the menu of a person, by right click or with the key for menus. */
export function withUserMenu(node, user) {
    node.addEventListener("contextmenu", (event) => {
        event.preventDefault();
        event.stopPropagation();
        openUserMenu({ x: event.clientX, y: event.clientY }, user);
    });
    node.addEventListener("keydown", (event) => {
        if (isMenuKey(event)) {
            event.preventDefault();
            event.stopPropagation();
            openUserMenu(node, user);
        }
    });
    return node;
}

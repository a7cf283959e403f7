// Slash commands: which there are, and what is written into them. Pure: no DOM, so that it can be tested alone.

const SUBCOMMAND = 1;
const GROUP = 2;
const CHAT_INPUT = 1;
const ADMINISTRATOR = 1n << 3n;
const USE_APPLICATION_COMMANDS = 1n << 31n;

/**
 * The commands as somebody with this language sees them: each, and each option and choice in it, has the `shown` name and
 * the `explained` description beside Discord's own.
 */
export function inLanguage(commands, locale) {
    return commands.map((part) => ({
        ...part,
        shown: part.name_localizations?.[locale] ?? part.name,
        explained: part.description_localizations?.[locale] ?? part.description,
        options: part.options && inLanguage(part.options, locale),
        choices: part.choices && inLanguage(part.choices, locale),
    }));
}

/**
 * The commands that there are in a server, or without one in direct messages: of a bot's two with one name, that of the
 * server. `isThere(bot)` is whether a bot is there.
 */
export function installed(commands, guild, isThere) {
    const own = commands.filter((command) => (command.guild_id ?? null) === guild);
    const isOwn = (command) => own.some((one) => one.application_id === command.application_id
        && (one.type ?? CHAT_INPUT) === (command.type ?? CHAT_INPUT) && one.name === command.name);
    const general = commands.filter((command) => !command.guild_id && !isOwn(command));
    return (guild ? [...own, ...general] : general).filter((command) => isThere(command.application_id));
}

/** Every command that can be written: `{ bot, path: ["reload", "cog"], shown, description, options }`. */
export function writable(commands) {
    return commands.filter((command) => (command.type ?? CHAT_INPUT) === CHAT_INPUT)
        .flatMap((command) => branches(command, [], []).map((branch) => ({ bot: command.application_id, ...branch })));
}

function branches(command, above, shownAbove) {
    const path = [...above, command.name];
    const shown = [...shownAbove, command.shown ?? command.name];
    const inner = (command.options ?? []).filter((option) => option.type === SUBCOMMAND || option.type === GROUP);
    if (inner.length > 0) {
        return inner.flatMap((option) => branches(option, path, shown));
    }
    return [{ path, shown, description: command.explained ?? command.description ?? "", options: command.options ?? [] }];
}

/**
 * The commands that Discord offers to somebody in a channel. `held` are their permission bits there as a text;
 * null in direct messages.
 */
export function offered(commands, held, isForAdults = false) {
    return commands.filter((command) => {
        const isDirect = held === null;
        const context = isDirect ? 1 : 0;
        if (command.contexts ? !command.contexts.includes(context) : isDirect && command.dm_permission === false) {
            return false;
        }
        return isDirect || (isAllowed(command, BigInt(held ?? 0)) && (!command.nsfw || isForAdults));
    });
}

function isAllowed(command, held) {
    if (held & ADMINISTRATOR) {
        return true;
    }
    const needed = command.default_member_permissions;
    // "0" leaves administrators alone.
    const bits = needed === null || needed === undefined ? 0n : BigInt(needed) || ADMINISTRATOR;
    return (held & bits) === bits && (held & USE_APPLICATION_COMMANDS) !== 0n;
}

/** The commands that fit what is written: those that begin with it first, then those that contain it. */
export function matching(text, commands) {
    const typed = text.slice(1).toLowerCase();
    const named = writable(commands).map((command) => ({
        command, names: [command.path, command.shown].map((name) => name.join(" ").toLowerCase()),
    }));
    const begins = named.filter(({ names }) => names.some((name) => name.startsWith(typed) || typed.startsWith(`${name} `)));
    const contains = typed ? named.filter((one) => !begins.includes(one) && one.names.some((name) => name.includes(typed))) : [];
    return [...begins, ...contains].map(({ command }) => command);
}

/** The command whose whole name, and a space behind it, is what is written; null when there is none. */
export function named(text, commands) {
    return writable(commands).find(({ path, shown }) => [path, shown].some((name) => text === `/${name.join(" ")} `)) ?? null;
}

/** How a command is used: `/rank who:… [days:…]`. */
export function usage({ path, options }) {
    const shown = options.map((option) => (option.required ? `${option.name}:…` : `[${option.name}:…]`));
    return [`/${path.join(" ")}`, ...shown].join(" ");
}

/**
 * Reads a line as a command: `{ path, options: { name: value } }`; null when no command has this
 * name, so that it is a plain message. `find(kind, name)` turns `@anna` into an id.
 * Throws an Error with a sentence about a wrong option.
 */
export function readCommand(text, commands, find) {
    const line = `${text.slice(1).trim()} `;
    const command = writable(commands)
        .filter(({ path }) => line.startsWith(`${path.join(" ")} `))
        .sort((left, right) => right.path.length - left.path.length)[0];
    if (!text.startsWith("/") || !command) {
        return null;
    }
    const rest = line.slice(command.path.join(" ").length).trim();
    const options = readOptions(rest, command, find);
    const missing = command.options.find((option) => option.required && !Object.hasOwn(options, option.name));
    if (missing) {
        throw new Error(`The option ${missing.name} is required. Write it as ${usage(command)}`);
    }
    return { bot: command.bot, path: command.path, options };
}

// Values reach to the next `name:` of an option that the command has.
function readOptions(rest, command, find) {
    const starts = [...rest.matchAll(/(^|\s)([^\s:]+):/g)]
        .map((found) => ({ at: found.index, from: found.index + found[0].length, name: found[2] }))
        .filter(({ name }) => command.options.some((option) => option.name === name));
    if (rest && starts[0]?.at !== 0) {
        throw new Error(`This command is written as ${usage(command)}`);
    }
    return Object.fromEntries(starts.map(({ from, name }, index) => {
        const option = command.options.find((one) => one.name === name);
        const written = rest.slice(from, starts[index + 1]?.at).trim();
        return [name, valueOf(written, option, find)];
    }));
}

/** The value of an option as somebody writes it. Throws an Error with a sentence when it is none. */
export function valueOf(written, option, find) {
    const chosen = option.choices?.find((choice) => choice.name === written || String(choice.value) === written);
    if (chosen) {
        return chosen.value;
    }
    const isOther = option.choices?.length > 0;
    const read = isOther ? undefined : READ[option.type]?.(written, find);
    if (read === undefined || read === null || Number.isNaN(read)) {
        const expected = isOther ? "choose one of the list" : EXPECTED[option.type] ?? "this page cannot send it";
        throw new Error(`“${written}” is no value for ${option.shown ?? option.name}: ${expected}.`);
    }
    requireWithin(read, option);
    return read;
}

// Discord says the same, once it is asked.
function requireWithin(value, { type, min_value: least, max_value: most, min_length: shortest, max_length: longest }) {
    const isNumber = type === 4 || type === 10;
    if (isNumber && (value < (least ?? -Infinity) || value > (most ?? Infinity))) {
        throw new Error(least !== undefined && most !== undefined
            ? `The value must be between ${least} and ${most}.` : `The value must be ${least ?? most} or ${least === undefined ? "less" : "more"}.`);
    }
    const length = type === 3 ? [...value].length : 0;
    if (type === 3 && (length < (shortest ?? 0) || length > (longest ?? 6000))) {
        throw new Error(`The text has ${length} characters; it must have ${shortest ?? 1} to ${longest ?? 6000}.`);
    }
}

const READ = {
    3: (written) => written || null,
    4: (written) => (/^-?\d+$/.test(written) ? Number(written) : null),
    5: (written) => ({ true: true, yes: true, false: false, no: false })[written.toLowerCase()],
    6: (written, find) => find("user", written),
    7: (written, find) => find("channel", written),
    8: (written, find) => find("role", written),
    9: (written, find) => find("user", written) ?? find("role", written),
    10: (written) => (written ? Number(written) : null),
};
const EXPECTED = {
    3: "a text was expected", 4: "a whole number was expected", 5: "write true or false",
    6: "write a person as @name", 7: "write a channel as #name", 8: "write a role as @name",
    9: "write a person or role as @name", 10: "a number was expected", 11: "choose a file",
};

/** What an option takes, in a few words: `a whole number from 1 to 20`. */
export function hint(option) {
    const kind = KINDS[option.type] ?? "a value";
    const [least, most] = [option.min_value ?? option.min_length, option.max_value ?? option.max_length];
    const unit = option.type === 3 ? " characters" : "";
    if (least !== undefined && most !== undefined) {
        return `${kind}, ${least} to ${most}${unit}`;
    }
    if (least !== undefined) {
        return `${kind}, ${least}${unit} or more`;
    }
    return most === undefined ? kind : `${kind}, up to ${most}${unit}`;
}

const KINDS = {
    3: "text", 4: "whole number", 5: "true or false", 6: "person", 7: "channel", 8: "role", 9: "person or role",
    10: "number", 11: "file",
};

// Slash commands as text: `/rank who:@anna`. Pure: no DOM, so that it can be tested alone.

const SUBCOMMAND = 1;
const GROUP = 2;
const CHAT_INPUT = 1;

/** Every command that can be written: `{ path: ["reload", "cog"], description, options }`. */
export function writable(commands) {
    return commands.filter((command) => (command.type ?? CHAT_INPUT) === CHAT_INPUT)
        .flatMap((command) => branches(command, []));
}

function branches(command, above) {
    const path = [...above, command.name];
    const inner = (command.options ?? []).filter((option) => option.type === SUBCOMMAND || option.type === GROUP);
    if (inner.length > 0) {
        return inner.flatMap((option) => branches(option, path));
    }
    return [{ path, description: command.description ?? "", options: command.options ?? [] }];
}

/** The commands that begin with what is written. */
export function matching(text, commands) {
    const typed = text.slice(1).toLowerCase();
    return writable(commands).filter(({ path }) => {
        const name = path.join(" ").toLowerCase();
        return name.startsWith(typed) || typed.startsWith(`${name} `);
    });
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
    return { path: command.path, options };
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

function valueOf(written, option, find) {
    const chosen = option.choices?.find((choice) => choice.name === written || String(choice.value) === written);
    if (chosen) {
        return chosen.value;
    }
    const read = READ[option.type]?.(written, find);
    if (read === undefined || read === null || Number.isNaN(read)) {
        throw new Error(`“${written}” is no value for ${option.name}: ${EXPECTED[option.type] ?? "this page cannot send it"}.`);
    }
    return read;
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
    9: "write a person or role as @name", 10: "a number was expected",
};

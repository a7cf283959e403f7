// Starts a bot in a copy of the project, for the browser to look at.

import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const PROJECT = fileURLToPath(new URL("../..", import.meta.url));
const START_MS = 30_000;

/** A folder with its own `lua/`, `types/` and `config.json`; `remove()` deletes it. */
export async function copyProject() {
    const folder = await mkdtemp(path.join(tmpdir(), "cogsmith-studio-"));
    for (const name of ["lua", "types", "config.json"]) {
        await cp(path.join(PROJECT, name), path.join(folder, name), { recursive: true });
    }
    return {
        folder,
        read: (file) => readFile(path.join(folder, file), "utf8"),
        write: (file, text) => writeFile(path.join(folder, file), text),
        /** Writes a program, and the folders that it is in. */
        async program(file, text) {
            await mkdir(path.dirname(path.join(folder, file)), { recursive: true });
            await writeFile(path.join(folder, file), text, { mode: 0o755 });
        },
        remove: () => rm(folder, { recursive: true, force: true }),
    };
}

/** Starts the bot and waits for its link: `{ link, output(), stop() }`. `listen` is `127.0.0.1:PORT`. */
export const startBot = (binary, folder, listen = "127.0.0.1:0") => start(binary, ["--offline"], folder, listen);

/** Starts the simulator alone, with these options. */
export const startSimulator = (binary, ...options) =>
    start(binary, ["sim", "--listen", "127.0.0.1:0", ...options], tmpdir(), "127.0.0.1:0");

async function start(binary, arguments_, folder, listen) {
    const { DISCORD_TOKEN: _none, ...environment } = process.env;
    const bot = spawn(path.resolve(binary), arguments_, {
        cwd: folder,
        env: { ...environment, COGSMITH_STUDIO__LISTEN: listen, NO_COLOR: "1" },
        stdio: ["ignore", "pipe", "pipe"],
    });
    const ended = new Promise((resolve) => {
        bot.once("exit", resolve);
        bot.once("error", resolve);
    });
    let output = "";
    const link = await new Promise((resolve, reject) => {
        const fail = (why) => reject(new Error(`${why}. The bot wrote:\n${output}`));
        const timer = setTimeout(fail, START_MS, `No link within ${START_MS / 1000} s`);
        const look = (chunk) => {
            output += chunk;
            const found = /http:\/\/127\.0\.0\.1:\d+/.exec(output);
            if (found) {
                clearTimeout(timer);
                resolve(found[0]);
            }
        };
        bot.stdout.setEncoding("utf8").on("data", look);
        // Read, so that the pipe never fills; kept for the message above.
        bot.stderr.setEncoding("utf8").on("data", (chunk) => { output += chunk; });
        ended.then((code) => {
            clearTimeout(timer);
            fail(`The bot ended early (${code})`);
        });
    });
    return {
        link,
        output: () => output,
        async stop() {
            bot.kill("SIGTERM");
            const timer = setTimeout(() => bot.kill("SIGKILL"), 10_000);
            await ended;
            clearTimeout(timer);
        },
    };
}

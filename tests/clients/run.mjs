// Runs the suite of each client against `cogsmith sim`, and compares the table in docs/simulator.md with what came out.
//
//     COGSMITH_BIN=../../target/debug/cogsmith node run.mjs            compares
//     COGSMITH_BIN=../../target/debug/cogsmith node run.mjs --write    writes the table
//
// `COGSMITH_PYTHON` names a Python that has discord.py; `python3` without it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";

const binary = process.env.COGSMITH_BIN;
const python = process.env.COGSMITH_PYTHON ?? "python3";
const features = JSON.parse(await readFile(new URL("features.json", import.meta.url), "utf8"));
const page = new URL("../../docs/simulator.md", import.meta.url);
const [BEGIN, END] = ["<!-- clients: begin -->\n", "<!-- clients: end -->"];
const here = new URL(".", import.meta.url);

const SUITES = [
    ["discord.js", process.execPath, ["discord-js.mjs"]],
    ["discord.py", python, ["discord_py.py"]],
];

/** A simulator of its own: `{ url, token, stop }`. */
async function simulator() {
    const arguments_ = ["sim", "--listen", "127.0.0.1:0", "--world", "world.json"];
    const child = spawn(binary, arguments_, { cwd: here, stdio: ["ignore", "pipe", "inherit"] });
    const started = { stop: () => child.kill() };
    for await (const line of createInterface(child.stdout)) {
        started.url ??= line.match(/http:\/\/[\d.:]+/)?.[0];
        started.token ??= line.match(/DISCORD_TOKEN=(\S+)/)?.[1];
        if (line.startsWith("Ctrl-C")) {
            return started;
        }
    }
    throw new Error("the simulator does not start");
}

/** What a suite found: `{ client, version, errors }`, the errors by feature, null where there is none. */
async function run(command, arguments_) {
    const { url, token, stop } = await simulator();
    const env = { ...process.env, COGSMITH_SIM: url, DISCORD_TOKEN: token };
    const child = spawn(command, arguments_, { cwd: here, env, stdio: ["ignore", "pipe", "inherit"] });
    const found = { errors: {} };
    for await (const line of createInterface(child.stdout)) {
        const told = JSON.parse(line);
        if (told.feature) {
            found.errors[told.feature] = told.error;
            console.log(`${told.error === null ? "✔" : "✖"} ${told.feature}${told.error === null ? "" : `\n${told.error}`}`);
        } else {
            Object.assign(found, told);
        }
    }
    if (child.exitCode === null) {
        await once(child, "exit");
    }
    stop();
    if (child.exitCode !== 0) {
        console.log(`✖ the suite ended with ${child.exitCode ?? child.signalCode}`);
        found.crashed = true;
    }
    return found;
}

function table(clients) {
    const head = ["feature", ...clients.map(({ client, version }) => `${client} ${version}`)];
    const lines = [`| ${head.join(" | ")} |`, `|${head.map(() => "---|").join("")}`];
    for (const [feature, label] of Object.entries(features)) {
        const marks = clients.map(({ errors }) => errors[feature] === null ? "yes" : errors[feature] === undefined ? "untried" : "no");
        lines.push(`| ${[label, ...marks].join(" | ")} |`);
    }
    return `${lines.join("\n")}\n`;
}

const clients = [];
for (const [client, command, arguments_] of SUITES) {
    console.log(`\n${client}`);
    clients.push({ client, version: "?", ...await run(command, arguments_) });
}
const text = await readFile(page, "utf8");
const [before, rest] = text.split(BEGIN);
const [shown, after] = rest.split(END);
const found = table(clients);
if (process.argv.includes("--write")) {
    await writeFile(page, before + BEGIN + found + END + after);
} else if (shown !== found) {
    console.log(`\n✖ docs/simulator.md has another table: run with --write\n${found}`);
    process.exitCode = 1;
}
if (clients.some(({ crashed }) => crashed)) {
    process.exitCode = 1;
}

// Tells which Luau files, and which of those that documents show, are not formatted as stylua.toml says; with --write it
// formats them.
//
//   npm install --no-save --no-package-lock --prefix FOLDER @johnnymorganz/stylua@2.5.2
//   node .ci/stylua.mjs FOLDER [--write] lua types docs
//
// StyLua itself, as WebAssembly: its ready-made programs are not on npm, and building it takes minutes.

import { readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import process from "node:process";

const [folder, ...rest] = process.argv.slice(2);
const isWriting = rest[0] === "--write";
const roots = isWriting ? rest.slice(1) : rest;

const stylua = createRequire(path.resolve(folder, "package.json"))("@johnnymorganz/stylua");

const KEYS = {
    syntax: ["syntax", stylua.LuaVersion],
    column_width: ["column_width", Number],
    indent_type: ["indent_type", stylua.IndentType],
    indent_width: ["indent_width", Number],
    quote_style: ["quote_style", stylua.QuoteStyle],
    call_parentheses: ["call_parentheses", stylua.CallParenType],
};

/** A new configuration for each file, for formatting takes it away. */
function config() {
    const made = stylua.Config.new();
    for (const line of readFileSync("stylua.toml", "utf8").split("\n")) {
        const found = /^(\w+) = "?([^"]*)"?$/.exec(line.trim());
        if (!found) continue;
        const [key, kind] = KEYS[found[1]] ?? [];
        const value = kind === Number ? Number(found[2]) : kind?.[found[2]];
        if (value === undefined) throw new Error(`stylua.toml: ${line} is not known to .ci/stylua.mjs`);
        made[key] = value;
    }
    return made;
}

function* luauFiles(at) {
    if (!statSync(at, { throwIfNoEntry: false })) return;
    for (const entry of readdirSync(at, { withFileTypes: true })) {
        const inside = path.join(at, entry.name);
        if (entry.isDirectory()) yield* luauFiles(inside);
        else if (/\.(luau?|md)$/.test(entry.name)) yield inside;
    }
}

function format(text) {
    return stylua.formatCode(text, config(), undefined, stylua.OutputVerification.None);
}

/** A document with the files that it shows formatted; excerpts stay as they are. */
function formatDocument(text) {
    const files = /^```luau (?:lua|spec)\/.*\n([\s\S]*?)^```$/gm;
    return text.replace(files, (block, code) => block.replace(code, () => format(code)));
}

let files = 0;
let wrong = 0;
for (const file of roots.flatMap((root) => [...luauFiles(root)])) {
    files += 1;
    const text = readFileSync(file, "utf8");
    let formatted;
    try {
        formatted = file.endsWith(".md") ? formatDocument(text) : format(text);
    } catch (error) {
        console.log(`${file}: ${error.message ?? error}`);
        wrong += 1;
        continue;
    }
    if (formatted === text) continue;
    if (isWriting) {
        writeFileSync(file, formatted);
        console.log(`${file}: formatted`);
        continue;
    }
    wrong += 1;
    const lines = formatted.split("\n");
    const line = text.split("\n").findIndex((line, index) => line !== lines[index]);
    console.log(`${file}:${line + 1}: not as StyLua would write it: ${lines[line] ?? "(end of the file)"}`);
}
console.log(`${files} files, ${wrong} of them not formatted`);
process.exit(wrong === 0 ? 0 : 1);

// The parts of the page that need no browser. `node --test page.test.mjs`

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openFailures } from "../../web/js/failures.js";
import { parse } from "../../web/js/markdown.js";
import { compareIds, extend, missing, MOST, openWindow, put, trim } from "../../web/js/message-window.js";
import { hint, inLanguage, matching, named, offered, readCommand, valueOf } from "../../web/js/slash.js";
import { duration, relative } from "../../web/js/time.js";

const text = (value) => ({ type: "text", text: value });
const inline = (source) => {
    const [node, ...more] = parse(source);
    assert.equal(node.type, "paragraph");
    assert.deepEqual(more, []);
    return node.children;
};

describe("markdown", () => {
    const cases = [
        ["**a** b", [{ type: "bold", children: [text("a")] }, text(" b")]],
        ["*a* _b_", [{ type: "italic", children: [text("a")] }, text(" "), { type: "italic", children: [text("b")] }]],
        ["***a***", [{ type: "bold", children: [{ type: "italic", children: [text("a")] }] }]],
        ["**a *b***", [{ type: "bold", children: [text("a "), { type: "italic", children: [text("b")] }] }]],
        ["__a__ ~~b~~", [{ type: "underline", children: [text("a")] }, text(" "), { type: "strike", children: [text("b")] }]],
        ["||a||", [{ type: "spoiler", children: [text("a")] }]],
        ["`**a**`", [{ type: "code", text: "**a**" }]],
        ["snake_case_name", [text("snake_case_name")]],
        ["2 * 3 * 4", [text("2 * 3 * 4")]],
        ["\\*a\\*", [text("*a*")]],
        ["** not", [text("** not")]],
        ["<@1> <@!2> <@&3> <#4>", [{ type: "user", id: "1" }, text(" "), { type: "user", id: "2" }, text(" "),
            { type: "role", id: "3" }, text(" "), { type: "channel", id: "4" }]],
        ["<t:60:R><t:60>", [{ type: "time", seconds: 60, style: "R" }, { type: "time", seconds: 60, style: "f" }]],
        ["<a:dance:5>", [{ type: "emoji", name: "dance", id: "5" }]],
        ["[a](https://b.example)", [{ type: "link", url: "https://b.example", children: [text("a")] }]],
        ["see https://b.example/x.", [text("see "),
            { type: "link", url: "https://b.example/x", children: [text("https://b.example/x")] }, text(".")]],
        ["[a](javascript:alert(1))", [text("[a](javascript:alert(1))")]],
        ["<b>x</b>", [text("<b>x</b>")]],
    ];
    for (const [source, expected] of cases) {
        it(`reads ${source}`, () => assert.deepEqual(inline(source), expected));
    }

    it("reads blocks", () => {
        const nodes = parse("# Title\nline\n> quoted\n> more\n- one\n  - two\n1. first\n```lua\nx = 1\n```\nend");
        assert.deepEqual(nodes.map((node) => node.type),
            ["heading", "paragraph", "quote", "list", "list", "codeblock", "paragraph"]);
        assert.deepEqual(nodes[3].items.map((item) => item.indent), [0, 1]);
        assert.deepEqual(nodes[5], { type: "codeblock", language: "lua", text: "x = 1" });
    });

    it("reads a code block in the middle of a line", () => {
        assert.deepEqual(parse("see ```x``` there").map((node) => node.type), ["paragraph", "codeblock", "paragraph"]);
    });

    const hostile = {
        stars: "*".repeat(6000), "nested marks": "**__~~||*_".repeat(600), "open links": "[".repeat(6000),
        ticks: "`".repeat(6000), quotes: "> ".repeat(3000), "open fences": "```\n".repeat(1500),
        "line breaks": "\n".repeat(6000), "angle brackets": "<@".repeat(3000), dashes: "- a\n".repeat(1500),
        "half-open bold": "**a *b ".repeat(850), escapes: "\\".repeat(6000), urls: "https://".repeat(750),
    };
    for (const [name, source] of Object.entries(hostile)) {
        it(`stays fast on 6,000 characters of ${name}`, () => {
            const start = performance.now();
            parse(source);
            assert.ok(performance.now() - start < 1000, `took ${performance.now() - start} ms`);
        });
    }
});

describe("open failures", () => {
    let id = 0;
    const report = (outcome, changed, cogs) => ({
        id: ++id, outcome, changed,
        cogs: Object.entries(cogs).map(([name, result]) => ({ name, outcome: result, version: 1, executed: [] })),
    });
    const failed = report("failed", ["lua/cogs/ping.luau"], { ping: "kept" });

    it("are open until the cog's next success", () => {
        assert.deepEqual(openFailures([failed]), [failed]);
        assert.deepEqual(openFailures([failed, report("applied", ["lua/cogs/ping.luau"], { ping: "reloaded" })]), []);
    });

    it("stay open while other cogs reload", () => {
        assert.deepEqual(openFailures([failed, report("applied", ["lua/cogs/poll.luau"], { poll: "reloaded" })]), [failed]);
    });

    it("are replaced by a later failure of the same cog", () => {
        const again = report("failed", ["lua/cogs/ping.luau"], { ping: "kept" });
        assert.deepEqual(openFailures([failed, again]), [again]);
    });

    it("end when the file is put back, or the cog is unloaded", () => {
        assert.deepEqual(openFailures([failed, report("applied", ["lua/cogs/ping.luau"], {})]), []);
        assert.deepEqual(openFailures([failed, report("applied", [], { ping: "unloaded" })]), []);
    });

    it("without a cog end with a success of the same file", () => {
        const lost = report("failed", ["lua/cogs/a.lua"], {});
        assert.deepEqual(openFailures([lost, report("applied", ["lua/cogs/b.lua"], { b: "loaded" })]), [lost]);
        assert.deepEqual(openFailures([lost, report("applied", ["lua/cogs/a.lua"], { a: "loaded" })]), []);
    });
});

describe("times", () => {
    it("are told in one unit", () => {
        assert.equal(duration(4.25), "4.3 ms");
        assert.equal(duration(120.4), "120 ms");
        assert.equal(duration(2500), "2.5 s");
        assert.match(relative(-3600 * 5), /5/);
    });
});

describe("slash commands", () => {
    const commands = [
        { name: "rank", application_id: "9", type: 1, description: "Level", options: [{ type: 6, name: "who" }, { type: 3, name: "note", required: true }] },
        { name: "reload", type: 1, options: [{ type: 1, name: "all" }, { type: 1, name: "cog", options: [{ type: 3, name: "name", required: true }] }] },
        { name: "Inspect", type: 2 },
    ];
    const find = (kind, written) => (kind === "user" && written === "@anna" ? "7" : undefined);
    const read = (line) => readCommand(line, commands, find);

    it("are read with their options", () => {
        assert.deepEqual(read("/rank note:hello there who:@anna"), {
            bot: "9",
            path: ["rank"],
            options: { note: "hello there", who: "7" },
        });
        assert.deepEqual(read("/reload cog name:ping").path, ["reload", "cog"]);
    });

    it("say what is wrong with an option", () => {
        assert.throws(() => read("/rank who:@nobody note:x"), /@nobody.*who/);
        assert.throws(() => read("/rank"), /note is required/);
        assert.throws(() => read("/reload cog ping"), /\/reload cog name:…/);
    });

    it("leave every other line alone", () => {
        assert.equal(read("/shrug"), null);
        assert.equal(read("/Inspect"), null);
        assert.deepEqual(matching("/re", commands).map((one) => one.path.join(" ")), ["reload all", "reload cog"]);
    });

    it("are found by what they begin with first", () => {
        const found = (text) => matching(text, commands).map((one) => one.path.join(" "));
        assert.deepEqual(found("/an"), ["rank"]);
        assert.deepEqual(found("/r"), ["rank", "reload all", "reload cog"]);
        assert.equal(named("/reload", commands), null);
        assert.equal(named("/reload cog", commands), null);
        assert.deepEqual(named("/reload cog ", commands).path, ["reload", "cog"]);
    });

    it("are offered to those who may use them, where they can be used", () => {
        const USE = 1n << 31n;
        const BAN = 1n << 2n;
        const all = [
            { name: "plain" }, { name: "ban", default_member_permissions: String(BAN) },
            { name: "nobody", default_member_permissions: "0" }, { name: "here", contexts: [0] },
            { name: "there", contexts: [1] }, { name: "old", dm_permission: false }, { name: "adult", nsfw: true },
        ];
        const names = (held, isForAdults) => offered(all, held, isForAdults).map((one) => one.name).join(" ");
        assert.equal(names(String(USE)), "plain here old");
        assert.equal(names(String(USE | BAN), true), "plain ban here old adult");
        assert.equal(names(String(BAN)), "");
        assert.equal(names("8"), "plain ban nobody here old");
        assert.equal(names(null), "plain ban nobody there adult");
    });

    it("say what an option takes", () => {
        assert.equal(hint({ type: 4, min_value: 1, max_value: 20 }), "whole number, 1 to 20");
        assert.equal(hint({ type: 3, max_length: 5 }), "text, up to 5 characters");
        assert.equal(hint({ type: 6 }), "person");
    });

    it("take the values of choices and nothing else", () => {
        const option = { type: 3, name: "size", choices: [{ name: "Very large", value: "xl" }] };
        assert.equal(valueOf("Very large", option, find), "xl");
        assert.throws(() => valueOf("small", option, find), /choose one of the list/);
    });

    it("are shown, found and written in the language of who uses them", () => {
        const translated = inLanguage([{
            name: "tag", name_localizations: { id: "label" }, type: 1, options: [
                { type: 1, name: "add", name_localizations: { id: "tambah" }, description: "Adds", description_localizations: { id: "Menambah" } }],
        }], "id");
        const [found] = matching("/lab", translated);
        assert.deepEqual([found.path, found.shown, found.description], [["tag", "add"], ["label", "tambah"], "Menambah"]);
        assert.deepEqual(named("/label tambah ", translated).path, ["tag", "add"]);
        assert.deepEqual(named("/tag add ", translated).path, ["tag", "add"]);
        assert.deepEqual(inLanguage([{ name: "tag", description: "Tags" }], "de")[0].shown, "tag");
    });
});

describe("the part of a channel's messages that is here", () => {
    const message = (number, text = "") => ({ id: String(1000 + number), text });
    const page = (from, to) => Array.from({ length: to - from }, (_, index) => message(from + index));
    const numbers = (held) => [...held.messages.keys()].map((id) => Number(id) - 1000);
    const range = (from, to) => Array.from({ length: to - from }, (_, index) => from + index);
    const part = (from, to, older = true, newer = true) => openWindow({ messages: page(from, to), older, newer });

    it("orders ids by their value", () => {
        assert.deepEqual(["1000", "9", "10", "99"].sort(compareIds), ["9", "10", "99", "1000"]);
    });

    it("asks once for what joins on, and takes nothing else", () => {
        const held = part(50, 100, true, false);
        assert.equal(missing(held, "newer"), null);
        held.asked = missing(held, "older");
        assert.deepEqual(held.asked, { before: "1050" });
        assert.equal(missing(held, "older"), null);
        assert.equal(extend(held, { before: "1070", messages: page(20, 70), older: true, newer: true }), false);
        assert.equal(extend(held, { before: "1050", messages: page(0, 50), older: false, newer: true }), true);
        assert.deepEqual(numbers(held), range(0, 100));
        assert.equal(missing(held, "older"), null);
    });

    it("is joined on although the message at its end was deleted", () => {
        const held = part(50, 100);
        held.messages.delete("1050");
        assert.equal(extend(held, { before: "1050", messages: page(40, 50), older: true, newer: true }), true);
        assert.deepEqual(numbers(held), [...range(40, 50), ...range(51, 100)]);
        held.messages.delete("1099");
        assert.equal(extend(held, { after: "1099", messages: page(100, 110), older: true, newer: false }), true);
        assert.deepEqual(numbers(held).slice(-12), [97, 98, ...range(100, 110)]);
    });

    it("leaves out what is beyond its ends, and takes in what comes at the end of all", () => {
        const held = part(50, 60, true, true);
        put(held, message(70));
        put(held, message(10));
        put(held, message(55, "changed"));
        assert.deepEqual(numbers(held), range(50, 60));
        assert.equal(held.messages.get("1055").text, "changed");
        const end = part(50, 60, true, false);
        end.messages.delete("1059");
        put(end, message(61));
        put(end, message(60));
        assert.deepEqual(numbers(end), [...range(50, 59), 60, 61]);
        const empty = openWindow({ messages: [], older: false, newer: false });
        put(empty, message(1));
        put(empty, message(0));
        assert.deepEqual(numbers(empty), [0, 1]);
        assert.deepEqual([empty.low, empty.high], ["1000", "1001"]);
    });

    it("has bounded size, and knows afterwards that there is more", () => {
        const held = part(0, MOST + 1, false, false);
        trim(held, "older");
        assert.ok(held.messages.size <= MOST && held.older && !held.newer);
        assert.equal(held.high, String(1000 + MOST));
        assert.equal(held.low, [...held.messages.keys()][0]);
        const other = part(0, MOST + 1, false, false);
        trim(other, "newer");
        assert.ok(other.newer && !other.older);
        put(other, message(MOST + 5));
        assert.ok(!other.messages.has(String(1000 + MOST + 5)));
        assert.equal(extend(other, { after: other.high, messages: page(Number(other.high) - 999, MOST + 6), older: true, newer: false }), true);
        assert.deepEqual(numbers(other), range(0, MOST + 6));
    });
});

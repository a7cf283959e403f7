// Discord's markdown as a tree of plain objects. Pure: no DOM, so that it can be tested alone.
//
// A node is `{ type, children }`, `{ type, text }` or a leaf with its own fields. Every character is
// looked at a bounded number of times, whatever the text: messages are hostile.

const DEEPEST = 12;
const WRAPPERS = [
    ["***", "bold-italic"], ["**", "bold"], ["__", "underline"], ["~~", "strike"], ["||", "spoiler"],
];
const LEAVES = [
    [/<@!?(\d{1,20})>/y, ([, id]) => ({ type: "user", id })],
    [/<@&(\d{1,20})>/y, ([, id]) => ({ type: "role", id })],
    [/<#(\d{1,20})>/y, ([, id]) => ({ type: "channel", id })],
    [/<\/([^:>\n]{1,100}):(\d{1,20})>/y, ([, name]) => ({ type: "command", name })],
    [/<a?:(\w{2,32}):(\d{1,20})>/y, ([, name, id]) => ({ type: "emoji", name, id })],
    [/<t:(-?\d{1,13})(?::([tTdDfFR]))?>/y,
        ([, seconds, style]) => ({ type: "time", seconds: Number(seconds), style: style ?? "f" })],
    [/<(https?:\/\/[^\s<>]+)>/y, ([, url]) => link(url, url)],
    [/https?:\/\/[^\s<>]*[^\s<>.,:;"'\])*_~|]/y, ([url]) => link(url, url)],
    [/@(everyone|here)\b/y, ([text]) => ({ type: "everyone", text })],
];

/** Reads a whole message or embed description. */
export function parse(text) {
    return blocks(String(text ?? ""), 0);
}

/** Reads a text in which only inline marks count (an embed's title, a button's label). */
export function parseInline(text) {
    return inline(String(text ?? ""), 0);
}

function link(url, text) {
    return { type: "link", url, children: [{ type: "text", text }] };
}

function blocks(text, depth) {
    const nodes = [];
    let rest = text;
    while (rest) {
        const [node, length] = fence(rest) ?? quote(rest, depth) ?? heading(rest, depth)
            ?? list(rest, depth) ?? paragraph(rest, depth);
        nodes.push(...[node].flat());
        rest = rest.slice(length);
    }
    return nodes;
}

const FENCE = /^```(?:([\w+#.-]{1,20})\n)?\n?([\s\S]*?)```\n?/;

function fence(text) {
    const found = text.startsWith("```") && FENCE.exec(text);
    if (!found || !found[2].trim()) {
        return null;
    }
    return [{ type: "codeblock", language: found[1] ?? "", text: found[2].replace(/\n$/, "") }, found[0].length];
}

function quote(text, depth) {
    if (depth > 0) {
        return null;
    }
    if (text.startsWith(">>> ")) {
        return [{ type: "quote", children: blocks(text.slice(4), depth + 1) }, text.length];
    }
    const found = /^(?:> [^\n]*(?:\n|$))+/.exec(text);
    if (!found) {
        return null;
    }
    const inside = found[0].replace(/\n$/, "").split("\n").map((line) => line.slice(2)).join("\n");
    return [{ type: "quote", children: blocks(inside, depth + 1) }, found[0].length];
}

function heading(text, depth) {
    const found = /^(#{1,3}|-#) +([^\n]*\S[^\n]*)(?:\n|$)/.exec(text);
    if (!found) {
        return null;
    }
    const type = found[1] === "-#" ? "subtext" : "heading";
    return [{ type, level: found[1].length, children: inline(found[2], depth) }, found[0].length];
}

const ITEM = /^( {0,20})([-*]|\d{1,9}\.) +([^\n]*\S[^\n]*)(?:\n|$)/;

function list(text, depth) {
    const first = ITEM.exec(text);
    if (!first) {
        return null;
    }
    const ordered = /\d/.test(first[2]);
    const items = [];
    let length = 0;
    for (let found = first; found && /\d/.test(found[2]) === ordered; found = ITEM.exec(text.slice(length))) {
        items.push({ indent: Math.floor(found[1].length / 2), children: inline(found[3], depth) });
        length += found[0].length;
    }
    return [{ type: "list", ordered, start: ordered ? Number.parseInt(first[2], 10) : 1, items }, length];
}

// Everything up to the next line that begins a block, or a code block in the middle of a line.
function paragraph(text, depth) {
    let end = text.length;
    for (let line = text.indexOf("\n"); line !== -1; line = text.indexOf("\n", line + 1)) {
        if (/^(?:```|>{1,3} |#{1,3} |-# | {0,20}(?:[-*]|\d{1,9}\.) )/.test(text.slice(line + 1, line + 40))) {
            end = line + 1;
            break;
        }
    }
    const code = text.indexOf("```", 1);
    if (code !== -1 && code < end && fence(text.slice(code))) {
        end = code;
    }
    const shown = end < text.length ? text.slice(0, end).replace(/\n$/, "") : text;
    return [{ type: "paragraph", children: inline(shown, depth) }, Math.max(end, 1)];
}

function inline(text, depth) {
    const nodes = [];
    let plain = "";
    let at = 0;
    const flush = () => {
        if (plain) {
            nodes.push({ type: "text", text: plain });
            plain = "";
        }
    };
    while (at < text.length) {
        const found = depth < DEEPEST ? special(text, at, depth) : null;
        if (found) {
            flush();
            nodes.push(found[0]);
            at += found[1];
        } else if (text[at] === "\\" && /[\\`*_~|<>#\-[\]().:@!+]/.test(text[at + 1] ?? "")) {
            plain += text[at + 1];
            at += 2;
        } else {
            plain += text[at];
            at += 1;
        }
    }
    flush();
    return nodes;
}

function special(text, at, depth) {
    switch (text[at]) {
        case "`": return code(text, at);
        case "*": case "_": case "~": case "|": return wrapped(text, at, depth) ?? italic(text, at, depth);
        case "[": return masked(text, at, depth);
        case "<": case "@": case "h": return leaf(text, at);
        default: return null;
    }
}

function code(text, at) {
    const fence = text.startsWith("``", at) ? "``" : "`";
    const end = text.indexOf(fence, at + fence.length);
    if (end <= at + fence.length) {
        return null;
    }
    return [{ type: "code", text: text.slice(at + fence.length, end) }, end + fence.length - at];
}

function wrapped(text, at, depth) {
    for (const [mark, type] of WRAPPERS) {
        if (text.startsWith(mark, at)) {
            const end = closing(text, at + mark.length, mark);
            if (end > at + mark.length) {
                const children = inline(text.slice(at + mark.length, end), depth + 1);
                const node = type === "bold-italic"
                    ? { type: "bold", children: [{ type: "italic", children }] }
                    : { type, children };
                return [node, end + mark.length - at];
            }
        }
    }
    return null;
}

// Where `mark` closes: past escapes and inline code, and as far right as a run of marks allows.
function closing(text, from, mark) {
    for (let at = from; at < text.length; at += 1) {
        if (text[at] === "\\") {
            at += 1;
        } else if (text[at] === "`") {
            const end = text.indexOf("`", at + 1);
            at = end === -1 ? at : end;
        } else if (text.startsWith(mark, at)) {
            return mark === "**" && text[at + 2] === "*" && text[at + 3] !== "*" ? at + 1 : at;
        }
    }
    return -1;
}

function italic(text, at, depth) {
    const mark = text[at];
    const opens = (mark === "*" && /\S/.test(text[at + 1] ?? " "))
        || (mark === "_" && !/\w/.test(text[at - 1] ?? " "));
    if (!opens || text[at + 1] === mark) {
        return null;
    }
    for (let end = at + 1; end < text.length; end += 1) {
        if (text[end] === "\\") {
            end += 1;
        } else if (text[end] === mark && text[end + 1] === mark) {
            end += 1;
        } else if (text[end] === mark && end > at + 1 && closesItalic(text, end, mark)) {
            return [{ type: "italic", children: inline(text.slice(at + 1, end), depth + 1) }, end + 1 - at];
        }
    }
    return null;
}

function closesItalic(text, end, mark) {
    return mark === "*" ? /\S/.test(text[end - 1]) : !/\w/.test(text[end + 1] ?? " ");
}

function masked(text, at, depth) {
    const pattern = /\[([^\]\n]{1,1000})\]\(<?(https?:\/\/[^\s<>)]+)>?(?: +"[^"\n]*")?\)/y;
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (!found) {
        return null;
    }
    return [{ type: "link", url: found[2], children: inline(found[1], depth + 1) }, found[0].length];
}

function leaf(text, at) {
    for (const [pattern, make] of LEAVES) {
        pattern.lastIndex = at;
        const found = pattern.exec(text);
        if (found) {
            return [make(found), found[0].length];
        }
    }
    return null;
}

// Luau in colours, for source excerpts and code blocks. Line by line, which is all an excerpt needs.

import { el } from "./dom.js";

const KEYWORDS = new Set(("and break continue do else elseif end export false for function if in local nil not or "
    + "repeat return then true type until while").split(" "));
const TOKEN = /(--.*)|("(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?|`(?:\\.|[^`\\])*`?)|(\b\d[\w.]*)|([A-Za-z_]\w*)|(\s+|.)/gyu;
const KINDS = ["comment", "string", "number"];

/** The nodes of one or more lines of Luau. */
export function highlight(source) {
    const nodes = [];
    source.split("\n").forEach((line, index) => {
        if (index > 0) {
            nodes.push("\n");
        }
        for (const found of line.matchAll(TOKEN)) {
            const kind = KINDS.find((_, group) => found[group + 1] !== undefined)
                ?? (KEYWORDS.has(found[4]) ? "keyword" : null);
            nodes.push(kind ? el("span", { class: `syntax-${kind}` }, found[0]) : found[0]);
        }
    });
    return nodes;
}

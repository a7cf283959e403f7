// What went wrong in a reload: sentence, place, source with the marked line, chain of requires, hint.

import { el } from "./dom.js";
import { highlight } from "./highlight.js";

/** One problem as an element. */
export function drawProblem(problem) {
    const { place } = problem;
    return el("div", { class: "problem" },
        el("p", { class: "problem-message" }, problem.message),
        place && el("div", { class: "place" }, `${place.file}:${place.line}`),
        place?.excerpt?.length > 0 && excerpt(place),
        problem.requires?.length > 1 && requires(problem.requires),
        isTelling(problem) && trace(problem.trace),
        problem.hint && el("p", { class: "hint" }, el("strong", {}, "What to do: "), problem.hint));
}

// A trace of the one place that is shown anyway tells nothing.
function isTelling({ trace: places, place }) {
    return places?.length > 1
        || (places?.length === 1 && (places[0].file !== place?.file || places[0].line !== place?.line));
}

function excerpt(place) {
    const width = String(place.excerpt_from + place.excerpt.length).length;
    return el("pre", { class: "excerpt", tabindex: 0, "aria-label": `Source of ${place.file} around line ${place.line}` },
        place.excerpt.map((line, index) => {
            const number = place.excerpt_from + index;
            const marked = number === place.line;
            return el("span", { class: marked ? "source-line marked" : "source-line" },
                el("span", { class: "line-number" }, `${marked ? ">" : " "} ${String(number).padStart(width)} `),
                highlight(line), "\n");
        }));
}

function requires(chain) {
    return el("div", { class: "requires" }, el("span", { class: "muted" }, "Required by "),
        chain.map((module, index) => [index > 0 && el("span", { class: "muted" }, " → "), el("code", {}, module)]));
}

function trace(places) {
    return el("details", { class: "trace" },
        el("summary", {}, `${places.length} ${places.length === 1 ? "call" : "calls"} led there`),
        el("ol", {}, places.map((place) =>
            el("li", {}, `${place.file}:${place.line}`, place.function && ` in ${place.function}`))));
}

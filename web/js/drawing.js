// When views are drawn: together, before the browser shows the next frame, and however much comes over the feed, for no
// more than a part of the time, so that the reader can scroll and write meanwhile.

/** A draw may take a third of the time: this many times as long as it took, nothing is drawn. */
const REST = 2;
const HIDDEN_MS = 200;

const due = new Set();
let planned = false;
let rests = 0;

/** Has these functions called soon, each once however often it was asked for. */
export function drawSoon(draws) {
    draws.forEach((draw) => due.add(draw));
    if (!planned && due.size > 0) {
        planned = true;
        plan();
    }
}

// A page that is not seen has no frames.
function plan() {
    const pause = document.hidden ? HIDDEN_MS : rests - performance.now();
    if (pause > 0) {
        setTimeout(document.hidden ? drawNow : plan, pause);
    } else {
        requestAnimationFrame(drawNow);
    }
}

function drawNow() {
    if (!planned) {
        return;
    }
    planned = false;
    const begun = performance.now();
    const draws = [...due];
    due.clear();
    draws.forEach((draw) => draw());
    const now = performance.now();
    rests = now + (now - begun) * REST;
}

document.addEventListener("visibilitychange", drawNow);

// Times as Discord shows them, in the reader's own language and zone.

const STYLES = {
    t: { timeStyle: "short" },
    T: { timeStyle: "medium" },
    d: { dateStyle: "short" },
    D: { dateStyle: "long" },
    f: { dateStyle: "long", timeStyle: "short" },
    F: { dateStyle: "full", timeStyle: "short" },
};
const UNITS = [
    ["year", 31_536_000], ["month", 2_592_000], ["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1],
];

// To make one takes longer than to draw a message.
const formatters = new Map();

function formatter(style) {
    if (!formatters.has(style)) {
        formatters.set(style, new Intl.DateTimeFormat(undefined, STYLES[style] ?? STYLES.f));
    }
    return formatters.get(style);
}

/** `seconds` since the epoch in one of Discord's styles (`t T d D f F R`). */
export function timestamp(seconds, style, now = Date.now() / 1000) {
    const date = new Date(seconds * 1000);
    if (Number.isNaN(date.getTime())) {
        return "Invalid Date";
    }
    return style === "R"
        ? relative(seconds - now)
        : formatter(style).format(date);
}

/** A difference in seconds as "3 minutes ago" or "in 2 days". */
export function relative(difference) {
    const [unit, length] = UNITS.find(([, size]) => Math.abs(difference) >= size) ?? UNITS.at(-1);
    return new Intl.RelativeTimeFormat(undefined, { numeric: "auto" })
        .format(Math.trunc(difference / length), unit);
}

/** The time beside a message: "14:05" today, with its date before that. */
export function messageTime(iso) {
    const seconds = new Date(iso).getTime() / 1000;
    const today = new Date(iso).toDateString() === new Date().toDateString();
    return today ? timestamp(seconds, "t") : `${timestamp(seconds, "d")} ${timestamp(seconds, "t")}`;
}

/** Milliseconds as "8.4 ms", "120 ms" or "1.2 s". */
export function duration(milliseconds) {
    if (milliseconds >= 1000) {
        return `${(milliseconds / 1000).toFixed(1)} s`;
    }
    return `${milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`;
}

/** Bytes as "12 KB". */
export function bytes(count) {
    const [unit, size] = [["MB", 1_048_576], ["KB", 1024]].find(([, limit]) => count >= limit) ?? ["bytes", 1];
    return `${size === 1 ? count : (count / size).toFixed(1)} ${unit}`;
}

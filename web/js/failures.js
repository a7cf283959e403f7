// Which failed reloads are still open. Pure: no DOM, so that it can be tested alone.

/**
 * The failed reports whose fix is not live yet, newest first, from all reports, oldest first.
 * A cog's failure ends with its next successful load or its unload; a failure that belongs to no
 * cog ends with a success that covers the same files.
 */
export function openFailures(reports) {
    const byCog = new Map();
    let elsewhere = [];
    for (const report of reports) {
        if (report.outcome === "pending") {
            continue;
        }
        elsewhere = elsewhere.filter((failed) => !covers(report.changed, failed.changed));
        for (const cog of report.cogs) {
            if (report.outcome === "failed" && isHurt(cog)) {
                byCog.set(cog.name, report);
            } else {
                byCog.delete(cog.name);
            }
        }
        if (report.outcome === "failed" && !report.cogs.some(isHurt)) {
            elsewhere.push(report);
        }
        if (report.outcome === "applied") {
            settle(byCog, report);
        }
    }
    const open = new Set([...byCog.values(), ...elsewhere]);
    return [...open].sort((left, right) => right.id - left.id);
}

/** Whether a reload left this cog on its old code, or without any. */
export function isHurt(cog) {
    return cog.outcome === "kept" || cog.outcome === "waiting";
}

// Putting a file back to what is running touches no cog, and mends those that kept it.
function settle(byCog, report) {
    for (const [name, failed] of byCog) {
        const kept = failed.cogs.find((cog) => cog.name === name)?.outcome === "kept";
        if (kept && failed.changed.length > 0 && covers(report.changed, failed.changed)) {
            byCog.delete(name);
        }
    }
}

function covers(outer, inner) {
    return inner.every((file) => outer.includes(file));
}

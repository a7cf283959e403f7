//! Which plots there are.

use crate::plot::{Axis, Plot, Scale};
use crate::sheet::{self, Sheet};
use std::fs;
use std::path::Path;

const fn log(label: &'static str) -> Axis {
    Axis {
        label,
        scale: Scale::Log,
    }
}

const fn linear(label: &'static str) -> Axis {
    Axis {
        label,
        scale: Scale::Linear,
    }
}

/// Each a file, named here, of columns of a table.
const PLOTS: [Plot; 11] = [
    Plot {
        file: "events",
        sheet: "cogs",
        title: "Events a second against cogs",
        x: log("cogs"),
        y: log("events a second"),
        lines: &[(1, "one cog listens"), (2, "all cogs listen")],
    },
    Plot {
        file: "events_cpu",
        sheet: "cogs",
        title: "Processor time of an event against cogs",
        x: log("cogs"),
        y: log("microseconds an event"),
        lines: &[(3, "one cog listens"), (4, "all cogs listen")],
    },
    Plot {
        file: "reload_cogs",
        sheet: "reload_cogs",
        title: "Reload time against cogs",
        x: log("cogs"),
        y: log("milliseconds"),
        lines: &[
            (1, "three cogs use the module"),
            (2, "all cogs use the module"),
        ],
    },
    Plot {
        file: "reload_modules",
        sheet: "reload_modules",
        title: "Reload time against modules (100 cogs, 3 are reloaded)",
        x: log("modules"),
        y: linear("milliseconds"),
        lines: &[(1, "reload")],
    },
    Plot {
        file: "memory_cogs",
        sheet: "memory_cogs",
        title: "Memory against cogs",
        x: linear("cogs"),
        y: linear("MB"),
        lines: &[(1, "resident memory")],
    },
    Plot {
        file: "memory_keys",
        sheet: "memory_keys",
        title: "Memory against stored keys",
        x: linear("keys"),
        y: linear("MB"),
        lines: &[(1, "resident memory"), (2, "database on the disk")],
    },
    Plot {
        file: "shards",
        sheet: "shards",
        title: "Processor time against shards (the same events)",
        x: linear("shards in one process"),
        y: linear("% of a core"),
        lines: &[(1, "under load"), (2, "without events")],
    },
    Plot {
        file: "shards_memory",
        sheet: "shards",
        title: "Memory against shards (the same events)",
        x: linear("shards in one process"),
        y: linear("MB"),
        lines: &[(3, "resident memory after the load")],
    },
    Plot {
        file: "large_cpu",
        sheet: "large_series",
        title: "10,000 guilds, 5,000 events a second: processor",
        x: linear("seconds"),
        y: linear("% of a core"),
        lines: &[(1, "all intents"), (2, "without presences")],
    },
    Plot {
        file: "large_memory",
        sheet: "large_series",
        title: "10,000 guilds, 5,000 events a second: memory",
        x: linear("seconds"),
        y: linear("MB"),
        lines: &[(3, "all intents"), (4, "without presences")],
    },
    Plot {
        file: "large_hour",
        sheet: "large_hour",
        title: "10,000 guilds, 5,000 events a second: memory over an hour",
        x: linear("minutes"),
        y: linear("MB"),
        lines: &[(2, "without presences")],
    },
];

/// Draws what there are numbers for in a folder, beside them.
pub(super) fn draw_all(folder: &Path) {
    for plot in PLOTS {
        if let Some(sheet) = Sheet::load(folder, plot.sheet) {
            let path = folder.join(plot.file).with_extension("svg");
            fs::write(path, plot.draw(&sheet)).unwrap();
        }
    }
}

/// Draws those of the documentation, and shows them in its text.
pub(super) fn write() {
    draw_all(&sheet::docs());
    for plot in PLOTS {
        let file = format!("{}.svg", plot.file);
        if sheet::docs().join(&file).exists() {
            let image = format!("![{}](performance/{file})", plot.title);
            sheet::replace(&format!("plot {}", plot.file), &image);
        }
    }
}

//! Which lines of the cogs the specs have run: as a table, and as a file that other programs read.

use super::files::Files;
use crate::vm::coverage::{Coverage, FileCoverage, never_run};
use crate::vm::resolve::Modules as _;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

/// Ranges of lines that are named for one file.
const SHOWN: usize = 8;

/// The counts of all files below `lua/`, by path. With `only_loaded`, files that no spec has loaded are left out.
pub(super) fn counts(
    coverage: &[Arc<Coverage>],
    files: &Files,
    only_loaded: bool,
) -> BTreeMap<String, FileCoverage> {
    let mut counts = BTreeMap::new();
    for bot in coverage {
        bot.add_to(&mut counts);
    }
    if !only_loaded {
        for source in files.lua().modules.values() {
            if !counts.contains_key(source.path.as_ref()) {
                let empty = never_run(source);
                counts.extend(empty.map(|empty| (source.path.to_string(), empty)));
            }
        }
    }
    counts
}

/// How many lines there are, and how many of them were run.
fn sums(file: &FileCoverage) -> (usize, usize) {
    let run = file.lines.values().filter(|hits| **hits > 0).count();
    (file.lines.len(), run)
}

/// A line for each cog, for each module that cogs share, and for all of them.
pub(super) fn table(counts: &BTreeMap<String, FileCoverage>, files: &Files) -> String {
    let mut rows: BTreeMap<(u8, String), (usize, usize, Vec<String>)> = BTreeMap::new();
    for (path, file) in counts {
        let id = files.lua().in_file(path).map(|source| &source.id);
        let cog = id.and_then(|id| files.lua().cog_of(id));
        let key = match &cog {
            Some(cog) => (0, format!("cog {}", cog.name)),
            None => (1, path.clone()),
        };
        let row = rows.entry(key).or_default();
        let (lines, run) = sums(file);
        row.0 += lines;
        row.1 += run;
        let missed = missed(file);
        if missed.is_empty() {
            continue;
        }
        // A cog may have several files.
        let name = path.rsplit('/').next().unwrap_or(path);
        row.2.push(match cog {
            Some(cog) if !cog.is_entry || name.starts_with("init.") => format!("{name} {missed}"),
            _ => missed,
        });
    }
    let all = rows
        .values()
        .fold((0, 0), |sum, row| (sum.0 + row.0, sum.1 + row.1));
    let width = rows
        .keys()
        .map(|(_, name)| name.chars().count())
        .max()
        .unwrap_or(0);
    let mut text = "Lines that the specs have run:\n".to_owned();
    for ((_, name), (lines, run, missed)) in &rows {
        let row = row(name, width, (*lines, *run));
        let missed = match missed.join("; ") {
            missed if missed.is_empty() => missed,
            missed => format!("  not run: {missed}"),
        };
        let _written = writeln!(text, "{row}{missed}").is_ok();
    }
    text.push_str(&row("all", width, all));
    text
}

fn row(name: &str, width: usize, (lines, run): (usize, usize)) -> String {
    // Rounded down: 100 % means all of them.
    let share = (run * 100).checked_div(lines).unwrap_or(100);
    let space = " ".repeat(width.saturating_sub(name.chars().count()));
    format!("  {name}{space}  {run:>5} of {lines:>5}  {share:>3} %")
}

/// `12, 30-34`: the lines that were not run. Lines without code between two of them do not matter.
fn missed(file: &FileCoverage) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    let mut is_open = false;
    for (line, hits) in &file.lines {
        if *hits > 0 {
            is_open = false;
            continue;
        }
        match ranges.last_mut() {
            Some((_, last)) if is_open => *last = *line,
            _ => ranges.push((*line, *line)),
        }
        is_open = true;
    }
    let more = ranges.len().saturating_sub(SHOWN);
    let shown = ranges.iter().take(SHOWN).map(|(first, last)| {
        if first == last {
            first.to_string()
        } else {
            format!("{first}-{last}")
        }
    });
    let mut shown: Vec<String> = shown.collect();
    if more > 0 {
        shown.push(format!("and {more} more"));
    }
    shown.join(", ")
}

/// The same in the form of `lcov`, as editors and services for coverage read it.
pub(super) fn lcov(counts: &BTreeMap<String, FileCoverage>) -> String {
    let mut text = String::new();
    let mut line = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    for (path, file) in counts {
        line(format!("SF:{path}"));
        for (at, name) in file.functions.keys() {
            line(format!("FN:{at},{name}"));
        }
        for ((_, name), runs) in &file.functions {
            line(format!("FNDA:{runs},{name}"));
        }
        let run = file.functions.values().filter(|runs| **runs > 0).count();
        line(format!("FNF:{}", file.functions.len()));
        line(format!("FNH:{run}"));
        for (at, hits) in &file.lines {
            line(format!("DA:{at},{hits}"));
        }
        let (lines, run) = sums(file);
        line(format!("LF:{lines}"));
        line(format!("LH:{run}"));
        line("end_of_record".to_owned());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_were_not_run_are_named_in_ranges() {
        let lines = [(1, 1), (3, 0), (4, 0), (7, 0), (9, 2), (10, 0)];
        let file = FileCoverage {
            lines: lines.into(),
            functions: [((3, "f".to_owned()), 0)].into(),
        };
        assert_eq!(missed(&file), "3-7, 10");
        let counts = BTreeMap::from([("lua/cogs/a.luau".to_owned(), file)]);
        insta::assert_snapshot!(lcov(&counts).replace('\n', " "), @"SF:lua/cogs/a.luau FN:3,f FNDA:0,f FNF:1 FNH:0 DA:1,1 DA:3,0 DA:4,0 DA:7,0 DA:9,2 DA:10,0 LF:6 LH:2 end_of_record");
    }
}

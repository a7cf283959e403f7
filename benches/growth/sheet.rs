//! Tables of numbers: kept as CSV, so that plots and documentation can be made from them again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Longer tables are for plots alone.
const MOST_PRINTED: usize = 30;

/// One table. No cell has a comma.
pub(super) struct Sheet {
    pub(super) name: String,
    pub(super) header: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

/// Where a run leaves its numbers.
pub(super) fn target() -> PathBuf {
    let binary = Path::new(env!("CARGO_BIN_EXE_cogsmith"));
    let folder = binary.ancestors().nth(2).unwrap().join("growth");
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Where those of the last full run are kept.
pub(super) fn docs() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/performance");
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// A count, as a number that can be divided.
pub(super) fn real(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

/// A number as it stands in a table: three digits that count, or all of them.
pub(super) fn cell(value: f64) -> String {
    match value {
        value if value.fract() == 0.0 => format!("{value:.0}"),
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value if value >= 1.0 => format!("{value:.2}"),
        value => format!("{value:.3}"),
    }
}

impl Sheet {
    pub(super) fn new(name: &str, header: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            header: header.iter().map(|&cell| cell.to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, row: impl IntoIterator<Item = String>) {
        let row: Vec<String> = row.into_iter().collect();
        assert_eq!(row.len(), self.header.len(), "{}", self.name);
        self.rows.push(row);
    }

    pub(super) fn save(&self, folder: &Path) {
        let lines = std::iter::once(&self.header).chain(&self.rows);
        let text: String = lines.map(|cells| cells.join(",") + "\n").collect();
        assert!(
            lines_fit(&text, self.header.len()),
            "a comma in {}",
            self.name
        );
        fs::write(folder.join(&self.name).with_extension("csv"), text).unwrap();
    }

    /// What was saved, if it was.
    pub(super) fn load(folder: &Path, name: &str) -> Option<Self> {
        let text = fs::read_to_string(folder.join(name).with_extension("csv")).ok()?;
        let mut lines = text
            .lines()
            .map(|line| line.split(',').map(str::to_owned).collect());
        Some(Self {
            name: name.to_owned(),
            header: lines.next()?,
            rows: lines.collect(),
        })
    }

    /// The number in a row with this first cell.
    pub(super) fn number(&self, row: &str, column: usize) -> Option<f64> {
        let row = self.rows.iter().find(|cells| cells[0] == row)?;
        row.get(column)?.parse().ok()
    }

    pub(super) fn print(&self) {
        if self.rows.len() < MOST_PRINTED {
            println!("{}", self.markdown());
        }
    }

    /// As a table of Markdown.
    pub(super) fn markdown(&self) -> String {
        let line = |cells: &[String]| {
            let cells: Vec<String> = cells.iter().map(|cell| with_commas(cell)).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let ruler = format!("|{}\n", "---|".repeat(self.header.len()));
        let rows: String = self.rows.iter().map(|row| line(row)).collect();
        line(&self.header) + &ruler + &rows
    }
}

fn lines_fit(text: &str, columns: usize) -> bool {
    text.lines().all(|line| line.split(',').count() == columns)
}

/// A number with commas between its thousands; everything else as it is.
pub(super) fn with_commas(cell: &str) -> String {
    let (whole, fraction) = cell.split_once('.').unwrap_or((cell, ""));
    let is_number = !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number || whole.len() < 4 {
        return cell.to_owned();
    }
    let mut text = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if !fraction.is_empty() {
        text = format!("{text}.{fraction}");
    }
    text
}

/// On what it was measured.
pub(super) fn machine() -> Sheet {
    let mut sheet = Sheet::new("machine", &["", "measured on"]);
    let said = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output();
        let text = output.map_or_else(|_| Vec::new(), |output| output.stdout);
        String::from_utf8_lossy(&text).trim().replace(',', ";")
    };
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split(": ").nth(1));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let rows = [
        ("processor", model.unwrap_or("unknown").replace(',', ";")),
        ("cores", cores.to_string()),
        ("system", said("uname", &["-sr"])),
        (
            "compiler",
            said("rustc", &["--version"])
                .replace(" (", "; ")
                .replace(')', ""),
        ),
        ("profile", super::support::PROFILE.to_owned()),
        ("commit", said("git", &["rev-parse", "--short=12", "HEAD"])),
        ("date", said("date", &["+%-d %B %Y"])),
    ];
    for (what, value) in rows {
        sheet.add([what.to_owned(), value]);
    }
    sheet
}

/// Copies the numbers of the last run to the documentation, and puts the tables into its text.
pub(super) fn write(names: &[&str]) {
    let sheets = names.iter().filter_map(|name| Sheet::load(&target(), name));
    for sheet in sheets {
        sheet.save(&docs());
        replace(&format!("table {}", sheet.name), &sheet.markdown());
    }
}

/// Puts something into the documentation's text, between `<!-- PLACE -->` and `<!-- end -->`, if it has that place.
pub(super) fn replace(place: &str, with: &str) {
    let path = docs().with_extension("md");
    let text = fs::read_to_string(&path).unwrap();
    let begin = format!("<!-- {place} -->\n");
    if let Some((before, rest)) = text.split_once(&begin) {
        let (_former, after) = rest.split_once("<!-- end -->").unwrap();
        let with = with.trim_end();
        let text = format!("{before}{begin}\n{with}\n\n<!-- end -->{after}");
        fs::write(&path, text).unwrap();
    }
}

//! The pages of the book about Discord's operations, `docs/operations/`, from the facts:
//!
//! ```text
//! groups (which operation is on which page) ─ page (one operation) ┬ sample (arguments that pass the checks, as Luau)
//!                                                                  ├ rows, words (the fields, and what each takes)
//!                              tables (what is inside of arguments) ┴─ mod (the files) ─▶ docs/operations/*.md
//! ```

mod groups;
mod page;
mod rows;
mod sample;
mod tables;
mod words;

use super::generated;
use super::operations::{Operation, operations};
use groups::GROUPS;
use std::fmt::Write as _;
use std::io;
use std::path::Path;

/// What is said when the files are not those that would be generated.
const MEND: &str = "run `cogsmith dev reference --write`";

/// In front of each page.
const GENERATED: &str =
    "<!-- Generated from src/discord/operations.json: run `cogsmith dev reference --write` -->\n\n";

/// Writes to a string, which cannot fail.
macro_rules! put {
    ($out:expr, $($arguments:tt)*) => {
        let _written = writeln!($out, $($arguments)*).is_ok();
    };
}
use put;

fn open() -> impl Iterator<Item = &'static Operation> {
    operations().filter(|operation| operation.open_to_cogs())
}

/// The arguments of an operation's example, which pass all checks.
pub fn example_arguments(operation: &Operation) -> serde_json::Map<String, serde_json::Value> {
    sample::arguments(operation)
}

/// All pages: the name of the file and its text.
pub fn generate() -> Vec<(String, String)> {
    let mut files = vec![("README.md".to_owned(), contents())];
    for group in &GROUPS {
        let mut text = format!("# {}\n\n{GENERATED}", group.title);
        for operation in open().filter(|it| groups::group_of(it).file == group.file) {
            page::operation(&mut text, operation);
        }
        files.push((format!("{}.md", group.file), finished(&text)));
    }
    let text = format!("# Tables inside of arguments\n\n{GENERATED}");
    files.push((
        "tables.md".to_owned(),
        finished(&(text + &tables::tables())),
    ));
    files
}

/// One empty line at the end of a page is none.
fn finished(text: &str) -> String {
    text.trim_end().to_owned() + "\n"
}

/// The page that lists all operations.
fn contents() -> String {
    let mut text = format!("# Discord's operations\n\n{GENERATED}");
    put!(
        text,
        "Each of these {} operations is a function of [`@cogsmith/discord`](../reference/discord.md) that takes one table. \
         *Needs* is the [capability](../guide/capabilities.md) to ask for; an operation that needs `guild.read` may be called \
         without asking for it.\n",
        open().count()
    );
    for group in groups::in_order() {
        put!(text, "## {}\n", group.title);
        put!(text, "| operation | needs |\n|---|---|");
        for operation in open().filter(|it| groups::group_of(it).file == group.file) {
            let Operation { id, capability, .. } = operation;
            put!(
                text,
                "| [`{id}`]({}.md#{id}) | `{capability}` |",
                group.file
            );
        }
        text.push('\n');
    }
    finished(&text)
}

/// Writes all pages into a folder, which is made if need be. Returns the names of those that changed.
pub fn write(folder: &Path) -> io::Result<Vec<String>> {
    generated::write(folder, generate())
}

/// What is wrong with the pages in a folder, a sentence a file; empty if they are current.
pub fn check(folder: &Path) -> Vec<String> {
    generated::check(folder, generate(), MEND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_are_current() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations");
        assert_eq!(check(&folder), [""; 0]);
        let names = generate().len();
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), names);
    }

    #[test]
    fn every_operation_has_one_section_and_the_table_of_contents_knows_it() {
        let files = generate();
        for operation in open() {
            let heading = format!("\n## {}\n", operation.id);
            let times = files.iter().filter(|(_, text)| text.contains(&heading));
            assert_eq!(times.count(), 1, "{}", operation.id);
            let link = format!("[`{}`]", operation.id);
            assert_eq!(files[0].1.matches(&link).count(), 1, "{}", operation.id);
        }
    }

    #[test]
    fn what_differs_is_told_and_written() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(write(folder.path()).unwrap().len(), GROUPS.len() + 2);
        assert_eq!(check(folder.path()), [""; 0]);
        std::fs::write(folder.path().join("tables.md"), "").unwrap();
        let faults = check(folder.path());
        assert_eq!(faults.len(), 1);
        assert!(faults[0].ends_with("out of date: run `cogsmith dev reference --write`"));
        assert_eq!(write(folder.path()).unwrap(), ["tables.md"]);
    }
}

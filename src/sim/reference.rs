//! The table in `docs/simulator.md`: which of Discord's operations the simulator has, and why not the others.

use super::rest::all_operations;
use crate::discord::generated;
use std::fmt::Write as _;
use std::io;
use std::path::Path;

/// The file, in the folder of the documents.
const FILE: &str = "simulator.md";
/// What is said when the table is not the one that would be generated.
const MEND: &str = "run `cogsmith dev reference --write`";
/// In front of the table.
const BEGIN: &str = "<!-- Generated: run `cogsmith dev reference --write` -->\n";
/// Behind the table.
const END: &str = "<!-- End of what is generated -->\n";

/// The table.
fn table() -> String {
    let all: Vec<_> = all_operations().collect();
    let works = all.iter().filter(|(_, why)| why.is_none()).count();
    let mut text = format!(
        "\n{works} of Discord's {} operations work; the others answer 501.\n\n\
         | operation | | answer |\n|---|---|---|\n",
        all.len()
    );
    for (operation, why) in all {
        let answer = why.map_or_else(|| "works".to_owned(), |why| format!("501: {why}"));
        // Writing into a string cannot fail.
        let _written = writeln!(
            text,
            "| `{}` | `{} {}` | {answer} |",
            operation.id, operation.method, operation.path
        )
        .is_ok();
    }
    text.push('\n');
    text
}

/// The whole file with the table of now.
fn current(folder: &Path) -> io::Result<String> {
    let text = match std::fs::read_to_string(folder.join(FILE)) {
        Ok(text) => text.replace("\r\n", "\n"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            format!("# The simulator\n\n{BEGIN}{END}")
        }
        Err(error) => return Err(error),
    };
    let parts = text
        .split_once(BEGIN)
        .and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = parts.ok_or_else(|| {
        let message = format!("there is no place for the table between {BEGIN:?} and {END:?}");
        io::Error::new(io::ErrorKind::InvalidData, message)
    })?;
    Ok(format!("{before}{BEGIN}{}{END}{after}", table()))
}

/// Writes the table into the folder of the documents. Returns the file's name if it changed.
///
/// # Errors
///
/// When the file cannot be read or written, or has no place for the table.
pub fn write(folder: &Path) -> io::Result<Vec<String>> {
    generated::write(folder, [(FILE.to_owned(), current(folder)?)])
}

/// What is wrong with the table in the folder of the documents; empty if it is current.
pub fn check(folder: &Path) -> Vec<String> {
    match current(folder) {
        Ok(text) => generated::check(folder, [(FILE, text)], MEND),
        Err(error) => vec![format!("{}: {error}", folder.join(FILE).display())],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_current() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
        assert_eq!(check(&folder), [""; 0]);
    }
}

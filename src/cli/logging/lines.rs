//! Lines of the log that nobody can forge: what is logged comes from users, from files and from Discord, too.
//!
//! `fields` writes what an event says, with everything escaped that could steer a terminal. A line break is kept in
//! the sentence itself alone, and the next line is then indented: only the log's own lines begin at the margin.
//! [`Lines`] and [`JsonLines`] take secrets out of the bytes, whoever wrote them.

use crate::escape::is_unfit;
use crate::secrets;
use std::fmt::{self, Write as _};
use std::io::{self, Write, stderr};
use tracing::field::Field;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{Writer, debug_fn};

/// How far the further lines of a sentence are indented at least.
const INDENT: usize = 2;

/// Writes the fields of an event for people: the sentence, then `name=value`.
pub(super) fn fields() -> impl for<'writer> FormatFields<'writer> + Send + Sync + 'static {
    debug_fn(
        |writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug| {
            if field.name() == "message" {
                return write!(Fit::sentence(writer), "{value:?}");
            }
            let name = field.name().trim_start_matches("r#");
            if writer.has_ansi_escapes() {
                write!(writer, "\u{1b}[3m{name}\u{1b}[0m\u{1b}[2m=\u{1b}[0m")?;
            } else {
                write!(writer, "{name}=")?;
            }
            write!(Fit::value(writer), "{value:?}")
        },
    )
    .delimited(" ")
}

/// Lets through what is fit for a line, and escapes the rest.
struct Fit<W> {
    to: W,
    /// Whether line breaks are kept.
    has_lines: bool,
    /// Spaces that are still to come at the beginning of a line.
    indent: usize,
}

impl<W: fmt::Write> Fit<W> {
    fn sentence(to: W) -> Self {
        Self {
            to,
            has_lines: true,
            indent: 0,
        }
    }

    fn value(to: W) -> Self {
        Self {
            has_lines: false,
            ..Self::sentence(to)
        }
    }

    fn indent(&mut self, next: char) -> fmt::Result {
        if self.indent > 0 && next == ' ' {
            // The line has this space of its own.
            self.indent -= 1;
            return Ok(());
        }
        for _ in 0..std::mem::take(&mut self.indent) {
            self.to.write_char(' ')?;
        }
        Ok(())
    }
}

impl<W: fmt::Write> fmt::Write for Fit<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            if c == '\n' && self.has_lines {
                self.to.write_char(c)?;
                self.indent = INDENT;
                continue;
            }
            self.indent(c)?;
            if is_unfit(c) && c != '\t' {
                write!(self.to, "{}", c.escape_default())?;
            } else {
                self.to.write_char(c)?;
            }
        }
        Ok(())
    }
}

/// Standard error without secrets. A line comes in one piece.
#[derive(Debug, Default)]
pub(super) struct Lines;

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        stderr().write_all(&secrets::hide(line))?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        stderr().flush()
    }
}

/// The same for JSON, whose strings may hold all but the oldest control characters as they are.
#[derive(Debug, Default)]
pub(super) struct JsonLines;

impl Write for JsonLines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let shown = fit_json(&String::from_utf8_lossy(line));
        stderr().write_all(&secrets::hide(shown.as_bytes()))?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        stderr().flush()
    }
}

/// A line of JSON in which what is not fit for a line is written as JSON escapes it.
fn fit_json(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    for c in line.chars() {
        if is_unfit(c) && c != '\n' {
            // All of them are in the basic plane; writing to a string cannot fail.
            let _written = write!(shown, "\\u{:04x}", u32::from(c)).is_ok();
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(text: &str) -> String {
        let mut shown = String::new();
        Fit::sentence(&mut shown).write_str(text).unwrap();
        shown
    }

    #[test]
    fn further_lines_of_a_sentence_are_indented() {
        let forged = "a.luau fails\n12:00:00  INFO Signed in\n\n   > 3 | x";
        assert_eq!(
            sentence(forged),
            "a.luau fails\n  12:00:00  INFO Signed in\n\n   > 3 | x"
        );
        assert_eq!(
            sentence("a\r\u{1b}[1A\u{9b}2J\u{202e}"),
            "a\\r\\u{1b}[1A\\u{9b}2J\\u{202e}"
        );
    }

    #[test]
    fn a_value_stays_in_its_line() {
        let mut shown = String::new();
        Fit::value(&mut shown).write_str("a\nb\tc").unwrap();
        assert_eq!(shown, "a\\nb\tc");
    }

    #[test]
    fn json_stays_json() {
        let line = format!("{}\n", serde_json::json!({ "a": "\u{9b}2J\u{2028}\n" }));
        let shown = fit_json(&line);
        assert_eq!(shown, "{\"a\":\"\\u009b2J\\u2028\\n\"}\n");
        let read: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(read["a"], "\u{9b}2J\u{2028}\n");
    }
}

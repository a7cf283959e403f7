//! What went wrong, for the terminal, the log, the chat and the page.

use crate::escape::one_line;
use crate::secrets;
use serde::Serialize;
use std::fmt;
use unicode_width::UnicodeWidthStr;

/// Source lines shown before and after the one that failed.
const AROUND: u32 = 2;
/// Characters of a source line that are shown.
const WIDEST_LINE: usize = 200;

/// One thing that went wrong, told so that its author can fix it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The cog in which it happened, if it was one cog.
    pub cog: Option<String>,
    /// One sentence, without place and without a Rust debug print.
    pub message: String,
    /// The place in the author's source.
    pub place: Option<SourceLocation>,
    /// The calls that led there, innermost first.
    pub trace: Vec<SourceLocation>,
    /// The chain of requires from the cog to the module that failed (`cogs.leveling`, `services.levels`).
    pub requires: Vec<String>,
    /// What to do next, if there is something particular to say.
    pub hint: Option<String>,
}

/// A line in an author's source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SourceLocation {
    /// Relative to the folder of `config.json` (`lua/cogs/ping.luau`).
    pub file: String,
    /// Counted from 1.
    pub line: u32,
    /// The first of the characters that are meant and the one after the last, counted from 1, if it is not the whole
    /// line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<(u32, u32)>,
    /// The function's name, in a trace.
    pub function: Option<String>,
    /// The lines around `line`, the first of them numbered `excerpt_from`. Empty in a trace.
    pub excerpt: Vec<String>,
    /// The number of the excerpt's first line.
    pub excerpt_from: u32,
}

impl SourceLocation {
    /// Puts the lines of the file around this place into it.
    pub fn add_excerpt(&mut self, text: &str) {
        let first = self.line.saturating_sub(AROUND).max(1);
        let skipped = usize::try_from(first - 1).unwrap_or(usize::MAX);
        let wanted = usize::try_from(2 * AROUND + 1).unwrap_or_default();
        let lines = text.lines().skip(skipped).take(wanted);
        // Before it is cut: a part of a secret is harder to find.
        let lines = lines.map(|line| secrets::hide_text(line).chars().take(WIDEST_LINE).collect());
        self.excerpt = lines.collect();
        self.excerpt_from = first;
    }
}

/// With its place, source lines and chain of requires. Each part stays in its line, whoever wrote it.
impl Problem {
    /// What is wrong and where, without the source.
    pub fn in_one_line(&self) -> String {
        let place = self.place.as_ref();
        let place = place.map(|place| format!("{}:{}: ", place.file, place.line));
        let line = format!("{}{}", place.unwrap_or_default(), self.message);
        one_line(&line).into_owned()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.place, &self.cog) {
            (Some(place), _) => write!(formatter, "{}:{}: ", one_line(&place.file), place.line)?,
            (None, Some(cog)) => write!(formatter, "{}: ", one_line(cog))?,
            (None, None) => {}
        }
        formatter.write_str(&one_line(&self.message))?;
        if let Some(place) = &self.place {
            formatter.write_str(&excerpt(place))?;
        }
        for called in &self.trace {
            let function = called.function.as_deref().unwrap_or("the top level");
            let (function, file) = (one_line(function), one_line(&called.file));
            write!(formatter, "\n  in {function} at {file}:{}", called.line)?;
        }
        if !self.requires.is_empty() {
            let requires = self.requires.join(" → ");
            write!(formatter, "\n  required by {}", one_line(&requires))?;
        }
        match &self.hint {
            Some(hint) => write!(formatter, "\n  {}", one_line(hint)),
            None => Ok(()),
        }
    }
}

/// The source lines, numbered, with a marker at the one that is meant, and one below the characters that are.
fn excerpt(place: &SourceLocation) -> String {
    let numbered = (place.excerpt_from..).zip(&place.excerpt);
    let width = (place.excerpt_from as usize + place.excerpt.len())
        .to_string()
        .len();
    let mut text = String::new();
    for (number, line) in numbered {
        let is_meant = number == place.line;
        let marker = if is_meant { '>' } else { ' ' };
        let shown = format!("\n  {marker} {number:width$} | {}", one_line(line));
        let below = place.columns.filter(|_| is_meant);
        let below = below.and_then(|columns| underline(line, columns));
        let below = below.map(|it| format!("\n    {:width$} | {it}", ""));
        text += shown.trim_end();
        text += &below.unwrap_or_default();
    }
    text
}

/// `    ^^^^` below these characters of a line; nothing if they are not shown.
fn underline(line: &str, (from, to): (u32, u32)) -> Option<String> {
    let before = usize::try_from(from.checked_sub(1)?).ok()?;
    let marked = usize::try_from(to.checked_sub(from)?).ok()?;
    let mut characters = line.chars();
    // A tab is as wide as the terminal makes it.
    let indent = characters.by_ref().take(before).map(|one| match one {
        '\t' => "\t".to_owned(),
        one => " ".repeat(width(&one.to_string())),
    });
    let indent: String = indent.collect();
    let length = width(&characters.take(marked).collect::<String>());
    (length > 0).then(|| format!("{indent}{}", "^".repeat(length)))
}

/// Columns of a terminal that a text takes.
fn width(text: &str) -> usize {
    UnicodeWidthStr::width(one_line(text).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(file: &str, line: u32, function: Option<&str>) -> SourceLocation {
        SourceLocation {
            file: file.into(),
            line,
            function: function.map(str::to_owned),
            ..SourceLocation::default()
        }
    }

    #[test]
    fn a_problem_shows_its_source_its_calls_and_its_requires() {
        let problem = Problem {
            cog: Some("leveling".into()),
            message: "attempt to index nil with 'xp'".into(),
            place: Some(SourceLocation {
                excerpt: ["local function xp(row)", "    return row.xp", "end"]
                    .map(str::to_owned)
                    .into(),
                excerpt_from: 9,
                ..place("lua/services/levels.luau", 10, None)
            }),
            trace: vec![
                place("lua/services/levels.luau", 10, Some("xp")),
                place("lua/cogs/leveling.luau", 3, None),
            ],
            requires: vec!["cogs.leveling".into(), "services.levels".into()],
            hint: Some("Check row before it is read.".into()),
        };
        insta::assert_snapshot!(problem, @r"
        lua/services/levels.luau:10: attempt to index nil with 'xp'
             9 | local function xp(row)
          > 10 |     return row.xp
            11 | end
          in xp at lua/services/levels.luau:10
          in the top level at lua/cogs/leveling.luau:3
          required by cogs.leveling → services.levels
          Check row before it is read.
        ");
    }

    #[test]
    fn the_characters_that_are_meant_are_marked() {
        let at = |columns, line: &str| Problem {
            message: "no".into(),
            place: Some(SourceLocation {
                columns: Some(columns),
                excerpt: vec![line.to_owned()],
                excerpt_from: 10,
                ..place("a.luau", 10, None)
            }),
            ..Problem::default()
        };
        insta::assert_snapshot!(at((5, 8), "    foo()"), @r"
        a.luau:10: no
          > 10 |     foo()
               |     ^^^
        ");
        insta::assert_snapshot!(at((9, 12), "print(\"日\", foo)"), @r#"
        a.luau:10: no
          > 10 | print("日", foo)
               |          ^^^
        "#);
        // A character that is not shown.
        insta::assert_snapshot!(at((300, 302), "print(x)"), @r"
        a.luau:10: no
          > 10 | print(x)
        ");
    }
}

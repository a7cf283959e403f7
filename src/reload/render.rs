//! A problem as text, for the terminal, the log and the chat.

use super::report::{Place, Problem};
use std::fmt::Write as _;

/// A problem with its place, source lines and chain of requires.
pub fn problem(problem: &Problem) -> String {
    let mut text = match (&problem.place, &problem.cog) {
        (Some(place), _) => format!("{}:{}: {}", place.file, place.line, problem.message),
        (None, Some(cog)) => format!("{cog}: {}", problem.message),
        (None, None) => problem.message.clone(),
    };
    if let Some(place) = &problem.place {
        text += &excerpt(place);
    }
    for called in &problem.trace {
        let function = called.function.as_deref().unwrap_or("the top level");
        let _always = write!(text, "\n  in {function} at {}:{}", called.file, called.line);
    }
    if !problem.requires.is_empty() {
        let _always = write!(text, "\n  required by {}", problem.requires.join(" → "));
    }
    if let Some(hint) = &problem.hint {
        let _always = write!(text, "\n  {hint}");
    }
    text
}

/// The source lines, numbered, with a marker at the one that is meant.
fn excerpt(place: &Place) -> String {
    let numbered = (place.excerpt_from..).zip(&place.excerpt);
    let width = (place.excerpt_from as usize + place.excerpt.len())
        .to_string()
        .len();
    numbered
        .map(|(number, line)| {
            let marker = if number == place.line { '>' } else { ' ' };
            let line = format!("\n  {marker} {number:width$} | {line}");
            line.trim_end().to_owned()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(file: &str, line: u32, function: Option<&str>) -> Place {
        Place {
            file: file.into(),
            line,
            function: function.map(str::to_owned),
            ..Place::default()
        }
    }

    #[test]
    fn a_problem_shows_its_source_its_calls_and_its_requires() {
        let text = problem(&Problem {
            cog: Some("leveling".into()),
            message: "attempt to index nil with 'xp'".into(),
            place: Some(Place {
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
        });
        insta::assert_snapshot!(text, @r"
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
}

//! Cogs that are wrong, one for each file of `tests/wrong/`: a line that ends with `--! text` has a type error whose
//! message contains the text, and no other line has any.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, also in its helpers"
)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use support::{Problem, bot, problems, root};

/// What is expected of a cog: texts by line.
type Expected = BTreeMap<usize, String>;

fn expected(text: &str) -> Expected {
    let lines = (1..).zip(text.lines());
    let marked = lines.filter_map(|(number, line)| Some((number, line.split_once("--! ")?.1)));
    marked
        .map(|(number, text)| (number, text.to_owned()))
        .collect()
}

/// What of one cog is not as expected, a sentence each.
fn differences(name: &str, expected: &Expected, problems: &[&Problem]) -> Vec<String> {
    let mut different = Vec::new();
    for (line, text) in expected {
        let here: Vec<_> = problems.iter().filter(|it| it.line == *line).collect();
        if !here.iter().any(|it| it.message.contains(text)) {
            let said: Vec<_> = here.iter().map(|it| &it.message).collect();
            different.push(format!("{name}:{line}: {text:?} expected, {said:?} said"));
        }
    }
    for problem in problems {
        if !expected.contains_key(&problem.line) {
            different.push(format!("{name}:{}: {}", problem.line, problem.message));
        }
    }
    different
}

#[test]
fn every_mistake_is_found_at_its_line() {
    let folder = root().join("tools/typecheck/tests/wrong");
    let mut cogs = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        cogs.insert(
            format!("lua/cogs/{name}"),
            fs::read_to_string(path).unwrap(),
        );
    }
    assert!(cogs.len() >= 100, "only {} cogs", cogs.len());
    let files: Vec<_> = cogs
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let all = problems(bot(&files).path());
    let errors: Vec<_> = all.iter().filter(|it| it.severity == "error").collect();
    let mut different = Vec::new();
    for (name, text) in &cogs {
        let expected = expected(text);
        assert!(!expected.is_empty(), "{name} expects nothing");
        let own: Vec<_> = errors
            .iter()
            .copied()
            .filter(|it| it.file == *name)
            .collect();
        different.extend(differences(name, &expected, &own));
    }
    different.extend(
        errors
            .iter()
            .filter(|it| !cogs.contains_key(&it.file))
            .map(|it| format!("{it:?}")),
    );
    assert!(different.is_empty(), "{}", different.join("\n"));
}

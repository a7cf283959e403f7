//! Whatever a document names or leads to exists: files, functions, pages and headings.

use super::blocks::{beside, document, documents, prose, root};
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// What stands between single backticks, outside of blocks.
fn code_spans(text: &str) -> Vec<String> {
    let text = prose(text);
    let lines = text.lines();
    lines
        .flat_map(|line| line.split('`').skip(1).step_by(2).map(str::to_owned))
        .collect()
}

#[test]
fn the_files_and_tests_that_documents_name_exist() {
    let folders = [
        "src/",
        "tests/",
        "types/",
        "tools/",
        "web/",
        "docs/",
        "lua/cogs/ping",
        "benches/",
    ];
    for name in documents() {
        for span in code_spans(&document(&name)) {
            if !folders.iter().any(|folder| span.starts_with(folder))
                || span.contains(['*', ' ', '<'])
            {
                continue;
            }
            let (file, item) = span.split_once("::").unwrap_or((&span, ""));
            let file = root().join(file.trim_end_matches('/'));
            assert!(file.exists(), "{name} names {span}, which does not exist");
            if !item.is_empty() {
                let item = item.rsplit("::").next().unwrap_or(item);
                assert!(
                    has_function(&file, item),
                    "{name} names {span}, and there is no such function"
                );
            }
        }
    }
}

fn has_function(file: &Path, item: &str) -> bool {
    let text = std::fs::read_to_string(file).unwrap();
    text.contains(&format!("fn {item}("))
}

/// The targets of all links and pictures.
fn targets(text: &str) -> Vec<String> {
    let text = prose(text);
    let targets = text.split("](").skip(1);
    targets
        .filter_map(|rest| rest.split(')').next())
        .map(str::to_owned)
        .collect()
}

/// The names by which the headings of a page can be linked to, as GitHub and the book make them.
fn anchors(text: &str) -> HashSet<String> {
    let mut times: HashMap<String, usize> = HashMap::new();
    let text = prose(text);
    let headings = text.lines().filter_map(|line| {
        let rest = line.trim_start_matches('#');
        (rest.len() < line.len())
            .then(|| rest.strip_prefix(' '))
            .flatten()
    });
    headings
        .map(|heading| {
            let words = heading.trim().to_lowercase();
            let kept = |it: &char| it.is_alphanumeric() || " -_".contains(*it);
            let name: String = words.chars().filter(kept).collect();
            let name = name.replace(' ', "-");
            let count = times.entry(name.clone()).or_default();
            *count += 1;
            match *count {
                1 => name,
                many => format!("{name}-{}", many - 1),
            }
        })
        .collect()
}

#[test]
fn links_between_documents_lead_somewhere() {
    for name in documents() {
        for target in targets(&document(&name)) {
            if target.contains("://") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let file = match file {
                "" => name.clone(),
                file => beside(&name, file),
            };
            assert!(root().join(&file).exists(), "{name}: there is no {target}");
            if !anchor.is_empty() {
                assert!(
                    anchors(&document(&file)).contains(anchor),
                    "{name}: {file} has no heading #{anchor}"
                );
            }
        }
    }
}

#[test]
fn every_page_is_in_the_table_of_contents_once() {
    let contents = targets(&document("docs/SUMMARY.md"));
    let mut listed: Vec<_> = contents
        .iter()
        .map(|it| beside("docs/SUMMARY.md", it))
        .collect();
    listed.sort();
    let pages = documents().into_iter();
    let pages: Vec<_> = pages
        .filter(|it| it.starts_with("docs/") && it != "docs/SUMMARY.md")
        .collect();
    assert_eq!(listed, pages);
}

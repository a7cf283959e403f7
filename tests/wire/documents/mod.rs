//! What the documents show is true: their cogs run, their conversations happen, and the keys, files and
//! tests that they name exist.
//!
//! A block ```` ```luau lua/cogs/ping.luau ```` is that file (also below `spec/`); a block ```` ```chat ```` is a conversation in
//! #general, line by line, in which `…` stands for anything. A conversation about a version of a file comes
//! right after it: the file is saved again when a later block shows another version of it. A block
//! ```` ```json https://api.example.com/weather ```` is what that server answers. A page with `<!-- with cogs.md -->` takes
//! the files of that page as given.

mod act;
mod blocks;
mod examples;
mod links;

use act::act_out;
use blocks::{document, documents, root};
use cogsmith::bot::rehearse;
use cogsmith::config::{Environment, load};
use serde_json::Value;

/// The pages are divided among this number of tests, which run beside each other.
const PARTS: usize = 4;

/// Acts out every `PARTS`-th page from this one on. All that are not true are named.
async fn pages_are_true(part: usize) {
    let mut wrong = Vec::new();
    for page in documents().into_iter().skip(part).step_by(PARTS) {
        if tokio::spawn(act_out(page.clone())).await.is_err() {
            wrong.push(page);
        }
    }
    assert!(wrong.is_empty(), "not true (see above): {wrong:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_quarter_of_the_pages_is_true() {
    pages_are_true(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_quarter_of_the_pages_is_true() {
    pages_are_true(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_third_quarter_of_the_pages_is_true() {
    pages_are_true(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_quarter_of_the_pages_is_true() {
    pages_are_true(3).await;
}

/// Among it that the examples of every shipped cog are calls of their own commands.
#[tokio::test(flavor = "multi_thread")]
async fn there_is_no_problem_with_what_is_shipped() {
    let environment: Environment = std::iter::empty::<(&str, &str)>().collect();
    let config = load(&root().join("config.json"), &environment).unwrap();
    let rehearsal = rehearse(config).await.unwrap();
    assert_eq!(rehearsal.problems, []);
    assert!(rehearsal.cogs >= 5, "{rehearsal:?}");
}

/// Every key of the schema with its default.
fn keys() -> Vec<(String, Value)> {
    let schema: Value = serde_json::from_str(&document("config.schema.json")).unwrap();
    let mut keys = Vec::new();
    for (section, node) in schema["properties"].as_object().unwrap() {
        match node["properties"].as_object() {
            Some(inner) => keys.extend(
                inner
                    .iter()
                    .map(|(key, node)| (format!("{section}.{key}"), node["default"].clone())),
            ),
            None if section == "$schema" => {}
            None => keys.push((section.clone(), node["default"].clone())),
        }
    }
    keys
}

#[test]
fn the_readmes_list_every_key_with_its_default() {
    for name in ["README.md", "README.id.md"] {
        let text = document(name);
        for (key, default) in keys() {
            let row = text
                .lines()
                .find(|line| line.starts_with(&format!("| `{key}` |")));
            let row = row.unwrap_or_else(|| panic!("{name} has no row for {key}"));
            let (row, default) = (row.replace(' ', ""), default.to_string());
            assert!(
                row.contains(&format!("`{default}`")),
                "{name}: {key} is {default} by default"
            );
        }
    }
}

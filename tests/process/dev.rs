//! `cogsmith dev`: the commands for those who work on the bot itself.

use super::cli::{cogsmith, folder};
use insta::assert_snapshot;
use std::fs;

const FORMER: &str = r#"{ "api_version": 10, "operations": [
    { "id": "drink_tea", "capability": "tea.drink", "method": "POST", "path": "/teas/{tea_id}", "params": {}, "query": {}, "body": {}, "returns": { "204": null } }
], "schemas": {} }"#;

const NEWER: &str = r#"{ "openapi": "3.1.0", "paths": { "/teas/{tea_id}": {
    "get": { "operationId": "get_tea", "responses": { "204": {} } },
    "post": { "operationId": "drink_tea", "responses": { "204": {} } }
} }, "components": { "schemas": {} } }"#;

#[test]
fn a_newer_table_of_operations_is_one_command() {
    let here = folder(&[
        ("src/discord/operations.json", FORMER),
        ("openapi.json", NEWER),
    ]);
    let update = |more: &[&str]| {
        let arguments = [&["dev", "update-discord", "openapi.json"], more].concat();
        cogsmith(here.path(), &arguments, &[])
    };
    assert_snapshot!(update(&[]), @r"
    exit 0
    -- stdout
    + operation get_tea: GET /teas/{tea_id}, closed to cogs: open it with --open get_tea=CAPABILITY (drink_tea, which is like it, needs tea.drink)
    With --write, src/discord/operations.json is written.
    -- stderr
    ");
    let written = || fs::read_to_string(here.path().join("src/discord/operations.json")).unwrap();
    assert_eq!(written(), FORMER);
    let told = update(&["--write", "--open", "get_tea=tea.read"]);
    assert!(
        told.contains("get_tea: GET /teas/{tea_id}, needs tea.read"),
        "{told}"
    );
    assert!(told.contains("cargo run -- types --write"), "{told}");
    assert!(written().contains(r#""id":"get_tea","capability":"tea.read""#));
    assert!(written().contains(r#""id":"drink_tea","capability":"tea.drink""#));
    assert_snapshot!(update(&[]), @r"
    exit 0
    -- stdout
    Nothing is different.
    -- stderr
    ");
}

#[test]
fn what_is_no_table_is_told() {
    let here = folder(&[
        ("src/discord/operations.json", FORMER),
        ("openapi.json", "{}"),
    ]);
    let told = |arguments: &[&str]| cogsmith(here.path(), arguments, &[]);
    let text = told(&["dev", "update-discord", "openapi.json"]);
    assert!(
        text.starts_with("exit 2\n") || text.starts_with("exit 1\n"),
        "{text}"
    );
    assert!(
        text.contains("openapi.json: this is neither Discord's openapi.json nor"),
        "{text}"
    );
    let text = told(&["dev", "update-discord", "nothing.json"]);
    assert!(text.contains("nothing.json"), "{text}");
    let text = told(&["dev", "update-discord", "openapi.json", "--open", "x"]);
    assert!(text.contains("expected OPERATION=CAPABILITY"), "{text}");
}

#[test]
fn pages_of_the_reference_are_told_or_written() {
    let here = folder(&[("lua/cogs/ping.luau", "")]);
    let text = cogsmith(here.path(), &["dev", "reference"], &[]);
    assert!(text.starts_with("exit 1\n"), "{text}");
    assert!(
        text.contains("run `cogsmith dev reference --write`"),
        "{text}"
    );
    let text = cogsmith(here.path(), &["dev", "reference", "--write"], &[]);
    assert!(text.contains("messages.md"), "{text}");
    let text = cogsmith(here.path(), &["dev", "reference", "--check"], &[]);
    assert!(text.contains("up to date"), "{text}");
}

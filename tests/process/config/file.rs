//! What `config.json` says, and its schema.

use super::read;
use cogsmith::config::{self, Config, Environment};
use insta::assert_snapshot;
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

fn project_file(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap_or_default()
}

#[test]
fn the_schema_file_is_current() {
    assert!(
        project_file("config.schema.json") == format!("{:#}\n", config::schema()),
        "config.schema.json is not current: run `cargo run -- schema --write`"
    );
}

#[test]
fn the_shipped_file_says_the_defaults() {
    let text = project_file("config.json");
    let defaults = Config::default_at("/bot".into());
    assert_eq!(read(&text, &[]).unwrap(), defaults);
    assert_eq!(read("{}", &[]).unwrap(), defaults);

    let mut file: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(file["$schema"], "./config.schema.json");
    file.as_object_mut().unwrap().shift_remove("$schema");
    assert_eq!(file, serde_json::to_value(defaults).unwrap());
}

#[test]
fn the_schema_describes_every_key_and_has_its_default() {
    let schema = config::schema();
    let defaults = serde_json::to_value(Config::default_at("/bot".into())).unwrap();
    for (section, values) in defaults.as_object().unwrap() {
        let node = &schema["properties"][section];
        assert!(
            node["description"].is_string(),
            "{section} is not described"
        );
        let Some(keys) = node["properties"].as_object() else {
            assert_eq!(&node["default"], values);
            continue;
        };
        for (key, node) in keys {
            assert!(node["description"].is_string(), "{section}.{key}");
            assert_eq!(node["default"], values[key], "{section}.{key}");
        }
    }
}

#[test]
fn paths_are_relative_to_the_file() {
    let config = read(r#"{"state": {"url": "sqlite:data/bot.db"}}"#, &[]).unwrap();
    assert_eq!(config.lua_dir(), Path::new("/bot/lua"));
    assert_eq!(config.var_dir(), Path::new("/bot/var"));
    assert_eq!(config.state_path(), Path::new("/bot/data/bot.db"));
    assert_eq!(config.hot_reload.delay(), Duration::from_millis(20));
}

#[test]
fn what_a_file_grants_replaces_the_default() {
    let config = read(r#"{"capabilities": {"ping": ["messages.send"]}}"#, &[]).unwrap();
    assert_eq!(config.capabilities.len(), 1);
}

#[test]
fn a_missing_file_means_the_defaults_and_a_missing_folder_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    let config = config::load(&path, &Environment::default()).unwrap();
    assert_eq!(config, Config::default_at(folder.path().into()));

    std::fs::write(&path, b"\xff").unwrap();
    let refusal = |path: &Path| {
        let text = config::load(path, &Environment::default())
            .unwrap_err()
            .to_string();
        text.replace(&folder.path().display().to_string(), "FOLDER")
    };
    assert_snapshot!(refusal(&path), @r"
    The configuration has a problem:
      FOLDER/config.json: is not UTF-8 in line 1; save it as UTF-8
    ");
    assert_snapshot!(refusal(&folder.path().join("away/config.json")), @r"
    The configuration has a problem:
      FOLDER/away/config.json: cannot be read, because there is no folder FOLDER/away
    ");
}

#[test]
fn changed_keys_are_told_apart_by_what_they_need() {
    let old = read("{}", &[]).unwrap();
    let new = read(
        r#"{
            "bot": {"prefix": "?", "admins": ["1"]},
            "hot_reload": {"reload_delay": 1},
            "capabilities": {"*": ["*"], "fun.dice": []},
            "http": {"allow": ["example.com"]},
            "state": {"url": "sqlite:other.db"},
            "metrics": {"listen": "127.0.0.1:1"}
        }"#,
        &[],
    )
    .unwrap();
    let (applies_now, needs_restart) = old.changed_keys(&new);
    let expected = [
        "bot.admins",
        "bot.prefix",
        "capabilities[\"fun.dice\"]",
        "hot_reload.reload_delay",
        "http.allow",
    ];
    assert_eq!(applies_now, expected);
    assert_eq!(needs_restart, ["metrics.listen", "state.url"]);
    assert_eq!(old.changed_keys(&old), (Vec::new(), Vec::new()));
}

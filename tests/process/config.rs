//! What an operator sees for each way in which a configuration can be wrong, and what a right one
//! means.

use cogsmith::config::{self, Config, Connection, Environment, Locale};
use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Reads `text` as config.json with some variables.
fn read(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
    let environment: Environment = variables.iter().copied().collect();
    config::from_text(text, "config.json", PathBuf::from("/bot"), &environment)
        .map_err(|errors| errors.to_string())
}

/// The printed text for a configuration that is wrong.
fn refusal(text: &str) -> String {
    read(text, &[]).expect_err("it should be refused")
}

/// The printed text for variables that are wrong.
fn variable_refusal(variables: &[(&str, &str)]) -> String {
    read("{}", variables).expect_err("it should be refused")
}

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
fn all_problems_come_at_once_with_their_lines() {
    let text = r#"{
  "bot": { "prefix": "", "admins": [7, "anna"], "local": "en" },
  "hot_reload": {
    "reload_dely": 1,
    "enabled": "yes"
  },
  "limits": { "memory_mb": 0, "cpu_ms": 1.5 },
  "studio": {
    "listen":
      "0.0.0.0:80"
  },
  "prefix": "?"
}"#;
    assert_snapshot!(refusal(text), @r#"
    The configuration has 10 problems:
      config.json:2: `bot.prefix` must be 1 to 32 characters without a space, but is "", which would make every message a command
      config.json:2: `bot.admins[0]` must be the id of a user as a text of digits, such as "80351110224678912", but is 7
      config.json:2: `bot.admins[1]` must be the id of a user as a text of digits, such as "80351110224678912", but is "anna", which has something else than digits
      config.json:2: unknown key `bot.local`, did you mean `bot.locale`?
      config.json:4: unknown key `hot_reload.reload_dely`, did you mean `hot_reload.reload_delay`?
      config.json:5: `hot_reload.enabled` must be true or false, but is "yes"
      config.json:7: `limits.memory_mb` must be a whole number from 1 to 65536, but is 0
      config.json:7: `limits.cpu_ms` must be a whole number from 1 to 60000, but is 1.5
      config.json:10: `studio.listen` must be an address of this machine alone and a port, such as "127.0.0.1:7878", but is "0.0.0.0:80", which other machines could reach
      config.json:12: unknown key `prefix`, did you mean `bot.prefix`?
    "#);
}

#[test]
fn unknown_keys_name_the_nearest_known_one() {
    assert_snapshot!(refusal(r#"{"hot_relaod": {}}"#), @r"
    The configuration has a problem:
      config.json:1: unknown key `hot_relaod`, did you mean `hot_reload`?
    ");
    assert_snapshot!(refusal(r#"{"hot_reload": {"watch_dirs": []}}"#), @r"
    The configuration has a problem:
      config.json:1: unknown key `hot_reload.watch_dirs`, did you mean `hot_reload.watch_directories`?
    ");
    assert_snapshot!(refusal(r#"{"metrics": {"zzz": 1}}"#), @r"
    The configuration has a problem:
      config.json:1: unknown key `metrics.zzz`, known here: `listen`
    ");
    assert_snapshot!(refusal(r#"{"bot": {"token": "secret"}}"#), @r"
    The configuration has a problem:
      config.json:1: unknown key `bot.token`: the token is never written here, but as DISCORD_TOKEN into the environment or the file .env
    ");
    assert_snapshot!(refusal(r#"{"bot": {"prefix": {"deep": 1}}}"#), @r"
    The configuration has a problem:
      config.json:1: `bot.prefix` must be 1 to 32 characters without a space, but is an object
    ");
}

#[test]
fn wrong_types_say_what_was_expected() {
    let text = r#"{
  "$schema": 1,
  "bot": { "prefix": 5, "admins": "1", "locale": "fr" },
  "hot_reload": { "enabled": 1, "watch_directories": [1], "reload_delay": "fast" },
  "limits": [],
  "capabilities": { "ping": "*", "x": [null] },
  "state": { "url": null },
  "studio": { "listen": 7878 },
  "metrics": { "listen": false }
}"#;
    assert_snapshot!(refusal(text), @r#"
    The configuration has 13 problems:
      config.json:2: `$schema` must be a text, but is 1
      config.json:3: `bot.prefix` must be 1 to 32 characters without a space, but is 5
      config.json:3: `bot.admins` must be a list in [ ], but is "1"
      config.json:3: `bot.locale` must be "en" or "id", but is "fr"
      config.json:4: `hot_reload.enabled` must be true or false, but is 1
      config.json:4: `hot_reload.watch_directories[0]` must be a folder below lua/, such as "cogs", but is 1
      config.json:4: `hot_reload.reload_delay` must be a number from 0 to 60, but is "fast"
      config.json:5: `limits` must be an object in { }, but is a list
      config.json:6: `capabilities.ping` must be a list in [ ], but is "*"
      config.json:6: `capabilities.x[0]` must be the name of a capability, such as "messages.send", or "*", but is null
      config.json:7: `state.url` must be sqlite: and the path of a file, such as "sqlite:var/state.db", but is null
      config.json:8: `studio.listen` must be an address of this machine alone and a port, such as "127.0.0.1:7878", but is 7878
      config.json:9: `metrics.listen` must be an address and a port, such as "127.0.0.1:9184", or null, but is false
    "#);
    assert_snapshot!(refusal("[1]"), @r"
    The configuration has a problem:
      config.json:1: the whole file must be an object in { }, but is a list
    ");
    assert_snapshot!(refusal("null"), @r"
    The configuration has a problem:
      config.json:1: the whole file must be an object in { }, but is null
    ");
}

#[test]
fn prefixes_are_visible_and_short() {
    let refusal = |prefix: &str| refusal(&json!({"bot": {"prefix": prefix}}).to_string());
    assert_snapshot!(refusal("hey bot"), @r#"
    The configuration has a problem:
      config.json:1: `bot.prefix` must be 1 to 32 characters without a space, but is "hey bot", which has a space or a control character
    "#);
    assert_snapshot!(refusal("\u{3000}"), @r#"
    The configuration has a problem:
      config.json:1: `bot.prefix` must be 1 to 32 characters without a space, but is "　", which has a space or a control character
    "#);
    assert_snapshot!(refusal(&"!".repeat(100)), @r#"
    The configuration has a problem:
      config.json:1: `bot.prefix` must be 1 to 32 characters without a space, but is "!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!…", which is longer
    "#);
    assert_eq!(
        read(r#"{"bot": {"prefix": "🤖"}}"#, &[])
            .unwrap()
            .bot
            .prefix,
        "🤖"
    );
}

#[test]
fn numbers_stay_in_their_ranges() {
    let refusal =
        |delay: &str| refusal(&format!(r#"{{"hot_reload": {{"reload_delay": {delay}}}}}"#));
    assert_snapshot!(refusal("-0.1"), @r"
    The configuration has a problem:
      config.json:1: `hot_reload.reload_delay` must be a number from 0 to 60, but is -0.1
    ");
    assert_snapshot!(refusal("60.5"), @r"
    The configuration has a problem:
      config.json:1: `hot_reload.reload_delay` must be a number from 0 to 60, but is 60.5
    ");
    assert_snapshot!(refusal("NaN"), @r#"
    The configuration has a problem:
      config.json:1: not JSON in column 33: expected value
        1 | {"hot_reload": {"reload_delay": NaN}}
          |                                 ^
    "#);
    assert_snapshot!(refusal("1e999"), @r#"
    The configuration has a problem:
      config.json:1: not JSON in column 37: number out of range
        1 | {"hot_reload": {"reload_delay": 1e999}}
          |                                     ^
    "#);
    for limit in [
        "memory_mb",
        "total_memory_mb",
        "cpu_ms",
        "handler_seconds",
        "state_mb",
        "discord_calls_per_10s",
        "discord_refusals_per_10min",
    ] {
        for value in [
            json!(0),
            json!(-1),
            json!(4_294_967_296_u64),
            json!(u64::MAX),
            json!(1e300),
        ] {
            let text = json!({"limits": {limit: value}}).to_string();
            let refusal = read(&text, &[]).expect_err(&text);
            assert!(
                refusal.contains("must be a whole number from 1 to"),
                "{refusal}"
            );
        }
    }
}

#[test]
fn watched_folders_lie_below_lua() {
    let text = json!({"hot_reload": {"watch_directories": [
        "../secrets", "cogs/../..", "/etc", "C:\\bot", "fun\\games", "", ".", "cogs/fun"
    ]}});
    assert_snapshot!(refusal(&text.to_string()), @r#"
    The configuration has 7 problems:
      config.json:1: `hot_reload.watch_directories[0]` must be a folder below lua/, such as "cogs", but is "../secrets", which leads out of lua/
      config.json:1: `hot_reload.watch_directories[1]` must be a folder below lua/, such as "cogs", but is "cogs/../..", which leads out of lua/
      config.json:1: `hot_reload.watch_directories[2]` must be a folder below lua/, such as "cogs", but is "/etc", which is an absolute path
      config.json:1: `hot_reload.watch_directories[3]` must be a folder below lua/, such as "cogs", but is "C:\\bot", which is an absolute path
      config.json:1: `hot_reload.watch_directories[4]` must be a folder below lua/, such as "cogs", but is "fun\\games", which has a backslash: write / instead
      config.json:1: `hot_reload.watch_directories[5]` must be a folder below lua/, such as "cogs", but is "", which names no folder
      config.json:1: `hot_reload.watch_directories[6]` must be a folder below lua/, such as "cogs", but is ".", which names no folder
    "#);
}

#[test]
fn extensions_and_globs_are_checked() {
    let text = json!({"hot_reload": {
        "watch_extensions": ["luau", ".", "", ".a b", ".d.luau"],
        "ignore_patterns": ["[a", "{a,b", "", "*.{tmp,bak}"],
    }});
    assert_snapshot!(refusal(&text.to_string()), @r#"
    The configuration has 7 problems:
      config.json:1: `hot_reload.watch_extensions[0]` must be an extension with its dot, such as ".luau", but is "luau", which has no dot in front
      config.json:1: `hot_reload.watch_extensions[1]` must be an extension with its dot, such as ".luau", but is ".", which is only a dot
      config.json:1: `hot_reload.watch_extensions[2]` must be an extension with its dot, such as ".luau", but is "", which has no dot in front
      config.json:1: `hot_reload.watch_extensions[3]` must be an extension with its dot, such as ".luau", but is ".a b", which cannot end a file's name
      config.json:1: `hot_reload.ignore_patterns[0]` must be a glob, such as "*.tmp", but is "[a", which is none: its "[" has no "]"; write "[[]" for the character itself
      config.json:1: `hot_reload.ignore_patterns[1]` must be a glob, such as "*.tmp", but is "{a,b", which is none: its "{" has no "}"; write "[{]" for the character itself
      config.json:1: `hot_reload.ignore_patterns[2]` must be a glob, such as "*.tmp", but is "", which matches nothing
    "#);
}

#[test]
fn admins_are_ids() {
    let text = json!({"bot": {"admins": [
        "anna", "", "-1", "0", "99999999999999999999", "<@80351110224678912>", "80351110224678912"
    ]}});
    assert_snapshot!(refusal(&text.to_string()), @r#"
    The configuration has 6 problems:
      config.json:1: `bot.admins[0]` must be the id of a user as a text of digits, such as "80351110224678912", but is "anna", which has something else than digits
      config.json:1: `bot.admins[1]` must be the id of a user as a text of digits, such as "80351110224678912", but is "", which has no digits
      config.json:1: `bot.admins[2]` must be the id of a user as a text of digits, such as "80351110224678912", but is "-1", which has something else than digits
      config.json:1: `bot.admins[3]` must be the id of a user as a text of digits, such as "80351110224678912", but is "0", which is nobody's id
      config.json:1: `bot.admins[4]` must be the id of a user as a text of digits, such as "80351110224678912", but is "99999999999999999999", which is longer than an id
      config.json:1: `bot.admins[5]` must be the id of a user as a text of digits, such as "80351110224678912", but is "<@80351110224678912>", which has something else than digits
    "#);
}

#[test]
fn addresses_are_checked_and_the_studio_stays_on_this_machine() {
    let text = json!({
        "studio": {"listen": "192.168.0.5:7878"},
        "metrics": {"listen": "localhost:9184"},
    });
    assert_snapshot!(refusal(&text.to_string()), @r#"
    The configuration has 2 problems:
      config.json:1: `studio.listen` must be an address of this machine alone and a port, such as "127.0.0.1:7878", but is "192.168.0.5:7878", which other machines could reach
      config.json:1: `metrics.listen` must be an address and a port, such as "127.0.0.1:9184", but is "localhost:9184", which is a name: write 127.0.0.1 instead
    "#);
    let text = json!({"studio": {"listen": "127.0.0.1"}, "metrics": {"listen": "metrics"}});
    assert_snapshot!(refusal(&text.to_string()), @r#"
    The configuration has 2 problems:
      config.json:1: `studio.listen` must be an address of this machine alone and a port, such as "127.0.0.1:7878", but is "127.0.0.1", which is not of that form
      config.json:1: `metrics.listen` must be an address and a port, such as "127.0.0.1:9184", but is "metrics", which is not of that form
    "#);

    let text = json!({"studio": {"listen": "[::1]:0"}, "metrics": {"listen": "0.0.0.0:9184"}});
    let config = read(&text.to_string(), &[]).unwrap();
    assert!(config.studio.listen.is_ipv6());
    assert_eq!(config.metrics.listen.unwrap().port(), 9184);
}

#[test]
fn only_sqlite_is_supported_and_no_password_is_shown() {
    let refusal = |url: &str| refusal(&json!({"state": {"url": url}}).to_string());
    let postgres = refusal("postgres://bot:hunter2@db/state");
    assert!(!postgres.contains("hunter2"));
    assert_snapshot!(postgres, @r#"
    The configuration has a problem:
      config.json:1: `state.url` must be sqlite: and the path of a file, such as "sqlite:var/state.db", but is a text, which begins with postgres:, which is not supported
    "#);
    assert_snapshot!(refusal("state.db"), @r#"
    The configuration has a problem:
      config.json:1: `state.url` must be sqlite: and the path of a file, such as "sqlite:var/state.db", but is a text, which does not begin with sqlite:
    "#);
    assert_snapshot!(refusal("sqlite:"), @r#"
    The configuration has a problem:
      config.json:1: `state.url` must be sqlite: and the path of a file, such as "sqlite:var/state.db", but is a text, which names no file
    "#);
    assert_snapshot!(refusal("sqlite://var/state.db"), @r#"
    The configuration has a problem:
      config.json:1: `state.url` must be sqlite: and the path of a file, such as "sqlite:var/state.db", but is a text, which has // after sqlite:, so remove the two slashes
    "#);
    assert_snapshot!(refusal("sqlite::memory:"), @r#"
    The configuration has a problem:
      config.json:1: `state.url` must be sqlite: and the path of a file, such as "sqlite:var/state.db", but is a text, which would lose the state at the end of the run
    "#);
}

#[test]
fn a_password_is_not_shown_either_in_the_place_of_a_section() {
    let texts = [
        refusal(r#"{"state": "postgres://bot:hunter2@db"}"#),
        variable_refusal(&[("COGSMITH_STATE", r#"{"url": "postgres://bot:hunter2@db"#)]),
    ];
    assert!(!texts.concat().contains("hunter2"), "{texts:?}");
}

#[test]
fn capabilities_and_hosts_are_names() {
    let text = json!({
        "capabilities": {
            "": [], "a b": [], "fun.dice": ["messages.send", "Messages Send", "shared:bank", "shared:"]
        },
        "http": {"allow": ["https://example.com/", "example.com:80", "exa mple", "*.example.com", "*"]},
    });
    assert_snapshot!(refusal(&text.to_string()), @r#"
    The configuration has 7 problems:
      config.json:1: `capabilities[""]` must be the name of a cog, such as "fun.dice", or "*", but is "", which cannot be a cog's name
      config.json:1: `capabilities["a b"]` must be the name of a cog, such as "fun.dice", or "*", but is "a b", which cannot be a cog's name
      config.json:1: `capabilities["fun.dice"][1]` must be the name of a capability, such as "messages.send", or "*", but is "Messages Send", which cannot be a capability's name
      config.json:1: `capabilities["fun.dice"][3]` must be the name of a capability, such as "messages.send", or "*", but is "shared:", which cannot be a capability's name
      config.json:1: `http.allow[0]` must be a host, such as "api.example.com", "*.example.com" or "*", but is "https://example.com/", which is an address of a page: write only its host
      config.json:1: `http.allow[1]` must be a host, such as "api.example.com", "*.example.com" or "*", but is "example.com:80", which has a port: write only the host
      config.json:1: `http.allow[2]` must be a host, such as "api.example.com", "*.example.com" or "*", but is "exa mple", which cannot be the name of a host
    "#);
}

#[test]
fn text_that_is_not_json_is_shown_with_its_place() {
    assert_snapshot!(refusal("{\n  \"bot\": {\n    \"prefix\": \"!\",\n  }\n}\n"), @r#"
    The configuration has a problem:
      config.json:4: not JSON in column 3: trailing comma: remove the comma before it
        2 |   "bot": {
        3 |     "prefix": "!",
        4 |   }
          |   ^
    "#);
    assert_snapshot!(refusal("{\n\t\"bot\": é\n}"), @r#"
    The configuration has a problem:
      config.json:2: not JSON in column 9: expected value
        1 | {
        2 | 	"bot": é
          | 	       ^
    "#);
    assert_snapshot!(refusal("{\n  // my bot\n  \"bot\": {}\n}"), @r"
    The configuration has a problem:
      config.json:2: not JSON in column 3: key must be a string (JSON has no comments)
        1 | {
        2 |   // my bot
          |   ^
    ");
    assert_snapshot!(refusal("{\"bot\": {"), @r#"
    The configuration has a problem:
      config.json:1: not JSON in column 9: EOF while parsing an object: a bracket or a quote is not closed
        1 | {"bot": {
          |         ^
    "#);
    assert_snapshot!(refusal(""), @r"
    The configuration has a problem:
      config.json: is empty: write {} for the defaults, or remove the file
    ");
    assert_snapshot!(refusal("{} {}"), @r"
    The configuration has a problem:
      config.json:1: not JSON in column 4: trailing characters
        1 | {} {}
          |    ^
    ");
    let deep = "[".repeat(100_000);
    assert!(refusal(&deep).contains("recursion limit exceeded"));
}

#[test]
fn a_key_that_is_written_twice_is_refused() {
    assert_snapshot!(refusal("{\n\"bot\": {},\n\"bot\": {\"prefix\": \"?\"}\n}"), @r"
    The configuration has a problem:
      config.json:3: `bot` is written twice: remove one of the two
    ");
}

#[test]
fn a_byte_order_mark_is_no_mistake() {
    assert!(read("\u{feff}{}", &[]).is_ok());
}

#[test]
fn very_many_problems_are_counted() {
    let keys: serde_json::Map<String, Value> =
        (0..1_000).map(|n| (format!("zz{n}"), json!(1))).collect();
    let text = refusal(&Value::Object(keys).to_string());
    assert_eq!(
        text.lines().next(),
        Some("The configuration has 1000 problems:")
    );
    assert_eq!(text.lines().last(), Some("  … and 960 more"));
}

#[test]
fn every_key_has_an_override() {
    let config = read(
        r#"{"bot": {"prefix": "?"}, "capabilities": {"ping": []}, "limits": {"cpu_ms": 5}}"#,
        &[
            ("COGSMITH_BOT__PREFIX", "123"),
            ("COGSMITH_BOT__ADMINS", "1, 2"),
            ("COGSMITH_BOT__LOCALE", "id"),
            ("COGSMITH_HOT_RELOAD__ENABLED", "false"),
            ("COGSMITH_HOT_RELOAD__RELOAD_DELAY", "1"),
            ("COGSMITH_HOT_RELOAD__IGNORE_PATTERNS", r#"["{a,b}"]"#),
            ("COGSMITH_HOT_RELOAD__WATCH_DIRECTORIES", ""),
            ("COGSMITH_LIMITS", r#"{"memory_mb": 64}"#),
            ("COGSMITH_LIMITS__STATE_MB", "7"),
            ("COGSMITH_CAPABILITIES", r#"{"*": ["messages.send"]}"#),
            ("COGSMITH_CAPABILITIES__DICE", "*"),
            ("COGSMITH_METRICS__LISTEN", "0.0.0.0:1"),
            ("COGSMITH_LOG", "json"),
            ("COGSMITH_PORT", "tcp://10.0.0.1:80"),
            ("COGSMITH_SERVICE_HOST", "10.0.0.1"),
            ("PATH", "/bin"),
        ],
    )
    .unwrap();
    assert_eq!(config.bot.prefix, "123");
    assert_eq!(config.bot.admins, ["1", "2"]);
    assert_eq!(config.bot.locale, Locale::Id);
    assert!(!config.hot_reload.enabled);
    assert_eq!(config.hot_reload.delay(), Duration::from_secs(1));
    assert_eq!(config.hot_reload.ignore_patterns, ["{a,b}"]);
    assert!(config.hot_reload.watch_directories.is_empty());
    let limits = (
        config.limits.memory_mb,
        config.limits.cpu_ms,
        config.limits.state_mb,
    );
    assert_eq!(limits, (64, 5, 7));
    let granted = serde_json::to_value(&config.capabilities).unwrap();
    assert_eq!(granted, json!({"*": ["messages.send"], "dice": ["*"]}));
    assert_eq!(config.metrics.listen.unwrap().port(), 1);
    let off = read(
        r#"{"metrics": {"listen": "0.0.0.0:1"}}"#,
        &[("COGSMITH_METRICS__LISTEN", "")],
    );
    assert_eq!(off.unwrap().metrics.listen, None);
}

#[test]
fn what_a_file_grants_replaces_the_default() {
    let config = read(r#"{"capabilities": {"ping": ["messages.send"]}}"#, &[]).unwrap();
    assert_eq!(config.capabilities.len(), 1);
}

#[test]
fn wrong_variables_are_named() {
    assert_snapshot!(variable_refusal(&[
        ("COGSMITH_BOT__PREFIX", ""),
        ("COGSMITH_BOT__ADMINS", "1,bob"),
        ("COGSMITH_BOT_PREFIX", "?"),
        ("COGSMITH_BOT__PREFX", "?"),
        ("COGSMITH_A__B", "?"),
        ("COGSMITH_HOT_RELOAD__ENABLED", "maybe"),
        ("COGSMITH_HOT_RELOAD__RELOAD_DELAY", "NaN"),
        ("COGSMITH_HOT_RELOAD__IGNORE_PATTERNS", "[oops"),
        ("COGSMITH_LIMITS", r#"{"memory_mb": "x"}"#),
        ("COGSMITH_LIMITS__CPU_MS__DEEPER", "1"),
        ("COGSMITH_STATE__URL", "mysql://root:hunter2@db"),
    ]), @r#"
    The configuration has 11 problems:
      COGSMITH_A__B: this variable sets no known key
      COGSMITH_BOT_PREFIX: this variable sets no known key, did you mean COGSMITH_BOT__PREFIX?
      COGSMITH_BOT__PREFX: this variable sets no known key, did you mean COGSMITH_BOT__PREFIX?
      COGSMITH_LIMITS__CPU_MS__DEEPER: this variable sets no known key, did you mean COGSMITH_LIMITS__CPU_MS?
      COGSMITH_BOT__ADMINS: `bot.admins[1]` must be the id of a user as a text of digits, such as "80351110224678912", but is "bob", which has something else than digits
      COGSMITH_BOT__PREFIX: `bot.prefix` must be 1 to 32 characters without a space, but is "", which would make every message a command
      COGSMITH_HOT_RELOAD__ENABLED: `hot_reload.enabled` must be true or false, but is "maybe"
      COGSMITH_HOT_RELOAD__IGNORE_PATTERNS: `hot_reload.ignore_patterns` must be a list in [ ], but is "[oops"
      COGSMITH_HOT_RELOAD__RELOAD_DELAY: `hot_reload.reload_delay` must be a number from 0 to 60, but is "NaN"
      COGSMITH_LIMITS: `limits.memory_mb` must be a whole number from 1 to 65536, but is "x"
      COGSMITH_STATE__URL: `state.url` must be sqlite: and the path of a file, such as "sqlite:var/state.db", but is a text, which begins with mysql:, which is not supported
    "#);
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
      FOLDER/away/config.json: cannot be read, for there is no folder FOLDER/away
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

fn connection(variables: &[(&str, &str)]) -> Result<Connection, String> {
    let environment: Environment = variables.iter().copied().collect();
    Connection::from_environment(&environment).map_err(|errors| errors.to_string())
}

#[test]
fn a_token_is_tidied_and_never_shown() {
    let token = |text| connection(&[("DISCORD_TOKEN", text)]).unwrap().token;
    assert_eq!(token(" Bot abc.def-g_h\n").unwrap().expose(), "abc.def-g_h");
    assert_eq!(token("abc").unwrap().expose(), "abc");
    assert!(
        [" ", "", "Bot ", "Bot"]
            .into_iter()
            .all(|text| token(text).is_none())
    );
    assert_eq!(connection(&[]).unwrap(), Connection::default());

    let connection = connection(&[("DISCORD_TOKEN", "hunter2")]).unwrap();
    let token = connection.token.as_ref().unwrap();
    let shown = format!("{connection:?} {token:?} {token}");
    assert!(!shown.contains("hunter2"), "{shown}");
    let environment: Environment = [("DISCORD_TOKEN", "hunter2")].into_iter().collect();
    assert!(!format!("{environment:?}").contains("hunter2"));
}

#[test]
fn what_cannot_be_sent_or_reached_is_one_sentence_each() {
    let refusal = |url| {
        let text = connection(&[("DISCORD_TOKEN", "hun\nter2é"), ("DISCORD_API_URL", url)]);
        let text = text.unwrap_err();
        assert!(!text.contains("ter2"), "{text}");
        text
    };
    assert_snapshot!(refusal("http://bot:ter2@proxy"), @r"
    The configuration has 2 problems:
      DISCORD_TOKEN: the token has a character that no token has (a space, a line break, a letter outside ASCII): copy it again from Discord's developer portal
      DISCORD_API_URL: the address must be of http or https, such as http://127.0.0.1:8080, but it holds a user name or password
    ");
    let reason = |url| connection(&[("DISCORD_API_URL", url)]).unwrap_err();
    assert_snapshot!(reason("discord.com"), @r"
    The configuration has a problem:
      DISCORD_API_URL: the address must be of http or https, such as http://127.0.0.1:8080, but it does not begin with http:// or https://
    ");
    assert_snapshot!(reason("ftp://proxy"), @r"
    The configuration has a problem:
      DISCORD_API_URL: the address must be of http or https, such as http://127.0.0.1:8080, but it does not begin with http:// or https://
    ");
    assert_snapshot!(reason("http:///x"), @r"
    The configuration has a problem:
      DISCORD_API_URL: the address must be of http or https, such as http://127.0.0.1:8080, but it is no address at all
    ");
    assert_snapshot!(reason("http://proxy?x=1"), @r"
    The configuration has a problem:
      DISCORD_API_URL: the address must be of http or https, such as http://127.0.0.1:8080, but it has something after ? or #
    ");
    assert_snapshot!(reason("http://pro xy"), @r"
    The configuration has a problem:
      DISCORD_API_URL: the address must be of http or https, such as http://127.0.0.1:8080, but it is no address at all
    ");
    let url = connection(&[("DISCORD_API_URL", " https://proxy:8080/discord// ")]).unwrap();
    assert_eq!(url.api_url.unwrap(), "https://proxy:8080/discord");

    let gateway = |url| connection(&[("DISCORD_GATEWAY_URL", url)]);
    let reason = |url| gateway(url).unwrap_err();
    assert_snapshot!(reason("http://proxy"), @r"
    The configuration has a problem:
      DISCORD_GATEWAY_URL: the address must be of ws or wss, such as ws://127.0.0.1:7878, but it does not begin with ws:// or wss://
    ");
    for (wrong, fault) in [
        ("ws://bot:ter2@proxy", "it holds a user name or password"),
        ("ws://proxy/#x", "it has something after #"),
        ("wss:///x", "it is no address at all"),
        ("proxy:7878", "it does not begin with ws:// or wss://"),
    ] {
        let reason = reason(wrong);
        assert!(
            reason.contains(fault) && !reason.contains("ter2"),
            "{reason}"
        );
    }
    for (given, read) in [
        (" ws://proxy:7878/ ", Some("ws://proxy:7878")),
        ("wss://proxy/?key=a", Some("wss://proxy/?key=a")),
        ("", None),
    ] {
        assert_eq!(gateway(given).unwrap().gateway_url.as_deref(), read);
    }
}

#[test]
fn the_env_file_adds_and_never_overrides() {
    let folder = tempfile::tempdir().unwrap();
    let write = |text: &str| std::fs::write(folder.path().join(".env"), text).unwrap();
    let real = || {
        [("DISCORD_TOKEN", "real")]
            .into_iter()
            .collect::<Environment>()
    };

    assert_eq!(real().with_file_in(folder.path()).unwrap().get("A"), None);
    write("# mine\nDISCORD_TOKEN=file\nA=\"b c\"\nCOGSMITH_BOT__PREFIX='#'\n");
    let both = real().with_file_in(folder.path()).unwrap();
    assert_eq!(both.get("DISCORD_TOKEN"), Some("real"));
    assert_eq!(both.get("A"), Some("b c"));
    let config = config::load(&folder.path().join("config.json"), &both).unwrap();
    assert_eq!(config.bot.prefix, "#");

    write("A=1\n\nDISCORD_TOKEN hunter2\n");
    let text = real().with_file_in(folder.path()).unwrap_err().to_string();
    let text = text.replace(&folder.path().display().to_string(), "FOLDER");
    assert_snapshot!(text, @r"
    The configuration has a problem:
      FOLDER/.env:3: this line is not NAME=value (a value with spaces or # needs quotes)
    ");
}

/// A text as an editor of Windows may save it.
fn saved(text: &str) -> [(&'static str, Vec<u8>); 4] {
    let wide = |mark: &str, order: fn(u16) -> [u8; 2]| -> Vec<u8> {
        format!("{mark}{text}")
            .encode_utf16()
            .flat_map(order)
            .collect()
    };
    [
        ("little, marked", wide("\u{feff}", u16::to_le_bytes)),
        ("big, marked", wide("\u{feff}", u16::to_be_bytes)),
        ("little", wide("", u16::to_le_bytes)),
        ("big", wide("", u16::to_be_bytes)),
    ]
}

#[test]
fn the_env_file_and_the_configuration_may_come_from_editors_of_windows() {
    let folder = tempfile::tempdir().unwrap();
    let (env, json) = (
        folder.path().join(".env"),
        folder.path().join("config.json"),
    );
    let read = || Environment::default().with_file_in(folder.path());
    let load = || config::load(&json, &Environment::default());

    std::fs::write(
        &env,
        "\u{feff}DISCORD_TOKEN=abc\r\n\r\n# two\r\nA='b c'\r\n",
    )
    .unwrap();
    let variables = read().unwrap();
    assert_eq!(variables.get("DISCORD_TOKEN"), Some("abc"));
    assert_eq!(variables.get("A"), Some("b c"));
    std::fs::write(
        &json,
        "\u{feff}{\r\n  \"bot\": { \"prefix\": \"?\" }\r\n}\r\n",
    )
    .unwrap();
    assert_eq!(load().unwrap().bot.prefix, "?");

    let told = |text: String| text.replace(&folder.path().display().to_string(), "FOLDER");
    for (name, bytes) in saved("DISCORD_TOKEN=abc\r\nA=1\r\n") {
        std::fs::write(&env, bytes).unwrap();
        let text = told(read().unwrap_err().to_string());
        let wanted = "FOLDER/.env: is UTF-16 text; save it as UTF-8";
        assert!(text.ends_with(wanted), "{name}: {text}");
    }
    for (name, bytes) in saved("{}\r\n") {
        std::fs::write(&json, bytes).unwrap();
        let text = told(load().unwrap_err().to_string());
        let wanted = "FOLDER/config.json: is UTF-16 text; save it as UTF-8";
        assert!(text.ends_with(wanted), "{name}: {text}");
    }
    std::fs::write(&env, b"A=1\nB=caf\xE9\n").unwrap();
    let text = told(read().unwrap_err().to_string());
    assert!(
        text.ends_with("is not UTF-8 in line 2; save it as UTF-8"),
        "{text}"
    );
}

/// Any JSON, often with the names and the shape of a configuration.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        "(sqlite:|\\*|127.0.0.1:|\\.\\.|/|[0-9]{0,3}|\\.[a-z]){0,3}".prop_map(Value::from),
    ];
    let name = prop_oneof![
        ".{0,6}",
        "(bot|hot_reload|limits|capabilities|http|state|studio|metrics|\\$schema)",
        "(prefix|admins|locale|enabled|watch_directories|ignore_patterns|reload_delay|memory_mb|\
          allow|url|listen|\\*)",
    ];
    leaf.prop_recursive(4, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(name.clone(), inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// What passes the check is also what serde accepts, so `cannot be used` is never seen.
    #[test]
    fn any_json_is_read_or_refused_by_the_check(tree in any_json(), pretty: bool) {
        let text = if pretty { format!("{tree:#}") } else { tree.to_string() };
        if let Err(text) = read(&text, &[]) {
            prop_assert!(!text.contains("cannot be used"), "{text}");
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,40}") {
        prop_assert!(read(&text, &[]).map_or_else(|text| !text.is_empty(), |_| true));
    }

    #[test]
    fn any_variable_is_read_or_refused(
        name in "COGSMITH_(BOT__PREFIX|BOT|LIMITS__CPU_MS|CAPABILITIES__[A-Z.*]{0,3}|[A-Z_]{0,8})",
        value in ".{0,12}",
    ) {
        if let Err(text) = read("{}", &[(&name, &value)]) {
            prop_assert!(!text.contains("cannot be used"), "{text}");
        }
    }
}

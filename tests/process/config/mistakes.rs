//! What is told of a file that is wrong.

use super::{read, refusal, variable_refusal};
use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::{Value, json};

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
      config.json:2: `bot.admins[1]` must be the id of a user as a text of digits, such as "80351110224678912", but is "anna", which has characters that are not digits
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
      config.json:1: `bot.admins[0]` must be the id of a user as a text of digits, such as "80351110224678912", but is "anna", which has characters that are not digits
      config.json:1: `bot.admins[1]` must be the id of a user as a text of digits, such as "80351110224678912", but is "", which has no digits
      config.json:1: `bot.admins[2]` must be the id of a user as a text of digits, such as "80351110224678912", but is "-1", which has characters that are not digits
      config.json:1: `bot.admins[3]` must be the id of a user as a text of digits, such as "80351110224678912", but is "0", which is nobody's id
      config.json:1: `bot.admins[4]` must be the id of a user as a text of digits, such as "80351110224678912", but is "99999999999999999999", which is longer than an id
      config.json:1: `bot.admins[5]` must be the id of a user as a text of digits, such as "80351110224678912", but is "<@80351110224678912>", which has characters that are not digits
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
      config.json:1: `state.url` must be sqlite: and the path of a file, such as "sqlite:var/state.db", but is a text, which would lose the state when the bot stops
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
      config.json:1: `http.allow[0]` must be a host, such as "api.example.com", "*.example.com" or "*", but is "https://example.com/", which is a URL: write only its host
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

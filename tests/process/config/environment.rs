//! Variables, `.env`, the token and where to connect.

use super::{read, variable_refusal};
use cogsmith::config::{self, Connection, Environment, Locale};
use insta::assert_snapshot;
use serde_json::json;
use std::time::Duration;

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
      COGSMITH_BOT__ADMINS: `bot.admins[1]` must be the id of a user as a text of digits, such as "80351110224678912", but is "bob", which has characters that are not digits
      COGSMITH_BOT__PREFIX: `bot.prefix` must be 1 to 32 characters without a space, but is "", which would make every message a command
      COGSMITH_HOT_RELOAD__ENABLED: `hot_reload.enabled` must be true or false, but is "maybe"
      COGSMITH_HOT_RELOAD__IGNORE_PATTERNS: `hot_reload.ignore_patterns` must be a list in [ ], but is "[oops"
      COGSMITH_HOT_RELOAD__RELOAD_DELAY: `hot_reload.reload_delay` must be a number from 0 to 60, but is "NaN"
      COGSMITH_LIMITS: `limits.memory_mb` must be a whole number from 1 to 65536, but is "x"
      COGSMITH_STATE__URL: `state.url` must be sqlite: and the path of a file, such as "sqlite:var/state.db", but is a text, which begins with mysql:, which is not supported
    "#);
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
      DISCORD_API_URL: the address must be of http or https, such as http://127.0.0.1:8080, but it is not a URL
    ");
    assert_snapshot!(reason("http://proxy?x=1"), @r"
    The configuration has a problem:
      DISCORD_API_URL: the address must be of http or https, such as http://127.0.0.1:8080, but it has something after ? or #
    ");
    assert_snapshot!(reason("http://pro xy"), @r"
    The configuration has a problem:
      DISCORD_API_URL: the address must be of http or https, such as http://127.0.0.1:8080, but it is not a URL
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
        ("wss:///x", "it is not a URL"),
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

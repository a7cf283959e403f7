//! What the texts in the configuration must be, beyond being texts: one row a key.

use super::globs;
use std::net::SocketAddr;
use std::path::{Component, Path};

/// What one text must be.
pub(super) struct Rule {
    /// The key, as [`super::key_path::KeyPath::pattern`] writes it.
    pattern: &'static str,
    /// Follows "must be".
    pub(super) expected: &'static str,
    /// What is wrong with a text, if anything; follows "but is "…", which".
    pub(super) fault: fn(&str) -> Option<String>,
    /// Whether the text may hold a password, so that no message may show it.
    pub(super) is_secret: bool,
}

const RULES: &[Rule] = &[
    open(
        "bot.prefix",
        "1 to 32 characters without a space",
        prefix_fault,
    ),
    open(
        "bot.admins[]",
        "the id of a user as a text of digits, such as \"80351110224678912\"",
        id_fault,
    ),
    open(
        "bot.presence.activities[].name",
        "1 to 128 characters",
        |text| length_fault(text, 1, 128),
    ),
    open(
        "bot.presence.activities[].state",
        "up to 128 characters",
        |text| length_fault(text, 0, 128),
    ),
    open(
        "bot.presence.activities[].url",
        "an address of up to 512 characters",
        |text| length_fault(text, 0, 512),
    ),
    open(
        "bot.dev_guilds[]",
        "the id of a server as a text of digits, such as \"613425648685547541\"",
        id_fault,
    ),
    open(
        "hot_reload.watch_directories[]",
        "a folder below lua/, such as \"cogs\"",
        directory_fault,
    ),
    open(
        "hot_reload.watch_extensions[]",
        "an extension with its dot, such as \".luau\"",
        extension_fault,
    ),
    open(
        "hot_reload.ignore_patterns[]",
        "a glob, such as \"*.tmp\"",
        glob_fault,
    ),
    open(
        "capabilities{}",
        "the name of a cog, such as \"fun.dice\", or \"*\"",
        cog_fault,
    ),
    open(
        "capabilities{}[]",
        "the name of a capability, such as \"messages.send\", or \"*\"",
        capability_fault,
    ),
    open(
        "http.allow[]",
        "a host, such as \"api.example.com\", \"*.example.com\" or \"*\"",
        host_fault,
    ),
    Rule {
        pattern: "state.url",
        expected: "sqlite: and the path of a file, such as \"sqlite:var/state.db\"",
        fault: state_fault,
        is_secret: true,
    },
    open(
        "studio.listen",
        "an address of this machine alone and a port, such as \"127.0.0.1:7878\"",
        loopback_fault,
    ),
    open(
        "metrics.listen",
        "an address and a port, such as \"127.0.0.1:9184\"",
        address_fault,
    ),
];

/// A rule for a text that may be shown.
const fn open(
    pattern: &'static str,
    expected: &'static str,
    fault: fn(&str) -> Option<String>,
) -> Rule {
    Rule {
        pattern,
        expected,
        fault,
        is_secret: false,
    }
}

/// The rule for the key `pattern`.
pub(super) fn rule_for(pattern: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.pattern == pattern)
}

/// `fault` where `is_faulty`.
fn when(is_faulty: bool, fault: &str) -> Option<String> {
    is_faulty.then(|| fault.to_owned())
}

fn length_fault(text: &str, least: usize, most: usize) -> Option<String> {
    let count = text.chars().count();
    (!(least..=most).contains(&count)).then(|| format!("has {count} characters"))
}

fn prefix_fault(text: &str) -> Option<String> {
    // A space at the end separates a word from the command: `Cog ping`.
    let word = text.strip_suffix(' ').filter(|word| !word.is_empty());
    let has_gap = word
        .unwrap_or(text)
        .chars()
        .any(|c| c.is_whitespace() || c.is_control());
    when(text.is_empty(), "would make every message a command")
        .or_else(|| when(has_gap, "has a space or a control character"))
        .or_else(|| when(text.chars().count() > 32, "is longer"))
}

fn id_fault(text: &str) -> Option<String> {
    let has_other = !text.bytes().all(|byte| byte.is_ascii_digit());
    let is_zero = text.parse().is_ok_and(|id: u64| id == 0);
    when(text.is_empty(), "has no digits")
        .or_else(|| when(has_other, "has characters that are not digits"))
        .or_else(|| when(is_zero, "is nobody's id"))
        .or_else(|| when(text.parse::<u64>().is_err(), "is longer than an id"))
}

fn directory_fault(text: &str) -> Option<String> {
    let parts = || Path::new(text).components();
    let is_absolute = parts().any(|part| matches!(part, Component::RootDir | Component::Prefix(_)));
    let leaves = text.split(['/', '\\']).any(|part| part == "..");
    let is_named = parts().any(|part| matches!(part, Component::Normal(_)));
    when(leaves, "leads out of lua/")
        .or_else(|| when(is_absolute || text.contains(':'), "is an absolute path"))
        .or_else(|| when(text.contains('\\'), "has a backslash: write / instead"))
        .or_else(|| when(!is_named || text.contains('\0'), "names no folder"))
}

fn extension_fault(text: &str) -> Option<String> {
    let rest = text.strip_prefix('.');
    let is_odd = |rest: &str| {
        rest.chars()
            .any(|c| c.is_whitespace() || "/\\\0*".contains(c))
    };
    when(rest.is_none(), "has no dot in front")
        .or_else(|| when(rest == Some(""), "is only a dot"))
        .or_else(|| when(rest.is_some_and(is_odd), "cannot end a file's name"))
}

fn glob_fault(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some("matches nothing".to_owned());
    }
    globs::fault_of(text).map(|fault| format!("is none: {fault}"))
}

fn cog_fault(text: &str) -> Option<String> {
    let is_name = |part: &str| {
        !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || "/\\*\0".contains(c))
    };
    when(
        text != "*" && !text.split('.').all(is_name),
        "cannot be a cog's name",
    )
}

fn capability_fault(text: &str) -> Option<String> {
    let is_word = |part: &str| {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        !part.is_empty() && part.chars().all(allowed)
    };
    let is_name = match text.split_once(':') {
        Some((kind, name)) => kind == "shared" && !name.is_empty() && !name.contains(' '),
        None => text == "*" || text.split('.').all(is_word),
    };
    when(!is_name, "cannot be a capability's name")
}

fn host_fault(text: &str) -> Option<String> {
    if text == "*" {
        return None;
    }
    let host = text.strip_prefix("*.").unwrap_or(text);
    let is_label = |label: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
        !label.is_empty() && label.len() <= 63 && label.chars().all(allowed)
    };
    when(text.contains('/'), "is a URL: write only its host")
        .or_else(|| when(text.contains(':'), "has a port: write only the host"))
        .or_else(|| {
            when(
                !host.split('.').all(is_label),
                "cannot be the name of a host",
            )
        })
}

fn state_fault(text: &str) -> Option<String> {
    let Some(path) = text.strip_prefix("sqlite:") else {
        // Other schemes carry passwords, so only the scheme is told.
        let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
        let is_plain = !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric());
        return Some(if is_plain {
            format!("begins with {scheme}:, which is not supported")
        } else {
            "does not begin with sqlite:".to_owned()
        });
    };
    let names_no_file = path.is_empty() || path.ends_with(['/', '\\']) || path.contains('\0');
    when(names_no_file, "names no file")
        .or_else(|| {
            when(
                path.starts_with("//"),
                "has // after sqlite:, so remove the two slashes",
            )
        })
        .or_else(|| when(path.contains('?'), "has options, which are not supported"))
        .or_else(|| {
            when(
                path.starts_with(':'),
                "would lose the state when the bot stops",
            )
        })
}

fn loopback_fault(text: &str) -> Option<String> {
    let is_loopback = |address: SocketAddr| address.ip().is_loopback();
    address_fault(text).or_else(|| {
        when(
            !text.parse().is_ok_and(is_loopback),
            "other machines could reach",
        )
    })
}

fn address_fault(text: &str) -> Option<String> {
    when(
        text.starts_with("localhost:"),
        "is a name: write 127.0.0.1 instead",
    )
    .or_else(|| when(text.parse::<SocketAddr>().is_err(), "is not of that form"))
}

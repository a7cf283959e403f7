//! Where a value is: a namespace, a scope in it, a path in that.

use super::{Key, StateError};
use std::fmt::{self, Write};
use std::sync::Arc;

/// How much of a long key a rendered path shows, in characters.
const SHOWN_KEY: usize = 40;

/// Whose state it is: `cog:leveling`, `shared:bank`, or another name that the host gives out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace(Arc<str>);

impl Namespace {
    /// A namespace by its whole name.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// What belongs to one cog alone: `cog:<name>`.
    pub fn cog(name: &str) -> Self {
        Self::new(format!("cog:{name}"))
    }

    /// The jobs of one cog: `jobs:<name>`. They are charged to it like its own namespace.
    pub fn jobs(cog: &str) -> Self {
        Self::new(format!("jobs:{cog}"))
    }

    /// The cog whose jobs these are, if they are jobs.
    pub fn jobs_of(&self) -> Option<&str> {
        self.0.strip_prefix("jobs:")
    }

    /// The cog's namespace to which what is in this one is charged.
    pub(super) fn payer(&self) -> Self {
        self.jobs_of().map_or_else(|| self.clone(), Self::cog)
    }

    /// What cogs share: `shared:<name>`.
    pub fn shared(name: &str) -> Self {
        Self::new(format!("shared:{name}"))
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether several VMs write to it at the same time.
    pub(super) fn is_shared(&self) -> bool {
        self.0.starts_with("shared:")
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What a table of state belongs to. Ids are snowflakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StateScope {
    /// One table for all.
    Global,
    /// A guild.
    Guild(u64),
    /// A channel.
    Channel(u64),
    /// A user, in every guild.
    User(u64),
    /// A role.
    Role(u64),
    /// A user in a guild: the guild first.
    Member(u64, u64),
    /// The rows that belong to no guild: by name, and there by key.
    Rows,
    /// The rows of a guild, in the same way.
    GuildRows(u64),
}

/// The kinds of [`StateScope`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScopeKind {
    /// `state.global`
    Global,
    /// `state.guild(id)`
    Guild,
    /// `state.channel(id)`
    Channel,
    /// `state.user(id)`
    User,
    /// `state.role(id)`
    Role,
    /// `state.member(guild_id, user_id)`
    Member,
    /// `state.rows(name, shape, "global")`
    Rows,
    /// `state.rows(name, shape, "guild")`
    GuildRows,
}

impl ScopeKind {
    /// Every kind, in the order in which the database numbers them.
    pub const ALL: [Self; 8] = [
        Self::Global,
        Self::Guild,
        Self::Channel,
        Self::User,
        Self::Role,
        Self::Member,
        Self::Rows,
        Self::GuildRows,
    ];

    /// Whether it holds rows: tables of many small ones, each of which is what other kinds have as a whole.
    pub fn is_of_rows(self) -> bool {
        matches!(self, Self::Rows | Self::GuildRows)
    }

    /// How many keys below the scope an entry is, which is what has defaults: the scope itself, or a row by its name
    /// and its key.
    pub(super) fn depth(self) -> usize {
        if self.is_of_rows() { 2 } else { 0 }
    }

    /// The name that authors write: `guild`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Guild => "guild",
            Self::Channel => "channel",
            Self::User => "user",
            Self::Role => "role",
            Self::Member => "member",
            Self::Rows | Self::GuildRows => "rows",
        }
    }

    /// The kind of that name, of those that are one table for each id.
    pub fn from_name(name: &str) -> Option<Self> {
        let mut kinds = Self::ALL.into_iter().filter(|kind| !kind.is_of_rows());
        kinds.find(|kind| kind.name() == name)
    }

    /// The ids that a scope of this kind takes.
    pub fn ids(self) -> &'static [&'static str] {
        match self {
            Self::Global | Self::Rows => &[],
            Self::Guild | Self::GuildRows => &["guild_id"],
            Self::Channel => &["channel_id"],
            Self::User => &["user_id"],
            Self::Role => &["role_id"],
            Self::Member => &["guild_id", "user_id"],
        }
    }
}

impl StateScope {
    /// The scope of `kind` with these ids, which are Discord's: strings of digits.
    pub fn parse(kind: ScopeKind, ids: &[&str]) -> Result<Self, StateError> {
        let names = kind.ids();
        if ids.len() != names.len() {
            return Err(StateError::Ids {
                function: format!("state.{}", kind.name()),
                expected: match names {
                    [] => "no id".into(),
                    _ => names.join(", "),
                },
                got: ids.len(),
            });
        }
        let mut parsed = [0; 2];
        for ((slot, name), text) in parsed.iter_mut().zip(names).zip(ids) {
            *slot = snowflake(text).map_err(|problem| StateError::Id {
                function: format!("state.{}", kind.name()),
                field: (*name).to_owned(),
                problem,
            })?;
        }
        Ok(Self::from_parts(kind, parsed[0], parsed[1]))
    }

    /// The kind.
    pub fn kind(self) -> ScopeKind {
        match self {
            Self::Global => ScopeKind::Global,
            Self::Guild(_) => ScopeKind::Guild,
            Self::Channel(_) => ScopeKind::Channel,
            Self::User(_) => ScopeKind::User,
            Self::Role(_) => ScopeKind::Role,
            Self::Member(..) => ScopeKind::Member,
            Self::Rows => ScopeKind::Rows,
            Self::GuildRows(_) => ScopeKind::GuildRows,
        }
    }

    /// The guild that it belongs to.
    pub fn guild(self) -> Option<u64> {
        match self {
            Self::Guild(guild) | Self::Member(guild, _) | Self::GuildRows(guild) => Some(guild),
            _ => None,
        }
    }

    /// The ids, 0 where the kind has none.
    pub(super) fn parts(self) -> (u64, u64) {
        match self {
            Self::Global | Self::Rows => (0, 0),
            Self::Guild(id)
            | Self::Channel(id)
            | Self::User(id)
            | Self::Role(id)
            | Self::GuildRows(id) => (id, 0),
            Self::Member(guild, user) => (guild, user),
        }
    }

    pub(super) fn from_parts(kind: ScopeKind, one: u64, two: u64) -> Self {
        match kind {
            ScopeKind::Global => Self::Global,
            ScopeKind::Guild => Self::Guild(one),
            ScopeKind::Channel => Self::Channel(one),
            ScopeKind::User => Self::User(one),
            ScopeKind::Role => Self::Role(one),
            ScopeKind::Member => Self::Member(one, two),
            ScopeKind::Rows => Self::Rows,
            ScopeKind::GuildRows => Self::GuildRows(one),
        }
    }
}

impl fmt::Display for StateScope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&render_path(self, &[]))
    }
}

/// A path as its author would write it: `state.guild["1"].xp.handler`, `state.rows("tags")("1").hello.uses`.
pub fn render_path(scope: &StateScope, path: &[Key]) -> String {
    if scope.kind().is_of_rows() {
        return render_row(*scope, path);
    }
    let mut text = format!("state.{}", scope.kind().name());
    let (one, two) = scope.parts();
    for (id, _) in [one, two].into_iter().zip(scope.kind().ids()) {
        push(&mut text, format_args!("[\"{id}\"]"));
    }
    push_keys(&mut text, path);
    text
}

fn render_row(scope: StateScope, path: &[Key]) -> String {
    let Some((name, keys)) = path.split_first() else {
        return "state.rows".into();
    };
    let mut text = render_default(scope.kind(), Some(name), &[]);
    let guild = scope.guild().map(|guild| format!("\"{guild}\""));
    push(&mut text, format_args!("({})", guild.unwrap_or_default()));
    push_keys(&mut text, keys);
    text
}

/// A path in the defaults of a kind of scope: `state.guild.xp`, `state.rows("tags").uses`.
pub(super) fn render_default(kind: ScopeKind, rows: Option<&Key>, path: &[Key]) -> String {
    let mut text = format!("state.{}", kind.name());
    if let Some(Key::Str(name)) = rows {
        let name = String::from_utf8_lossy(name);
        push(&mut text, format_args!("(\"{}\")", name.escape_debug()));
    }
    push_keys(&mut text, path);
    text
}

fn push_keys(text: &mut String, path: &[Key]) {
    for key in path {
        match key {
            Key::Int(number) => push(text, format_args!("[{number}]")),
            Key::Str(name) => push_name(text, &String::from_utf8_lossy(name)),
        }
    }
}

fn push_name(text: &mut String, name: &str) {
    let mut letters = name.chars();
    let is_name = letters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    let shown: String = name.chars().take(SHOWN_KEY).collect();
    let rest = if shown.len() < name.len() { "…" } else { "" };
    if is_name {
        push(text, format_args!(".{shown}{rest}"));
    } else {
        push(text, format_args!("[\"{}{rest}\"]", shown.escape_debug()));
    }
}

fn push(text: &mut String, part: fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _written = text.write_fmt(part).is_ok();
}

/// An id, or what is wrong with it.
fn snowflake(text: &str) -> Result<u64, String> {
    let shown: String = text.chars().take(SHOWN_KEY).collect();
    let shown = shown.escape_debug();
    if text.is_empty() {
        return Err("is empty; an id is a string of digits".into());
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("is \"{shown}\"; an id is a string of digits"));
    }
    if text.len() > 1 && text.starts_with('0') {
        return Err(format!("is \"{shown}\"; an id has no leading zeros"));
    }
    text.parse()
        .map_err(|_| format!("is \"{shown}\"; no id is that long"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_become_scopes_and_errors_name_what_is_wrong() {
        let parse =
            |kind, ids: &[&str]| StateScope::parse(kind, ids).map_err(|error| error.to_string());
        assert_eq!(parse(ScopeKind::Global, &[]), Ok(StateScope::Global));
        assert_eq!(
            parse(ScopeKind::Member, &["1", "18446744073709551615"]),
            Ok(StateScope::Member(1, u64::MAX))
        );
        for (kind, ids, says) in [
            (ScopeKind::Guild, vec!["abc"], "guild_id is \"abc\""),
            (ScopeKind::Guild, vec![""], "guild_id is empty"),
            (ScopeKind::User, vec!["007"], "no leading zeros"),
            (ScopeKind::User, vec!["18446744073709551616"], "that long"),
            (ScopeKind::Member, vec!["1", "-2"], "user_id is \"-2\""),
            (ScopeKind::Member, vec!["1"], "guild_id, user_id"),
            (ScopeKind::Global, vec!["1"], "no id"),
        ] {
            let error = parse(kind, &ids).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn paths_read_as_their_author_would_write_them() {
        let path = ["xp".into(), Key::Int(3), "two words".into(), "a\"\n".into()];
        assert_eq!(
            render_path(&StateScope::Member(1, 2), &path),
            r#"state.member["1"]["2"].xp[3]["two words"]["a\"\n"]"#
        );
        assert_eq!(
            render_path(&StateScope::Guild(1), &["xp".into(), "handler".into()]),
            r#"state.guild["1"].xp.handler"#
        );
        let row = ["tags".into(), "hello".into(), "uses".into()];
        for (scope, length, rendered) in [
            (
                StateScope::GuildRows(1),
                3,
                r#"state.rows("tags")("1").hello.uses"#,
            ),
            (StateScope::Rows, 2, r#"state.rows("tags")().hello"#),
            (StateScope::Rows, 0, "state.rows"),
        ] {
            assert_eq!(render_path(&scope, &row[..length]), rendered);
        }
        assert!(render_path(&StateScope::Global, &["x".repeat(1_000).as_str().into()]).len() < 100);
    }
}

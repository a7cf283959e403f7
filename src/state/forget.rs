//! What belongs to a user, a guild or anything else that state is kept for, and goes when that is forgotten.
//!
//! | forgotten | goes |
//! |---|---|
//! | a user | the user's table, the user as a member of every guild, and every row whose key is the user's id |
//! | a member | the member's table, and the guild's rows whose key is the user's id |
//! | a guild | the guild's table, its members, its rows |
//! | global | the global table, and the rows that belong to no guild |
//! | a channel, a role | its table |

use super::{Key, KeyRef, Namespace, ScopeKind, StateScope, StateTable, Value};
use std::sync::Arc;

/// What was removed from one namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forgotten {
    /// Whose it was.
    pub namespace: Namespace,
    /// How many entries: tables of scopes, and rows.
    pub entries: usize,
}

/// What of a scope belongs to whatever is forgotten.
enum Part {
    Nothing,
    All,
    /// The rows with this key.
    Row(Key),
}

/// The kinds of scopes, besides its own, in which something of it may be.
pub(super) fn other_kinds(forgotten: StateScope) -> &'static [ScopeKind] {
    match forgotten {
        StateScope::User(_) => &[ScopeKind::Member, ScopeKind::Rows, ScopeKind::GuildRows],
        StateScope::Guild(_) => &[ScopeKind::Member, ScopeKind::GuildRows],
        StateScope::Member(..) => &[ScopeKind::GuildRows],
        StateScope::Global => &[ScopeKind::Rows],
        _ => &[],
    }
}

/// The paths of a scope that go with whatever is forgotten; the empty one is all of it.
pub(super) fn paths(forgotten: StateScope, scope: StateScope, table: &StateTable) -> Vec<Vec<Key>> {
    let key = match part(forgotten, scope) {
        Part::Nothing => return Vec::new(),
        Part::All => return vec![Vec::new()],
        Part::Row(key) => key,
    };
    let names = table.iter().filter(|(_, rows)| {
        let rows = rows.as_table().map(Arc::as_ref);
        rows.is_some_and(|rows| rows.get(key.as_ref()).is_some())
    });
    let path = |(name, _): (KeyRef<'_>, &Value)| vec![name.to_key(), key.clone()];
    names.map(path).collect()
}

fn part(forgotten: StateScope, scope: StateScope) -> Part {
    use StateScope::{Global, Guild, GuildRows, Member, Rows, User};
    let row = |user: u64| Part::Row(user.to_string().as_str().into());
    match (forgotten, scope) {
        _ if forgotten == scope => Part::All,
        (User(user), Member(_, other)) if user == other => Part::All,
        (User(user), Rows | GuildRows(_)) => row(user),
        (Guild(guild), Member(other, _) | GuildRows(other)) if guild == other => Part::All,
        (Member(guild, user), GuildRows(other)) if guild == other => row(user),
        (Global, Rows) => Part::All,
        _ => Part::Nothing,
    }
}

//! The database's format: made when it is new, checked when it is not.

use rusqlite::{Connection, OptionalExtension, Result};

/// The newest format that is understood, in `user_version`. 2 has rows (kinds 6 and 7) and versions of entries, which 1
/// does not know; what is in 1 reads the same in 2.
pub(super) const FORMAT: i64 = 2;
/// `CogS`, in `application_id`: tells our database from any other.
const APPLICATION: i64 = 0x436F_6753;

/// What each cog is charged for in shared namespaces. This table is newer than the format, but does not change it:
/// versions that do not know it ignore it.
const WRITERS: &str = "
    CREATE TABLE IF NOT EXISTS writers (
        namespace INTEGER NOT NULL,
        writer    TEXT NOT NULL,
        bytes     INTEGER NOT NULL,
        PRIMARY KEY (namespace, writer)
    ) WITHOUT ROWID, STRICT;
";
const TABLES: &str = "
    CREATE TABLE namespaces (
        id      INTEGER PRIMARY KEY,
        name    TEXT NOT NULL UNIQUE,
        version INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE entries (
        namespace INTEGER NOT NULL,
        kind      INTEGER NOT NULL,
        id1       INTEGER NOT NULL,
        id2       INTEGER NOT NULL,
        path      BLOB NOT NULL,
        value     BLOB NOT NULL,
        PRIMARY KEY (namespace, kind, id1, id2, path)
    ) WITHOUT ROWID, STRICT;
";

/// What a file is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Ours, in a format that is understood.
    Ours,
    /// Ours, from a newer version.
    Newer(i64),
    /// Somebody else's.
    Foreign,
    /// Ours, and damaged.
    Damaged(String),
}

/// Looks at the database and makes the tables if it is new. A database that is not ours, or is newer, is not changed.
pub(super) fn check(connection: &Connection) -> Result<Found> {
    let application: i64 = pragma(connection, "application_id")?;
    let format: i64 = pragma(connection, "user_version")?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application != APPLICATION {
        if application != 0 || format != 0 || tables != 0 {
            return Ok(Found::Foreign);
        }
        create(connection)?;
        return Ok(Found::Ours);
    }
    if format > FORMAT {
        return Ok(Found::Newer(format));
    }
    let problem: Option<String> = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .optional()?;
    match problem {
        Some(problem) if problem != "ok" => Ok(Found::Damaged(problem)),
        _ => {
            connection.execute_batch(WRITERS)?;
            if format < FORMAT {
                connection.pragma_update(None, "user_version", FORMAT)?;
            }
            Ok(Found::Ours)
        }
    }
}

fn create(connection: &Connection) -> Result<()> {
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; {TABLES} {WRITERS}
         PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {FORMAT}; COMMIT;"
    ))
}

fn pragma(connection: &Connection, name: &str) -> Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

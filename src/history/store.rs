//! The database of versions. A text is stored once, compressed, whatever number of versions have it. `write` writes.

mod write;

use super::HistoryError;
use super::kept::{Digest, Kept, UndoneRecord};
use super::version::{Cause, FailedLoad, FileChange, HistoryOf, Version};
use crate::vm::resolve::{ModuleId, Source};
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How many versions of each cog are kept.
pub const MOST_VERSIONS: u32 = 10;
/// How many failed attempts of each cog are kept.
pub const MOST_ATTEMPTS: u32 = 10;
/// The longest text that is taken out again: many times what a source may have.
const LONGEST_TEXT: usize = 64 << 20;

/// The format, in `user_version`.
const FORMAT: i64 = 1;
/// How long a reader waits for the bot to end a write, and the other way round.
const PATIENCE: Duration = Duration::from_secs(2);

const TABLES: &str = "
    CREATE TABLE texts (
        digest BLOB PRIMARY KEY,
        zstd   BLOB NOT NULL
    ) WITHOUT ROWID, STRICT;
    CREATE TABLE versions (
        cog      TEXT NOT NULL,
        number   INTEGER NOT NULL,
        at       REAL NOT NULL,
        until    REAL,
        cause    TEXT NOT NULL,
        of       INTEGER,
        entry    TEXT NOT NULL,
        aliases  TEXT NOT NULL,
        rebuilt  INTEGER NOT NULL DEFAULT 0,
        handlers INTEGER NOT NULL DEFAULT 0,
        failures INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (cog, number)
    ) WITHOUT ROWID, STRICT;
    CREATE TABLE modules (
        cog    TEXT NOT NULL,
        number INTEGER NOT NULL,
        file   TEXT NOT NULL,
        digest BLOB NOT NULL,
        late   INTEGER NOT NULL,
        PRIMARY KEY (cog, number, file)
    ) WITHOUT ROWID, STRICT;
    CREATE INDEX modules_by_digest ON modules (digest);
    CREATE TABLE attempts (
        id      INTEGER PRIMARY KEY,
        cog     TEXT NOT NULL,
        at      REAL NOT NULL,
        cause   TEXT NOT NULL,
        problem TEXT NOT NULL
    ) STRICT;
    CREATE INDEX attempts_by_cog ON attempts (cog);
    CREATE TABLE undone (
        cog   TEXT PRIMARY KEY,
        of    INTEGER NOT NULL,
        since REAL NOT NULL,
        by    TEXT NOT NULL
    ) WITHOUT ROWID, STRICT;
    CREATE TABLE undone_files (
        cog    TEXT NOT NULL,
        file   TEXT NOT NULL,
        digest BLOB,
        PRIMARY KEY (cog, file)
    ) WITHOUT ROWID, STRICT;
    PRAGMA user_version = 1;
";

/// The database.
#[derive(Debug)]
pub(super) struct Store {
    connection: Connection,
}

impl From<rusqlite::Error> for HistoryError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Disk(error.to_string())
    }
}

/// The modules of a version by file, with their digests, and whether handlers required them.
type Files = BTreeMap<String, (Digest, bool)>;

impl Store {
    /// Opens the database or makes it. One that cannot be used is put aside under another name.
    pub(super) fn open(path: &Path) -> Result<Self, HistoryError> {
        if let Some(folder) = path.parent() {
            let made = std::fs::create_dir_all(folder);
            made.map_err(|error| HistoryError::Disk(error.to_string()))?;
        }
        match Self::connect(path) {
            Ok(store) => Ok(store),
            Err(error) => {
                let aside = path.with_extension("db.unusable");
                tracing::warn!(
                    path = %path.display(), aside = %aside.display(), %error,
                    "The history of the cogs cannot be used; it is put aside, and a new one begins"
                );
                // What is left of its log belongs to the old file.
                for end in ["db-wal", "db-shm"] {
                    let _gone = std::fs::remove_file(path.with_extension(end)).is_ok();
                }
                let moved = std::fs::rename(path, aside);
                moved.map_err(|error| HistoryError::Disk(error.to_string()))?;
                Self::connect(path)
            }
        }
    }

    fn connect(path: &Path) -> Result<Self, HistoryError> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(PATIENCE)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // A crash of the machine may take the last versions; it cannot damage the file.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        let format: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        match format {
            0 => connection.execute_batch(&format!("BEGIN; {TABLES} COMMIT;"))?,
            FORMAT => {}
            newer => {
                let why = format!("it has format {newer}, and this version knows {FORMAT}");
                return Err(HistoryError::Disk(why));
            }
        }
        Ok(Self { connection })
    }

    /// Opens it to read alone.
    pub(super) fn read(path: &Path) -> Result<Self, HistoryError> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(PATIENCE)?;
        Ok(Self { connection })
    }

    /// The cogs that have versions.
    pub(super) fn cogs(&self) -> Result<Vec<String>, HistoryError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT DISTINCT cog FROM versions ORDER BY cog")?;
        let cogs = statement.query_map([], |row| row.get(0))?;
        Ok(cogs.collect::<Result<_, _>>()?)
    }

    /// What is known of a cog.
    pub(super) fn list(&self, cog: &str) -> Result<HistoryOf, HistoryError> {
        let mut versions = self.versions(cog)?;
        let mut before = Files::new();
        for version in &mut versions {
            let files = self.files(cog, version.number)?;
            version.differs = differences(&before, &files);
            before = files;
        }
        versions.reverse();
        let failed = self.attempts(cog)?;
        if versions.is_empty() && failed.is_empty() {
            return Err(HistoryError::Unknown(cog.to_owned()));
        }
        Ok(HistoryOf {
            cog: cog.to_owned(),
            versions,
            failed,
        })
    }

    /// The versions of a cog, oldest first, without their files.
    fn versions(&self, cog: &str) -> Result<Vec<Version>, HistoryError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT number, at, until, cause, of, rebuilt, handlers, failures
             FROM versions WHERE cog = ?1 ORDER BY number",
        )?;
        let versions = statement.query_map([cog], |row| {
            let cause: String = row.get(3)?;
            let count = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
            Ok(Version {
                number: row.get(0)?,
                at: row.get(1)?,
                until: row.get(2)?,
                cause: cause_of(&cause),
                of: row.get(4)?,
                differs: Vec::new(),
                rebuilt: row.get(5)?,
                handlers: count(6)?,
                failures: count(7)?,
            })
        })?;
        Ok(versions.collect::<Result<_, _>>()?)
    }

    fn attempts(&self, cog: &str) -> Result<Vec<FailedLoad>, HistoryError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT at, cause, problem FROM attempts WHERE cog = ?1 ORDER BY id DESC",
        )?;
        let attempts = statement.query_map([cog], |row| {
            let cause: String = row.get(1)?;
            Ok(FailedLoad {
                at: row.get(0)?,
                cause: cause_of(&cause),
                problem: row.get(2)?,
            })
        })?;
        Ok(attempts.collect::<Result<_, _>>()?)
    }

    fn files(&self, cog: &str, number: u32) -> Result<Files, HistoryError> {
        files(&self.connection, cog, number)
    }

    /// The sources of a version.
    pub(super) fn sources(&self, cog: &str, number: u32) -> Result<Kept, HistoryError> {
        let found = self
            .connection
            .prepare_cached("SELECT entry, aliases FROM versions WHERE cog = ?1 AND number = ?2")?
            .query_row(params![cog, number], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
            })
            .optional()?;
        let Some((entry, aliases)) = found else {
            let kept: Vec<u32> = self.versions(cog)?.iter().map(|it| it.number).collect();
            return Err(if kept.is_empty() {
                HistoryError::Unknown(cog.to_owned())
            } else {
                HistoryError::NotKept {
                    cog: cog.to_owned(),
                    number,
                    kept,
                }
            });
        };
        let mut statement = self.connection.prepare_cached(
            "SELECT file, zstd FROM modules JOIN texts USING (digest) WHERE cog = ?1 AND number = ?2",
        )?;
        let rows = statement.query_map(params![cog, number], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?))
        })?;
        let mut modules = BTreeMap::new();
        for row in rows {
            let (file, packed) = row?;
            let id = ModuleId::named(&file);
            let source = Source::new(id.clone(), unpacked(&packed)?);
            modules.insert(id, Arc::new(source));
        }
        Ok(Kept {
            cog: cog.to_owned(),
            number,
            entry: ModuleId::named(&entry),
            modules,
            aliases: serde_json::from_str(&aliases).unwrap_or_default(),
        })
    }

    /// The sources of the last version before the one that runs which says something else. If that one was put back itself,
    /// of the last one before the one that it comes from.
    pub(super) fn before(&self, cog: &str) -> Result<Kept, HistoryError> {
        let versions = self.versions(cog)?;
        let Some(runs) = versions.last() else {
            return Err(HistoryError::Unknown(cog.to_owned()));
        };
        let from = runs.of.unwrap_or(runs.number);
        let running = self.files(cog, runs.number)?;
        let before = versions.iter().rev();
        for version in before.filter(|version| version.number < from && version.of.is_none()) {
            if !is_same(&self.files(cog, version.number)?, &running) {
                return self.sources(cog, version.number);
            }
        }
        Err(HistoryError::NoneBefore(cog.to_owned()))
    }

    /// The cogs that run earlier versions than their files, or have kept their version although the files changed. What
    /// they run is the last version of each.
    pub(super) fn all_undone(&self) -> Result<Vec<UndoneRecord>, HistoryError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT cog, of, since, by FROM undone
                 WHERE of IN (SELECT coalesce(of, number) FROM versions WHERE versions.cog = undone.cog
                              ORDER BY number DESC LIMIT 1)",
        )?;
        let rows = statement.query_map([], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, u32>(1)?,
                row.get::<_, f64>(2)?,
                row.get::<_, String>(3)?,
            ))
        })?;
        let mut undone = Vec::new();
        for row in rows {
            let (cog, of, since, by) = row?;
            let Some(number) = latest(&self.connection, &cog)? else {
                continue;
            };
            let kept = Kept {
                number: of,
                ..self.sources(&cog, number)?
            };
            undone.push(UndoneRecord {
                kept: Arc::new(kept),
                since,
                by,
                files: self.undone_files(&cog)?,
            });
        }
        Ok(undone)
    }

    fn undone_files(&self, cog: &str) -> Result<BTreeMap<ModuleId, Option<Digest>>, HistoryError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT file, digest FROM undone_files WHERE cog = ?1")?;
        let rows = statement.query_map([cog], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, Option<Digest>>(1)?))
        })?;
        let mut files = BTreeMap::new();
        for row in rows {
            let (file, digest) = row?;
            files.insert(ModuleId::named(&file), digest);
        }
        Ok(files)
    }
}

fn cause_of(json: &str) -> Cause {
    serde_json::from_str(json).unwrap_or(Cause::Start {})
}

fn unpacked(packed: &[u8]) -> Result<String, HistoryError> {
    let text = zstd::stream::decode_all(packed);
    let text = text.map_err(|error| HistoryError::Disk(error.to_string()))?;
    if text.len() > LONGEST_TEXT {
        return Err(HistoryError::Disk("a text is too long".to_owned()));
    }
    String::from_utf8(text).map_err(|error| HistoryError::Disk(error.to_string()))
}

fn files(connection: &Connection, cog: &str, number: u32) -> Result<Files, HistoryError> {
    let mut statement = connection
        .prepare_cached("SELECT file, digest, late FROM modules WHERE cog = ?1 AND number = ?2")?;
    let rows = statement.query_map(params![cog, number], |row| {
        Ok((
            row.get::<_, String>(0)?,
            (row.get::<_, Digest>(1)?, row.get::<_, bool>(2)?),
        ))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Whether two versions say the same: what both have read is the same. What only one has read was required by handlers
/// of it.
fn is_same(one: &Files, other: &Files) -> bool {
    let is_required_late =
        |files: &Files, file: &String| files.get(file).is_none_or(|(_, late)| *late);
    let within = |these: &Files, those: &Files| {
        these.iter().all(|(file, (digest, late))| {
            those.get(file).map_or(*late, |(other, _)| other == digest)
        })
    };
    within(one, other)
        && other
            .keys()
            .all(|file| one.contains_key(file) || is_required_late(other, file))
}

/// The files that were added, changed or removed.
fn differences(before: &Files, now: &Files) -> Vec<FileChange> {
    let change = |file: &String, change| FileChange {
        file: format!("lua/{file}"),
        change,
    };
    let mut all = Vec::new();
    for (file, (digest, _)) in now {
        match before.get(file) {
            None => all.push(change(file, "added")),
            Some((former, _)) if former != digest => all.push(change(file, "changed")),
            Some(_) => {}
        }
    }
    let removed = before
        .iter()
        .filter(|(file, (_, late))| !late && !now.contains_key(*file));
    all.extend(removed.map(|(file, _)| change(file, "removed")));
    all.sort();
    all
}

fn latest(connection: &Connection, cog: &str) -> Result<Option<u32>, HistoryError> {
    let mut statement =
        connection.prepare_cached("SELECT max(number) FROM versions WHERE cog = ?1")?;
    Ok(statement.query_row([cog], |row| row.get(0))?)
}

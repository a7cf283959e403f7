//! The embedded database: a row for each leaf and each table, so that a write costs what it changes.

use super::encode::each_row;
use super::schema::{self, Found};
use super::{
    Batch, Clear, Loaded, Namespace, PathChange, ScopeKind, StateBackend, StateError, StateScope,
    subtree_end,
};
use futures_util::future::BoxFuture;
use rusqlite::{Connection, ErrorCode, Row, Statement, Transaction, TransactionBehavior, params};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long an opening waits for a bot that is just ending.
const PATIENCE: Duration = Duration::from_millis(500);

/// When the log has so many pages, it is copied into the database while nobody waits: as many as SQLite's default. With
/// sixteen times as many, it is copied even if somebody waits.
const LONG_LOG: usize = 1_000;
const LONGEST_LOG: usize = 16 * LONG_LOG;

const PUT: &str = "INSERT INTO entries VALUES (?1, ?2, ?3, ?4, ?5, ?6)
    ON CONFLICT DO UPDATE SET value = excluded.value";
const REMOVE: &str = "DELETE FROM entries
    WHERE namespace = ?1 AND kind = ?2 AND id1 = ?3 AND id2 = ?4 AND path = ?5";
const REMOVE_RANGE: &str = "DELETE FROM entries
    WHERE namespace = ?1 AND kind = ?2 AND id1 = ?3 AND id2 = ?4 AND path >= ?5 AND path < ?6";
const CHARGE: &str = "INSERT INTO writers VALUES (?1, ?2, ?3)
    ON CONFLICT DO UPDATE SET bytes = excluded.bytes";
const DISCHARGE: &str = "DELETE FROM writers WHERE namespace = ?1 AND writer = ?2";
const LOAD_WRITERS: &str = "SELECT name, writer, bytes
    FROM writers JOIN namespaces ON namespaces.id = writers.namespace";
const LOAD: &str = "SELECT name, kind, id1, id2, path, value
    FROM entries LEFT JOIN namespaces ON namespaces.id = entries.namespace
    ORDER BY namespace, kind, id1, id2, path";

/// A SQLite database that this process alone has open.
#[derive(Debug)]
pub struct SqliteBackend {
    connection: Connection,
    path: PathBuf,
    /// The numbers of the namespaces that are in the database.
    namespaces: HashMap<Namespace, i64>,
    /// Bytes of a page, and pages in the log: what a commit writes is what it adds to the log.
    page: usize,
    logged: usize,
}

impl SqliteBackend {
    /// Opens a database, or makes it and its folder. It stays locked until it is dropped or the process ends.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| StateError::Open {
                path: path.display().to_string(),
                reason: format!("its folder cannot be made: {error}"),
            })?;
        }
        let is_new = std::fs::metadata(path).map_or(true, |file| file.len() == 0);
        let connection = connect(path, is_new).map_err(|error| opening(path, &error))?;
        let found = schema::check(&connection).map_err(|error| opening(path, &error))?;
        let waits = connection.pragma_update(None, "synchronous", "NORMAL");
        waits.map_err(|error| opening(path, &error))?;
        let shown = path.display().to_string();
        match found {
            Found::Ours => {}
            Found::Foreign => return Err(StateError::Foreign { path: shown }),
            Found::Damaged(reason) => {
                return Err(StateError::Damaged {
                    path: shown,
                    reason,
                });
            }
            Found::Newer(found) => {
                return Err(StateError::Newer {
                    path: shown,
                    found,
                    known: schema::FORMAT,
                });
            }
        }
        let page = connection.pragma_query_value(None, "page_size", |row| row.get::<_, u32>(0));
        let mut backend = Self {
            connection,
            path: path.to_owned(),
            namespaces: HashMap::new(),
            page: page.unwrap_or(4_096) as usize,
            logged: 0,
        };
        // Pages that an earlier process has left in the log do not count.
        backend.settle();
        if is_new {
            // Now the disk has it, before anything is stored.
            backend.copy_log(0);
        }
        Ok(backend)
    }

    /// Everything that is stored.
    pub(super) fn load_now(&mut self) -> Result<Loaded, StateError> {
        let mut loaded = Loaded::default();
        self.namespaces.clear();
        let read = read_namespaces(&self.connection, &mut self.namespaces, &mut loaded)
            .and_then(|()| read_writers(&self.connection, &mut loaded))
            .and_then(|()| read_entries(&self.connection, &mut loaded));
        match read {
            Ok(Ok(())) => Ok(loaded),
            Ok(Err(reason)) => Err(StateError::Damaged {
                path: self.path.display().to_string(),
                reason,
            }),
            Err(error) => Err(opening(&self.path, &error)),
        }
    }

    fn apply_now(&mut self, batches: &[&Batch]) -> Result<usize, StateError> {
        self.write(batches).map_err(|error| {
            // A namespace that was added has gone with the transaction.
            self.namespaces.clear();
            StateError::Disk {
                path: self.path.display().to_string(),
                reason: reason(&error),
            }
        })?;
        Ok(self.settle())
    }

    /// Returns the bytes that were added to the log since the last time.
    fn settle(&mut self) -> usize {
        let log = self.log("NOOP");
        let added = log.saturating_sub(self.logged);
        self.logged = log;
        self.copy_log(LONGEST_LOG);
        added * self.page
    }

    /// Copies the log into the database when it has more than so many pages; whether it had. An error here happens
    /// again in the next commit, which reports it.
    fn copy_log(&mut self, most: usize) -> bool {
        if self.logged <= most {
            return false;
        }
        self.log("PASSIVE");
        // The next commit begins the log again.
        self.logged = 0;
        true
    }

    /// The pages in the log, after a checkpoint of this kind.
    fn log(&self, checkpoint: &str) -> usize {
        let pragma = format!("PRAGMA wal_checkpoint({checkpoint})");
        let pages = |row: &Row<'_>| row.get::<_, i64>(1);
        let pages = self.connection.query_row(&pragma, [], pages);
        usize::try_from(pages.unwrap_or(0)).unwrap_or(0)
    }

    fn write(&mut self, batches: &[&Batch]) -> rusqlite::Result<()> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        for namespace in batches.iter().flat_map(|batch| batch.namespaces()) {
            if !self.namespaces.contains_key(namespace) {
                let id = number_of(&transaction, namespace)?;
                self.namespaces.insert(namespace.clone(), id);
            }
        }
        for (namespace, version) in batches.iter().flat_map(|batch| batch.versions()) {
            let update = "UPDATE namespaces SET version = ?1 WHERE name = ?2";
            transaction.execute(update, params![version, namespace.as_str()])?;
        }
        for (namespace, writer, charged) in batches.iter().flat_map(|batch| batch.writers()) {
            let id = self.namespaces.get(namespace);
            let bytes = i64::try_from(charged).unwrap_or(i64::MAX);
            if charged == 0 {
                transaction.execute(DISCHARGE, params![id, writer.as_str()])?;
            } else {
                transaction.execute(CHARGE, params![id, writer.as_str(), bytes])?;
            }
        }
        let mut statements = Statements::prepare(&transaction)?;
        for (namespace, scope, path, change) in batches.iter().flat_map(|batch| batch.changes()) {
            if let Some(id) = self.namespaces.get(namespace) {
                statements.write(*id, scope, path, change)?;
            }
        }
        drop(statements);
        transaction.commit()
    }
}

impl StateBackend for SqliteBackend {
    fn load(&mut self) -> BoxFuture<'_, Result<Loaded, StateError>> {
        Box::pin(async { self.load_now() })
    }

    fn apply<'a>(
        &'a mut self,
        batches: &'a [&'a Batch],
    ) -> BoxFuture<'a, Result<usize, StateError>> {
        Box::pin(async { self.apply_now(batches) })
    }

    fn tidy(&mut self) -> BoxFuture<'_, bool> {
        Box::pin(async { self.copy_log(LONG_LOG) })
    }
}

/// Opens the file and takes its lock. `locking_mode` comes before WAL, so that there is no shared memory: a
/// second process cannot even read, and a commit costs less. While a new file is made, nothing waits for the disk: that
/// would be ten times.
fn connect(path: &Path, is_new: bool) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    if is_new {
        connection.pragma_update(None, "synchronous", "OFF")?;
    }
    // Takes the lock, and fails for a file that is no database, before anything is changed.
    connection.execute_batch("BEGIN EXCLUSIVE; COMMIT;")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    Ok(connection)
}

fn read_namespaces(
    connection: &Connection,
    numbers: &mut HashMap<Namespace, i64>,
    loaded: &mut Loaded,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("SELECT id, name, version FROM namespaces")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let name: String = row.get(1)?;
        let namespace = Namespace::new(name);
        numbers.insert(namespace.clone(), row.get(0)?);
        loaded.namespace(namespace, row.get(2)?);
    }
    Ok(())
}

fn read_writers(connection: &Connection, loaded: &mut Loaded) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(LOAD_WRITERS)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (namespace, writer): (String, String) = (row.get(0)?, row.get(1)?);
        let charged: i64 = row.get(2)?;
        let charged = usize::try_from(charged).unwrap_or(0);
        loaded.writer(Namespace::new(namespace), Namespace::new(writer), charged);
    }
    Ok(())
}

fn read_entries(
    connection: &Connection,
    loaded: &mut Loaded,
) -> rusqlite::Result<Result<(), String>> {
    let mut statement = connection.prepare(LOAD)?;
    let mut rows = statement.query([])?;
    let mut namespace = Namespace::new("");
    while let Some(row) = rows.next()? {
        let Some(name) = row.get_ref(0)?.as_str_or_null()? else {
            return Ok(Err("entries of a namespace that is not listed".into()));
        };
        if name != namespace.as_str() {
            namespace = Namespace::new(name);
        }
        let kind: i64 = row.get(1)?;
        let Some(of_kind) = ScopeKind::ALL
            .into_iter()
            .find(|of| kind_number(*of) == kind)
        else {
            return Ok(Err(format!("a scope of the unknown kind {kind}")));
        };
        let id = |column| row.get(column).map(i64::cast_unsigned);
        let scope = StateScope::from_parts(of_kind, id(2)?, id(3)?);
        let (path, value) = (row.get_ref(4)?.as_blob()?, row.get_ref(5)?.as_blob()?);
        if let Err(reason) = loaded.row(&namespace, scope, path, value) {
            return Ok(Err(reason));
        }
    }
    Ok(Ok(()))
}

fn number_of(transaction: &Transaction<'_>, namespace: &Namespace) -> rusqlite::Result<i64> {
    let name = namespace.as_str();
    transaction.execute(
        "INSERT OR IGNORE INTO namespaces (name) VALUES (?1)",
        [name],
    )?;
    transaction.query_row("SELECT id FROM namespaces WHERE name = ?1", [name], |row| {
        row.get(0)
    })
}

struct Statements<'a> {
    put: Statement<'a>,
    remove: Statement<'a>,
    remove_range: Statement<'a>,
}

impl<'a> Statements<'a> {
    fn prepare(connection: &'a Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            put: connection.prepare(PUT)?,
            remove: connection.prepare(REMOVE)?,
            remove_range: connection.prepare(REMOVE_RANGE)?,
        })
    }

    fn write(
        &mut self,
        namespace: i64,
        scope: StateScope,
        path: &[u8],
        change: &PathChange,
    ) -> rusqlite::Result<()> {
        let kind = kind_number(scope.kind());
        let (one, two) = scope.parts();
        let (one, two) = (one.cast_signed(), two.cast_signed());
        match change.clear {
            // A row that is put again is replaced.
            Clear::Row if change.value.is_none() => {
                let row = params![namespace, kind, one, two, path];
                self.remove.execute(row)?;
            }
            Clear::Range => {
                let range = params![namespace, kind, one, two, path, subtree_end(path)];
                self.remove_range.execute(range)?;
            }
            Clear::Row | Clear::Nothing => {}
        }
        let Some(value) = &change.value else {
            return Ok(());
        };
        each_row(&mut path.to_vec(), value, &mut |path, value| {
            let row = params![namespace, kind, one, two, path, value];
            self.put.execute(row).map(drop)
        })
    }
}

/// The number of a kind in the database: never changed, only added to.
fn kind_number(kind: ScopeKind) -> i64 {
    match kind {
        ScopeKind::Global => 0,
        ScopeKind::Guild => 1,
        ScopeKind::Channel => 2,
        ScopeKind::User => 3,
        ScopeKind::Role => 4,
        ScopeKind::Member => 5,
        ScopeKind::Rows => 6,
        ScopeKind::GuildRows => 7,
    }
}

fn opening(path: &Path, error: &rusqlite::Error) -> StateError {
    let path = path.display().to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StateError::InUse { path },
        Some(ErrorCode::NotADatabase) => StateError::Foreign { path },
        Some(ErrorCode::DatabaseCorrupt) => StateError::Damaged {
            path,
            reason: reason(error),
        },
        _ => StateError::Open {
            path,
            reason: reason(error),
        },
    }
}

/// Why SQLite failed, for an operator.
fn reason(error: &rusqlite::Error) -> String {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "the disk is full".into(),
        Some(ErrorCode::ReadOnly) => "the file or its folder is read-only".into(),
        Some(ErrorCode::CannotOpen) => "the file cannot be opened or made".into(),
        Some(ErrorCode::PermissionDenied) => "this user may not write there".into(),
        Some(ErrorCode::SystemIoFailure) => format!("the disk reports an error ({error})"),
        _ => error.to_string(),
    }
}

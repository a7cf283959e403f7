//! Writes into the database of versions, and removes the oldest.

use super::{Files, MOST_ATTEMPTS, MOST_VERSIONS, Store, files, is_same, latest};
use crate::history::kept::{UndoneRecord, digest};
use crate::history::version::{Cause, FailedLoad, NewVersion};
use crate::history::{Entry, HistoryError};
use crate::vm::resolve::Source;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use std::sync::Arc;

/// Above this many bytes in use the oldest versions go, whichever cog's they are. The one that runs stays.
const MOST_BYTES: i64 = 64 << 20;
/// zstd's level: its default.
const LEVEL: i32 = 3;

impl Store {
    /// Writes all of it or none.
    pub(in crate::history) fn write(&mut self, entries: Vec<Entry>) -> Result<(), HistoryError> {
        let transaction = self.connection.transaction()?;
        let mut is_more = false;
        for entry in entries {
            match entry {
                Entry::Version(version) => is_more |= put_version(&transaction, &version)?,
                Entry::Failed(cog, failed) => put_failed(&transaction, &cog, &failed)?,
                Entry::Modules(cog, modules) => {
                    if let Some(number) = latest(&transaction, &cog)? {
                        put_modules(&transaction, &cog, number, &modules, true)?;
                    }
                }
                Entry::Ran(cog, handlers, failures) => {
                    if let Some(number) = latest(&transaction, &cog)? {
                        count(&transaction, &cog, number, (handlers, failures))?;
                    }
                }
                Entry::Undone(undone) => put_undone(&transaction, &undone)?,
                Entry::Redone(cog) => forget_undone(&transaction, &cog)?,
            }
        }
        if is_more {
            bound(&transaction)?;
        }
        transaction.commit()?;
        Ok(())
    }
}

fn json(value: &impl serde::Serialize) -> Result<String, HistoryError> {
    serde_json::to_string(value).map_err(|error| HistoryError::Disk(error.to_string()))
}

fn count(
    connection: &Connection,
    cog: &str,
    number: u32,
    (handlers, failures): (u64, u64),
) -> Result<(), HistoryError> {
    let mut statement = connection.prepare_cached(
        "UPDATE versions SET handlers = handlers + ?3, failures = failures + ?4
         WHERE cog = ?1 AND number = ?2",
    )?;
    let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    statement.execute(params![cog, number, signed(handlers), signed(failures)])?;
    Ok(())
}

/// Whether it is another version than the last one.
fn put_version(transaction: &Transaction<'_>, new: &NewVersion) -> Result<bool, HistoryError> {
    let cog = &new.cog;
    let former = latest(transaction, cog)?;
    let (aliases, entry) = (json(&new.aliases)?, new.entry.file());
    if let Some(former) = former {
        count(transaction, cog, former, new.former)?;
        let (was_of, was_entry, had): (Option<u32>, String, String) = transaction
            .prepare_cached(
                "SELECT of, entry, aliases FROM versions WHERE cog = ?1 AND number = ?2",
            )?
            .query_row(params![cog, former], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?;
        let now: Files = new
            .modules
            .iter()
            .map(|source| (source.id.file().to_owned(), (digest(&source.text), false)))
            .collect();
        let is_same = is_same(&files(transaction, cog, former)?, &now);
        if was_of == new.of && was_entry == entry && had == aliases && is_same {
            put_modules(transaction, cog, former, &new.modules, true)?;
            if new.cause != (Cause::Start {}) {
                transaction
                    .prepare_cached(
                        "UPDATE versions SET rebuilt = rebuilt + 1 WHERE cog = ?1 AND number = ?2",
                    )?
                    .execute(params![cog, former])?;
            }
            return Ok(false);
        }
        transaction
            .prepare_cached("UPDATE versions SET until = ?3 WHERE cog = ?1 AND number = ?2")?
            .execute(params![cog, former, new.at])?;
    }
    let number = former.unwrap_or(0) + 1;
    transaction
        .prepare_cached(
            "INSERT INTO versions (cog, number, at, cause, of, entry, aliases)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            cog,
            number,
            new.at,
            json(&new.cause)?,
            new.of,
            entry,
            aliases
        ])?;
    put_modules(transaction, cog, number, &new.modules, false)?;
    let oldest: Option<u32> = transaction
        .prepare_cached(
            "SELECT number FROM versions WHERE cog = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2",
        )?
        .query_row(params![cog, MOST_VERSIONS], |row| row.get(0))
        .optional()?;
    if let Some(oldest) = oldest {
        remove(transaction, cog, oldest)?;
    }
    Ok(true)
}

fn put_modules(
    transaction: &Transaction<'_>,
    cog: &str,
    number: u32,
    modules: &[Arc<Source>],
    late: bool,
) -> Result<(), HistoryError> {
    let mut put =
        transaction.prepare_cached("INSERT OR IGNORE INTO modules VALUES (?1, ?2, ?3, ?4, ?5)")?;
    let mut has = transaction.prepare_cached("SELECT 1 FROM texts WHERE digest = ?1")?;
    let mut put_text = transaction.prepare_cached("INSERT INTO texts VALUES (?1, ?2)")?;
    for source in modules {
        let digest = digest(&source.text);
        if put.execute(params![cog, number, source.id.file(), digest, late])? > 0
            && !has.exists([digest])?
        {
            let packed = zstd::bulk::compress(source.text.as_bytes(), LEVEL);
            let packed = packed.map_err(|error| HistoryError::Disk(error.to_string()))?;
            put_text.execute(params![digest, packed])?;
        }
    }
    Ok(())
}

/// Removes a version, and the texts that no other one has.
fn remove(transaction: &Transaction<'_>, cog: &str, number: u32) -> Result<(), HistoryError> {
    let had = files(transaction, cog, number)?;
    for table in ["modules", "versions"] {
        let sql = format!("DELETE FROM {table} WHERE cog = ?1 AND number = ?2");
        transaction
            .prepare_cached(&sql)?
            .execute(params![cog, number])?;
    }
    let mut drop_text = transaction.prepare_cached(
        "DELETE FROM texts WHERE digest = ?1
         AND NOT EXISTS (SELECT 1 FROM modules WHERE modules.digest = ?1)",
    )?;
    for (digest, _) in had.into_values() {
        drop_text.execute([digest])?;
    }
    Ok(())
}

/// Removes the oldest versions for as long as all texts together take too much.
fn bound(transaction: &Transaction<'_>) -> Result<(), HistoryError> {
    loop {
        // SQLite counts the pages: to add up the texts would read them all.
        let pages = |name| transaction.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let used = pages("page_count")? - pages("freelist_count")?;
        if used * pages("page_size")? <= MOST_BYTES {
            return Ok(());
        }
        let oldest: Option<(String, u32)> = transaction
            .prepare_cached(
                "SELECT cog, number FROM versions WHERE until IS NOT NULL ORDER BY at LIMIT 1",
            )?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((cog, number)) = oldest else {
            return Ok(());
        };
        remove(transaction, &cog, number)?;
    }
}

fn put_failed(
    transaction: &Transaction<'_>,
    cog: &str,
    failed: &FailedLoad,
) -> Result<(), HistoryError> {
    transaction
        .prepare_cached("INSERT INTO attempts (cog, at, cause, problem) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![
            cog,
            failed.at,
            json(&failed.cause)?,
            failed.problem
        ])?;
    transaction
        .prepare_cached(
            "DELETE FROM attempts WHERE cog = ?1 AND id <= (
                 SELECT id FROM attempts WHERE cog = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
        )?
        .execute(params![cog, MOST_ATTEMPTS])?;
    Ok(())
}

fn put_undone(transaction: &Transaction<'_>, undone: &UndoneRecord) -> Result<(), HistoryError> {
    let cog = &undone.kept.cog;
    forget_undone(transaction, cog)?;
    transaction
        .prepare_cached("INSERT INTO undone VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![cog, undone.kept.number, undone.since, undone.by])?;
    let mut put = transaction.prepare_cached("INSERT INTO undone_files VALUES (?1, ?2, ?3)")?;
    for (id, digest) in &undone.files {
        put.execute(params![cog, id.file(), digest])?;
    }
    Ok(())
}

fn forget_undone(transaction: &Transaction<'_>, cog: &str) -> Result<(), HistoryError> {
    for table in ["undone", "undone_files"] {
        let sql = format!("DELETE FROM {table} WHERE cog = ?1");
        transaction.prepare_cached(&sql)?.execute([cog])?;
    }
    Ok(())
}

//! What the child does first: it opens the record, and makes sure that it ends with its parent.

use super::cause::Cause;
use super::raw;
use super::record::{Record, Rule, tag};
use crate::error::StartError;
use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use std::sync::OnceLock;

/// Tells the child that it is one: the record's file, and the parent's process id. `3:4711`
pub(super) const VARIABLE: &str = "COGSMITH_SUPERVISOR";

static RECORD: OnceLock<Record> = OnceLock::new();

/// The record of this process; nothing without a supervisor.
pub fn record() -> Option<&'static Record> {
    RECORD.get()
}

/// Whether this process was started by a supervisor.
pub fn is_child() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// What a child finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adopted {
    /// What the process before this one died of, if there was one.
    pub after: Option<Cause>,
}

/// Takes over the record of a supervisor, if there is one: to be called before anything else runs.
pub fn adopt() -> Result<Adopted, StartError> {
    let Ok(handed) = std::env::var(VARIABLE) else {
        return Ok(Adopted { after: None });
    };
    let (file, parent) = parse(&handed).ok_or_else(orphaned)?;
    // The bot must not outlive the parent, because nothing else knows that it runs. When the parent is killed, the bot
    // is killed, too.
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| StartError::System(error.to_string()))?;
    if getppid().map(|pid| pid.as_raw_nonzero().get()) != Some(parent) {
        return Err(orphaned());
    }
    let record = Record::open(file).map_err(|error| {
        StartError::System(format!("the supervisor's record cannot be read: {error}"))
    })?;
    let record = RECORD.get_or_init(|| record);
    raw::note_fatal_signals(record.fault_word());
    let after = record.last_death();
    Ok(Adopted { after })
}

/// Unblocks signals: to be called when something listens to them. Signals that came before are not lost.
pub fn listen() {
    if record().is_some() {
        raw::let_signals_come();
    }
}

fn parse(handed: &str) -> Option<(i32, i32)> {
    let (file, parent) = handed.split_once(':')?;
    Some((file.parse().ok()?, parent.parse().ok()?))
}

fn orphaned() -> StartError {
    StartError::System(format!(
        "the process that supervises it is gone, or {VARIABLE} was set by hand; unset it"
    ))
}

/// Why a cog has to start in quarantine, if it has to.
pub fn quarantined(cog: &str) -> Option<(Rule, Cause)> {
    record()?.in_quarantine(tag(cog))
}

/// A cog is out of quarantine: another version of it runs.
pub fn release(cog: &str) {
    if let Some(record) = record() {
        record.release(tag(cog));
    }
}

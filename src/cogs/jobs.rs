//! Which job of a cog is begun next, and what becomes of it when it ends.

use crate::api::context::CogContext;
use crate::api::declarations::{JobFunction, Staged};
use crate::api::job_store::Job;
use crate::lock::lock;
use crate::vm::trace::Fault;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Jobs of one cog that run at a time: so many that are slow do not hold up the others for long, and after a long time
/// in which the bot did not run, all that is late does not come at once.
const MOST_AT_ONCE: usize = 16;

/// The pauses after an attempt that failed; after the last one, a job is given up.
const PAUSES: [Duration; 4] = [
    Duration::from_secs(10),
    Duration::from_secs(60),
    Duration::from_secs(600),
    Duration::from_secs(3_600),
];

/// How long jobs wait that a cog may not begin now, because it has used up its processor time.
const PAUSE: Duration = Duration::from_secs(1);

/// Characters of an error that are kept with a job that is given up.
const LONGEST_REASON: usize = 200;

/// The jobs of one cog that are under way.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    /// Their ids.
    running: Arc<Mutex<BTreeSet<String>>>,
    /// Before this time none is begun.
    not_before: Duration,
}

/// A job is under way as long as this is there.
#[derive(Debug)]
pub(super) struct UnderWay {
    pub(super) id: String,
    running: Arc<Mutex<BTreeSet<String>>>,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        lock(&self.running).remove(&self.id);
    }
}

impl Jobs {
    /// When the next job is to be begun, since the Unix epoch: of those whose function is declared.
    pub(super) fn next_due(&self, cog: &CogContext, declared: &Staged) -> Option<Duration> {
        let (due, ..) = self.next(cog, declared)?;
        Some(due.max(self.not_before))
    }

    fn next<'d>(
        &self,
        cog: &CogContext,
        declared: &'d Staged,
    ) -> Option<(Duration, String, &'d JobFunction)> {
        let mut functions = declared.jobs().peekable();
        functions.peek()?;
        let store = cog.state.live().jobs;
        let running = lock(&self.running);
        if running.len() >= MOST_AT_ONCE {
            return None;
        }
        let of = |function: &'d JobFunction| {
            let (due, id) = store.next(&function.name, |id| running.contains(id))?;
            Some((due, id, function))
        };
        functions.filter_map(of).min_by_key(|(due, ..)| *due)
    }

    /// The next job that is due: it is under way from now on. None is begun for a moment where the cog may not.
    pub(super) fn begin<'d>(
        &mut self,
        cog: &CogContext,
        declared: &'d Staged,
        now: Duration,
    ) -> Option<(Job, &'d JobFunction, UnderWay)> {
        loop {
            let (due, id, function) = self.next(cog, declared)?;
            if due.max(self.not_before) > now {
                return None;
            }
            if cog.limits.pauses() {
                self.not_before = now + PAUSE;
                return None;
            }
            let store = cog.state.live().jobs;
            let Some(job) = store.begin(&id) else {
                // What cannot be read cannot be run.
                store.forget(&function.name, due, &id);
                continue;
            };
            if usize::try_from(job.attempt).is_ok_and(|attempt| attempt > PAUSES.len() + 1) {
                give_up(cog, &job, "the bot ended while it ran");
                continue;
            }
            lock(&self.running).insert(id.clone());
            let under_way = UnderWay {
                id,
                running: Arc::clone(&self.running),
            };
            return Some((job, function, under_way));
        }
    }

    /// A job has ended.
    pub(super) fn ended(cog: &CogContext, id: &str, fault: Option<&Fault>, now: Duration) {
        let store = cog.state.live().jobs;
        let Some(job) = store.get(id) else {
            // It was cancelled meanwhile.
            return;
        };
        match fault {
            None => {
                if let Err(error) = store.remove(id) {
                    tracing::warn!(cog = %cog.name, id, %error, "A job that has ended stays");
                }
            }
            // The next version does it, and this was no attempt.
            Some(Fault::Outlived { .. } | Fault::GaveWay(_) | Fault::Closed | Fault::Cancelled) => {
                store.put_off(id, now, false);
            }
            Some(fault) => {
                let attempt = usize::try_from(job.attempt).unwrap_or(usize::MAX);
                match PAUSES.get(attempt.saturating_sub(1)) {
                    Some(pause) => store.put_off(id, now + *pause, true),
                    None => give_up(cog, &job, &reason(fault)),
                }
            }
        }
        cog.state.flush();
    }
}

/// Why an attempt failed, with its place.
fn reason(fault: &Fault) -> String {
    match fault {
        Fault::Raised(raised) => {
            let place = raised.place.as_ref();
            let place = place.map(|place| format!("{}:{}: ", place.file, place.line));
            format!("{}{}", place.unwrap_or_default(), raised.message)
        }
        other => other.to_string(),
    }
}

fn give_up(cog: &CogContext, job: &Job, why: &str) {
    let line = why.lines().next().unwrap_or_default();
    let why: String = line.chars().take(LONGEST_REASON).collect();
    cog.state.live().jobs.give_up(&job.id, &why);
    if let Some([why]) = cog.limits.may_log(|| None, || [why]) {
        tracing::error!(
            cog = %cog.name, job = %job.name, id = %job.id,
            "A job was given up after {} attempts: {why}", PAUSES.len() + 1
        );
    }
}

//! What follows from an alarm: a warning, or the version before again, as `hot_reload.guard` says. Whoever has reloaded
//! the cog in chat is told by `admin`, which listens to the notices.

use super::super::report::{CogOutcome, Outcome, Report};
use super::{Asker, Controller, Refused, ReportSender};
use crate::activity::Busy;
use crate::cogs::handle::CogHandle;
use crate::config::Guard;
use crate::guard::{Action, Alarm, Notice, Why};
use crate::history::{Cause, History, HistoryError};
use crate::host_tasks;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};

/// Texts of one cog that the guard has taken back, and that it remembers.
const MOST_UNDONE: usize = 16;

/// A notice on its way to whoever has reloaded the cog in chat. The bot is busy until it is told.
pub type Told = (Arc<Notice>, Arc<Asker>, Busy);

/// What the controller keeps for the guard.
pub(super) struct Guarding {
    /// Alarms about cogs with which another reload is busy.
    waiting: BTreeMap<Arc<str>, (Alarm, Busy)>,
    /// Who has reloaded a cog in chat, with the number of its version in the cog's record.
    askers: BTreeMap<Arc<str>, (u64, Arc<Asker>)>,
    /// The texts that were taken back, by cog.
    undone: BTreeMap<Arc<str>, VecDeque<u64>>,
    told: mpsc::UnboundedSender<Told>,
}

impl Guarding {
    pub(super) fn new(told: mpsc::UnboundedSender<Told>) -> Self {
        Self {
            waiting: BTreeMap::new(),
            askers: BTreeMap::new(),
            undone: BTreeMap::new(),
            told,
        }
    }

    /// A cog was committed, because of whoever asked for it in chat.
    pub(super) fn note_commit(
        &mut self,
        cog: &CogHandle,
        asker: Option<&Arc<Asker>>,
        cause: &Cause,
    ) {
        let (version, _) = cog.context.budget.guard.version();
        if let Some(asker) = asker {
            self.askers
                .insert(Arc::clone(&cog.name), (version, Arc::clone(asker)));
            return;
        }
        let stays = matches!(cause, Cause::Guard { .. });
        match self.askers.get_mut(&cog.name) {
            Some(known) if stays => known.0 = version,
            Some(known) if known.0 != version => {
                self.askers.remove(&cog.name);
            }
            _ => {}
        }
    }

    /// A cog is gone.
    pub(super) fn forget(&mut self, cog: &str) {
        self.waiting.remove(cog);
        self.askers.remove(cog);
        self.undone.remove(cog);
    }

    fn was_undone(&self, cog: &str, text: u64) -> bool {
        let undone = self.undone.get(cog);
        undone.is_some_and(|undone| undone.contains(&text))
    }

    fn note_undone(&mut self, cog: &Arc<str>, text: u64) {
        let undone = self.undone.entry(Arc::clone(cog)).or_default();
        if undone.len() >= MOST_UNDONE {
            undone.pop_front();
        }
        undone.push_back(text);
    }
}

/// An alarm that is dealt with: who is told what became of it.
struct Case {
    handle: Arc<CogHandle>,
    alarm: Alarm,
    asker: Option<Arc<Asker>>,
    told: mpsc::UnboundedSender<Told>,
    busy: Busy,
}

impl Case {
    /// Tells the log, the page and whoever has reloaded the cog.
    fn close(self, action: Action) {
        let notice = Arc::new(Notice {
            cog: self.handle.name.to_string(),
            alarm: self.alarm,
            action,
        });
        let (sentence, hint) = (notice.sentence(), notice.hint());
        tracing::warn!(cog = %self.handle.name, "A new version of a cog does worse than the one before: {sentence}. What to do: {hint}");
        self.handle.note_guard(Arc::clone(&notice));
        if let Some(asker) = self.asker {
            // Nobody is told when the bot goes down.
            let _told = self.told.send((notice, asker, self.busy)).is_ok();
        }
    }

    /// The same, when it has been tried to put the version before back.
    fn close_undo(self, result: Result<Option<Arc<Report>>, Refused>) {
        let name = &*self.handle.name;
        let action = match result {
            Ok(Some(report)) => {
                let cog = report.cogs.iter().find(|cog| cog.name == name);
                let done = cog.filter(|cog| cog.outcome == CogOutcome::Reloaded);
                let undone = done.and_then(|cog| cog.undone.as_ref());
                match undone.filter(|_| report.outcome == Outcome::Applied) {
                    Some(undone) => Action::Undone(undone.version),
                    None => Action::Refused(why_failed(&report)),
                }
            }
            Ok(None) => Action::Refused("it says the same as the one that runs".to_owned()),
            Err(refused) => Action::Refused(refused.to_string()),
        };
        self.close(action);
    }
}

fn why_failed(report: &Report) -> String {
    let problem = report.problems.first();
    problem.map_or_else(
        || "it could not be loaded".to_owned(),
        crate::problem::Problem::in_one_line,
    )
}

impl Controller {
    /// Deals with the alarms that there are.
    pub(super) async fn deal_with_alarms(&mut self) {
        let mut alarms = std::mem::take(&mut self.guarding.waiting);
        alarms.extend(self.cogs.services.alarms.take());
        for (cog, (alarm, busy)) in alarms {
            self.deal_with(&cog, alarm, busy).await;
        }
    }

    async fn deal_with(&mut self, cog: &Arc<str>, alarm: Alarm, busy: Busy) {
        let Some(handle) = self.cogs.get(cog) else {
            return;
        };
        let (version, text) = handle.context.budget.guard.version();
        let guard = self.cogs.services.config.load().hot_reload.guard;
        // Another version may answer by now.
        if version != alarm.version || guard == Guard::Off {
            return;
        }
        if guard == Guard::Undo && self.is_engaged(cog) {
            self.guarding.waiting.insert(Arc::clone(cog), (alarm, busy));
            return;
        }
        let asker = self.guarding.askers.get(cog);
        let asker = asker.filter(|(of, _)| *of == version);
        let case = Case {
            asker: asker.map(|(_, asker)| Arc::clone(asker)),
            told: self.guarding.told.clone(),
            handle: Arc::clone(&handle),
            alarm,
            busy,
        };
        let is_earlier = handle.peek(|status| status.undone.is_some());
        if is_earlier {
            // Two versions that both fail are not compared with each other for ever.
            handle.context.budget.guard.accept(version);
            case.close(Action::Warned(Why::IsEarlier));
        } else if guard == Guard::Warn {
            case.close(Action::Warned(Why::Configured));
        } else if self.guarding.was_undone(cog, text) {
            case.close(Action::Warned(Why::OnlyOnce));
        } else {
            self.guarding.note_undone(cog, text);
            self.undo_by_guard(case).await;
        }
    }

    /// Puts the version back that ran before.
    async fn undo_by_guard(&mut self, case: Case) {
        let (name, why) = (case.handle.name.to_string(), case.alarm.sentence());
        let before = self.beside.count();
        let result = match ran_before(self.cogs.history.clone(), &name).await {
            Ok(number) => {
                let by_guard = Cause::Guard { why };
                self.undo(&name, Some(number), by_guard, Instant::now())
                    .await
            }
            Err(error) => Err(error.into()),
        };
        self.show();
        if matches!(result, Ok(None)) && self.beside.count() > before {
            // It takes its time: others are reloaded meanwhile.
            let (answer, answered): (ReportSender, _) = oneshot::channel();
            self.beside.answer_later(answer);
            host_tasks::errand(async move {
                let result = answered.await.unwrap_or(Err(Refused::Failed));
                case.close_undo(result);
            });
            return;
        }
        case.close_undo(result);
    }
}

/// The number of the version that a cog ran before the one that runs.
async fn ran_before(history: History, name: &str) -> Result<u32, HistoryError> {
    let history = history.of(name).await?;
    let before = history.versions.get(1);
    let before = before.ok_or_else(|| HistoryError::NoneBefore(name.to_owned()))?;
    Ok(before.of.unwrap_or(before.number))
}

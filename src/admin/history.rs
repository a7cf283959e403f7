//! `!reload history`, `undo` and `redo`: what a cog has run, and how to go back.

use super::report::{ago, names};
use super::status::{listed, one_line};
use super::text::Say;
use super::{AdminCall, Answering};
use crate::commands::escape::{inside_code, quoted};
use crate::commands::pages;
use crate::commands::text::Language;
use crate::history::{Cause, FailedLoad, HistoryError, Version};
use crate::reload::controller::{Ask, meant};
use crate::reload::report::Report;

/// Files named for one version.
const MOST_FILES: usize = 3;
/// Failed attempts that are listed; the page shows the others.
const MOST_FAILED: usize = 3;

impl Answering {
    /// Answers `!reload history <name>`, with the number of a page behind it.
    pub(super) async fn history(&self, rest: &str) -> String {
        let language = self.language;
        let is_name = self.cogs.get(rest).is_some();
        let (name, page) = if is_name {
            (rest, 1)
        } else {
            pages::asked(rest)
        };
        let all = self.cogs.all();
        let is_cog = |name: &str| all.iter().any(|cog| &*cog.name == name);
        let known = meant(name, is_cog, all.iter().map(|cog| &*cog.name));
        let cog = match known {
            Ok(cog) => cog,
            Err(refused) => return self.tell(Err(refused)),
        };
        let history = match self.cogs.history_of(&cog).await {
            Ok(history) => history,
            Err(failed) => return error(&failed, language),
        };
        let prefix = &self.shown_prefix();
        let mut lines = vec![Say::HistoryOf { cog: &cog }.say(language)];
        let versions = history.versions.iter();
        lines.extend(versions.map(|version| version_line(version, language)));
        if !history.failed.is_empty() {
            lines.push(Say::HistoryFailed {}.say(language));
            let failed = history.failed.iter().take(MOST_FAILED);
            lines.extend(failed.map(|failed| failed_line(failed, language)));
        }
        if history.versions.len() > 1 {
            lines.push(Say::HistoryHint { cog: &cog, prefix }.say(language));
        }
        let command = if self.is_slash {
            self.paged(&format!("reload history name:{cog}"))
        } else {
            self.paged(&format!("reload history {cog}"))
        };
        pages::page(&lines.join("\n"), page, &command, language)
    }

    /// Answers `!reload undo <name> [version]`.
    pub(super) async fn undo(&self, call: &AdminCall, rest: &str) -> String {
        let language = self.language;
        let (name, number) = match rest.rsplit_once(char::is_whitespace) {
            // A page's number is written so: `/reload undo` has a version there.
            Some((name, number)) => (name.trim_end(), Some(number.trim_start_matches('0'))),
            None => (rest, None),
        };
        let number = match number.map(str::parse::<u32>) {
            None => None,
            Some(Ok(number)) => Some(number),
            Some(Err(_)) => {
                let given = rest.rsplit(char::is_whitespace).next().unwrap_or_default();
                let (given, prefix) = (&quoted(given), &self.shown_prefix());
                let cog = &inside_code(name);
                return Say::WrongVersion { given, cog, prefix }.say(language);
            }
        };
        let ask = Ask::Undo(name.to_owned(), number);
        match self.reload.ask(call.asks(ask)).await {
            Ok(None) => Say::RunsAlready {
                cog: &inside_code(name),
            }
            .say(language),
            other => self.tell(other),
        }
    }

    /// Answers `!reload redo <name>`.
    pub(super) async fn redo(&self, call: &AdminCall, name: &str) -> String {
        let ask = Ask::Redo(name.to_owned());
        let result = self.reload.ask(call.asks(ask)).await;
        self.tell(result)
    }
}

/// `**7** <t:…:R> · saved: lua/cogs/ping.luau · handlers: 12, failed: 3`
fn version_line(version: &Version, language: Language) -> String {
    let mut parts = vec![
        format!("**{}** {}", version.number, ago(version.at)),
        cause(&version.cause, version.of, language),
    ];
    let differs: Vec<String> = version.differs.iter().map(|it| it.file.clone()).collect();
    let is_told = matches!(&version.cause, Cause::Files { files } if *files == differs);
    if !differs.is_empty() && !is_told {
        let files = &listed(&differs, MOST_FILES);
        parts.push(Say::Differs { files }.say(language));
    }
    if version.rebuilt > 0 {
        let count = &(version.rebuilt + 1).to_string();
        parts.push(Say::Built { count }.say(language));
    }
    if version.handlers > 0 {
        let handlers = &version.handlers.to_string();
        let failures = &version.failures.to_string();
        parts.push(Say::Ran { handlers, failures }.say(language));
    }
    if version.until.is_none() {
        parts.push(Say::RunsNow {}.say(language));
    }
    parts.join(" · ")
}

fn failed_line(failed: &FailedLoad, language: Language) -> String {
    let cause = cause(&failed.cause, None, language);
    format!(
        "{} · {cause}: {}",
        ago(failed.at),
        one_line(&failed.problem)
    )
}

fn cause(cause: &Cause, of: Option<u32>, language: Language) -> String {
    match cause {
        Cause::Start {} => Say::Start {}.say(language),
        Cause::Files { files } => {
            let files = &listed(files, MOST_FILES);
            Say::CauseSaved { files }.say(language)
        }
        Cause::Command { by } => Say::CauseCommand { by: &quoted(by) }.say(language),
        Cause::Undo { by } => {
            let number = &of.unwrap_or_default().to_string();
            let by = &quoted(by);
            Say::CauseUndo { number, by }.say(language)
        }
        Cause::Guard { why } => {
            let number = &of.unwrap_or_default().to_string();
            let why = &one_line(why);
            Say::CauseGuard { number, why }.say(language)
        }
        Cause::Redo { by } => Say::CauseRedo { by: &quoted(by) }.say(language),
    }
}

/// The cogs of a report that run earlier versions than their files.
pub(super) fn undone(report: &Report, prefix: &str, language: Language) -> Option<String> {
    let lines = report.cogs.iter().filter_map(|cog| {
        // While a server tries the files, that is said instead.
        let undone = cog.undone.as_ref().filter(|_| cog.trial.is_none())?;
        let told = Say::IsUndone {
            cog: &cog.name,
            number: &undone.version.to_string(),
            since: &ago(undone.since),
            by: &quoted(&undone.by),
            prefix,
        };
        Some(told.say(language))
    });
    let lines: Vec<String> = lines.collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Why the history does not tell something.
pub(super) fn error(error: &HistoryError, language: Language) -> String {
    match error {
        HistoryError::Unknown(cog) => Say::HistoryUnknown { cog: &quoted(cog) }.say(language),
        HistoryError::NotKept { cog, number, kept } => {
            let kept: Vec<String> = kept.iter().map(u32::to_string).collect();
            let kept: Vec<&str> = kept.iter().map(String::as_str).collect();
            Say::NotKept {
                cog,
                number: &number.to_string(),
                kept: &names(&kept, kept.len()),
            }
            .say(language)
        }
        HistoryError::NoneBefore(cog) => Say::NoneBefore { cog }.say(language),
        HistoryError::Disk(why) => Say::HistoryUnreadable { why: &quoted(why) }.say(language),
        HistoryError::Off => Say::HistoryOff {}.say(language),
    }
}

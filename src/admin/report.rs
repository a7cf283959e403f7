//! A reload's report as an answer in chat.

use super::code_block;
use super::text::Say;
use crate::commands::text::Language;
use crate::reload::report::{CogOutcome, Outcome, Report};
use std::fmt::Write as _;

/// Names listed in one sentence.
const MOST_NAMES: usize = 20;

/// What a reload did, with file, line and excerpt where it failed.
pub(super) fn report(report: &Report, language: Language) -> String {
    let of = |outcomes: &[CogOutcome]| -> Vec<&str> {
        let cogs = report.cogs.iter();
        let chosen = cogs.filter(|cog| outcomes.contains(&cog.outcome));
        chosen.map(|cog| cog.name.as_str()).collect()
    };
    let done = of(&[CogOutcome::Loaded, CogOutcome::Reloaded]);
    let mut text = String::new();
    if !done.is_empty() {
        let milliseconds = &format!("{:.1}", report.took_ms);
        let cogs = &names(&done, MOST_NAMES);
        text += &Say::Applied { cogs, milliseconds }.say(language);
    }
    let tried = of(&[CogOutcome::Tried]);
    if !tried.is_empty() {
        let milliseconds = &format!("{:.1}", report.took_ms);
        let cogs = &names(&tried, MOST_NAMES);
        text += &Say::Tried { cogs, milliseconds }.say(language);
    }
    let dropped = of(&[CogOutcome::Dropped]);
    if !dropped.is_empty() {
        let cogs = &names(&dropped, MOST_NAMES);
        text += &Say::Dropped { cogs }.say(language);
    }
    if report.outcome == Outcome::Failed {
        let _always = write!(text, "\n{}", Say::Failed {}.say(language));
        for problem in &report.problems {
            let _always = write!(text, "\n{}", code_block(&problem.to_string()));
        }
        let kept = of(&[CogOutcome::Kept]);
        if !kept.is_empty() {
            let cogs = &names(&kept, MOST_NAMES);
            let _always = write!(text, "\n{}", Say::Kept { cogs }.say(language));
        }
        let waiting = of(&[CogOutcome::NotRunning]);
        if !waiting.is_empty() {
            let cogs = &names(&waiting, MOST_NAMES);
            let _always = write!(text, "\n{}", Say::Waiting { cogs }.say(language));
        }
    }
    if text.is_empty() {
        text = Say::Nothing {}.say(language);
    }
    text.trim().to_owned()
}

/// `most` of the names as inline code, and the number of the others.
pub(super) fn names(names: &[&str], most: usize) -> String {
    let mut listed: Vec<_> = names
        .iter()
        .take(most)
        .map(|name| format!("`{}`", name.replace('`', "'")))
        .collect();
    if names.len() > most {
        listed.push(format!("+{}", names.len() - most));
    }
    listed.join(", ")
}

/// A moment as Discord shows it: how long ago it was.
pub(super) fn ago(at: f64) -> String {
    #[allow(
        clippy::cast_possible_truncation,
        reason = "Unix seconds fit for 292 billion years"
    )]
    let at = at as i64;
    format!("<t:{at}:R>")
}

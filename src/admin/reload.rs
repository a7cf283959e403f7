//! `!reload`: menu, `status`, `toggle`, `cog <name>`, `all`. `history`, `undo` and `redo` are in `history.rs`, `try`,
//! `keep` and `drop` in `trial.rs`.

use super::report::report;
use super::text::Say;
use super::{AdminCall, Answering, history, intents, status};
use crate::commands::escape::{defuse, in_code, quoted};
use crate::commands::pages;
use crate::reload::controller::{Ask, Refused};
use crate::reload::report::Report;
use std::sync::Arc;

impl Answering {
    /// Answers `!reload …`.
    pub(super) async fn reload(&self, call: &AdminCall) -> String {
        let arguments = call.arguments.as_str();
        let language = self.language;
        let prefix = &self.shown_prefix();
        let (action, rest) = match arguments.split_once(char::is_whitespace) {
            Some((action, rest)) => (action, rest.trim()),
            None => (arguments, ""),
        };
        match action.to_lowercase().as_str() {
            "" => Say::Menu { prefix }.say(language),
            "status" => {
                let text = status::status(&self.cogs, &self.reload, prefix, language);
                let command = self.paged("reload status");
                pages::page(&text, pages::asked(rest).1, &command, language)
            }
            "toggle" => self.toggle(call).await,
            "all" => {
                let result = self.reload.ask(call.asks(Ask::All)).await;
                self.tell(result)
            }
            "history" | "undo" | "redo" | "try" | "keep" | "drop" if rest.is_empty() => {
                let command = &format!("{prefix}reload {}", action.to_lowercase());
                Say::NeedsName { command }.say(language)
            }
            "history" => self.history(rest).await,
            "undo" => self.undo(call, rest).await,
            "redo" => self.redo(call, rest).await,
            "try" => self.try_out(call, rest).await,
            "keep" => self.end_trial(call, Ask::Keep(rest.to_owned())).await,
            "drop" => self.end_trial(call, Ask::Drop(rest.to_owned())).await,
            "cog" if rest.is_empty() => {
                let command = &format!("{prefix}reload cog");
                Say::NeedsName { command }.say(language)
            }
            "cog" => {
                let result = self.reload.ask(call.asks(Ask::Cog(rest.to_owned()))).await;
                self.tell(result)
            }
            _ => {
                let given: String = action.chars().filter_map(in_code).take(40).collect();
                let given = defuse(&given);
                Say::UnknownAction {
                    given: &given,
                    prefix,
                }
                .say(language)
            }
        }
    }

    async fn toggle(&self, call: &AdminCall) -> String {
        let language = self.language;
        let was_on = self.reload.view().enabled;
        let result = self.reload.ask(call.asks(Ask::Toggle)).await;
        let state = if was_on { Say::Off {} } else { Say::On {} }.say(language);
        match result {
            Ok(None) => state,
            other => format!("{state}\n{}", self.tell(other)),
        }
    }

    /// A report as an answer.
    pub(super) fn tell(&self, result: Result<Option<Arc<Report>>, Refused>) -> String {
        let language = self.language;
        match result {
            Ok(Some(done)) => {
                let waiting = intents::waiting(&self.cogs.services, &self.reload, language);
                let undone = history::undone(&done, &self.shown_prefix(), language);
                let on_trial = self.on_trial(&done);
                let lines = [Some(report(&done, language)), undone, on_trial, waiting];
                lines.into_iter().flatten().collect::<Vec<_>>().join("\n")
            }
            Ok(None) => Say::Nothing {}.say(language),
            Err(Refused::Unknown { name, near }) => {
                let cog = &quoted(&name);
                match &near {
                    Some(near) => Say::UnknownNear { cog, near }.say(language),
                    None => Say::Unknown { cog }.say(language),
                }
            }
            Err(Refused::Ambiguous { named, of_module }) => {
                let id_of_named = &quoted(&format!("cogs.{named}"));
                let (named, of_module) = (&quoted(&named), &quoted(&of_module));
                Say::AmbiguousCog {
                    named,
                    id_of_named,
                    of_module,
                }
                .say(language)
            }
            Err(Refused::NotRunning(cog)) => Say::NotRunning { cog: &cog }.say(language),
            Err(Refused::NotUndone(cog)) => Say::NotUndone { cog: &cog }.say(language),
            Err(
                refused @ (Refused::TriedElsewhere { .. }
                | Refused::OnTrial { .. }
                | Refused::NotOnTrial(_)),
            ) => self.trial_refused(&refused),
            Err(Refused::History(error)) => history::error(&error, language),
            Err(Refused::Loaded(cog)) => {
                let prefix = &self.shown_prefix();
                Say::AlreadyLoaded { cog: &cog, prefix }.say(language)
            }
            Err(Refused::Failed) => {
                let prefix = &self.shown_prefix();
                Say::BotFailed { prefix }.say(language)
            }
            Err(Refused::ShuttingDown) => Say::ShuttingDown {}.say(language),
        }
    }
}

//! `!reload`: menu, `status`, `toggle`, `cog <name>`, `all`.

use super::report::report;
use super::text::Say;
use super::{Desk, status};
use crate::commands::escape::quoted;
use crate::reload::controller::{Ask, Refused};
use crate::reload::report::Report;
use std::sync::Arc;

impl Desk {
    /// Answers `!reload …`.
    pub(super) async fn reload(&self, arguments: &str) -> String {
        let language = self.language();
        let prefix = &self.prefix();
        let (action, rest) = match arguments.split_once(char::is_whitespace) {
            Some((action, rest)) => (action, rest.trim()),
            None => (arguments, ""),
        };
        match action.to_lowercase().as_str() {
            "" => Say::Menu { prefix }.say(language),
            "status" => status::status(&self.cogs, &self.reload, language),
            "toggle" => self.toggle().await,
            "all" => {
                let result = self.reload.ask(Ask::All).await;
                self.tell(result)
            }
            "cog" if rest.is_empty() => {
                let usage = &format!("{prefix}reload cog <name>");
                Say::NeedsName { usage }.say(language)
            }
            "cog" => {
                let result = self.reload.ask(Ask::Cog(rest.to_owned())).await;
                self.tell(result)
            }
            _ => {
                let given: String = action.chars().take(40).filter(|c| *c != '`').collect();
                Say::UnknownAction {
                    given: &given,
                    prefix,
                }
                .say(language)
            }
        }
    }

    async fn toggle(&self) -> String {
        let language = self.language();
        let was_on = self.reload.view().enabled;
        let result = self.reload.ask(Ask::Toggle).await;
        let state = if was_on { Say::Off {} } else { Say::On {} }.say(language);
        match result {
            Ok(None) => state,
            other => format!("{state}\n{}", self.tell(other)),
        }
    }

    /// A report as an answer.
    pub(super) fn tell(&self, result: Result<Option<Arc<Report>>, Refused>) -> String {
        let language = self.language();
        match result {
            Ok(Some(done)) => report(&done, language),
            Ok(None) => Say::Nothing {}.say(language),
            Err(Refused::Unknown { name, hint }) => {
                let hint = hint.replace('"', "`");
                format!("There is no cog {}{hint}.", quoted(&name))
            }
            Err(refused) => format!("{refused}."),
        }
    }
}

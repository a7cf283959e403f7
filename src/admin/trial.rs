//! `!reload try`, `keep` and `drop`: a version that one server tries.

use super::report::ago;
use super::text::Say;
use super::{AdminCall, Answering};
use crate::api::services::Services;
use crate::commands::escape::{inside_code, quoted};
use crate::commands::text::Language;
use crate::reload::controller::{Ask, Refused};
use crate::reload::report::{Report, TrialReport};

impl Answering {
    /// Answers `!reload try <name>`.
    pub(super) async fn try_out(&self, call: &AdminCall, name: &str) -> String {
        let guild = call.guild_id.as_deref();
        let Some(guild) = guild.and_then(|guild| guild.parse().ok()) else {
            let (cog, prefix) = (&inside_code(name), &self.shown_prefix());
            return Say::TryInServer { cog, prefix }.say(self.language);
        };
        let ask = Ask::Try(name.to_owned(), guild);
        let result = self.reload.ask(call.asks(ask)).await;
        self.tell(result)
    }

    /// Answers `!reload keep <name>` and `!reload drop <name>`.
    pub(super) async fn end_trial(&self, call: &AdminCall, ask: Ask) -> String {
        let result = self.reload.ask(call.asks(ask)).await;
        self.tell(result)
    }

    /// The cogs of a report of which one server tries another version.
    pub(super) fn on_trial(&self, report: &Report) -> Option<String> {
        let (services, prefix) = (&self.cogs.services, &self.shown_prefix());
        let lines = report.cogs.iter().filter_map(|cog| {
            let trial = cog.trial.as_ref()?;
            Some(told(services, &cog.name, trial, prefix, self.language))
        });
        let lines: Vec<String> = lines.collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    /// Why something about a trial was not done.
    pub(super) fn trial_refused(&self, refused: &Refused) -> String {
        let (language, prefix) = (self.language, &self.shown_prefix());
        let server = |guild: u64| server(&self.cogs.services, &guild.to_string(), language);
        match refused {
            Refused::TriedElsewhere { cog, guild } => {
                let server = &server(*guild);
                Say::TriedElsewhere {
                    cog,
                    server,
                    prefix,
                }
                .say(language)
            }
            Refused::OnTrial { cog, guild } => {
                let server = &server(*guild);
                Say::OnTrialFirst {
                    cog,
                    server,
                    prefix,
                }
                .say(language)
            }
            Refused::NotOnTrial(cog) => Say::NotOnTrial { cog, prefix }.say(language),
            other => other.to_string(),
        }
    }
}

/// That a server tries another version of a cog, and how that ends.
pub(super) fn told(
    services: &Services,
    cog: &str,
    trial: &TrialReport,
    prefix: &str,
    language: Language,
) -> String {
    Say::IsOnTrial {
        cog,
        server: &server(services, &trial.guild, language),
        since: &ago(trial.since),
        by: &quoted(&trial.by),
        prefix,
    }
    .say(language)
}

/// A server by its name, where that is known.
fn server(services: &Services, guild: &str, language: Language) -> String {
    let known = services.cache.guild(guild);
    let name = known.as_ref().and_then(|guild| guild.str("name"));
    match name {
        Some(name) => quoted(name),
        None => Say::UnknownServer { id: guild }.say(language),
    }
}

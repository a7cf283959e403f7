//! Privileged intents that Discord does not let the bot use.

use super::own;
use crate::cogs::host::Cogs;
use crate::discord::intents::{bit, names, of, privileged};
use crate::error::{DisallowedIntents, RefusedIntent};
use crate::reload::report::{CogOutcome, Report};

/// The privileged intents, each with the two flags of an application that has it: one for applications in
/// few guilds, one for those that Discord has verified.
/// <https://discord.com/developers/docs/resources/application#application-object-application-flags>
const FLAGS: [(&str, i64); 3] = [
    ("guild_presences", 1 << 12 | 1 << 13),
    ("guild_members", 1 << 14 | 1 << 15),
    ("message_content", 1 << 18 | 1 << 19),
];

/// Those of `intents` that must be switched on in the portal.
pub(in crate::bot) fn privileged_of(intents: u64) -> u64 {
    intents & privileged()
}

/// The refusal of `refused`, with the cogs that ask for each. Discord refuses all that was asked for as a
/// whole, so that the application's flags narrow it down, where they can be read.
pub(in crate::bot) async fn disallowed(cogs: &Cogs, refused: u64) -> DisallowedIntents {
    let narrowed = refused & !granted(cogs).await.unwrap_or_default();
    let refused = if narrowed == 0 { refused } else { narrowed };
    let intents = names(refused).into_iter().map(|name| RefusedIntent {
        name: name.to_owned(),
        cogs: asking(cogs, bit(name).unwrap_or_default()),
    });
    DisallowedIntents {
        intents: intents.collect(),
    }
}

/// The privileged intents that the application has, if the server says so. A server that denies the one with which
/// the bot is connected does not know.
pub(super) async fn granted(cogs: &Cogs) -> Option<u64> {
    let application = cogs.services.outbound.current_application().await.ok()?;
    granted_by(application.flags)
}

/// The privileged intents that an application with these flags has.
pub(in crate::bot) fn granted_by(flags: i64) -> Option<u64> {
    let has = |(_, flag): &&(&str, i64)| flags & flag != 0;
    let names = FLAGS.iter().filter(has).map(|(name, _)| *name);
    let granted = of(names).ok()?;
    (privileged_of(own()) & !granted == 0).then_some(granted)
}

/// The cogs that ask for any of `bits`.
pub(super) fn asking(cogs: &Cogs, bits: u64) -> Vec<String> {
    let all = cogs.all().into_iter();
    let asking =
        all.filter(|cog| cog.has_version() && cog.peek(|status| status.offer.intents & bits != 0));
    asking.map(|cog| cog.name.to_string()).collect()
}

/// Whether a report says that one of `names` was loaded.
pub(super) fn concerns(report: &Report, names: &[String]) -> bool {
    report.cogs.iter().any(|cog| {
        let is_loaded = matches!(cog.outcome, CogOutcome::Loaded | CogOutcome::Reloaded);
        is_loaded && names.contains(&cog.name)
    })
}

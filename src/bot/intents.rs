//! From what the cogs ask for to what the gateway sends.

use crate::cogs::host::Cogs;
use crate::discord::intents::{bit, names, of, privileged};
use crate::error::{DisallowedIntents, RefusedIntent};
use crate::gateway::{Gateway, GatewayError};
use crate::reload::controller::Reload;
use crate::reload::report::{CogOutcome, Report};
use crate::supervise::{self, Task};
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tracing::{error, warn};

/// The pause before intents are asked for again after something else than Discord's refusal.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// The privileged intents, each with the two flags of an application that has it: one for applications in
/// few guilds, one for those that Discord has verified.
/// <https://discord.com/developers/docs/resources/application#application-object-application-flags>
const FLAGS: [(&str, i64); 3] = [
    ("guild_presences", 1 << 12 | 1 << 13),
    ("guild_members", 1 << 14 | 1 << 15),
    ("message_content", 1 << 18 | 1 << 19),
];

/// Guilds, channels and roles are always kept, and the bot's own commands are typed in messages.
pub(super) fn with_own(intents: u64) -> u64 {
    let own = [
        "guilds",
        "guild_messages",
        "direct_messages",
        "message_content",
    ];
    intents | of(own).unwrap_or_default()
}

/// Those of `intents` that must be switched on in the portal.
pub(super) fn privileged_of(intents: u64) -> u64 {
    intents & privileged()
}

/// The refusal of `refused`, with the cogs that ask for each. Discord refuses all that was asked for as a
/// whole, so that the application's flags narrow it down, where they can be read.
pub(super) async fn disallowed(cogs: &Cogs, refused: u64) -> DisallowedIntents {
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

/// The privileged intents that the application has, if the server says so.
async fn granted(cogs: &Cogs) -> Option<u64> {
    let application = cogs.services.outbound.current_application().await.ok()?;
    let has = |(_, flags): &&(&str, i64)| application.flags & flags != 0;
    let names = FLAGS.iter().filter(has).map(|(name, _)| *name);
    of(names).ok()
}

/// The cogs that ask for any of `bits`.
fn asking(cogs: &Cogs, bits: u64) -> Vec<String> {
    let all = cogs.all().into_iter();
    let asking = all.filter(|cog| {
        let status = cog.status();
        status.is_running() && status.offer.intents & bits != 0
    });
    asking.map(|cog| cog.name.to_string()).collect()
}

/// Asks the gateway for what the cogs ask for, whenever that changes. What Discord refuses is logged, with
/// the cogs that ask for it, and left out until one of them is loaded anew.
pub(super) async fn follow(gateway: &Gateway, cogs: &Cogs, reload: &Reload) {
    let mut wanted = reload.intents.clone();
    let mut reports = reload.reports.subscribe();
    let mut current = with_own(*wanted.borrow_and_update());
    let mut refused = 0;
    let mut pause = FIRST_PAUSE;
    loop {
        supervise::point(Task::Intents);
        let needed = with_own(*wanted.borrow_and_update());
        refused &= needed;
        match gateway.set_intents(needed & !refused).await {
            Ok(()) => {
                current = needed & !refused;
                pause = FIRST_PAUSE;
            }
            Err(GatewayError::DisallowedIntents { .. }) => {
                let new = privileged_of(needed & !current);
                if new & !refused == 0 {
                    error!("Discord refuses the bot's intents, which it had allowed before");
                } else {
                    let refusal = disallowed(cogs, new).await;
                    error!("{refusal} Until then the bot goes on without.");
                    let left_out = refusal.intents.iter().filter_map(|it| bit(&it.name));
                    refused |= left_out.fold(0, |bits, bit| bits | bit);
                    continue;
                }
            }
            Err(GatewayError::Stopped) => return,
            Err(failure) => {
                let seconds = pause.as_secs();
                warn!("{failure}. Trying again in {seconds} s");
                tokio::select! {
                    () = cogs.services.clock.sleep(pause) => {}
                    changed = wanted.changed() => if changed.is_err() { return },
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
                continue;
            }
        }
        loop {
            tokio::select! {
                changed = wanted.changed() => match changed {
                    Ok(()) => break,
                    Err(_) => return,
                },
                report = reports.recv() => match report {
                    Ok(report) if refused != 0 && concerns(&report, &asking(cogs, refused)) => {
                        // Discord counts attempts, so it is asked first whether one has a chance.
                        if granted(cogs).await.is_none_or(|granted| granted & refused != 0) {
                            refused = 0;
                            break;
                        }
                    }
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                },
            }
        }
    }
}

/// Whether a report says that one of `names` was loaded.
fn concerns(report: &Report, names: &[String]) -> bool {
    report.cogs.iter().any(|cog| {
        let is_loaded = matches!(cog.outcome, CogOutcome::Loaded | CogOutcome::Reloaded);
        is_loaded && names.contains(&cog.name)
    })
}

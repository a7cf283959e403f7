//! The intents that the cogs wait for.

use super::text::Say;
use crate::api::services::Services;
use crate::commands::text::Language;
use crate::discord::intents::names;
use crate::reload::controller::Reload;
use std::time::Duration;

/// Which intents the connection has not yet, and when it takes them; nothing when it may take them at once.
pub(super) fn waiting(services: &Services, reload: &Reload, language: Language) -> Option<String> {
    let connection = services.connection.load();
    let missing = *reload.intents.borrow() & !connection.intents;
    if missing != 0 && connection.needs_restart {
        let intents = &names(missing).join(", ");
        return Some(Say::IntentsNeedRestart { intents }.say(language));
    }
    let wait = connection.free_at.checked_sub(services.clock.now())?;
    let seconds = Duration::from_secs(wait.as_secs());
    if missing == 0 || seconds.is_zero() {
        return None;
    }
    let intents = &names(missing).join(", ");
    let wait = &humantime::format_duration(seconds).to_string();
    Some(Say::IntentsWait { intents, wait }.say(language))
}

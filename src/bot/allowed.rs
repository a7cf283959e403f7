//! Whether a server lets a command be used, before its cog hears of the call.

use crate::cogs::handle::CogHandle;
use crate::cogs::host::Cogs;
use crate::commands::conflicts::Claim;
use crate::commands::name_key::name_key;
use crate::commands::parse::answers_to;
use crate::commands::slash::is_called;
use crate::commands::text::Text;
use crate::discord::event::Event;
use crate::guild_settings::{Place, Settings, Verdict};
use crate::json::JsonRef;
use std::sync::Arc;

/// How the settings of the server where an event happens stand to a command of a cog that it calls.
pub(super) fn verdict(cogs: &Cogs, cog: &CogHandle, claim: &Claim, event: &Event) -> Verdict {
    let Some(settings) = settings(cogs, event).filter(|it| it.has_rules()) else {
        return Verdict::Usable;
    };
    if let Claim::Component(_) = claim {
        // Who may use a component was decided when its message was sent.
        let is_off = settings.is_cog_off(&cog.name);
        return if is_off {
            Verdict::Off
        } else {
            Verdict::Usable
        };
    }
    let call = event.data();
    let data = call.get("data").unwrap_or(JsonRef::NULL);
    let command = cog.peek_in(Some(event.origin().guild), |offer| {
        let mut all = offer.commands.iter().map(|it| &it.definition);
        let found = all.find(|it| match claim {
            Claim::Typed(name) => it.prefix && answers_to(it, name),
            _ => is_called(it, data),
        });
        found.map(|it| name_key(&it.name))
    });
    let command = command.unwrap_or_default();
    settings.verdict(&command, &cog.name, &place(cogs, call.view()))
}

/// The channels and roles by which a server may have limited what is called.
fn place(cogs: &Cogs, call: JsonRef<'_>) -> Place {
    let id = |text: &str| text.parse::<u64>().ok();
    let mut channels = Vec::new();
    let mut next = call.str("channel_id").map(str::to_owned);
    // A thread is in a channel, and that in a category.
    while let Some(channel) = next.filter(|_| channels.len() < 3) {
        channels.extend(id(&channel));
        let known = cogs.services.cache.channel(&channel);
        next = known.and_then(|it| it.str("parent_id").map(str::to_owned));
    }
    let roles = call.at(&["member", "roles"]).unwrap_or(JsonRef::NULL);
    let roles = roles.items().filter_map(JsonRef::as_str);
    let roles = roles.chain(call.str("guild_id")).filter_map(id);
    Place {
        channels,
        roles: roles.collect(),
    }
}

/// What the server where an event happens has set, if it has set anything. While no server has, the event is not looked
/// at.
pub(super) fn settings(cogs: &Cogs, event: &Event) -> Option<Arc<Settings>> {
    let guilds = &cogs.services.guilds;
    if guilds.is_empty() {
        return None;
    }
    guilds.of_id(event.origin().guild)
}

/// What the user of a slash command is told that their server does not let them use.
pub(super) fn refusal(verdict: Verdict) -> Option<Text<'static>> {
    match verdict {
        Verdict::Usable => None,
        Verdict::Off => Some(Text::OffHere {}),
        Verdict::OtherChannel => Some(Text::InOtherChannels {}),
        Verdict::OtherRole => Some(Text::WithOtherRoles {}),
    }
}

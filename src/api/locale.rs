//! In which language somebody is spoken to.
//!
//! ```text
//! what the server has set (`!settings language`), or else
//! an interaction ─ the user's own ─ does the bot have it? ─ or else that of the server, or the bot
//! a message ─ the server's ─ or else the bot's (`bot.locale`)
//! ```

use super::services::Services;
use crate::commands::text::Language;
use crate::json::{Json, JsonRef};

/// The locale for what is typed in a guild, or in a direct message.
pub fn locale_in(services: &Services, guild: Option<&str>) -> String {
    let own = guild
        .and_then(|guild| set_in(services, guild).or_else(|| locale_of_guild(services, guild)));
    own.unwrap_or_else(|| services.config.load().bot.locale.code().to_owned())
}

/// The locale of whoever used an interaction: Discord says in which language they have it.
pub fn locale_of(services: &Services, interaction: &Json) -> String {
    let guild = interaction.str("guild_id");
    let set = guild.and_then(|guild| set_in(services, guild));
    let own = set.or_else(|| interaction.str("locale").map(str::to_owned));
    own.unwrap_or_else(|| locale_in(services, guild))
}

/// The language of the bot's own sentences for somebody with this locale: theirs, or else the bot's.
pub fn language(services: &Services, locale: &str) -> Language {
    let own = Language::known(locale);
    own.unwrap_or_else(|| Language::of_locale(services.config.load().bot.locale.code()))
}

/// What a guild has set for itself.
fn set_in(services: &Services, guild: &str) -> Option<String> {
    let language = services.guilds.of(Some(guild))?.language?;
    Some(language.code().to_owned())
}

/// What a guild has chosen. Only communities can choose; others have Discord's default.
fn locale_of_guild(services: &Services, guild: &str) -> Option<String> {
    let guild = services.cache.guild(guild)?;
    let mut features = guild.list("features");
    let is_community = features.any(|it| JsonRef::as_str(it) == Some("COMMUNITY"));
    let chosen = guild.str("preferred_locale").filter(|_| is_community);
    chosen.map(str::to_owned)
}

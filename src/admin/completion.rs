//! Completes what is typed into an option of the bot's own slash commands.

use super::seen::may_call;
use super::{AdminCall, Answering, slash};
use crate::api::interaction::Interaction;
use crate::cogs::caller::Caller;
use crate::commands::definition::{Check, CommandDefinition, LONGEST_CHOICE, MOST_CHOICES};
use crate::commands::name_key::name_key;
use crate::discord::permissions::{MANAGE_GUILD, missing};
use crate::guild_settings::Rule;
use crate::json::JsonRef;
use serenity::builder::{
    AutocompleteChoice, CreateAutocompleteResponse, CreateInteractionResponse,
};

/// The answer with these choices.
pub(super) fn response(choices: Vec<String>) -> CreateInteractionResponse {
    let choices = choices.into_iter();
    let choices = choices.map(|name| AutocompleteChoice::new(name.clone(), name));
    let response = CreateAutocompleteResponse::new().set_choices(choices.collect());
    CreateInteractionResponse::Autocomplete(response)
}

impl Answering {
    /// The choices for what is typed. Names of cogs are for admins alone.
    pub(super) fn choices(&self, call: &AdminCall, interaction: &Interaction) -> Vec<String> {
        let Some((option, typed)) = slash::focused(interaction.data()) else {
            return Vec::new();
        };
        let is_admin = self.cogs.services.is_admin(&call.author_id);
        let names = match (call.name.as_str(), option) {
            ("help", "command") => self.usable_commands(call, interaction),
            ("settings", _) => self.settable(call, interaction),
            ("load", "name") if is_admin => self.cogs_to_load(),
            (_, "name") if is_admin => self.names_of_cogs(),
            _ => Vec::new(),
        };
        fitting(names, typed)
    }

    fn names_of_cogs(&self) -> Vec<String> {
        let all = self.cogs.all().into_iter();
        all.map(|cog| cog.name.to_string()).collect()
    }

    /// Cogs that do not run, and those that an admin has unloaded.
    fn cogs_to_load(&self) -> Vec<String> {
        let all = self.cogs.all().into_iter();
        let waiting = all.filter(|cog| !cog.has_version());
        let waiting = waiting.map(|cog| cog.name.to_string());
        waiting.chain(self.reload.view().unloaded).collect()
    }

    /// What `/settings` may be about, for who may change it, as far as Discord has told with the interaction.
    fn settable(&self, call: &AdminCall, interaction: &Interaction) -> Vec<String> {
        let permissions = interaction.event().at(&["member", "permissions"]);
        let permissions = permissions.and_then(JsonRef::as_str);
        let permissions = permissions.and_then(|bits| bits.parse().ok());
        let may = permissions.is_some_and(|bits| missing(bits, MANAGE_GUILD) == 0);
        let guild = call.guild_id.as_deref().and_then(|it| it.parse().ok());
        let Some(guild) = guild.filter(|_| may) else {
            return Vec::new();
        };
        match call.arguments.split(' ').next() {
            Some("on") => self.restricted(guild, |rule| *rule == Rule::Off),
            Some("reset") => {
                let all = ["prefix", "language", "all"].map(str::to_owned).into_iter();
                all.chain(self.restricted(guild, |_| true)).collect()
            }
            _ => self.subjects(),
        }
    }

    /// The commands that the caller may use, as far as the bot itself decides it.
    fn usable_commands(&self, about: &AdminCall, interaction: &Interaction) -> Vec<String> {
        let settings = self.cogs.services.guilds.of(about.guild_id.as_deref());
        let settings = settings.unwrap_or_default();
        let call = interaction.caller();
        let caller = Caller {
            services: &self.cogs.services,
            call: &call,
            interaction: Some(interaction),
            language: self.language,
        };
        let mut names = Vec::new();
        for cog in self.cogs.all().iter().filter(|cog| cog.has_version()) {
            cog.peek(|status| {
                let of_cog: Vec<&Check> = status.offer.checks.iter().collect();
                for command in &status.offer.commands {
                    if settings.is_off(&name_key(&command.definition.name), &cog.name) {
                        continue;
                    }
                    add_usable(&command.definition, "", &of_cog, &caller, &mut names);
                }
            });
        }
        names
    }
}

/// Adds a command that may be used with the names before it, and those below it.
fn add_usable(
    definition: &CommandDefinition,
    before: &str,
    checks: &[&Check],
    caller: &Caller<'_>,
    names: &mut Vec<String>,
) {
    let checks: Vec<&Check> = checks.iter().copied().chain(&definition.checks).collect();
    if definition.hidden || !may_call(definition, &checks, caller) {
        return;
    }
    let name = format!("{before}{}", definition.name);
    for part in &definition.subcommands {
        add_usable(part, &format!("{name} "), &checks, caller, names);
    }
    names.push(name);
}

/// The names that contain what is typed: first those that begin with it, each in order.
fn fitting(names: Vec<String>, typed: &str) -> Vec<String> {
    let typed = name_key(typed.trim());
    let mut found: Vec<(bool, String)> = names
        .into_iter()
        .filter(|name| name.chars().count() <= LONGEST_CHOICE)
        .filter_map(|name| {
            let place = name_key(&name).find(&typed)?;
            Some((place > 0, name))
        })
        .collect();
    found.sort();
    found.dedup();
    let names = found.into_iter().map(|(_, name)| name);
    names.take(MOST_CHOICES).collect()
}

#[cfg(test)]
mod tests {
    use super::fitting;

    #[test]
    fn names_that_begin_with_what_is_typed_come_first() {
        let names = || ["tag add", "add", "Address", "ping", "add"].map(str::to_owned);
        assert_eq!(
            fitting(names().to_vec(), "ADD"),
            ["Address", "add", "tag add"]
        );
        assert_eq!(fitting(names().to_vec(), "").len(), 4);
        assert_eq!(fitting(vec!["x".repeat(101)], ""), [""; 0]);
        let many = (0..99).map(|number| format!("a{number:02}"));
        assert_eq!(fitting(many.collect(), "a").len(), 25);
    }
}

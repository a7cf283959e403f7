//! `!settings`: what a server sets for itself, by members who may manage it.
//!
//! ```text
//! `prefix ?`, `language id`, `off NAME`, `on NAME`, `limit NAME #channel @role`, `reset NAME` ─ guild_settings ─▶ a sentence
//! ```

use super::text::Say;
use super::{AdminCall, Answering};
use crate::api::unknown_guild::{Wanted, learn, learn_guild};
use crate::cogs::caller::Caller;
use crate::cogs::host::ADMIN_COMMANDS;
use crate::commands::checks::{CheckAnswers, Verdict, evaluate};
use crate::commands::definition::Check;
use crate::commands::escape::{inside_code, quoted};
use crate::commands::name_key::name_key;
use crate::commands::pages;
use crate::commands::parse::{after_prefix, answers_to};
use crate::commands::text::{Language, Text};
use crate::discord::permissions::MANAGE_GUILD;
use crate::guild_settings::{
    LONGEST_PREFIX, MOST_PLACES, MOST_RULES, PrefixFault, Rule, Settings, Subject, prefix_fault,
};
use crate::nearest::nearest;
use crate::state::StateError;
use serenity::builder::CreateActionRow;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Before the name of a cog that is meant where a command has the same name.
const COG: &str = "cog:";

/// Words for "as if nothing were set".
pub(super) const RESET: &str = "reset";

impl Answering {
    /// Answers `!settings …`: with what is set comes a menu.
    pub(super) async fn settings(&self, call: &AdminCall) -> (String, Vec<CreateActionRow>) {
        let guild = match self.guild_to_manage(call).await {
            Ok(guild) => guild,
            Err(refusal) => return (refusal, Vec::new()),
        };
        let arguments = call.arguments.as_str();
        let arguments = arguments.strip_prefix("show").unwrap_or(arguments);
        match pages::asked(arguments) {
            ("", page) => (self.show_settings(guild, page), self.menu(guild, 1)),
            _ => (self.settings_of(guild, arguments).await, Vec::new()),
        }
    }

    /// The server that the caller may manage; otherwise why not.
    pub(super) async fn guild_to_manage(&self, call: &AdminCall) -> Result<u64, String> {
        let guild = call.guild_id.as_deref();
        let number = guild.and_then(|it| Some((it, it.parse().ok()?)));
        let Some((guild, number)) = number else {
            return Err(Text::OnlyInGuild {}.say(self.language));
        };
        let services = &self.cogs.services;
        let asked = call.caller();
        let caller = Caller {
            services,
            call: &asked,
            interaction: call.form.interaction().map(|it| &**it),
            language: self.language,
        };
        let needed = [Check::Permissions(MANAGE_GUILD)];
        let verdict = || evaluate(&needed, &caller, &CheckAnswers::new());
        let mut decided = verdict();
        if decided == Verdict::Unknown {
            let wanted = Wanted {
                guild,
                channel: &call.channel_id,
                user: &call.author_id,
            };
            let _known: bool = learn(services, wanted).await;
            decided = verdict();
        }
        match decided {
            Verdict::Pass => Ok(number),
            Verdict::Denied { message, .. } => Err(message),
            _ => Err(Text::ServerUnknown {}.say(self.language)),
        }
    }

    async fn settings_of(&self, guild: u64, arguments: &str) -> String {
        let (action, rest) = split(arguments);
        match name_key(action).as_str() {
            "prefix" => self.set_prefix(guild, rest).await,
            "language" => self.set_language(guild, rest).await,
            "off" => self.switch(guild, rest, true).await,
            "on" => self.switch(guild, rest, false).await,
            "limit" => self.limit(guild, rest).await,
            RESET => self.reset(guild, rest).await,
            _ => self.usage(),
        }
    }

    /// How the settings are changed.
    pub(super) fn usage(&self) -> String {
        let prefix = &self.shown_prefix();
        Say::SettingsUsage { prefix }.say(self.language)
    }

    pub(super) fn current(&self, guild: u64) -> Arc<Settings> {
        let known = self.cogs.services.guilds.of_id(guild);
        known.unwrap_or_default()
    }

    /// Changes what is set, and returns the sentence that says so.
    async fn change(&self, guild: u64, done: String, change: impl FnOnce(&mut Settings)) -> String {
        match self.cogs.services.guilds.change(guild, change).await {
            Ok(()) => done,
            Err(error) => self.not_stored(guild, &error),
        }
    }

    pub(super) fn not_stored(&self, guild: u64, error: &StateError) -> String {
        tracing::error!(guild, %error, "The settings of a server could not be stored");
        Text::BotFailed {}.say(self.language)
    }

    /// All that is set, and how it is changed.
    pub(super) fn show_settings(&self, guild: u64, page: usize) -> String {
        let language = self.language;
        let settings = self.current(guild);
        let or_default = |text: String, is_set: bool| {
            if is_set {
                return text;
            }
            let value = &text;
            Say::AsConfigured { value }.say(language)
        };
        let prefix = format!("`{}`", inside_code(&self.prefix));
        let prefix = &or_default(prefix, settings.prefix.is_some());
        let name = language.own_name().to_owned();
        let name = &or_default(name, settings.language.is_some());
        let mut lines = vec![
            Say::SettingsHeading {
                prefix,
                language: name,
            }
            .say(language),
        ];
        lines.extend(settings.rules().map(|(subject, rule)| {
            let (what, how) = (&self.named(subject), &self.how(rule));
            format!("{what}: {how}")
        }));
        lines.push(self.usage());
        let command = self.paged("settings");
        pages::page(&lines.join("\n"), page, &command, language)
    }

    /// A command or cog as it is shown.
    fn named(&self, subject: &Subject) -> String {
        match subject {
            Subject::Command(name) => format!("`{}`", inside_code(name)),
            Subject::Cog(name) => {
                let cog = &format!("`{}`", inside_code(name));
                Say::TheCog { cog }.say(self.language)
            }
        }
    }

    fn how(&self, rule: &Rule) -> String {
        match rule {
            Rule::Off => Say::IsOff {}.say(self.language),
            Rule::Limited { channels, roles } => {
                let channels = channels.iter().map(|id| format!("<#{id}>"));
                let roles = roles.iter().map(|id| format!("<@&{id}>"));
                let places: Vec<String> = channels.chain(roles).collect();
                let places = &places.join(", ");
                Say::IsLimited { places }.say(self.language)
            }
        }
    }

    pub(super) async fn set_prefix(&self, guild: u64, given: &str) -> String {
        let language = self.language;
        let configured = self.cogs.services.config.load().bot.prefix.clone();
        let configured = &inside_code(&configured);
        if name_key(given) == RESET {
            let prefix = configured;
            let done = Say::PrefixSet { prefix, configured }.say(language);
            return self.change(guild, done, |it| it.prefix = None).await;
        }
        let given = unquoted(given);
        let fault = match prefix_fault(given) {
            None => {
                let prefix = &inside_code(given);
                let done = Say::PrefixSet { prefix, configured }.say(language);
                let given = given.to_owned();
                return self.change(guild, done, |it| it.prefix = Some(given)).await;
            }
            Some(PrefixFault::Empty) => Say::PrefixEmpty {},
            Some(PrefixFault::Long) => Say::PrefixLong {
                most: &LONGEST_PREFIX.to_string(),
            },
            Some(PrefixFault::Unseen) => Say::PrefixUnseen {},
            Some(PrefixFault::Mention) => Say::PrefixMentions {},
        };
        fault.say(language)
    }

    pub(super) async fn set_language(&self, guild: u64, given: &str) -> String {
        let chosen = match name_key(given).as_str() {
            "en" | "english" | "inggris" => Some(Language::English),
            "id" | "indonesian" | "indonesia" | "bahasa indonesia" => Some(Language::Indonesian),
            RESET => None,
            _ => {
                let given = &quoted(given);
                return Say::UnknownLanguage { given }.say(self.language);
            }
        };
        let configured = self.cogs.services.config.load().bot.locale.code();
        let spoken = chosen.unwrap_or_else(|| Language::of_locale(configured));
        let name = spoken.own_name();
        let done = Say::LanguageSet { name }.say(spoken);
        self.change(guild, done, |it| it.language = chosen).await
    }

    /// Answers `off NAME` and `on NAME`.
    async fn switch(&self, guild: u64, given: &str, is_off: bool) -> String {
        let subject = match self.subject(guild, given) {
            Ok(subject) => subject,
            Err(refusal) => return refusal,
        };
        let what = &self.named(&subject);
        let settings = self.current(guild);
        let rule = settings.rule(&subject);
        if is_off {
            if rule.is_none() && settings.rules().count() >= MOST_RULES {
                return self.too_many();
            }
            let done = Say::SwitchedOff { what }.say(self.language);
            return self
                .change(guild, done, |it| it.set(subject, Some(Rule::Off)))
                .await;
        }
        if let Some(limited @ Rule::Limited { .. }) = rule {
            let how = &self.how(limited);
            return format!("{what}: {how}");
        }
        let done = Say::SwitchedOn { what }.say(self.language);
        self.change(guild, done, |it| it.set(subject, None)).await
    }

    pub(super) fn too_many(&self) -> String {
        let most = &MOST_RULES.to_string();
        Say::TooManyRules { most }.say(self.language)
    }

    /// Answers `limit NAME #channel @role …`.
    async fn limit(&self, guild: u64, given: &str) -> String {
        let (mut name, mut places) = split_places(given);
        let mut found = self.subject(guild, name);
        if found.is_err() {
            // A word behind the name is no channel or role.
            (name, places) = split(given);
            found = self.subject(guild, name);
        }
        let subject = match found {
            Ok(subject) => subject,
            Err(refusal) => return refusal,
        };
        let rule = match self.places(guild, places).await {
            Ok(rule) => rule,
            Err(refusal) => return refusal,
        };
        let settings = self.current(guild);
        if settings.rule(&subject).is_none() && settings.rules().count() >= MOST_RULES {
            return self.too_many();
        }
        let (what, how) = (self.named(&subject), self.how(&rule));
        let done = format!("{what}: {how}");
        self.change(guild, done, |it| it.set(subject, Some(rule)))
            .await
    }

    /// The channels and roles that are named.
    async fn places(&self, guild: u64, given: &str) -> Result<Rule, String> {
        let guild = &guild.to_string();
        let services = &self.cogs.services;
        let _known: bool = learn_guild(services, guild).await;
        let (mut channels, mut roles) = (BTreeSet::new(), BTreeSet::new());
        for word in given.split_whitespace() {
            if let Some(id) = self.channel(guild, word) {
                channels.insert(id);
            } else if let Some(id) = self.role(guild, word) {
                roles.insert(id);
            } else {
                let given = &quoted(word);
                return Err(Say::NoSuchPlace { given }.say(self.language));
            }
        }
        if channels.is_empty() && roles.is_empty() {
            let prefix = &self.shown_prefix();
            return Err(Say::NeedsPlaces { prefix }.say(self.language));
        }
        if channels.len() + roles.len() > MOST_PLACES {
            let most = &MOST_PLACES.to_string();
            return Err(Say::TooManyPlaces { most }.say(self.language));
        }
        Ok(Rule::Limited { channels, roles })
    }

    /// The channel of this server that a mention, an id or a name with `#` means.
    fn channel(&self, guild: &str, word: &str) -> Option<u64> {
        let cache = &self.cogs.services.cache;
        let id = inside(word, "<#").or_else(|| digits(word));
        if let Some(id) = id {
            let channel = cache.channel(id)?;
            return (channel.str("guild_id")? == guild).then(|| id.parse().ok())?;
        }
        let name = word.strip_prefix('#')?;
        let all = cache.channels(guild);
        let found = all.iter().find(|it| it.str("name") == Some(name))?;
        found.str("id")?.parse().ok()
    }

    /// The role of this server that a mention, an id or a name with `@` means.
    fn role(&self, guild: &str, word: &str) -> Option<u64> {
        let cache = &self.cogs.services.cache;
        let id = inside(word, "<@&").or_else(|| digits(word));
        if let Some(id) = id {
            return cache.role(guild, id).and_then(|_| id.parse().ok());
        }
        let name = word.strip_prefix('@')?;
        let all = cache.roles(guild);
        let name = |role: &&crate::json::Json| {
            let own = role.str("name").unwrap_or_default();
            own == name || own == word
        };
        all.iter().find(name)?.str("id")?.parse().ok()
    }

    /// Answers `reset prefix`, `language`, `NAME` or `all`.
    pub(super) async fn reset(&self, guild: u64, given: &str) -> String {
        match name_key(given).as_str() {
            "prefix" => self.set_prefix(guild, RESET).await,
            "language" => self.set_language(guild, RESET).await,
            "all" => {
                let done = Say::AllReset {}.say(self.language);
                self.change(guild, done, |it| *it = Settings::default())
                    .await
            }
            "" => self.usage(),
            _ => match self.subject(guild, given) {
                Ok(subject) => {
                    let what = &self.named(&subject);
                    let done = Say::SwitchedOn { what }.say(self.language);
                    self.change(guild, done, |it| it.set(subject, None)).await
                }
                Err(refusal) => refusal,
            },
        }
    }

    /// The command or cog that a word means: a command before a cog of the same name.
    pub(super) fn subject(&self, guild: u64, given: &str) -> Result<Subject, String> {
        let given = given.trim();
        if given.is_empty() {
            return Err(self.usage());
        }
        let word = after_prefix(given, &self.prefix).unwrap_or(given);
        let key = name_key(word);
        let cog = word.strip_prefix(COG);
        if cog.is_none() && ADMIN_COMMANDS.contains(&key.as_str()) {
            let name = &quoted(word);
            return Err(Say::StaysOn { name }.say(self.language));
        }
        let name = cog.unwrap_or(word);
        let command = cog.is_none().then(|| self.command_called(word)).flatten();
        if let Some(command) = command {
            return Ok(Subject::Command(command));
        }
        if self.cogs.get(name).is_some() {
            return Ok(Subject::Cog(name.to_owned()));
        }
        // What has a rule may be gone meanwhile.
        let settings = self.current(guild);
        let known = [Subject::Command(key), Subject::Cog(name.to_owned())];
        let known = known.into_iter().find(|it| settings.rule(it).is_some());
        known.ok_or_else(|| self.no_subject(name))
    }

    fn no_subject(&self, name: &str) -> String {
        let given = &quoted(name);
        let sentence = Say::NoSubject { given }.say(self.language);
        let names = self.subjects();
        let names = names.iter().map(String::as_str);
        // A long text is no slip of the finger, and comparing it takes time.
        let is_short = name.chars().count() <= LONGEST_PREFIX;
        match is_short.then(|| nearest(name, names)).flatten() {
            Some(near) => {
                let nearest = &quoted(near);
                format!(
                    "{sentence} {}",
                    Text::DidYouMean { nearest }.say(self.language)
                )
            }
            None => sentence,
        }
    }

    /// The folded name of the command at the root that answers to a word.
    fn command_called(&self, word: &str) -> Option<String> {
        self.cogs.all().iter().find_map(|cog| {
            cog.peek(|status| {
                let mut all = status.offer.commands.iter().map(|it| &it.definition);
                let found = all.find(|it| answers_to(it, word))?;
                Some(name_key(&found.name))
            })
        })
    }

    /// All that can be off: commands, and cogs with `cog:` before their names.
    pub(super) fn subjects(&self) -> Vec<String> {
        let mut names = Vec::new();
        for cog in self.cogs.all().iter().filter(|cog| cog.has_version()) {
            names.push(format!("{COG}{}", cog.name));
            cog.peek(|status| {
                let all = status.offer.commands.iter();
                names.extend(all.map(|it| it.definition.name.clone()));
            });
        }
        names
    }

    /// What has a rule in a server, as it is typed.
    pub(super) fn restricted(&self, guild: u64, is_meant: impl Fn(&Rule) -> bool) -> Vec<String> {
        let settings = self.current(guild);
        let rules = settings.rules().filter(|(_, rule)| is_meant(rule));
        let names = rules.map(|(subject, _)| match subject {
            Subject::Command(name) => name.clone(),
            Subject::Cog(name) => format!("{COG}{name}"),
        });
        names.collect()
    }
}

/// The first word, and what follows it.
fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    match text.split_once(char::is_whitespace) {
        Some((first, rest)) => (first, rest.trim()),
        None => (text, ""),
    }
}

/// A name, which may have spaces, and the channels and roles behind it.
fn split_places(text: &str) -> (&str, &str) {
    let mut rest = text.trim_end();
    while let Some((before, last)) = rest.rsplit_once(char::is_whitespace) {
        let is_place = last.starts_with(['<', '#', '@']) || digits(last).is_some();
        if !is_place {
            break;
        }
        rest = before.trim_end();
    }
    text.split_at(rest.len())
}

/// A text without the quotes around it, which keep a space at its end.
fn unquoted(text: &str) -> &str {
    let inner = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    inner.unwrap_or(text)
}

/// The id in a mention that begins like this.
fn inside<'a>(word: &'a str, start: &str) -> Option<&'a str> {
    let id = word.strip_prefix(start)?.strip_suffix('>')?;
    digits(id)
}

fn digits(word: &str) -> Option<&str> {
    let is_id = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    is_id.then_some(word)
}

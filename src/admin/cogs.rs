//! `!cogs`, `!load`, `!unload`, `!help`.

use super::help_pages::Help;
use super::seen::commands_for;
use super::text::Say;
use super::{AdminCall, Answering, code_block, status};
use crate::cogs::caller::Caller;
use crate::cogs::host::ADMIN_COMMANDS;
use crate::commands::definition::{CommandDefinition, CommandKind};
use crate::commands::help::{self, CommandView};
use crate::commands::name_key::name_key;
use crate::commands::pages;
use crate::commands::parse::{after_prefix, answers_to};
use crate::reload::controller::{Ask, Refused, meant};
use crate::reload::report::{CogOutcome, Outcome};

impl Answering {
    /// Answers `!cogs` and `!cogs <name>`, each with the number of a page behind it.
    pub(super) fn list_cogs(&self, arguments: &str) -> String {
        let is_name = self.cogs.get(arguments).is_some();
        let (name, page) = if is_name {
            (arguments, 1)
        } else {
            pages::asked(arguments)
        };
        let text = if name.is_empty() {
            self.all_cogs()
        } else {
            self.show_cog(name)
        };
        let command = if self.is_slash && !name.is_empty() {
            self.paged(&format!("cogs name:{name}"))
        } else {
            self.paged(&format!("cogs {name}"))
        };
        pages::page(&text, page, &command, self.language)
    }

    fn all_cogs(&self) -> String {
        if self.cogs.all().is_empty() {
            return Say::NoCogs {}.say(self.language);
        }
        code_block(&status::cog_lines(&self.cogs, None, self.language))
    }

    fn show_cog(&self, asked: &str) -> String {
        let language = self.language;
        let all = self.cogs.all();
        let names = all.iter().map(|cog| &*cog.name);
        let found = meant(asked, |name| self.cogs.get(name).is_some(), names);
        match found.map(|name| self.cogs.get(&name)) {
            Ok(Some(cog)) => status::cog_details(&self.cogs, &cog, &self.shown_prefix(), language),
            Ok(None) => self.tell(Err(Refused::unknown(asked, None))),
            Err(refused) => self.tell(Err(refused)),
        }
    }

    /// Answers `!load <name>`.
    pub(super) async fn load(&self, call: &AdminCall, name: &str) -> String {
        let language = self.language;
        if name.is_empty() {
            let command = &format!("{}load", self.shown_prefix());
            return Say::NeedsName { command }.say(language);
        }
        let result = self.reload.ask(call.asks(Ask::Load(name.to_owned()))).await;
        match &result {
            Ok(Some(report)) if report.outcome == Outcome::Applied => {
                let cog = report.cogs.first().map_or(name, |cog| cog.name.as_str());
                Say::Loaded { cog }.say(language)
            }
            _ => self.tell(result),
        }
    }

    /// Answers `!unload <name>`.
    pub(super) async fn unload(&self, name: &str) -> String {
        let language = self.language;
        if name.is_empty() {
            let command = &format!("{}unload", self.shown_prefix());
            return Say::NeedsName { command }.say(language);
        }
        let result = self.reload.ask(Ask::Unload(name.to_owned())).await;
        match &result {
            Ok(Some(report)) => {
                let unloaded = report
                    .cogs
                    .iter()
                    .find(|cog| cog.outcome == CogOutcome::Unloaded);
                let cog = unloaded.map_or(name, |cog| cog.name.as_str());
                Say::Unloaded { cog }.say(language)
            }
            Ok(None) => Say::NotRunning {
                cog: &name.replace('`', "'"),
            }
            .say(language),
            Err(_) => self.tell(result),
        }
    }

    /// Answers `!help` and `!help <command>`, each with the number of a page behind it, for everybody.
    pub(super) fn help(&self, call: &AdminCall) -> Help {
        let arguments = call.arguments.as_str();
        let language = self.language;
        let (prefix, shown) = (&self.prefix, &self.shown_prefix());
        let first = arguments.split_whitespace().next().unwrap_or_default();
        let first = name_key(after_prefix(first, prefix).unwrap_or(first));
        if first == "settings" {
            return self.usage().into();
        }
        if ADMIN_COMMANDS.contains(&first.as_str()) {
            return Say::HelpForAdmins { prefix: shown }.say(language).into();
        }
        let settings = self.cogs.services.guilds.of(call.guild_id.as_deref());
        let settings = settings.unwrap_or_default();
        let asking = call.caller();
        let caller = Caller {
            services: &self.cogs.services,
            call: &asking,
            interaction: call.form.interaction().map(|it| &**it),
            language,
        };
        let all = self.cogs.all().into_iter();
        let cogs: Vec<(String, Vec<CommandDefinition>)> = all
            .filter(|cog| cog.has_version())
            .map(|cog| {
                let guild = call.guild_id.as_deref().and_then(|it| it.parse().ok());
                let commands = cog.peek_in(guild, |offer| commands_for(offer, &caller));
                (cog.name.to_string(), commands)
            })
            .collect();
        let views: Vec<CommandView<'_>> = cogs
            .iter()
            .flat_map(|(cog, commands)| {
                let settings = &settings;
                // What the server has switched off is not there.
                let commands = commands
                    .iter()
                    .filter(move |it| !settings.is_off(&name_key(&it.name), cog));
                commands.map(move |definition| CommandView { definition, cog })
            })
            .collect();
        let pages = help::overview_pages(&views, prefix, language).len().max(1);
        if arguments.is_empty() {
            let mut text = help::overview(&views, prefix, 1, language);
            // Others could not use them.
            if self.cogs.services.is_admin(&call.author_id) {
                let more = Say::HelpForAdmins { prefix: shown }.say(language);
                text = format!("{text}\n{more}");
            }
            return Help {
                text,
                page: 1,
                pages,
            };
        }
        let (asked, page) = crate::commands::pages::asked(arguments);
        // A command may be called `2`: with the prefix before it, it is the command in any case.
        let is_page = asked.is_empty() && pages > 1;
        if is_page || (asked.is_empty() && find(&views, arguments).is_none()) {
            return Help {
                text: help::overview(&views, prefix, page, language),
                page: page.clamp(1, pages),
                pages,
            };
        }
        // A number may be the name of a subcommand.
        let calls = [(arguments, 1), (asked, page)];
        let calls = calls.into_iter().flat_map(|(words, page)| {
            let without = after_prefix(words, prefix).unwrap_or(words);
            [(words, page), (without, page)]
        });
        let mut found = calls.filter_map(|(words, page)| Some((find(&views, words)?, page)));
        if let Some((path, page)) = found.next() {
            return help::help_for(&path, prefix, page, language).into();
        }
        let asked = after_prefix(asked, prefix).unwrap_or(asked);
        let known = views.iter().map(|view| view.definition);
        let known = known.filter(|it| it.kind == CommandKind::Chat && !it.hidden);
        let known = known.map(|it| it.name.as_str());
        help::unknown_command(asked, known, prefix, language).into()
    }
}

/// The command that the words lead to, with the groups around it.
fn find<'a>(views: &[CommandView<'a>], words: &str) -> Option<Vec<&'a CommandDefinition>> {
    // What is in a context menu has all of the words in its name.
    let key = name_key(words);
    let mut roots = views.iter().map(|view| view.definition);
    let in_menu = roots
        .clone()
        .find(|it| it.kind != CommandKind::Chat && name_key(&it.name) == key);
    let mut words = words.split_whitespace();
    let first = words.next()?;
    let typed = roots.find(|it| it.kind == CommandKind::Chat && answers_to(it, first));
    let Some(root) = typed else {
        return in_menu.map(|it| vec![it]);
    };
    let mut path = vec![root];
    for word in words {
        let group = path.last()?;
        match group.subcommands.iter().find(|it| answers_to(it, word)) {
            Some(below) => path.push(below),
            None => return in_menu.map(|it| vec![it]),
        }
    }
    Some(path)
}

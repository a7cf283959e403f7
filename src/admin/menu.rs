//! The menu below `!settings`: what can be set by clicks.
//!
//! ```text
//! language    a menu                  cogsmith:settings:language
//! off         menus of 25 each, with  cogsmith:settings:off:PAGE, cogsmith:settings:page:PAGE
//! prefix      a button, then a form   cogsmith:settings:prefix
//! reset       a button, then another  cogsmith:settings:ask, cogsmith:settings:reset
//! ```

use super::settings::RESET;
use super::text::Say;
use super::{AdminCall, Answering, cut};
use crate::commands::text::Language;
use crate::guild_settings::{LONGEST_PREFIX, MOST_RULES, Rule, Settings, Subject};
use crate::json::JsonRef;
use serenity::builder::{
    CreateActionRow, CreateButton, CreateInputText, CreateInteractionResponse,
    CreateInteractionResponseMessage, CreateModal, CreateSelectMenu, CreateSelectMenuKind,
    CreateSelectMenuOption,
};
use serenity::model::application::{ButtonStyle, InputTextStyle};

/// What the ids of its components begin with.
const PART: &str = "cogsmith:settings:";

/// Discord's limits: options of a menu, and characters of one.
const MOST_OPTIONS: usize = 25;
const LONGEST_OPTION: usize = 100;

/// Whether a component or a form is the bot's own.
pub(super) fn is_own(id: &str) -> bool {
    id.starts_with(PART)
}

impl Answering {
    /// The components below the settings.
    pub(super) fn menu(&self, guild: u64, page: usize) -> Vec<CreateActionRow> {
        let settings = self.current(guild);
        let mut subjects = self.subjects();
        subjects.retain(|name| name.chars().count() <= LONGEST_OPTION);
        let pages: Vec<&[String]> = subjects.chunks(MOST_OPTIONS).collect();
        let page = page.clamp(1, pages.len().max(1));
        let mut rows = vec![self.languages(&settings)];
        if let Some(shown) = pages.get(page - 1) {
            rows.push(self.switches(guild, &settings, page, shown));
        }
        rows.push(self.buttons(page, pages.len()));
        rows
    }

    fn languages(&self, settings: &Settings) -> CreateActionRow {
        let configured = self.cogs.services.config.load().bot.locale.code();
        let configured = Language::of_locale(configured).own_name();
        let as_configured = Say::AsConfigured { value: configured }.say(self.language);
        let of = |language: Language| {
            CreateSelectMenuOption::new(language.own_name(), language.code())
                .default_selection(settings.language == Some(language))
        };
        let options = vec![
            of(Language::English),
            of(Language::Indonesian),
            CreateSelectMenuOption::new(as_configured, RESET)
                .default_selection(settings.language.is_none()),
        ];
        let kind = CreateSelectMenuKind::String { options };
        let menu = CreateSelectMenu::new(format!("{PART}language"), kind);
        CreateActionRow::SelectMenu(menu)
    }

    /// What is chosen is off.
    fn switches(
        &self,
        guild: u64,
        settings: &Settings,
        page: usize,
        shown: &[String],
    ) -> CreateActionRow {
        let options = shown.iter().map(|name| {
            let subject = self.subject(guild, name).ok();
            let rule = subject.and_then(|subject| settings.rule(&subject));
            let option = CreateSelectMenuOption::new(name, name);
            let option = match rule {
                Some(Rule::Limited { .. }) => {
                    option.description(Say::HasLimits {}.say(self.language))
                }
                _ => option,
            };
            option.default_selection(rule == Some(&Rule::Off))
        });
        let options = options.collect();
        let most = u8::try_from(shown.len()).unwrap_or(u8::MAX);
        let kind = CreateSelectMenuKind::String { options };
        let menu = CreateSelectMenu::new(format!("{PART}off:{page}"), kind)
            .placeholder(Say::NothingOff {}.say(self.language))
            .min_values(0)
            .max_values(most);
        CreateActionRow::SelectMenu(menu)
    }

    fn buttons(&self, page: usize, pages: usize) -> CreateActionRow {
        let button = |id: String, label: Say<'_>| {
            CreateButton::new(format!("{PART}{id}"))
                .label(label.say(self.language))
                .style(ButtonStyle::Secondary)
        };
        let mut buttons = vec![
            button("prefix".to_owned(), Say::ButtonPrefix {}),
            button("ask".to_owned(), Say::ButtonReset {}),
        ];
        if pages > 1 {
            let back = if page > 1 { page - 1 } else { pages };
            let next = if page < pages { page + 1 } else { 1 };
            // Two buttons of one id are refused.
            if back != next {
                buttons.push(button(format!("page:{back}"), Say::ButtonBack {}));
            }
            buttons.push(button(format!("page:{next}"), Say::ButtonNext {}));
        }
        CreateActionRow::Buttons(buttons)
    }

    /// What a click in the menu, or the form of the prefix, leads to.
    pub(super) async fn clicked(
        &self,
        call: &AdminCall,
        data: JsonRef<'_>,
        message: JsonRef<'_>,
    ) -> CreateInteractionResponse {
        let guild = match self.guild_to_manage(call).await {
            Ok(guild) => guild,
            Err(refusal) => return told(refusal),
        };
        let id = data.str("custom_id").unwrap_or_default();
        let id = id.strip_prefix(PART).unwrap_or_default();
        let (action, rest) = id.split_once(':').unwrap_or((id, ""));
        let page = rest.parse().unwrap_or(1);
        match action {
            "language" => {
                let chosen = data.list("values").next().and_then(JsonRef::as_str);
                let done = self.set_language(guild, chosen.unwrap_or_default());
                let done = done.await;
                self.shown_again(call, guild, page, Some(done))
            }
            "off" => {
                let refusal = self.switch_all(guild, data, message).await;
                self.shown_again(call, guild, page, refusal)
            }
            "prefix" if data.get("components").is_some() => {
                let done = self.set_prefix(guild, entered(data)).await;
                self.shown_again(call, guild, page, Some(done))
            }
            "prefix" => self.form(guild),
            "ask" => self.question(),
            "reset" => {
                let done = self.reset(guild, "all").await;
                self.shown_again(call, guild, page, Some(done))
            }
            _ => self.shown_again(call, guild, page, None),
        }
    }

    /// The settings as they are now, in place of those before, with what was done below them.
    fn shown_again(
        &self,
        call: &AdminCall,
        guild: u64,
        page: usize,
        done: Option<String>,
    ) -> CreateInteractionResponse {
        // The language may have changed.
        let now = self.again(call);
        let text = now.show_settings(guild, 1);
        let text = match done {
            Some(done) => format!("{text}\n\n{done}"),
            None => text,
        };
        let message = CreateInteractionResponseMessage::new()
            .content(cut(&text))
            .components(now.menu(guild, page));
        CreateInteractionResponse::UpdateMessage(message)
    }

    /// Switches what the menu shows: what is chosen is off, and the rest of it is not. Returns what was not done.
    async fn switch_all(
        &self,
        guild: u64,
        data: JsonRef<'_>,
        message: JsonRef<'_>,
    ) -> Option<String> {
        let chosen: Vec<&str> = data.list("values").filter_map(JsonRef::as_str).collect();
        let id = data.str("custom_id").unwrap_or_default();
        let settings = self.current(guild);
        let mut count = settings.rules().count();
        let mut changes: Vec<(Subject, Option<Rule>)> = Vec::new();
        let mut refusal = None;
        for name in offered(message, id) {
            let Ok(subject) = self.subject(guild, name) else {
                continue;
            };
            let rule = settings.rule(&subject);
            match (chosen.contains(&name), rule) {
                (true, Some(Rule::Off)) | (false, None | Some(Rule::Limited { .. })) => {}
                (false, Some(Rule::Off)) => changes.push((subject, None)),
                (true, None) if count >= MOST_RULES => refusal = Some(self.too_many()),
                (true, _) => {
                    count += usize::from(rule.is_none());
                    changes.push((subject, Some(Rule::Off)));
                }
            }
        }
        let change = |settings: &mut Settings| {
            for (subject, rule) in changes {
                settings.set(subject, rule);
            }
        };
        match self.cogs.services.guilds.change(guild, change).await {
            Ok(()) => refusal,
            Err(error) => Some(self.not_stored(guild, &error)),
        }
    }

    fn form(&self, guild: u64) -> CreateInteractionResponse {
        let label = Say::AboutPrefix {}.say(self.language);
        let most = u16::try_from(LONGEST_PREFIX).unwrap_or(u16::MAX);
        let settings = self.current(guild);
        let input = CreateInputText::new(InputTextStyle::Short, label, "prefix")
            .max_length(most)
            .required(false);
        let input = match &settings.prefix {
            Some(prefix) => input.value(prefix),
            None => input,
        };
        let title = Say::ButtonPrefix {}.say(self.language);
        let modal = CreateModal::new(format!("{PART}prefix"), title)
            .components(vec![CreateActionRow::InputText(input)]);
        CreateInteractionResponse::Modal(modal)
    }

    /// Asks whether all of it is meant.
    fn question(&self) -> CreateInteractionResponse {
        let button = |id: &str, label: Say<'_>, style| {
            CreateButton::new(format!("{PART}{id}"))
                .label(label.say(self.language))
                .style(style)
        };
        let buttons = vec![
            button("reset", Say::ButtonReset {}, ButtonStyle::Danger),
            button("page:1", Say::ButtonBack {}, ButtonStyle::Secondary),
        ];
        let message = CreateInteractionResponseMessage::new()
            .content(Say::AskReset {}.say(self.language))
            .components(vec![CreateActionRow::Buttons(buttons)]);
        CreateInteractionResponse::UpdateMessage(message)
    }
}

/// A sentence for who has clicked alone.
pub(super) fn told(text: String) -> CreateInteractionResponse {
    let message = CreateInteractionResponseMessage::new()
        .content(text)
        .ephemeral(true);
    CreateInteractionResponse::Message(message)
}

/// The values that a menu of a message offers. They are what its user has seen, whatever there is now.
fn offered<'a>(message: JsonRef<'a>, id: &str) -> Vec<&'a str> {
    let rows = message.list("components");
    let mut components = rows.flat_map(|row| row.list("components"));
    let menu = components.find(|it| it.str("custom_id") == Some(id));
    let options = menu.unwrap_or(JsonRef::NULL).list("options");
    options.filter_map(|it| it.str("value")).collect()
}

/// What was entered into the form.
fn entered(data: JsonRef<'_>) -> &str {
    let rows = data.list("components");
    let mut inputs = rows.flat_map(|row| row.list("components"));
    let text = inputs.find_map(|it| it.str("value")).unwrap_or_default();
    // Nothing is as if nothing were set.
    if text.is_empty() { RESET } else { text }
}

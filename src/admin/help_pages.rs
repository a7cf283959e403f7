//! The buttons below `!help`, which turn its pages: `cogsmith:help:USER:PAGE`. The list is what one user may call, so
//! that nobody else can turn them.

use super::text::Say;
use super::{AdminCall, Answering, cut, menu};
use crate::json::JsonRef;
use serenity::builder::{
    CreateActionRow, CreateButton, CreateInteractionResponse, CreateInteractionResponseMessage,
};
use serenity::model::application::ButtonStyle;

/// What the ids of its components begin with.
const PART: &str = "cogsmith:help:";

/// Whether a component is one of these.
pub(super) fn is_own(id: &str) -> bool {
    id.starts_with(PART)
}

/// What `!help` says, and which page of how many it is.
pub(super) struct Help {
    pub(super) text: String,
    pub(super) page: usize,
    pub(super) pages: usize,
}

impl From<String> for Help {
    /// All of it is on one page.
    fn from(text: String) -> Self {
        Self {
            text,
            page: 1,
            pages: 1,
        }
    }
}

impl Answering {
    /// The buttons that lead to the pages before and behind; nothing if there are none.
    pub(super) fn turning(&self, call: &AdminCall, help: &Help) -> Vec<CreateActionRow> {
        let user = &call.author_id;
        let button = |page: usize, label: Say<'_>| {
            CreateButton::new(format!("{PART}{user}:{page}"))
                .label(label.say(self.language))
                .style(ButtonStyle::Secondary)
        };
        let back = (help.page > 1).then(|| button(help.page - 1, Say::ButtonBack {}));
        let next = (help.page < help.pages).then(|| button(help.page + 1, Say::ButtonNext {}));
        let buttons: Vec<CreateButton> = back.into_iter().chain(next).collect();
        if buttons.is_empty() {
            return Vec::new();
        }
        vec![CreateActionRow::Buttons(buttons)]
    }

    /// The page that a click leads to, in place of the one before.
    pub(super) fn turned(&self, call: &AdminCall, data: JsonRef<'_>) -> CreateInteractionResponse {
        let id = data.str("custom_id").unwrap_or_default();
        let id = id.strip_prefix(PART).unwrap_or_default();
        let (user, page) = id.split_once(':').unwrap_or_default();
        if user != call.author_id {
            return menu::told(Say::NotYourHelp {}.say(self.language));
        }
        let page: usize = page.parse().unwrap_or(1);
        let call = AdminCall {
            arguments: if page > 1 {
                page.to_string()
            } else {
                String::new()
            },
            ..call.clone()
        };
        let help = self.help(&call);
        let message = CreateInteractionResponseMessage::new()
            .content(cut(&help.text))
            .components(self.turning(&call, &help));
        CreateInteractionResponse::UpdateMessage(message)
    }
}

//! Tells whoever has reloaded a cog in chat what the guard has found of it, and done about it.

use super::text::Say;
use super::{DEADLINE, cut, respond};
use crate::api::locale::{language, locale_in, locale_of};
use crate::api::services::Services;
use crate::commands::escape::{in_code, inside_code};
use crate::commands::text::Language;
use crate::discord::operation;
use crate::guard::{Action, Alarm, Finding, HandlerKind, Notice, Why};
use crate::host_tasks::{self, Task};
use crate::reload::controller::{Asker, Reload, Told};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// For so long an interaction can be followed up. Discord takes a quarter of an hour; what is sent last must arrive.
const FOLLOWED_UP: Duration = Duration::from_secs(14 * 60);

/// The task that tells them.
pub struct Teller {
    services: Arc<Services>,
    reload: Reload,
    /// What is being told. It is told also if that has failed once.
    current: Option<Told>,
}

impl Teller {
    /// Tells what hot reload has to tell.
    pub fn new(services: &Arc<Services>, reload: &Reload) -> Self {
        Self {
            services: Arc::clone(services),
            reload: reload.clone(),
            current: None,
        }
    }

    /// Runs until the bot ends.
    pub async fn tell(&mut self) {
        loop {
            if self.current.is_none() {
                self.current = self.reload.told.lock().await.recv().await;
            }
            let Some((notice, asker, _)) = &self.current else {
                return;
            };
            let (notice, asker) = (Arc::clone(notice), Arc::clone(asker));
            host_tasks::point(Task::Guard);
            self.send(&notice, &asker).await;
            self.current = None;
        }
    }

    async fn send(&self, notice: &Notice, asker: &Asker) {
        let services = &*self.services;
        let interaction = asker.interaction.as_deref();
        let interaction = interaction.filter(|it| it.age(services) < FOLLOWED_UP);
        if let Some(interaction) = interaction {
            let locale = locale_of(services, interaction.event());
            let text = text(notice, "/", language(services, &locale));
            return respond(services, interaction, &text, Vec::new()).await;
        }
        let guild = asker.guild_id.as_deref();
        let prefix = inside_code(&services.prefix_in(guild));
        let language = language(services, &locale_in(services, guild));
        let text = format!("<@{}> {}", asker.user_id, text(notice, &prefix, language));
        let Some(operation) = operation("create_message") else {
            return;
        };
        let body = json!({
            "channel_id": asker.channel_id,
            "content": cut(&text),
            "allowed_mentions": { "users": [asker.user_id] },
        });
        if let Err(error) = services.outbound.call(operation, body, DEADLINE).await {
            tracing::warn!(%error, cog = %notice.cog, "Who has reloaded a cog could not be told that it does worse than before");
        }
    }
}

/// A notice in the words of the chat.
fn text(notice: &Notice, prefix: &str, language: Language) -> String {
    let cog = &inside_code(&notice.cog);
    let alarm = &notice.alarm;
    let mut lines = vec![match &notice.action {
        Action::Undone(number) => {
            let number = &number.to_string();
            Say::GuardUndid { cog, number }.say(language)
        }
        Action::Warned(_) | Action::Refused(_) => Say::GuardWarns { cog }.say(language),
    }];
    lines.push(found(alarm, language));
    if let Some(error) = &alarm.error {
        let error = &shown(error);
        lines.push(Say::GuardError { error }.say(language));
    }
    lines.push(match &notice.action {
        Action::Undone(_) => Say::GuardUndidHint { cog, prefix }.say(language),
        Action::Warned(Why::Configured) => Say::GuardHint { cog, prefix }.say(language),
        Action::Warned(Why::IsEarlier) => Say::GuardIsEarlier { cog, prefix }.say(language),
        Action::Warned(Why::OnlyOnce) => Say::GuardOnlyOnce { cog, prefix }.say(language),
        Action::Refused(why) => {
            let why = &shown(why);
            Say::GuardRefused { cog, why, prefix }.say(language)
        }
    });
    lines.join("\n")
}

/// What was found.
fn found(alarm: &Alarm, language: Language) -> String {
    let handler = alarm.handler.as_ref().map(|handler| {
        let name = &shown(&handler.name);
        match handler.kind {
            HandlerKind::Command => Say::TheCommand { name },
            HandlerKind::Event => Say::TheEvent { name },
            HandlerKind::Component => Say::TheComponent { name },
            HandlerKind::Modal => Say::TheModal { name },
            HandlerKind::Timer => Say::TheTimer { name },
            HandlerKind::Job => Say::TheJob { name },
        }
        .say(language)
    });
    match alarm.finding {
        Finding::Handler(it) => Say::HandlerBroke {
            handler: &handler.unwrap_or_default(),
            failures: &it.now.failures.to_string(),
            calls: &it.now.calls.to_string(),
            before: &it.before.calls.to_string(),
        }
        .say(language),
        Finding::Failures(it) => {
            let failures = &it.now.failures.to_string();
            let before = &it.worst_before.to_string();
            match &handler {
                Some(handler) => Say::FailsMoreIn {
                    failures,
                    before,
                    handler,
                }
                .say(language),
                None => Say::FailsMore { failures, before }.say(language),
            }
        }
        Finding::Limits(_) => {
            let limit = alarm.limit.unwrap_or_default();
            Say::NewLimit { limit }.say(language)
        }
    }
}

/// Characters of an error that are shown.
const LONGEST: usize = 300;

/// Strangers' text as inline code.
fn shown(text: &str) -> String {
    let text: String = text.chars().filter_map(in_code).take(LONGEST).collect();
    format!("`{text}`")
}
